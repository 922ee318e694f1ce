"""The price table: every row with source and date, to be edited, kept in the workspace, put back, taken away as CSV."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.costs.prices import COLUMNS, KINDS, PriceTable, read_shipped, reset_prices, write_prices
from core.errors import LadderError
from core.text.csv_text import to_csv
from pages.shared.frame.services import open_workspace
from pages.shared.frame.text import escape_markdown

_ROUND = "_prices_round"  # part of the editor's key: a new one forgets what was typed
_SAID = "_prices_said"


def show_prices(prices: PriceTable) -> None:
    """The part of the page."""
    st.caption(
        "US dollars, net, each as of its date. Prices change and are negotiated: write in what you pay. A row that comes with "
        "the product can be changed, not taken away; further rows are yours."
    )
    if st.session_state.get(_SAID):
        st.success(st.session_state.pop(_SAID))
    edited = _edit(prices)
    trouble, changed = "", False
    try:
        changed = PriceTable.from_frame(edited) != prices
    except LadderError as error:
        trouble = str(error)
    if trouble:
        st.error(escape_markdown(trouble))
    with st.container(horizontal=True):
        st.button(
            "Save prices", key="prices_save", type="primary", disabled=bool(trouble) or not changed, on_click=save_prices,
            args=(edited,),
        )  # fmt: skip
        st.button(
            "Back to the shipped prices", key="prices_reset", icon=":material/undo:", on_click=forget_prices,
            disabled=prices == read_shipped() and not changed and not trouble,
            help="Takes away every change and every row of your own.",
        )  # fmt: skip
        st.download_button(
            "Download as CSV", to_csv(prices.to_frame()), file_name="prices.csv", mime="text/csv",
            icon=":material/download:", on_click="ignore", help="The command line reads it with --prices.",
        )  # fmt: skip
    if changed:
        st.caption("Not saved yet: the costs above are with the prices as they were.")


def _edit(prices: PriceTable) -> pd.DataFrame:
    text, units = st.column_config.TextColumn, sorted({unit for of_kind in KINDS.values() for unit in of_kind})
    config = {
        "id": text("Id", required=True, help="Short, without spaces; a store's rows are STORE-storage, STORE-read, …"),
        "item": text("What is bought", required=True, width="medium"),
        "kind": st.column_config.SelectboxColumn("Kind", options=list(KINDS), required=True),
        "unit": st.column_config.SelectboxColumn("For", options=units, required=True),
        "price_usd": st.column_config.NumberColumn("USD", min_value=0.0, format="%.10g", required=True),
        "source": text("Where it was seen", required=True, width="medium"),
        "seen": text("When", required=True, help="YYYY, YYYY-MM or YYYY-MM-DD"),
        "note": text("Note", width="medium"),
    }
    edited: pd.DataFrame = st.data_editor(
        prices.to_frame(),
        column_config=config,
        column_order=["item", "price_usd", "unit", "seen", "source", "kind", "id", "note"],
        hide_index=True,
        num_rows="dynamic",
        key=f"prices_{st.session_state.get(_ROUND, 0)}",
        alt=f"Price table with {len(prices.prices)} rows.",
    )
    return edited[COLUMNS]


def _begin_anew() -> None:
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1


def save_prices(edited: pd.DataFrame) -> None:
    """For a button's on_click: keeps the edited rows."""
    write_prices(PriceTable.from_frame(edited), open_workspace())
    st.session_state[_SAID] = "The prices are saved, and everything is reckoned with them."
    _begin_anew()


def forget_prices() -> None:
    """For a button's on_click: the shipped prices again."""
    reset_prices(open_workspace())
    st.session_state[_SAID] = "These are the shipped prices."
    _begin_anew()


def show_broken(error: LadderError) -> None:
    """A price table that cannot be read, and the way out."""
    st.error(escape_markdown(error))
    st.button("Back to the shipped prices", key="prices_reset_broken", on_click=forget_prices)
