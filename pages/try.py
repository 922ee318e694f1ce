"""Try: type a query and see at once what each system finds."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.data.dataset import Dataset
from core.errors import LadderError
from core.live.typed_query import Answer
from core.live.warm import Background
from core.systems.system import System
from pages.parts.try_ import live_search, settings
from pages.parts.try_.filters import ask_filter, offer_filter
from pages.shared.frame.address import follow_link, keep_in_link
from pages.shared.frame.empty_page import show_nothing
from pages.shared.frame.page import page_setup
from pages.shared.frame.services import open_dataset
from pages.shared.frame.state import list_known_systems
from pages.shared.frame.text import escape_markdown, shorten
from pages.shared.show.cards import Hit, make_hits, show_columns

MOST_LINES = 20
ONE, SEVERAL = "One query", "Several"


def ask_texts(dataset: Dataset) -> list[str]:
    """The typed query, or the pasted lines; examples while there is none."""
    st.session_state.setdefault("try_mode", ONE)
    for name in ("try_mode", "q", "lines"):
        asked = follow_link(name)
        if asked is not None and (name != "try_mode" or asked[-1] in (ONE, SEVERAL)):
            st.session_state[name] = asked[-1]
    keep: dict[str, Any] = {"persist_state": "session", "label_visibility": "collapsed"}
    mode = st.segmented_control("How many", [ONE, SEVERAL], key="try_mode", required=True, **keep)
    text = pasted = ""
    if mode == SEVERAL:
        pasted = st.text_area("Queries", key="lines", placeholder="One query a line, up to 20", max_chars=6_000, **keep)
        lines = [line.strip() for line in pasted.splitlines() if line.strip()]
        if len(lines) > MOST_LINES:
            st.warning(f"{len(lines)} lines were pasted; the first {MOST_LINES} are searched. Run an experiment for more.")
        texts = lines[:MOST_LINES]
    else:
        text = st.text_input("Query", key="q", live="300ms", max_chars=1_000, placeholder="Type a query", type="search", **keep)
        texts = [text.strip()] if text.strip() else []
    for name, value in (("try_mode", mode if mode == SEVERAL else ""), ("q", text), ("lines", pasted)):
        keep_in_link(name, [value] if value else [])
    if not texts:
        show_examples(dataset, several=mode == SEVERAL)
    return texts


def show_examples(dataset: Dataset, *, several: bool) -> None:
    """Queries to begin with, one click each."""
    examples = live_search.list_examples(dataset)

    def fill(key: str, value: str) -> None:
        st.session_state[key] = value

    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Try one of these:" if examples else "Type a query to see what each system finds.", width="content")
        if several and examples:
            st.button("These three queries", on_click=fill, args=("lines", "\n".join(examples)), type="tertiary")
        for number, text in enumerate([] if several else examples):
            st.button(escape_markdown(shorten(text, width=60)), key=f"try_example_{number}", on_click=fill, args=("q", text))


def show_answers(dataset: Dataset, warm: Background, texts: list[str], systems: dict[str, System], **shown: Any) -> None:
    """The hits of the systems that are ready, and what the others wait for."""
    ready = live_search.get_ready(warm, systems)
    live_search.show_preparing(warm, systems)
    errors = warm.find_errors(systems)
    if errors and st.button("Try again what failed", key="try_again"):
        warm.forget_errors()
        st.rerun()
    if not texts:
        return
    answers = live_search.answer(warm, texts, ready, shown["chosen"]) if ready else {}
    place = choose_line(dataset, texts, answers) if len(texts) > 1 else 0
    labelled = live_search.find_labelled(dataset, texts[place])
    hits: dict[str, list[Hit]] = {}
    notes = {**{name: "Not ready yet. Its hits appear here as soon as it is." for name in systems}, **errors}
    for name, answer in answers.items():
        notes[name] = answer.error or describe_answer(answer.seconds, len(texts), shown["changes"][name])
        rows = answer.documents[answer.documents["query_id"] == str(place + 1)]
        hits[name] = make_hits(rows, dataset, query_id=None, depth=shown["depth"], labels_of=labelled and labelled["query_id"])
        if not hits[name] and not answer.error:
            notes.pop(name)
    if labelled:
        show_labelled(dataset, labelled, shown["chosen"])
    live_search.show_common(hits)
    show_columns({name: hits.get(name, []) for name in systems}, key="try_hits", notes=notes)


def choose_line(dataset: Dataset, texts: list[str], answers: dict[str, Answer]) -> int:
    """A table of lines and systems with each first hit's title; returns the line to open as cards."""
    titles = dict(zip(dataset.documents["doc_id"], dataset.documents["title"], strict=True))
    first: dict[str, list[str]] = {}
    for name, answer in answers.items():
        best = answer.documents[answer.documents["rank"] == 1]
        by_query = dict(zip(best["query_id"], best["doc_id"], strict=True))
        found = [by_query.get(str(number)) for number in range(1, len(texts) + 1)]
        first[name] = ["no hits" if doc is None else titles.get(doc, "").strip() or doc for doc in found]
    counts = [len(set(row)) for row in zip(*first.values(), strict=True)]
    agree = {"first hits": ["the same" if n == 1 else f"{n} different" for n in counts]} if len(first) > 1 else {}
    frame = pd.DataFrame({"query": texts, **agree, **first}, index=pd.RangeIndex(1, len(texts) + 1, name="line"))
    widths = {name: st.column_config.TextColumn(width=110 if name in agree else 230) for name in frame.columns}
    st.dataframe(frame, column_config=widths, alt="For every line the title of each system's first hit.")
    numbers = {f"{number}. {shorten(text, width=90)}": number for number, text in enumerate(texts, start=1)}
    return numbers[st.selectbox("Open a line", numbers, key="try_line")] - 1


def describe_answer(seconds: float, lines: int, changes: str) -> str:
    """ "12 ms a query, 30 fused": seconds for all lines, and how the system differs from the one of its name."""
    return f"{1000 * seconds / lines:.0f} ms" + (" a query" if lines > 1 else "") + (f", {changes}" if changes else "")


def show_labelled(dataset: Dataset, labelled: dict[str, Any], chosen: dict[str, Any]) -> None:
    """Says that the text is one of the dataset's queries, and offers its filter."""
    said = f"This is the dataset’s query {shorten(labelled['query_id'], width=40)}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(escape_markdown(f"{said}, so its labels are shown." if dataset.has_labels else f"{said}."), width="content")
        offer_filter(dataset, labelled["filter"], chosen)


def main() -> None:
    """The page: query, filter, systems and settings, then the hits side by side."""
    view = page_setup("Try", looking_at=live_search.describe_corpus())
    if not view.dataset_name:
        return show_nothing(view, None)
    try:
        dataset = open_dataset(view.dataset_name)
    except LadderError as error:
        st.error(escape_markdown(error))
        return
    if dataset.indexed_documents.empty:
        st.info("No document of this dataset has a title or a text, so there is nothing to search. Load another one.")
        return
    texts = ask_texts(dataset)
    chosen = ask_filter(dataset)
    named = settings.ask_systems(list_known_systems(view.dataset_name))
    if not named:
        st.info("Choose a system to see what it finds.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        depth, moved = settings.ask_settings(named)
        systems = {name: live_search.adjust(system, filtered=bool(chosen), **moved) for name, system in named.items()}
        settings.save_system(systems, dataset.name)
    changes = {name: live_search.describe_changes(named[name], system) for name, system in systems.items()}
    show_answers(dataset, live_search.open_live(dataset), texts, systems, chosen=chosen, depth=depth, changes=changes)


main()
