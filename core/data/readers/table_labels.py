"""Queries and judgments from tables: lists in a cell as several judgments, queries named by id or by text."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from core.data.readers.cells import read_answer, read_grade, read_id, read_json_cell, read_tags, read_text_cell
from core.data.readers.columns import ColumnMapping, TableUse, cut_id_ending, simplify
from core.data.readers.contents import Contents
from core.data.readers.corpus import Queries, name_split
from core.data.readers.grade_words import EXPLAIN, describe_words, map_words
from core.data.readers.jsonl import check_id, kind_of
from core.data.readers.lists import list_entries
from core.data.readers.qrels import Judgment, Judgments, collect_judgments, match_spelling
from core.data.readers.table_files import Row, place, read_mapped, row_error
from core.data.readers.values import is_blank, is_number
from core.errors import InputError
from core.text.conditions import check_filter
from core.text.phrases import count_of, first_five, shorten

_Given = tuple[int, str, str, Any]  # row, query id, document id, grade as it stands there
Relevant = tuple[Path, Row, str, str]  # file, row, query id, and the column that lists the query's documents


def read_queries(root: Path, uses: Sequence[TableUse], contents: Contents) -> list[Relevant]:
    """Adds the queries to contents; a query that stands in several rows, alike, is one. Returns where documents are listed."""
    seen: dict[str, tuple[Path, int, str, str]] = {}
    relevant: list[Relevant] = []
    repeated: list[str] = []
    contents.queries_file = root / uses[0].file
    for use in uses:
        path, mapping = root / use.file, use.used
        for row in read_mapped(path, use):
            text = read_text_cell(row, mapping["text"], path)
            if not text.strip():
                raise row_error("the query is empty; fill it or delete the row", path, number=row.number)
            # Without ids the text is what tells queries apart; then they are numbered.
            key = read_id(row, mapping["id"], path) if "id" in mapping else text
            query_id = key if "id" in mapping else str(len(contents.queries.ids) + 1)
            if key in seen:
                first, number, query_id, known = seen[key]
                if known != text:
                    where = place(first, number) if first == path else f"{first.name}, {place(first, number)}"
                    raise row_error(
                        f'the query id "{key}" was already used in {where}; ids must be unique: rename or delete one',
                        path,
                        number=row.number,
                    )
                repeated.append(key)
            else:
                seen[key] = (path, row.number, query_id, text)
                _add_query(contents.queries, query_id, text, row=row, mapping=mapping, path=path)
            _note_split(contents.queries, query_id, row, mapping, path)
            if "relevant" in mapping:
                relevant.append((path, row, query_id, mapping["relevant"]))
    if repeated:
        contents.notes.append(
            f"{count_of(len(repeated), 'row')} with queries {'repeats' if len(repeated) == 1 else 'repeat'} one from above, "
            f"counted once: {first_five([shorten(key) for key in repeated])}."
        )
    return relevant


def _note_split(queries: Queries, query_id: str, row: Row, mapping: ColumnMapping, path: Path) -> None:
    """Keeps what a column says of the part of the dataset that a query belongs to. Raises InputError for other words."""
    value = row.values.get(mapping.get("split", ""))
    if is_blank(value):
        return
    name = name_split(value)
    if name is None:
        what = (
            f'column "{mapping["split"]}" is "{shorten(str(value))}", expected train, dev or test; correct it or do not map it'
        )
        raise row_error(what, path, number=row.number)
    queries.splits.setdefault(name, set()).add(query_id)


def _add_query(queries: Queries, query_id: str, text: str, *, row: Row, mapping: ColumnMapping, path: Path) -> None:
    conditions = read_json_cell(row, mapping, "filter", path=path)
    problem = check_filter(conditions) if conditions else None
    if problem:
        raise row_error(f"{problem}; correct it or leave it out", path, number=row.number)
    evidence = read_json_cell(row, mapping, "evidence", path=path) or []
    if not isinstance(evidence, list):
        raise row_error(
            f'column "{mapping["evidence"]}" is {kind_of(evidence)}, expected a list of {{"doc_id", "quote"}} '
            'or {"doc_id", "start", "end"}; correct it or do not map it',
            path,
            number=row.number,
        )
    queries.add(
        query_id,
        text,
        conditions=conditions,
        tags=read_tags(row.values.get(mapping.get("tags", ""))),
        answer=read_answer(row.values.get(mapping.get("answer", ""))),
        evidence=evidence,
        line=row.number,
    )


def _make_queries(root: Path, uses: Sequence[TableUse], rows: Mapping[str, list[Row]], contents: Contents) -> None:
    """Queries from the judgments that hold their texts, where no table holds queries. Raises InputError if none does."""
    texts: dict[str, str] = {}
    for use in uses:
        column = use.used.get("query_text", use.used["query_id"])
        path = root / use.file
        for row in rows[use.file]:
            text = read_text_cell(row, column, path) if isinstance(row.values.get(column), str) else ""
            key = read_id(row, use.used["query_id"], path) if "query_text" in use.used else text
            if texts.setdefault(key, text) != text:
                raise row_error(f'the query "{key}" has another text than above; correct it', path, number=row.number)
    if "query_text" not in uses[0].used and _are_ids(uses[0].used["query_id"], texts.values()):
        raise InputError(
            f"has judgments on {count_of(len(texts), 'query')} ({first_five(list(texts))}), but no table holds the "
            "queries' texts; add it or choose it",
            file=root / uses[0].file,
        )
    contents.queries_file = root / uses[0].file
    for number, (key, text) in enumerate(texts.items(), start=1):
        query_id = key if "query_text" in uses[0].used else str(number)
        contents.queries.add(query_id, text)
    contents.notes.append(f"The texts of {count_of(len(texts), 'query')} were taken from the judgments, {uses[0].file}.")


def _are_ids(column: str, values: Collection[str]) -> bool:
    """Whether these are rather ids of queries than their texts: single words, with digits or in a column that says so."""
    if any(len(value.split()) > 1 for value in values):
        return False
    return bool(cut_id_ending(simplify(column))) or any(map(str.isdigit, "".join(values)))


class _QueryFinder:
    """The queries that a judgment names, by id or by text: as it stands, else in normal form, else without accents."""

    def __init__(self, queries: Queries, *, numbered: bool) -> None:
        self.numbered = numbered
        self.ids = set(queries.ids)
        self.by_text: dict[str, list[str]] = {}
        self.by_form: dict[str, list[str]] = {}
        self.by_letters: dict[str, list[str]] = {}
        for query_id, text in zip(queries.ids, queries.texts, strict=True):
            self.by_text.setdefault(text.strip(), []).append(query_id)
            self.by_form.setdefault(_normal_form(text), []).append(query_id)
            self.by_letters.setdefault(_without_accents(text), []).append(query_id)

    def find(self, value: str) -> list[str]:
        """The queries with this text, none if there is none."""
        found = self.by_text.get(value) or self.by_form.get(_normal_form(value))
        return found or self.by_letters.get(_without_accents(value), [])

    def are_texts(self, values: Collection[str]) -> bool:
        """Whether these values name queries by their text: if more of them are texts than ids."""
        ids, texts = sum(value in self.ids for value in values), sum(bool(self.find(value)) for value in values)
        return texts > ids or (self.numbered and texts == ids > 0)


def read_labels(
    root: Path, uses: Sequence[TableUse], relevant: Sequence[Relevant], contents: Contents, *, numbered: bool
) -> Judgments:
    """Judgments from tables of them and from the lists of queries. numbered: some queries have no id of their own.

    Adds the queries to contents, if the judgments hold their texts and no table does, and notes. Raises InputError for a bad
    row, and if no judgment names a query or no one a document that is there.
    """
    rows = {use.file: read_mapped(root / use.file, use) for use in uses}
    if uses and not contents.queries.ids:
        _make_queries(root, uses, rows, contents)
        numbered = True
    documents = set(contents.corpus.ids)
    finder = _QueryFinder(contents.queries, numbered=numbered)
    listed: dict[Path, list[_Given]] = {}
    for path, row, query_id, column in relevant:
        entries = _read_entries(row, column, path, documents, needed=False, grade=1)
        listed.setdefault(path, []).extend((row.number, query_id, doc_id, grade) for doc_id, grade in entries)
    sources = list(listed.items())
    for use in uses:
        sources.append(
            (root / use.file, list(_read_judgments(root, use, rows[use.file], finder, contents=contents, documents=documents)))
        )
    graded = _grade(root, sources, {root / use.file: use.grades for use in uses}, contents.notes)
    _check_names(graded, finder.ids, contents.corpus.ids)
    return collect_judgments(graded)


def _grade(
    root: Path, sources: Sequence[tuple[Path, Sequence[_Given]]], told: Mapping[Path, Mapping[str, str]], notes: list[str]
) -> list[tuple[Path, list[Judgment]]]:
    """The judgments with their grades as numbers; those without one are left out and counted in notes.

    Words are read alike in all files, whatever levels each of them has. Raises InputError for words that nobody explained.
    """
    values = {path: {str(given) for _, _, _, given in found} - set(told.get(path, ())) for path, found in sources}
    try:
        words = map_words(value for found in values.values() for value in found)
    except ValueError as error:
        path, number = next(
            (path, number)
            for path, found in sources
            for number, _, _, given in found
            if str(given) in values[path] and not is_number(str(given)) and not is_blank(given)
        )
        raise row_error(f"the grades {error}; {EXPLAIN}", path, number=number) from error
    if words:
        notes.append(describe_words(words))
    graded = []
    for path, found in sources:
        known = {**words, **told.get(path, {})}
        read = [(number, query, doc, read_grade(given, number, path, words=known)) for number, query, doc, given in found]
        kept = [(number, query, doc, grade) for number, query, doc, grade in read if grade is not None]
        if len(kept) < len(read):
            without = len(read) - len(kept)
            where = f"{path.relative_to(root).as_posix()}: {count_of(without, 'judgment')}"
            notes.append(f"{where} {'has' if without == 1 else 'have'} no grade, taken as not judged.")
        graded.append((path, kept))
    return graded


def _read_judgments(
    root: Path,
    use: TableUse,
    rows: Sequence[Row],
    finder: _QueryFinder,
    *,
    contents: Contents,
    documents: Collection[str],
) -> Iterator[_Given]:
    """The judgments of one table."""
    path, mapping = root / use.file, use.used
    names = [_read_name(row, mapping["query_id"], path) for row in rows]
    by_text = finder.are_texts(dict.fromkeys(names))
    for row, name in zip(rows, names, strict=True):
        grade = row.values.get(mapping["relevance"]) if "relevance" in mapping else 1
        for doc_id, own in _read_entries(row, mapping["doc_id"], path, documents, needed=True, grade=grade):
            for query_id in (by_text and finder.find(name)) or [name]:
                _note_split(contents.queries, query_id, row, mapping, path)
                yield row.number, query_id, doc_id, own


def _read_name(row: Row, column: str, path: Path) -> str:
    """What a judgment calls its query: an id, or text, which may hold what an id may not."""
    value = row.values.get(column)
    return read_text_cell(row, column, path).strip() if isinstance(value, str) and value.strip() else read_id(row, column, path)


def _check_names(sources: Sequence[tuple[Path, Sequence[Judgment]]], queries: Collection[str], documents: list[str]) -> None:
    """Raises InputError if all judgments are on queries that are not there, or on documents: then the columns are wrong."""
    named = dict.fromkeys(query_id for _, judgments in sources for _, query_id, _, _ in judgments)
    judged = dict.fromkeys(doc_id for _, judgments in sources for _, _, doc_id, _ in judgments)
    if named and not set(map(match_spelling(queries), named)) & set(queries):
        raise InputError(
            f"none of its queries ({first_five([shorten(name) for name in named])}) is among the queries, by id or by text; "
            "choose another column for the query id, or other queries",
            file=sources[0][0],
        )
    known = set(documents)
    if judged and not set(map(match_spelling(known), judged)) & known:
        raise InputError(
            f"none of the judged documents ({first_five([shorten(name) for name in judged])}) is in the corpus, whose ids are "
            f"{first_five(documents)}; choose the columns that hold the documents' ids",
            file=sources[0][0],
        )


def _read_entries(
    row: Row, column: str, path: Path, known: Collection[str], *, needed: bool, grade: Any
) -> list[tuple[str, Any]]:
    """The documents that a cell names with their grades: `grade` where the cell gives none."""
    value = row.values.get(column)
    try:
        entries = list_entries(value, known=known)
    except ValueError as error:
        raise row_error(f'column "{column}" {error}; correct it', path, number=row.number) from error
    if needed and not entries and not isinstance(value, (list, dict)):
        raise row_error(f'the id in column "{column}" is empty; give every record an id', path, number=row.number)
    for doc_id, _ in entries:
        problem = check_id(doc_id)
        if problem:
            raise row_error(f'the id in column "{column}" {problem}', path, number=row.number)
    return [(doc_id, grade if own is None else own) for doc_id, own in entries]


def _normal_form(text: str) -> str:
    """Text without what differs between two writings of one query: case, width, white space."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _without_accents(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", _normal_form(text))
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign))
