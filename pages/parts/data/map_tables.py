"""The mapping step: what each table is, whether its first line is data, what its columns are, and its first rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.data.grades import HIGHEST_GRADE
from core.data.readers.columns import FIELDS, NOUNS, REQUIRED, TableUse
from core.data.readers.grade_words import EXPLAIN, list_unclear_words
from core.data.readers.guesses import guess_columns
from core.data.readers.layouts import layout_of
from core.data.readers.table_files import Head, read_head, read_rows
from core.data.readers.understand import Question, understand
from core.errors import InputError
from core.text.phrases import count_of
from pages.shared.frame.text import escape_markdown, shorten

_NO_COLUMN = "no column"
_ROLES = {**{role: noun.capitalize() for role, noun in NOUNS.items()}, "": "Not used"}
_ROWS = 5  # shown of each table
_CELL = 120  # characters of a value in a preview
_WORDS = 24  # words of grades that are asked about one by one; a column with more holds hardly grades
_HINTS = ("header", "role")  # questions that the controls answer as they stand


@st.cache_data(show_spinner="Reading the first rows…", max_entries=32)
def _read_head(path: str, header: bool | None, written: int) -> Head:
    return read_head(Path(path), header=header)


@dataclass(frozen=True)
class Mapped:
    """uses: what was said of each table. reason: why they cannot be loaded, or None. places: file -> where more is said."""

    uses: tuple[TableUse, ...]
    reason: str | None
    places: Mapping[str, DeltaGenerator] = field(default_factory=dict)


def map_tables(source: Path, files: Sequence[str]) -> Mapped:
    """Asks for each table what it holds and which columns are what; shows its first rows.

    source: the folder that the files lie in, or the only file.
    """
    layout = layout_of(source)
    root = layout.folder
    have = {"corpus"} if layout.documents else set[str]()
    guessed = understand(root, files, told=layout.told, have=have)
    places, uses = {}, []
    for guess in guessed.uses:
        box = st.container(border=True)
        with box:
            uses.append(_ask(root, guess, [question for question in guessed.questions if question.file == guess.file]))
            places[guess.file] = st.container()
    asked = layout_of(source, told=uses).understand()
    for question in asked.questions:
        if question.file in places:
            places[question.file].warning(escape_markdown(_without_file(question)))
    for use in uses:
        unused = asked.unused(use.file)
        if unused:
            places[use.file].caption(escape_markdown(f"Not used: {', '.join(unused)}."))
    return Mapped(tuple(uses), asked.questions[0].sentence if asked.questions else None, places)


def _ask(root: Path, guess: TableUse, questions: Sequence[Question]) -> TableUse:
    """The controls of one table, set as it was guessed."""
    path, file = root / guess.file, guess.file
    title, place = st.columns([3, 1], vertical_alignment="bottom")
    written = path.stat().st_mtime_ns
    try:
        head = _read_head(str(path), None, written)
    except InputError as error:
        title.markdown(f"**{escape_markdown(file)}**")
        st.error(escape_markdown(str(error).replace(f"{root}/", "")))
        return TableUse(file, "")
    role = place.selectbox(
        "This table holds",
        list(_ROLES),
        index=list(_ROLES).index(guess.role),
        format_func=_ROLES.__getitem__,
        key=f"data_role_{file}",
        help="Documents are needed; queries and judgments may come later.",
    )
    if head.header is not None:
        is_row = st.toggle(
            "The first line is data",
            value=not head.is_named,
            key=f"data_first_{file}",
            help="On: the first line is a row like the others. Off: it has the names of the columns.",
        )
        if is_row == head.is_named:
            try:
                head = _read_head(str(path), not is_row, written)
            except InputError as error:
                st.error(escape_markdown(str(error).replace(f"{root}/", "")))
                return TableUse(file, "", header=not is_row)
    for question in questions:
        if question.about in _HINTS:
            st.caption(f":material/help: {escape_markdown(_without_file(question))}")
    title.markdown(f"**{escape_markdown(file)}**, {count_of(len(head.columns), 'column')}")
    rows = pd.DataFrame(
        [[row.values.get(name) for name in head.columns] for row in head.rows[:_ROWS]], columns=head.columns, dtype=object
    )
    st.dataframe(rows.map(_show_cell).astype(str), hide_index=True, alt="The first rows of the table")
    if not role:
        return TableUse(file, "", header=head.is_named)
    columns = _choose_columns(file, head, guess, str(role))
    alone = role == "judgments" and not columns["relevance"]
    every = alone and st.checkbox("Every row counts as 1", key=f"data_every_{file}", help="There are no grades.")
    column = columns.get("relevance", "") if role == "judgments" else ""
    grades = (
        _explain_grades(root, TableUse(file, str(role), columns, header=head.is_named, grades=guess.grades)) if column else {}
    )
    return TableUse(file, str(role), columns, header=head.is_named, all_relevant=bool(every), grades=grades)


def _explain_grades(root: Path, use: TableUse) -> dict[str, str]:
    """Asks what the words in a column of grades stand for, where that is not plain: word -> number of those that were said."""
    path, column = root / use.file, use.used["relevance"]
    try:
        words = _list_unclear_words(str(path), column, use.header, path.stat().st_mtime_ns)
    except InputError:  # said where the table is read
        return {}
    if not 0 < len(words) <= _WORDS:
        return dict(use.grades)
    st.caption(escape_markdown(f'What the words in "{column}" stand for: 0 is not relevant, a higher grade more relevant.'))
    grades = {}
    for start in range(0, len(words), 4):
        for word, place in zip(words[start : start + 4], st.columns(4), strict=False):
            said = place.number_input(
                escape_markdown(shorten(word, width=_CELL)),
                min_value=0.0,
                max_value=float(HIGHEST_GRADE),
                value=float(use.grades[word].replace(",", ".")) if word in use.grades else None,
                step=1.0,
                format="%g",
                placeholder="grade",
                key=f"data_grade_{use.file}_{column}_{word}",
            )
            if said is not None:
                grades[word] = f"{said:g}"
    return grades


@st.cache_data(show_spinner="Reading the grades…", max_entries=32)
def _list_unclear_words(path: str, column: str, header: bool, written: int) -> list[str]:
    """The words of a column of grades if it is not plain which grades they are; none if it is."""
    return list_unclear_words(row.values.get(column) for row in read_rows(Path(path), header=header))


def _show_cell(value: object) -> str:
    return "" if value is None else shorten(str(value)[: 4 * _CELL], width=_CELL)


def _without_file(question: Question) -> str:
    sentence = question.sentence.removeprefix(f"{question.file}: ").replace(EXPLAIN, "say above which grade each of them is")
    return sentence[:1].upper() + sentence[1:]


def _choose_columns(file: str, head: Head, use: TableUse, role: str) -> dict[str, str]:
    """Canonical field -> column, "" for none; guessed, to be corrected."""
    kept = role == use.role and head.is_named == use.header
    guess = use.used if kept else guess_columns(file, head, role=role)
    mapping, options = {}, [_NO_COLUMN, *head.columns]
    fields = list(FIELDS[role])
    for start in range(0, len(fields), 4):
        for place, column in zip(fields[start : start + 4], st.columns(4), strict=False):
            label = place.replace("_", " ")
            chosen = column.selectbox(
                f"{label} (needed)" if place in REQUIRED[role] else label,
                range(len(options)),
                index=options.index(guess[place], 1) if place in guess else 0,
                format_func=options.__getitem__,
                key=f"data_column_{file}_{role}_{place}" + ("" if head.is_named else "_first"),
            )
            mapping[place] = options[int(chosen)] if chosen else ""
    if role == "corpus":
        st.caption("Columns that are not chosen become metadata.")
    return mapping
