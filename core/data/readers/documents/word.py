"""Word files: paragraphs, headings, lists and tables of the body, read from the XML itself.

Where things stand that have no place in the line of the text: text boxes, diagrams and charts behind the paragraph they are
anchored in, a footnote or endnote behind the paragraph that refers to it, headers and footers at the end, each wording once.
Inserted text is read, deleted text is not; a cell of a table that spans many columns is one cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from core.data.readers.documents.drawings import MATH_TEXT, note_unread, read_drawing, sign_of
from core.data.readers.documents.kind import Extracted, Note, count_letters, join_blocks
from core.data.readers.documents.package import Package, check_locked, refuse_damaged
from core.data.readers.documents.reading import Reading

if TYPE_CHECKING:
    from lxml.etree import _Element

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}t"
_DUBLIN = "{http://purl.org/dc/elements/1.1/}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_DRAWN = {  # a diagram or chart -> where the id of its relation stands
    "{http://schemas.openxmlformats.org/drawingml/2006/diagram}relIds": f"{_RELATION}dm",
    "{http://schemas.openxmlformats.org/drawingml/2006/chart}chart": f"{_RELATION}id",
}
_CHOICE = "{http://schemas.openxmlformats.org/markup-compatibility/2006}AlternateContent"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_P, _TBL, _TR, _TC, _T = (f"{_W}{name}" for name in ("p", "tbl", "tr", "tc", "t"))
_PROPERTIES, _BOX, _VALUE = f"{_W}pPr", f"{_W}txbxContent", f"{_W}val"
_STYLE, _NUMBER, _OUTLINE = f"{_W}pStyle", f"{_W}numPr", f"{_W}outlineLvl"
_TEXTS = {_T, MATH_TEXT, _DRAWING}
_SYMBOL, _RUBY, _RUBY_BASE, _RUBY_TEXT = (f"{_W}{name}" for name in ("sym", "ruby", "rubyBase", "rt"))
# Letters of the font Symbol.
_GREEK = dict(zip("abcdefghijklmnopqrstuvwxyzDFGLPQSWXY", "αβχδεφγηιϕκλμνοπθρστυϖωξψζΔΦΓΛΠΘΣΩΞΨ", strict=True))
_REFERENCES = {f"{_W}footnoteReference": "footnote", f"{_W}endnoteReference": "endnote"}
_ASIDE = {*_REFERENCES, *_DRAWN, _BOX}
_SIGNS = {f"{_W}tab": "\t", f"{_W}ptab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-"}
_DELETED = {f"{_W}del", f"{_W}moveFrom", f"{_W}pPr", f"{_W}rPr", f"{_W}sectPr", f"{_W}tblPr", f"{_W}trPr", f"{_W}tcPr"}
_CURE = "open it in Word and save it again as .docx, or save it as .txt"


def read_word(data: bytes, path: Path, reading: Reading) -> list[Extracted]:
    """One document. title is its core property. Raises InputError if it cannot be read."""
    check_locked(data, path)
    with refuse_damaged("Word file", path, cure=_CURE):
        package = Package(data)
        return [_WordFile(package, package.find_main("word/document.xml")).read()]


@dataclass
class _Style:
    """heading: 0 if none. parent: the style it is based on."""

    heading: int = 0
    is_list: bool = False
    parent: str = ""


@dataclass
class _WordFile:
    package: Package
    main: str
    aside: list[str] = field(default_factory=list)  # text boxes, drawings and notes of the paragraph that is being read
    drawn: int = 0  # letters of drawings
    symbols: int = 0  # signs of fonts whose letters are pictures
    notes: dict[str, dict[str, str]] = field(default_factory=dict)  # "footnote", "endnote" -> id -> text

    def read(self) -> Extracted:
        self.relations = self.package.list_relations(self.main)
        self.styles = self._read_styles()
        self.notes = {kind: self._read_notes(kind) for kind in ("footnote", "endnote")}
        body = self._parse(self.main).find(f"{_W}body")
        blocks = self._read_blocks(body) if body is not None else []
        held = count_letters("".join(_list_texts(body))) if body is not None else 0
        seen = set[str]()
        for kind, name in self.relations.values():
            if kind in ("header", "footer") and name in self.package.names:
                part = self._parse(name)
                text = join_blocks(self._read_blocks(part))
                if text and text not in seen:
                    seen.add(text)
                    blocks.append(text)
                    held += count_letters("".join(_list_texts(part)))
        held += sum(count_letters(text) for notes in self.notes.values() for text in notes.values())
        notes = [*note_unread(self.package, self.relations.values())]
        if self.symbols:
            notes.append(Note("signs of fonts that hold pictures are not read", f"{self.symbols}"))
        return Extracted(text=join_blocks(blocks), title=self._read_title(), held=held + self.drawn, notes=tuple(notes))

    def _parse(self, name: str) -> _Element:
        return self.package.read_xml(name)

    def _find_part(self, kind: str) -> str:
        names = [name for found, name in self.relations.values() if found == kind and name in self.package.names]
        return names[0] if names else ""

    def _read_title(self) -> str:
        kinds = self.package.list_relations("")
        name = next((target for kind, target in kinds.values() if kind == "core-properties"), "docProps/core.xml")
        if name not in self.package.names:
            return ""
        return " ".join((self._parse(name).findtext(f"{_DUBLIN}title") or "").split())

    def _read_styles(self) -> dict[str, _Style]:
        name = self._find_part("styles")
        styles: dict[str, _Style] = {}
        for element in self._parse(name).iter(f"{_W}style") if name else ():
            style = _Style(parent=_value_of(element, "basedOn"))
            label = _value_of(element, "name").lower()
            level = label.removeprefix("heading ")
            if label == "title":
                style.heading = 1
            elif level != label and level.isdecimal():
                style.heading = min(max(int(level), 1), 6)
            style.is_list = label.startswith("list ") or element.find(f"{_W}pPr/{_W}numPr") is not None
            styles[element.get(f"{_W}styleId", "")] = style
        return styles

    def _read_notes(self, kind: str) -> dict[str, str]:
        name = self._find_part(f"{kind}s")
        if not name:
            return {}
        return {
            element.get(f"{_W}id", ""): join_blocks(self._read_blocks(element))
            for element in self._parse(name).iter(f"{_W}{kind}")
            if element.get(f"{_W}type", "normal") == "normal"
        }

    def _read_blocks(self, parent: _Element) -> list[str]:
        """Paragraphs and tables below an element, through content controls and tracked insertions."""
        blocks: list[str] = []
        for element in parent:
            if element.tag == _P:
                aside, self.aside = self.aside, []
                blocks += [self._read_paragraph(element), *self.aside]
                self.aside = aside
            elif element.tag == _TBL:
                blocks.append(self._read_table(element))
            elif element.tag == _CHOICE:
                blocks += self._read_blocks(element[0]) if len(element) else []
            elif element.tag not in _DELETED:
                blocks += self._read_blocks(element)
        return blocks

    def _read_paragraph(self, paragraph: _Element) -> str:
        parts: list[str] = []
        self._read_inline(paragraph, parts)
        text = "".join(parts).strip()
        if not text:
            return ""
        heading, is_list = self._find_style(paragraph[0]) if paragraph[0].tag == _PROPERTIES else (0, False)
        if heading:
            return f"{'#' * heading} {' '.join(text.split())}"
        return f"- {text}" if is_list else text

    def _find_style(self, properties: _Element) -> tuple[int, bool]:
        """The level of a heading, 0 if it is none, and whether a paragraph is an item of a list."""
        found = {element.tag: element for element in properties}
        heading, is_list = 0, False
        if _STYLE in found:
            heading, is_list = self._follow_style(found[_STYLE].get(_VALUE, ""))
        if not heading and _OUTLINE in found:
            outline = found[_OUTLINE].get(_VALUE, "")
            heading = int(outline) + 1 if outline in ("0", "1", "2", "3", "4", "5") else 0
        if _NUMBER in found:
            is_list = _value_of(found[_NUMBER], "numId") != "0"
        return heading, is_list

    def _follow_style(self, name: str) -> tuple[int, bool]:
        heading, is_list, seen = 0, False, set[str]()
        while name in self.styles and name not in seen:
            seen.add(name)
            style = self.styles[name]
            heading, is_list = heading or style.heading, is_list or style.is_list
            name = style.parent
        return heading, is_list

    def _read_symbol(self, element: _Element) -> str:
        """A Greek letter of the font Symbol; other fonts' letters are pictures."""
        code = element.get(f"{_W}char", "")[-2:]  # F061 is a
        known = element.get(f"{_W}font") == "Symbol" and re.fullmatch("[0-9A-Fa-f]{2}", code)
        letter = _GREEK.get(chr(int(code, 16)), "") if known else ""
        self.symbols += not letter
        return letter

    def _read_inline(self, parent: Iterable[_Element], parts: list[str]) -> None:
        for element in parent:
            tag = element.tag
            if tag in _TEXTS:
                parts.append(element.text or "")
            elif tag in _SIGNS:
                parts.append(_SIGNS[tag])
            elif tag in _ASIDE:
                self._read_aside(element)
            elif tag == _CHOICE:
                if len(element):
                    self._read_inline(element[0], parts)
            elif tag == _SYMBOL:
                parts.append(self._read_symbol(element))
            elif tag == _RUBY:  # how a word is pronounced stands before it
                for before, part, after in (("", _RUBY_BASE, ""), ("(", _RUBY_TEXT, ")")):
                    parts.append(before)
                    self._read_inline(element.iterfind(part), parts)
                    parts.append(after)
            elif tag not in _DELETED:
                parts.append(sign_of(element))
                self._read_inline(element, parts)

    def _read_aside(self, element: _Element) -> None:
        """What stands behind the paragraph."""
        tag = element.tag
        if tag in _REFERENCES:
            self.aside.append(self.notes.get(_REFERENCES[tag], {}).get(element.get(f"{_W}id", ""), ""))
        elif tag == _BOX:
            self.aside.extend(self._read_blocks(element))
        else:
            text, letters = read_drawing(self.package, *self.relations.get(element.get(_DRAWN[tag], ""), ("", "")))
            self.aside.append(text)
            self.drawn += letters

    def _read_table(self, table: _Element) -> str:
        rows: list[str] = []
        for row in _find_inside(table, _TR):
            cells = [self._read_blocks(cell) for cell in _find_inside(row, _TC)]
            if len(cells) == 1:  # a box around text, not a table
                rows.append(join_blocks(cells[0]))
            else:
                rows.append(" | ".join(" ".join(" ".join(cell).split()) for cell in cells))
        return "\n".join(row for row in rows if row.strip(" |"))


def _find_inside(parent: _Element, tag: str) -> list[_Element]:
    """Rows of a table or cells of a row, also in content controls and insertions, but not those of tables inside."""
    found: list[_Element] = []
    for element in parent:
        if element.tag == tag:
            found.append(element)
        elif element.tag not in _DELETED and element.tag not in (_TR, _TC):
            found += _find_inside(element, tag)
    return found


def _value_of(parent: _Element, name: str) -> str:
    element = parent.find(f"{_W}{name}")
    return element.get(_VALUE, "") if element is not None else ""


def _list_texts(part: _Element) -> list[str]:
    """All text of a part, but not the second copies of text boxes for older programs, nor what was deleted or moved away."""
    from lxml import etree

    texts: list[str] = []
    walk = etree.iterwalk(part, events=("start",))
    for _, element in walk:
        if element.tag in (_FALLBACK, f"{_W}moveFrom", f"{_W}del"):
            walk.skip_subtree()
        elif element.tag in _TEXTS:
            texts.append(element.text or "")
    return texts
