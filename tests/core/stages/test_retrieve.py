"""Retrieval against a naive sort: ties, masks, depth in documents, chunks of several passages, index and exact search."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.errors import InputError
from core.schema import LEAVE_OUT, RUN, check_run
from core.stages import retrieve
from core.stages.arithmetic import unit_rows
from core.stages.embed import EmbedChunks, EmbedQueries, Vectors
from core.stages.filter import MetadataFilter
from core.stages.index_dense import DenseIndex, IndexDense
from core.stages.index_lexical import CountTerms, IndexBm25
from core.stages.retrieve import RetrieveDense, RetrieveLexical, cut_run, join_runs, top_chunks
from tests.support.models import make_chunks, make_documents, make_queries, make_resources, make_run


def sort_naively(
    query_ids: list[str], scores: np.ndarray, chunks: pd.DataFrame, depth: int, mask: np.ndarray | None = None
) -> list[tuple[str, str, str, float, int]]:
    """The definition, word by word: sort by score and chunk id, stop at the depth-th distinct document."""
    rows = []
    for number, query_id in enumerate(query_ids):
        hits = [
            (-scores[number, row], chunks["chunk_id"].iloc[row], chunks["doc_id"].iloc[row])
            for row in range(len(chunks))
            if mask is None or mask[number, row]
        ]
        seen: list[str] = []
        for rank, (negative, chunk_id, doc_id) in enumerate(sorted(hits), start=1):
            seen += [doc_id] if doc_id not in seen else []
            rows.append((query_id, chunk_id, doc_id, -negative, rank))
            if len(seen) == depth:
                break
    return rows


def as_rows(run: pd.DataFrame) -> list[tuple[str, str, str, float, int]]:
    return [tuple(row) for row in run[RUN].itertuples(index=False)]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("depth", [1, 3, 40])
@pytest.mark.parametrize("masked", [False, True])
def test_top_chunks_is_a_naive_sort(seed: int, depth: int, masked: bool) -> None:
    random = np.random.default_rng(seed)
    size = 60
    names = [f"c{number}" for number in random.permutation(size)]  # "c10" < "c9"
    chunks = pd.DataFrame({"chunk_id": names, "doc_id": [f"d{number}" for number in random.integers(0, 12, size)]})
    scores = random.integers(0, 6, (4, size)) / 4.0  # many ties
    mask = random.random((4, size)) < 0.5 if masked else None
    if mask is not None:
        mask[2] = False
    ids = ["q3", "q1", "q2", "q0"]
    run = top_chunks(ids, scores, chunks, depth, mask=mask)
    assert as_rows(run) == sort_naively(ids, scores, chunks, depth, mask)
    check_run(run)


def test_many_chunks_of_few_documents_are_cut_but_no_document_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrieve, "MOST_CHUNKS", 5)
    # 20 chunks of document a score highest, then b, then c.
    chunks = pd.DataFrame({"chunk_id": [f"c{n:02}" for n in range(23)], "doc_id": ["a"] * 20 + ["b", "b", "c"]})
    run = top_chunks(["q"], np.arange(23, 0, -1.0)[None], chunks, 3)
    assert run["chunk_id"].tolist() == ["c00", "c01", "c02", "c03", "c04", "c20", "c22"]
    assert run["rank"].tolist() == [1, 2, 3, 4, 5, 6, 7]


def test_nothing_to_rank() -> None:
    chunks = pd.DataFrame({"chunk_id": ["c"], "doc_id": ["d"]})
    assert top_chunks([], np.zeros((0, 1)), chunks, 5).empty
    assert top_chunks(["q"], np.zeros((1, 0)), chunks[:0], 5).empty
    assert top_chunks(["q"], np.zeros((1, 1)), chunks, 5, mask=np.zeros((1, 1), dtype=bool)).empty


def test_cut_run_and_join_runs() -> None:
    run = make_run({"q": [("a1", 9.0), ("a2", 8.0), ("b1", 7.0), ("a3", 6.0), ("c1", 5.0)]})
    assert cut_run(run, 2)["chunk_id"].tolist() == ["a1", "a2", "b1"]
    assert cut_run(run, 9)["chunk_id"].tolist() == ["a1", "a2", "b1", "a3", "c1"]
    joined = join_runs([run[:0], run[:1], run[1:2]])
    assert joined["chunk_id"].tolist() == ["a1", "a2"]
    assert joined.index.tolist() == [0, 1]
    assert list(join_runs([]).columns) == RUN


PASSAGES = {
    "c1": ("the battery", "the clock"),
    "c2": ("the hub",),
    "c3": ("nothing known", "battery and clock"),
    "c4": ("the price",),
}
METADATA = {"doc-c1": {"v": 1}, "doc-c2": {"v": 2}, "doc-c3": {"v": 2}, "doc-c4": {"v": 1}}


def search(
    folder: Path,
    texts: dict[str, str],
    filters: dict[str, dict[str, object]] | None = None,
    *,
    leave_out: dict[str, tuple[str, ...]] | None = None,
    depth: int = 100,
    **options: object,
) -> pd.DataFrame:
    resources = make_resources(folder, **options)
    documents = make_documents({name: "" for name in METADATA}, METADATA)
    queries = make_queries(texts, filters)
    if leave_out is not None:
        queries = queries.assign(**{LEAVE_OUT: [leave_out.get(name, ()) for name in texts]})
    vectors = EmbedChunks()(make_chunks(PASSAGES), resources=resources)
    index = IndexDense()(vectors, documents, resources=resources)
    asked = EmbedQueries()(queries, resources=resources)
    allowed = (MetadataFilter()(queries, documents),) if filters is not None else ()
    return RetrieveDense(depth=depth)(queries, asked, index, *allowed, resources=resources)


@pytest.mark.parametrize("through_index", [False, True])
def test_the_best_passage_stands_for_its_chunk(workspace: Path, through_index: bool) -> None:
    run = search(workspace, {"q": "clock", "p": "hub"}, through_index=through_index)
    scores = {
        (query, chunk): round(score, 4)
        for query, chunk, score in zip(run["query_id"], run["chunk_id"], run["score"], strict=True)
    }
    # c1's second passage is the clock itself: 1; c3's second is battery and clock: 1 / sqrt(2); the others share nothing.
    assert [scores["q", name] for name in ("c1", "c3", "c2", "c4")] == [1.0, 0.7071, 0.0, 0.0]
    assert run.loc[run["query_id"] == "q", "chunk_id"].tolist() == ["c1", "c3", "c2", "c4"]
    assert run.loc[run["query_id"] == "p", "chunk_id"].tolist() == ["c2", "c1", "c3", "c4"]
    check_run(run)


@pytest.mark.parametrize("through_index", [False, True])
def test_filtered_before_ranking(workspace: Path, through_index: bool) -> None:
    filters: dict[str, dict[str, object]] = {"q": {"v": 2}, "none": {"v": 3}}
    run = search(workspace, {"q": "clock", "none": "clock", "all": "clock"}, filters, through_index=through_index)
    found = {name: group["chunk_id"].tolist() for name, group in run.groupby("query_id", sort=False)}
    assert found == {"q": ["c3", "c2"], "all": ["c1", "c3", "c2", "c4"]}


@pytest.mark.parametrize("filters", [None, {"q": {"v": 1}}])
@pytest.mark.parametrize("through_index", [False, True])
def test_a_query_does_not_find_the_document_that_it_is(
    workspace: Path, through_index: bool, filters: dict[str, dict[str, object]] | None
) -> None:
    texts = {"q": "clock", "p": "clock"}
    whole = search(workspace, texts, filters, through_index=through_index)
    run = search(workspace, texts, filters, through_index=through_index, leave_out={"q": ("doc-c1",)})
    for query, left_out in {"q": {"doc-c1"}, "p": set()}.items():
        expected = [doc for doc in whole.loc[whole["query_id"] == query, "doc_id"] if doc not in left_out]
        assert run.loc[run["query_id"] == query, "doc_id"].tolist() == expected
        assert run.loc[run["query_id"] == query, "rank"].tolist() == list(range(1, len(expected) + 1))
    check_run(run)


@pytest.mark.parametrize("through_index", [False, True])
def test_as_many_others_are_found(workspace: Path, through_index: bool) -> None:
    run = search(workspace, {"q": "clock"}, through_index=through_index, leave_out={"q": ("doc-c1",)}, depth=3)
    assert run["doc_id"].tolist() == ["doc-c3", "doc-c2", "doc-c4"]


def test_words_do_not_find_the_document_that_the_query_is() -> None:
    index = IndexBm25(languages=("en",))(make_chunks({"c1": ("hub clock",), "c2": ("hub",), "c3": ("desk",)}))
    queries = make_queries({"q": "hub", "p": "hub"}).assign(**{LEAVE_OUT: [("doc-c2",), ()]})
    run = RetrieveLexical()(queries, CountTerms()(queries, index), index)
    assert {query: found["doc_id"].tolist() for query, found in run.groupby("query_id")} == {
        "q": ["doc-c1"], "p": ["doc-c2", "doc-c1"],
    }  # fmt: skip


def make_random_index(folder: Path, *, size: int, documents: int, seed: int) -> DenseIndex:
    random = np.random.default_rng(seed)
    matrix = unit_rows(random.normal(size=(size, 16)))
    doc_ids = [f"d{number}" for number in random.integers(0, documents, size)]
    chunks = pd.DataFrame({"chunk_id": [f"c{number:04}" for number in range(size)], "doc_id": doc_ids})
    return DenseIndex(Vectors(matrix, np.arange(size), chunks, "key"), [{}] * size, folder / "indexes" / "one")


def test_the_index_finds_what_exact_search_finds(workspace: Path) -> None:
    index = make_random_index(workspace, size=400, documents=30, seed=0)
    asked = unit_rows(np.random.default_rng(1).normal(size=(20, 16)))
    queries = make_queries({f"q{number}": "" for number in range(20)})
    exact = RetrieveDense(depth=10)(queries, asked, index, resources=make_resources(workspace))
    through = RetrieveDense(depth=10)(queries, asked, index, resources=make_resources(workspace, through_index=True))
    pd.testing.assert_frame_equal(
        exact[["query_id", "chunk_id", "doc_id", "rank"]], through[["query_id", "chunk_id", "doc_id", "rank"]]
    )
    np.testing.assert_allclose(exact["score"], through["score"], atol=1e-5)
    assert (exact.groupby("query_id")["doc_id"].nunique() == 10).all()


def test_the_index_is_asked_deeper_when_chunks_crowd_into_few_documents(workspace: Path) -> None:
    # 90 chunks of one document lie nearest; the first call asks for 3 x 5 passages.
    matrix = unit_rows(np.array([[1.0, number / 1000] for number in range(90)] + [[0.5, 1.0 + n] for n in range(10)]))
    doc_ids = ["near"] * 90 + [f"far{number}" for number in range(10)]
    chunks = pd.DataFrame({"chunk_id": [f"c{number:03}" for number in range(100)], "doc_id": doc_ids})
    index = DenseIndex(Vectors(matrix, np.arange(100), chunks, "key"), [{}] * 100, workspace / "indexes" / "one")
    run = RetrieveDense(depth=5)(
        make_queries({"q": ""}), matrix[:1], index, resources=make_resources(workspace, through_index=True)
    )
    assert run["doc_id"].drop_duplicates().tolist() == ["near", "far0", "far1", "far2", "far3"]
    assert len(run) == 94


def test_blocks_do_not_change_the_result(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {"a": "clock", "b": "hub", "c": "price battery", "d": "nothing"}
    whole = search(workspace, texts, {})
    monkeypatch.setattr(retrieve, "_BLOCK", 7)
    pd.testing.assert_frame_equal(search(workspace, texts, {}), whole)


def test_vectors_of_another_model_are_refused(workspace: Path) -> None:
    index = make_random_index(workspace, size=5, documents=5, seed=0)
    with pytest.raises(InputError) as error:
        RetrieveDense()(make_queries({"q": ""}), np.ones((1, 8), dtype=np.float32), index, resources=make_resources(workspace))
    assert str(error.value) == (
        "The query vectors have 8 dimensions and the index 16: they come from different models. "
        "Embed queries and documents with the same model."
    )
