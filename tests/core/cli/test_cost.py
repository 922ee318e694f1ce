"""cost on the command line, on a small experiment with the fake models."""

from __future__ import annotations

import functools
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from core.cli import cost as cli_cost
from core.cli.main import EXIT_BAD_INPUT, main
from core.costs.prices import COLUMNS, read_shipped
from core.costs.scenario import Scenario, save_scenario
from core.data.catalog import open_dataset
from core.data.load import load_dataset
from core.experiment.compare import compare
from core.experiment.history import load_experiment, save_experiment
from core.jobs.kinds import SCALING
from core.jobs.state import COMMAND_LINE, DONE, list_jobs
from core.scaling import timing
from core.stages.rerank import CrossEncoderRerank
from core.systems.named import make_named_systems
from core.systems.system import Dense
from core.systems.trained import EMBEDDING, save_model, weights_folder
from core.workspace import Workspace
from tests.core.ladder.test_trained_rungs import make_model
from tests.support.command_line import run_jobs_with
from tests.support.models import FakeModels
from tests.support.small import write_small_dataset

NAMED = make_named_systems()
KEYS = {
    "experiment", "dataset", "scenario", "prices", "measure", "systems", "frontier", "break_even", "assumptions", "notes",
}  # fmt: skip
SYSTEM_KEYS = {
    "one_time", "monthly", "per_1000_queries", "marginal_per_1000_queries", "first_year", "first_year_arithmetic", "by_month",
    "lines", "assumed", "quality", "p95_ms", "facts",
}  # fmt: skip


@dataclass(frozen=True)
class Made:
    """A workspace with the dataset "small" and an experiment on it, once for all tests; to be copied."""

    folder: Path
    id: str


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("cost") / "workspace"
    store = Workspace(folder)
    dataset = load_dataset(write_small_dataset(folder / "datasets" / "small"), name="small")
    model = make_model(EMBEDDING, seconds=60.0, split={**make_model(EMBEDDING).split, "learning": ["q-code"], "validation": []})
    save_model(model, store)
    weights_folder(model.id, store).mkdir(parents=True)
    dense = NAMED["dense"]
    systems = {
        "bm25": NAMED["bm25"],
        "dense": dense,
        "reranked": replace(dense, name="reranked", rerank=CrossEncoderRerank(model="any", depth=5)),
        "tuned": replace(dense, name="tuned", dense=Dense(model=model.reference)),
    }
    experiment = compare(dataset, systems, workspace=store, models=FakeModels())
    save_experiment(experiment, store)
    yield Made(folder, experiment.id)


def use_fake_models(monkeypatch: pytest.MonkeyPatch) -> None:
    run_jobs_with(FakeModels(), monkeypatch)
    for name in ("make_overview", "read_scenario"):
        monkeypatch.setattr(cli_cost, name, functools.partial(getattr(cli_cost, name), models=FakeModels()))


