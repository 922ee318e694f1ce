"""Folders of documents: which of their files are documents, and all of them read, with everything that was not read said.

Metadata of a document, weakest first:
- `file_type`: "md", "txt", "html", "pdf", "docx" and so on (core/data/readers/documents/kinds.py);
- path parts: `folder` ("guides/hub") and `path_1` ("guides"), `path_2` ("hub") …, only for documents in sub-folders;
- what the file says of itself: the front matter of .txt, .md and .html files, sender and date of an e-mail, the sheet of a
  spreadsheet, short values of JSON. Values keep their types (version: 3.1 is a number, version: "3.1" text), dates become
  text such as 2024-09-18. `title` and `id` of a front matter are taken out: they are the document's title and its id (otherwise
  the path inside the folder).

The title is the front matter's, else the first heading, else the title the file gives itself (HTML <title>, core property,
PDF information, subject), else the file name.
"""

from __future__ import annotations

import os
import re
import time
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from core.data.label_rules import FILE as RULES
from core.data.label_rules import are_labels
from core.data.readers.corpus import Corpus
from core.data.readers.documents.kind import Extracted, Kind, Note, count_letters
from core.data.readers.documents.kinds import LINES, SHOWN, find_kind
from core.data.readers.documents.plain import find_heading
from core.data.readers.documents.reading import FILE as READING
from core.data.readers.documents.reading import Reading, read_reading
from core.data.readers.documents.unread import find_cure, say_unread
from core.data.readers.encoding import read_bytes, replace_surrogates
from core.data.readers.json_values import to_json
from core.data.readers.jsonl import check_id
from core.data.readers.table_files import TABLE_SUFFIXES
from core.data.readers.told import TOLD
from core.errors import InputError
from core.progress import ProgressCallback, ProgressEvent, ignore_progress
from core.text.phrases import count_of, first_five

_NOT_DOCUMENTS = {"queries.jsonl", "qrels.tsv", READING, TOLD}
_LABELS = re.compile(
    r"(?i)^(queries|questions|topics|qrels|labels?|judge?ments?|ratings?|golden|gold|train|test|dev|validation)\b"
)
_UNFIT = re.compile(r"[\t\r\n]|^\s|\s\Z")
_ENOUGH = 0.9  # of a file's letters: below that it is said which file and why
_REPORT = 0.2  # seconds between two reports of progress


@dataclass(frozen=True)
class FileDocument:
    """One document read from a file. taken, held: letters and digits of its text and of the file; held is None if nothing could
    be lost. notes: what the user should know."""

    title: str
    text: str
    metadata: dict[str, Any]
    doc_id: str | None = None
    part: str = ""
    notes: tuple[Note, ...] = ()
    held: int | None = None
    taken: int = 0
    left_out: str = ""


def read_document(path: Path, *, relative: str | None = None, reading: Reading | None = None) -> list[FileDocument]:
    """The documents of one file, most often one. relative: its path inside its folder with "/", from which metadata is made.

    Raises InputError: unknown kind, empty, not UTF-8, damaged, protected, a PDF without text.
    """
    kind = find_kind(path)
    if kind is None:
        raise InputError(f"is not one of {SHOWN}; {find_cure(path.name) or 'convert it to one of them'}", file=path)
    data = read_bytes(path)
    try:
        documents = [
            _finish(extracted, kind, path, relative or path.name) for extracted in kind.read(data, path, reading or Reading())
        ]
    except (RecursionError, MemoryError) as error:
        raise InputError(f"is too deep or too large to be read ({type(error).__name__}); split it", file=path) from error
    filled = [document for document in documents if document.text.strip()]
    if not filled:
        raise InputError("the file has no text; fill it or delete it", file=path)
    return filled


def _finish(extracted: Extracted, kind: Kind, path: Path, relative: str) -> FileDocument:
    text = replace_surrogates(extracted.text)
    front = to_json(dict(extracted.metadata))
    heading = find_heading(text) if kind.has_headings else ""
    title = _front_text(front.pop("title", None)) or heading or extracted.title or _title_from_name(path)
    doc_id = extracted.doc_id or (_front_text(front.pop("id", None)) or None if not extracted.part else None)
    notes = extracted.notes
    problem = check_id(doc_id) if doc_id else None
    if problem:
        notes += (Note("the id that the file gives itself cannot be used, so its path is its id", f"it {problem}"),)
        doc_id = None
    metadata = {"file_type": kind.name_type(path), **_path_parts(relative), **front}
    taken = count_letters(text) if extracted.held is not None else 0
    return FileDocument(
        replace_surrogates(title), text, metadata, doc_id, extracted.part, notes, extracted.held, taken, extracted.left_out
    )


