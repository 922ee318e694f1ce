"""What a retrieval system is made of.

A system reads left to right: chunk -> embed -> index -> (rewrite) -> (filter) -> retrieve -> (fuse) -> (rerank).
The YAML spelling of a system is its fields:

    - name: my-hybrid
      description: what it is for
      chunk: {type: recursive, size: 128}
      dense: {model: all-MiniLM-L6-v2}
      lexical: {over: documents, language: auto}
      filter: true
      infer_filters: [product, version]
      rewrite: [{type: prf}]
      fuse: {type: weighted, dense_share: 0.6}
      rerank: {type: late_interaction, depth: 50}
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, ClassVar

from core.errors import InputError, check_range
from core.settings import DEFAULT_MODEL
from core.stages.base import MODEL, setting
from core.stages.index_dense import COSINE, DISTANCES
from core.stages.rewrite import Feedback
from core.text.languages import AUTO, parse_languages


@dataclass(frozen=True)
class Dense:
    """The dense side. model: bundled name, hub name, folder, "endpoint:NAME" or "trained:ID"; prompts: None means the model's
    own. adapter: "trained:ID" of a query adapter that was trained on this model, or None. distance: None or "cosine"; "l2" and
    "ip" (inner product) rank by vectors of the length that the model gives them, as a Chroma collection may."""

    type: ClassVar[str] = "dense"
    model: str = field(default=DEFAULT_MODEL, metadata=MODEL)
    query_prompt: str | None = field(
        default=None,
        metadata=setting("Text before each query", "Some models want one, such as “query: ”. Empty means the model's own."),
    )
    document_prompt: str | None = field(
        default=None,
        metadata=setting("Text before each chunk", "Some models want one, such as “passage: ”. Empty means the model's own."),
    )
    adapter: str | None = None
    distance: str | None = field(
        default=None,
        metadata=setting(
            "Distance",
            "How near a passage is to a query: by their angle (cosine), a straight line (l2), an inner product (ip).",
            choices=DISTANCES,
        ),
    )

    def __post_init__(self) -> None:
        if self.distance not in (None, *DISTANCES):
            raise InputError(f"distance is {self.distance!r}; it can be {', '.join(DISTANCES)}")
        if self.ranks_by_length and self.adapter is not None:
            raise InputError(f"an adapter moves vectors of unit length; use it with the distance {COSINE}, not {self.distance}")

    @property
    def ranks_by_length(self) -> bool:
        """Whether a longer vector is another one."""
        return self.distance not in (None, COSINE)


@dataclass(frozen=True)
class Lexical:
    """The lexical side: BM25 over whole "documents" (title and text) or over the system's "chunks"."""

    type: ClassVar[str] = "lexical"
    over: str = field(
        default="documents",
        metadata=setting(
            "Words are looked up in",
            "Whole documents (title and text), or this system's chunks.",
            choices=("documents", "chunks"),
        ),
    )
    k1: float = field(default=1.5, metadata=setting("k1", "How soon a repeated word stops counting more. 1.2 to 2 is usual."))
    b: float = field(default=0.75, metadata=setting("b", "How much long texts are held back, 0 to 1. 0.75 is usual."))
    stem: bool = field(
        default=True,
        metadata=setting("Join word forms", "“resets” finds “reset”. Identifiers such as ERR-4012 always stay whole."),
    )
    stop_words: bool = field(
        default=True, metadata=setting("Leave out common words", "“the”, “of”, “is” and so on, in English.")
    )
    language: str = field(
        default=AUTO,
        metadata=setting(
            "Language of the documents",
            "“auto” finds it from the corpus. Else a code or several (“de”, “de, en”), or “none”: words as they stand.",
        ),
    )
    fold_accents: bool = field(
        default=True,
        metadata=setting("Overlook accents", "“cafe” finds “café”. Letters of their own, such as the Swedish ö, stay apart."),
    )

    def __post_init__(self) -> None:
        check_range("k1", self.k1, low=0)
        check_range("b", self.b, low=0, high=1)
        object.__setattr__(self, "language", ", ".join(parse_languages(self.language)))

    @property
    def languages(self) -> tuple[str, ...]:
        """The codes in `language`; ("auto",) until resolve_language() of core.systems.build has asked the corpus."""
        return parse_languages(self.language)


