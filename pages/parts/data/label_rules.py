"""How the labels of a dataset are read: from which grade on documents are relevant, and whether copies share a label."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from core.data.catalog import CatalogEntry, keep_label_rules, read_label_rules
from core.data.dataset import Dataset
from core.data.grades import HIGHEST_GRADE, spell_grade
from core.data.label_rules import LabelRules
from core.errors import LadderError
from pages.parts.data.load_steps import say, show_message
from pages.shared.frame.services import open_workspace

_BESIDE = "label rules"
_THRESHOLD, _COPIES = "data_relevant_from", "data_share_copies"


def show_label_rules(dataset: Dataset, entry: CatalogEntry) -> None:
    """Both in a popover, kept with the dataset by a button; nothing where there are no labels."""
    if not dataset.has_labels:
        return
    with st.popover("How labels are read"):
        try:
            rules = read_label_rules(entry, open_workspace())
        except LadderError as error:
            st.error(str(error))
            return
        st.number_input(
            "Relevant from grade", min_value=0.0, max_value=float(HIGHEST_GRADE), value=float(dataset.relevant_from),
            format="%g", key=f"{_THRESHOLD}_{dataset.fingerprint}",
            help="The least grade with which a document counts as an answer. Measures that know only relevant or not, the "
            "words for labels, the split and training all use it; nDCG weighs every grade.",
        )  # fmt: skip
        st.toggle(
            "Copies share the label", rules.share_copies, key=f"{_COPIES}_{dataset.fingerprint}",
            help="Documents that say the same as a relevant one, exactly or nearly, and are not judged have its label.",
        )  # fmt: skip
        show_message(_BESIDE)
        st.caption("Earlier experiments were measured with the labels as they were read then.")
        st.button("Read the labels so", on_click=_keep, args=(dataset, entry, rules), key="data_keep_rules", type="primary")
        if rules != LabelRules():
            st.button("As the data say", on_click=_forget, args=(dataset,), key="data_forget_rules")


def _keep(dataset: Dataset, entry: CatalogEntry, known: LabelRules) -> None:
    """A callback. A threshold that nobody changed stays one that the grades suggest."""
    chosen = float(st.session_state[f"{_THRESHOLD}_{dataset.fingerprint}"])
    threshold = known.relevant_from if chosen == dataset.relevant_from else chosen
    try:
        rules = replace(known, relevant_from=threshold, share_copies=bool(st.session_state[f"{_COPIES}_{dataset.fingerprint}"]))
        keep_label_rules(entry.name, rules, open_workspace())
    except LadderError as error:
        say("error", str(error), beside=_BESIDE)
        return
    shown = spell_grade(dataset.relevant_from if threshold is None else threshold)
    copies = "copies share the label" if rules.share_copies else "copies do not share a label"
    say("success", f"Documents count as relevant from grade {shown} on, and {copies}.")


def _forget(dataset: Dataset) -> None:
    """A callback."""
    keep_label_rules(dataset.name, None, open_workspace())
    say("success", "The labels are read as the data say.")
