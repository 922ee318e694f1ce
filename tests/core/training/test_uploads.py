"""Training examples from files: five forms by their columns, and what cannot be read is said with file and line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from core.errors import InputError
from core.training.examples import Examples
from core.training.uploads import read_examples

FORMS: dict[str, list[dict[str, Any]]] = {
    "pairs": [{"query": "q", "positive": "a"}, {"query": "r", "positive": "b"}],
    "labelled": [{"query": "q", "document": "a", "label": 1}, {"query": "q", "document": "x", "label": 0}],
    "triplets": [{"query": "q", "positive": "a", "negative": "x"}],
    "hard_negatives": [{"query": "q", "positive": "a", "negative_1": "x", "negative_2": "y"}],
    "scores": [{"query": "q", "document": "a", "score": 0.75}, {"query": "q", "document": "x", "score": 0.0}],
}


def write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    """The rows in the format of the file's suffix; line 1 of CSV and TSV is the header."""
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    elif path.suffix == ".parquet":
        pd.DataFrame(rows).to_parquet(path)
    else:
        pd.DataFrame(rows).to_csv(path, index=False, sep="\t" if path.suffix == ".tsv" else ",")
    return path


def read_text(path: Path, text: str) -> Examples:
    path.write_text(text, encoding="utf-8")
    return read_examples(path)


def refuse(path: Path, text: str) -> str:
    """What is said of a file after its name."""
    with pytest.raises(InputError) as error:
        read_text(path, text)
    assert str(error.value).startswith(str(path))
    return str(error.value).removeprefix(str(path))


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet"])
@pytest.mark.parametrize("form", list(FORMS))
def test_each_form_is_recognised_in_each_kind_of_file(tmp_path: Path, form: str, suffix: str) -> None:
    examples = read_examples(write_rows(tmp_path / f"own.{suffix}", FORMS[form]))
    assert (examples.form, examples.source) == (form, f"own.{suffix}")
    assert examples.frame[examples.columns].to_dict("records") == FORMS[form]
    assert examples.columns == list(FORMS[form][0])
    assert set(examples.frame["query_id"]) == {""}
    first = 2 if suffix in ("csv", "tsv") else 1
    assert examples.frame["line"].tolist() == [first + n for n in range(len(FORMS[form]))]


@pytest.mark.parametrize(
    ("header", "form", "columns"),
    [
        ("anchor,positive", "pairs", ["query", "positive"]),
        ("Question,Answer", "pairs", ["query", "positive"]),
        ("query,pos,neg", "triplets", ["query", "positive", "negative"]),
        ("query,Positive Passage,hard_negative", "triplets", ["query", "positive", "negative"]),
        ("sentence1,sentence2,label", "labelled", ["query", "document", "label"]),
        ("query,passage,relevance", "labelled", ["query", "document", "label"]),
        ("text1,text2,similarity_score", "scores", ["query", "document", "score"]),
        ("question,text,similarity", "scores", ["query", "document", "score"]),
        ("query,positive,neg_1", "hard_negatives", ["query", "positive", "negative_1"]),
        ("query,positive,hard_negative_1", "hard_negatives", ["query", "positive", "negative_1"]),
        ("query,positive,Negative 1", "hard_negatives", ["query", "positive", "negative_1"]),
    ],
)
def test_columns_may_have_other_usual_names(tmp_path: Path, header: str, form: str, columns: list[str]) -> None:
    values = ["q", "a", "1" if columns[-1] in ("label", "score") else "x"][: len(columns)]
    examples = read_text(tmp_path / "own.csv", f"{header}\n{','.join(values)}\n")
    assert (examples.form, examples.columns) == (form, columns)
    assert [str(value) for value in examples.frame.loc[0, columns]] in (values, [*values[:2], "1.0"])


def test_a_label_or_score_beside_the_answer_says_whether_it_is_one(tmp_path: Path) -> None:
    """Read as pairs, the second row would teach that a wrong answer is right."""
    examples = read_text(tmp_path / "own.csv", "question,answer,label\nq,a,1\nq,x,0\n")
    assert examples.form == "labelled"
    assert examples.positives()["document"].tolist() == ["a"]
    assert read_text(tmp_path / "own.csv", "query,positive,score\nq,a,0.9\n").form == "scores"


def test_a_score_beside_a_negative_is_passed_over(tmp_path: Path) -> None:
    assert read_text(tmp_path / "own.csv", "query,positive,negative,score\nq,a,x,7\n").form == "triplets"


def test_numbered_negatives_stand_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    examples = read_text(tmp_path / "own.csv", "query,negative_10,negative_2,positive\nq,ten,two,a\n")
    assert examples.columns == ["query", "positive", "negative_2", "negative_10"]
    assert examples.frame["negative_2"].tolist() == ["two"]


def test_a_plain_negative_beside_numbered_ones_is_kept(tmp_path: Path) -> None:
    examples = read_text(tmp_path / "own.csv", "query,positive,negative,negative_2\nq,a,x,y\n")
    assert examples.form == "hard_negatives"
    assert examples.negatives()["document"].tolist() == ["x", "y"]


@pytest.mark.parametrize("blank", ["", "  "])
def test_a_blank_negative_repeats_the_row_s_others(tmp_path: Path, blank: str) -> None:
    """A loss reads every column: an empty text would be learned as a wrong answer."""
    examples = read_text(
        tmp_path / "own.csv", f"query,positive,negative_1,negative_2,negative_3\nq,a,x,{blank},z\nr,b,{blank},y,{blank}\n"
    )
    assert examples.frame[examples.negative_columns].values.tolist() == [["x", "x", "z"], ["y", "y", "y"]]
    assert len(examples.negatives()) == 3


