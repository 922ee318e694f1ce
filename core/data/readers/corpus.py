"""corpus.jsonl and queries.jsonl as plain lists, with everything that can be wrong in a line said with its number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.data.readers.jsonl import Record, kind_of, note_id, read_jsonl, take_id, take_text
from core.errors import InputError
from core.progress import ProgressCallback, ignore_progress, watch
from core.text.conditions import check_filter
from core.text.phrases import count_of, first_five

_CORPUS_FIELDS = {"_id", "title", "text", "metadata"}
_QUERY_FIELDS = {"_id", "text", "filter", "tags", "evidence", "answer", "metadata"}
# What people call the parts of a dataset
_SPLITS = {
    "train": ("train", "training", "tuning"),
    "dev": ("dev", "devel", "development", "valid", "validation", "val"),
    "test": ("test", "testing", "eval", "evaluation"),
}


def name_split(value: Any) -> str | None:
    """ "train", "dev" or "test" for a word that means one of them; None for any other value."""
    word = str(value).strip().lower()
    return next((name for name, words in _SPLITS.items() if word in words), None)


@dataclass
class Corpus:
    """Documents as columns; ids are unique."""

    ids: list[str] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    metadata: list[Record] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def add(self, doc_id: str, title: str, text: str, metadata: Record) -> None:
        """Appends a document; its id must be new."""
        self.ids.append(doc_id)
        self.titles.append(title)
        self.texts.append(text)
        self.metadata.append(metadata)

    def texts_by_id(self) -> dict[str, str]:
        """Document id -> text."""
        return dict(zip(self.ids, self.texts, strict=True))


@dataclass
class Queries:
    """Queries as columns; ids are unique. evidence: the raw list of each query; lines: where the query stands.

    splits: "train", "dev", "test" -> the ids of the queries of which a column says that they belong there.
    """

    ids: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    filters: list[Record] = field(default_factory=list)
    tags: list[tuple[str, ...]] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    evidence: list[list[Any]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    splits: dict[str, set[str]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def add(
        self,
        query_id: str,
        text: str,
        *,
        conditions: Record | None = None,
        tags: Sequence[str] = (),
        answer: str = "",
        evidence: Sequence[Any] = (),
        line: int = 1,
    ) -> None:
        """Appends a query; its id must be new. conditions: its filter."""
        self.ids.append(query_id)
        self.texts.append(text)
        self.filters.append(conditions or {})
        self.tags.append(tuple(tags))
        self.answers.append(answer)
        self.evidence.append(list(evidence))
        self.lines.append(line)


def read_corpus(path: Path, *, on_progress: ProgressCallback = ignore_progress) -> Corpus:
    """Reads corpus.jsonl. Raises InputError at the first line that is not a document."""
    corpus, seen, ignored = Corpus(), dict[str, int](), Counter[str]()
    for line, record in watch(read_jsonl(path), f"reading {path.name}", on_progress):
        doc_id = take_id(record, "_id", path=path, line=line)
        note_id(seen, doc_id, what="document", path=path, line=line)
        metadata = record.get("metadata")
        if metadata is not None and not isinstance(metadata, dict):
            raise InputError(
                f'"metadata" is {kind_of(metadata)}, expected an object such as {{"version": "3.1"}}; correct it',
                file=path,
                line=line,
            )
        title = take_text(record, "title", path=path, line=line)
        corpus.add(doc_id, title, take_text(record, "text", path=path, line=line, required=True), metadata or {})
        if len(record) > 2:
            ignored.update(record.keys() - _CORPUS_FIELDS)
    for name, number in sorted(ignored.items()):
        corpus.warnings.append(
            f'{path.name}: the field "{name}" of {count_of(number, "document")} was ignored; '
            'put it under "metadata" to filter by it.'
        )
    return corpus


def warn_empty_documents(corpus: Corpus) -> list[str]:
    """A warning with count and first five if documents have neither title nor text."""
    empty = [
        doc_id
        for doc_id, title, text in zip(corpus.ids, corpus.titles, corpus.texts, strict=True)
        if not text.strip() and not title.strip()
    ]
    if not empty:
        return []
    verb = "has" if len(empty) == 1 else "have"
    return [f"{count_of(len(empty), 'document')} {verb} neither title nor text, so not indexed: {first_five(empty)}."]


def read_queries(path: Path) -> Queries:
    """Reads queries.jsonl. Raises InputError at the first line that is not a query."""
    queries, seen, ignored = Queries(), dict[str, int](), Counter[str]()
    for line, record in read_jsonl(path):
        query_id = take_id(record, "_id", path=path, line=line)
        note_id(seen, query_id, what="query", path=path, line=line)
        text = take_text(record, "text", path=path, line=line, required=True)
        if not text.strip():
            raise InputError('"text" is empty; write the query or delete the line', file=path, line=line)
        queries.add(
            query_id,
            text,
            conditions=_take_filter(record, path, line=line),
            tags=_take_tags(record, path, line=line),
            answer=take_text(record, "answer", path=path, line=line),
            evidence=_take_evidence(record, path, line=line),
            line=line,
        )
        split = name_split(record["split"]) if "split" in record else None
        if split is not None:
            queries.splits.setdefault(split, set()).add(query_id)
        ignored.update(record.keys() - _QUERY_FIELDS - ({"split"} if split is not None else set()))
    for name, number in sorted(ignored.items()):
        queries.warnings.append(f'{path.name}: the field "{name}" of {count_of(number, "query")} was ignored.')
    return queries


def _take_filter(record: Record, path: Path, *, line: int) -> Record:
    value = record.get("filter")
    if value is None:
        return {}
    problem = check_filter(value)
    if problem:
        raise InputError(f"{problem}; correct it or leave it out", file=path, line=line)
    return dict(value)


def _take_tags(record: Record, path: Path, *, line: int) -> tuple[str, ...]:
    value = record.get("tags")
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise InputError('"tags" must be a list of texts such as ["how_to"]; correct it', file=path, line=line)
    return tuple(value)


def _take_evidence(record: Record, path: Path, *, line: int) -> list[Any]:
    value = record.get("evidence")
    if value is None:
        return []
    if not isinstance(value, list):
        raise InputError(
            f'"evidence" is {kind_of(value)}, expected a list of {{"doc_id", "quote"}} '
            'or {"doc_id", "start", "end"}; correct it',
            file=path,
            line=line,
        )
    return value
