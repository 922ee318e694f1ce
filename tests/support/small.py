"""A tiny dataset, written by hand, whose results can be worked out in the head; for tests of pages and core.

Twelve documents on two products in two versions, eight queries. No model is needed: bm25 alone tells them apart.
`q-hostile` and `d-hostile` hold text that a browser must never execute or fetch.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from core.data.load import load_dataset
from core.evaluation.measures import list_measures
from core.experiment.compare import compare
from core.experiment.history import save_experiment
from core.experiment.result import Experiment
from core.systems.available import list_systems
from core.workspace import Workspace
from tests.support.once import make_once

HOSTILE = "<img src=http://example.com/x.png> ![x](http://example.com/y.png) $a$ :red[b]"
HOSTILE_QUERY = "q-hostile"
HOSTILE_DOCUMENT = "d-hostile"
UNLABELLED_QUERY = "q-unlabelled"
FILTER_HELPS_QUERY = "q-reset"  # its filter leaves out the older version, which words alone would rank first
FILTERED_AWAY_QUERY = "q-mail"  # its filter leaves out the answers
MISSED_QUERY = "q-missed"  # no word of it stands in its answer, so that word matching finds nothing

_DOCUMENTS = [
    ("hub-reset-2", "Reset the hub", "Hub", "2.0", "Hold the button to reset the hub."),
    ("hub-reset-3", "Reset the hub", "Hub", "3.0", "Hold the button for twenty seconds to reset the hub. The light blinks."),
    ("hub-battery", "Battery of the hub", "Hub", "3.0", "The battery lasts five years. Replace it when the light is amber."),
    ("hub-4012", "Error KH-4012", "Hub", "3.0", "KH-4012 means that the gateway refused the certificate of the hub."),
    ("hub-4013", "Error KH-4013", "Hub", "3.0", "KH-4013 means that the clock of the hub is wrong."),
    ("hub-network", "Join a network", "Hub", "2.0", "Choose a wireless network and type its password on the hub."),
    ("desk-alerts", "Alerts by mail", "Desk", "1.0", "Desk sends alerts by mail when a reading leaves its range."),
    ("desk-export", "Export readings", "Desk", "1.0", "Export readings as CSV from the menu Reports in Desk."),
    ("desk-users", "Invite colleagues", "Desk", "1.0", "An administrator invites colleagues by mail and gives them a role."),
    ("desk-price", "Plans and prices", "Desk", "1.0", "The plan is billed monthly. Sensors beyond fifty cost extra."),
    ("desk-clock", "Time zones in Desk", "Desk", "1.0", "Every chart uses the time zone of the site, not of the reader."),
    (HOSTILE_DOCUMENT, f"Markup {HOSTILE}", "Desk", "1.0", f"Paste markup such as {HOSTILE} into a note & see <b>it</b>."),
]  # fmt: skip

# id, text, filter, tags, {document: relevance}
_QUERIES: list[tuple[str, str, dict[str, Any], list[str], dict[str, int]]] = [
    (FILTER_HELPS_QUERY, "reset the hub", {"version": ["3.0", "3.1"]}, ["how_to"], {"hub-reset-3": 2, "hub-reset-2": 0}),
    ("q-code", "KH-4012", {}, ["exact_code"], {"hub-4012": 1}),
    ("q-clock", "clock wrong", {"product": "Hub"}, ["exact_code"], {"hub-4013": 1, "desk-clock": 0}),
    (FILTERED_AWAY_QUERY, "alerts by mail", {"product": "Hub"}, ["how_to"], {"desk-alerts": 2, "desk-users": 1}),
    ("q-csv", "export csv", {}, ["how_to"], {"desk-export": 1, "desk-price": 0}),
    (MISSED_QUERY, "how long until it runs empty", {}, ["paraphrase"], {"hub-battery": 1}),
    (HOSTILE_QUERY, f"markup {HOSTILE}", {}, ["how_to"], {HOSTILE_DOCUMENT: 1}),
    (UNLABELLED_QUERY, "wireless password", {}, [], {}),
]


def write_small_dataset(folder: Path, *, labels: bool = True, queries: bool = True) -> Path:
    """Writes corpus.jsonl, queries.jsonl and qrels.tsv into the folder and returns it.

    Of the 8 queries 7 have a relevant label and 1 (UNLABELLED_QUERY) none. labels=False leaves out qrels and evidence.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _write_lines(folder / "corpus.jsonl", map(_to_document, _DOCUMENTS))
    if not queries:
        return folder
    records = [
        {"_id": query_id, "text": text, **({"filter": conditions} if conditions else {}), "tags": tags}
        for query_id, text, conditions, tags, _ in _QUERIES
    ]
    if labels:
        by_id: dict[str, dict[str, Any]] = {str(record["_id"]): record for record in records}
        by_id[FILTER_HELPS_QUERY]["evidence"] = [{"doc_id": "hub-reset-3", "quote": "Hold the button for twenty seconds"}]
        by_id["q-code"]["evidence"] = [{"doc_id": "hub-4012", "quote": "the gateway refused the certificate"}]
        rows = [f"{query_id}\t{doc_id}\t{grade}" for query_id, *_, grades in _QUERIES for doc_id, grade in grades.items()]
        (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n" + "\n".join(rows) + "\n", encoding="utf-8")
    _write_lines(folder / "queries.jsonl", records)
    return folder


def _to_document(row: tuple[str, str, str, str, str]) -> dict[str, Any]:
    doc_id, title, product, version, text = row
    return {"_id": doc_id, "title": title, "text": text, "metadata": {"product": product, "version": version}}


def _write_lines(path: Path, records: Iterable[Mapping[str, Any]]) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def compare_small(
    workspace: Path, systems: Sequence[str] = ("bm25", "bm25-filtered"), labels: bool = True, dataset: str = "small"
) -> Experiment:
    """Writes the dataset into the workspace (as if uploaded, unless it is there), compares the systems on it and saves
    the experiment. Only systems without a model keep a test light."""
    store = Workspace(workspace)
    folder = store.datasets / dataset
    if not folder.exists():
        write_small_dataset(folder, labels=labels)
    known = list_systems(store)
    experiment = compare(
        load_dataset(folder, name=dataset), {name: known[name] for name in systems}, workspace=store, name="Small test"
    )
    save_experiment(experiment, store)
    return experiment


def run_small_experiment(
    workspace: Path, *, systems: Sequence[str] = ("bm25", "bm25-filtered"), labels: bool = True, dataset: str = "small"
) -> Experiment:
    """compare_small(); in an empty workspace it is a copy of what was computed once a run of the tests for equal arguments."""
    if any(workspace.iterdir()):
        return compare_small(workspace, systems, labels, dataset)
    made, experiment = make_once(compare_small, tuple(systems), labels, dataset, apart=list_measures())
    shutil.copytree(made, workspace, dirs_exist_ok=True)
    return experiment


def make_experiment(
    workspace: Path, *, systems: Sequence[str] = ("bm25", "bm25-filtered"), labels: bool = True, dataset: str = "small"
) -> str:
    """run_small_experiment(), and the id under which the workspace has it."""
    return run_small_experiment(workspace, systems=systems, labels=labels, dataset=dataset).id


def assert_equal(first: Experiment, second: Experiment) -> None:
    """The two are the same to whoever reads them, from memory or from disk."""
    assert first.to_json() == second.to_json()
    # Text columns come back as object, as schema.py wants them, whatever pandas made of them before.
    pd.testing.assert_frame_equal(first.per_query, second.per_query, check_dtype=False)
    assert list(first.runs) == list(second.runs)
    for name, run in first.runs.items():
        pd.testing.assert_frame_equal(run, second.runs[name], check_dtype=False)
