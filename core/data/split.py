"""How queries are split into tuning and test: by groups of those that say the same, seeded; needs vectors, loads no model.

A split is drawn once, and no group straddles it. core.experiment.drawn_split embeds the queries and calls this.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.data.dataset import Dataset
from core.errors import InputError
from core.schema import select_relevant
from core.text.same_text import normalise_text

SIMILAR = 0.95  # cosine from which two queries count as the same
DEFAULT_SHARE = 0.3
LEAST_TUNING = 20


@dataclass(frozen=True)
class Split:
    """tuning, test: query ids in the dataset's order. groups: number of groups of queries that were kept together.

    warnings: sentences about leakage or a split that is too small. given: the data came with its own split.
    """

    tuning: tuple[str, ...]
    test: tuple[str, ...]
    groups: int
    warnings: tuple[str, ...] = ()
    given: bool = False


def keep_judged(dataset: Dataset) -> Dataset:
    """The dataset with its judged queries only; the others can neither choose nor be measured.

    Raises InputError if no query has a relevant label.
    """
    judged = set(dataset.judgments["query_id"])
    kept = dataset.queries[dataset.queries["query_id"].isin(judged)].reset_index(drop=True)
    if kept.empty or select_relevant(dataset.judgments).empty:
        raise InputError(
            f"the dataset {dataset.name} has no query with a relevant label, and without labels nothing can be told apart; "
            "add qrels or evidence for at least 40 queries"
        )
    return dataset if len(kept) == len(dataset.queries) else dataclasses.replace(dataset, queries=kept)


def make_split(
    queries: pd.DataFrame,
    evidence: pd.DataFrame,
    *,
    vectors: np.ndarray | None = None,
    groups: dict[str, int] | None = None,
    share: float = DEFAULT_SHARE,
    least: int = LEAST_TUNING,
    seed: int = 0,
    redraw: bool = False,
) -> Split:
    """The split of a dataset: its own if queries carry one, else drawn.

    queries: schema.QUERIES. evidence: schema.EVIDENCE. vectors: unit query vectors, queries x dimensions, or None to group by
    text and evidence only. groups: those of group_queries() if they are known already. redraw: draw even if the data came
    with a split. share: of the queries that tune, at least `least` of them, but never more than half.
    Groups are drawn whole, in a seeded order, by strata of equal tags, so that both sides hold each kind in proportion.
    """
    ids = queries["query_id"].tolist()
    if groups is None:
        groups = group_queries(queries, evidence, vectors=vectors)
    if not redraw and (queries["split"] != "").any():
        return _check_given(queries, groups, least=least)
    if not 0 < share < 1:
        raise InputError(f"the share of tuning queries is {share}; it must lie between 0 and 1")
    wanted = min(max(round(share * len(ids)), min(least, len(ids))), len(ids) // 2)
    chosen = _draw(queries, groups, wanted=wanted, seed=seed)
    tuning = tuple(query_id for query_id in ids if query_id in chosen)
    test = tuple(query_id for query_id in ids if query_id not in chosen)
    warnings = []
    if len(tuning) < least:
        warnings.append(_say_few(len(tuning)))
    return Split(tuning, test, len(set(groups.values())), tuple(warnings))


def group_queries(queries: pd.DataFrame, evidence: pd.DataFrame, *, vectors: np.ndarray | None = None) -> dict[str, int]:
    """query id -> number of its group. Together are: equal normalised text, cosine >= .95, overlapping evidence spans."""
    ids = queries["query_id"].tolist()
    place = {query_id: row for row, query_id in enumerate(ids)}
    links = _link_equal([normalise_text(text) for text in queries["text"]])
    links += _link_spans(evidence, place)
    if vectors is not None and len(vectors):
        rows, columns = np.nonzero(np.triu(vectors @ vectors.T >= SIMILAR, k=1))
        links += list(zip(rows.tolist(), columns.tolist(), strict=True))
    return dict(zip(ids, _join(len(ids), links), strict=True))


def _link_equal(texts: list[str]) -> list[tuple[int, int]]:
    first: dict[str, int] = {}
    return [(first.setdefault(text, row), row) for row, text in enumerate(texts)]


def _link_spans(evidence: pd.DataFrame, place: dict[str, int]) -> list[tuple[int, int]]:
    links = []
    known = evidence[evidence["query_id"].isin(place.keys())]
    for _, group in known.sort_values(["doc_id", "start", "end"], kind="stable").groupby("doc_id", sort=False):
        reach, owner = -1, ""
        for query_id, start, end in zip(group["query_id"], group["start"], group["end"], strict=True):
            if start < reach:
                links.append((place[owner], place[query_id]))
            if end > reach:
                reach, owner = end, query_id
    return links


def _join(size: int, links: Iterable[tuple[int, int]]) -> list[int]:
    """Connected components, numbered by their first member."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    pairs = list(links)
    rows, columns = ([a for a, _ in pairs], [b for _, b in pairs])
    graph = coo_matrix((np.ones(len(pairs)), (rows, columns)), shape=(size, size))
    return [int(label) for label in connected_components(graph, directed=False)[1]]


