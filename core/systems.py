"""Retrieval systems: what one is made of, the named ones, and how one becomes a graph of stages.

A system reads left to right: chunk -> embed -> index -> (rewrite) -> (filter) -> retrieve -> (fuse) -> (rerank).
The YAML spelling of a system is its fields:

    - name: my-hybrid
      description: what it is for
      chunk: {type: recursive, size: 128}
      dense: {model: all-MiniLM-L6-v2}
      lexical: {over: documents}
      filter: true
      rewrite: [{type: prf}]
      fuse: {type: weighted, dense_share: 0.6}
      rerank: {type: late_interaction, depth: 50}
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from core.errors import InputError, check_range
from core.graph.node import Node, Source
from core.settings import DEFAULT_MODEL
from core.stages.chunk import CHUNKERS, Recursive, WholeDocument
from core.stages.embed import EmbedChunks, EmbedQueries, model_revision
from core.stages.filter import MetadataFilter
from core.stages.fuse import FUSIONS, ReciprocalRankFusion, WeightedFusion
from core.stages.index_bm25 import CountTerms, IndexBm25
from core.stages.index_chroma import IndexDense
from core.stages.rerank import RERANKERS, LateInteraction
from core.stages.retrieve import RetrieveDense, RetrieveLexical
from core.stages.rewrite import Glossary, Rm3, Rocchio
from core.store import Workspace, replace_file

BASELINE = "dense"
PRESELECTED = ("dense", "dense-chunk128", "bm25", "hybrid-rrf", "hybrid-rerank")


def preselect(*, has_filters: bool) -> list[str]:
    """The systems that the page and the command line start with; dense-filtered too if queries carry filters."""
    return [*PRESELECTED, "dense-filtered"] if has_filters else list(PRESELECTED)


@dataclass(frozen=True)
class Dense:
    """The dense side. model: bundled name, hub name, folder, or "endpoint:NAME"; prompts: None means the model's own."""

    type: ClassVar[str] = "dense"
    model: str = DEFAULT_MODEL
    query_prompt: str | None = None
    document_prompt: str | None = None


@dataclass(frozen=True)
class Lexical:
    """The lexical side: BM25 over whole "documents" (title and text) or over the system's "chunks"."""

    type: ClassVar[str] = "lexical"
    over: str = "documents"
    k1: float = 1.5
    b: float = 0.75
    stem: bool = True
    stop_words: bool = True

    def __post_init__(self) -> None:
        check_range("k1", self.k1, low=0)
        check_range("b", self.b, low=0, high=1)


@dataclass(frozen=True)
class Feedback:
    """Pseudo-relevance feedback: Rocchio on the dense side, RM3 on the lexical side."""

    type: ClassVar[str] = "prf"
    chunks: int = 5
    dense_weight: float = 0.5
    documents: int = 10
    terms: int = 10
    lexical_weight: float = 0.5

    def __post_init__(self) -> None:
        for name in ("chunks", "documents", "terms"):
            check_range(name, getattr(self, name), low=1)
        check_range("dense_weight", self.dense_weight, low=0)
        check_range("lexical_weight", self.lexical_weight, low=0, high=1)


_FOUND_OUT = ("revision", "tokenizer")  # fields of stages that build() fills in; nobody writes them
REWRITES: dict[str, type] = {"prf": Feedback, "glossary": Glossary}


@dataclass(frozen=True)
class System:
    """A retrieval system. At least one of dense and lexical; fuse if and only if both; chunk wherever chunks are read."""

    name: str
    description: str = ""
    chunk: Any = None
    dense: Dense | None = None
    lexical: Lexical | None = None
    filter: bool = False
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
        if self.rewrite:
            spec["rewrite"] = [_spell(step) for step in self.rewrite]
        for part in ("fuse", "rerank"):
            if getattr(self, part) is not None:
                spec[part] = _spell(getattr(self, part))
        return spec


def _spell(part: Any) -> dict[str, Any]:
    fields = {name: value for name, value in dataclasses.asdict(part).items() if name not in _FOUND_OUT and value is not None}
    fields = {
        name: [list(v) if isinstance(v, tuple) else v for v in value] if isinstance(value, tuple) else value
        for name, value in fields.items()
    }
    return {"type": part.type, **fields} if part.type not in ("dense", "lexical") else fields


