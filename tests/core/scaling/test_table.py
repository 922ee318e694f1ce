"""Which systems were measured together, and the table of estimates."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.data.catalog import open_dataset
from core.scaling.curves import Point
from core.scaling.measure import save_scaling
from core.scaling.scaling import Scaling, SystemScaling
from core.scaling.table import ESTIMATES, find_scaling, list_ready_systems, list_sizes, tabulate_estimates
from core.systems.named import make_named_systems
from core.workspace import Workspace
from tests.support.small import run_small_experiment

NAMED = make_named_systems()


def make_scaling(fingerprint: str, *names: str) -> Scaling:
    """Words take 1 ms a document, everything else nothing."""
    points = tuple(Point(size, 0, float(size), 2.0 * size, 10, {"RetrieveLexical": float(size)}) for size in (10, 20, 40))
    systems = {}
    for name in names:
        spec = {key: value for key, value in NAMED[name].to_spec().items() if key not in ("name", "description")}
        systems[name] = SystemScaling(spec=spec, reranker=None, sizes=points)
    return Scaling(fingerprint, {"cores": 2}, systems)


def test_what_was_measured_together_is_found_without_the_rest(workspace: Path) -> None:
    store = Workspace(workspace)
    experiment = run_small_experiment(workspace)
    dataset = open_dataset("small", store)
    systems = list_ready_systems(experiment)
    assert list(systems) == ["bm25", "bm25-filtered"]
    assert find_scaling(dataset, systems, store) is None
    save_scaling(make_scaling(dataset.corpus_fingerprint, "bm25"), store)
    found = find_scaling(dataset, systems, store)
    assert found is not None and list(found.systems) == ["bm25"]
    other = make_scaling(dataset.corpus_fingerprint, "bm25-filtered")
    save_scaling(other, store)  # of another session: not to be compared with the first
    assert find_scaling(dataset, systems, store) is None
    save_scaling(make_scaling(dataset.corpus_fingerprint, "bm25", "bm25-filtered"), store)
    both = find_scaling(dataset, systems, store)
    assert both is not None and list(both.systems) == ["bm25", "bm25-filtered"]


def test_the_table_says_how_far_it_reaches() -> None:
    scaling = make_scaling("x", "bm25", "bm25-filtered")
    assert list_sizes(scaling) == [10, 20, 40]
    table = tabulate_estimates(scaling, [80, 4000])
    assert list(table.columns) == ESTIMATES
    assert table["system"].tolist() == ["bm25", "bm25", "bm25-filtered", "bm25-filtered"]
    assert table["p50"].tolist() == pytest.approx([80, 4000, 80, 4000])
    assert table["p95"].tolist() == pytest.approx([160, 8000, 160, 8000])
    assert table["far"].tolist() == [False, True, False, True]
    assert list(tabulate_estimates(scaling, []).columns) == ESTIMATES
