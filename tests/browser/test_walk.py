"""The main path as a new user walks it, in a real browser: a cold deep link, the sample's first run with the real model and
the recommendation that follows it, loading data, running an experiment, its results, one query, a typed question. Saves
screenshots under artifacts/.

The sample is a quarter of product_docs (one of its products), since most of the time goes into embedding: too few queries to
decide much, and the page says so. With all of it, artifacts/walk-recommendation-light.png is docs/images/recommendation.png,
the picture in the README.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.data.load import load_dataset
from core.data.write import write_dataset
from core.experiment.history import list_experiments, load_experiment
from core.experiment.result import Experiment
from core.jobs.kinds import TRAIN
from core.jobs.state import DONE, list_jobs
from core.recommendation.files import find_assessments
from core.settings import SAMPLES
from core.systems.trained import list_models
from core.workspace import Workspace
from tests.support.app import REPOSITORY, AppServer, run_app
from tests.support.browser import click_middle, open_fresh_page, settle
from tests.support.jobs import wait_until
from tests.support.small import write_small_dataset

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ARTIFACTS = REPOSITORY / "artifacts"
SAMPLE = "product_docs"
PRODUCTS = ("probe", "api")  # how the ids of documents begin
LONG = 360_000  # milliseconds; the first look takes about 40 s on two idle cores, and so does training; the ladder twice that


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    """One server on an empty workspace for the whole walk."""
    ARTIFACTS.mkdir(exist_ok=True)
    home = tmp_path_factory.mktemp("walk")
    folder = home / "workspace"
    folder.mkdir()
    write_part_of_sample(home / "samples" / SAMPLE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LADDER_SAMPLES", str(home / "samples"))
        with run_app(folder) as server:
            yield server


def write_part_of_sample(folder: Path) -> None:
    """Writes the documents of PRODUCTS, and the queries whose answers all stand in them."""
    dataset = load_dataset(SAMPLES / SAMPLE)
    documents = dataset.documents[dataset.documents["doc_id"].str.startswith(PRODUCTS)]
    elsewhere = dataset.judgments[~dataset.judgments["doc_id"].isin(set(documents["doc_id"]))]
    queries = dataset.queries[~dataset.queries["query_id"].isin(set(elsewhere["query_id"]))]
    known = set(queries["query_id"])
    judgments, evidence = (frame[frame["query_id"].isin(known)] for frame in (dataset.judgments, dataset.evidence))
    write_dataset(
        dataclasses.replace(dataset, documents=documents, queries=queries, judgments=judgments, evidence=evidence), folder
    )


@pytest.fixture(scope="module")
def recommended(walk: AppServer) -> AppServer:
    """The server, once the sample has its recommendation: the app runs the ladder by itself after its first look."""
    store = Workspace(walk.workspace)
    wait_until(lambda: bool(find_assessments(SAMPLE, store)), seconds=2 * LONG / 1000, every=0.5)
    return walk


@pytest.fixture(scope="module")
def trained(recommended: AppServer, chromium: Browser) -> AppServer:
    """The server, once an adapter was trained from the page, in a child process of the app, and compared."""
    store = Workspace(recommended.workspace)
    with open_fresh_page(chromium) as page:
        page.goto(f"{recommended.url}/fine_tuning?dataset={SAMPLE}")
        page.get_by_role("button", name="Start training").wait_for()
        settle(page)
        page.get_by_role("button", name="Start training").click()
        wait_until(
            lambda: any(job.kind == TRAIN and not job.is_active for job in list_jobs(store)), seconds=LONG / 1000, every=0.5
        )
    (job,) = (job for job in list_jobs(store) if job.kind == TRAIN)
    assert job.state == DONE, job.error
    return recommended


def shoot_both(page: Page, name: str) -> None:
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        settle(page)
        page.screenshot(path=ARTIFACTS / f"walk-{name}-{scheme}.png", full_page=True)
    page.emulate_media(color_scheme="light")


def test_a_cold_deep_link_on_an_empty_workspace_shows_the_sample(walk: AppServer, page: Page) -> None:
    """The first page anybody opens is a link to Queries: menu and sidebar are there, and the sample fills the page."""
    page.goto(f"{walk.url}/queries?measure=Success%405")
    page.get_by_role("heading", name="Queries", exact=True).wait_for(timeout=LONG)
    page.get_by_role("link", name="Results").wait_for()
    page.get_by_text(f"on {SAMPLE}", exact=False).first.wait_for(timeout=LONG)
    assert "measure=Success%405" in page.url
    page.goto(f"{walk.url}/")  # leads to the recommendation, which is not there yet
    page.get_by_role("heading", name="Recommendation", exact=True).wait_for(timeout=LONG)
    page.goto(f"{walk.url}/results?dataset={SAMPLE}")
    page.get_by_role("heading", name="The answer is among the first five", exact=False).wait_for(timeout=LONG)
    experiment = load_first_look(Workspace(walk.workspace))
    assert [system.error for system in experiment.systems] == [None] * 6
    assert len(experiment.per_query["query_id"].unique()) == len(experiment.runs["dense"]["query_id"].unique())


def load_first_look(store: Workspace) -> Experiment:
    """The experiment that the app started by itself, once it has ended."""

    def list_ended() -> list[str]:
        found = list_experiments(store)
        return [entry.id for entry in found if entry.name == "First look" and entry.status != "running"]

    wait_until(lambda: bool(list_ended()), seconds=LONG / 1000, every=0.5)
    return load_experiment(list_ended()[0], store)


def test_the_sample_gets_its_recommendation_by_itself(recommended: AppServer, page: Page) -> None:
    """The ladder follows the first look without being asked for; its page shows the verdict."""
    page.goto(f"{recommended.url}/recommendation?dataset={SAMPLE}")
    page.get_by_role("heading", name=re.compile("^(Use|Keep|Label) ")).wait_for()
    page.get_by_text("Fine-tuning:", exact=False).first.wait_for()
    assert page.get_by_test_id("stException").count() == 0


def test_an_adapter_is_trained_on_the_sample_and_seen_in_results(trained: AppServer, page: Page) -> None:
    """Training in a child process of the app, from the page; its comparison is an experiment like any other."""
    page.goto(f"{trained.url}/fine_tuning?dataset={SAMPLE}&tuning_part=Models")  # as a link shows it to a colleague
    page.get_by_role("button", name="Open in Results").wait_for()
    page.get_by_text("Against the untrained model", exact=False).first.wait_for()
    model = list_models(Workspace(trained.workspace), dataset=SAMPLE)[0]
    assert (model.kind, model.state) == ("adapter", "ready")
    page.get_by_role("button", name="Open in Results").click()
    page.get_by_role("heading", name="The answer is among the first five", exact=False).wait_for()
    page.get_by_text("dense-adapter", exact=False).first.wait_for()
    assert page.get_by_test_id("stException").count() == 0


def test_pages_of_the_sample_in_both_themes(trained: AppServer, chromium: Browser) -> None:
    """A page that is open follows the theme of the system."""
    with open_fresh_page(chromium, viewport={"width": 1400, "height": 1350}, color_scheme="light") as page:
        for title in (
            "Recommendation",
            "Diagnosis",
            "Fine-tuning",
            "Cost & latency",
            "Results",
            "Queries",
            "Data",
            "Experiment",
            "Versions",
        ):
            name = title.lower().replace(" & ", "_").replace("-", "_")
            page.goto(f"{trained.url}/{name}?dataset={SAMPLE}")
            page.get_by_role("heading", name=title, exact=True).wait_for()
            if title in ("Recommendation", "Diagnosis", "Fine-tuning", "Cost & latency", "Results"):
                page.locator(".js-plotly-plot .point, .js-plotly-plot .points").first.wait_for(state="attached")
            shoot_both(page, name)
            assert page.get_by_test_id("stException").count() == 0
        page.goto(f"{trained.url}/try?dataset={SAMPLE}&q=sensor+keeps+dropping+off+at+night")
        page.locator(".hits").first.wait_for()
        shoot_both(page, "try")


def test_load_run_results_query_try(walk: AppServer, page: Page, tmp_path: Path) -> None:
    folder = write_small_dataset(tmp_path / "pumps")
    page.goto(f"{walk.url}/data?data_view=Load+data")
    page.get_by_text("A whole folder").click()
    page.get_by_text("Choose a folder").wait_for()
    settle(page)  # the uploader for files is still there for a moment
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(str(folder))
    page.get_by_role("button", name="Load", exact=True).click()
    page.get_by_text("Loaded “pumps”").wait_for()
    settle(page)
    page.get_by_role("button", name="Run an experiment").click()

    page.get_by_role("heading", name="Experiment", exact=True).wait_for()
    page.get_by_text("to embed, about", exact=False).wait_for()
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_role("button", name="Open in Results").click(timeout=LONG)

    page.get_by_role("heading", name="The answer is among the first five", exact=False).wait_for()
    page.get_by_text("Where do two systems differ?").click()
    settle(page)
    click_middle(page, page.get_by_test_id("stPlotlyChart").locator(".bars .point path").first)

    page.get_by_role("heading", name="Queries", exact=True).wait_for()
    page.locator(".hits").first.wait_for()
    assert "query=" in page.url
    assert "dataset=pumps" in page.url

    page.get_by_role("link", name="Try", exact=True).click()
    page.get_by_placeholder("Type a query").fill("alerts by mail")
    page.keyboard.press("Enter")
    page.locator(".hits").first.wait_for()
    assert page.get_by_test_id("stException").count() == 0
