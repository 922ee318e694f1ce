"""What holds for every stage: empty frames, one row, the same twice, inputs unchanged, fields that are JSON values."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import importlib
import inspect
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from core.errors import WiringError
from core.graph.node import Node, Source, check_wiring
from core.graph.resources import Resources
from core.schema import CHUNKS, RUN, check_chunks, check_run
from core.settings import DEFAULT_MODEL
from core.stages import base
from core.stages.adapt import AdaptQueries, QueryAdapter, write_adapter
from core.stages.chunk import Recursive
from core.stages.embed import EmbedChunks, EmbedQueries, Vectors
from core.stages.filter import Allowed, CollectSpellings, MetadataFilter
from core.stages.fuse import ReciprocalRankFusion
from core.stages.index_dense import DenseIndex, IndexDense
from core.stages.index_lexical import CountTerms, IndexBm25, LexicalIndex
from core.stages.registry import STAGES as KNOWN
from core.stages.retrieve import RetrieveLexical
from core.stages.rewrite import Glossary
from core.text import words
from core.workspace import WEIGHTS
from tests.support.app import REPOSITORY
from tests.support.models import DIMENSIONS, make_documents, make_queries, make_resources

ADAPTER = "adapter-1"  # a model of the workspace that the tests run in
# Those that are nothing without arguments, or behave in another way with some.
SPECIAL: dict[type, list[Any]] = {
    CollectSpellings: [CollectSpellings(("v",))],
    MetadataFilter: [MetadataFilter(), MetadataFilter(given=False, infer=("v",))],
    Glossary: [Glossary((("hub", "gateway"),))],
    AdaptQueries: [AdaptQueries(f"trained:{ADAPTER}")],
    IndexBm25: [IndexBm25(languages=("en",)), IndexBm25(languages=("de", "th"))],
    ReciprocalRankFusion: [ReciprocalRankFusion(), ReciprocalRankFusion(level="chunk")],
}
STAGES: list[Any] = [stage for kind in KNOWN.values() for stage in SPECIAL.get(kind) or [kind()]]
EMPTY: dict[str, str] = {}
TEXTS = {
    "a": "The hub has a battery. It lasts five years.",
    "b": "The clock of the hub is wrong.\n\nSet it again.",
    "c": "Prices",
}
CORPORA = {"empty": EMPTY, "one": {"a": TEXTS["a"]}, "several": TEXTS}
ASKED = {"empty": EMPTY, "one": {"q": "battery hub"}, "several": {"q": "battery hub", "p": "the clock", "r": "nothing"}}

# One way to make each kind of input, by stages that stand elsewhere in this list.
MAKERS: dict[str, Callable[[dict[str, Any], Any], Any]] = {
    "chunks": lambda made, resources: Recursive(size=5)(made["documents"], resources=resources),
    "vectors": lambda made, resources: EmbedChunks()(made["chunks"], resources=resources),
    "query_vectors": lambda made, resources: EmbedQueries()(made["queries"], resources=resources),
    "dense_index": lambda made, resources: IndexDense()(made["vectors"], made["documents"], resources=resources),
    "lexical_index": lambda made, resources: IndexBm25(languages=("en",))(made["chunks"], resources=resources),
    "query_terms": lambda made, resources: CountTerms()(made["queries"], made["lexical_index"], resources=resources),
    "spellings": lambda made, resources: CollectSpellings(("v",))(made["documents"], resources=resources),
    "allowed": lambda made, resources: MetadataFilter()(made["queries"], made["documents"], resources=resources),
    "run": lambda made, resources: RetrieveLexical()(
        made["queries"], made["query_terms"], made["lexical_index"], resources=resources
    ),
}


def make_inputs(stage: Any, resources: Any, *, corpus: str, asked: str) -> list[Any]:
    made: dict[str, Any] = {
        "documents": make_documents(CORPORA[corpus], {"a": {"v": 1}, "b": {"v": [1, 2]}}),
        "queries": make_queries(ASKED[asked], {"p": {"v": 2}}),
    }
    for kind, make in MAKERS.items():
        made[kind] = make(made, resources)
    return [made[kind.rstrip("?*")] for kind in stage.takes]


@contextlib.contextmanager
def note_calls(file: str) -> Iterator[list[str]]:
    """Which functions of a file are called meanwhile."""
    called: list[str] = []

    def note(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call" and frame.f_code.co_filename == file:
            called.append(frame.f_code.co_name)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield called
    finally:
        sys.setprofile(before)


def plain(value: Any) -> Any:
    """A value as something that can be compared."""
    if isinstance(value, pd.DataFrame):
        return [list(value.columns), value.to_dict("records")]
    if isinstance(value, dict):
        return dict(value)
    if isinstance(value, np.ndarray):
        return [value.shape, str(value.dtype), value.tolist()]
    if sparse.issparse(value):
        return plain(value.toarray())
    if isinstance(value, Vectors):
        return [plain(value.matrix), plain(value.chunk_rows), plain(value.chunks), value.key]
    if isinstance(value, DenseIndex):
        return [plain(value.vectors), value.metadata, value.folder]
    if isinstance(value, LexicalIndex):
        return [plain(value.weights), plain(value.counts), value.vocabulary, plain(value.chunks)]
    if isinstance(value, Allowed):
        return [value.doc_ids, plain(value.matrix), value.filters]
    raise AssertionError(f"a stage was given or gave a {type(value).__name__}")


@pytest.mark.parametrize("asked", ["empty", "one", "several"])
@pytest.mark.parametrize("corpus", ["empty", "one", "several"])
@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: f"{type(stage).__name__}-{getattr(stage, 'level', '')}")
def test_every_stage(stage: Any, corpus: str, asked: str, workspace: Path) -> None:
    resources = make_resources(workspace)
    swap = np.eye(DIMENSIONS, dtype=np.float32)[::-1]
    write_adapter(QueryAdapter(swap, DEFAULT_MODEL, ""), resources.workspace.models / ADAPTER / WEIGHTS)
    inputs = make_inputs(stage, resources, corpus=corpus, asked=asked)
    before = copy.deepcopy([plain(value) for value in inputs])
    with note_calls(words.__file__) as formed:
        first = stage(*inputs, resources=resources)
    assert stage.forms_words or not formed, "what is kept of it has to go by the form of words"
    assert [plain(value) for value in inputs] == before
    assert plain(stage(*inputs, resources=resources)) == plain(first)
    if stage.gives == "run":
        check_run(first)
        assert list(first.columns) == RUN
        for _, hits in first.groupby("query_id"):
            assert hits["rank"].tolist() == list(range(1, len(hits) + 1))
            assert hits["score"].is_monotonic_decreasing
    if stage.gives == "chunks":
        check_chunks(first)
        assert list(first.columns) == CHUNKS
        assert set(first["doc_id"]) == set(inputs[0]["doc_id"])
    if stage.gives in ("query_vectors", "query_terms", "allowed"):
        made = first.matrix if stage.gives == "allowed" else first
        assert made.shape[0] == len(ASKED[asked])


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: f"{type(stage).__name__}-{getattr(stage, 'level', '')}")
def test_fields_are_json_values_and_make_the_stage(stage: Any) -> None:
    fields = dataclasses.asdict(stage)
    again = type(stage)(**fields)
    assert again == stage
    assert hash(again) == hash(stage)
    assert json.loads(json.dumps(fields)) == json.loads(json.dumps(dataclasses.asdict(again)))
    with pytest.raises(dataclasses.FrozenInstanceError):
        stage.anything = 1
    changed = [dataclasses.replace(stage, **{name: other}) for name, other in other_values(fields).items()]
    for item in changed:
        assert Node(item, sources_for(stage)).key != Node(stage, sources_for(stage)).key


def other_values(fields: dict[str, Any]) -> dict[str, Any]:
    """Another value for each number: half of a share, two more of a count."""
    numbers = {name: value for name, value in fields.items() if isinstance(value, int | float) and not isinstance(value, bool)}
    return {name: value / 2 if isinstance(value, float) else value + 2 for name, value in numbers.items()}


def sources_for(stage: Any) -> tuple[Node, ...]:
    return tuple(Node(Source(kind.rstrip("?*"), kind)) for kind in stage.takes if not kind.endswith("?"))


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: f"{type(stage).__name__}-{getattr(stage, 'level', '')}")
def test_wiring_is_checked(stage: Any) -> None:
    kinds = [kind.rstrip("?*") for kind in stage.takes]
    check_wiring(stage, kinds)
    for wrong in ([], [*kinds, "nonsense"], ["nonsense", *kinds[1:]]):
        with pytest.raises(WiringError, match=f"^{type(stage).__name__} takes "):
            check_wiring(stage, wrong)


def test_the_resources_are_what_stages_are_promised() -> None:
    here = {field.name for field in dataclasses.fields(Resources)}
    assert base.Resources.__annotations__.keys() <= here
    methods = [name for kind in (base.Resources, base.TokenizerSource) for name in vars(kind) if not name.startswith("_")]
    assert {"encode", "tokenizer", "pair_scores"} <= set(methods)
    for name in methods:
        promised, given = (inspect.signature(getattr(kind, name)).parameters for kind in (base.Resources, Resources))
        assert [(part.name, part.kind) for part in promised.values()] == [
            (part.name, part.kind) for part in given.values() if part.name in promised
        ], name
        assert all(part.default is not part.empty for part in given.values() if part.name not in promised), name


def test_no_stage_is_left_out() -> None:
    """Every class that takes and gives something, in any file of the folder."""
    names = [file.stem for file in (REPOSITORY / "core" / "stages").glob("*.py") if not file.stem.startswith("_")]
    modules = [importlib.import_module(f"core.stages.{name}") for name in names]
    found = {
        made
        for module in modules
        for made in vars(module).values()
        if inspect.isclass(made) and {"type", "takes", "gives"} <= set(dir(made)) and made is not base.Stage
    }
    assert found == set(KNOWN.values())


def test_every_stage_has_a_description_and_a_name_of_its_own() -> None:
    kinds = list(KNOWN.values())
    for kind in kinds:
        assert kind.__doc__ and not kind.__doc__.startswith(f"{kind.__name__}("), f"{kind.__name__} says nothing of itself"
        assert kind.role in base.ROLES
        assert set(kind.encodes) <= {taken.rstrip("?*") for taken in kind.takes}
        assert bool(kind.label) == bool(kind.summary), f"{kind.__name__} can be chosen, and cannot be described"
    names = [(kind.gives, kind.type) for kind in kinds]
    assert len(set(names)) == len(names)
