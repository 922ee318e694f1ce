"""What a report is made of: sections of blocks, plain data. HTML and Markdown draw the same ones, so that they say the same.

All texts are plain: whoever draws them escapes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Text:
    """A paragraph. kind: "" (plain), "lead" (the verdict), "note" (small), "intro" (of what follows) or "warning"."""

    text: str
    kind: str = ""


@dataclass(frozen=True)
class Fact:
    """A paragraph that begins with a few words in bold."""

    name: str
    text: str


@dataclass(frozen=True)
class Bullets:
    """A list; numbered where its order is one of doing."""

    items: tuple[str, ...]
    numbered: bool = False


@dataclass(frozen=True)
class Terms:
    """Words and what they mean."""

    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Table:
    """rows: one text per column. numbers: columns set flush right. marked: rows to bring out. small: many columns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    numbers: tuple[int, ...] = ()
    marked: tuple[int, ...] = ()
    small: bool = False


@dataclass(frozen=True)
class Chart:
    """A Plotly figure and what it shows in words. A table beside it has the same numbers: Markdown has only that.

    least_width: pixels below which it is scrolled rather than squeezed.
    """

    figure: dict[str, Any]
    alt: str
    least_width: int = 320


@dataclass(frozen=True)
class Code:
    """A file to take along. folded: closed until asked for."""

    text: str
    file_name: str
    language: str
    folded: bool = False


@dataclass(frozen=True)
class Example:
    """A query under two systems. moved: the ranks of its answer, in words. title, excerpt: of the answer, "" if none was
    found; marks: (start, end) of the passages in the excerpt that answer."""

    query_id: str
    query: str
    moved: str
    title: str = ""
    excerpt: str = ""
    marks: tuple[tuple[int, int], ...] = ()
    remark: str = ""


Block = Text | Fact | Bullets | Terms | Table | Chart | Code | Example


@dataclass(frozen=True)
class Section:
    """name: for links within the report."""

    name: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Outline:
    """A whole report."""

    title: str
    subtitle: str
    sections: tuple[Section, ...] = field(default=())


def make_section(name: str, title: str, blocks: Sequence[Block | None]) -> Section | None:
    """The section without what is absent; None if nothing is left."""
    kept = tuple(block for block in blocks if block is not None and not _is_empty(block))
    return Section(name, title, kept) if kept else None


def _is_empty(block: Block) -> bool:
    if isinstance(block, Bullets | Terms):
        return not block.items
    if isinstance(block, Table):
        return not block.rows
    if isinstance(block, Chart):
        return not block.figure.get("data")
    return False
