"""Embeddings of a server that speaks as OpenAI's does: texts in requests of a size that it takes, vectors that are some."""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from core.endpoints.answers import TooMuch, WrongAnswer
from core.endpoints.client import Client, ask_service
from core.endpoints.endpoint import Endpoint
from core.endpoints.limits import Limits
from core.endpoints.watch import Watch

EMBEDDINGS = "embeddings"
_BYTES_A_TOKEN = 4
_MOST_DIMENSIONS = 65_536
_SHOWN = 40  # characters of a text that a message begins with


def embed_texts(
    endpoint: Endpoint,
    model: str,
    texts: list[str],
    on_part: Callable[[list[int], np.ndarray], None],
    *,
    limits: Limits,
    watch: Watch,
) -> None:
    """Calls on_part(positions, vectors) for every request as soon as it is answered, in whatever order.

    positions: of the texts in `texts`; vectors: float64, positions x dimensions, of any length but finite as float32, none of
    them zero, all of one size. Raises ModelUnavailable when something is not to be had: all else was handed over by then.
    """
    embedding = _Embedding(model, texts, on_part, limits)
    ask_service(endpoint, embedding.do, limits=limits, watch=watch)


class _Embedding:
    """The texts of one call, and what is still to be asked for."""

    def __init__(self, model: str, texts: list[str], on_part: Callable[[list[int], np.ndarray], None], limits: Limits) -> None:
        self._model, self._texts, self._on_part = model, texts, on_part
        self._tokens = [len(text.encode(errors="replace")) // _BYTES_A_TOKEN + 1 for text in texts]
        self._todo = deque(_cut(self._tokens, limits))
        self._width: int | None = None

    async def do(self, client: Client) -> None:
        await client.together(self._work(client) for _ in range(min(client.limits.at_once, len(self._todo))))

    async def _work(self, client: Client) -> None:
        while self._todo:
            part = self._todo.popleft()
            try:
                vectors = await self._ask(client, part)
            except TooMuch as problem:
                if len(part) == 1:
                    raise self._tell_too_long(client, part[0], problem) from None
                middle = len(part) // 2  # one text is too long, or all of them are too much at once
                self._todo.extendleft((part[middle:], part[:middle]))
                continue
            self._width = vectors.shape[1]
            self._on_part(part, vectors)

    async def _ask(self, client: Client, part: list[int]) -> np.ndarray:
        body = {"model": self._model, "input": [self._texts[place] for place in part], "encoding_format": "float"}
        tokens = sum(self._tokens[place] for place in part)

        def read(value: Any) -> np.ndarray:
            return read_vectors(value, len(part), width=self._width)

        return await client.ask(EMBEDDINGS, body, read, subject=f"the model {self._model!r}", tokens=tokens)

    def _tell_too_long(self, client: Client, place: int, problem: TooMuch) -> Exception:
        text = self._texts[place]
        which = f"text {place + 1} of {len(self._texts)}, of {len(text):,} characters, which begins “{text[:_SHOWN]}”"
        problem.cure = "Cut the documents into smaller chunks, or choose a model that reads more."
        problem.why = f"{problem.why}: {which}"
        return client.give_up(EMBEDDINGS, problem)


def _cut(tokens: list[int], limits: Limits) -> list[list[int]]:
    """Positions of texts in requests, each within the limits; a text that is beyond them goes alone."""
    parts: list[list[int]] = []
    room = 0
    for place, count in enumerate(tokens):
        room -= count
        if room < 0 or len(parts[-1]) == limits.texts_per_request:
            parts.append([])
            room = (limits.tokens_per_minute or sum(tokens)) - count
        parts[-1].append(place)
    return parts


def read_vectors(value: Any, count: int, *, width: int | None = None) -> np.ndarray:
    """The vectors of an answer to `count` texts in their order, float64, texts x dimensions (`width`, if that is known).

    Raises WrongAnswer.
    """
    items = value.get("data") if isinstance(value, dict) else None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise WrongAnswer("answered without a list of vectors (data)")
    # Too many for one text and none for another would give texts each other's vectors.
    places = [item.get("index") for item in items]
    if not all(type(place) is int for place in places) or sorted(places) != list(range(count)):
        raise WrongAnswer(f"gave {len(items)} vectors for {count} texts, or not one for each (index)")
    rows = [_read_vector(item.get("embedding")) for item in sorted(items, key=lambda item: item["index"])]
    sizes = sorted({len(row) for row in rows})
    if len(sizes) > 1:
        raise WrongAnswer(f"gave vectors of different lengths ({', '.join(map(str, sizes[:5]))})")
    if not 0 < sizes[0] <= _MOST_DIMENSIONS:
        raise WrongAnswer(f"gave vectors of {sizes[0]:,} numbers")
    if width is not None and sizes[0] != width:
        raise WrongAnswer(f"gave vectors of {sizes[0]:,} dimensions, and of {width:,} before")
    matrix = np.array(rows)
    with np.errstate(over="ignore", under="ignore"):
        single = matrix.astype(np.float32)
    for wrong, what in (
        (~np.isfinite(single).all(axis=1), "with values that are no finite numbers"),
        (~single.any(axis=1), "that are all zeros"),
    ):
        if wrong.any():
            raise WrongAnswer(f"gave {wrong.sum()} of {count} vectors {what}")
    return matrix


def _read_vector(value: Any) -> np.ndarray:
    """A vector as a list of numbers or, as some servers prefer, as the bytes of float32 numbers in base64."""
    try:
        if isinstance(value, str):
            return np.frombuffer(base64.b64decode(value, validate=True), dtype="<f4").astype(np.float64)
        if isinstance(value, list) and all(type(number) in (int, float) for number in value):
            return np.array(value, dtype=np.float64)
    except (ValueError, OverflowError) as error:
        raise WrongAnswer("gave a vector that cannot be read") from error
    raise WrongAnswer("gave a vector that is no list of numbers")
