"""Web pages: parsed as the HTML standard says, blocks on lines of their own, headings as "# " lines.

Navigation is left out: `nav`, the page's own `header` and `footer`, elements with such a role, and blocks whose class or id
says so and which consist of links for the most part (the landmarks of https://www.w3.org/TR/html-aam-1.0/). A heading is never
left out, and a page of which nothing would be left is read whole.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from core.data.readers.documents.kind import Extracted, count_letters
from core.data.readers.documents.reading import Reading
from core.data.readers.encoding import decode_text

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

LEFT_OUT = "menus, heads and feet of web pages were left out"

_DROPPED = {"script", "style", "template", "head", "iframe", "noembed", "noframes"}
_HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
_LINES = {
    "address", "article", "aside", "body", "caption", "dd", "details", "dialog", "div", "dl", "dt", "fieldset", "figcaption",
    "figure", "footer", "form", "header", "hgroup", "hr", "legend", "main", "menu", "nav", "option", "search", "section",
    "summary", "text", "tr",
}  # fmt: skip
_PARAGRAPHS = {"p", "pre", "table", "ul", "ol", "blockquote"}
_CONTENT = {"article", "main", "section", "aside", "td"}
_NAVIGATION_ROLES = {"navigation", "banner", "contentinfo", "search", "menu", "menubar"}
_NAVIGATION_NAMES = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|navigation|menu|sidebar|breadcrumbs?|footer|pagination|toc)(?=$|[\s_-])"
)
_MOSTLY = 0.5  # share of a block's letters that stand in links
_DEEPEST = 400  # open elements; browsers stop at about 500, since finding what a tag closes takes as long as the page is deep
_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/<>]*+)[^<>]*+>")
_XHTML = re.compile(r"\A\s*<\?xml\b|http://www\.w3\.org/1999/xhtml")
_CLOSED_AT_ONCE = re.compile(
    r"<(title|script|style|textarea|iframe|noscript|noframes|noembed|xmp|template|select|a|b|i|em|strong|span|div|p|td|th|li|h[1-6])"
    r"((?:\s[^<>]*)?)/>",
    re.IGNORECASE,
)
_NOT_NESTED = {  # elements without content, and those that the next one of their kind closes
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr", "html", "head",
    "body", "p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot", "option", "optgroup", "colgroup", "rt", "rp",
}  # fmt: skip


def read_page(data: bytes, path: Path, reading: Reading) -> list[Extracted]:
    """One document. Raises InputError if the file is text in an encoding that it does not name."""
    return [extract_page(decode_page(data, path), reading)]


def decode_page(data: bytes, path: Path) -> str:
    """The page as text, in the encoding that its mark or its first 1,024 bytes name, else UTF-8."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _close_empty(data.decode("utf-16", errors="replace"))
    named = re.search(
        rb"""<(?:meta|\?xml)[^>]{0,200}?(?:charset|encoding)\s*=\s*["']?\s*([\w.:-]+)""", data[:1024], re.IGNORECASE
    )
    name = named.group(1).decode("ascii").lower() if named else "utf-8"
    # A page that is read as bytes can only name a superset of ASCII; these are what browsers read instead.
    name = {"iso-8859-1": "cp1252", "latin1": "cp1252", "us-ascii": "cp1252", "ascii": "cp1252"}.get(name, name)
    if not name.startswith(("utf-8", "utf8", "utf-16", "utf-7", "utf-32")) and not data.startswith(b"\xef\xbb\xbf"):
        try:
            return _close_empty(data.decode(name))
        except (LookupError, UnicodeDecodeError):
            pass
    return _close_empty(decode_text(data, path))


def _close_empty(source: str) -> str:
    """XHTML may write <title/> for an element without content; HTML would take all that follows for its content."""
    head = source[:1024]
    if _XHTML.search(head) is None:
        return source
    return _CLOSED_AT_ONCE.sub(r"<\1\2></\1>", source)


def extract_page(source: str, reading: Reading) -> Extracted:
    """The text of a page. title is its <title>; held counts all text but scripts and styles."""
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(_limit_depth(source))
    head = tree.css_first("head > title")
    title = " ".join(head.text().split()) if head is not None else ""
    root = tree.body or tree.root
    if root is None:
        return Extracted(text="", title=title)
    writer = _Writer(keep_navigation=reading.keep_navigation, looks=20 * len(source))
    writer.walk(root)
    text = writer.finish()
    if not text and writer.left_out:
        writer = _Writer(keep_navigation=True)
        writer.walk(root)
        text = writer.finish()
    tree.strip_tags(["script", "style", "template"])
    return Extracted(
        text=text, title=title, held=count_letters(root.text(deep=True)), left_out=LEFT_OUT if writer.left_out else ""
    )


