"""A Chroma collection: its folder or server, whose vectors it holds, where its queries lie; what it holds, and "Load"."""

from __future__ import annotations

import streamlit as st

from core.data.catalog import find_source
from core.data.readers.chroma_place import ChromaPlace
from core.errors import LadderError
from core.experiment.take_collection import take_collection, with_labels
from core.progress import ProgressEvent
from pages.parts.data.load_message import say, show_message
from pages.parts.data.load_steps import Understood, ask_name, finish, show_load_button, understand_place
from pages.parts.data.typed_place import describe_limits, may_type, read_collection_place, read_path
from pages.shared.frame.services import open_models, open_workspace
from pages.shared.frame.text import escape_markdown

_PLACE = "data_chroma"  # session state: (what was typed, ChromaPlace) of the collection that is looked at
_FIELDS = ("place", "name", "labels")


def show_collection() -> None:
    """What to type, what was understood, and "Load"."""
    st.text_input(
        "Folder or server",
        key="data_chroma_place",
        persist_state="session",
        placeholder="/path/of/the/folder or chroma://localhost:8000",
        disabled=not may_type(),
        help="The folder of a PersistentClient, or the address of a server: chroma://HOST:PORT (chromas:// over TLS).",
    )
    if limits := describe_limits():
        st.caption(escape_markdown(limits))
        if not may_type():
            return
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
    st.button("Look", key="data_chroma_look", on_click=_look)  # never disabled: see show_path()
    show_message("collection")
    kept = st.session_state.get(_PLACE)
    typed = [_read_field(field) for field in _FIELDS]
    if kept is None or kept[0] != typed:
        return
    with st.container(border=True):
        st.markdown(f"**{escape_markdown(kept[1])}**")
        show_place(kept[1], model=_read_field("model"))


def _read_field(field: str) -> str:
    return str(st.session_state[f"data_chroma_{field}"] or "").strip()


def _look() -> None:
    """A callback: whether a collection is there."""
    st.session_state.pop(_PLACE, None)
    typed = [_read_field(field) for field in _FIELDS]
    where, name, labels = typed
    if not where:
        say("error", "Type the folder or the address of the server first.", beside="collection")
        return
    try:
        place = read_collection_place(where, name)
        if place is None:
            sentence = f"There is no Chroma collection at {where}; give the folder that holds chroma.sqlite3."
            say("error", sentence, beside="collection")
            return
        if labels:
            place = with_labels(place, read_path(labels))
    except LadderError as error:
        say("error", str(error), beside="collection")
        return
    st.session_state[_PLACE] = (typed, place)


def show_place(place: ChromaPlace, *, model: str = "") -> None:
    """What the collection at a place was understood to hold, its name here, and "Load"."""
    seen = understand_place(place, asks_rules=False)
    name, problem = "", None
    if isinstance(seen.place, ChromaPlace) and find_source(str(seen.place), open_workspace()) is None:
        wanted = seen.preview.dataset.name if seen.preview else str(place.collection or "collection")
        name, problem = ask_name(wanted)
    else:
        st.caption("It was loaded before; loading it again brings it up to date.")
    show_load_button(seen.reason or problem, _load, (seen, name, model), staged=None)


def _load(seen: Understood, name: str, model: str) -> None:
    """A callback: takes the collection into the workspace, or says why not."""
    bar = st.progress(0.0, text="Reading the collection…")

    def show(event: ProgressEvent) -> None:
        bar.progress(event.share, text=f"{event.label[:1].upper()}{event.label[1:]}")

    try:
        if isinstance(seen.place, ChromaPlace):
            workspace, models = open_workspace(), open_models()
            dataset = take_collection(seen.place, workspace, model=model, name=name, models=models, on_progress=show)
            finish(dataset, dataset.name)
    except LadderError as error:
        say("error", str(error), beside="load")
