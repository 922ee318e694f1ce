"""Systems: the named ones, their spelling in YAML and back, and what is said about a wrong one."""

from __future__ import annotations

import dataclasses
import random
import re
from pathlib import Path
from typing import Any

import pytest

from core.errors import InputError
from core.graph.node import Source
from core.settings import DEFAULT_MODEL
from core.stages.chunk import CHUNKERS, Recursive
from core.stages.embed import EmbedChunks, EmbedQueries, model_revision
from core.stages.filter import MetadataFilter
from core.stages.fuse import ReciprocalRankFusion, WeightedFusion
from core.stages.rerank import CrossEncoderRerank, LateInteraction
from core.stages.rewrite import Glossary
from core.systems.available import delete_own_system, list_own_systems, list_systems, save_own_system
from core.systems.build import build, make_sources
from core.systems.named import PRESELECTED, make_named_systems, preselect
from core.systems.system import Dense, Feedback, Lexical, System
from core.systems.yaml_files import from_spec, read_systems, write_systems
from core.workspace import Workspace

NAMED = make_named_systems()
NAMES = [
    "dense",
    "dense-whole",
    "dense-chunk64",
    "dense-chunk128",
    "dense-window",
    "dense-parent",
    "bm25",
    "dense-filtered",
    "bm25-filtered",
    "hybrid-rrf",
    "hybrid-weighted",
    "hybrid-filtered",
    "hybrid-prf",
    "dense-rerank",
    "hybrid-rerank",
]
DOCUMENTS, QUERIES = make_sources("d", "q")


def stages_of(system: System) -> list[str]:
    nodes = build(system, documents=DOCUMENTS, queries=QUERIES).walk()
    return [type(node.stage).__name__ for node in nodes if not isinstance(node.stage, Source)]


def test_the_named_systems() -> None:
    assert list(NAMED) == NAMES
    assert all(system.description.endswith((".", "needed.")) and system.name == name for name, system in NAMED.items())
    assert len({build(system, documents=DOCUMENTS, queries=QUERIES).key for system in NAMED.values()}) == 15
    assert set(PRESELECTED) <= set(NAMED)
    assert preselect(has_filters=False) == ["dense", "dense-chunk128", "bm25", "hybrid-rrf", "hybrid-rerank"]
    assert preselect(has_filters=True)[-1] == "dense-filtered"


def test_what_systems_are_made_of() -> None:
    assert NAMED["dense"].chunk == Recursive(size=200, overlap=0)
    assert stages_of(NAMED["dense"]) == ["EmbedQueries", "Recursive", "EmbedChunks", "IndexDense", "RetrieveDense"]
    assert set(stages_of(NAMED["bm25"])) == {"WholeDocument", "IndexBm25", "CountTerms", "RetrieveLexical"}
    assert {"MetadataFilter", "ReciprocalRankFusion"} <= set(stages_of(NAMED["hybrid-filtered"]))
    assert {"Rocchio", "Rm3"} <= set(stages_of(NAMED["hybrid-prf"]))
    assert stages_of(NAMED["hybrid-prf"]).count("RetrieveDense") == 2  # before and after the feedback
    assert stages_of(NAMED["dense-rerank"])[-1] == "LateInteraction"


def test_a_glossary_rewrites_for_both_sides() -> None:
    system = from_spec({**NAMED["hybrid-rrf"].to_spec(), "rewrite": {"type": "glossary", "groups": [["a", "b"]]}})
    target = build(system, documents=DOCUMENTS, queries=QUERIES)
    readers = [node for node in target.walk() if type(node.stage).__name__ in ("EmbedQueries", "CountTerms")]
    assert [type(node.inputs[0].stage).__name__ for node in readers] == ["Glossary", "Glossary"]


def test_models_prompts_and_revisions_reach_the_stages(tmp_path: Path) -> None:
    (tmp_path / "weights").write_text("x")
    model = str(tmp_path)
    system = System("s", chunk=Recursive(), dense=Dense(model=model, query_prompt="q: ", document_prompt=""))
    stages = {type(node.stage): node.stage for node in build(system, documents=DOCUMENTS, queries=QUERIES).walk()}
    assert stages[EmbedChunks] == EmbedChunks(model=model, revision=model_revision(model), prompt="")
    assert stages[EmbedQueries] == EmbedQueries(model=model, revision=model_revision(model), prompt="q: ")
    assert stages[Recursive].tokenizer == model


