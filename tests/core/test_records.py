"""Records come back as they were written, older ones too; damage is told, and errors of ours are not taken for it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import pandas as pd
import pytest

from core.errors import InputError
from core.records import RecordFile, as_records, keep_content
from core.storage.files import read_json


def test_rows_are_json_values() -> None:
    frame = pd.DataFrame(
        {"name": ["a", "b"], "n": np.array([1, 2], dtype=np.int64), "mean": [0.5, np.nan], "far": [np.inf, 1.0],
         "passages": [("x", "y"), (np.float32(0.5),)]}
    )  # fmt: skip
    rows = as_records(frame)
    assert rows == [
        {"name": "a", "n": 1, "mean": 0.5, "far": None, "passages": ["x", "y"]},
        {"name": "b", "n": 2, "mean": None, "far": 1.0, "passages": [0.5]},
    ]
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    assert as_records(frame[:0]) == []


@dataclass(frozen=True)
class Inner:
    name: str
    spans: tuple[tuple[int, int], ...] = ()


class Mean(TypedDict):
    mean: float
    n: int


@dataclass(frozen=True)
class Outer:
    inner: Inner
    means: dict[str, Mean]
    table: pd.DataFrame
    note: str = ""
    run: pd.DataFrame | None = None


CURE = "make it again"
FILE = RecordFile(Outer, upgrades=[lambda old: {**old, "note": old.pop("remark")}, keep_content], cure=CURE, leave_out=("run",))
TABLE = pd.DataFrame({"id": ["a", "b"], "value": [0.5, np.nan]})
OUTER = Outer(Inner("x", ((1, 2),)), {"AP": Mean(mean=0.25, n=3)}, TABLE, "seen", TABLE)
CONTENT: dict[str, Any] = {
    "format": 2,
    "inner": {"name": "x", "spans": [[1, 2]]},
    "means": {"AP": {"mean": 0.25, "n": 3}},
    "table": {"columns": ["id", "value"], "rows": [["a", 0.5], ["b", None]]},
    "note": "seen",
}


def write(file: Path, content: Any) -> Path:
    file.write_text(json.dumps(content), encoding="utf-8")
    return file


def test_a_record_comes_back_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "outer.json"
    FILE.write(file, OUTER)
    assert json.loads(file.read_text(encoding="utf-8")).pop("checksum", None)
    assert read_json(file) == CONTENT
    back = FILE.read(file, run=TABLE)
    assert (back.inner, back.means, back.note) == (OUTER.inner, OUTER.means, OUTER.note)
    assert back.run is TABLE  # left out, and given by who reads
    pd.testing.assert_frame_equal(back.table, TABLE)
    assert FILE.read(file).run is None


def test_an_empty_table_keeps_its_columns(tmp_path: Path) -> None:
    file = tmp_path / "outer.json"
    FILE.write(file, replace(OUTER, table=TABLE[:0]))
    assert list(FILE.read(file).table.columns) == ["id", "value"]


def test_an_older_format_is_brought_up_to_date(tmp_path: Path) -> None:
    """Format 0 had no number and said `remark`; format 1 was written in between."""
    old = {name: value for name, value in CONTENT.items() if name not in ("format", "note")}
    assert FILE.read(write(tmp_path / "0.json", {**old, "remark": "seen"})).note == "seen"
    assert FILE.read(write(tmp_path / "1.json", {**CONTENT, "format": 1})).note == "seen"
    without = {name: value for name, value in CONTENT.items() if name != "note"}
    assert FILE.read(write(tmp_path / "2.json", {**without, "unknown": 1})).note == ""  # a field may have a default


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ({**CONTENT, "inner": {"name": 7}}, "Expected `str`, got `int` - at `$.inner.name`"),
        ({**CONTENT, "means": {"AP": {"mean": "high", "n": 3}}}, "Expected `float`, got `str`"),
        ({**CONTENT, "means": {"AP": {"mean": 0.5}}}, "missing required field `n`"),
        ({"format": 2}, "missing required field `inner`"),
        ({**CONTENT, "table": [1]}, "Expected a table"),
        ({**CONTENT, "table": {"columns": ["id"], "rows": [["a", "b"]]}}, "Expected rows of 1 values"),
        ([1, 2], "TypeError in format 0"),
        ("text", "TypeError in format 0"),
        ({"inner": {}}, "KeyError in format 0"),
    ],
)
def test_a_damaged_file_is_told_with_the_field_and_the_cure(tmp_path: Path, content: Any, why: str) -> None:
    file = write(tmp_path / "outer.json", content)
    with pytest.raises(InputError) as error:
        FILE.read(file)
    assert str(error.value).startswith(f"{file}: cannot be read (")
    assert why in str(error.value)
    assert str(error.value).endswith(f"); {CURE}")


def test_half_a_file_is_told(tmp_path: Path) -> None:
    file = tmp_path / "outer.json"
    file.write_text('{"format": 2, "inner"', encoding="utf-8")
    with pytest.raises(InputError, match="it is no JSON"):
        FILE.read(file)
    with pytest.raises(FileNotFoundError):
        FILE.read(tmp_path / "nothing.json")


def test_a_later_format_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"later version of this program \(format 3, this one reads up to 2\)"):
        FILE.read(write(tmp_path / "outer.json", {**CONTENT, "format": 3}))


def test_an_error_of_ours_stays_one(tmp_path: Path) -> None:
    """What a damaged file cannot cause is not blamed on one."""

    @dataclass(frozen=True)
    class Broken:
        name: str

        def __post_init__(self) -> None:
            raise AttributeError("a mistake in the program")

    with pytest.raises(AttributeError, match="a mistake in the program"):
        RecordFile(Broken, upgrades=[], cure=CURE).read(write(tmp_path / "broken.json", {"name": "x"}))
    with pytest.raises(ValueError, match="not JSON compliant"):
        RecordFile(Inner, upgrades=[], cure=CURE).write(tmp_path / "inner.json", Inner("x", ((float("nan"), 1),)))  # type: ignore[arg-type]
