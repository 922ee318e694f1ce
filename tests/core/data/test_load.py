"""load_dataset: formats, labels, warnings, one exact message per kind of bad input."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from core.data.grades import HIGHEST_GRADE
from core.data.load import load_dataset
from core.data.readers.documents.kinds import SHOWN
from core.data.readers.qrels import EXPECTED_GRADE
from core.errors import InputError
from core.evaluation.measures import measure_documents
from core.schema import rank_run, to_document_run

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
CORPUS = [
    {
        "_id": "a",
        "title": "Alpha",
        "text": "One fish. Two fish. Red hen.",
        "metadata": {"version": "3.1", "year": 2020},
    },
    {"_id": "b", "text": "Blue whale.", "metadata": {"version": "3.2"}},
]


def write_lines(path: Path, records: list[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def write_folder(folder: Path, *, corpus: list[Any] = CORPUS, queries: list[Any] | None = None, **qrels: str) -> Path:
    """qrels: file name without .tsv -> content; "qrels" is qrels.tsv, others go to qrels/."""
    write_lines(folder / "corpus.jsonl", corpus)
    if queries is not None:
        write_lines(folder / "queries.jsonl", queries)
    for name, content in qrels.items():
        path = folder / "qrels.tsv" if name == "qrels" else folder / "qrels" / f"{name}.tsv"
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    return folder


def query(**fields: Any) -> list[Any]:
    return [{"_id": "q", "text": "which fish", **fields}]


def rows(frame: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in frame.itertuples(index=False)]


def test_corpus_alone_has_no_labels(tmp_path: Path) -> None:
    dataset = load_dataset(write_folder(tmp_path / "mine"))
    assert dataset.name == "mine"
    assert dataset.documents["title"].tolist() == ["Alpha", ""]
    assert dataset.documents["metadata"].tolist() == [{"version": "3.1", "year": 2020}, {"version": "3.2"}]
    assert len(dataset.queries) == len(dataset.judgments) == len(dataset.evidence) == 0
    assert not dataset.has_labels and not dataset.has_filters and dataset.warnings == ()


def test_beir_and_trec_give_the_same_judgments(tmp_path: Path) -> None:
    beir = write_folder(tmp_path / "beir", queries=query(), qrels="query-id\tcorpus-id\tscore\nq\ta\t2\nq\tb\t0\n")
    trec = write_folder(tmp_path / "trec", queries=query(), qrels="q 0 a 2\n\nq  0\tb -2\n")
    expected = [("q", "a", 2), ("q", "b", 0)]  # the negative grade counts as 0
    assert rows(load_dataset(beir).judgments) == rows(load_dataset(trec).judgments) == expected


def test_blank_lines_byte_order_mark_and_number_ids(tmp_path: Path) -> None:
    folder = write_folder(tmp_path)
    (folder / "corpus.jsonl").write_bytes(b'\xef\xbb\xbf\n{"_id": 7, "text": "x\\ud800y"}\r\n\r\n')
    documents = load_dataset(folder).documents
    assert documents["doc_id"].tolist() == ["7"]
    assert documents["text"].tolist() == ["x\ufffdy"]


def test_line_separators_inside_a_string_do_not_end_the_line(tmp_path: Path) -> None:
    folder = write_folder(tmp_path)
    (folder / "corpus.jsonl").write_text('{"_id": "a", "text": "one\u2028two"}\n', encoding="utf-8")
    assert load_dataset(folder).documents["text"].tolist() == ["one\u2028two"]


def test_evidence_alone_makes_judgments_and_explicit_ones_win(tmp_path: Path) -> None:
    evidence = [{"doc_id": "a", "quote": "Red hen."}, {"doc_id": "b", "start": 0, "end": 4}]
    dataset = load_dataset(write_folder(tmp_path, queries=query(evidence=evidence), qrels="q 0 a 3\n"))
    assert rows(dataset.evidence) == [("q", "a", 20, 28), ("q", "b", 0, 4)]
    assert rows(dataset.judgments) == [("q", "a", 3), ("q", "b", 1)]


def test_train_and_test_fix_the_split(tmp_path: Path) -> None:
    queries = [{"_id": name, "text": name} for name in ("q1", "q2", "q3", "q4")]
    files = {"train": "q1 0 a 1\nq2 0 a 1\n", "test": "q2 0 b 1\nq3 0 b 1\n"}
    dataset = load_dataset(write_folder(tmp_path, queries=queries, **files))
    assert dataset.fixed_split and dataset.default_split == "test"
    assert dataset.queries["split"].tolist() == ["tuning", "test", "test", ""]
    assert dataset.warnings == (
        "1 query is in both qrels/train.tsv and qrels/test.tsv and used for test only: q2.",
        "1 query is in neither qrels/train.tsv nor qrels/test.tsv, so in no split: q4.",
    )


def test_train_alone_is_one_set(tmp_path: Path) -> None:
    dataset = load_dataset(write_folder(tmp_path, queries=query(), train="q 0 a 1\n"))
    assert not dataset.fixed_split
    assert dataset.queries["split"].tolist() == [""]


def test_optional_query_fields(tmp_path: Path) -> None:
    dataset = load_dataset(
        write_folder(tmp_path, queries=query(filter={"version": ["3.1", "3.2"]}, tags=["x", "y"], answer="two"))
    )
    assert rows(dataset.queries) == [("q", "which fish", "", {"version": ["3.1", "3.2"]}, ("x", "y"), "two")]


def test_nested_folder_and_its_name(tmp_path: Path) -> None:
    write_folder(tmp_path / "outer" / "inner")
    assert len(load_dataset(tmp_path / "outer", name="other").documents) == 2
    assert load_dataset(tmp_path / "outer").name == "outer"


@pytest.mark.parametrize(
    ("conditions", "warning"),
    [
        (
            {"version": 3.1},
            'The filter version = 3.1 (number) of query "q" matches no document; '
            'the documents have "3.1" (text): write the filter so.',
        ),
        ({"model": "x"}, 'The filter on "model" of query "q" matches no document; no document has the field "model".'),
        (
            {"version": ["3.1", "4"]},
            'The filter version = "4" (text) of query "q" matches no document; the documents have "3.1" (text), "3.2" (text).',
        ),
        (
            {"year": {"gte": 2021}},
            'The filter year = {"gte": 2021} of query "q" matches no document; '
            "the documents have number between 2020 (number) and 2020 (number).",
        ),
        (
            {"version": "3.2", "year": 2020},
            'The filter of query "q" matches no document: each field does, but no document has them all.',
        ),
    ],
)
def test_filters_that_match_nothing_are_warned_about(tmp_path: Path, conditions: Any, warning: str) -> None:
    assert load_dataset(write_folder(tmp_path, queries=query(filter=conditions))).warnings == (warning,)


def test_texts_that_are_in_no_range_of_dates_are_told(tmp_path: Path) -> None:
    days = ["2024-05-01", "3/4/2024", "", "2024"]
    corpus = [{"_id": f"d{at}", "text": "x", "metadata": {"day": day}} for at, day in enumerate(days)]
    folder = write_folder(tmp_path, corpus=corpus, queries=query(filter={"day": {"lte": "2024-06-01"}}))
    told = '2 values of "day" are no dates and so in no range of dates: "3/4/2024", "". Write them as 2024-05-01.'
    assert load_dataset(folder).warnings == (told,)


def test_labels_without_documents_or_queries_are_counted(tmp_path: Path) -> None:
    qrels = "".join(f"q 0 gone{number} 1\n" for number in range(7)) + "who 0 a 1\nq 0 a 1\n"
    evidence = [{"doc_id": "lost", "quote": "four"}, {"doc_id": "lost", "quote": "fives"}]
    dataset = load_dataset(write_folder(tmp_path, queries=query(evidence=evidence), qrels=qrels))
    assert dataset.warnings == (
        "1 judgment is on a query that the dataset does not have (ignored): who.",
        "7 judgments are on documents that the corpus does not have (kept: the answer is not in the corpus): "
        "gone0, gone1, gone2, gone3, gone4, ….",
        "2 evidence spans are in documents that are not in the corpus (kept: the answer is not in the corpus): lost.",
    )
    assert len(dataset.judgments) == 9
    assert rows(dataset.evidence) == [("q", "lost", 0, 4), ("q", "lost", 4, 9)]


def test_other_warnings(tmp_path: Path) -> None:
    corpus = [*CORPUS, {"_id": "c", "text": " ", "url": "u"}]
    folder = write_folder(
        tmp_path,
        corpus=corpus,
        queries=query(evidence=[{"doc_id": "a", "quote": "hen"}], lang="en"),
        qrels="q 0 a 0\nq 0 a 0\n",
    )
    (folder / "qrels.txt").write_text("q 0 b 1\n")
    (folder / "qrels.json").write_text("{}")
    assert load_dataset(folder).warnings == (
        "qrels.txt is not used: the judgments come from elsewhere.",
        "Not read as queries or judgments, for its form is not known: qrels.json.",
        'corpus.jsonl: the field "url" of 1 document was ignored; put it under "metadata" to filter by it.',
        "1 document has neither title nor text, so not indexed: c.",
        'queries.jsonl: the field "lang" of 1 query was ignored.',
        "1 judgment was given twice with the same value and counted once (queries q).",
        "1 judgment says 0 for a document that is the query's evidence; the judgment counts: queries q.",
    )


BAD_LINES = [
    (
        b'{"_id": "a", "text": "x"}\n{"_id": "b", "text" "y"}\n',
        ', line 2: broken JSON (Expecting \':\' delimiter at column 21): {"_id": "b", "text" "y"}; correct or delete this line',
    ),
    (b"", ": the file is empty; expected one JSON object per line"),
    (b"\n \n", ": the file is empty; expected one JSON object per line"),
    (
        b'{"_id": "a", "text": "x"}\n\n{"_id": "a", "text": "y"}\n',
        ', line 3: the document id "a" was already used on line 1; ids must be unique: rename or delete one',
    ),
    (b'{"_id": "a", "title": "x"}\n', ', line 1: the field "text" is missing (fields found: _id, title); add it'),
    (
        b'{"place": "a", "text": "x"}\n',
        ', line 1: the field "_id" is missing (fields found: place, text); add it, or load the file as a table '
        "and say which column is the id",
    ),
    (b'{"_id": "a", "text": 5}\n', ', line 1: "text" is a number, expected text; put it in quotes'),
    (b'{"_id": "a", "text": null}\n', ', line 1: "text" is null, expected text; write "" for an empty one'),
    (b'{"_id": true, "text": ""}\n', ', line 1: "_id" is true/false, expected text; put the id in quotes'),
    (b'{"_id": " ", "text": ""}\n', ', line 1: "_id" is empty; give every record an id'),
    (
        b'{"_id": "a", "text": "", "metadata": []}\n',
        ', line 1: "metadata" is a list, expected an object such as {"version": "3.1"}; correct it',
    ),
    (
        b'[{"_id": "a"}]\n',
        ", line 1: found a list, expected a JSON object; write one JSON object per line (JSON Lines), not one array",
    ),
    (
        b'{\n"_id": "a"}\n',
        ", line 1: found JSON that is spread over several lines; write one complete JSON object per line (JSON Lines)",
    ),
    (
        b'{"_id": "a", "text": "x", "text": "y"}\n',
        ', line 1: broken JSON (the name "text" occurs twice in one object): '
        '{"_id": "a", "text": "x", "text": "y"}; correct or delete this line',
    ),
    (
        b'{"_id": "a", "text": "ok"}\n{"_id": "b", "text": "caf\xe9 cr\xe8me et p\xe2t\xe9 \xe0 la fran\xe7aise"}\n',
        ", line 2: not UTF-8 (it looks like WINDOWS-1252); convert it to UTF-8, for example with: "
        "iconv -f WINDOWS-1252 -t UTF-8 corpus.jsonl > utf8-corpus.jsonl "
        """(it would say: '{"_id": "b", "text": "café crème et pâté à la française"}')""",
    ),
    (
        '{"_id": "a", "text": "ok"}\n'.encode("utf-16"),
        ", line 1: not UTF-8 (it looks like UTF-16); convert it to UTF-8, for example with: "
        "iconv -f UTF-16 -t UTF-8 corpus.jsonl > utf8-corpus.jsonl",
    ),
]


@pytest.mark.parametrize(("content", "message"), BAD_LINES)
def test_bad_corpus_lines(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "corpus.jsonl"
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        load_dataset(tmp_path)
    assert str(error.value) == f"{path}{message}"


BAD_QUERIES: list[tuple[dict[str, Any], str]] = [
    ({"text": " "}, '"text" is empty; write the query or delete the line'),
    ({"tags": "x"}, '"tags" must be a list of texts such as ["how_to"]; correct it'),
    ({"answer": 3}, '"answer" is a number, expected text; put it in quotes'),
    ({"filter": "3.1"}, '"filter" must be an object such as {"version": "3.1"}; correct it or leave it out'),
    (
        {"filter": {"year": {"gt": 3}}},
        '"filter" on "year" may only have "gte" and "lte", found {"gt": 3}; correct it or leave it out',
    ),
    (
        {"filter": {"year": {"gte": 3, "lte": "4"}}},
        '"filter" on "year" needs "gte" and "lte" to be two numbers or two texts; correct it or leave it out',
    ),
    (
        {"filter": {"year": []}},
        '"filter" on "year" must be a list with at least one text, number or true/false; correct it or leave it out',
    ),
    (
        {"evidence": "One fish."},
        '"evidence" is text, expected a list of {"doc_id", "quote"} or {"doc_id", "start", "end"}; correct it',
    ),
    (
        {"evidence": ["One fish."]},
        'evidence 1 of query "q" is text, expected an object with doc_id and either quote or start and end',
    ),
    ({"evidence": [{"quote": "x"}]}, 'evidence 1 of query "q" has no "doc_id"; add the id of the document it is in'),
    (
        {"evidence": [{"doc_id": "a"}]},
        'evidence 1 of query "q" has neither "quote" nor "start" and "end"; add one of them',
    ),
    (
        {"evidence": [{"doc_id": "a", "start": 0}]},
        'evidence 1 of query "q" has null as "end", expected a whole number of characters; correct it',
    ),
    (
        {"evidence": [{"doc_id": "b", "start": 0, "end": 12}]},
        'evidence 1 of query "q" is the span 0-12, outside document "b" of 11 characters; '
        "start must be below end and end at most the length",
    ),
    (
        {"evidence": [{"doc_id": "a", "quote": "Red hen."}, {"doc_id": "a", "quote": "one  fish"}]},
        'evidence 2 of query "q" has a quote that is not found in document "a" (it is there with other white space or '
        'case): "one fish"; copy it letter for letter from the document\'s text',
    ),
    (
        {"evidence": [{"doc_id": "a", "quote": "fish."}]},
        'evidence 1 of query "q" has a quote that is found twice in document "a": "fish."; '
        "make it longer until it is unique, or give start and end",
    ),
    (
        {"evidence": [{"doc_id": "a", "quote": "fish", "start": 0, "end": 3}]},
        'evidence 1 of query "q" has a quote that differs from the span 0-3 of document "a", which is "One"; '
        "correct one of them",
    ),
]


@pytest.mark.parametrize(("fields", "message"), BAD_QUERIES)
def test_bad_queries(tmp_path: Path, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as error:
        load_dataset(write_folder(tmp_path, queries=query(**fields)))
    assert str(error.value) == f"{tmp_path / 'queries.jsonl'}, line 1: {message}"


EXPECTED = (
    'expected the header "query-id<TAB>corpus-id<TAB>score" and three columns separated by tabs (BEIR), '
    "or four columns without header: query 0 document relevance (TREC)"
)
BAD_QRELS = [
    ("", ": the file is empty; fill it or delete it"),
    ("\n\n", f": the file is empty; {EXPECTED}"),
    ("query-id,corpus-id,score\nq,a,1\n", f', line 1: the columns are "query-id,corpus-id,score"; {EXPECTED}'),
    ("q a\n", f', line 1: the columns are "q a"; {EXPECTED}'),
    ("q 0 a 1\nq 0 b\n", ", line 2: found 3 columns, expected 4 as in the first line; correct the line: q 0 b"),
    ("q 0 a 1\nq 0 b 0,5\n", f', line 2: the relevance is "0,5", {EXPECTED_GRADE}; correct it'),
    (
        "query-id\tcorpus-id\tscore\nq\ta\tmaybe\n",
        ', line 2: the relevance is "maybe", expected a number from 0 to 1,048,576, such as 0, 1 or 0.5; correct it',
    ),
    *(
        (
            f"q 0 a {grade}\n",
            f', line 1: the relevance is "{grade}", {EXPECTED_GRADE}; correct it',
        )
        for grade in (2**20 + 1, 2**33, 2**62, 10**30, "1e30", "1e400", "nan", f"{2**20}.5")
    ),
    ("query-id\tcorpus-id\tscore\n\ta\t1\n", ", line 2: the query or document id is empty; correct or delete the line"),
    ("q 0 a 1\nq 0 a 2\n", ', line 2: document "a" is judged 2 for query "q", but 1 in line 1; keep one of them'),
]


def test_the_highest_grade_is_measured_as_any_other(tmp_path: Path) -> None:
    """2**33 gave AP 0 for a perfect hit, 2**62 ended the process: the highest grade that is let in must be right."""
    dataset = load_dataset(write_folder(tmp_path, queries=query(), qrels=f"q 0 a {HIGHEST_GRADE}\n"))
    run = rank_run(pd.DataFrame({"query_id": ["q"], "chunk_id": ["a"], "doc_id": ["a"], "score": [1.0]}))
    values = measure_documents(dataset.judgments, to_document_run(run), measures=["AP", "nDCG@10", "Success@1"])
    assert values["value"].tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(("content", "message"), BAD_QRELS)
def test_bad_judgments(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        load_dataset(write_folder(tmp_path, queries=query(), qrels=content))
    assert str(error.value) == f"{tmp_path / 'qrels.tsv'}{message}"


def test_duplicate_query_ids(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        load_dataset(write_folder(tmp_path, queries=query() * 2))
    assert str(error.value) == (
        f'{tmp_path / "queries.jsonl"}, line 2: the query id "q" was already used on line 1; '
        "ids must be unique: rename or delete one"
    )


def test_paths_that_are_no_dataset(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("id,text\n")
    (tmp_path / "thing.bin").write_bytes(b"x")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "other.bin").write_bytes(b"x")
    cases = {
        "nowhere": ": no such folder or zip; check the path",
        "table.csv": ": has no rows below its header; expected a header line and at least one row",
        "thing.bin": ": is neither a folder nor a zip; give a folder with corpus.jsonl or documents",
        "empty": f": expected corpus.jsonl, documents ({SHOWN}) or tables, found only other.bin; add one of them",
    }
    for name, message in cases.items():
        with pytest.raises(InputError) as error:
            load_dataset(tmp_path / name)
        assert str(error.value) == f"{tmp_path / name}{message}"


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared collections are not here")
def test_cranfield() -> None:
    start = time.process_time()
    dataset = load_dataset(SHARED / "cranfield")
    seconds = time.process_time() - start
    assert (len(dataset.documents), len(dataset.queries), len(dataset.judgments)) == (1400, 225, 1837)
    assert int((dataset.judgments["relevance"] == 0).sum()) == 225
    assert dataset.warnings == ("2 documents have neither title nor text, so not indexed: 471, 995.",)
    assert seconds < 1.0


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared collections are not here")
def test_chunking_small_is_judged_by_its_evidence() -> None:
    dataset = load_dataset(SHARED / "chunking_small")
    assert dataset.evidence["query_id"].nunique() == 276
    assert dataset.judgments["query_id"].nunique() == 276
    assert set(dataset.judgments["relevance"]) == {1}


@pytest.mark.parametrize("name", ["x.json", "x.csv", "x.zip"])
def test_a_pipe_is_not_waited_for(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(InputError, match="it is a pipe, device or socket"):
        load_dataset(tmp_path / name)


def test_a_name_that_no_file_can_have() -> None:
    with pytest.raises(InputError, match="File name too long"):
        load_dataset("a" * 5_000)


@pytest.mark.parametrize("table", [False, True])
def test_ids_that_differ_in_composition_alone_are_the_same(tmp_path: Path, table: bool) -> None:
    one, two = "Übersicht.txt", "U\u0308bersicht.txt"  # as people type it; as macOS names files
    (tmp_path / two).write_text("Alles über Öfen.", encoding="utf-8")
    evidence = [] if table else [{"doc_id": one, "quote": "Öfen"}]
    write_lines(tmp_path / "queries.jsonl", [{"_id": "é", "text": "Öfen", "evidence": evidence}])
    header, name = ("query_id,doc_id,grade", "labels.csv") if table else ("query-id\tcorpus-id\tscore", "qrels.tsv")
    row = ["e\u0301", one, "1"]
    (tmp_path / name).write_text(f"{header}\n{(',' if table else chr(9)).join(row)}\n", encoding="utf-8")
    dataset = load_dataset(tmp_path)
    assert dataset.judgments.to_numpy().tolist() == [["é", two, 1]]
    assert dataset.evidence["doc_id"].tolist() == ([] if table else [two])
    assert not any("does not have" in warning for warning in dataset.warnings)
