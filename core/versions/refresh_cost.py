"""What keeping up costs: a refresh for each percent of the documents that changed, next to training a model anew as often."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.data.dataset import Dataset
from core.graph.estimate import read_speed
from core.graph.resources import Resources
from core.schema import list_passages
from core.systems.trained import EMBEDDING, list_models
from core.training.estimate import estimate_training
from core.training.request import make_plan
from core.versions.build import machine_rate
from core.versions.contents import read_contents
from core.versions.refresh import Refreshed
from core.versions.version import Version


def compare_refresh_cost(refreshed: Refreshed, dataset: Dataset, resources: Resources) -> dict[str, Any]:
    """{refresh: {seconds, usd, share, seconds_per_percent, usd_per_percent} (the last two None where nothing changed),
    retraining: {training_seconds, embed_seconds, seconds, usd, measured, model}}.

    share: of the documents that changed. seconds_per_percent is without loading the model. usd: this machine's cores at the
    table's price of a CPU hour. retraining: of an embedding model, and embedding the whole corpus with it, each time; measured
    says whether such a model was trained here, else its time is estimated.
    """
    work = {"seconds": refreshed.seconds, "load_seconds": refreshed.load_seconds}
    return _compare(refreshed.version, refreshed.changes.share, work, dataset, resources)


def read_refresh_cost(version: Version, dataset: Dataset, resources: Resources) -> dict[str, Any] | None:
    """compare_refresh_cost() of the refresh that a version was made by, as it was written down; None if it was built whole."""
    work = version.work
    if not version.parent or "documents_before" not in work:
        return None
    count = work["added"] + work["changed"] + work["deleted"]
    share = count / work["documents_before"] if work["documents_before"] else float(count > 0)
    return _compare(version, share, work, dataset, resources)


def _compare(version: Version, share: float, work: Mapping[str, Any], dataset: Dataset, resources: Resources) -> dict[str, Any]:
    rate = machine_rate(resources)
    percent = 100 * share
    without_loading = work["seconds"] - work.get("load_seconds", 0.0)  # loading takes the same for any share
    per_percent = without_loading / percent if percent else None
    return {
        "refresh": {
            "seconds": work["seconds"],
            "usd": work["seconds"] * rate,
            "share": share,
            "seconds_per_percent": per_percent,
            "usd_per_percent": per_percent * rate if per_percent is not None else None,
        },
        "retraining": estimate_retraining(version, dataset, resources, rate=rate),
    }


def estimate_retraining(version: Version, dataset: Dataset, resources: Resources, *, rate: float) -> dict[str, Any]:
    """See compare_refresh_cost(). rate: USD a second."""
    known = (model for model in list_models(resources.workspace, dataset=dataset.name) if model.kind == EMBEDDING)
    model = next(known, None)
    training = model.seconds if model is not None else estimate_training(dataset, make_plan(EMBEDDING), resources)
    chunks = read_contents(version, resources.workspace).chunks
    texts = list_passages(chunks) if chunks is not None else dataset.documents["text"].tolist()
    embedding = sum(map(len, texts)) / read_speed(resources)
    return {
        "training_seconds": training,
        "embed_seconds": embedding,
        "seconds": training + embedding,
        "usd": (training + embedding) * rate,
        "measured": model is not None,
        "model": model.id if model is not None else None,
    }
