"""The parts of the report on what goes wrong: causes of failures, headroom, kinds of queries."""

from __future__ import annotations

from collections.abc import Mapping

from core.diagnosis.causes import CAUSES
from core.diagnosis.sentences import (
    AT_BEST,
    CAUSE_TITLES,
    CAUSE_WORDS,
    FAILS,
    FIX_TITLES,
    GAP_WORDS,
    LUCK,
    describe_bound,
    describe_failures,
    list_gap,
)
from core.recommendation.assess import Assessment
from core.report.figures.diagnosis import draw_causes, draw_gap, draw_headroom, draw_slices
from core.report.outline.blocks import Chart, Section, Table, Text, make_section
from core.text.phrases import join_words


def write_failures(assessment: Assessment) -> Section | None:
    """How many queries fail today, and the cause of each."""
    analysis = assessment.analysis
    counts = analysis.counts[analysis.baseline]
    if not counts["failed"]:
        return make_section("failures", "Why queries fail today", [Text(describe_failures(analysis.baseline, counts))])
    causes = counts["causes"]
    return make_section(
        "failures",
        "Why queries fail today",
        [
            Text(describe_failures(analysis.baseline, counts)),
            Chart(
                draw_causes(counts),
                "Failed queries by cause. " + ", ".join(f"{CAUSE_TITLES[cause]}: {causes[cause]}" for cause in CAUSES),
            ),
            Table(
                columns=("Cause", "Queries", "What it means"),
                rows=tuple((CAUSE_TITLES[cause], f"{causes[cause]:,}", CAUSE_WORDS[cause]) for cause in CAUSES),
                numbers=(1,),
            ),
            Text(f"{FAILS} Every failed query has one cause, the first that holds.", "note"),
        ],
    )


def write_headroom(assessment: Assessment, colours: Mapping[str, str]) -> Section | None:
    """What each fix could gain at best, and what the baseline lacks to a perfect score; None if no bound could be measured."""
    headroom = assessment.analysis.headroom
    if not headroom["bounds"]:
        return None
    bounds = sorted(headroom["bounds"], key=lambda bound: -bound["gain"])
    gap = list_gap(headroom)
    shares = "; ".join(f"{title} {share:.3f}" for _, title, share in gap)
    gains = "; ".join(f"{FIX_TITLES[bound['fix']]} {bound['gain']:+z.3f}" for bound in bounds)
    rows = [(FIX_TITLES[bound["fix"]], f"{bound['gain']:+z.3f}", describe_bound(bound)) for bound in bounds]
    return make_section(
        "headroom",
        "What could be gained at best",
        [
            Text(AT_BEST),
            Chart(
                draw_headroom(headroom, colours=colours),
                f"At best, over {headroom['mean']:.3f} of {headroom['system']}: {gains}.",
                480,
            ),
            Table(columns=("Fix", "At best", "What it supposes"), rows=tuple(rows), numbers=(1,)),
            Text(LUCK, "note"),
            Text(f"What {headroom['system']} lacks to a perfect score has three parts, which do add up:", "intro"),
            Chart(draw_gap(headroom, colours=colours), f"Parts of a perfect score: {shares}.", 480),
            Table(
                columns=("Part", "Share", "What it means"),
                rows=tuple((title, f"{share:.3f}", GAP_WORDS.get(part, "what it scores now.")) for part, title, share in gap),
                numbers=(1,),
            ),
        ],
    )


def write_kinds(assessment: Assessment, colours: Mapping[str, str]) -> Section | None:
    """The mean of each kind of query under the baseline and the recommended system; None without kinds."""
    slices = assessment.analysis.slices
    known = set(slices["system"])
    systems = [name for name in _list_both(assessment) if name in known]
    shown = slices[slices["system"].isin(systems)]
    if shown.empty:
        return None
    rows = []
    for kind, group in shown.groupby("slice", sort=False):
        by_system = {row.system: row for row in group.itertuples()}
        cells = [f"{by_system[name].mean:.3f}" if name in by_system else "" for name in systems]
        first = group.iloc[0]
        rows.append((str(kind), f"{int(first['n'])}{' (few)' if bool(first['small']) else ''}", *cells))
    told = "; ".join(f"{row[0]}: {', '.join(row[2:])}" for row in rows)
    return make_section(
        "kinds",
        "Which kinds of queries are hard",
        [
            Text(f"Mean {assessment.primary} of {join_words(systems)}. A query may be of several kinds."),
            Chart(
                draw_slices(shown, systems=systems, measure=assessment.primary, colours=colours),
                f"Mean {assessment.primary} of {join_words(systems)} by kind of query. {told}.",
                480,
            ),
            Table(
                columns=("Kind", "Queries", *systems),
                rows=tuple(rows),
                numbers=tuple(range(1, 2 + len(systems))),
            ),
            Text("Hollow in the chart, and “few” in the table: too few queries to say anything of their kind.", "note")
            if shown["small"].any()
            else None,
        ],
    )


def _list_both(assessment: Assessment) -> list[str]:
    """The baseline and the recommended system; one name if they are the same."""
    return list(dict.fromkeys((assessment.analysis.baseline, assessment.recommendation.system)))
