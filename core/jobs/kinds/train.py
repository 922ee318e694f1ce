"""What jobs do, kind by kind: the jobs themselves, the work, and what is saved of it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.data.dataset import Dataset
from core.experiment.compare import Experiment, compare, make_experiment_id
from core.experiment.history import save_experiment
from core.graph.resources import Models, Resources
from core.jobs.keeper import JobKeeper
from core.jobs.state import (
    APP,
    ASSESS,
    CANCELLED,
    DEPLOY,
    DONE,
    SCALE,
    SCORE,
    TRAIN,
    Job,
)
from core.ladder.goals import Goals
from core.recommendation.assess import Assessment, assess
from core.recommendation.files import load_assessment, save_assessment
from core.recommendation.own_systems import check_on_test, score_on_tuning
from core.scaling.measure import Scaling, measure_scaling, save_scaling
from core.systems.system import System
from core.systems.trained import KIND_ARTICLES, TrainedModel
from core.systems.trained_systems import make_trained_systems
from core.systems.yaml_files import from_spec
from core.trained_model.held_out import Judge, read_evaluation
from core.training.leakage import LEAKS
from core.training.request import TrainingRequest
from core.training.train import prepare_training, train
from core.training.uploads import read_examples
from core.versions.request import DeploymentRequest, deploy


@dataclass(frozen=True)
class TrainingResult:
    """model: as it was trained. evaluation: see core.trained_model.held_out."""

    model: TrainedModel
    evaluation: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """The JSON of `train --json`."""
        model, told = self.model, dict(self.evaluation)
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


def compare_work(keeper: JobKeeper, dataset: Dataset, *, models: Models | None, keep_partial: bool) -> tuple[str, Experiment]:
    """The work of a comparison. keep_partial: its experiment is saved anew whenever a system is ready."""
    job, workspace = keeper.job, keeper.workspace

    def keep(partial: Experiment) -> None:
        save_experiment(partial, workspace)

    experiment = compare(
        dataset,
        {str(spec["name"]): from_spec(spec) for spec in job.systems},
        workspace=workspace,
        split=job.split,
        name=job.title,
        models=models,
        cancel=keeper.cancel,
        on_progress=keeper.report,
        on_partial=keep if keep_partial else None,
        experiment_id=job.id,
    )
    if experiment.ready or experiment.status != CANCELLED:  # a run cancelled before its first result leaves nothing
        save_experiment(experiment, workspace)
    return (CANCELLED if experiment.status == CANCELLED else DONE), experiment


def assess_work(keeper: JobKeeper, dataset: Dataset, *, models: Models | None) -> tuple[str, Assessment]:
    """The work of an assessment."""
    job = keeper.job
    assessment = assess(
        dataset,
        workspace=keeper.workspace,
        goals=Goals.from_json(job.options),
        models=models,
        cancel=keeper.cancel,
        on_progress=keeper.report,
        name=job.title,
        experiment_id=job.id,
    )
    save_assessment(assessment, keeper.workspace)
    return DONE, assessment


def explore_work(keeper: JobKeeper, dataset: Dataset, *, models: Models | None) -> tuple[str, object]:
    """The work of scoring systems on the tuning queries, or of checking one on the test queries."""
    job, workspace = keeper.job, keeper.workspace
    assessment = load_assessment(str(job.options["assessment"]), workspace)
    systems = [from_spec(spec) for spec in job.systems]
    shared: dict[str, Any] = {
        "workspace": workspace,
        "models": models,
        "cancel": keeper.cancel,
        "on_progress": keeper.report,
    }
    if job.kind == SCORE:
        return DONE, score_on_tuning(assessment, dataset, systems, **shared)
    return DONE, [check_on_test(assessment, dataset, system, **shared) for system in systems]


def train_work(keeper: JobKeeper, dataset: Dataset, *, models: Models | None) -> tuple[str, TrainingResult]:
    """The work of a training: the model, then what the test queries say of it. Each part is kept as soon as it is there."""
    request = TrainingRequest.from_json(keeper.job.options)
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
        judge = Judge(dataset, model, models=models, **shared)
        if not compared:
            experiment = judge.compare_with_cheap() if request.cheap else judge.compare_with_untrained()
            save_experiment(experiment, keeper.workspace)
        if wants_curve:
            judge.draw_learning_curve(prepared)
        if wants_folds:
            judge.cross_fit(prepared, request.folds)
    return DONE, TrainingResult(model, read_evaluation(model, keeper.workspace))


def deploy_work(keeper: JobKeeper, dataset: Dataset, *, models: Models | None) -> tuple[str, dict[str, Any]]:
    """The work of building, refreshing or promoting an index version; returns its JSON."""
    resources = Resources(keeper.workspace, models=models or Models(), cancel=keeper.cancel)
    resources.on_progress = keeper.report
    return DONE, deploy(DeploymentRequest.from_json(keeper.job.options), dataset, resources)


def scaling_work(keeper: JobKeeper, dataset: Dataset, *, models: Models | None) -> tuple[str, Scaling]:
    """The work of timing systems at several sizes; nothing is kept of one that was cancelled, since times taken apart cannot
    be compared."""
    scaling = measure_scaling(
        dataset,
        {str(spec["name"]): from_spec(spec) for spec in keeper.job.systems},
        workspace=keeper.workspace,
        models=models,
        cancel=keeper.cancel,
        on_progress=keeper.report,
    )
    save_scaling(scaling, keeper.workspace)
    return DONE, scaling


def make_comparison_job(dataset: str, systems: Mapping[str, System], *, split: str, name: str, starter: str) -> Job:
    title = f"{dataset}, {len(systems)} systems" if len(systems) != 1 else f"{dataset}, {next(iter(systems))}"
    specs = tuple(system.to_spec() for system in systems.values())
    return _make_job(dataset, specs, split=split, title=name or title, starter=starter)


def make_assessment_job(dataset: str, goals: Goals, *, name: str, starter: str) -> Job:
    job = _make_job(dataset, (), split="test", title=name or f"{dataset}, recommendation", starter=starter)
    return replace(job, kind=ASSESS, options=goals.to_json())


def make_training_job(dataset: str, request: TrainingRequest, *, starter: str) -> Job:
    title = f"{dataset}, training {KIND_ARTICLES[request.plan.kind]}"
    job = _make_job(dataset, (), split="test", title=title, starter=starter)
    return replace(job, kind=TRAIN, options=request.to_json())


def make_deployment_job(dataset: str, request: DeploymentRequest, *, starter: str) -> Job:
    job = _make_job(dataset, (), split="test", title=f"{dataset}, {request.describe()}", starter=starter)
    return replace(job, kind=DEPLOY, options=request.to_json())


def make_scaling_job(dataset: str, systems: Mapping[str, System], *, starter: str) -> Job:
    specs = tuple({**system.to_spec(), "name": name} for name, system in systems.items())
    job = _make_job(dataset, specs, split="all", title=f"{dataset}, latency at several sizes", starter=starter)
    return replace(job, kind=SCALE)


def make_exploration_job(kind: str, dataset: str, assessment: str, systems: Mapping[str, System]) -> Job:
    what = next(iter(systems)) if len(systems) == 1 else f"{len(systems)} systems"
    title = f"{dataset}, {what} on the {'tuning' if kind == SCORE else 'test'} queries"
    specs = tuple(system.to_spec() for system in systems.values())
    job = _make_job(dataset, specs, split="tuning" if kind == SCORE else "test", title=title, starter=APP)
    return replace(job, kind=kind, options={"assessment": assessment})


def _make_job(dataset: str, specs: tuple[dict[str, Any], ...], *, split: str, title: str, starter: str) -> Job:
    return Job(
        id=make_experiment_id(),
        title=title,
        dataset=dataset,
        split=split,
        systems=specs,
        label="waiting to start",
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        starter=starter,
    )
