"""Copies: documents that say the same as a relevant one, exactly or nearly, and that nobody judged.

A hit on such a copy counts as wrong, though it answers as well. They are counted and shown; where somebody says so
(core.data.label_rules), copies have the label of the document that they repeat.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain, islice
from math import ceil
from typing import Any, NamedTuple

import pandas as pd

from core.data.dataset import Dataset
from core.schema import select_relevant
from core.text.conditions import match_filter
from core.text.phrases import count_of
from core.text.words import find_words, fold
from core.workspace import Workspace

ALIKE = 0.8  # Jaccard similarity of word triples from which texts are near copies, as in Lee et al. (2022), arXiv 2107.06499
_WORDS = 3  # of a shingle, see Broder: On the resemblance and containment of documents, 1997
Shingles = frozenset[tuple[str, ...]]


class Copy(NamedTuple):
    """copy_id: an unjudged document that says the same as doc_id, which is relevant to the query with this grade."""

    query_id: str
    doc_id: str
    copy_id: str
    grade: float


@dataclass(frozen=True)
class _Text:
    """shingles: every three neighbouring words. numbers: words with a digit: what differs in one of them is no copy."""

    shingles: Shingles
    numbers: frozenset[str]

    @classmethod
    def of(cls, title: str, text: str) -> _Text:
        found = find_words(fold(f"{title}\n{text}"))
        words = [*found.words, *chain.from_iterable(found.runs)]
        size = min(_WORDS, len(words))
        columns = (islice(words, start, None) for start in range(size))
        numbers = frozenset(word for word in words if not word.isalpha() and any(map(str.isdigit, word)))
        return cls(frozenset(zip(*columns, strict=False)), numbers)

    def is_like(self, other: _Text) -> bool:
        shared = len(self.shingles & other.shingles)
        return self.numbers == other.numbers and shared >= ALIKE * (len(self.shingles) + len(other.shingles) - shared)


def find_unjudged_copies(dataset: Dataset) -> list[Copy]:
    """The copies of relevant documents that their queries could find and that are not judged for them, each once for a query,
    in the order of the judgments, then of the documents.

    Not counted are documents that the query's filter leaves out, and those that are the query itself.
    """
    relevant = select_relevant(dataset.judgments)
    copies = _find_copies(dataset.documents, set(relevant["doc_id"]))
    if not copies:
        return []
    judged = dataset.judgments.groupby("query_id")["doc_id"].agg(set).to_dict()
    filters = dict(zip(dataset.queries["query_id"], dataset.queries["filter"], strict=True))
    metadata = dict(zip(dataset.documents["doc_id"], dataset.documents["metadata"], strict=True))
    found: dict[tuple[str, str], Copy] = {}
    left_out = dataset.left_out
    for query_id, doc_id, grade in relevant[["query_id", "doc_id", "relevance"]].itertuples(index=False):
        closed = judged[query_id] | set(left_out.get(query_id, ()))
        for copy_id in copies.get(doc_id, ()):
            if copy_id in closed or not match_filter(metadata[copy_id], filters.get(query_id) or {}):
                continue
            known = found.get((query_id, copy_id))
            if known is None or known.grade < grade:
                found[query_id, copy_id] = Copy(query_id, doc_id, copy_id, grade)
    return list(found.values())


def share_labels(dataset: Dataset) -> Dataset:
    """The dataset whose unjudged copies have the grade of the document that they repeat, the highest of several.

    Evidence stays where it was quoted: in every copy, it would have to be found as often.
    """
    copies = find_unjudged_copies(dataset)
    if not copies:
        return dataset
    added = pd.DataFrame({"query_id": [c.query_id for c in copies], "doc_id": [c.copy_id for c in copies]})
    grades = pd.Series([copy.grade for copy in copies], dtype=dataset.judgments["relevance"].dtype)
    judgments = pd.concat([dataset.judgments, added.assign(relevance=grades)], ignore_index=True)
    order = {query_id: place for place, query_id in enumerate(dataset.queries["query_id"])}
    judgments = judgments.sort_values("query_id", key=lambda ids: ids.map(order), kind="stable", ignore_index=True)
    note = f"{_say(copies)} and has its label, as was said."
    return replace(dataset, judgments=judgments, warnings=(*dataset.warnings, note))


def describe_copies(copies: list[Copy]) -> str:
    """The note on copies that are not judged; "" if there are none."""
    if not copies:
        return ""
    them = "it" if len({copy.copy_id for copy in copies}) == 1 else "them"
    return (
        f"{_say(copies)} and is not judged for it: such a hit counts as wrong. Judge {them}, or let copies share the label "
        "(on the page Data, or --share-copies)."
    )


def note_copies(dataset: Dataset, workspace: Workspace) -> str:
    """describe_copies() of the dataset's unjudged copies, which are looked for once for the data as they are."""

    def look() -> dict[str, Any]:
        return {"note": describe_copies(find_unjudged_copies(dataset))}

    return str(workspace.find_or_make("unjudged copies", dataset.fingerprint, look)["note"])


def _say(copies: list[Copy]) -> str:
    queries, documents = len({copy.query_id for copy in copies}), len({copy.copy_id for copy in copies})
    subject = "one document says" if documents == 1 else f"each of {documents:,} documents says"
    return f"For {count_of(queries, 'query')}, {subject} the same as a relevant one"


def _find_copies(documents: pd.DataFrame, wanted: set[str]) -> dict[str, list[str]]:
    """Document of `wanted` -> the others that say the same.

    Two sets that are alike share one of the rarest shingles of either, as many as may be missing and one more (prefix filter,
    Chaudhuri et al., ICDE 2006), so that only documents with such a one are compared.
    """
    known = documents[documents["doc_id"].isin(wanted)]
    originals = {doc_id: _Text.of(title, text) for doc_id, title, text in _rows(known)}
    originals = {doc_id: text for doc_id, text in originals.items() if text.shingles}
    rare = _index_rare(originals)
    found: dict[str, list[str]] = {}
    for doc_id, title, text in _rows(documents) if rare else ():
        made = originals.get(doc_id) or _Text.of(title, text)
        near = dict.fromkeys(original for shingle in made.shingles for original in rare.get(shingle, ()))
        for original in near:
            if original != doc_id and made.is_like(originals[original]):
                found.setdefault(original, []).append(doc_id)
    return found


def _index_rare(texts: Mapping[str, _Text]) -> dict[tuple[str, ...], list[str]]:
    """Shingle -> the documents among whose rarest it is."""
    often = Counter(shingle for text in texts.values() for shingle in text.shingles)
    rare: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for doc_id, text in texts.items():
        count = len(text.shingles) - ceil(ALIKE * len(text.shingles)) + 1
        for shingle in sorted(text.shingles, key=often.__getitem__)[:count]:
            rare[shingle].append(doc_id)
    return dict(rare)


def _rows(documents: pd.DataFrame) -> Iterable[tuple[str, str, str]]:
    return documents[["doc_id", "title", "text"]].itertuples(index=False, name=None)
