"""The embeddings endpoint on the page Experiment: where it is, whether it answers for a model, how much may be asked of it."""

from __future__ import annotations

import dataclasses
from typing import Any

import streamlit as st

from core.endpoints.limits import LIMIT_WORDS, Limits
from core.errors import LadderError
from core.graph.endpoint_limits import keep_limits, read_limits
from core.graph.endpoint_trial import describe_endpoint, try_endpoint
from core.settings import ENDPOINT_PREFIX
from core.systems.system import System
from pages.shared.frame.services import open_workspace
from pages.shared.frame.text import escape_markdown

_ROOMY = {"answer_seconds": 1.0}  # steps of limits that are no whole numbers


def show_endpoint(system: System) -> None:
    """The part "Embeddings endpoint" of the page. system: the one that is looked at, whose model is asked for first."""
    model = system.dense.model if system.dense is not None else ""
    served = model.startswith(ENDPOINT_PREFIX)
    with st.expander("Embeddings endpoint", expanded=served, key="endpoint_part"):
        st.markdown(escape_markdown(describe_endpoint()))
        try:
            limits = read_limits(open_workspace())
        except LadderError as error:
            st.error(escape_markdown(error))
            return
        _ask_trial(model if served else "", limits)
        _ask_limits(limits)


def _ask_trial(model: str, limits: Limits) -> None:
    """A model's name and the button; what comes of it stands below them."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input(
            "Model",
            model.removeprefix(ENDPOINT_PREFIX),
            key=f"endpoint_model_{model}",
            max_chars=200,
            placeholder="text-embedding-3-small",
            help="The model's name at the endpoint. In a system it is written endpoint:NAME.",
        )
        pressed = st.button("Test this endpoint", key="endpoint_try", help="Embeds one short text, once.")
    if not pressed:
        return
    if not name.strip():
        st.error("Name a model to test.")
        return
    with st.spinner("Asking for one vector …"):
        try:
            trial = try_endpoint(name.strip(), limits)
        except LadderError as error:
            st.error(escape_markdown(error))
            return
    st.success(escape_markdown(trial.describe()))


def _ask_limits(limits: Limits) -> None:
    """A field for each limit, and the button that keeps them; what is wrong with one stands below the fields."""
    asked: dict[str, Any] = {}
    for field, column in zip(dataclasses.fields(Limits), [*st.columns(3), *st.columns(3)], strict=True):
        step = _ROOMY.get(field.name, 1)
        asked[field.name] = column.number_input(
            LIMIT_WORDS[field.name],
            value=getattr(limits, field.name),
            step=step,
            key=f"endpoint_{field.name}",
            placeholder="no limit",
        )
    if st.button("Keep these limits", key="endpoint_keep"):
        try:
            keep_limits(Limits(**asked), open_workspace())
        except (LadderError, OSError) as error:
            st.error(escape_markdown(error))
        else:
            st.success("Kept, for all work in this workspace from now on.")
