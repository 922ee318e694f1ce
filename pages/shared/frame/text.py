"""The one door for text that comes from documents, queries, files or system names: shown, never executed.

Streamlit renders Markdown in titles, labels, captions, tabs, metrics and messages, and Plotly renders HTML in titles and
labels; an image in such text would make the browser fetch it. So: escape first, then mark, then show. Signs that control a
screen or turn the direction of writing are spelled out.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable

import streamlit as st

from core.text.acting_signs import spell_acting

_BREAKS = re.compile(r"[ \t\r\n\f\v\x85\u2028\u2029]+")  # a no-break space stays
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:^=&@/])")


def escape_html(text: object) -> str:
    """For st.html: <, >, & and quotes become entities."""
    return html.escape(spell_acting(str(text)), quote=True)


def escape_markdown(text: object) -> str:
    """For labels, titles, tabs, radio and pill options, captions and messages: every sign that Markdown could read is escaped.

    Options of selectbox and multiselect are plain text already and must not be escaped. Line breaks become spaces: a new
    line could start a list, a heading or a table.
    """
    line = _BREAKS.sub(" ", spell_acting(str(text))).strip()
    # Streamlit makes links of bare addresses even where their signs are escaped; an invisible joiner prevents it.
    line = line.replace("://", ":\u2060//").replace("www.", "www\u2060.")
    return _MARKDOWN.sub(r"\\\1", line)


def escape_chart(text: object) -> str:
    """For Plotly titles, names, labels and hover texts, which read HTML."""
    return html.escape(spell_acting(str(text)), quote=False).replace("\n", "<br>")


def mark_spans(text: str, spans: Iterable[tuple[int, int]], *, title: str = "evidence") -> str:
    """HTML of the text, escaped, with the character spans (end exclusive) inside <mark>. Overlapping spans are joined."""
    parts: list[str] = []
    place = 0
    for asked, last in sorted(spans):
        start, end = max(asked, place), min(last, len(text))
        if end <= start:
            continue
        parts.append(escape_html(text[place:start]))
        parts.append(f'<mark title="{escape_html(title)}">{escape_html(text[start:end])}</mark>')
        place = end
    parts.append(escape_html(text[place:]))
    return "".join(parts)


def show_html(body: str) -> None:
    """Shows HTML whose data parts were escaped by the functions above. Scripts are never run."""
    st.html(body)


def shorten(text: object, *, width: int = 80) -> str:
    """One line of at most `width` characters."""
    line = " ".join(str(text).split())
    return line if len(line) <= width else line[: width - 1].rstrip() + "…"


def shorten_apart(texts: Iterable[str], *, width: int) -> dict[str, str]:
    """text -> one line of about `width` characters, no two alike: those that begin alike lose their middle instead of their
    end. For names that have to be told apart, on an axis say."""
    known = list(dict.fromkeys(texts))
    cut = {text: shorten(text, width=width) for text in known}
    times = Counter(cut.values())
    found: dict[str, str] = {}
    for text in known:
        line = cut[text]
        if times[line] > 1:
            whole = " ".join(text.split())
            line = f"{whole[: width // 2 - 1]}…{whole[-(width - width // 2) :]}"
        number = 2
        while line in found.values():
            line, number = f"{shorten(text, width=width)} ({number})", number + 1
        found[text] = line
    return found
