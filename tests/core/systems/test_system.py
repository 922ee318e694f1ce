"""A system's spelling and back, and the numbers that it refuses."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest

from core.errors import InputError
from core.settings import DEFAULT_MODEL
from core.stages.chunk import Recursive
from core.stages.fuse import ReciprocalRankFusion, WeightedFusion
from core.stages.registry import list_choices
from core.stages.rerank import CrossEncoderRerank, LateInteraction
from core.stages.rewrite import Feedback, Glossary
from core.systems.build import build, make_sources
from core.systems.named import make_named_systems
from core.systems.system import Dense, Lexical, System
from core.systems.yaml_files import from_spec, read_systems, write_systems

NAMED = make_named_systems()
DOCUMENTS, QUERIES = make_sources("d", "q")


@pytest.mark.parametrize("name", NAMED)
def test_named_systems_round_trip(name: str) -> None:
    assert from_spec(NAMED[name].to_spec()) == NAMED[name]
    assert read_systems(write_systems([NAMED[name]])) == {name: NAMED[name]}


def make_random_system(draw: random.Random, name: str) -> System:
    chunk = draw.choice(list(list_choices("chunk").values()))
    options: dict[str, Any] = {"prefix": draw.choice(["title", "always", "none"])}
    if chunk is Recursive:
        options |= {"size": draw.randint(50, 500), "overlap": draw.randint(0, 40)}
    prompts = [None, "", "query: ", "a: b # c", "\n", "é 'x' \"y\""]
    side = draw.choice(["dense", "lexical", "both"])
    dense = Dense(draw.choice([DEFAULT_MODEL, "endpoint:m"]), draw.choice(prompts), draw.choice(prompts))
    lexical = Lexical(draw.choice(["documents", "chunks"]), draw.random(), 0.5, draw.random() < 0.5, draw.random() < 0.5)
    level = "chunk" if lexical.over == "chunks" else "document"
    fusions = [ReciprocalRankFusion(k=draw.randint(0, 99), level=level), WeightedFusion(draw.random(), level=level)]
    rewrites: list[tuple[Any, ...]] = [
        (),
        (Feedback(chunks=draw.randint(1, 9)),),
        (Glossary((("a", "b c"), ("yes", "no", "1"))),),
    ]
    rerankers = [None, LateInteraction(depth=draw.randint(1, 99)), CrossEncoderRerank(model="some/model")]
    return System(
        name=name,
        description=draw.choice(["", "what it: is for", "- x", "null"]),
        chunk=chunk(**options),
        dense=dense if side != "lexical" else None,
        lexical=lexical if side != "dense" else None,
        filter=draw.random() < 0.5,
        infer_filters=draw.choice([(), ("product",), ("é: x", "version")]),
        rewrite=draw.choice([*rewrites, rewrites[1] + rewrites[2]]),
        fuse=draw.choice(fusions) if side == "both" else None,
        rerank=draw.choice(rerankers),
    )


def test_random_systems_round_trip() -> None:
    draw = random.Random(0)
    systems = [make_random_system(draw, f"system {number}: é") for number in range(200)]
    again = read_systems(write_systems(systems))
    assert list(again.values()) == systems
    for system in systems[:40]:
        assert build(system, documents=DOCUMENTS, queries=QUERIES).gives == "run"


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        ({"rerank": {"type": "late_interaction", "depth": 0}}, "rerank: depth is 0; it must be at least 1"),
        ({"fuse": {"type": "weighted", "dense_share": 5}}, "fuse: dense_share is 5; it must be between 0 and 1"),
        ({"fuse": {"type": "rrf", "k": -1}}, "fuse: k is -1; it must be at least 0"),
        ({"lexical": {"b": 2}}, "lexical: b is 2; it must be between 0 and 1"),
        ({"rewrite": [{"type": "prf", "terms": 0}]}, "rewrite: terms is 0; it must be at least 1"),
    ],
)
def test_a_number_out_of_its_range_is_refused(part: dict[str, object], sentence: str) -> None:
    spec = {"name": "x", "chunk": "recursive", "dense": True, "lexical": True, "fuse": "rrf", **part}
    with pytest.raises(InputError, match=re.escape(f"system 'x': {sentence}")):
        from_spec(spec)
