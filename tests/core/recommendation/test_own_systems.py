"""Systems beside the ladder: tuning scores never read test queries; checks on test are one growing family, kept for good."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.data.dataset import Dataset
from core.errors import Cancelled, InputError, LadderError, NotInWorkspace
from core.evaluation.comparisons import compare_table, compare_with
from core.evaluation.per_query import average, pivot
from core.experiment.compare import compare
from core.experiment.measurer import Measurer
from core.progress import CancelToken
from core.recommendation.assess import Assessment
from core.recommendation.own_systems import (
    CHECKS_FILE,
    SCORES_FILE,
    check_on_test,
    get_recommended,
    identify,
    list_checks,
    read_scores,
    score_on_tuning,
)
from core.stages.rerank import CrossEncoderRerank
from core.systems.named import make_named_systems
from core.systems.system import Lexical, System
from core.workspace import Workspace
from tests.support.assessments import AxisModels, make_assessment
from tests.support.models import MISSING

NAMED = make_named_systems()
WORDS = NAMED["bm25"]
PLAIN = System("plain-words", "Counts every shared word once.", lexical=Lexical(k1=0.0, b=0.0))
FILTERED = NAMED["bm25-filtered"]
BROKEN = dataclasses.replace(NAMED["dense"], name="broken", rerank=CrossEncoderRerank(model=MISSING, depth=5))


class Assessed:
    """A workspace with an assessed dataset."""

    def __init__(self, folder: Path) -> None:
        self.dataset, self.assessment = make_assessment(folder)
        self.store = Workspace(folder)
        self.folder = self.store.experiments / self.assessment.id

    def score(self, *systems: System) -> pd.DataFrame:
        return score_on_tuning(self.assessment, self.dataset, systems, workspace=self.store, models=AxisModels())

    def check(self, system: System, *, dataset: Dataset | None = None, cancel: CancelToken | None = None) -> object:
        return check_on_test(
            self.assessment, dataset or self.dataset, system, workspace=self.store, models=AxisModels(), cancel=cancel
        )


@pytest.fixture
def assessed(workspace: Path) -> Assessed:
    return Assessed(workspace)


def measure(assessed: Assessed, *systems: System) -> pd.DataFrame:
    """Per-query values of the primary measure, by an ordinary comparison over all queries."""
    named = {system.name: system for system in (get_recommended(assessed.assessment), *systems)}
    per_query = compare(assessed.dataset, named, workspace=assessed.store, split="all", models=AxisModels()).per_query
    return per_query[per_query["measure"] == assessed.assessment.primary]


def only(per_query: pd.DataFrame, ids: list[str]) -> pd.DataFrame:
    return per_query[per_query["query_id"].isin(ids)]


def poison(monkeypatch: pytest.MonkeyPatch, ids: list[str]) -> None:
    """Whoever looks at the values of these queries gets 1000 for each."""
    plain = Measurer.values

    def values(self: Measurer, system: System) -> pd.Series | None:
        known = plain(self, system)
        return None if known is None else known.mask(known.index.isin(ids), 1000.0)

    monkeypatch.setattr(Measurer, "values", values)


def test_tuning_scores_are_the_means_over_the_tuning_queries(assessed: Assessed) -> None:
    recommended = assessed.assessment.recommendation.system
    scores = assessed.score(WORDS, PLAIN)
    assert scores["system"].tolist() == [recommended, "bm25", "plain-words"]
    expected = only(measure(assessed, WORDS, PLAIN), assessed.assessment.split["tuning_ids"])
    means = {name: values[assessed.assessment.primary] for name, values in average(expected, seed=0).items()}
    for row in scores.to_dict("records"):
        own = means[row["system"]]
        assert (row["mean"], row["low"], row["high"], row["n"]) == pytest.approx((own.mean, own.low, own.high, own.n))
        assert row["delta"] == pytest.approx(own.mean - means[recommended].mean)
        assert row["delta_low"] <= row["delta"] <= row["delta_high"] and row["error"] == ""
    together = compare_with(pivot(expected), recommended, measure=assessed.assessment.primary)
    for name, one in together.items():
        row = scores.set_index("system").loc[name]
        assert (row["delta_low"], row["delta_high"]) == pytest.approx((one.low, one.high)) and one.family == 2
    assert scores["mean"].nunique() == 3, "the three differ, so that none can be taken for another"
    pd.testing.assert_frame_equal(read_scores(assessed.assessment, [WORDS, PLAIN], workspace=assessed.store), scores)


def test_scoring_on_tuning_never_reads_test_values(assessed: Assessed, monkeypatch: pytest.MonkeyPatch) -> None:
    split = assessed.assessment.split
    clean = assessed.score(WORDS, PLAIN)
    kept = (assessed.folder / SCORES_FILE).read_bytes()
    (assessed.folder / SCORES_FILE).unlink()
    poison(monkeypatch, split["test_ids"])
    pd.testing.assert_frame_equal(assessed.score(WORDS, PLAIN), clean)
    assert (assessed.folder / SCORES_FILE).read_bytes() == kept
    assert not (assessed.folder / CHECKS_FILE).exists()
    for entry in json.loads(kept)["systems"].values():
        assert set(entry["values"]) <= set(split["tuning_ids"]), "nothing of the test queries is put down"
    # The same poison in one tuning query is seen at once: this test can fail.
    poison(monkeypatch, split["tuning_ids"][:1])
    assert assessed.score(WORDS, PLAIN)["mean"].min() > 10


def test_scores_that_are_not_there_yet_are_empty(assessed: Assessed) -> None:
    scores = read_scores(assessed.assessment, [WORDS], workspace=assessed.store)
    assert scores["system"].tolist() == [assessed.assessment.recommendation.system, "bm25"]
    assert scores[["mean", "low", "high", "n", "delta", "delta_low", "delta_high"]].isna().all(axis=None)
    assessed.score(WORDS)
    again = read_scores(assessed.assessment, [WORDS, PLAIN], workspace=assessed.store)
    assert again["mean"].isna().tolist() == [False, False, True]


def test_a_system_that_cannot_run_says_why_and_the_others_go_on(assessed: Assessed) -> None:
    scores = assessed.score(BROKEN, WORDS).set_index("system")
    assert f"The reranker {MISSING!r} cannot be loaded" in scores.loc["broken", "error"]
    assert np.isnan(scores.loc["broken", "mean"]) and scores.loc["bm25", "mean"] > 0


def test_a_system_with_the_name_of_the_recommended_one_is_not_taken_for_it(assessed: Assessed) -> None:
    namesake = dataclasses.replace(PLAIN, name=assessed.assessment.recommendation.system)
    first, second = assessed.score(namesake).to_dict("records")
    assert first["system"] == second["system"] and first["mean"] != second["mean"]
    assert second["mean"] == pytest.approx(assessed.score(PLAIN)["mean"][1])


def test_a_check_is_the_comparison_with_the_recommended_system_on_the_test_queries(assessed: Assessed) -> None:
    check = assessed.check(PLAIN)
    recommended = assessed.assessment.recommendation.system
    values = only(measure(assessed, PLAIN), assessed.assessment.split["test_ids"])
    goals = assessed.assessment.goals
    expected = compare_table(
        pivot(values),
        [(recommended, "plain-words")],
        measure=assessed.assessment.primary,
        min_gain=goals.min_gain,
        seed=goals.seed,
    )
    assert check.comparison == pytest.approx(expected.to_dict("records")[0])
    assert check.comparison["n"] == len(values) / 2 and check.comparison["losses"] > 0
    means = values.groupby("system")["value"].mean()
    assert (check.mean, check.recommended_mean) == pytest.approx((means["plain-words"], means[recommended]))
    assert (check.system, check.recommended, check.spec) == ("plain-words", recommended, PLAIN.to_spec())


def test_every_check_joins_one_family_and_the_earlier_ones_are_corrected_anew(assessed: Assessed) -> None:
    first = assessed.check(PLAIN)
    alone = max(first.comparison["p_t"], first.comparison["p_randomization"])
    assert first.comparison["p_adjusted"] == pytest.approx(alone), "one check needs no correction"
    assessed.check(WORDS)
    assessed.check(FILTERED)
    checks = list_checks(assessed.assessment.id, assessed.store)
    assert [check.system for check in checks] == ["plain-words", "bm25", "bm25-filtered"]
    raw = np.array([max(check.comparison["p_t"], check.comparison["p_randomization"]) for check in checks])
    assert raw[0] == pytest.approx(alone), "its own p stays"
    adjusted = np.array([check.comparison["p_adjusted"] for check in checks])
    assert (raw <= adjusted).all() and (adjusted <= np.minimum(3 * raw + 0.01, 1)).all(), (
        "no more than Bonferroni, but for luck"
    )
    assert adjusted[0] >= alone
    assert checks[0].comparison["mde"] > first.comparison["mde"], "with more checks the queries can show less"
    assert checks[0].comparison["low"] < first.comparison["low"], "and the interval is wider"


def test_same_system_twice_is_one_check_whatever_its_name(assessed: Assessed) -> None:
    first = assessed.check(PLAIN)
    kept = (assessed.folder / CHECKS_FILE).read_bytes()
    assert assessed.check(dataclasses.replace(PLAIN, name="renamed", description="the same")) == first
    assert (assessed.folder / CHECKS_FILE).read_bytes() == kept
    assert assessed.check(dataclasses.replace(PLAIN, lexical=Lexical(k1=0.0, b=0.0, stem=False))).key != first.key
    assert len(list_checks(assessed.assessment.id, assessed.store)) == 2
    assert identify(PLAIN) == identify(dataclasses.replace(PLAIN, name="renamed"))


def test_the_ladder_stays_as_it_was(assessed: Assessed) -> None:
    files = [assessed.folder / name for name in ("assessment.json", "experiment.json", "per_query.parquet")]
    before = [file.read_bytes() for file in files]
    assessed.score(WORDS)
    assessed.check(WORDS)
    assert [file.read_bytes() for file in files] == before


def test_what_cannot_be_checked_is_not_put_down(assessed: Assessed) -> None:
    recommended = dataclasses.replace(get_recommended(assessed.assessment), name="mine")
    with pytest.raises(InputError, match=r"mine does the same as the recommended .*; there is nothing to compare"):
        assessed.check(recommended)
    with pytest.raises(LadderError, match=f"broken cannot run, so nothing was checked. .*{MISSING}"):
        assessed.check(BROKEN)
    changed = dataclasses.replace(assessed.dataset, judgments=assessed.dataset.judgments.iloc[1:])
    with pytest.raises(InputError, match=r"changed since this recommendation was made, .*make the recommendation again"):
        assessed.check(PLAIN, dataset=changed)
    with pytest.raises(InputError, match="changed since"):
        score_on_tuning(assessed.assessment, changed, [PLAIN], workspace=assessed.store, models=AxisModels())
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        assessed.check(dataclasses.replace(NAMED["dense-chunk64"], name="new"), cancel=token)
    assert list_checks(assessed.assessment.id, assessed.store) == []
    assert not (assessed.folder / CHECKS_FILE).exists()


def test_damaged_files_and_unknown_assessments_are_named(assessed: Assessed) -> None:
    assert list_checks("20200101-000000-none", assessed.store) == []
    gone: Assessment = dataclasses.replace(assessed.assessment, id="20200101-000000-none")
    with pytest.raises(NotInWorkspace, match="no recommendation with the id '20200101-000000-none'"):
        check_on_test(gone, assessed.dataset, PLAIN, workspace=assessed.store, models=AxisModels())
    for content in ("{", '{"checks": [{}], "recommended": {"values": {}}}'):
        (assessed.folder / CHECKS_FILE).write_text(content, encoding="utf-8")
        with pytest.raises(InputError, match=r"checks\.json: cannot be read .*make the recommendation again"):
            list_checks(assessed.assessment.id, assessed.store)
