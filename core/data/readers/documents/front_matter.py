"""Front matter: YAML between two lines of three dashes at the top of a text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from core.data.readers.documents.kind import Note
from core.data.readers.encoding import replace_surrogates
from core.data.readers.json_values import to_json
from core.text.yaml_text import YamlProblem, read_yaml

_LONGEST = 65_536  # characters
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_NOT_YAML = "the front matter is not valid YAML, so it is text and gives no metadata"
_FIELD = re.compile(r"[A-Za-z_][\w -]{0,60}:")


@dataclass(frozen=True)
class FrontMatter:
    """fields: as plain JSON. body: the text after it. notes: why a front matter was not understood and stays in the text."""

    body: str
    fields: dict[str, Any] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()


def split_front_matter(text: str) -> FrontMatter:
    """The front matter of a text; a text without one, or that only begins with a horizontal rule, is all body."""
    match = _FRONT_MATTER.match(text[:_LONGEST]) if text.startswith("---") else None
    if match is None:
        return FrontMatter(text)
    block = match.group(1)
    try:
        value = read_yaml(block, plain=True)
    except YamlProblem as problem:
        if _FIELD.match(block) is None:
            return FrontMatter(text)
        reason = f"line {1 + (problem.line or 0)}: {problem.reason}"
        return FrontMatter(
            text, notes=(Note("the front matter is not valid YAML, so it is text and gives no metadata", reason),)
        )
    if not isinstance(value, dict):
        return FrontMatter(text)
    fields = {replace_surrogates(str(name)): to_json(item) for name, item in value.items() if item is not None}
    return FrontMatter(text[match.end() :].lstrip("\n"), fields)
