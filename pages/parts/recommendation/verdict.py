"""The recommendation as a reader meets it: verdict, ladder and report first, then examples, reasons and limits."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.data.dataset import Dataset
from core.evaluation.measures import explain_measure
from core.evaluation.verdicts import HARM
from core.ladder.rows import list_comparisons, word_verdict
from core.recommendation.assess import Assessment
from core.recommendation.recommend import Recommendation
from core.report.figures.ladder import LEAST_WIDTH, choose_shape, describe_ladder, draw_ladder
from core.report.figures.stability import describe_stability, draw_stability
from core.systems.build import resolve_language
from core.systems.system import System
from core.systems.yaml_files import from_spec, write_systems
from pages.parts.recommendation.examples import link_queries, show_examples
from pages.shared.frame import links
from pages.shared.frame.text import escape_markdown, show_html
from pages.shared.show.charts import CONFIG
from pages.shared.show.colours import style_system

_TRAINING_HELP = (
    "Fine-tuning means to train a model on your own queries. It costs labels, time and upkeep, so it comes last: yes only "
    "once it was measured to help, not yet while a cheaper fix helps or was not measured, no where there is next to nothing "
    "to gain or the target is met without it."
)
# The verdict, the ladder and the report fit into a laptop's window, without scrolling.
_COSTS = "What it costs"
_FOLD = "<style>[data-testid='stMainBlockContainer'] { padding-top: 1.5rem; }</style>"
_READ_LADDER = (
    "From left to right the fixes become dearer. Of each rung the variant that was best on the tuning queries stands here, on "
    "top of what was kept before.\n\n"
    "**Filled dot**: kept, as it gained enough on the tuning queries. **Hollow dot**: tried, not kept. **Dashed ring**: not "
    "measured. **Line**: the best so far. **Bar**: 95 % interval of the change against the line that comes from the left; "
    "where the bar crosses that line, the test queries do not tell the two apart.\n\n"
    "**better / worse**: real by two tests, corrected for trying many rungs, and large enough to matter. **no useful "
    "difference**: certainly too small to matter. **cannot tell**: too few queries to say. **cannot be judged**: a side "
    "that it relies on could not work on these data. **ms/query**: added to the median time of one query here. "
    "**once**: work to adopt it."
)


def describe_place(assessment: Assessment | None, dataset_name: str) -> str:
    """The line under the title. Plain text."""
    if assessment is None:
        return f"Dataset {dataset_name}." if dataset_name else "No dataset is loaded yet."
    counts, day = assessment.split, assessment.experiment.created[:16].replace("T", " ")
    return (
        f"Dataset {dataset_name}, {day}. Everything was chosen on {counts['tuning']} tuning queries and is judged on "
        f"{counts['test']} others."
    )


def tighten() -> None:
    """Less room above the title, so that verdict, ladder and report stand in the window together."""
    show_html(_FOLD)


def show_verdict(assessment: Assessment) -> None:
    """One sentence, how sure, and whether to train a model."""
    said = assessment.recommendation
    st.subheader(escape_markdown(said.sentence), anchor=False)
    if said.target is not None:
        st.markdown(escape_markdown(describe_target(said.target)))
    left, right = st.columns(2)
    left.markdown(f"**How sure?** {escape_markdown(said.how_sure)}", help=explain_sureness(assessment))
    answer, reason = (escape_markdown(said.fine_tuning[part]) for part in ("answer", "reason"))
    right.markdown(f"**Fine-tuning: {answer}.** {reason}", help=_TRAINING_HELP)


def explain_sureness(assessment: Assessment) -> str:
    """Help for the sentence that says how sure it is; Markdown."""
    measure = escape_markdown(assessment.primary)
    return (
        f"**{measure}**: {explain_measure(assessment.primary)} It is the measure that chose.\n\n"
        "**Real**: two tests agree that the gain over today's system is more than luck, after correction for trying many "
        "things. **Cannot tell**: these queries are too few to say; more queries would.\n\n"
        "The two numbers after the gain are its 95 % interval: the range in which the true gain most likely lies."
    )


def describe_target(target: Mapping[str, Any]) -> str:
    """ "Target reached: Success@5 0.831 of 0.800." Plain text."""
    reached = "Target reached" if target["met"] else "Target missed"
    mean = "not measured" if target["mean"] is None else f"{target['mean']:.3f}"
    return f"{reached}: {target['measure']} {mean}, wanted {target['value']:.3f}."


def show_ladder(assessment: Assessment) -> None:
    """The drawing, which scrolls sideways in a narrow window, and what is to be said about single rungs."""
    colours = {row["system"]: style_system(row["system"])[0] for row in assessment.ladder if row["system"]}
    figure = draw_ladder(assessment, colours)
    if not figure["data"]:
        st.info("No query of the test half has a relevant label, so there is no ladder to draw.")
        return
    st.markdown(f"**The ladder, cheapest fix first** ({escape_markdown(assessment.primary)})", help=_READ_LADDER)
    show_html(
        "<style>.st-key-ladder { overflow-x: auto; } "
        f".st-key-ladder > [data-testid='stElementContainer'], .st-key-ladder [data-testid='stPlotlyChart'] "
        f"{{ min-width: {LEAST_WIDTH}px; }}</style>"
    )
    with st.container(key="ladder"):
        st.plotly_chart(go.Figure(figure), key="ladder_chart", alt=describe_ladder(assessment), config=CONFIG)


def show_remarks(assessment: Assessment) -> None:
    """Why rungs were not measured, what to know of those that were, and the legend in a line."""
    measure = assessment.primary
    lines = [f"{measure}: {explain_measure(measure)}"]
    lines.append("Filled dots were kept, hollow ones tried and not kept, dashed rings not measured.")
    remarks: dict[str, list[str]] = {}
    for row in assessment.ladder:
        remark = row["note"] or row["why_not"]
        if remark:
            remarks.setdefault(remark, []).append(row["title"])
    lines += [f"{', '.join(titles)}: {remark}" for remark, titles in remarks.items()]
    st.caption(escape_markdown(" ".join(lines)))


def show_downloads(assessment: Assessment, dataset: Dataset) -> None:
    """The report and the system to take along; each is made when its button is pressed."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", dataset.name).strip("-") or "dataset"
    system = re.sub(r"[^A-Za-z0-9_-]+", "-", assessment.recommendation.system).strip("-") or "system"

    def make_html() -> str:
        from core.report.render.html import render_report

        return render_report(assessment, dataset)

    def make_markdown() -> str:
        from core.report.render.markdown import render_markdown

        return render_markdown(assessment, dataset)

    def make_yaml() -> str:
        return write_systems([find_system(assessment)])

    def make_program() -> str:
        from core.export.program.write import write_program

        return write_program(
            resolve_language(find_system(assessment), dataset),
            dataset_name=dataset.name,
            leave_out_query=dataset.asks_by_document,
        )

    with st.container(horizontal=True, key="downloads"):
        told = "One web page for people who were not in the room. It opens without a network and prints to A4."
        _offer("Download report", make_html, f"{name}-recommendation.html", kind="text/html", help=told, type="primary")
        told = "The same report as text, for a repository or a wiki."
        _offer("Markdown", make_markdown, f"{name}-recommendation.md", kind="text/markdown", help=told)
        told = "The recommended system's settings; the command line and the page Experiment read them."
        _offer("System (YAML)", make_yaml, f"{system}.yaml", kind="application/yaml", help=told)
        told = "The recommended system as a short program of its own, with chromadb and sentence-transformers."
        _offer("Program (Python)", make_program, f"{system.replace('-', '_')}.py", kind="text/x-python", help=told)


