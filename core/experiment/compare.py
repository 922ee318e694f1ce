"""An experiment: several systems on one dataset's queries, run, measured and kept."""

from __future__ import annotations

import dataclasses
import datetime
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from core.data.dataset import Dataset
from core.errors import Cancelled, InputError, LadderError
from core.evaluation.measures import measure_judged
from core.evaluation.per_query import average, evaluate_runs
from core.experiment.system_runs import SystemRuns
from core.graph.estimate import (
    count_distinct_texts,
    find_needed,
    read_speed,
    write_speed,
)
from core.graph.execute import Outcome, distinct_nodes, execute
from core.graph.resources import Models, Resources
from core.progress import CancelToken, ProgressCallback, ProgressEvent, ignore_progress
from core.schema import PER_QUERY, empty, to_document_run
from core.systems.system import System
from core.workspace import Workspace

_WHITE_SPACE = re.compile(r"\s")


@dataclass(frozen=True)
class SystemResult:
    """What is known of one system after a run; `error` says why the rest is empty.

    measures: name -> {mean, low, high, n}. latency_ms: as measure_latency() gives it, or None; in older experiments without
    nodes and machine. judged_at_10: None = n/a.
    index: {chunks, truncated_passages, truncated_tokens (shares), index_loss (1 - recall@100 of the index) or None}, or
    {error} if that could not be found out.
    """

    name: str
    spec: dict[str, Any]
    error: str | None = None
    measures: dict[str, dict[str, float]] = field(default_factory=dict)
    latency_ms: dict[str, Any] | None = None
    judged_at_10: float | None = None
    index: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Experiment:
    """The result of compare(). runs: system -> schema.RUN with start and end of each hit's chunk. status: "done",
    "cancelled" or "running" (partial). per_query: schema.PER_QUERY. query_ids: the queries asked, in the dataset's order
    (a ladder draws its own split, which the dataset does not know)."""

    id: str
    name: str
    created: str
    dataset: dict[str, Any]
    split_used: str
    systems: tuple[SystemResult, ...]
    timings: dict[str, Any]
    per_query: pd.DataFrame
    runs: dict[str, pd.DataFrame]
    status: str = "done"
    note: str = ""
    query_ids: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The JSON of `compare --json`: everything but the runs and the per-query values."""
        kept = {
            f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name not in ("per_query", "runs", "systems")
        }
        return {**kept, "systems": [dataclasses.asdict(system) for system in self.systems]}

    @property
    def ready(self) -> list[str]:
        """Names of the systems that have a run, in order."""
        return [system.name for system in self.systems if system.error is None and system.name in self.runs]


def compare(
    dataset: Dataset,
    systems: Mapping[str, System],
    *,
    workspace: Workspace,
    split: str | None = None,
    name: str = "",
    models: Models | None = None,
    cancel: CancelToken | None = None,
    on_progress: ProgressCallback = ignore_progress,
    on_partial: Callable[[Experiment], None] | None = None,
    experiment_id: str | None = None,
) -> Experiment:
    """Runs the systems on the dataset's queries and measures them.

    split: "all", "test" or "tuning"; None takes test when the dataset fixes a split, else all.
    on_partial: given the experiment so far whenever a system is finished (measured, but without latency).
    A system that fails keeps its place with `error`. After Cancel the experiment holds what was finished, with status
    "cancelled". Raises InputError for an empty corpus or split, or no systems.
    """
    if not systems:
        raise InputError("no systems were chosen; name at least one")
    started = time.perf_counter()
    resources = Resources(workspace, models=models or Models(), cancel=cancel or CancelToken())
    system_runs = SystemRuns(dataset, systems, split or dataset.default_split, resources)
    draft = _Draft(system_runs, name=name, experiment_id=experiment_id or make_experiment_id(), started=started)
    resources.on_progress = PlanProgress(system_runs, on_progress)
    status = "done"

    def on_system(system: str, outcome: Outcome) -> None:
        draft.add(system, outcome)
        if on_partial is not None:
            on_partial(draft.finish("running"))

    try:
        execute(system_runs.targets, system_runs.execution, on_system=on_system)
        draft.add_facts()
    except Cancelled:
        status = "cancelled"
    write_speed(resources)
    return draft.finish(status)


class PlanProgress:
    """Turns the progress inside stages into progress of the whole plan, in seconds of work."""

    _STEP = 0.2  # seconds that a step without encoding is taken to last

    def __init__(self, system_runs: SystemRuns, send: ProgressCallback) -> None:
        self._system_runs = system_runs
        self._send = send
        self._ahead: tuple[float, int] | None = None

    def __call__(self, event: ProgressEvent) -> None:
        system_runs = self._system_runs
        usage = system_runs.resources.usage
        if self._ahead is None:
            needed = len(find_needed(system_runs.targets, system_runs.execution)) + len(system_runs.execution.ran)
            self._ahead = (float(system_runs.estimate().characters + usage.encoded_characters), needed)
        characters, steps = self._ahead
        speed = usage.characters_per_second or read_speed(system_runs.resources)
        total = characters / speed + steps * self._STEP
        done = usage.encoded_characters / speed + len(system_runs.execution.ran) * self._STEP
        left = max(total - done, 0.0) if total else None
        self._send(ProgressEvent(label=event.label, done=min(done, total), total=total, seconds_left=left, system=event.system))


class _Draft:
    """Collects the finished systems of a comparison and makes the Experiment of them."""

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
        dataset, queries = system_runs.dataset, set(system_runs.queries["query_id"])
        self._judgments = dataset.judgments[dataset.judgments["query_id"].isin(queries)]
        self._evidence = dataset.evidence[dataset.evidence["query_id"].isin(queries)]

    def add(self, system: str, outcome: Outcome) -> None:
        if outcome.run is None:
            self._errors[system] = outcome.error or "failed"
            return
        run = self._runs[system] = self._system_runs.place_hits(system, outcome.run)
        self._per_query[system] = evaluate_runs({system: run}, judgments=self._judgments, evidence=self._evidence)
        self._judged[system] = measure_judged(self._judgments, to_document_run(run)) if len(self._judgments) else None

    def add_facts(self) -> None:
        """Index facts and latency, after all systems are searched."""
        for system in self._runs:
            try:
                self._index[system] = self._system_runs.describe_index(system)
            except Cancelled:
                raise
            except LadderError as error:  # the run stands, though its model cannot be had any more
                self._index[system] = {"error": str(error)}
        failed = set(self._errors)
        self._system_runs.targets = {n: t for n, t in self._system_runs.targets.items() if n not in failed}
        self._latency = self._system_runs.latency()

    def finish(self, status: str) -> Experiment:
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
            measures = {measure: dataclasses.asdict(value) for measure, value in means.get(name, {}).items()}
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
            "distinct_texts": count_distinct_texts(system_runs.targets, system_runs.resources),
            "nodes_run": ran,
            "nodes_cached": len(steps) - ran,
        }


def describe_dataset(dataset: Dataset) -> dict[str, Any]:
    """name, counts and fingerprints, as they stand in JSON."""
    return {
        "name": dataset.name,
        "documents": len(dataset.documents),
        "queries": len(dataset.queries),
        "judgments": len(dataset.judgments),
        "evidence": len(dataset.evidence),
        "fingerprint": dataset.fingerprint,
        "corpus_fingerprint": dataset.corpus_fingerprint,
    }


def make_experiment_id() -> str:
    """Sortable by time, unique without coordination: 20260131-235959-1a2b."""
    now = datetime.datetime.now(datetime.UTC)
    return f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def to_trec(run: pd.DataFrame, *, tag: str) -> str:
    """A TREC run file of the document view: query-id Q0 doc-id rank score tag, score = -rank.

    The format separates fields by white space, so white space in an id is written as %20, as in an address.
    """
    documents = to_document_run(run)
    rows = zip(documents["query_id"], documents["doc_id"], documents["rank"].astype(np.int64), strict=True)
    lines = ((_WHITE_SPACE.sub("%20", query), _WHITE_SPACE.sub("%20", doc), rank) for query, doc, rank in rows)
    return "".join(f"{query}\tQ0\t{doc}\t{rank}\t{-rank}\t{tag}\n" for query, doc, rank in lines)
