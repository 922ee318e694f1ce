"""Folders of HuggingFace datasets, as the hub has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

DOCS = [{"_id": f"d{n}", "title": f"t{n}", "text": f"words {n}"} for n in range(5)]
ASKED = [{"_id": f"q{n}", "text": f"question {n}"} for n in range(3)]
JUDGED = [{"query-id": f"q{n}", "corpus-id": f"d{n}", "score": 2 - n} for n in range(3)]
Rows = list[dict[str, Any]]


def write(file: Path, rows: Rows) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), file)
    return file


def write_parts(folder: Path, *, corpus: str, queries: str, qrels: str) -> Path:
    """A corpus of two shards, queries and judgments, at these places; "*" stands for the shard's number."""
    write(folder / f"{corpus}-00000-of-00002.parquet", DOCS[:2])
    write(folder / f"{corpus}-00001-of-00002.parquet", DOCS[2:])
    write(folder / f"{queries}-00000-of-00001.parquet", ASKED)
    write(folder / f"{qrels}-00000-of-00001.parquet", JUDGED)
    (folder / "README.md").write_text("# About\n\nThis describes the data and is no document.\n")
    return folder
