"""Stages in words: the step that a query passes, and a part of a system with its settings."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from core.stages.registry import STAGES


def name_step(stage: str) -> str:
    """A stage's class name in plain words; of one that is not known here, its own words."""
    known = STAGES.get(stage)
    return (known.step if known else "") or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", stage).lower()


def describe_part(part: Any) -> str:
    """A part's settings as one reads them: "recursive, 200 tokens, no overlap"."""
    values = {field.name: getattr(part, field.name) for field in dataclasses.fields(part)}
    values = {name: len(value) if isinstance(value, tuple) else value for name, value in values.items()}  # lists are counted
    said = [part.summary.format(**values)]
    if "overlap" in values:
        said.append(f"overlap {part.overlap}" if part.overlap else "no overlap")
    if values.get("prefix", "title") != "title":
        said.append("title always first" if part.prefix == "always" else "no title")
    if values.get("level", "document") != "document":
        said.append("merges chunks")
    return ", ".join(said)
