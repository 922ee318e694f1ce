"""What somebody says about how a dataset's labels and language are to be read; beside them in a file, or in the workspace."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, fields
from pathlib import Path

from core.data.grades import HIGHEST_GRADE
from core.errors import InputError
from core.records import RecordFile, keep_content
from core.text.languages import AUTO, parse_languages

FILE = "labels.json"  # in a dataset's folder


@dataclass(frozen=True)
class LabelRules:
    """relevant_from: the least grade with which a document counts as relevant; None: choose_threshold() chooses.

    share_copies: documents that say the same as a relevant one have its label, see core.data.copies.
    language: codes of the languages that the documents are written in ("de", "de, en"), "none" for words as they are written;
    "" where it is to be found, see core.data.languages.
    Raises InputError for a threshold that no grade can be, and for languages that are not known.
    """

    relevant_from: float | None = None
    share_copies: bool = False
    language: str = ""

    def __post_init__(self) -> None:
        given = self.relevant_from
        if given is not None and not (math.isfinite(given) and 0 < given <= HIGHEST_GRADE):
            raise InputError(
                f"documents cannot count as relevant from grade {given:g} on; give a number above 0 and up to {HIGHEST_GRADE:,}"
            )
        try:
            spelled = ", ".join(parse_languages(self.language)) if self.language else ""
        except ValueError as error:
            raise InputError(str(error)) from error
        object.__setattr__(self, "language", "" if spelled == AUTO else spelled)


_FILES = RecordFile(LabelRules, upgrades=[keep_content], cure="correct or delete this file", sealed=False)


def read_rules(folder: Path) -> LabelRules:
    """The rules that lie in a dataset's folder, else those that say nothing."""
    file = folder / FILE
    return _FILES.read(file) if file.is_file() and not are_labels(file) else LabelRules()


def are_labels(file: Path) -> bool:
    """Whether a labels.json is somebody's table of labels: whole JSON without one field of ours."""
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    names = {"format", *(field.name for field in fields(LabelRules))}
    return isinstance(content, list) or (isinstance(content, dict) and bool(content) and not names & content.keys())


def write_rules(folder: Path, rules: LabelRules) -> None:
    """Puts the rules into a dataset's folder."""
    _FILES.write(folder / FILE, rules)
