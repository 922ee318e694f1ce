"""What a report says, and in which order, whatever the recommendation is."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path

import pytest

from core.cli.recommend import read_goals
from core.data.dataset import Dataset
from core.ladder.goals import Goals
from core.recommendation.assess import Assessment
from core.report.outline.blocks import Chart, Code, Example, Outline, Section, Table, Text
from core.report.outline.examples import cut_excerpt, make_examples, say_rank
from core.report.outline.glossary import list_terms
from core.report.outline.outline import make_outline
from core.report.outline.provenance import list_versions, write_command
from core.stages.fuse import ReciprocalRankFusion
from core.systems.named import make_named_systems
from core.systems.yaml_files import read_systems
from tests.support.assessments import make_assessment

Made = tuple[Dataset, Assessment]
KINDS = [None, {"easy": 50}, {"easy": 8}, {"easy": 25, "missing": 25}]


@pytest.fixture
def made(workspace: Path) -> Made:
    return make_assessment(workspace)


def find(outline: Outline, name: str) -> Section:
    return next(section for section in outline.sections if section.name == name)


@pytest.mark.parametrize("kinds", KINDS, ids=["hybrid", "enough", "too few", "missing"])
def test_every_recommendation_can_be_reported(workspace: Path, kinds: dict[str, int] | None) -> None:
    dataset, assessment = make_assessment(workspace, kinds=kinds)
    outline = make_outline(assessment, dataset)
    names = [section.name for section in outline.sections]
    assert names[:2] == ["verdict", "ladder"] and names[-2:] == ["origin", "terms"]
    assert len(names) == len(set(names))
    decided_by_scores = assessment.recommendation.action in ("use_hybrid_search", "embeddings_enough")
    assert ("stability" in names) == decided_by_scores == (assessment.recommendation.stability["resplits"] > 0)
    assert all(section.blocks for section in outline.sections)
    first = find(outline, "verdict")
    assert first.title == assessment.recommendation.title
    assert first.blocks[0] == Text(assessment.recommendation.sentence, "lead")


def test_every_chart_has_its_numbers_in_a_table_below(made: Made) -> None:
    dataset, assessment = made
    outline = make_outline(assessment, dataset)
    charts = 0
    for section in outline.sections:
        for place, block in enumerate(section.blocks):
            if isinstance(block, Chart):
                charts += 1
                assert block.figure["data"] and block.alt
                assert any(isinstance(later, Table) for later in section.blocks[place:])
    assert charts == 6  # ladder, causes, headroom, gap, kinds of queries, stability


def test_tables_are_whole(made: Made) -> None:
    dataset, assessment = made
    tables = [b for s in make_outline(assessment, dataset).sections for b in s.blocks if isinstance(b, Table)]
    for table in tables:
        assert all(len(row) == len(table.columns) for row in table.rows)
        assert all(isinstance(cell, str) for row in table.rows for cell in row)
    ladder = next(table for table in tables if table.columns[0] == "Rung")
    assert len(ladder.rows) == len(assessment.ladder)
    assert [ladder.rows[place][1].split(":")[0] for place in ladder.marked] == [assessment.recommendation.system]


def test_a_ladder_that_stays_at_the_baseline_has_no_examples(workspace: Path) -> None:
    dataset, assessment = make_assessment(workspace, kinds={"easy": 50})
    assert assessment.recommendation.system == assessment.analysis.baseline
    assert "examples" not in [section.name for section in make_outline(assessment, dataset).sections]


def test_changed_data_are_said_at_the_top(made: Made) -> None:
    dataset, assessment = made
    facts = {**assessment.experiment.dataset, "fingerprint": "another"}
    other = dataclasses.replace(assessment, experiment=dataclasses.replace(assessment.experiment, dataset=facts))

    def warn(one: Assessment) -> list[str]:
        return [
            b.text for b in find(make_outline(one, dataset), "verdict").blocks if isinstance(b, Text) and b.kind == "warning"
        ]

    assert len(warn(other)) == len(warn(assessment)) + 1
    assert "changed" in warn(other)[-1]


def test_the_recommended_system_can_be_taken_along(made: Made) -> None:
    dataset, assessment = made
    codes = [block for block in find(make_outline(assessment, dataset), "system").blocks if isinstance(block, Code)]
    settings, program = codes
    system = read_systems(settings.text)[assessment.recommendation.system]
    spec = next(s.spec for s in assessment.experiment.systems if s.name == assessment.recommendation.system)
    assert system.to_spec() == spec
    compile(program.text, "search.py", "exec")


def test_a_system_that_no_program_can_be_written_for_is_reported_all_the_same(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    class MadeUp(ReciprocalRankFusion):
        type = "made_up"

    dataset, assessment = made
    odd = dataclasses.replace(make_named_systems()["hybrid-rrf"], fuse=MadeUp())
    monkeypatch.setattr("core.report.outline.proof.find_system", lambda _: odd)
    blocks = find(make_outline(assessment, dataset), "system").blocks
    assert [block.file_name for block in blocks if isinstance(block, Code)] == ["system.yaml"]
    assert isinstance(blocks[-1], Text) and 'no piece is there for "made_up" in its field "fuse"' in blocks[-1].text


def test_examples_show_where_the_answer_stood_and_stands(made: Made) -> None:
    dataset, assessment = made
    said = assessment.recommendation
    assert said.fixes, "the planted data has queries that the recommended system fixes"
    examples = make_examples(assessment, dataset, said.fixes)
    judgments = dataset.judgments[dataset.judgments["relevance"] >= 1]
    titles = dict(zip(dataset.documents["doc_id"], dataset.documents["title"], strict=True))
    for example in examples:
        answers = judgments.loc[judgments["query_id"] == example.query_id, "doc_id"]
        assert example.title in {titles[doc_id] for doc_id in answers}
        before, after = example.moved.split(" → ")
        assert before.startswith(f"{assessment.analysis.baseline}: ") and after.startswith(f"{said.system}: rank ")
        assert int(after.rsplit(" ", 1)[1]) <= 5
        assert example.remark.startswith(f"First hit of {assessment.analysis.baseline}: ")
    gone = dataclasses.replace(dataset, queries=dataset.queries.iloc[:0])
    assert make_examples(assessment, gone, said.fixes) == []


def test_examples_mark_the_evidence(workspace: Path) -> None:
    dataset, assessment = make_assessment(workspace, evidence=True)
    ids = assessment.split["test_ids"][:6]
    texts = dict(zip(dataset.documents["doc_id"], dataset.documents["text"], strict=True))
    quotes = {
        row.query_id: texts[row.doc_id][row.start : row.end] for row in dataset.evidence.itertuples() if row.query_id in ids
    }
    marked = [example for example in make_examples(assessment, dataset, ids) if example.marks]
    assert marked
    for example in marked:
        assert [example.excerpt[start:end] for start, end in example.marks] == [quotes[example.query_id]]


def test_excerpts() -> None:
    text = "0123456789 " * 100
    assert cut_excerpt("short text", (0, 10), [(0, 5)]) == ("short text", ((0, 5),))
    assert cut_excerpt("a\nb", (0, 3), []) == ("a b", ())
    excerpt, marks = cut_excerpt(text, (0, len(text)), [(550, 560)])  # "0123456789" at 550: each word takes 11 signs
    assert [excerpt[start:end] for start, end in marks] == ["0123456789"]
    assert excerpt.startswith("… 0123456789") and excerpt.endswith("0123456789 …")
    assert len(excerpt) < 430
    assert say_rank(3.0) == "rank 3" and say_rank(float("inf")) == "not among the first 100"


def test_command_repeats_the_goals(made: Made) -> None:
    from core.cli.main import make_parser

    _, assessment = made
    goals = Goals(
        primary="nDCG@10", min_gain=0.05, target=("Success@5", 0.8), max_latency_ms=150, rerankers=("org/model", "/my models/x")
    )
    changed = dataclasses.replace(assessment, goals=goals)
    words = shlex.split(write_command(changed))
    assert words[:4] == ["python", "-m", "core", "recommend"]
    parser = make_parser("recommend")
    options = parser.parse_args(words[3:])
    assert options.dataset == assessment.experiment.dataset["name"]
    assert read_goals(options) == goals
    assert read_goals(parser.parse_args(shlex.split(write_command(assessment))[3:])) == Goals()


def test_versions_and_terms(made: Made) -> None:
    _, assessment = made
    versions = dict(list_versions())
    assert versions["Python"].count(".") == 2 and versions["chromadb"][0].isdigit()
    terms = [term for term, _ in list_terms(assessment)]
    assert terms[0] == assessment.primary and len(terms) == len(set(terms))


def test_examples_come_before_what_follows(made: Made) -> None:
    dataset, assessment = made
    outline = make_outline(assessment, dataset)
    assert any(isinstance(block, Example) for block in find(outline, "examples").blocks)
    names = [section.name for section in outline.sections]
    assert names.index("examples") < names.index("next") < names.index("method") < names.index("numbers")
