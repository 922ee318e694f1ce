"""What lies ahead, and how fast this machine encodes."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from core.graph.estimate import (
    count_distinct_texts,
    estimate_work,
    find_needed,
    read_speed,
    write_speed,
)
from core.graph.execute import Execution, execute, find_token_nodes
from core.graph.node import Node
from core.stages.embed import EmbedQueries
from core.systems.build import build, make_sources
from tests.support.english import make_english_systems
from tests.support.models import MISSING, FakeModels, make_documents, make_queries, make_resources

TEXTS = {"a": "The hub is here.", "b": "The clock is there.", "c": "The price"}
ASKED = {"q": "hub", "p": "the clock"}
DOCUMENTS, QUERIES = make_sources("d", "q")
NAMED = make_english_systems()


def make_targets(*names: str) -> dict[str, Node]:
    return {name: build(NAMED[name], documents=DOCUMENTS, queries=QUERIES) for name in names}


def make_execution(folder: Path, models: FakeModels | None = None, *names: str) -> Execution:
    sources = {DOCUMENTS.key: make_documents(TEXTS), QUERIES.key: make_queries(ASKED)}
    tokens = find_token_nodes(make_targets(*names).values())
    return Execution(sources, make_resources(folder, models), token_nodes=tokens)


def test_estimate_before_and_after(workspace: Path) -> None:
    models = FakeModels()
    targets = make_targets("dense", "dense-whole", "bm25")
    ahead = estimate_work(targets, make_execution(workspace, models))
    # Both chunkings give the same three texts; with the two queries five. bm25 encodes nothing.
    assert ahead.texts == 5
    assert ahead.characters == sum(map(len, [*TEXTS.values(), *ASKED.values()]))
    assert ahead.seconds == ahead.characters / 25_000
    # dense: chunk, embed, index, embed queries, retrieve; dense-whole: 4 more (the queries are shared);
    # bm25: chunk (title always first: not dense-whole's), index, count, retrieve
    assert ahead.steps == 5 + 4 + 4
    assert models.fake.asked == []
    execute(make_targets("dense"), make_execution(workspace, models))
    half = estimate_work(targets, make_execution(workspace, models))
    assert (half.texts, half.characters) == (0, 0)  # dense-whole's texts are the ones that dense embedded
    assert half.cached > ahead.cached
    execute(targets, make_execution(workspace, models))
    done = estimate_work(targets, make_execution(workspace, models))
    assert (done.texts, done.cached, done.steps) == (0, 13, 13)


def test_token_vectors_that_are_wanted_count(workspace: Path) -> None:
    execute(make_targets("dense"), make_execution(workspace))
    targets = make_targets("dense", "dense-rerank", "dense-chunk64")
    execution = make_execution(workspace, None, *targets)
    # dense-chunk64 must be embedded; its texts are known (they are dense's), but not their token vectors: 3, and 2 queries
    assert estimate_work(targets, execution).texts == 5


def test_what_must_run(workspace: Path) -> None:
    target = make_targets("bm25")["bm25"]
    execution = make_execution(workspace)
    assert [type(node.stage).__name__ for node in find_needed({"s": target}, execution)] == [
        "WholeDocument", "IndexBm25", "CountTerms", "RetrieveLexical",
    ]  # fmt: skip
    execution.output(target)
    assert find_needed({"s": target}, execution) == []
    assert find_needed({"s": target}, make_execution(workspace)) == []
    other = build(NAMED["bm25-filtered"], documents=DOCUMENTS, queries=QUERIES)
    # The run is new; the index is not kept on disk, the chunks are.
    assert [type(node.stage).__name__ for node in find_needed({"s": other}, make_execution(workspace))] == [
        "IndexBm25", "CountTerms", "MetadataFilter", "RetrieveLexical",
    ]  # fmt: skip


def test_speed_is_remembered_once_it_can_be_told(workspace: Path) -> None:
    resources = make_resources(workspace)
    assert read_speed(resources) == 25_000
    resources.usage.encoded_characters, resources.usage.encode_seconds = 20_000, 1.0
    write_speed(resources)
    assert read_speed(resources) == 25_000
    resources.usage.encoded_characters = 40_000
    write_speed(resources)
    assert read_speed(make_resources(workspace)) == 40_000


@pytest.mark.parametrize("names", [("dense", "bm25"), ("dense-rerank",), ("dense-whole", "hybrid-rerank", "dense")])
def test_distinct_texts(workspace: Path, names: tuple[str, ...]) -> None:
    for _ in range(2):  # a run that finds everything counts the same
        execution = make_execution(workspace, None, *names)
        targets = make_targets(*names)
        execute(targets, execution)
        assert count_distinct_texts(targets, execution, finished=targets) == 5


def test_texts_that_only_a_reranker_reads_are_counted(workspace: Path) -> None:
    import dataclasses

    words = dataclasses.replace(NAMED["bm25"], chunk=NAMED["dense"].chunk, rerank=NAMED["dense-rerank"].rerank)
    target = {"s": build(words, documents=DOCUMENTS, queries=QUERIES)}
    execution = make_execution(workspace)
    execute(target, execution)
    # "hub" finds a, "the clock" finds b: two passages and two queries
    assert execution.resources.usage.encoded_texts == 4
    assert count_distinct_texts(target, execution, finished=target) == 4
    assert count_distinct_texts(target, make_execution(workspace), finished=target) == 4


def test_a_node_to_embed_whose_input_fails_counts_as_nothing(workspace: Path) -> None:
    class NoTokenizer(FakeModels):
        def tokenizer(self, name: str, revision: str = "", **_: object) -> object:
            return FakeModels().cross_encoder(MISSING)

    ahead = estimate_work(make_targets("dense"), make_execution(workspace, NoTokenizer()))
    assert ahead.texts == len(ASKED)


def test_the_estimate_embeds_nothing_and_knows_prompts(workspace: Path) -> None:
    asked = Node(EmbedQueries(prompt="find: "), (QUERIES,))
    models = FakeModels()
    execution = make_execution(workspace, models)
    execution.output(Node(EmbedQueries(), (QUERIES,)))
    assert estimate_work({"s": asked}, execution).texts == 2
    assert len(models.fake.asked) == 2
    assert isinstance(execution.sources[QUERIES.key], pd.DataFrame)


def test_only_what_a_reranker_reads_keeps_token_vectors(workspace: Path) -> None:
    """dense and dense-rerank share their passages, dense-chunk64 has others: nobody reads its token vectors."""
    targets = make_targets("dense", "dense-rerank", "dense-chunk64")
    wanted = find_token_nodes(targets.values())
    keepers = {name: {n.gives for n in target.walk() if n.key in wanted} for name, target in targets.items()}
    assert keepers == {
        "dense": {"vectors", "query_vectors"},
        "dense-rerank": {"vectors", "query_vectors"},
        "dense-chunk64": {"query_vectors"},
    }
