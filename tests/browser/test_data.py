"""The page Data in a browser: uploads, rows, chunks, links."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from core.data.catalog import open_named
from core.data.load import load_dataset
from core.workspace import Workspace
from tests.support.app import AppServer
from tests.support.browser import settle
from tests.support.layouts import write_autorag, write_ciral, write_msmarco, write_quepid, write_two_datasets
from tests.support.small import HOSTILE, HOSTILE_DOCUMENT, write_small_dataset

if TYPE_CHECKING:
    from playwright.sync_api import Page


def open_data(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_role("heading", name="Data", exact=True).wait_for()


def test_a_folder_is_uploaded_and_an_experiment_is_one_click_away(app: AppServer, page: Page, tmp_path: Path) -> None:
    folder = write_small_dataset(tmp_path / "pumps")
    open_data(page, f"{app.url}/data?dataset=small&data_view=Load+data")
    page.get_by_text("A whole folder").click()
    page.get_by_text("Choose a folder").wait_for()
    settle(page)  # the uploader for files is still there for a moment
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(str(folder))
    page.get_by_text("A dataset: corpus.jsonl, qrels.tsv, queries.jsonl.").wait_for()
    page.get_by_text("Understood: 12 documents, 8 queries, 11 judgments").wait_for()
    page.get_by_text("✓ relevant (2) · hub-reset-3").first.wait_for()
    page.get_by_role("button", name="Load", exact=True).click()
    page.get_by_text("Loaded “pumps”: 12 documents").wait_for()
    page.wait_for_url("**/data?*dataset=pumps*")
    page.get_by_role("button", name="Run an experiment").click()
    page.wait_for_url("**/experiment?*dataset=pumps*")


# layout -> (how it is written, what the page understands)
LAYOUTS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "quepid": (write_quepid, "8 documents, 8 queries, 63 judgments"),
    "msmarco": (write_msmarco, "6 documents, 6 queries, 6 judgments"),
    "autorag": (write_autorag, "6 documents, 4 queries, 6 judgments"),
    "ciral": (write_ciral, "6 documents, 3 queries, 5 judgments"),
}


def test_files_as_people_have_them_become_what_the_command_line_reads(app: AppServer, page: Page, tmp_path: Path) -> None:
    for name, (write, understood) in LAYOUTS.items():
        folder = write(tmp_path / name)
        upload(page, app.url, *sorted(file for file in folder.iterdir() if file.name != "README.md"))
        page.get_by_text(f"Understood: {understood}.").wait_for()
        settle(page)
        page.get_by_label("Name of the dataset").fill(name)
        page.get_by_label("Name of the dataset").press("Enter")
        settle(page)
        page.get_by_role("button", name="Load", exact=True).click()
        page.get_by_text(f"Loaded “{name}”: {understood}.").wait_for()
        assert open_named(name, Workspace(app.workspace)).fingerprint == load_dataset(folder).fingerprint
    upload(page, app.url, write_two_datasets(tmp_path / "cqadupstack.zip"))
    page.get_by_text("2 datasets: android, physics; choose one.").wait_for()


def upload(page: Page, url: str, *files: Path) -> None:
    open_data(page, f"{url}/data?dataset=small&data_view=Load+data")
    page.get_by_text("Choose files or one zip").wait_for()
    settle(page)
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(files)


def test_a_row_opens_a_document_and_puts_it_into_the_link(app: AppServer, page: Page) -> None:
    open_data(page, f"{app.url}/data?dataset=small&data_view=Documents")
    table = page.get_by_test_id("stDataFrame").first
    box = table.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 18, box["y"] + 38 + 35 * 3 + 17)  # the fourth row
    page.get_by_role("heading", name="Error KH-4012").wait_for()
    assert parse_qs(urlsplit(page.url).query)["data_doc"] == ["hub-4012"]
    page.get_by_role("button", name="Show its chunks").click()
    page.locator("strong", has_text="Recursive, 64 tokens, no overlap").wait_for()
    assert page.locator("mark", has_text="the gateway refused").first.is_visible()
    assert parse_qs(urlsplit(page.url).query)["data_doc"] == ["hub-4012"]


def test_bands_of_chunks_show_in_both_themes(app: AppServer, page: Page) -> None:
    open_data(page, f"{app.url}/data?dataset=small&data_view=Chunks&data_doc={HOSTILE_DOCUMENT}")
    page.locator(".lad-text", has_text=HOSTILE).first.wait_for()
    band = page.locator(".lad-text .lad-0").first
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        colour = band.evaluate("element => getComputedStyle(element).backgroundColor")
        assert colour == "rgba(77, 148, 235, 0.34)"
