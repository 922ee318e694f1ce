"""The page Queries in a browser: keys, rows, back, cards."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from tests.support.app import AppServer
from tests.support.browser import settle
from tests.support.small import FILTER_HELPS_QUERY, FILTERED_AWAY_QUERY, HOSTILE_QUERY

if TYPE_CHECKING:
    from playwright.sync_api import Page


def get_query(page: Page) -> str:
    return parse_qs(urlsplit(page.url).query)["query"][0]


def test_keys_rows_and_back_walk_the_queries(app: AppServer, page: Page) -> None:
    page.goto(f"{app.url}/queries?dataset=small")  # a cold deep link
    head = page.locator(".query p")
    head.get_by_text("alerts by mail").wait_for()
    settle(page)  # the keys work once the buttons are there
    page.keyboard.press("n")
    head.get_by_text("reset the hub").wait_for()
    assert get_query(page) == FILTER_HELPS_QUERY
    page.keyboard.press("p")
    head.get_by_text("alerts by mail").wait_for()
    box = page.get_by_label("Search the queries")
    box.click()
    box.press_sequentially("npn")
    assert box.input_value() == "npn" and get_query(page) == FILTERED_AWAY_QUERY  # typing is no shortcut
    box.fill("")
    grid = page.get_by_test_id("stDataFrame").first.bounding_box()
    assert grid is not None
    page.mouse.click(grid["x"] + 17, grid["y"] + 38 + 35 + 17)  # the box of the second row
    head.get_by_text("reset the hub").wait_for()
    page.go_back()
    head.get_by_text("alerts by mail").wait_for()


def test_cards_fold_open_and_wrap(app: AppServer, page: Page) -> None:
    page.goto(f"{app.url}/queries?dataset=small&query={HOSTILE_QUERY}")
    columns = page.locator(".hits section")
    columns.nth(1).wait_for()
    page.locator(".hits summary").first.click()
    page.locator(".hits .whole").first.get_by_text("Paste markup").wait_for()
    settle(page)
    places = [columns.nth(number).bounding_box() for number in (0, 1)]
    assert places[0] and places[1] and places[0]["y"] == places[1]["y"]
    page.set_viewport_size({"width": 400, "height": 900})
    page.wait_for_function(
        "() => {const [a, b] = document.querySelectorAll('.hits section'); return b.offsetTop > a.offsetTop}"
    )
