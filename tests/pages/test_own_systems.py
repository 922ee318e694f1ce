"""Systems of one's own on the page Recommendation: tuning scores, checks on the test queries, and the ways that lead there."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.data.dataset import Dataset
from core.jobs.kinds import CHECK, SCORE
from core.jobs.state import FAILED, RUNNING, Job, list_jobs, write_job
from core.recommendation.assess import Assessment
from core.recommendation.files import save_assessment
from core.recommendation.own_systems import CHECKS_FILE, check_on_test, list_checks, read_scores, score_on_tuning
from core.stages.rerank import CrossEncoderRerank
from core.systems.available import save_own_system
from core.systems.named import make_named_systems
from core.systems.system import Lexical, System
from core.workspace import Workspace
from pages.shared.forms.own_systems import describe_count
from tests.pages.conftest import UseModels
from tests.support.assessments import AxisModels, make_assessment
from tests.support.models import MISSING
from tests.support.pages import open_page, read
from tests.support.small import HOSTILE

NAMED = make_named_systems()
MINE = System("my-words", "Counts every shared word once.", lexical=Lexical(k1=0.0, b=0.0))
NASTY = System(f"nasty {HOSTILE}", lexical=Lexical(k1=0.5, b=0.0))
BROKEN = dataclasses.replace(NAMED["dense"], name="broken", rerank=CrossEncoderRerank(model=MISSING, depth=5))


@dataclasses.dataclass(frozen=True)
class Case:
    dataset: Dataset
    assessment: Assessment
    store: Workspace

    def score(self, *systems: System) -> None:
        score_on_tuning(self.assessment, self.dataset, systems, workspace=self.store, models=AxisModels())

    def check(self, system: System) -> None:
        check_on_test(self.assessment, self.dataset, system, workspace=self.store, models=AxisModels())

    def save(self, *systems: System) -> None:
        for system in systems:
            save_own_system(system, self.store)


@pytest.fixture
def case(workspace: Path, use_models: UseModels) -> Case:
    use_models(AxisModels)
    dataset, assessment = make_assessment(workspace)
    return Case(dataset, assessment, Workspace(workspace))


def open_recommendation(**parameters: str) -> AppTest:
    return open_page("recommendation", **{"dataset": "labelled", **parameters})


def find_button(app: AppTest, key: str) -> object:
    return next(button for button in app.button if str(button.key).startswith(key))


def has_button(app: AppTest, key: str) -> bool:
    return any(str(button.key).startswith(key) for button in app.button)


def table(app: AppTest, column: str) -> object:
    """The table that has this column."""
    return next(frame.value for frame in app.dataframe if column in frame.value.columns)


def wait_for_jobs() -> None:
    for thread in threading.enumerate():
        if thread.name.startswith("job "):
            thread.join(60)


def test_own_systems_are_scored_on_tuning_and_the_test_queries_stay_closed(case: Case) -> None:
    case.save(MINE)
    app = open_recommendation()
    assert app.multiselect(key="tuned").value == ["my-words"], "one's own come first"
    assert "chosen on 20 tuning queries and judged on 42 test queries" in read(app.markdown)
    assert table(app, "delta_low")["mean"].isna().all() and not has_button(app, "check_on_test")
    find_button(app, "score_on_tuning").click().run()  # type: ignore[attr-defined]
    wait_for_jobs()
    assert [(job.kind, job.split) for job in list_jobs(case.store)] == [(SCORE, "tuning")]
    app = open_recommendation()
    shown = table(app, "delta_low")
    scores = read_scores(case.assessment, [MINE], workspace=case.store)
    assert shown["system"].tolist() == ["hybrid-filtered", "my-words"]
    assert shown["mean"].tolist() == pytest.approx(scores["mean"].tolist()) and shown["mean"].notna().all()
    assert shown["delta"].iloc[1] == pytest.approx(scores["delta"].iloc[1]) and shown["delta"].isna().iloc[0]
    assert shown["test"].tolist() == ["the recommended one", "not checked"]
    assert "No system was checked on the test queries yet." in read(app.markdown)
    assert not has_button(app, "score_on_tuning") and list_checks(case.assessment.id, case.store) == []


def test_a_check_warns_counts_and_is_told_as_exploratory(case: Case) -> None:
    case.save(MINE)
    case.score(MINE, NAMED["bm25"])
    case.check(NAMED["bm25"])
    before = (case.store.experiments / case.assessment.id / "assessment.json").read_bytes()
    app = open_recommendation()
    words = read(app.markdown)
    assert "This compares my-words with hybrid-filtered on the 42 test queries." in words
    assert "weakens what they can prove" in words and "One was made so far." in words
    assert "1 system was checked on the test queries; exploratory." in words
    find_button(app, "check_on_test").click().run()  # type: ignore[attr-defined]
    wait_for_jobs()
    assert [(job.kind, job.error) for job in list_jobs(case.store)] == [(CHECK, None)]
    app = open_recommendation()
    assert "2 systems were checked on the test queries; exploratory." in read(app.markdown)
    shown = table(app, "Verdict")
    first, second = list_checks(case.assessment.id, case.store)
    assert shown["System"].tolist() == ["bm25", "my-words"] and shown["Verdict"].tolist() == ["✗ worse", "✗ worse"]
    assert shown["p corrected"].tolist() == [first.comparison["p_adjusted"], second.comparison["p_adjusted"]]
    assert (shown["p corrected"] >= shown["p"]).all(), "both are corrected for two"
    assert table(app, "delta_low")["test"].tolist() == ["the recommended one", "✓ checked"]
    assert not has_button(app, "check_on_test"), "once is enough"
    helps = [str(element.proto.help) for element in app.markdown]
    assert any("cannot be deleted" in words for words in helps), "it says why"
    assert (case.store.experiments / case.assessment.id / "assessment.json").read_bytes() == before


def test_a_link_adds_its_system_and_says_where_it_stands(case: Case) -> None:
    case.save(MINE)
    app = open_recommendation(tuned="bm25")
    assert app.multiselect(key="tuned").value == ["my-words", "bm25"]
    assert "The tuning score of bm25 stands at the end of this page: [Your own systems](#your-own-systems)" in read(app.info)
    app = open_recommendation(tuned="gone")
    assert "This system is not here: gone" in read(app.warning)


def test_hostile_names_broken_systems_and_changed_ones(case: Case) -> None:
    case.save(NASTY, BROKEN, MINE)
    case.score(NASTY, BROKEN, MINE)
    case.check(NASTY)
    case.check(MINE)
    case.save(dataclasses.replace(MINE, lexical=Lexical(k1=2.0)))
    app = open_recommendation()
    assert f"No score: **broken**. The reranker '{MISSING}' cannot be loaded" in read(app.warning)
    assert table(app, "Verdict")["System"].tolist() == [NASTY.name, "my-words (as it was then)"]
    assert has_button(app, "score_on_tuning"), "the broken one can be tried again, the changed one has no score yet"
    for element in (*app.markdown, *app.warning, *app.info, *app.caption, *app.button):
        assert "![x](http" not in str(getattr(element, "label", "")) + str(element.value)


def test_leakage_in_a_given_split_stands_before_every_check(case: Case) -> None:
    leak = "3 test queries say the same as a tuning query (q-easy-1): results on them flatter whatever was tuned."
    split = {**case.assessment.split, "given": True, "warnings": [leak]}
    save_assessment(dataclasses.replace(case.assessment, split=split), case.store)
    case.save(MINE)
    told = read(open_recommendation().warning).count(leak)
    case.score(MINE)
    assert read(open_recommendation().warning).count(leak) == told + 1


def test_changed_data_close_both_but_the_checks_stay(case: Case) -> None:
    case.save(MINE)
    case.score(MINE)
    case.check(NAMED["bm25"])
    labels = case.store.datasets / "labelled" / "qrels.tsv"
    labels.write_text("\n".join(labels.read_text(encoding="utf-8").splitlines()[:-1]) + "\n", encoding="utf-8")
    app = open_recommendation()
    assert "Nothing can be scored or checked: the dataset labelled changed" in read(app.warning)
    assert not has_button(app, "score_on_tuning") and not has_button(app, "check_on_test")
    assert table(app, "Verdict")["System"].tolist() == ["bm25"]


def test_while_a_job_runs_it_is_shown_and_afterwards_why_it_failed(case: Case) -> None:
    case.save(MINE)
    job = Job(
        "20990101-000000-aaaa", "labelled, my-words on the test queries", "labelled", "test", (MINE.to_spec(),), state=RUNNING,
        label="embedding 3 of 9 passages", kind=CHECK, options={"assessment": case.assessment.id},
    )  # fmt: skip
    write_job(job, case.store)
    app = open_recommendation()
    assert "Waiting: my-words" in read(app.info) and "embedding 3 of 9 passages" in read(app.info)
    assert not has_button(app, "score_on_tuning")
    write_job(dataclasses.replace(job, state=FAILED, error="my-words cannot run, so nothing was checked."), case.store)
    app = open_recommendation()
    assert "my-words cannot run, so nothing was checked." in read(app.error) and has_button(app, "score_on_tuning")


def test_damaged_checks_are_named_and_the_rest_of_the_page_stands(case: Case) -> None:
    (case.store.experiments / case.assessment.id / CHECKS_FILE).write_text("{", encoding="utf-8")
    app = open_recommendation()
    assert "checks.json: cannot be read" in read(app.error)
    assert not app.multiselect, "without the list of checks there is nothing to choose from"
    assert len(app.subheader) > 1


def test_saved_systems_lead_to_their_score_only_where_there_is_a_recommendation(case: Case) -> None:
    case.save(MINE)
    app = open_page("experiment", dataset="labelled", experiment_part="Systems")
    assert not has_button(app, "system_score"), "a named system stands there"
    app.selectbox(key="system_base").set_value("my-words").run()
    assert "See its tuning score" in [button.label for button in app.button]
    assert find_button(app, "system_score")
    (case.store.experiments / case.assessment.id / "assessment.json").unlink()
    app = open_page("experiment", dataset="labelled", experiment_part="Systems")
    app.selectbox(key="system_base").set_value("my-words").run()
    assert not has_button(app, "system_score")


def test_settings_saved_on_the_page_try_lead_to_their_score(case: Case) -> None:
    app = open_page("try", dataset="labelled", try_systems="bm25")
    assert not has_button(app, "try_score")
    app.text_input(key="try_save_name").set_value("my-bm25").run()
    find_button(app, "try_save").click().run()  # type: ignore[attr-defined]
    assert "Saved as my-bm25." in read(app.success) and has_button(app, "try_score")
    app.text_input(key="try_save_name").set_value("another").run()
    assert not has_button(app, "try_score"), "the link is that of the system just saved"


def test_counts_in_words() -> None:
    assert [describe_count(count) for count in (0, 1, 3)] == [
        "No system was checked on the test queries yet.",
        "1 system was checked on the test queries; exploratory.",
        "3 systems were checked on the test queries; exploratory.",
    ]