def _offer(
    label: str,
    make: Callable[[], str],
    file: str,
    *,
    kind: str,
    help: str,
    type: Literal["primary", "secondary"] = "secondary",
) -> None:
    # st.download_button calls a function only when it is pressed; the page itself never waits for a report.
    st.download_button(
        label, make, file_name=file, mime=kind, help=help, type=type, icon=":material/download:", on_click="ignore",
        key=f"download_{kind}",
    )  # fmt: skip


def find_system(assessment: Assessment) -> System:
    """The recommended system as it was run."""
    name = assessment.recommendation.system
    return from_spec(next(system.spec for system in assessment.experiment.systems if system.name == name))


def show_doubts(assessment: Assessment) -> None:
    """What to know before relying on it: flags, and variants that could not run, those with the same reason together."""
    for flag in assessment.recommendation.flags:
        st.warning(escape_markdown(flag))
    reasons: dict[str, list[str]] = {}
    for name, error in assessment.errors.items():
        reasons.setdefault(error, []).append(name)
    for error, names in reasons.items():
        st.warning(f"Could not run: **{escape_markdown(', '.join(names))}**. {escape_markdown(error)}")


def show_evidence(assessment: Assessment, dataset: Dataset) -> None:
    """Queries it fixes and one it breaks."""
    said = assessment.recommendation
    if said.fixes or said.breaks:
        left, right = st.columns(2)
        with left:
            st.subheader("Queries it fixes", anchor=False, help="The answer comes into the first five; largest gains first.")
            show_examples(assessment, dataset, said.fixes, key="fixes")
            if not said.fixes:
                st.caption("No test query gains its answer among the first five.")
        with right:
            st.subheader("A query it breaks", anchor=False, help="The answer was among the first five and no longer is.")
            show_examples(assessment, dataset, said.breaks, key="breaks")
            if not said.breaks:
                st.caption("None: no test query loses its answer from the first five.")


