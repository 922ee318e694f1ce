"""Judgments: qrels files in the BEIR or the TREC layout, checked against queries and corpus; what a grade may be, for tables
too."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from core.data.grades import HIGHEST_GRADE, Grade
from core.data.readers.encoding import read_text
from core.data.readers.grade_words import describe_words, map_words
from core.data.readers.table_files import is_comment, place, row_error
from core.data.readers.trec import ITERATIONS
from core.errors import InputError
from core.text.phrases import count_of, first_five, shorten

Pair = tuple[str, str]  # query id, document id
Judgment = tuple[int, str, str, Grade]  # line, query id, document id, relevance
NO_SPLITS: Mapping[str, Collection[str]] = {}
EXPECTED_GRADE = f"expected a number from 0 to {HIGHEST_GRADE:,}, such as 0, 1 or 0.5"
_QUERY_NAMES = {"query-id", "queryid", "query", "qid", "topic", "topic-id"}
_DOC_NAMES = {"corpus-id", "corpusid", "doc-id", "docid", "docno", "document-id", "document", "doc", "did", "pid"}
_RELEVANCE_NAMES = {"score", "relevance", "rel", "label", "grade", "judgment", "judgement"}
_EXPECTED = (
    'expected the header "query-id<TAB>corpus-id<TAB>score" and three columns separated by tabs (BEIR), '
    "or four columns without header: query 0 document relevance (TREC)"
)


@dataclass
class Judgments:
    """relevance of each (query, document) in the order of the files; queries_of: the queries that a file judges."""

    relevance: dict[Pair, Grade] = field(default_factory=dict)
    queries_of: dict[Path, set[str]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def grades_of_queries(self) -> dict[str, list[Grade]]:
        """query id -> the grades of its documents."""
        found: dict[str, list[Grade]] = {}
        for (query_id, _), grade in self.relevance.items():
            found.setdefault(query_id, []).append(grade)
        return found


@dataclass(frozen=True)
class Layout:
    """Where the values stand in a line of `columns` cells; tabs: separated by tabs, else by white space."""

    query: int
    doc: int
    relevance: int
    columns: int
    tabs: bool
    header: bool


def find_qrels(folder: Path) -> list[Path]:
    """qrels.tsv and qrels/*.tsv of a dataset folder, in that order, names sorted."""
    single = folder / "qrels.tsv"
    inside = folder / "qrels"
    many = [path for path in sorted(inside.glob("*.tsv")) if not path.name.startswith(".")] if inside.is_dir() else []
    return ([single] if single.is_file() else []) + many


def read_judgments(paths: Sequence[Path]) -> Judgments:
    """Reads qrels files as one set. Negative grades (TREC's for spam) count as 0, and a warning says how many there are.

    Raises InputError for other columns, values that are no grades, and a pair judged in two ways.
    """
    found = [(path, list(_read_file(path))) for path in paths]
    empty = [path for path, lines in found if not lines]
    if found and len(empty) == len(found):
        raise InputError("has no judgments below its header; add a line for each: query, document, grade", file=empty[0])
    try:
        words = map_words({value for _, lines in found for _, _, _, value in lines})
    except ValueError:
        words = {}  # the line says what is wrong with it
    result = collect_judgments((path, [_grade(line, path, words) for line in lines]) for path, lines in found)
    notes = [f"{path.name} has no judgments below its header." for path in empty]
    return replace(result, warnings=[*notes, *filter(None, [describe_words(words)]), *result.warnings])


def _grade(line: tuple[int, str, str, str], path: Path, words: Mapping[str, int]) -> Judgment:
    number, query_id, doc_id, value = line
    try:
        return number, query_id, doc_id, parse_relevance(str(words.get(value, value)))
    except ValueError as error:
        what = f'the relevance is "{shorten(value)}", {EXPECTED_GRADE}; correct it'
        raise InputError(what, file=path, line=number) from error


def collect_judgments(sources: Iterable[tuple[Path, Iterable[Judgment]]]) -> Judgments:
    """The judgments of several files as one set. Raises InputError for a pair judged in two ways."""
    result = Judgments()
    places: dict[Pair, tuple[Path, int]] = {}
    repeated: list[str] = []
    below: Counter[Path] = Counter()
    for path, judgments in sources:
        judged = result.queries_of.setdefault(path, set())
        for line, query_id, doc_id, given in judgments:
            pair, relevance = (query_id, doc_id), max(given, 0)
            below[path] += given < 0
            judged.add(query_id)
            if pair not in places:
                places[pair] = (path, line)
                result.relevance[pair] = relevance
                continue
            repeated.append(query_id)
            if result.relevance[pair] != relevance:
                first, first_line = places[pair]
                where = place(first, first_line) if first == path else f"{first.name}, {place(first, first_line)}"
                raise row_error(
                    f'document "{doc_id}" is judged {relevance} for query "{query_id}", but {result.relevance[pair]} '
                    f"in {where}; keep one of them",
                    path,
                    number=line,
                )
    for path, number in (+below).items():
        verb = "counts" if number == 1 else "count"
        result.warnings.append(f"{path.name}: {count_of(number, 'judgment')} with a grade below 0 {verb} as 0.")
    if repeated:
        verb = "was" if len(repeated) == 1 else "were"
        result.warnings.append(
            f"{count_of(len(repeated), 'judgment')} {verb} given twice with the same value and counted once "
            f"(queries {first_five(repeated)})."
        )
    return result


def match_spelling(known: Collection[str]) -> Callable[[str], str]:
    """A function from an id to the known one that differs in Unicode's composition alone (é as one sign, or as two as in the
    names of files on macOS); other ids stay. known: a set or dict."""
    composed = {unicodedata.normalize("NFC", name): name for name in known if not name.isascii()}

    def spell(name: str) -> str:
        return name if name.isascii() or name in known else composed.get(unicodedata.normalize("NFC", name), name)

    return spell


def match_spellings(judgments: Judgments, query_ids: Collection[str], doc_ids: Collection[str]) -> Judgments:
    """The judgments with their ids spelled as queries and documents have them, see match_spelling()."""
    query, doc = match_spelling(query_ids), match_spelling(doc_ids)
    return Judgments(
        relevance={(query(query_id), doc(doc_id)): grade for (query_id, doc_id), grade in judgments.relevance.items()},
        queries_of={path: set(map(query, ids)) for path, ids in judgments.queries_of.items()},
        warnings=judgments.warnings,
    )


def keep_known_queries(judgments: Judgments, query_ids: Collection[str]) -> Judgments:
    """Without the judgments on queries that are not among query_ids (a set or dict); a warning counts them."""
    unknown = [pair for pair in judgments.relevance if pair[0] not in query_ids]
    if not unknown:
        return judgments
    verb = "is on a query" if len(unknown) == 1 else "are on queries"
    warning = (
        f"{count_of(len(unknown), 'judgment')} {verb} that the dataset does not have "
        f"(ignored): {first_five([query_id for query_id, _ in unknown])}."
    )
    return Judgments(
        relevance={pair: value for pair, value in judgments.relevance.items() if pair[0] in query_ids},
        queries_of=judgments.queries_of,
        warnings=[*judgments.warnings, warning],
    )


def warn_missing_documents(pairs: Iterable[Pair], doc_ids: Collection[str]) -> list[str]:
    """A warning with count and first five if judgments are on documents that are not in the corpus."""
    missing = [doc_id for _, doc_id in pairs if doc_id not in doc_ids]
    if not missing:
        return []
    verb = "is on a document" if len(missing) == 1 else "are on documents"
    warning = (
        f"{count_of(len(missing), 'judgment')} {verb} that the corpus does not have "
        f"(kept: the answer is not in the corpus): {first_five(missing)}."
    )
    return [warning]


def assign_splits(
    query_ids: Sequence[str],
    queries_of: Mapping[Path, set[str]],
    *,
    folder: Path,
    told: Mapping[str, Collection[str]] = NO_SPLITS,
) -> tuple[list[str], bool, list[str]]:
    """Split of each query, whether the data fixed it, and warnings.

    "tuning" and "test" if there are judgments in files of both names ("test" wins), else "" for all: qrels/train.tsv and
    qrels/test.tsv, or files such as qrels.train.tsv and qrels.test.tsv; without such files told, "train", "dev" and "test" ->
    the queries that a column puts there. Of a column that names but two parts "dev" is the one that is missing.
    """
    files: dict[str, list[Path]] = {"train": [], "test": []}
    for path in queries_of:
        name = _split_of(path, folder)
        if name:
            files[name].append(path)
    if not files["train"] or not files["test"]:
        judged = set().union(*queries_of.values())
        return _assign_told(query_ids, {name: judged & set(ids) for name, ids in told.items()})
    train, test = (set().union(*(queries_of[path] for path in files[name])) for name in ("train", "test"))
    names = {
        name: ", ".join(path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name for path in paths)
        for name, paths in files.items()
    }
    splits = ["test" if query in test else "tuning" if query in train else "" for query in query_ids]
    warnings = []
    both = [query for query in query_ids if query in train and query in test]
    if both:
        verb = "is" if len(both) == 1 else "are"
        warnings.append(
            f"{count_of(len(both), 'query')} {verb} in both {names['train']} and {names['test']} "
            f"and used for test only: {first_five(both)}."
        )
    neither = [query for query, split in zip(query_ids, splits, strict=True) if not split]
    if neither:
        verb = "is" if len(neither) == 1 else "are"
        warnings.append(
            f"{count_of(len(neither), 'query')} {verb} in neither {names['train']} nor {names['test']}, "
            f"so in no split: {first_five(neither)}."
        )
    for split, name in (("tuning", "train"), ("test", "test")):
        if split not in splits:
            judge = "judges" if len(files[name]) == 1 else "judge"
            warnings.append(f"{names[name]} {judge} no query of the dataset: the {split} split is empty.")
    return splits, True, warnings


def _assign_told(query_ids: Sequence[str], told: Mapping[str, set[str]]) -> tuple[list[str], bool, list[str]]:
    """assign_splits() by what a column says of the judged queries."""
    parts = {name: ids for name, ids in told.items() if ids}
    if len(parts) < 2:
        only = next(iter(parts), "")
        note = f'The column of splits says "{only}" of all judged queries, which divides nothing; it is not used.'
        return [""] * len(query_ids), False, [note] if only else []
    first, last = "train" if "train" in parts else "dev", "test" if "test" in parts else "dev"
    splits = ["test" if query in parts[last] else "tuning" if query in parts[first] else "" for query in query_ids]
    warnings = [
        f'The split is the one of the data\'s own column: {count_of(splits.count("tuning"), "query")} of "{first}" for tuning, '
        f'{count_of(splits.count("test"), "query")} of "{last}" for test.'
    ]
    both = [query for query in query_ids if query in parts[first] and query in parts[last]]
    if both:
        verb = "is" if len(both) == 1 else "are"
        warnings.append(f"{count_of(len(both), 'query')} {verb} said to be in both and used for test only: {first_five(both)}.")
    neither = [query for query, split in zip(query_ids, splits, strict=True) if not split]
    if neither:
        verb = "is" if len(neither) == 1 else "are"
        warnings.append(f"{count_of(len(neither), 'query')} {verb} in neither, so in no split: {first_five(neither)}.")
    return splits, True, warnings


def _split_of(path: Path, folder: Path) -> str:
    """ "train" or "test" if the judgments' file is named so, else ""."""
    if path.parent == folder / "qrels" and path.suffix == ".tsv":
        return path.stem if path.stem in ("train", "test") else ""
    words = re.findall(r"[a-z]+", path.stem.lower())
    return next((name for name in ("train", "test") if name in words), "")


def parse_relevance(value: str) -> Grade:
    """A grade up to HIGHEST_GRADE, an int where it is a whole number: "1.0" is 1.

    Raises ValueError for anything else.
    """
    try:
        grade: Grade = int(value)
    except ValueError:
        grade = float(value)
        if not math.isfinite(grade):
            raise ValueError(f"{value} is no number") from None
        grade = int(grade) if grade.is_integer() else grade
    if grade > HIGHEST_GRADE:
        raise ValueError(f"{value} is above the highest grade")
    return grade


def _read_file(path: Path) -> Iterator[tuple[int, str, str, str]]:
    layout: Layout | None = None
    for number, text in enumerate(read_text(path).split("\n"), start=1):
        if not text.strip() or (is_comment(text) and (layout is None or len(_cut_line(text, layout)) != layout.columns)):
            continue
        if layout is None:
            layout = _detect_layout(text, path, line=number)
            if layout.header:
                continue
        cells = _cut_line(text, layout)
        if len(cells) != layout.columns:
            raise InputError(
                f"found {count_of(len(cells), 'column')}, expected {layout.columns} as in the first line; "
                f"correct the line: {shorten(text)}",
                file=path,
                line=number,
            )
        query_id, doc_id, value = cells[layout.query], cells[layout.doc], cells[layout.relevance]
        if not query_id or not doc_id:
            raise InputError("the query or document id is empty; correct or delete the line", file=path, line=number)
        yield number, query_id, doc_id, value
    if layout is None:
        raise InputError(f"the file is empty; {_EXPECTED}", file=path)


def _cut_line(text: str, layout: Layout) -> list[str]:
    """The cells of a line; a tab behind the last one opens no other."""
    if not layout.tabs:
        return text.split()
    cells = [cell.strip() for cell in text.split("\t")]
    while len(cells) > layout.columns and not cells[-1]:
        del cells[-1]
    return cells


def _detect_layout(text: str, path: Path, *, line: int) -> Layout:
    tabbed = [cell.strip() for cell in text.split("\t")]
    tabs = len(tabbed) >= 3
    cells = tabbed if tabs else text.split()
    names = [cell.lower().replace("_", "-").replace(" ", "-") for cell in cells]
    found = [
        next((at for at, name in enumerate(names) if name in known), None)
        for known in (_QUERY_NAMES, _DOC_NAMES, _RELEVANCE_NAMES)
    ]
    query, doc, relevance = found
    if query is not None and doc is not None and relevance is not None:
        return Layout(query, doc, relevance, columns=len(cells), tabs=tabs, header=True)
    if len(cells) == 4 and _is_number(cells[3]):
        return Layout(0, 2, 3, columns=4, tabs=tabs, header=False)
    if tabs and len(cells) == 3 and _is_number(cells[2]):
        return Layout(0, 1, 2, columns=3, tabs=True, header=False)
    if len(cells) == 6 and cells[1] in ITERATIONS:
        raise InputError(
            "looks like a system's results (a TREC run), which are no judgments; give judgments: query 0 document relevance",
            file=path,
            line=line,
        )
    raise InputError(f'the columns are "{shorten(text)}"; {_EXPECTED}', file=path, line=line)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
