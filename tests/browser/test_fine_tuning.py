"""The page Fine-tuning in a browser."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from core.systems.trained import save_model
from core.trained_model.evaluation_file import read_evaluation
from core.workspace import Workspace
from tests.support.app import run_app
from tests.support.browser import settle
from tests.support.trained import DATASET, make_trained

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_a_query_that_got_worse_opens_side_by_side_and_a_link_keeps_its_model(workspace: Path, page: Page) -> None:
    """The older of two models, where the newest is what a page without a link shows."""
    store = Workspace(workspace)
    _, model = make_trained(workspace)
    save_model(dataclasses.replace(model, id="adapter-00000000ff", created="2099-01-01T10:20:30+00:00"), store)
    told = read_evaluation(model, store)
    with run_app(workspace) as server:
        page.goto(f"{server.url}/fine_tuning?dataset={DATASET}&model={model.id}")
        page.get_by_role("heading", name="These queries cannot tell", exact=False).wait_for()
        settle(page)
        assert parse_qs(urlsplit(page.url).query)["model"] == [model.id]
        table = page.get_by_test_id("stDataFrame").last
        table.scroll_into_view_if_needed()
        settle(page)
        box = table.bounding_box()
        assert box is not None
        page.mouse.click(box["x"] + 15, box["y"] + 38 + 17)  # the tick of the first row
        page.wait_for_url("**/queries?**")
        asked = parse_qs(urlsplit(page.url).query)
        assert asked["query"] == [told["regressions"][0]["query_id"]]
        assert asked["systems"] == ["dense,dense-adapter"] and asked["experiment"] == [told["experiment"]]
