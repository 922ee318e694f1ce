"""Vectors and scores, worked out by hand."""

from __future__ import annotations

import random

import numpy as np
import pytest

from core.stages.arithmetic import max_similarities, scale_between, score_ranks, standardise, unit_rows


def test_unit_rows() -> None:
    assert unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist() == [[pytest.approx(0.6), pytest.approx(0.8)], [0.0, 0.0]]


def test_what_fusing_adds_up() -> None:
    assert score_ranks(np.array([1.0, 4.0]), k=1).tolist() == [0.5, 0.2]
    assert scale_between(np.array([3.0, 2.0, 1.0]), np.float64(1.0), np.float64(3.0)).tolist() == [1.0, 0.5, 0.0]
    assert scale_between(np.array([2.0]), np.float64(2.0), np.float64(2.0)).tolist() == [1.0]


def test_max_similarity() -> None:
    query = np.array([[1, 0, 0], [0, 1, 0]], dtype=np.float16)
    passages = {
        "near": np.array([[0.5, 0, 0], [0.25, 0.75, 0]], dtype=np.float16),  # best of each: .5 and .75
        "far": np.array([[0, 0, 1]], dtype=np.float16),  # 0 and 0
        "second": np.array([[0, 1, 0]], dtype=np.float16),  # 0 and 1
    }
    other = np.array([[0, 0, 1]], dtype=np.float16)
    asked = [("q", ("near",)), ("q", ("far", "second")), ("other", ("far", "second")), ("q", ("near", "second", "near"))]
    read: list[list[str]] = []

    def read_passages(texts: list[str]) -> dict[str, np.ndarray]:
        read.append(texts)
        return {text: passages[text] for text in texts}

    scores = max_similarities(asked, query_tokens={"q": query, "other": other}, read_passages=read_passages)
    assert scores.tolist() == [1.25, 1.0, 1.0, 1.5]
    assert read == [["near", "far", "second"]]  # each passage once
    assert len(max_similarities([], query_tokens={}, read_passages=read_passages)) == 0


def test_max_similarity_is_the_same_to_the_last_bit_in_any_company() -> None:
    noise = np.random.default_rng(0)

    def draw_tokens(count: int) -> np.ndarray:
        return unit_rows(noise.normal(size=(count, 384))).astype(np.float16)

    queries = {f"query {number}": draw_tokens(3 + 5 * number) for number in range(8)}
    passages = {f"passage {number}": draw_tokens(40 + number) for number in range(30)}
    draw = random.Random(0)
    pairs = [(query, tuple(draw.sample(list(passages), draw.randint(1, 3)))) for query in queries for _ in range(20)]

    def score(part: list[tuple[str, tuple[str, ...]]]) -> list[float]:
        found = max_similarities(part, query_tokens=queries, read_passages=lambda texts: {t: passages[t] for t in texts})
        return [float(value) for value in found]

    together = score(pairs)
    assert [score([pair])[0] for pair in pairs] == together
    shuffled = draw.sample(range(len(pairs)), 50)
    assert score([pairs[number] for number in shuffled]) == [together[number] for number in shuffled]
    query, group = pairs[70]
    matrix = np.concatenate([passages[text] for text in group]).astype(np.float64)
    assert together[70] == pytest.approx((queries[query].astype(np.float64) @ matrix.T).max(axis=1).sum(), abs=1e-12)


def test_standardise() -> None:
    # mean 2, standard deviation sqrt(2/3)
    np.testing.assert_allclose(standardise(np.array([1.0, 2.0, 3.0])), [-np.sqrt(1.5), 0, np.sqrt(1.5)])
    assert standardise(np.array([4.0, 4.0])).tolist() == [0, 0]
    assert len(standardise(np.zeros(0))) == 0
