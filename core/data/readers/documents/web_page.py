"""Web pages: parsed as the HTML standard says, blocks on lines of their own, headings as "# " lines.

Navigation is left out: `nav`, the page's own `header` and `footer`, elements with such a role, and blocks whose class or id
says so and which consist of links for the most part (the landmarks of https://www.w3.org/TR/html-aam-1.0/). A heading is never
left out, and a page of which nothing would be left is read whole. What a page shows without scripts only is left out too.

The tree is looked into with selectors alone: going through it from Python takes ten times as long as reading the text that the
parser writes of it (core/data/readers/documents/web_text.py).
"""

from __future__ import annotations

import itertools
import operator
import re
from pathlib import Path
from typing import TYPE_CHECKING

from core.data.readers.documents.kind import Extracted, Note, count_letters
from core.data.readers.documents.reading import FILE as READING
from core.data.readers.documents.reading import Reading
from core.data.readers.documents.web_text import HEADINGS, LINES, PARAGRAPHS, write_lines
from core.data.readers.encoding import decode_text

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

LEFT_OUT = "menus, heads and feet of web pages were left out"
_WITHOUT_SCRIPTS = Note(
    f"what a web page shows only where scripts are off (<noscript>) was left out; `keep_navigation` in {READING} keeps it"
)
_TEMPLATES = Note("<template> elements of web pages, which only scripts show, are not read")
FRAMES = Note("the page consists of frames, which show other files; give those files too")

_NAVIGATION_ROLES = {"navigation", "banner", "contentinfo", "search", "menu", "menubar"}
_NAVIGATION_NAMES = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|navigation|menu|sidebar|breadcrumbs?|footer|pagination|toc)(?=$|[\s_-])"
)
_NAMED = ", ".join(
    f"[{attribute}*={word} i]"
    for attribute in ("class", "id")
    for word in ("nav", "menu", "sidebar", "breadcrumb", "footer", "pagination", "toc")
)
_PERHAPS = f"nav, header, footer, [role], {_NAMED}"
# What stands in these has heads and feet of its own.
_INSIDE = ", ".join(
    f"{outer} {inner}" for outer in ("article", "main", "section", "aside", "td") for inner in ("header", "footer")
)
_MOSTLY = 0.5  # share of a block's letters that stand in links
_MOST_FRAMES = 5  # pages in pages, written into an attribute
_DEEPEST = 400  # open elements; browsers stop at about 500, since finding what a tag closes takes as long as the page is deep
_XHTML = re.compile(r"\A\s*<\?xml\b|http://www\.w3\.org/1999/xhtml")
_CLOSED_AT_ONCE = re.compile(
    r"<(title|script|style|textarea|iframe|noscript|noframes|noembed|xmp|template|select|a|b|i|em|strong|span|div|p|td|th|li|h[1-6])"
    r"((?:\s[^<>]*)?)/>",
    re.IGNORECASE,
)
_NOT_NESTED = (  # elements without content, and those that the next one of their kind closes
    "area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr|html|head|body|p|li|dt|dd|tr|td|th|thead|tbody|tfoot|"
    "option|optgroup|colgroup|rt|rp"
)
_TAG = re.compile(rf"<(/?)(?!(?:{_NOT_NESTED})[\s/>])([a-z][^\s/<>]*+)[^<>]*+>", re.IGNORECASE)
_STEP = re.compile(  # what leads a level deeper, "", or back, "/"; a script or style sheet with all that looks like tags in it
    rf"<(/?)(?!(?:{_NOT_NESTED})[\s/>])(?:(?:script|style)\b(?:[^<]++|<(?!/(?:script|style)))*+|[a-z])", re.IGNORECASE
)


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
    """The text of a page. title is its <title>; held counts all text but scripts, styles, and what a note says is not read."""
    source = _limit_depth(source)
    page = _read(source, keep=reading.keep_navigation)
    if not page.text and (page.left_out or _WITHOUT_SCRIPTS in page.notes):
        return _read(source, keep=True)
    return page


def _read(source: str, *, keep: bool) -> Extracted:
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(source)
    head = tree.css_first("head > title")
    title = " ".join(head.text().split()) if head is not None else ""
    _show_frames(tree)
    root = tree.body or tree.root
    if root is None:
        return Extracted(text="", title=title)
    _mark_preformatted(tree)
    notes = _leave_out(tree, root, keep=keep)
    held = count_letters(root.text(deep=True))
    navigation = [] if keep else _find_navigation(root, looks=20 * len(source))
    left_out = any((node.text(deep=True) or "").strip() for node in navigation)
    for node in navigation:
        node.decompose()
    written = root.html or ""
    del head, root, navigation, tree  # before as much again is made of the text
    return Extracted(write_lines(written), title, notes=notes, held=held, left_out=LEFT_OUT if left_out else "")


