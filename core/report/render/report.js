"use strict";
const figures = JSON.parse(document.getElementById("figures").textContent);

// With a viewBox the drawing can be scaled when the page is printed.
function frame(chart) {
  for (const drawing of chart.querySelectorAll(".main-svg")) {
    const width = drawing.getAttribute("width"), height = drawing.getAttribute("height");
    drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
    chart.style.setProperty("--shape", `${width} / ${height}`);
  }
}

for (const chart of document.querySelectorAll(".chart")) {
  const figure = figures[chart.dataset.figure];
  const clear = { paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", dragmode: false };
  const font = { family: getComputedStyle(document.body).fontFamily };
  const options = { displaylogo: false, responsive: true, displayModeBar: false };
  Plotly.newPlot(chart, figure.data, { ...figure.layout, ...clear, font }, options).then(() => {
    frame(chart);
    chart.on("plotly_afterplot", () => frame(chart));
    chart.dataset.drawn = "true";
  });
}
