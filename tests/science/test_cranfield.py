"""BM25 on Cranfield, if it lies beside the repository: its figures are known from the literature."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.data.load import load_dataset
from core.experiment.compare import compare
from core.settings import REPOSITORY
from core.systems.named import make_named_systems
from core.workspace import Workspace

CRANFIELD = REPOSITORY.parent / "shared" / "data" / "cranfield"


@pytest.mark.skipif(not CRANFIELD.is_dir(), reason="../shared/data/cranfield is not there")
def test_bm25_on_cranfield(workspace: Path) -> None:
    dataset = load_dataset(CRANFIELD)
    # 1,400 documents of which two are empty; 225 queries
    assert (len(dataset.documents), len(dataset.indexed_documents), len(dataset.queries)) == (1400, 1398, 225)
    experiment = compare(dataset, {"bm25": make_named_systems()["bm25"]}, workspace=Workspace(workspace))
    measures = experiment.systems[0].measures
    assert experiment.systems[0].error is None
    assert 0.29 <= measures["AP"]["mean"] <= 0.33
    assert 0.36 <= measures["nDCG@10"]["mean"] <= 0.41
    assert measures["AP"]["n"] > 180
    assert experiment.timings["encoded_texts"] == 0
