"""The page Versions in a browser: from the first build to a refresh and back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from core.versions.version import list_versions, load_version, read_live
from core.workspace import Workspace
from tests.support.app import AppServer
from tests.support.browser import settle
from tests.support.small import write_small_dataset

if TYPE_CHECKING:
    from playwright.sync_api import Page

OWN = "kept"


def test_a_version_is_built_promoted_asked_refreshed_and_rolled_back(app: AppServer, page: Page) -> None:
    """The main path, with word matching alone. Promoting waits for the model, by which like queries are kept together."""
    store = Workspace(app.workspace)
    folder = write_small_dataset(store.datasets / OWN)
    page.goto(f"{app.url}/versions?dataset={OWN}")
    page.get_by_role("heading", name="Build the first").wait_for()
    settle(page)
    page.get_by_label("System").click()
    page.get_by_role("option", name="bm25", exact=True).click()
    settle(page)
    page.get_by_role("button", name="Build it").click()
    page.get_by_text("It answers once it is promoted, below.").wait_for()
    (version,) = list_versions(OWN, store)
    page.wait_for_url(f"**version={version.id}**")
    assert parse_qs(urlsplit(page.url).query)["versions_part"] == ["Versions"]
    settle(page)
    page.get_by_role("button", name="Measure and promote").click()
    page.get_by_role("heading", name="bm25 answers now").wait_for()
    settle(page)
    page.get_by_test_id("stButtonGroup").get_by_text("Ask it", exact=True).click()
    settle(page)
    page.get_by_label("Query").fill("KH-4012")
    page.get_by_label("Query").press("Enter")
    page.get_by_text("Error KH-4012").wait_for()
    settle(page)
    with (folder / "corpus.jsonl").open("a", encoding="utf-8") as out:
        out.write(json.dumps({"_id": "new", "title": "Error KH-4999", "text": "The clock stopped."}) + "\n")
    page.get_by_test_id("stButtonGroup").get_by_text("Up to date?", exact=True).click()
    page.get_by_text("1 added, 0 changed, 0 deleted").wait_for()
    settle(page)
    page.get_by_role("button", name="Refresh now").click()
    page.get_by_text("Refreshed: 1 added, 0 changed, 0 deleted.").wait_for()
    live = read_live(OWN, store)
    assert live.previous == (version.id,) and load_version(live.version, OWN, store).documents == 13
    settle(page)
    page.get_by_role("button", name=f"Roll back to {version.id}").click()
    page.get_by_text(f"{version.id} answers again.").wait_for()
    assert read_live(OWN, store).version == version.id
    settle(page)
    page.get_by_test_id("stButtonGroup").get_by_text("Versions", exact=True).click()
    settle(page)
    table = page.get_by_test_id("stDataFrame").first
    box = table.bounding_box()
    assert box is not None
    shown = parse_qs(urlsplit(page.url).query)["version"]
    other = live.version if shown == [version.id] else version.id
    row = 0 if other == live.version else 1  # the refreshed one is newer
    page.mouse.click(box["x"] + 15, box["y"] + 38 + 35 * row + 17)  # the tick of the other row
    page.wait_for_url(f"**version={other}**")
