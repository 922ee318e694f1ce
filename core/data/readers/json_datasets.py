"""Whole datasets in one JSON file: SQuAD, and queries, corpus and relevant documents as three objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.data.readers.cells import read_id, read_text_cell, to_text
from core.data.readers.contents import Contents
from core.data.readers.encoding import read_text, replace_surrogates
from core.data.readers.json_tables import read_start
from core.data.readers.json_values import to_json
from core.data.readers.jsonl import check_id, kind_of, parse_json
from core.data.readers.lists import list_entries
from core.data.readers.qrels import Judgment, collect_judgments, parse_relevance
from core.data.readers.table_files import Head, read_rows, row_error
from core.errors import InputError
from core.text.phrases import count_of


@dataclass(frozen=True)
class SquadQuestion:
    """One question of SQuAD. answers: (text, first character in the context). impossible: marked as having no answer."""

    query_id: str
    text: str
    title: str
    context: str
    answers: tuple[tuple[str, Any], ...]
    impossible: bool


@dataclass
class _Counts:
    questions: int = 0
    impossible: int = 0
    moved: int = 0
    unplaced: int = 0
    documents: dict[tuple[str, str], str] = field(default_factory=dict)  # (title, context) -> document id
    of_title: dict[str, int] = field(default_factory=dict)


class Squad:
    """SQuAD 1 and 2 and what is built like them: paragraphs with questions whose answers stand in them."""

    name = "SQuAD"

    def recognise(self, start: str) -> bool:
        """Whether a JSON file that begins so is of this kind."""
        return '"paragraphs"' in start and '"data"' in start

    def read(self, path: Path, value: Any) -> Contents:
        """Contexts become documents, once each; answers become evidence. Raises InputError for another shape."""
        return read_squad([(path, _list_questions(path, value))])


class RelevantDocuments:
    """{"queries": {id: text}, "corpus": {id: text}, "relevant_docs": {query id: [document ids]}}, as LlamaIndex writes it."""

    name = "queries, corpus and relevant_docs"

    def recognise(self, start: str) -> bool:
        """Whether a JSON file that begins so is of this kind: the first name decides, the others may stand far below."""
        head = "".join(start.split())
        return head.startswith(('{"queries":{', '{"corpus":{', '{"relevant_docs":{', '{"mode":'))

    def read(self, path: Path, value: Any) -> Contents:
        """Raises InputError for another shape, ids that are none, and grades that are none."""
        parts = {name: _take(value, name, dict, path) for name in ("queries", "corpus", "relevant_docs")}
        contents = Contents(queries_file=path)
        for doc_id, document in parts["corpus"].items():
            entry = document if isinstance(document, dict) else {"text": document}
            title, metadata = to_text(entry.get("title")), to_json(entry["metadata"]) if entry.get("metadata") else {}
            if not isinstance(metadata, dict):
                raise InputError(f'the metadata of document "{doc_id}" is {kind_of(metadata)}, expected an object', file=path)
            contents.corpus.add(_check(doc_id, path), title, _take(entry, "text", str, path), metadata)
        for query_id, text in parts["queries"].items():
            if not isinstance(text, str) or not text.strip():
                raise InputError(f'query "{query_id}" is {kind_of(text)}, expected its text; correct it', file=path)
            contents.queries.add(_check(query_id, path), text)
        contents.judgments = collect_judgments([(path, list(self._judge(parts["relevant_docs"], path)))])
        return contents

    def _judge(self, relevant: Mapping[str, Any], path: Path) -> Iterator[Judgment]:
        for query_id, cell in relevant.items():
            try:
                for doc_id, grade in list_entries(cell):
                    yield 1, query_id, _check(doc_id, path), 1 if grade is None else parse_relevance(str(grade))
            except ValueError as error:
                raise InputError(
                    f'the relevant documents of query "{query_id}" are no list of ids ({error}); correct them', file=path
                ) from error


JSON_DATASETS = (Squad(), RelevantDocuments())


def recognise_json(path: Path) -> Squad | RelevantDocuments | None:
    """Which kind of dataset a JSON file holds, from its beginning; None for others and for what cannot be read."""
    if path.suffix.lower() != ".json":
        return None
    start = read_start(path)
    return next((kind for kind in JSON_DATASETS if kind.recognise(start)), None)


def read_json_dataset(path: Path) -> Contents:
    """Reads a file that recognise_json() knows. Raises InputError for broken JSON and for another shape than promised."""
    kind = recognise_json(path)
    if kind is None:
        raise InputError(f"is not a dataset in JSON that is known ({', '.join(one.name for one in JSON_DATASETS)})", file=path)
    try:
        value = parse_json(read_text(path))
    except ValueError as error:
        raise InputError(f"broken JSON ({error}); download or export it again", file=path) from error
    return kind.read(path, value)


def read_squad(files: Iterable[tuple[Path, Iterable[SquadQuestion]]]) -> Contents:
    """Questions over contexts as documents, queries and evidence; what could not be placed is counted in notes."""
    contents, counts, seen = Contents(), _Counts(), set[str]()
    sources: list[tuple[Path, list[Judgment]]] = []
    for path, questions in files:
        contents.queries_file, judgments = path, list[Judgment]()
        for question in questions:
            doc_id = _add_context(question, contents, counts, path)
            if not question.query_id:  # a paragraph without questions
                continue
            if question.query_id in seen:
                raise InputError(f'the query id "{question.query_id}" occurs twice; ids must be unique', file=path)
            seen.add(question.query_id)
            counts.questions += 1
            counts.impossible += question.impossible
            spans, answers = _place_answers(question, counts), [text for text, _ in question.answers]
            evidence = [{"doc_id": doc_id, "start": start, "end": end} for start, end in spans]
            contents.queries.add(question.query_id, question.text, answer=answers[0] if answers else "", evidence=evidence)
            if answers:
                judgments.append((1, question.query_id, doc_id, 1))
        sources.append((path, judgments))
    contents.judgments = collect_judgments(sources)
    contents.notes += _note(counts)
    return contents


def are_squad_rows(head: Head) -> bool:
    """Whether a table has a question, its context and its answers in each row, as SQuAD has in the HuggingFace hub."""
    if not {"context", "question", "answers"} <= set(head.columns):
        return False
    answers = [value for value in head.values_of("answers") if value is not None]
    return bool(answers) and all(isinstance(value, dict) and "answer_start" in value for value in answers)


def list_squad_rows(path: Path) -> Iterator[SquadQuestion]:
    """The questions of such a table. Raises InputError for cells of another shape."""
    for row in read_rows(path):
        answers = row.values.get("answers")
        if not isinstance(answers, dict) or not isinstance(row.values.get("context"), str):
            raise row_error(
                'expected text as "context" and an object with text and answer_start as "answers"', path, number=row.number
            )
        texts, starts = (answers.get(name) or [] for name in ("text", "answer_start"))
        if not isinstance(texts, list) or not isinstance(starts, list):
            raise row_error('expected "text" and "answer_start" of the answers to be lists', path, number=row.number)
        pairs = tuple(zip(texts, starts, strict=False))
        yield SquadQuestion(
            read_id(row, "id", path) if "id" in row.values else str(row.number),
            read_text_cell(row, "question", path),
            " ".join(read_text_cell(row, "title", path).split()),
            read_text_cell(row, "context", path),
            tuple((str(text), start) for text, start in pairs),
            impossible=not pairs,
        )


def _list_questions(path: Path, value: Any) -> Iterator[SquadQuestion]:
    for article in _take(value, "data", list, path):
        title = " ".join(str(article.get("title") or "").split()) if isinstance(article, dict) else ""
        for paragraph in _take(article, "paragraphs", list, path):
            context = replace_surrogates(_take(paragraph, "context", str, path))
            asked = _take(paragraph, "qas", list, path) if paragraph.get("qas") else []
            if not asked:
                yield SquadQuestion("", "", title, context, (), impossible=False)
            for entry in asked:
                query_id = _check(str(entry.get("id") if isinstance(entry, dict) else entry), path)
                text = replace_surrogates(_take(entry, "question", str, path))
                given = _take(entry, "answers", list, path) if entry.get("answers") else []
                answers = tuple((str(_take(one, "text", str, path)), one.get("answer_start")) for one in given)
                impossible = bool(entry.get("is_impossible")) or not answers
                yield SquadQuestion(query_id, text, title, context, () if impossible else answers, impossible=impossible)


def _add_context(question: SquadQuestion, contents: Contents, counts: _Counts, path: Path) -> str:
    key = (question.title, question.context)
    if key not in counts.documents:
        number = counts.of_title.get(question.title, 0)
        counts.of_title[question.title] = number + 1
        counts.documents[key] = _check(f"{question.title or path.stem}#{number}", path)
        contents.corpus.add(counts.documents[key], question.title, question.context, {})
    return counts.documents[key]


def _place_answers(question: SquadQuestion, counts: _Counts) -> list[tuple[int, int]]:
    """The distinct spans of the answers: where they are said to begin, else where they stand if that is one place."""
    spans: dict[tuple[int, int], None] = {}
    for given, start in question.answers:
        text = replace_surrogates(given)
        if not text:
            counts.unplaced += 1
        elif isinstance(start, int) and start >= 0 and question.context[start : start + len(text)] == text:
            spans[start, start + len(text)] = None
        elif question.context.count(text) == 1:
            counts.moved += 1
            spans[question.context.index(text), question.context.index(text) + len(text)] = None
        else:
            counts.unplaced += 1
    return list(spans)


def _note(counts: _Counts) -> list[str]:
    notes = []
    if counts.impossible:
        verb = "is" if counts.impossible == 1 else "are"
        notes.append(
            f"{counts.impossible:,} of {count_of(counts.questions, 'query')} {verb} marked as having no answer: not judged, "
            "and in no measure."
        )
    if counts.moved:
        notes.append(f"{count_of(counts.moved, 'answer')} stood at another place than said; the place in the text was taken.")
    if counts.unplaced:
        verb = "is" if counts.unplaced == 1 else "are"
        notes.append(
            f"{count_of(counts.unplaced, 'answer')} {verb} not in the text where said, nor at one other place: no evidence, "
            "the document counts as relevant."
        )
    return notes


def _take(value: Any, name: str, kind: type, path: Path) -> Any:
    if not isinstance(value, dict) or not isinstance(value.get(name), kind):
        found = kind_of(value.get(name)) if isinstance(value, dict) else kind_of(value)
        raise InputError(f'expected "{name}" to be {kind_of(kind())} in each object that has one, found {found}', file=path)
    return value[name]


def _check(name: str, path: Path) -> str:
    problem = check_id(name)
    if problem:
        raise InputError(f"an id {problem}", file=path)
    return name
