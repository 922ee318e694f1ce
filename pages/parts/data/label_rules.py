"""How a dataset is read: its language, from which grade on documents are relevant, whether copies share a label."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import streamlit as st

from core.data.catalog import CatalogEntry, find_kept_rules, keep_label_rules, read_label_rules
from core.data.dataset import Dataset
from core.data.grades import HIGHEST_GRADE, spell_grade
from core.data.label_rules import LabelRules
from core.data.languages import describe_languages
from core.errors import LadderError
from core.text.languages import NAMES, NONE
from pages.parts.data.load_message import say, show_message
from pages.shared.frame.services import open_workspace
from pages.shared.frame.text import escape_markdown

Keep = Callable[[str, Any], None]  # takes a field of LabelRules and its value, in a callback

_BESIDE = "rules"
_LEAST = 1e-6  # grade from which on documents can be relevant


def ask_rules(dataset: Dataset, rules: LabelRules, *, key: str, keep: Keep, asks_copies: bool = False) -> None:
    """The controls that correct how a dataset is read; what has no choice is not asked.

    rules: what was said so far. keep: is called with a field and what is said of it now.
    """
    left, middle, right = st.columns([2, 1, 1], vertical_alignment="bottom")
    with left:
        _ask_language(dataset, rules, f"{key}_language", keep)
    if dataset.has_labels:
        if rules.relevant_from is not None or _count_grades(dataset) > 1:
            with middle:
                _ask_threshold(dataset, rules, f"{key}_relevant", keep)
        if asks_copies:
            with right:
                _ask_copies(rules, f"{key}_copies", keep)


def _count_grades(dataset: Dataset) -> int:
    grades = dataset.judgments["relevance"]
    return int(grades[grades > 0].nunique())


def _ask_language(dataset: Dataset, rules: LabelRules, key: str, keep: Keep) -> None:
    options = {"": "As found in the documents" if rules.language else f"As found: {describe_languages(dataset)}"}
    options |= {code: name for code, name in sorted(NAMES.items(), key=lambda item: item[1])}
    options[NONE] = "None: words as they are written"
    options.setdefault(rules.language, rules.language)

    def take() -> None:
        keep("language", str(st.session_state[key]))

    st.selectbox(
        "Language of the documents", list(options), index=list(options).index(rules.language),
        format_func=options.__getitem__, key=key, on_change=take,
        help="Word matching joins the forms of words by its rules, unless a system names another language.",
    )  # fmt: skip


def _ask_threshold(dataset: Dataset, rules: LabelRules, key: str, keep: Keep) -> None:
    now = float(dataset.relevant_from)

    def take() -> None:
        keep("relevant_from", float(st.session_state[key]))

    st.number_input(
        "Relevant from grade", min_value=_LEAST, max_value=float(HIGHEST_GRADE), value=now,
        step=1.0 if now.is_integer() else 0.1, format="%g", key=key, on_change=take,
        help="The least grade with which a document counts as an answer. Measures that know only relevant or not, the words "
        "for labels, the split and training all use it; nDCG weighs every grade.",
    )  # fmt: skip


def _ask_copies(rules: LabelRules, key: str, keep: Keep) -> None:
    def take() -> None:
        keep("share_copies", bool(st.session_state[key]))

    st.toggle(
        "Copies share the label", rules.share_copies, key=key, on_change=take,
        help="Documents that say the same as a relevant one, exactly or nearly, and are not judged have its label.",
    )  # fmt: skip


def show_label_rules(dataset: Dataset, entry: CatalogEntry) -> None:
    """How a loaded dataset is read, to be corrected; what is said is kept with it."""
    st.markdown("**How it is read**")
    try:
        rules = read_label_rules(entry, open_workspace())
    except LadderError as error:
        st.error(escape_markdown(error))
        return
    key = f"data_read_{dataset.name}_{dataset.fingerprint}"
    ask_rules(dataset, rules, key=key, keep=lambda field, value: _keep(dataset, entry, field, value), asks_copies=True)
    show_message(_BESIDE)
    if find_kept_rules(entry.name, open_workspace()) is not None:
        st.caption("This was said here. Earlier experiments were measured with the data as it was read then.")
        st.button("As the data say", on_click=_forget, args=(entry,), key="data_forget_rules")


def _keep(dataset: Dataset, entry: CatalogEntry, field: str, value: Any) -> None:
    """In a callback."""
    try:
        rules = replace(read_label_rules(entry, open_workspace()), **{field: value})
        keep_label_rules(entry.name, rules, open_workspace())
    except LadderError as error:
        say("error", str(error), beside=_BESIDE)
        return
    shown = spell_grade(dataset.relevant_from if rules.relevant_from is None else rules.relevant_from)
    copies = "copies share the label" if rules.share_copies else "copies do not share a label"
    labels = f" Documents count as relevant from grade {shown} on, and {copies}." if dataset.has_labels else ""
    say("success", f"The data is read so from now on.{labels}", beside=_BESIDE)


def _forget(entry: CatalogEntry) -> None:
    """A callback."""
    keep_label_rules(entry.name, None, open_workspace())
    say("success", "The data is read as it says itself.", beside=_BESIDE)
