"""A workbook whose sheets are the tables of a dataset is read as one."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.data.load import load_dataset
from core.errors import InputError
from tests.support.files import make_sheets

CORPUS = [["id", "text"], ["d1", "the first text"], ["d2", "the second text"]]
QUERIES = [["id", "text"], ["q1", "first question"]]
QRELS = [["query-id", "corpus-id", "score"], ["q1", "d1", 1], ["q1", "d2", 0]]


@pytest.mark.parametrize("names", [("Corpus", "Queries", "qrels"), ("documents", "QUESTIONS", "labels"), ("A", "Fragen", "B")])
def test_three_sheets_are_a_dataset(tmp_path: Path, names: tuple[str, ...]) -> None:
    path = tmp_path / "in" / "book.xlsx"
    path.parent.mkdir()
    path.write_bytes(make_sheets(**dict(zip(names, (CORPUS, QUERIES, QRELS), strict=True)), Empty=[]))
    for place in (path.parent, path):
        dataset = load_dataset(place)
        assert dataset.documents["doc_id"].tolist() == ["d1", "d2"] and dataset.queries["query_id"].tolist() == ["q1"]
        assert dataset.judgments["relevance"].tolist() == [1, 0]
    assert dataset.warnings[0].startswith(
        f"Read book.xlsx/{names[0]} as documents (id: id, text: text), book.xlsx/{names[1]} as"
    )
    path.write_bytes(make_sheets(**dict(zip(names, (CORPUS, QUERIES, [*QRELS[:1], ["q1", "", 1]]), strict=True))))
    with pytest.raises(InputError, match=rf'book.xlsx/{names[2]}: row 2: the id in column "corpus-id" is empty'):
        load_dataset(path)


def test_a_workbook_of_questions_and_answers_stays_documents(tmp_path: Path) -> None:
    asked = [["question", "answer"], ["Where is it?", "In the hall."]]
    (tmp_path / "faq.xlsx").write_bytes(make_sheets(Questions=asked, Contacts=[["name", "phone"], ["Ann", 12]]))
    assert load_dataset(tmp_path).documents["doc_id"].tolist() == ["faq.xlsx#Questions", "faq.xlsx#Contacts"]
