"""recommend on the command line: once as a whole with the fake models, then its words, files and exit codes."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from core.cli.main import EXIT_BAD_INPUT, main
from core.cli.recommend import format_failures, format_ladder, format_recommendation
from core.data.dataset import Dataset
from core.diagnosis.causes import CAUSES
from core.errors import Cancelled
from core.jobs.kinds import ASSESS
from core.jobs.state import DONE, Job, list_jobs
from core.ladder.goals import Goals
from core.recommendation.assess import Assessment
from core.recommendation.files import load_assessment
from core.records import decode
from core.workspace import Workspace
from tests.support.command_line import run_jobs_with
from tests.support.models import FakeModels
from tests.support.small import write_small_dataset

FIRST_WORDS = "Label more queries first"


@dataclass(frozen=True)
class Call:
    """What a whole run gave: what it printed, and the assessment that it kept."""

    code: int
    out: str
    err: str
    store: Workspace
    assessment: Assessment


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Call:
    """recommend small --json - --fail-under ..., once for all tests. Seven of its queries are labelled: too few."""
    folder = tmp_path_factory.mktemp("recommend")
    write_small_dataset(folder / "small")
    store = Workspace(folder / "workspace")
    command = ["recommend", str(folder / "small"), "--workspace", str(store.folder), "--json", "-", "--fail-under", "P@10=1"]
    out, err, models = io.StringIO(), io.StringIO(), FakeModels()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        run_jobs_with(models, patch)
        code = main([*command, "--name", "Before the launch"])
    assert out.getvalue(), err.getvalue()
    assert models.fake.asked, "no other model was loaded"
    assessment = load_assessment(json.loads(out.getvalue())["id"], store)
    return Call(code, out.getvalue(), err.getvalue(), store, assessment)


def test_json_goes_to_standard_output_and_the_words_to_standard_error(real: Call) -> None:
    content = json.loads(real.out)
    assert (content["name"], content["dataset"]["name"], content["split_used"]) == ("Before the launch", "small", "test")
    assert content["recommendation"]["action"] == "label_more_queries"
    assert content["split"]["tuning"] + content["split"]["test"] == 7, "the query without a label is in neither"
    assert list(content["failures"]) == list(CAUSES)
    assert [row["rung"] for row in content["ladder"]][:2] == ["baseline", "chunking"]
    lines = [line for line in real.err.splitlines() if not line.startswith("note: ")]
    assert lines[0].startswith(FIRST_WORDS)
    assert "Traceback" not in real.err


def test_it_is_kept_as_an_experiment_and_as_a_job(real: Call) -> None:
    job = list_jobs(real.store)[0]
    assert (job.id, job.kind, job.state, job.title) == (real.assessment.id, ASSESS, DONE, "Before the launch")
    assert decode(job.options, Goals) == Goals() == real.assessment.goals
    assert real.assessment.experiment.name == "Before the launch"


def test_below_the_bar_is_code_1_with_a_sentence(real: Call) -> None:
    system = real.assessment.recommendation.system
    measured = next(s for s in real.assessment.experiment.systems if s.name == system).measures["P@10"]
    assert measured["mean"] < 1, "no query has ten relevant documents"
    sentence = f"--fail-under: P@10 of {system} is {measured['mean']:.4f} on {measured['n']} test queries, below 1."
    assert (real.code, real.err.splitlines()[-1]) == (1, sentence)


@pytest.fixture
def stand_in(real: Call, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """recommend gives the real assessment at once; the dict fills with what it was called with."""
    asked: dict[str, Any] = {}

    def assess(job: Job, dataset: Dataset, workspace: Workspace) -> Assessment:
        asked.update(title=job.title, dataset=dataset.name, goals=decode(job.options, Goals))
        return real.assessment

    monkeypatch.setattr("core.cli.recommend.run_and_show", assess)
    return asked


@pytest.fixture
def small(tmp_path: Path) -> str:
    return str(write_small_dataset(tmp_path / "small"))


def test_goals_are_those_of_the_options(stand_in: dict[str, Any], small: str) -> None:
    assert main(["recommend", small]) == 0
    assert (stand_in["goals"], stand_in["title"], stand_in["dataset"]) == (Goals(), "small, recommendation", "small")
    options = ["--primary", "ap", "--target", "success@5 = .8", "--min-gain", "0.05", "--max-latency", "200"]
    assert main(["recommend", small, *options, "--reranker", "a/b", "c", "--reranker", "a/b"]) == 0
    wanted = Goals(primary="AP", target=("Success@5", 0.8), min_gain=0.05, max_latency_ms=200.0, rerankers=("a/b", "c"))
    assert stand_in["goals"] == wanted


def test_words_go_to_standard_output_and_files_are_written(
    stand_in: dict[str, Any], small: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[tuple[str, str]] = []
    report = ModuleType("core.report.render.html")

    def write_report(assessment: Assessment, dataset: Dataset, path: Path) -> None:
        written.append((assessment.id, dataset.name))
        path.write_text("<html>", encoding="utf-8")

    report.write_report = write_report  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, report.__name__, report)
    monkeypatch.setitem(sys.modules, "core.report", ModuleType("core.report"))
    target, page = tmp_path / "result.json", tmp_path / "report.html"
    assert main(["recommend", small, "--json", str(target), "--report", str(page), "--fail-under", "Success@5=0"]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith(FIRST_WORDS)
    assert [line for line in shown.err.splitlines() if not line.startswith("note: ")] == []
    assert written == [(json.loads(target.read_text(encoding="utf-8"))["id"], "small")]
    assert page.read_text(encoding="utf-8") == "<html>"


def test_bar_that_cannot_be_judged_is_code_1(
    stand_in: dict[str, Any], real: Call, small: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    unmeasured = tuple(replace(system, measures={}) for system in real.assessment.experiment.systems)
    changed = replace(real.assessment, experiment=replace(real.assessment.experiment, systems=unmeasured))
    monkeypatch.setattr("core.cli.recommend.run_and_show", lambda *_, **__: changed)
    assert main(["recommend", small, "--fail-under", "AP=0.5"]) == 1
    assert capsys.readouterr().err.endswith("--fail-under: AP of dense could not be measured, and 0.5 was asked for.\n")


def test_cancelled_is_code_1(small: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def cancel(*_: object, **__: object) -> None:
        raise Cancelled("Cancelled in the app.")

    monkeypatch.setattr("core.cli.recommend.run_and_show", cancel)
    assert main(["recommend", small]) == 1
    assert capsys.readouterr().err.endswith("error: Cancelled in the app.\n")


BAD = [
    (["--fail-under", "Success@5"], "--fail-under is 'Success@5'; write MEASURE=X, for example --fail-under Success@5=0.8"),
    (["--fail-under", "Success@5=good"], "--fail-under is 'Success@5=good'; write MEASURE=X, for example"),
    (["--fail-under", "Success@5=80"], "--fail-under is 'Success@5=80'; X must lie between 0 and 1, for example"),
    (
        ["--target", "Success@5=nan"],
        "--target is 'Success@5=nan'; X must lie between 0 and 1, for example --target Success@5=0.8",
    ),
    (["--target", "Hits=0.5"], "--target names the measure 'Hits'; it can be nDCG@10, Success@1, Success@5, "),
    (["--primary", "Hits"], "--primary names the measure 'Hits'; it can be nDCG@10, Success@1, "),
    (["--min-gain", "2"], "the smallest useful gain is 2; it must be between 0.001 and 1"),
    (["--max-latency", "-1"], "the latency limit (ms) is -1; it must be at least 0"),
    (["--report", "{tmp}/report.pdf"], "{tmp}/report.pdf: is no name for a web page; give --report a file that ends in .html"),
    (["--report", "{tmp}/no/report.html"], "{tmp}/no/report.html: cannot be written; give --report a file in a folder that"),
    (["--json", "{tmp}"], "{tmp}: cannot be written; give --json a file in a folder that exists"),
]


@pytest.mark.parametrize(("options", "message"), BAD, ids=range(len(BAD)))
def test_bad_input_gets_one_sentence_before_any_work(
    options: list[str], message: str, stand_in: dict[str, Any], small: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["recommend", small, *(option.format(tmp=tmp_path) for option in options)]) == EXIT_BAD_INPUT
    shown = capsys.readouterr()
    assert (shown.out, shown.err.count("\n")) == ("", 1)
    assert shown.err.startswith("error: " + message.format(tmp=tmp_path))
    assert stand_in == {}


@pytest.mark.parametrize("option", ["--primary", "--target", "--fail-under"])
def test_measure_of_the_evidence_needs_evidence(
    option: str, stand_in: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = str(write_small_dataset(tmp_path / "bare", labels=False))
    value = "evidence_recall@1000tokens" + ("" if option == "--primary" else "=0.5")
    assert main(["recommend", bare, option, value]) == EXIT_BAD_INPUT
    sentence = f"error: {option} names evidence_recall@1000tokens, and the queries of bare have no evidence to measure it by; "
    assert sentence in capsys.readouterr().err
    assert stand_in == {}


@pytest.mark.parametrize("options", [["--min-gain", "much"], ["--max-latency", "inf"], ["--reranker"]])
def test_numbers_that_are_none_are_refused_by_the_parser(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["recommend", "x", *options])
    assert left.value.code == EXIT_BAD_INPUT
    assert f"error: argument {options[0]}: " in capsys.readouterr().err


@pytest.fixture
def with_ladder(real: Call) -> Callable[..., Assessment]:
    """The real assessment with these rows as its ladder, and this system recommended."""

    def make(rows: list[dict[str, Any]], system: str) -> Assessment:
        said = replace(real.assessment.recommendation, system=system)
        return replace(real.assessment, ladder=tuple(rows), recommendation=said, split={"tuning": 20, "test": 40})

    return make


def test_ladder_is_a_table_that_marks_what_to_use(with_ladder: Callable[..., Assessment]) -> None:
    silent = {"why_not": "", "note": ""}
    base = {"rung": "baseline", "title": "Baseline", "system": "dense", "mean": 0.5, "verdict": None, **silent}
    change = {"delta": 0.0625, "delta_low": 0.01, "delta_high": 0.1, "verdict": "better"}
    hybrid = {"rung": "hybrid_search", "title": "Hybrid search", "system": "hybrid", "mean": 0.5625, **silent, **change}
    words = {"title": "Query rewriting", "system": "prf", "delta": -0.01, "delta_low": -0.03, "delta_high": 0.01}
    prf = {**hybrid, **words, "verdict": "cannot_tell", "note": "A remark."}
    missing = {"rung": "x", "title": "Trained", "system": None, "verdict": None, "why_not": "Not trained yet.", "note": ""}
    text = format_ladder(with_ladder([base, hybrid, prf, missing, {**missing, "title": "Trained too"}], "hybrid"), width=80)
    assert text.splitlines() == [
        "nDCG@10 on 40 test queries; everything was chosen on 20 tuning queries:",
        "   rung             system  mean   change, 95 % interval     verdict",
        "   Baseline         dense   0.500",
        ">  Hybrid search    hybrid  0.562  +0.062, +0.010 to +0.100  better",
        "   Query rewriting  prf     0.562  -0.010, -0.030 to +0.010  cannot tell",
        "   Trained                                                   not measured",
        "   Trained too                                               not measured",
        "Query rewriting: A remark.",
        "Trained, Trained too: Not trained yet.",
    ]


def test_words_are_in_their_order_and_fit_the_width(real: Call) -> None:
    said = replace(
        real.assessment.recommendation,
        sentence="Use hybrid-rrf. The answer is among the first five for 52 of 60 test queries; today for 44.",
        how_sure="Real: +0.038 nDCG@10.",
        fine_tuning={"answer": "not yet", "reason": "A cheaper fix helps.", "kind": "reranker"},
        next=("Adopt hybrid-rrf.",),
        flags=("Few queries.",),
    )
    changed = replace(
        count_failures(real.assessment, {"ranking": 3}),
        recommendation=said,
        errors={"far-rerank": "The reranker 'far' cannot be loaded."},
    )
    text = format_recommendation(changed, width=60)
    lines = text.splitlines()
    assert lines[:2] == ["Use hybrid-rrf. The answer is among the first five for 52 of", "60 test queries; today for 44."]
    parts = text.split("\n\n")
    assert [part.splitlines()[0].split(":")[0] for part in parts[1:3]] == ["Real", "Fine-tuning"]
    assert parts[2] == "Fine-tuning: not yet. A cheaper fix helps."
    assert parts[3].startswith("nDCG@10 on ") and parts[4].startswith("Why ")
    assert parts[5:] == [
        "What next:\n  - Adopt hybrid-rrf.",
        "Reasons to doubt it:\n  - Few queries.",
        "Could not run:\n  - far-rerank: The reranker 'far' cannot be loaded.",
    ]
    assert all(len(line) <= 60 for part in (*parts[:3], *parts[5:]) for line in part.splitlines())


def count_failures(assessment: Assessment, causes: dict[str, int]) -> Assessment:
    """The assessment with these failures of dense among 60 test queries."""
    counts = {"failed": sum(causes.values()), "judged": 60, "causes": dict.fromkeys(CAUSES, 0) | causes}
    return replace(assessment, analysis=replace(assessment.analysis, counts={"dense": counts}, baseline="dense"))


def test_failures_are_listed_by_cause(real: Call) -> None:
    found = count_failures(real.assessment, {"ranking": 3, "exact_terms": 12})
    assert format_failures(found, width=100).splitlines() == [
        "Why 15 of 60 test queries fail with dense (no answer among the first five):",
        "    12  Exact terms. The query names a code, number or rare term that its answer holds; matching",
        "        words finds it.",
        "     3  Ranked too low. The answer is among the first 100 hits but not among the first five; no more",
        "        exact cause was found.",
    ]
    assert format_failures(count_failures(real.assessment, {}), width=100) == ""
