"""How long a query would take over more documents, with another model's dimensions, or reranking more hits.

Fitted to measurements of this machine at several sizes of the corpus, not taken from a formula: see latency_fit. How far the
fit can be trusted is measured too: it has to predict the largest size from the smaller ones.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypedDict

from core.data.dataset import Dataset
from core.errors import InputError, check_range
from core.graph.resources import Models, Resources
from core.progress import CancelToken, ProgressCallback, ProgressEvent, ignore_progress
from core.scaling.curves import DENSE_SEARCH, LINEAR, LOG, TERMS, Fit, Point, fit_points, measure_error, solve
from core.scaling.timing import borrow_workspace, draw_subsets, time_systems
from core.schema import content_hash
from core.settings import describe_machine
from core.systems.system import System
from core.workspace import Workspace

SIZES = (1 / 8, 1 / 4, 1 / 2, 1.0)
FAR = 10.0  # times the largest measured size, dimensions or depth; an estimate beyond is marked
_LEAST_ERROR = 10.0  # percent; a smaller held-out error is luck: two sessions on one machine differ by as much
_FORMAT = 1  # raised when the facts in a workspace get another form


class LatencyEstimate(TypedDict):
    """p50, p95: milliseconds of one query; low, high: between which p50 is expected; stages: stage -> p50 ms, adding up to p50.

    error: held-out error of the fit in percent. far: True where the extrapolation goes further than is trusted.
    """

    p50: float
    p95: float
    low: float
    high: float
    stages: dict[str, float]
    error: float
    far: bool


@dataclass(frozen=True)
class SystemScaling:
    """The measurements of one system, and the curves through them.

    spec: the system without name and description. reranker: its stage that grows with depth, or None. sizes: a point per size,
    smallest first, at least three; depths: further points at the full size. widths: dimensions -> median ms of one query's
    searches of the index at the full size, the model's own last; empty without an index.
    """

    spec: Mapping[str, Any]
    reranker: str | None
    sizes: tuple[Point, ...]
    depths: tuple[Point, ...] = ()
    widths: Mapping[int, float] = dataclasses.field(default_factory=dict)

    @cached_property
    def fit(self) -> Fit:
        return fit_points(self.sizes, self.depths, reranker=self.reranker)

    @cached_property
    def error(self) -> float:
        """Percent by which a fit without the largest size misses the median there."""
        return measure_error(self.sizes, reranker=self.reranker)

    @cached_property
    def ms_per_dimension(self) -> float:
        """Milliseconds that one more dimension adds to a query's searches at the full size; at least 0."""
        return solve([[1.0, width] for width in self.widths], list(self.widths.values()))[1] if len(self.widths) > 1 else 0.0


@dataclass(frozen=True)
class Scaling:
    """Latency of systems at several sizes of one corpus, measured together on one machine; estimates for other sizes.

    How far to trust an estimate: within the measured sizes it is a measurement smoothed by a curve, and `low` and `high` are
    the held-out error away from it, at least 10 %. Beyond, they widen by as much for every step as large as the one that was
    tried (from the second largest size to the largest).
    Up to ten times the largest size the curves have reason to hold, as long as the index still fits into memory; further out,
    other things decide (memory, disk, shards), the estimate says `far`, and the answer is to measure there.
    Not covered: another machine, several queries at once, longer documents, and, with other dimensions, the time that
    another model takes to embed the query.
    """

    corpus_fingerprint: str
    machine: Mapping[str, Any]
    systems: Mapping[str, SystemScaling]

    @property
    def error(self) -> dict[str, float]:
        """system -> held-out error in percent: the fit without the largest size, against what was measured there."""
        return {name: measured.error for name, measured in self.systems.items()}

    def estimate(
        self, system: str, *, documents: int, dimensions: int | None = None, depth: int | None = None
    ) -> LatencyEstimate:
        """The latency of one query over so many documents, like those measured.

        dimensions: of the vectors, None for the model's own; without effect on a system without an index. depth: hits that
        are reranked, None for the system's own; without effect on a system without a reranker.
        Raises InputError for an unknown system and for numbers below 1.
        """
        if system not in self.systems:
            raise InputError(
                f"the latency of {system!r} was not measured at several sizes; measured are {', '.join(self.systems)}"
            )
        for name, value in (("documents", documents), ("dimensions", dimensions), ("depth", depth)):
            if value is not None:
                check_range(name, value, low=1)
        measured = self.systems[system]
        largest = measured.sizes[-1]
        hits = depth if depth is not None and measured.reranker is not None else largest.depth
        stages = measured.fit.predict_stages(documents, hits)
        own = max(measured.widths, default=0)
        width = dimensions if dimensions is not None and own else own
        if width != own:
            stages[DENSE_SEARCH] = max(0.0, stages[DENSE_SEARCH] + _add_dimensions(measured, documents, width - own))
        p50 = sum(stages.values())
        margin = p50 * max(measured.error, _LEAST_ERROR) / 100 * _count_steps(measured.sizes, documents)
        return LatencyEstimate(
            p50=p50,
            p95=measured.fit.predict_tail(p50),
            low=max(0.0, p50 - margin),
            high=p50 + margin,
            stages=stages,
            error=measured.error,
            far=documents > FAR * largest.documents
            or width > FAR * own
            or hits > FAR * max(point.depth for point in (*measured.sizes, *measured.depths)),
        )

    def to_json(self) -> dict[str, Any]:
        """The measurements; the curves and errors follow from them."""
        systems = {name: dataclasses.asdict(measured) for name, measured in self.systems.items()}
        for measured in systems.values():
            measured["widths"] = {str(width): ms for width, ms in measured["widths"].items()}
        return {"corpus_fingerprint": self.corpus_fingerprint, "machine": dict(self.machine), "systems": systems}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Scaling:
        """The inverse of to_json()."""
        systems = {
            name: SystemScaling(
                spec=kept["spec"],
                reranker=kept["reranker"],
                sizes=tuple(Point(**point) for point in kept["sizes"]),
                depths=tuple(Point(**point) for point in kept.get("depths", ())),
                widths={int(width): float(ms) for width, ms in kept.get("widths", {}).items()},
            )
            for name, kept in value["systems"].items()
        }
        return cls(value["corpus_fingerprint"], value["machine"], systems)


