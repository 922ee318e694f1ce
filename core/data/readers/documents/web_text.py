"""The lines of a web page, out of what the parser writes of its tree: elements closed, attributes in double quotes."""

from __future__ import annotations

import html
import re

HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
LINES = {
    "address", "article", "aside", "body", "caption", "dd", "details", "dialog", "div", "dl", "dt", "fieldset", "figcaption",
    "figure", "footer", "form", "header", "hgroup", "hr", "legend", "main", "menu", "nav", "option", "search", "section",
    "summary", "text", "tr",
}  # fmt: skip
PARAGRAPHS = {"p", "pre", "table", "ul", "ol", "blockquote"}
# What stands within a line and is drawn as a thing of its own: its words do not run into those beside it.
APART = {"audio", "button", "canvas", "math", "meter", "object", "progress", "select", "svg", "textarea", "title", "video"}
_OTHERS = {"li", "td", "th", "br", "img", "area"}

_ATTRIBUTES = r'(?: =?[^\s=/>]*+(?:="[^"]*+")?+)*+'
_COMMENT = re.compile("<!--.*?-->", re.DOTALL)
_WITHIN_LINES = re.compile(
    rf"</?+(?!(?:{'|'.join(sorted({*HEADINGS, *LINES, *PARAGRAPHS, *APART, *_OTHERS}))})[ >])[^\s/>]++{_ATTRIBUTES}>"
)
_TAG = re.compile(rf"<(/?+)([^\s/>]++)({_ATTRIBUTES})>")
_OF_TABLES = re.compile(r"<(/?+)(table|h[1-4])[ >]")
_ALT = re.compile(r' alt="([^"]*)"')


def write_lines(source: str) -> str:
    """The text of an element in the form in which the parser writes it, without scripts, styles and other raw text."""
    source = _WITHIN_LINES.sub("", _COMMENT.sub("", source) if "<!--" in source else source).replace("&nbsp;", "\xa0")
    writer = _Writer(are_flat=_find_flat_tables(source))
    parts = _TAG.split(source)
    writer.write(parts[0])
    for closes, tag, attributes, text in zip(parts[1::4], parts[2::4], parts[3::4], parts[4::4], strict=True):
        if closes:
            writer.leave(tag)
        else:
            writer.enter(tag, attributes)
        if text:
            writer.write(text)
    return html.unescape(writer.finish())


def _find_flat_tables(source: str) -> list[bool]:
    """Of every table whether it is one of values: one that lays out a page has headings or tables in it."""
    flat: list[bool] = []
    still_open: list[int] = []
    for tag in _OF_TABLES.finditer(source):
        if tag[1]:
            if tag[2] == "table":
                still_open.pop()
            continue
        if still_open:
            flat[still_open[-1]] = False
        if tag[2] == "table":
            still_open.append(len(flat))
            flat.append(True)
    return flat


class _Writer:
    """Takes tags and texts in their order and makes lines of them. are_flat: of every table, whether its rows are lines."""

    def __init__(self, *, are_flat: list[bool]) -> None:
        self._are_flat = iter(are_flat)
        self._parts: list[str] = []
        self._breaks = 0  # line ends due before the next word
        self._space = False  # white space due before the next word
        self._prefix = ""  # "- " or "## " due before the next word
        self._flat = 0  # headings and cells that are open: their blocks stay on one line
        self._preformatted = 0
        self._tables: list[bool] = []  # open tables: whether their cells are kept on one line
        self._cells = 0

    def finish(self) -> str:
        """The text that was written."""
        return "".join(self._parts).strip("\n")

    def enter(self, tag: str, attributes: str) -> None:
        """A start tag."""
        if tag in HEADINGS:
            self._break(2)
            self._prefix = "#" * HEADINGS[tag] + " " if not self._flat else self._prefix
            self._flat += 1
        elif tag in PARAGRAPHS:
            self._break(2)
            if tag == "pre":
                self._preformatted += 1
            elif tag == "table":
                self._tables.append(next(self._are_flat))
                self._cells = 0
        elif tag == "li":
            self._break(1)
            self._prefix = "- " if not self._flat else ""
        elif tag in ("td", "th"):
            self._enter_cell()
        elif tag == "br":
            self._space, self._breaks = True, max(self._breaks, 0 if self._flat else 1)
        elif tag in ("img", "area"):
            alt = _ALT.search(attributes)
            self.write(f" {alt[1] if alt else ''} ")
        elif tag in APART:
            self._space = True
        else:
            self._break(1)
            if tag == "tr":
                self._cells = 0

    def _enter_cell(self) -> None:
        flat = self._tables[-1] if self._tables else False
        if flat:
            if self._cells:
                self._breaks, self._space = 0, False
                self._parts.append(" | ")
            self._flat += 1
        else:
            self._break(1)
        self._cells += 1

    def leave(self, tag: str) -> None:
        """An end tag."""
        if tag in ("td", "th"):
            self._flat -= bool(self._tables) and self._tables[-1]
        elif tag in HEADINGS:
            self._flat -= 1
            self._break(2)
        elif tag in PARAGRAPHS:
            if tag == "pre":
                self._preformatted -= 1
            elif tag == "table":
                self._tables.pop()
            self._break(2)
        elif tag == "li":
            self._break(1)
            self._breaks = min(self._breaks, 1)
        elif tag in APART:
            self._space = True
        else:
            self._break(1)

    def _break(self, lines: int) -> None:
        if self._flat:
            self._space = True
        elif self._breaks < lines and self._prefix != "- ":  # a paragraph that begins an item stands beside its dash
            self._breaks = lines

    def write(self, text: str) -> None:
        """Text between tags, as the parser escapes it."""
        if self._preformatted and not self._flat:
            self._begin()
            self._parts.append(text)
            return
        words = text.split()
        if not words:
            self._space = self._space or bool(text)
            return
        self._space = self._space or text[0].isspace()
        self._begin()
        self._parts.append(" ".join(words))
        self._space = text[-1].isspace()

    def _begin(self) -> None:
        """What is due before the next word."""
        if self._breaks and self._parts:
            self._parts.append("\n" * self._breaks)
        elif self._space and self._parts and not self._parts[-1].endswith((" ", "\n")):
            self._parts.append(" ")
        if self._prefix:
            self._parts.append(self._prefix)
        self._breaks, self._space, self._prefix = 0, False, ""
