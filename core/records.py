"""Records: what the workspace keeps as JSON is a typed dataclass, written and read here with the number of its format.

A record says with its fields what its file may hold. Reading checks every field, so that a damaged or foreign file is told
at once and an error of ours stays one: no AttributeError, KeyError or TypeError is ever taken for a damaged file. A file that
an older version of the program wrote is brought up to the present format while it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec
import numpy as np
import pandas as pd

from core.errors import DamagedFile, InputError, LadderError
from core.storage.damage import find_whole, is_damage, say_damage
from core.storage.files import read_json, write_json

Content = dict[str, Any]
Record = TypeVar("Record")
_FORMAT = "format"


class RecordFile(Generic[Record]):
    """The kind of file that holds one record as JSON: {"format": number, field: value, ...}.

    record: a dataclass or TypedDict of JSON values, tuples, frames (see encode()) and other such. upgrades: one function for
    each older format, oldest first, that makes the content of the next one from it; a file without a number is of format 0.
    cure: what to do about a damaged file, as the end of a sentence. leave_out: fields that are kept elsewhere; read() is given
    them, or they have a default. sealed: the file has its checksum; False for files that people write too.
    """

    def __init__(
        self,
        record: type[Record],
        *,
        upgrades: Sequence[Callable[[Any], Content]],
        cure: str,
        leave_out: Sequence[str] = (),
        sealed: bool = True,
    ) -> None:
        self.record = record
        self._sealed = sealed
        self.cure = cure
        self._leave_out = frozenset(leave_out)
        self.format = len(upgrades)
        self._upgrades = tuple(upgrades)

    def write(self, file: Path, record: Record) -> None:
        """Writes the record, whole or not at all. Raises ValueError for NaN and infinity."""
        fields = record if isinstance(record, dict) else vars(record)
        kept = {name: value for name, value in fields.items() if name not in self._leave_out}
        write_json(file, {_FORMAT: self.format, **encode(kept)}, sealed=self._sealed)

    def read(self, file: Path, **left_out: Any) -> Record:
        """The record in a file; left_out: the fields that are kept elsewhere.

        Raises FileNotFoundError if there is none, DamagedFile if it cannot be read, a field is missing or is something else,
        InputError if a later version of this program wrote it.
        """
        try:
            content = read_json(file)
        except FileNotFoundError:
            raise
        except (OSError, ValueError) as error:
            if not is_damage(error):
                raise
            raise self._say_damaged(file, say_damage(error)) from error
        return self._decode(content, file, left_out)

    def find(self, file: Path, *, root: Path, **left_out: Any) -> Record | None:
        """read(), for a record that can be made again: None if there is no file, or a damaged one, which is set aside in the
        workspace `root`."""
        return find_whole(file, lambda found: self.read(found, **left_out), root=root)

    def _decode(self, content: Any, file: Path, left_out: Content) -> Record:
        number = content.get(_FORMAT, 0) if isinstance(content, dict) else 0
        number = number if isinstance(number, int) else 0  # an old file may have had a field of this name
        if number > self.format:
            raise InputError(
                f"was written by a later version of this program (format {number}, this one reads up to {self.format}); "
                "install that version to open it",
                file=file,
            )
        kept = content if number == 0 else {name: value for name, value in content.items() if name != _FORMAT}
        for before in range(max(number, 0), self.format):
            try:
                kept = self._upgrades[before](kept)
            except (AttributeError, KeyError, TypeError, ValueError) as error:  # it never was of that format
                raise self._say_damaged(file, f"{type(error).__name__} in format {before}") from error
        if not isinstance(kept, dict):
            raise self._say_damaged(file, f"expected fields, found {type(kept).__name__}")
        try:
            return msgspec.convert({**kept, **left_out}, self.record, dec_hook=_decode_frame)
        except (msgspec.ValidationError, LadderError) as error:  # of a wrong type, or out of its range
            raise self._say_damaged(file, str(error)) from error

    def _say_damaged(self, file: Path, why: str) -> DamagedFile:
        return DamagedFile(f"cannot be read ({why}); {self.cure}", file=file, why=why)


def keep_content(content: Any) -> Any:
    """The upgrade of a format whose content is the next one's already; fields that it lacks have a default."""
    return content


def encode(record: Any) -> Content:
    """A record as JSON values: tuples become lists, frames {"columns": names, "rows": [[value, ...], ...]}, null for NaN."""
    encoded: Content = msgspec.to_builtins(record, enc_hook=_encode_other)
    return encoded


def decode(content: Any, kind: type[Record]) -> Record:
    """The record that encode() gave; fields that are missing have their defaults, others are left out.

    Raises InputError if a field is something else, or out of its range.
    """
    try:
        return msgspec.convert(content, kind, dec_hook=_decode_frame)
    except msgspec.ValidationError as error:
        raise InputError(f"{kind.__name__} cannot be read: {error}; ask for it anew") from error


def as_records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON values: NaN and infinity become null, numpy numbers plain ones."""
    return [{str(name): _plain(value) for name, value in row.items()} for row in frame.to_dict("records")]


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value


def _encode_other(value: Any) -> Any:
    if isinstance(value, pd.DataFrame):
        return {"columns": [str(name) for name in value.columns], "rows": [list(row.values()) for row in as_records(value)]}
    if isinstance(value, np.generic):
        return value.item()
    raise NotImplementedError(f"{type(value).__name__} has no place in a record")


def _decode_frame(kind: type, value: Any) -> Any:
    if kind is not pd.DataFrame:
        raise NotImplementedError(f"{kind.__name__} has no place in a record")
    if isinstance(value, pd.DataFrame):  # left out of the file, and given
        return value
    if not isinstance(value, dict) or not isinstance(value.get("columns"), list) or not isinstance(value.get("rows"), list):
        raise ValueError("Expected a table of columns and rows")
    columns, rows = value["columns"], value["rows"]
    if not all(isinstance(row, list) and len(row) == len(columns) for row in rows):
        raise ValueError(f"Expected rows of {len(columns)} values")
    return pd.DataFrame(rows, columns=columns)
