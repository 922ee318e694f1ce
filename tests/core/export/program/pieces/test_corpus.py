"""Documents of a JSON Lines file."""

from __future__ import annotations

import json
from pathlib import Path

from core.export.program.pieces.corpus import Document, read_corpus


def test_documents_come_in_the_order_of_their_ids_without_empty_ones(tmp_path: Path) -> None:
    records = [
        {"_id": "b", "title": " Hub ", "text": "one\r\ntwo\rthree", "metadata": {"v": 1}},
        {"_id": "c", "title": None, "text": " \n"},
        {"_id": 10, "text": "ten"},
        {"_id": "a", "title": "Title alone", "text": "", "metadata": None},
    ]
    text = "\n\n".join(json.dumps(record) for record in records)
    (tmp_path / "corpus.jsonl").write_text(text, encoding="utf-8-sig")
    assert read_corpus(str(tmp_path / "corpus.jsonl")) == [
        Document("10", "", "ten", {}),
        Document("a", "Title alone", "", {}),
        Document("b", "Hub", "one\ntwo\nthree", {"v": 1}),
    ]
