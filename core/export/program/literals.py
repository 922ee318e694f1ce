"""Literals: values as Python writes them, in double quotes, over several lines where one is too short."""

from __future__ import annotations

import textwrap
from typing import Any

WIDTH = 128  # of a line
_INDENT = "    "


def write_literal(value: Any, *, before: str = "", indent: str = "") -> str:
    """None, true/false, a number, a text, or a tuple of such values, as Python text that is equal to it; a set of words too.

    before: what stands before it on its line. indent: that of the line.
    """
    if isinstance(value, str):
        return write_text(value)
    if isinstance(value, frozenset):
        words = textwrap.fill(" ".join(sorted(value)), WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT)
        return f'frozenset(\n    """\n{words}\n    """.split()\n)'
    if not isinstance(value, tuple):
        return repr(value)
    line = f"({', '.join(map(write_literal, value))}{',' if len(value) == 1 else ''})"
    if len(indent) + len(before) + len(line) <= WIDTH:
        return line
    inner = indent + _INDENT
    items = [f"{inner}{write_literal(item, indent=inner)},\n" for item in value]
    return f"(\n{''.join(items)}{indent})"


def write_text(text: str) -> str:
    """A text in double quotes, or as repr() has it where something in it needs care."""
    plain = text.isprintable() and '"' not in text and "\\" not in text
    return f'"{text}"' if plain else repr(text)
