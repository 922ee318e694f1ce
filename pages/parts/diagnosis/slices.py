"""The second half of the page Diagnosis: what fixes could gain at best, which kinds of queries are hard, and metadata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.data.dataset import Dataset
from core.diagnosis.sentences import (
    AT_BEST,
    CAUSE_TITLES,
    FIX_TITLES,
    GAP_WORDS,
    LUCK,
    describe_bound,
    list_gap,
)
from core.diagnosis.slices import describe_slice
from core.evaluation.measures import CONTEXT_RECALL
from core.evaluation.per_query import pivot
from core.recommendation.assess import Assessment
from core.report.figures.diagnosis import draw_gap, draw_headroom, draw_slices
from core.text.phrases import count_of, join_words
from pages.parts.diagnosis.failures import colour_systems, draw, link_query, read_click, show_facts
from pages.parts.queries.query_view import describe_filter
from pages.shared.frame.address import follow_link, keep_in_link
from pages.shared.frame.links import Link, go
from pages.shared.frame.text import escape_markdown, shorten
from pages.shared.show.measure_words import MEASURE_WORDS

_SLICE = "slice"  # also the name in the link
_NONE = ""
_MOST_ROWS = 8  # of a table before it scrolls
_MOST_LINKS = 12
_STRONG, _WEAK = 0.3, 0.1  # separation from which a field tells answers from other hits well, and hardly


def explain_measure(measure: str) -> str:
    """What the primary measure says, as a help text."""
    return f"{escape_markdown(measure)}, the {MEASURE_WORDS.get(measure, '')}. 1 is perfect."


def show_headroom(assessment: Assessment) -> None:
    """At best: separate bars from the baseline, each with its sentence; then where the gap to a perfect score lies."""
    headroom = assessment.readings.headroom
    measure, mean = str(headroom["measure"]), float(headroom["mean"])
    name = escape_markdown(headroom["system"])
    st.subheader("What could each fix gain?", help=explain_measure(measure))
    bounds = headroom["bounds"]
    if not headroom["n"] or not bounds:
        st.info("No test query has an answer to be found, so nothing can be gained.")
        return
    st.markdown(f"The score is {explain_measure(measure)}")
    st.markdown("##### At best")
    st.markdown(f"{AT_BEST} The line is {name}, today's system: {mean:.3f} over {count_of(headroom['n'], 'test query')}.")
    listed = ", ".join(f"{FIX_TITLES[bound['fix']].lower()} {bound['gain']:+.3f}" for bound in bounds)
    draw(
        draw_headroom(headroom, colours=colour_systems(assessment)),
        key="chart_headroom",
        alt=f"At best, each alone, from {headroom['system']} {mean:.3f}: {listed}.",
    )
    rows = [
        (FIX_TITLES[bound["fix"]], describe_bound(bound), f"{bound['gain']:+.3f}" if bound["gain"] >= 0.0005 else "nothing")
        for bound in sorted(bounds, key=lambda bound: -float(bound["gain"]))
    ]
    show_facts(("Fix", "What it supposes, and what luck was taken off", "At best"), rows)
    st.caption(LUCK)
    _show_gap(assessment, headroom)


def _show_gap(assessment: Assessment, headroom: Mapping[str, Any]) -> None:
    parts = list_gap(headroom)
    lost = 1.0 - parts[0][2]
    st.markdown(
        "##### Where is the rest lost?",
        help=f"A perfect score is 1. The parts add up to it. Over {count_of(headroom['judged'], 'judged query')}, those "
        "without an answer in the corpus too, which score 0.",
    )
    if lost < 0.0005:
        st.info("Nothing is lost: the score is perfect.")
        return
    draw(
        draw_gap(headroom, colours=colour_systems(assessment)),
        key="chart_gap",
        alt="; ".join(f"{title} {share:.3f}" for _, title, share in parts),
    )
    for part, title, share in parts[1:]:
        st.markdown(f"**{title}, {share:.3f}**: {GAP_WORDS[part]}")


def show_slices(assessment: Assessment, dataset: Dataset) -> None:
    """The primary measure by kind of query, for the baseline and the recommended system; a kind's queries."""
    slices = assessment.readings.slices
    st.subheader(
        "Which kinds of queries are hard?",
        help="Kinds are found in the queries themselves; a query can be of several. " + explain_measure(assessment.primary),
    )
    present = set(slices["system"])
    systems = [name for name in _name_pair(assessment) if name in present]
    if not systems:
        st.info("No kind was found among these queries: none has a code, a rare term, a filter or a tag.")
        return
    slices = slices[slices["system"].isin(systems)]
    pair = " and ".join(f"{escape_markdown(name)}" for name in systems)
    few = " Hollow dots are of fewer than five queries, too few to say anything." if slices["small"].any() else ""
    st.caption(
        f"A dot is the mean of {pair}; the line through it is the 95 % interval. Long lines mean few queries.{few} "
        "Click a dot to list its queries."
    )
    _read_slice(list(dict.fromkeys(slices["slice"])))
    listed = ", ".join(f"{row.slice} {row.mean:.3f}" for row in slices[slices["system"] == systems[-1]].itertuples())
    draw(
        draw_slices(slices, systems=systems, measure=assessment.primary, colours=colour_systems(assessment)),
        key="chart_slices",
        alt=f"{assessment.primary} of {systems[-1]} by kind of query: {listed}.",
        on_select=_take_slice,
    )
    chosen = _choose_slice(slices, systems[0])
    if chosen != _NONE:
        _list_slice(chosen, assessment, dataset, systems=systems)
    with st.expander("All kinds as a table"):
        _show_slice_table(slices, systems)


