"""Live search: the same hits as an experiment, one encoding per model and query."""

from __future__ import annotations

import dataclasses
import threading
from typing import Any

import numpy as np
import pytest

from core.errors import Cancelled, ModelUnavailable
from core.experiment.compare import compare
from core.live.search import LiveSearch
from core.progress import CancelToken
from core.schema import to_document_run
from core.stages.fuse import WeightedFusion
from tests.support.live import NAMED, SECONDS, WordEncoder, pick


def test_typed_query_gives_what_an_experiment_gives(live: LiveSearch) -> None:
    systems = pick("dense", "dense-filtered", "bm25", "hybrid-rrf", "hybrid-weighted", "hybrid-prf", "hybrid-rerank")
    queries = live.dataset.queries
    experiment = compare(live.dataset, systems, workspace=live.workspace, models=live.models)
    assert not [system.error for system in experiment.systems if system.error]
    for query_id, text, conditions in zip(queries["query_id"], queries["text"], queries["filter"], strict=True):
        answers = live.search([text], systems, filter=conditions)
        for name, answer in answers.items():
            run = experiment.runs[name]
            expected = to_document_run(run[run["query_id"] == query_id])
            assert answer.error is None
            assert answer.documents["doc_id"].tolist() == expected["doc_id"].tolist(), (name, text)
            assert np.allclose(answer.documents["score"].astype(float), expected["score"].astype(float), atol=1e-6)


def test_hits_carry_the_span_of_their_chunk(live: LiveSearch) -> None:
    answer = live.search(["KH-4012"], pick("bm25"))["bm25"]
    first = answer.documents.iloc[0]
    texts = dict(zip(live.dataset.documents["doc_id"], live.dataset.documents["text"], strict=True))
    # bm25 searches whole documents, so the span is the whole text
    assert (first["doc_id"], first["start"], first["end"]) == ("hub-4012", 0, len(texts["hub-4012"]))


def test_query_is_encoded_once_for_all_systems_and_not_kept_on_disk(live: LiveSearch, encoder: WordEncoder) -> None:
    systems = pick("dense", "dense-chunk128", "bm25", "hybrid-rrf", "hybrid-weighted", "dense-filtered", "hybrid-rerank")
    live.prepare(systems)
    assert live.is_ready(systems)
    before = len(encoder.asked)
    live.search(["clock trouble"], systems)
    assert encoder.asked[before:] == [("query", ["clock trouble"])]
    live.search(["clock trouble"], systems)
    assert encoder.typed() == ["clock trouble"] * 2  # a second search asks again: nothing was written
    assert not (live.workspace.folder / "cache" / "pairs").exists()


def test_several_lines_keep_their_order(live: LiveSearch) -> None:
    documents = live.search(["KH-4013", "KH-4012"], pick("bm25"))["bm25"].documents
    first = documents[documents["rank"] == 1]
    assert list(zip(first["query_id"], first["doc_id"], strict=True)) == [("1", "hub-4013"), ("2", "hub-4012")]


def test_no_hits_is_an_empty_answer(live: LiveSearch) -> None:
    answer = live.search(["zzz"], pick("bm25"))["bm25"]
    assert answer.error is None and answer.documents.empty
    assert {"doc_id", "start", "end"} <= set(answer.documents.columns)


def test_filter_holds_for_systems_that_filter(live: LiveSearch) -> None:
    plain = NAMED["bm25"]
    systems = {"plain": plain, "filtered": dataclasses.replace(plain, filter=True)}
    answers = live.search(["hub"], systems, filter={"version": ["3.0"]})
    versions = dict(zip(live.dataset.documents["doc_id"], live.dataset.documents["metadata"], strict=True))
    found = {name: {versions[doc]["version"] for doc in answer.documents["doc_id"]} for name, answer in answers.items()}
    assert found == {"plain": {"2.0", "3.0"}, "filtered": {"3.0"}}


def test_a_filter_is_read_off_a_typed_query_unless_one_is_given(live: LiveSearch) -> None:
    """As in an experiment, though there many queries are asked at once."""
    systems = {"reads": dataclasses.replace(NAMED["bm25"], name="reads", filter=True, infer_filters=("product", "version"))}
    documents = dict(zip(live.dataset.documents["doc_id"], live.dataset.documents["metadata"], strict=True))

    def versions(text: str, chosen: dict[str, Any] | None = None) -> set[str]:
        answer = live.search([text], systems, filter=chosen)["reads"]
        assert answer.error is None
        return {documents[doc]["version"] for doc in answer.documents["doc_id"]}

    assert versions("the reset") == versions("reset the button") == {"2.0", "3.0"}
    assert versions("reset 3.0 button") == {"3.0"}
    assert versions("reset 3.0 button", {"version": "2.0"}) == {"2.0"}
    experiment = compare(live.dataset, systems, workspace=live.workspace, models=live.models)
    for query_id, text, own in zip(*(live.dataset.queries[name] for name in ("query_id", "text", "filter")), strict=True):
        run = experiment.runs["reads"]
        expected = to_document_run(run[run["query_id"] == query_id])["doc_id"].tolist()
        assert live.search([text], systems, filter=own)["reads"].documents["doc_id"].tolist() == expected


def test_a_slider_does_not_prepare_anything_anew(live: LiveSearch, encoder: WordEncoder) -> None:
    live.prepare(pick("hybrid-weighted"))
    moved = dataclasses.replace(NAMED["hybrid-weighted"], fuse=WeightedFusion(dense_share=0.0))
    assert live.is_ready({"moved": moved})
    before = len(encoder.asked)
    answers = live.search(["reset the hub"], {"moved": moved, **pick("bm25")})
    assert [role for role, _ in encoder.asked[before:]] == ["query"]
    # dense share 0 leaves the words alone in charge of the first place
    assert answers["moved"].documents["doc_id"].iloc[0] == answers["bm25"].documents["doc_id"].iloc[0]


def test_a_model_that_cannot_be_had_is_an_error_of_its_system_alone(live: LiveSearch) -> None:
    def refuse(*_: Any, **__: Any) -> WordEncoder:
        raise ModelUnavailable("The model cannot be had. Give its folder.")

    live.models.load = refuse
    answers = live.search(["KH-4012"], pick("dense", "bm25"))
    assert answers["dense"].error == "The model cannot be had. Give its folder."
    assert answers["dense"].documents.empty and answers["bm25"].error is None and len(answers["bm25"].documents)


def test_prepare_can_be_cancelled(live: LiveSearch) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        live.prepare(pick("dense"), cancel=token)
    assert not live.is_ready(pick("dense"))


def test_many_threads_get_the_same_answers(live: LiveSearch) -> None:
    systems = pick("dense", "bm25", "hybrid-rerank")
    found: list[list[str]] = []

    def ask() -> None:
        answers = live.search(["reset the hub"], systems)
        found.append([doc for name in systems for doc in answers[name].documents["doc_id"]])

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert len(found) == 6 and all(one == found[0] and one for one in found)
