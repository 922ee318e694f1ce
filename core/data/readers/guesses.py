"""What a table holds, guessed from its name, the names of its columns, and the values of the first rows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from core.data.readers.columns import ANY_ID, ASKING, FIELDS, NAMES, REQUIRED, fields_of, is_grade_name, is_id_of, simplify
from core.data.readers.corpus import name_split
from core.data.readers.grade_words import are_grades
from core.data.readers.table_files import Head
from core.data.readers.trec import ITERATIONS
from core.data.readers.values import count_words, is_blank

# role -> what in a file's name suggests it: parts of words, and whole words
_HINTS = {
    "judgments": (("qrel", "judg", "label", "relevan", "rating", "grade", "bewertung", "相关", "評価"), ("rel", "gold")),
    "queries": (("quer", "question", "topic", "frage", "запрос", "вопрос", "查询", "问题", "質問", "クエリ"), ("qa",)),
    "corpus": (
        ("corpus", "collection", "document", "passage", "product", "article", "chunk", "content", "dokument", "文档", "文書"),
        ("doc", "docs", "texts"),
    ),
}
# Fields that a column's last word may suggest, where no whole name does and no other column ends so: product_description
_BY_LAST_WORD = {"corpus": ("id", "title", "text"), "queries": ("id", "text", "answer"), "judgments": ("query_id",)}
# Fields whose column says of what it is the id: anfrage_id, Dokumentnummer
_OF_DOCUMENTS = {*FIELDS["judgments"]["doc_id"], "passage", "product", "article", "item", "chunk", "artikel", "produkt"}
_OF_QUERIES = set(FIELDS["judgments"]["query_id"])
_BY_ID_ENDING = {
    "corpus": {"id": _OF_DOCUMENTS},
    "queries": {"id": _OF_QUERIES},
    "judgments": {"query_id": _OF_QUERIES, "doc_id": _OF_DOCUMENTS},
}
_OF_TOPICS = {"num", "topic", "topicid", "queryid", "qid", "questionid"}  # names beside the titles of TREC's topics
_FLAGS = {"0", "1", "0.0", "1.0", "true", "false"}
_TEXT_WORDS = 1.5  # a column with more words a value than this holds text


@dataclass(frozen=True)
class Guess:
    """What a table seems to be.

    role: "corpus", "queries", "judgments" or "" (none). mapping: field -> column. sure: whether the role follows from
    names, not from what is left over. note: what else it seems to be, as a sentence's rest, if it has no role.
    """

    role: str
    mapping: Mapping[str, str]
    sure: bool = True
    note: str = ""


def guess_mapping(columns: Sequence[str], *, role: str) -> dict[str, str]:
    """Canonical field -> column for the columns whose names suggest one; no column is used twice.

    role: "corpus", "queries" or "judgments", whose fields FIELDS lists. Fields without a likely column are left out.
    """
    by_name: dict[str, str] = {}
    for column in columns:
        by_name.setdefault(simplify(column), column)
    mapping: dict[str, str] = {}
    fields = fields_of(role)
    for field, names in sorted(fields.items(), key=lambda item: item[0] not in REQUIRED[role]):
        free = [by_name[name] for name in names if name in by_name and by_name[name] not in mapping.values()]
        if free:
            mapping[field] = free[0]
    for field, known in _BY_ID_ENDING[role].items():
        ids = [column for name, column in by_name.items() if is_id_of(name, known) and column not in mapping.values()]
        if field not in mapping and len(ids) == 1:
            mapping[field] = ids[0]
    for field in _BY_LAST_WORD[role]:
        known = {"id"} if field == "id" else set(fields[field])
        ending = [column for column in columns if column not in mapping.values() and _last_word(column) in known]
        if field not in mapping and len(ending) == 1:
            mapping[field] = ending[0]
    if role == "judgments" and "relevance" not in mapping:
        named = [column for column in columns if is_grade_name(column) and column not in mapping.values()]
        if len(named) == 1:  # which of several is asked
            mapping["relevance"] = named[0]
    return {field: mapping[field] for field in fields if field in mapping}


def _last_word(column: str) -> str:
    words = re.findall(r"[^\W_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column))
    return simplify(words[-1]) if len(words) > 1 else ""


def guess_columns(file: str, head: Head, *, role: str) -> dict[str, str]:
    """Field -> column for a table that is known to have this role."""
    guess = guess_head(file, head)
    return dict(guess.mapping) if guess.role == role else _check_split(guess_mapping(head.columns, role=role), head)


def guess_head(file: str, head: Head) -> Guess:
    """What a table holds that begins so."""
    values = {column: head.values_of(column) for column in head.columns}
    guess = _guess_by_names(file, head.columns, values) if head.is_named else _guess_by_places(file, head.columns, values)
    return replace(guess, mapping=_check_split(guess.mapping, head))


def _check_split(mapping: Mapping[str, str], head: Head) -> dict[str, str]:
    """Without the column of a dataset's parts if it says something else."""
    values = head.values_of(mapping["split"]) if "split" in mapping else []
    other = any(not is_blank(value) and name_split(value) is None for value in values)
    return {field: column for field, column in mapping.items() if field != "split" or not other}


