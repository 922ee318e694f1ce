"""A system to look at and to change: drawn as a chain of stages, copied, edited field by field, read from YAML and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.errors import InputError, LadderError
from core.stages.registry import list_choices
from core.stages.rewrite import Glossary, parse_glossary
from core.systems.available import delete_own_system, list_own_systems, save_own_system
from core.systems.build import build, make_sources
from core.systems.named import make_named_systems
from core.systems.system import FILLED_IN, Dense, Lexical, System
from core.systems.yaml_files import from_spec, read_systems, write_systems
from core.text.languages import AUTO, name_language
from pages.parts.experiment.endpoint import show_endpoint
from pages.shared.frame.services import open_workspace
from pages.shared.frame.text import escape_html, escape_markdown, shorten, show_html
from pages.shared.show.stage_words import describe_part

_OFF = "off"
_FLASH = "_systems_flash"
_ROUND = "_systems_round"  # counts uploads taken in: a new key empties the upload box


def list_stages(system: System) -> list[list[tuple[str, str]]]:
    """The chain from left to right; each place holds one or two (stage, parameters in words): dense above lexical."""
    dense, lexical, places = system.dense, system.lexical, []
    whole = lexical is not None and lexical.over == "documents"
    chunks = [("Chunk", describe_part(system.chunk))] if system.chunk is not None else []
    places.append([*chunks, *([("Documents", "whole: title and text")] if whole else [])])
    places.append(
        [
            *([("Embed", shorten(dense.model, width=48))] if dense else []),
            *([("Read words", _say_words(lexical))] if lexical else []),
        ]
    )
    places.append(
        [
            *([("Index", "vectors, cosine")] if dense else []),
            *([("Index", f"BM25, k1 {lexical.k1:g}, b {lexical.b:g}")] if lexical else []),
        ]
    )
    for step in system.rewrite:
        places.append([("Rewrite", describe_part(step))])
    if system.filter or system.infer_filters:
        places.append([("Filter", _say_filter(system))])
    places.append([*([("Retrieve", "nearest vectors")] if dense else []), *([("Retrieve", "best words")] if lexical else [])])
    if system.fuse is not None:
        places.append([("Fuse", describe_part(system.fuse))])
    if system.rerank is not None:
        places.append([("Rerank", describe_part(system.rerank))])
    return places


def _say_filter(system: System) -> str:
    named = f"by {' and '.join(system.infer_filters)} where the query names a value"
    own = ["by each query's own metadata filter"] if system.filter else []
    return ", else ".join([*own, *([named] if system.infer_filters else [])])


def _say_words(lexical: Lexical) -> str:
    return ", ".join(
        [
            "word forms joined" if lexical.stem else "words as they stand",
            *([] if lexical.stop_words else ["common words kept"]),
            *([] if lexical.language == AUTO else [" and ".join(map(name_language, lexical.languages))]),
        ]
    )


def draw_chain(system: System) -> str:
    """HTML of the chain: boxes with arrows, in the colours of the theme; every text is escaped."""
    box = (
        "border: 1px solid color-mix(in srgb, currentColor 35%, transparent); border-radius: 0.5rem; "
        "padding: 0.4rem 0.65rem; min-width: 6.5rem; max-width: 13rem; overflow-wrap: anywhere"
    )
    places = [
        '<div role="listitem" style="display: flex; flex-direction: column; gap: 0.4rem">'
        + "".join(
            f'<div style="{box}"><div style="font-weight: 600">{escape_html(name)}</div>'
            f'<div style="font-size: 0.8rem; opacity: 0.8">{escape_html(words)}</div></div>'
            for name, words in place
        )
        + "</div>"
        for place in list_stages(system)
        if place
    ]
    arrow = '<div aria-hidden="true" style="opacity: 0.6">→</div>'
    label = escape_html(f"Stages of {system.name}")
    style = "display: flex; flex-wrap: wrap; align-items: center; gap: 0.5rem; margin: 0.25rem 0 0.75rem"
    return f'<div role="list" aria-label="{label}" style="{style}">{arrow.join(places)}</div>'


def show_systems(own: Mapping[str, System]) -> None:
    """The part "Systems" of the page: look at one, copy and change it, delete it, YAML in and out."""
    if st.session_state.get(_FLASH):
        st.success(escape_markdown(st.session_state.pop(_FLASH)))
    systems = {**make_named_systems(), **own}
    if st.session_state.get("system_base") not in systems:
        st.session_state.pop("system_base", None)
    base = systems[
        st.selectbox(
            "System",
            list(systems),
            key="system_base",
            persist_state="session",
            format_func=lambda name: f"{name} (yours)" if name in own else name,
            help="Look at a system, or take it as the start of one of your own.",
        )
    ]
    st.caption(escape_markdown(base.description or "No description."))
    show_html(draw_chain(base))
    with st.container(horizontal=True, vertical_alignment="center"):
        adding = st.toggle("Copy and change it", key="system_adding", help="Opens a form that starts from this system.")
        st.download_button(
            "This system as YAML",
            lambda: write_systems([base]),
            f"{_name_file(base.name)}.yaml",
            "application/yaml",
            key="yaml_one",
        )
        if base.name in own:
            _ask_delete(base.name)
    if adding:
        edit_system(base, own)
    show_endpoint(base)
    st.subheader("Your systems as a file")
    _exchange(own)


def _name_file(name: str) -> str:
    return "".join(sign if sign.isalnum() or sign in "-_." else "-" for sign in name)[:60] or "system"


def _ask_delete(name: str) -> None:
    with st.popover("Delete", icon=":material/delete:"):
        st.markdown(f"Delete {escape_markdown(shorten(name))}? Experiments that used it keep its definition and results.")
        if st.button("Delete it", key="system_delete", type="primary"):
            delete_own_system(name, open_workspace())
            st.session_state[_FLASH] = f"{name} is deleted. Experiments that used it are unchanged."
            st.session_state.pop("system_base", None)
            st.rerun()


def edit_system(base: System, own: Mapping[str, System]) -> None:
    """A form for a copy of `base`: what it comes to is drawn at once, and saved when nothing is wrong with it."""
    key = f"edit_{base.name}_"
    with st.container(border=True):
        left, right = st.columns([1, 2])
        name = left.text_input("Name", base.name if base.name in own else f"my-{base.name}", key=f"{key}name", max_chars=60)
        about = right.text_input(
            "What it is for, in a sentence", "" if base.name not in own else base.description, key=f"{key}about"
        )
        spec: dict[str, Any] = {"name": name.strip(), "description": about.strip()}
        problem = None
        try:
            spec.update(_ask_parts(base, key))
            system = from_spec(spec)
            build(system, documents=make_sources("", "")[0], queries=make_sources("", "")[1])
        except LadderError as error:
            system, problem = None, str(error)
        if system is not None:
            show_html(draw_chain(system))
            if system.name in make_named_systems():
                problem = f"{system.name} is the name of a system that comes with the product. Choose another name."
            elif system.name in own:
                st.caption("Saving replaces your system of this name. Experiments that used it keep their definition.")
        if problem:
            st.error(escape_markdown(problem))
        if st.button("Save the system", type="primary", disabled=bool(problem)) and system is not None:
            try:
                save_own_system(system, open_workspace())
            except LadderError as error:
                st.error(escape_markdown(error))
                return
            st.session_state[_FLASH] = f"{name.strip()} is saved. Tick it under Run to compare it with the others."
            st.rerun()


def _ask_parts(base: System, key: str) -> dict[str, Any]:
    """The fields of every stage; InputError for a glossary that cannot be read."""
    first, second, third = st.columns(3)
    spec: dict[str, Any] = {}
    with first:
        spec["chunk"] = _ask_kind("Chunk", "chunk", base.chunk, f"{key}chunk_")
        spec["filter"] = st.checkbox(
            "Filter by metadata", base.filter, key=f"{key}filter", help="Only documents that match each query's own filter."
        )
        spec["infer_filters"] = st.multiselect(
            "Fields to read filters from", base.infer_filters, base.infer_filters, key=f"{key}infer_filters",
            accept_new_options=True, placeholder="such as product or version",
            help="A query without a filter that names a value of these fields is searched only among documents with it.",
        )  # fmt: skip
    with second:
        spec["dense"] = _ask_side("Embeddings", Dense, base.dense, f"{key}dense_")
        spec["lexical"] = _ask_side("Words (BM25)", Lexical, base.lexical, f"{key}lexical_")
    with third:
        spec["fuse"] = _ask_kind("Merge both sides", "fuse", base.fuse, f"{key}fuse_")
        spec["rerank"] = _ask_kind("Rerank", "rerank", base.rerank, f"{key}rerank_")
        spec["rewrite"] = _ask_rewrite(base, f"{key}rewrite_")
    return spec


def _ask_kind(label: str, role: str, current: Any, key: str) -> dict[str, Any] | None:
    """One of the stages of a role, or off."""
    kinds = list_choices(role)
    options = [_OFF, *kinds]
    index = options.index(current.type) if current is not None else 0
    kind = st.selectbox(
        label, options, index, key=f"{key}type", format_func=lambda name: kinds[name].label if name in kinds else name
    )
    if kind == _OFF:
        return None
    start = current if current is not None and current.type == kind else kinds[kind]()
    return {"type": kind, **_ask_fields(start, f"{key}{kind}_")}


def _ask_side(label: str, stage: type, current: Any, key: str) -> dict[str, Any] | None:
    if not st.checkbox(label, current is not None, key=f"{key}on"):
        return None
    return _ask_fields(current or stage(), key)


def _ask_fields(start: Any, key: str) -> dict[str, Any]:
    """One widget per field of a stage, by the field's type."""
    values: dict[str, Any] = {}
    for field in dataclasses.fields(start):
        if field.name in FILLED_IN:
            continue
        label, tip = field.metadata.get("label", field.name.replace("_", " ").capitalize()), field.metadata.get("help")
        choices = field.metadata.get("choices")
        value, name = getattr(start, field.name), f"{key}{field.name}"
        if choices:
            place = choices.index(value) if value is not None else 0  # the first is what nothing stands for
            chosen = st.selectbox(label, choices, place, key=name, help=tip)
            values[field.name] = value if choices.index(chosen) == place else chosen
        elif isinstance(value, bool):
            values[field.name] = st.checkbox(label, value, key=name, help=tip)
        elif isinstance(value, int):
            values[field.name] = int(st.number_input(label, value=value, step=1, key=name, help=tip))
        elif isinstance(value, float):
            values[field.name] = float(st.number_input(label, value=value, step=0.05, format="%.2f", key=name, help=tip))
        elif value is None or isinstance(value, str):
            text = st.text_input(label, value or "", key=name, help=tip)
            values[field.name] = text if value is not None else text or None
    return values