def show_reasons(assessment: Assessment) -> None:
    """Why, what next; what was ruled out, what it costs; what would change it, how stable it is."""
    said = assessment.recommendation
    pairs: list[tuple[tuple[str, Sequence[str], str], tuple[str, Sequence[str], str]]] = [
        (("What to do next", said.next, "Nothing: keep what you have."), ("Why", said.reasons, "")),
        (
            (_COSTS, said.costs, "Nothing: no rung was climbed."),
            ("What can go wrong", said.risks, "No risk was seen on the test queries."),
        ),
        (
            ("What was ruled out, and why", _say_ruled_out(said), "Nothing: every rung that was measured is used."),
            ("What would change the answer", said.changes, "Nothing that was looked at."),
        ),
    ]
    for pair in pairs:
        for column, (title, lines, none) in zip(st.columns(2), pair, strict=True):
            with column:
                st.subheader(title, anchor=False)
                show_lines(lines, none=none)
                if title == _COSTS and st.button("Reckon costs and latency", key="to_costs", icon=":material/payments:"):
                    links.go(links.Link("cost_latency"))


def _say_ruled_out(said: Recommendation) -> list[str]:
    return [f"{row['title']}. {row['why']}" for row in said.ruled_out]


def show_lines(lines: Sequence[str], *, none: str = "") -> None:
    """Sentences as a list; shown as plain text."""
    if lines:
        st.markdown("\n".join(f"- {escape_markdown(line)}" for line in lines))
    elif none:
        st.markdown(escape_markdown(none))


def show_stability(assessment: Assessment, dataset: Dataset) -> None:
    """How often the same came out over the re-splits, which queries decide it, and labels that need a look."""
    said = assessment.recommendation
    figure = draw_stability(said)
    more = said.stability["deciding"] or said.suspects
    left, right = st.columns(2) if more else (st.container(), st.container())
    with left:
        st.subheader("Would it come out again?", anchor=False, help="Another draw of tuning and test queries, the whole ladder "
                     "climbed anew on each. A verdict that changes from draw to draw owes much to chance.")  # fmt: skip
        told = describe_stability(said)
        st.markdown(escape_markdown(told or "The queries were not split anew."))
        if figure["data"]:
            st.plotly_chart(go.Figure(figure), key="stability", alt=told, config=CONFIG)
    with right:
        if said.stability["deciding"]:
            st.subheader("Queries that decide it", anchor=False, help="Without these the gain would no longer be significant.")
            link_queries(assessment, dataset, said.stability["deciding"], key="deciding")
        if said.suspects:
            st.subheader("Labels to check", anchor=False, help="Embeddings and word matching agree on other documents than the "
                         "labels name. Either both are wrong, or the label is.")  # fmt: skip
            link_queries(assessment, dataset, said.suspects, key="suspects")


def show_split(assessment: Assessment) -> None:
    """How the queries were divided, folded."""
    split = assessment.split
    with st.expander("How the queries were split", icon=":material/call_split:"):
        how = "as the data came with it" if split["given"] else "drawn with a seed, so that it is the same again"
        show_lines(
            [
                f"{split['tuning']} tuning queries: all choices were made on these.",
                f"{split['test']} test queries: looked at once, for what is reported here.",
                f"The split is {how}.",
                f"{split['groups']} groups: queries that say the same, or rest on the same passage, are never on both sides."
                if not split["given"]
                else f"{split['groups']} groups of queries that say the same or rest on the same passage were looked for.",
            ]
        )
        for warning in split["warnings"]:
            st.warning(escape_markdown(warning))


