"""Trains a model on a dataset's tuning queries, or on an upload, and keeps it in the workspace as an artefact.

What a training depends on gives the model's id, so the same request finds a finished model, or goes on with an unfinished one
from its last checkpoint. The test queries are opened elsewhere (core.trained_model.held_out), once the model is there.
"""

from __future__ import annotations

import dataclasses
import datetime
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from core.data.dataset import Dataset
from core.data.split import Split, keep_judged
from core.errors import InputError, NotInWorkspace
from core.evaluation.measures import PRIMARY
from core.experiment.drawn_split import draw_split, group_dataset
from core.graph.resources import Models, Resources
from core.progress import CancelToken, ProgressCallback, ProgressEvent, ignore_progress
from core.settings import DEFAULT_MODEL, ENDPOINT_PREFIX, TRAINED_PREFIX, find_model_folder, get_threads
from core.stages.adapt import QueryAdapter, write_adapter
from core.stages.embed import model_revision
from core.storage.files import remove_folder
from core.storage.sealed_folder import seal_folder
from core.systems.available import list_systems
from core.systems.system import System
from core.systems.trained import (
    ADAPTER,
    EMBEDDING,
    READY,
    RERANKER,
    TrainedModel,
    load_model,
    model_folder,
    save_model,
    training_folder,
    weights_folder,
)
from core.systems.trained_systems import apply_weights
from core.training.adapter import fit_adapter, make_targets
from core.training.embedding import train_embedding
from core.training.example_checks import Finding, check_examples, clean_examples
from core.training.examples import USUAL_FORM, Examples, collect_examples, convert_examples, describe_examples
from core.training.material import Material
from core.training.request import TrainingPlan, identify_training
from core.training.reranker import collect_candidates, train_reranker
from core.training.trainer import Outcome, TrainingProgress
from core.workspace import Workspace

_WRITE_SECONDS = 1.0  # the loss curve is written for others to see at most this often


