"""Collects what is found out about systems while they run, and makes an experiment of it."""

from __future__ import annotations

import datetime
import time
from typing import Any

import pandas as pd

from core.diagnosis.sides import Sides
from core.errors import Cancelled, LadderError
from core.evaluation.measures import JUDGED, VERSION, list_measures, measure_judged
from core.evaluation.per_query import average, evaluate_runs
from core.experiment.measured_sides import measure_sides
from core.experiment.result import Experiment, MeasuredMean, SystemResult, describe_dataset
from core.experiment.system_runs import SystemRuns
from core.graph.estimate import count_distinct_texts
from core.graph.execute import Outcome, distinct_nodes
from core.schema import PER_QUERY, content_hash, empty, to_document_run


class ExperimentDraft:
    """The finished systems of an experiment that runs. started: time.perf_counter() when it was asked for."""

    def __init__(self, system_runs: SystemRuns, *, name: str, experiment_id: str, started: float) -> None:
        self._system_runs = system_runs
        self._name = name
        self._id = experiment_id
        self._started = started
        self._created = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        self._errors = dict(system_runs.broken)
        self._runs: dict[str, pd.DataFrame] = {}
        self._per_query: dict[str, pd.DataFrame] = {}
        self._judged: dict[str, float | None] = {}
        self._index: dict[str, dict[str, Any]] = {}
        self._latency: dict[str, dict[str, Any]] = {}
        self._sides = Sides()
        dataset, queries = system_runs.dataset, set(system_runs.queries["query_id"])
        self._judgments = dataset.judgments[dataset.judgments["query_id"].isin(queries)]
        self._evidence = dataset.evidence[dataset.evidence["query_id"].isin(queries)]
        labels = [self._judgments.to_dict("records"), self._evidence.to_dict("records")]
        self._labels = content_hash([VERSION, labels, list_measures()])

    def add(self, system: str, outcome: Outcome) -> None:
        """Takes a finished system's run and measures it, or its error."""
        if outcome.run is None:
            self._errors[system] = outcome.error or "failed"
            return
        run = self._runs[system] = self._system_runs.place_hits(system, outcome.run)
        self._per_query[system], self._judged[system] = self._measure(system, run)

    def _measure(self, system: str, run: pd.DataFrame) -> tuple[pd.DataFrame, float | None]:
        """The system's values on all measures, and Judged@10; kept under its run, the labels and the measures."""
        workspace = self._system_runs.resources.workspace
        key = content_hash(["per query", self._system_runs.targets[system].key, self._labels])
        per_query, facts = workspace.read_frame(key), workspace.read_facts(key)
        if per_query is None or facts is None:
            per_query = evaluate_runs({system: run}, judgments=self._judgments, evidence=self._evidence)
            facts = {JUDGED: measure_judged(self._judgments, to_document_run(run))}
            workspace.write_frame(key, per_query)
            workspace.write_facts(key, facts)
            corpus, models = self._system_runs.targets[system].origin
            for ending in ("parquet", "json"):
                workspace.made_for(corpus).note(f"cache/nodes/{key}.{ending}", models)
        return per_query.assign(system=system), facts[JUDGED]

    def add_index_and_latency(self) -> None:
        """To be called once all systems were searched: latency is measured of all together. The sides are looked at too."""
        for system in self._runs:
            try:
                self._index[system] = self._system_runs.describe_index(system)
            except Cancelled:
                raise
            except LadderError as error:  # the run stands, though its model cannot be had any more
                self._index[system] = {"error": str(error)}
        failed = set(self._errors)
        self._system_runs.targets = {n: t for n, t in self._system_runs.targets.items() if n not in failed}
        self._sides = measure_sides(self._system_runs)
        self._latency = self._system_runs.latency()

    def finish(self, status: str) -> Experiment:
        """The experiment as far as it is known. status: "running" leaves out the systems that are not done yet."""
        system_runs = self._system_runs
        names = list(system_runs.systems)
        frames = [self._per_query[name] for name in names if name in self._per_query and len(self._per_query[name])]
        per_query = pd.concat(frames, ignore_index=True) if frames else empty(PER_QUERY)
        means = average(per_query)
        done = [name for name in names if name in self._runs or name in self._errors]
        shown = done if status == "running" else names
        results = []
        for name in shown:
            error = self._errors.get(name)
            if name not in self._runs and error is None:
                error = "Cancelled before this system was finished. Run the experiment again to complete it."
            measures = {
                measure: MeasuredMean(mean=value.mean, low=value.low, high=value.high, n=value.n)
                for measure, value in means.get(name, {}).items()
            }
            results.append(
                SystemResult(
                    name=name,
                    spec=system_runs.systems[name].to_spec(),
                    error=error,
                    measures=measures,
                    latency_ms=self._latency.get(name),
                    judged_at_10=self._judged.get(name),
                    index=self._index.get(name, {}),
                )
            )
        return Experiment(
            id=self._id,
            name=self._name or f"{system_runs.dataset.name}, {len(names)} systems",
            created=self._created,
            dataset=describe_dataset(system_runs.dataset),
            split_used=system_runs.split,
            systems=tuple(results),
            timings=self._timings(),
            per_query=per_query,
            runs=dict(self._runs),
            status=status,
            query_ids=tuple(system_runs.queries["query_id"]),
            sides=self._sides,
        )

    def _timings(self) -> dict[str, Any]:
        system_runs = self._system_runs
        execution, usage = system_runs.execution, system_runs.resources.usage
        steps = distinct_nodes(system_runs.targets)
        ran = sum(1 for node in steps if node.key in execution.ran)
        return {
            "total_seconds": time.perf_counter() - self._started,
            "encode_seconds": usage.encode_seconds,
            "encoded_texts": usage.encoded_texts,
            "distinct_texts": count_distinct_texts(system_runs.targets, execution, finished=self._runs.keys()),
            "nodes_run": ran,
            "nodes_cached": len(steps) - ran,
        }
