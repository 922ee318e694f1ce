"""The mapping step: what each table is, what its columns are, and its first rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import streamlit as st

from core.data.readers.tables import FIELDS, REQUIRED, check_mapping, guess_mapping, preview_table
from core.errors import LadderError
from pages.shared.frame.text import escape_markdown, shorten

_NO_COLUMN = "no column"
_UNUSED = "not used"
_ROLES = {"corpus": "Documents", "queries": "Queries", "judgments": "Judgments", _UNUSED: "Not used"}
_CELL = 120  # characters of a value in a preview


@st.cache_data(show_spinner="Reading the first rows…", max_entries=16)
def _preview(path: str, written: int) -> pd.DataFrame:
    return preview_table(Path(path))


@dataclass(frozen=True)
class Mapped:
    """tables: role -> (path, mapping), as tables_to_dataset_folder takes them. reason: why they cannot be loaded, or None."""

    tables: dict[str, tuple[Path, Mapping[str, str]]]
    reason: str | None


def map_tables(root: Path, files: Sequence[str]) -> Mapped:
    """Asks for each table below root what it holds and which columns are what; shows five rows of each."""
    tables: dict[str, tuple[Path, Mapping[str, str]]] = {}
    reasons: list[str] = []
    for file in files:
        path = root / file
        with st.container(border=True):
            try:
                rows = _preview(str(path), path.stat().st_mtime_ns)
            except LadderError as error:
                st.markdown(f"**{escape_markdown(file)}**")
                st.error(escape_markdown(str(error).replace(f"{root}/", "")))
                continue
            role = _choose_role(file, list(rows.columns), taken=list(tables))
            st.dataframe(rows.map(_show_cell).astype(str), hide_index=True, alt="The first rows of the table")
            if role == _UNUSED:
                continue
            mapping = _choose_columns(file, list(rows.columns), role)
            reason = check_mapping(mapping, role=role)
            if role in tables:
                reasons.append(f"Two tables are used as {_ROLES[role].lower()}; choose “Not used” for one of them.")
            elif reason:
                reasons.append(f"{file}: {reason}")
            tables[role] = (path, mapping)
    if "corpus" not in tables:
        reasons.insert(0, "Choose the table that holds the documents.")
    return Mapped(tables, reasons[0] if reasons else None)


def _show_cell(value: object) -> str:
    return "" if value is None else shorten(str(value)[: 4 * _CELL], width=_CELL)


def _choose_role(file: str, columns: list[str], *, taken: list[str]) -> str:
    guess = guess_role(file, columns)
    roles = list(_ROLES)
    index = roles.index(guess if guess not in taken else _UNUSED)
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    left.markdown(f"**{escape_markdown(file)}**, {len(columns)} {'column' if len(columns) == 1 else 'columns'}")
    role = right.selectbox(
        "This table holds",
        roles,
        index=index,
        format_func=lambda name: _ROLES[name],
        key=f"data_role_{file}",
        help="Documents are needed; queries and judgments may come later.",
    )
    return str(role)


def guess_role(file: str, columns: list[str]) -> str:
    """ "corpus", "queries" or "judgments", from the table's name and columns; "not used" if none fits."""
    fits = {role: set(REQUIRED[role]) <= set(guess_mapping(columns, role=role)) for role in ("judgments", "queries", "corpus")}
    name = file.lower()
    hints = {"judgments": ("qrel", "judg", "label", "relevance"), "queries": ("quer", "question", "topic")}
    for role, words in hints.items():
        if fits[role] and any(word in name for word in words):
            return role
    if fits["judgments"] and not fits["corpus"]:
        return "judgments"
    if fits["queries"] and not fits["corpus"]:
        return "queries"
    return "corpus" if fits["corpus"] else _UNUSED


def _choose_columns(file: str, columns: list[str], role: str) -> dict[str, str]:
    """Canonical field -> column; guessed, to be corrected."""
    guess = guess_mapping(columns, role=role)
    fields = list(FIELDS[role])
    mapping = {}
    for place, column in zip(fields, st.columns(len(fields)), strict=True):
        options = [_NO_COLUMN, *columns]
        need = place in REQUIRED[role]
        label = place.replace("_", " ")
        with column:
            chosen = st.selectbox(
                f"{label} (needed)" if need else label,
                range(len(options)),
                index=options.index(guess[place], 1) if place in guess else 0,
                format_func=options.__getitem__,
                key=f"data_column_{file}_{role}_{place}",
            )
        mapping[place] = options[int(chosen)] if chosen else ""
    if role == "corpus":
        st.caption("Columns that are not chosen become metadata.")
    return mapping
