"""python -m core train: fine-tunes a model on a dataset's tuning queries and says what that is worth; python -m core models."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.cli.job import run_and_show
from core.cli.lookup import open_asked, open_workspace
from core.cli.terminal import (
    add_dataset_options,
    add_output_options,
    check_target,
    get_width,
    print_warnings,
    print_words,
    write_result,
)
from core.errors import InputError
from core.evaluation.verdicts import VERDICT_WORDS
from core.jobs.kinds.train import TrainingResult, make_training_job
from core.systems.trained import KIND_WORDS, KINDS, NOT_LEARNED, TrainedModel, list_models, remove_model
from core.systems.trained_systems import make_trained_systems
from core.text.phrases import describe_duration
from core.trained_model.evaluation_file import read_evaluation
from core.training.request import FORMS, TrainingPlan, TrainingRequest, make_plan
from core.workspace import Workspace

_SHOWN = 5  # regressions that are printed
_PLAN_OPTIONS = (
    ("--epochs", int, "passes over the examples (default: 2)"),
    ("--batch-size", int, "examples a step (default: 32; reranker 16)"),
    ("--learning-rate", float, "default: 2e-5; reranker 5e-5"),
    ("--max-tokens", int, "of a text, while training (default: 128; reranker 192)"),
    ("--negatives", int, "hard negatives mined for each positive (default: 1; reranker 4)"),
    ("--freeze-layers", int, "leave the embeddings and this many of the lowest layers as they are: faster, less memory"),
    ("--lora-rank", int, "train low-rank updates of this rank instead of all weights"),
    ("--patience", int, "epochs without a better validation loss before it stops (default: 1)"),
    ("--depth", int, "hits that a reranker is trained on and scores (default: 30)"),
    ("--share", float, "share of the judged queries that tune, if the data fix no split (default: 0.5)"),
    ("--seed", int, "of the split and of everything drawn (default: 0)"),
)


def add_train_options(parser: argparse.ArgumentParser) -> None:
    """The command's options, and what runs it."""
    add_dataset_options(parser)
    parser.add_argument("--kind", choices=KINDS, help="what to train; cheapest first: adapter, reranker, embedding")
    parser.add_argument(
        "--base", metavar="NAME", help="model to start from: a name on the hub or a folder (default: the system's)"
    )
    parser.add_argument("--system", metavar="NAME", help="system to start from (default: dense; for a reranker hybrid-rrf)")
    parser.add_argument("--form", choices=FORMS, help="form of the examples (default: the one that fits the kind)")
    parser.add_argument(
        "--examples", type=Path, metavar="FILE", help="learn from this table (CSV, TSV, JSONL, Parquet) instead of the labels"
    )
    for name, kind, words in _PLAN_OPTIONS:
        parser.add_argument(name, type=kind, metavar="X" if kind is float else "N", help=words)
    parser.add_argument(
        "--drop-leaking",
        action="store_true",
        help="train without examples that leak into the test queries, instead of refusing",
    )
    parser.add_argument(
        "--learning-curve", action="store_true", help="train on 25 and 50 %% of the queries too: would more help?"
    )
    parser.add_argument("--folds", type=int, default=0, metavar="N", help="cross-fitting over N folds, as an exploratory view")
    parser.add_argument(
        "--quick", action="store_true", help="compare with the untrained model only, not with the best cheap rung"
    )
    add_output_options(parser)
    parser.set_defaults(run=run_train)


def add_models_options(parser: argparse.ArgumentParser) -> None:
    """The command's options, and what runs it."""
    parser.add_argument("--remove", metavar="ID", help="delete a model with what was computed by it; experiments stay")
    add_output_options(parser)
    parser.set_defaults(run=run_models)


def run_train(options: argparse.Namespace) -> int:
    """train DATASET: trains, compares, prints (to standard error if the JSON goes to standard output)."""
    workspace = open_workspace(options.workspace)
    if options.kind is None:
        raise InputError(f"say what to train: --kind {', --kind '.join(KINDS)}")
    check_target("--json", options.json)
    request = read_request(options)
    dataset = open_asked(options, workspace)
    print_warnings(dataset)
    print_resuming(dataset.name, request.plan, workspace)
    result: TrainingResult = run_and_show(make_training_job(dataset.name, request), dataset, workspace)
    if options.json is not None:
        write_result(result.to_json(), options.json)
    print_words(format_training(result, width=get_width()), options.json)
    return 0


def read_request(options: argparse.Namespace) -> TrainingRequest:
    """What the options ask for; InputError if a number is out of range or options contradict each other."""
    names = [name.removeprefix("--").replace("-", "_") for name, *_ in _PLAN_OPTIONS]
    changes = {name: getattr(options, name) for name in names}
    plan = make_plan(
        options.kind,
        base=options.base,
        system=options.system,
        form=options.form,
        drop_leaking=options.drop_leaking or None,
        **changes,
    )
    if options.examples is not None and not options.examples.is_file():
        raise InputError("is no file; give --examples a table of training examples", file=options.examples)
    return TrainingRequest(
        plan,
        examples=str(options.examples.resolve()) if options.examples is not None else "",
        cheap=not options.quick,
        learning_curve=options.learning_curve,
        folds=options.folds,
    )


