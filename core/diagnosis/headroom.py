"""What each fix could gain at best, on the same measure, and where the gap to a perfect score lies. Sees frames only.

The bounds overlap (a query that a filter saves may be saved by reranking too), so they are never added up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from core.data.dataset import Dataset
from core.diagnosis.metadata import find_stating
from core.evaluation.measures import EVIDENCE_MEASURES, merge_spans, overlap
from core.evaluation.per_query import measure_one
from core.schema import EVIDENCE, RUN_DEPTH, empty, to_document_run
from core.text.conditions import name_type

FILTER = "perfect filter"
CHUNKING = "best chunking per query"
UNION = "union of dense and lexical"
RERANKING = "perfect reranking of the first 100"
SYSTEM = "best system per query"
FIXES = (FILTER, CHUNKING, UNION, RERANKING, SYSTEM)
Span = tuple[int, int]
GAP = ("unanswerable", "not_among_100", "ranked_low")
SHUFFLES = 10  # of a field's values among the documents, for the chance level of the perfect filter
MOST_DISTINCT = 1 / 3  # of the documents; with more values a field names its documents rather than kinds of them
LEAST_COVERED = 0.5  # of the documents must have the field


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
    measure (evaluate.pivot), the system among them; rows beyond query_ids are left out. query_ids: the split's queries.
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
    before = measure_run(_rank_again(run))

    def gain_of(changed: pd.DataFrame) -> pd.Series:
        return measure_run(changed) - before

    spans = evidence if measure in EVIDENCE_MEASURES else empty(EVIDENCE)
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
        words = describe_bound(fix, oracle, chance, choices=len(others.get(fix, ())) + 1, field=filter_field)
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
    held = judged["doc_id"].isin(set(dataset.indexed_documents["doc_id"])) & (judged["relevance"] >= 1)
    return set(judged["query_id"]) - set(judged.loc[held, "query_id"])


def rerank_perfectly(run: pd.DataFrame, judgments: pd.DataFrame, evidence: pd.DataFrame) -> pd.DataFrame:
    """The run with the hits that hold the answer first, as far as they are among its first 100; the others keep their order.

    A query with evidence: of the first 100 chunks always the one that adds most characters of evidence, until none adds any
    (needs start and end of each hit). Others: the hits of the first 100 documents, higher relevance first. For document
    measures give no evidence. Columns as given; score = -rank.
    """
    if run.empty:
        return run
    first = to_document_run(run)[["query_id", "doc_id"]]
    labels = judgments[~judgments["query_id"].isin(set(evidence["query_id"]))].merge(first, on=["query_id", "doc_id"])
    known = labels.set_index(["query_id", "doc_id"])["relevance"].to_dict()
    gains = np.array([known.get(pair, 0) for pair in zip(run["query_id"], run["doc_id"], strict=True)], dtype=float)
    # Evidence: the hit to come first gets the highest number; within a query only one of the two kinds is used.
    places = run.groupby("query_id", sort=False).indices
    for query_id, spans in evidence[evidence["query_id"].isin(places.keys())].groupby("query_id", sort=False):
        rows = places[query_id]
        rows = rows[run["rank"].to_numpy()[rows] <= RUN_DEPTH]
        hits = run.iloc[rows]
        order = _choose_covering(_list_spans(spans), _list_spans(hits))
        gains[rows[order]] = np.arange(len(order), 0, -1)
    queries = pd.factorize(run["query_id"])[0]
    return _rank_again(run.iloc[np.lexsort((run["rank"].to_numpy(), -gains, queries))])


def _list_spans(frame: pd.DataFrame) -> list[tuple[str, Span]]:
    columns = (frame[name].tolist() for name in ("doc_id", "start", "end"))
    return [(doc_id, (int(start), int(end))) for doc_id, start, end in zip(*columns, strict=True)]


def _choose_covering(wanted: list[tuple[str, Span]], hits: list[tuple[str, Span]]) -> list[int]:
    """Places of hits, each the one that adds most characters of the wanted spans to those before it; equals by rank."""
    by_document = {doc: merge_spans([span for other, span in wanted if other == doc]) for doc, _ in wanted}
    covered: dict[str, list[Span]] = {doc: [] for doc in by_document}
    left = [place for place, (doc, _) in enumerate(hits) if doc in by_document]
    chosen: list[int] = []

    def added(place: int) -> int:
        doc, span = hits[place]
        return overlap(by_document[doc], merge_spans([*covered[doc], span])) - overlap(by_document[doc], covered[doc])

    while left:
        best = max(left, key=added)
        if added(best) <= 0:
            break
        doc, span = hits[best]
        covered[doc] = merge_spans([*covered[doc], span])
        left.remove(best)
        chosen.append(best)
    return chosen


def _rank_again(run: pd.DataFrame) -> pd.DataFrame:
    """The rows of a run, in the order they are in, with ranks from 1 and score = -rank."""
    ranks = run.groupby("query_id", sort=False).cumcount().to_numpy() + 1
    return run.assign(score=-ranks.astype(float), rank=ranks).reset_index(drop=True)


def filter_perfectly(run: pd.DataFrame, dataset: Dataset, field: str, *, seed: int | None = None) -> pd.DataFrame:
    """The run without the documents that share no value of the field with a relevant document of their query.

    Queries none of whose relevant documents has the field keep all hits. Only what the run holds is filtered: a search that
    filters before ranking would reach deeper. seed: the same with the field's values shuffled among the documents.
    """
    return _make_filter(run, dataset, field)(seed)


def _make_filter(run: pd.DataFrame, dataset: Dataset, field: str) -> Callable[[int | None], pd.DataFrame]:
    """filter_perfectly() as a function of the seed alone, with everything else prepared once."""
    documents = dataset.indexed_documents
    tags = _tag_documents(documents["metadata"].tolist(), field)
    place = {doc_id: row for row, doc_id in enumerate(documents["doc_id"])}
    queries, names = pd.factorize(run["query_id"])
    row_of = {query_id: row for row, query_id in enumerate(names)}
    judgments = dataset.judgments[dataset.judgments["relevance"] >= 1]
    relevant = judgments[judgments["query_id"].isin(set(row_of)) & judgments["doc_id"].isin(set(place))]
    pairs = (relevant["query_id"].map(row_of).to_numpy(dtype=int), relevant["doc_id"].map(place).to_numpy(dtype=int))
    answers = sparse.csr_matrix((np.ones(len(relevant)), pairs), shape=(len(names), len(documents)))
    hits = np.array([place[doc_id] for doc_id in run["doc_id"]], dtype=int)

    def apply(seed: int | None) -> pd.DataFrame:
        dealt = tags if seed is None else tags[np.random.default_rng(seed).permutation(len(documents))]
        wanted = (answers @ dealt).tocsr()
        shares = np.asarray(wanted[queries].multiply(dealt[hits]).sum(axis=1)).ravel() > 0
        free = np.diff(wanted.indptr)[queries] == 0
        return _rank_again(run[shares | free])

    return apply


def bound_filter(
    dataset: Dataset, run: pd.DataFrame, *, field: str, gain_of: Callable[[pd.DataFrame], pd.Series], seed: int = 0
) -> tuple[float, float]:
    """(oracle, chance) of the perfect filter by a field, as mean gains. gain_of: gain by query id of a changed run.

    The oracle reads the value to filter by off the answer. Relevant documents then always pass, so throwing others away can
    only help, and values dealt out to the documents at random would help as well: the mean gain with the field's values
    shuffled is the chance level. It counts only for queries that do not say the value. Where the query's own filter or text
    does, and an answer passes, nothing had to be read off the labels, and its gain stands as it is: chance is at most what
    the other queries gain.
    """
    filtered = _make_filter(run, dataset, field)
    gains = gain_of(filtered(None))
    if not len(gains):
        return 0.0, 0.0
    looked_up = ~gains.index.isin(find_stating(dataset, field))
    shuffled = [gain_of(filtered(seed + number))[looked_up].sum() for number in range(SHUFFLES)]
    return _mean(gains), float(min(np.mean(shuffled), gains[looked_up].sum()) / len(gains))


def _tag_documents(metadata: Sequence[Mapping[str, object]], field: str) -> sparse.csr_matrix:
    """Which document has which value of the field: sparse, documents x values."""
    codes: dict[tuple[str, object], int] = {}
    rows, columns = [], []
    for row, entry in enumerate(metadata):
        for value in _scalars(entry.get(field)):
            rows.append(row)
            columns.append(codes.setdefault((name_type(value), value), len(codes)))
    return sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(metadata), len(codes)))


def _scalars(value: object) -> list[str | int | float]:
    items = value if isinstance(value, list | tuple) else [value]
    return [item for item in items if isinstance(item, str | int | float)]


def list_filter_fields(dataset: Dataset) -> list[str]:
    """Fields that tell kinds of documents apart: at least two values, at most a third as many as documents, and at least half
    of the documents have the field."""
    metadata = dataset.indexed_documents["metadata"].tolist()
    names = dict.fromkeys(name for entry in metadata for name in entry)
    tags = {name: _tag_documents(metadata, name) for name in names}
    return [
        name
        for name, made in tags.items()
        if 2 <= made.shape[1] <= MOST_DISTINCT * len(metadata)
        and np.count_nonzero(np.diff(made.indptr)) >= LEAST_COVERED * len(metadata)
    ]


def choose_filter_field(
    dataset: Dataset, run: pd.DataFrame, *, query_ids: Sequence[str], measure: str, seed: int = 0
) -> str | None:
    """The field whose perfect filter gains most beyond chance on these (tuning) queries; None without a field to filter by."""
    chosen = set(query_ids)
    judgments, evidence, hits = (frame[frame["query_id"].isin(chosen)] for frame in (dataset.judgments, dataset.evidence, run))
    base = measure_one(_rank_again(hits), judgments, evidence, measure)
    excess: dict[str, float] = {}
    for field in list_filter_fields(dataset):
        oracle, chance = bound_filter(
            dataset, hits, field=field, gain_of=lambda one: measure_one(one, judgments, evidence, measure) - base, seed=seed
        )
        excess[field] = oracle - chance
    return max(excess, key=lambda field: excess[field]) if excess else None


def describe_bound(fix: str, oracle: float, chance: float, *, choices: int, field: str | None = None) -> str:
    """A bound in plain words; the field's name is the user's text."""
    if fix == RERANKING:
        return f"If whatever answers a query among its first {RUN_DEPTH} hits stood first: {oracle:+.3f}."
    if fix == FILTER:
        return (
            f"If every query searched only documents that share “{field}” with one of its answers: {oracle:+.3f}. "
            f"For queries that do not say the value, values dealt out to the documents at random give {chance:+.3f}, since "
            "knowing the answer's value is a hint in itself; only what goes beyond that counts."
        )
    kind = {CHUNKING: "chunkings", UNION: "sides", SYSTEM: "systems"}[fix]
    return (
        f"If every query got the best of {choices} {kind}: {oracle:+.3f}. Picking the best by luck alone gives {chance:+.3f}; "
        "only what goes beyond that counts."
    )


def _mean(values: pd.Series) -> float:
    return float(values.mean()) if len(values) else 0.0
