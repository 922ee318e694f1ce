"""train, models and what follows on the command line, with the fake models on data that only training can help."""

from __future__ import annotations

import csv
import dataclasses
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from core.cli.main import EXIT_BAD_INPUT, main
from core.cli.recommend import format_ladder
from core.cli.train import format_training
from core.experiment.history import load_experiment
from core.jobs.kinds import TRAIN
from core.jobs.kinds.train import TrainingResult
from core.jobs.state import DONE, list_jobs
from core.recommendation.assess import Assessment
from core.recommendation.files import load_assessment
from core.systems.trained import TrainedModel, list_models, save_model
from core.trained_model.evaluation_file import read_evaluation
from core.workspace import Workspace
from tests.support.assessments import AxisModels
from tests.support.command_line import run_jobs_with
from tests.support.shifted import QUERIES, ask, find_answer, list_documents, name_query, write_shifted_dataset

KEYS = {
    "model", "reference", "kind", "base", "dataset", "systems", "training_seconds", "pairs", "examples", "checks", "leakage",
    "loss_curve", "metrics", "plan", "split", "comparison", "cheap_comparison", "measure", "experiment", "regressions",
    "adoption",
}  # fmt: skip


def use_fake_models(patch: pytest.MonkeyPatch) -> None:
    """The commands as they are, but for the models they load."""
    models = AxisModels()
    run_jobs_with(models, patch)


@dataclass(frozen=True)
class Call:
    """What train --kind adapter left, once for all tests: its JSON, its words, and the workspace, to be copied."""

    content: dict[str, Any]
    text: str
    folder: Path
    model: TrainedModel


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Call]:
    folder = tmp_path_factory.mktemp("train") / "workspace"
    write_shifted_dataset(folder / "datasets" / "shifted")
    target = folder.with_name("result.json")
    with pytest.MonkeyPatch.context() as patch:
        use_fake_models(patch)
        command = ["train", "shifted", "--kind", "adapter", "--workspace", str(folder), "--json", str(target)]
        assert main(command) == 0
    store = Workspace(folder)
    (model,) = list_models(store)
    text = format_training(TrainingResult(model, read_evaluation(model, store)), width=100)
    yield Call(json.loads(target.read_text(encoding="utf-8")), text, folder, model)


