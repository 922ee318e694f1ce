"""Strict JSON Lines: every line one object, every error with file, line and cure."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.data.readers.encoding import check_regular_file, not_utf8, replace_surrogates
from core.data.readers.values import SHEET_ERRORS
from core.errors import InputError
from core.text.phrases import first_five, shorten

Record = dict[str, Any]
MAX_DEPTH = 100  # levels of lists and objects within each other: what reads them goes from level to level by calling itself
_STRUCTURE = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]')
_LONG_NUMBER = re.compile(r"\d{19}")  # 2^63 has 19 digits
_INT64 = range(-(2**63), 2**63)
_KINDS = {str: "text", bool: "true/false", int: "a number", float: "a number", list: "a list", dict: "an object"}


def kind_of(value: Any) -> str:
    """The JSON type of a value in plain words: "text", "a number", "null"."""
    return "null" if value is None else _KINDS.get(type(value), type(value).__name__)


def read_jsonl(path: Path) -> Iterator[tuple[int, Record]]:
    """Yields (line number from 1, object) for every line that is not blank; a byte order mark is tolerated.

    Raises InputError for an empty or missing file, bytes that are not UTF-8, broken JSON, a name given twice in one
    object, NaN, numbers beyond 64 bits, more than MAX_DEPTH levels, and lines that are not objects. A whole number beyond
    64 bits may stand as a field of the object itself, where it can be an id.
    """
    check_regular_file(path)
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
        value = parse_json(line)
    except ValueError as error:
        raise InputError(_explain(line, error), file=path, line=number) from error
    if not isinstance(value, dict):
        cure = "write one JSON object per line (JSON Lines), not one array" if line[0] == "[" else "write an object"
        raise InputError(f"found {kind_of(value)}, expected a JSON object; {cure}", file=path, line=number)
    if _LONG_NUMBER.search(line):
        _check_numbers(value, path, line=number)
    return value


def parse_json(text: str) -> Any:
    """The value of a JSON text, half characters in it mended.

    Raises ValueError for broken JSON, a name given twice in one object, NaN and infinity, numbers that no float can hold, whole
    numbers of more than 4,300 digits, and more than MAX_DEPTH levels.
    """
    check_depth(text)
    value = json.loads(text, object_pairs_hook=_unique_names, parse_float=_parse_float, parse_constant=_refuse_constant)
    # Only an escape can bring in half a character.
    return mend_surrogates(value) if "\\ud" in text or "\\uD" in text else value


def check_depth(text: str) -> None:
    """Raises ValueError for JSON of more than MAX_DEPTH levels."""
    if text.count("[") + text.count("{") > MAX_DEPTH and _depth_of(text) > MAX_DEPTH:
        raise ValueError(f"more than {MAX_DEPTH} levels within each other")


def _check_numbers(record: Record, path: Path, *, line: int) -> None:
    for name, value in record.items():
        beyond = find_beyond_64_bits(value) if isinstance(value, dict | list) else None
        if beyond is not None:
            raise InputError(
                f'"{shorten(name)}" holds {shorten(str(beyond))}, a number beyond 64 bits; put it in quotes',
                file=path,
                line=line,
            )


def _depth_of(line: str) -> int:
    """How many lists and objects stand within each other; signs in texts are passed over, broken JSON does not matter."""
    depth = deepest = 0
    for match in _STRUCTURE.finditer(line):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(match[0], 0)
        deepest = max(depth, deepest)
    return deepest


def _explain(line: str, error: ValueError) -> str:
    if line in ("{", "["):
        return "found JSON that is spread over several lines; write one complete JSON object per line (JSON Lines)"
    if isinstance(error, json.JSONDecodeError):
        reason = f"{error.msg} at column {error.colno}"
    else:
        reason = str(error).partition("; use sys.")[0]  # Python's own words on a number of more than 4,300 digits
    return f"broken JSON ({reason}): {shorten(line)}; correct or delete this line"


def _unique_names(pairs: list[tuple[str, Any]]) -> Record:
    record = dict(pairs)
    if len(record) != len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise ValueError(f'the name "{shorten(twice)}" occurs twice in one object')
    return record


def _parse_float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{shorten(text)} is beyond what a number can hold")
    return number


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def mend_surrogates(value: Any) -> Any:
    """A JSON value with U+FFFD for half characters. Raises ValueError if two names of an object become one."""
    if isinstance(value, str):
        return replace_surrogates(value)
    if isinstance(value, list):
        return [mend_surrogates(item) for item in value]
    if isinstance(value, dict):
        return _unique_names([(replace_surrogates(name), mend_surrogates(item)) for name, item in value.items()])
    return value


def find_beyond_64_bits(value: Any) -> int | None:
    """A whole number in a JSON value that no 64 bits can hold, or None."""
    if isinstance(value, int):
        return None if value in _INT64 else value
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next((found for item in items if (found := find_beyond_64_bits(item)) is not None), None)


def take_id(record: Record, field: str, *, path: Path, line: int) -> str:
    """The id of a record as str; whole numbers are accepted. Raises InputError if it is missing or unfit."""
    if field not in record:
        names = first_five(list(record)) or "none"
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
    if value in SHEET_ERRORS:
        return f"is {value}, an error of a spreadsheet's formula; correct it"
    if value != value.strip() or any(character in value for character in "\t\r\n"):
        return f"{shorten(repr(value))} begins or ends with white space or holds a tab or line end; take it out"
    return None


def take_text(record: Record, field: str, *, path: Path, line: int, required: bool = False) -> str:
    """A text field as str; "" if it is absent or null and not required. Raises InputError for other types."""
    if field not in record:
        if required:
            names = first_five(list(record)) or "none"
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
            f'the {what} id "{shorten(value)}" was already used on line {seen[value]}; '
            "ids must be unique: rename or delete one",
            file=path,
            line=line,
        )
    seen[value] = line