def _name_pair(assessment: Assessment) -> list[str]:
    """The baseline and the recommended system, once if they are the same."""
    return list(dict.fromkeys((assessment.readings.baseline, assessment.recommendation.system)))


def _take_slice() -> None:
    clicked = read_click("chart_slices")
    if clicked:
        st.session_state[_SLICE] = clicked


def _read_slice(names: Sequence[str]) -> None:
    asked = next(iter(follow_link(_SLICE) or []), None)
    if asked is not None and asked not in names:
        st.warning(f"The kind of query {escape_markdown(shorten(asked))} is not here. Choose one of those below.")
    if asked in names:
        st.session_state[_SLICE] = asked
    elif st.session_state.get(_SLICE) not in names:
        st.session_state[_SLICE] = _NONE


def _choose_slice(slices: pd.DataFrame, system: str) -> str:
    counts = slices[slices["system"] == system].set_index("slice")["n"]
    place, _ = st.columns([1, 1])
    explained = "\n\n".join(f"**{escape_markdown(name)}**: {escape_markdown(describe_slice(name))}" for name in counts.index)
    chosen: str = place.selectbox(
        "Queries of a kind",
        [_NONE, *counts.index],
        key=_SLICE,
        persist_state="session",
        format_func=lambda name: f"{name} ({counts[name]:,})" if name else "choose a kind",
        help=explained,
    )
    keep_in_link(_SLICE, [chosen] if chosen else [])
    return chosen


def _list_slice(name: str, assessment: Assessment, dataset: Dataset, *, systems: Sequence[str]) -> None:
    """The kind's queries, hardest for the baseline first, with what each system makes of them; a row opens the query."""
    texts = dict(zip(dataset.queries["query_id"], dataset.queries["text"], strict=True))
    values = assessment.experiment.per_query
    values = pivot(values[(values["measure"] == assessment.primary) & values["system"].isin(systems)])
    ids = [query_id for query_id in assessment.readings.members.get(name, []) if query_id in values.index]
    failures = assessment.readings.failures
    causes = dict(zip(zip(failures["system"], failures["query_id"], strict=True), failures["cause"], strict=True))
    table = pd.DataFrame({"Query": [texts.get(query_id, query_id) for query_id in ids]})
    for place, system in enumerate(systems):
        table[f"value {place}"] = values.loc[ids, system].to_numpy()
        why = [causes.get((system, query_id)) for query_id in ids]
        table[f"cause {place}"] = [f"✗ {CAUSE_TITLES[cause].lower()}" if cause else "✓ found" for cause in why]
    table["Query id"] = ids
    table = table.sort_values("value 0", kind="stable", ignore_index=True)
    config: dict[str, Any] = {"Query": st.column_config.TextColumn(width="large")}
    several = assessment.primary == CONTEXT_RECALL
    longer = " The score looks further: 1,000 tokens are more than five hits where chunks are short." if several else ""
    for place, system in enumerate(systems):
        label = shorten(system, width=26)
        config[f"value {place}"] = st.column_config.NumberColumn(
            label, format="%.3f", help=f"{escape_markdown(assessment.primary)} of {escape_markdown(system)} on this query."
        )
        words = f"Whether {escape_markdown(system)} has the answer among its first five hits, else why not.{longer}"
        config[f"cause {place}"] = st.column_config.TextColumn("Found?", help=words)
    st.caption(escape_markdown(describe_slice(name)) + " Hardest first. Select a row to open the query.")
    state = st.dataframe(
        table,
        column_config=config,
        hide_index=True,
        height=38 + 35 * min(len(table), _MOST_ROWS),
        key="slice_queries",
        on_select="rerun",
        selection_mode="single-row",
        alt=f"{len(table)} queries of the kind {name}.",
    )
    picked = [row for row in state["selection"]["rows"] if row < len(table)]
    if picked:
        experiment = assessment.experiment
        go(
            Link(
                "queries",
                dataset=str(experiment.dataset["name"]),
                experiment=experiment.id,
                query=str(table["Query id"].iloc[picked[0]]),
                systems=tuple(systems),
            )
        )


