"""Execution: each distinct node once, one failure at a time, Cancel, and what is found again on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import pytest

from core.errors import Cancelled, StageError, WiringError
from core.graph.execute import Execution, Outcome, distinct_nodes, execute
from core.graph.node import Node, Source
from core.progress import CancelToken, ProgressEvent
from core.schema import make_chunk_id
from core.stages.base import Stage
from tests.support.models import make_chunks, make_documents, make_resources, make_run

CALLS: list[str] = []


@pytest.fixture(autouse=True)
def forget_calls() -> None:
    CALLS.clear()


@dataclass(frozen=True)
class Cut(Stage):
    """A chunker: every document is a chunk."""

    type: ClassVar[str] = "cut"
    takes: ClassVar[tuple[str, ...]] = ("documents",)
    gives: ClassVar[str] = "chunks"
    name: str = "cut"

    def __call__(self, documents: pd.DataFrame, *, resources: Any) -> pd.DataFrame:
        CALLS.append(self.name)
        return make_chunks({make_chunk_id(name, 0, 1, ""): (name,) for name in documents["doc_id"]})


@dataclass(frozen=True)
class Search(Stage):
    """Finds every chunk; or does what its name says."""

    type: ClassVar[str] = "search"
    takes: ClassVar[tuple[str, ...]] = ("queries?", "chunks")
    gives: ClassVar[str] = "run"
    name: str = "search"

    def __call__(self, *inputs: pd.DataFrame, resources: Any) -> pd.DataFrame:
        CALLS.append(self.name)
        if self.name == "broken":
            raise KeyError("no such thing")
        if self.name == "refusing":
            raise StageError("this stage refuses")
        if self.name == "cancelling":
            resources.cancel.cancel()
        run = make_run({"q": [(name, 1.0) for name in inputs[-1]["chunk_id"]]})
        return run.drop(columns="score") if self.name == "wrong frame" else run


@dataclass(frozen=True)
class Vectorise(Stage):
    """Gives something that is no frame and not kept on disk."""

    type: ClassVar[str] = "vectorise"
    takes: ClassVar[tuple[str, ...]] = ("chunks",)
    gives: ClassVar[str] = "vectors"

    def __call__(self, chunks: pd.DataFrame, *, resources: Any) -> list[str]:
        CALLS.append("vectorise")
        return list(chunks["chunk_id"])


@dataclass(frozen=True)
class SearchVectors(Stage):
    type: ClassVar[str] = "search_vectors"
    takes: ClassVar[tuple[str, ...]] = ("vectors",)
    gives: ClassVar[str] = "run"

    def __call__(self, vectors: list[str], *, resources: Any) -> pd.DataFrame:
        CALLS.append("search vectors")
        return make_run({"q": [(name, 1.0) for name in vectors]})


DOCUMENTS = Node(Source("documents", "d"))
QUERIES = Node(Source("queries", "q"))
CHUNKS = Node(Cut(), (DOCUMENTS,))


def search(name: str) -> Node:
    return Node(Search(name), (CHUNKS,))


def make_execution(folder: Path, **options: Any) -> Execution:
    return Execution({DOCUMENTS.key: make_documents({"a": "", "b": ""})}, make_resources(folder, **options))


def test_each_distinct_node_runs_once(workspace: Path) -> None:
    execution = make_execution(workspace)
    targets = {"one": search("x"), "two": search("y"), "three": search("x")}
    outcomes = execute(targets, execution)
    assert sorted(CALLS) == ["cut", "x", "y"]
    assert list(outcomes) == ["one", "two", "three"]
    pd.testing.assert_frame_equal(outcomes["one"].run, outcomes["three"].run)
    assert set(execution.timings) == execution.ran == {CHUNKS.key, search("x").key, search("y").key}
    assert [type(node.stage).__name__ for node in distinct_nodes(targets)] == ["Cut", "Search", "Search"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("broken", "Search failed: KeyError: 'no such thing'"),
        ("refusing", "this stage refuses"),
        (
            "wrong frame",
            "Search's output (run): expected the columns ['query_id', 'chunk_id', 'doc_id', 'score', 'rank'], "
            "found ['query_id', 'chunk_id', 'doc_id', 'rank']",
        ),
    ],
)
def test_a_failing_system_stops_no_other(workspace: Path, name: str, sentence: str) -> None:
    targets = {"bad": search(name), "good": search("fine"), "also bad": search(name)}
    execution = make_execution(workspace)
    outcomes = execute(targets, execution)
    assert outcomes["bad"] == outcomes["also bad"] == Outcome(run=None, error=sentence)
    assert outcomes["good"].run is not None
    assert CALLS.count(name) == 1  # it is not tried again for the next system
    assert search(name).key not in execution.ran
    assert execution.resources.workspace.read_frame(search(name).key) is None  # and nothing of it is kept


def test_what_reads_a_failed_node_fails_with_its_sentence(workspace: Path) -> None:
    @dataclass(frozen=True)
    class Again(Stage):
        type: ClassVar[str] = "again"
        takes: ClassVar[tuple[str, ...]] = ("run",)
        gives: ClassVar[str] = "run"

        def __call__(self, run: pd.DataFrame, *, resources: Any) -> pd.DataFrame:
            raise AssertionError("never called")

    outcomes = execute({"bad": Node(Again(), (search("refusing"),))}, make_execution(workspace))
    assert outcomes["bad"].error == "this stage refuses"


def test_cancel_keeps_what_was_finished(workspace: Path) -> None:
    finished: list[str] = []
    targets = {"first": search("fine"), "second": search("cancelling"), "third": search("never")}
    with pytest.raises(Cancelled):
        execute(targets, make_execution(workspace), on_system=lambda name, _: finished.append(name))
    # the stage that was running ends, the next does not begin
    assert CALLS == ["cut", "fine", "cancelling"]
    assert finished == ["first", "second"]
    CALLS.clear()
    outcomes = execute(targets, make_execution(workspace, cancel=CancelToken()))
    assert CALLS == ["never"]
    assert all(outcome.run is not None for outcome in outcomes.values())


def test_a_hit_on_disk_runs_none_of_its_inputs(workspace: Path) -> None:
    target = Node(SearchVectors(), (Node(Vectorise(), (CHUNKS,)),))
    first = execute({"s": target}, make_execution(workspace))["s"].run
    assert CALLS == ["cut", "vectorise", "search vectors"]
    CALLS.clear()
    again = make_execution(workspace)
    second = execute({"s": target}, again)["s"].run
    assert CALLS == []
    assert (again.ran, again.loaded) == (set(), {target.key})
    assert again.memory.keys() == {target.key}
    assert first is not None and second is not None
    assert first.to_dict("records") == second.to_dict("records")
    # A node that is not kept on disk runs again, on chunks that are.
    Execution.output(again, target.inputs[0])
    assert CALLS == ["vectorise"]


def test_without_the_disk_nothing_is_read_or_written(workspace: Path) -> None:
    for _ in range(2):
        execution = make_execution(workspace)
        execution.use_disk = False
        execute({"s": search("x")}, execution)
    assert CALLS == ["cut", "x"] * 2
    assert not (workspace / "cache").exists()


def test_memory_of_the_corpus_may_be_shared_answers_are_not(workspace: Path) -> None:
    asked = Node(Search("asked"), (QUERIES, CHUNKS))
    first = make_execution(workspace)
    sources = {**first.sources, QUERIES.key: pd.DataFrame()}
    memory: dict[str, Any] = {}
    for _ in range(2):
        Execution(sources, make_resources(workspace), memory=memory, use_disk=False).output(asked)
    assert CALLS == ["cut", "asked", "asked"]
    assert memory.keys() == {CHUNKS.key}


def test_systems_without_vectors_go_first(workspace: Path) -> None:
    finished: list[str] = []
    events: list[ProgressEvent] = []
    targets = {"dense": Node(SearchVectors(), (Node(Vectorise(), (CHUNKS,)),)), "lexical": search("x")}
    execution = make_execution(workspace, on_progress=events.append)
    outcomes = execute(targets, execution, on_system=lambda name, _: finished.append(name))
    assert finished == ["lexical", "dense"]
    assert list(outcomes) == ["dense", "lexical"]
    assert [(event.system, event.label) for event in events] == [("lexical", "lexical is ready"), ("dense", "dense is ready")]


def test_a_source_that_was_not_given() -> None:
    with pytest.raises(WiringError, match=r"^The source of queries was not given"):
        Source("queries", "q")(resources=None)