def hint_of(file: str) -> str:
    """The role that a file's path suggests, "" if none: the file's own name counts before its folder's."""
    path = PurePosixPath(file.lower())
    for part in (path.stem, path.parent.name):
        for role, (parts, words) in _HINTS.items():
            if any(one in part for one in parts) or set(words) & set(re.findall(r"[a-z]+", part)):
                return role
    return ""


def _guess_by_names(file: str, columns: Sequence[str], values: Mapping[str, Sequence[Any]]) -> Guess:
    mappings = {role: guess_mapping(columns, role=role) for role in FIELDS}
    fits = {role: set(REQUIRED[role]) <= mappings[role].keys() for role in FIELDS}
    names, hint = {simplify(column) for column in columns}, hint_of(file)
    asks = bool({*names, *map(_last_word, columns)} & ASKING)
    if fits["judgments"]:
        if "rank" in names and simplify(mappings["judgments"].get("relevance", "score")) == "score":
            return Guess("", {}, note="it has ranks and scores, so it looks like a system's results, not like judgments")
        if not fits["corpus"] or ("relevance" in mappings["judgments"] and (asks or names & {"queryid", "qid", "questionid"})):
            return Guess("judgments", mappings["judgments"])
    numbered = _as_numbered_judgments(mappings["judgments"], columns, values)
    if numbered:
        alike = not _are_unique(values[numbered["query_id"]])
        return Guess("judgments", numbered, sure=alike or hint == "judgments")
    if fits["queries"] and not fits["corpus"] and not asks and hint != "queries" and "num" not in names:
        documents = _take_longest_as_text(mappings["corpus"], columns, values)
        if hint == "corpus" or "title" in documents:
            return Guess("corpus", _with_first_as_id(documents, columns, values), sure=hint == "corpus")
    if fits["queries"] and (asks or not fits["corpus"] or hint == "queries"):
        mapping = _with_first_as_id(mappings["queries"], columns, values)
        if {str(value).lower() for value in values.get(mapping.get("relevant", ""), [])} <= _FLAGS:
            mapping.pop("relevant", None)
        # Titles alone may as well be those of documents that lie beside the table.
        plain = asks or hint == "queries" or simplify(mapping["text"]) != "title" or names & _OF_TOPICS
        return _choose_by_grades(Guess("queries", mapping, sure=bool(plain)), columns, values)
    if fits["corpus"]:
        mapping = _with_first_as_id(mappings["corpus"], columns, values)
        own = any(simplify(column) not in ("id", "text") for column in mappings["corpus"].values())
        return Guess("corpus", mapping, sure=own or hint == "corpus")
    by_values = _guess_by_places(file, columns, values)
    return replace(by_values, sure=False) if "text" in by_values.mapping else Guess("", {})


def _as_numbered_judgments(
    mapping: Mapping[str, str], columns: Sequence[str], values: Mapping[str, Sequence[Any]]
) -> dict[str, str]:
    """Judgments whose queries stand in a column that says of nothing what it is the id of: Nr, document, grade; else {}."""
    if mapping.keys() - {"split"} != {"doc_id", "relevance"} or not are_grades(values[mapping["relevance"]]):
        return {}
    left = [column for column in columns if simplify(column) in ANY_ID and column not in mapping.values()]
    is_text = count_words(values[mapping["doc_id"]]) > _TEXT_WORDS
    return {} if len(left) != 1 or is_text else {"query_id": left[0], **mapping}


