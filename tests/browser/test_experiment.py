"""The page Experiment in a browser: start, follow, export, delete, import."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from core.experiment.history import list_experiments
from core.workspace import Workspace
from tests.support.app import AppServer
from tests.support.browser import settle
from tests.support.jobs import wait_until
from tests.support.small import write_small_dataset

if TYPE_CHECKING:
    from playwright.sync_api import Page

OWN = "mine"  # a dataset for the test that runs, deletes and imports


def list_own(store: Workspace) -> list[str]:
    return [entry.id for entry in list_experiments(store) if entry.dataset == OWN]


def test_start_export_delete_and_import_in_the_browser(app: AppServer, page: Page, tmp_path: Path) -> None:
    store = Workspace(app.workspace)
    folder = write_small_dataset(store.datasets / OWN)
    with (folder / "corpus.jsonl").open("a", encoding="utf-8") as out:  # so that nothing of it is cached
        out.write(json.dumps({"_id": "own", "title": "Own", "text": "Nobody searched this before."}) + "\n")
    page.goto(f"{app.url}/experiment?dataset={OWN}")
    for name in ("dense", "dense-chunk128", "hybrid-rrf", "hybrid-rerank", "dense-filtered"):
        page.get_by_text(f"{name} ·", exact=False).first.click()
    page.get_by_text("Nothing to embed").wait_for()
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_text(f"{OWN}, bm25 is finished.").wait_for()
    (experiment_id,) = list_own(store)

    page.get_by_role("button", name="Open in Results").click()
    page.get_by_role("heading", name="Results").wait_for()
    assert f"experiment={experiment_id}" in page.url

    page.goto(f"{app.url}/experiment?dataset={OWN}&experiment={experiment_id}&experiment_part=History")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export as zip").click()
    archive = tmp_path / "exported.zip"
    download.value.save_as(archive)
    names = zipfile.ZipFile(archive).namelist()
    assert {"experiment/experiment.json", "dataset/corpus.jsonl"} <= set(names)

    page.get_by_role("button", name="Delete", exact=False).first.click()
    page.get_by_role("button", name="Delete it").click()
    page.get_by_text("is deleted. The dataset and the cache are kept.").wait_for()
    page.locator('input[type="file"]').set_input_files(archive)
    page.get_by_text("exported.zip is imported.").wait_for()
    assert list_own(store) == [experiment_id]

    # Once more, now beside one of that id: it gets an id of its own, and the select that is drawn already is no obstacle.
    settle(page)
    page.locator('input[type="file"]').set_input_files(archive)
    wait_until(lambda: len(list_own(store)) == 2)
    page.get_by_text("exported.zip is imported.").wait_for()
    settle(page)
    assert len(list_own(store)) == 2
    assert page.get_by_test_id("stException").count() == 0
