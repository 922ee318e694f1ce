"""The page Versions in all its states: nothing, one version, several, out of date, at work, broken off; and its switches."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from streamlit.testing.v1 import AppTest

from core.data.catalog import open_dataset
from core.data.dataset import Dataset
from core.errors import WorkspaceBusy
from core.jobs.kinds import VERSIONS
from core.jobs.runner import JobRunner
from core.jobs.state import CANCELLED, DONE, FAILED, INTERRUPTED, QUEUED, RUNNING, Job, write_job
from core.records import decode, encode
from core.systems.named import make_named_systems
from core.systems.system import System
from core.versions.build import build_version, draft_version
from core.versions.promote import BETTER, Bar, promote
from core.versions.refresh import refresh
from core.versions.request import BUILD, PROMOTE, REFRESH, VersionRequest
from core.versions.version import (
    PROMOTED,
    Version,
    aside_folder,
    build_lock,
    list_unfinished,
    list_versions,
    make_live,
    name_version,
    read_evaluation,
    read_live,
    remove_version,
    version_folder,
    write_version,
)
from core.workspace import Workspace
from pages.parts.versions.charts import draw_evaluation
from pages.parts.versions.keeping_up import name_some
from pages.parts.versions.sentences import say_seconds, say_size, say_usd
from tests.pages.conftest import RecordJobs, UseModels
from tests.support.assessments import AxisModels, make_assessment, write_labelled_dataset
from tests.support.pages import open_page, read
from tests.support.small import HOSTILE, write_small_dataset
from tests.support.versions import named, put_live, resources_of, write_failed_evaluation

Submitted = list[tuple[str, VersionRequest]]
NAME = "labelled"


@pytest.fixture(autouse=True)
def axis_models(use_models: UseModels) -> None:
    """A typed query is embedded by a model that takes no time."""
    use_models(AxisModels)


@pytest.fixture
def submitted(record_jobs: RecordJobs) -> Submitted:
    """What was asked of the runner, which does not run here."""
    return record_jobs(lambda job: (job.dataset, decode(job.options, VersionRequest)))


@pytest.fixture
def corpus(workspace: Path) -> Dataset:
    """The dataset "labelled", of which no version was built yet."""
    write_labelled_dataset(workspace / "datasets" / NAME)
    return open_dataset(NAME, Workspace(workspace))


@pytest.fixture
def live(workspace: Path, corpus: Dataset) -> Version:
    """Word matching is live."""
    return put_live(corpus, named("bm25"), resources_of(workspace))


@pytest.fixture
def newer(workspace: Path, corpus: Dataset, live: Version) -> Version:
    """A dense version, built after the live one and not promoted."""
    return build(workspace, corpus, "dense", created="2099-01-01T10:20:30+00:00")


def build(workspace: Path, corpus: Dataset, system: str, **changes: Any) -> Version:
    version = build_version(corpus, named(system), resources_of(workspace))
    version = dataclasses.replace(version, **changes)
    write_version(version, version_folder(version.id, NAME, Workspace(workspace)))
    return version


def open_versions(dataset: str = NAME, **parameters: str) -> AppTest:
    return open_page("versions", dataset=dataset, **parameters)


def open_part(part: str, **parameters: str) -> AppTest:
    return open_versions(versions_part=part, **parameters)


def read_facts(app: AppTest) -> str:
    """What the lists of facts say, and the cards of hits, as HTML."""
    return "\n".join(element.proto.body for element in app.get("html"))  # type: ignore[union-attr]


def list_buttons(app: AppTest) -> list[str]:
    return [button.label.replace("\\", "") for button in app.button]


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label.replace("\\", "") == label).click().run()
    assert not app.exception, app.exception
    return app


def is_disabled(app: AppTest, label: str) -> bool:
    return next(button.disabled for button in app.button if button.label == label)


def spell(system: str) -> dict[str, Any]:
    return make_named_systems()[system].to_spec()


def write_version_job(workspace: Path, request: VersionRequest, state: str = RUNNING, **changes: Any) -> Job:
    job = Job(
        id="99990101-000000-aaaa", title=f"{NAME}, {request.describe()}", dataset=NAME, split="test", systems=(),
        kind=VERSIONS, state=state, label="embedding 3 of 8 passages", progress=0.4, seconds_left=20.0,
        options=encode(request),
    )  # fmt: skip
    job = dataclasses.replace(job, **changes)
    write_job(job, Workspace(workspace))
    return job


def write_unfinished(workspace: Path, corpus: Dataset, system: System, *, parent: str = "") -> Version:
    """What a build that was killed has left."""
    draft = draft_version(name_version(system, corpus.corpus_fingerprint), corpus, system, parent=parent)
    write_version(draft, aside_folder(draft.id, NAME, Workspace(workspace)))
    return draft


def change_corpus(workspace: Path, *, added: int = 1) -> None:
    """One text changed, two documents deleted, some added."""
    file = workspace / "datasets" / NAME / "corpus.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines()
    changed = {**json.loads(lines[3]), "text": "something else"}
    new = [json.dumps({"_id": f"new-{number}", "title": "New", "text": f"Text {number}."}) for number in range(added)]
    file.write_text("\n".join([*lines[2:3], json.dumps(changed), *lines[4:], *new]) + "\n", encoding="utf-8")


# before there is a version


def test_without_data_the_page_leads_to_loading(no_samples: None) -> None:
    app = open_page("versions")
    assert "Load a corpus to build an index" in read(app.info)
    assert list_buttons(app) == ["Load data"]


def test_without_versions_it_says_what_one_is_and_builds_the_first(corpus: Dataset, submitted: Submitted) -> None:
    app = open_versions()
    assert "A version is an index that can answer" in read(app.info)
    assert app.selectbox(key=f"versions_system_{NAME}").value == "dense"
    facts = read_facts(app)
    assert f"<dt>Documents</dt><dd>{len(corpus.documents)}</dd>" in facts
    assert " to embed" in facts and "for this machine" in facts and "beside the live" not in facts
    # 60 of 62 queries have their answer in the corpus, all of them a label; 70 % judge
    assert "it is measured on about 43 test queries: by default it has to be not worse than the live" in read(app.markdown)
    press(app, "Build it")
    assert submitted == [(NAME, VersionRequest(BUILD, system=spell("dense")))]


def test_the_recommended_system_is_proposed(workspace: Path, submitted: Submitted) -> None:
    _, assessment = make_assessment(workspace)
    app = open_versions()
    box = app.selectbox(key=f"versions_system_{NAME}")
    assert box.value == assessment.recommendation.system != "dense"
    assert f"{box.value} (recommended)" in box.options
    press(app, "Build it")
    assert submitted[0][1].system["name"] == assessment.recommendation.system


def test_word_matching_embeds_nothing_and_hub_models_are_not_fetched(
    workspace: Path, corpus: Dataset, submitted: Submitted
) -> None:
    own = {**spell("dense"), "name": "from-the-hub", "dense": {"model": "someone/some-model"}}
    (workspace / "systems.yaml").write_text(yaml.safe_dump({"systems": [own]}), encoding="utf-8")
    app = open_versions()
    app.selectbox(key=f"versions_system_{NAME}").set_value("bm25").run()
    assert "nothing: words are matched" in read_facts(app)
    app.selectbox(key=f"versions_system_{NAME}").set_value("from-the-hub").run()
    assert not app.exception and "Its model comes from the hub when it is built" in read(app.markdown)
    press(app, "Build it")
    assert submitted[0][1].system["name"] == "from-the-hub"


def test_a_corpus_without_documents_is_told(workspace: Path) -> None:
    folder = workspace / "datasets" / "empty"
    folder.mkdir(parents=True)
    (folder / "corpus.jsonl").write_text('{"_id": "a", "title": "", "text": ""}\n', encoding="utf-8")
    app = open_versions("empty")
    assert "has no document with a title or a text" in read(app.error) and "Build it" not in list_buttons(app)


# the live one


def test_the_live_version_is_told_first(workspace: Path, live: Version) -> None:
    app = open_versions()
    assert read(app.subheader[:1]) == "bm25 answers now"
    facts = read_facts(app)
    assert f"<dd>{live.id}</dd>" in facts and "<dd>none: words are matched</dd>" in facts
    assert "? It was never measured on test queries." in read(app.markdown)
    assert app.segmented_control(key="versions_part").value == "Up to date?"
    assert f"✓ Up to date: all {live.documents} documents are as the live version has them." in read(app.markdown)
    assert "The live version was built whole." in read(app.markdown)
    assert not any("Roll back" in label or "Refresh" in label for label in list_buttons(app))


def test_changed_documents_are_counted_and_refreshed(workspace: Path, live: Version, submitted: Submitted) -> None:
    change_corpus(workspace, added=11)
    app = open_versions()
    # 14 of 265 changed: 11 added, 1 changed, 2 deleted
    assert "11 added, 1 changed, 2 deleted (5.3% of 265 documents)" in read(app.markdown)
    facts = read_facts(app)
    assert "new-0, new-1, new-2, new-3, new-4, new-5, new-6, new-7 and 3 more" in facts and "<dt>Deleted</dt>" in facts
    press(app, "Refresh now")
    assert submitted == [(NAME, VersionRequest(REFRESH))]
    write_version_job(workspace, VersionRequest(REFRESH))
    assert is_disabled(open_versions(), "Refresh now")


def test_what_a_refresh_took_stands_next_to_retraining(workspace: Path, corpus: Dataset) -> None:
    put_live(corpus, named("dense"), resources_of(workspace))
    change_corpus(workspace)
    refreshed = refresh(open_dataset(NAME, Workspace(workspace)), resources_of(workspace)).version
    app = open_versions()
    text = read(app.markdown)
    assert f"= Refreshed from {refreshed.parent}: the system is the same" in text
    assert "The last refresh found 1 added, 1 changed and 2 deleted documents; it embedded 2 texts." in text
    assert "each time (estimated)" in text
    table = app.dataframe[0].value
    assert list(table["What"]) == ["This refresh, 1.5%", "Each 1 % that changed", "Retraining, each time"]
    assert f"Roll back to {refreshed.parent}" in list_buttons(app)


def test_roll_back_is_done_at_once_and_can_be_undone(workspace: Path, live: Version, newer: Version) -> None:
    store = Workspace(workspace)
    make_live(newer, PROMOTED, store)
    app = press(open_versions(), f"Roll back to {live.id}")
    assert read_live(NAME, store).version == live.id
    assert read(app.subheader[:1]) == "bm25 answers now" and f"{live.id} answers again." in read(app.toast)
    assert not any("Roll back" in label for label in list_buttons(app))
    app = open_part("Versions")
    assert list(app.dataframe[1].value["What"]) == ["rolled back", "promoted", "promoted"]
    assert list(app.dataframe[0].value["State"]) == ["◐ live before", "● live"]


def test_roll_back_does_not_lead_elsewhere_than_its_button_says(workspace: Path, live: Version, newer: Version) -> None:
    store = Workspace(workspace)
    make_live(newer, PROMOTED, store)
    app = open_versions()
    make_live(live, PROMOTED, store)  # in another browser
    app.button(key="versions_back").click().run()
    assert read_live(NAME, store).version == live.id
    assert "The live version was changed meanwhile, so nothing was done." in read(app.error)
    assert not app.run().error, "said once"


def test_a_live_version_that_is_gone_is_told_with_the_way_back(workspace: Path, live: Version, newer: Version) -> None:
    store = Workspace(workspace)
    make_live(newer, PROMOTED, store)
    (version_folder(newer.id, NAME, store) / "version.json").write_text("{", encoding="utf-8")
    app = open_versions()
    assert f"{newer.id} is gone or damaged. Roll back, or promote another version." in read(app.error)
    assert list(app.segmented_control(key="versions_part").options) == ["Versions", "Build another"]
    press(app, f"Roll back to {live.id}")
    assert read_live(NAME, store).version == live.id
    (store.versions(NAME) / "live.json").write_text("{", encoding="utf-8")
    app = open_versions()
    assert "live.json: cannot be read" in read(app.error) and "promote a version again" in read(app.error)


# all of them


def test_versions_are_listed_newest_first(workspace: Path, corpus: Dataset, live: Version, newer: Version) -> None:
    change_corpus(workspace)
    app = open_part("Versions")
    table = app.dataframe[0].value
    assert list(table["Version"]) == [newer.id, live.id]
    assert list(table["State"]) == ["○ never live", "● live"]
    assert list(table["Corpus"]) == ["older", "older"]
    assert list(table["Test queries"]) == ["? not measured", "? not measured"]
    assert list(table["Documents"]) == [265, 265]
    assert app.selectbox(key="version").value == newer.id
    assert app.query_params["version"] == newer.id and app.query_params["versions_part"] == "Versions"


def test_a_version_of_the_link_is_shown_and_an_unknown_one_said(live: Version, newer: Version) -> None:
    app = open_versions(version=live.id)
    assert app.segmented_control(key="versions_part").value == "Versions", "the link names no part, but a version"
    assert app.selectbox(key="version").value == live.id and not app.warning
    assert "It answers now, so it can neither be promoted nor removed." in read(app.caption)
    assert "Measure and promote" not in list_buttons(app)
    app = open_versions(version="no-such *version*")
    assert "This version is not here: no-such *version*. Choose one below" in read(app.warning)
    assert app.selectbox(key="version").value == newer.id
    assert not app.run().warning, "said once"
    assert open_versions(versions_part="nonsense").segmented_control(key="versions_part").value == "Up to date?"


def test_the_bar_reaches_the_runner(live: Version, newer: Version, submitted: Submitted) -> None:
    app = press(open_part("Versions"), "Measure and promote")
    app.radio(key="versions_bar").set_value(BETTER)
    app.number_input(key="versions_gain").set_value(0.05)
    app.number_input(key="versions_least").set_value(0.6)
    press(app.run(), "Measure and promote")
    bars = [Bar(), Bar(BETTER, min_gain=0.05, least=0.6)]
    assert submitted == [(NAME, VersionRequest(PROMOTE, version=newer.id, bar=bar)) for bar in bars]
    assert "Promote anyway" not in list_buttons(app), "nothing was measured yet"


def test_a_version_that_did_not_pass_is_promoted_in_a_second_step(
    workspace: Path, live: Version, newer: Version, submitted: Submitted
) -> None:
    write_failed_evaluation(newer, Workspace(workspace))
    app = open_part("Versions")
    assert list(app.dataframe[0].value["Test queries"]) == ["✗ does not pass", "? not measured"]
    assert "✗ Does not pass: it is worse." in read(app.markdown)
    assert len(app.get("plotly_chart")) == 1
    assert "It did not pass." in read(app.markdown)
    press(app, "Promote anyway")
    assert submitted == [(NAME, VersionRequest(PROMOTE, version=newer.id, anyway=True))]
    write_failed_evaluation(newer, Workspace(workspace), against="another-version")
    app = open_part("Versions")
    assert "That was against another-version, which no longer answers. Measure it again." in read(app.caption)
    assert "Promote anyway" not in list_buttons(app)


def test_what_cannot_be_measured_can_be_promoted_all_the_same(workspace: Path, submitted: Submitted) -> None:
    write_small_dataset(workspace / "datasets" / NAME, labels=False)
    corpus = open_dataset(NAME, Workspace(workspace))
    version = build_version(corpus, named("bm25"), resources_of(workspace))
    app = open_versions()
    assert read(app.subheader[:1]) == "No version answers yet"
    assert list(app.segmented_control(key="versions_part").options) == ["Versions", "Build another"]
    assert "Nothing is live to compare with" in read(app.caption)
    assert "This dataset has no labels, so nothing can be measured." in read(app.warning)
    assert is_disabled(app, "Measure and promote")
    press(app, "Promote anyway")
    assert submitted == [(NAME, VersionRequest(PROMOTE, version=version.id, anyway=True))]
    assert "There are no labelled test queries to measure it by." in read(open_part("Build another").markdown)


def test_a_measurement_that_failed_offers_the_second_step_too(workspace: Path, live: Version, newer: Version) -> None:
    write_version_job(workspace, VersionRequest(PROMOTE, version=newer.id), FAILED, error="No query is left.", label=FAILED)
    app = open_part("Versions")
    assert f"Promoting {newer.id} failed. No query is left." in read(app.error)
    assert "It could not be measured." in read(app.markdown) and "Promote anyway" in list_buttons(app)


def test_a_version_is_removed(workspace: Path, live: Version, newer: Version) -> None:
    app = press(open_part("Versions"), "Remove this version")
    assert [version.id for version in list_versions(NAME, Workspace(workspace))] == [live.id]
    assert f"{newer.id} is removed." in read(app.toast)
    assert app.selectbox(key="version").value == live.id and not app.warning
    assert "Remove this version" not in list_buttons(app)


def test_what_was_removed_elsewhere_is_told(workspace: Path, live: Version, newer: Version) -> None:
    app = open_part("Versions")
    remove_version(newer.id, NAME, Workspace(workspace))
    press(app, "Remove this version")
    assert "is not in this workspace" in read(app.error)


def test_what_is_built_already_is_led_to(live: Version, newer: Version) -> None:
    app = open_part("Build another")
    assert f"{newer.id} is built already, over the documents as they are now." in read(app.markdown)
    press(app, "Look at it")
    assert app.segmented_control(key="versions_part").value == "Versions"
    assert app.selectbox(key="version").value == newer.id


def test_another_is_built_beside_the_live_one(workspace: Path, live: Version, submitted: Submitted) -> None:
    app = open_part("Build another")
    assert "beside the live version" in read_facts(app)
    request = VersionRequest(BUILD, system=spell("dense"))
    press(app, "Build beside the live one")
    assert submitted == [(NAME, request)]
    write_version_job(workspace, request)
    app = open_part("Build another")
    assert is_disabled(app, "Build beside the live one")
    assert "This build is already running; see above." in read(app.caption)


def test_the_live_version_is_asked(workspace: Path, corpus: Dataset, live: Version) -> None:
    app = open_part("Ask it")
    assert "Its hits come from the version's own files" in read(app.caption)
    app.text_input(key="versions_query").set_value("price of the hub").run()
    assert not app.exception, app.exception
    cards = read_facts(app)
    assert f" ms, {live.id}" in cards and "How the price of the hub works." in cards
    app.text_input(key="versions_query").set_value("qqqqq zzzzz").run()
    assert "No hits." in read_facts(app) and not app.error


def test_a_dense_version_embeds_what_is_asked(workspace: Path, corpus: Dataset) -> None:
    put_live(corpus, named("dense"), resources_of(workspace))
    app = open_part("Ask it")
    app.text_input(key="versions_query").set_value("accumulator of the hub").run()
    assert not app.exception, app.exception
    assert "How the battery of the hub works." in read_facts(app), "the synonym is known to the model alone"


def test_a_damaged_live_version_says_so_where_it_is_asked(workspace: Path, live: Version) -> None:
    (version_folder(live.id, NAME, Workspace(workspace)) / "corpus" / "corpus.jsonl").unlink()
    app = open_part("Ask it")
    app.text_input(key="versions_query").set_value("price").run()
    assert not app.exception and len(app.error) == 1
    app = open_versions()
    assert not app.exception and len(app.error) == 1


# at work, and broken off


def test_a_build_at_work_shows_progress_and_can_be_cancelled(workspace: Path, live: Version) -> None:
    job = write_version_job(workspace, VersionRequest(BUILD, system=spell("dense")))
    app = open_versions()
    assert "Building the index of dense" in read(app.markdown)
    texts = [bar.proto.text.replace("\\", "") for bar in app.get("progress")]
    assert f"{NAME}, building the index of dense: embedding 3 of 8 passages, 20 s left" in texts
    app.button(key=f"versions_cancel_{job.id}").click().run()
    assert not app.exception
    assert (Workspace(workspace).jobs / f"{job.id}.cancel").exists()
    write_version_job(workspace, VersionRequest(REFRESH), QUEUED, id="99990101-000000-bbbb")
    assert "Refreshing the index" in read(open_versions().markdown), "also what waits"


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (FAILED, "Building the index of dense failed. The disk is full."),
        (CANCELLED, "Building the index of dense was cancelled. What was embedded is kept"),
        (INTERRUPTED, "Building the index of dense was interrupted: its process ended."),
    ],
)
def test_what_became_of_the_last_job_is_told(workspace: Path, corpus: Dataset, state: str, sentence: str) -> None:
    request = VersionRequest(BUILD, system=spell("dense"))
    write_version_job(workspace, request, state, error="The disk is full.", label=state)
    app = open_versions()
    assert sentence in read([*app.error, *app.info, *app.warning])
    assert "Build it" in list_buttons(app)
    if state == INTERRUPTED:
        assert "start it again on the page Versions." in read(app.caption)  # in the sidebar


def test_own_build_becomes_what_is_looked_at(workspace: Path, live: Version, newer: Version, corpus: Dataset) -> None:
    built = build(workspace, corpus, "dense-whole")  # older than `newer`, which would be shown otherwise
    job = write_version_job(workspace, VersionRequest(BUILD, system=spell("dense-whole")), DONE, label=DONE)
    app = open_versions()
    assert not app.success, "another browser started it"
    app.session_state["_versions_job"] = job.id
    app.run()
    assert app.segmented_control(key="versions_part").value == "Versions"
    assert app.selectbox(key="version").value == built.id
    assert f"{built.id} is built. It answers once it is promoted, below." in read(app.success)
    app.segmented_control(key="versions_part").set_value("Ask it").run()
    assert app.segmented_control(key="versions_part").value == "Ask it", "led there once"


@pytest.mark.parametrize("anyway", (False, True))
def test_what_came_of_a_promotion_is_told(
    workspace: Path, corpus: Dataset, live: Version, newer: Version, anyway: bool
) -> None:
    resources = resources_of(workspace)
    better = build(workspace, corpus, "hybrid-rrf")
    make_live(better, PROMOTED, resources.workspace)
    request = VersionRequest(PROMOTE, version=newer.id, bar=Bar(BETTER), anyway=anyway)
    result = promote(newer.id, corpus, resources, bar=request.bar, anyway=anyway)
    assert result.promoted is anyway and not result.passed
    job = write_version_job(workspace, request, DONE, label=DONE)
    app = open_versions(version=newer.id)
    app.session_state["_versions_job"] = job.id
    app.run()
    told = read_evaluation(newer, resources.workspace)
    assert told is not None
    if anyway:
        assert f"{newer.id} is live now, without passing." in read(app.success)
        assert read(app.subheader[:1]) == "dense answers now"
        press(app, f"Roll back to {better.id}")
        assert not app.success, "that no longer holds"
    else:
        assert f"{newer.id} is not live. {told['sentence']}" in read(app.warning)
        assert read(app.subheader[:1]) == "hybrid-rrf answers now"


def test_what_came_of_a_refresh_is_told(workspace: Path, live: Version) -> None:
    job = write_version_job(workspace, VersionRequest(REFRESH), DONE, label=DONE)
    app = open_versions()
    app.session_state["_versions_job"] = job.id
    assert f"Nothing had changed; {live.id} is up to date." in read(app.run().success)
    change_corpus(workspace)
    refreshed = refresh(open_dataset(NAME, Workspace(workspace)), resources_of(workspace)).version
    assert f"Refreshed: 1 added, 1 changed, 2 deleted. {refreshed.id} answers now." in read(app.run().success)


def test_an_unfinished_build_goes_on_or_is_discarded(
    workspace: Path, corpus: Dataset, live: Version, submitted: Submitted
) -> None:
    left = write_unfinished(workspace, corpus, named("dense"))
    app = open_versions()
    assert f"Unfinished build of {left.id}" in read(app.markdown)
    press(app, "Resume")
    assert submitted == [(NAME, VersionRequest(BUILD, system=spell("dense")))]
    press(app, "Discard")
    assert list_unfinished(NAME, Workspace(workspace)) == []
    assert "Resume" not in list_buttons(app)


def test_an_unfinished_refresh_goes_on_as_one(workspace: Path, corpus: Dataset, live: Version, submitted: Submitted) -> None:
    change_corpus(workspace)
    changed = open_dataset(NAME, Workspace(workspace))
    left = write_unfinished(workspace, changed, named("bm25"), parent=live.id)
    app = open_versions()
    assert f"Unfinished refresh to {left.id}" in read(app.markdown)
    press(app, "Resume")
    assert submitted == [(NAME, VersionRequest(REFRESH))]


def test_what_was_begun_on_other_documents_cannot_go_on(workspace: Path, corpus: Dataset) -> None:
    write_unfinished(workspace, corpus, named("dense"))
    change_corpus(workspace)
    app = open_versions()
    assert "The documents or the model changed since, so that it cannot go on." in read(app.caption)
    assert "Resume" not in list_buttons(app) and "Discard" in list_buttons(app)


def test_what_another_process_builds_is_left_alone(workspace: Path, corpus: Dataset, live: Version) -> None:
    left = write_unfinished(workspace, corpus, named("dense"))
    with build_lock(left.id, NAME, Workspace(workspace)):
        app = open_versions()
        assert "Another process is at work on it." in read(app.caption)
        assert "Discard" not in list_buttons(app)


def test_what_cannot_be_submitted_is_told(live: Version, newer: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> str:
        raise WorkspaceBusy("The workspace is *busy*. Wait.")

    monkeypatch.setattr(JobRunner, "submit", refuse)
    app = press(open_part("Versions"), "Measure and promote")
    assert "The workspace is *busy*. Wait." in read(app.error)


def test_the_page_experiment_starts_it_again(workspace: Path, corpus: Dataset, submitted: Submitted) -> None:
    request = VersionRequest(BUILD, system=spell("dense"))
    write_version_job(workspace, request, INTERRUPTED, label=INTERRUPTED)
    app = open_page("experiment", dataset=NAME)
    assert "What was computed is kept. Starting again goes on from what is cached." in read(app.warning)
    press(app, "Start again")
    assert submitted == [(NAME, request)]


# charts and words


def test_the_chart_shows_the_difference_from_the_live_mean(workspace: Path, live: Version) -> None:
    told = write_failed_evaluation(live, Workspace(workspace), against=HOSTILE, bar=dataclasses.asdict(Bar(least=0.6)))
    before, own = draw_evaluation(told, name=HOSTILE).data
    # live 0.40 + 0.10 = 0.50; the interval of the difference, from there: 0.35 to 0.46
    assert before.x[0] == pytest.approx(0.50) and own.x[0] == 0.40
    assert own.error_x.array[0] == pytest.approx(0.06) and own.error_x.arrayminus[0] == pytest.approx(0.05)
    assert "<img" not in own.y[0] + before.y[0] + own.hovertext[0] + before.hovertext[0]
    assert [shape.x0 for shape in draw_evaluation(told, name="x").layout.shapes] == pytest.approx([0.48, 0.50, 0.6])
    (alone,) = draw_evaluation({**told, "delta": None}, name="x").data
    assert alone.error_x.array[0] == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("say", "value", "words"),
    [
        (say_usd, 12.5, "$12.50"), (say_usd, 0.0123, "$0.012"), (say_usd, 0.000192, "$0.00019"),
        (say_usd, 0.000016, "$0.000016"), (say_usd, 0.0, "$0"), (say_size, 1.44e6, "1.4 MB"), (say_size, 46_200, "46 kB"),
        (say_size, 3, "1 kB"),
        (say_seconds, 0.376, "0.38 s"), (say_seconds, 240, "4 min"), (name_some, ("a", "b"), "a, b"),
        (name_some, tuple("abcdefghij"), "a, b, c, d, e, f, g, h and 2 more"),
    ],
)  # fmt: skip
def test_figures_in_words(say: Callable[[Any], str], value: Any, words: str) -> None:
    assert say(value) == words
