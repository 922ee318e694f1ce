"""Everything that can go wrong in a way the user can mend.

LadderError                 one sentence: what was found, what was expected, what to do
├── InputError              the user's data or arguments; knows file and line; exit code 2 on the command line
│   ├── SeveralDatasets     one of them has to be chosen
│   └── DamagedFile         a file of the workspace that is not as it was written
├── WiringError             stages that do not fit together; raised when the node is built
├── StageError              a stage's output frame is not what it promised; names system, stage, expected, found
├── ModelUnavailable        a model or endpoint cannot be had; an error of that system alone
├── NotInWorkspace          an experiment, dataset or system that is asked for but not there
├── WorkspaceBusy           another process holds what this one needs
└── Cancelled               the user pressed Cancel; what was finished is kept
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

# A name on disk need not be UTF-8; Python holds what is not as half characters, which nothing can print or keep.
_HALVES = re.compile("[\ud800-\udfff]")
_LONGEST, _ENDING = 1_000, 300  # characters of a message, and of them those at its end, where the cure stands


class LadderError(Exception):
    """Base of all errors whose message is meant for the user."""


class InputError(LadderError):
    """Bad input. `str()` gives "file, line 12: what was found; what to do"; `what` the part after the place."""

    def __init__(self, message: str, *, file: str | Path | None = None, line: int | None = None) -> None:
        self.file = str(file) if file is not None else None
        self.line = line
        self.what = message = _fit(message)
        where = ""
        if self.file:
            where = self.file + (f", line {line}" if line is not None else "") + ": "
        super().__init__(_HALVES.sub("\ufffd", where) + message)


def _fit(message: str) -> str:
    """A message as one line that can be printed; what it repeats of a file may be of any length and hold any sign."""
    line = _HALVES.sub("\ufffd", " ".join(message.splitlines()))
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - _ENDING]} … {line[-_ENDING:]}"


class SeveralDatasets(InputError):
    """Where one dataset was expected are several. names: of those to choose from."""

    def __init__(self, message: str, *, names: Sequence[str], file: str | Path | None = None) -> None:
        self.names = tuple(names)
        super().__init__(message, file=file)


class DamagedFile(InputError):
    """A file that this program wrote and that cannot be read as what it was. why: what is wrong with it."""

    def __init__(self, message: str, *, file: str | Path | None = None, why: str = "") -> None:
        self.why = why
        super().__init__(message, file=file)


class WiringError(LadderError):
    """A node was given inputs of the wrong kind or number."""


class StageError(LadderError):
    """A stage returned something other than its frame."""


class ModelUnavailable(LadderError):
    """A model, tokenizer or endpoint cannot be loaded or reached."""


class NotInWorkspace(LadderError):
    """Something asked for by id or name is not in the workspace."""


class WorkspaceBusy(LadderError):
    """A lock is held by another process for longer than we are willing to wait."""


class Cancelled(LadderError):
    """Raised between nodes and between batches once the cancel token is set."""


def check_range(name: str, value: float, *, low: float, high: float | None = None) -> None:
    """Raises InputError unless low <= value <= high (no upper limit if None)."""
    if value < low or (high is not None and value > high):
        limits = f"at least {low:g}" if high is None else f"between {low:g} and {high:g}"
        raise InputError(f"{name} is {value:g}; it must be {limits}")


def first_line(error: BaseException) -> str:
    """The first line of an error's text, at most 200 characters: enough to know what happened."""
    text = str(error).strip().splitlines()
    return (text[0] if text else type(error).__name__)[:200]
