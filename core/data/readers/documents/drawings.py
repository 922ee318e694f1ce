"""What Office files hold beside their text: diagrams and charts, which are read, comments and other files, counted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from core.data.readers.documents.kind import Note, count_letters
from core.data.readers.documents.package import Package

if TYPE_CHECKING:
    from lxml.etree import _Element

A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_EMBEDDED = {"package", "oleObject", "aFChunk"}  # relations to files in the file

MATH_TEXT = f"{_M}t"
# What stands before the second part of a formula that is not written on one line: without it 1 over 2 would read as 12.
MATH_SIGNS = {f"{_M}den": "/", f"{_M}sup": "^", f"{_M}sub": "_"}


def read_paragraph(paragraph: _Element) -> str:
    """A paragraph of a shape, its formulas included."""
    parts = [
        (element.text or "") if element.tag in (f"{A}t", MATH_TEXT) else sign_of(element, "\n")
        for element in paragraph.iter(f"{A}t", f"{A}br", MATH_TEXT, *MATH_SIGNS)
    ]
    return "".join(parts).strip()


def sign_of(element: _Element, otherwise: str = "") -> str:
    """What stands before this part of a formula, "" if the part is empty; `otherwise` for elements that are none."""
    sign = MATH_SIGNS.get(element.tag)
    return otherwise if sign is None else sign if len(element) else ""


def read_drawing(package: Package, kind: str, name: str) -> tuple[str, int]:
    """The text of a diagram or chart that a relation of this kind leads to, "" for others, and the letters that it holds."""
    if kind not in ("diagramData", "chart") or name not in package.names:
        return "", 0
    part = package.read_xml(name)
    if kind == "chart":
        text = _read_chart(part)
        return text, count_letters(text)
    return "\n".join(filter(None, map(read_paragraph, part.iter(f"{A}p")))), count_text(part)


def _read_chart(chart: _Element) -> str:
    """Its titles, and a line for every series: "Sales: 2023 1.5, 2024 2"."""
    lines = [text for text in map(read_paragraph, chart.iter(f"{A}p")) if text]
    for series in chart.iter(f"{_C}ser"):
        name = " ".join(value.text or "" for value in series.iterfind(f"{_C}tx//{_C}v"))
        categories, values = _read_points(series, "cat", "xVal"), _read_points(series, "val", "yVal")
        indices = dict.fromkeys([*categories, *values])
        points = [" ".join(filter(None, (categories.get(index), values.get(index)))) for index in indices]
        lines.append(": ".join(filter(None, (name, ", ".join(points)))))
    return "\n".join(filter(None, lines))


def _read_points(series: _Element, *places: str) -> dict[str, str]:
    """What was saved of the cells that a series is drawn from, by their index."""
    points = (point for place in places for point in series.iterfind(f"{_C}{place}//{_C}pt"))
    return {point.get("idx", ""): point.findtext(f"{_C}v") or "" for point in points}


def count_text(part: _Element) -> int:
    """Letters and digits in the shapes of a part."""
    return count_letters("".join(text.text or "" for text in part.iter(f"{A}t", MATH_TEXT)))


def note_unread(package: Package, relations: Iterable[tuple[str, str]]) -> tuple[Note, ...]:
    """Notes on comments and on files in the file, out of the relations of its parts: (kind, the part it leads to)."""
    found = {(kind, name) for kind, name in relations if name in package.names}
    comments = sum(_count_comments(package.read_xml(name)) for kind, name in found if kind == "comments")
    embedded = sorted(name.rpartition("/")[2] for kind, name in found if kind in _EMBEDDED)
    notes = []
    if comments:
        notes.append(Note("comments in the margin are not read", f"{comments}"))
    if embedded:
        notes.append(Note("files embedded in it are not read", ", ".join(embedded)))
    return tuple(notes)


def _count_comments(part: _Element) -> int:
    """Of Word and Excel, and of PowerPoint old and new."""
    return sum(1 for _ in part.iter("{*}comment", "{*}cm"))