FILLED_IN = ("revision", "tokenizer")  # fields of stages that build() fills in; nobody writes them


@dataclass(frozen=True)
class System:
    """A retrieval system. At least one of dense and lexical; fuse if and only if both; chunk wherever chunks are read.

    filter: each query's own filter is applied. infer_filters: metadata fields whose values, where a query's text names them,
    become the filter of a query that has none of its own (or, without `filter`, of every query).
    """

    name: str
    description: str = ""
    chunk: Any = None
    dense: Dense | None = None
    lexical: Lexical | None = None
    filter: bool = False
    infer_filters: tuple[str, ...] = ()
    rewrite: tuple[Any, ...] = ()
    fuse: Any = None
    rerank: Any = None

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise InputError("a system needs a name")
        if self.dense is None and self.lexical is None:
            raise InputError(f"system {self.name!r} retrieves nothing: give it `dense`, `lexical` or both")
        if (self.dense is not None and self.lexical is not None) != (self.fuse is not None):
            raise InputError(f"system {self.name!r}: `fuse` joins a dense and a lexical side; give all three or only one side")
        if self.lexical is not None and self.lexical.over not in ("documents", "chunks"):
            raise InputError(f"system {self.name!r}: lexical.over is {self.lexical.over!r}; it can be documents or chunks")
        needs_chunks = self.dense is not None or self.rerank is not None or (self.lexical and self.lexical.over == "chunks")
        if needs_chunks and self.chunk is None:
            raise InputError(f"system {self.name!r} needs `chunk`, for example chunk: {{type: recursive, size: 200}}")
        if self.dense is not None and self.dense.ranks_by_length and any(isinstance(step, Feedback) for step in self.rewrite):
            raise InputError(
                f"system {self.name!r}: feedback moves query vectors of unit length; use it with the distance {COSINE}, "
                f"not {self.dense.distance}"
            )
        level = getattr(self.fuse, "level", "document")
        if level not in ("document", "chunk"):
            raise InputError(f"system {self.name!r}: fuse.level is {level!r}; it can be document or chunk")
        if level == "chunk" and self.lexical is not None and self.lexical.over != "chunks":
            raise InputError(f"system {self.name!r}: fusing chunks needs lexical: {{over: chunks}}")

    def to_spec(self) -> dict[str, Any]:
        """The YAML spelling, without what is off: from_spec(to_spec()) gives an equal system."""
        spec: dict[str, Any] = {"name": self.name}
        if self.description:
            spec["description"] = self.description
        for part in ("chunk", "dense", "lexical"):
            if getattr(self, part) is not None:
                spec[part] = _spell(getattr(self, part))
        if self.filter:
            spec["filter"] = True
        if self.infer_filters:
            spec["infer_filters"] = list(self.infer_filters)
        if self.rewrite:
            spec["rewrite"] = [_spell(step) for step in self.rewrite]
        for part in ("fuse", "rerank"):
            if getattr(self, part) is not None:
                spec[part] = _spell(getattr(self, part))
        return spec


def strip_name(system: System) -> System:
    """The system without its own name and description: equal for systems that do the same."""
    return dataclasses.replace(system, name="any", description="")


def _spell(part: Any) -> dict[str, Any]:
    fields = {name: value for name, value in dataclasses.asdict(part).items() if name not in FILLED_IN and value is not None}
    fields = {
        name: [list(v) if isinstance(v, tuple) else v for v in value] if isinstance(value, tuple) else value
        for name, value in fields.items()
    }
    return {"type": part.type, **fields} if part.type not in ("dense", "lexical") else fields
