"""Error analysis on the test queries: why queries fail, what each fix could gain, which kinds of queries fail, metadata."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from core.data.dataset import Dataset
from core.data.languages import make_analyzer
from core.data.split import Split
from core.diagnosis.causes import FAILURES, RESCUES, Diagnosis, Fix, diagnose
from core.diagnosis.cut_evidence import find_cut_evidence
from core.diagnosis.headroom import CHUNKING, UNION, measure_headroom
from core.diagnosis.headroom import SYSTEM as BEST_SYSTEM
from core.diagnosis.metadata import advise_metadata, find_lost_answers, propose_filters
from core.diagnosis.perfect_filter import choose_filter_field
from core.diagnosis.shared_terms import count_documents
from core.diagnosis.slices import SLICE_MEASURES, find_slices, measure_slices
from core.evaluation.answers import rank_answers
from core.experiment.measurer import Measurer
from core.experiment.result import Experiment
from core.graph.node import Node
from core.ladder.climb import Step, list_candidates, tabulate
from core.ladder.names import name_variant
from core.ladder.offer import Offer
from core.ladder.variants import search_words_alone
from core.records import as_records
from core.stages.embed import EmbedChunks
from core.stages.truncation import find_read_ends
from core.systems.system import System, strip_name


@dataclass(frozen=True)
class ErrorAnalysis:
    """failures: diagnose.FAILURES of every diagnosed system. rescues: diagnose.RESCUES with a column `diagnosed`.

    counts: system -> {failed, judged, causes: {cause: count}}. headroom: Headroom of the baseline as JSON. slices:
    slices.SLICE_MEASURES. members: slice -> test query ids. metadata: fields (advice, from tuning queries), proposals and
    lost (answers thrown away, on test queries).
    """

    failures: pd.DataFrame
    rescues: pd.DataFrame
    counts: dict[str, dict[str, Any]]
    headroom: dict[str, Any]
    slices: pd.DataFrame
    members: dict[str, list[str]]
    metadata: dict[str, Any]
    baseline: str

    def __post_init__(self) -> None:
        """Raises ValueError for frames of other columns: a file of it may come from elsewhere."""
        for name, columns in (("failures", FAILURES), ("rescues", RESCUES), ("slices", SLICE_MEASURES)):
            if missing := [column for column in columns if column not in getattr(self, name).columns]:
                raise ValueError(f"{name} has no column {missing[0]}")
        if self.baseline not in self.counts:
            raise ValueError(f"counts has nothing of {self.baseline!r}")

    @property
    def failures_by_cause(self) -> dict[str, int]:
        """Cause -> failed test queries of the baseline."""
        return dict(self.counts[self.baseline]["causes"])

    def gap(self, part: str) -> float:
        """A part of the baseline's headroom, on the primary measure: what fixing it alone could gain."""
        return float(self.headroom["gap"][part])


def analyse_errors(
    dataset: Dataset,
    measurer: Measurer,
    steps: Sequence[Step],
    offer: Offer,
    *,
    baseline: System,
    experiment: Experiment,
    split: Split,
    primary: str,
) -> ErrorAnalysis:
    """The error analysis of one ladder: of the baseline and every system of the ladder, on the test queries."""
    frequencies = count_documents(dataset.indexed_documents, make_analyzer(dataset))
    candidates = list_candidates(baseline, steps)
    found: dict[str, Diagnosis] = {}
    cuts: dict[str, dict[str, str]] = {}
    for system in candidates:
        ranks = measurer.ranks(system)
        if ranks is None:
            continue
        measurer.system_runs.resources.report(f"why {system.name} fails")
        found[system.name] = diagnose(
            dataset,
            system=system.name,
            ranks=_rank_as_shown(ranks, system, experiment, dataset),
            fixes=_try_fixes(system, steps, offer, measurer),
            tuning=split.tuning,
            test=split.test,
            cut=_find_cut(system, measurer, dataset, cuts),
            frequencies=frequencies,
        )
    slices = find_slices(dataset, frequencies=frequencies)
    slices = slices[slices["query_id"].isin(split.test)]
    measured = set(experiment.per_query.loc[experiment.per_query["measure"] == primary, "system"])
    names = [system.name for system in candidates if system.name in measured]
    return ErrorAnalysis(
        failures=pd.concat([one.failures for one in found.values()], ignore_index=True),
        rescues=pd.concat([one.rescues.assign(diagnosed=name) for name, one in found.items()], ignore_index=True),
        counts={
            name: {"failed": one.n_failed, "judged": one.n_test, "causes": dict(one.shares)} for name, one in found.items()
        },
        headroom=_find_headroom(dataset, measurer, steps, offer, baseline=baseline, split=split, primary=primary),
        slices=measure_slices(experiment.per_query, slices, measure=primary, systems=names),
        members={str(name): group["query_id"].tolist() for name, group in slices.groupby("slice", sort=False)},
        metadata=_analyse_metadata(dataset, measurer, baseline, split),
        baseline=baseline.name,
    )


