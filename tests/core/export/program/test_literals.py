"""Values as Python text."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from core.export.program.literals import WIDTH, write_literal

HOSTILE = 'evil"""\nimport os\n\'\\ \x00\u2028'
LONG = tuple(tuple(f"term {number} {other}" for other in range(number)) for number in range(1, 20))


@pytest.mark.parametrize("value", [None, True, 0.75, 60, "plain", 'a "b"', HOSTILE, (), ("a",), (("a", HOSTILE), ("b",)), LONG])
def test_a_literal_is_equal_to_its_value(value: Any) -> None:
    assert ast.literal_eval(write_literal(value)) == value


def test_texts_stand_in_double_quotes_where_they_can() -> None:
    assert write_literal("it's") == '"it\'s"'
    assert write_literal('a "b"') == "'a \"b\"'"


def test_a_set_of_words() -> None:
    words = frozenset(f"word{number}" for number in range(100))
    assert eval(write_literal(words)) == words
    assert write_literal(words) == write_literal(frozenset(sorted(words, reverse=True)))


def test_lines_are_no_longer_than_they_should() -> None:
    short = ("x" * 50, "y" * 50)
    assert "\n" not in write_literal(short, before="NAME = ")
    assert write_literal(short, before="A_LONG_NAME_FOR_IT = ") == f'(\n    "{short[0]}",\n    "{short[1]}",\n)'
    assert max(len(line) for line in write_literal(LONG).splitlines()) <= WIDTH
