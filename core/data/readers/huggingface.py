"""The folder of a HuggingFace dataset: shards of Parquet (or Arrow) files, as corpus.jsonl, queries.jsonl and judgments.

Three ways of laying it out are read:
- corpus, queries and judgments in folders or splits of their own (BeIR, mteb): corpus/corpus-00000-of-00002.parquet,
  queries/queries-00000-of-00001.parquet, qrels/test-00000-of-00001.parquet or default/test-…; a judgments' split keeps its
  name. One language of several: de-corpus, de-queries, de-qrels.
- one table of queries, each with its relevant text (and maybe others): question and context, query and positive, negative.
- one table of texts: documents alone.
"""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from core.data.readers.arrow_rows import check_names, list_rows
from core.data.readers.encoding import replace_surrogates
from core.data.readers.grade_words import describe_words, map_words
from core.data.readers.guesses import guess_mapping
from core.data.readers.json_values import to_json
from core.data.readers.jsonl import check_id
from core.data.write import write_jsonl, write_qrels
from core.errors import InputError, SeveralDatasets
from core.text.phrases import count_of, first_five

_SHARD = re.compile(r"(?P<split>.+?)-(?P<number>\d{5})-of-(?P<total>\d{5})(?:-[0-9a-f]+)?")
_NUMBERED = re.compile(r"\d{4,}")  # 0000.parquet in CONFIGURATION/SPLIT, as the hub converts datasets
_SUFFIXES = (".parquet", ".arrow")
_ROLES = {
    "corpus": ("corpus", "documents", "passages", "docs", "collection"),
    "queries": ("queries", "query", "questions", "topics"),
    "judgments": ("qrels", "qrel", "judgments", "relevance"),
}
_SPLITS = ("train", "test", "dev", "validation", "val", "trec")
_NOTHING_SAID = {"data", "default", "partial"}  # parts of paths that name no configuration
_SPLIT_NAMES = {"validation": "dev", "val": "dev"}  # as judgments files are called
_QUERY, _RELEVANT, _OTHER = (
    ("query", "question", "anchor"),
    ("positive", "positives", "pos", "positivepassages", "context", "passage"),
    ("negative", "negatives", "neg", "negativepassages"),
)


