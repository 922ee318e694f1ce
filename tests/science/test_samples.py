"""The corpora that come with the product: they load cleanly, their quotes are right, their READMEs count right."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from core.data.load import load_dataset
from core.settings import SAMPLES

FOLDERS = sorted(path.parent for path in SAMPLES.glob("*/corpus.jsonl"))
PRODUCT_DOCS, LEGAL_CLAUSES = SAMPLES / "product_docs", SAMPLES / "legal_clauses"
TAGS = {"how_to", "exact_code", "version_bound", "paraphrase", "multi_document"}
METADATA = {"product", "version", "doc_type", "audience", "date"}
LEGAL_TAGS = {"plain_words", "house_term", "jurisdiction_bound", "scenario", "multi_document"}
LEGAL_METADATA = {"type", "jurisdiction", "party_role", "department", "date"}


def read_lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


def test_every_sample_has_a_corpus() -> None:
    folders = [path for path in SAMPLES.iterdir() if path.is_dir()]
    assert folders
    for folder in folders:
        assert {"corpus.jsonl", "queries.jsonl", "README.md"} <= {path.name for path in folder.iterdir()}, folder.name


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_sample_loads_without_warnings(folder: Path) -> None:
    dataset = load_dataset(folder)
    assert dataset.warnings == ()
    assert dataset.has_labels
    assert len(dataset.indexed_documents) == len(dataset.documents)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_ids_are_unique_and_every_quote_occurs_once_in_its_document(folder: Path) -> None:
    documents, queries = read_lines(folder / "corpus.jsonl"), read_lines(folder / "queries.jsonl")
    texts = {document["_id"]: document["text"] for document in documents}
    assert len(texts) == len(documents)
    assert len({query["_id"] for query in queries}) == len(queries)
    wrong = [
        (query["_id"], evidence["doc_id"], evidence["quote"])
        for query in queries
        for evidence in query.get("evidence", [])
        if texts[evidence["doc_id"]].count(evidence["quote"]) != 1
    ]
    assert wrong == []


needs_product_docs = pytest.mark.skipif(not PRODUCT_DOCS.is_dir(), reason="sample_corpora/product_docs is not there yet")


@needs_product_docs
def test_product_docs_are_what_the_readme_says() -> None:
    documents, queries = read_lines(PRODUCT_DOCS / "corpus.jsonl"), read_lines(PRODUCT_DOCS / "queries.jsonl")
    readme = (PRODUCT_DOCS / "README.md").read_text(encoding="utf-8")
    lengths = [len(document["text"].split()) for document in documents]
    assert len(documents) >= 80
    assert min(lengths) >= 150
    assert max(lengths) <= 500
    assert all(document["title"].strip() and document["metadata"].keys() >= METADATA for document in documents)
    assert len(queries) >= 120
    assert all(query["evidence"] and query["answer"] for query in queries)

    quotes = [(query["_id"], evidence["doc_id"]) for query in queries for evidence in query["evidence"]]
    assert f"with {len(queries)} support queries" in readme
    assert f"{len(quotes)} quotes in {len(set(quotes))} pairs" in readme
    assert f"({sum(bool(query.get('filter')) for query in queries)} queries)" in readme
    assert f"Pages have {min(lengths)} to {max(lengths)} words." in readme
    assert "Ninety pages" in readme
    assert len(documents) == 90
    rows = dict(re.findall(r"^\| ([^|]+?) \| (.+) \|$", readme, flags=re.MULTILINE))
    tags = Counter(tag for query in queries for tag in query["tags"])
    assert set(tags) == TAGS
    assert read_counts(rows["Tag"]) == tags
    assert read_counts(rows["Product"]) == Counter(document["metadata"]["product"] for document in documents)
    kinds = Counter(document["metadata"]["doc_type"].replace("_", " ") for document in documents)
    assert read_counts(rows["Kind of page (`doc_type`)"]) == kinds


def read_counts(cell: str) -> dict[str, int]:
    """{"Desk": 25, "release notes": 12} of "Desk 25, release notes 12"."""
    return {name: int(number) for name, number in re.findall(r"([^,]+?) (\d+)(?:, |$)", cell)}


def test_legal_clauses_are_what_the_readme_says() -> None:
    documents, queries = read_lines(LEGAL_CLAUSES / "corpus.jsonl"), read_lines(LEGAL_CLAUSES / "queries.jsonl")
    readme = (LEGAL_CLAUSES / "README.md").read_text(encoding="utf-8")
    lengths = [len(document["text"].split()) for document in documents]
    assert len(documents) >= 100 and len(queries) >= 160
    assert all(document["title"].strip() and document["metadata"].keys() == LEGAL_METADATA for document in documents)
    assert all(query["evidence"] and query["answer"] for query in queries)
    quotes = [(query["_id"], evidence["doc_id"]) for query in queries for evidence in query["evidence"]]
    assert {doc_id for _, doc_id in quotes} == {document["_id"] for document in documents}  # every document answers something
    assert f"{len(documents)} contract clauses" in readme and f"with {len(queries)} questions" in readme
    assert f"{len(quotes)} quotes in {len(set(quotes))} pairs" in readme
    assert f"({sum(bool(query.get('filter')) for query in queries)} queries)" in readme
    assert f"Documents have {min(lengths)} to {max(lengths)} words." in readme
    ordinary = sum(bool({"plain_words", "scenario"} & set(query["tags"])) for query in queries)
    assert ordinary >= 160 and f"{ordinary} of the {len(queries)} are tagged" in readme
    rows = dict(re.findall(r"^\| ([^|]+?) \| (.+) \|$", readme, flags=re.MULTILINE))
    tags = Counter(tag for query in queries for tag in query["tags"])
    assert set(tags) == LEGAL_TAGS
    assert read_counts(rows["Tag"]) == tags
    assert read_counts(rows["Jurisdiction"]) == Counter(document["metadata"]["jurisdiction"] for document in documents)
    assert read_counts(rows["Side (`party_role`)"]) == Counter(document["metadata"]["party_role"] for document in documents)
    kinds = Counter(document["metadata"]["type"].replace("_", " ") for document in documents)
    assert read_counts(rows["Kind of document (`type`)"]) == kinds


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_samples_are_not_made_from_a_template(folder: Path) -> None:
    documents = read_lines(folder / "corpus.jsonl")
    lines = Counter(
        line.strip()
        for document in documents
        for line in set(document["text"].splitlines())
        if len(line.split()) > 8 and not line.lstrip().startswith("|")
    )
    # Versions of one page share sentences; no line of prose stands on many pages.
    assert [line for line, count in lines.items() if count > 6] == []
    asked = read_lines(folder / "queries.jsonl")
    # The same words may be asked of two versions, with a filter that tells them apart.
    assert len({(query["text"].casefold(), json.dumps(query.get("filter"))) for query in asked}) == len(asked)
    queries = [query["text"].casefold() for query in asked]
    # Nobody begins the fourth part of all questions with the same two words.
    starts = Counter(" ".join(query.split()[:2]) for query in queries)
    assert starts.most_common(1)[0][1] <= len(queries) / 4
    assert all(not re.search(r"lorem ipsum|todo|tbd|\bfoo\b", document["text"], re.IGNORECASE) for document in documents)