def _rank_as_shown(ranks: pd.Series, system: System, experiment: Experiment, dataset: Dataset) -> pd.Series:
    """The ranks, of test queries those in the runs that all numbers are taken from: searched among other queries, hits that
    differ in the seventh digit alone, as those of a model that cannot read the texts, may change places."""
    run = experiment.runs.get(system.name)
    if run is None:
        return ranks
    own = rank_answers(run, dataset.judgments, dataset.evidence).reindex(ranks.index)
    return ranks.where(~ranks.index.isin(experiment.query_ids), own)


def _try_fixes(system: System, steps: Sequence[Step], offer: Offer, measurer: Measurer) -> list[Fix]:
    """Each rung's chosen variant alone on the system; a fix that the system has already is left out."""
    fixes = []
    for step in steps:
        if step.rung.isolate is None or step.chosen is None:
            continue
        fixed = name_variant(step.rung.isolate(system, step.incumbent, step.chosen, offer))
        ranks = None if strip_name(fixed) == strip_name(system) else measurer.ranks(fixed)
        if ranks is not None:
            fixes.append(Fix(step.rung.cures, fixed.name, ranks))
    return fixes


def _find_cut(system: System, measurer: Measurer, dataset: Dataset, known: dict[str, dict[str, str]]) -> dict[str, str]:
    """How the system's chunks cut the evidence; nothing for systems that embed nothing. known: by key of the chunks."""
    if dataset.evidence.empty:
        return {}
    node = measurer.system_runs.add(system).find_first(EmbedChunks)
    if node is None:
        return {}
    key = node.inputs[0].key
    if key not in known:
        workspace = measurer.system_runs.resources.workspace
        inputs = [key, node.stage.model, node.stage.revision, dataset.fingerprint]
        known[key] = workspace.find_or_make("cut evidence", inputs, lambda: _cut_by(node, measurer, dataset))
    return known[key]


def _cut_by(node: Node, measurer: Measurer, dataset: Dataset) -> dict[str, str]:
    chunks = measurer.system_runs.execution.output(node.inputs[0])
    tokenizer = measurer.system_runs.resources.tokenizer(node.stage.model)
    return find_cut_evidence(dataset.evidence, chunks.assign(read_end=find_read_ends(chunks, tokenizer=tokenizer)))


def _find_headroom(
    dataset: Dataset,
    measurer: Measurer,
    steps: Sequence[Step],
    offer: Offer,
    *,
    baseline: System,
    split: Split,
    primary: str,
) -> dict[str, Any]:
    measurer.system_runs.resources.report("what each fix could gain at best")
    run = measurer.run(baseline)
    words = search_words_alone(baseline, offer)
    candidates = list_candidates(baseline, steps)
    real = {step.rung.headroom: step for step in steps if step.rung.headroom}  # the steps that have a perfect counterpart
    chunkings = real[CHUNKING].variants if CHUNKING in real else ()
    adopted = {fix: step.chosen.name for fix, step in real.items() if step.chosen and step.incumbent == baseline}
    systems = {system.name: system for system in (*candidates, *chunkings, words)}
    variants = {
        CHUNKING: [system.name for system in chunkings],
        UNION: [words.name],
        BEST_SYSTEM: [system.name for system in candidates],
    }

    def measure() -> dict[str, Any]:
        headroom = measure_headroom(
            dataset,
            run,
            values=tabulate(list(systems.values()), measurer.values, query_ids=split.test),
            measure=primary,
            system=baseline.name,
            query_ids=split.test,
            variants=variants,
            adopted=adopted,
            filter_field=choose_filter_field(dataset, run, query_ids=split.tuning, measure=primary),
        )
        return dataclasses.asdict(headroom)

    keys = {name: measurer.key(system) for name, system in systems.items()}
    inputs = [dataset.fingerprint, primary, split.tuning, split.test, variants, adopted, keys]
    return measurer.system_runs.resources.workspace.find_or_make("headroom", inputs, measure)


def _analyse_metadata(dataset: Dataset, measurer: Measurer, baseline: System, split: Split) -> dict[str, Any]:
    advice = advise_metadata(dataset, measurer.run(baseline), query_ids=split.tuning)
    fields = advice.loc[advice["recommended"].astype(bool), "field"].tolist()
    test = dataclasses.replace(dataset, queries=dataset.queries[dataset.queries["query_id"].isin(split.test)])
    proposals = propose_filters(test, fields)
    return {
        "fields": as_records(advice),
        "recommended": fields,
        "proposals": as_records(proposals),
        "kept": sum(keeps is True for keeps in proposals["keeps"]),
        "thrown_away": [
            query for query, keeps in zip(proposals["query_id"], proposals["keeps"], strict=True) if keeps is False
        ],
        "lost_by_own_filter": find_lost_answers(dataset, split.test),
    }
