"""A kind of job is one file: what runs jobs, the app's pages and the sidebar learn of it from there alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from core.data.catalog import open_named
from core.data.dataset import Dataset
from core.graph.resources import Models
from core.jobs import kinds
from core.jobs.keeper import JobKeeper
from core.jobs.kinds.kind import JobKind, make_job
from core.jobs.runner import run_here
from core.jobs.state import DONE, INTERRUPTED, read_job, write_job
from core.workspace import Workspace
from tests.pages.conftest import quiet_app  # noqa: F401  what pages are opened in
from tests.support.pages import open_page, read
from tests.support.small import write_small_dataset


def _count_words(keeper: JobKeeper, dataset: Dataset, models: Models | None) -> tuple[str, int]:
    return DONE, int(dataset.documents["text"].str.split().map(len).sum())


@pytest.fixture(autouse=True)
def _added() -> Iterator[None]:
    """What a file of that name in the folder of the kinds would be."""
    module = ModuleType(f"{kinds.__name__}.count_words")
    module.KIND = JobKind("count_words", _count_words, started_on="Data", counts_systems=False)  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    yield
    del sys.modules[module.__name__]


def test_it_runs_and_is_seen_in_the_app(workspace: Path) -> None:
    folder = write_small_dataset(workspace / "datasets" / "small")
    store = Workspace(workspace)
    (store.jobs / "first-run.once").touch()  # no sample run in this test
    job = make_job("count_words", "small", title="Counting the words of small", split="all")
    words = run_here(job, open_named("small", store), workspace=store)
    assert words > len(list((folder / "corpus.jsonl").read_text(encoding="utf-8").splitlines()))
    assert read_job(job.id, store).state == DONE
    write_job(replace(read_job(job.id, store), state=INTERRUPTED), store)
    app = open_page("experiment", dataset="small")
    assert "Counting the words of small was interrupted: its process ended. What was computed is kept." in read(app.warning)
    assert "start it again on the page Data." in read(app.sidebar.caption)
