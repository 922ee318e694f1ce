"""Is a trained model worth it? Compared on the test queries with the untrained one and with the best cheap rung.

The pairs are frozen before test is opened: what was trained against what it started from, and the best cheap system of the
ladder (climbed on the same tuning queries) against the same with the trained model in it. What else is here explores and
decides nothing: the learning curve, and cross-fitting, whose folds share training data so that its error is above nominal.

Kept beside the model in evaluation.json, each part as soon as it is measured.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.data.dataset import Dataset
from core.data.split import keep_judged
from core.errors import InputError, LadderError
from core.evaluation.significance import bootstrap_means
from core.evaluation.verdicts import SMALLEST_USEFUL_GAIN, compare_table
from core.experiment.compare import compare
from core.experiment.result import Experiment, describe_dataset
from core.graph.resources import Models, Resources
from core.ladder.climb import tabulate
from core.ladder.goals import Goals
from core.ladder.ladder import Ladder
from core.ladder.names import name_variant
from core.ladder.rungs import CHEAP_RUNGS
from core.progress import CancelToken, ProgressCallback, ProgressEvent, ignore_progress
from core.records import as_records
from core.schema import list_passages
from core.systems.system import System
from core.systems.trained import TrainedModel, model_folder
from core.systems.trained_systems import apply_model, apply_weights, make_trained_systems, read_start
from core.training.adoption import as_json, measure_adoption
from core.training.material import Material, divide_tuning
from core.training.train import Prepared, collect_parts, fit
from core.training.trainer import Watch
from core.workspace import Workspace, read_json, remove_folder, replace_file, write_json

FILE = "evaluation.json"
SHARES = (0.25, 0.5, 1.0)  # of the tuning queries, for the learning curve
WORSE = 1e-9  # a query that loses more than this got worse


@dataclasses.dataclass
class Judge:
    """One model, measured on its own split's test queries. cheap: whether the ladder's cheap rungs are climbed too."""

    dataset: Dataset
    model: TrainedModel
    workspace: Workspace
    models: Models | None = None
    cancel: CancelToken = dataclasses.field(default_factory=CancelToken)
    on_progress: ProgressCallback = ignore_progress

    def __post_init__(self) -> None:
        resources = Resources(self.workspace, models=self.models or Models(), cancel=self.cancel)
        goals = Goals(with_training=True, seed=int(self.model.split["seed"]))
        self.ladder = Ladder(keep_judged(self.dataset), goals, resources, self.on_progress, (self.model,))
        if set(self.ladder.split.test) != set(self.model.split["test"]):
            raise InputError(
                f"the dataset {self.dataset.name} changed since the model {self.model.id} was trained, so that its test "
                "queries are not the same; train again"
            )
        self.start = read_start(self.model)

    @property
    def test(self) -> list[str]:
        return list(self.ladder.split.test)

    def compare_with_untrained(self) -> Experiment:
        """The held-out comparison: opens the test queries for the start system and the trained ones.

        Writes `comparisons`, `regressions` and `adoption`; returns the experiment, for the history.
        """
        trained = next(iter(make_trained_systems([self.model]).values()))
        return self._compare(trained, cheap=None)

    def compare_with_cheap(self) -> Experiment:
        """compare_with_untrained(), with the best cheap rung beside it."""
        trained = next(iter(make_trained_systems([self.model]).values()))
        self.ladder.progress.enter("the cheap rungs, on the same tuning queries")
        steps = self.ladder.climb(self.ladder.split, rungs=CHEAP_RUNGS)
        kept = [step.chosen for step in steps if step.kept and step.chosen is not None]
        return self._compare(trained, cheap=kept[-1] if kept else self.ladder.baseline)

    def _compare(self, trained: System, *, cheap: System | None) -> Experiment:
        pairs = [("untrained", self.start, trained)]
        if cheap is not None:
            stacked = self._stack(cheap, trained)
            if stacked is not None:
                pairs.append(("best_cheap", cheap, stacked))
        own = list(make_trained_systems([self.model]).values())
        systems = {system.name: system for _, base, made in pairs for system in (base, made)}
        systems |= {system.name: system for system in own if system.name not in systems}
        experiment = self._open_test(systems)
        self._write_comparisons(pairs, experiment)
        return experiment

    def _stack(self, cheap: System, trained: System) -> System | None:
        """The best cheap system with the model in it (the trained one itself, if it is the same); None if they do not fit."""
        try:
            stacked = name_variant(apply_model(self.model, cheap))
        except InputError:
            return None
        same = dataclasses.replace(stacked, name=trained.name, description=trained.description) == trained
        return trained if same else stacked

    def _open_test(self, systems: Mapping[str, System]) -> Experiment:
        sides = dict.fromkeys(self.ladder.split.tuning, "tuning") | dict.fromkeys(self.test, "test")
        judged = self.ladder.dataset
        queries = judged.queries.assign(split=judged.queries["query_id"].map(sides).fillna(""))
        experiment = compare(
            dataclasses.replace(judged, queries=queries),
            systems,
            workspace=self.workspace,
            split="test",
            name=f"{self.dataset.name}: {self.model.id} on the test queries",
            models=self.models,
            cancel=self.cancel,
            on_progress=self.on_progress,
        )
        self.cancel.check()
        # Of the data as they are: the ladder's are without unjudged queries and carry its split.
        return dataclasses.replace(experiment, dataset=describe_dataset(self.dataset))

    def _write_comparisons(self, pairs: Sequence[tuple[str, System, System]], experiment: Experiment) -> None:
        primary = self.ladder.primary
        failed = {system.name: system.error for system in experiment.systems if system.error}
        for _, base, made in pairs:
            for name in (base.name, made.name):
                if name in failed:
                    raise LadderError(f"{name} could not be measured on the test queries. {failed[name]}")
        frame = experiment.per_query
        values = frame[frame["measure"] == primary].pivot(index="query_id", columns="system", values="value")
        table = compare_table(
            values, [(base.name, made.name) for _, base, made in pairs], measure=primary, min_gain=SMALLEST_USEFUL_GAIN
        )
        rows = [
            {"against": role, **row, "baseline_mean": float(values[base.name].mean()), "mean": float(values[made.name].mean())}
            for (role, base, made), row in zip(pairs, as_records(table), strict=True)
        ]
        _, base, made = pairs[0]
        chunks = self._passages(made)
        adoption = measure_adoption(self.model, self.ladder.resources, passages=chunks)
        medians = {system.name: float(system.latency_ms["p50"]) for system in experiment.systems if system.latency_ms}
        write_evaluation(
            self.model,
            self.workspace,
            measure=primary,
            experiment=experiment.id,
            comparisons=rows,
            regressions=list_regressions(values, experiment, base=base.name, made=made.name, texts=self._texts),
            adoption={
                **as_json(adoption),
                "base_ms": medians.get(base.name),
                "own_ms": medians.get(made.name),
                "encode_seconds": experiment.timings["encode_seconds"],
            },
        )

    @property
    def _texts(self) -> dict[str, str]:
        return dict(zip(self.dataset.queries["query_id"], self.dataset.queries["text"], strict=True))

    def _passages(self, system: System) -> list[str]:
        node = self.ladder.measurer.system_runs.add(system).find_first("chunks")
        return list_passages(self.ladder.measurer.system_runs.execution.output(node)) if node is not None else []

    def draw_learning_curve(self, prepared: Prepared) -> dict[str, Any]:
        """Trains on 25 and 50 % of the tuning queries too (nested), and compares each with the untrained model on test.

        Writes `learning_curve`: {points: [{share, queries, pairs, mean, delta, low, high, n, seconds}]} and what
        judge_learning_curve() says. A point that is measured is not trained again.
        """
        learning = list(self.model.split["learning"])
        order = [learning[row] for row in np.random.default_rng(prepared.plan.seed).permutation(len(learning))]
        base = self._values(self.start)
        known = {point["share"]: point for point in read_evaluation(self.model, self.workspace).get("curve_points", [])}
        points: list[dict[str, Any]] = []
        for share in SHARES:
            count = max(1, round(share * len(order)))
            if share not in known:
                kept = [query_id for query_id in learning if query_id in set(order[:count])]
                label = f"learning curve, {share:.0%} of the tuning queries"
                whole = share == 1.0
                values, seconds, pairs = (
                    (self._values(self._own), self.model.seconds, int(self.model.data["positives"]))
                    if whole
                    else self._train_part(prepared, kept, prepared.material.validation, label=label, name=f"curve-{share}")
                )
                known[share] = {"share": share, "queries": count, "pairs": pairs, **_describe(values, base), "seconds": seconds}
                self._write_part(f"curve-{share}", values)
                write_evaluation(self.model, self.workspace, curve_points=[known[one] for one in sorted(known)])
            points.append(known[share])
        half, full = (pd.read_parquet(self._part_file(f"curve-{share}"))["value"] for share in SHARES[1:])
        curve = {"points": points, **judge_learning_curve(half, full)}
        write_evaluation(self.model, self.workspace, learning_curve=curve)
        return curve

    def _part_file(self, name: str) -> Path:
        return model_folder(self.model.id, self.workspace) / f"{name}.parquet"

    def _write_part(self, name: str, values: pd.Series) -> None:
        with replace_file(self._part_file(name)) as aside:
            values.to_frame("value").to_parquet(aside)

    @property
    def _own(self) -> System:
        return next(iter(make_trained_systems([self.model]).values()))

    def cross_fit(self, prepared: Prepared, folds: int) -> dict[str, Any]:
        """Each fold of the judged queries measured by a model that was trained on the other folds. Exploratory.

        Writes `folds`: {k, delta, low, high, n, mean, baseline_mean, parts: [{fold, n, delta}]}.
        """
        judged = [query_id for query_id in prepared.material.query_rows if query_id in prepared.material.grades]
        parts = deal_folds(judged, self.ladder.groups, folds, seed=prepared.plan.seed)
        if min(len(part) for part in parts) < 1 or len(parts) < 2:
            raise InputError(f"the judged queries do not make {folds} folds; ask for fewer")
        base = self._values(self.start, test=judged)
        found: list[pd.Series] = []
        for number, part in enumerate(parts, start=1):
            file = self._part_file(f"fold-{folds}-{number}")
            if not file.exists():
                rest = [query_id for query_id in judged if query_id not in set(part)]
                learning, validation = divide_tuning(self.ladder.dataset, rest, self.ladder.groups, seed=prepared.plan.seed)
                label = f"cross-fitting, fold {number} of {folds}"
                values, _, _ = self._train_part(
                    prepared, learning, validation, label=label, name=f"fold-{folds}-{number}", test=part
                )
                self._write_part(f"fold-{folds}-{number}", values)
            found.append(pd.read_parquet(file)["value"])
        values = pd.concat(found)
        result = {
            "k": folds,
            **_describe(values, base),
            "baseline_mean": float(base.reindex(values.index).mean()),
            "parts": [
                {"fold": number, "n": len(part), "delta": float((part - base.reindex(part.index)).mean())}
                for number, part in enumerate(found, start=1)
            ],
        }
        write_evaluation(self.model, self.workspace, folds=result)
        return result

    def _train_part(
        self,
        prepared: Prepared,
        learning: Sequence[str],
        validation: Sequence[str],
        *,
        label: str,
        name: str,
        test: Sequence[str] | None = None,
    ) -> tuple[pd.Series, float, int]:
        """(values of a model trained on these queries alone, its seconds, its pairs); the model itself is not kept."""
        folder = model_folder(self.model.id, self.workspace) / "parts" / name
        target = folder / "weights"
        plan, material = prepared.plan, prepared.material
        learned, held = collect_parts(material, plan, learning, validation or learning)
        started = time.perf_counter()

        def report(text: str, done: float, total: float, curve: list[dict[str, Any]]) -> None:
            left = (time.perf_counter() - started) / done * (total - done) if done else None
            self.on_progress(ProgressEvent(f"{label}: {text}", done, total, left))

        watch = Watch(self.cancel, report)
        part = _part_material(material, learning, validation)
        fit(plan, prepared.base, part, learned, held, folder / "training", target, watch)
        seconds = time.perf_counter() - started
        depth, mixed = int(plan.depth), bool(self.model.metrics.get("mixed", False))
        system = apply_weights(self.model, self.start, str(target), depth=depth, mixed=mixed)
        values = self._values(dataclasses.replace(system, name=name), test=test)
        self._forget(system)
        remove_folder(folder)
        return values, seconds, len(learned.positives())

    def _values(self, system: System, *, test: Sequence[str] | None = None) -> pd.Series:
        """The primary measure of the test queries (or others). Raises LadderError if the system cannot run."""
        measurer = self.ladder.measurer
        table = tabulate([system], measurer.values, query_ids=list(test or self.test))
        if system.name not in table:
            raise LadderError(f"{system.name} could not be measured. {measurer.errors.get(system.name, '')}")
        column: pd.Series = table[system.name]
        return column

    def _forget(self, system: System) -> None:
        """Vectors and scores of a model that is not kept are of no use to anybody."""
        for node in self.ladder.measurer.system_runs.add(system).walk():
            model = getattr(node.stage, "model", "")
            if str(model).startswith(str(model_folder(self.model.id, self.workspace))):
                self.workspace.forget_model(node.stage.model, node.stage.revision)


def _part_material(material: Material, learning: Sequence[str], validation: Sequence[str]) -> Material:
    """The same material with other learning and validation queries; what is computed already is shared."""
    part = object.__new__(Material)
    part.__dict__.update(material.__dict__)
    part.learning, part.validation = list(learning), list(validation)
    return part


def _describe(values: pd.Series, base: pd.Series) -> dict[str, Any]:
    deltas = (values - base.reindex(values.index)).to_numpy(dtype=float)
    low, high = bootstrap_means(deltas.reshape(-1, 1), seed=0)
    return {
        "mean": float(values.mean()),
        "delta": float(deltas.mean()),
        "low": float(low.item()),
        "high": float(high.item()),
        "n": len(values),
    }


def judge_learning_curve(half: pd.Series, full: pd.Series, *, min_gain: float = SMALLEST_USEFUL_GAIN) -> dict[str, Any]:
    """Whether more labels would help, from what the second half of them added: {answer, words, delta, low, high}.

    answer: "would help" if the 95 % interval of full - half is above 0, "would not help" if all of it is below min_gain, else
    "cannot tell".
    """
    change = _describe(full, half)
    interval = f"{change['low']:+.3f} to {change['high']:+.3f}"
    told = f"the second half of the tuning queries changed it by {change['delta']:+.3f} ({interval})"
    if change["low"] > 0:
        answer, words = "would help", f"More labels would help: {told}, and the curve still rises."
    elif change["high"] < min_gain:
        answer, words = "would not help", f"More labels would not help: {told}; a useful gain would be {min_gain:g}."
    else:
        answer, words = "cannot tell", f"Whether more labels would help cannot be told: {told} on {change['n']} test queries."
    return {"answer": answer, "words": words, "delta": change["delta"], "low": change["low"], "high": change["high"]}


def deal_folds(query_ids: Sequence[str], groups: Mapping[str, int], folds: int, *, seed: int) -> list[list[str]]:
    """The queries in folds of about equal size; queries of one group stay together. Deterministic for a seed."""
    members: dict[int, list[str]] = {}
    for query_id in query_ids:
        members.setdefault(groups[query_id], []).append(query_id)
    order = [list(members)[row] for row in np.random.default_rng(seed).permutation(len(members))]
    dealt: list[list[str]] = [[] for _ in range(folds)]
    for group in sorted(order, key=lambda one: -len(members[one])):  # large groups first; equal ones in the drawn order
        min(dealt, key=len).extend(members[group])
    place = {query_id: row for row, query_id in enumerate(query_ids)}
    return [sorted(part, key=place.__getitem__) for part in dealt]


def list_regressions(
    values: pd.DataFrame, experiment: Experiment, *, base: str, made: str, texts: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The test queries that the trained system answers worse, worst first: query_id, text, before, after, delta."""
    delta = (values[made] - values[base]).sort_values(kind="stable")
    return [
        {
            "query_id": str(query_id),
            "text": texts.get(str(query_id), ""),
            "before": float(values.loc[query_id, base]),
            "after": float(values.loc[query_id, made]),
            "delta": float(change),
        }
        for query_id, change in delta.items()
        if change < -WORSE
    ]


def read_evaluation(model: TrainedModel, workspace: Workspace) -> dict[str, Any]:
    """What is known of a model on the test queries; {} if nothing is, or the file is damaged."""
    file = model_folder(model.id, workspace) / FILE
    try:
        return dict(read_json(file)) if file.exists() else {}
    except (OSError, ValueError):
        return {}


def write_evaluation(model: TrainedModel, workspace: Workspace, **parts: Any) -> None:
    """Adds parts to evaluation.json."""
    write_json(model_folder(model.id, workspace) / FILE, {**read_evaluation(model, workspace), **parts})
