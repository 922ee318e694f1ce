"""What every page test shares: a quiet app, empty caches, and stand-ins for what a page asks of others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st

from core.graph.resources import Models
from core.jobs.runner import JobRunner
from core.jobs.state import Job
from pages.shared.frame import services

RecordJobs = Callable[[Callable[[Job], Any]], list[Any]]
UseModels = Callable[[Callable[[], Models]], None]


@pytest.fixture(autouse=True)
def quiet_app(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test opens its own workspace, loads no model and starts no sample run. Its jobs are threads of this process."""
    monkeypatch.setattr("pages.shared.frame.page.start_background", lambda: True)
    monkeypatch.setattr(services, "JobRunner", lambda store: JobRunner(store, services.open_models()))
    st.cache_resource.clear()
    st.cache_data.clear()
    yield
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def use_models(monkeypatch: pytest.MonkeyPatch, quiet_app: None) -> UseModels:
    """use_models(AxisModels): all pages and jobs of the app work with such models."""

    def use(make: Callable[[], Models]) -> None:
        monkeypatch.setattr("pages.shared.frame.services.Models", lambda **_: make())

    return use


@pytest.fixture
def record_jobs(monkeypatch: pytest.MonkeyPatch) -> RecordJobs:
    """record_jobs(read): what `read` makes of each job that is submitted, in their order; none is started, and the id "job" is
    returned."""

    def record(read: Callable[[Job], Any]) -> list[Any]:
        asked: list[Any] = []

        def submit(self: JobRunner, job: Job) -> str:
            asked.append(read(job))
            return "job"

        monkeypatch.setattr(JobRunner, "submit", submit)
        return asked

    return record


@pytest.fixture
def no_samples(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No dataset comes with the product: there are those that the test makes."""
    monkeypatch.setattr("core.data.samples.SAMPLES", tmp_path / "no-samples")
