"""What each fix could gain at best, on the same measure, and where the gap to a perfect score lies. Runs nothing.

The bounds overlap (a query that a filter saves may be saved by reranking too), so they are never added up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.data.dataset import Dataset
from core.diagnosis.perfect_filter import bound_filter
from core.diagnosis.perfect_reranking import rank_again, rerank_perfectly
from core.evaluation.measures import MEASURES
from core.evaluation.per_query import measure_one
from core.schema import EVIDENCE, RUN_DEPTH, empty, is_relevant

FILTER = "perfect filter"
CHUNKING = "best chunking per query"
UNION = "union of dense and lexical"
RERANKING = "perfect reranking of the first 100"
SYSTEM = "best system per query"
FIXES = (FILTER, CHUNKING, UNION, RERANKING, SYSTEM)
GAP = ("unanswerable", "not_among_100", "ranked_low")


@dataclass(frozen=True)
class Bound:
    """What a fix could gain at best, all as differences of the mean to the baseline, over n queries.

    oracle: with the choice made by looking at the labels. chance: what the same looking gains where there is nothing to gain.
    gain: what is shown: oracle - chance, but at least what the fix has gained already, and never below 0. words: a sentence.
    """

    fix: str
    oracle: float
    chance: float
    gain: float
    n: int
    words: str


@dataclass(frozen=True)
class Headroom:
    """mean: the system's, over the n queries with a relevant label that the measure covers; the bounds start there.

    gap: GAP -> share, over all judged queries (`judged` of them), those without a relevant document in the corpus too; the
    three add up to 1 - (mean over the judged queries), where queries without one score 0. All 0 if no query is judged.
    """

    measure: str
    system: str
    mean: float
    bounds: tuple[Bound, ...]
    gap: dict[str, float]
    n: int
    judged: int


def measure_headroom(
    dataset: Dataset,
    run: pd.DataFrame,
    *,
    values: pd.DataFrame,
    measure: str,
    system: str,
    query_ids: Sequence[str],
    variants: Mapping[str, Sequence[str]],
    adopted: Mapping[str, str],
    filter_field: str | None,
    seed: int = 0,
) -> Headroom:
    """The bounds and the gap of one system on one split.

    run: the system's, schema.RUN with start, end (and tokens, for evidence) of each hit. values: queries x systems on the
    measure (per_query.pivot), the system among them; rows beyond query_ids are left out. query_ids: the split's queries.
    variants: CHUNKING, UNION, SYSTEM -> the systems among which each query could choose, besides `system` itself; a fix
    without any is left out. adopted: fix -> the system that tuning chose for it, whose gain the bound never falls below.
    Of both, systems without values (that could not run) are passed over.
    filter_field: from choose_filter_field() on tuning queries; None leaves the perfect filter out.
    """
    values = values[values.index.isin(list(query_ids))]
    base = values[system].astype(float)
    judgments, evidence = (frame[frame["query_id"].isin(base.index)] for frame in (dataset.judgments, dataset.evidence))
    run = run[run["query_id"].isin(base.index)]

    def measure_run(one: pd.DataFrame) -> pd.Series:
        return measure_one(one, judgments, evidence, measure).reindex(base.index).fillna(0.0).astype(float)

    # Changed runs have no ties, so what they are compared with must have none: documents and chunks break them differently.
    before = measure_run(rank_again(run))

    def gain_of(changed: pd.DataFrame) -> pd.Series:
        return measure_run(changed) - before

    spans = evidence if MEASURES[measure].needs_evidence else empty(EVIDENCE)
    # Greedy by characters may miss the best filling of a context; what the system reached itself can be reached.
    reranked = gain_of(rerank_perfectly(run, judgments, spans)).clip(lower=0)
    found: dict[str, tuple[float, float]] = {RERANKING: (_mean(reranked), 0.0)}
    if filter_field is not None:
        found[FILTER] = bound_filter(dataset, run, field=filter_field, gain_of=gain_of, seed=seed)
    others = {fix: [name for name in names if name != system and name in values] for fix, names in variants.items()}
    for fix, names in others.items():
        if names:
            found[fix] = bound_best_of(base.to_numpy(), values[names].to_numpy(dtype=float), adopted=0.0)[:2]
    bounds = []
    for fix in [name for name in FIXES if name in found]:
        oracle, chance = found[fix]
        already = _mean(values[adopted[fix]] - base) if adopted.get(fix) in values else 0.0
        words = _say_bound(fix, oracle, chance, choices=len(others.get(fix, ())) + 1, field=filter_field)
        bounds.append(Bound(fix, oracle, chance, max(oracle - chance, already, 0.0), len(base), words))
    gap, judged = split_gap(dataset, base, (base + reranked).clip(upper=1.0), query_ids=query_ids)
    return Headroom(measure, system, _mean(base), tuple(bounds), gap, len(base), judged)


def bound_best_of(baseline: np.ndarray, variants: np.ndarray, *, adopted: float) -> tuple[float, float, float]:
    """(oracle, chance, gain) of taking, per query, the best of the baseline and its variants; gains over the baseline's mean.

    baseline: one value per query. variants: queries x variants. With d a query's differences to the baseline, oracle is the
    mean of max(0, max d). Such a choice gains from noise alone, so chance is the same under random signs: one sign per query,
    the same for all its variants, so that their correlation stays. Its expectation needs no drawing: with either sign equally
    likely it is the mean of (max(0, max d) + max(0, max -d)) / 2. gain = max(oracle - chance, adopted, 0), where adopted is
    the mean gain of the variant chosen on tuning. A single variant is left with half of its mean gain beyond chance.
    """
    if not len(baseline) or not variants.shape[1]:
        return 0.0, 0.0, max(adopted, 0.0)
    deltas = variants - baseline[:, None]
    up, down = deltas.max(axis=1).clip(min=0), (-deltas).max(axis=1).clip(min=0)
    oracle, chance = float(up.mean()), float((up + down).mean() / 2)
    return oracle, chance, max(oracle - chance, adopted, 0.0)


def split_gap(
    dataset: Dataset, actual: pd.Series, perfect: pd.Series, *, query_ids: Sequence[str]
) -> tuple[dict[str, float], int]:
    """(GAP -> share of a perfect score, judged queries that it is a share of).

    actual, perfect: the system's values and those of its perfectly reranked run, by query. unanswerable: queries whose
    relevant documents are all missing from the corpus, or that were judged without one. not_among_100: what perfect reranking
    cannot reach. ranked_low: what it gains. Queries with a relevant document that the measure does not cover are left out.
    """
    lost = find_unanswerable(dataset, query_ids)
    answerable = [query_id for query_id in actual.index if query_id not in lost]
    judged = len(answerable) + len(lost)
    if not judged:
        return dict.fromkeys(GAP, 0.0), 0
    before, after = actual.loc[answerable].to_numpy(dtype=float), perfect.loc[answerable].to_numpy(dtype=float)
    parts = (len(lost), float((1.0 - after).sum()), float((after - before).sum()))
    return {name: part / judged for name, part in zip(GAP, parts, strict=True)}, judged


def find_unanswerable(dataset: Dataset, query_ids: Sequence[str]) -> set[str]:
    """The judged ones of these queries that have no relevant document in the corpus."""
    judged = dataset.judgments[dataset.judgments["query_id"].isin(set(query_ids))]
    held = judged["doc_id"].isin(set(dataset.indexed_documents["doc_id"])) & is_relevant(judged)
    return set(judged["query_id"]) - set(judged.loc[held, "query_id"])


def _say_bound(fix: str, oracle: float, chance: float, *, choices: int, field: str | None = None) -> str:
    """A bound in plain words; the field's name is the user's text."""
    if fix == RERANKING:
        return f"If whatever answers a query among its first {RUN_DEPTH} hits stood first: {oracle:+z.3f}."
    if fix == FILTER:
        return (
            f"If every query searched only documents that share “{field}” with one of its answers: {oracle:+z.3f}. "
            f"For queries that do not say the value, values dealt out to the documents at random give {chance:+z.3f}, since "
            "knowing the answer's value is a hint in itself; only what goes beyond that counts."
        )
    kind = {CHUNKING: "chunkings", UNION: "sides", SYSTEM: "systems"}[fix]
    return (
        f"If every query got the best of {choices} {kind}: {oracle:+z.3f}. Picking the best by luck alone gives "
        f"{chance:+z.3f}; only what goes beyond that counts."
    )


def _mean(values: pd.Series) -> float:
    return float(values.mean()) if len(values) else 0.0
