"""A comparison from data to JSON, with the fake model: what is in it, what is done again, and what one failure costs."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import ir_measures
import pandas as pd
import pytest

from core.data.dataset import Dataset
from core.data.load import load_dataset
from core.errors import InputError
from core.evaluation.measures import list_measures
from core.evaluation.per_query import evaluate_runs
from core.experiment import collect
from core.experiment.compare import compare
from core.experiment.result import Experiment, to_trec
from core.progress import CancelToken, ProgressEvent
from core.stages.rerank import CrossEncoderRerank
from core.systems.named import make_named_systems
from core.systems.system import System
from core.systems.yaml_files import from_spec
from core.workspace import Workspace
from tests.support.app import REPOSITORY, build_environment
from tests.support.models import MISSING, FakeModels
from tests.support.small import (
    FILTER_HELPS_QUERY,
    FILTERED_AWAY_QUERY,
    MISSED_QUERY,
    UNLABELLED_QUERY,
    write_small_dataset,
)

NAMED = make_named_systems()
FEW = {name: NAMED[name] for name in ("bm25", "dense", "hybrid-rrf")}


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return load_dataset(write_small_dataset(tmp_path / "small"))


def run(dataset: Dataset, folder: Path, systems: dict[str, System] | None = None, **options: Any) -> Experiment:
    return compare(dataset, systems or FEW, workspace=Workspace(folder), **{"models": FakeModels(), **options})


@dataclasses.dataclass(frozen=True)
class Made:
    """All named systems on the dataset, once for all tests; the workspace is to be copied."""

    experiment: Experiment
    workspace: Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("compare")
    dataset = load_dataset(write_small_dataset(folder / "small"))
    return Made(run(dataset, folder / "workspace", NAMED), folder / "workspace")


def without_times(experiment: Experiment) -> dict[str, Any]:
    content = experiment.to_json()
    for name in ("id", "created", "timings"):
        content.pop(name)
    for system in content["systems"]:
        system.pop("latency_ms")
    return content


def write_trec(experiment: Experiment, folder: Path) -> dict[str, Path]:
    folder.mkdir(exist_ok=True)
    for name in experiment.ready:
        (folder / f"{name}.run").write_text(to_trec(experiment.runs[name], tag=name), encoding="utf-8")
    return {name: folder / f"{name}.run" for name in experiment.ready}


def test_all_named_systems_run(dataset: Dataset, made: Made, tmp_path: Path) -> None:
    experiment = made.experiment
    assert [(system.name, system.error) for system in experiment.systems] == [(name, None) for name in NAMED]
    content = json.loads(json.dumps(experiment.to_json(), allow_nan=False))
    assert {"name": "small", "documents": 12, "queries": 8, "judgments": len(dataset.judgments)}.items() <= content[
        "dataset"
    ].items()
    assert content["dataset"]["fingerprint"] == dataset.fingerprint
    assert (content["split_used"], content["status"]) == ("all", "done")
    for system in content["systems"]:
        assert from_spec(system["spec"]) == NAMED[system["name"]]
        assert list(system["measures"]) == list_measures()
        for name, value in system["measures"].items():
            assert list(value) == ["mean", "low", "high", "n"]
            # 7 queries have a relevant document, 2 of them evidence
            assert value["n"] == (2 if name.startswith("evidence") else 7)
            assert 0 <= value["low"] <= value["mean"] <= value["high"] <= 1
        assert {"p50", "p95", "p99"} <= system["latency_ms"].keys()
        assert 0 < system["judged_at_10"] <= 1
    assert {
        "total_seconds", "encode_seconds", "encoded_texts", "distinct_texts", "nodes_run", "nodes_cached",
    } <= content["timings"].keys()  # fmt: skip
    assert content["timings"]["encoded_texts"] == content["timings"]["distinct_texts"] > 12
    assert content["timings"]["nodes_cached"] == 0
    # Scores recomputed from the run files by ir_measures itself are the same.
    qrels = dataset.judgments
    answerable = set(qrels.loc[qrels["relevance"] >= 1, "query_id"])
    qrels = qrels[qrels["query_id"].isin(answerable)]
    measures = {name: ir_measures.parse_measure(name) for name in list_measures(has_evidence=False)}
    files = write_trec(experiment, tmp_path / "runs")
    for system in content["systems"]:
        hits = list(ir_measures.read_trec_run(str(files[system["name"]])))
        again = ir_measures.calc_aggregate(list(measures.values()), qrels, hits)
        for name, measure in measures.items():
            assert again[measure] == pytest.approx(system["measures"][name]["mean"], abs=1e-6), (system["name"], name)


def test_filters_change_what_is_found(dataset: Dataset, workspace: Path) -> None:
    experiment = run(dataset, workspace, {name: NAMED[name] for name in ("bm25", "bm25-filtered", "dense-filtered")})

    def first(system: str, query: str) -> list[str]:
        found = experiment.runs[system]
        return list(found.loc[found["query_id"] == query, "doc_id"])[:1]

    assert first("bm25", FILTER_HELPS_QUERY) == ["hub-reset-2"]
    assert first("bm25-filtered", FILTER_HELPS_QUERY) == ["hub-reset-3"]
    versions = {row["doc_id"]: row["metadata"]["version"] for row in dataset.documents.to_dict("records")}
    filtered = experiment.runs["dense-filtered"]
    found = filtered.loc[filtered["query_id"] == FILTER_HELPS_QUERY, "doc_id"]
    assert len(found) > 1
    assert {versions[name] for name in found} == {"3.0"}
    assert first("bm25-filtered", FILTERED_AWAY_QUERY) == []
    # A query without results is measured as 0, not left out.
    values = experiment.per_query.set_index(["system", "query_id", "measure"])["value"]
    assert values["bm25-filtered", FILTERED_AWAY_QUERY, "nDCG@10"] == 0
    assert values["bm25", MISSED_QUERY, "nDCG@10"] == 0
    assert UNLABELLED_QUERY not in set(experiment.per_query["query_id"])


def test_runs_say_where_each_hit_stands(dataset: Dataset, made: Made) -> None:
    texts = dict(zip(dataset.documents["doc_id"], dataset.documents["text"], strict=True))
    for found in made.experiment.runs.values():
        assert (found["start"] < found["end"]).all()
        assert all(end <= len(texts[doc]) for doc, end in zip(found["doc_id"], found["end"], strict=True))


def test_a_second_run_encodes_and_runs_nothing(dataset: Dataset, made: Made, workspace: Path) -> None:
    models, first = FakeModels(), made.experiment
    shutil.copytree(made.workspace, workspace, dirs_exist_ok=True)
    second = run(dataset, workspace, NAMED, models=models)
    assert models.fake.asked == []
    timings = second.timings
    assert (timings["encoded_texts"], timings["encode_seconds"], timings["nodes_run"]) == (0, 0, 0)
    assert timings["nodes_cached"] == first.timings["nodes_run"]
    assert timings["distinct_texts"] == first.timings["distinct_texts"]
    assert without_times(second) == without_times(first)
    assert [system.latency_ms for system in second.systems] == [system.latency_ms for system in first.systems]
    for name, found in first.runs.items():
        assert second.runs[name].to_dict("records") == found.to_dict("records")
    pd.testing.assert_frame_equal(second.per_query, first.per_query, check_dtype=False)


AGAIN = """
import json, sys
from pathlib import Path
from core.data.load import load_dataset
from core.evaluation.per_query import evaluate_runs
from core.experiment.compare import compare
from core.workspace import Workspace
from core.systems.named import make_named_systems
names = ("dense", "bm25", "hybrid-rrf", "hybrid-rerank")
systems = {name: make_named_systems()[name] for name in names}
found = compare(load_dataset(Path(sys.argv[1])), systems, workspace=Workspace(Path(sys.argv[2])))
heavy = sorted({"torch", "sentence_transformers", "transformers", "chromadb"} & set(sys.modules))
print(json.dumps([found.timings["encoded_texts"], found.timings["nodes_run"], heavy, [s.error for s in found.systems]]))
"""


def test_another_process_finds_everything_and_imports_no_torch(dataset: Dataset, workspace: Path, tmp_path: Path) -> None:
    """The same command again, without the fake model: it would have to load the real one to do anything at all."""
    names = ("dense", "bm25", "hybrid-rrf", "hybrid-rerank")

    class RealTokenizer(FakeModels):
        tokenizer = FakeModels.__mro__[1].tokenizer  # so that the chunks are those of the real model

    run(dataset, workspace, {name: NAMED[name] for name in names}, models=RealTokenizer())
    answer = subprocess.run(
        [sys.executable, "-c", AGAIN, str(tmp_path / "small"), str(workspace)],
        check=False, cwd=REPOSITORY, env=build_environment(workspace), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout) == [0, 0, [], [None] * 4]


def test_the_same_input_gives_the_same_bytes(dataset: Dataset, made: Made, tmp_path: Path) -> None:
    both = [made.experiment, run(dataset, tmp_path / "another", NAMED)]
    assert without_times(both[0]) == without_times(both[1])
    files = [write_trec(experiment, tmp_path / f"runs-{number}") for number, experiment in enumerate(both)]
    for name in NAMED:
        assert files[0][name].read_bytes() == files[1][name].read_bytes()
        assert len(files[0][name].read_bytes()) > 100


def test_a_changed_document_embeds_only_its_changed_chunks(workspace: Path, tmp_path: Path) -> None:
    folder = write_small_dataset(tmp_path / "small")
    models = FakeModels()
    systems = {"dense-window": NAMED["dense-window"], "dense": NAMED["dense"]}
    run(load_dataset(folder), workspace, systems, models=models)
    models.fake.asked.clear()
    corpus = folder / "corpus.jsonl"
    lines = corpus.read_text(encoding="utf-8").splitlines()
    changed = [number for number, line in enumerate(lines) if "hub-battery" in line]
    lines[changed[0]] = lines[changed[0]].replace("Replace it", "Swap it")
    corpus.write_text("\n".join(lines) + "\n", encoding="utf-8")
    experiment = run(load_dataset(folder), workspace, systems, models=models)
    # "The battery lasts five years." is an unchanged sentence. Timing encodes queries again, on purpose.
    documents = [text for role, text in models.fake.asked if role == "document"]
    assert sorted(documents) == [
        "Battery of the hub\nSwap it when the light is amber.",
        "Battery of the hub\nThe battery lasts five years. Swap it when the light is amber.",
    ]
    assert experiment.timings["encoded_texts"] == 2
    assert experiment.timings["distinct_texts"] > 12


def test_a_failing_system_keeps_its_place(dataset: Dataset, workspace: Path) -> None:
    broken = dataclasses.replace(NAMED["dense"], name="broken", rerank=CrossEncoderRerank(model=MISSING))
    gone = dataclasses.replace(NAMED["dense"], name="gone", dense=dataclasses.replace(NAMED["dense"].dense, model=MISSING))
    systems = {"gone": gone, "bm25": NAMED["bm25"], "broken": broken, "dense": NAMED["dense"]}
    experiment = run(dataset, workspace, systems)
    assert [(system.name, system.error) for system in experiment.systems] == [
        ("gone", f"The embedding model {MISSING!r} cannot be loaded."),
        ("bm25", None),
        ("broken", f"The reranker {MISSING!r} cannot be loaded."),
        ("dense", None),
    ]
    assert experiment.ready == ["bm25", "dense"]
    failed = experiment.systems[0]
    assert (failed.measures, failed.latency_ms, failed.judged_at_10) == ({}, None, None)
    assert all(system.latency_ms for system in experiment.systems if system.error is None)
    assert experiment.status == "done"


def test_a_model_that_goes_away_after_the_search_costs_no_result(dataset: Dataset, workspace: Path) -> None:
    models = FakeModels()
    run(dataset, workspace, FEW, models=models)
    for file in (workspace / "cache" / "nodes").glob("*.json"):
        file.unlink()  # as if it had been cancelled before the timing
    models._encoders.clear()
    models.load = lambda name, **_: FakeModels()._load(MISSING)
    again = run(dataset, workspace, FEW, models=models)
    assert again.status == "done"
    assert again.ready == list(FEW)
    assert [system.latency_ms is not None for system in again.systems] == [True, False, False]
    assert again.systems[1].measures["nDCG@10"]["n"] == 7


def test_cancel_keeps_what_was_finished(dataset: Dataset, workspace: Path) -> None:
    cancel = CancelToken()
    partial: list[Experiment] = []

    def stop(experiment: Experiment) -> None:
        partial.append(experiment)
        cancel.cancel()

    stopped = run(dataset, workspace, cancel=cancel, on_partial=stop)
    assert stopped.status == "cancelled"
    assert stopped.ready == ["bm25"]
    assert [(system.name, system.error) for system in stopped.systems] == [
        ("bm25", None),
        ("dense", "Cancelled before this system was finished. Run the experiment again to complete it."),
        ("hybrid-rrf", "Cancelled before this system was finished. Run the experiment again to complete it."),
    ]
    assert [(experiment.status, [system.name for system in experiment.systems]) for experiment in partial] == [
        ("running", ["bm25"])
    ]
    assert partial[0].systems[0].measures == stopped.systems[0].measures
    again = run(dataset, workspace)
    assert (again.status, again.ready) == ("done", list(FEW))
    assert again.timings["nodes_cached"] >= 2  # bm25's chunks and run


def test_progress_only_rises_and_ends(dataset: Dataset, workspace: Path) -> None:
    events: list[ProgressEvent] = []
    run(dataset, workspace, on_progress=events.append)
    assert {event.system for event in events} - {None} == set(FEW)
    shares = [event.share for event in events]
    assert shares == sorted(shares) and 0 <= shares[0] < 0.5 and 0.8 < shares[-1] <= 1
    assert any(event.label.startswith("embedding ") for event in events)
    assert all(event.seconds_left is not None and event.seconds_left >= 0 for event in events)


def test_evidence_alone_is_enough(workspace: Path, tmp_path: Path) -> None:
    folder = write_small_dataset(tmp_path / "small")
    (folder / "qrels.tsv").unlink()
    experiment = run(load_dataset(folder), workspace)
    for system in experiment.systems:
        assert (system.measures["nDCG@10"]["n"], system.measures["evidence_recall@5"]["n"]) == (2, 2)
        assert system.judged_at_10 is None  # only positives were judged
    assert experiment.systems[0].measures["evidence_recall@5"]["mean"] == 1


def test_without_labels_everything_but_measures_works(workspace: Path, tmp_path: Path) -> None:
    experiment = run(load_dataset(write_small_dataset(tmp_path / "small", labels=False)), workspace)
    assert experiment.ready == list(FEW)
    assert experiment.per_query.empty
    for system in experiment.systems:
        assert (system.measures, system.judged_at_10) == ({}, None)
        assert system.latency_ms is not None
    assert len(experiment.runs["bm25"])


def test_splits(workspace: Path, tmp_path: Path) -> None:
    folder = write_small_dataset(tmp_path / "small")
    (folder / "qrels").mkdir()
    (folder / "qrels" / "train.tsv").write_text("query-id\tcorpus-id\tscore\nq-code\thub-4012\t1\n")
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq-csv\tdesk-export\t1\nq-clock\thub-4013\t1\n")
    (folder / "qrels.tsv").unlink()
    dataset = load_dataset(folder)
    words = {"bm25": NAMED["bm25"]}
    test = run(dataset, workspace, words)
    assert (test.split_used, test.systems[0].measures["AP"]["n"]) == ("test", 2)
    assert set(test.runs["bm25"]["query_id"]) == {"q-csv", "q-clock"}
    assert run(dataset, workspace, words, split="tuning").split_used == "tuning"
    everything = run(dataset, workspace, words, split="all")
    assert everything.systems[0].measures["AP"]["n"] > 2
    with pytest.raises(InputError, match=r"^the split 'dev' does not exist; it can be all, test, tuning$"):
        run(dataset, workspace, words, split="dev")


def test_what_cannot_be_compared(dataset: Dataset, workspace: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^no systems were chosen; name at least one$"):
        compare(dataset, {}, workspace=Workspace(workspace))
    corpus_only = load_dataset(write_small_dataset(tmp_path / "corpus", queries=False))
    with pytest.raises(InputError) as error:
        run(corpus_only, workspace)
    assert str(error.value) == (
        "the dataset corpus has no queries in the split 'all'; add queries.jsonl or choose another split"
    )
    empty = dataclasses.replace(dataset, documents=dataset.documents.assign(title="", text=" "))
    with pytest.raises(InputError, match="has no document with a title or a text; add documents to search"):
        run(empty, workspace)


def test_what_was_measured_is_not_measured_again(dataset: Dataset, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run(dataset, workspace)
    asked: list[list[str]] = []

    def note(runs: dict[str, pd.DataFrame], **labels: pd.DataFrame) -> pd.DataFrame:
        asked.append(list(runs))
        return evaluate_runs(runs, **labels)

    monkeypatch.setattr("core.experiment.collect.evaluate_runs", note)
    second = run(dataset, workspace)
    assert asked == []
    assert without_times(second) == without_times(first)
    pd.testing.assert_frame_equal(second.per_query, first.per_query, check_exact=True, check_dtype=False)
    # Other labels on the same runs, and a run under another name.
    fewer = dataclasses.replace(dataset, judgments=dataset.judgments.iloc[1:].reset_index(drop=True))
    run(fewer, workspace, {"bm25": NAMED["bm25"]})
    assert asked == [["bm25"]]
    renamed = run(dataset, workspace, {"words": dataclasses.replace(NAMED["bm25"], name="words")})
    assert asked == [["bm25"]]
    assert renamed.per_query["system"].unique().tolist() == ["words"]
    assert renamed.systems[0].measures == next(one.measures for one in first.systems if one.name == "bm25")


def test_kept_values_are_not_those_of_a_measure_as_it_was(
    tmp_path: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, systems = load_dataset(write_small_dataset(tmp_path / "small")), {"bm25": make_named_systems()["bm25"]}
    asked = []

    def count(*arguments: Any, **named: Any) -> pd.DataFrame:
        asked.append(named)
        return evaluate_runs(*arguments, **named)

    monkeypatch.setattr(collect, "evaluate_runs", count)
    compare(dataset, systems, workspace=Workspace(workspace))
    compare(dataset, systems, workspace=Workspace(workspace))
    assert len(asked) == 1, "the second finds them"
    monkeypatch.setattr(collect, "VERSION", collect.VERSION + 1)
    compare(dataset, systems, workspace=Workspace(workspace))
    assert len(asked) == 2
