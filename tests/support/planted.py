"""Small datasets with one planted fault each, made of real sentences of the sample corpus, re-arranged by a seed.

Every function returns a Dataset that needs one known fix (or none). Documents of the plants in which the order of hits must
not depend on chunking are a single sentence of less than 64 tokens: every chunker then gives the same chunk, so that no
chunking can look better by luck. The right documents and the wrong ones always share the query's words.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from core.data.dataset import Dataset
from core.data.load import load_dataset
from core.graph.resources import Models
from core.schema import EVIDENCE, JUDGMENTS, QUERIES
from core.settings import SAMPLES
from core.text.boundaries import find_boundaries, find_sentences
from core.text.words import STOP_WORDS, Analyzer

SAMPLE = "product_docs"
RERANKER = "stand-in"  # the name under which KnowingModels have their cross-encoder
VERSIONS = ("1.8", "2.0", "2.1", "2.2", "2.4", "2.5", "3.0", "3.1", "3.2", "3.4", "3.5", "4.0")
ALIKE = 0.4  # share of common words from which two sentences count as the same one rewritten

_PLAIN = re.compile(r"[A-Z][A-Za-z ,;:'’()-]+\.")  # no digits, codes, markup or names of settings
_WORD = re.compile(r"[a-z]+(?:[-'’][a-z]+)*")


@dataclass(frozen=True)
class Sentence:
    """A sentence of the sample and the page that it stands on."""

    page: str
    title: str
    text: str

    @property
    def words(self) -> list[str]:
        return list_words(self.text)

    @property
    def terms(self) -> frozenset[str]:
        return _find_terms(self.text)


def list_words(text: str) -> list[str]:
    """The distinct content words of a text, lower case, in order."""
    return [word for word in dict.fromkeys(_WORD.findall(text.lower())) if word not in STOP_WORDS and len(word) > 2]


@functools.cache
def read_sentences() -> tuple[Sentence, ...]:
    """Plain sentences of 7 to 26 words, in the order of the sample; one that rewrites an earlier one is left out."""
    documents = load_dataset(SAMPLES / SAMPLE).documents
    kept: list[Sentence] = []
    known: list[set[str]] = []
    for page, title, text in zip(documents["doc_id"], documents["title"], documents["text"], strict=True):
        for start, end in find_sentences(text, find_boundaries(text)):
            sentence = Sentence(page, re.sub(r" \(.*\)$", "", title), text[start:end].strip())
            words = set(sentence.words)
            if not _PLAIN.fullmatch(sentence.text) or not 7 <= len(sentence.text.split()) <= 26 or len(words) < 4:
                continue
            if any(len(words & other) >= ALIKE * min(len(words), len(other)) for other in known):
                continue
            kept.append(sentence)
            known.append(words)
    return tuple(kept)


def make_exact_codes(seed: int = 0) -> Dataset:
    """Four messages, each under 24 look-alike serial numbers; 72 queries name a number and some words of its message.

    All documents of a message match the words equally, so that only the exact number tells them apart.
    Expected: use_hybrid_search, and exact_terms as the leading cause.
    """
    random = np.random.default_rng(seed)
    codes = _choose(random, ["KH-" + "".join(digits) for digits in itertools.permutations("2401376")], 96)
    clauses = _choose(random, [s for s in read_sentences() if 6 <= len(s.words) <= 8], 8)
    plant = _Plant("planted-codes")
    for row, (first, second) in enumerate(zip(clauses[::2], clauses[1::2], strict=True)):
        words = [*first.words, *second.words]
        for place, code in enumerate(codes[row * 24 : row * 24 + 24]):
            doc_id = plant.add_document(_join_clauses(first, second).replace(";", f" ({code});", 1))
            if place < 18:
                asked = _pick_words(random, words, 6)
                plant.add_query(" ".join([*asked[:3], code, *asked[3:]]), doc_id)
    return plant.finish(random)


def make_versions(seed: int = 0) -> Dataset:
    """Nine pages in twelve versions each; 72 queries with a filter {version: ...} and words that all versions share.

    Expected: add_metadata_filters, and metadata as the leading cause.
    """
    random = np.random.default_rng(seed)
    brief = [s for s in read_sentences() if len(s.text.split()) <= 15]
    pages = _choose(random, [page for page in _group_pages(brief) if len(list_words(_write(page[:2]))) >= 11], 9)
    titles = {page[0].title for page in pages}
    others = [s for s in brief if s.title not in titles and len(s.text.split()) <= 11]
    plant = _Plant("planted-versions")
    for page in pages:
        words = list_words(_write(page[:2]))
        asked = set(random.choice(VERSIONS, size=8, replace=False))
        for version, changed in zip(VERSIONS, _choose(random, others, len(VERSIONS)), strict=True):
            text = _join_clauses(*page[:2], changed)
            doc_id = plant.add_document(text, title=page[0].title, metadata={"version": version})
            if version in asked:
                plant.add_query(" ".join(_pick_words(random, words, 8)), doc_id, conditions={"version": version})
    return plant.finish(random)


def make_long_documents(seed: int = 0) -> Dataset:
    """Twelve long documents with six answers each, every answer a sentence between five that have nothing to do with it,
    and 144 short notes that hold the queries' words, scattered over several sentences.

    In a chunk of 200 tokens the answer is diluted, and the notes have its words in less text; a single sentence is found.
    Queries are of four words that stand in nine sentences of the sample or more, so that no word is rare.
    Expected: fix_chunking, and chunking as the leading cause.
    """
    random = np.random.default_rng(seed)
    common = _find_common_terms(9)
    answers = _choose(random, [s for s in read_sentences() if len(s.terms & common) >= 4], 72)
    others = [sentence for sentence in read_sentences() if sentence not in answers]
    dull = [sentence for sentence in others if len(sentence.terms & common) <= 2]
    queries = [_pick_words(random, [w for w in s.words if _find_terms(w) & common], 4) for s in answers]
    wanted = [_find_terms(" ".join(words)) for words in queries]
    plant = _Plant("planted-long")
    for terms in wanted:
        notes = _cover(terms, others, size=8)
        for note in (notes[::2], notes[1::2]):
            plant.add_document(_write(note))
    for start in range(0, len(answers), 6):
        terms = frozenset().union(*wanted[start : start + 6])
        foreign = sorted(_choose(random, dull, len(dull)), key=lambda sentence: len(sentence.terms & terms))[:30]
        inside = answers[start : start + 6]
        doc_id = plant.add_document(_write(s for row, answer in enumerate(inside) for s in (*foreign[row::6], answer)))
        for words, answer in zip(queries[start : start + 6], inside, strict=True):
            plant.add_query(" ".join(words), doc_id, quote=answer.text)
    return plant.finish(random)


def make_ranked_low(seed: int = 0) -> tuple[Dataset, KnowingModels]:
    """Answers below ten shorter documents with the same words; with models whose cross-encoder knows the answers.

    Expected with Goals(rerankers=(RERANKER,)): add_reranker, and ranking as the leading cause.
    """
    random = np.random.default_rng(seed)
    plant = _Plant("planted-ranking")
    answers: dict[str, str] = {}
    subjects = _choose(random, [s for s in read_sentences() if 7 <= len(s.words) <= 9], 18)
    others = [s for s in read_sentences() if s not in subjects]
    short = [s for s in others if len(s.text.split()) <= 9]
    drawn = [s for s in others if 10 <= len(s.text.split()) <= 13]
    facts = _choose(random, drawn, 4 * len(subjects))  # each in one document only
    rest = [s for s in drawn if s not in facts]
    for row, subject in enumerate(subjects):
        for added in _choose(random, short, 10):
            plant.add_document(_join_clauses(subject, added))
        for fact, more in zip(facts[4 * row : 4 * row + 4], _choose(random, rest, 4), strict=True):
            query = _pick_new(random, subject.words, 4, known=answers)
            answers[query] = _without_dot(fact.text)
            plant.add_query(query, plant.add_document(_join_clauses(fact, subject, more)))
    return plant.finish(random), KnowingModels(answers)


def make_healthy(seed: int = 0) -> Dataset:
    """Two sentences a document, one document a page; 68 queries of most words of one. Expected: embeddings_enough."""
    return _make_healthy(seed).finish(np.random.default_rng(seed))


def make_missing_answers(seed: int = 0) -> Dataset:
    """The healthy dataset without the documents that half of its queries ask for; the labels are still there.

    Expected: extend_corpus, and not_in_corpus as the leading cause.
    """
    random = np.random.default_rng(seed)
    plant = _make_healthy(seed)
    relevant = [doc_id for _, doc_id in plant.labels]
    gone = {relevant[row] for row in random.choice(len(relevant), size=len(relevant) // 2, replace=False)}
    plant.documents = [row for row in plant.documents if row[0] not in gone]
    plant.name = "planted-missing"
    return plant.finish(random)


def make_ten_queries(seed: int = 0) -> Dataset:
    """The healthy dataset with ten of its queries. Expected: label_more_queries."""
    plant = _make_healthy(seed)
    plant.name = "planted-ten"
    plant.queries, plant.labels = plant.queries[:10], plant.labels[:10]
    return plant.finish(np.random.default_rng(seed))


def make_shuffled_labels(seed: int = 0) -> Dataset:
    """The healthy dataset in which every query has another's label. Expected: nothing is climbed, nothing to fine-tune."""
    random = np.random.default_rng(seed)
    plant = _make_healthy(seed)
    plant.name = "planted-shuffled"
    order = random.permutation(len(plant.labels))
    moved = dict(zip(order, np.roll(order, 1), strict=True))  # one cycle: nobody keeps his own
    plant.labels = [(query_id, plant.labels[moved[row]][1]) for row, (query_id, _) in enumerate(plant.labels)]
    return plant.finish(random)


