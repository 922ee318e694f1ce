"""One dataset's ladder, climbed on any split: what the main split and the re-splits share."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from core.costs.prices import read_prices
from core.costs.scenario import read_scenario
from core.costs.sheet import estimate_costs
from core.costs.system_facts import read_facts
from core.data.dataset import Dataset
from core.data.split import DEFAULT_SHARE, Split
from core.diagnosis.metadata import advise_metadata
from core.evaluation.labels import measure_label_fit
from core.evaluation.significance import FLIPS
from core.experiment.compare import Experiment, compare, make_experiment_id
from core.experiment.drawn_split import draw_split, group_dataset
from core.experiment.measurer import Measurer, choose_primary
from core.graph.resources import Resources
from core.ladder.choose import Findings
from core.ladder.climb import Propose, Step, climb, judge, list_candidates, tabulate
from core.ladder.goals import Goals
from core.ladder.progress import Meter
from core.ladder.resplits import RESPLITS, measure_stability
from core.ladder.rows import tried_cross_encoder
from core.ladder.rungs import RUNGS, TRAINED_RUNGS, explain_absence
from core.ladder.variants import Offer, find_glossaries, make_baseline, propose_variants, search_words_alone
from core.progress import ProgressCallback, ProgressEvent
from core.systems.available import list_own_systems
from core.systems.system import System
from core.systems.trained import TrainedModel
from core.training.adoption import measure_adoption

_FIT = 0.01  # p of the label check below which a system's hits fit the labels


@dataclass
class Climber:
    """One dataset's ladder: the pieces that the main split and the re-splits share."""

    dataset: Dataset
    goals: Goals
    resources: Resources
    on_progress: ProgressCallback
    trained: tuple[TrainedModel, ...] = ()
    primary: str = field(init=False)
    measurer: Measurer = field(init=False)
    baseline: System = field(init=False)
    meter: Meter = field(init=False)

    def __post_init__(self) -> None:
        self.primary = choose_primary(self.dataset, asked=self.goals.primary)
        target = self.goals.target[0] if self.goals.target is not None else ""
        self.measurer = Measurer(self.dataset, primary=self.primary, resources=self.resources, target=target)
        self.baseline = make_baseline()
        for system in (self.baseline, *propose_variants("chunking", self.baseline, Offer())):
            self.measurer.system_runs.add(system)  # those that embed: what time is left depends on them
        self.meter = Meter(self.measurer, self.on_progress)
        self.resources.on_progress = self.meter

    @cached_property
    def groups(self) -> dict[str, int]:
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
        advice = advise_metadata(self.dataset, self.measurer.run(self.baseline), query_ids=list(self.split.tuning))
        return Offer(
            by_evidence=self.primary.startswith("evidence"),
            has_filters=self.dataset.has_filters,
            infer_fields=tuple(advice.loc[advice["recommended"].astype(bool), "field"]),
            glossaries=find_glossaries(list_own_systems(self.resources.workspace).values()),
            rerankers=self.goals.rerankers,
            trained=self.trained,
        )

    @cached_property
    def missing(self) -> float:
        """Share of the judged queries that have no relevant document in the corpus."""
        here = set(self.dataset.indexed_documents["doc_id"])
        relevant = self.dataset.judgments[self.dataset.judgments["relevance"] >= 1]
        found = set(relevant.loc[relevant["doc_id"].isin(here), "query_id"])
        return 1.0 - len(found) / max(len(self.dataset.queries), 1)

    @cached_property
    def labels_fit(self) -> bool:
        """Whether embeddings or word matching fit the labels better than labels dealt at random; over all queries."""
        here = set(self.dataset.indexed_documents["doc_id"])
        judgments = self.dataset.judgments[self.dataset.judgments["doc_id"].isin(here)]
        systems = (self.baseline, search_words_alone(self.baseline, Offer()))
        fits = measure_label_fit(
            {system.name: self.measurer.run(system) for system in systems}, judgments, seed=self.goals.seed
        )
        return min(fits.values()) < _FIT

    def climb(self, split: Split, *, propose: Propose | None = None, rungs: Sequence[str] = RUNGS[1:]) -> list[Step]:
        """The steps on one split. No rung is kept if the labels fit nothing: what gains on them gains by luck."""
        held_out = {rung: model.split["validation"] for rung in rungs if (model := self.offer.find_trained(rung)) is not None}
        return climb(
            self.baseline,
            rungs,
            propose or (lambda rung, incumbent: propose_variants(rung, incumbent, self.offer)),
            self.measurer.values,
            tuning=split.tuning,
            min_gain=self.goals.min_gain if self.labels_fit else math.inf,
            explain=self._explain,
            held_out=held_out,
        )

    def _explain(self, rung: str, failed: Sequence[str]) -> str:
        errors = [self.measurer.errors[name] for name in failed if name in self.measurer.errors]
        if errors:
            return errors[0]
        if self.offer.find_trained(rung) is not None:
            return "The trained model does not fit the best cheap system: it was trained on vectors of another model."
        return explain_absence(rung)

    def open_test(self, steps: Sequence[Step], *, name: str, experiment_id: str | None) -> Experiment:
        """The one comparison on the test queries: every frozen system, and the lexical side alone beside them."""
        sides = dict.fromkeys(self.split.tuning, "tuning") | dict.fromkeys(self.split.test, "test")
        queries = self.dataset.queries.assign(split=self.dataset.queries["query_id"].map(sides).fillna(""))
        systems = [*list_candidates(self.baseline, steps), search_words_alone(self.baseline, self.offer)]

        def report(event: ProgressEvent) -> None:
            self.meter.test = max(self.meter.test, event.share)
            self.meter(event)

        self.meter.enter("test queries")
        experiment = compare(
            dataclasses.replace(self.dataset, queries=queries),
            {system.name: system for system in systems},
            workspace=self.resources.workspace,
            split="test",
            name=name,
            models=self.resources.models,
            cancel=self.resources.cancel,
            on_progress=report,
            experiment_id=experiment_id or make_experiment_id(),
        )
        self.resources.cancel.check()
        self.meter.test = 1.0
        return experiment

    def estimate_monthly(self, experiment: Experiment) -> dict[str, float]:
        """USD a month by system in the scenario of the goals; empty where nobody asked for costs."""
        if not self.goals.wants_costs:
            return {}
        workspace = self.resources.workspace
        scenario = self.goals.scenario or read_scenario(self.dataset, workspace, models=self.resources.models)
        facts = read_facts(experiment, self.dataset, workspace, models=self.resources.models)
        sheets = estimate_costs(facts, scenario, read_prices(workspace))
        return {name: sheet.monthly for name, sheet in sheets.items()}

    def find(
        self,
        split: Split,
        steps: Sequence[Step],
        *,
        latencies: Mapping[str, float],
        monthly: Mapping[str, float],
        flips: int = FLIPS,
    ) -> Findings:
        """What the choice reads of a ladder on one split. The frozen pairs are judged here, all at once."""
        candidates = list_candidates(self.baseline, steps)
        values = tabulate(candidates, self.measurer.values, query_ids=split.test)
        targets: dict[str, float] = {}
        if self.goals.target is not None:
            means = tabulate(candidates, self.measurer.targets, query_ids=split.test).mean()
            targets = {str(name): float(mean) for name, mean in means.items() if np.isfinite(mean)}
        return Findings(
            baseline=self.baseline,
            steps=tuple(steps),
            comparisons=judge(
                steps, values, measure=self.primary, min_gain=self.goals.min_gain, seed=self.goals.seed, flips=flips
            ),
            values=values,
            goals=self.goals,
            latencies=latencies,
            monthly=monthly,
            target_means=targets,
            missing=self.missing,
            labels_fit=self.labels_fit,
            cross_encoder=tried_cross_encoder(steps),
            tuning=len(tabulate([self.baseline], self.measurer.values, query_ids=split.tuning)),
        )

    def describe_adoption(self, steps: Sequence[Step]) -> dict[str, str]:
        """Rung -> what it costs to adopt its trained model, for the rungs that have one."""
        found = {}
        for step in steps:
            model = self.offer.find_trained(step.rung)
            if model is not None and step.chosen is not None:
                nodes = self.measurer.system_runs.add(step.chosen).walk()
                chunks = self.measurer.system_runs.execution.output(next(node for node in nodes if node.gives == "chunks"))
                passages = [text for group in chunks["passages"] for text in group]
                found[step.rung] = measure_adoption(model, self.resources, passages=passages).describe()
        return found

    def resplit(
        self,
        steps: Sequence[Step],
        *,
        latencies: Mapping[str, float],
        monthly: Mapping[str, float],
        gap: Mapping[str, float],
    ) -> tuple[dict[str, float], dict[str, float]]:
        """Shares of actions and systems over re-splits; on each the ladder is climbed and judged anew.

        steps: the main ones. gap: of the headroom on the main split.
        """
        self.meter.enter("how stable is the verdict")

        reranked = {step.incumbent.chunk for step in steps if step.rung == "reranking"}

        def propose(rung: str, incumbent: System) -> list[System]:
            # Over another chunking a reranker would have to read the corpus anew, for a few splits in a hundred.
            # Trained models have learned from queries that other splits test on.
            skipped = rung in TRAINED_RUNGS or (rung == "reranking" and incumbent.chunk not in reranked)
            return [] if skipped else propose_variants(rung, incumbent, self.offer)

        main = {step.rung: step.chosen.name for step in steps if step.chosen is not None}

        def decide(split: Split, flips: int) -> Findings:
            climbed = self.climb(split, propose=propose)
            # A system that only this split chose was not timed: it is as slow, and as dear, as the main ladder's on its rung.
            alike = {step.chosen.name: main.get(step.rung, "") for step in climbed if step.chosen is not None}
            found = self.find(split, climbed, latencies=_guess(latencies, alike), monthly=_guess(monthly, alike), flips=flips)
            return dataclasses.replace(found, ranked_low=gap["ranked_low"], not_found=gap["not_among_100"])

        def report(done: int) -> None:
            self.meter.resplits = done / RESPLITS
            self.resources.report(f"split {done} of {RESPLITS}")

        share = self.trained[0].split["share"] if self.trained else DEFAULT_SHARE
        return measure_stability(self.dataset, self.groups, decide, share=share, on_step=report)


def _guess(known: Mapping[str, float], alike: Mapping[str, str]) -> dict[str, float]:
    """The numbers that are known, and for other systems those of the one they are like. alike: name -> name."""
    return {**{name: known[other] for name, other in alike.items() if other in known}, **known}