def _show_slice_table(slices: pd.DataFrame, systems: Sequence[str]) -> None:
    rows = []
    for name, group in slices.groupby("slice", sort=False):
        own = group.set_index("system")
        cells = {
            f"mean {place}": f"{own.at[system, 'mean']:.3f} ({own.at[system, 'low']:.3f} to {own.at[system, 'high']:.3f})"
            for place, system in enumerate(systems)
        }
        count = int(group["n"].iloc[0])
        rows.append({"Kind": name, "Queries": count, **cells, "What it is": describe_slice(str(name))})
    config: dict[str, Any] = {
        f"mean {place}": st.column_config.TextColumn(shorten(system, width=26), help="Mean with its 95 % interval.")
        for place, system in enumerate(systems)
    }
    st.dataframe(pd.DataFrame(rows), column_config=config, hide_index=True, alt="The measure by kind of query.")


def show_metadata(assessment: Assessment, dataset: Dataset) -> None:
    """Which fields could filter, the filters that could be read off queries, and answers that filters throw away."""
    metadata = assessment.readings.metadata
    st.subheader(
        "Would metadata filters help?",
        help="Metadata are the facts that documents carry besides their text, such as product or version. A filter searches "
        "only the documents that have the right one.",
    )
    if not metadata["fields"]:
        st.info("The documents carry no metadata that tells them apart, so there is nothing to filter by.")
        return
    st.markdown(escape_markdown(_describe_fields(metadata["fields"], metadata["recommended"], assessment.split["tuning"])))
    _show_fields(metadata["fields"])
    texts = dict(zip(dataset.queries["query_id"], dataset.queries["text"], strict=True))
    _show_proposals(metadata, assessment, texts)
    _show_lost(metadata["lost_by_own_filter"], assessment, dataset, texts)


def _describe_fields(fields: Sequence[Mapping[str, Any]], recommended: Sequence[str], tuning: int) -> str:
    """What the advice comes to. Plain text."""
    if recommended:
        return (
            f"It is safe to read a filter off the query by {join_words(list(recommended))}: on the tuning queries that name "
            "such a value the answer passes."
        )
    named = [field for field in fields if field["named"]]
    if not named:
        return (
            f"None of the {count_of(tuning, 'tuning query')} without a filter names a value of these fields, so no filter can "
            "be read off the text. Filters that queries carry themselves are not touched by this."
        )
    lost = [f"{field['field']} ({field['thrown_away']} of {field['named']})" for field in named if field["thrown_away"]]
    if not lost:
        return "Too few queries name a value to say whether a filter read off the text is safe: at least 3 are needed."
    return (
        "Do not read filters off the text of queries: answers would be thrown away by " + join_words(lost) + ". "
        "Filters that queries carry themselves are not touched by this."
    )