def from_spec(spec: Mapping[str, Any], *, file: str | Path | None = None) -> System:
    """A System from its YAML spelling; InputError names the system, the field and what it can be."""
    name = spec.get("name")
    if not isinstance(name, str):
        raise InputError("a system has no `name`; give each one a name", file=file)
    known = {field.name for field in dataclasses.fields(System)}
    for field in spec:
        if field not in known:
            raise InputError(
                f"system {name!r} has the unknown field {field!r}; it can have {', '.join(sorted(known))}", file=file
            )
    try:
        rewrite = spec.get("rewrite") or []
        steps = [step for step in (rewrite if isinstance(rewrite, list | tuple) else [rewrite]) if step]
        return System(
            name=name,
            description=str(spec.get("description") or ""),
            chunk=_read(name, "chunk", spec.get("chunk"), CHUNKERS),
            dense=_read(name, "dense", spec.get("dense"), {"dense": Dense}, default="dense"),
            lexical=_read(name, "lexical", spec.get("lexical"), {"lexical": Lexical}, default="lexical"),
            filter=_read_flag(name, spec.get("filter", False)),
            rewrite=tuple(_read(name, "rewrite", step, REWRITES) for step in steps),
            fuse=_read(name, "fuse", spec.get("fuse"), FUSIONS),
            rerank=_read(name, "rerank", spec.get("rerank"), RERANKERS),
        )
    except InputError as error:
        raise error if error.file or file is None else InputError(str(error), file=file) from error


def _read_flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise InputError(f"system {name!r}: filter is {value!r}; it can be true or false")
    return value


def _read(name: str, part: str, value: Any, choices: Mapping[str, type], *, default: str | None = None) -> Any:
    """One part of a system from its mapping; True means the default settings; None and False mean absent."""
    if value is None or value is False:
        return None
    fields = {} if value is True else value
    if isinstance(fields, str):
        fields = {"type": fields}
    if not isinstance(fields, Mapping):
        raise InputError(
            f"system {name!r}: {part} is {value!r}; it should be a mapping such as {{type: {next(iter(choices))}}}"
        )
    kind = fields.get("type", default)
    if not isinstance(kind, str) or kind not in choices:
        raise InputError(f"system {name!r}: {part} has the type {kind!r}; it can be {', '.join(sorted(choices))}")
    stage = choices[kind]
    allowed = {field.name: field for field in dataclasses.fields(stage) if field.name not in _FOUND_OUT}
    values: dict[str, Any] = {}
    for field, given in fields.items():
        if field == "type":
            continue
        if field not in allowed:
            raise InputError(
                f"system {name!r}: {part} of type {kind} has no field {field!r}; it has {', '.join(sorted(allowed)) or 'none'}"
            )
        values[field] = _check_type(name, f"{part}.{field}", given, str(allowed[field].type))
    try:
        return stage(**values)
    except (InputError, TypeError, ValueError) as error:
        raise InputError(f"system {name!r}: {part}: {error}") from error


def _check_type(name: str, field: str, value: Any, wanted: str) -> Any:
    if "tuple" in wanted:
        return _check_groups(name, field, value)
    kinds: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "bool": (bool,), "str": (str,)}
    base = wanted.split("|")[0].strip()
    if base not in kinds or (value is None and "None" in wanted):
        return value
    # To Python True is a number; and YAML knows .nan and .inf, which no stage can use.
    fits = isinstance(value, kinds[base]) and (base == "bool" or not isinstance(value, bool))
    if not fits or (isinstance(value, float) and not math.isfinite(value)):
        words = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "text"}
        raise InputError(f"system {name!r}: {field} is {value!r}; it should be {words[base]}")
    return float(value) if base == "float" else value


def _check_groups(name: str, field: str, value: Any) -> tuple[tuple[str, ...], ...]:
    if not isinstance(value, list | tuple) or not all(
        isinstance(group, list | tuple) and all(isinstance(term, str) for term in group) for group in value
    ):
        raise InputError(
            f"system {name!r}: {field} is {value!r}; it should be a list of lists of text, such as [[wifi, wireless]]"
        )
    return tuple(tuple(group) for group in value)


