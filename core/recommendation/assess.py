"""The whole assessment of a dataset: split, ladder on tuning, test opened once, diagnosis, headroom, recommendation."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from typing import Any, TypedDict

from core.data.copies import note_copies
from core.data.dataset import Dataset
from core.data.split import Split, keep_judged
from core.errors import InputError
from core.evaluation.labels import find_suspects
from core.experiment.result import Experiment, describe_dataset
from core.graph.estimate import write_speed
from core.graph.resources import Models, Resources
from core.ladder.adoption import describe_adoption
from core.ladder.choose import choose
from core.ladder.climb import Step
from core.ladder.findings import collect_findings
from core.ladder.goals import Goals
from core.ladder.ladder import Ladder
from core.ladder.monthly_costs import estimate_monthly
from core.ladder.offer import Offer, find_joining_models
from core.ladder.resplits import RESPLITS, Stability, find_deciding, resplit
from core.ladder.rows import describe_rungs
from core.ladder.test_run import open_test
from core.ladder.variants import search_words_alone
from core.progress import CancelToken, ProgressCallback, ignore_progress
from core.recommendation.error_analysis import ErrorAnalysis, analyse_errors
from core.recommendation.recommend import Recommendation, recommend
from core.records import as_records, encode
from core.workspace import Workspace


class SplitSummary(TypedDict):
    """tuning, test, groups: counts. given: whether the data fix the split. tuning_ids, test_ids: of queries."""

    tuning: int
    test: int
    groups: int
    warnings: list[str]
    given: bool
    tuning_ids: list[str]
    test_ids: list[str]


@dataclass(frozen=True)
class Assessment:
    """What is known of a dataset after the ladder.

    id: the experiment's. ladder: one row per rung,
    see describe_rungs(). comparisons: compare_table() of the frozen pairs as records. analysis: diagnosis, headroom, slices,
    metadata. errors: variant -> why it could not run. timings: total_seconds, encode_seconds and
    encoded_texts of the whole ladder.
    """

    id: str
    goals: Goals
    primary: str
    split: SplitSummary
    experiment: Experiment
    ladder: tuple[dict[str, Any], ...]
    comparisons: tuple[dict[str, Any], ...]
    analysis: ErrorAnalysis
    recommendation: Recommendation
    errors: dict[str, str] = dataclasses.field(default_factory=dict)
    timings: dict[str, int | float] = dataclasses.field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The JSON of `recommend --json`: all of compare's, on test, and what follows from it."""
        return {
            **self.experiment.to_json(),
            "timings": {**self.experiment.timings, **self.timings},
            "primary": self.primary,
            "goals": encode(self.goals),
            "split": {name: value for name, value in self.split.items() if not name.endswith("_ids")},
            "comparisons": list(self.comparisons),
            "ladder": list(self.ladder),
            "failures": self.analysis.failures_by_cause,
            "headroom": self.analysis.headroom,
            "slices": as_records(self.analysis.slices),
            "metadata": self.analysis.metadata,
            "errors": self.errors,
            "recommendation": dataclasses.asdict(self.recommendation),
        }


