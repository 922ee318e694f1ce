"""Cross-fitting: no query is judged by a model that has seen it, and no group of queries is torn apart."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from core.errors import Cancelled, InputError
from core.systems.trained import model_folder
from core.trained_model.cross_fit import cross_fit, deal_folds
from tests.core.trained_model.conftest import Desk


def test_cross_fitting_measures_every_judged_query_by_a_model_that_has_not_seen_it(desk: Desk) -> None:
    result = cross_fit(desk.subject, desk.prepared, 3)
    folder = model_folder(desk.model.id, desk.store)
    measured = [set(pd.read_parquet(folder / f"fold-3-{number}.parquet").index) for number in (1, 2, 3)]
    assert sum(map(len, measured)) == len(set().union(*measured)) == 64, "every query once"
    for part, learned in zip(measured, desk.fitted, strict=True):
        assert not part & learned and learned
    assert (result["k"], result["n"]) == (3, 64)
    assert sorted(part["n"] for part in result["parts"]) == [21, 21, 22]
    weighted = sum(part["n"] * part["delta"] for part in result["parts"]) / 64
    assert result["delta"] == pytest.approx(weighted)
    assert result["baseline_mean"] + result["delta"] == pytest.approx(result["mean"])
    assert desk.told["folds"] == result


def test_folds_that_were_measured_are_not_trained_again(desk: Desk) -> None:
    desk.stop_after = 1
    with pytest.raises(Cancelled):
        cross_fit(desk.subject, desk.prepared, 2)
    assert "folds" not in desk.told
    desk.stop_after = 99
    cross_fit(desk.subject, desk.prepared, 2)
    assert len(desk.fitted) == 2


def test_more_folds_than_groups_are_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = desk.subject
    subject.ladder.__dict__["groups"] = dict.fromkeys(subject.ladder.groups, 0)
    with pytest.raises(InputError, match="do not make 2 folds; ask for fewer"):
        cross_fit(subject, desk.prepared, 2)


# The folds


def number_alone(query_id: str) -> int:
    return int(query_id[1:])


@pytest.mark.parametrize("group_of", [number_alone, lambda q: int(q[1:]) // 3], ids=["alone", "threes"])
@pytest.mark.parametrize("folds", [2, 3, 5])
def test_folds_hold_every_query_once_and_groups_whole(group_of: Callable[[str], int], folds: int) -> None:
    queries = [f"q{n}" for n in range(31)]
    groups = {query_id: group_of(query_id) for query_id in queries}
    parts = deal_folds(queries, groups, folds, seed=0)
    assert len(parts) == folds
    assert sorted(query_id for part in parts for query_id in part) == sorted(queries)
    where = {query_id: number for number, part in enumerate(parts) for query_id in part}
    for one in queries:
        assert all(where[one] == where[other] for other in queries if groups[one] == groups[other])
    largest = max(list(groups.values()).count(group) for group in groups.values())
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= largest


def test_folds_are_the_same_for_a_seed_and_keep_the_order_of_the_data() -> None:
    queries = [f"q{n}" for n in range(20)]
    groups = {query_id: n for n, query_id in enumerate(queries)}
    parts = deal_folds(queries, groups, 4, seed=0)
    assert parts == deal_folds(queries, groups, 4, seed=0) != deal_folds(queries, groups, 4, seed=1)
    assert all(part == sorted(part, key=queries.index) for part in parts)
    assert [len(part) for part in parts] == [5] * 4
