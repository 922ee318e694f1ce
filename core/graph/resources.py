"""What stages may reach for besides their inputs: models, caches, progress. Counts what was encoded."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from core.endpoints.limits import Limits
from core.endpoints.watch import Watch
from core.errors import ModelUnavailable, StageError
from core.graph.endpoint_limits import read_limits
from core.progress import CancelToken, ProgressCallback, ProgressEvent, ignore_progress
from core.settings import TRAINED_PREFIX, UNSCALED_PREFIX, get_embedding_server, quieten_libraries
from core.stages.adapt import QueryAdapter, read_adapter
from core.stages.base import Pair, Scorer
from core.stages.embed import Encoder, EndpointEncoder, encode_cached, load_encoder, model_revision, text_hash
from core.stages.rerank import hash_pairs, load_cross_encoder
from core.storage.names import find_entry
from core.storage.sealed_folder import find_broken_seal
from core.text.tokens import Tokenizer, load_tokenizer
from core.workspace import WEIGHTS, Workspace

_TOKENS_IN_MEMORY = 2_000  # texts whose token vectors stay in memory: about 0.3 GB at 200 tokens of 384 half floats
_PAIRS_IN_MEMORY = 200_000  # scores of pairs that stay in memory: about 40 MB


@dataclass
class Models:
    """Loaded models, shared by all runs of a process; each is loaded once, whoever asks first.

    What needs torch has a lock of its own: word matching counts tokens, and must not wait until a model is loaded.
    limits: of an embeddings endpoint; None: those that are kept in the workspace.
    """

    threads: int | None = None
    load: Callable[..., Encoder] = load_encoder
    limits: Limits | None = None
    _encoders: dict[tuple[str, str], Encoder] = field(default_factory=dict)
    _tokenizers: dict[tuple[str, str], Tokenizer] = field(default_factory=dict)
    _cross_encoders: dict[str, tuple[str, Any]] = field(default_factory=dict)
    _adapters: dict[str, QueryAdapter] = field(default_factory=dict)
    _heavy: threading.RLock = field(default_factory=threading.RLock)  # encoders and cross-encoders
    _light: threading.RLock = field(default_factory=threading.RLock)  # tokenizers and adapters

    def encoder(self, name: str, revision: str = "", *, source: str = "") -> Encoder:
        """The encoder of a name; source: where it lies, if the name does not say (see Resources.locate)."""
        with self._heavy:
            if (name, revision) not in self._encoders:
                quieten_libraries()
                check_weights(source)
                server = get_embedding_server()
                self._encoders[(name, revision)] = self.load(source or name, server=server, threads=self.threads)
            return self._encoders[(name, revision)]

    def is_loaded(self, name: str) -> bool:
        """Whether the encoder of this name is in memory already."""
        return any(loaded == name for loaded, _ in tuple(self._encoders))  # a copy: another thread may be adding one

    def tokenizer(self, name: str, revision: str = "", *, source: str = "") -> Tokenizer:
        """The tokenizer of a name; source: as for encoder()."""
        with self._light:
            if (name, revision) not in self._tokenizers:
                check_weights(source)
                self._tokenizers[(name, revision)] = load_tokenizer(source or name)
            return self._tokenizers[(name, revision)]

    def cross_encoder(self, name: str) -> Any:
        """A reranker; a local one whose files changed since it was loaded is loaded again in the place of the old."""
        with self._heavy:
            revision = model_revision(name)
            loaded = self._cross_encoders.get(name)
            if loaded is None or loaded[0] != revision:
                quieten_libraries()
                check_weights(name)
                loaded = self._cross_encoders[name] = (revision, load_cross_encoder(name))
            return loaded[1]

    def adapter(self, folder: Path) -> QueryAdapter:
        """The query adapter in a folder."""
        with self._light:
            if str(folder) not in self._adapters:
                check_weights(str(folder))
                self._adapters[str(folder)] = read_adapter(folder)
            return self._adapters[str(folder)]


def check_weights(source: str) -> None:
    """Raises ModelUnavailable if `source` is the folder of a model trained here and its files are not as they were written."""
    folder = Path(source.removeprefix(UNSCALED_PREFIX))
    problem = find_broken_seal(folder) if source and folder.is_dir() else None
    if problem is not None:
        raise ModelUnavailable(
            f"The trained model {folder.parent.name!r} is damaged: {problem} ({folder}). Remove it and train it again."
        )


@dataclass
class Usage:
    """encode_seconds: time in encode calls, load_seconds of it for loading the model; encoded_texts, encoded_characters:
    encoded now; hashes: all texts asked for, whether encoded now or before."""

    encode_seconds: float = 0.0
    load_seconds: float = 0.0
    encoded_texts: int = 0
    encoded_characters: int = 0
    hashes: set[str] = field(default_factory=set)

    @property
    def characters_per_second(self) -> float | None:
        """Speed of encoding without loading; None until enough was encoded to tell (short queries alone are slower)."""
        seconds = self.encode_seconds - self.load_seconds
        return self.encoded_characters / seconds if self.encoded_characters > 20_000 and seconds > 0 else None


@dataclass(frozen=True, eq=False)
class Resources:
    """Handed to every stage call. The settings do not change: who needs others takes dataclasses.replace(), which shares what
    was counted (usage) and what is in memory.

    keep_tokens: keep token vectors from the pass that embeds, since another stage will read them (see TokenNodes).
    through_index: search the Chroma index instead of exactly (for latency).
    cached: False measures a query as if its text were new.
    """

    workspace: Workspace
    models: Models = field(default_factory=Models)
    cancel: CancelToken = field(default_factory=CancelToken)
    on_progress: ProgressCallback = ignore_progress
    keep_tokens: bool = False
    through_index: bool = False
    cached: bool = True
    usage: Usage = field(default_factory=Usage)
    _tokens: OrderedDict[str, np.ndarray] = field(default_factory=OrderedDict)
    _scores: OrderedDict[str, float] = field(default_factory=OrderedDict)

    @classmethod
    def open(
        cls,
        workspace: Workspace,
        *,
        models: Models | None = None,
        cancel: CancelToken | None = None,
        on_progress: ProgressCallback = ignore_progress,
    ) -> Self:
        """Resources for one piece of work. None: models that are loaded for it alone, a token that nobody cancels."""
        return cls(workspace, models=models or Models(), cancel=cancel or CancelToken(), on_progress=on_progress)

    def locate(self, name: str) -> str:
        """Where a model lies: the folder of one that was trained in this workspace, else the name itself.

        Raises ModelUnavailable if it was trained elsewhere, or removed.
        """
        if name.startswith(UNSCALED_PREFIX):
            return UNSCALED_PREFIX + self.locate(name.removeprefix(UNSCALED_PREFIX))
        if not name.startswith(TRAINED_PREFIX):
            return name
        folder = find_entry(self.workspace.models, name.removeprefix(TRAINED_PREFIX))
        if folder is None or not (folder / WEIGHTS).is_dir():
            raise ModelUnavailable(
                f"The trained model {name.removeprefix(TRAINED_PREFIX)!r} is not in this workspace: it was removed, its "
                "training was not finished, or it was trained elsewhere. Train it again, or choose another model."
            )
        return str(folder / WEIGHTS)

    def encoder(self, name: str, revision: str) -> Encoder:
        """The encoder of a model. Raises ModelUnavailable if it cannot be had."""
        encoder = self.models.encoder(name, revision, source=self.locate(name))
        if not isinstance(encoder, EndpointEncoder):
            return encoder
        limits = self.models.limits or read_limits(self.workspace)
        return replace(encoder, limits=limits, watch=Watch(self.cancel.check, self.report))

    def tokenizer(self, name: str) -> Tokenizer:
        """The tokenizer of a model. Raises ModelUnavailable if it cannot be had."""
        name = name.removeprefix(UNSCALED_PREFIX)
        return self.models.tokenizer(name, source=self.locate(name))

    def cross_encoder(self, name: str) -> Any:
        """The reranker of a name. Raises ModelUnavailable if it cannot be had."""
        return self.models.cross_encoder(self.locate(name))

    def adapter(self, name: str) -> QueryAdapter:
        """The query adapter of a trained model. Raises ModelUnavailable if it cannot be had."""
        return self.models.adapter(Path(self.locate(name)))

    def index_folder(self, key: str) -> Path:
        """The folder of the dense index with this key."""
        return self.workspace.index_folder(key)

    def report(self, label: str, done: float = 0.0, total: float = 0.0) -> None:
        """Progress inside a stage; also the place where Cancel is honoured."""
        self.cancel.check()
        self.on_progress(ProgressEvent(label=label, done=done, total=total))

    def note_texts(self, model: str, revision: str, texts: list[str], *, role: str, prompt: str | None = None) -> None:
        """Counts texts as asked for, whether or not they have to be encoded."""
        self.usage.hashes.update(f"{model}|{revision}|{text_hash(text, role=role, prompt=prompt)}" for text in texts)

    def encode(self, model: str, revision: str, texts: list[str], *, role: str, prompt: str | None) -> np.ndarray:
        """Unit vectors, float32, texts x dimensions; from the cache where the text was encoded before."""
        if not self.cached and role == "query":
            sent = [(prompt or "") + text for text in texts]
            return self.encoder(model, revision).encode(sent, role=role if prompt is None else "raw").vectors
        self.note_texts(model, revision, texts, role=role, prompt=prompt)
        return self._timed(model, revision, texts, role=role, prompt=prompt, keep_tokens=self.keep_tokens)

    def _timed(
        self, model: str, revision: str, texts: list[str], *, role: str, prompt: str | None, keep_tokens: bool
    ) -> np.ndarray:
        batch_started = time.perf_counter()
        noun = "queries" if role == "query" else "passages"

        def on_batch(batch: list[str], done: int, total: int) -> None:
            nonlocal batch_started
            self.usage.encoded_texts += len(batch)
            self.usage.encoded_characters += sum(len(text) for text in batch)
            self.usage.encode_seconds += time.perf_counter() - batch_started
            batch_started = time.perf_counter()
            self.report(f"embedding {done} of {total} {noun}", done, total)

        def load() -> Encoder:
            started = time.perf_counter()
            encoder = self.encoder(model, revision)
            self.usage.load_seconds += time.perf_counter() - started
            return encoder

        return encode_cached(
            texts,
            role=role,
            prompt=prompt,
            cache=self.workspace.vectors(model, revision),
            token_cache=self.workspace.tokens(model, revision) if keep_tokens else None,
            load=load,
            on_batch=on_batch,
        )

    def keep_token_vectors(self, model: str, revision: str, texts: list[str], *, role: str) -> None:
        """Encodes the texts whose token vectors the cache lacks."""
        self.note_texts(model, revision, texts, role=role)
        self._timed(model, revision, texts, role=role, prompt=None, keep_tokens=True)

    def token_vectors(self, model: str, revision: str, texts: list[str], *, role: str) -> dict[str, np.ndarray]:
        """text -> token vectors (float16, tokens x dimensions, unit rows), from memory, disk, or the model."""
        hashes = {text: text_hash(text, role=role, prompt=None) for text in texts}
        names = {text: f"{model}|{revision}|{name}" for text, name in hashes.items()}
        self.usage.hashes.update(names.values())
        absent = [text for text in texts if names[text] not in self._tokens]
        if absent:
            cache = self.workspace.tokens(model, revision)
            found = cache.read([hashes[text] for text in absent])
            lost = [text for text in absent if hashes[text] not in found]  # never encoded, or damaged
            if lost:
                self._timed(model, revision, lost, role=role, prompt=None, keep_tokens=True)
                found |= cache.read([hashes[text] for text in lost])
            self._tokens.update((names[text], found[hashes[text]]) for text in absent)
        result = {text: self._tokens[names[text]] for text in texts}
        for text in texts:
            self._tokens.move_to_end(names[text])
        while len(self._tokens) > _TOKENS_IN_MEMORY:
            self._tokens.popitem(last=False)
        return result

    def pair_scores(
        self, scorer: Scorer, pairs: list[Pair], compute: Callable[[list[Pair]], np.ndarray], *, at_once: int
    ) -> np.ndarray:
        """Scores of the pairs, float64, in their order: each from memory, from disk, or computed once and written.

        compute: scores of distinct pairs, at most `at_once` of them; what it gives for one must not depend on the others,
        for another run asks for them in other company. It is not called if every score is known. With cached=False nothing
        is read or written. Raises Cancelled between batches (finished ones are kept) and StageError for wrong scores.
        """
        self.cancel.check()
        names: list[Any] = hash_pairs(scorer, pairs) if self.cached else list(pairs)
        distinct: dict[Any, Pair] = dict(zip(names, pairs, strict=True))
        found = self._recall(scorer, list(distinct)) if self.cached else {}
        todo = [name for name in distinct if name not in found]
        for start in range(0, len(todo), at_once):
            batch = todo[start : start + at_once]
            scores = compute([distinct[name] for name in batch])
            if scores.shape != (len(batch),):
                raise StageError(f"{scorer.type}: expected {len(batch)} scores, found an array of the shape {scores.shape}")
            found.update(zip(batch, scores.tolist(), strict=True))
            if self.cached:
                self._keep(scorer, {name: found[name] for name in batch})
            done = start + len(batch)
            self.report(f"reranking {done} of {len(todo)} hits", done, len(todo))
        return np.array([found[name] for name in names], dtype=float)

    def _recall(self, scorer: Scorer, names: list[str]) -> dict[str, float]:
        found = {name: self._scores[name] for name in names if name in self._scores}
        absent = [name for name in names if name not in found]
        if absent:
            on_disk = self.workspace.pairs(scorer.model, scorer.revision).read(absent)
            found.update((name, float(score[0])) for name, score in on_disk.items())
            self._remember({name: found[name] for name in on_disk})
        return found

    def _keep(self, scorer: Scorer, scores: dict[str, float]) -> None:
        self.workspace.pairs(scorer.model, scorer.revision).write({name: np.array([score]) for name, score in scores.items()})
        self._remember(scores)

    def _remember(self, scores: dict[str, float]) -> None:
        self._scores.update(scores)
        while len(self._scores) > _PAIRS_IN_MEMORY:
            self._scores.popitem(last=False)
