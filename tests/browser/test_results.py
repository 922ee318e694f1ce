"""The page Results in a browser: bars and rows lead to queries."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from tests.support.app import AppServer
from tests.support.browser import click_middle, settle
from tests.support.small import FILTER_HELPS_QUERY

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

ROW_HEIGHT = 35  # of a Streamlit table, in pixels


def select_first_row(page: Page, table: Locator) -> None:
    """Ticks the box of a table's first row; the table is a canvas, so only places can be clicked."""
    table.locator("canvas").first.wait_for()
    table.scroll_into_view_if_needed()
    settle(page)
    box = table.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 18, box["y"] + 1.5 * ROW_HEIGHT)


def test_bar_opens_its_query(app: AppServer, page: Page) -> None:
    page.goto(f"{app.url}/results?dataset=small&question=Where+do+two+systems+differ%3F")
    bars = page.get_by_test_id("stPlotlyChart").locator(".bars .point path")
    bars.first.wait_for()
    assert bars.count() == 2  # one query each way, the gain of filtering first
    settle(page)
    bars.first.scroll_into_view_if_needed()
    click_middle(page, bars.first)
    page.wait_for_url("**/queries?**")
    asked = parse_qs(urlsplit(page.url).query)
    assert asked["query"] == [FILTER_HELPS_QUERY]
    assert asked["systems"] == ["bm25-filtered,bm25"]
    page.get_by_role("heading", name="Queries").first.wait_for()


def test_row_offers_its_queries_and_a_query_opens(app: AppServer, page: Page) -> None:
    page.goto(f"{app.url}/results?dataset=small")
    select_first_row(page, page.get_by_role("region", name="Leaderboard of 2 systems"))
    page.get_by_text("All (7)").click()
    page.get_by_role("region", name="Queries of bm25: All (7).").wait_for()
    page.get_by_text("Worse than bm25-filtered (1)").click()
    select_first_row(page, page.get_by_role("region", name="Queries of bm25: Worse than bm25-filtered (1)."))
    page.wait_for_url("**/queries?**")
    assert parse_qs(urlsplit(page.url).query)["query"] == [FILTER_HELPS_QUERY]
