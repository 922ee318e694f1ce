"""One dataset's ladder, climbed on any split: what the main split and the re-splits share."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from core.data.dataset import Dataset
from core.data.split import Split
from core.experiment.drawn_split import draw_split, group_dataset
from core.experiment.measurer import Measurer, choose_primary
from core.graph.resources import Resources
from core.ladder.climb import Propose, Step, climb, tabulate
from core.ladder.goals import Goals
from core.ladder.label_checks import fit_by_fix, fit_labels, share_missing
from core.ladder.offer import Offer, make_offer
from core.ladder.progress import LadderProgress
from core.ladder.rungs import list_rungs
from core.ladder.rungs.rung import Rung
from core.ladder.variants import list_embedding_systems, make_baseline, propose_variants, search_words_alone
from core.progress import ProgressCallback
from core.systems.system import System
from core.systems.trained import TrainedModel


@dataclass
class Ladder:
    """One dataset's ladder: the pieces that the main split and the re-splits share.

    trained: models that join it. primary: the measure that chooses. measurer: every system of every split, each once.
    baseline: the system that the ladder begins with. progress: of all phases, as one bar.
    """

    dataset: Dataset
    goals: Goals
    resources: Resources
    on_progress: ProgressCallback
    trained: tuple[TrainedModel, ...] = ()
    primary: str = field(init=False)
    measurer: Measurer = field(init=False)
    baseline: System = field(init=False)
    progress: LadderProgress = field(init=False)

    def __post_init__(self) -> None:
        self.primary = choose_primary(self.dataset, asked=self.goals.primary)
        self.progress = LadderProgress(self.on_progress)
        self.resources = dataclasses.replace(self.resources, on_progress=self.progress)
        target = self.goals.target[0] if self.goals.target is not None else ""
        self.measurer = Measurer(self.dataset, primary=self.primary, resources=self.resources, target=target)
        self.baseline = make_baseline()
        for system in list_embedding_systems():
            self.measurer.system_runs.add(system)  # what time is left depends on them
        self.progress.follow(self.measurer)

    @cached_property
    def groups(self) -> dict[str, int]:
        """query id -> its group; queries that say the same stay on one side of every split."""
        return group_dataset(self.dataset, self.resources)

    @cached_property
    def split(self) -> Split:
        """The dataset's own split, else a drawn one; with trained models the one that they were trained on."""
        if self.trained:
            share, seed = self.trained[0].split["share"], self.trained[0].split["seed"]
            return draw_split(self.dataset, self.groups, share=share, seed=seed)
        return draw_split(self.dataset, self.groups, seed=self.goals.seed)

    @cached_property
    def offer(self) -> Offer:
        """What the rungs may try. The fields to read filters from are chosen on the tuning queries."""
        return make_offer(
            self.dataset,
            self.goals,
            run=self.measurer.run(self.baseline),
            tuning=self.split.tuning,
            primary=self.primary,
            trained=self.trained,
            workspace=self.resources.workspace,
        )

    @cached_property
    def missing(self) -> float:
        """Share of the judged queries that have no relevant document in the corpus."""
        return share_missing(self.dataset)

    @cached_property
    def labels_fit(self) -> bool:
        """Whether embeddings or word matching fit the labels better than labels dealt at random, over all queries; or, where
        neither does, whether a rung's fix gains more on the tuning queries than it could by chance."""
        systems = (self.baseline, search_words_alone(self.baseline, Offer()))
        runs = {system.name: self.measurer.run(system) for system in systems}
        return fit_labels(self.dataset, runs, seed=self.goals.seed) or self._fit_by_fix()

    def _fit_by_fix(self) -> bool:
        steps = self._climb(self.split, min_gain=math.inf)
        # A filter that was made from the labels fits them whatever they are, and so may a field that was chosen by them.
        variants = [system for step in steps if not step.held_out for system in step.variants]
        tried = [system for system in variants if not system.filter and not system.infer_filters]
        values = tabulate([self.baseline, *tried], self.measurer.values, query_ids=self.split.tuning)
        return self.baseline.name in values and fit_by_fix(values, self.baseline.name, seed=self.goals.seed)

    def climb(self, split: Split, *, propose: Propose | None = None, rungs: Sequence[Rung] | None = None) -> list[Step]:
        """The steps on one split, over all rungs unless told which. No rung is kept if the labels fit nothing: what gains on
        them gains by luck."""
        return self._climb(split, min_gain=self.goals.min_gain if self.labels_fit else math.inf, propose=propose, rungs=rungs)

    def _climb(
        self, split: Split, *, min_gain: float, propose: Propose | None = None, rungs: Sequence[Rung] | None = None
    ) -> list[Step]:
        climbed = list_rungs() if rungs is None else rungs
        models = {rung: self.offer.find_trained(rung.trained_kind) for rung in climbed}
        return climb(
            self.baseline,
            climbed,
            propose or (lambda rung, incumbent: propose_variants(rung, incumbent, self.offer)),
            self.measurer.values,
            tuning=split.tuning,
            min_gain=min_gain,
            explain=self._explain,
            held_out={rung: model.split["validation"] for rung, model in models.items() if model is not None},
        )

    def _explain(self, rung: Rung, failed: Sequence[str]) -> str:
        errors = [self.measurer.errors[name] for name in failed if name in self.measurer.errors]
        if errors:
            return errors[0]
        if self.offer.find_trained(rung.trained_kind) is not None:
            return "The trained model does not fit the best cheap system: it was trained on vectors of another model."
        return rung.absence