class _Writer:
    """Goes through a tree without recursion and writes lines. looks: letters that it may read to find what consists of
    links, so that a page of blocks in blocks takes no longer than another."""

    def __init__(self, *, keep_navigation: bool, looks: int = 0) -> None:
        self.left_out = False
        self._keep = keep_navigation
        self._looks_left = looks
        self._parts: list[str] = []
        self._breaks = 0  # line ends due before the next word
        self._space = False  # white space due before the next word
        self._prefix = ""  # "- " or "## " due before the next word
        self._flat = 0  # headings and cells that are open: their blocks stay on one line
        self._preformatted = 0
        self._content = 0  # sections that are open: what is inside is no part of the page's own head or foot
        self._tables: list[bool] = []  # open tables: whether their cells are kept on one line
        self._cells = 0

    def finish(self) -> str:
        """The text that was written."""
        return "".join(self._parts).strip("\n")

    def walk(self, root: LexborNode) -> None:
        """Writes everything below a node."""
        node: LexborNode | None = root
        open_nodes: list[tuple[LexborNode, str]] = []
        while node is not None:
            tag = node.tag or ""
            if tag == "-text":
                self._write(node.text_content or "")
            elif tag[:1] not in ("-", "!", "_", "") and not self._skips(node, tag):
                self._enter(node, tag)
                child = node.first_child
                if child is not None:
                    open_nodes.append((node, tag))
                    node = child
                    continue
                self._leave(tag)
            following = node.next if open_nodes else None
            while following is None and open_nodes:
                parent, tag = open_nodes.pop()
                self._leave(tag)
                following = parent.next if open_nodes else None
            node = following

    def _skips(self, node: LexborNode, tag: str) -> bool:
        if tag in _DROPPED:
            return True
        if self._keep or tag in ("body", "html") or not self._is_navigation(node, tag):
            return False
        self.left_out = self.left_out or bool((node.text(deep=True) or "").strip())
        return True

    def _is_navigation(self, node: LexborNode, tag: str) -> bool:
        if tag in ("nav", "noscript"):
            return True
        if tag in ("header", "footer"):
            return not self._content and (node.css_first("h1, h2, h3") is None)
        if tag in _HEADINGS or tag not in (_LINES | _PARAGRAPHS):
            return False
        attributes = node.attributes
        if not attributes:
            return False
        if attributes.get("role") in _NAVIGATION_ROLES:
            return node.css_first("h1, main, article") is None
        names = f"{attributes.get('class') or ''} {attributes.get('id') or ''}".lower()
        return bool(_NAVIGATION_NAMES.search(names)) and self._is_mostly_links(node)

    def _is_mostly_links(self, node: LexborNode) -> bool:
        if self._looks_left <= 0:
            return False
        whole = node.text(deep=True)
        self._looks_left -= len(whole)
        letters = count_letters(whole)
        linked = sum(count_letters(link.text(deep=True)) for link in node.css("a"))
        return letters > 0 and linked / letters > _MOSTLY

    def _enter(self, node: LexborNode, tag: str) -> None:
        if tag in _HEADINGS:
            self._break(2)
            self._prefix = "#" * _HEADINGS[tag] + " " if not self._flat else self._prefix
            self._flat += 1
        elif tag in _PARAGRAPHS:
            self._break(2)
            if tag == "pre":
                self._preformatted += 1
            elif tag == "table":
                self._tables.append(not any(child.css_first("table, h1, h2, h3, h4") for child in node.iter()))
                self._cells = 0
        elif tag == "li":
            self._break(1)
            self._prefix = "- " if not self._flat else ""
        elif tag in ("td", "th"):
            self._enter_cell()
        elif tag == "br":
            self._space, self._breaks = True, max(self._breaks, 0 if self._flat else 1)
        elif tag in ("img", "area"):
            self._write(f" {node.attributes.get('alt') or ''} ")
        elif tag in _LINES:
            self._break(1)
            if tag == "tr":
                self._cells = 0
        self._content += tag in _CONTENT

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

    def _leave(self, tag: str) -> None:
        self._content -= tag in _CONTENT
        if tag in ("td", "th") and self._tables and self._tables[-1]:
            self._flat -= 1
        elif tag in _HEADINGS:
            self._flat -= 1
            self._break(2)
        elif tag in _PARAGRAPHS:
            if tag == "pre":
                self._preformatted -= 1
            elif tag == "table" and self._tables:
                self._tables.pop()
            self._break(2)
        elif tag == "li":
            self._break(1)
            self._breaks = min(self._breaks, 1)
        elif tag in _LINES:
            self._break(1)

    def _break(self, lines: int) -> None:
        if self._flat:
            self._space = True
        elif self._prefix != "- ":  # a paragraph that begins an item stands beside its dash
            self._breaks = max(self._breaks, lines)

    def _write(self, text: str) -> None:
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


def _limit_depth(source: str) -> str:
    """The page without the tags that would nest elements deeper than is sensible; their text stays."""
    kept: list[str] = []
    depth = end = place = 0
    while (tag := _TAG.search(source, place)) is not None:
        place = tag.end()
        closes, name = bool(tag.group(1)), tag.group(2).lower()
        if name in ("script", "style") and not closes:
            place = source.find(f"</{name}", place)
            if place < 0:
                break
        elif name not in _NOT_NESTED:
            depth = max(0, depth - 1) if closes else depth + 1
            if depth + closes > _DEEPEST:
                kept += [source[end : tag.start()], "<br>" if name in _LINES | _PARAGRAPHS else ""]
                end = place
    return "".join([*kept, source[end:]]) if kept else source
