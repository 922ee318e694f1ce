"""The report as Markdown, for a repository or a wiki: the same words and tables as the HTML, without the charts."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from core.data.dataset import Dataset
from core.recommendation.assess import Assessment
from core.report.outline import blocks
from core.report.outline.outline import make_outline
from core.text.acting_signs import spell_acting

_SPECIAL = re.compile(r"[\\`*\[\]<>|~$]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)|:(?=//)|(?<=www)\.|(?<=:)(?=\w+:)")
# At the start of a line: a heading, a quote, a list, a rule or an underline.
_AT_START = re.compile(r"^(?:(?=#{1,6}(?:\s|$))#|>|(?=[-+](?:\s|$))[-+]|(?=[-=\s]+$)[-=]|(\d+)([.)])(?=\s|$))")


def render_markdown(assessment: Assessment, dataset: Dataset) -> str:
    """The whole report as Markdown (with GitHub's tables). The same assessment gives the same text."""
    outline = make_outline(assessment, dataset)
    parts = [f"# {escape(outline.title)}", escape(outline.subtitle)]
    for section in outline.sections:
        drawn = (_draw_block(block) for block in section.blocks)
        parts += [f"## {escape(section.title)}", *(part for part in drawn if part)]
    return "\n\n".join(parts) + "\n"


def escape(text: object) -> str:
    """Text on one line in which nothing is Markdown or HTML any more; addresses become no links, images are not fetched."""
    line = spell_acting(" ".join(str(text).encode("utf-8", "replace").decode("utf-8").split()))
    line = _SPECIAL.sub(lambda match: f"\\{match[0]}", line)
    return _AT_START.sub(lambda match: f"{match[1]}\\{match[2]}" if match[1] else f"\\{match[0]}", line)


def _draw_block(block: blocks.Block) -> str:
    draw: dict[type, Callable[[Any], str]] = {
        blocks.Text: _draw_text,
        blocks.Fact: lambda fact: f"**{escape(fact.name)}** {escape(fact.text)}".strip(),
        blocks.Bullets: _draw_bullets,
        blocks.Terms: lambda terms: "\n".join(f"- **{escape(term)}**: {escape(words)}" for term, words in terms.items),
        blocks.Table: _draw_table,
        blocks.Chart: lambda chart: "",  # the table beside it has the same numbers
        blocks.Code: _draw_code,
        blocks.Example: _draw_example,
    }
    return draw[type(block)](block)


def _draw_text(block: blocks.Text) -> str:
    if block.kind == "lead":
        return f"**{escape(block.text)}**"
    return f"> **Note:** {escape(block.text)}" if block.kind == "warning" else escape(block.text)


def _draw_bullets(block: blocks.Bullets) -> str:
    return "\n".join(f"{f'{place}.' if block.numbered else '-'} {escape(item)}" for place, item in enumerate(block.items, 1))


def _draw_table(table: blocks.Table) -> str:
    rules = ["---:" if column in table.numbers else "---" for column in range(len(table.columns))]
    lines = [[escape(cell) for cell in table.columns], rules]
    for place, row in enumerate(table.rows):
        cells = [escape(cell) for cell in row]
        lines.append([f"**{cell}**" if cell else "" for cell in cells] if place in table.marked else cells)
    drawn = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    return f"{escape(table.caption)}\n\n{drawn}" if table.caption else drawn


def _draw_code(code: blocks.Code) -> str:
    """A fenced block whose fence is longer than any row of backticks inside it."""
    longest = max((len(ticks) for ticks in re.findall(r"`+", code.text)), default=0)
    fence = "`" * max(3, longest + 1)
    text = code.text.encode("utf-8", "replace").decode("utf-8").rstrip("\n")
    return f"{escape(code.file_name)}:\n\n{fence}{code.language}\n{text}\n{fence}"


def _draw_example(example: blocks.Example) -> str:
    lines = [f"**{escape(example.query)}**", escape(example.moved)]
    if example.excerpt or example.title:
        lines.append(f"*{escape(example.title)}*" + (f": {_mark(example)}" if example.excerpt else ""))
    lines.append(escape(example.remark) if example.remark else "")
    return "\n>\n".join(f"> {line}" for line in lines if line)


def _mark(example: blocks.Example) -> str:
    """The excerpt with the passages that answer in bold; where that could not be closed properly they stay plain."""
    text, place, parts = example.excerpt, 0, []
    for first, end in example.marks:
        start = max(first, place)
        inside = text[start:end]
        if inside.strip() != inside or not inside[:1].isalnum() or not inside[-1:].isalnum():
            continue
        parts += [_escape_inside(text[place:start]), f"**{_escape_inside(inside)}**"]
        place = end
    return "".join([*parts, _escape_inside(text[place:])])


def _escape_inside(text: str) -> str:
    """escape() that keeps white space at the ends."""
    core = escape(text)
    return f"{' ' if text[:1].isspace() else ''}{core}{' ' if core and text[-1:].isspace() else ''}"
