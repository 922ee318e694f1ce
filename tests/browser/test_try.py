"""The page Try in a browser: typing, filters, links."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.support.app import AppServer

if TYPE_CHECKING:
    from playwright.sync_api import Page


def read_address(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.evaluate("location.href")).query)


def choose(page: Page, label: str, option: str) -> None:
    """Picks an option of a select. A list that opens while the page still moves closes again, so opening is tried anew."""
    wanted = page.get_by_role("option", name=option)
    for _ in range(8):
        page.get_by_label(label).click()
        with contextlib.suppress(PlaywrightTimeout):
            wanted.click(timeout=1_500)
            break
        page.keyboard.press("Escape")
    page.keyboard.press("Escape")


def test_typing_answers_and_the_link_holds_query_systems_and_filter(app: AppServer, page: Page) -> None:
    page.goto(f"{app.url}/try?dataset=small&try_systems=bm25&try_systems=bm25-filtered")
    box = page.get_by_placeholder("Type a query")
    box.press_sequentially("clock", delay=30)  # no Enter: the answer comes after a pause
    page.locator("article", has_text="Error KH-4013").first.wait_for()
    page.wait_for_function("location.search.includes('q=clock')")
    page.get_by_text("Filter by metadata").click()
    page.locator("[data-test-script-state='notRunning']").wait_for()
    choose(page, "product", "Desk")
    page.get_by_text("documents pass the filter").wait_for()
    page.wait_for_function("location.search.includes('filter') && location.search.includes('q=clock')")
    address = read_address(page)
    assert json.loads(address["filter"][0]) == {"product": ["Desk"]}
    assert address["try_systems"] == ["bm25", "bm25-filtered"]
    box.fill("mail")
    box.press("Enter")
    page.locator("article", has_text="Alerts by mail").first.wait_for()
    page.wait_for_function("location.search.includes('q=mail') && location.search.includes('filter')")
    page.get_by_role("link", name="Results").click()
    page.get_by_role("heading", name="Results", exact=True).wait_for()
    page.get_by_role("link", name="Try", exact=True).click()
    page.get_by_text("documents pass the filter").wait_for()
    assert page.get_by_placeholder("Type a query").input_value() == "mail"