def build(system: System, *, documents: Node, queries: Node) -> Node:
    """The graph of a system over a corpus and queries; its last node gives a run."""
    model = system.dense.model if system.dense else DEFAULT_MODEL
    chunks = None
    if system.chunk is not None:
        chunks = Node(dataclasses.replace(system.chunk, tokenizer=model), (documents,))
    allowed = (Node(MetadataFilter(), (queries, documents)),) if system.filter else ()
    glossaries = [step for step in system.rewrite if isinstance(step, Glossary)]
    feedback = next((step for step in system.rewrite if isinstance(step, Feedback)), None)
    for glossary in glossaries:
        queries = Node(glossary, (queries,))
    runs = []
    if system.dense is not None and chunks is not None:
        runs.append(_build_dense(system.dense, chunks, documents, queries, allowed, feedback))
    if system.lexical is not None:
        units = (
            chunks
            if system.lexical.over == "chunks" and chunks is not None
            else Node(WholeDocument(prefix="always"), (documents,))
        )
        runs.append(_build_lexical(system.lexical, units, queries, allowed, feedback))
    run = runs[0] if system.fuse is None else Node(system.fuse, tuple(runs))
    if system.rerank is not None and chunks is not None:
        reranker = dataclasses.replace(system.rerank, revision=model_revision(system.rerank.model))
        run = Node(reranker, (queries, run, chunks))
    return run


def _build_dense(
    dense: Dense, chunks: Node, documents: Node, queries: Node, allowed: tuple[Node, ...], feedback: Feedback | None
) -> Node:
    revision = model_revision(dense.model)
    vectors = Node(EmbedChunks(model=dense.model, revision=revision, prompt=dense.document_prompt), (chunks,))
    index = Node(IndexDense(), (vectors, documents))
    asked = Node(EmbedQueries(model=dense.model, revision=revision, prompt=dense.query_prompt), (queries,))
    run = Node(RetrieveDense(), (queries, asked, index, *allowed))
    if feedback is None:
        return run
    moved = Node(Rocchio(chunks=feedback.chunks, feedback=feedback.dense_weight), (asked, queries, run, index))
    return Node(RetrieveDense(), (queries, moved, index, *allowed))


def _build_lexical(lexical: Lexical, units: Node, queries: Node, allowed: tuple[Node, ...], feedback: Feedback | None) -> Node:
    spec = IndexBm25(k1=lexical.k1, b=lexical.b, stem=lexical.stem, stop_words=lexical.stop_words)
    index = Node(spec, (units,))
    terms = Node(CountTerms(), (queries, index))
    run = Node(RetrieveLexical(), (queries, terms, index, *allowed))
    if feedback is None:
        return run
    rm3 = Rm3(documents=feedback.documents, terms=feedback.terms, feedback=feedback.lexical_weight)
    expanded = Node(rm3, (terms, queries, run, index))
    return Node(RetrieveLexical(), (queries, expanded, index, *allowed))


def make_sources(corpus_fingerprint: str, queries_fingerprint: str) -> tuple[Node, Node]:
    """The leaves that every system of a comparison shares: documents and queries."""
    return Node(Source("documents", corpus_fingerprint)), Node(Source("queries", queries_fingerprint))


