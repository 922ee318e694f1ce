"""A trained model under test: with the ladder of the split that it was trained on, whose test queries it has not seen."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pandas as pd

from core.data.dataset import Dataset
from core.data.split import keep_judged
from core.errors import InputError, LadderError
from core.graph.resources import Models, Resources
from core.ladder.climb import tabulate
from core.ladder.goals import Goals
from core.ladder.ladder import Ladder
from core.progress import CancelToken, ProgressCallback, ignore_progress
from core.systems.system import System
from core.systems.trained import TrainedModel
from core.systems.trained_systems import make_trained_systems, read_start
from core.workspace import Workspace


@dataclasses.dataclass
class ModelUnderTest:
    """A model and what it is measured with. models: loaded ones, None for its own.

    ladder: of the split that the model was trained on. start: the system that the training started from. own: the first of
    the systems that the model gives. Raises InputError if the dataset's test queries are not those that the model was trained
    beside.
    """

    dataset: Dataset
    model: TrainedModel
    workspace: Workspace
    models: Models | None = None
    cancel: CancelToken = dataclasses.field(default_factory=CancelToken)
    on_progress: ProgressCallback = ignore_progress
    ladder: Ladder = dataclasses.field(init=False)
    start: System = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        resources = Resources.open(self.workspace, models=self.models, cancel=self.cancel)
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
        """Ids of the test queries."""
        return list(self.ladder.split.test)

    @property
    def own(self) -> System:
        """The start system with the trained model in it, under its plain name."""
        return next(iter(make_trained_systems([self.model]).values()))

    def measure(self, system: System, *, query_ids: Sequence[str] | None = None) -> pd.Series:
        """The primary measure of the test queries (or others), by query id. Raises LadderError if the system cannot run."""
        measurer = self.ladder.measurer
        table = tabulate([system], measurer.values, query_ids=list(query_ids or self.test))
        if system.name not in table:
            raise LadderError(f"{system.name} could not be measured. {measurer.errors.get(system.name, '')}")
        column: pd.Series = table[system.name]
        return column
