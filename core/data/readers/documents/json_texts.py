"""JSON files: every value under its name. A list of objects, and every line of a .jsonl, is a document each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.data.readers.documents.kind import Extracted
from core.data.readers.documents.reading import Reading
from core.data.readers.encoding import decode_text
from core.data.readers.json_values import to_json
from core.data.readers.jsonl import check_id
from core.errors import InputError

_TITLES = ("title", "name", "headline", "subject", "question")
_TEXTS = ("text", "body", "content", "contents", "page_content", "description", "answer")
_IDS = ("_id", "id", "doc_id", "docid", "url")
_SHORT = 200  # letters of a value that may be metadata


def read_json(data: bytes, path: Path, reading: Reading) -> list[Extracted]:
    """The documents of a .json file. Raises InputError with the line if it is not JSON."""
    text = decode_text(data, path)
    try:
        value = _parse(text)
    except json.JSONDecodeError as error:
        try:  # several values one after the other, which many tools call .json too
            values = [_parse(line) for line in text.split("\n") if line.strip()]
        except (ValueError, RecursionError):
            raise InputError(f"is not valid JSON ({error.msg}); correct it", file=path, line=error.lineno) from error
        return _make_documents(values, path)
    except (ValueError, RecursionError) as error:
        raise InputError(f"is JSON that cannot be read ({type(error).__name__}); split it", file=path) from error
    if isinstance(value, list) and value and all(isinstance(item, (dict, str)) for item in value):
        return _make_documents(value, path)
    return _make_documents([value], path)


def read_json_lines(data: bytes, path: Path, reading: Reading) -> list[Extracted]:
    """A document for every line of a .jsonl file. Raises InputError with the line that is not JSON."""
    values = []
    for number, line in enumerate(decode_text(data, path).split("\n"), start=1):
        if line.strip():
            try:
                values.append(_parse(line))
            except (ValueError, RecursionError) as error:
                reason = getattr(error, "msg", type(error).__name__)
                raise InputError(f"is not valid JSON ({reason}); correct the line", file=path, line=number) from error
    return _make_documents(values, path, always_many=True)


def parse_document(data: bytes, path: Path) -> Any:
    """The only value of a file. Raises InputError with the line if it is not JSON."""
    try:
        return _parse(decode_text(data, path))
    except json.JSONDecodeError as error:
        raise InputError(f"is not valid JSON ({error.msg}); correct it", file=path, line=error.lineno) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"is JSON that cannot be read ({type(error).__name__}); split it", file=path) from error


def _parse(text: str) -> Any:
    return json.loads(text)


def _make_documents(values: list[Any], path: Path, *, always_many: bool = False) -> list[Extracted]:
    several = always_many or len(values) > 1
    try:
        return [_make_document(value, str(number) if several else "") for number, value in enumerate(values, start=1)]
    except RecursionError as error:
        raise InputError("is JSON nested too deeply to be read; flatten it", file=path) from error


def _make_document(value: Any, part: str) -> Extracted:
    if not isinstance(value, dict):
        return Extracted(text="\n".join(_list_lines(value, "")), part=part)
    title_name = _first_text(value, _TITLES)
    title = " ".join(value[title_name].split()) if title_name else ""
    text_name = _first_text(value, _TEXTS)
    doc_id = next(
        (str(value[name]) for name in _IDS if isinstance(value.get(name), (str, int)) and check_id(str(value[name])) is None),
        None,
    )
    flat = {name: item for name, item in value.items() if isinstance(item, (str, int, float)) and len(str(item)) <= _SHORT}
    metadata = {name: to_json(item) for name, item in flat.items() if name not in (title_name, text_name)}
    known = {title_name, text_name, *metadata} if text_name else {title_name}
    rest = {name: item for name, item in value.items() if name not in known}
    body = [value[text_name].strip()] if text_name else []
    lines = "\n".join(_list_lines(rest, ""))
    return Extracted("\n\n".join(filter(None, [*body, lines])), title, metadata, part=part, doc_id=doc_id if part else None)


def _first_text(value: dict[str, Any], names: tuple[str, ...]) -> str:
    return next((name for name in names if isinstance(value.get(name), str) and value[name].strip()), "")


def _list_lines(value: Any, name: str) -> Iterator[str]:
    """ "steps.time: 5" for every value that says something, however deep it stands."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _list_lines(item, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        if value and all(not isinstance(item, (dict, list)) for item in value):
            yield from _list_lines(", ".join(str(item) for item in value if item is not None), name)
        else:
            for item in value:
                yield from _list_lines(item, name)
    elif value is not None and value != "":
        yield f"{name}: {value}" if name else str(value)
