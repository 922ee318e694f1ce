"""Queries that are documents of the corpus themselves: what else is like this one? Such a document is no answer.

An argument that counter-arguments are looked for, a question whose duplicates are: the document is what was asked, and would
stand first for every system. It is left out of what is found (core.stages.retrieve), as the collections' own evaluations do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from core.data.copies import ALIKE
from core.data.dataset import Dataset
from core.schema import LEAVE_OUT, select_relevant
from core.text.phrases import first_five
from core.text.same_text import normalise_text
from core.text.words import fold, split_words

_BEGINNING = 10  # letters by which a document is passed over quickly
_LOOKED_AT = 200
_FEWEST_WORDS = 5
_CUT = 40  # letters from which on a query with a document's id, which this begins with, is the document, cut short


def leave_out_own_documents(dataset: Dataset) -> Dataset:
    """The dataset whose queries say which documents they are themselves, in the column `leave_out`; the same one if none is.

    Only queries with a relevant document are looked at, and none of these is ever left out. A document is the query

    - if it says the same and has its id;
    - if it says the same under another id, unless a relevant document does too: then it is a copy of an answer;
    - if it has the query's id and the query as its title, or begins with the query, of at least 40 letters, or says nearly the
      same (another version of an essay): they share four fifths of their words, and have at least five.

    An equal id alone proves nothing: queries and documents that are both numbered from 1 share ids by chance.
    """
    relevant = {
        str(query_id): set(group["doc_id"]) for query_id, group in select_relevant(dataset.judgments).groupby("query_id")
    }
    asked = dict(zip(dataset.queries["query_id"], dataset.queries["text"], strict=True))
    own = _find_own({query_id: normalise_text(asked[query_id]) for query_id in relevant}, dataset, relevant)
    if not own:
        return dataset
    found = [own.get(query_id, ()) for query_id in dataset.queries["query_id"]]
    note = (
        "1 query is a document of the corpus itself, which no label calls relevant to it"
        if len(own) == 1
        else f"{len(own):,} queries are documents of the corpus themselves, which no label calls relevant to them"
    )
    note += f": left out of what is found ({first_five(list(own))})."
    return replace(dataset, queries=dataset.queries.assign(**{LEAVE_OUT: found}), warnings=(*dataset.warnings, note))


@dataclass(frozen=True)
class OwnDocuments:
    """Which documents a typed text is itself. of_queries: normalised text of a query of the dataset -> its documents; of_texts:
    normalised text of a document -> those that say it, where queries are documents as a rule."""

    of_queries: dict[str, tuple[str, ...]]
    of_texts: dict[str, list[str]]

    @classmethod
    def of(cls, dataset: Dataset) -> OwnDocuments:
        """As the queries of the dataset have it."""
        own, of_texts = dataset.left_out, dict[str, list[str]]()
        queries = zip(dataset.queries["query_id"], dataset.queries["text"], strict=True)
        of_queries = {normalise_text(text): own.get(query_id, ()) for query_id, text in queries} if own else {}
        if dataset.asks_by_document:
            for doc_id, title, text in dataset.documents[["doc_id", "title", "text"]].itertuples(index=False):
                for form in {normalise_text(text), normalise_text(f"{title} {text}")} - {""}:
                    of_texts.setdefault(form, []).append(doc_id)
        return cls(of_queries, of_texts)

    def find(self, texts: Sequence[str]) -> list[list[str]] | None:
        """The documents that each text is; None where no text is any."""
        forms = [normalise_text(text) for text in texts]
        found = [list(self.of_queries.get(form, self.of_texts.get(form, ()))) for form in forms]
        return found if any(found) else None


def _find_own(
    asked: Mapping[str, str], dataset: Dataset, relevant: Mapping[str, Collection[str]]
) -> dict[str, tuple[str, ...]]:
    """query id -> its own documents, for queries that have one. asked: normalised texts by query id."""
    by_text: dict[str, list[str]] = {}
    for query_id, text in asked.items():
        if text:
            by_text.setdefault(text, []).append(query_id)
    texts = zip(dataset.queries["query_id"], dataset.queries["text"], strict=True)
    beginnings = {_begin(text) for query_id, text in texts if query_id in asked}
    same: dict[str, list[str]] = {}
    for doc_id, title, text in dataset.documents[["doc_id", "title", "text"]].itertuples(index=False):
        if doc_id in asked or not beginnings.isdisjoint((_begin(title), _begin(text), _begin(f"{title} {text[:_LOOKED_AT]}"))):
            for query_id in _match(doc_id, title, text, asked, by_text):
                same.setdefault(query_id, []).append(doc_id)
    own = {}
    for query_id in asked:
        found = same.get(query_id, [])
        answered = any(doc_id in relevant[query_id] for doc_id in found)
        kept = [doc_id for doc_id in found if doc_id not in relevant[query_id] and (doc_id == query_id or not answered)]
        if kept:
            own[query_id] = tuple(kept)
    return own


def _match(doc_id: str, title: str, text: str, asked: Mapping[str, str], by_text: Mapping[str, list[str]]) -> Iterator[str]:
    """The queries that the document is."""
    forms = dict.fromkeys((normalise_text(text), normalise_text(f"{title} {text}")))
    equal = [query_id for form in forms for query_id in by_text.get(form, [])]
    yield from dict.fromkeys(equal)
    query = asked.get(doc_id)
    if query and doc_id not in equal:
        is_cut = len(query) >= _CUT and any(form.startswith(query) for form in forms)
        if is_cut or query == normalise_text(title) or any(_is_near(query, form) for form in forms):
            yield doc_id


def _is_near(query: str, form: str) -> bool:
    """Whether two normalised texts share most of their words."""
    if not len(query) < len(form) / ALIKE**2 < len(query) / ALIKE**4:
        return False
    one, other = Counter(split_words(query)), Counter(split_words(form))
    together = (one | other).total()
    return together >= _FEWEST_WORDS and (one & other).total() >= ALIKE * together


def _begin(text: str) -> str:
    """The first letters, which texts share that are the same in normal form."""
    return "".join(filter(str.isalnum, fold(text[:_LOOKED_AT])))[:_BEGINNING]
