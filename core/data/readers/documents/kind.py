"""What a kind of file is, and what reading a file of it gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.data.readers.documents.reading import Reading


@dataclass(frozen=True)
class Note:
    """Something that the user should know of a file. what: the same words for all files that it happened to, so that they
    can be counted together; detail: what differs from file to file."""

    what: str
    detail: str = ""


@dataclass(frozen=True)
class Extracted:
    """One document out of a file.

    title: that the file gives itself, "" if none. part: what tells it apart from other documents of the same file, "" if it
    is the only one. held: letters and digits that the file holds for this document, counted apart from `text`; None if nothing
    could be lost. left_out: why letters were left out on purpose, "" if none were. doc_id: its id in the file, if it has one.
    """

    text: str
    title: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    part: str = ""
    held: int | None = None
    left_out: str = ""
    doc_id: str | None = None


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    name: its `file_type`; "" for kinds whose files go by their suffix. suffixes: lower case, with the dot. read: bytes, path
    and choices -> one document, or several; raises InputError that says what to do. has_headings: the first "# " line of the
    text is the title, else the file's own. beside_tables: files of this kind are documents also in a folder that holds tables;
    those of the others describe the tables there.
    """

    name: str
    suffixes: tuple[str, ...]
    read: Callable[[bytes, Path, Reading], list[Extracted]]
    has_headings: bool = True
    beside_tables: bool = True

    def name_type(self, path: Path) -> str:
        """The `file_type` of a file of this kind."""
        return self.name or path.suffix.lower().removeprefix(".") or "txt"


def count_letters(text: str) -> int:
    """How many letters and digits a text has, in any script."""
    return sum(map(str.isalnum, text))


def join_blocks(blocks: list[str]) -> str:
    """Blocks that are not empty, with an empty line between them."""
    return "\n\n".join(block for block in blocks if block.strip())