@pytest.fixture
def store(made: Made, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    shutil.copytree(made.folder, workspace, dirs_exist_ok=True)
    use_fake_models(monkeypatch)
    return Workspace(workspace)


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """The JSON of cost."""
    assert main(["cost", *arguments, "--json", "-"]) == 0
    content: dict[str, Any] = json.loads(capsys.readouterr().out)
    return content


def test_json(store: Workspace, made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    content = call(capsys, made.id, "--documents", "5000", "--queries-per-month", "20000", "--deployment", "api")
    assert set(content) == KEYS
    assert (content["experiment"], content["dataset"], content["measure"]) == (made.id, "small", "nDCG@10")
    scenario = content["scenario"]
    assert (scenario["documents"], scenario["queries_per_month"], scenario["deployment"]) == (5000, 20000, "api")
    assert list(content["systems"]) == ["bm25", "dense", "reranked", "tuned"]
    for system in content["systems"].values():
        assert set(system) == SYSTEM_KEYS
        once = sum(line["value"] for line in system["lines"] if line["when"] == "once")
        monthly = sum(line["value"] for line in system["lines"] if line["when"] == "monthly")
        assert (system["one_time"], system["monthly"]) == (pytest.approx(once), pytest.approx(monthly))
        assert system["per_1000_queries"] == pytest.approx(monthly / 20)
        assert system["first_year"] == pytest.approx(once + sum(system["by_month"]))
    # 20,000 searches x 2 / 1,000
    (rerank,) = [line for line in content["systems"]["reranked"]["lines"] if line["name"] == "rerank"]
    assert rerank["value"] == pytest.approx(40.0)
    assert content["frontier"]["cost"] and content["frontier"]["latency"]


def test_json_names_the_prices_it_rests_on(store: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    content = call(capsys, "latest", "--deployment", "api")
    used = {price["id"]: price for price in content["prices"]}
    assert {"openai-3-small", "cohere-rerank-3.5", "pinecone-read", "cpu", "upkeep"} <= set(used)
    assert "voyage-4" not in used
    assert all(price["source"] and price["seen"] for price in used.values())


def test_quality_and_latency_are_the_experiments(store: Workspace, made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    content = call(capsys, "small", "--measure", "Success@5")
    for result in load_experiment(made.id, store).systems:
        system = content["systems"][result.name]
        assert system["quality"] == result.measures["Success@5"]["mean"]
        assert system["p95_ms"] == (result.latency_ms or {})["p95"]


def test_break_even_of_a_trained_system(store: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    """The trained model is the fake one again, so dense is just as good and has no labels to pay."""
    content = call(capsys, "latest")
    pairs = {(found["trained"], found["other"]): found for found in content["break_even"]}
    assert ("tuned", "dense") in pairs and all(trained == "tuned" for trained, _ in pairs)
    found = pairs[("tuned", "dense")]
    assert found["months"] is None  # the volume depends on which of the two happened to be timed as the faster one
    assert len(found["curve"]) == 61 and "does not become cheaper than dense" in found["sentence"]
    assert content["notes"] == ["tuned has learned from 1 of these queries and looks better here than it is."]


def test_what_fine_tuning_would_cost(store: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    content = call(capsys, "latest", "--if-trained", "dense", "--training-seconds", "100")
    imagined = content["systems"]["dense if fine-tuned"]
    assert imagined["quality"] is None and imagined["one_time"] > 960  # 16 h x 60
    assert any("Not measured: dense with a trained embedding model, 100 s" in sentence for sentence in content["assumptions"])
    estimated = call(capsys, "latest", "--if-trained", "dense", "--kind", "adapter")
    assert estimated["systems"]["dense if fine-tuned"]["facts"]["training_seconds"] == 10  # what an adapter takes


def test_words(store: Workspace, made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cost", "latest", "--deployment", "mixed", "--lines", "reranked", "--queries-per-month", "50000"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    text = " ".join(captured.out.split())
    assert text.startswith(
        f"small, experiment {made.id}, US dollars: system once a month 1,000 queries first year nDCG@10 p95 ms"
    )
    for words in (
        "No other system both scores higher and is cheaper than: ", "At 50,000 queries a month, tuned ",
        "reranked: once, ", "Rerank the first 5 hits: 50,000 queries × 1 search a query", "= $100.00",
        "first 12 months: ", "Prices used: - OpenAI text-embedding-3-small: $0.02 / 1M tokens (OpenAI, API pricing page, seen",
        "Assumptions: - Embeddings and reranking are bought; index and search run on an own machine.",
        "Notes: - tuned has learned",
    ):  # fmt: skip
        assert words in text
    assert max(len(line) for line in captured.out.splitlines()) <= cli_cost.MAX_WIDTH


def test_it_starts_from_the_scenario_that_was_saved(store: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    save_scenario(Scenario(documents=700, queries_per_month=123_456), "small", store)
    scenario = call(capsys, "latest", "--documents", "900")["scenario"]
    assert (scenario["documents"], scenario["queries_per_month"]) == (900, 123_456)


def test_latency_at_other_sizes(
    store: Workspace, made: Made, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(timing, "_QUERIES", 10)
    monkeypatch.setattr(timing, "_SEARCHES", 5)
    assert main(["cost", "latest", "--at-documents", "120"]) == EXIT_BAD_INPUT
    assert "--at-documents needs latencies that were measured at several sizes" in capsys.readouterr().err

    # an eighth of 12 documents is 2 (1.5), then 3, 6 and all
    content = call(capsys, "latest", "--measure-sizes", "--at-documents", "24", "1200")["latency_by_size"]
    (job,) = list_jobs(store)
    assert (job.kind, job.state, job.starter, job.title) == (SCALING, DONE, COMMAND_LINE, "small, latency at several sizes")
    assert list(content["measured"]) == ["bm25", "dense", "reranked", "tuned"]
    assert [point["documents"] for point in content["measured"]["dense"]] == [2, 3, 6, 12]
    assert set(content["error"]) == set(content["measured"]) and content["machine"]["cores"]
    estimates = [one for one in content["estimates"] if one["system"] == "dense"]
    assert [(one["documents"], one["far"]) for one in estimates] == [(24, False), (1200, True)]
    assert all(one["low"] <= one["p50"] <= one["high"] and one["p50"] <= one["p95"] for one in estimates)

    assert main(["cost", "latest", "--at-documents", "1200"]) == 0  # what was measured is kept
    text = " ".join(capsys.readouterr().out.split())
    assert "Latency by size, measured at 2, 3, 6, 12 documents" in text
    assert "! dense 1,200 " in text and "! More than ten times what was measured (here 12 documents)" in text
    assert main(["cost", "latest", "--at-documents", "0"]) == EXIT_BAD_INPUT
    assert "documents is 0; it must be at least 1" in capsys.readouterr().err


def test_no_queries(store: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cost", "latest", "--queries-per-month", "0"]) == 0
    assert "n/a" in capsys.readouterr().out
    assert call(capsys, "latest", "--queries-per-month", "0")["systems"]["bm25"]["per_1000_queries"] is None


def test_an_experiment_without_labels(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Workspace(workspace)
    use_fake_models(monkeypatch)
    write_small_dataset(workspace / "datasets" / "bare", labels=False)
    dataset = open_dataset("bare", store)
    save_experiment(compare(dataset, {"bm25": NAMED["bm25"]}, workspace=store, models=FakeModels()), store)
    content = call(capsys, "bare")
    assert (content["measure"], content["systems"]["bm25"]["quality"]) == ("", None)
    assert content["frontier"] == {"cost": [], "latency": []}
    assert main(["cost", "bare", "--measure", "AP"]) == EXIT_BAD_INPUT
    assert "the measure is 'AP'; this experiment has no measures: it has no labels" in capsys.readouterr().err


def test_prices_of_a_file(store: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "own.csv"
    file.write_text(f"{','.join(COLUMNS)}\ncpu,Our own machines,cpu_hour,vCPU-hour,0.01,the invoice,2026-11-01,\n")
    (line,) = [
        line for line in call(capsys, "latest", "--prices", str(file))["systems"]["bm25"]["lines"] if line["name"] == "machine"
    ]
    assert line["value"] == pytest.approx(14.60)  # 2 x 730 x 0.01
    file.write_text(f"{','.join(COLUMNS)}\ncpu,Our own machines,cpu_hour,vCPU-hour,-1,the invoice,2026-11-01,\n")
    assert main(["cost", "latest", "--prices", str(file)]) == EXIT_BAD_INPUT
    assert f"error: {file}, line 2: cpu has the price '-1'; write a number" in capsys.readouterr().err


def test_list_prices(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cost", "--list-prices"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["id", "price", "kind", "seen", "source", "note"]
    assert len(lines) == 1 + len(read_shipped().prices)
    assert "$0.02 / 1M tokens" in lines[1] and "2026-07" in lines[1] and "OpenAI, API pricing page" in lines[1]
    content = call(capsys, "--list-prices")
    assert list(content["prices"][0]) == COLUMNS


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "say which result: the id of an experiment, latest, or a dataset's name"),
        (["absent"], "there is no experiment 'absent', nor one of a dataset of that name; there are experiments of: small."),
        (["latest", "--documents", "-1"], "documents is -1; it must be at least 0"),
        (["latest", "--queries-per-month", "nan"], "queries_per_month is nan; it must be a number"),
        (["latest", "--embedding", "magic"], "there is no price 'magic' of the kind embedding; there are: openai-3-small"),
        (["latest", "--vector-store", "attic"], "there are no prices of a vector store 'attic'; there are: pinecone, chroma"),
        (["latest", "--measure", "beauty"], "the measure is 'beauty'; this experiment has nDCG@10"),
        (["latest", "--lines", "absent"], "--lines names the system 'absent'; there are bm25, dense, reranked, tuned"),
        (["latest", "--if-trained", "absent"], "there is no system 'absent' to be fine-tuned; there are bm25, dense"),
        (["latest", "--if-trained", "bm25"], "bm25 has no embeddings, so there is no embedding model to be trained"),
        (["latest", "--json", "/absent/x.json"], "give --json a file in a folder that exists"),
    ],
)
def test_bad_input(store: Workspace, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cost", *arguments]) == EXIT_BAD_INPUT
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err and captured.err.startswith("error: ")


def test_a_workspace_without_experiments(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cost", "latest"]) == EXIT_BAD_INPUT
    assert "there are experiments of: none. python -m core compare makes one" in capsys.readouterr().err


def test_an_experiment_in_which_nothing_ran(store: Workspace, made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    experiment = load_experiment(made.id, store)
    failed = tuple(replace(one, error="broken") for one in experiment.systems)
    save_experiment(replace(experiment, systems=failed), store)
    assert main(["cost", made.id]) == EXIT_BAD_INPUT
    assert f"the experiment {made.id} has no system that was run; run it again" in capsys.readouterr().err
