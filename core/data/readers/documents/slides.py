"""PowerPoint files: the slides in their order, each with title, texts, tables, diagrams, and the speaker's notes after it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from core.data.readers.documents.kind import Extracted, count_letters, join_blocks
from core.data.readers.documents.package import Package, check_locked, refuse_damaged
from core.data.readers.documents.reading import Reading

if TYPE_CHECKING:
    from lxml.etree import _Element

_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_CHOICE = "{http://schemas.openxmlformats.org/markup-compatibility/2006}AlternateContent"
_TITLE = "{http://purl.org/dc/elements/1.1/}title"
_REPEATED = {"sldNum", "dt", "ftr", "hdr"}  # placeholders for the slide's number, date, foot and head
_CURE = "open it in PowerPoint and save it again as .pptx, or as PDF"


def read_slides(data: bytes, path: Path, reading: Reading) -> list[Extracted]:
    """One document. title is the core property. Raises InputError if it cannot be read."""
    check_locked(data, path)
    with refuse_damaged("PowerPoint file", path, cure=_CURE):
        package = Package(data)
        main = package.find_main("ppt/presentation.xml")
        relations = package.list_relations(main)
        blocks: list[str] = []
        held = 0
        for slide in package.read_xml(main).iter(f"{_P}sldId"):
            name = relations.get(slide.get(_ID, ""), ("", ""))[1]
            if name in package.names:
                read, letters = _read_slide(package, name)
                blocks += read
                held += letters
        properties = package.read_xml("docProps/core.xml") if "docProps/core.xml" in package.names else None
        title = " ".join(((properties.findtext(_TITLE) if properties is not None else None) or "").split())
    return [Extracted(text=join_blocks(blocks), title=title, held=held)]


def _read_slide(package: Package, name: str) -> tuple[list[str], int]:
    """The texts of a slide and what belongs to it; how many letters all these parts hold."""
    slide = package.read_xml(name)
    blocks = list(_read_shapes(slide))
    blocks.sort(key=lambda block: not block.startswith("# "))  # stable: the title first, wherever it was drawn
    held = _count(slide)
    for kind, target in package.list_relations(name).values():
        if kind not in ("notesSlide", "diagramData", "chart") or target not in package.names:
            continue
        part = package.read_xml(target)
        if kind == "notesSlide":
            blocks += _read_shapes(part)
        elif kind == "diagramData":
            blocks.append("\n".join(text for text in map(_read_paragraph, part.iter(f"{_A}p")) if text))
        else:
            blocks.append(_read_chart(part))
        held += _count(part)
    return blocks, held


def _read_shapes(parent: _Element) -> Iterator[str]:
    for element in parent:
        if element.tag == f"{_P}sp":
            kind = next((found.get("type", "body") for found in element.iter(f"{_P}ph")), "")
            text = "\n".join(line for line in map(_read_paragraph, element.iter(f"{_A}p")) if line)
            if kind in ("title", "ctrTitle") and text:
                yield "# " + " ".join(text.split())
            elif kind not in _REPEATED:
                yield text
        elif element.tag == f"{_A}tbl":
            cells = [
                [" ".join(map(_read_paragraph, cell.iter(f"{_A}p"))) for cell in row.iter(f"{_A}tc")]
                for row in element.iter(f"{_A}tr")
            ]
            yield "\n".join(" | ".join(row) for row in cells if any(row))
        elif element.tag == _CHOICE:
            yield from _read_shapes(element[0]) if len(element) else ()
        else:
            yield from _read_shapes(element)


def _read_paragraph(paragraph: _Element) -> str:
    parts = [(element.text or "") if element.tag == f"{_A}t" else "\n" for element in paragraph.iter(f"{_A}t", f"{_A}br")]
    return "".join(parts).strip()


def _read_chart(chart: _Element) -> str:
    """Its titles, and the names of its categories and series."""
    titles = [text for text in map(_read_paragraph, chart.iter(f"{_A}p")) if text]
    names = [value.text or "" for cache in chart.iter(f"{_C}strCache") for value in cache.iter(f"{_C}v")]
    return "\n".join(dict.fromkeys([*titles, *names]))


def _count(part: _Element) -> int:
    return count_letters("".join(text.text or "" for text in part.iter(f"{_A}t")))
