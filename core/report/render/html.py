"""The report as one HTML file that opens anywhere: nothing is fetched, and no text of the data is ever executed."""

from __future__ import annotations

import base64
import hashlib
import html
import importlib.metadata
import json
import math
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from core.data.dataset import Dataset
from core.errors import InputError
from core.recommendation.assess import Assessment
from core.report.outline import blocks
from core.report.outline.outline import make_outline

_FOLDER = Path(__file__).resolve().parent
_PLOTLY = "plotly/package_data/plotly.min.js"
_WIDE = 5  # columns from which a table is scrolled on a narrow screen rather than squeezed
_KINDS = {"python": "text/x-python", "yaml": "application/yaml", "sh": "text/x-shellscript"}


def render_report(assessment: Assessment, dataset: Dataset) -> str:
    """The whole report as HTML. The same assessment gives the same bytes (on one machine, with the same packages).

    The page's own policy forbids it to fetch anything, and to run any script but the two that are written into it.
    """
    outline = make_outline(assessment, dataset)
    figures: list[dict[str, Any]] = []
    body = "".join(_draw_section(section, figures) for section in outline.sections)
    links = "".join(
        f'<a href="#{section.name}">{escape(section.title)}</a> ' for section in outline.sections if section.name != "verdict"
    )
    first, rest = body.split("</section>", 1)
    scripts = [read_plotly(), (_FOLDER / "report.js").read_text(encoding="utf-8")]
    allowed = " ".join(f"'sha256-{_hash(script)}'" for script in scripts)
    policy = (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; "
        "form-action 'none'"
    )
    return "".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            f"<title>{escape(outline.title)}</title>\n",
            f"<style>\n{(_FOLDER / 'report.css').read_text(encoding='utf-8')}</style>\n</head>\n<body>\n<main>\n",
            f'<h1>{escape(outline.title)}</h1>\n<p class="subtitle">{escape(outline.subtitle)}</p>\n',
            f"{first}</section>\n<nav>{links}</nav>\n{rest}",
            "<noscript><p>The charts need JavaScript; the tables have the same numbers.</p></noscript>\n</main>\n",
            f'<script type="application/json" id="figures">{write_json(figures)}</script>\n',
            *(f"<script>{script}</script>\n" for script in scripts),
            "</body>\n</html>\n",
        ]
    )


def write_report(assessment: Assessment, dataset: Dataset, path: str | Path) -> None:
    """Writes render_report() to a file. InputError if it cannot be written there."""
    text, file = render_report(assessment, dataset), Path(path)
    try:
        file.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror}); choose another place for the report", file=file) from error


def read_plotly() -> str:
    """The text of plotly.js from the installed package, which need not be imported for that.

    Raises InputError if the package is not there, or no longer brings the file along.
    """
    try:
        file = Path(str(importlib.metadata.distribution("plotly").locate_file(_PLOTLY)))
        script = file.read_text(encoding="utf-8")
    except (importlib.metadata.PackageNotFoundError, OSError) as error:
        raise InputError(
            "The charts of a report are drawn by plotly.js, and the package plotly does not have it here; install it with "
            "pip install -r requirements.txt"
        ) from error
    if "</script" in script.lower() or "<!--" in script:
        raise InputError("The plotly.js that is installed cannot stand inside a page; install the version in requirements.txt")
    return script


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")


def escape(text: object) -> str:
    """Text as HTML: shown, never executed. Half characters, which no file can hold, become U+FFFD."""
    return html.escape(str(text).encode("utf-8", "replace").decode("utf-8"), quote=True)


