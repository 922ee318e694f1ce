"""Single documents and folders of documents: .txt, .md, .html, .pdf, .docx.

Metadata of a document, weakest first:
- `file_type`: "md", "txt", "html", "pdf" or "docx";
- path parts: `folder` ("guides/hub") and `path_1` ("guides"), `path_2` ("hub") …, only for documents in sub-folders;
- front matter of .txt, .md and .html files: YAML between two lines of three dashes at the top. Values keep their YAML
  types (version: 3.1 is a number, version: "3.1" text), dates become text such as 2024-09-18. `title` and `id` are
  taken out: they are the document's title and, in a folder, its id (otherwise the path inside the folder).

The title is the front matter's, else the first heading, else the title the file gives itself (HTML <title>, Word core
property, PDF information), else the file name.
"""

from __future__ import annotations

import datetime
import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from core.data.readers.corpus import Corpus
from core.data.readers.document_text import Extracted, extract_docx, extract_html, extract_pdf
from core.data.readers.encoding import decode_text, read_bytes, replace_surrogates
from core.data.readers.jsonl import check_id
from core.errors import InputError
from core.text.boundaries import read_atx
from core.text.phrases import count_of, first_five
from core.text.yaml_text import YamlProblem, read_yaml

SUFFIXES = {
    ".txt": "txt",
    ".md": "md",
    ".markdown": "md",
    ".html": "html",
    ".htm": "html",
    ".pdf": "pdf",
    ".docx": "docx",
}
_NOT_DOCUMENTS = {"queries.jsonl", "qrels.tsv"}
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_MAX_FRONT_MATTER = 65_536  # characters


@dataclass(frozen=True)
class FileDocument:
    """One document read from a file. notes: sentences for the user about what could not be read."""

    title: str
    text: str
    metadata: dict[str, Any]
    doc_id: str | None = None
    notes: tuple[str, ...] = ()


def read_document(path: Path, *, relative: str | None = None) -> FileDocument:
    """Reads one document. relative: its path inside its folder with "/", from which path metadata is made.

    Raises InputError: unknown type, empty, not UTF-8, damaged, a PDF without text, broken front matter.
    """
    kind = SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise InputError(f"is not one of {', '.join(sorted(SUFFIXES))}; convert it to one of them", file=path)
    data = read_bytes(path)
    front: dict[str, Any] = {}
    if kind in ("pdf", "docx"):
        extracted = extract_pdf(data, path) if kind == "pdf" else extract_docx(data, path)
    else:
        front, body = _split_front_matter(decode_text(data, path), path, strict=kind != "txt")
        extracted = extract_html(body) if kind == "html" else Extracted(text=body)
    text = replace_surrogates(extracted.text)
    if not text.strip():
        raise InputError("the file has no text; fill it or delete it", file=path)
    heading = "" if kind == "txt" else _first_heading(text)
    title = _front_text(front.pop("title", None)) or heading or extracted.title or _title_from_name(path)
    doc_id = _front_text(front.pop("id", None)) or None
    problem = check_id(doc_id) if doc_id else None
    if problem:
        raise InputError(f"the front matter's id {problem}", file=path)
    metadata = {"file_type": kind, **_path_parts(relative or path.name), **front}
    return FileDocument(replace_surrogates(title), text, metadata, doc_id=doc_id, notes=extracted.notes)


def list_documents(folder: Path) -> tuple[list[str], list[str]]:
    """Relative paths ("/" between parts, sorted) of the documents in a folder and below, and of all other files.

    Hidden files and folders, __MACOSX, and the files of a dataset (queries.jsonl, qrels) are in neither list.
    """
    documents: list[str] = []
    others: list[str] = []
    for parent, names, files in os.walk(folder):
        names[:] = [name for name in names if not name.startswith((".", "__MACOSX"))]
        for name in files:
            path = Path(parent, name)
            relative = path.relative_to(folder).as_posix()
            if name.startswith((".", "~$")) or relative in _NOT_DOCUMENTS or relative.startswith("qrels/"):
                continue
            (documents if path.suffix.lower() in SUFFIXES else others).append(relative)
    return sorted(documents), sorted(others)


