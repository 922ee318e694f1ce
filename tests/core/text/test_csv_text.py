from __future__ import annotations

import ast
import csv
import io

import pandas as pd
import pytest

from core.text.csv_text import disarm, rearm, to_csv
from tests.support.sources import list_sources, name_of

FORMULAS = [
    "=1+1",
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\rx",
    "\n=1",
    '"=1"',
    "'=1",
    "  =1",
    "＝1",
    "%1|a",
    "-",
    "\ufeff=1",
]
PLAIN = ["", "a=1", "5-3", "-5", "+5", "-1.5e-3", "1,234.5", "12 %", "x@y.example", "'quoted'", "naïve", "−3 (a minus sign)"]


@pytest.mark.parametrize("cell", FORMULAS)
def test_a_formula_stays_text(cell: str) -> None:
    assert disarm(cell) == f"'{cell}" and rearm(disarm(cell)) == cell


@pytest.mark.parametrize("cell", PLAIN)
def test_everything_else_stays_as_it_is(cell: str) -> None:
    assert disarm(cell) == cell == rearm(cell)


def test_the_file_has_names_and_texts_disarmed_and_numbers_as_they_are() -> None:
    frame = pd.DataFrame({"=name": ["=1", 'a "b", c', None], "n": [-1.5, 2.0, float("nan")], "mixed": [-1, "-x", True]})
    rows = list(csv.reader(io.StringIO(to_csv(frame), newline="")))
    assert rows == [["'=name", "n", "mixed"], ["'=1", "-1.5", "-1"], ['a "b", c', "2.0", "'-x"], ["", "", "True"]]
    assert frame.columns[0] == "=name" and frame.iloc[0, 0] == "=1", "what was given is left as it was"
    twice = pd.DataFrame([["=1", "=2"]], columns=["a", "a"])
    assert to_csv(twice) == "a,a\n'=1,'=2\n"
    assert to_csv(frame.iloc[:0]) == "'=name,n,mixed\n"


# Files for programs, whose ids have to stay what they are: the workspace's own prices.
OTHERS = {"core/costs/prices.py"}


def find_writers(source: str) -> list[str]:
    """Calls that write CSV by themselves."""
    calls = [node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    names = {ast.unparse(call) for call in calls}
    return sorted(name for name in names if name.endswith(".to_csv") or name in {"csv.writer", "csv.DictWriter"})


def test_there_is_no_other_way_to_csv() -> None:
    assert find_writers("frame.head(3).to_csv(index=False); csv.writer(out)") == ["csv.writer", "frame.head(3).to_csv"]
    files = {name_of(path): find_writers(path.read_text(encoding="utf-8")) for path in list_sources("core", "pages", "server")}
    assert {name for name, found in files.items() if found} == {"core/text/csv_text.py", *OTHERS}