def list_documents(folder: Path) -> tuple[list[str], list[str]]:
    """Relative paths ("/" between parts, sorted) of the documents in a folder and below, and of all other files.

    Hidden files and folders, __MACOSX, and the files of a dataset (queries.jsonl, qrels) are in neither list. Beside tables
    only what is clearly a document is one; .jsonl files are documents only beside others.
    """
    return _list_files(folder)[:2]


def _list_files(folder: Path) -> tuple[list[str], list[str], list[str]]:
    """Documents, other files, and what was not entered: links to folders, folders without permission, pipes."""
    clear: list[str] = []
    unclear: list[str] = []
    lines: list[str] = []
    others: list[str] = []
    closed: list[str] = []

    def note_closed(error: OSError) -> None:
        closed.append(Path(error.filename).relative_to(folder).as_posix())

    for parent, names, files in os.walk(folder, onerror=note_closed):
        names[:] = sorted(name for name in names if not name.startswith((".", "__MACOSX")))
        closed += [Path(parent, name).relative_to(folder).as_posix() for name in names if Path(parent, name).is_symlink()]
        for name in files:
            path = Path(parent, name)
            relative = path.relative_to(folder).as_posix()
            if (
                name.startswith((".", "~$"))
                or relative in _NOT_DOCUMENTS
                or relative.startswith("qrels/")
                or _says_how_to_read(path, relative)
            ):
                continue
            if not path.is_file():
                closed.append(relative)
                continue
            kind = find_kind(path)
            if kind is LINES and not _LABELS.match(name):
                lines.append(relative)
            elif kind is None or kind is LINES:
                others.append(relative)
            else:
                (clear if kind.beside_tables else unclear).append(relative)
    if clear:
        unclear += lines
    else:
        others += lines
        if any(name.lower().endswith((*TABLE_SUFFIXES, ".arrow")) for name in others):
            others, unclear = others + unclear, []
    return sorted(clear + unclear), sorted(others), sorted(closed)


def _says_how_to_read(path: Path, relative: str) -> bool:
    return relative == RULES and not are_labels(path)


def read_documents(folder: Path, *, leave: Collection[str] = (), on_progress: ProgressCallback = ignore_progress) -> Corpus:
    """Reads every document in a folder and below, as its reading.json says. leave: files that are used otherwise.

    Files that cannot be read are left out and named in warnings, like whatever else was not read. Raises InputError if there is
    no file that can be read: the first error in full, then how many more and their names.
    """
    documents, others, closed = ([name for name in names if name not in leave] for names in _list_files(folder))
    found = _Found(folder, read_reading(folder))
    sizes = [_size_of(folder / relative) for relative in documents]
    clock = _Clock(on_progress, total=sum(sizes), files=len(sizes))
    for relative, size in zip(documents, sizes, strict=True):
        found.read(relative)
        clock.advance(size)
    if found.errors and not found.corpus.ids:
        first = found.errors[0][1]
        if len(found.errors) == 1:
            raise first
        rest = [relative for relative, _ in found.errors[1:]]
        more = count_of(len(rest), "more file")
        raise InputError(f"{first.what} ({more} cannot be read: {first_five(rest)})", file=first.file, line=first.line)
    found.say_all(others, closed)
    return found.corpus


class _Clock:
    """Says how far the reading is, in bytes, a few times a second."""

    def __init__(self, on_progress: ProgressCallback, *, total: int, files: int) -> None:
        self._report, self._total, self._files = on_progress, total, files
        self._done = self._read = 0
        self._start = self._last = time.monotonic()

    def advance(self, size: int) -> None:
        """One more file of this size is read."""
        self._done += size
        self._read += 1
        now = time.monotonic()
        if now - self._last >= _REPORT or self._read == self._files:
            self._last = now
            left = (now - self._start) * (self._total - self._done) / self._done if self._done else None
            label = f"reading files: {self._read:,} of {self._files:,}"
            self._report(ProgressEvent(label, done=self._done, total=self._total, seconds_left=left))


