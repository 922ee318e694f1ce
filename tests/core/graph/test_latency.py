"""Latency: one query at a time through every system, what each step takes, and which steps systems share."""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any

import pytest

from core import settings
from core.data.load import load_dataset
from core.errors import Cancelled
from core.experiment.history import load_experiment
from core.experiment.system_runs import SystemRuns
from core.graph.execute import Execution, execute
from core.graph.latency import choose_rows, find_shared, measure_latency
from core.graph.node import Node
from core.progress import ProgressEvent
from core.schema import content_hash
from core.settings import describe_machine, get_threads
from core.systems.build import build, make_sources
from core.workspace import Workspace
from tests.support.english import make_english_systems
from tests.support.models import MISSING, FakeModels, make_documents, make_queries, make_resources
from tests.support.small import make_experiment, write_small_dataset

TEXTS = {"a": "The hub is here.", "b": "The clock is there.", "c": "The price"}
ASKED = {"q": "hub", "p": "the clock"}
DOCUMENTS, QUERIES = make_sources("d", "q")
NAMED = make_english_systems()
Latencies = dict[str, dict[str, Any]]


def make_targets(*names: str) -> dict[str, Node]:
    return {name: build(NAMED[name], documents=DOCUMENTS, queries=QUERIES) for name in names}


def make_execution(folder: Path, models: FakeModels | None = None, **options: Any) -> Execution:
    sources = {DOCUMENTS.key: make_documents(TEXTS), QUERIES.key: make_queries(ASKED)}
    return Execution(sources, make_resources(folder, models, **options))


def measure(warm: Execution, *names: str, **options: Any) -> Latencies:
    return measure_latency(make_targets(*names), make_queries(ASKED), source=QUERIES, warm=warm, **options)


def test_latency_is_of_one_query_at_a_time(workspace: Path) -> None:
    models = FakeModels()
    warm = make_execution(workspace, models)
    execute(make_targets("dense", "bm25", "hybrid-rrf"), warm)
    models.fake.asked.clear()
    found = measure(warm, "dense", "bm25", "hybrid-rrf")
    # Two to warm up and two measured, each encoded anew, and once for both systems that need it; no document again.
    assert models.fake.asked == [("query", "hub"), ("query", "the clock")] * 2
    assert list(found) == ["dense", "bm25", "hybrid-rrf"]
    assert list(found["dense"]) == ["p50", "p95", "p99", "n", "stages", "nodes", "machine"]
    assert list(found["dense"]["stages"]) == ["EmbedQueries", "RetrieveDense"]
    assert list(found["bm25"]["stages"]) == ["CountTerms", "RetrieveLexical"]
    for facts in found.values():
        assert facts["n"] == 2
        assert 0 < facts["p50"] <= facts["p95"] <= facts["p99"]
        assert facts["machine"] == describe_machine()
    # A hybrid takes what both of its sides take.
    assert found["hybrid-rrf"]["p50"] > max(found["dense"]["p50"], found["bm25"]["p50"])
    # It went through the index, which is built in the workspace for it.
    assert len([path for path in (workspace / "indexes").iterdir() if path.is_dir()]) == 1
    json.dumps(found, allow_nan=False)  # facts are kept as JSON


def test_every_step_is_known_by_its_node(workspace: Path) -> None:
    targets = make_targets("dense", "hybrid-prf")
    found = measure(make_execution(workspace), "dense", "hybrid-prf")
    for name, target in targets.items():
        # The keys are those of the graph over the comparison's own queries, whichever query was asked.
        steps = {node.key: type(node.stage).__name__ for node in target.walk() if node.per_query and node.key != QUERIES.key}
        assert {key: step["stage"] for key, step in found[name]["nodes"].items()} == steps
        for step in found[name]["nodes"].values():
            assert list(step) == ["stage", "p50", "p95", "p99"]
            assert 0 < step["p50"] <= step["p95"] <= step["p99"]
    # Feedback searches twice: two steps, one stage, whose time is that of both.
    searches = [step for step in found["hybrid-prf"]["nodes"].values() if step["stage"] == "RetrieveDense"]
    assert len(searches) == 2
    assert found["hybrid-prf"]["stages"]["RetrieveDense"] > max(step["p50"] for step in searches)


def test_shared_steps_are_timed_once_and_found(workspace: Path) -> None:
    names = ("dense", "bm25", "hybrid-rrf", "dense-chunk64")
    found = measure(make_execution(workspace), *names)
    shared = find_shared(found)
    stages = {found[sharing[0]]["nodes"][key]["stage"]: sharing for key, sharing in shared.items()}
    assert stages == {
        "EmbedQueries": ["dense", "hybrid-rrf", "dense-chunk64"],  # one model; the chunks do not matter to the query
        "RetrieveDense": ["dense", "hybrid-rrf"],
        "CountTerms": ["bm25", "hybrid-rrf"],
        "RetrieveLexical": ["bm25", "hybrid-rrf"],
    }
    for key, sharing in shared.items():
        assert len({found[name]["nodes"][key]["p50"] for name in sharing}) == 1