def _draw(queries: pd.DataFrame, groups: dict[str, int], *, wanted: int, seed: int) -> set[str]:
    """Whole groups until `wanted` queries are drawn; each stratum gives its share, the largest remainders first."""
    members: dict[int, list[str]] = {}
    for query_id, group in groups.items():
        members.setdefault(group, []).append(query_id)
    tags = dict(zip(queries["query_id"], queries["tags"], strict=True))
    strata: dict[tuple[str, ...], list[int]] = {}
    for group, ids in members.items():
        strata.setdefault(tuple(sorted(set(tags[ids[0]]))), []).append(group)
    random = np.random.default_rng(seed)
    total = len(groups)
    chosen: set[str] = set()
    leftovers: list[tuple[float, float, int]] = []
    for stratum in sorted(strata):
        order = [strata[stratum][i] for i in random.permutation(len(strata[stratum]))]
        quota = wanted * sum(len(members[group]) for group in order) / total
        taken, left = 0, []
        for group in order:
            size = len(members[group])
            if taken + size <= quota and len(chosen) + size <= wanted:
                chosen.update(members[group])
                taken += size
            else:
                left.append(group)
        for group in left:  # a stratum's second leftover counts as if the first had been drawn
            leftovers.append((taken - quota, random.random(), group))
            taken += len(members[group])
    for *_, group in sorted(leftovers):
        if len(chosen) + len(members[group]) <= wanted:
            chosen.update(members[group])
    return chosen


def _say_few(count: int) -> str:
    left = "query is" if count == 1 else "queries are"
    return f"Only {count} {left} left for tuning; choices made on so few are unsure. Label more queries."


def _check_given(queries: pd.DataFrame, groups: dict[str, int], *, least: int) -> Split:
    side = dict(zip(queries["query_id"], queries["split"], strict=True))
    tuning = tuple(query_id for query_id, split in side.items() if split == "tuning")
    test = tuple(query_id for query_id, split in side.items() if split == "test")
    sides: dict[int, Counter[str]] = {}
    for query_id, group in groups.items():
        sides.setdefault(group, Counter())[side[query_id]] += 1
    straddling = [group for group, counts in sides.items() if counts["tuning"] and counts["test"]]
    warnings = []
    if len(tuning) < least:
        warnings.append(_say_few(len(tuning)))
    if straddling:
        leaked = [query_id for query_id in test if groups[query_id] in set(straddling)]
        one = "1 test query says the same as a tuning query or rests on the same text"
        many = f"{len(leaked)} test queries say the same as a tuning query or rest on the same text"
        say = one if len(leaked) == 1 else many
        warnings.append(
            f"{say} ({', '.join(leaked[:5])}): results on them flatter whatever was tuned. Move them to one side of the split."
        )
    return Split(tuning, test, len(sides), tuple(warnings), given=True)
