"""Queries that are documents themselves: which documents those are, and that they are found nowhere."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from core.data.dataset import Dataset
from core.data.load import load_dataset
from core.data.own_documents import OwnDocuments
from core.data.write import write_dataset

LONG = "School uniforms should be compulsory because they hide differences of income"


def make_dataset(
    folder: Path,
    *,
    documents: Mapping[str, str | tuple[str, str]],
    queries: Mapping[str, str],
    relevant: Mapping[str, list[str]],
) -> Dataset:
    """documents: id -> text, or (title, text)."""
    folder.mkdir()
    pairs = {name: content if isinstance(content, tuple) else ("", content) for name, content in documents.items()}
    lines = [json.dumps({"_id": name, "title": title, "text": text}) for name, (title, text) in pairs.items()]
    (folder / "corpus.jsonl").write_text("\n".join(lines))
    (folder / "queries.jsonl").write_text("\n".join(json.dumps({"_id": q, "text": text}) for q, text in queries.items()))
    rows = [f"{query}\t{doc}\t1" for query, found in relevant.items() for doc in found]
    if rows:
        (folder / "qrels.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *rows]))
    return load_dataset(folder)


CASES = {
    "same id and text": ({"q": "one two"}, {"q": "one two", "b": "other"}, ["b"], ("q",)),
    "cases and punctuation": ({"q": "One, two?"}, {"q": "one  two", "b": "other"}, ["b"], ("q",)),
    "another id": ({"q": "one two"}, {"d": "one two", "b": "other"}, ["b"], ("d",)),
    "title and text": ({"q": "One two three"}, {"q": ("One", "two three"), "b": "other"}, ["b"], ("q",)),
    "beside a title": ({"q": "two three"}, {"q": ("One", "two three"), "b": "other"}, ["b"], ("q",)),
    "the title of the same id": ({"q": "One"}, {"q": ("One", "two three"), "b": "other"}, ["b"], ("q",)),
    "the title of another id": ({"q": "One"}, {"d": ("One", "two three"), "b": "other"}, ["b"], ()),
    "cut short": ({"q": LONG}, {"q": f"{LONG} between pupils.", "b": "other"}, ["b"], ("q",)),
    "a beginning under another id": ({"q": LONG}, {"d": f"{LONG} between pupils.", "b": "other"}, ["b"], ()),
    "nearly the same": ({"q": f"{LONG} between pupils"}, {"q": f"Yet {LONG} among pupils.", "b": "other"}, ["b"], ("q",)),
    "nearly the same without spaces": (
        {"q": "東京タワーはとても高いですね"},
        {"q": "東京タワーはとても高いです", "b": "other"},
        ["b"],
        ("q",),
    ),
    "nearly the same under another id": ({"q": f"{LONG} now"}, {"d": f"{LONG} then", "b": "other"}, ["b"], ()),
    "less than nearly": ({"q": "one two three four five"}, {"q": "one two three six seven", "b": "other"}, ["b"], ()),
    "a short beginning": ({"q": "one two"}, {"q": "one two three", "b": "other"}, ["b"], ()),
    "ids that are equal by chance": ({"1": "one two"}, {"1": "other", "2": "one three"}, ["2"], ()),
    "a question that is answered by itself": ({"q": "one two"}, {"q": "one two", "b": "other"}, ["q", "b"], ()),
    "a copy of the answer": ({"q": "one two"}, {"a": "one two", "b": "One two."}, ["a"], ()),
    "itself beside an answer that says the same": ({"q": "one two"}, {"q": "one two", "b": "One two?"}, ["b"], ("q",)),
    "nothing is relevant": ({"q": "one two"}, {"q": "one two", "b": "other"}, [], ()),
    "no letters": ({"q": "?!"}, {"d": "...", "b": "other"}, ["b"], ()),
    "several": ({"q": "one two"}, {"c": "one two", "d": "One two", "b": "other"}, ["b"], ("c", "d")),
}


@pytest.mark.parametrize("case", CASES)
def test_which_documents_a_query_is(tmp_path: Path, case: str) -> None:
    queries, documents, relevant, own = CASES[case]
    dataset = make_dataset(tmp_path / "in", documents=documents, queries=queries, relevant={next(iter(queries)): relevant})
    assert dataset.left_out == ({next(iter(queries)): own} if own else {})
    assert any("left out of what is found" in warning for warning in dataset.warnings) is bool(own)
    assert ("leave_out" in dataset.queries) is bool(own)  # whatever else is asked stays as it was


def test_it_is_said_and_found_again_in_a_copy(tmp_path: Path) -> None:
    dataset = make_dataset(
        tmp_path / "in", documents={"q": "one", "b": "two", "r": "six"}, queries={"q": "one", "r": "other"},
        relevant={"q": ["b"], "r": ["b"]},
    )  # fmt: skip
    bare = dataclasses.replace(dataset, queries=dataset.queries.drop(columns="leave_out"))
    assert bare.fingerprint != dataset.fingerprint  # what was found without it is not about these data
    assert dataset.warnings == (
        "1 query is a document of the corpus itself, which no label calls relevant to it: left out of what is found (q).",
    )
    write_dataset(dataset, tmp_path / "out")
    again = load_dataset(tmp_path / "out")
    assert (again.left_out, again.fingerprint) == (dataset.left_out, dataset.fingerprint) == ({"q": ("q",)}, again.fingerprint)


def test_a_typed_text_is_a_document_where_queries_are_that_as_a_rule(tmp_path: Path) -> None:
    documents: dict[str, str | tuple[str, str]] = {"q": "one", "r": "two", "s": "three", "t": "Four.", "b": "six"}
    texts = {"q": "one", "r": "two", "s": "seven"}
    rule = make_dataset(tmp_path / "rule", documents=documents, queries=texts, relevant={name: ["b"] for name in texts})
    assert rule.asks_by_document  # two of three
    assert OwnDocuments.of(rule).find(["four", "One!", "nobody said this"]) == [["t"], ["q"], []]
    assert OwnDocuments.of(rule).find(["seven"]) is None

    texts = {"q": "one", "r": "seven", "s": "eight"}
    chance = make_dataset(tmp_path / "chance", documents=documents, queries=texts, relevant={name: ["b"] for name in texts})
    assert not chance.asks_by_document  # one of three
    assert OwnDocuments.of(chance).find(["four", "one"]) == [[], ["q"]]  # its own query is asked as it was measured
    assert OwnDocuments.of(chance).find(["four"]) is None
