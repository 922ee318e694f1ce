"""What stages a system becomes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from core.errors import InputError
from core.export.program.write import write_program
from core.graph.node import Source
from core.settings import DEFAULT_MODEL, UNSCALED_PREFIX
from core.stages.chunk import Recursive
from core.stages.embed import EmbedChunks, EmbedQueries, model_revision
from core.stages.filter import MetadataFilter
from core.stages.index_dense import IndexDense
from core.stages.rewrite import Feedback
from core.systems.build import build, make_sources
from core.systems.named import make_named_systems
from core.systems.system import Dense, Lexical, System
from core.systems.yaml_files import from_spec

NAMED = make_named_systems()
DOCUMENTS, QUERIES = make_sources("d", "q")


def stages_of(system: System) -> list[str]:
    nodes = build(system, documents=DOCUMENTS, queries=QUERIES).walk()
    return [type(node.stage).__name__ for node in nodes if not isinstance(node.stage, Source)]


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


def test_filters_read_off_the_query() -> None:
    system = from_spec({"name": "x", "lexical": True, "infer_filters": ["product", "version"]})
    assert system.to_spec()["infer_filters"] == ["product", "version"]
    assert "infer_filters" not in NAMED["bm25-filtered"].to_spec()
    assert from_spec({"name": "x", "lexical": True, "infer_filters": None}).infer_filters == ()
    for filtered in (False, True):
        target = build(dataclasses.replace(system, filter=filtered), documents=DOCUMENTS, queries=QUERIES)
        stages = [node.stage for node in target.walk() if isinstance(node.stage, MetadataFilter)]
        assert stages == [MetadataFilter(given=filtered, infer=("product", "version"))]


# Runs, vectors and measured values of every workspace are kept under these: one that changes is forgotten there.
KEYS = {
    "dense": "f08136d3fdc8282835ebd67eaadd045a",
    "dense-whole": "e1a201e67d69c6bff1bb683e5c01bb58",
    "dense-chunk64": "a37e389e2d3b768797dab664c25d472e",
    "dense-chunk128": "b95491ee7f6ba88d0bdc4523e8bd8e9c",
    "dense-window": "e35c6ac9ece4540a355bd78f2e875685",
    "dense-parent": "0d6dbd23ecb6205061090f33c88d250c",
    "bm25": "d374ee4f89b9dd5178912d152488398b",
    "dense-filtered": "6c6e923e2990855388d4d7a3d3f2d5f9",
    "bm25-filtered": "13185f969aa729187e7e808769ca8a40",
    "hybrid-rrf": "2bd99e65a7336dcf97ba2c2a2d629fb9",
    "hybrid-weighted": "ec10657ef464c6250ab98da2c0b0b2a6",
    "hybrid-filtered": "fd82d988deafa9725d11c1f9e211819c",
    "hybrid-prf": "c77215f530ad6f73729d248f23955962",
    "dense-rerank": "1e9030bbaf27e96f2f1d50dcd778d106",
    "hybrid-rerank": "007a55ebab2c090be3235beaf292953c",
}


def test_what_was_kept_of_the_named_systems_is_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.systems.build.model_revision", lambda name: "1")
    lexical = {
        name: Lexical(language="en") if system.lexical else None for name, system in NAMED.items()
    }  # as over English texts
    systems = {name: dataclasses.replace(system, lexical=lexical[name]) for name, system in NAMED.items()}
    assert {name: build(system, documents=DOCUMENTS, queries=QUERIES).key for name, system in systems.items()} == KEYS


def test_a_distance_that_counts_lengths_asks_for_them() -> None:
    for distance in (None, "cosine"):
        stages = {type(n.stage): n.stage for n in build(dense_by(distance), documents=DOCUMENTS, queries=QUERIES).walk()}
        assert stages[EmbedChunks].model == stages[EmbedQueries].model == DEFAULT_MODEL
        assert stages[IndexDense] == IndexDense()
    for distance in ("l2", "ip"):
        stages = {type(n.stage): n.stage for n in build(dense_by(distance), documents=DOCUMENTS, queries=QUERIES).walk()}
        assert stages[EmbedChunks].model == stages[EmbedQueries].model == f"{UNSCALED_PREFIX}{DEFAULT_MODEL}"
        assert stages[IndexDense].distance == distance
        assert from_spec(dense_by(distance).to_spec()) == dense_by(distance)
    assert "distance" not in dense_by(None).to_spec()["dense"]


def test_what_moves_vectors_of_unit_length_needs_them() -> None:
    with pytest.raises(InputError, match="distance is 'far'; it can be cosine, l2, ip"):
        dense_by("far")
    with pytest.raises(InputError, match="an adapter moves vectors of unit length; use it with the distance cosine, not ip"):
        Dense(adapter="trained:x", distance="ip")
    with pytest.raises(InputError, match="feedback moves query vectors of unit length"):
        dataclasses.replace(dense_by("l2"), rewrite=(Feedback(),))
    with pytest.raises(InputError, match="cannot be written as a program: the program ranks by cosine, not by the distance l2"):
        write_program(dense_by("l2"), dataset_name="any")


def dense_by(distance: str | None) -> System:
    return System("s", chunk=Recursive(), dense=Dense(distance=distance))