def assess(
    dataset: Dataset,
    *,
    workspace: Workspace,
    goals: Goals | None = None,
    models: Models | None = None,
    cancel: CancelToken | None = None,
    on_progress: ProgressCallback = ignore_progress,
    name: str = "",
    experiment_id: str | None = None,
) -> Assessment:
    """Climbs the ladder on the dataset's tuning queries, opens the test queries once, and says what to do first.

    The split is the dataset's own or drawn (seeded by goals.seed). Raises InputError if no query has a relevant label,
    Cancelled.
    """
    started = time.perf_counter()
    resources = Resources.open(workspace, models=models, cancel=cancel)
    asked = goals or Goals()
    trained = find_joining_models(dataset, workspace) if asked.with_training else ()
    if asked.with_training and not trained:
        raise InputError(
            f"no model was trained on the dataset {dataset.name} as it is now, so none can join the ladder; train one first "
            f"(page Fine-tuning, or python -m core train {dataset.name} --kind adapter)"
        )
    ladder = Ladder(keep_judged(dataset), asked, resources, on_progress, trained)
    if not ladder.split.test:
        raise InputError(
            f"the dataset {dataset.name} has no judged query on the test side of its own split; "
            "judge some in qrels/test.tsv, or remove the split"
        )
    ladder.progress.enter("climbing on the tuning queries")
    steps = ladder.climb(ladder.split)
    experiment = open_test(ladder, steps, name=name or f"{dataset.name}: recommendation", experiment_id=experiment_id)
    # Of the data as they are: the ladder's are without unjudged queries and carry its split.
    experiment = dataclasses.replace(experiment, dataset=describe_dataset(dataset))
    ladder.progress.enter("reading the test queries")
    analysis = analyse_errors(
        ladder.dataset,
        ladder.measurer,
        steps,
        ladder.offer,
        baseline=ladder.baseline,
        experiment=experiment,
        split=ladder.split,
        primary=ladder.primary,
    )
    assessment = _conclude(ladder, steps, experiment, analysis)
    write_speed(resources)
    usage = resources.usage
    timings = {
        "total_seconds": time.perf_counter() - started,
        "encode_seconds": usage.encode_seconds,
        "encoded_texts": usage.encoded_texts,
    }
    return dataclasses.replace(assessment, timings=timings)


def _conclude(ladder: Ladder, steps: list[Step], experiment: Experiment, analysis: ErrorAnalysis) -> Assessment:
    """From what was measured to the verdict, and how stable it is."""
    latencies = {system.name: float(system.latency_ms["p95"]) for system in experiment.systems if system.latency_ms}
    monthly = estimate_monthly(ladder, experiment)
    findings = dataclasses.replace(
        collect_findings(ladder, ladder.split, steps, latencies=latencies, monthly=monthly, sides=experiment.sides),
        ranked_low=analysis.gap("ranked_low"),
        not_found=analysis.gap("not_among_100"),
        adoption=describe_adoption(ladder, steps),
    )
    choice = choose(findings)
    stability = Stability(0, {}, {})
    if not choice.before_scores:
        gap = analysis.headroom["gap"]
        actions, systems = resplit(ladder, steps, latencies=latencies, monthly=monthly, sides=experiment.sides, gap=gap)
        deciding = find_deciding(findings.values, baseline=ladder.baseline.name, system=choice.system)
        stability = Stability(RESPLITS, actions, systems, tuple(deciding))
    rows = describe_rungs(findings, experiment, primary=ladder.primary)
    return Assessment(
        id=experiment.id,
        goals=ladder.goals,
        primary=ladder.primary,
        split=_describe_split(ladder.split),
        experiment=experiment,
        ladder=tuple(rows),
        comparisons=tuple(as_records(findings.comparisons)),
        analysis=analysis,
        recommendation=recommend(
            findings,
            choice,
            stability,
            experiment,
            analysis,
            rows=rows,
            split=ladder.split,
            primary=ladder.primary,
            suspects=_find_suspects(ladder),
            doubts=[note] if (note := note_copies(ladder.dataset, ladder.resources.workspace)) else [],
        ),
        errors=dict(ladder.measurer.errors),
    )


def _describe_split(split: Split) -> SplitSummary:
    return {
        "tuning": len(split.tuning),
        "test": len(split.test),
        "groups": split.groups,
        "warnings": list(split.warnings),
        "given": split.given,
        "tuning_ids": list(split.tuning),
        "test_ids": list(split.test),
    }


def _find_suspects(ladder: Ladder) -> list[str]:
    """Queries whose labels embeddings and words both contradict."""
    systems = (ladder.baseline, search_words_alone(ladder.baseline, Offer()))
    return find_suspects({system.name: ladder.measurer.run(system) for system in systems}, ladder.dataset.judgments)