@pytest.fixture
def store(trained: Call, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace with the dataset and the adapter, and commands that use the fake models."""
    use_fake_models(monkeypatch)
    shutil.copytree(trained.folder, workspace, dirs_exist_ok=True)
    return Workspace(workspace)


@pytest.fixture
def untrained(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    use_fake_models(monkeypatch)
    write_shifted_dataset(workspace / "datasets" / "shifted")
    return Workspace(workspace)


# train


def test_json_of_a_training(trained: Call) -> None:
    content = trained.content
    assert set(content) == KEYS, "no learning curve and no folds unless they are asked for"
    assert (content["model"], content["kind"], content["systems"]) == (trained.model.id, "adapter", ["dense-adapter"])
    assert content["training_seconds"] > 0
    assert content["pairs"] == content["split"]["learning"] == 27  # 85 % of 32 tuning queries, one answer each
    assert {"step", "epoch", "loss", "validation"} <= set(content["loss_curve"][0])
    assert content["split"] == {
        "tuning": 32, "test": 32, "learning": 27, "validation": 5, "share": 0.5, "seed": 0, "given": False,
    }  # fmt: skip


def test_json_says_what_the_held_out_queries_say(trained: Call) -> None:
    untrained, cheap = trained.content["comparison"], trained.content["cheap_comparison"]
    for row in (untrained, cheap):
        assert {"delta", "low", "high", "n", "verdict", "baseline", "system"} <= set(row)
        assert row["n"] == 32
    assert (untrained["baseline"], untrained["system"], untrained["verdict"]) == ("dense", "dense-adapter", "better")
    assert untrained["low"] < untrained["delta"] < untrained["high"]
    # Word matching is better than the embeddings, which lead to the next topic; words alone cannot be adapted.
    assert cheap["baseline"].startswith("hybrid") and cheap["system"] == f"{cheap['baseline']}-adapter"
    assert cheap["baseline_mean"] > untrained["baseline_mean"]
    assert {"query_id", "text", "delta"} <= set(trained.content["regressions"][0])


def test_json_says_that_nothing_leaks(trained: Call) -> None:
    leakage = trained.content["leakage"]
    assert [check["name"] for check in leakage] == ["same_text", "near_duplicate", "same_evidence"]
    assert {check["level"] for check in leakage} == {"fine"} and all(check["test_queries"] == [] for check in leakage)
    others = {check["name"]: check for check in trained.content["checks"]}
    assert others["few_positives"]["level"] == "warn", "27 pairs are few"


def test_words_of_a_training(trained: Call) -> None:
    text = " ".join(trained.text.split())
    assert text.startswith(f"{trained.model.id}: query adapter trained on 27 queries (27 pairs")
    assert "It can be used as dense-adapter." in text
    assert "Note: Only 27 pairs belong together" in text
    assert "Against the untrained model on 32 held-out queries: dense-adapter 0." in text
    assert "Against the best cheap rung on 32 held-out queries" in text and "better" in text
    assert "To adopt it: train for" in text and "Queries that got worse" in text
    assert max(len(line) for line in trained.text.splitlines()) <= 100


def test_it_is_kept_as_a_job_and_as_an_experiment(trained: Call) -> None:
    store = Workspace(trained.folder)
    (job,) = list_jobs(store)
    assert (job.kind, job.state, job.title) == (TRAIN, DONE, "shifted, training an adapter")
    assert "dense-adapter" in load_experiment(trained.content["experiment"], store).ready


def test_the_same_command_trains_nothing_again_and_adds_what_is_asked_for(
    store: Workspace, trained: Call, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(
        "core.training.train.fit", refuse
    )  # the points of the curve are trained by core.trained_model.part_training
    options = ["--quick", "--learning-curve", "--folds", "2", "--json", "-"]
    assert main(["train", "shifted", "--kind", "adapter", *options]) == 0
    shown = capsys.readouterr()
    content = json.loads(shown.out)
    assert set(content) == KEYS | {"learning_curve", "folds"}
    assert content["training_seconds"] == trained.content["training_seconds"]
    assert content["cheap_comparison"] == trained.content["cheap_comparison"], "what was measured stays"
    assert [point["share"] for point in content["learning_curve"]["points"]] == [0.25, 0.5, 1.0]
    text = " ".join(shown.err.split())
    assert "Learning curve: 25% (7 queries)" in text and "Cross-fitting over 2 folds" in text and "Exploratory" in text


def test_quick_leaves_the_cheap_rungs_out(untrained: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "result.json"
    assert main(["train", "shifted", "--kind", "adapter", "--quick", "--json", str(target)]) == 0
    content = json.loads(target.read_text(encoding="utf-8"))
    assert content["cheap_comparison"] is None and content["comparison"]["verdict"] == "better"
    assert "best cheap rung" not in capsys.readouterr().out


BAD = [
    (["--kind", "adapter", "--share", "2"], "the share of tuning queries is 2"),
    (["--kind", "embedding", "--epochs", "0"], "epochs is 0"),
    (["--kind", "embedding", "--learning-rate", "7"], "learning_rate is 7"),
    (["--kind", "embedding", "--batch-size", "1"], "batch_size is 1"),
    (["--kind", "adapter", "--folds", "1"], "folds is 1"),
    (["--kind", "embedding", "--lora-rank", "4", "--freeze-layers", "2"], "LoRA leaves all layers frozen already"),
    (["--kind", "reranker", "--form", "pairs"], "a reranker learns from labelled examples, not from pairs"),
    (["--kind", "adapter", "--base", "endpoint:m"], "the base 'endpoint:m' cannot be trained further"),
    (["--kind", "adapter", "--system", "bm25"], "system 'bm25' has no embedding model to start from"),
    (["--kind", "adapter", "--system", "nothing"], "there is no system 'nothing' to start from; there are dense"),
    (["--kind", "adapter", "--examples", "{tmp}/no.csv"], "{tmp}/no.csv: is no file"),
    (["--kind", "adapter", "--json", "{tmp}"], "{tmp}: cannot be written"),
    ([], "say what to train: --kind adapter, --kind reranker, --kind embedding"),
]


@pytest.mark.parametrize(("options", "message"), BAD, ids=range(len(BAD)))
def test_bad_input_gets_one_sentence(
    options: list[str], message: str, untrained: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "shifted", *(option.format(tmp=tmp_path) for option in options)]) == EXIT_BAD_INPUT
    shown = capsys.readouterr()
    assert (shown.out, shown.err.count("\n")) == ("", 1)
    assert shown.err.startswith("error: " + message.format(tmp=tmp_path))
    assert list_models(untrained) == []


@pytest.mark.parametrize("options", [["--kind", "generator"], ["--kind", "adapter", "--epochs", "two"], ["--form", "prose"]])
def test_what_the_parser_refuses(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["train", "x", *options])
    assert left.value.code == EXIT_BAD_INPUT
    assert f"error: argument {options[-2]}: " in capsys.readouterr().err


def write_pairs(file: Path, rows: list[tuple[str, str]]) -> Path:
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([("query", "positive"), *rows])
    return file


def pair(number: int) -> tuple[str, str]:
    """A query and the text of its answer."""
    return ask(number), list_documents()[find_answer(number)]


def find_tuning(model: TrainedModel) -> list[int]:
    return [number for number in range(len(QUERIES)) if name_query(number) in model.split["tuning"]]


def test_a_leaking_table_is_refused_with_file_and_line(
    store: Workspace, trained: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second row, on line 3 under the heading, has the words of a test query."""
    tuning = find_tuning(trained.model)
    test = next(number for number in range(len(QUERIES)) if number not in tuning)
    rows = [pair(number) for number in tuning[:12]]
    rows[1] = (ask(test).upper() + "?", rows[1][1])
    file = write_pairs(tmp_path / "mine.csv", rows)
    assert main(["train", "shifted", "--kind", "adapter", "--examples", str(file)]) == EXIT_BAD_INPUT
    error = capsys.readouterr().err
    assert "1 training query has the words of a test query (the first in mine.csv, line 3): " + name_query(test) in error
    assert "--drop-leaking" in error
    assert len(list_models(store)) == 1


def test_leaking_rows_can_be_left_out(
    store: Workspace, trained: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tuning = find_tuning(trained.model)
    test = next(number for number in range(len(QUERIES)) if number not in tuning)
    file = write_pairs(tmp_path / "mine.csv", [pair(number) for number in (*tuning[:12], test)])
    command = ["train", "shifted", "--kind", "adapter", "--quick", "--drop-leaking", "--json", "-", "--examples", str(file)]
    assert main(command) == 0
    content = json.loads(capsys.readouterr().out)
    assert (content["pairs"], content["examples"]["source"]) == (12, "mine.csv")
    assert content["leakage"][0]["test_queries"] == [name_query(test)], "it is still said"


TABLES = [
    ("words,answers\na,b\n", "mine.csv: has the columns words, answers; expected the columns of one form"),
    ("query,document,label\na,b,1\na,c,maybe\n", "line 3: label is 'maybe'; it can be 1 (belongs together) or 0"),
    ("query,positive\na,b\n,c\n", "line 3: query is nothing; expected text"),
    ("query,positive\na,b\n", "There is 1 pair that belongs together, and at least 10 are needed to train"),
]


@pytest.mark.parametrize(("table", "message"), TABLES, ids=range(len(TABLES)))
def test_tables_that_cannot_be_learned_from(
    table: str, message: str, untrained: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.csv"
    file.write_text(table, encoding="utf-8")
    assert main(["train", "shifted", "--kind", "adapter", "--examples", str(file)]) == EXIT_BAD_INPUT
    assert message in capsys.readouterr().err


# models


def test_models_are_listed_with_what_they_are_worth(
    store: Workspace, trained: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    begun = dataclasses.replace(trained.model, id="embedding-0000000000", kind="embedding", state="unfinished")
    save_model(begun, store)
    assert main(["models"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    row = trained.content["comparison"]
    assert first.startswith(f"{trained.model.id}  query adapter on shifted, ")
    assert f"{row['delta']:+.3f} nDCG@10" in first and first.endswith("better on 32 held-out queries")
    assert second.startswith("embedding-0000000000  unfinished embedding model on shifted")
    assert "start the same training again" in second


def test_models_as_json(store: Workspace, trained: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--json", "-"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content == {"models": [trained.content], "unfinished": []}


def test_a_removed_model_is_gone(store: Workspace, trained: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--remove", f"trained:{trained.model.id}"]) == 0
    shown = capsys.readouterr()
    assert shown.err == f"removed {trained.model.id}\n"
    assert "No model was trained in this workspace yet" in shown.out
    assert not (store.models / trained.model.id).exists()
    assert main(["models", "--remove", trained.model.id]) == 1
    assert "is not in this workspace" in capsys.readouterr().err
    assert load_experiment(trained.content["experiment"], store).ready, "its experiment stays"


# What follows


def test_recommend_without_a_model_says_which_command_trains_one(
    untrained: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["recommend", "shifted", "--with-training"]) == EXIT_BAD_INPUT
    error = capsys.readouterr().err
    assert error.startswith("error: no model was trained on the dataset shifted as it is now")
    assert "python -m core train shifted --kind adapter" in error


@pytest.fixture(scope="module")
def recommended(trained: Call, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Assessment]:
    """recommend shifted --with-training --json, and the assessment that it kept."""
    folder = tmp_path_factory.mktemp("recommend") / "workspace"
    shutil.copytree(trained.folder, folder)
    target = folder.with_name("result.json")
    with pytest.MonkeyPatch.context() as patch:
        use_fake_models(patch)
        assert main(["recommend", "shifted", "--with-training", "--workspace", str(folder), "--json", str(target)]) == 0
    content = json.loads(target.read_text(encoding="utf-8"))
    return content, load_assessment(content["id"], Workspace(folder))


def test_recommend_with_a_model_says_what_it_is_worth_and_costs(recommended: tuple[dict[str, Any], Assessment]) -> None:
    content, assessment = recommended
    rows = {row["rung"]: row for row in content["ladder"]}
    adapter = rows["fine_tuned_adapter"]
    assert (adapter["system"], adapter["verdict"], adapter["n"]) == ("dense-adapter", "better", 32)
    assert adapter["one_time"].startswith("train for ")
    assert rows["fine_tuned_reranker"]["system"] is None
    said = content["recommendation"]
    assert (said["system"], said["title"], said["fine_tuning"]["answer"]) == (
        "dense-adapter", "Use the trained query adapter", "yes",
    )  # fmt: skip
    assert said["costs"][0].startswith("Fine-tuned query adapter, once: train for "), "no word index: it matches no words"
    assert content["split"]["tuning"] == 32, "the split that it was trained with, not the ladder's own of 30 %"
    assert assessment.goals.with_training


@pytest.mark.parametrize("verdict", ["better", "cannot_tell", "worse"])
def test_the_table_says_so_whatever_the_verdict(recommended: tuple[dict[str, Any], Assessment], verdict: str) -> None:
    rows = [{**row, "verdict": verdict} if row.get("held_out") else row for row in recommended[1].ladder]
    text = format_ladder(dataclasses.replace(recommended[1], ladder=tuple(rows)), width=200)
    line = next(line for line in text.splitlines() if "Fine-tuned query adapter" in line)
    assert line.startswith(">") and line.endswith(verdict.replace("_", " "))
    assert "\nFine-tuned query adapter: To adopt it, train for " in text


def test_compare_runs_the_trained_system(store: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "shifted", "--systems", "dense", "dense-adapter", "--json", "-"]) == 0
    systems = {system["name"]: system for system in json.loads(capsys.readouterr().out)["systems"]}
    assert systems["dense-adapter"]["measures"]["nDCG@10"]["mean"] > systems["dense"]["measures"]["nDCG@10"]["mean"]


def test_compare_does_not_know_a_system_that_was_not_trained(untrained: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "shifted", "--systems", "dense-adapter"]) == EXIT_BAD_INPUT
    assert "there is no system 'dense-adapter'" in capsys.readouterr().err