def _ask_rewrite(base: System, key: str) -> list[dict[str, Any]]:
    """The ways to rewrite a query, each on or off."""
    steps: list[dict[str, Any]] = []
    for kind, stage in list_choices("rewrite").items():
        current = next((step for step in base.rewrite if isinstance(step, stage)), None)
        if stage is Glossary:
            steps += _ask_glossary(current, key)
        elif st.checkbox(stage.label[:1].upper() + stage.label[1:], current is not None, key=f"{key}{kind}"):
            steps.append({"type": kind, **_ask_fields(current or stage(), f"{key}{kind}_")})
    return steps


def _ask_glossary(current: Glossary | None, key: str) -> list[dict[str, Any]]:
    """A glossary, which is no single value: typed, or read from a file."""
    if not st.checkbox("Add synonyms from a glossary", current is not None, key=f"{key}glossary"):
        return []
    lines = "\n".join(", ".join(group) for group in current.groups) if current else ""
    text = st.text_area(
        "Glossary",
        lines,
        key=f"{key}lines",
        placeholder="wifi, wireless, WLAN",
        help="One group a line, commas between terms.",
    )
    file = st.file_uploader("or as a text file", ["txt", "csv"], key=f"{key}file")
    groups = parse_glossary(_decode(file), file=file.name) if file else parse_glossary(text)
    if not groups:
        raise InputError("the glossary is empty; write one group a line with commas between terms, or switch it off")
    return [{"type": Glossary.type, "groups": [list(group) for group in groups]}]


