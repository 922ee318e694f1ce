"""Adapted query vectors: the arithmetic, the file, and what does not belong together."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from core.errors import ModelUnavailable, WiringError
from core.graph.execute import Execution, execute
from core.graph.node import Node
from core.settings import DEFAULT_MODEL
from core.stages.adapt import ADAPTER_FILE, AdaptQueries, QueryAdapter, read_adapter, write_adapter
from core.stages.chunk import WholeDocument
from core.stages.embed import EmbedChunks, EmbedQueries, model_revision
from core.stages.index_dense import IndexDense
from core.stages.retrieve import RetrieveDense
from core.stages.rewrite import Rocchio
from core.systems.build import build, make_sources
from core.systems.named import make_named_systems
from core.systems.system import Dense, System
from core.systems.trained import weights_folder
from core.workspace import Workspace
from tests.support.models import DIMENSIONS, KEYWORDS, make_documents, make_queries, make_resources

DOCUMENTS, QUERIES = make_sources("d", "q")
SWAP = np.eye(DIMENSIONS)[[1, 0, *range(2, DIMENSIONS)]].astype(np.float32)  # the battery's axis and the clock's


def embed(model: str, revision: str = "") -> tuple[Node, Node]:
    """(query vectors, index) by one model."""
    chunks = Node(WholeDocument(), (DOCUMENTS,))
    vectors = Node(EmbedChunks(model=model, revision=revision), (chunks,))
    return Node(EmbedQueries(model=model, revision=revision), (QUERIES,)), Node(IndexDense(), (vectors, DOCUMENTS))


def put_adapter(workspace: Path, name: str, *, model: str = DEFAULT_MODEL, revision: str | None = None) -> str:
    """Writes the swapping adapter as the trained model of that name; gives its reference."""
    known = model_revision(model) if revision is None else revision
    write_adapter(QueryAdapter(SWAP, model, known), weights_folder(name, Workspace(workspace)))
    return f"trained:{name}"


def test_vectors_are_mapped_and_scaled_to_length_one() -> None:
    adapter = QueryAdapter(np.array([[0, 2], [1, 1]], dtype=np.float32), "m", "")
    moved = adapter(np.array([[1, 0], [0.6, 0.8], [0, 0]], dtype=np.float32))
    # (1, 0) -> (0, 2); (.6, .8) -> (.8, 2), of length sqrt(4.64); zero stays zero
    length = np.sqrt(4.64)
    np.testing.assert_allclose(moved, [[0, 1], [0.8 / length, 2 / length], [0, 0]], atol=1e-6)
    assert moved.dtype == np.float32


def test_an_adapter_is_read_as_it_was_written(tmp_path: Path) -> None:
    matrix = np.random.default_rng(0).normal(size=(3, 3)).astype(np.float32)
    write_adapter(QueryAdapter(matrix.T, "some/model", "7"), tmp_path / "weights")  # not contiguous
    found = read_adapter(tmp_path / "weights")
    np.testing.assert_array_equal(found.matrix, matrix.T)
    assert (found.model, found.revision) == ("some/model", "7")


@pytest.mark.parametrize("content", [None, b"", b"not safetensors at all", b"\xff" * 64])
def test_what_a_damaged_adapter_says(content: bytes | None, tmp_path: Path) -> None:
    folder = tmp_path / "adapter-1" / "weights"
    folder.mkdir(parents=True)
    if content is not None:
        (folder / ADAPTER_FILE).write_bytes(content)
    with pytest.raises(ModelUnavailable) as error:
        read_adapter(folder)
    assert str(error.value).startswith("The folder 'adapter-1' holds no query adapter that can be read (")
    assert str(error.value).endswith("Name a model of the kind adapter, or train it again.")


def test_a_system_with_an_adapter_finds_what_the_map_leads_to(workspace: Path) -> None:
    reference = put_adapter(workspace, "adapter-1")
    plain = make_named_systems()["dense"]
    adapted = dataclasses.replace(plain, name="adapted", dense=Dense(adapter=reference))
    targets = {s.name: build(s, documents=DOCUMENTS, queries=QUERIES) for s in (plain, adapted)}
    assert targets["dense"].key != targets["adapted"].key
    frames = {DOCUMENTS.key: make_documents({word: word for word in KEYWORDS}), QUERIES.key: make_queries({"q": "battery"})}
    resources = make_resources(workspace)
    outcomes = execute(targets, Execution(frames, resources))
    first = {name: outcome.run["doc_id"].iloc[0] for name, outcome in outcomes.items() if outcome.run is not None}
    assert first == {"dense": "battery", "adapted": "clock"}
    # The documents are embedded once for both.
    assert resources.usage.encoded_texts == len(KEYWORDS) + 1


def test_no_queries_need_no_map(workspace: Path) -> None:
    stage = AdaptQueries(adapter=put_adapter(workspace, "a"), revision=model_revision(DEFAULT_MODEL))
    assert stage(np.zeros((0, 0), dtype=np.float32), resources=make_resources(workspace)).shape == (0, 0)


@pytest.mark.parametrize(
    ("model", "revision", "told"),
    [
        ("other/model", "", "'other/model' (revision unknown)"),
        (DEFAULT_MODEL, "0.1", f"'{DEFAULT_MODEL}' (revision 0.1)"),  # of equal dimensions, and of other weights
    ],
)
def test_an_adapter_of_another_base_model_is_refused(model: str, revision: str, told: str, workspace: Path) -> None:
    reference = put_adapter(workspace, "adapter-1", model=model, revision=revision)
    system = System("adapted", chunk=WholeDocument(), dense=Dense(adapter=reference))
    targets = {"adapted": build(system, documents=DOCUMENTS, queries=QUERIES)}
    frames = {DOCUMENTS.key: make_documents({"a": "hub"}), QUERIES.key: make_queries({"q": "hub"})}
    outcome = execute(targets, Execution(frames, make_resources(workspace)))["adapted"]
    assert outcome.run is None
    assert outcome.error == (
        f"The adapter 'trained:adapter-1' was trained on query vectors of {told} and was given those of '{DEFAULT_MODEL}' "
        f"(revision {model_revision(DEFAULT_MODEL)}): each adapter fits one model. Use it with the model it was trained on, or "
        "train another."
    )


@pytest.mark.parametrize("name", ["adapter-1", "trained-nowhere", "../adapter-1/weights", ""])
def test_what_a_trained_model_that_is_not_here_says(name: str, workspace: Path) -> None:
    resources = make_resources(workspace)
    for ask in (resources.adapter, resources.cross_encoder, resources.tokenizer, lambda one: resources.encoder(one, "")):
        with pytest.raises(ModelUnavailable) as error:
            resources.locate(f"trained:{name}")
        assert str(error.value) == (
            f"The trained model {name!r} is not in this workspace: it was removed, its training was not finished, or it was "
            "trained elsewhere. Train it again, or choose another model."
        )
        with pytest.raises(ModelUnavailable, match="Train it again, or choose another model"):
            ask(f"trained:{name}")


def test_models_are_looked_for_in_the_workspace_if_they_were_trained_there(workspace: Path) -> None:
    reference = put_adapter(workspace, "adapter-1")
    resources = make_resources(workspace)
    assert resources.locate(reference) == str(workspace / "models" / "adapter-1" / "weights")
    assert resources.locate("some/hub-name") == "some/hub-name"
    assert resources.adapter(reference) is resources.adapter(reference)  # read once


# Vectors of one model, an index of another


def test_query_vectors_and_index_of_two_models_are_refused_when_the_node_is_built(workspace: Path) -> None:
    # FakeModels give both models equal dimensions, so nothing else would tell.
    asked, index = embed("one/model")[0], embed("other/model", "7")[1]
    with pytest.raises(WiringError) as error:
        Node(RetrieveDense(), (QUERIES, asked, index))
    assert str(error.value) == (
        "The query vectors come from 'one/model' and the index holds vectors of 'other/model' (revision 7): cosines between "
        "two models mean nothing. Embed queries and documents with the same model, each index with its own."
    )


def test_two_revisions_are_two_models() -> None:
    asked, index = embed("m", "1")[0], embed("m", "2")[1]
    with pytest.raises(WiringError, match=r"'m' \(revision 1\) and the index holds vectors of 'm' \(revision 2\)"):
        Node(RetrieveDense(), (QUERIES, asked, index))


def test_an_adapter_does_not_hide_the_model_behind_it() -> None:
    asked, index = embed("one/model")[0], embed("other/model")[1]
    adapted = Node(AdaptQueries(adapter="trained:a", model="one/model"), (asked,))
    with pytest.raises(WiringError, match="'one/model' and the index holds vectors of 'other/model'"):
        Node(RetrieveDense(), (QUERIES, adapted, index))


def test_feedback_keeps_the_model_apart_too() -> None:
    asked, index = embed("one/model")
    other = embed("other/model")[0]
    run = Node(RetrieveDense(), (QUERIES, asked, index))
    moved = Node(Rocchio(), (other, QUERIES, run, index))
    with pytest.raises(WiringError, match="'other/model'"):
        Node(RetrieveDense(), (QUERIES, moved, index))


def test_one_model_on_both_sides_is_taken() -> None:
    asked, index = embed("one/model", "7")
    assert Node(RetrieveDense(), (QUERIES, asked, index)).gives == "run"
