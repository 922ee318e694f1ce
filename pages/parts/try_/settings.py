"""Systems chosen for a live search, their settings moved by sliders, and kept as systems of one's own."""

from __future__ import annotations

import dataclasses
from typing import Any

import streamlit as st

from core.errors import LadderError
from core.stages.fuse import WeightedFusion
from core.systems.available import list_systems, save_own_system
from core.systems.system import System
from pages.shared.forms.own_systems import offer_scores
from pages.shared.frame.address import follow_link, keep_in_link
from pages.shared.frame.services import open_workspace
from pages.shared.frame.text import escape_markdown, shorten

MOST_SYSTEMS = 4
_SAVED = "_system_saved"
_SLIDER = 190  # pixels; as many stand side by side as the window has room for
FIRST_SYSTEMS = ("dense", "bm25", "hybrid-rrf")


def ask_systems(known: dict[str, System]) -> dict[str, System]:
    """The systems to compare, from the link (?try_systems=...) or the select."""
    asked = follow_link("try_systems") or []
    unknown = [name for name in asked if name not in known]
    if unknown:
        st.warning(f"This system is not here: {escape_markdown(shorten(', '.join(unknown)))}. Choose from those below.")
    before = asked or st.session_state.get("try_systems", FIRST_SYSTEMS)
    wanted = [name for name in before if name in known][:MOST_SYSTEMS]
    wanted = wanted or ([name for name in FIRST_SYSTEMS if name in known] if unknown else [])
    if st.session_state.get("try_systems") != wanted:
        st.session_state["try_systems"] = wanted
    chosen = st.multiselect(
        "Systems", known, key="try_systems", max_selections=MOST_SYSTEMS, select_all=False,
        persist_state="session", help="Two to four ways of searching, side by side.",
    )  # fmt: skip
    keep_in_link("try_systems", chosen)
    return {name: known[name] for name in chosen}


def ask_settings(systems: dict[str, System]) -> tuple[int, dict[str, Any]]:
    """(hits shown, settings that were moved away from what the systems have)."""
    weights = [s.fuse.dense_share for s in systems.values() if isinstance(s.fuse, WeightedFusion)]
    fused = [s.fuse.depth for s in systems.values() if s.fuse is not None]
    reranked = [s.rerank.depth for s in systems.values() if s.rerank is not None]
    asked = [
        ("dense_share", "Dense share", weights, (0.0, 1.0, 0.05), "Weight of embeddings against words when scores are merged."),
        ("fuse_depth", "Candidates fused", fused, (5, 100, 5), "How many documents of each side are merged."),
        ("rerank_depth", "Candidates reranked", reranked, (5, 100, 5), "How many of the first hits are scored anew."),
    ]
    asked = [item for item in asked if item[2]]
    depth = st.slider("Hits shown", 1, 20, 5, key="try_k", persist_state="session", width=_SLIDER)
    moved = {}
    for name, label, starts, (low, high, step), words in asked:
        start = min(max(starts[0], low), high)
        key = f"try_{name}_{start}"
        value = st.slider(label, low, high, start, step, key=key, persist_state="session", help=words, width=_SLIDER)
        if value != start:
            moved[name] = value
    return depth, moved


def save_system(systems: dict[str, System], dataset: str) -> None:
    """Keeps a chosen system with its present settings under a name of its own."""
    with st.popover("Save these settings as a system", icon=":material/save:"):
        base = st.selectbox("System to save", systems, key="try_save_base") or next(iter(systems))
        name = st.text_input("Name", key="try_save_name", max_chars=60, placeholder=f"my-{base}"[:60]).strip()
        st.caption("A saved system that filters uses each query’s own filter, not the one chosen on this page.")
        pressed = st.button("Save", type="primary", key="try_save")
        if st.session_state.get(_SAVED) == name and name and not pressed:
            st.success(f"Saved as {escape_markdown(name)}. It can be chosen here and on the page Experiment.")
            offer_scores(dataset, name, key="try_score")
        if not pressed:
            return
        try:
            if name in list_systems(open_workspace()):
                st.error(f"There is already a system named {escape_markdown(name)}. Choose another name.")
                return
            words = f"{base} with the settings tried on the page Try."
            save_own_system(dataclasses.replace(systems[base], name=name, description=words), open_workspace())
        except LadderError as error:
            st.error(escape_markdown(error))
            return
        st.session_state[_SAVED] = name
        st.rerun()  # so that the select of systems offers it