@pytest.mark.parametrize("name", NAMES)
def test_named_systems_round_trip(name: str) -> None:
    assert from_spec(NAMED[name].to_spec()) == NAMED[name]
    assert read_systems(write_systems([NAMED[name]])) == {name: NAMED[name]}


def make_random_system(draw: random.Random, name: str) -> System:
    chunk = draw.choice(list(CHUNKERS.values()))
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


def test_filters_read_off_the_query() -> None:
    system = from_spec({"name": "x", "lexical": True, "infer_filters": ["product", "version"]})
    assert system.to_spec()["infer_filters"] == ["product", "version"]
    assert "infer_filters" not in NAMED["bm25-filtered"].to_spec()
    assert from_spec({"name": "x", "lexical": True, "infer_filters": None}).infer_filters == ()
    for filtered in (False, True):
        target = build(dataclasses.replace(system, filter=filtered), documents=DOCUMENTS, queries=QUERIES)
        stages = [node.stage for node in target.walk() if isinstance(node.stage, MetadataFilter)]
        assert stages == [MetadataFilter(given=filtered, infer=("product", "version"))]


def test_short_spellings() -> None:
    first = "- {name: a, chunk: recursive, dense: true, lexical: false, rewrite: [null, prf]}"
    systems = read_systems(f"{first}\n- {{name: b, lexical: true, filter: yes}}")
    assert systems["a"] == System("a", chunk=Recursive(), dense=Dense(), rewrite=(Feedback(),))
    assert systems["b"] == System("b", lexical=Lexical(), filter=True)
    assert read_systems("systems: []") == {}


DENSE = "name: x, chunk: recursive, dense: true"
FUSE = "name: x, chunk: recursive, dense: true, lexical: true"
WRONG = [
    (
        "[",
        "s.yaml, line 1: cannot be read as YAML (expected the node content, but found '<stream end>'); "
        "check the indentation there",
    ),
    (
        "a: 1\n b: 2",
        "s.yaml, line 2: cannot be read as YAML (mapping values are not allowed here); check the indentation there",
    ),
    ("", "s.yaml: should hold a list of systems, each starting with `- name: ...`"),
    ("text", "s.yaml: should hold a list of systems, each starting with `- name: ...`"),
    ("[1]", "s.yaml: should hold a list of systems, each starting with `- name: ...`"),
    ("[{dense: true}]", "s.yaml: a system has no `name`; give each one a name"),
    ("[{name: ' ', dense: true}]", "s.yaml: a system needs a name"),
    (f"[{{{DENSE}}}, {{{DENSE}}}]", "s.yaml: has two systems named 'x'; names must differ"),
    (
        f"[{{{DENSE}, size: 3}}]",
        "s.yaml: system 'x' has the unknown field 'size'; it can have chunk, dense, description, filter, fuse, "
        "infer_filters, lexical, name, rerank, rewrite",
    ),
    ("[{name: x}]", "s.yaml: system 'x' retrieves nothing: give it `dense`, `lexical` or both"),
    ("[{name: x, dense: true}]", "s.yaml: system 'x' needs `chunk`, for example chunk: {type: recursive, size: 200}"),
    (
        "[{name: x, lexical: true, rerank: late_interaction}]",
        "s.yaml: system 'x' needs `chunk`, for example chunk: {type: recursive, size: 200}",
    ),
    (f"[{{{FUSE}}}]", "s.yaml: system 'x': `fuse` joins a dense and a lexical side; give all three or only one side"),
    (
        f"[{{{DENSE}, fuse: rrf}}]",
        "s.yaml: system 'x': `fuse` joins a dense and a lexical side; give all three or only one side",
    ),
    (f"[{{{FUSE}, fuse: sum}}]", "s.yaml: system 'x': fuse has the type 'sum'; it can be rrf, weighted"),
    (f"[{{{FUSE}, fuse: {{type: [rrf]}}}}]", "s.yaml: system 'x': fuse has the type ['rrf']; it can be rrf, weighted"),
    (
        f"[{{{FUSE}, fuse: {{type: rrf, q: 1}}}}]",
        "s.yaml: system 'x': fuse of type rrf has no field 'q'; it has depth, k, level",
    ),
    (f"[{{{FUSE}, fuse: {{type: rrf, k: six}}}}]", "s.yaml: system 'x': fuse.k is 'six'; it should be a whole number"),
    (f"[{{{FUSE}, fuse: {{type: rrf, k: 1.5}}}}]", "s.yaml: system 'x': fuse.k is 1.5; it should be a whole number"),
    (f"[{{{FUSE}, fuse: {{type: rrf, k: true}}}}]", "s.yaml: system 'x': fuse.k is True; it should be a whole number"),
    (
        f"[{{{FUSE}, fuse: {{type: weighted, dense_share: .nan}}}}]",
        "s.yaml: system 'x': fuse.dense_share is nan; it should be a number",
    ),
    (
        f"[{{{FUSE}, fuse: {{type: rrf, level: chunk}}}}]",
        "s.yaml: system 'x': fusing chunks needs lexical: {over: chunks}",
    ),
    (
        f"[{{{FUSE}, fuse: {{type: rrf, level: word}}}}]",
        "s.yaml: system 'x': fuse.level is 'word'; it can be document or chunk",
    ),
    ("[{name: x, lexical: {over: words}}]", "s.yaml: system 'x': lexical.over is 'words'; it can be documents or chunks"),
    ("[{name: x, lexical: {stem: 1}}]", "s.yaml: system 'x': lexical.stem is 1; it should be true or false"),
    ("[{name: x, lexical: 3}]", "s.yaml: system 'x': lexical is 3; it should be a mapping such as {type: lexical}"),
    ("[{name: x, chunk: recursive, dense: {model: 3}}]", "s.yaml: system 'x': dense.model is 3; it should be text"),
    (f"[{{{DENSE}, filter: 1}}]", "s.yaml: system 'x': filter is 1; it can be true or false"),
    *(
        (
            f"[{{{DENSE}, infer_filters: {written}}}]",
            f"s.yaml: system 'x': infer_filters is {found}; it should be a list of metadata fields, such as [product, version]",
        )
        for written, found in (
            ("product", "'product'"),
            ("true", "True"),
            ("[1]", "[1]"),
            ("['']", "['']"),
            ("{a: 1}", "{'a': 1}"),
        )
    ),
    (f"[{{{DENSE}, rewrite: [stems]}}]", "s.yaml: system 'x': rewrite has the type 'stems'; it can be glossary, prf"),
    (
        f"[{{{DENSE}, rewrite: [{{type: glossary, groups: [wifi, wlan]}}]}}]",
        "s.yaml: system 'x': rewrite.groups is ['wifi', 'wlan']; it should be a list of lists of text, "
        "such as [[wifi, wireless]]",
    ),
    (
        f"[{{{DENSE}, rewrite: [{{type: glossary, groups: wifi}}]}}]",
        "s.yaml: system 'x': rewrite.groups is 'wifi'; it should be a list of lists of text, such as [[wifi, wireless]]",
    ),
    (
        "[{name: x, chunk: {type: recursive, size: 0}, dense: true}]",
        "s.yaml: system 'x': chunk: recursive: size must be a whole number of at least 1 (tokens), found 0; 200 is usual.",
    ),
    (
        "[{name: x, chunk: {type: recursive, tokenizer: y}, dense: true}]",
        "s.yaml: system 'x': chunk of type recursive has no field 'tokenizer'; it has overlap, prefix, size",
    ),
    (f"[{{{DENSE}, rerank: {{type: cross_encoder, revision: y}}}}]", "has no field 'revision'; it has depth, mixed, model"),
]


