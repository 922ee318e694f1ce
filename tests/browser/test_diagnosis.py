"""The page Diagnosis in a browser: its bars, dots and links lead to queries."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from tests.support.app import AppServer
from tests.support.browser import click_middle, settle

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


def click_left(page: Page, bar: Locator) -> None:
    """A real click near the left end of a bar: Plotly listens on a layer above its bars."""
    bar.scroll_into_view_if_needed()
    settle(page)
    box = bar.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 4, box["y"] + box["height"] / 2)
    page.wait_for_timeout(300)  # Plotly notices what is hovered after a moment, and a click counts for that
    page.mouse.click(box["x"] + 4, box["y"] + box["height"] / 2)


def test_bars_and_links_lead_to_queries(app: AppServer, page: Page) -> None:
    page.goto(f"{app.url}/diagnosis?dataset=labelled")  # a cold deep link
    page.get_by_role("heading", name="dense fails", exact=False).wait_for()
    bars = page.locator(".st-key-chart_causes .barlayer .point path")
    bars.nth(13).wait_for()
    settle(page)
    click_left(page, bars.nth(1))  # metadata: the second bar
    page.wait_for_url("**cause=metadata**")
    settle(page)
    click_left(page, page.locator(".st-key-chart_causes .barlayer .point path").nth(1))  # once more: all are listed again
    page.wait_for_url(lambda url: "cause=" not in url)
    settle(page)
    click_left(page, page.locator(".st-key-chart_causes .barlayer .point path").nth(1))
    page.wait_for_url("**cause=metadata**")
    settle(page)
    link = page.get_by_role("link", name="Open side by side").first
    assert parse_qs(urlsplit(link.get_attribute("href") or "").query)["query"][0].startswith("q-version")
    link.click()
    page.get_by_role("heading", name="Queries", exact=True).wait_for()
    page.locator(".hits section").nth(1).wait_for()
    asked = parse_qs(urlsplit(page.url).query)
    assert asked["query"][0].startswith("q-version") and asked["systems"][0].startswith("dense,dense-filtered")
    while "/diagnosis" not in page.url:  # the page Queries may have completed its own address meanwhile
        page.go_back()
    page.get_by_role("heading", name="dense fails", exact=False).wait_for()
    assert "cause=metadata" in page.url


def test_a_dot_lists_the_queries_of_its_kind(app: AppServer, page: Page) -> None:
    page.goto(f"{app.url}/diagnosis?dataset=labelled")
    dots = page.locator(".st-key-chart_slices .scatterlayer .point")
    dots.first.wait_for()
    click_middle(page, dots.first)
    page.wait_for_url("**slice=identifiers**")
    settle(page)
    page.get_by_text("Select a row to open the query", exact=False).wait_for()
