"""tables.yaml: what a person says of the tables in a folder, beside them, so that every command and the app read them alike.

    products.csv: {role: documents, id: sku, text: description}
    ratings.csv: {role: judgments, query_id: query, doc_id: sku, relevance: stars}
    queries.tsv: {role: queries, header: false, id: column_1, text: column_2}
    clicks.csv: {role: none}

    marks.csv: {role: judgments, grades: {A: 2, B: 1, F: 0}}

Fields that are not named are guessed. A table of judgments without grades says every_row_counts: true.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.data.readers.columns import NOUNS, TableUse, check_mapping
from core.data.readers.encoding import read_text
from core.data.readers.guesses import guess_columns
from core.data.readers.table_files import is_sheet, read_head
from core.data.readers.values import is_number
from core.errors import InputError

TOLD = "tables.yaml"
_ROLES = {**{noun: role for role, noun in NOUNS.items()}, "corpus": "corpus", "none": ""}
_SWITCHES = ("header", "every_row_counts")


def read_told(folder: Path) -> list[TableUse]:
    """What tables.yaml in a folder says; nothing if there is none. Raises InputError for what it cannot mean."""
    path = folder / TOLD
    if not path.is_file():
        return []
    import yaml

    text = read_text(path)
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.BaseLoader)):
            raise InputError("uses YAML aliases; write the values out", file=path)
        content = yaml.load(text, Loader=yaml.BaseLoader)  # all values as text: a column may be called no, or 2020
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or type(error).__name__
        raise InputError(
            f"is not valid YAML ({reason}); correct it", file=path, line=mark.line + 1 if mark else None
        ) from error
    if not isinstance(content, dict):
        raise InputError("expected a file's name with its role and columns on each line; see docs/tables.md", file=path)
    return [_read_use(path, str(file), said) for file, said in content.items()]


def _read_use(path: Path, file: str, said: Any) -> TableUse:
    if not isinstance(said, dict) or said.get("role") not in _ROLES:
        raise InputError(f"{file} needs a role, one of {', '.join(NOUNS.values())}, none; correct it", file=path)
    table = path.parent / file
    if not (table.is_file() or is_sheet(table)) or path.parent.resolve() not in table.resolve().parents:
        raise InputError(f"names {file}, which is not in this folder; correct the name", file=path)
    role = _ROLES[said["role"]]
    if not role:
        return TableUse(file, "")
    switches = {name: _read_switch(path, file, name, said.get(name)) for name in _SWITCHES}
    named = {name: column for name, column in said.items() if name not in ("role", "grades", *_SWITCHES)}
    grades = said.get("grades") or {}
    if not isinstance(grades, dict) or not all(isinstance(grade, str) and is_number(grade) for grade in grades.values()):
        raise InputError(f"grades of {file} must be words with their numbers, as in {{good: 2, bad: 0}}; correct it", file=path)
    head = read_head(table, header=switches["header"])
    guessed = {name: column for name, column in guess_columns(file, head, role=role).items() if column not in named.values()}
    columns = {**guessed, **named}
    problem = check_mapping(columns, role=role)
    for column in named.values():
        if column and column not in head.columns:
            problem = f'has no column "{column}"; found {", ".join(head.columns)}'
    if problem:
        raise InputError(f"{file}: {problem}", file=path)
    return TableUse(file, role, columns, header=head.is_named, all_relevant=bool(switches["every_row_counts"]), grades=grades)


def _read_switch(path: Path, file: str, name: str, value: Any) -> bool | None:
    if value is not None and value not in ("true", "false"):
        raise InputError(f"{name} of {file} must be true or false; correct it", file=path)
    return None if value is None else value == "true"