def write_json(value: Any) -> str:
    """JSON that may stand inside a script element: no < can end it. NaN and infinity become null."""
    text = json.dumps(_plain(value), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _draw_section(section: blocks.Section, figures: list[dict[str, Any]]) -> str:
    parts = "".join(_draw_block(block, figures) for block in section.blocks)
    return f'<section id="{section.name}">\n<h2>{escape(section.title)}</h2>\n{parts}</section>\n'


def _draw_block(block: blocks.Block, figures: list[dict[str, Any]]) -> str:
    draw: dict[type, Callable[[Any], str]] = {
        blocks.Text: _draw_text,
        blocks.Fact: lambda fact: f'<p class="fact"><b>{escape(fact.name)}</b> {escape(fact.text)}</p>\n',
        blocks.Bullets: _draw_bullets,
        blocks.Terms: _draw_terms,
        blocks.Table: _draw_table,
        blocks.Chart: partial(_draw_chart, figures=figures),
        blocks.Code: _draw_code,
        blocks.Example: _draw_example,
    }
    return draw[type(block)](block)


def _draw_text(block: blocks.Text) -> str:
    kind = f' class="{block.kind}"' if block.kind else ""
    return f"<p{kind}>{escape(block.text)}</p>\n"


def _draw_bullets(block: blocks.Bullets) -> str:
    tag = "ol" if block.numbered else "ul"
    return f"<{tag}>\n" + "".join(f"<li>{escape(item)}</li>\n" for item in block.items) + f"</{tag}>\n"


def _draw_terms(block: blocks.Terms) -> str:
    return "<dl>\n" + "".join(f"<dt>{escape(term)}</dt><dd>{escape(words)}</dd>\n" for term, words in block.items) + "</dl>\n"


def _draw_table(table: blocks.Table) -> str:
    def draw_cells(cells: tuple[str, ...], tag: str, extra: str = "") -> str:
        kinds = [' class="number"' if column in table.numbers else "" for column in range(len(cells))]
        return "".join(f"<{tag}{extra}{kind}>{escape(cell)}</{tag}>" for cell, kind in zip(cells, kinds, strict=True))

    caption = f"<caption>{escape(table.caption)}</caption>\n" if table.caption else ""
    columns = draw_cells(table.columns, "th", ' scope="col"')
    head = f"<thead><tr>{columns}</tr></thead>\n" if any(table.columns) else ""
    kinds = [' class="marked"' if place in table.marked else "" for place in range(len(table.rows))]
    rows = "".join(f"<tr{kind}>{draw_cells(row, 'td')}</tr>\n" for kind, row in zip(kinds, table.rows, strict=True))
    names = ["small"] * table.small + ["wide"] * (len(table.columns) >= _WIDE)
    kind = f' class="{" ".join(names)}"' if names else ""
    return f'<div class="scroll"><table{kind}>\n{caption}{head}<tbody>\n{rows}</tbody></table></div>\n'


def _draw_chart(chart: blocks.Chart, *, figures: list[dict[str, Any]]) -> str:
    figures.append(chart.figure)
    height = int(chart.figure["layout"].get("height", 320))
    style = f"min-width: {chart.least_width}px; height: {height}px"
    place = f'data-figure="{len(figures) - 1}" role="img" aria-label="{escape(chart.alt)}" style="{style}"'
    return f'<div class="scroll"><div class="chart" {place}></div></div>\n'


def _draw_code(code: blocks.Code) -> str:
    data = base64.b64encode(code.text.encode("utf-8", "replace")).decode("ascii")
    address = f"data:{_KINDS[code.language]};charset=utf-8;base64,{data}"
    link = f'<a class="download" download="{escape(code.file_name)}" href="{address}">Save as {escape(code.file_name)}</a>'
    body = f"<pre><code>{escape(code.text)}</code></pre>\n"
    if not code.folded:
        return f"{body}<p>{link}</p>\n"
    lines = code.text.count("\n")
    return f"<p>{link}</p>\n<details><summary>Its {lines} lines</summary>\n{body}</details>\n"


def _draw_example(example: blocks.Example) -> str:
    parts = [f'<p class="asked">{escape(example.query)}</p>\n<p class="moved">{escape(example.moved)}</p>\n']
    if example.excerpt or example.title:
        title = f"<b>{escape(example.title)}</b>: " if example.excerpt else f"<b>{escape(example.title)}</b>"
        parts.append(f"<blockquote>{title}{_mark(example)}</blockquote>\n")
    if example.remark:
        parts.append(f'<p class="remark">{escape(example.remark)}</p>\n')
    return f'<div class="example">\n{"".join(parts)}</div>\n'


def _mark(example: blocks.Example) -> str:
    text, place, parts = example.excerpt, 0, []
    for start, end in example.marks:
        start = max(start, place)
        if end > start:
            parts += [escape(text[place:start]), f'<mark title="answers the query">{escape(text[start:end])}</mark>']
            place = end
    return "".join([*parts, escape(text[place:])])
