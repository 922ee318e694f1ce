"""Live search: the same hits as an experiment, one encoding per model and query, preparation in the background."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.data.load import load_dataset
from core.errors import Cancelled, ModelUnavailable
from core.experiment.compare import compare
from core.graph.resources import Models
from core.live.search import LOADING_MODEL, LiveSearch
from core.live.warm import Background
from core.progress import CancelToken, ProgressEvent
from core.schema import to_document_run
from core.stages.embed import Encoded
from core.stages.fuse import WeightedFusion
from core.systems.named import make_named_systems
from core.systems.system import System
from core.workspace import Workspace
from tests.support.small import write_small_dataset

WORDS = ("reset", "hub", "clock", "mail", "battery", "export")  # one dimension each
SECONDS = 20.0
NAMED = make_named_systems()


class WordEncoder:
    """Counts a few words; remembers what it was asked to encode. Waits for `gate`, and fails once `broken`."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, list[str]]] = []
        self.gate = threading.Event()
        self.gate.set()

    def encode(self, texts: list[str], *, role: str, tokens: bool = False) -> Encoded:
        assert self.gate.wait(SECONDS)
        self.asked.append((role, list(texts)))
        rows = np.array([[text.lower().count(word) for word in WORDS] + [0.1] for text in texts], dtype=np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return Encoded(rows, [row[None].astype(np.float16) for row in rows] if tokens else None)

    def typed(self) -> list[str]:
        return [text for role, texts in self.asked for text in texts if role == "query"]


@pytest.fixture
def encoder() -> WordEncoder:
    return WordEncoder()


@pytest.fixture
def live(tmp_path: Path, workspace: Path, encoder: WordEncoder) -> LiveSearch:
    dataset = load_dataset(write_small_dataset(tmp_path / "small"), name="small")
    return LiveSearch(dataset, Workspace(workspace), Models(load=lambda *_, **__: encoder))


def pick(*names: str) -> dict[str, System]:
    return {name: NAMED[name] for name in names}


def wait_for(background: Background, done: Callable[[], bool]) -> None:
    for thread in list(background._threads.values()):
        thread.join(SECONDS)
    assert done()


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


def test_words_are_ready_while_the_model_still_works(live: LiveSearch, encoder: WordEncoder) -> None:
    encoder.gate.clear()
    background, systems = Background(live), pick("dense", "bm25", "hybrid-rrf")
    background.start(systems)
    background.wait_for_words(SECONDS)
    assert list(live.find_ready(systems)) == ["bm25"]
    assert len(live.search(["KH-4012"], pick("bm25"))["bm25"].documents)
    encoder.gate.set()
    wait_for(background, lambda: live.is_ready(systems))


def test_progress_says_what_is_done_and_how_long_it_takes(live: LiveSearch, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[ProgressEvent] = []
    background = Background(live)
    monkeypatch.setattr(background, "_events", _Recorder(events))
    background.start(pick("dense"))
    wait_for(background, lambda: live.is_ready(pick("dense")))
    passages = len(live._memory[live._take_apart(NAMED["dense"]).chunkers[0].key])
    labels = [event.label for event in events]
    assert LOADING_MODEL in labels and f"embedding {passages} of {passages} passages" in labels
    last = events[labels.index(f"embedding {passages} of {passages} passages")]
    assert last.share == 1.0 and last.seconds_left == 0.0


class _Recorder(dict[bool, ProgressEvent]):
    def __init__(self, events: list[ProgressEvent]) -> None:
        super().__init__()
        self._seen = events

    def __setitem__(self, key: bool, event: ProgressEvent) -> None:
        self._seen.append(event)
        super().__setitem__(key, event)


def test_other_work_on_this_machine_goes_first(live: LiveSearch, encoder: WordEncoder) -> None:
    at_work = threading.Event()
    asked = threading.Event()
    at_work.set()

    def busy() -> str | None:
        asked.set()
        return "First look: embedding 5 of 12 passages" if at_work.is_set() else None

    background = Background(live)
    background.start(pick("dense"), busy=busy)
    assert asked.wait(SECONDS) and encoder.asked == []
    at_work.clear()
    wait_for(background, lambda: live.is_ready(pick("dense")))


def test_cancel_stops_and_a_new_start_goes_on(live: LiveSearch) -> None:
    background = Background(live)
    asked = threading.Event()

    def busy() -> str:
        asked.set()
        return "other work"

    background.start(pick("dense"), busy=busy)
    assert asked.wait(SECONDS)
    background.cancel()
    wait_for(background, lambda: not live.find_ready(pick("dense")))
    assert background.find_errors(pick("dense")) == {}
    background.start(pick("dense"))
    wait_for(background, lambda: live.is_ready(pick("dense")))


def test_an_error_is_kept_until_it_is_forgotten(live: LiveSearch, encoder: WordEncoder) -> None:
    tries: list[int] = []

    def load(*_: Any, **__: Any) -> WordEncoder:
        tries.append(1)
        if len(tries) == 1:
            raise ModelUnavailable("The model cannot be had.")
        return encoder

    live.models.load = load
    background = Background(live)
    background.start(pick("dense"))
    wait_for(background, lambda: background.find_errors(pick("dense")) == {"dense": "The model cannot be had."})
    background.start(pick("dense"))
    assert len(tries) == 1
    background.forget_errors()
    background.start(pick("dense"))
    wait_for(background, lambda: live.is_ready(pick("dense")))


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