@dataclass(frozen=True)
class ShardGroup:
    """The shards of one split of one configuration. role: "corpus", "queries", "judgments", or "" for any other table."""

    role: str
    configuration: str
    split: str
    files: tuple[Path, ...]
    columns: tuple[str, ...]

    def read(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """(where it stands, {column: value}) of every row; a thousand of them are in memory at once."""
        for file in self.files:
            number = 0
            for batch in _read_batches(file):
                for values in list_rows(batch, file):
                    number += 1
                    yield f"{file}, row {number}", values


def list_shards(folder: Path) -> list[Path]:
    """The files of a HuggingFace dataset in a folder and below; none if it is something else."""
    files = [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix in _SUFFIXES
        and path.is_file()
        and not any(part.startswith((".", "__MACOSX")) for part in path.relative_to(folder).parts)
    ]
    is_one = any(is_numbered(path) or (_NUMBERED.fullmatch(path.stem) and path.parent != folder) for path in files)
    return files if is_one or any(_find_role(path.parent.relative_to(folder).parts) for path in files) else []


def is_numbered(file: Path) -> bool:
    """Whether a file's name is that of a shard, whatever lies beside it."""
    return _SHARD.fullmatch(file.stem) is not None


def check_shards(folder: Path, files: list[Path]) -> None:
    """Raises InputError if shards of a split are missing, or if they belong to several datasets."""
    groups = _group(folder, [file for file in files if file.suffix in _SUFFIXES])
    names = list(dict.fromkeys(group.configuration for group in groups))
    if len(names) > 1:
        shown = first_five([name or "(no name)" for name in names])
        raise InputError(f"holds {len(names)} datasets ({shown}); give one of their folders", file=folder)


def shards_to_dataset_folder(folder: Path, target: Path, *, configuration: str | None = None) -> list[str]:
    """Writes the dataset as corpus.jsonl, queries.jsonl and qrels/SPLIT.tsv; returns sentences on what was left out or assumed.

    configuration: which of several ("de"). Raises InputError if a shard is missing or cannot be read, if it is not clear
    what the columns are, and for rows that do not fit.
    """
    groups = [_read_schema(group) for group in _group(folder, list_shards(folder))]
    notes: list[str] = []
    groups = _choose_configuration(groups, configuration, folder, notes)
    by_role = {role: [group for group in groups if group.role == role] for role in (*_ROLES, "")}
    if by_role["corpus"]:
        notes.extend(_write_parts(by_role, folder, target))
        unread = by_role[""]
    else:
        unread = by_role["queries"] + by_role["judgments"]
        notes.extend(_write_table(by_role[""], folder, target))
    _copy_labels(folder, target)
    if unread:
        notes.append(
            f"Not read: {first_five([file.relative_to(folder).as_posix() for group in unread for file in group.files])}."
        )
    return notes


def _copy_labels(folder: Path, target: Path) -> None:
    """Queries and judgments that lie beside the shards as files of their own, where the shards have none."""
    judged = (target / "qrels").is_dir()
    for file in (folder / "queries.jsonl", folder / "qrels.tsv", *sorted(folder.glob("qrels/*.tsv"))):
        copy = target / file.relative_to(folder)
        if file.is_file() and not (judged if file.suffix == ".tsv" else copy.exists()):
            copy.parent.mkdir(exist_ok=True)
            shutil.copyfile(file, copy)


def _find_role(parts: Iterable[str]) -> str:
    words = set(re.split(r"[^a-z0-9]+", " ".join(parts).lower()))
    return next((role for role, names in _ROLES.items() if words & set(names)), "")


def _group(folder: Path, files: list[Path]) -> list[ShardGroup]:
    found: dict[tuple[str, str, str], list[Path]] = {}
    for path in files:
        parts = list(path.relative_to(folder).parts[:-1])
        shard = _SHARD.fullmatch(path.stem)
        split = shard["split"] if shard else path.stem
        if parts and (_NUMBERED.fullmatch(split) or (split == "data" and path.suffix == ".arrow")):
            split = parts.pop()
        role = _find_role(parts) or _find_role([split])
        named = [word for part in parts for word in re.split(r"[^A-Za-z0-9]+", part)]
        if split.lower() not in _SPLITS and _find_role([split]) and not _find_role(parts):
            named += re.split(r"[^A-Za-z0-9]+", split)
        known = {*_NOTHING_SAID, *_SPLITS, *(name for names in _ROLES.values() for name in names)}
        configuration = "-".join(word for word in named if word and word.lower() not in known)
        found.setdefault((role, configuration, split), []).append(path)
    for paths in found.values():
        _check_complete(paths)
    return [ShardGroup(*key, tuple(paths), ()) for key, paths in sorted(found.items())]


def _check_complete(paths: list[Path]) -> None:
    """A shard that was not downloaded would be missing in silence."""
    shards = [match for path in paths if (match := _SHARD.fullmatch(path.stem))]
    totals = {int(match["total"]) for match in shards}
    numbers = {int(match["number"]) for match in shards}
    for total in totals:
        missing = sorted(set(range(total)) - numbers)
        if missing and len(totals) == 1:
            raise InputError(
                f"{count_of(len(missing), 'shard')} of {total} of the split {shards[0]['split']!r} "
                f"{'is' if len(missing) == 1 else 'are'} missing, the first is number {missing[0]:05}; "
                "download the folder again",
                file=paths[0].parent,
            )


def _read_schema(group: ShardGroup) -> ShardGroup:
    columns = tuple(_open(group.files[0]).schema.names)
    role = group.role
    judged = guess_mapping(list(columns), role="judgments")
    text = guess_mapping(list(columns), role="corpus").get("text")
    if {"query_id", "doc_id"} <= judged.keys() and text is None:
        role = "judgments"  # whatever the folder is called: mteb's is "default" or "data"
    elif role == "judgments":
        raise InputError(
            f"holds judgments by its name, but no columns that name query and document; found {', '.join(columns)}",
            file=group.files[0],
        )
    return ShardGroup(role, group.configuration, group.split, group.files, columns)


def _choose_configuration(groups: list[ShardGroup], wanted: str | None, folder: Path, notes: list[str]) -> list[ShardGroup]:
    """The groups of one configuration, and those that belong to all."""
    main = [group for group in groups if group.role == "corpus"] or [group for group in groups if not group.role]
    names = list(dict.fromkeys(group.configuration for group in main))
    if wanted is None and len(names) > 1:
        shown = first_five([name or "(no name)" for name in names])
        raise SeveralDatasets(
            f"holds {len(names)} datasets ({shown}); say which one, as in {folder}#{next(filter(None, names))}",
            names=[name for name in names if name],
            file=folder,
        )
    if wanted is not None and wanted not in names:
        raise InputError(f"has no dataset {wanted!r}; there is {first_five([name for name in names if name])}", file=folder)
    chosen = wanted if wanted is not None else (names[0] if names else "")
    kept = [group for group in groups if group.configuration in (chosen, "")]
    left = [group for group in groups if group not in kept]
    if left and wanted is None:
        notes.append(f"Not read, being of another configuration than the corpus: {_list_files(left, folder)}.")
    return kept


def _list_files(groups: list[ShardGroup], folder: Path) -> str:
    return first_five([file.relative_to(folder).as_posix() for group in groups for file in group.files])


def _open(file: Path) -> Any:
    """Something with .schema and batches, see _read_batches()."""
    import pyarrow
    import pyarrow.parquet

    try:
        if file.suffix == ".parquet":
            opened = pyarrow.parquet.ParquetFile(file)
            check_names(opened.schema_arrow.names, file)
            return _Parquet(opened, opened.schema_arrow)
        return pyarrow.ipc.open_stream(pyarrow.memory_map(str(file)))
    except (pyarrow.ArrowException, UnicodeDecodeError, OSError) as error:  # names of columns may be damaged too
        raise InputError(f"cannot be read ({type(error).__name__}); download it again", file=file) from error


@dataclass(frozen=True)
class _Parquet:
    file: Any
    schema: Any

    def __iter__(self) -> Iterator[Any]:
        return iter(self.file.iter_batches(batch_size=1_000))


def _read_batches(file: Path) -> Iterator[Any]:
    import pyarrow

    try:
        for batch in _open(file):
            for start in range(0, batch.num_rows, 1_000):
                yield batch.slice(start, 1_000)
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(f"is damaged ({type(error).__name__}); download it again", file=file) from error


def _write_parts(by_role: dict[str, list[ShardGroup]], folder: Path, target: Path) -> Iterator[str]:
    yield from _write_texts(by_role["corpus"], target / "corpus.jsonl", role="corpus")
    if by_role["queries"]:
        yield from _write_texts(by_role["queries"], target / "queries.jsonl", role="queries")
    if by_role["judgments"] and not by_role["queries"]:
        yield f"There are judgments, but no queries: {first_five([g.split for g in by_role['judgments']])} not read."
        return
    for group in by_role["judgments"]:
        yield from _write_judgments(group, target)


def _write_texts(groups: list[ShardGroup], file: Path, *, role: str) -> Iterator[str]:
    """Rows of all splits, each id once."""
    noun = "document" if role == "corpus" else "query"
    seen: dict[str, int] = {}
    repeated: list[str] = []
    unused: dict[str, None] = {}

    def make_records() -> Iterator[dict[str, Any]]:
        for group in groups:
            mapping = guess_mapping(list(group.columns), role=role)
            if "text" not in mapping:
                raise InputError(
                    f"has no column that is known to hold the text of a {noun}; found {', '.join(group.columns)}; load it as a "
                    "table on the Data page",
                    file=group.files[0],
                )
            if "id" not in mapping:
                raise InputError(
                    f"has no column that is known to hold the id of a {noun}; found {', '.join(group.columns)}",
                    file=group.files[0],
                )
            rest = [name for name in group.columns if name not in mapping.values()]
            if role == "queries":
                used = {mapping["id"], mapping["text"]}
                rest = [name for name in group.columns if name not in used]
                unused.update(dict.fromkeys(rest))
            for place, row in group.read():
                text_id = _take_id(row[mapping["id"]], place)
                record: dict[str, Any] = {"_id": text_id, "text": _take_text(row[mapping["text"]], place)}
                if role == "corpus":
                    record["title"] = _take_text(row.get(mapping.get("title", "")), place)
                    own = to_json(row.get(mapping.get("metadata", "")))
                    metadata = {**(own if isinstance(own, dict) else {}), **{name: to_json(row.get(name)) for name in rest}}
                    record["metadata"] = {name: value for name, value in metadata.items() if value is not None}
                content = hash((record["text"], record.get("title")))
                if text_id not in seen:
                    seen[text_id] = content
                    yield record
                elif seen[text_id] == content:
                    repeated.append(text_id)
                else:
                    raise InputError(f"the {noun} id {text_id!r} is there twice with different texts; rename one", file=place)

    write_jsonl(file, make_records())
    if repeated:
        many = count_of(len(repeated), noun)
        yield f"{many} with the id and the text of another {_was(repeated)} left out: {first_five(repeated)}."
    if unused:
        yield f"Columns of the queries that are not used: {first_five(list(unused))}."


def _write_judgments(group: ShardGroup, target: Path) -> Iterator[str]:
    mapping = guess_mapping(list(group.columns), role="judgments")
    grade = mapping.get("relevance")
    if grade is None:
        left = [name for name in group.columns if name not in mapping.values() and _is_numeric(group, name)]
        if left:
            raise InputError(
                f"has no column that is known to hold the grade, but numbers in {first_five(left)}; "
                'call the one with the grades "score"',
                file=group.files[0],
            )
        yield f"The judgments of {group.split} have no grades; every one counts as 1."
    ungraded: list[str] = []
    words = _read_words(group, grade) if grade else {}
    if words:
        yield describe_words(words)

    def make_rows() -> Iterator[tuple[str, str, Any]]:
        for place, row in group.read():
            query_id = _take_id(row[mapping["query_id"]], place)
            doc_ids, grades = _as_list(row[mapping["doc_id"]]), _as_list(row[grade]) if grade else []
            if grade and not grades:
                grades = [None]
            if grade and len(grades) not in (1, len(doc_ids)):
                raise InputError(
                    f"has {len(doc_ids)} documents and {len(grades)} grades; there must be one for each", file=place
                )
            if grade is None:
                grades = [1]
            for doc_id, value in zip(doc_ids, grades if len(grades) == len(doc_ids) else grades * len(doc_ids), strict=True):
                if value is None or (isinstance(value, float) and math.isnan(value)):
                    ungraded.append(query_id)
                    continue
                yield query_id, _take_id(doc_id, place), _take_grade(words.get(str(value).strip(), value), place)

    (target / "qrels").mkdir(exist_ok=True)
    name = _SPLIT_NAMES.get(group.split.lower(), group.split)
    write_qrels(target / "qrels" / f"{name}.tsv", make_rows())
    if ungraded:
        many = count_of(len(ungraded), "judgment")
        yield f"{many} without a grade {_was(ungraded)} left out, as not judged (queries {first_five(ungraded)})."


def _read_words(group: ShardGroup, column: str) -> dict[str, int]:
    """What the words in a column of grades stand for; none where it holds numbers, by its type."""
    if _is_numeric(group, column):
        return {}
    values = {str(value) for _, row in group.read() for value in _as_list(row[column])}
    try:
        return map_words(values)
    except ValueError as error:
        raise InputError(f'the grades in "{column}" {error}; write numbers in their place', file=group.files[0]) from error


def _is_numeric(group: ShardGroup, column: str) -> bool:
    import pyarrow

    kind = _open(group.files[0]).schema.field(column).type
    return bool(pyarrow.types.is_integer(kind) or pyarrow.types.is_floating(kind))


def _write_table(groups: list[ShardGroup], folder: Path, target: Path) -> list[str]:
    """One table: queries with their texts, or texts alone."""
    if not groups:
        raise InputError("has queries or judgments, but no corpus; add its shards in a folder called corpus", file=folder)
    columns = groups[0].columns
    plain = {re.sub(r"[^a-z0-9]", "", name.lower()): name for name in columns}
    query = next((plain[name] for name in _QUERY if name in plain), None)
    relevant = [plain[name] for name in _RELEVANT if name in plain]
    if query is not None and relevant:
        return _write_pairs(groups, target, query=query, relevant=relevant[0], plain=plain)
    mapping = guess_mapping(list(columns), role="corpus")
    if query is not None or "text" not in mapping:
        raise InputError(
            f"it is not clear which of its columns hold documents ({', '.join(columns)}); load it as a table on the Data page, "
            "where you say what is what",
            file=groups[0].files[0],
        )
    if "id" in mapping:
        return list(_write_texts(groups, target / "corpus.jsonl", role="corpus"))

    def make_records() -> Iterator[dict[str, Any]]:
        number = 0
        for group in groups:
            for place, row in group.read():
                number += 1
                rest = {name: to_json(value) for name, value in row.items() if name not in mapping.values()}
                yield {
                    "_id": str(number),
                    "title": _take_text(row.get(mapping.get("title", "")), place),
                    "text": _take_text(row[mapping["text"]], place),
                    "metadata": {name: value for name, value in rest.items() if value is not None},
                }

    write_jsonl(target / "corpus.jsonl", make_records())
    return ["The documents have no ids; they are numbered from 1."]


def _write_pairs(groups: list[ShardGroup], target: Path, *, query: str, relevant: str, plain: dict[str, str]) -> list[str]:
    """Texts become documents and queries by what they say, each once."""
    other = next((plain[name] for name in _OTHER if name in plain), None)
    title = plain.get("title")
    documents: dict[tuple[str, str], str] = {}
    queries: dict[str, str] = {}
    judged: dict[str, dict[tuple[str, str], int]] = {}
    empty = 0
    for group in groups:
        name = _SPLIT_NAMES.get(group.split.lower(), group.split)
        pairs = judged.setdefault(name, {})
        for place, row in group.read():
            asked = _take_text(row.get(query), place)
            if not asked.strip():
                empty += 1
                continue
            query_id = queries.setdefault(asked, f"q{len(queries) + 1}")
            heading = _take_text(row.get(title), place) if title else ""
            for column, grade in ((relevant, 1), (other, 0)):
                for text in _as_list(row.get(column) if column else None):
                    own, words = _take_passage(text, heading, place)
                    if words.strip():
                        doc_id = documents.setdefault((own, words), f"d{len(documents) + 1}")
                        pairs[query_id, doc_id] = max(grade, pairs.get((query_id, doc_id), 0))
    write_jsonl(
        target / "corpus.jsonl",
        ({"_id": doc_id, "title": own, "text": words} for (own, words), doc_id in documents.items()),
    )
    write_jsonl(target / "queries.jsonl", ({"_id": query_id, "text": asked} for asked, query_id in queries.items()))
    (target / "qrels").mkdir(exist_ok=True)
    for name, pairs in judged.items():
        write_qrels(target / "qrels" / f"{name}.tsv", ((*pair, grade) for pair, grade in pairs.items()))
    notes = [
        f'Each distinct text of "{relevant}"' + (f' and "{other}"' if other else "") + " is a document, each distinct text of "
        f'"{query}" a query; their ids are numbers. "{relevant}" counts as relevant (1)'
        + (f', "{other}" as not (0).' if other else ".")
    ]
    unused = [name for name in groups[0].columns if name not in (query, relevant, other, title)]
    if unused:
        notes.append(f"Columns that are not used: {first_five(unused)}.")
    if empty:
        notes.append(f"{count_of(empty, 'row')} without a query {'was' if empty == 1 else 'were'} left out.")
    return notes


def _take_passage(value: Any, heading: str, place: str) -> tuple[str, str]:
    """(title, text) of a text, or of an object with a text."""
    if isinstance(value, dict):
        mapping = guess_mapping(list(value), role="corpus")
        if "text" not in mapping:
            raise InputError(f"a passage has no text; its fields are {', '.join(value)}", file=place)
        return _take_text(value.get(mapping.get("title", "")), place), _take_text(value[mapping["text"]], place)
    return heading, _take_text(value, place)


def _take_id(value: Any, place: str) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # whole numbers become floats in a column that once had a gap
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    problem = check_id(value) if isinstance(value, str) else f"is {type(value).__name__}, expected text"
    if problem:
        raise InputError(f"the id {problem}; correct it", file=place)
    return replace_surrogates(value)


def _take_text(value: Any, place: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InputError(
            f"holds {type(value).__name__} where a text was expected; load it as a table on the Data page", file=place
        )
    return replace_surrogates(value)


def _take_grade(value: Any, place: str) -> Any:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError as error:
            raise InputError(f"the grade is {value!r}, expected a number; correct it", file=place) from error
    return int(value) if float(value).is_integer() else value


def _as_list(value: Any) -> list[Any]:
    """The values of a cell, of lists within lists too."""
    if isinstance(value, list | tuple):
        return list(chain.from_iterable(_as_list(entry) for entry in value))
    return [] if value is None else [value]


def _was(items: list[str]) -> str:
    return "was" if len(items) == 1 else "were"
