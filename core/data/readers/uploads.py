"""Uploaded files: written to the workspace at once, and told apart by what they are."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO

from core.data.readers.archive import check_relative_name, is_clutter, move_whole, unpack_zip
from core.data.readers.chroma_place import DATABASE, find_place
from core.data.readers.documents.folder import list_documents
from core.data.readers.documents.kinds import SHOWN
from core.data.readers.documents.unread import say_unread
from core.data.readers.huggingface import list_shards
from core.data.readers.layouts import find_datasets, find_layout, find_only_folder, find_table_datasets, is_huggingface
from core.errors import InputError
from core.storage.files import hold_folder
from core.text.phrases import count_of

_TABLES = "tables (.csv .tsv .jsonl .parquet)"
Content = bytes | bytearray | memoryview | IO[bytes]


class UploadKind(StrEnum):
    """dataset: corpus.jsonl, or one file that holds all · several: of them · documents: core/data/readers/documents/kinds.py ·
    tables: need the mapping step · unknown."""

    DATASET = "dataset"
    SEVERAL = "several"
    DOCUMENTS = "documents"
    TABLES = "tables"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Upload:
    """What a folder of uploaded files is.

    root: the folder to give to load_dataset. files: the paths inside root that count for this kind (the documents, the
    tables; of a dataset corpus.jsonl, queries.jsonl and the qrels; of several their folders; all of them if unknown).
    message: one sentence.
    """

    kind: UploadKind
    root: Path
    files: tuple[str, ...]
    message: str


def inspect_upload(folder: Path) -> Upload:
    """Tells what a folder is. Documents win over tables, unless a readme or licence is the only document."""
    top = find_only_folder(folder)
    found = find_datasets(top)
    if len(found) > 1:
        names = tuple(path.relative_to(top).as_posix() for path in found)
        return Upload(UploadKind.SEVERAL, top, names, f"{count_of(len(names), 'dataset')}: {', '.join(names)}; choose one.")
    root = found[0] if found else top
    if find_place(root) is not None:
        message = (
            "A Chroma folder: each item of its collection becomes a document. Its vectors are taken too if it is given as a "
            "path on this machine."
        )
        return Upload(UploadKind.DATASET, root, (DATABASE,), message)
    if is_huggingface(root):
        shards = tuple(path.relative_to(root).as_posix() for path in list_shards(root))
        return Upload(
            UploadKind.DATASET, root, shards, f"A HuggingFace dataset: {count_of(len(shards), 'file')} with its rows."
        )
    layout = find_layout(root)
    parts = tuple(sorted(name for name in (layout.corpus, layout.queries, *layout.qrels) if name))
    if layout.whole:
        return Upload(UploadKind.DATASET, root, layout.whole, f"A dataset: {', '.join(layout.whole)}.")
    if layout.corpus:
        return Upload(UploadKind.DATASET, root, parts, f"A dataset: {', '.join([*parts, *layout.tables])}.")
    if layout.documents:
        with_tables = f", and {count_of(len(layout.tables), 'table')}: {', '.join(layout.tables)}" if layout.tables else ""
        return Upload(
            UploadKind.DOCUMENTS, root, layout.documents, f"{count_of(len(layout.documents), 'file')} with text{with_tables}."
        )
    several = tuple(find_table_datasets(layout, layout.understand())) if layout.tables else ()
    if several:
        return Upload(
            UploadKind.SEVERAL, root, several, f"{count_of(len(several), 'dataset')}: {', '.join(several)}; choose one."
        )
    if layout.tables or parts:
        tables = tuple(sorted({*layout.tables, *parts}))
        message = f"{count_of(len(tables), 'table')}: {', '.join(tables)}; say which is what."
        return Upload(UploadKind.TABLES, root, tables, message)
    _, others = list_documents(root)
    return Upload(
        UploadKind.UNKNOWN,
        root,
        tuple(others),
        " ".join(
            [f"Nothing that can be loaded; expected corpus.jsonl, documents ({SHOWN}) or {_TABLES}.", *say_unread(others)]
        ),
    )


def save_upload(files: Iterable[tuple[str, Content]], folder: Path) -> Path:
    """Writes uploaded files into `folder` (must not exist yet or be empty), all or nothing, and returns it.

    files: (name, content); names may have sub-folders, a folder that all of them share is left out, as browsers add
    it. If the only file is a zip, it is unpacked in place. Raises InputError for names outside the folder, names
    given twice, and what unpack_zip refuses.
    """
    with hold_folder(folder):
        return _save_held(files, folder)


def _save_held(files: Iterable[tuple[str, Content]], folder: Path) -> Path:
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        written = _write_files(files, aside)
        if not written:
            raise InputError("no files were uploaded; choose files, a folder or a zip")
        content = aside
        if len(written) == 1 and written[0].lower().endswith(".zip"):
            content = aside / "content"
            try:
                unpack_zip(aside / written[0], content)
            except InputError as error:
                message = str(error).removeprefix(f"{aside / written[0]}: ")
                raise InputError(message, file=written[0]) from error
        move_whole(find_only_folder(content), folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return folder


def _write_files(files: Iterable[tuple[str, Content]], folder: Path) -> list[str]:
    written: list[str] = []
    for given, content in files:
        name = check_relative_name(given)
        if name is None:
            raise InputError(f'the file name "{given}" leads outside the upload; rename the file and upload it again')
        if is_clutter(name):
            continue
        target = folder / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:
                if isinstance(content, (bytes, bytearray, memoryview)):
                    file.write(content)
                else:
                    shutil.copyfileobj(content, file)
        except (FileExistsError, NotADirectoryError) as error:
            raise InputError(f'the file "{name}" was uploaded twice; upload it once') from error
        written.append(name)
    return written
