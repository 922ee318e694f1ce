"""load_dataset: a folder or zip on this machine -> Dataset. Everything is checked before anything is returned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pandas as pd

from core.data.copies import share_labels
from core.data.dataset import Dataset
from core.data.grades import Grade, choose_threshold, describe_grades, to_grade
from core.data.label_rules import LabelRules, read_rules
from core.data.own_documents import leave_out_own_documents
from core.data.query_filters import warn_unmatched_filters
from core.data.readers.archive import unpack_zip
from core.data.readers.chroma_collection import read_collection
from core.data.readers.chroma_place import ChromaPlace, find_place
from core.data.readers.columns import TableUse
from core.data.readers.contents import Contents
from core.data.readers.corpus import Corpus, Queries, warn_empty_documents
from core.data.readers.encoding import check_regular_file, replace_surrogates
from core.data.readers.evidence import Evidence, resolve_evidence
from core.data.readers.huggingface import shards_to_dataset_folder
from core.data.readers.layouts import find_only_folder, find_root, is_huggingface, layout_of, list_beside, read_layout
from core.data.readers.qrels import Judgments, assign_splits, keep_known_queries, match_spellings, warn_missing_documents
from core.data.readers.table_files import SHEET_SUFFIXES, TABLE_SUFFIXES
from core.errors import InputError
from core.progress import ProgressCallback, ignore_progress
from core.storage.scratch import scratch_folder
from core.text.phrases import count_of, first_five, shorten


def load_dataset(
    path: str | Path,
    *,
    name: str | None = None,
    rules: LabelRules | None = None,
    told: Sequence[TableUse] = (),
    on_progress: ProgressCallback = ignore_progress,
) -> Dataset:
    """Loads a dataset from a folder, a zip of one, or a file that holds one.

    The folder holds corpus.jsonl, or documents (core/data/readers/documents/kinds.py; also in sub-folders), and optionally
    queries.jsonl and qrels.tsv or qrels/*.tsv; or tables, or a file of SQuAD and the like (core/data/readers/layouts.py).
    corpus.jsonl may also be in the folder's only sub-folder that has one.
    The folder of a HuggingFace dataset is read from its shards, FOLDER#CONFIGURATION of several.
    A Chroma collection is read from a copy: FOLDER, FOLDER#COLLECTION or chroma://HOST:PORT/COLLECTION, see find_place().
    name: the dataset's name, by default the folder's or zip's. rules: how the labels are read; None takes those of the file
    labels.json, if there is one. told: what a person said of some tables. on_progress: hears how far
    the reading of the corpus is, and stops it by raising Cancelled.

    Documents and queries keep the order of their files (documents of a folder: by path); judgments are ordered by query, then
    as in the files, those from evidence last.

    Raises InputError with file, line and cure for everything that cannot be read; nothing is half-loaded.
    """
    place = find_place(path)
    if place is not None:
        return load_collection(place, name=name, rules=rules)
    path = Path(path)
    is_folder, exists = _look_up(path)
    if is_folder:
        found = name or replace_surrogates(path.resolve().name)
        return _load_folder(find_root(path), found, rules=rules, told=told, on_progress=on_progress)
    folder, configuration = split_part(path)
    if configuration is not None and is_huggingface(folder):
        return _load_shards(folder, name or configuration, configuration=configuration, rules=rules)
    if not exists:
        raise InputError("no such folder or zip; check the path", file=path)
    check_regular_file(path)
    if path.suffix.lower() == ".zip":
        return _load_zip(path, name or replace_surrogates(path.stem), rules=rules, on_progress=on_progress)
    if path.name.lower().endswith((*TABLE_SUFFIXES, *SHEET_SUFFIXES, ".json")):
        return _load_folder(path, name or replace_surrogates(path.stem), rules=rules, told=told, on_progress=on_progress)
    raise InputError("is neither a folder nor a zip; give a folder with corpus.jsonl or documents", file=path)


def split_part(path: Path) -> tuple[Path, str | None]:
    """FOLDER#PART as the folder and the part of it that is meant; what is there under this name itself, or is no folder before
    the sign, is whole: (path, None)."""
    before, found, part = str(path).rpartition("#")
    try:
        return (Path(before), part) if found and not path.exists() and Path(before).is_dir() else (path, None)
    except (OSError, ValueError):  # no permission, or a name that no file can have
        return path, None


def _look_up(path: Path) -> tuple[bool, bool]:
    """Whether a path is a folder that can be read, and whether it is anything at all."""
    try:
        is_folder = path.is_dir()
        if is_folder:
            next(path.iterdir(), None)
        return is_folder, path.exists()
    except (OSError, ValueError) as error:  # no permission, or a name that no file can have
        raise InputError(f"cannot be read ({getattr(error, 'strerror', None) or error}); check the path", file=path) from error


def load_collection(
    place: ChromaPlace, *, name: str | None = None, rules: LabelRules | None = None, corpus: Corpus | None = None
) -> Dataset:
    """A Chroma collection as a dataset: each of its items a document, with the queries and judgments that lie beside it.

    name: by default the collection's, or the folder's. corpus: of the collection, where it was read already.
    """
    corpus = corpus or read_collection(place)
    name = name or place.collection or (place.folder.resolve().name if place.folder is not None else place.host)
    if place.labels is not None:
        return _load_folder(place.labels, name, rules=rules, corpus=corpus)
    with scratch_folder() as nothing:
        return _load_folder(nothing, name, rules=rules, corpus=corpus)


def _load_zip(path: Path, name: str, *, rules: LabelRules | None, on_progress: ProgressCallback) -> Dataset:
    with scratch_folder() as temporary:
        target = temporary / "content"
        unpack_zip(path, target)
        with _showing(target, path):
            return _load_folder(find_root(find_only_folder(target)), name, rules=rules, on_progress=on_progress)


@contextmanager
def _showing(temporary: Path, path: Path) -> Iterator[None]:
    """Messages name the file as the user knows it, not where it was for a moment."""
    try:
        yield
    except InputError as error:
        shown = (error.file or "").replace(str(temporary), str(path))
        raise InputError(error.what, file=shown or path, line=error.line) from error


def _load_shards(folder: Path, name: str, *, configuration: str | None = None, rules: LabelRules | None) -> Dataset:
    with scratch_folder() as temporary:
        notes = shards_to_dataset_folder(folder, temporary, configuration=configuration)
        with _showing(temporary, folder):
            dataset = _load_folder(temporary, name, rules=rules or read_rules(folder))
    beside = list_beside(folder)
    if beside:
        notes.append(f"Not read, lying beside the dataset's shards: {first_five(beside)}.")
    return replace(dataset, warnings=(*notes, *dataset.warnings))


def _load_folder(
    path: Path,
    name: str,
    *,
    rules: LabelRules | None,
    told: Sequence[TableUse] = (),
    corpus: Corpus | None = None,
    on_progress: ProgressCallback = ignore_progress,
) -> Dataset:
    """path: a folder, or a file that holds a dataset. corpus: where it was read already."""
    if corpus is None and not told and path.is_dir() and is_huggingface(path):
        return _load_shards(path, name, rules=rules)
    layout = layout_of(path, told=told)
    rules = read_rules(layout.folder) if rules is None else rules
    return _make_dataset(read_layout(layout, corpus=corpus, on_progress=on_progress), layout.folder, name, rules=rules)


def _make_dataset(contents: Contents, folder: Path, name: str, *, rules: LabelRules) -> Dataset:
    """Checks the parts against each other."""
    corpus, queries = contents.corpus, contents.queries
    known = {query_id: position for position, query_id in enumerate(queries.ids)}
    texts = corpus.texts_by_id()
    evidence = resolve_evidence(queries, texts, path=contents.queries_file)
    judgments = keep_known_queries(match_spellings(contents.judgments, known, texts), known)
    if known and contents.judgments.relevance and not judgments.relevance:
        unknown = first_five(list(dict.fromkeys(query_id for query_id, _ in contents.judgments.relevance)))
        raise InputError(
            f"none of its queries ({unknown}) is among the queries, whose ids are {first_five(queries.ids)}; correct the ids",
            file=next(iter(contents.judgments.queries_of)),
        )
    _check_documents(judgments, evidence, corpus, file=contents.queries_file)
    splits, fixed, split_warnings = assign_splits(queries.ids, judgments.queries_of, folder=folder, told=queries.splits)
    grades_of = judgments.grades_of_queries()
    relevant_from = choose_threshold(grades_of.values()) if rules.relevant_from is None else to_grade(rules.relevant_from)
    warnings = [
        *contents.notes,
        *corpus.warnings,
        *warn_empty_documents(corpus),
        *queries.warnings,
        *warn_unmatched_filters(queries.ids, queries.filters, metadata=corpus.metadata),
        *judgments.warnings,
        *describe_grades(grades_of, relevant_from, said=rules.relevant_from is not None),
        *warn_missing_documents(judgments.relevance, texts),
        *evidence.warnings,
        *_warn_contradictions(judgments, evidence),
        *split_warnings,
    ]
    dataset = Dataset(
        name=name,
        documents=pd.DataFrame(
            {
                "doc_id": _text_column(corpus.ids),
                "title": _text_column(corpus.titles),
                "text": _text_column(corpus.texts),
                "metadata": pd.Series(corpus.metadata, dtype=object),
            }
        ),
        queries=_queries_frame(queries, splits),
        judgments=_judgments_frame(judgments, evidence, order=known, relevant_from=relevant_from),
        evidence=_evidence_frame(evidence),
        warnings=tuple(map(replace_surrogates, warnings)),
        fixed_split=fixed,
        relevant_from=relevant_from,
        language=rules.language,
    )
    dataset = leave_out_own_documents(dataset)
    return share_labels(dataset) if rules.share_copies else dataset


def _check_documents(judgments: Judgments, evidence: Evidence, corpus: Corpus, *, file: Path) -> None:
    """Raises InputError if no label is on a document that is there: then every measure would be 0, whatever the system."""
    judged = dict.fromkeys([*(pair[1] for pair in judgments.relevance), *(span[1] for span in evidence.spans)])
    if judged and corpus.ids and judged.keys().isdisjoint(corpus.ids):
        raise InputError(
            f"none of the judged documents ({first_five([shorten(one) for one in judged])}) is in the corpus, whose ids are "
            f"{first_five([shorten(one) for one in corpus.ids])}; correct the ids, or give the corpus that was judged",
            file=next(iter(judgments.queries_of), file),
        )


def _warn_contradictions(judgments: Judgments, evidence: Evidence) -> list[str]:
    pairs = dict.fromkeys((query_id, doc_id) for query_id, doc_id, _, _ in evidence.spans)
    against = [query_id for query_id, doc_id in pairs if judgments.relevance.get((query_id, doc_id)) == 0]
    if not against:
        return []
    verb = "says" if len(against) == 1 else "say"
    warning = (
        f"{count_of(len(against), 'judgment')} {verb} 0 for a document that is the query's evidence; "
        f"the judgment counts: queries {first_five(against)}."
    )
    return [warning]


def _text_column(values: list[str]) -> pd.Series:
    return pd.Series(values, dtype="str")


def _queries_frame(queries: Queries, splits: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "query_id": _text_column(queries.ids),
            "text": _text_column(queries.texts),
            "split": _text_column(splits),
            "filter": pd.Series(queries.filters, dtype=object),
            "tags": pd.Series(queries.tags, dtype=object),
            "answer": _text_column(queries.answers),
        }
    )


def _judgments_frame(judgments: Judgments, evidence: Evidence, *, order: dict[str, int], relevant_from: Grade) -> pd.DataFrame:
    relevance = dict(judgments.relevance)
    for query_id, doc_id, _, _ in evidence.spans:
        relevance.setdefault((query_id, doc_id), max(1, relevant_from))  # what answers a query is relevant to it
    pairs = sorted(relevance, key=lambda pair: order[pair[0]])
    grades = [relevance[pair] for pair in pairs]
    return pd.DataFrame(
        {
            "query_id": _text_column([query_id for query_id, _ in pairs]),
            "doc_id": _text_column([doc_id for _, doc_id in pairs]),
            "relevance": pd.Series(grades, dtype="int64" if all(isinstance(grade, int) for grade in grades) else float),
        }
    )


def _evidence_frame(evidence: Evidence) -> pd.DataFrame:
    columns = list(zip(*evidence.spans, strict=True)) or [(), (), (), ()]
    return pd.DataFrame(
        {
            "query_id": _text_column([str(value) for value in columns[0]]),
            "doc_id": _text_column([str(value) for value in columns[1]]),
            "start": pd.Series(list(columns[2]), dtype="int64"),
            "end": pd.Series(list(columns[3]), dtype="int64"),
        }
    )
