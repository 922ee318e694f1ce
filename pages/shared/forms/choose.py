"""Choosing one of several, where the choice stands in the link: the link's, else the last one, else a default.

Two steps, since a page may draw a table or a chart that shows the choice before the select: read_choice() first, then
select_choice(). `name` is the parameter of the link and the key of the widget in both.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import streamlit as st

from pages.shared.frame.address import follow_link, keep_in_link
from pages.shared.frame.text import escape_markdown, shorten


def read_choice(name: str, options: Collection[str], *, default: str, missing: str = "") -> str:
    """What is chosen as the page is drawn: the link's option, else the one chosen last, else the default.

    missing: a sentence for a link that names no option, in Markdown, with {} where its name goes; "" says nothing.
    """
    asked = next(iter(follow_link(name) or []), None)
    if asked in options:
        st.session_state[name] = asked
    else:
        if asked is not None and missing:
            st.warning(missing.format(escape_markdown(shorten(asked))))
        if st.session_state.get(name) not in options:
            st.session_state[name] = default
    return str(st.session_state[name])


def select_choice(
    label: str,
    options: Sequence[str],
    *,
    name: str,
    unlinked: str | None = None,
    spell: Callable[[str], str] = str,
    help: str | None = None,
) -> str:
    """The select, after read_choice(); writes the choice into the link, all but `unlinked`, which a link without says too."""
    chosen = str(st.selectbox(label, options, key=name, persist_state="session", format_func=spell, help=help))
    keep_in_link(name, [] if chosen == unlinked else [chosen])
    return chosen


def choose_part(name: str, parts: Sequence[str], *, default: str = "", label: str = "Part", kept: bool = False) -> str:
    """One of a page's parts, as the link or a click says; only that one need be computed.

    default: where neither has said anything; "" for the first part. kept: also when the page is left.
    """
    read_choice(name, parts, default=default or parts[0])
    stay: dict[str, Any] = {"persist_state": "session"} if kept else {}
    part = str(st.segmented_control(label, parts, required=True, key=name, label_visibility="collapsed", **stay))
    keep_in_link(name, [part])
    return part
