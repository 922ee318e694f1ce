"""Reranking by hand: MaxSim over one-hot token vectors, and a cross-encoder that counts shared words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.errors import Cancelled, ModelUnavailable
from core.graph.execute import Execution, execute
from core.graph.node import Node
from core.schema import RUN, check_run, empty
from core.stages.rerank import (
    CrossEncoderRerank,
    HitPassages,
    LateInteraction,
    load_cross_encoder,
    max_similarity,
    place_on_top,
    standardise,
)
from core.systems import Dense, System, build, make_named_systems, make_sources
from tests.support.models import MISSING, FakeModels, make_chunks, make_documents, make_queries, make_resources, make_run


def test_max_similarity() -> None:
    query = np.array([[1, 0, 0], [0, 1, 0]], dtype=np.float16)
    first = [np.array([[0.5, 0, 0], [0.25, 0.75, 0]], dtype=np.float16)]  # best of each: .5 and .75
    second = [np.array([[0, 0, 1]], dtype=np.float16), np.array([[0, 1, 0]], dtype=np.float16)]  # two passages: 0 and 1
    assert max_similarity(query, [first, second]).tolist() == [1.25, 1.0]
    assert max_similarity(query, [second, first, first]).tolist() == [1.0, 1.25, 1.25]
    assert len(max_similarity(query, [])) == 0


def test_standardise() -> None:
    # mean 2, standard deviation sqrt(2/3)
    np.testing.assert_allclose(standardise(np.array([1.0, 2.0, 3.0])), [-np.sqrt(1.5), 0, np.sqrt(1.5)])
    assert standardise(np.array([4.0, 4.0])).tolist() == [0, 0]
    assert len(standardise(np.zeros(0))) == 0


def test_what_lies_below_keeps_its_order() -> None:
    hits = make_run({"q": [("a1", 9.0), ("b1", 8.0), ("c1", 7.0), ("d1", 6.0)]})
    assert place_on_top(hits, np.array([-3.0, 5.0]))["score"].tolist() == [-3.0, 5.0, -4.0, -5.0]
    assert hits["score"].tolist() == [9.0, 8.0, 7.0, 6.0]


CHUNKS = make_chunks(
    {"a1": ("hub mail",), "b1": ("clock hub",), "c1": ("price",), "d1": ("clock price",)},
    {"a1": "a", "b1": "b", "c1": "c", "d1": "d"},
)
RUN_OF_Q = make_run({"q": [("a1", 4.0), ("b1", 3.0), ("c1", 2.0), ("d1", 1.0)]})


def test_late_interaction(workspace: Path) -> None:
    run = LateInteraction(depth=3)(make_queries({"q": "clock price"}), RUN_OF_Q, CHUNKS, resources=make_resources(workspace))
    # first stage 4, 3, 2 -> sqrt(1.5), 0, -sqrt(1.5). MaxSim: a1 shares nothing 0, b1 the clock 1, c1 the price 1:
    # mean 2/3, deviation sqrt(2)/3 -> -sqrt(2), 1/sqrt(2), 1/sqrt(2)
    expected = {"a1": np.sqrt(1.5) - np.sqrt(2), "b1": np.sqrt(0.5), "c1": np.sqrt(0.5) - np.sqrt(1.5)}
    assert run["chunk_id"].tolist() == ["b1", "a1", "c1", "d1"]
    scores = dict(zip(run["chunk_id"], run["score"], strict=True))
    assert {name: scores[name] for name in expected} == pytest.approx(expected)
    assert scores["d1"] == pytest.approx(min(expected.values()) - 1)  # below the depth, though it matches best
    check_run(run)


def test_a_hit_that_is_a_whole_document_is_scored_over_all_its_chunks(workspace: Path) -> None:
    chunks = make_chunks({"p": ("hub",), "r": ("clock",), "s": ("mail",)}, {"p": "doc", "r": "doc", "s": "other"})
    hits = make_run({"q": [("whole-other", 1.0), ("whole-doc", 1.0)]}, {"whole-doc": "doc", "whole-other": "other"})
    run = LateInteraction()(make_queries({"q": "hub clock"}), hits, chunks, resources=make_resources(workspace))
    assert run["chunk_id"].tolist() == ["whole-doc", "whole-other"]  # MaxSim 2 and 0: standardised 1 and -1
    assert run["score"].tolist() == pytest.approx([1.0, -1.0])
    passages = HitPassages(chunks)
    assert passages.find("r", "doc") == ["clock"]
    assert passages.find("whole-doc", "doc") == ["hub", "clock"]
    assert passages.find("unknown", "unknown") == [""]


def test_cross_encoder(workspace: Path) -> None:
    models = FakeModels()
    run = CrossEncoderRerank(model="any", depth=3)(
        make_queries({"q": "clock hub price"}), RUN_OF_Q, CHUNKS, resources=make_resources(workspace, models)
    )
    # shared words: a1 hub 1, b1 clock hub 2, c1 price 1; d1 lies below the depth
    assert run["chunk_id"].tolist() == ["b1", "a1", "c1", "d1"]
    assert run["score"].tolist() == [2.0, 1.0, 1.0, 0.0]
    assert models.reranker.asked == [
        ("clock hub price", "hub mail"),
        ("clock hub price", "clock hub"),
        ("clock hub price", "price"),
    ]


@pytest.mark.parametrize("stage", [LateInteraction(), CrossEncoderRerank()])
def test_no_hits(stage: LateInteraction | CrossEncoderRerank, workspace: Path) -> None:
    resources = make_resources(workspace)
    assert stage(make_queries({"q": "hub"}), empty(RUN), CHUNKS, resources=resources).empty
    assert stage(make_queries({}), empty(RUN), CHUNKS, resources=resources).empty


@pytest.mark.parametrize("stage", [LateInteraction(depth=2), CrossEncoderRerank(depth=2)])
def test_queries_keep_their_order_and_their_hits(stage: LateInteraction | CrossEncoderRerank, workspace: Path) -> None:
    hits = make_run({"q2": [("a1", 2.0), ("c1", 1.0)], "q1": [("b1", 3.0), ("a1", 2.0), ("d1", 1.0)]})
    run = stage(make_queries({"q1": "clock", "q2": "price"}), hits, CHUNKS, resources=make_resources(workspace))
    assert run["query_id"].drop_duplicates().tolist() == ["q2", "q1"]
    assert set(zip(run["query_id"], run["chunk_id"], strict=True)) == set(zip(hits["query_id"], hits["chunk_id"], strict=True))


@pytest.mark.parametrize("stage", [LateInteraction(), CrossEncoderRerank()])
def test_cancel(stage: LateInteraction | CrossEncoderRerank, workspace: Path) -> None:
    resources = make_resources(workspace)
    resources.cancel.cancel()
    with pytest.raises(Cancelled):
        stage(make_queries({"q": "hub"}), RUN_OF_Q, CHUNKS, resources=resources)


def test_a_model_that_cannot_be_had_is_an_error_of_that_system_alone(workspace: Path) -> None:
    documents, queries = make_sources("d", "q")
    plain = make_named_systems()["dense"]
    systems = {
        "reranked": System("reranked", chunk=plain.chunk, dense=Dense(), rerank=CrossEncoderRerank(model=MISSING)),
        "plain": plain,
    }
    targets: dict[str, Node] = {name: build(system, documents=documents, queries=queries) for name, system in systems.items()}
    sources = {documents.key: make_documents({"a": "hub", "b": "clock"}), queries.key: make_queries({"q": "clock"})}
    outcomes = execute(targets, Execution(sources, make_resources(workspace)))
    assert outcomes["reranked"].run is None
    assert outcomes["reranked"].error == f"The reranker {MISSING!r} cannot be loaded."
    assert isinstance(outcomes["plain"].run, pd.DataFrame)
    assert outcomes["plain"].run["doc_id"].tolist() == ["b", "a"]


def test_what_a_reranker_that_is_not_here_says(tmp_path: Path) -> None:
    name = str(tmp_path / "nothing")
    with pytest.raises(ModelUnavailable) as error:
        load_cross_encoder(name)
    assert str(error.value).startswith(f"The reranker {name!r} cannot be loaded (")
    assert str(error.value).endswith(
        "Connect once so that it can be downloaded, or give the path of a local cross-encoder folder."
    )
