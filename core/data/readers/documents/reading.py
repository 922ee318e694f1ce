"""How files are read where there is a choice; beside the files, in a file that a person may write."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.records import RecordFile, keep_content

FILE = "reading.json"  # in a folder of documents, for example {"keep_navigation": true}


@dataclass(frozen=True)
class Reading:
    """keep_navigation: menus, heads and feet of web pages are text like any other. row_documents: every row of a sheet is a
    document of its own, instead of every sheet."""

    keep_navigation: bool = False
    row_documents: bool = False


_FILES = RecordFile(Reading, upgrades=[keep_content], cure="correct or delete this file", sealed=False)


def read_reading(folder: Path) -> Reading:
    """What lies in a folder of documents, else the defaults. Raises InputError if it cannot be read."""
    file = folder / FILE
    return _FILES.read(file) if file.is_file() else Reading()


def write_reading(folder: Path, reading: Reading) -> None:
    """Puts it into a folder of documents."""
    _FILES.write(folder / FILE, reading)
