"""For which corpus, and by which models, what lies in the cache was made: a file for each corpus, a line for each thing.

A line is a JSON list, [path below the workspace, ["MODEL|REVISION", ...]], and is only ever added: no lock is needed, and one
that a kill cut off is as if it had not been written. What no file tells of was made before there were any.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from core.storage.files import replace_file


class MadeFor:
    """What was made for one corpus. file: need not exist."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known: dict[str, frozenset[str]] | None = None

    def note(self, name: str, models: Iterable[str]) -> None:
        """Puts down that the file or folder `name`, a path below the workspace, was made for the corpus by these models."""
        made = {name: frozenset(models)}
        if self._known is None:
            self._known = self.read()
        if not made.items() <= self._known.items():
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("ab") as file:  # a new line first: the last one may have been cut off
                file.write(f"\n{_spell(name, made[name])}".encode())
            self._known |= made

    def forget(self, names: Iterable[str]) -> None:
        """Strikes out what is gone; the file goes with the last of it."""
        gone = set(names)
        rest = {name: models for name, models in self.read().items() if name not in gone}
        self._known = rest
        if rest:
            with replace_file(self._file) as aside:
                aside.write_text("".join(f"\n{_spell(name, models)}" for name, models in rest.items()), encoding="utf-8")
        else:
            self._file.unlink(missing_ok=True)

    def read(self) -> dict[str, frozenset[str]]:
        """Path below the workspace -> models, of all that was put down; lines that are none are passed over."""
        found: dict[str, frozenset[str]] = {}
        try:
            lines = self._file.read_bytes().splitlines()
        except FileNotFoundError:
            return found
        for line in lines:
            try:
                name, models = json.loads(line)
                found[str(name)] = frozenset(map(str, models))
            except (ValueError, TypeError):  # cut off, or damaged
                continue
        return found


def _spell(name: str, models: Iterable[str]) -> str:
    return json.dumps([name, sorted(models)])
