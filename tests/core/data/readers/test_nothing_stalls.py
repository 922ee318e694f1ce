"""Rules that look for something in tables and topics take time in proportion to what they read."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from core.data.readers.lists import list_entries
from core.data.readers.table_files import read_head, read_rows
from core.data.readers.trec import is_topics, read_topics
from core.errors import InputError


@contextmanager
def quickly() -> Iterator[None]:
    started = time.process_time()
    yield
    assert time.process_time() - started < 2


@pytest.mark.parametrize("text", ["<!-- -->" * 600 + "x", "<topics " * 600, " " * 5_000, "<?xml " * 800])
def test_beginnings_of_topics(text: str) -> None:
    with quickly():
        assert not is_topics(text)


@pytest.mark.parametrize(
    "text",
    ["<top>" * 100_000, "<top " * 100_000, "<top><num>1<title>" + " " * 300_000 + "x</top>" + "<top>" * 50_000],
    ids=range(3),
)
def test_topics_that_nothing_ends(text: str) -> None:
    with quickly(), pytest.raises(InputError, match="correct the file"):
        list(read_topics(text, Path("x")))


def test_lists_whose_quotes_nothing_ends() -> None:
    with quickly():
        assert list_entries("['a', '" + "\\x" * 100 + "]")[0] == ("a", None)


def test_a_header_of_many_columns(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    names = ",".join(f"c{number}" for number in range(60_000))
    path.write_text(f"{names},c7\n{'1,' * 60_000}1\n", encoding="utf-8")
    with quickly(), pytest.raises(InputError, match='has the column "c7" twice'):
        list(read_rows(path))


ODD = {
    "dates": pa.array([2**31 - 1], pa.date32()),
    "twice": pa.StructArray.from_arrays([pa.array([1]), pa.array([2])], names=["same", "same"]),
    "zone": pa.array([1], pa.timestamp("ns", "Mars/Olympus")),
}


@pytest.mark.parametrize("name", ODD)
def test_columns_that_python_has_no_values_for(name: str, tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pyarrow.parquet.write_table(pa.table({"id": ["a"], name: ODD[name]}), path)
    with pytest.raises(InputError, match=f'the column "{name}" holds values that cannot be read') as caught:
        read_head(path)
    assert caught.value.what.endswith("leave it out or write it as text")


def test_two_columns_of_one_name(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pyarrow.parquet.write_table(pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["id", "id"]), path)
    with pytest.raises(InputError, match='has the column "id" twice; rename one'):
        list(read_rows(path))


def test_a_column_whose_name_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pyarrow.parquet.write_table(pa.table({"name": ["a"]}), path, store_schema=False)
    path.write_bytes(path.read_bytes().replace(b"name", b"n\xffme"))
    with pytest.raises(InputError, match="is not a readable Parquet file"):
        list(read_rows(path))
