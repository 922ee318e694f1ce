"""Whether a version may answer: it is measured on the test queries against the live one, and promoted once it passes."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, cast

import pandas as pd

from core.data.dataset import Dataset
from core.data.split import keep_judged
from core.errors import InputError, check_range
from core.evaluation.comparisons import COMPARISON, Comparison, compare_pairs
from core.evaluation.measures import MEASURES, PRIMARY
from core.evaluation.per_query import evaluate_runs, pivot
from core.evaluation.significance import bootstrap_means
from core.evaluation.verdicts import SMALLEST_USEFUL_GAIN
from core.experiment.drawn_split import draw_split, group_dataset
from core.experiment.measurer import choose_primary
from core.experiment.system_runs import SystemRuns
from core.graph.resources import Resources
from core.ladder.choose import LEAST_TEST
from core.ladder.goals import LEAST_GAIN
from core.schema import select_relevant
from core.systems.trained_systems import find_seen
from core.versions.contents import read_contents, restore
from core.versions.version import (
    PROMOTED,
    Evaluation,
    Live,
    Version,
    check_model,
    load_version,
    make_live,
    read_evaluation,
    read_live,
    version_folder,
    write_evaluation,
)

NOT_WORSE, BETTER, ANY = BARS = ("not_worse", "better", "any")
BAR_WORDS = {
    NOT_WORSE: "not usefully worse than the live version",
    BETTER: "better than the live version",
    ANY: "measured, whatever comes out",
}


@dataclass(frozen=True)
class Bar:
    """What a version has to pass on the test queries. kind: of BARS. min_gain: smallest useful difference of the means.
    measure: "" takes nDCG@10 or evidence recall, as the data allow. least: the mean that it must reach besides, or None."""

    kind: str = NOT_WORSE
    min_gain: float = SMALLEST_USEFUL_GAIN
    measure: str = ""
    least: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in BARS:
            raise InputError(f"the bar {self.kind!r} does not exist; it can be {', '.join(BARS)}")
        if self.measure and self.measure not in MEASURES:
            raise InputError(f"the measure {self.measure!r} is not known; it can be {', '.join(MEASURES)}")
        check_range("the smallest useful gain", self.min_gain, low=LEAST_GAIN, high=1)
        if self.least is not None:
            low, high = MEASURES[self.measure or PRIMARY].range
            check_range("the least mean", self.least, low=low, high=high)

    def describe(self) -> str:
        """ "not worse than the live version by 0.02 or more, and a mean of at least 0.4" """
        words = {
            NOT_WORSE: f"not worse than the live version by {self.min_gain:g} or more",
            BETTER: f"better than the live version by at least {self.min_gain:g}",
            ANY: BAR_WORDS[ANY],
        }[self.kind]
        return words + (f", and a mean of at least {self.least:g}" if self.least is not None else "")


@dataclass(frozen=True)
class Promotion:
    """promoted: whether it is live now. passed: whether it passed the bar. sentence: why.

    evaluation: None where it was not measured.
    """

    promoted: bool
    passed: bool
    sentence: str
    live: Live
    evaluation: Evaluation | None

    def to_json(self) -> dict[str, Any]:
        """What the command line writes: ids instead of the live state."""
        return {
            "promoted": self.promoted,
            "passed": self.passed,
            "sentence": self.sentence,
            "live": self.live.version,
            "before": self.live.previous[-1] if self.live.previous else "",
            "evaluation": self.evaluation or {"passed": False, "sentence": self.sentence},
        }


def promote(
    version_id: str, dataset: Dataset, resources: Resources, *, bar: Bar | None = None, anyway: bool = False
) -> Promotion:
    """Measures the version and makes it live if it passes. anyway: makes it live also if it fails or cannot be measured, which
    the log then says. The live version answers until the very end."""
    workspace = resources.workspace
    bar = bar or Bar()
    version = load_version(version_id, dataset.name, workspace)
    live = read_live(dataset.name, workspace)
    if live.version == version.id:
        return Promotion(True, True, f"{version.id} is live already.", live, read_evaluation(version, workspace))
    told = None
    try:
        told = evaluate(version, dataset, resources, bar=bar)
        write_evaluation(version, told, workspace)
        passed, sentence = told["passed"], told["sentence"]
    except InputError as error:
        if not anyway:
            raise
        passed, sentence = False, f"Not measured: {error}"
    if not passed and not anyway:
        return Promotion(False, False, sentence, live, told)
    note = sentence if passed else f"without passing. {sentence}"
    return Promotion(True, passed, note, make_live(version, PROMOTED, workspace, note=note), told)


def evaluate(version: Version, dataset: Dataset, resources: Resources, *, bar: Bar) -> Evaluation:
    """The version and the live one, each from its own files, on the test queries.

    Returns {passed, sentence, measure, n, mean, low, high (95 % interval of the mean), against: id of the live version, delta:
    {delta, low, high, p_adjusted, verdict, ...} or None where nothing is live, bar, query_ids}.
    Raises InputError if there is no labelled test query.
    """
    workspace = resources.workspace
    measure = choose_primary(dataset, asked=bar.measure)
    live_id = read_live(dataset.name, workspace).version
    rivals = {"candidate": version}
    if live_id and live_id != version.id:
        rivals["live"] = load_version(live_id, dataset.name, workspace)
    asked = find_test_queries(dataset, list(rivals.values()), resources)
    values = pd.DataFrame(
        {role: measure_version(one, dataset, asked, resources, measure=measure) for role, one in rivals.items()}
    ).fillna(0.0)
    if values.empty:
        raise InputError(f"no test query of {dataset.name} can be measured by {measure}; choose another measure")
    own = values["candidate"].to_numpy()
    low, high = bootstrap_means(own.reshape(-1, 1))
    gain = None
    if "live" in values:
        (gain,) = compare_pairs(values, [("live", "candidate")], measure=measure, min_gain=bar.min_gain)
    told: dict[str, Any] = {
        "measure": measure,
        "n": len(values),
        "mean": float(own.mean()),
        "low": float(low[0]),
        "high": float(high[0]),
        "against": live_id if gain is not None else "",
        "delta": {name: getattr(gain, name) for name in COMPARISON if name not in ("baseline", "system", "measure")}
        if gain is not None
        else None,
        "bar": dataclasses.asdict(bar),
        "query_ids": list(values.index),
    }
    passed, sentence = judge(told, gain, bar)
    return cast(Evaluation, {"passed": passed, "sentence": sentence, **told})


def judge(told: dict[str, Any], gain: Comparison | None, bar: Bar) -> tuple[bool, str]:
    """Whether the bar is passed, and a sentence with the numbers. gain: over the live version, None where nothing is live."""
    measure, n = told["measure"], told["n"]
    own = f"{measure} {told['mean']:.3f} ({told['low']:.3f} to {told['high']:.3f}, n = {n})"
    if bar.least is not None and told["mean"] < bar.least:
        return False, f"Does not pass: {own}, and {bar.least:g} was asked for."
    if gain is None:
        return True, f"Passes: {own}; nothing was live to compare with."
    change = f"{gain.delta:+z.3f} {measure} against the live version ({gain.low:.3f} to {gain.high:.3f}, n = {n})"
    if bar.kind == ANY:
        return True, f"Measured: {change}."
    if n < LEAST_TEST:  # an interval of a few queries says nothing: of a single one it has no width
        return False, f"Cannot tell: {change}; at least {LEAST_TEST} test queries are needed. Label more of them."
    if bar.kind == BETTER:
        passed = gain.verdict == "better"
        return passed, f"{'Passes' if passed else 'Does not pass'}: {change}; better was asked for."
    if gain.rules_out_loss:
        return True, f"Passes: {change}, so not worse by a useful amount ({bar.min_gain:g})."
    if gain.verdict == "worse":
        return False, f"Does not pass: it is worse, {change}."
    # A verdict of "cannot tell" may pass, since a gain that isn't sure is no loss.
    needed = gain.queries_needed
    cure = f"About {needed:,} would settle it." if needed > n else "It is near the limit: label more of them to settle it."
    return False, f"Cannot tell: {change}; a loss of {bar.min_gain:g} cannot be ruled out with these queries. {cure}"


def find_test_queries(dataset: Dataset, versions: list[Version], resources: Resources) -> list[str]:
    """Ids of the judged test queries: of the data's own split, else of the one that the recommendation draws; none that a
    trained model of one of the versions has learned from. Raises InputError if none is left."""
    judged = keep_judged(dataset)
    test = draw_split(judged, group_dataset(judged, resources)).test
    learned = {query_id for version in versions for query_id in find_seen(version.system, resources.workspace)}
    if learned:  # a trained model brings the split that it was trained with
        test = tuple(query_id for query_id in judged.queries["query_id"] if query_id not in learned)
    relevant = set(select_relevant(dataset.judgments)["query_id"])
    kept = [query_id for query_id in test if query_id in relevant]
    if not kept:
        raise InputError(
            f"{dataset.name} has no labelled test query to measure a version by; add labels, or promote without the evaluation"
        )
    return kept


def measure_version(
    version: Version, dataset: Dataset, query_ids: list[str], resources: Resources, *, measure: str
) -> pd.Series:
    """The measure by query id, of what the version's own files answer: nothing of an earlier run is read."""
    check_model(version)
    contents = read_contents(version, resources.workspace)
    asked = dataset.queries[dataset.queries["query_id"].isin(query_ids)].reset_index(drop=True)
    data = dataclasses.replace(dataset, documents=contents.corpus.documents, queries=asked)
    system = version.read_system()
    system_runs = SystemRuns(data, {system.name: system}, "all", resources)
    if system.name in system_runs.broken:
        raise InputError(f"the version {version.id} cannot answer: {system_runs.broken[system.name]}")
    folder = version_folder(version.id, version.dataset, resources.workspace)
    system_runs.execution.use_disk = False
    system_runs.execution.memory.update(restore(contents, system_runs.targets[system.name], folder))
    resources.report(f"measuring {version.id} on {len(asked)} test queries")
    run = system_runs.place_hits(system.name, system_runs.execution.output(system_runs.targets[system.name]))
    known = set(query_ids)
    judgments = dataset.judgments[dataset.judgments["query_id"].isin(known)]
    evidence = dataset.evidence[dataset.evidence["query_id"].isin(known)]
    values = evaluate_runs({system.name: run}, judgments=judgments, evidence=evidence)
    values = values[values["measure"] == measure]
    return pivot(values)[system.name] if len(values) else pd.Series(dtype=float)
