"""Data that only training can help: every query is answered by the document of the next topic, which no model can know.

A query names a topic by a synonym and a product; AxisModels put it beside the wrong document. An adapter learns the step to the
next topic from a few queries and finds the answers of all others; no cheap fix does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.assessments import PRODUCTS, SYNONYMS, TOPICS

QUERIES = [(number % 8, (number + number // 8) % 8) for number in range(64)]  # (product, topic), all different


def write_shifted_dataset(folder: Path, *, queries: int = 64, sides: Mapping[int, str] | None = None, **texts: str) -> Path:
    """Writes corpus.jsonl, queries.jsonl and labels: q00 to q63, one answer each.

    sides: query number -> "train" or "test", for a split that the data fix. texts: words of a query in place of its own, as in
    q05="mail hub".
    """
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    documents = [{"_id": doc_id, "title": "", "text": text} for doc_id, text in list_documents().items()]
    _write(folder / "corpus.jsonl", documents)
    _write(folder / "queries.jsonl", [{"_id": name_query(n), "text": texts.get(name_query(n), ask(n))} for n in range(queries)])
    by_file: dict[str, list[str]] = {}
    for number in range(queries):
        file = f"qrels/{sides[number]}.tsv" if sides is not None else "qrels.tsv"
        by_file.setdefault(file, []).append(f"{name_query(number)}\t{find_answer(number)}\t1\n")
    for file, lines in by_file.items():
        (folder / file).write_text("query-id\tcorpus-id\tscore\n" + "".join(lines), encoding="utf-8")
    return folder


def _write(path: Path, records: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def list_documents() -> dict[str, str]:
    """id -> text of the 64 documents."""
    return {f"{product}-{topic}": f"the {topic} of the {product} works." for product in PRODUCTS for topic in TOPICS}


def name_query(number: int) -> str:
    return f"q{number:02}"


def ask(number: int) -> str:
    """The words of a query."""
    product, topic = QUERIES[number]
    return f"{SYNONYMS[topic]} {PRODUCTS[product]}"


def find_answer(number: int) -> str:
    """The id of its answer: the same product, the next topic."""
    product, topic = QUERIES[number]
    return f"{PRODUCTS[product]}-{TOPICS[(topic + 1) % 8]}"