def read_documents(folder: Path) -> Corpus:
    """Reads every document in a folder and below; other files are counted in a warning.

    Raises one InputError for all bad files together: the first in full, then how many more and their names.
    """
    documents, others = list_documents(folder)
    corpus, seen = Corpus(), dict[str, str]()
    errors: list[tuple[str, InputError]] = []
    for relative in documents:
        try:
            document = read_document(folder / relative, relative=relative)
            doc_id = replace_surrogates(document.doc_id or relative)
            if doc_id in seen:
                raise InputError(
                    f'the document id "{doc_id}" is already used by {seen[doc_id]}; ids must be unique: change one',
                    file=folder / relative,
                )
        except InputError as error:
            errors.append((relative, error))
            continue
        seen[doc_id] = relative
        corpus.add(doc_id, document.title, document.text, document.metadata)
        corpus.warnings.extend(document.notes)
    if errors:
        first = errors[0][1]
        if len(errors) == 1:
            raise first
        rest = [relative for relative, _ in errors[1:]]
        message = str(first).removeprefix(f"{first.file}" + (f", line {first.line}: " if first.line else ": "))
        more = count_of(len(rest), "more file")
        raise InputError(f"{message} ({more} cannot be read: {first_five(rest)})", file=first.file, line=first.line)
    if others:
        verb = "was" if len(others) == 1 else "were"
        corpus.warnings.append(f"{count_of(len(others), 'file')} of other types {verb} not read: {first_five(others)}.")
    return corpus


def _split_front_matter(text: str, path: Path, *, strict: bool) -> tuple[dict[str, Any], str]:
    match = _FRONT_MATTER.match(text[:_MAX_FRONT_MATTER])
    if match is None:
        return {}, text
    block = match.group(1)
    try:
        value = read_yaml(block, plain=True)
    except YamlProblem as problem:
        looks_like = re.match(r"[A-Za-z_][\w -]*:", block) is not None
        line = 1 + (problem.line or 0)
        return _refuse_front_matter(text, path, problem.reason, line=line, strict=strict and looks_like)
    if not isinstance(value, dict):  # a text that begins with a horizontal rule
        return {}, text
    front = {str(name): _to_json(item) for name, item in value.items() if item is not None}
    return front, text[match.end() :].lstrip("\n")


def _refuse_front_matter(text: str, path: Path, reason: str, *, line: int, strict: bool) -> tuple[dict[str, Any], str]:
    if strict:
        raise InputError(
            f"the front matter is not valid YAML ({reason}); put the value in quotes or correct it",
            file=path,
            line=line,
        )
    return {}, text


def _to_json(value: Any) -> Any:
    """A YAML value as plain JSON: dates as ISO text, names as text, everything unknown as text."""
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    if isinstance(value, str):
        return replace_surrogates(value)
    if isinstance(value, set):
        value = sorted(value, key=str)
    if isinstance(value, (list, tuple)):
        return [_to_json(item) for item in value]
    if isinstance(value, dict):
        return {str(name): _to_json(item) for name, item in value.items()}
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)


def _front_text(value: Any) -> str:
    return " ".join(str(value).split()) if isinstance(value, (str, int, float)) else ""


def _first_heading(text: str) -> str:
    fence = ""
    previous = ""
    for line in text.split("\n"):
        if not line:
            previous = ""
            continue
        mark = re.match(r" {0,3}(```+|~~~+)", line)
        if mark and (not fence or mark.group(1).startswith(fence)):
            fence = "" if fence else mark.group(1)
        elif not fence:
            heading = read_atx(line)
            if heading and heading[1]:
                return heading[1]
            if re.fullmatch(r" {0,3}=+[ \t]*", line) and previous.strip():
                return previous.strip()
        previous = "" if fence else line
    return ""


def _title_from_name(path: Path) -> str:
    return re.sub(r"[_\-\s]+", " ", path.stem).strip() or path.name


def _path_parts(relative: str) -> dict[str, Any]:
    parts = PurePosixPath(replace_surrogates(relative)).parts[:-1]
    if not parts:
        return {}
    return {"folder": "/".join(parts), **{f"path_{number}": part for number, part in enumerate(parts, start=1)}}
