"""Arithmetic of vectors and scores, on arrays alone: unit rows, what fusing adds up, MaxSim, mixed scores."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

_PASSAGES_AT_ONCE = 256  # whose token vectors are in memory together: 60 MB


def unit_rows(matrix: np.ndarray) -> np.ndarray:
    """Rows scaled to length 1, float32; a zero row stays zero."""
    norms = np.linalg.norm(matrix, axis=1, keepdims=True)
    return (matrix / np.where(norms > 0, norms, 1.0)).astype(np.float32)


def score_ranks(ranks: np.ndarray, *, k: int) -> np.ndarray:
    """1 / (k + rank): what a run adds to the score of each of its units in reciprocal rank fusion. ranks: from 1."""
    return 1.0 / (k + ranks)


def scale_between(scores: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Scores scaled to [0, 1] by their lowest and highest; 1 where these are equal."""
    span = high - low
    return np.where(span > 0, (scores - low) / np.where(span > 0, span, 1.0), 1.0)


def max_similarities(
    pairs: Sequence[tuple[str, tuple[str, ...]]],
    *,
    query_tokens: Mapping[str, np.ndarray],
    read_passages: Callable[[list[str]], Mapping[str, np.ndarray]],
) -> np.ndarray:
    """MaxSim of each pair, float64. query_tokens: text -> tokens x dimensions; read_passages: the same for some passages.

    Goes from passage to passage, so that each is read and converted once, and is compared with all its queries in one
    product. The order changes nothing: a product of two half floats is a multiple of 2^-48, unit vectors keep the sums below
    2, and double precision holds such sums exactly, whatever is added first.
    """
    readers: dict[str, list[int]] = {}
    for number, (_, passages) in enumerate(pairs):
        for text in passages:
            readers.setdefault(text, []).append(number)
    asked = {query: query_tokens[query].astype(np.float64) for query in dict.fromkeys(query for query, _ in pairs)}
    best = [np.full(len(asked[query]), -np.inf) for query, _ in pairs]
    order = list(readers)
    for start in range(0, len(order), _PASSAGES_AT_ONCE):
        part = order[start : start + _PASSAGES_AT_ONCE]
        tokens = read_passages(part)
        for text in part:
            stacked = np.concatenate([asked[pairs[number][0]] for number in readers[text]])
            largest = (stacked @ tokens[text].astype(np.float64).T).max(axis=1)
            row = 0
            for number in readers[text]:
                rows = len(best[number])
                np.maximum(best[number], largest[row : row + rows], out=best[number])
                row += rows
    return np.array([math.fsum(of_pair) for of_pair in best])


def mix_scores(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Sum of two stages' standardised scores of one query's hits."""
    return standardise(first) + standardise(second)


def standardise(scores: np.ndarray) -> np.ndarray:
    """(scores - mean) / standard deviation; zeros where all are equal."""
    if not len(scores):
        return scores
    spread = scores.std()
    return (scores - scores.mean()) / spread if spread > 0 else np.zeros(len(scores))
