"""Notebooks (.ipynb): cells of Markdown as they are, cells of code between fences; what the code gave out is left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.data.readers.documents.json_texts import parse_document
from core.data.readers.documents.kind import Extracted, Note, count_letters, join_blocks
from core.data.readers.documents.reading import Reading
from core.errors import InputError

_CURE = "open it in Jupyter and save it again"


def read_notebook(data: bytes, path: Path, reading: Reading) -> list[Extracted]:
    """One document. Raises InputError if it is not the JSON of a notebook, of format 3 or 4."""
    book = parse_document(data, path)
    cells = _find_cells(book)
    if cells is None:
        raise InputError(f"is not a readable notebook: it has no cells; {_CURE}", file=path)
    metadata = book.get("metadata")
    language = _find_language(metadata if isinstance(metadata, dict) else {})
    texts = [(cell.get("cell_type"), _join(cell.get("source", cell.get("input")))) for cell in cells]
    blocks = [f"```{language}\n{text}\n```" if kind == "code" and text else text for kind, text in texts]
    left = sum(bool(cell.get("outputs")) for cell in cells)
    notes = (Note("outputs of notebook cells are not read; export it as .html to have them", f"{left}"),) if left else ()
    return [Extracted(join_blocks(blocks), notes=notes, held=sum(count_letters(text) for _, text in texts))]


def _find_cells(book: Any) -> list[dict[str, Any]] | None:
    if not isinstance(book, dict):
        return None
    sheets = book.get("worksheets")  # until format 3
    lists = (
        [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)] if isinstance(sheets, list) else [book.get("cells")]
    )
    if not all(isinstance(found, list) for found in lists):
        return None
    return [cell for found in lists for cell in found or [] if isinstance(cell, dict)]


def _find_language(metadata: dict[str, Any]) -> str:
    kernel = metadata.get("kernelspec")
    language = kernel.get("language") if isinstance(kernel, dict) else ""
    return language if isinstance(language, str) and language.isalnum() else ""


def _join(source: Any) -> str:
    parts = source if isinstance(source, list) else [source]
    return "".join(part for part in parts if isinstance(part, str)).strip("\n")
