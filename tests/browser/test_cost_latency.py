"""The page Cost & latency in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from tests.support.app import AppServer
from tests.support.browser import settle

if TYPE_CHECKING:
    from playwright.sync_api import Page

PARTS = (("What does it cost?", 2), ("Is it worth it?", 2), ("How fast is it?", 1), ("Prices", 0))  # and their charts


def test_every_part_opens_as_a_cold_link_and_is_drawn(app: AppServer, page: Page) -> None:
    for part, charts in PARTS:
        page.goto(f"{app.url}/cost_latency?dataset=small&cost_part={quote(part)}")
        page.get_by_text("What do you expect?").wait_for()
        drawn = page.get_by_test_id("stPlotlyChart").locator(".plot-container")
        if charts:
            drawn.nth(charts - 1).wait_for()
        settle(page)
        assert drawn.count() == charts
        assert page.get_by_test_id("stException").count() == 0
    page.goto(f"{app.url}/cost_latency?dataset=small")
    documents = page.get_by_role("spinbutton", name="Documents", exact=True)
    documents.wait_for()
    settle(page)
    documents.fill("5000")
    documents.press("Enter")
    settle(page)
    page.reload()
    documents.wait_for()
    settle(page)
    assert documents.input_value() == "5000"
