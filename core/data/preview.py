"""What a source of data holds, before it is taken in: counts, first documents and queries, languages, what was left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.data.dataset import Dataset
from core.data.label_rules import LabelRules
from core.data.languages import detect_languages
from core.data.load import load_collection, load_dataset, split_part
from core.data.readers.chroma_collection import open_collection, read_corpus_of
from core.data.readers.chroma_place import ChromaPlace, find_place
from core.data.readers.columns import TableUse
from core.data.readers.layouts import find_root, is_huggingface, layout_of
from core.progress import ProgressCallback, ignore_progress
from core.text.phrases import count_of, shorten

_FIRST = 3  # documents and queries that are shown
_LABELS = 4  # of each query
_BEGINNING = 320  # characters of a text
_TITLE = 120
_FIELDS = 8  # of a document's metadata
_VALUE = 60


@dataclass(frozen=True)
class FirstDocument:
    """beginning: of the text, on one line. metadata: its first fields, as text; more: fields beyond those."""

    doc_id: str
    title: str
    beginning: str
    metadata: tuple[tuple[str, str], ...]
    more: int


@dataclass(frozen=True)
class FirstLabel:
    """title: of the document, or how it begins; None if it is not in the corpus."""

    doc_id: str
    title: str | None
    grade: float
    relevant: bool


@dataclass(frozen=True)
class FirstQuery:
    """labels: its judgments, the highest grades first; more: judgments beyond those."""

    query_id: str
    text: str
    labels: tuple[FirstLabel, ...]
    more: int


@dataclass(frozen=True)
class Preview:
    """A source as it was understood.

    dataset: what it becomes. files: files with documents that were found, also those that could not be read; 0 where documents
    are rows of something. documents, queries: the first of each. languages: see detect_languages(). several_grades: whether
    the judgments have more than one grade above 0, so that from which one on a document is relevant is a choice. notes: what
    was left out or taken for granted.
    """

    dataset: Dataset
    files: int
    documents: tuple[FirstDocument, ...]
    queries: tuple[FirstQuery, ...]
    languages: tuple[tuple[str, float], ...]
    several_grades: bool
    notes: tuple[str, ...]

    def describe(self) -> str:
        """ "1,203 documents from 1,210 files, 412 queries, 3,300 judgments"."""
        data = self.dataset
        files = f" from {count_of(self.files, 'file')}" if self.files else ""
        parts = [count_of(len(data.documents), "document") + files, count_of(len(data.queries), "query")]
        parts.append(count_of(len(data.judgments), "judgment"))
        if len(data.evidence):
            parts.append(f"evidence of {count_of(data.evidence['query_id'].nunique(), 'query')}")
        return ", ".join(parts)


def read_preview(
    place: Path | ChromaPlace,
    *,
    told: Sequence[TableUse] = (),
    rules: LabelRules | None = None,
    on_progress: ProgressCallback = ignore_progress,
) -> Preview:
    """Reads a source whole, as load_dataset() does, so that all that is said of it is so; nothing is kept.

    place: a folder, file, zip or FOLDER#CONFIGURATION, or a Chroma collection. told: what a person said of its tables.
    Raises InputError for everything that cannot be read, and Cancelled where on_progress raises it.
    """
    if isinstance(place, ChromaPlace):
        with open_collection(place) as collection:
            corpus = read_corpus_of(collection, on_progress=on_progress)
        return make_preview(load_collection(place, name=collection.name, rules=rules, corpus=corpus))
    dataset = load_dataset(place, told=told, rules=rules, on_progress=on_progress)
    return make_preview(dataset, files=_count_files(split_part(place)[0], told))


def _count_files(place: Path, told: Sequence[TableUse]) -> int:
    """Files with documents, of a folder of such; else 0."""
    if not place.is_dir() or is_huggingface(place) or find_place(place) is not None:
        return 0
    return len(layout_of(find_root(place), told=told).documents)


def make_preview(dataset: Dataset, *, files: int = 0) -> Preview:
    """What is shown of a dataset that was read. files: that its documents come from."""
    grades = set(dataset.judgments["relevance"]) - {0}
    return Preview(
        dataset=dataset,
        files=files,
        documents=tuple(
            _begin_document(*row)
            for row in dataset.documents.head(_FIRST)[["doc_id", "title", "text", "metadata"]].itertuples(
                index=False, name=None
            )
        ),
        queries=_begin_queries(dataset),
        languages=tuple(detect_languages(dataset).items()) if len(dataset.indexed_documents) else (),
        several_grades=len(grades) > 1,
        notes=dataset.warnings,
    )


def _begin_document(doc_id: str, title: str, text: str, metadata: Mapping[str, Any]) -> FirstDocument:
    fields = [(name, shorten(_spell(value), width=_VALUE)) for name, value in metadata.items()]
    return FirstDocument(
        doc_id=doc_id,
        title=shorten(title, width=_TITLE),
        beginning=shorten(text[: 4 * _BEGINNING], width=_BEGINNING),
        metadata=tuple(fields[:_FIELDS]),
        more=max(0, len(fields) - _FIELDS),
    )


def _spell(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _begin_queries(dataset: Dataset) -> tuple[FirstQuery, ...]:
    """The first queries that have judgments; the first of all where none has."""
    judged = set(dataset.judgments["query_id"])
    asked = list(zip(dataset.queries["query_id"], dataset.queries["text"], strict=True))
    shown = [pair for pair in asked if pair[0] in judged][:_FIRST] or asked[:_FIRST]
    judgments = dataset.judgments[dataset.judgments["query_id"].isin([query_id for query_id, _ in shown])]
    known = dataset.documents[dataset.documents["doc_id"].isin(judgments["doc_id"])]
    titles = {
        doc_id: shorten(title or text[:_TITLE], width=_TITLE)
        for doc_id, title, text in known[["doc_id", "title", "text"]].itertuples(index=False, name=None)
    }
    found = []
    for query_id, text in shown:
        rows = judgments[judgments["query_id"] == query_id].sort_values("relevance", ascending=False, kind="stable")
        labels = tuple(
            FirstLabel(doc_id, titles.get(doc_id), float(grade), bool(grade >= dataset.relevant_from))
            for doc_id, grade in zip(rows["doc_id"].head(_LABELS), rows["relevance"].head(_LABELS), strict=True)
        )
        found.append(FirstQuery(query_id, shorten(text, width=_BEGINNING), labels, max(0, len(rows) - _LABELS)))
    return tuple(found)