@pytest.mark.parametrize(("text", "message"), WRONG, ids=range(len(WRONG)))
def test_what_is_said_about_a_wrong_system(text: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        read_systems(text, file="s.yaml")
    assert str(error.value) == message or (not message.startswith("s.yaml") and str(error.value).endswith(message))


def test_own_systems_of_a_workspace(workspace: Path) -> None:
    store = Workspace(workspace)
    assert list_own_systems(store) == {}
    own = System("mine", "mine: 50 %", lexical=Lexical(k1=1.2))
    save_own_system(own, store)
    save_own_system(System("other", lexical=Lexical()), store)
    assert list_own_systems(store)["mine"] == own
    assert list(list_systems(store)) == [*NAMES, "mine", "other"]
    save_own_system(System("mine", lexical=Lexical()), store)
    assert list_own_systems(store)["mine"].description == ""
    with pytest.raises(InputError) as error:
        save_own_system(System("bm25", lexical=Lexical()), store)
    assert str(error.value) == "the name 'bm25' belongs to a system that comes with the product; choose another name"
    delete_own_system("mine", store)
    delete_own_system("other", store)
    assert list_own_systems(store) == {}


def test_a_broken_file_of_own_systems_is_named(workspace: Path) -> None:
    store = Workspace(workspace)
    store.systems_file.write_text("- name: x\n")
    with pytest.raises(InputError) as error:
        list_systems(store)
    assert str(error.value).startswith(f"{store.systems_file}: system 'x' retrieves nothing")


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
