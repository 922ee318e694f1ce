"""A training as a job: a model is trained, then compared on queries it never saw."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.data.dataset import Dataset
from core.experiment.history import save_experiment
from core.graph.resources import Models
from core.jobs.keeper import JobKeeper
from core.jobs.kinds import TRAIN
from core.jobs.kinds.kind import JobKind, make_job
from core.jobs.state import DONE, Job
from core.records import decode, encode
from core.systems.trained import KIND_ARTICLES, TrainedModel
from core.systems.trained_systems import make_trained_systems
from core.trained_model.cross_fit import cross_fit
from core.trained_model.evaluation_file import Evaluation, read_evaluation
from core.trained_model.held_out import compare_with_cheap, compare_with_untrained
from core.trained_model.learning_curve import draw_learning_curve
from core.trained_model.model_under_test import ModelUnderTest
from core.training.example_checks import LEAKS
from core.training.request import TrainingRequest
from core.training.train import prepare_training, train
from core.training.uploads import read_examples


@dataclass(frozen=True)
class TrainingResult:
    """model: as it was trained. evaluation: what the test queries say of it, as far as they were asked."""

    model: TrainedModel
    evaluation: Evaluation

    def to_json(self) -> dict[str, Any]:
        """The JSON of `train --json`."""
        model, told = self.model, dict[str, Any](self.evaluation)
        rows = {row["against"]: row for row in told.pop("comparisons", [])}
        told.pop("curve_points", None)
        checks = model.data["checks"]
        return {
            "model": model.id,
            "reference": model.reference,
            "kind": model.kind,
            "base": model.base,
            "dataset": model.dataset,
            "systems": list(make_trained_systems([model])),
            "training_seconds": model.seconds,
            "pairs": model.data["positives"],
            "examples": {name: value for name, value in model.data.items() if name != "checks"},
            "checks": checks,
            "leakage": [check for check in checks if check["name"] in LEAKS],
            "loss_curve": list(model.curve),
            "metrics": model.metrics,
            "plan": model.plan,
            "split": {
                **{name: len(model.split[name]) for name in ("tuning", "test", "learning", "validation")},
                **{name: model.split[name] for name in ("share", "seed", "given")},
            },
            "comparison": rows.get("untrained"),
            "cheap_comparison": rows.get("best_cheap"),
            **told,
        }


def make_training_job(dataset: str, request: TrainingRequest) -> Job:
    """options: the request."""
    title = f"{dataset}, training {KIND_ARTICLES[request.plan.kind]}"
    return make_job(TRAIN, dataset, title=title, split="test", options=encode(request))


def _work(keeper: JobKeeper, dataset: Dataset, models: Models | None) -> tuple[str, TrainingResult]:
    """The model, then what the test queries say of it. Each part is kept as soon as it is there."""
    request = decode(keeper.job.options, TrainingRequest)
    shared: dict[str, Any] = {
        "workspace": keeper.workspace,
        "cancel": keeper.cancel,
        "on_progress": keeper.report,
    }
    upload = read_examples(Path(request.examples)) if request.examples else None
    prepared = prepare_training(dataset, request.plan, upload=upload, models=models, **shared)
    model = train(prepared, **shared)
    told = read_evaluation(model, keeper.workspace)
    compared = any(row["against"] == ("best_cheap" if request.cheap else "untrained") for row in told.get("comparisons", []))
    wants_curve = request.learning_curve and "learning_curve" not in told
    wants_folds = bool(request.folds) and told.get("folds", {}).get("k") != request.folds
    if not compared or wants_curve or wants_folds:
        subject = ModelUnderTest(dataset, model, models=models, **shared)
        if not compared:
            experiment = compare_with_cheap(subject) if request.cheap else compare_with_untrained(subject)
            save_experiment(experiment, keeper.workspace)
        if wants_curve:
            draw_learning_curve(subject, prepared)
        if wants_folds:
            cross_fit(subject, prepared, request.folds)
    return DONE, TrainingResult(model, read_evaluation(model, keeper.workspace))


KIND = JobKind(TRAIN, _work, started_on="Fine-tuning", all_cores=True, counts_systems=False)
