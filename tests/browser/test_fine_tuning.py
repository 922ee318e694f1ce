"""The page Fine-tuning in a browser."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from core.jobs.kinds import TRAIN
from core.jobs.state import FAILED
from core.records import encode
from core.systems.trained import TrainedModel, save_model
from core.trained_model.evaluation_file import read_evaluation, write_evaluation
from core.workspace import Workspace
from tests.support.app import AppServer, run_app
from tests.support.assessments import HOSTILE_QUERY
from tests.support.browser import settle
from tests.support.jobs import write_running
from tests.support.small import HOSTILE
from tests.support.trained import DATASET, REQUEST, make_trained

if TYPE_CHECKING:
    from playwright.sync_api import Page

HOSTILE_SEED = 1  # draws a split whose learning queries hold the hostile one


@pytest.fixture(scope="module")
def two_models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[AppServer, TrainedModel, TrainedModel]]:
    """A server, an ordinary model, and the newest, hostile one: everything in it that stems from data holds markup."""
    folder = tmp_path_factory.mktemp("models") / "workspace"
    folder.mkdir()
    store = Workspace(folder)
    _, model = make_trained(folder)
    told = read_evaluation(model, store)
    checks = [{**check, "sentence": HOSTILE} for check in model.data["checks"]]
    hostile = dataclasses.replace(
        model,
        id="adapter-00000000ff",
        created="2099-01-01T10:20:30+00:00",
        metrics={**model.metrics, "device": HOSTILE},
        data={**model.data, "checks": checks},
    )
    save_model(hostile, store)
    changes = {
        "comparisons": [{**row, "system": HOSTILE, "baseline": HOSTILE} for row in told["comparisons"]],
        "regressions": [{**row, "query_id": HOSTILE_QUERY, "text": f"markup {HOSTILE}"} for row in told["regressions"]],
        "adoption": {**told["adoption"], "sentence": HOSTILE},
        "learning_curve": {**told["learning_curve"], "words": HOSTILE},
    }
    write_evaluation(hostile, store, **{**told, **changes})
    write_running(store, TRAIN, dataset=DATASET, state=FAILED, options=encode(REQUEST), error=HOSTILE, title=HOSTILE)
    with run_app(folder) as server:
        yield server, model, hostile


def test_hostile_texts_are_shown_and_fetch_nothing(
    two_models: tuple[AppServer, TrainedModel, TrainedModel], page: Page
) -> None:
    """The fixture fails the test if the browser asks another machine."""
    server, _, _ = two_models
    page.goto(f"{server.url}/fine_tuning?dataset={DATASET}")  # a cold deep link
    page.get_by_role("heading", name="These queries cannot tell", exact=False).wait_for()
    page.locator(".st-key-worth .main-svg").first.wait_for()
    settle(page)
    page.get_by_text("How it was trained").click()
    settle(page)
    for text in ("The last training failed. <img", "rung: <img", "on <img", "✓ <img"):
        assert page.get_by_text(text).count() == 1  # as text
    page.locator(".st-key-worth .point").first.hover(force=True)
    page.get_by_text("Train", exact=True).click()
    page.wait_for_url("**tuning_part=Train**")
    settle(page)
    page.get_by_text("Settings", exact=True).click()
    page.get_by_label("Seed", exact=True).fill(str(HOSTILE_SEED))
    page.get_by_label("Seed", exact=True).press("Enter")
    settle(page)
    page.get_by_role("button", name="Look at the training data first").click()
    page.get_by_text("Test queries kept apart").wait_for()
    settle(page)
    assert page.locator("img[src*='example.com']").count() == 0
    assert page.get_by_test_id("stException").count() == 0
    assert not page.get_by_test_id("stAlertContentError").filter(has_text="cannot").count()


def test_a_query_that_got_worse_opens_side_by_side_and_a_link_keeps_its_model(
    two_models: tuple[AppServer, TrainedModel, TrainedModel], page: Page
) -> None:
    server, model, _ = two_models
    told = read_evaluation(model, Workspace(server.workspace))
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
