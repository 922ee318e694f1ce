"""How long a query would take over more documents, with another model's dimensions, or reranking more hits.

Fitted to measurements of this machine at several sizes of the corpus, not taken from a formula: see curves. How far the fit
can be trusted is measured too: it has to predict the largest size from the smaller ones.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypedDict

from core.errors import InputError, check_range
from core.scaling.curves import DENSE_SEARCH, TERMS, Fit, Point, fit_nonnegative, fit_points, measure_error
from core.stages.base import LINEAR, LOG

FAR = 10.0  # times the largest measured size, dimensions or depth; an estimate beyond is marked
_LEAST_ERROR = 10.0  # percent; a smaller held-out error is luck: two sessions on one machine differ by as much


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
        """The curves through the points."""
        return fit_points(self.sizes, self.depths, reranker=self.reranker)

    @cached_property
    def error(self) -> float:
        """Percent by which a fit without the largest size misses the median there."""
        return measure_error(self.sizes, reranker=self.reranker)

    @cached_property
    def ms_per_dimension(self) -> float:
        """Milliseconds that one more dimension adds to a query's searches at the full size; at least 0."""
        return (
            fit_nonnegative([[1.0, width] for width in self.widths], list(self.widths.values()))[1]
            if len(self.widths) > 1
            else 0.0
        )


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


def _add_dimensions(measured: SystemScaling, documents: int, more: int) -> float:
    """Milliseconds that `more` dimensions add (or save): measured at the full size, growing with documents as search does."""
    growth = TERMS[LINEAR if LINEAR in measured.fit.stages[DENSE_SEARCH].terms else LOG]
    full = measured.sizes[-1].documents
    return measured.ms_per_dimension * more * growth(documents, 0) / growth(full, 0)


def _count_steps(sizes: Sequence[Point], documents: int) -> float:
    """How many times further than the step to the largest size an estimate reaches, on a log scale; 1 within the sizes."""
    before, largest = sizes[-2].documents, sizes[-1].documents
    return max(1.0, math.log(documents / largest) / math.log(largest / before)) if documents > largest else 1.0
