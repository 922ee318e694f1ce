"""Boundaries: where the paragraphs, lines, sentences, words and headed sections of a text begin."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

PARAGRAPH, LINE, SENTENCE, WORD = range(4)

_SPACE = re.compile(r"\s+")
_CLOSERS = "\"'’”»)]"
_SENTENCE_TAIL = frozenset(".!?…" + _CLOSERS)
_INITIALS = re.compile(r"(?:[A-Za-z]\.)*[A-Z]|(?:[A-Za-z]\.)+[A-Za-z]")  # J. / U.S. / e.g.
_ABBREVIATIONS = frozenset(
    re.findall(r"\w+", "al approx cf dr eq eqs etc fig figs inc jr mr mrs ms prof ref refs resp sec sr st tab vol vs")
)
# Chinese and Japanese put no space between words or after sentences; Korean does.
_CJK = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_CJK_SENTENCE = re.compile("[。！？｡]+[」』）”’]*(?=\\S)")

# A text comes from anywhere, so every rule here takes time in proportion to the line: nothing that may fail is tried again
# from each of the places in a run of the same sign.
_ATX = re.compile(r" {0,3}(#{1,6})(?![^ \t])")
_UNDERLINE = re.compile(r" {0,3}(={3,}|-{3,})[ \t]*")
_HTML_HEADING = re.compile(r"\s*<h([1-6])\b[^>]*>(.*?)</h\1\s*>.*", re.IGNORECASE)
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\((?:[^()]++|\([^()]*\))*+\)")
_TAG = re.compile(r"<[^>]*>")
_HEADING_SIGNS = frozenset("#<=-")  # what the line of a heading or under it begins with
_NO_TITLE_LINE = ("-", "*", "+", ">", "|")


def find_boundaries(text: str) -> list[list[int]]:
    """Four sorted lists of positions: where a new paragraph, line, sentence and word begins.

    A position is in the list of the highest of these only, and is where white space ends (or, in Chinese and
    Japanese, between two characters). The beginning and the end of the text are in none.
    """
    levels: list[list[int]] = [[], [], [], []]
    for match in _SPACE.finditer(text):
        if match.start() > 0 and match.end() < len(text):
            levels[_rank_space(text, match.start(), match.end())].append(match.end())
    if _CJK.search(text):
        _add_unspaced(text, levels)
    return levels


def _rank_space(text: str, start: int, end: int) -> int:
    if end - start > 1 or text[start] != " ":
        space = text[start:end]
        breaks = len(space.replace("\r\n", "\n").replace("\r", "\n").split("\n")) - 1
        if breaks > 1 or "\f" in space or "\u2029" in space:
            return PARAGRAPH
        if breaks or "\v" in space or "\x85" in space or "\u2028" in space:
            return LINE
    return SENTENCE if _ends_sentence(text, start) else WORD


def _ends_sentence(text: str, end: int) -> bool:
    """Whether the word that ends here ends a sentence; initials, abbreviations and list numbers do not."""
    if text[end - 1] not in _SENTENCE_TAIL:
        return False
    begin = max(end - 40, 0)
    tail = text[begin:end].rstrip(_CLOSERS)
    if not tail.endswith((".", "!", "?", "…")):
        return False
    word = (tail.split() or [""])[-1]
    if not word.endswith("."):
        return True
    bare = word[:-1].lstrip("(['\"“‘«")
    if bare.lower() in _ABBREVIATIONS or _INITIALS.fullmatch(bare):
        return False
    if bare.isdigit():
        before = text[max(begin + len(tail) - len(word) - 1, 0) : begin + len(tail) - len(word)]
        return before not in ("", "\n", "\r")  # "1. Open the cover" is one sentence
    return True


def _add_unspaced(text: str, levels: list[list[int]]) -> None:
    known = {position for level in levels for position in level} | {0, len(text)}
    sentences = {match.end() for match in _CJK_SENTENCE.finditer(text)} - known
    words = {place for match in _CJK.finditer(text) for place in (match.start(), match.end())} - known - sentences
    words = {place for place in words if not text[place].isspace()}
    levels[SENTENCE] = sorted({*levels[SENTENCE], *sentences})
    levels[WORD] = sorted({*levels[WORD], *words})


def find_sentences(text: str, boundaries: list[list[int]]) -> list[tuple[int, int]]:
    """(start, end) of each sentence, together covering the text.

    A single line break ends a sentence unless the next line goes on in lower case (a wrapped line). What holds no
    letter or digit (a rule, a stray bracket) belongs to the sentence before it.
    """
    lines = [place for place in boundaries[LINE] if not text[place].islower()]
    cuts = sorted([0, *boundaries[PARAGRAPH], *lines, *boundaries[SENTENCE]])
    spans: list[tuple[int, int]] = []
    for start, end in zip(cuts, [*cuts[1:], len(text)], strict=True):
        if spans and not any(character.isalnum() for character in text[start:end]):
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return spans


@dataclass(frozen=True)
class Heading:
    """A heading of `level` 1-6 in [start, end) of the text; title without its marks."""

    start: int
    end: int
    level: int
    title: str


@dataclass(frozen=True)
class Section:
    """[start, end) of the text under the headings of `path` ("Install > Wi-Fi"; "" before the first heading)."""

    start: int
    end: int
    path: str


def find_headings(text: str) -> list[Heading]:
    """Markdown headings (# and underlined, as in CommonMark 0.31) and lines that begin with <h1>...<h6>.

    Lines inside fenced code are no headings; a fence that is not closed runs to the end of the text.
    """
    headings: list[Heading] = []
    fence = ""
    before_blank, previous = True, (0, "")  # is the line before the previous one blank; the previous line
    for start, line in _split_lines(text):
        sign = line.lstrip()[:1]
        opening = _FENCE.fullmatch(line) if sign in ("`", "~") else None
        heading = None
        if fence:
            if opening and opening[1].startswith(fence) and not opening[2].strip():
                fence = ""
        elif opening and not (opening[1][0] == "`" and "`" in opening[2]):
            fence = opening[1]
        elif sign in _HEADING_SIGNS:
            heading = _read_heading(start, line, previous if before_blank else (0, ""))
        if heading:
            headings.append(heading)
        before_blank = not previous[1].strip()
        previous = (start, "" if fence or opening or heading else line)
    return headings


def _split_lines(text: str) -> list[tuple[int, str]]:
    return [(match.start(), match[1]) for match in re.finditer(r"([^\r\n]*)(?:\r\n|\r|\n|\Z)", text)]


def _read_heading(start: int, line: str, previous: tuple[int, str]) -> Heading | None:
    end = start + len(line)
    if atx := read_atx(line):
        return Heading(start, end, atx[0], _clean_title(atx[1]))
    if match := _HTML_HEADING.fullmatch(line):
        inside, close, after = match[2].rpartition(">")
        title = html.unescape(_TAG.sub(" ", inside + close) + after)
        return Heading(start, start + match.end(2) + len("</h1>"), int(match[1]), " ".join(title.split()))
    title = previous[1].strip()
    if title and not title.startswith(_NO_TITLE_LINE) and (match := _UNDERLINE.fullmatch(line)):
        return Heading(previous[0], end, 1 if match[1][0] == "=" else 2, _clean_title(title))
    return None


def read_atx(line: str) -> tuple[int, str] | None:
    """Level and title of a line that is a heading by its # signs, without those that close it; None for other lines."""
    match = _ATX.match(line)
    if match is None:
        return None
    title = line[match.end() :].strip(" \t")
    opened = title.rstrip("#")
    return len(match[1]), opened.rstrip(" \t") if not opened or opened[-1] in " \t" else title


def _clean_title(title: str) -> str:
    if not title:
        return title
    title = _LINK.sub(r"\1", title).rstrip()
    if title.endswith("}"):  # {#anchor}
        anchor = title.find("{#", title.rfind("}", 0, -1) + 1)
        title = title[:anchor] if anchor >= 0 else title
    return " ".join(title.replace("**", "").replace("`", "").split())


def find_sections(text: str) -> list[Section]:
    """The sections of the text in order, together covering it; one section without a path if there is no heading.

    A heading with nothing under it but deeper headings has no section of its own: it begins the first one below it.
    """
    headings = find_headings(text)
    ends = [heading.start for heading in headings[1:]] + [len(text)]
    sections: list[Section] = []
    if not headings or text[: headings[0].start].strip():
        sections.append(Section(0, headings[0].start if headings else len(text), ""))
    open_headings: list[Heading] = []
    begin: int | None = None
    for index, heading in enumerate(headings):
        open_headings = [above for above in open_headings if above.level < heading.level] + [heading]
        begin = heading.start if begin is None else begin
        deeper_next = index + 1 < len(headings) and headings[index + 1].level > heading.level
        if deeper_next and not text[heading.end : ends[index]].strip():
            continue
        path = " > ".join(above.title for above in open_headings if above.title)
        sections.append(Section(begin, ends[index], path))
        begin = None
    return sections
