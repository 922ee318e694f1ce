"""The page Experiment in all its states: choose, start, follow, history, systems."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.endpoints.limits import Limits
from core.experiment.history import list_experiments, load_experiment, save_experiment
from core.graph.endpoint_limits import read_limits
from core.graph.estimate import WorkEstimate
from core.jobs.kinds import ASSESS
from core.jobs.state import COMMAND_LINE, FAILED, INTERRUPTED, QUEUED, RUNNING, Job, list_jobs, write_job
from core.ladder.goals import Goals
from core.records import decode, encode
from core.systems.available import list_own_systems, save_own_system
from core.systems.named import make_named_systems, preselect
from core.systems.yaml_files import read_systems
from core.workspace import Workspace
from pages.parts.experiment.history import describe_bytes
from pages.parts.experiment.system_editor import draw_chain, import_systems, list_stages
from pages.shared.frame.outlook import Outlook, describe_outlook
from tests.pages.conftest import RecordJobs
from tests.support.fake_service import Reply, answer_well, run_service
from tests.support.pages import open_page, read
from tests.support.small import HOSTILE, make_experiment, write_small_dataset

WAITING = "waiting, next in line, behind “Night run”, about 4 min"


@pytest.fixture
def small(workspace: Path) -> Workspace:
    """A workspace with the small dataset and no experiment."""
    write_small_dataset(workspace / "datasets" / "small")
    return Workspace(workspace)


def open_experiment_page(part: str = "Run", **parameters: str) -> AppTest:
    """The page at one of its parts."""
    return open_page("experiment", **{"dataset": "small", "experiment_part": part, **parameters})


def find_label(app: AppTest, kind: str, label: str) -> object:
    found = [element for element in app.get(kind) if element.label == label]
    assert len(found) == 1, f"{kind} {label!r}: {[element.label for element in app.get(kind)]}"
    return found[0]


def tick_only(app: AppTest, *names: str) -> AppTest:
    for box in app.checkbox:
        if str(box.key).startswith("run_small_"):
            box.set_value(str(box.key).removeprefix("run_small_") in names)
    return app.run()


def write_running(workspace: Workspace, **changes: object) -> Job:
    job = Job(
        id="20990101-000000-aaaa",
        title="Night run",
        dataset="small",
        split="all",
        systems=({"name": "bm25"}, {"name": "dense"}),
        state=RUNNING,
        label="embedding 180 of 310 chunks",
        progress=0.4,
        seconds_left=20.0,
        ready=("bm25",),
    )
    job = dataclasses.replace(job, **changes)  # type: ignore[arg-type]
    write_job(job, workspace)
    return job


def test_preselected_systems_have_a_sentence_and_start_says_what_lies_ahead(small: Workspace) -> None:
    app = open_experiment_page()
    ticked = [str(box.key).removeprefix("run_small_") for box in app.checkbox if box.value]
    assert ticked == preselect(has_filters=True) and len(ticked) == 6
    labels = {str(box.key): box.label.replace("\\", "") for box in app.checkbox}
    for name, system in make_named_systems().items():
        assert labels[f"run_small_{name}"] == f"**{name}** · {system.description}"
    # 12 short documents are one chunk each for 200 and for 128 tokens, and 8 queries: 20 texts.
    assert "20 chunks and queries to embed, about 1 s here, 0 of " in read(app.markdown)
    assert not find_label(app, "button", "Start").disabled  # type: ignore[attr-defined]


def test_start_is_disabled_with_its_reason(small: Workspace, workspace: Path) -> None:
    app = tick_only(open_experiment_page())
    assert find_label(app, "button", "Start").disabled  # type: ignore[attr-defined]
    assert "Tick at least one system." in read(app.caption)
    write_small_dataset(workspace / "datasets" / "bare", queries=False)
    app = open_experiment_page(dataset="bare")
    assert find_label(app, "button", "Start").disabled  # type: ignore[attr-defined]
    assert "This dataset has no queries." in read(app.caption)


def test_without_any_dataset_the_page_leads_to_data(no_samples: None) -> None:
    app = open_experiment_page()
    assert "Nothing is loaded yet" in read(app.info)
    assert find_label(app, "button", "Load data")
    assert "No experiment is here yet" in read(open_experiment_page("History").info)
    assert find_label(open_experiment_page("Systems"), "selectbox", "System")


def test_without_labels_the_page_says_what_can_be_done(workspace: Path) -> None:
    write_small_dataset(workspace / "datasets" / "small", labels=False)
    assert "No labels yet: compare hits by eye" in read(open_experiment_page().caption)


def test_start_runs_the_ticked_systems_and_leads_to_results(small: Workspace) -> None:
    app = tick_only(open_experiment_page(), "bm25", "bm25-filtered")
    assert "Nothing to embed, 0 of 6 steps cached" in read(app.markdown)
    find_label(app, "text_input", "Name (optional)").set_value("Words only").run()  # type: ignore[attr-defined]
    find_label(app, "button", "Start").click().run()  # type: ignore[attr-defined]
    assert not app.exception
    job = list_jobs(small)[0]
    assert (job.title, job.system_names, job.split) == ("Words only", ["bm25", "bm25-filtered"], "all")
    for _ in range(200):
        if not list_jobs(small)[0].is_active:
            break
        app.run()
    app.run()
    assert "Words only is finished." in read(app.success)
    assert "All 6 steps are cached: the result comes at once." in read(app.markdown)
    find_label(app, "button", "Open in Results").click().run()  # type: ignore[attr-defined]
    assert not app.exception
    assert app.title[0].value == "Results"
    assert app.query_params["experiment"] in (job.id, [job.id])


def test_job_of_the_command_line_is_said_with_owner_time_and_systems(small: Workspace) -> None:
    job = write_running(small, starter=COMMAND_LINE, host="build-machine")
    text = read(open_experiment_page().markdown)
    assert f"Night run** on small. Started by the command line (process {job.pid} on build-machine)." in text
    assert "✓ Ready: bm25" in text and "… Waiting: dense" in text


def test_cancelling_and_the_place_in_the_queue_are_said_at_once(small: Workspace) -> None:
    job = write_running(small, step_seconds=4.2)
    waits = dataclasses.replace(
        job, id="20990101-000001-aaaa", title="Morning run", state=QUEUED, label=WAITING, seconds_left=None
    )
    write_job(waits, small)
    app = open_experiment_page()
    assert f"Morning run: {WAITING}" in read(app.sidebar.caption)
    keys = (f"page_cancel_{job.id}", f"cancel_{job.id}")  # on the page and in the sidebar
    app.button(key=keys[0]).click().run()
    bars = [bar.proto.text.replace("\\", "") for bar in app.get("progress")]
    assert "Night run: cancelling, after this batch, about 4 s" in bars
    assert (app.button(key=keys[0]).label, app.button(key=keys[0]).disabled) == ("Cancelling", True)
    fresh = open_experiment_page()
    assert [fresh.button(key=key).disabled for key in keys] == [True, True]
    assert not app.button(key=f"page_cancel_{waits.id}").disabled
    assert not app.exception


def test_same_comparison_cannot_be_started_twice(small: Workspace) -> None:
    write_running(small, systems=(make_named_systems()["bm25"].to_spec(),))
    app = tick_only(open_experiment_page(), "bm25")
    assert find_label(app, "button", "Start").disabled  # type: ignore[attr-defined]
    assert "This comparison is already running; see above." in read(app.caption)
    app = tick_only(app, "bm25", "bm25-filtered")
    assert not find_label(app, "button", "Start").disabled  # type: ignore[attr-defined]


def test_failed_and_interrupted_jobs_say_why_and_start_again(small: Workspace) -> None:
    specs = (make_named_systems()["bm25"].to_spec(),)
    write_running(small, state=FAILED, error="The disk is full.", systems=specs, ready=())
    assert "Night run failed. The disk is full." in read(open_experiment_page().error)
    write_running(small, pid=2**22 + 1, systems=specs, ready=())
    app = open_experiment_page()
    assert "Night run was interrupted: its process ended. 0 of 1 systems were finished." in read(app.warning)
    find_label(app, "button", "Start again").click().run()  # type: ignore[attr-defined]
    assert not app.exception
    assert len(list_jobs(small)) == 2


def test_a_job_of_a_kind_that_is_not_known_is_shown_and_not_started(small: Workspace) -> None:
    """A newer version of the product may have worked in the same workspace."""
    write_running(small, state=INTERRUPTED, kind="translate")
    app = open_experiment_page()
    told = "Jobs of the kind 'translate' are not known to this version of the product"
    assert f"Night run was interrupted: its process ended. {told}" in read(app.warning)
    find_label(app, "button", "Start again").click().run()  # type: ignore[attr-defined]
    assert not app.exception and told in read(app.error)


def test_assessment_is_followed_and_started_again(small: Workspace, record_jobs: RecordJobs) -> None:
    goals = Goals(primary="AP", target=("Success@5", 0.8))
    wanted = {"kind": ASSESS, "options": encode(goals), "systems": (), "ready": ()}
    job = write_running(small, label="chunking, 3 of 6 variants", progress=0.25, seconds_left=40.0, **wanted)
    app = open_experiment_page()
    assert [bar.value for bar in app.get("progress")] == [25, 25], "in the sidebar and on the page"
    assert "Ready" not in read(app.markdown) and "Waiting" not in read(app.markdown)
    for state, sentence in (
        (FAILED, "Night run failed. The disk is full."),
        (INTERRUPTED, "Night run was interrupted: its process ended. What was computed is kept. Starting again"),
    ):
        write_running(small, id=job.id, state=state, error="The disk is full.", **wanted)
        app = open_experiment_page()
        assert sentence in read(app.error) + read(app.warning)
    asked = record_jobs(lambda again: (again.dataset, decode(again.options, Goals), again.title))
    find_label(app, "button", "Start again").click().run()  # type: ignore[attr-defined]
    assert not app.exception
    assert asked == [("small", goals, "Night run")]


def test_changed_data_is_said_and_run_again(workspace: Path) -> None:
    make_experiment(workspace)
    queries = workspace / "datasets" / "small" / "queries.jsonl"
    queries.write_text(queries.read_text(encoding="utf-8").replace("export csv", "export as csv"), encoding="utf-8")
    app = open_experiment_page()
    assert "The dataset changed since Small test was run." in read(app.warning)
    app.button(key="run_again").click().run()
    assert not app.exception
    assert list_jobs(Workspace(workspace))[0].system_names == ["bm25", "bm25-filtered"]


def test_system_that_cannot_run_is_named_before_the_start(small: Workspace) -> None:
    hub = dataclasses.replace(make_named_systems()["dense"], name="far")
    assert hub.dense is not None
    save_own_system(dataclasses.replace(hub, dense=dataclasses.replace(hub.dense, model="someone/some-model")), small)
    text = read(tick_only(open_experiment_page(), "bm25", "far").markdown)
    assert "Not counted: far, whose model comes from the hub when it runs (network needed)." in text


def test_history_renames_notes_and_deletes(workspace: Path) -> None:
    experiment_id = make_experiment(workspace)
    app = open_experiment_page("History")
    assert list(app.dataframe[0].value["Experiment"]) == ["Small test"]
    assert app.button(key="history_save").disabled
    app.text_input(key=f"name_{experiment_id}").set_value("Renamed")
    app.text_input(key=f"note_{experiment_id}").set_value("good").run()
    app.button(key="history_save").click().run()
    entry = list_experiments(Workspace(workspace))[0]
    assert (entry.name, entry.note) == ("Renamed", "good")
    text = read(app.markdown)
    assert f"Delete Renamed? Its results and note are gone for good; {describe_bytes(entry.bytes)} are freed." in text
    app.button(key=f"delete_{experiment_id}").click().run()
    assert list_experiments(Workspace(workspace)) == []
    assert "Renamed is deleted." in read(app.success) and not app.exception


def test_running_experiment_cannot_be_deleted_and_a_dead_one_is_interrupted(workspace: Path) -> None:
    store = Workspace(workspace)
    experiment = load_experiment(make_experiment(workspace), store)
    save_experiment(dataclasses.replace(experiment, status="running"), store)
    assert list(open_experiment_page("History").dataframe[0].value["Status"]) == ["interrupted"]
    write_running(store, id=experiment.id)
    app = open_experiment_page("History")
    assert list(app.dataframe[0].value["Status"]) == ["running"]
    assert app.button(key="history_delete_off").disabled


def test_two_experiments_are_compared_system_by_system(workspace: Path) -> None:
    store = Workspace(workspace)
    first = load_experiment(make_experiment(workspace), store)
    spec = {**first.systems[0].spec, "lexical": {**first.systems[0].spec["lexical"], "k1": 0.9}}
    per_query = first.per_query.assign(value=first.per_query["value"] * 0.5)
    second = dataclasses.replace(
        first,
        id="20990101-000000-bbbb",
        created="2099-01-01T00:00:00+00:00",
        per_query=per_query,
        systems=(dataclasses.replace(first.systems[0], spec=spec), *first.systems[1:]),
    )
    save_experiment(second, store)
    table = open_experiment_page("History").dataframe[1].value.set_index("System")
    assert list(table.index) == ["bm25", "bm25-filtered"]
    # Every value was halved, so the difference is minus half the first mean: 5.63 / 7 = .804 (see test_results).
    assert table.loc["bm25", "First"] == pytest.approx(0.8044, abs=1e-4)
    assert table.loc["bm25", "Difference"] == pytest.approx(-0.8044 / 2, abs=1e-4)
    assert table.loc["bm25", "What changed"] == "lexical k1: 1.5, now 0.9"
    assert table.loc["bm25-filtered", "What changed"] == "same definition"


def test_export_never_packs_a_folder_that_an_imported_experiment_names(workspace: Path, tmp_path: Path) -> None:
    """dataset.name is written by whoever made the zip: a path of this machine in it is a name that nothing here has."""
    secret = write_small_dataset(tmp_path / "secret")
    store = Workspace(workspace)
    taken_in = load_experiment(make_experiment(workspace), store)
    save_experiment(dataclasses.replace(taken_in, dataset={**taken_in.dataset, "name": str(secret)}), store)
    app = open_experiment_page("History")
    assert "The exported zip holds the results; the dataset is no longer here." in read(app.caption)


def test_damaged_experiment_is_named_and_can_be_deleted(workspace: Path) -> None:
    make_experiment(workspace)
    broken = workspace / "experiments" / "20260101-000000-dead"
    broken.mkdir()
    (broken / "experiment.json").write_text("{")
    app = open_experiment_page("History")
    assert "The experiment 20260101-000000-dead cannot be read" in read(app.warning)
    app.button(key="damaged_20260101-000000-dead").click().run()
    assert not broken.exists() and not app.exception


def test_system_is_copied_changed_and_saved(small: Workspace) -> None:
    app = open_experiment_page("Systems")
    app.selectbox(key="system_base").set_value("hybrid-rrf").run()
    app.toggle(key="system_adding").set_value(True).run()
    app.text_input(key="edit_hybrid-rrf_name").set_value("mine").run()
    app.number_input(key="edit_hybrid-rrf_chunk_recursive_size").set_value(90).run()
    app.selectbox(key="edit_hybrid-rrf_fuse_type").set_value("weighted").run()
    app.checkbox(key="edit_hybrid-rrf_rewrite_glossary").set_value(True).run()
    assert "the glossary is empty" in read(app.error)
    assert find_label(app, "button", "Save the system").disabled  # type: ignore[attr-defined]
    app.text_area(key="edit_hybrid-rrf_rewrite_lines").set_value("hub, gateway\nmail, e-mail").run()
    find_label(app, "button", "Save the system").click().run()  # type: ignore[attr-defined]
    assert not app.exception
    mine = list_own_systems(small)["mine"]
    assert mine.chunk.size == 90 and mine.fuse.type == "weighted"
    assert mine.rewrite[0].groups == (("hub", "gateway"), ("mail", "e-mail"))
    assert mine.lexical == make_named_systems()["hybrid-rrf"].lexical
    assert any(box.key == "run_small_mine" and not box.value for box in open_experiment_page().checkbox)


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("name", "bm25", "bm25 is the name of a system that comes with the product"),
        ("name", " ", "a system needs a name"),
        ("chunk_recursive_size", 0, "size must be a whole number of at least 1"),
        ("dense_on", False, "`fuse` joins a dense and a lexical side"),
        ("chunk_type", "off", "needs `chunk`"),
    ],
)
def test_mistakes_in_a_system_are_told_at_once(small: Workspace, field: str, value: object, problem: str) -> None:
    app = open_experiment_page("Systems")
    app.selectbox(key="system_base").set_value("hybrid-rrf").run()
    app.toggle(key="system_adding").set_value(True).run()
    kinds = (*app.text_input, *app.number_input, *app.checkbox, *app.selectbox)
    next(element for element in kinds if element.key == f"edit_hybrid-rrf_{field}").set_value(value).run()  # type: ignore[union-attr]
    assert problem in read(app.error)
    assert find_label(app, "button", "Save the system").disabled  # type: ignore[attr-defined]
    assert list_own_systems(small) == {}


@pytest.mark.parametrize("name", list(make_named_systems()))
def test_copy_left_unchanged_is_the_same_system(small: Workspace, name: str) -> None:
    """The form asks for every field of every stage, and changes none by itself."""
    app = open_experiment_page("Systems")
    app.selectbox(key="system_base").set_value(name).run()
    app.toggle(key="system_adding").set_value(True).run()
    find_label(app, "button", "Save the system").click().run()  # type: ignore[attr-defined]
    original = make_named_systems()[name]
    assert list_own_systems(small)[f"my-{name}"] == dataclasses.replace(original, name=f"my-{name}", description="")


def test_copy_of_a_system_that_reads_filters_off_the_query(small: Workspace) -> None:
    """Fields may have any name, a comma in it too."""
    reading = dataclasses.replace(
        make_named_systems()["bm25-filtered"], name="reads", infer_filters=("version", HOSTILE, "a, b")
    )
    save_own_system(reading, small)
    assert (
        "Filter",
        f"by each query's own metadata filter, else by version and {HOSTILE} and a, b where the query names a value",
    ) in [box for place in list_stages(reading) for box in place]
    app = open_experiment_page("Systems")
    app.selectbox(key="system_base").set_value("reads").run()
    app.toggle(key="system_adding").set_value(True).run()
    app.text_input(key="edit_reads_name").set_value("again").run()
    find_label(app, "button", "Save the system").click().run()  # type: ignore[attr-defined]
    assert not app.exception
    assert list_own_systems(small)["again"].infer_filters == ("version", HOSTILE, "a, b")


def test_own_system_is_deleted(small: Workspace) -> None:
    save_own_system(dataclasses.replace(make_named_systems()["bm25"], name="mine"), small)
    app = open_experiment_page("Systems")
    app.selectbox(key="system_base").set_value("mine").run()
    app.button(key="system_delete").click().run()
    assert list_own_systems(small) == {} and "mine is deleted." in read(app.success)


def test_yaml_is_taken_in_whole_or_not_at_all(small: Workspace) -> None:
    assert import_systems("- name: a\n  lexical: true\n- name: b\n  lexical: {k1: 2}\n", "f.yaml") == ["a", "b"]
    assert list(list_own_systems(small)) == ["a", "b"]
    for text, problem in (
        ("- name: c\n  lexical: true\n- name: bm25\n  lexical: true\n", "f.yaml: names bm25"),
        ("systems: []\n", "f.yaml: holds no systems"),
        ("- name: c\n  lexical: {k9: 1}\n", "no field 'k9'"),
        ("- name: [\n", "f.yaml, line 2: cannot be read as YAML"),
    ):
        with pytest.raises(Exception, match=problem):
            import_systems(text, "f.yaml")
    assert list(list_own_systems(small)) == ["a", "b"]


def test_unreadable_own_systems_leave_the_page_usable(small: Workspace) -> None:
    small.systems_file.write_text("- name: x\n  lexical: {k9: 1}\n", encoding="utf-8")
    app = open_experiment_page()
    assert "Your own systems cannot be read." in read(app.error)
    assert not find_label(app, "button", "Start").disabled  # type: ignore[attr-defined]


def test_chain_names_the_stages_in_order_and_escapes_every_text() -> None:
    named = make_named_systems()
    assert list_stages(named["bm25"]) == [
        [("Documents", "whole: title and text")],
        [("Read words", "word forms joined")],
        [("Index", "BM25, k1 1.5, b 0.75")],
        [("Retrieve", "best words")],
    ]
    stages = [name for place in list_stages(named["hybrid-rerank"]) for name, _ in place]
    assert stages[-4:] == ["Retrieve", "Retrieve", "Fuse", "Rerank"]
    assert list_stages(named["dense"])[0] == [("Chunk", "recursive, 200 tokens, no overlap")]
    dense = named["dense"].dense
    assert dense is not None
    hostile = dataclasses.replace(named["dense"], name=HOSTILE, dense=dataclasses.replace(dense, model=HOSTILE))
    assert "<img" not in draw_chain(hostile) and "&lt;img" in draw_chain(hostile)


def test_what_lies_ahead_in_words() -> None:
    plan = WorkEstimate(texts=312, characters=1, seconds=15.2, cached=4, steps=11)
    assert describe_outlook(Outlook(plan, (), {})) == (
        "312 chunks and queries to embed, about 15 s here, 4 of 11 steps cached."
    )
    assert "known once the model is there" in describe_outlook(Outlook(None, ("far",), {}))


def test_yaml_export_reads_back(small: Workspace) -> None:
    from core.systems.yaml_files import write_systems

    save_own_system(dataclasses.replace(make_named_systems()["hybrid-prf"], name="mine"), small)
    own = list_own_systems(small)
    assert read_systems(write_systems(list(own.values()))) == own


def test_the_endpoint_is_tried_and_limited(small: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    save_own_system(read_systems("- {name: served, chunk: whole, dense: {model: 'endpoint:good'}}")["served"], small)

    def answer(body: dict[str, Any]) -> Reply:
        return answer_well(body) if body["model"] == "good" else Reply({"error": "no model <b>*secret*</b>"}, 404)

    with run_service(answer) as service:
        monkeypatch.setenv("EMBEDDINGS_BASE_URL", service.url)
        monkeypatch.setenv("EMBEDDINGS_API_KEY", "secret")
        app = open_experiment_page("Systems")
        app.selectbox(key="system_base").set_value("served").run()
        assert app.text_input(key="endpoint_model_endpoint:good").value == "good"  # the system's own
        app.button(key="endpoint_try").click().run()
        assert "/v1/embeddings: 2 dimensions, " in read(app.success) and not app.error
        app.text_input(key="endpoint_model_endpoint:good").set_value("other").run()
        app.button(key="endpoint_try").click().run()
        assert "does not know this address, or the model 'other' (404 Not Found: no model <b>*****</b>)" in read(app.error)
    app.number_input(key="endpoint_requests_per_minute").set_value(60)
    app.button(key="endpoint_keep").click().run()
    assert read_limits(small) == Limits(requests_per_minute=60) and not app.exception
    app.number_input(key="endpoint_at_once").set_value(0)
    app.button(key="endpoint_keep").click().run()
    assert read(app.error) == "at_once is 0; it must be between 1 and 64"
    assert "secret" not in str([found.value for found in [*app.markdown, *app.error, *app.success]])


def test_the_workspace_is_looked_over_and_mended(small: Workspace) -> None:
    small.path("cache", "nodes", "<b>a.json").write_text("{", encoding="utf-8")
    small.path("jobs", "gone.alive").touch()
    small.pairs("somebody/ranker", "").write({"a": np.array([1.0])})
    app = open_experiment_page("Workspace")
    assert not app.dataframe, "nothing is read before it is asked for"
    app.button(key="workspace_check").click().run()
    found = app.dataframe[0].value
    assert found["File or folder"].tolist()[:2] == ["cache/nodes/<b>a.json", "jobs/gone.alive"]
    assert found["Kind"].tolist() == ["damaged", "left behind", "not used"]
    assert {"datasets", "steps of systems"} <= set(app.dataframe[1].value["Kind"])
    app.button(key="workspace_mend").click().run()
    assert "cache/nodes/<b>a.json: set aside in the folder damaged/" in read(app.success)
    assert app.dataframe[0].value["Kind"].tolist() == ["set aside", "not used"]
    app.button(key="workspace_mend").click().run()
    assert "Nothing is wrong with this workspace." in read(app.success)
    assert app.dataframe[0].value["Kind"].tolist() == ["not used"], "mending leaves what is whole"
    app.button(key="workspace_remove").click().run()
    assert ": removed, 8,192 bytes" in read(app.success) and not list(small.folder.glob("cache/pairs/*"))
    assert not app.exception
