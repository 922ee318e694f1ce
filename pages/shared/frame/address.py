"""Values of a page that stand in its address, so that it can be shared, written in one way only.

Streamlit's own binding (bind="query-params") is written by the browser, and any parameter that the page writes itself
overwrites it with what the server last knew: a text typed meanwhile would vanish from the address. So a page that writes
one parameter writes them all, here.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

_LAST = 3  # own values remembered: the browser may be one or two behind while someone types


def follow_link(name: str) -> list[str] | None:
    """What the address says of a parameter if someone else wrote it there, that is, if a link was opened; else None."""
    asked = st.query_params.get_all(name)
    return asked if asked and asked not in st.session_state.get(_key(name), []) else None


def keep_in_link(name: str, values: Sequence[str]) -> None:
    """Writes a parameter, several values as repeated ones, none as no parameter. Call it after follow_link()."""
    asked, wanted = st.query_params.get_all(name), list(values)
    st.session_state[_key(name)] = [*st.session_state.get(_key(name), []), asked, wanted][-2 * _LAST :]
    if wanted and asked != wanted:
        st.query_params[name] = wanted
    elif asked and not wanted:
        del st.query_params[name]


def _key(name: str) -> str:
    return f"_in_address_{name}"
