"""The layouts of a folder: which of its files are documents, queries and judgments, and reading them as one dataset.

Each part is taken from the first of these that has it:
1. corpus.jsonl, queries.jsonl, qrels.tsv and qrels/*.tsv with the fields that docs name;
2. a whole dataset in one file (core/data/readers/json_datasets.py);
3. documents (.txt, .md, .pdf …), for the corpus alone;
4. tables whose columns are recognised, or described in tables.yaml.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path, PurePosixPath

from core.data.readers.columns import TableUse
from core.data.readers.contents import Contents
from core.data.readers.corpus import Corpus, read_corpus, read_queries
from core.data.readers.documents.folder import list_documents, read_documents
from core.data.readers.documents.kinds import LINES, SHOWN, find_kind
from core.data.readers.documents.unread import find_cure
from core.data.readers.guesses import guess_head, guess_mapping, hint_of
from core.data.readers.huggingface import check_shards, is_numbered, list_shards
from core.data.readers.json_datasets import are_squad_rows, list_squad_rows, read_json_dataset, read_squad, recognise_json
from core.data.readers.json_tables import first_json_row, holds_several_tables, read_start
from core.data.readers.jsonl import read_jsonl
from core.data.readers.passage_rows import are_passage_rows, may_be_passage_rows, read_passage_rows
from core.data.readers.qrels import find_qrels, read_judgments
from core.data.readers.table_files import (
    SHEET_SUFFIXES,
    TABLE_SUFFIXES,
    Head,
    Row,
    is_label_text,
    list_filled_sheets,
    read_head,
    read_sheet_head,
)
from core.data.readers.tables import read_tables
from core.data.readers.told import TOLD, read_told
from core.data.readers.understand import Question, Understanding, understand
from core.data.readers.values import count_words
from core.errors import InputError
from core.progress import ProgressCallback, ignore_progress
from core.text.phrases import count_of, first_five

_CORPUS, _QUERIES = "corpus.jsonl", "queries.jsonl"
# Names of files about the data; the last four are what the library datasets writes beside shards.
_ABOUT = ("readme", "license", "licence", "copying", "changelog", "dataset_info", "dataset_infos", "dataset_dict", "state")
_QUERIES_A_LINE = ("queries", "query", "questions", "topics")  # names of text files
_WHAT = ("header", "role", "file")  # questions about what a table is at all
_NO_LABELS = (".md", ".html", ".pdf", ".docx", ".xlsx", ".json", ".py", ".zip", ".png", ".jpg")  # not worth a look
_PACKED = (".zip", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".tar", ".7z", ".rar")
_MOST_SHEETS = 20  # of a workbook whose sheets may be tables of a dataset
_DEPTH = 3  # folders below each other in which datasets are looked for


@dataclass(frozen=True)
class Layout:
    """What the files of a folder are, as paths below it with "/".

    corpus, queries: the canonical files, "" if there is none. qrels: those of qrels.tsv and qrels/*.tsv. whole: files that
    hold a dataset by themselves. documents: single documents. tables: what else may hold a part, as a table. told: what is
    known of them. given: the corpus comes from elsewhere.
    """

    folder: Path
    corpus: str = ""
    queries: str = ""
    qrels: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    told: tuple[TableUse, ...] = ()
    given: bool = False

    @property
    def filled(self) -> set[str]:
        """The roles that no table has to fill."""
        found = {
            "corpus": self.given or self.corpus or self.documents or self.whole,
            "queries": self.queries,
            "judgments": self.qrels,
        }
        return {"corpus", "queries", "judgments"} if self.whole else {role for role, files in found.items() if files}

    def understand(self) -> Understanding:
        """What its tables hold."""
        return understand(self.folder, self.tables, told=self.told, have=self.filled)


def find_table_datasets(layout: Layout, understanding: Understanding) -> list[str]:
    """The folders below that each have documents and labels in tables, if there are several: datasets of their own."""
    roles: dict[str, set[str]] = {}
    for use in understanding.uses:
        roles.setdefault(PurePosixPath(use.file).parent.as_posix(), set()).add(use.role)
    found = [name for name, held in roles.items() if "corpus" in held and held & {"queries", "judgments"}]
    return found if len(found) > 1 and not layout.told else []


def find_datasets(folder: Path) -> list[Path]:
    """The folder itself if it holds a corpus.jsonl, else those below that do, sorted; none if there is none."""
    if (folder / _CORPUS).is_file():
        return [folder]
    found = []
    for parent, names, files in os.walk(folder):
        depth = len(Path(parent).relative_to(folder).parts)
        names[:] = [] if depth >= _DEPTH else sorted(name for name in names if not name.startswith((".", "__MACOSX")))
        if _CORPUS in files:
            found.append(Path(parent))
            names[:] = []
    return sorted(found)


def find_root(folder: Path) -> Path:
    """The folder of the only dataset in a folder or below it; the folder itself if none has a corpus.jsonl.

    Raises InputError that names them if there are several.
    """
    found = find_datasets(folder)
    if len(found) > 1:
        names = [path.relative_to(folder).as_posix() for path in found]
        raise InputError(
            f"holds {count_of(len(names), 'dataset')} ({', '.join(names)}); give one of their folders", file=folder
        )
    return found[0] if found else folder


def find_only_folder(folder: Path) -> Path:
    """Goes down while a folder holds nothing but one folder, as zips and browsers pack them."""
    while True:
        inside = [path for path in folder.iterdir() if not path.name.startswith((".", "__MACOSX"))]
        if len(inside) != 1 or not inside[0].is_dir() or inside[0].name == "qrels":
            return folder
        folder = inside[0]


def is_about(name: str) -> bool:
    """Whether a document describes the data rather than being part of it."""
    return PurePosixPath(name).stem.lower() in _ABOUT


def is_huggingface(folder: Path) -> bool:
    """Whether a folder is a HuggingFace dataset: files that are numbered as shards, or tables in folders that are called as
    its parts are and beside them nothing that is a document. Shards of SQuAD are read as SQuAD, with the answers' places."""
    if (folder / _CORPUS).is_file():
        return False
    shards = list_shards(folder)
    if not shards or all(_is_whole(shard) for shard in shards):
        return False
    return any(is_numbered(shard) for shard in shards) or not list_beside(folder)


def list_beside(folder: Path) -> list[str]:
    """Documents beside shards that do not describe them."""
    return [name for name in list_documents(folder)[0] if not is_about(name)]


def find_layout(folder: Path, *, told: Sequence[TableUse] = ()) -> Layout:
    """Tells the files of a folder apart by their names and beginnings. Documents win over tables as the corpus.

    told: what a person said of some files, which are tables then, whatever their names. tables.yaml says the same.
    """
    said = {use.file: use for use in [*read_told(folder), *told]}
    documents, others = (sorted({*names} - {*said}) for names in list_documents(folder))
    corpus = _CORPUS if _CORPUS not in said and _is_canonical(folder / _CORPUS, "corpus", "id", "text") else ""
    queries = _QUERIES if _QUERIES not in said and _is_canonical(folder / _QUERIES, "queries", "text") else ""
    qrels = tuple(name for path in find_qrels(folder) if (name := path.relative_to(folder).as_posix()) not in said)
    found = [path for path in sorted(folder.glob("qrels/*")) if path.is_file() and not path.name.startswith(".")]
    inside = [path.relative_to(folder).as_posix() for path in found]
    rest = [*others, *(name for name in (_QUERIES, *inside) if (folder / name).is_file() and name not in (*said, *qrels))]
    whole = [name for name in (*documents, *rest) if _is_whole(folder / name)] if not corpus else []
    books = {name: list_tables_of(folder / name) for name in documents if name.lower().endswith(SHEET_SUFFIXES)}
    sheets = [f"{name}/{sheet}" for name, found in books.items() for sheet in found]
    documents = [name for name in documents if not books.get(name)]
    labels = [*sheets, *(name for name in (*documents, *rest) if _are_labels(folder, name))]
    content = [name for name in documents if name not in (*labels, *whole)] if not corpus and not whole else []
    clear = [name for name in content if _is_clear(folder / name)]
    lines = [name for name in documents if name not in whole and not clear]  # rows of a table, where nothing else is a document
    tables = [name for name in (*rest, *lines) if name.lower().endswith(TABLE_SUFFIXES)]
    if (tables or labels) and not corpus:
        tables += [name for name in (*rest, *lines) if name not in labels and _is_json_table(folder / name)]
    tables = [name for name in (*tables, *labels) if name not in (corpus, queries, *whole)]
    if (not clear and (tables or said)) or any(use.role == "corpus" for use in said.values()):
        content = []
    return Layout(
        folder,
        corpus=corpus,
        queries=queries,
        qrels=qrels,
        whole=tuple(whole),
        documents=tuple(content),
        tables=tuple(sorted({*tables, *said})),
        told=tuple(said.values()),
    )


def list_tables_of(path: Path) -> tuple[str, ...]:
    """The sheets of a workbook whose sheets are the tables of a dataset: judgments, or queries by their name beside documents
    by theirs; none of any other."""
    state = path.stat()
    return _list_tables_of(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=4_096)  # a layout is found several times while a folder is read, and a workbook takes long to open
def _list_tables_of(path: Path, size: int, written: int) -> tuple[str, ...]:
    """list_tables_of() of a file in this state."""
    try:
        sheets = list_filled_sheets(path)
        few = sheets if 1 < len(sheets) <= _MOST_SHEETS else {}
        guesses = {name: guess_head(name, read_sheet_head(rows, path / name)) for name, rows in few.items()}
    except InputError:
        return ()
    sure = {name: guess for name, guess in guesses.items() if guess.sure}
    named = {guess.role for name, guess in sure.items() if hint_of(name) == guess.role}
    judged = any(guess.role == "judgments" or "relevant" in guess.mapping for guess in sure.values())
    return tuple(sheets) if judged or {"corpus", "queries"} <= named else ()


def layout_of(path: Path, *, told: Sequence[TableUse] = ()) -> Layout:
    """find_layout() of a folder; of a single file the layout that has nothing but this."""
    if path.is_dir():
        return find_layout(path, told=told)
    whole = (path.name,) if _is_whole(path) else ()
    sheets = list_tables_of(path) if path.suffix.lower() in SHEET_SUFFIXES else ()
    tables = tuple(f"{path.name}/{sheet}" for sheet in sheets) or (path.name,)
    return Layout(path.parent, whole=whole, tables=() if whole else tables, told=tuple(told))


def read_layout(layout: Layout, *, corpus: Corpus | None = None, on_progress: ProgressCallback = ignore_progress) -> Contents:
    """The parts of a dataset, each from where it is. corpus: where it was read already, from elsewhere. on_progress: hears how
    far the reading of the corpus is.

    Raises InputError if there is no corpus, and for all that is unclear.
    """
    if corpus is not None:
        layout = replace(layout, corpus="", documents=(), whole=(), given=True)
    folder, understanding = layout.folder, layout.understand()
    if layout.documents and all(map(is_about, layout.documents)) and _list_packed(folder):
        layout = replace(layout, documents=())  # a readme beside the data, which are packed
    if "corpus" not in layout.filled and not layout.tables:
        _, others = list_documents(folder)
        packed = _list_packed(folder)
        if packed:
            raise InputError(
                "holds no corpus.jsonl, documents or tables, but packed files; "
                f"unpack {first_five(packed)}, or give a zip by itself",
                file=folder,
            )
        found = f"found only {first_five(others)}" if others else "found nothing"
        cures = "; ".join(dict.fromkeys(filter(None, map(find_cure, others)))) or "add one of them"
        raise InputError(f"expected corpus.jsonl, documents ({SHOWN}) or tables, {found}; {cures}", file=folder)
    _check_one_corpus(layout, understanding)
    several = find_table_datasets(layout, understanding)
    if several:
        raise _several(folder, several)
    uses, notes = _choose_uses(layout, understanding)
    contents = _read_parts(layout, on_progress)
    contents.corpus = corpus or contents.corpus
    if not contents.queries_file.name:
        contents.queries_file = folder / _QUERIES
    if uses:
        contents = read_tables(folder, uses, have=contents, on_progress=on_progress)
    contents.notes = [*notes, *_note_unread(layout), *contents.notes]
    return contents


def _check_one_corpus(layout: Layout, understanding: Understanding) -> None:
    """Raises InputError where documents lie beside a table of them that is called so: either may be the corpus."""
    told = {use.file for use in layout.told}
    for file, head in understanding.heads.items():
        guess = guess_head(file, head)
        if layout.documents and file not in told and guess.role == hint_of(file) == "corpus" and guess.sure:
            raise InputError(
                f"holds {count_of(len(layout.documents), 'document')} ({first_five(layout.documents)}) and a table of "
                f"documents, {file}; move one of them away, or say in {TOLD} what {file} holds (docs/tables.md)",
                file=layout.folder,
            )


def _note_unread(layout: Layout) -> list[str]:
    """Judgments and queries under a name that is not read would otherwise be missed in silence."""
    folder = layout.folder
    candidates = [path for path in sorted([*folder.glob("*"), *folder.glob("qrels/*")]) if path.is_file()]
    names = [path.relative_to(folder).as_posix() for path in candidates if not path.name.startswith(".")]
    known = {layout.corpus, layout.queries, *layout.qrels, *layout.tables, *layout.whole, *layout.documents}
    unread = [name for name in names if name not in known and hint_of(name) in ("queries", "judgments")]
    notes = [f"Not read as queries or judgments, for its form is not known: {first_five(unread)}."] if unread else []
    packed = [] if layout.documents else _list_packed(folder)  # beside documents all that is not read is named
    return (
        [*notes, f"Not read, for they are packed: {first_five(packed)}; unpack what belongs to the data."] if packed else notes
    )


def _list_packed(folder: Path) -> list[str]:
    """Archives and compressed files in a folder and below."""
    return [name for name in list_documents(folder)[1] if name.lower().endswith(_PACKED)]


def _read_parts(layout: Layout, on_progress: ProgressCallback) -> Contents:
    """What stands in files that are no tables."""
    folder = layout.folder
    if layout.whole:
        rows = [name for name in layout.whole if not recognise_json(folder / name)]
        if len(layout.whole) > 1 and len(rows) != len(layout.whole):
            names = ", ".join(layout.whole)
            raise InputError(f"holds {len(layout.whole)} datasets ({names}); give one of the files", file=folder)
        if rows:
            check_shards(folder, [folder / name for name in rows])
            asked = [name for name in rows if _are_rows(folder / name, are_passage_rows, may_be_passage_rows)]
            if 0 < len(asked) < len(rows):
                raise InputError(f"holds datasets of two kinds ({first_five(rows)}); give one of the files", file=folder)
            if asked:
                return read_passage_rows(folder / name for name in asked)
            return read_squad((folder / name, list_squad_rows(folder / name)) for name in rows)
        return read_json_dataset(folder / layout.whole[0])
    contents = Contents()
    if layout.corpus:
        contents.corpus = read_corpus(folder / layout.corpus, on_progress=on_progress)
    elif layout.documents:
        contents.corpus = read_documents(folder, leave=layout.tables, on_progress=on_progress)
    if layout.queries:
        contents.queries = read_queries(folder / layout.queries)
    if layout.qrels:
        contents.judgments = read_judgments([folder / name for name in layout.qrels])
    return contents


def _choose_uses(layout: Layout, understanding: Understanding) -> tuple[list[TableUse], list[str]]:
    """The tables to read, and what is said about them.

    Where the corpus stands in files that are no tables, a table that might hold anything is left out and said so; one that
    surely holds labels, but not how, is asked about as everywhere. Raises InputError for what has to be asked.
    """
    asked, strange = _sort_questions(layout, understanding)
    uses = [use for use in understanding.uses if use.role and use.file not in strange]
    notes = [note for note in understanding.notes if not note.startswith(tuple(f"{file}: " for file in strange))]
    notes += [f"{file} is not read. {question.sentence}" for file, question in strange.items()]
    if asked:
        raise _unclear(layout, understanding, asked)
    if uses:
        notes.insert(0, f"Read {Understanding(layout.folder, tuple(uses), {}, (), ()).describe()}.")
    return uses, notes


def list_questions(layout: Layout) -> list[Question]:
    """What a person has to say of the tables before the layout can be read."""
    return _sort_questions(layout, layout.understand())[0]


def _sort_questions(layout: Layout, understanding: Understanding) -> tuple[list[Question], dict[str, Question]]:
    """Questions that have to be answered, and by file those of tables that are left out instead."""
    if "corpus" not in layout.filled:
        return list(understanding.questions), {}
    unsure = [question for question in understanding.questions if question.about in _WHAT and not _is_label(question)]
    strange = {question.file: question for question in unsure if question.file not in {use.file for use in layout.told}}
    return [question for question in understanding.questions if question.file not in strange], strange


def _is_label(question: Question) -> bool:
    """Whether a file that cannot be read was meant to hold labels, by its name or its beginning."""
    labels = hint_of(question.file) in ("queries", "judgments") or not question.file.lower().endswith(TABLE_SUFFIXES)
    return question.about == "file" and labels


def _several(folder: Path, names: Sequence[str]) -> InputError:
    return InputError(f"holds {count_of(len(names), 'dataset')} ({', '.join(names)}); give one of their folders", file=folder)


def _unclear(layout: Layout, understanding: Understanding, questions: Sequence[Question]) -> InputError:
    unreadable = [question.file for question in questions if question.about == "file"]
    if unreadable:
        read_head(layout.folder / unreadable[0])  # raises what is wrong with it
    understood = understanding.describe()
    before = f"understood {understood}, but not all: " if understood else "not all is clear: "
    packed = _list_packed(layout.folder)
    if packed:
        before = f"unpack {first_five(packed)} if it belongs to the data; {before}"
    return InputError(
        f"{before}{questions[0].sentence.rstrip('.')}; load it on the page Data, or say it in {TOLD} (docs/tables.md)",
        file=layout.folder,
    )


def _is_canonical(path: Path, role: str, *needed: str) -> bool:
    """Whether a JSONL file has the fields of a dataset, or is nothing that can be read as a table instead.

    Then reading it says what is wrong with it.
    """
    if not path.is_file():
        return False
    try:
        _, record = next(read_jsonl(path))
    except InputError:
        return True
    return {"_id", "text"} <= record.keys() or not {*needed} <= guess_mapping(list(record), role=role).keys()


def _is_clear(path: Path) -> bool:
    """Whether a file is a document also beside tables: no readme, no source code, no JSON."""
    kind = find_kind(path)
    return kind is not None and kind is not LINES and kind.beside_tables and not is_about(path.name)


def _are_labels(folder: Path, name: str) -> bool:
    """Whether a file that is no table by its ending holds queries or judgments, by its beginning or by what it is called."""
    path, hint = folder / name, hint_of(PurePosixPath(name).name)
    if name.lower().endswith(".json"):
        return _are_json_labels(path, hint)
    if name.lower().endswith(SHEET_SUFFIXES) and hint in ("queries", "judgments"):
        return _is_table_of(path, hint) or _is_bare_header(path, hint)
    if not _may_be_labels(name):
        return False
    if is_label_text(path):
        return True
    if hint not in ("queries", "judgments"):
        return False
    try:
        head = read_head(path)
    except InputError:
        return False
    if len(head.columns) == 1:
        lines = [str(row.values[head.columns[0]]) for row in head.rows]
        return PurePosixPath(name).stem.lower() in _QUERIES_A_LINE and count_words(lines) > 1
    guess = guess_head(name, head)
    return guess.role == hint and guess.sure


def _is_json_table(path: Path) -> bool:
    """Whether a JSON file is a list of rows, or is called as a table of documents: then reading it says what it lacks."""
    return path.suffix.lower() == ".json" and (first_json_row(path) is not None or hint_of(path.name) == "corpus")


def _are_json_labels(path: Path, hint: str) -> bool:
    """Whether a JSON file is a table of queries or judgments: one that is called so, or whose rows list relevant documents."""
    if holds_several_tables(path):
        return True  # reading it says that each has to be a file of its own
    row = first_json_row(path)
    if row is not None:
        guess = guess_head(path.name, Head(tuple(row), (Row(1, row),)))
        return guess.role in ("queries", "judgments") and bool(
            hint == guess.role or {"relevant", "doc_id"} & guess.mapping.keys()
        )
    if hint not in ("queries", "judgments"):
        return False
    return _is_table_of(path, hint)


def _is_table_of(path: Path, role: str) -> bool:
    try:
        guess = guess_head(path.name, read_head(path))
    except InputError:
        return False
    return guess.role == role and guess.sure


def _is_bare_header(path: Path, role: str) -> bool:
    """Whether a workbook has nothing but the names of such a table's columns."""
    try:
        sheets = list(list_filled_sheets(path).values())
        guess = guess_head(path.name, read_sheet_head(sheets[0], path)) if len(sheets) == 1 else None
    except InputError:
        return False
    return guess is not None and guess.role == role


def _may_be_labels(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() not in (*TABLE_SUFFIXES, *_NO_LABELS)


def _is_whole(path: Path) -> bool:
    """Whether a file holds documents, queries and labels by itself."""
    rows = _are_rows(path, are_squad_rows) or _are_rows(path, are_passage_rows, may_be_passage_rows)
    return rows or recognise_json(path) is not None


def _are_rows(path: Path, among: Callable[[Head], bool], in_json: Callable[[str], bool] | None = None) -> bool:
    """Whether a file holds rows of this kind, by its first ones; in_json: by the beginning of a list in JSON."""
    if path.suffix.lower() == ".json":
        return in_json is not None and in_json(read_start(path))
    try:
        return path.suffix.lower() in (".parquet", ".jsonl") and among(read_head(path, rows=5))
    except InputError:
        return False