def test_numbers_are_read_as_numbers_and_text_is_stripped(tmp_path: Path) -> None:
    labelled = read_text(tmp_path / "own.csv", 'query,document,label\n q ," a, b",1.0\nq,x,0\n').frame
    assert labelled[["query", "document", "label"]].values.tolist() == [["q", "a, b", 1], ["q", "x", 0]]
    lines = '{"query": "q", "document": "a", "label": true}\n{"query": "q", "document": "x", "label": "0"}\n'
    assert read_text(tmp_path / "own.jsonl", lines).frame["label"].tolist() == [1, 0]
    assert read_text(tmp_path / "own.csv", "query,document,score\nq,a,1\nq,x,.25\n").frame["score"].tolist() == [1.0, 0.25]


def test_the_line_is_that_of_the_file(tmp_path: Path) -> None:
    """A quoted value over two lines, and a line that is blank."""
    examples = read_text(tmp_path / "own.csv", 'query,positive\n"q\nq",a\n\nr,b\n')
    assert examples.frame["line"].tolist() == [2, 5]
    blank = read_text(tmp_path / "own.jsonl", '{"query": "q", "positive": "a"}\n\n{"query": "r", "positive": "b"}\n')
    assert blank.frame["line"].tolist() == [1, 3]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("query,positive\nq,a\n ,b\n", ", line 3: query is nothing; expected text"),
        ("query,positive\nq,\n", ", line 2: positive is nothing; expected text"),
        ("query,positive,negative\nq,a,x\nq,a,\n", ", line 3: negative is nothing; expected text"),
        ("query,positive,negative_1,negative_2\nq,a,x,\nq,a,,\n", ", line 3: negative_1 is nothing; expected text"),
        ("query,document,label\nq,a,1\nq,,0\n", ", line 3: document is nothing; expected text"),
        ("query,document,label\nq,a,1\nq,x,2\n", ", line 3: label is '2'; it can be 1 (belongs together) or 0"),
        ("query,document,label\nq,a,yes\n", ", line 2: label is 'yes'; it can be 1 (belongs together) or 0"),
        ("query,document,label\nq,a,\n", ", line 2: label is ''; it can be 1 (belongs together) or 0"),
        ("query,document,score\nq,a,1.5\n", ", line 2: score is '1.5'; it must lie between 0 and 1"),
        ("query,document,score\nq,a,-0.1\n", ", line 2: score is '-0.1'; it must lie between 0 and 1"),
        ("query,document,score\nq,a,nan\n", ", line 2: score is 'nan'; it must lie between 0 and 1"),
        ("query,document,score\nq,a,good\n", ", line 2: score is 'good'; it must lie between 0 and 1"),
        ("query,positive\nq\n", ", line 2: found 1 column, expected 2 (query, positive); "
                                "put values that hold the separator in quotes"),
        ("query,positive\n", ": has no rows below its header; expected a header line and at least one row"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_csv_file_is_said_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    assert refuse(tmp_path / "own.csv", text) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"query": "q", "positive": "a"}\n{"query": "r"}\n', ", line 2: positive is nothing; expected text"),
        ('{"query": "q", "positive": null}\n', ", line 1: positive is nothing; expected text"),
        ('{"query": "q", "positive": 7}\n', ", line 1: positive is 7; expected text"),
        ('{"query": "q", "positive": ["a"]}\n', ", line 1: positive is ['a']; expected text"),
        ('{"query": "q", "positive": "a", "negative_1": 7}\n', ", line 1: negative_1 is 7; expected text"),
        ('{"query": "q", "document": "a", "label": null}\n', ", line 1: label is None; it can be 1 (belongs together) or 0"),
        ('{"query": "q", "document": "a", "score": [1]}\n', ", line 1: score is [1]; it must lie between 0 and 1"),
    ],
)
def test_what_is_wrong_in_a_jsonl_file_is_said_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    assert refuse(tmp_path / "own.jsonl", text) == message


def test_a_parquet_file_has_rows_instead_of_lines(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "own.parquet", [*FORMS["labelled"], {"query": "q", "document": "z", "label": 3}])
    with pytest.raises(InputError) as error:
        read_examples(path)
    assert str(error.value) == f"{path}: row 3: label is 3; it can be 1 (belongs together) or 0"


@pytest.mark.parametrize("header", ["query,answers", "document,label", "positive,negative", "query,document", "a,b"])
def test_columns_of_no_form_are_named_with_those_expected(tmp_path: Path, header: str) -> None:
    assert refuse(tmp_path / "own.csv", f"{header}\n1,1\n") == (
        f": has the columns {header.replace(',', ', ')}; expected the columns of one form: query, positive (pairs); query, "
        "document, label (labelled); query, positive, negative (triplets); query, positive, negative_1, negative_2, ... "
        "(hard negatives); query, document, score (scores)"
    )


def test_an_empty_file_and_another_kind_of_file_are_refused(tmp_path: Path) -> None:
    assert refuse(tmp_path / "own.jsonl", "") == ": the file is empty; expected one JSON object per line"
    expected = ": is not a table; expected a .csv, .tsv, .jsonl or .parquet file"
    assert refuse(tmp_path / "own.txt", "query,positive\nq,a\n") == expected