def _choose_by_grades(queries: Guess, columns: Sequence[str], values: Mapping[str, Sequence[Any]]) -> Guess:
    """Queries, or judgments that call a query by its text and a document "id": sure if a query or a document comes twice."""
    column, text = queries.mapping.get("id", ""), queries.mapping["text"]
    grades = [name for name in columns if is_grade_name(name) and are_grades(values[name])]
    if simplify(column) not in ANY_ID or not grades:
        return queries
    if _are_unique(values[column]) and _are_unique(values[text]):
        return replace(queries, sure=False)
    return Guess("judgments", {"query_id": text, "doc_id": column, "relevance": grades[0]})


def _take_longest_as_text(
    mapping: Mapping[str, str], columns: Sequence[str], values: Mapping[str, Sequence[Any]]
) -> dict[str, str]:
    """Documents whose text is in a column of an unknown name: the one with the most words; else the title is the text."""
    words = {column: count_words(values[column]) for column in columns if column not in mapping.values()}
    longest = max(words, key=lambda column: words[column], default="")
    if longest and words[longest] > _TEXT_WORDS:
        return {**mapping, "text": longest}
    return {"text" if field == "title" else field: column for field, column in mapping.items()}


def _with_first_as_id(
    mapping: Mapping[str, str], columns: Sequence[str], values: Mapping[str, Sequence[Any]]
) -> dict[str, str]:
    """Where no column is known to hold ids: the first, if it has one word in every row, another one each time."""
    first = columns[0]
    if "id" in mapping and simplify(mapping["id"]) not in NAMES and not _are_unique(values[mapping["id"]]):
        mapping = {field: column for field, column in mapping.items() if field != "id"}  # user_id of reviews, say
    if "id" in mapping or first in mapping.values() or count_words(values[first]) > 1 or any(map(is_blank, values[first])):
        return dict(mapping)
    return {"id": first, **mapping} if len(values[first]) > 1 and _are_unique(values[first]) else dict(mapping)


def _guess_by_places(file: str, columns: Sequence[str], values: Mapping[str, Sequence[Any]]) -> Guess:
    words = {column: count_words(values[column]) for column in columns}
    texts = [column for column in columns if words[column] > _TEXT_WORDS]
    iterations = len(columns) > 1 and {str(value).strip() for value in values[columns[1]]} <= ITERATIONS
    if len(columns) == 6 and iterations and not texts:
        return Guess("", {}, note="it looks like a system's results (a TREC run), not like judgments")
    hint = hint_of(file)
    if len(columns) == 4 and iterations and (hint == "judgments" or are_grades(values[columns[3]])):
        return Guess("judgments", {"query_id": columns[0], "doc_id": columns[2], "relevance": columns[3]})
    if len(columns) == 3 and columns[1] not in texts and are_grades(values[columns[2]]):
        return Guess("judgments", {"query_id": columns[0], "doc_id": columns[1], "relevance": columns[2]})
    if len(columns) == 2 and not texts and hint in ("judgments", ""):
        return Guess("judgments", {"query_id": columns[0], "doc_id": columns[1]}, sure=hint == "judgments")
    role = hint if hint in ("corpus", "queries") else "corpus"
    if len(columns) == 1:
        return Guess(role, {"text": columns[0]}, sure=bool(hint))
    text = max(columns, key=lambda column: words[column])
    ids = [column for column in columns if column != text and column not in texts and _are_unique(values[column])]
    urls = [column for column in columns if all(str(value).startswith(("http://", "https://")) for value in values[column])]
    if texts == list(columns[2:]) and len(columns) == 4 and not hint and not urls:
        return Guess("", {}, note="it looks like queries with the passages that a system found for them, not like judgments")
    if not ids:
        return Guess("", {})
    mapping = {"id": ids[0], "text": text}
    if len(columns) == 4 and urls == [columns[1]] and text == columns[3]:  # MS MARCO's documents: id, address, title, text
        return Guess("corpus", {"id": columns[0], "title": columns[2], "text": text})
    return Guess(role, mapping, sure=hint == role and len(columns) == 2)


def _are_unique(values: Sequence[Any]) -> bool:
    return len({str(value) for value in values}) == len(values)
