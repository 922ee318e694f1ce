"""What the last action on the page came to, said once, beside the control that it is about."""

from __future__ import annotations

import streamlit as st

from pages.shared.frame.text import escape_markdown

MESSAGE = "data_message"  # session state: (kind, sentence, control), shown once on the next run of the page


def show_message(beside: str = "") -> None:
    """What the last action came to, once. beside: the control that it is about, as say() was told; "" for the page's top."""
    kind, sentence, place = (*st.session_state.get(MESSAGE, ("", "")), "")[:3]
    if sentence and place == beside:
        st.session_state.pop(MESSAGE)
        {"error": st.error, "success": st.success}[kind](escape_markdown(sentence))


def say(kind: str, sentence: str, *, beside: str = "") -> None:
    """Keeps a sentence ("error" or "success") for the next run of the page, which shows it beside a control."""
    st.session_state[MESSAGE] = (kind, sentence, beside)