def _show_frames(tree: LexborHTMLParser) -> None:
    """Puts pages that are written into an attribute in their places, and what a page of frames says without them."""
    for instead in tree.css("noframes") if tree.body is None else ():
        block = tree.create_node("div")
        block.inner_html = _limit_depth(instead.text())
        instead.replace_with(block)
    for _ in range(_MOST_FRAMES):
        frames = tree.css("iframe[srcdoc]")
        for frame in frames:
            block = tree.create_node("div")
            block.inner_html = _limit_depth(frame.attributes["srcdoc"] or "")
            frame.replace_with(block)
        if not frames:
            break


def _mark_preformatted(tree: LexborHTMLParser) -> None:
    """Elements of old pages whose signs are text as they stand: the parser would write them as if they were tags."""
    for old in tree.css("xmp, plaintext"):
        block = tree.create_node("pre")
        block.insert_child(old.text())
        old.replace_with(block)


def _leave_out(tree: LexborHTMLParser, root: LexborNode, *, keep: bool) -> tuple[Note, ...]:
    """Takes out what is no text, and what is shown in other circumstances; the notes that say so."""
    notes = []
    without_scripts = [] if keep else [node for node in root.css("noscript") if (node.text(deep=True) or "").strip()]
    if without_scripts:
        notes.append(_WITHOUT_SCRIPTS)
    if any(any(part.text(deep=True).strip() for part in node.template_fragments()) for node in root.css("template")):
        notes.append(_TEMPLATES)
    if root.css_first("frame") is not None:
        notes.append(FRAMES)
    tree.strip_tags(["script", "style", "template", "iframe", "noembed", "noframes", *([] if keep else ["noscript"])])
    return tuple(notes)


def _find_navigation(root: LexborNode, *, looks: int) -> list[LexborNode]:
    """Elements that are navigation, none of them within another. looks: letters that may be read to find what consists of
    links, so that a page of blocks in blocks takes no longer than another."""
    inside = {node.mem_id for node in root.css(_INSIDE)}
    taken = set[int]()
    found: list[LexborNode] = []
    for node in root.css(_PERHAPS):
        tag = node.tag or ""
        if node.mem_id in taken or tag in HEADINGS or tag not in (LINES | PARAGRAPHS):
            continue
        if tag in ("nav", "header", "footer"):
            is_navigation = tag == "nav" or (node.mem_id not in inside and node.css_first("h1, h2, h3") is None)
        elif node.attributes.get("role") in _NAVIGATION_ROLES:
            is_navigation = node.css_first("h1, main, article") is None
        elif looks > 0 and _NAVIGATION_NAMES.search(_name(node)):
            whole = node.text(deep=True)
            looks -= len(whole)
            is_navigation = _is_mostly_links(node, letters=count_letters(whole))
        else:
            continue
        if is_navigation:
            taken.update(inner.mem_id for inner in node.css(_PERHAPS))
            found.append(node)
    return found


def _name(node: LexborNode) -> str:
    return f"{node.attributes.get('class') or ''} {node.attributes.get('id') or ''}".lower()


def _is_mostly_links(node: LexborNode, *, letters: int) -> bool:
    linked = sum(count_letters(link.text(deep=True)) for link in node.css("a"))
    return letters > 0 and linked / letters > _MOSTLY


def _limit_depth(source: str) -> str:
    """The page without the tags that would nest elements deeper than is sensible; their text stays."""
    if _measure_depth(source) <= _DEEPEST:
        return source
    kept: list[str] = []
    depth = end = place = 0
    while place >= 0:
        for tag in _TAG.finditer(source, place):
            closes, name = tag[1], tag[2].lower()
            if name in ("script", "style") and not closes:
                place = source.find(f"</{name}", tag.end())
                break
            if closes:
                depth = max(0, depth - 1)
            else:
                depth += 1
            if depth + bool(closes) > _DEEPEST:
                kept += [source[end : tag.start()], "<br>" if name in LINES | PARAGRAPHS else ""]
                end = tag.end()
        else:
            break
    return "".join([*kept, source[end:]]) if kept else source


def _measure_depth(source: str) -> int:
    """How many elements are open at most; end tags without a beginning end none."""
    levels = list(itertools.accumulate(map({"": 1, "/": -1}.__getitem__, _STEP.findall(source))))
    return max(map(operator.sub, levels, itertools.accumulate(levels, min, initial=0)), default=0)