def show_numbers(assessment: Assessment) -> None:
    """The frozen pairs with all their numbers, and every variant that was tried, folded."""
    with st.expander("All comparisons in numbers", icon=":material/table_chart:"):
        st.caption(
            "One row per rung that was measured: its chosen system against the one below it, on the test queries. All rows are "
            "judged together, so that one of many does not look better by luck."
        )
        pairs = tabulate_pairs(assessment)
        st.dataframe(
            pairs, column_config=_PAIR_COLUMNS, hide_index=True, placeholder="–", key="pairs", alt=describe_ladder(assessment)
        )
        st.caption("Every variant that was tried, with its mean on the tuning queries.")
        tried = tabulate_variants(assessment)
        st.dataframe(
            tried, column_config=_VARIANT_COLUMNS, hide_index=True, key="variants", alt=f"{len(tried)} variants, by rung."
        )


def tabulate_pairs(assessment: Assessment) -> pd.DataFrame:
    """assessment.comparisons as a frame, in its order, with the rung first and the verdict in words."""
    rungs = {row["system"]: row["title"] for row in assessment.ladder if row["system"]}
    pairs = list_comparisons(assessment.comparisons, assessment.ladder)
    frame = pd.DataFrame(pairs, columns=list(_PAIR_COLUMNS)[1:])
    frame.insert(0, "rung", [rungs.get(name, "") for name in frame["system"]])
    frame["verdict"] = [f"{choose_shape(pair)} {word_verdict(pair)}" for pair in pairs]
    return frame


def tabulate_variants(assessment: Assessment) -> pd.DataFrame:
    """rung, variant, mean (tuning), outcome; best first within a rung."""
    rows = []
    for row in assessment.ladder:
        for name, mean in sorted(row["chosen_from"].items(), key=lambda item: -item[1]):
            outcome = "" if name != row["system"] else "chosen, kept" if row["kept"] else "chosen, not kept"
            rows.append({"rung": row["title"], "variant": name, "mean": mean, "outcome": outcome})
    return pd.DataFrame(rows, columns=["rung", "variant", "mean", "outcome"])


def _number(label: str, help: str, form: str = "%.3f") -> Any:
    return st.column_config.NumberColumn(label, help=help, format=form)


_PAIR_COLUMNS: dict[str, Any] = {
    "rung": st.column_config.TextColumn("Rung", pinned=True),
    "baseline": st.column_config.TextColumn("Against", help="The system below: what was kept before this rung."),
    "system": st.column_config.TextColumn("System", help="The rung's variant that was best on the tuning queries."),
    "verdict": st.column_config.TextColumn("Verdict", help="In words; the other columns are what it rests on."),
    "delta": _number("Change", "Mean difference on the measure, over the test queries.", "%+.3f"),
    "low": _number("From", "Lower end of the change's 95 % interval.", "%+.3f"),
    "high": _number("To", "Upper end of the change's 95 % interval.", "%+.3f"),
    "p_adjusted": _number("p, corrected", "How easily luck alone gives such a change: the larger of the two tests, corrected "
                          "for judging several rungs at once. Below 0.05 counts as real.", "%.4f"),
    "p_t": _number("p, t-test", "Paired t-test on the differences per query.", "%.4f"),
    "p_randomization": _number("p, sign flips", "Share of random sign flips of the differences that give as large a change.",
                               "%.4f"),
    "wins": _number("Better", "Test queries on which the system scores higher.", "%d"),
    "ties": _number("Same", "Test queries on which both score the same.", "%d"),
    "losses": _number("Worse", "Test queries on which the system scores lower.", "%d"),
    "harmed": _number("Harmed", f"Test queries that lose more than {HARM:g}.", "%d"),
    "n": _number("Queries", "Test queries compared.", "%d"),
    "mde": _number("Detectable", "The smallest change that this many queries can show."),
    "queries_needed": _number("Would settle it", "Test queries that would make the interval narrow enough to decide.", "%d"),
    "measure": st.column_config.TextColumn("Measure", help="The measure that chose."),
}  # fmt: skip
_VARIANT_COLUMNS: dict[str, Any] = {
    "rung": st.column_config.TextColumn("Rung", pinned=True),
    "variant": st.column_config.TextColumn("Variant"),
    "mean": _number("Mean on tuning", "The rung's variant with the highest mean is chosen; of equal ones the cheapest."),
    "outcome": st.column_config.TextColumn("Outcome", help="Kept: it gained at least the smallest useful gain on tuning."),
}
