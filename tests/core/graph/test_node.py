"""Nodes: keys, wiring, walking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from core.errors import WiringError
from core.graph.node import Node, Source
from core.stages.base import Stage
from core.stages.chunk import Recursive
from core.stages.embed import EmbedChunks, EmbedQueries
from core.stages.filter import MetadataFilter
from core.stages.fuse import ReciprocalRankFusion
from core.stages.index_lexical import CountTerms, IndexBm25
from core.stages.retrieve import RetrieveLexical
from core.text import words

DOCUMENTS = Node(Source("documents", "d"))
QUERIES = Node(Source("queries", "q"))


def make_lexical(size: int = 200, documents: Node = DOCUMENTS, queries: Node = QUERIES) -> Node:
    index = Node(IndexBm25(), (Node(Recursive(size=size), (documents,)),))
    return Node(RetrieveLexical(), (queries, Node(CountTerms(), (queries, index)), index))


def test_the_key_says_everything_a_node_depends_on() -> None:
    assert make_lexical().key == make_lexical().key
    others = [
        make_lexical(size=100),
        make_lexical(documents=Node(Source("documents", "changed"))),
        make_lexical(queries=Node(Source("queries", "changed"))),
    ]
    assert len({make_lexical().key, *(node.key for node in others)}) == 4


def test_what_has_words_formed_is_found_again_by_their_form_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    before, chunks = make_lexical().key, Node(Recursive(), (DOCUMENTS,)).key
    monkeypatch.setattr(words, "FORM", words.FORM + 1)
    assert make_lexical().key != before
    assert Node(Recursive(), (DOCUMENTS,)).key == chunks


def test_stages_with_equal_fields_have_different_keys() -> None:
    sources = (QUERIES, DOCUMENTS)
    kinds = {EmbedQueries(): (QUERIES,), EmbedChunks(): (Node(Source("chunks", "q")),), MetadataFilter(): sources}
    assert len({Node(stage, inputs).key for stage, inputs in kinds.items()}) == 3
    run, other = Node(Source("run", "1")), Node(Source("run", "2"))
    assert Node(ReciprocalRankFusion(), (run, other)).key != Node(ReciprocalRankFusion(), (other, run)).key


@dataclass(frozen=True)
class Versioned(Stage):
    type: ClassVar[str] = "versioned"
    takes: ClassVar[tuple[str, ...]] = ()
    gives: ClassVar[str] = "run"
    version: ClassVar[int] = 1

    def __call__(self, *inputs: Any, resources: Any) -> Any:
        return None


def test_a_new_version_of_a_stage_is_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    first = Node(Versioned()).key
    monkeypatch.setattr(Versioned, "version", 2)
    assert Node(Versioned()).key != first


def test_what_depends_on_the_queries() -> None:
    run = make_lexical()
    assert {type(node.stage).__name__: node.per_query for node in run.walk() if not isinstance(node.stage, Source)} == {
        "Recursive": False, "IndexBm25": False, "CountTerms": True, "RetrieveLexical": True,
    }  # fmt: skip


def test_walking_gives_each_node_once_inputs_first() -> None:
    run = Node(ReciprocalRankFusion(), (make_lexical(), make_lexical(), make_lexical(100)))
    names = [type(node.stage).__name__ for node in run.walk()]
    assert names.count("Source") == 2
    assert names.count("RetrieveLexical") == 2  # of three inputs two are the same
    places = {node.key: place for place, node in enumerate(run.walk())}
    assert all(places[parent.key] < places[node.key] for node in run.walk() for parent in node.inputs)


def test_the_first_node_of_a_kind() -> None:
    run = Node(ReciprocalRankFusion(), (make_lexical(), make_lexical(100)))
    assert run.find_first("run") == run.get_first("run") == run.inputs[0]  # inputs come before their readers
    assert run.find_first(ReciprocalRankFusion) is run
    assert run.find_first("vectors") is run.find_first(MetadataFilter) is None
    with pytest.raises(WiringError, match="the graph has no vectors"):
        run.get_first("vectors")
    with pytest.raises(WiringError, match="the graph has no MetadataFilter"):
        run.get_first(MetadataFilter)


def test_wrong_wiring_fails_when_the_node_is_built() -> None:
    with pytest.raises(WiringError) as error:
        Node(IndexBm25(), (QUERIES,))
    assert str(error.value) == "IndexBm25 takes chunks; it was given ['queries']"
    with pytest.raises(WiringError) as error:
        Node(IndexBm25())
    assert str(error.value) == "IndexBm25 takes chunks; it was given nothing"
    with pytest.raises(WiringError) as error:
        Node(ReciprocalRankFusion(), (make_lexical(),))
    assert str(error.value) == "ReciprocalRankFusion takes run, run, run*; it was given ['run']"
    with pytest.raises(WiringError) as error:
        Node(Source("documents", "d"), (QUERIES,))
    assert str(error.value) == "Source takes nothing; it was given ['queries']"


def test_inputs_that_may_be_left_out_or_repeated() -> None:
    allowed = Node(MetadataFilter(), (QUERIES, DOCUMENTS))
    run = make_lexical()
    terms, index = run.inputs[1], run.inputs[2]
    assert Node(RetrieveLexical(), (QUERIES, terms, index, allowed)).gives == "run"
    assert Node(ReciprocalRankFusion(), (run,) * 5).gives == "run"
    with pytest.raises(WiringError):
        Node(RetrieveLexical(), (QUERIES, terms, index, allowed, allowed))
