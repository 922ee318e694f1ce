"""A corpus that changes, and index versions of it with the model that one can reason about."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from core.data.dataset import Dataset
from core.data.load import load_dataset
from core.graph.resources import Models, Resources
from core.systems.named import make_named_systems
from core.systems.system import System
from core.versions.build import build_version
from core.versions.promote import Bar
from core.versions.version import PROMOTED, Version, make_live, read_live, write_evaluation
from core.workspace import Workspace
from tests.support.assessments import AxisModels, write_labelled_dataset

DATASET = "notes"


def make_corpus(folder: Path) -> Dataset:
    """156 documents and 62 queries, see tests.support.assessments."""
    return load_dataset(write_labelled_dataset(folder / DATASET), name=DATASET)


def resources_of(folder: Path, models: Models | None = None) -> Resources:
    return Resources(Workspace(folder), models=models or AxisModels())


def named(name: str) -> System:
    return make_named_systems()[name]


def put_live(dataset: Dataset, system: System, resources: Resources) -> Version:
    """Builds the version and lets it answer, without an evaluation."""
    version = build_version(dataset, system, resources)
    make_live(version, PROMOTED, resources.workspace)
    return version


def edit(dataset: Dataset, *, change: dict[str, dict[str, Any]] | None = None, delete: tuple[str, ...] = (),
         add: tuple[dict[str, Any], ...] = ()) -> Dataset:  # fmt: skip
    """The dataset with documents changed ({id: {field: value}}), deleted, and added at the end."""
    records = [
        {**record, **(change or {}).get(record["doc_id"], {})}
        for record in dataset.documents.to_dict("records")
        if record["doc_id"] not in delete
    ]
    empty: dict[str, Any] = {"title": "", "text": "", "metadata": {}}
    records += [{**empty, **record} for record in add]
    documents = type(dataset.documents)(records, columns=list(dataset.documents.columns))
    return dataclasses.replace(dataset, documents=documents)


def write_failed_evaluation(version: Version, store: Workspace, **changes: Any) -> dict[str, Any]:
    """An evaluation that the version did not pass, as if it had been asked for."""
    told: dict[str, Any] = {
        "passed": False, "sentence": "Does not pass: it is worse.", "measure": "nDCG@10", "n": 30, "mean": 0.40, "low": 0.35,
        "high": 0.45, "against": read_live(version.dataset, store).version, "query_ids": [],
        "delta": {"delta": -0.10, "low": -0.15, "high": -0.04, "verdict": "worse"}, "bar": dataclasses.asdict(Bar()),
    }  # fmt: skip
    told |= changes
    write_evaluation(version, told, store)
    return told
