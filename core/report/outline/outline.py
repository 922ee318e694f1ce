"""The report as data: what it says, in which order. HTML and Markdown are drawn from it.

It is written for people who were not in the room: the verdict first, then the reasons, then everything needed to check it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.data.dataset import Dataset
from core.evaluation.measures import explain_measure
from core.ladder.actions import title_action
from core.ladder.rows import word_verdict
from core.recommendation.assess import Assessment
from core.report.figures.colours import BLUE, GREY
from core.report.figures.ladder import LEAST_WIDTH, describe_added, describe_ladder, draw_ladder
from core.report.figures.stability import describe_stability, draw_stability
from core.report.outline.blocks import Block, Bullets, Chart, Fact, Outline, Section, Table, Terms, Text, make_section
from core.report.outline.diagnosis import write_failures, write_headroom, write_kinds
from core.report.outline.examples import make_examples
from core.report.outline.glossary import list_terms
from core.report.outline.proof import write_method, write_numbers, write_origin, write_system
from core.text.phrases import count_of, join_words, shorten

# The others, in ladder order: colours that any colour-blind reader can tell apart.
_OTHERS = ("#b3b300", "#990000", "#33b3b3", "#663380", "#994d66", "#cc3300", "#ff80ff", "#e66666", "#8080cc")
_TOOL = "Retrieval Ladder"
_LADDER_WIDTH = 850  # pixels: as wide as the page, so that nothing runs together when it is scaled to paper
_SHOWN_SUSPECTS = 20
_SHOWN_WINNERS = 6
_CHANGED = (
    "The data changed since this was found out. The numbers are of the earlier data, the texts of examples are of today's."
)


def make_outline(assessment: Assessment, dataset: Dataset) -> Outline:
    """The report on an assessment. dataset: the data that it was made from, for texts of queries and documents.

    The same assessment gives the same report, on one machine and with the same packages: its date is the assessment's.
    """
    colours = _choose_colours(assessment)
    sections = [
        _write_verdict(assessment, dataset),
        _write_ladder(assessment, colours),
        _write_reasons(assessment),
        write_failures(assessment),
        write_headroom(assessment, colours),
        write_kinds(assessment, colours),
        _write_examples(assessment, dataset),
        _write_consequences(assessment),
        _write_stability(assessment, dataset),
        write_method(assessment),
        write_numbers(assessment),
        write_system(assessment, dataset),
        write_origin(assessment, dataset),
        make_section("terms", "What the words mean", [Terms(list_terms(assessment))]),
    ]
    name = str(assessment.experiment.dataset["name"])
    return Outline(
        title=f"Searching {name}: what to do first",
        subtitle=f"{_TOOL}, {assessment.experiment.created[:10]}",
        sections=tuple(section for section in sections if section is not None),
    )


def _choose_colours(assessment: Assessment) -> dict[str, str]:
    fixed = {assessment.recommendation.system: BLUE, assessment.analysis.baseline: GREY}
    names = dict.fromkeys(row["system"] for row in assessment.ladder if row["system"] is not None)
    others = [name for name in names if name not in fixed]
    return {**{name: _OTHERS[place % len(_OTHERS)] for place, name in enumerate(others)}, **fixed}


def _write_verdict(assessment: Assessment, dataset: Dataset) -> Section | None:
    said, facts = assessment.recommendation, assessment.experiment.dataset
    tuning = said.fine_tuning
    changed = "" if facts["fingerprint"] == dataset.fingerprint else _CHANGED
    blocks: list[Block] = [
        Text(said.sentence, "lead"),
        Fact("How sure?", said.how_sure),
        Fact(f"Fine-tuning: {tuning['answer']}.", tuning["reason"]),
    ]
    if said.target is not None:
        mean = "not measured" if said.target["mean"] is None else f"{said.target['mean']:.3f}"
        met = "met" if said.target["met"] else "missed"
        blocks.append(Fact("Target:", f"{said.target['measure']} {said.target['value']:g}; reached {mean}: {met}."))
    blocks += [Text(flag, "warning") for flag in (*said.flags, changed) if flag]
    measured = (
        f"Measured on {facts['documents']:,} documents with {assessment.split['test']:,} test queries whose answers are known; "
        f"everything was chosen on {assessment.split['tuning']:,} other queries."
    )
    return make_section("verdict", said.title, [*blocks, Text(measured, "note")])


def _write_ladder(assessment: Assessment, colours: Mapping[str, str]) -> Section | None:
    rows = [_write_rung(row) for row in assessment.ladder]
    marked = [place for place, row in enumerate(assessment.ladder) if row["system"] == assessment.recommendation.system]
    remarks: dict[str, list[str]] = {}
    for row in assessment.ladder:
        if row["why_not"] or row["note"]:
            remarks.setdefault(row["why_not"] or row["note"], []).append(row["title"])
    return make_section(
        "ladder",
        "The ladder: cheaper fixes first",
        [
            Text(
                "Each rung is a fix, tried on top of what was kept before it; the cheapest come first. A change is against the "
                f"last rung that was kept, with its 95 % interval. Measured by {assessment.primary}. "
                f"{explain_measure(assessment.primary)}"
            ),
            Chart(draw_ladder(assessment, colours), describe_ladder(assessment), max(LEAST_WIDTH, _LADDER_WIDTH)),
            Text(
                "Filled dots were kept, hollow ones were tried and not kept, dashed rings were not measured. The line is the "
                "best so far.",
                "note",
            ),
            Table(
                columns=("Rung", "System", "Mean", "Change", "95 % interval", "Verdict", "Work"),
                rows=tuple(rows),
                numbers=(2, 3, 4),
                marked=tuple(marked),
            ),
            Bullets(tuple(f"{join_words(titles)}: {remark}" for remark, titles in remarks.items())),
            Bullets(tuple(f"{name} could not run: {error}" for name, error in assessment.errors.items())),
        ],
    )


def _write_rung(row: Mapping[str, Any]) -> tuple[str, ...]:
    if row["system"] is None:
        return (row["title"], "", "", "", "", "not measured", "")
    mean = f"{row['mean']:.3f}" if "mean" in row else "n/a"
    system = f"{row['system']}: {row['what']}" if row["what"] else row["system"]
    if row["verdict"] is None:
        return (row["title"], system, mean, "", "", "", "")
    change, interval = f"{row['delta']:+z.3f}", f"{row['delta_low']:+z.3f} to {row['delta_high']:+z.3f}"
    once = f"once: {row['one_time']}" if row["one_time"] not in ("", "none") else ""
    verdict = word_verdict(row) + ("" if row["kept"] or row.get("held_out") else "; not kept")
    work = "; ".join(part for part in (describe_added(row), once) if part)
    return (row["title"], system, mean, change, interval, verdict, work)


def _write_reasons(assessment: Assessment) -> Section | None:
    said = assessment.recommendation
    return make_section(
        "reasons",
        "Why, and what was ruled out",
        [
            Bullets(said.reasons),
            Table(
                columns=("Ruled out", "System", "Why"),
                rows=tuple((one["title"], one["system"], one["why"]) for one in said.ruled_out),
            ),
        ],
    )


def _write_examples(assessment: Assessment, dataset: Dataset) -> Section | None:
    said = assessment.recommendation
    fixed, broken = (make_examples(assessment, dataset, ids) for ids in (said.fixes, said.breaks))
    return make_section(
        "examples",
        "Examples from the test queries",
        [
            Text("Their answers come into the first five:", "intro") if fixed else None,
            *fixed,
            Text("Its answer drops out of the first five:", "intro") if broken else None,
            *broken,
        ],
    )


def _write_consequences(assessment: Assessment) -> Section | None:
    said = assessment.recommendation
    parts = (
        ("What to do next", said.next, True),
        ("Costs", said.costs, False),
        ("Risks", said.risks, False),
        ("What would change this answer", said.changes, False),
    )
    blocks: list[Block] = []
    for title, sentences, numbered in parts:
        if sentences:
            blocks += [Fact(title, ""), Bullets(sentences, numbered)]
    return make_section("next", "What follows", blocks)


def _write_stability(assessment: Assessment, dataset: Dataset) -> Section | None:
    said = assessment.recommendation
    wins = [("action", title_action(name), share) for name, share in said.stability["actions"].items()]
    wins += [("system", name, share) for name, share in list(said.stability["systems"].items())[:_SHOWN_WINNERS]]
    told = ", ".join(f"{name} {share:.0%}" for _, name, share in wins)
    return make_section(
        "stability",
        "Would other queries say the same?",
        [
            Text(describe_stability(said)) if describe_stability(said) else None,
            Chart(draw_stability(said), f"How often each won over the re-splits: {told}."),
            Table(
                columns=("", "Came out first", "Share"),
                rows=tuple((kind, name, f"{share:.0%}") for kind, name, share in wins),
                numbers=(2,),
            ),
            *_list_suspects(assessment, dataset),
        ],
    )


def _list_suspects(assessment: Assessment, dataset: Dataset) -> list[Block]:
    suspects = assessment.recommendation.suspects
    if not suspects:
        return []
    texts = dict(zip(dataset.queries["query_id"], dataset.queries["text"], strict=True))
    shown = suspects[:_SHOWN_SUSPECTS]
    words = f"Labels to check: embeddings and word matching both contradict those of {count_of(len(suspects), 'query')}."
    if len(shown) < len(suspects):
        words += f" The first {len(shown)}:"
    items = tuple(f"{query_id}: {shorten(texts.get(query_id, 'no longer in the data'), width=160)}" for query_id in shown)
    return [Text(words), Bullets(items)]
