"""A Chroma collection: its folder or server, whose vectors it holds, where its queries lie."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.data.readers.chroma_place import ChromaPlace
from core.errors import LadderError
from core.experiment.take_collection import take_collection
from core.progress import ProgressEvent
from pages.parts.data.load_steps import finish, say, show_message
from pages.parts.data.typed_place import read_collection_place, read_path
from pages.shared.frame.services import open_models, open_workspace


def show_collection() -> None:
    """What to type, and "Load"."""
    st.text_input(
        "Folder or server",
        key="data_chroma_place",
        persist_state="session",
        placeholder="/path/of/the/folder or chroma://localhost:8000",
        help="The folder of a PersistentClient, or the address of a server: chroma://HOST:PORT (chromas:// over TLS).",
    )
    left, right = st.columns(2)
    left.text_input("Collection", key="data_chroma_name", persist_state="session", placeholder="the only one")
    right.text_input(
        "Model of its vectors",
        key="data_chroma_model",
        persist_state="session",
        placeholder="as the collection says",
        help="A name as in systems: all-MiniLM-L6-v2, a name on the Hugging Face hub, a model folder, or endpoint:NAME. Eight "
        "texts are encoded again; if they agree, the vectors are taken and not made again.",
    )
    st.text_input(
        "Folder with queries.jsonl and judgments (may be empty)",
        key="data_chroma_labels",
        persist_state="session",
        placeholder="where the collection lies",
        help="Judgments name the ids of the collection's items.",
    )
    st.caption(
        "The folder is copied and read there: its files stay as they are. Each item becomes a document. The embedding function "
        "that is stored with it is not run."
    )
    st.button("Load", type="primary", key="data_chroma_load", on_click=_load)  # never disabled: see show_path()
    show_message("collection")


def _load() -> None:
    """A callback: takes the collection into the workspace, or says why not."""
    typed, name, model, labels = (
        str(st.session_state[f"data_chroma_{field}"] or "").strip() for field in ("place", "name", "model", "labels")
    )
    if not typed:
        say("error", "Type the folder or the address of the server first.", beside="collection")
        return
    try:
        place = read_collection_place(typed, name)
        if place is None:
            say(
                "error",
                f"There is no Chroma collection at {typed}; give the folder that holds chroma.sqlite3.",
                beside="collection",
            )
            return
        load_place(place, model=model, labels=read_path(labels) if labels else None)
    except LadderError as error:
        say("error", str(error), beside="collection")


def load_place(place: ChromaPlace, *, model: str = "", labels: Path | None = None) -> None:
    """In a callback: takes the collection into the workspace and looks at it. Raises LadderError."""
    bar = st.progress(0.0, text="Reading the collection…")

    def show(event: ProgressEvent) -> None:
        bar.progress(event.share, text=f"{event.label[:1].upper()}{event.label[1:]}")

    dataset = take_collection(place, open_workspace(), model=model, labels=labels, models=open_models(), on_progress=show)
    finish(dataset, dataset.name)