def _show_fields(fields: Sequence[Mapping[str, Any]]) -> None:
    rows = [
        {
            "Field": field["field"],
            "Have it %": 100 * field["coverage"],
            "Values": field["distinct"],
            "Tells answers apart": _say_separation(field["separation"]),
            "Named": field["named"],
            "Answer kept": field["kept"],
            "Thrown away": field["thrown_away"],
            "Read off queries": "✓ yes" if field["recommended"] else "✗ no",
        }
        for field in fields
    ]
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    config = {
        "Field": text(pinned=True),
        "Have it %": number(format="%.0f", help="Share of the documents that carry the field."),
        "Values": number(help="How many different values it has."),
        "Tells answers apart": text(
            help="Among the first ten hits of queries that ask for a value: the share of the answers that have it, minus the "
            "share of the other hits that have it. 1: all answers and nothing else; 0: no difference."
        ),
        "Named": number(help="Tuning queries without a filter whose text names a value of the field."),
        "Answer kept": number(help="Of those, queries with an answer that passes the filter."),
        "Thrown away": number(help="Of those, queries whose answers are all left out by the filter."),
        "Read off queries": text(
            help="Yes if at least 3 queries with an answer name a value and at most 2 % of them would lose it."
        ),
    }
    st.dataframe(pd.DataFrame(rows), column_config=config, hide_index=True, alt="Metadata fields and what they are good for.")


def _say_separation(separation: float | None) -> str:
    if separation is None:
        return "not known"
    words = ((_STRONG, "well"), (_WEAK, "a little"), (-_WEAK, "no"), (-1.0, "the wrong way"))
    return f"{next(word for least, word in words if separation >= least)} ({separation:+.2f})"


def _show_proposals(metadata: Mapping[str, Any], assessment: Assessment, texts: Mapping[str, str]) -> None:
    proposals = metadata["proposals"]
    if not proposals:
        return
    lost = list(metadata["thrown_away"])
    st.markdown("##### Filters that test queries name")
    st.markdown(
        escape_markdown(
            f"{count_of(len(proposals), 'test query')} without a filter {'names' if len(proposals) == 1 else 'name'} one. "
            f"The answer passes for {metadata['kept']:,}; for {len(lost):,} it would be thrown away."
        )
    )
    rows = pd.DataFrame(
        {
            "Query": [texts.get(row["query_id"], row["query_id"]) for row in proposals],
            "Filter": ["; ".join(describe_filter(row["filter"])) for row in proposals],
            "Answer": [_say_kept(row["keeps"]) for row in proposals],
            "Query id": [row["query_id"] for row in proposals],
        }
    )
    order = rows["Answer"].map({_say_kept(False): 0, _say_kept(True): 1, _say_kept(None): 2})
    rows = rows.iloc[order.sort_values(kind="stable").index]
    config = {"Query": st.column_config.TextColumn(width="large")}
    st.dataframe(
        rows,
        column_config=config,
        hide_index=True,
        height=38 + 35 * min(len(rows), _MOST_ROWS),
        alt=f"Filters read off {len(rows)} queries, and whether the answer passes.",
    )
    _link_some(lost, assessment, texts)


def _say_kept(keeps: bool | None) -> str:
    return "? not known" if keeps is None else "✓ passes" if keeps else "✗ thrown away"


def _show_lost(lost: Sequence[str], assessment: Assessment, dataset: Dataset, texts: Mapping[str, str]) -> None:
    """Answers that the filters the queries carry themselves leave out."""
    if not any(dataset.queries["filter"]):
        return
    st.markdown("##### Answers lost by the queries' own filters")
    if not lost:
        st.markdown("None: every test query's own filter lets an answer pass.")
        return
    st.markdown(
        f"The own filter of {count_of(len(lost), 'test query')} leaves out every answer. Correct the filter, the metadata of "
        "the documents, or the labels."
    )
    _link_some(lost, assessment, texts)


def _link_some(query_ids: Sequence[str], assessment: Assessment, texts: Mapping[str, str]) -> None:
    ready = assessment.experiment.ready
    systems = [name for name in _name_pair(assessment) if name in ready]
    for query_id in query_ids[:_MOST_LINKS]:
        if query_id in texts:
            link_query(query_id, assessment, systems=systems, label=shorten(texts[query_id], width=100))
    if len(query_ids) > _MOST_LINKS:
        st.caption(f"And {len(query_ids) - _MOST_LINKS:,} more.")
