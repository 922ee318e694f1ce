"""The frames: what is checked, how hits are ordered, and keys that are the same on every machine."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from core.errors import StageError
from core.schema import (
    CHUNKS,
    DOCUMENT_RUN,
    RUN,
    check_chunks,
    check_documents,
    check_run,
    content_hash,
    empty,
    is_relevant,
    list_passages,
    make_chunk_id,
    rank_run,
    select_relevant,
    to_document_run,
)
from tests.support.models import make_chunks, make_documents
from tests.support.sources import REPOSITORY, list_sources


def make_hits(rows: list[tuple[str, str, str, float]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["query_id", "chunk_id", "doc_id", "score"])


def test_keys_do_not_depend_on_the_order_of_names() -> None:
    # SHA-256 of {"a":null,"b":[1,"é"]} in UTF-8, by sha256sum: what is kept under such keys has to be found again
    assert (
        content_hash({"b": [1, "é"], "a": None})
        == content_hash({"a": None, "b": (1, "é")})
        == "f8f17faab95c024891d173fa43442b0e"
    )
    assert len({content_hash(value) for value in ([], {}, "", None, 0, 0.5, [[]], ["a", "b"], ["ab"])}) == 9
    assert content_hash("\ud800") != content_hash("?")  # half a character is no question mark


def test_a_chunk_keeps_its_id_while_it_stays_the_same() -> None:
    ids = {make_chunk_id("d", 0, 4, "text"), make_chunk_id("e", 0, 4, "text"), make_chunk_id("d", 1, 4, "text")}
    assert len(ids) == 3 and {len(one) for one in ids} == {16}


def test_hits_are_ordered_by_score_and_equal_ones_by_id() -> None:
    run = rank_run(
        make_hits(
            [
                ("q2", "b", "d1", 1.0),
                ("q1", "b", "d1", 0.5),
                ("q1", "a", "d2", 0.5),
                ("q1", "c", "d1", 2.0),
                ("q2", "a", "d2", 3.0),
            ]
        )
    )
    assert list(run.columns) == RUN
    # queries stay in the order in which they come first
    assert list(zip(run["query_id"], run["chunk_id"], run["rank"], strict=True)) == [
        ("q2", "a", 1), ("q2", "b", 2), ("q1", "c", 1), ("q1", "a", 2), ("q1", "b", 3),
    ]  # fmt: skip
    assert rank_run(make_hits([])).empty and list(rank_run(make_hits([])).columns) == RUN


def test_a_document_stands_once_at_its_best_chunk() -> None:
    hits = [("q", "1", "z", 3.0), ("q", "2", "z", 2.0), ("q", "3", "y", 1.0), ("q", "4", "x", 1.0)]
    documents = to_document_run(rank_run(make_hits(hits)))
    assert list(documents.columns) == DOCUMENT_RUN
    # y's chunk comes before x's, but equal documents are ordered by their own ids
    assert list(zip(documents["doc_id"], documents["rank"], documents["chunk_id"], strict=True)) == [
        ("z", 1, "1"), ("x", 2, "4"), ("y", 3, "3"),
    ]  # fmt: skip
    assert to_document_run(rank_run(make_hits(hits)), depth=2)["doc_id"].tolist() == ["z", "x"]
    assert list(to_document_run(empty(RUN)).columns) == DOCUMENT_RUN


def test_passages_follow_each_other() -> None:
    assert list_passages(make_chunks({"a": ("one", "two"), "b": ("three",)})) == ["one", "two", "three"]
    assert list_passages(empty(CHUNKS)) == []


def test_what_frames_are_checked_for() -> None:
    documents, chunks = make_documents({"a": "x"}), make_chunks({"a": ("x",)})
    assert check_documents(documents) is documents and check_chunks(chunks) is chunks
    with pytest.raises(StageError, match=r"^documents: expected the columns \['doc_id', 'title', 'text', 'metadata'\], found"):
        check_documents(documents.drop(columns="title"))
    with pytest.raises(StageError, match=r"^chunks: \['chunk_id'\] must be unique, found \['a'\] twice"):
        check_chunks(pd.concat([chunks, chunks]))
    run = rank_run(make_hits([("q", "a", "d", 1.0)]))
    assert check_run(run) is run and check_run(empty(RUN)).empty
    for score in (np.nan, np.inf):
        with pytest.raises(StageError, match="every score must be a finite number"):
            check_run(run.assign(score=score))


def test_nobody_else_compares_grades() -> None:
    """What counts as relevant is the dataset's threshold: a comparison elsewhere would know another one."""
    compared = re.compile(r"""["']relevance["']\]\s*(?:[<>]|==)|\b(?:relevance|grade)\s*(?:>=?|<=?|==)\s*[01]\b""")
    allowed = {"core/schema.py", "core/data/dataset.py", "core/data/grades.py"}
    found = [
        f"{path.relative_to(REPOSITORY)}:{number}"
        for path in list_sources("core", "pages")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if compared.search(line) and path.relative_to(REPOSITORY).as_posix() not in allowed
    ]
    assert found == [], "ask is_relevant() of core/schema.py"


def test_relevant_judgments() -> None:
    judgments = pd.DataFrame({"query_id": ["q"] * 3, "doc_id": ["a", "b", "c"], "relevance": [0, 1, 2]})
    assert select_relevant(judgments)["doc_id"].tolist() == ["b", "c"]
    assert select_relevant(judgments.assign(relevant=judgments["relevance"] >= 2))["doc_id"].tolist() == ["c"]
    assert is_relevant(judgments).tolist() == [False, True, True]