def print_resuming(dataset: str, plan: TrainingPlan, workspace: Workspace) -> None:
    """Says so if this request was begun before."""
    for model in list_models(workspace, dataset=dataset, unfinished=True):
        if model.plan == plan.to_json():
            print(f"note: an unfinished training of {model.created} goes on from its last checkpoint", file=sys.stderr)


def run_models(options: argparse.Namespace) -> int:
    """models: what was trained here, newest first, then what was begun and not finished."""
    workspace = open_workspace(options.workspace)
    check_target("--json", options.json)
    if options.remove:
        remove_model(options.remove, workspace)
        print(f"removed {options.remove.removeprefix('trained:')}", file=sys.stderr)
    ready, unfinished = list_models(workspace), list_models(workspace, unfinished=True)
    if options.json is not None:
        content = [TrainingResult(model, read_evaluation(model, workspace)).to_json() for model in ready]
        begun = [
            {"model": model.id, "dataset": model.dataset, "kind": model.kind, "created": model.created} for model in unfinished
        ]
        write_result({"models": content, "unfinished": begun}, options.json)
    if options.json != "-":
        print(format_models(ready, unfinished, workspace))
    return 0


def format_models(ready: list[TrainedModel], unfinished: list[TrainedModel], workspace: Workspace) -> str:
    """A line for each model, then one for each training that was not finished."""
    lines = [_format_model(model, read_evaluation(model, workspace)) for model in ready]
    lines += [
        f"{model.id}  unfinished {KIND_WORDS[model.kind]} on {model.dataset}, begun {model.created}: start the same training "
        "again to go on from its last checkpoint, or remove it"
        for model in unfinished
    ]
    return "\n".join(lines) or "No model was trained in this workspace yet: python -m core train DATASET --kind adapter"


def _format_model(model: TrainedModel, told: Mapping[str, Any]) -> str:
    row = next((row for row in told.get("comparisons", []) if row["against"] == "untrained"), None)
    worth = f"{_tell(row)} on {row['n']} held-out queries" if row else "not compared yet"
    made = f"{KIND_WORDS[model.kind]} on {model.dataset}, {model.created[:10]}, {describe_duration(model.seconds)}"
    return f"{model.id}  {made}: {worth}"


def _tell(row: Mapping[str, Any]) -> str:
    return f"{row['delta']:+z.3f} {row['measure']} ({row['low']:+z.3f} to {row['high']:+z.3f}), {VERDICT_WORDS[row['verdict']]}"


def format_training(result: TrainingResult, *, width: int) -> str:
    """What was trained, what the held-out queries say of it, what it would cost, for people."""
    model, told = result.model, result.evaluation
    names = ", ".join(make_trained_systems([model]))
    counts = model.split
    parts = [
        f"{model.id}: {KIND_WORDS[model.kind]} trained on {len(counts['learning'])} queries ({model.data['positives']:,} "
        f"pairs, {model.data['negatives']:,} negatives) in {describe_duration(model.seconds)}; "
        f"{len(counts['validation'])} more stopped it. It can be used as {names}.",
    ]
    for check in model.data["checks"]:
        if check["level"] != "fine":
            parts.append(f"Note: {check['sentence']}")
    if not model.has_learned:
        parts.append(f"Note: {NOT_LEARNED}")
    for row in told.get("comparisons", []):
        against = "the untrained model" if row["against"] == "untrained" else "the best cheap rung"
        parts.append(
            f"Against {against} on {row['n']} held-out queries: {row['system']} {row['mean']:.3f}, {row['baseline']} "
            f"{row['baseline_mean']:.3f}. {_tell(row)}; {row['wins']} queries better, {row['losses']} worse."
        )
    if told.get("adoption"):
        parts.append(f"To adopt it: {told['adoption']['sentence']}.")
    if told.get("learning_curve"):
        curve = told["learning_curve"]
        points = "; ".join(
            f"{point['share']:.0%} ({point['queries']} queries) {point['delta']:+z.3f}" for point in curve["points"]
        )
        parts.append(f"Learning curve: {points}. {curve['words']}")
    if told.get("folds"):
        folds = told["folds"]
        parts.append(
            f"Cross-fitting over {folds['k']} folds: {folds['delta']:+z.3f} ({folds['low']:+z.3f} to {folds['high']:+z.3f}) on "
            f"{folds['n']} queries. Exploratory: its error is above nominal, and no verdict rests on it."
        )
    worse = told.get("regressions", [])
    if worse:
        listed = "\n".join(f"  {row['delta']:+z.3f}  {row['query_id']}  {row['text'][:80]}" for row in worse[:_SHOWN])
        parts.append(f"Queries that got worse, the first {min(_SHOWN, len(worse))} of {len(worse)}:\n{listed}")
    return "\n\n".join(part if "\n" in part else textwrap.fill(part, width) for part in parts)


OPTIONS = {"train": add_train_options, "models": add_models_options}
