"""Signs that act are spelled out wherever a text is shown: on a page, in a chart, in a report."""

from __future__ import annotations

import pytest

from core.report.figures import text as figures
from core.report.render import html, markdown
from core.text.acting_signs import spell_acting
from pages.shared.frame.text import escape_chart, escape_html, escape_markdown

ESCAPES = (escape_chart, escape_html, escape_markdown, figures.escape, html.escape, markdown.escape)


@pytest.mark.parametrize("sign", ["\u202e", "\u202b", "\u2066", "\x1b", "\0", "\x7f", "\x9b"])
def test_a_sign_that_acts_is_spelled_out_in_whatever_is_shown(sign: str) -> None:
    name = f"turned{sign}: 0.549"
    assert spell_acting(name) == f"turned\\u{ord(sign):04x}: 0.549"
    for escape in ESCAPES:
        shown = str(escape(name))
        assert sign not in shown and f"{ord(sign):04x}" in shown, escape


def test_texts_that_people_write_stay_as_they_are() -> None:
    for text in ("plain", "two\nlines\tand a tab", "שלום, עולם", "مرحبا \u200f1.5", "👩‍🚒", "soft\u00adhyphen"):
        assert spell_acting(text) == text
