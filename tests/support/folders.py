"""A dataset as a folder of files that holds a little of everything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def write_folder(folder: Path, *, split: bool) -> Path:
    """Three documents, four queries, judgments and evidence; split: the files fix one."""
    corpus: list[dict[str, Any]] = [
        {"_id": "a", "title": "É\u2028", "text": "one two\nthree", "metadata": {"v": 1, "w": ["x", "y"], "n": None}},
        {"_id": "b c", "text": "one two\nthree", "metadata": {"v": 2}},
        {"_id": "c", "text": ""},
    ]
    queries: list[dict[str, Any]] = [
        {"_id": "q1", "text": "first", "filter": {"v": {"gte": 1}}, "tags": ["t"], "answer": "one"},
        {
            "_id": "q2",
            "text": "second",
            "evidence": [{"doc_id": "a", "quote": "two"}, {"doc_id": "gone", "quote": "x"}],
        },
        {"_id": "q3", "text": "third"},
        {"_id": "q4", "text": "fourth"},
    ]
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, corpus)))
    (folder / "queries.jsonl").write_text("\n".join(map(json.dumps, queries)))
    (folder / "qrels" / "test.tsv").write_text("q3\tx\tgone\t1\nq1\tx\tb c\t2\nq1\tx\ta\t0\n")
    if split:
        (folder / "qrels" / "train.tsv").write_text("query-id\tcorpus-id\tscore\n")
    return folder