def _decode(file: Any) -> str:
    try:
        return str(file.getvalue().decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InputError("is not UTF-8 text; save it as UTF-8 and upload it again", file=file.name) from error


def _exchange(own: Mapping[str, System]) -> None:
    """All own systems as one YAML file, out and in."""
    left, right = st.columns(2)
    with left:
        st.download_button(
            "All of yours as YAML",
            lambda: write_systems(list(own.values())),
            "systems.yaml",
            "application/yaml",
            key="yaml_all",
            disabled=not own,
            help=None if own else "You have no systems of your own yet.",
        )
        st.caption("The same spelling as for `--config` on the command line.")
    with right:
        file = st.file_uploader(
            "Add systems from a YAML file", ["yaml", "yml"], key=f"yaml_in_{st.session_state.get(_ROUND, 0)}"
        )
        if file is None:
            return
        try:
            names = import_systems(_decode(file), file.name)
        except LadderError as error:
            st.error(escape_markdown(error))
            return
        st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1
        st.session_state[_FLASH] = f"Added from {file.name}: {', '.join(names)}."
        st.rerun()


def import_systems(text: str, file: str) -> list[str]:
    """Takes all systems of a YAML text into the workspace, or none; those of the same name are replaced. Returns names."""
    systems, workspace = read_systems(text, file=file), open_workspace()
    taken = sorted(set(systems) & set(make_named_systems()))
    if taken:
        raise InputError(f"names {', '.join(taken)}, which come with the product; give them other names", file=file)
    if not systems:
        raise InputError("holds no systems; it should hold a list, each starting with `- name: ...`", file=file)
    for system in systems.values():
        save_own_system(system, workspace)
    return list(systems)


def read_own_systems() -> tuple[dict[str, System], str | None]:
    """The workspace's own systems, or none and the sentence that says why they cannot be read."""
    try:
        return list_own_systems(open_workspace()), None
    except InputError as error:
        return {}, str(error)
