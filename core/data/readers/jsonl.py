"""Strict JSON Lines: every line one object, every error with file, line and cure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.data.readers.encoding import not_utf8, replace_surrogates
from core.errors import InputError
from core.text.phrases import shorten

Record = dict[str, Any]
_KINDS = {str: "text", bool: "true/false", int: "a number", float: "a number", list: "a list", dict: "an object"}


def kind_of(value: Any) -> str:
    """The JSON type of a value in plain words: "text", "a number", "null"."""
    return "null" if value is None else _KINDS.get(type(value), type(value).__name__)


def read_jsonl(path: Path) -> Iterator[tuple[int, Record]]:
    """Yields (line number from 1, object) for every line that is not blank; a byte order mark is tolerated.

    Raises InputError for an empty or missing file, bytes that are not UTF-8, broken JSON, a name given twice in one
    object, NaN, and lines that are not objects.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror}); check its name and permissions", file=path) from error
    found = False
    with file:
        # Lines are split at \n only: JSON strings may hold other line separators such as U+2028 as they are.
        for number, raw in enumerate(file, start=1):
            try:
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip(" \t\r\n")
            except UnicodeDecodeError as error:
                raise not_utf8(path, raw + file.read(100_000), line=number) from error
            if line:
                found = True
                yield number, _parse_line(line, path, number=number)
    if not found:
        raise InputError("the file is empty; expected one JSON object per line", file=path)


def _parse_line(line: str, path: Path, *, number: int) -> Record:
    try:
        value = json.loads(line, object_pairs_hook=_unique_names, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InputError(_explain(line, error), file=path, line=number) from error
    if not isinstance(value, dict):
        cure = "write one JSON object per line (JSON Lines), not one array" if line[0] == "[" else "write an object"
        raise InputError(f"found {kind_of(value)}, expected a JSON object; {cure}", file=path, line=number)
    if "\\ud" in line or "\\uD" in line:  # only an escape can bring in half a character
        value = _mend(value)
    return value


def _explain(line: str, error: Exception) -> str:
    if line in ("{", "["):
        return "found JSON that is spread over several lines; write one complete JSON object per line (JSON Lines)"
    if isinstance(error, json.JSONDecodeError):
        reason = f"{error.msg} at column {error.colno}"
    else:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
    return f"broken JSON ({reason}): {shorten(line)}; correct or delete this line"


def _unique_names(pairs: list[tuple[str, Any]]) -> Record:
    record = dict(pairs)
    if len(record) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f'the name "{twice}" occurs twice in one object')
    return record


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _mend(value: Any) -> Any:
    if isinstance(value, str):
        return replace_surrogates(value)
    if isinstance(value, list):
        return [_mend(item) for item in value]
    if isinstance(value, dict):
        return {replace_surrogates(name): _mend(item) for name, item in value.items()}
    return value


def take_id(record: Record, field: str, *, path: Path, line: int) -> str:
    """The id of a record as str; whole numbers are accepted. Raises InputError if it is missing or unfit."""
    if field not in record:
        names = ", ".join(record) or "none"
        raise InputError(
            f'the field "{field}" is missing (fields found: {names}); add it, or load the file as a table '
            "and say which column is the id",
            file=path,
            line=line,
        )
    value = record[field]
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise InputError(f'"{field}" is {kind_of(value)}, expected text; put the id in quotes', file=path, line=line)
    problem = check_id(value)
    if problem:
        raise InputError(f'"{field}" {problem}', file=path, line=line)
    return value


def check_id(value: str) -> str | None:
    """Why this text cannot be an id, or None. Tabs and line ends would break judgment and run files."""
    if not value.strip():
        return "is empty; give every record an id"
    if value != value.strip() or any(character in value for character in "\t\r\n"):
        return f"{value!r} begins or ends with white space or holds a tab or line end; take it out"
    return None


def take_text(record: Record, field: str, *, path: Path, line: int, required: bool = False) -> str:
    """A text field as str; "" if it is absent or null and not required. Raises InputError for other types."""
    if field not in record:
        if required:
            names = ", ".join(record) or "none"
            raise InputError(f'the field "{field}" is missing (fields found: {names}); add it', file=path, line=line)
        return ""
    value = record[field]
    if value is None and not required:
        return ""
    if not isinstance(value, str):
        cure = 'write "" for an empty one' if value is None else "put it in quotes"
        raise InputError(f'"{field}" is {kind_of(value)}, expected text; {cure}', file=path, line=line)
    return value


def note_id(seen: dict[str, int], value: str, *, what: str, path: Path, line: int) -> None:
    """Adds an id and its line to `seen`, which is changed; raises InputError naming both lines if it is known."""
    if value in seen:
        raise InputError(
            f'the {what} id "{value}" was already used on line {seen[value]}; ids must be unique: rename or delete one',
            file=path,
            line=line,
        )
    seen[value] = line
