"""Copies of relevant documents: which there are, that they are said, and that they share the label where somebody says so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import core.data.copies
from core.data.copies import describe_copies, find_unjudged_copies, note_copies
from core.data.dataset import Dataset
from core.data.health import summarise_health
from core.data.label_rules import LabelRules
from core.data.load import load_dataset
from core.schema import select_relevant
from core.workspace import Workspace

ANSWER = (
    "Hold the button for ten seconds until the light blinks twice then let it go and wait for the hub to start again. "
    "Close the cover when the light stays on and press any key on the desk to go on with the set up of the probe."
)
NEAR = ANSWER.replace("blinks twice", "flashes twice")  # three of 41 triples differ: 38 / 44 are shared, .86
FAR = NEAR.replace("cover", "lid").replace("any key", "a key")  # three and three more: 32 / 50, .64


def write_folder(
    folder: Path,
    documents: Mapping[str, str],
    judged: Mapping[str, Mapping[str, float]],
    *,
    metadata: Mapping[str, dict[str, Any]] | None = None,
    filters: Mapping[str, dict[str, Any]] | None = None,
    texts: Mapping[str, str] | None = None,
) -> Path:
    folder.mkdir()
    found = [{"_id": name, "text": text, "metadata": (metadata or {}).get(name, {})} for name, text in documents.items()]
    asked = [
        {"_id": query, "text": (texts or {}).get(query, f"which {query}"), "filter": (filters or {}).get(query, {})}
        for query in judged
    ]
    for name, records in (("corpus.jsonl", found), ("queries.jsonl", asked)):
        (folder / name).write_text("\n".join(map(json.dumps, records)))
    rows = [f"{query}\t{doc}\t{grade}" for query, grades in judged.items() for doc, grade in grades.items()]
    (folder / "qrels.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *rows]))
    return folder


def copies(dataset: Dataset) -> list[tuple[str, str, str]]:
    return [(copy.query_id, copy.doc_id, copy.copy_id) for copy in find_unjudged_copies(dataset)]


@pytest.mark.parametrize(
    ("other", "is_copy"),
    [
        (ANSWER, True),
        (ANSWER.upper().replace(" ", "  "), True),
        (NEAR, True),
        (FAR, False),
        (ANSWER.replace("ten", "20"), False),  # texts that differ in a number say different things
        (f"{ANSWER} If it does not start take out the battery wait for a minute and begin again.", False),  # 41 / 57
        ("", False),
    ],
)
def test_what_is_a_copy(tmp_path: Path, other: str, is_copy: bool) -> None:
    documents = {"a": ANSWER, "b": other, "c": "something else entirely that nobody asked for"}
    dataset = load_dataset(write_folder(tmp_path / "in", documents, {"q": {"a": 1}}))
    assert copies(dataset) == ([("q", "a", "b")] if is_copy else [])


def test_short_and_unspaced_texts(tmp_path: Path) -> None:
    documents = {
        "a": "red",
        "b": "Red!",
        "c": "reds",
        "d": "重置集线器的按钮",
        "e": "重置集线器的按钮。",
        "f": "?!",
        "g": "...",
    }
    dataset = load_dataset(write_folder(tmp_path / "in", documents, {"q": {"a": 1, "f": 1}, "p": {"d": 1}}))
    assert copies(dataset) == [("q", "a", "b"), ("p", "d", "e")]


def test_which_copies_count(tmp_path: Path) -> None:
    documents = {"a": ANSWER, "b": ANSWER, "c": NEAR, "own": ANSWER}
    judged: dict[str, dict[str, float]] = {
        "judged": {"a": 1, "b": 0, "c": 1, "own": 0}, "own": {"a": 1}, "filtered": {"a": 1}, "nothing": {"a": 0},
    }  # fmt: skip
    dataset = load_dataset(
        write_folder(
            tmp_path / "in", documents, judged, metadata={"b": {"v": 1}, "a": {"v": 1}, "own": {"v": 1}},
            filters={"filtered": {"v": 1}}, texts={"own": ANSWER},
        )
    )  # fmt: skip
    # "own" is asked with its own document, which is no answer though it says the same; c lacks the field of the filter
    assert dataset.left_out == {"own": ("own",)}
    assert copies(dataset) == [("own", "a", "b"), ("own", "a", "c"), ("filtered", "a", "b"), ("filtered", "a", "own")]


def test_they_are_shown_and_share_the_label_if_somebody_says_so(tmp_path: Path) -> None:
    documents = {"a": ANSWER, "b": NEAR, "c": "else", "d": ANSWER}
    folder = write_folder(tmp_path / "in", documents, {"q": {"a": 2, "c": 0}, "p": {"c": 1}, "r": {"a": 1, "b": 2}})
    dataset = load_dataset(folder)
    told = "For 2 queries, each of 2 documents says the same as a relevant one and is not judged for it: such a hit counts as"
    assert summarise_health(dataset).unjudged_copies.startswith(told)
    assert dataset.warnings == ()
    shared = load_dataset(folder, rules=LabelRules(share_copies=True))
    rows = list(shared.judgments[["query_id", "doc_id", "relevance"]].itertuples(index=False, name=None))
    assert rows == [
        ("q", "a", 2), ("q", "c", 0), ("q", "b", 2), ("q", "d", 2), ("p", "c", 1), ("r", "a", 1), ("r", "b", 2), ("r", "d", 2),
    ]  # fmt: skip
    assert shared.judgments["relevance"].dtype == np.int64
    assert shared.fingerprint != dataset.fingerprint
    assert shared.warnings == (
        "For 2 queries, each of 2 documents says the same as a relevant one and has its label, as was said.",
    )
    assert find_unjudged_copies(shared) == []
    assert summarise_health(shared).unjudged_copies == ""


def test_shared_labels_keep_the_threshold(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "in", {"a": ANSWER, "b": ANSWER, "c": "x"}, {"q": {"a": 0.75, "c": 0.25}})
    shared = load_dataset(folder, rules=LabelRules(relevant_from=0.5, share_copies=True))
    assert select_relevant(shared.judgments)["doc_id"].tolist() == ["a", "b"]
    assert load_dataset(folder, rules=LabelRules(relevant_from=1, share_copies=True)).judgments["doc_id"].tolist() == ["a", "c"]


def test_they_are_looked_for_once_for_the_data_as_they_are(
    tmp_path: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Workspace(workspace)
    documents = {"d1": ANSWER, "d2": NEAR, "d3": FAR}
    one = load_dataset(write_folder(tmp_path / "one", documents, {"q1": {"d1": 1}}))
    judged = load_dataset(write_folder(tmp_path / "judged", documents, {"q1": {"d1": 1, "d2": 1}}))
    told = describe_copies(find_unjudged_copies(one))
    assert told and note_copies(one, store) == told
    assert note_copies(judged, store) == "", "other labels are other data"
    monkeypatch.setattr(core.data.copies, "find_unjudged_copies", lambda dataset: pytest.fail("looked for again"))
    assert note_copies(one, Workspace(workspace)) == told
