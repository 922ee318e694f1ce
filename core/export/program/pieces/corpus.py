"""The corpus: the documents of a JSON Lines file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Document:
    """A line of the file."""

    id: str
    title: str
    text: str
    metadata: dict[str, Any]


def read_corpus(file: str) -> list[Document]:
    """The documents that have a title or a text, in the order of their ids: so equal scores are ordered."""
    with Path(file).open(encoding="utf-8-sig") as lines:
        records = [json.loads(line) for line in lines if line.strip()]
    documents = [
        Document(
            id=str(record["_id"]),
            title=(record.get("title") or "").strip(),
            text=record["text"].replace("\r\n", "\n").replace("\r", "\n"),
            metadata=record.get("metadata") or {},
        )
        for record in records
    ]
    return sorted((found for found in documents if found.title or found.text.strip()), key=lambda found: found.id)