def measure_scaling(
    dataset: Dataset,
    systems: Mapping[str, System],
    *,
    workspace: Workspace,
    models: Models | None = None,
    cancel: CancelToken | None = None,
    on_progress: ProgressCallback = ignore_progress,
    sizes: Sequence[float] = SIZES,
    seed: int = 0,
) -> Scaling:
    """Times the systems on subsets of the documents (shares of them), and fits curves.

    The subsets are drawn with the seed, each a part of the next. What compare() has embedded is not embedded again. Nothing
    of it stays in the workspace: keep the result with save_scaling(). Systems that fail are left out.
    Raises InputError for no systems, none that works, no queries, or fewer than three different sizes; Cancelled.
    """
    if not systems:
        raise InputError("no systems were chosen; name at least one")
    subsets = draw_subsets(dataset, sizes, seed=seed)
    phases = _Phases(on_progress, total=len(subsets) + 2)
    with borrow_workspace(workspace) as borrowed:
        resources = Resources.open(borrowed, models=models, cancel=cancel, on_progress=phases.report)
        timings = time_systems(subsets, systems, resources, on_phase=phases.start, seed=seed)
    if not timings:
        raise InputError(
            f"none of the systems {', '.join(systems)} could be timed; compare them, and see what their results say is wrong"
        )
    measured = {
        name: SystemScaling(
            spec=_strip_names(systems[name]),
            reranker=type(systems[name].rerank).__name__ if systems[name].rerank is not None else None,
            sizes=taken.sizes,
            depths=taken.depths,
            widths=taken.widths,
        )
        for name, taken in timings.items()
    }
    return Scaling(dataset.corpus_fingerprint, describe_machine(), measured)


def save_scaling(scaling: Scaling, workspace: Workspace) -> None:
    """Keeps the measurements in the workspace, each system's under its corpus and what it is made of."""
    session = content_hash(scaling.to_json())
    for name, measured in scaling.systems.items():
        one = dataclasses.replace(scaling, systems={name: measured})
        key = _make_key(scaling.corpus_fingerprint, measured.spec)
        workspace.write_facts(key, {"session": session, "name": name, "scaling": one.to_json()})


def load_scaling(dataset: Dataset, systems: Mapping[str, System], *, workspace: Workspace) -> Scaling | None:
    """What was kept of these systems over this corpus, under the names given here.

    None unless all of them were measured in one session: times taken under different load cannot be compared.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, system in systems.items():
        facts = workspace.read_facts(_make_key(dataset.corpus_fingerprint, _strip_names(system)))
        if facts is not None:
            found[name] = facts
    if not systems or len(found) < len(systems) or len({facts["session"] for facts in found.values()}) > 1:
        return None
    kept = {name: Scaling.from_json(facts["scaling"]).systems[facts["name"]] for name, facts in found.items()}
    first = next(iter(found.values()))["scaling"]
    return Scaling(first["corpus_fingerprint"], first["machine"], kept)


class _Phases:
    """Progress in phases of equal weight; what stages report is progress inside the phase."""

    def __init__(self, send: ProgressCallback, *, total: int) -> None:
        self._send, self._total, self._done = send, total, -1

    def start(self, label: str) -> None:
        self._done += 1
        self.report(ProgressEvent(label=label))

    def report(self, event: ProgressEvent) -> None:
        done = min(max(self._done, 0) + event.share, float(self._total))
        self._send(ProgressEvent(label=event.label, done=done, total=float(self._total)))


def _strip_names(system: System) -> dict[str, Any]:
    return {name: value for name, value in system.to_spec().items() if name not in ("name", "description")}


def _make_key(corpus_fingerprint: str, spec: Mapping[str, Any]) -> str:
    return content_hash(["scaling", _FORMAT, corpus_fingerprint, spec])


def _add_dimensions(measured: SystemScaling, documents: int, more: int) -> float:
    """Milliseconds that `more` dimensions add (or save): measured at the full size, growing with documents as search does."""
    growth = TERMS[LINEAR if LINEAR in measured.fit.stages[DENSE_SEARCH].terms else LOG]
    full = measured.sizes[-1].documents
    return measured.ms_per_dimension * more * growth(documents, 0) / growth(full, 0)


def _count_steps(sizes: Sequence[Point], documents: int) -> float:
    """How many times further than the step to the largest size an estimate reaches, on a log scale; 1 within the sizes."""
    before, largest = sizes[-2].documents, sizes[-1].documents
    return max(1.0, math.log(documents / largest) / math.log(largest / before)) if documents > largest else 1.0
