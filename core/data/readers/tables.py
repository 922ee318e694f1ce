"""Tables (CSV, TSV, JSONL, Parquet, TREC) as corpus, queries or judgments: fields mapped to columns, a row's bad id, grade or
filter said with its line.

Columns of a corpus that are not mapped become metadata. Values of CSV and TSV columns become numbers or true/false if every
value of the column can be written back letter for letter: 3.1 and 3.2 are numbers, but with 3.10 among them all stay text.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core.data.readers.cells import read_id, read_json_cell, read_text_cell, to_text, type_columns
from core.data.readers.columns import NOUNS, TableUse, check_mapping
from core.data.readers.contents import Contents
from core.data.readers.corpus import Corpus
from core.data.readers.json_values import to_json
from core.data.readers.table_files import is_text_table, place, read_mapped, row_error
from core.data.readers.table_labels import read_labels, read_queries
from core.errors import InputError
from core.progress import ProgressCallback, ignore_progress


def read_tables(
    root: Path, uses: Sequence[TableUse], *, have: Contents | None = None, on_progress: ProgressCallback = ignore_progress
) -> Contents:
    """Reads tables below root as the parts of a dataset; several tables of one role are read as one.

    have: parts that were read from elsewhere; a role that it fills must not be among the uses. on_progress: hears how
    many rows of the corpus were read.
    Raises InputError for a mapping that does not fit, and for rows that do not, with the table's file and line.
    """
    for use in uses:
        reason = check_mapping(use.columns, role=use.role) if use.role else None
        if reason is not None:
            raise InputError(reason, file=root / use.file)
    by_role = {role: [use for use in uses if use.role == role] for role in NOUNS}
    contents = have or Contents()
    if by_role["corpus"]:
        contents.corpus = _read_corpus(root, by_role["corpus"], on_progress)
    if not contents.corpus.ids:
        raise InputError("no table is used as the corpus; choose the table that holds the documents", file=root)
    queries, judgments = by_role["queries"], by_role["judgments"]
    relevant = read_queries(root, queries, contents) if queries else []
    if relevant or judgments:
        numbered = any("id" not in use.used for use in queries)
        contents.judgments = read_labels(root, judgments, relevant, contents, numbered=numbered)
    return contents


def _read_corpus(root: Path, uses: Sequence[TableUse], on_progress: ProgressCallback) -> Corpus:
    corpus, seen = Corpus(), dict[str, tuple[Path, int]]()
    for use in uses:
        path, mapping = root / use.file, use.used
        rows = read_mapped(path, use, on_progress=on_progress)
        convert = type_columns(rows) if is_text_table(path) else {}
        rest = [name for name in dict.fromkeys(name for row in rows for name in row.values) if name not in mapping.values()]
        for row in rows:
            doc_id = read_id(row, mapping["id"], path) if "id" in mapping else str(len(corpus.ids) + 1)
            if doc_id in seen:
                first, number = seen[doc_id]
                where = place(first, number) if first == path else f"{first.name}, {place(first, number)}"
                raise row_error(
                    f'the document id "{doc_id}" was already used in {where}; ids must be unique: rename or delete one',
                    path,
                    number=row.number,
                )
            seen[doc_id] = (path, row.number)
            metadata = (read_json_cell(row, mapping, "metadata", path=path) or {}) if "metadata" in mapping else {}
            if not isinstance(metadata, dict):
                raise row_error("the metadata is not a JSON object; correct it or unmap it", path, number=row.number)
            metadata = dict(metadata)
            for name in rest:
                value = row.values.get(name)
                value = convert.get(name, to_json)(value) if value != "" else None
                if value is not None:
                    metadata[name] = value
            title = to_text(row.values.get(mapping["title"])) if "title" in mapping else ""
            corpus.add(doc_id, title, read_text_cell(row, mapping["text"], path), metadata)
    return corpus
