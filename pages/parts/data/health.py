"""What is loaded and how sound it is, in plain words with the numbers in them."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.data.catalog import CatalogEntry, read_notes
from core.data.dataset import Dataset
from core.data.health import Health, summarise_health
from core.data.languages import describe_languages
from core.data.write import qrels_template
from core.diagnosis.data_sides import foresee_sides
from core.diagnosis.sides import Sides
from core.settings import DEFAULT_MODEL
from core.text.phrases import count_of
from pages.parts.data.preview import show_notes
from pages.shared.frame.services import open_models
from pages.shared.show.side_notes import show_side_notes

NO_LABELS = "No labels yet: compare hits by eye; add qrels or evidence to measure"


@st.cache_data(show_spinner="Counting…", max_entries=8)
def measure_health(fingerprint: str, _dataset: Dataset) -> Health:
    """Counted once per content."""
    return summarise_health(_dataset)


@st.cache_data(show_spinner="Looking at the texts…", max_entries=8)
def measure_sides(fingerprint: str, _dataset: Dataset) -> Sides:
    """What the default model and word matching can do with the data; looked at once per content."""
    return foresee_sides(_dataset, DEFAULT_MODEL, open_models().tokenizer(DEFAULT_MODEL))


def describe_health(health: Health, dataset: Dataset) -> list[str]:
    """Plain sentences with the numbers in them."""
    lines = [_describe_documents(health)]
    if health.languages:
        lines.append(
            f"The documents are in {describe_languages(dataset)}. Word matching joins the forms of their words so, "
            "unless a system names another language."
        )
    if health.empty_documents:
        lines.append(
            f"{count_of(health.empty_documents, 'document')} without title and text cannot be found and "
            f"{'is' if health.empty_documents == 1 else 'are'} not indexed."
        )
    if health.duplicate_texts:
        verb = "repeats" if health.duplicate_texts == 1 else "repeat"
        lines.append(
            f"{count_of(health.duplicate_texts, 'document')} {verb} the text of another: copies compete in the ranking."
        )
    if not health.queries:
        return [*lines, "There are no queries: the pages Try and Data work, a comparison needs queries."]
    filters = (
        f"{health.queries_with_filter:,} of them carry a filter" if health.queries_with_filter else "none carries a filter"
    )
    lines.append(f"{count_of(health.queries, 'query')}, {filters}.")
    if health.judgments:
        lines += _describe_labels(health)
    if dataset.fixed_split:
        sizes = dataset.queries["split"].value_counts()
        lines.append(
            f"The data brings its own split: {sizes.get('tuning', 0):,} tuning, {sizes.get('test', 0):,} test queries."
        )
    return lines


def _describe_labels(health: Health) -> list[str]:
    total, labelled, marked = health.queries, health.queries_with_relevant, health.queries_with_evidence
    lines = [f"{_share(labelled, total)} a relevant document, {count_of(health.judgments, 'judgment')} in all."]
    if labelled < total:
        lines.append(f"{count_of(total - labelled, 'query')} without a relevant document: counted in no measure.")
    if marked:
        lines.append(f"{_share(marked, total)} evidence: the passage that answers is marked in the text.")
    if health.unjudged_copies:
        lines.append(health.unjudged_copies)
    if health.queries_only_missing:
        missing = count_of(health.queries_only_missing, "query")
        lines.append(f"{missing} cannot be answered: none of the relevant documents is in the corpus.")
    return lines


def _share(part: int, whole: int) -> str:
    """ "Every query has", "120 of 157 queries have", "No query has" """
    if part == whole:
        return "Every query has"
    return "No query has" if part == 0 else f"{part:,} of {count_of(whole, 'query')} {'has' if part == 1 else 'have'}"


def _describe_documents(health: Health) -> str:
    if health.documents == 1:
        return f"1 document of {health.max_words:,} words."
    return f"{health.documents:,} documents, typically {health.median_words:,.0f} words long, the longest {health.max_words:,}."


def show_counts(dataset: Dataset) -> None:
    """What is loaded, in numbers and sentences."""
    health = measure_health(dataset.fingerprint, dataset)
    shown = (
        ("Documents", health.documents, "Texts that can be found."),
        ("Queries", health.queries, "What people asked, in their words."),
        (
            "Judgments",
            health.judgments,
            "Labels that say how relevant a document is for a query; below is set from which grade on.",
        ),
        ("Queries with evidence", health.queries_with_evidence, "The passage that answers is marked in the text."),
    )
    for column, (label, number, words) in zip(st.columns(4), shown, strict=True):
        column.metric(label, f"{number:,}", help=words)
    st.markdown("\n".join(f"- {line}" for line in describe_health(health, dataset)))
    show_side_notes(measure_sides(dataset.fingerprint, dataset))
    if not dataset.has_labels:
        show_no_labels(dataset)


def show_findings(dataset: Dataset, entry: CatalogEntry) -> None:
    """The warnings of reading it, and the metadata fields."""
    health = measure_health(dataset.fingerprint, dataset)
    warnings = [*dataset.warnings, *read_notes(entry)]
    if warnings:
        found = "1 thing was" if len(warnings) == 1 else f"{len(warnings)} things were"
        show_notes(warnings, f"{found} found while reading")
    else:
        st.caption("Nothing stood out while reading the files.")
    if health.fields:
        st.markdown("**Metadata fields**, which filters can use")
        table = pd.DataFrame(
            {
                "field": [field.name for field in health.fields],
                "filled": [f"{field.filled:.0%}" for field in health.fields],
                "values": [field.distinct for field in health.fields],
            }
        )
        help_of = {"filled": "Share of the documents that have a value.", "values": "Number of different values."}
        config = {name: st.column_config.Column(help=words) for name, words in help_of.items()}
        st.dataframe(table, hide_index=True, column_config=config, width=520, alt="Metadata fields")


def show_no_labels(dataset: Dataset) -> None:
    """The sentence and the template."""
    st.info(f"{NO_LABELS}.")
    st.download_button(
        "Download a template (qrels.tsv)",
        qrels_template(dataset),
        file_name="qrels.tsv",
        mime="text/tab-separated-values",
        help="One line per query. Replace DOCUMENT_ID by the id of a document that answers it, then load it with the data.",
    )