@dataclass
class _Found:
    """What reading the files of a folder gives."""

    folder: Path
    reading: Reading
    corpus: Corpus = field(default_factory=Corpus)
    errors: list[tuple[str, InputError]] = field(default_factory=list)
    notes: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    short: list[str] = field(default_factory=list)  # files of which less than enough was taken, for no known reason
    cut: dict[str, list[tuple[str, float]]] = field(
        default_factory=lambda: defaultdict(list)
    )  # why -> files and shares left out
    sources: dict[str, str] = field(default_factory=dict)  # document id -> file

    def read(self, relative: str) -> None:
        """One file's documents, or its error."""
        shown = replace_surrogates(relative)
        try:
            documents = read_document(self.folder / relative, relative=relative, reading=self.reading)
        except InputError as error:
            self.errors.append((shown, error))
            return
        for document in documents:
            self._add(document, shown)
        self._weigh(documents, shown)

    def _add(self, document: FileDocument, shown: str) -> None:
        by_path = _make_id(f"{shown}#{document.part}" if document.part else shown)
        doc_id = replace_surrogates(document.doc_id or by_path)
        if doc_id in self.sources and doc_id != by_path:
            self.notes["the id that the file gives itself is taken, so its path is its id"].append(
                (shown, f"{doc_id}, as in {self.sources[doc_id]}" if self.sources[doc_id] != shown else doc_id)
            )
            doc_id = by_path
        if doc_id in self.sources:
            what = f'the document id "{doc_id}" is already used by {self.sources[doc_id]}; ids must be unique: change one'
            self.errors.append((shown, InputError(what, file=self.folder / shown)))
            return
        self.sources[doc_id] = shown
        self.corpus.add(doc_id, document.title, document.text, document.metadata)
        for note in document.notes:
            self.notes[note.what].append((shown, note.detail))

    def _weigh(self, documents: list[FileDocument], shown: str) -> None:
        """Compares the letters taken with those that the file holds."""
        measured = [document for document in documents if document.held is not None]
        taken, held = sum(document.taken for document in measured), sum(document.held or 0 for document in measured)
        share = min(taken / held, 1.0) if held else 1.0
        reason = next((document.left_out for document in measured if document.left_out), "")
        if reason:
            self.cut[reason].append((shown, 1 - share))
        elif share < _ENOUGH:
            self.short.append(f"{shown} ({share:.0%})")

    def say_all(self, others: list[str], closed: list[str]) -> None:
        """Everything that was not read or not understood, as warnings of the corpus."""
        say = self.corpus.warnings.append
        whole = len(set(self.sources.values())) + len(self.errors)
        by_reason: dict[str, list[str]] = defaultdict(list)
        for relative, error in self.errors:
            by_reason[error.what].append(relative + (f", line {error.line}" if error.line else ""))
        for reason, names in list(by_reason.items())[:5]:
            say(f"{count_of(len(names), 'file')} of {whole:,} left out: {first_five(names)}: {reason}.")
        rest = [name for names in list(by_reason.values())[5:] for name in names]
        if rest:
            say(f"{count_of(len(rest), 'file')} of {whole:,} left out for other reasons: {first_five(rest)}.")
        for what, places in self.notes.items():
            names = [name + (f" ({detail})" if detail else "") for name, detail in places]
            say(f"{count_of(len({name for name, _ in places}), 'file')}: {what}: {first_five(names)}.")
        for reason, shares in self.cut.items():
            names = [
                f"{name} ({share:.0%} of its letters)" for name, share in sorted(shares, key=lambda pair: (-pair[1], pair[0]))
            ]
            cure = f"`keep_navigation` in {READING} keeps them"
            say(f"{count_of(len(shares), 'file')}: {reason}: {first_five(names)}; {cure}.")
        if self.short:
            say(
                f"{len(self.short):,} of {count_of(whole, 'file')}: less than {_ENOUGH:.0%} of the letters were taken: "
                f"{first_five(self.short)}."
            )
        self.corpus.warnings += say_unread(map(replace_surrogates, others))
        if closed:
            names = [*map(replace_surrogates, closed)]
            say(f"Not entered, since links, pipes and locked folders are not read: {first_five(names)}.")


def _make_id(path: str) -> str:
    """A path as an id: files of judgments and runs have no place for tabs, line ends and white space at the ends of a name."""
    return _UNFIT.sub("_", path)


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _front_text(value: Any) -> str:
    return " ".join(str(value).split()) if isinstance(value, (str, int, float)) else ""


def _title_from_name(path: Path) -> str:
    return re.sub(r"[_\-\s]+", " ", path.stem).strip() or path.name


def _path_parts(relative: str) -> dict[str, Any]:
    parts = PurePosixPath(replace_surrogates(relative)).parts[:-1]
    if not parts:
        return {}
    return {"folder": "/".join(parts), **{f"path_{number}": part for number, part in enumerate(parts, start=1)}}
