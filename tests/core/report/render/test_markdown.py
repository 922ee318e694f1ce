"""The Markdown report: the same words as the HTML, and no text of the data becomes markup."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from core.data.dataset import Dataset
from core.recommendation.assess import Assessment
from core.report.outline.blocks import Bullets, Fact, Table, Text
from core.report.outline.outline import make_outline
from core.report.render.markdown import escape, render_markdown
from tests.support.assessments import make_assessment
from tests.support.reports import ATTACK, make_hostile

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
FORBIDDEN = {"image", "link_open", "html_inline", "html_block", "hr", "s_open"}


@pytest.fixture
def made(workspace: Path) -> tuple[Dataset, Assessment]:
    return make_assessment(workspace)


def walk(text: str) -> Iterator[Token]:
    for token in MARKDOWN.parse(text):
        yield token
        yield from token.children or []


def show(text: str) -> str:
    """What a reader sees: the text of all tokens, in one line."""
    return " ".join("".join(token.content if not token.children else " " for token in walk(text)).split())


@pytest.mark.parametrize(
    "text",
    [
        ATTACK,
        "# heading", "## x", "#tag", "> quote", "- list", "+ list", "* list", "1. list", "12) list", "---", "===", "- - -",
        "***", "1.0 is a number", "+0.123", "`code` ``", "a * b * c", "snake_case_name", "_emphasis_", "__x__", "~~gone~~",
        "[a]: http://example.com", "![x](y)",
        "<b>", "<!-- x -->", "&amp; &#60; & co", "\\*", "\\", "a | b", "| a |", "    code",
        "\tcode", "a\n\n# b", "www.example.com", "http://example.com/x_y_z", "```\nx\n```", "[x][y]", "$x$", "a  \nb",
    ],
)  # fmt: skip
def test_escaped_text_is_read_as_it_stands(text: str) -> None:
    html = MARKDOWN.render(escape(text))
    kinds = {token.type for token in walk(escape(text))}
    assert kinds <= {"paragraph_open", "paragraph_close", "inline", "text", "text_special"}, html
    assert show(escape(text)) == " ".join(text.split())


def test_addresses_become_no_links() -> None:
    linking = MarkdownIt("commonmark", {"linkify": True}).enable("linkify") if _has_linkify() else MARKDOWN
    assert "<a " not in linking.render(escape("http://example.com and www.example.com"))
    assert escape("http://example.com") == "http\\://example.com"
    assert escape("www.example.com") == "www\\.example.com"


def _has_linkify() -> bool:
    try:
        import linkify_it  # noqa: F401
    except ImportError:
        return False
    return True


def test_same_words_as_the_html(made: tuple[Dataset, Assessment]) -> None:
    dataset, assessment = made
    shown = show(render_markdown(assessment, dataset))
    for section in make_outline(assessment, dataset).sections:
        assert " ".join(section.title.split()) in shown
        for block in section.blocks:
            texts = [block.text] if isinstance(block, Text | Fact) else list(block.items) if isinstance(block, Bullets) else []
            for text in texts:
                assert " ".join(text.split()) in shown


def test_tables_keep_their_cells(made: tuple[Dataset, Assessment]) -> None:
    dataset, assessment = made
    tables = [b for s in make_outline(assessment, dataset).sections for b in s.blocks if isinstance(b, Table)]
    tokens = MARKDOWN.parse(render_markdown(assessment, dataset))
    assert sum(token.type == "table_open" for token in tokens) == len(tables)
    cells = sum(token.type in ("th_open", "td_open") for token in tokens)
    assert cells == sum(len(table.columns) * (1 + len(table.rows)) for table in tables)


def test_texts_of_the_data_are_no_markup(made: tuple[Dataset, Assessment]) -> None:
    assessment, dataset = make_hostile(made[1], made[0])
    text = render_markdown(assessment, dataset)
    assert not FORBIDDEN & {token.type for token in walk(text)}
    assert show(text).count(ATTACK) > 20


def test_code_cannot_end_its_block(made: tuple[Dataset, Assessment]) -> None:
    dataset, assessment = made
    fences = [token for token in walk(render_markdown(assessment, dataset)) if token.type == "fence"]
    assert [token.info for token in fences] == ["yaml", "python", "sh"]
    compile(fences[1].content, "search.py", "exec")


def test_same_assessment_same_text(made: tuple[Dataset, Assessment]) -> None:
    dataset, assessment = made
    text = render_markdown(assessment, dataset)
    assert text == render_markdown(assessment, dataset)
    assert text.startswith("# ") and text.endswith("\n") and not re.search(r"\n{3}(?!.*```)", text.split("```")[0])
