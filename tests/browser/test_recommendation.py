"""The page Recommendation in a browser: above the fold, narrow, its downloads and links."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from core.recommendation.files import find_assessments, load_assessment
from core.systems.yaml_files import read_systems
from core.workspace import Workspace
from tests.support.app import AppServer
from tests.support.browser import settle

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_examples_open_and_the_system_downloads_and_the_ladder_scrolls(app: AppServer, page: Page) -> None:
    store = Workspace(app.workspace)
    assessment = load_assessment(next(iter(find_assessments("labelled", store))), store)
    said = assessment.recommendation
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{app.url}/recommendation?dataset=labelled")
    page.locator(".st-key-ladder .main-svg").first.wait_for()
    settle(page)
    report = page.get_by_role("button", name="Download report").bounding_box()
    assert report is not None and report["y"] + report["height"] <= 800  # all of it above the fold
    with page.expect_download() as download:
        page.get_by_role("button", name="System (YAML)").click()
    text = Path(download.value.path()).read_text(encoding="utf-8")
    assert list(read_systems(text)) == [said.system]

    page.set_viewport_size({"width": 420, "height": 800})
    settle(page)
    width = page.evaluate("[document.documentElement.scrollWidth, document.querySelector('.st-key-ladder').scrollWidth]")
    assert width[0] <= 420 < width[1]  # the ladder scrolls, the page does not

    page.set_viewport_size({"width": 1280, "height": 800})
    settle(page)
    page.get_by_role("button", name="Compare the hits").first.click()
    page.wait_for_url("**/queries?**")
    asked = parse_qs(urlsplit(page.url).query)
    assert asked["query"] == [said.fixes[0]]
    assert asked["systems"] == [f"{assessment.analysis.baseline},{said.system}"]