def test_nothing_is_shared_by_one_system_or_by_old_facts() -> None:
    step = {"stage": "EmbedQueries", "p50": 1.0, "p95": 1.0, "p99": 1.0}
    assert find_shared({}) == {}
    assert find_shared({"a": {"nodes": {"k": step}}, "b": {"nodes": {"l": step}}, "c": {"p50": 1.0}}) == {}
    assert find_shared({"b": {"nodes": {"k": step}}, "a": {"nodes": {"k": step}}}) == {"k": ["b", "a"]}


def test_rows_are_spread_evenly() -> None:
    assert choose_rows(3, most=30) == [0, 1, 2]
    assert choose_rows(11, most=3) == [0, 5, 10]
    assert choose_rows(1, most=1) == [0]


def test_a_rehearsal_comes_before_each_query(workspace: Path) -> None:
    models = FakeModels()
    warm = make_execution(workspace, models)
    execute(make_targets("dense"), warm)
    models.fake.asked.clear()
    assert measure(warm, "dense", rehearse=True)["dense"]["n"] == 2
    assert models.fake.texts == ["hub", "hub", "the clock", "the clock"] * 2


def test_what_stages_report_stays_out_of_their_time(workspace: Path) -> None:
    events: list[ProgressEvent] = []
    warm = make_execution(workspace, on_progress=events.append)
    execute(make_targets("dense-rerank"), warm)
    events.clear()
    measure(warm, "dense-rerank")
    assert [(event.label, event.done, event.total) for event in events] == [
        ("timing one query at a time", done, 4) for done in range(4)
    ]


def test_a_system_that_fails_while_timed_is_left_out(workspace: Path) -> None:
    models = FakeModels()
    warm = make_execution(workspace, models)
    execute(make_targets("dense", "bm25"), warm)
    models._encoders.clear()
    models.load = lambda name, **_: FakeModels()._load(MISSING)  # the endpoint is gone
    assert list(measure(warm, "dense", "bm25")) == ["bm25"]


def test_timing_can_be_cancelled(workspace: Path) -> None:
    warm = make_execution(workspace)
    execute(make_targets("bm25"), warm)
    warm.resources.cancel.cancel()
    with pytest.raises(Cancelled):
        measure(warm, "bm25")


def test_facts_of_an_older_form_are_measured_again(workspace: Path, tmp_path: Path) -> None:
    dataset = load_dataset(write_small_dataset(tmp_path / "data"))
    system_runs = SystemRuns(dataset, {"bm25": NAMED["bm25"]}, "all", make_resources(workspace))
    key = system_runs.targets["bm25"].key
    old = {"p50": 1.0, "p95": 1.0, "p99": 1.0, "n": 1, "stages": {}}
    system_runs.resources.workspace.write_facts(content_hash(["latency", key]), old)
    found = system_runs.latency()
    assert found["bm25"]["nodes"]
    # and then it is remembered
    again = SystemRuns(dataset, {"bm25": NAMED["bm25"]}, "all", make_resources(workspace))
    assert again.latency() == found
    assert list(find_shared({"one": found["bm25"], "two": again.latency()["bm25"]})) == list(found["bm25"]["nodes"])


def test_an_older_experiment_is_read(workspace: Path) -> None:
    name = make_experiment(workspace)
    file = workspace / "experiments" / name / "experiment.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    for system in content["systems"]:
        assert system["latency_ms"].pop("nodes")
        assert system["latency_ms"].pop("machine")
    file.write_text(json.dumps(content), encoding="utf-8")
    systems = load_experiment(name, Workspace(workspace)).systems
    assert [list(system.latency_ms or {}) for system in systems] == [["p50", "p95", "p99", "n", "stages"]] * 2
    assert find_shared({system.name: system.latency_ms or {} for system in systems}) == {}


def test_the_machine_is_described_without_its_name() -> None:
    machine = describe_machine()
    assert list(machine) == ["processor", "cores", "system", "python"]
    assert machine["cores"] == get_threads()
    assert machine["python"] == platform.python_version()
    assert platform.node() not in machine.values()


def test_the_processor_is_found_where_linux_lists_it(tmp_path: Path) -> None:
    listed = tmp_path / "cpuinfo"
    listed.write_text("processor\t: 0\nmodel name\t: Example 7: fast\n\nmodel name\t: Other\n", encoding="utf-8")
    assert settings._find_processor(listed) == "Example 7: fast"
    listed.write_text("Features\t: fp\n", encoding="utf-8")  # as on some ARM boards
    assert settings._find_processor(listed) == platform.processor()
    assert settings._find_processor(tmp_path / "absent") == platform.processor()
