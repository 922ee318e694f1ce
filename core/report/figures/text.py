"""Text of the data inside a figure: on one line, cut or broken, and escaped, because Plotly reads HTML."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterable

from core.text.acting_signs import spell_acting


def escape(text: object) -> str:
    """The text on one line, shown and not read as HTML."""
    return html.escape(_join(text), quote=False)


def shorten(text: object, *, width: int) -> str:
    """escape(), cut with "…" at `width` signs."""
    line = _join(text)
    return escape(line if len(line) <= width else line[: width - 1].rstrip() + "…")


def wrap(text: object, *, width: int) -> str:
    """Escaped lines of at most `width` signs; they break between words, at hyphens, and inside a word that is too long."""
    return _stack(textwrap.wrap(_join(text), width))


def wrap_words(text: object, *, width: int) -> str:
    """Escaped lines of about `width` signs that break between words only; a word of more than two lines is cut with "…"."""
    words = [word if len(word) <= 2 * width else word[: 2 * width - 1] + "…" for word in _join(text).split(" ")]
    return _stack(textwrap.wrap(" ".join(words), width, break_long_words=False, break_on_hyphens=False))


def _join(text: object) -> str:
    return spell_acting(" ".join(str(text).split()))


def _stack(lines: Iterable[str]) -> str:
    return "<br>".join(html.escape(line, quote=False) for line in lines)
