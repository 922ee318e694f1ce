"""The HTML report in a browser: without a network, in both themes, narrow, and printed."""

from __future__ import annotations

import io
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

import pypdf
import pytest

from core.data.dataset import Dataset
from core.recommendation.assess import Assessment
from core.report.render.html import render_report, write_report
from tests.support.assessments import make_assessment
from tests.support.browser import PATIENCE, VIEWPORT
from tests.support.reports import make_hostile

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

DRAWN = "document.querySelectorAll('.chart:not([data-drawn])').length == 0"


@pytest.fixture
def made(workspace: Path) -> tuple[Dataset, Assessment]:
    return make_assessment(workspace)


@pytest.fixture
def hostile(made: tuple[Dataset, Assessment]) -> str:
    assessment, dataset = make_hostile(made[1], made[0])
    return render_report(assessment, dataset)


def test_opens_without_a_network(hostile: str, page: Page, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(hostile, encoding="utf-8")
    asked: list[str] = []
    problems: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: problems.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("dialog", lambda dialog: problems.append(dialog.message))
    page.context.set_offline(True)
    page.goto(file.as_uri())
    page.wait_for_function(DRAWN)
    assert page.locator(".chart .main-svg").count() >= 6
    assert page.locator(".chart .scatterlayer .point, .chart .barlayer .point").count() > 10
    assert asked == [file.as_uri()] and problems == []
    assert page.evaluate("[window.hacked, document.images.length]") == [None, 0]
    # Also a script that slipped in somehow would not run, nor fetch.
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.hacked = 1\">')")
    page.evaluate("const s = document.createElement('script'); s.textContent = 'window.hacked = 1'; document.body.append(s)")
    assert page.evaluate("window.hacked") is None


def test_follows_the_theme_and_the_width(made: tuple[Dataset, Assessment], page: Page, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    write_report(made[1], made[0], file)
    page.set_viewport_size({"width": 420, "height": 800})
    page.goto(file.as_uri())
    page.wait_for_function(DRAWN)
    assert page.evaluate("document.documentElement.scrollWidth") == 420
    measure = """() => {
        const read = (name, of) => getComputedStyle(document.querySelector(name))[of].match(/[0-9]+/g).map(Number)[0];
        return [read("body", "backgroundColor"), read(".chart .xtick text", "fill"), read(".lead", "color")];
    }"""
    paper, chart, ink = page.evaluate(measure)
    assert paper > 200 and chart < 60 and ink < 60
    page.emulate_media(color_scheme="dark")
    paper, chart, ink = page.evaluate(measure)
    assert paper < 60 and chart > 200 and ink > 200
    page.emulate_media(color_scheme="dark", media="print")
    paper, chart, ink = page.evaluate(measure)
    assert paper > 200 and chart < 60 and ink < 60


def test_prints_to_a4(made: tuple[Dataset, Assessment], chromium: Browser, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    write_report(made[1], made[0], file)
    context = chromium.new_context(viewport=VIEWPORT, offline=True)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(file.as_uri())
    page.wait_for_function(DRAWN)
    page.emulate_media(media="print")
    # A4 without its margins; the window keeps its size, so the charts are scaled and not drawn anew.
    page.evaluate("document.body.style.width = '680px'")
    ends = "[...document.querySelectorAll('main, table, pre, .main-svg')].map(e => Math.round(e.getBoundingClientRect().right))"
    assert max(page.evaluate(ends)) == 680
    printed = pypdf.PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True)))
    context.close()
    assert [round(float(side)) for side in printed.pages[0].mediabox[2:]] == [595, 842]  # A4 in points
    # Letters that are printed as one sign, as fi is, become two again.
    first = " ".join(unicodedata.normalize("NFKC", printed.pages[0].extract_text()).split())
    assert " ".join(made[1].recommendation.sentence.split()) in first