class KnowingModels(Models):
    """The real models, but for a cross-encoder that scores 1 where a text holds the query's answer and 0 elsewhere.

    answers: query text -> words that stand in the right document only.
    """

    def __init__(self, answers: Mapping[str, str]) -> None:
        super().__init__()
        self._answers = dict(answers)

    def cross_encoder(self, name: str) -> Any:
        return self

    def predict(self, pairs: Sequence[tuple[str, str]], **_: Any) -> np.ndarray:
        return np.array([float(self._answers[query] in text) for query, text in pairs], dtype=np.float32)


class _Plant:
    """Collects documents, queries and labels. Documents get ids in a drawn order, which says nothing about relevance."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.documents: list[tuple[str, str, str, dict[str, Any]]] = []
        self.queries: list[tuple[Any, ...]] = []
        self.labels: list[tuple[str, str]] = []
        self.quotes: list[tuple[str, str, str]] = []

    def add_document(self, text: str, *, title: str = "", metadata: Mapping[str, Any] | None = None) -> str:
        doc_id = f"d{len(self.documents):03}"
        self.documents.append((doc_id, title, text, dict(metadata or {})))
        return doc_id

    def add_query(self, text: str, doc_id: str, *, conditions: Mapping[str, Any] | None = None, quote: str = "") -> None:
        query_id = f"q{len(self.queries):03}"
        self.queries.append((query_id, text, "", dict(conditions or {}), (), ""))
        self.labels.append((query_id, doc_id))
        if quote:
            self.quotes.append((query_id, doc_id, quote))

    def finish(self, random: np.random.Generator) -> Dataset:
        numbers = random.permutation(len(self.documents)).tolist()
        names = {row[0]: f"p{number:03}" for row, number in zip(self.documents, numbers, strict=True)}
        texts = {doc_id: text for doc_id, _, text, _ in self.documents}
        documents = sorted((names[doc_id], *rest) for doc_id, *rest in self.documents)
        spans = [(q, names[d], texts[d].index(quote), texts[d].index(quote) + len(quote)) for q, d, quote in self.quotes]
        return Dataset(
            name=self.name,
            documents=pd.DataFrame(documents, columns=["doc_id", "title", "text", "metadata"]),
            queries=pd.DataFrame(self.queries, columns=QUERIES),
            judgments=pd.DataFrame([(q, names.get(d, d), 1) for q, d in self.labels], columns=JUDGMENTS),
            evidence=pd.DataFrame(spans, columns=EVIDENCE),
        )


def _make_healthy(seed: int) -> _Plant:
    random = np.random.default_rng(seed)
    plant = _Plant("planted-healthy")
    # One page a title: the versions of a page would answer each other's queries.
    for part in {group[0].title: group[:2] for group in _group_pages(read_sentences()) if len(group) >= 2}.values():
        text = _write(part)
        doc_id = plant.add_document(text)
        plant.add_query(" ".join(_pick_words(random, list_words(text), 12)), doc_id)
    return plant


@functools.cache
def _find_terms(text: str) -> frozenset[str]:
    """The stems of a text, as the lexical index has them."""
    return frozenset(Analyzer().collect(text))


def _find_common_terms(least: int) -> frozenset[str]:
    """The terms that stand in at least so many sentences of the sample."""
    counts = Counter(term for sentence in read_sentences() for term in sentence.terms)
    return frozenset(term for term, count in counts.items() if count >= least)


def _cover(terms: frozenset[str], sentences: Sequence[Sentence], *, size: int) -> list[Sentence]:
    """`size` sentences, each chosen for the most terms that are not covered yet, then for the largest share of terms."""
    chosen: list[Sentence] = []
    left = terms
    for _ in range(size):
        rest = [sentence for sentence in sentences if sentence not in chosen]
        chosen.append(max(rest, key=lambda s: (len(left & s.terms), len(terms & s.terms) / len(s.terms))))
        left = left - chosen[-1].terms
    return chosen


def _group_pages(sentences: Iterable[Sentence]) -> list[list[Sentence]]:
    """The sentences of each page, in their order."""
    pages: dict[str, list[Sentence]] = {}
    for sentence in sentences:
        pages.setdefault(sentence.page, []).append(sentence)
    return list(pages.values())


def _choose(random: np.random.Generator, items: Iterable[Any], size: int) -> list[Any]:
    """`size` different items in a drawn order."""
    known = list(items)
    return [known[row] for row in random.choice(len(known), size=size, replace=False)]


def _pick_words(random: np.random.Generator, words: Sequence[str], size: int) -> list[str]:
    """Up to `size` different words, in their order."""
    return [words[row] for row in sorted(random.choice(len(words), size=min(size, len(words)), replace=False))]


def _pick_new(random: np.random.Generator, words: Sequence[str], size: int, *, known: Iterable[str]) -> str:
    """Words as _pick_words() takes them, as a query that is not known yet."""
    query = " ".join(_pick_words(random, words, size))
    return _pick_new(random, words, size, known=known) if query in known else query


def _write(sentences: Iterable[Sentence]) -> str:
    return " ".join(sentence.text for sentence in sentences)


def _join_clauses(*sentences: Sentence) -> str:
    """One sentence out of several, with semicolons."""
    first, *rest = (_without_dot(sentence.text) for sentence in sentences)
    return "; ".join([first, *(text if text[:2].isupper() else text[0].lower() + text[1:] for text in rest)]) + "."


def _without_dot(text: str) -> str:
    return text.removesuffix(".")
