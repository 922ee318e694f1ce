"""Queries as evidence: what the recommended system fixes and breaks, with ranks before and after and the answer's text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from core.data.dataset import Dataset
from core.evaluation.answers import find_holding_hits, rank_answers
from core.recommendation.assess import Assessment
from core.schema import RUN_DEPTH, select_relevant, to_document_run
from pages.shared.frame.links import Link, go
from pages.shared.frame.text import escape_html, escape_markdown, mark_spans, shorten, show_html
from pages.shared.show.cards import Hit, cut_excerpt, find_spans

_TITLE, _QUERY = 90, 220  # signs shown of a title and a query


@dataclass(frozen=True)
class Example:
    """One query under two systems. before, after: rank of the answer, inf if it is not among the first hundred.

    answer: the document with the answer as the better of the two found it, None if neither did.
    """

    query_id: str
    text: str
    before: float
    after: float
    answer: Hit | None


def make_examples(assessment: Assessment, dataset: Dataset, query_ids: Sequence[str], *, system: str) -> list[Example]:
    """The queries that are still in the dataset, in order, under the baseline and the system."""
    texts = dict(zip(dataset.queries["query_id"], dataset.queries["text"], strict=True))
    ids = [query_id for query_id in query_ids if query_id in texts]
    judgments = dataset.judgments[dataset.judgments["query_id"].isin(ids)]
    evidence = dataset.evidence[dataset.evidence["query_id"].isin(ids)]
    runs = {}
    for name in (assessment.analysis.baseline, system):
        run = assessment.experiment.runs[name]
        runs[name] = run[run["query_id"].isin(ids)]
    ranks = {name: rank_answers(run, judgments, evidence) for name, run in runs.items()}
    examples = []
    for query_id in ids:
        before, after = (float(ranks[name].get(query_id, np.inf)) for name in (assessment.analysis.baseline, system))
        better = system if after <= before else assessment.analysis.baseline
        answer = _find_answer(query_id, runs[better], dataset, evidence=evidence, judgments=judgments)
        examples.append(Example(query_id, texts[query_id], before, after, answer))
    return examples


def _find_answer(
    query_id: str, run: pd.DataFrame, dataset: Dataset, *, evidence: pd.DataFrame, judgments: pd.DataFrame
) -> Hit | None:
    """The first hit of the run that holds the answer, with its document's text."""
    own, spans = run[run["query_id"] == query_id], find_spans(dataset, query_id)
    if spans:
        held = find_holding_hits(own, evidence[evidence["query_id"] == query_id])
        hits = own[own["chunk_id"].isin(held["chunk_id"])]
    else:
        wanted = select_relevant(judgments[judgments["query_id"] == query_id])["doc_id"]
        first = to_document_run(own[own["doc_id"].isin(set(wanted))])
        hits = own[own["chunk_id"].isin(first["chunk_id"])]
    if hits.empty:
        return None
    hit = hits.sort_values("rank", kind="stable").iloc[0]
    rows = dataset.documents[dataset.documents["doc_id"] == hit["doc_id"]]
    if rows.empty:
        return None
    text = str(rows["text"].iloc[0])
    start, end = min(int(hit["start"]), len(text)), min(int(hit["end"]), len(text))
    return Hit(
        rank=int(hit["rank"]),
        doc_id=str(hit["doc_id"]),
        title=str(rows["title"].iloc[0]),
        text=text,
        start=start,
        end=end,
        label="relevant",
        spans=spans.get(str(hit["doc_id"]), ()),
        score=float(hit["score"]),
    )


def say_rank(rank: float) -> str:
    """ "rank 3", or that the answer is not among the hits; rank: infinity for that."""
    return f"rank {int(rank)}" if np.isfinite(rank) else f"not among the first {RUN_DEPTH}"


def show_examples(assessment: Assessment, dataset: Dataset, query_ids: Sequence[str], *, key: str) -> None:
    """A card per query: its text, the answer's rank before and after, the answer's text, and a way to its page."""
    system, baseline = assessment.recommendation.system, assessment.analysis.baseline
    for place, example in enumerate(make_examples(assessment, dataset, query_ids, system=system)):
        with st.container(border=True):
            show_html(_STYLE + _draw(example, baseline=baseline, system=system))
            if st.button("Compare the hits", key=f"{key}_{place}", type="tertiary", icon=":material/manage_search:"):
                open_query(assessment, example.query_id)


def _draw(example: Example, *, baseline: str, system: str) -> str:
    words = (
        f"{escape_html(baseline)}: {say_rank(example.before)} <span aria-hidden='true'>→</span> "
        f"<strong>{escape_html(system)}: {say_rank(example.after)}</strong>"
    )
    parts = [f'<div class="asked">{escape_html(shorten(example.text, width=_QUERY))}</div><div class="moved">{words}</div>']
    if example.answer is not None:
        hit = example.answer
        start, end = cut_excerpt(hit)
        inside = [(max(a, start) - start, min(b, end) - start) for a, b in hit.spans if a < end and b > start]
        body = mark_spans(hit.text[start:end], inside)
        title = escape_html(shorten(hit.title.strip() or hit.doc_id, width=_TITLE))
        edges = ("… " if start > 0 else "", " …" if end < len(hit.text) else "")
        parts.append(f'<div class="answer"><span>{title}</span> {edges[0]}{body}{edges[1]}</div>')
    return f'<div class="example">{"".join(parts)}</div>'


def link_queries(assessment: Assessment, dataset: Dataset, query_ids: Sequence[str], *, key: str) -> None:
    """One line per query that opens it; a tuning query cannot be opened, as the experiment holds the test queries only."""
    texts = dict(zip(dataset.queries["query_id"], dataset.queries["text"], strict=True))
    tested = set(assessment.split["test_ids"])
    for place, query_id in enumerate(query_ids):
        label = f"{shorten(query_id, width=40)}: {shorten(texts.get(query_id, 'no longer in the dataset'), width=110)}"
        if query_id in tested and query_id in texts:
            if st.button(escape_markdown(label), key=f"{key}_{place}", type="tertiary", icon=":material/manage_search:"):
                open_query(assessment, query_id)
        else:
            st.markdown(escape_markdown(f"{label} (tuning query)" if query_id in texts else label))


def open_query(assessment: Assessment, query_id: str) -> None:
    """The page Queries at this query, with the baseline and the recommended system side by side."""
    names = dict.fromkeys((assessment.analysis.baseline, assessment.recommendation.system))
    go(
        Link(
            "queries",
            experiment=assessment.id,
            split=assessment.experiment.split_used,
            query=query_id,
            systems=tuple(names),
        )
    )


_STYLE = """<style>
.example { overflow-wrap: anywhere; font-size: 0.9rem; line-height: 1.45; }
.example .asked { font-weight: 600; font-size: 1rem; }
.example .moved { margin: 0.15rem 0 0.3rem; }
.example .answer { opacity: 0.9; }
.example .answer span { font-weight: 600; margin-right: 0.3rem; }
.example mark {
  background: color-mix(in srgb, #1966cc 28%, transparent); color: inherit; border-radius: 0.15rem; padding: 0 0.1em;
}
</style>"""
