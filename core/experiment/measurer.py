"""Runs one system after another over all judged queries and keeps what the ladder reads of them; each system once, ever."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from core.data.dataset import Dataset
from core.errors import Cancelled, LadderError
from core.evaluation.answers import find_answerable, rank_answers
from core.evaluation.measures import PRIMARY, VERSION
from core.evaluation.per_query import measure_one
from core.evaluation.spans import CONTEXT_RECALL
from core.experiment.system_runs import SystemRuns
from core.graph.resources import Resources
from core.schema import content_hash
from core.systems.system import System

_LEAST_EVIDENCE = 40  # queries, so that the test side is left with twenty and more
VALUES = ["query_id", "value", "rank", "target"]


class Measurer:
    """The primary measure and the answer's rank of any system, for every judged query, tuning and test alike.

    It runs over all queries at once, since a split is drawn many times but a run is the same in all of them. Whoever
    chooses reads the tuning part alone. Values are kept in the workspace under the run's key, the labels' fingerprint and
    the measures' version.
    """

    def __init__(self, dataset: Dataset, *, primary: str, resources: Resources, target: str = "") -> None:
        self.primary = primary
        self._target = target
        self.system_runs = SystemRuns(dataset, {}, "all", resources)
        self.errors: dict[str, str] = {}
        self._dataset = dataset
        self._workspace = resources.workspace
        self._labels = content_hash(
            [VERSION, dataset.judgments.to_dict("records"), dataset.evidence.to_dict("records"), primary, target]
        )
        self._index = pd.Index(find_answerable(dataset.judgments), dtype=object)
        self._known: dict[str, dict[str, pd.Series]] = {}

    @property
    def measured(self) -> int:
        """Number of systems whose values are known."""
        return len(self._known)

    def values(self, system: System) -> pd.Series | None:
        """Primary measure by query id; None if the system cannot run (see errors).

        All series have the same index object, the answerable queries; NaN where the measure does not cover one.
        """
        return self._column(system, "value")

    def targets(self, system: System) -> pd.Series | None:
        """The target's measure by query id; None if the system cannot run."""
        return self._column(system, "target")

    def ranks(self, system: System) -> pd.Series | None:
        """Rank of the answer by query id, inf where it is not in the run; None if the system cannot run."""
        return self._column(system, "rank")

    def _column(self, system: System, column: str) -> pd.Series | None:
        if system.name not in self._known and system.name not in self.errors:
            frame = self._measure(system)
            if frame is not None:
                aligned = frame.set_index("query_id").reindex(self._index)
                self._known[system.name] = {
                    name: pd.Series(aligned[name].to_numpy(dtype=float), index=self._index) for name in VALUES[1:]
                }
        known = self._known.get(system.name)
        return None if known is None else known[column]

    def run(self, system: System) -> pd.DataFrame:
        """The system's run with start, end (and tokens) of each hit. Raises what the system raises."""
        self.system_runs.add(system)
        return self.system_runs.place_hits(
            system.name, self.system_runs.execution.output(self.system_runs.targets[system.name])
        )

    def key(self, system: System) -> str:
        """What a system's values are kept under: it depends on all that they depend on. Raises what its wiring raises."""
        return content_hash(["values", self.system_runs.add(system).key, self._labels])

    def _measure(self, system: System) -> pd.DataFrame | None:
        try:
            key = self.key(system)
            frame = self._workspace.read_frame(key)
            if frame is None:
                frame = self._evaluate(self.run(system))
                self._workspace.write_frame(key, frame)
                corpus, models = self.system_runs.targets[system.name].origin
                self._workspace.made_for(corpus).note(f"cache/nodes/{key}.parquet", models)
        except Cancelled:
            raise
        except LadderError as error:
            self.errors[system.name] = str(error)
            return None
        return frame

    def _evaluate(self, run: pd.DataFrame) -> pd.DataFrame:
        judgments, evidence = self._dataset.judgments, self._dataset.evidence
        ranks = rank_answers(run, judgments, evidence)
        columns = {"query_id": ranks.index, "rank": ranks.to_numpy(dtype=float)}
        for column, measure in (("value", self.primary), ("target", self._target)):
            measured = measure_one(run, judgments, evidence, measure) if measure else pd.Series(dtype=float)
            columns[column] = measured.reindex(ranks.index).to_numpy(dtype=float)
        return pd.DataFrame(columns)[VALUES]


MeasureSystem = Callable[[System], pd.Series | None]


def choose_primary(dataset: Dataset, *, asked: str = "") -> str:
    """The measure that chooses: the one asked for, else evidence recall at equal context where at least half of the
    answerable queries, and 40 or all of them, have evidence, else nDCG@10."""
    if asked:
        return asked
    answerable = set(find_answerable(dataset.judgments))
    known = answerable & set(dataset.evidence["query_id"])
    enough = len(known) >= len(answerable) / 2 and (len(known) == len(answerable) or len(known) >= _LEAST_EVIDENCE)
    return CONTEXT_RECALL if answerable and enough else PRIMARY
