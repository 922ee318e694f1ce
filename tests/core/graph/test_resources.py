"""Scores of pairs: from memory, from disk, or computed once in batches."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import Cancelled, StageError
from core.graph.resources import Models, Resources
from core.progress import CancelToken, ProgressEvent
from core.settings import DEFAULT_MODEL
from core.stages.base import Pair, Scorer
from core.stages.rerank import hash_pairs
from tests.support.models import FakeEncoder, make_resources

SCORER = Scorer("counts letters", "m", "1")
PAIRS: list[Pair] = [("hub", ("clock", "mail")), ("hub", ("price",)), ("battery", ("price",)), ("hub", ("price",))]
EXPECTED = [12.0, 8.0, 12.0, 8.0]  # letters of all texts


class Counter:
    """compute() that remembers its batches."""

    def __init__(self) -> None:
        self.batches: list[list[Pair]] = []

    def __call__(self, pairs: list[Pair]) -> np.ndarray:
        self.batches.append(pairs)
        return np.array([len(query) + sum(map(len, passages)) for query, passages in pairs], dtype=np.float32)


def score(resources: Resources, pairs: list[Pair] = PAIRS, *, scorer: Scorer = SCORER, at_once: int = 2) -> list[list[Pair]]:
    """Checks the scores; returns the batches that were computed."""
    compute = Counter()
    scores = resources.pair_scores(scorer, pairs, compute, at_once=at_once)
    assert scores.dtype == np.float64
    assert scores.tolist() == [float(len(query) + sum(map(len, passages))) for query, passages in pairs]
    return compute.batches


def test_each_pair_is_computed_once(workspace: Path) -> None:
    resources = make_resources(workspace)
    assert resources.pair_scores(SCORER, PAIRS, Counter(), at_once=2).tolist() == EXPECTED
    fresh: Pair = ("clock", ("mail",))
    assert score(resources, [PAIRS[2], fresh, PAIRS[0]]) == [[fresh]]
    assert score(make_resources(workspace), [*PAIRS, fresh]) == []  # from disk
    assert score(make_resources(workspace / "new")) == [PAIRS[:2], PAIRS[2:3]]  # in their order, the double one once
    assert score(resources, []) == []


def test_from_memory_before_the_disk(workspace: Path) -> None:
    resources = make_resources(workspace)
    score(resources)
    (workspace / "cache" / "pairs").rename(workspace / "away")
    assert score(resources) == []
    assert not (workspace / "cache" / "pairs").exists()  # not even opened


def test_memory_is_bounded(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.graph.resources._PAIRS_IN_MEMORY", 2)
    resources = make_resources(workspace)
    score(resources)
    assert len(resources._scores) == 2
    assert score(resources) == []
    assert len(resources._scores) == 2


def test_uncached_reads_and_writes_nothing(workspace: Path) -> None:
    timed = make_resources(workspace, cached=False)
    for _ in range(2):
        assert score(timed) == [PAIRS[:2], PAIRS[2:3]]
    assert not (workspace / "cache" / "pairs").exists()
    warm = make_resources(workspace)
    score(warm)
    assert len(score(replace(warm, cached=False))) == 2


def test_keys_hold_all_that_a_score_depends_on() -> None:
    scorers = [SCORER, SCORER._replace(type="x"), SCORER._replace(model="x"), SCORER._replace(revision="x")]
    pairs: list[Pair] = [("a", ("b", "c")), ("a", ("bc",)), ("a", ("c", "b")), ("b", ("a", "c")), ("ab", ("c",)), ("b", ("a",))]
    keys = [key for scorer in scorers for key in hash_pairs(scorer, pairs)]
    assert len(set(keys)) == len(scorers) * len(pairs)
    assert hash_pairs(SCORER, pairs[1:3]) == hash_pairs(SCORER, pairs)[1:3]


def test_scores_of_two_scorers_do_not_mix(workspace: Path) -> None:
    resources = make_resources(workspace)
    score(resources)
    for changed in (SCORER._replace(type="x"), SCORER._replace(model="x"), SCORER._replace(revision="x")):
        assert len(score(resources, scorer=changed)) == 2
        assert score(make_resources(workspace), scorer=changed) == []


def test_scores_are_kept_to_the_last_bit(workspace: Path) -> None:
    values = np.array([0.1, 1 / 3, -1e-300, np.inf])
    pairs: list[Pair] = [("q", (str(number),)) for number in range(4)]
    make_resources(workspace).pair_scores(SCORER, pairs, lambda _: values, at_once=9)
    found = make_resources(workspace).pair_scores(SCORER, pairs, Counter(), at_once=9)
    assert found.tobytes() == values.tobytes()


def test_cancel_between_batches_keeps_what_was_scored(workspace: Path) -> None:
    cancel = CancelToken()
    events: list[ProgressEvent] = []

    def stop_at_the_second(event: ProgressEvent) -> None:
        events.append(event)
        if len(events) == 2:
            cancel.cancel()

    pairs: list[Pair] = [("q", (f"passage {number}",)) for number in range(10)]
    compute = Counter()
    resources = make_resources(workspace, cancel=cancel, on_progress=stop_at_the_second)
    with pytest.raises(Cancelled):
        resources.pair_scores(SCORER, pairs, compute, at_once=2)
    assert len(compute.batches) == 3  # the one after whose end Cancel is seen is kept, too
    assert [(event.label, event.done, event.total) for event in events] == [
        ("reranking 2 of 10 hits", 2, 10),
        ("reranking 4 of 10 hits", 4, 10),
    ]
    assert score(make_resources(workspace), pairs, at_once=9) == [pairs[6:]]
    with pytest.raises(Cancelled):
        resources.pair_scores(SCORER, pairs, compute, at_once=2)  # also where nothing is left to compute


def test_wrong_scores_are_not_kept(workspace: Path) -> None:
    resources = make_resources(workspace)
    with pytest.raises(StageError, match=r"expected 3 scores, found an array of the shape \(3, 2\)"):
        resources.pair_scores(SCORER, PAIRS, lambda pairs: np.zeros((len(pairs), 2)), at_once=9)
    assert score(resources, at_once=9) == [PAIRS[:3]]


def test_tokens_are_counted_while_a_model_is_being_loaded() -> None:
    """Word matching on an app that has just started: nothing it needs is behind the model."""
    begun, finish = threading.Event(), threading.Event()

    def load(name: str, **options: object) -> FakeEncoder:
        begun.set()
        assert finish.wait(60)
        return FakeEncoder()

    models = Models(load=load)
    loading = threading.Thread(target=models.encoder, args=(DEFAULT_MODEL,), daemon=True)
    loading.start()
    counted: list[list[int]] = []
    counting = threading.Thread(
        target=lambda: counted.append(models.tokenizer(DEFAULT_MODEL).count(["two words"])), daemon=True
    )
    assert begun.wait(60)
    counting.start()
    counting.join(30)
    finish.set()
    loading.join(60)
    assert counted == [[2]]
    assert models.is_loaded(DEFAULT_MODEL)