@dataclass
class PreparedTraining:
    """A training before it starts. id: of the model it gives. start: the system with the base model in it. base: the model.

    learning, validation: examples of the two parts of the tuning queries, collected when they are first asked for. findings:
    what the checks say of `learning`.
    """

    id: str
    plan: TrainingPlan
    dataset: Dataset
    start: System
    base: str
    split: Split
    material: Material
    upload: Examples | None = None

    @cached_property
    def _examples(self) -> tuple[Examples, Examples]:
        return _collect(self.material, self.plan, self.upload)

    @property
    def learning(self) -> Examples:
        """Examples to learn from."""
        return self._examples[0]

    @property
    def validation(self) -> Examples:
        """Examples that stop the training."""
        return self._examples[1]

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What the checks say of `learning`, leaks first."""
        return tuple(check_examples(self.learning, self.material))


def find_start(plan: TrainingPlan, workspace: Workspace) -> tuple[System, str]:
    """(the system to start from, with the base model in it; the base model's name). Raises InputError if they do not fit."""
    known = list_systems(workspace)
    if plan.system not in known:
        raise InputError(f"there is no system {plan.system!r} to start from; there are {', '.join(known)}")
    start = known[plan.system]
    own = start.dense.model if start.dense is not None else ""
    if plan.kind == RERANKER:
        usable = own if own and not own.startswith((ENDPOINT_PREFIX, TRAINED_PREFIX)) else DEFAULT_MODEL
        if start.chunk is None:
            raise InputError(f"system {start.name!r} has no chunks to rerank; start from one with `chunk`, such as hybrid-rrf")
        return dataclasses.replace(start, rerank=None), plan.base or usable
    if start.dense is None:
        raise InputError(
            f"system {start.name!r} has no embedding model to start from; choose one with a dense side, such as dense"
        )
    if start.dense.ranks_by_length:
        raise InputError(
            f"system {start.name!r} ranks by the distance {start.dense.distance}, and models are trained for cosine; choose "
            "another system to start from, such as dense"
        )
    base = plan.base or own
    if plan.kind == EMBEDDING and base.startswith((ENDPOINT_PREFIX, TRAINED_PREFIX)):
        raise InputError(
            f"the model {base!r} cannot be trained further here; give --base the model on the hub, or a local folder"
        )
    return dataclasses.replace(start, dense=dataclasses.replace(start.dense, model=base, adapter=None)), base


def prepare_training(
    dataset: Dataset,
    plan: TrainingPlan,
    *,
    workspace: Workspace,
    upload: Examples | None = None,
    models: Models | None = None,
    cancel: CancelToken | None = None,
    on_progress: ProgressCallback = ignore_progress,
) -> PreparedTraining:
    """Draws the split and finds out what the model will be. Trains nothing; examples are collected when they are asked for.

    upload: examples of one's own, instead of the dataset's labels. Raises InputError if there is nothing to learn from.
    """
    resources = Resources.open(workspace, models=models, cancel=cancel, on_progress=on_progress)
    judged = keep_judged(dataset)
    groups = group_dataset(judged, resources)
    split = draw_split(judged, groups, share=plan.share, seed=plan.seed)
    start, base = find_start(plan, workspace)
    spec = {**start.to_spec(), **_revisions(base, start)}
    identity = identify_training(plan, judged, split, start=spec, source=upload.fingerprint if upload is not None else "")
    material = Material(judged, start, split, groups, resources, seed=plan.seed)
    if not material.learning or not split.test:
        raise InputError(
            f"the dataset {dataset.name} has {len(split.tuning)} judged tuning queries and {len(split.test)} judged test "
            "queries; training needs both: label more queries"
        )
    return PreparedTraining(identity, plan, dataset, start, base, split, material, upload)


def _revisions(base: str, start: System) -> dict[str, Any]:
    """What tells the models in local folders from what stood there before; other names say enough."""
    names = {base, start.dense.model if start.dense is not None else ""} - {""}
    found = {name: model_revision(name) for name in sorted(names) if find_model_folder(name) is not None}
    return {"revisions": found} if found else {}


def _collect(material: Material, plan: TrainingPlan, upload: Examples | None) -> tuple[Examples, Examples]:
    """Examples to learn from, and those of the validation queries, in the same form."""
    if upload is None:
        return collect_parts(material, plan, material.learning, material.validation or material.learning)
    form = plan.form or (USUAL_FORM[RERANKER] if plan.kind == RERANKER else upload.form)
    learning = convert_examples(upload, form)
    return learning, _collect_some(material, plan, learning.form, material.validation or material.learning)


def collect_parts(
    material: Material, plan: TrainingPlan, learning: Sequence[str], validation: Sequence[str]
) -> tuple[Examples, Examples]:
    """Examples from the labels of these queries: to learn from, and to stop by, in the same form."""
    form = "labelled" if plan.kind == RERANKER else plan.form or USUAL_FORM[plan.kind]
    learned = _collect_some(material, plan, form, learning)
    try:
        return learned, _collect_some(material, plan, learned.form, validation)
    except InputError:  # the few validation queries have no answer among the first hits
        return learned, learned


def _collect_some(material: Material, plan: TrainingPlan, form: str, query_ids: Sequence[str]) -> Examples:
    if plan.kind == RERANKER:
        return collect_candidates(material, plan, query_ids=query_ids)
    return collect_examples(material, form=form, negatives=plan.negatives, query_ids=query_ids, seed=plan.seed)


def train(
    prepared: PreparedTraining,
    *,
    workspace: Workspace,
    cancel: CancelToken | None = None,
    on_progress: ProgressCallback = ignore_progress,
) -> TrainedModel:
    """Trains what was prepared and keeps it; a model that is there already is given as it is.

    A training that was cancelled or killed goes on from its last checkpoint. Raises InputError for examples that must not be
    trained on (leakage), Cancelled (checkpoints stay), ModelUnavailable.
    """
    found = _find_earlier(prepared.id, workspace)
    if found is not None and found.is_ready:
        return found
    examples = clean_examples(prepared.learning, prepared.findings, drop_leaking=prepared.plan.drop_leaking)
    record = _begin(prepared, examples, found)
    folder = training_folder(record.id, workspace)
    folder.mkdir(parents=True, exist_ok=True)
    save_model(record, workspace)
    keeper = _Keeper(record, workspace, cancel or CancelToken(), on_progress)
    aside = model_folder(record.id, workspace) / "weights.part"
    remove_folder(aside)
    outcome = fit(
        prepared.plan,
        prepared.base,
        prepared.material,
        examples,
        prepared.validation,
        folder=folder,
        target=aside,
        progress=keeper.progress,
    )
    remove_folder(weights_folder(record.id, workspace))
    seal_folder(aside)
    aside.replace(weights_folder(record.id, workspace))
    seconds = keeper.seconds
    metrics = {**outcome.metrics, "threads": get_threads()}
    if record.kind == RERANKER:
        metrics["mixed"] = _prefer_mixed(prepared, record, workspace)
    done = dataclasses.replace(record, curve=outcome.curve, metrics=metrics, seconds=seconds, state=READY)
    save_model(done, workspace)
    remove_folder(folder)
    return done


def fit(
    plan: TrainingPlan,
    base: str,
    material: Material,
    learning: Examples,
    validation: Examples,
    *,
    folder: Path,
    target: Path,
    progress: TrainingProgress,
) -> Outcome:
    """The training itself, of whatever kind: writes the weights to `target`, checkpoints to `folder`."""
    if plan.kind == ADAPTER:
        return _train_adapter(base, material, learning, target=target, progress=progress)
    run = train_embedding if plan.kind == EMBEDDING else train_reranker
    return run(plan, base, learning, validation, folder=folder, target=target, progress=progress)


def _train_adapter(base: str, material: Material, learning: Examples, *, target: Path, progress: TrainingProgress) -> Outcome:
    """Fits the map on the vectors that are known already; texts of an upload that are new are embedded first."""
    resources = material.resources
    revision = model_revision(base)
    positives = learning.positives()
    first_row = {text: row for row, text in reversed(list(enumerate(material.passages)))}
    new = [text for text in dict.fromkeys(positives["document"]) if text not in first_row]
    matrix = material.matrix
    if new:
        prompt = material.system.dense.document_prompt if material.system.dense is not None else None
        matrix = np.vstack([matrix, resources.encode(base, revision, new, role="document", prompt=prompt)])
        first_row |= {text: len(material.passages) + number for number, text in enumerate(new)}
    by_query: dict[str, list[int]] = {}
    for query, document in positives[["query", "document"]].itertuples(index=False):
        by_query.setdefault(query, []).append(first_row[document])
    prompt = material.system.dense.query_prompt if material.system.dense is not None else None
    vectors = resources.encode(base, revision, list(by_query), role="query", prompt=prompt)
    known = {material.texts[query_id]: query_id for query_id in material.query_rows}
    excluded = [material.closed_rows(known[text]).tolist() if text in known else [] for text in by_query]
    targets = make_targets(np.asarray(vectors), matrix, list(by_query.values()), excluded)
    held = material.validation
    checked = make_targets(
        material.query_matrix[[material.query_rows[query_id] for query_id in held]],
        material.matrix,
        [[row for row, _ in material.positive_rows(query_id)] for query_id in held],
        [material.closed_rows(query_id).tolist() for query_id in held],
    )

    def on_step(done: int, of: int) -> None:
        progress.cancel.check()
        progress.report(f"fitting the adapter, strength {done} of {of}", done, of, [])

    result = fit_adapter(targets, checked, on_step=on_step)
    write_adapter(QueryAdapter(result.matrix.astype(np.float32), base, revision), target)
    chosen = min((point["validation"] for point in result.curve if "validation" in point), default=math.nan)
    return Outcome(
        result.curve,
        {
            "validation_untrained": None if math.isnan(result.untrained) else result.untrained,
            "validation": None if math.isnan(chosen) else min(chosen, result.untrained),
            "ridge": None if math.isinf(result.ridge) else result.ridge,
            "moved": bool(np.isfinite(result.ridge)),
            "device": "cpu",
        },
    )


def _prefer_mixed(prepared: PreparedTraining, record: TrainedModel, workspace: Workspace) -> bool:
    """Whether the reranker does better on the validation queries with the first stage's score added to its own."""
    from core.evaluation.per_query import measure_one
    from core.experiment.system_runs import SystemRuns

    material = prepared.material
    held = set(material.validation)
    queries = material.dataset.queries[material.dataset.queries["query_id"].isin(held)].reset_index(drop=True)
    if queries.empty:
        return True
    some = dataclasses.replace(material.dataset, queries=queries)
    means = {}
    for mixed in (True, False):
        system = apply_weights(record, prepared.start, record.reference, depth=prepared.plan.depth, mixed=mixed)
        system_runs = SystemRuns(some, {system.name: system}, "all", material.resources)
        run = system_runs.place_hits(system.name, system_runs.execution.output(system_runs.targets[system.name]))
        values = measure_one(run, some.judgments, some.evidence, PRIMARY)
        means[mixed] = float(values.reindex(sorted(held)).mean())
    return means[True] >= means[False]


def _find_earlier(model_id: str, workspace: Workspace) -> TrainedModel | None:
    try:
        return load_model(model_id, workspace)
    except (InputError, NotInWorkspace):
        return None


def _begin(prepared: PreparedTraining, examples: Examples, earlier: TrainedModel | None) -> TrainedModel:
    """The record of a training that starts, or goes on."""
    material, split = prepared.material, prepared.split
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return TrainedModel(
        id=prepared.id,
        kind=prepared.plan.kind,
        base=prepared.base,
        base_revision=model_revision(prepared.base),
        system=prepared.start.to_spec(),
        dataset=prepared.dataset.name,
        fingerprint=prepared.dataset.fingerprint,
        split={
            "tuning": list(split.tuning),
            "test": list(split.test),
            "learning": list(material.learning),
            "validation": list(material.validation),
            "share": prepared.plan.share,
            "seed": prepared.plan.seed,
            "given": split.given,
        },
        plan=prepared.plan.to_json(),
        data={**describe_examples(examples), "checks": [finding.to_json() for finding in prepared.findings]},
        created=earlier.created if earlier is not None else now,
        curve=earlier.curve if earlier is not None else (),
        seconds=earlier.seconds if earlier is not None else 0.0,
    )


class _Keeper:
    """Passes the progress of a training on, with the time left, and keeps curve and seconds where others can see them."""

    def __init__(self, record: TrainedModel, workspace: Workspace, cancel: CancelToken, send: ProgressCallback) -> None:
        self._record = record
        self._shown = record
        self._workspace = workspace
        self._send = send
        self._written = -_WRITE_SECONDS
        self._first: tuple[float, float] | None = None
        self.progress = TrainingProgress(cancel, self._report, self._keep)

    @property
    def seconds(self) -> float:
        """Of training: earlier attempts, as far as their checkpoints reach, and this one."""
        return self._record.seconds + self.progress.seconds

    def _report(self, label: str, done: float, total: float, curve: list[dict[str, Any]]) -> None:
        now = time.perf_counter()
        if self._first is None or done < self._first[0]:
            self._first = (done, now)
        first, since = self._first
        left = (now - since) / (done - first) * (total - done) if done > first else None
        self._send(ProgressEvent(label, done, total, left))
        if curve and now - self._written >= _WRITE_SECONDS:
            self._written = now
            self._shown = dataclasses.replace(self._shown, curve=tuple(curve))
            save_model(self._shown, self._workspace)

    def _keep(self, seconds: float) -> None:
        """At a checkpoint: what it took so far counts, also if this process is killed."""
        self._shown = dataclasses.replace(self._shown, seconds=self._record.seconds + seconds)
        save_model(self._shown, self._workspace)