def make_named_systems() -> dict[str, System]:
    """The systems that come with the product, by name, in the order in which they are listed."""
    chunk = Recursive(size=200, overlap=0)
    kinds = CHUNKERS
    dense, lexical = Dense(), Lexical()
    hybrid = System("hybrid-rrf", "", chunk=chunk, dense=dense, lexical=lexical, fuse=ReciprocalRankFusion())
    plain = System(BASELINE, "Embeddings alone, chunks of 200 tokens. The baseline.", chunk=chunk, dense=dense)
    words = System("bm25", "Word matching (BM25) over whole documents. No model needed.", lexical=lexical)
    vary = dataclasses.replace
    systems = [
        plain,
        vary(
            plain,
            name="dense-whole",
            description="Embeddings of whole documents, cut where the model stops reading.",
            chunk=WholeDocument(),
        ),
        vary(
            plain,
            name="dense-chunk64",
            description="Embeddings of small chunks, 64 tokens.",
            chunk=Recursive(size=64, overlap=0),
        ),
        vary(
            plain,
            name="dense-chunk128",
            description="Embeddings of smaller chunks, 128 tokens.",
            chunk=Recursive(size=128, overlap=0),
        ),
        vary(
            plain,
            name="dense-window",
            description="Embeddings of single sentences; each hit brings its neighbours.",
            chunk=kinds["window"](),
        ),
        vary(
            plain,
            name="dense-parent",
            description="Embeddings of small pieces; each hit brings the larger chunk around it.",
            chunk=kinds["parent"](),
        ),
        words,
        vary(
            plain,
            name="dense-filtered",
            description="Embeddings, only among documents that match the query's metadata filter.",
            filter=True,
        ),
        vary(
            words,
            name="bm25-filtered",
            description="Word matching, only among documents that match the query's metadata filter.",
            filter=True,
        ),
        vary(hybrid, description="Embeddings and word matching together, merged by rank."),
        vary(
            hybrid,
            name="hybrid-weighted",
            description="Embeddings and word matching together, 70 % to 30 % by score.",
            fuse=WeightedFusion(),
        ),
        vary(
            hybrid,
            name="hybrid-filtered",
            description="Both together, only among documents that match the query's metadata filter.",
            filter=True,
        ),
        vary(
            hybrid,
            name="hybrid-prf",
            description="Both together; each query is enriched from its own first hits.",
            rewrite=(Feedback(),),
        ),
        vary(
            plain,
            name="dense-rerank",
            description="Embeddings, then the first 50 hits are compared word by word.",
            rerank=LateInteraction(),
        ),
        vary(
            hybrid,
            name="hybrid-rerank",
            description="Both together, then the first 50 hits are compared word by word.",
            rerank=LateInteraction(),
        ),
    ]
    return {system.name: system for system in systems}


def read_systems(text: str, *, file: str | Path | None = None) -> dict[str, System]:
    """Systems from YAML text: a list of systems, or a mapping with the list under `systems`."""
    import yaml

    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "not YAML"
        raise InputError(
            f"cannot be read as YAML ({problem}); check the indentation there",
            file=file,
            line=mark.line + 1 if mark else None,
        ) from error
    items = content.get("systems") if isinstance(content, Mapping) else content
    if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
        raise InputError("should hold a list of systems, each starting with `- name: ...`", file=file)
    systems: dict[str, System] = {}
    for item in items:
        system = from_spec(item, file=file)
        if system.name in systems:
            raise InputError(f"has two systems named {system.name!r}; names must differ", file=file)
        systems[system.name] = system
    return systems


def write_systems(systems: list[System]) -> str:
    """YAML that read_systems() reads back to equal systems."""
    import yaml

    specs = [system.to_spec() for system in systems]
    return str(yaml.safe_dump({"systems": specs}, sort_keys=False, allow_unicode=True, width=110))


def list_own_systems(workspace: Workspace) -> dict[str, System]:
    """The systems that users added to this workspace."""
    file = workspace.systems_file
    return read_systems(file.read_text(encoding="utf-8"), file=file) if file.exists() else {}


def list_systems(workspace: Workspace) -> dict[str, System]:
    """The named systems, then the workspace's own."""
    return {**make_named_systems(), **list_own_systems(workspace)}


def save_own_system(system: System, workspace: Workspace) -> None:
    """Adds or replaces one of the workspace's own systems; InputError if the name belongs to a named system."""
    if system.name in make_named_systems():
        raise InputError(f"the name {system.name!r} belongs to a system that comes with the product; choose another name")
    own = {**list_own_systems(workspace), system.name: system}
    with replace_file(workspace.systems_file) as aside:
        aside.write_text(write_systems(list(own.values())), encoding="utf-8")


def delete_own_system(name: str, workspace: Workspace) -> None:
    """Removes one of the workspace's own systems; experiments that used it keep its definition."""
    own = {key: system for key, system in list_own_systems(workspace).items() if key != name}
    with replace_file(workspace.systems_file) as aside:
        aside.write_text(write_systems(list(own.values())) if own else "systems: []\n", encoding="utf-8")
