"""JSON Lines: what a line may hold, and that no line can stall or crash the reading."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from core.data.readers.jsonl import read_jsonl
from core.errors import InputError

REFUSED = [
    ('{"a": NaN}', "broken JSON (NaN is not a JSON number): "),
    ('{"a": 1e999}', "broken JSON (1e999 is beyond what a number can hold): "),
    ('{"a": {"b": [18446744073709551616]}}', '"a" holds 18446744073709551616, a number beyond 64 bits; put it in quotes'),
    ('{"a": [-9223372036854775809]}', '"a" holds -9223372036854775809, a number beyond 64 bits; put it in quotes'),
    (f'{{"a": {"9" * 5000}}}', "broken JSON (Exceeds the limit (4300 digits) for integer string conversion"),
    (f'{{"a": {"[" * 100_000}', "broken JSON (more than 100 levels within each other): "),
    (f'{{"a": {"[" * 100}{"]" * 100}}}', "broken JSON (more than 100 levels within each other): "),
    ('{"a": 1, "a": 2}', 'broken JSON (the name "a" occurs twice in one object): '),
    ('{"\\ud800": 1, "\\udfff": 2}', 'broken JSON (the name "\ufffd" occurs twice in one object): '),
]


def read(path: Path, line: str) -> Any:
    path.write_text(f"{{}}\n{line}\n", encoding="utf-8")
    return list(read_jsonl(path))[1]


@pytest.mark.parametrize(("line", "message"), REFUSED, ids=range(len(REFUSED)))
def test_refused_lines(line: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    with pytest.raises(InputError) as caught:
        read(path, line)
    assert str(caught.value).startswith(f"{path}, line 2: {message}")
    assert len(caught.value.what) < 300


@pytest.mark.parametrize(
    ("line", "record"),
    [
        ('{"_id": 18446744073709551616}', {"_id": 18446744073709551616}),  # an id is text, however long
        ('{"a": [9223372036854775807, -9223372036854775808]}', {"a": [2**63 - 1, -(2**63)]}),
        ('{"a\\ud800": ["\\udfff", "\\ud83d\\ude00"]}', {"a\ufffd": ["\ufffd", "\U0001f600"]}),
        (f'{{"a": "{"[" * 500}"}}', {"a": "[" * 500}),  # brackets in a text are no levels
        (f'{{"a": "\\"{"{" * 500}"}}', {"a": '"' + "{" * 500}),
        (f'{{"a": [{", ".join(["[]"] * 500)}]}}', {"a": [[]] * 500}),
    ],
    ids=range(6),
)
def test_accepted_lines(line: str, record: dict[str, Any], tmp_path: Path) -> None:
    assert read(tmp_path / "x.jsonl", line) == (2, record)


def test_a_name_that_occurs_twice_among_many_is_found_at_once(tmp_path: Path) -> None:
    names = ", ".join(f'"n{number}": 0' for number in [*range(30_000), 29_999])
    started = time.process_time()
    with pytest.raises(InputError, match='the name "n29999" occurs twice'):
        read(tmp_path / "x.jsonl", f"{{{names}}}")
    assert time.process_time() - started < 1
