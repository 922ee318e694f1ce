"""What tables seem to hold, before they are loaded: their roles and columns, what is not used, and what has to be asked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.data.readers.columns import NOUNS, TableUse, find_problem, is_grade_name
from core.data.readers.documents.sheets import UNSAVED
from core.data.readers.grade_words import EXPLAIN, map_words
from core.data.readers.guesses import Guess, guess_head, hint_of
from core.data.readers.table_files import Head, count_formulas_of, is_sheet_file, read_head
from core.data.readers.trec import ITERATIONS
from core.data.readers.values import is_blank, is_numeric
from core.errors import InputError
from core.text.phrases import NAMED, count_of, first_five, join_words, plural

_FEW = 6  # different values: a column with so few may hold grades in words


@dataclass(frozen=True)
class Question:
    """What only a person can say. file: the table that it is about, "" for all of them together. about: "header", "role",
    "file" (it cannot be read), or the field that it is about. sentence: what has to be said, with the file's name."""

    file: str
    about: str
    sentence: str


@dataclass(frozen=True)
class Understanding:
    """What the tables below root hold.

    uses: one for each file, in order; role "" for those that are not used. heads: file -> its columns and first rows, of
    those that can be read. questions: while there is one, nothing should be loaded. notes: what is not used or taken for
    granted, as sentences.
    """

    root: Path
    uses: tuple[TableUse, ...]
    heads: Mapping[str, Head]
    questions: tuple[Question, ...]
    notes: tuple[str, ...]

    def roles(self) -> set[str]:
        """The roles that a table fills."""
        return {use.role for use in self.uses if use.role}

    def describe(self) -> str:
        """What was understood, as part of a sentence: "products.csv as documents (id: sku, text: body)"."""
        return join_words([describe_use(use) for use in self.uses if use.role])

    def first_rows(self, role: str, *, number: int = 3) -> list[dict[str, Any]]:
        """The first documents, queries or judgments as they will be read: field -> value as it stands in the table."""
        rows = [
            {field: row.values.get(column) for field, column in use.used.items()}
            for use in self.uses
            if use.role == role and use.file in self.heads
            for row in self.heads[use.file].rows[:number]
        ]
        return rows[:number]

    def unused(self, file: str) -> list[str]:
        """The columns of a table that nothing is made of; those of documents become metadata, so they have none."""
        use = next(use for use in self.uses if use.file == file)
        return list_unused(use, self.heads[file]) if file in self.heads else []


def describe_use(use: TableUse) -> str:
    """ "ratings.csv as judgments (query id: query, doc id: docid, relevance: rating)"."""
    columns = ", ".join(f"{field.replace('_', ' ')}: {column}" for field, column in use.used.items())
    return f"{use.file} as {NOUNS[use.role]} ({columns})"


def list_unused(use: TableUse, head: Head) -> list[str]:
    """The columns of queries and judgments that no field has; TREC's column of zeros says nothing and is none of them."""
    if use.role not in ("queries", "judgments"):
        return []
    rest = [column for column in head.columns if column not in use.used.values()]
    return [column for column in rest if not {str(value) for value in head.values_of(column)} <= ITERATIONS]


def understand(root: Path, files: Sequence[str], *, told: Iterable[TableUse] = (), have: Iterable[str] = ()) -> Understanding:
    """Guesses what each table below root holds.

    files: paths below root, with "/". told: what a person said of some of them, which is not guessed again. have: roles that
    are filled from elsewhere: tables that seem to hold the same are not used.
    """
    said, filled = {use.file: use for use in told}, set(have)
    heads: dict[str, Head] = {}
    questions: list[Question] = []
    guesses: dict[str, Guess] = {}
    for file in files:
        try:
            heads[file] = read_head(root / file, header=said[file].header if file in said else None)
        except InputError as error:
            if file not in said or said[file].role:
                questions.append(Question(file, "file", str(error).replace(f"{root}/", "")))
            continue
        guesses[file] = guess_head(file, heads[file])
    guesses = _recognise_documents(guesses, heads)
    uses, notes, strange = [], [], []
    alone = _is_only_candidate(guesses, said)
    for file in files:
        if file in said or file not in heads:
            uses.append(said.get(file) or TableUse(file, ""))
            continue
        guess, head = guesses[file], heads[file]
        role = guess.role if guess.role not in filled else ""
        use = TableUse(file, role, dict(guess.mapping) if role else {}, header=head.is_named)
        uses.append(use)
        if not role:
            strange.append(_note_unused_table(file, head, guess, filled))
            continue
        if head.header is not None and not head.header.sure:
            first = "names its columns" if head.header.present else "is a row"
            questions.append(Question(file, "header", f"{file}: say whether its first line {first}, as it seems, or not."))
        if not guess.sure and not alone:
            questions.append(Question(file, "role", f"{file}: say whether it holds documents, queries, judgments or none."))
    unknown = [file for file, guess in guesses.items() if file not in said and guess.role in {"", *filled} and not guess.note]
    questions += _ask_unknown({file: heads[file] for file in unknown}, held={*filled, *(use.role for use in uses)})
    for use in uses:
        if use.role and use.file in heads:
            questions += _ask(use, heads[use.file])
            notes += _note(use, heads[use.file], root / use.file)
    if len(strange) > NAMED:
        strange = [f"{len(strange):,} tables are not used: {first_five([use.file for use in uses if not use.role])}."]
    notes = [*strange, *notes]
    if "corpus" not in {*(use.role for use in uses), *filled}:
        found = "; ".join(f"{file} has {', '.join(head.columns[:8])}" for file, head in list(heads.items())[:NAMED])
        among = f", among those that are here ({found})" if found else ""
        questions.insert(0, Question("", "corpus", f"Choose the table that holds the documents{among}."))
    return Understanding(root, tuple(uses), heads, tuple(questions), tuple(notes))


