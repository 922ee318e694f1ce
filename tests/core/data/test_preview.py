"""What a source is understood to hold, before it is taken in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.data.label_rules import LabelRules
from core.data.languages import detect_languages
from core.data.load import load_dataset
from core.data.preview import FirstLabel, make_preview, read_preview
from core.data.write import write_dataset
from core.errors import Cancelled, InputError
from core.progress import CancelToken, ProgressEvent
from tests.support.small import write_small_dataset


def write_graded(folder: Path) -> Path:
    """One document more than a query shows labels for; grades 5 to 1 and one of a document that is not there."""
    folder.mkdir()
    documents = [{"_id": f"d{number}", "text": f"Document {number} of the hub."} for number in range(6)]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(document) + "\n" for document in documents))
    (folder / "queries.jsonl").write_text('{"_id": "first", "text": "unlabelled"}\n{"_id": "q", "text": "which hub?"}\n')
    rows = [f"q\td{number}\t{number}" for number in range(6)] + ["q\tgone\t9"]
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n" + "\n".join(rows) + "\n")
    return folder


def test_queries_with_labels_come_first_with_their_highest_grades(tmp_path: Path) -> None:
    preview = read_preview(write_graded(tmp_path / "graded"), rules=LabelRules(relevant_from=4))
    [query] = preview.queries
    assert query.query_id == "q" and preview.several_grades
    # Seven judgments, four of them shown: 9 on a document that is not in the corpus, 5, 4, and 3, which is below the threshold.
    assert query.labels == (
        FirstLabel("gone", None, 9, True),
        FirstLabel("d5", "Document 5 of the hub.", 5, True),
        FirstLabel("d4", "Document 4 of the hub.", 4, True),
        FirstLabel("d3", "Document 3 of the hub.", 3, False),
    )
    assert query.more == 3
    assert preview.describe() == "6 documents, 2 queries, 7 judgments"


def test_files_are_counted_with_those_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("---\nteam: [red, blue]\n---\n# Hub\n\n" + "word " * 400)
    (tmp_path / "b.txt").write_text("The battery.")
    (tmp_path / "empty.txt").write_text("")
    preview = read_preview(tmp_path)
    assert preview.describe() == "2 documents from 3 files, 0 queries, 0 judgments"
    first = preview.documents[0]
    assert (first.title, len(first.beginning)) == ("Hub", 320)
    assert dict(first.metadata) == {"file_type": "md", "team": "red, blue"}
    assert any("empty.txt" in note for note in preview.notes)


def test_nothing_is_asked_of_one_grade_and_nothing_breaks_without_queries(tmp_path: Path) -> None:
    assert not read_preview(write_small_dataset(tmp_path / "none", queries=False)).several_grades
    empty = read_preview(write_small_dataset(tmp_path / "unlabelled", labels=False))
    assert len(empty.queries) == 3 and all(not query.labels for query in empty.queries)


def test_a_language_that_is_said_is_the_corpus_and_kept_with_the_files(tmp_path: Path) -> None:
    folder = write_small_dataset(tmp_path / "small")
    found, said = load_dataset(folder), load_dataset(folder, rules=LabelRules(language="German, en"))
    assert detect_languages(found) == {"en": 1.0} and detect_languages(said) == {"de": 0.5, "en": 0.5}
    assert make_preview(said).languages == (("de", 0.5), ("en", 0.5))
    assert found.fingerprint != said.fingerprint and found.corpus_fingerprint == said.corpus_fingerprint
    write_dataset(said, tmp_path / "copy")
    assert load_dataset(tmp_path / "copy").language == "de, en"
    with pytest.raises(InputError, match="klingon cannot be used"):
        LabelRules(language="klingon")
    assert LabelRules(language="auto") == LabelRules()


@pytest.mark.parametrize("name", ["corpus.jsonl", "documents.csv"])
def test_reading_many_rows_reports_and_stops(tmp_path: Path, name: str) -> None:
    line = '{"_id": "%d", "text": "x"}' if name.endswith("jsonl") else "%d,some words"
    header = "" if name.endswith("jsonl") else "id,text\n"
    (tmp_path / name).write_text(header + "\n".join(line % number for number in range(12_000)) + "\n")
    heard: list[str] = []
    token = CancelToken()

    def hear(event: ProgressEvent) -> None:
        token.check()
        heard.append(event.label)
        token.cancel()

    with pytest.raises(Cancelled):
        read_preview(tmp_path, on_progress=hear)
    assert heard == [f"reading {name}: 5,000"]
