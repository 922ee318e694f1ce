"""The page Versions in a browser: from the first build to a refresh and back; hostile texts."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import yaml

from core.data.catalog import open_dataset
from core.jobs.kinds import VERSIONS
from core.jobs.state import FAILED
from core.records import encode
from core.versions.request import PROMOTE, VersionRequest
from core.versions.version import list_versions, load_version, read_live
from core.workspace import Workspace
from tests.support.app import AppServer, run_app
from tests.support.browser import settle
from tests.support.jobs import write_running
from tests.support.small import HOSTILE, HOSTILE_DOCUMENT, write_small_dataset
from tests.support.versions import named, put_live, resources_of, write_failed_evaluation

if TYPE_CHECKING:
    from playwright.sync_api import Page

DATASET, OWN = "hostile", "kept"


def test_hostile_texts_are_shown_and_fetch_nothing(workspace: Path, page: Page) -> None:
    """The fixture fails the test if the browser asks another machine."""
    store = Workspace(workspace)
    folder = write_small_dataset(store.datasets / DATASET)
    corpus = open_dataset(DATASET, store)
    system = dataclasses.replace(named("bm25"), name=HOSTILE, description=HOSTILE)
    (workspace / "systems.yaml").write_text(yaml.safe_dump({"systems": [system.to_spec()]}), encoding="utf-8")
    first = put_live(corpus, named("bm25"), resources_of(workspace))
    version = put_live(corpus, dataclasses.replace(system, filter=True), resources_of(workspace))
    write_failed_evaluation(version, store, against=HOSTILE, sentence=f"Does not pass: {HOSTILE}")
    with (folder / "corpus.jsonl").open("a", encoding="utf-8") as out:
        out.write(json.dumps({"_id": HOSTILE, "title": HOSTILE, "text": HOSTILE}) + "\n")
    request = encode(VersionRequest(PROMOTE, version=HOSTILE))
    write_running(store, VERSIONS, dataset=DATASET, state=FAILED, options=request, error=HOSTILE, title=HOSTILE)
    with run_app(workspace) as server:
        page.goto(f"{server.url}/versions?dataset={DATASET}")  # a cold deep link
        page.get_by_text("1 added, 0 changed, 0 deleted").wait_for()
        settle(page)
        for text in ("Promoting <img", "Does not pass: <img", "<img src=http://example.com/x.png> ![x]"):
            assert page.get_by_text(text).count() >= 1  # as text
        for part in ("Versions", "Build another", "Ask it"):
            page.get_by_test_id("stButtonGroup").get_by_text(part, exact=True).click()
            page.wait_for_url(f"**versions_part={part.replace(' ', '+')}**")
            settle(page)
            if part == "Versions":
                page.locator(".st-key-versions_chart .main-svg").first.wait_for()
                page.locator(".st-key-versions_chart .point").first.hover(force=True)
            if part == "Build another":
                page.get_by_label("System").click()
                page.get_by_role("option", name=HOSTILE[:20]).click()
                settle(page)
        page.get_by_label("Query").fill("markup")
        page.get_by_label("Query").press("Enter")
        page.get_by_text(HOSTILE_DOCUMENT).first.wait_for()
        settle(page)
        assert page.locator("img[src*='example.com']").count() == 0
        assert page.get_by_test_id("stException").count() == 0
    assert read_live(DATASET, store).previous == (first.id,)


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