def _recognise_documents(guesses: Mapping[str, Guess], heads: Mapping[str, Head]) -> dict[str, Guess]:
    """Queries that may as well be judgments are judgments if their ids are among those of the first documents."""
    known = {
        str(value)
        for file, guess in guesses.items()
        if guess.role == "corpus" and "id" in guess.mapping
        for value in heads[file].values_of(guess.mapping["id"])
    }
    found = dict(guesses)
    for file, guess in guesses.items():
        if guess.role == "queries" and not guess.sure and "id" in guess.mapping:
            column, text = guess.mapping["id"], guess.mapping["text"]
            grades = next((name for name in heads[file].columns if is_grade_name(name)), None)
            if grades is not None and known.intersection(map(str, heads[file].values_of(column))):
                found[file] = Guess("judgments", {"query_id": text, "doc_id": column, "relevance": grades})
    return found


def _ask_unknown(heads: Mapping[str, Head], *, held: Collection[str]) -> list[Question]:
    """Tables that are called queries or judgments, but whose columns nobody knows, where nothing else holds them."""
    what = "say whether it holds documents, queries, judgments or none, and which columns are what"
    return [
        Question(file, "role", f"{file}: {what} ({', '.join(head.columns[:8])}).")
        for file, head in heads.items()
        if hint_of(file) in ("queries", "judgments") and hint_of(file) not in held
    ]


def _is_only_candidate(guesses: Mapping[str, Guess], said: Mapping[str, TableUse]) -> bool:
    """Whether a table of ids and texts that could be documents or queries must be the documents: there are no others."""
    unsure = [file for file, guess in guesses.items() if not guess.sure and file not in said]
    others = [guess for file, guess in guesses.items() if file not in unsure and guess.role == "corpus"]
    return len(unsure) == 1 and not others


def _note_unused_table(file: str, head: Head, guess: Guess, filled: set[str]) -> str:
    if guess.role in filled and hint_of(file) not in {"queries", "judgments"} - filled:
        return f"{file} is not used: the {NOUNS[guess.role]} come from elsewhere."
    reason = guess.note or f"its columns ({', '.join(head.columns[:8])}) are not known"
    return f"{file} is not used: {reason}."


def _ask(use: TableUse, head: Head) -> list[Question]:
    problem = find_problem(use.columns, role=use.role)
    if problem:
        return [Question(use.file, problem[0], f"{use.file}: {problem[1]}")]
    if use.role == "judgments" and "relevance" not in use.used and not use.all_relevant:
        left = [column for column in list_unused(use, head) if _may_hold_grades(head.values_of(column))]
        if left:
            names = join_words([f'"{column}"' for column in left])
            return [
                Question(
                    use.file,
                    "relevance",
                    f"{use.file}: choose the column that holds the relevance ({names} may), or say that every row counts as 1.",
                )
            ]
    if use.role == "judgments" and "relevance" in use.used:
        try:
            map_words(head.values_of(use.used["relevance"]), known=use.grades)
        except ValueError as error:
            return [Question(use.file, "relevance", f'{use.file}: the grades in "{use.used["relevance"]}" {error}; {EXPLAIN}.')]
    return []


def _may_hold_grades(values: Sequence[Any]) -> bool:
    distinct = {str(value) for value in values if not is_blank(value)}
    return is_numeric(values) or (len(distinct) <= _FEW and len(distinct) < len(values))


def _note(use: TableUse, head: Head, path: Path) -> list[str]:
    notes = []
    unsaved = count_formulas_of(path) if is_sheet_file(path) else 0
    if unsaved:
        notes.append(f"{use.file}: {count_of(unsaved, 'cell')}: {UNSAVED}.")
    if not head.is_named and use.role != "judgments":
        notes.append(f"{use.file}: its first line is read as a row, not as names of columns.")
    unused = list_unused(use, head)
    if unused:
        names = join_words([f'"{column}"' for column in unused])
        verb = "is" if len(unused) == 1 else "are"
        notes.append(f"{use.file}: the {plural(len(unused), 'column')} {names} {verb} not used.")
    if use.role == "judgments" and "relevance" not in use.used:
        notes.append(f"{use.file}: no column holds grades, so every row counts as 1.")
    if use.role == "corpus" and "id" not in use.used:
        notes.append(f"{use.file}: no column holds ids, so the documents are numbered from 1.")
    return notes
