"""Folders as people have them are read whole, or said in one sentence what is missing."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path

import pytest

from core.data.dataset import Dataset
from core.data.load import load_dataset
from core.data.readers.columns import TableUse
from core.data.readers.uploads import inspect_upload
from core.errors import InputError
from tests.support.files import make_sheets
from tests.support.layouts import (
    SEARCHES,
    squad,
    write_autorag,
    write_ciral,
    write_files,
    write_msmarco,
    write_quepid,
    write_two_datasets,
)

CORPUS = '{"_id": "d1", "text": "one"}\n{"_id": "d2", "text": "two"}\n'
QUERIES = '{"_id": "q1", "text": "first question"}\n{"_id": "q2", "text": "second question"}\n'
COMPLETE = {"corpus.jsonl": CORPUS, "queries.jsonl": QUERIES}


def labels(dataset: Dataset) -> list[tuple[str, str, float]]:
    return list(dataset.judgments[["query_id", "doc_id", "relevance"]].itertuples(index=False, name=None))


def refuse(path: Path) -> str:
    with pytest.raises(InputError) as error:
        load_dataset(path)
    return str(error.value).removeprefix(str(path))


# ---- the layouts that people have


def test_quepid_ratings_call_their_queries_by_text(tmp_path: Path) -> None:
    dataset = load_dataset(write_quepid(tmp_path / "shop"))
    assert dataset.documents["doc_id"].tolist() == [str(number) for number in range(101, 109)]
    assert dataset.queries["text"].tolist() == list(SEARCHES)
    # 8 queries by 8 documents, one without a rating: 8 threes, 2 ones, 53 zeros
    assert Counter(dataset.judgments["relevance"]) == {3: 8, 1: 2, 0: 53}
    assert ("1", "103") not in {(query, doc) for query, doc, _ in labels(dataset)}
    assert "ratings.csv: 1 judgment has no grade, taken as not judged." in dataset.warnings


def test_queries_come_from_the_ratings_where_no_table_has_them(tmp_path: Path) -> None:
    folder = write_quepid(tmp_path / "shop")
    (folder / "queries.csv").unlink()
    dataset = load_dataset(folder)
    assert dataset.queries["text"].tolist() == list(SEARCHES) and len(dataset.judgments) == 63
    assert "The texts of 8 queries were taken from the judgments, ratings.csv." in dataset.warnings


def test_msmarco_has_no_headers(tmp_path: Path) -> None:
    dataset = load_dataset(write_msmarco(tmp_path / "ms"))
    assert (len(dataset.documents), len(dataset.queries), len(dataset.judgments)) == (6, 6, 6)
    assert dataset.documents["text"][0].startswith("The harbour froze") and dataset.queries["query_id"][0] == "10"
    assert labels(dataset) == [(f"{10 + number}", f"{number}", 1) for number in range(6)]
    assert "collection.tsv: its first line is read as a row, not as names of columns." in dataset.warnings


def test_msmarco_with_train_and_test_has_a_split(tmp_path: Path) -> None:
    folder = write_msmarco(tmp_path / "ms")
    (folder / "qrels.dev.tsv").rename(folder / "qrels.train.tsv")
    write_files(folder, {"queries.test.tsv": "90\twhere do ships wait today\n", "qrels.test.tsv": "90\t0\t0\t1\n"})
    dataset = load_dataset(folder)
    assert dataset.fixed_split and Counter(dataset.queries["split"]) == {"tuning": 6, "test": 1}


def test_a_query_in_two_files_is_one(tmp_path: Path) -> None:
    folder = write_msmarco(tmp_path / "ms")
    write_files(folder, {"queries.dev.small.tsv": "10\twhen did the harbour freeze\n"})
    dataset = load_dataset(folder)
    assert len(dataset.queries) == 6
    assert any("1 row with queries repeats one from above" in warning for warning in dataset.warnings)
    write_files(folder, {"queries.dev.small.tsv": "10\tsomething else was asked here\n"})
    assert 'the query id "10" was already used in queries.dev.small.tsv, line 1' in refuse(folder)


def test_ciral_keeps_its_ids_and_its_first_lines(tmp_path: Path) -> None:
    dataset = load_dataset(write_ciral(tmp_path / "ciral"))
    assert dataset.documents["doc_id"].tolist() == ["NEWS#12#0", "NEWS#12#1", "NEWS#30#0", "NEWS#30#10", "NEWS#4#0", "NEWS#4#1"]
    assert dataset.queries["query_id"].tolist() == ["5", "6", "8"]
    assert Counter(dataset.judgments["relevance"]) == {1: 3, 0: 2}
    assert dataset.documents["metadata"][0] == {"url": "http://example.org"}


def test_autorag_lists_of_lists_are_labels_and_answers(tmp_path: Path) -> None:
    dataset = load_dataset(write_autorag(tmp_path / "rag"))
    assert len(dataset.queries) == 4
    assert labels(dataset) == [
        ("a", "c-0", 1), ("b", "c-1", 1), ("c", "c-3", 1), ("c", "c-4", 1), ("d", "c-2", 1), ("d", "c-5", 1),
    ]  # fmt: skip
    assert dataset.queries["answer"].tolist() == ["at the pier", "on Mondays", "at five; in winter", "by weight"]


def test_several_datasets_are_named(tmp_path: Path) -> None:
    path = write_two_datasets(tmp_path / "cqadupstack.zip")
    assert "holds 2 datasets (android, physics); give one of their folders" in refuse(path)


def test_several_folders_of_tables_are_named(tmp_path: Path) -> None:
    write_quepid(tmp_path / "shop")
    assert len(load_dataset(tmp_path).judgments) == 63
    write_msmarco(tmp_path / "ms")
    assert refuse(tmp_path) == ": holds 2 datasets (ms, shop); give one of their folders"
    assert inspect_upload(tmp_path).files == ("ms", "shop")


@pytest.mark.parametrize("name", ["qrels.robust.txt", "judged", "x.qrels", "qrels.csv"])
@pytest.mark.parametrize("separator", ["\t", " ", "  "])
def test_trec_judgments_have_any_name(tmp_path: Path, name: str, separator: str) -> None:
    lines = [separator.join(cells) for cells in (("q1", "0", "d1", "1"), ("q2", "Q0", "d2", "2"), ("q2", "Q0", "d1", "0"))]
    dataset = load_dataset(write_files(tmp_path / "data", {**COMPLETE, name: "\r\n".join(lines) + "\r\n"}))
    assert labels(dataset) == [("q1", "d1", 1), ("q2", "d2", 2), ("q2", "d1", 0)]


def test_trec_topics(tmp_path: Path) -> None:
    classic = (
        "<top>\n<num> Number: 301\n<title> Organized Crime &amp; ships\n\n<desc> Description:\nWhich groups?\n\n"
        "<narr> Narrative:\nA relevant one names it.\n</top>\n\n<top>\n<num> Number: 302\n<title> Polio\n</top>\n"
    )
    qrels = "301 0 d1 1\n302 0 d2 1\n"
    folder = write_files(tmp_path / "a", {"corpus.jsonl": CORPUS, "topics.301-350": classic, "qrels.trec": qrels})
    dataset = load_dataset(folder)
    assert dataset.queries[["query_id", "text"]].to_numpy().tolist() == [["301", "Organized Crime & ships"], ["302", "Polio"]]
    assert len(dataset.judgments) == 2
    assert 'topics.301-350: the columns "desc" and "narr" are not used.' in dataset.warnings
    covid = '<topics task="COVID"><topic number="1"><query>virus origin</query><question>what is it</question></topic></topics>'
    folder = write_files(tmp_path / "b", {"corpus.jsonl": CORPUS, "topics.xml": covid, "q.txt": "1 0 d1 2\n"})
    assert load_dataset(folder).queries["text"].tolist() == ["virus origin"]
    folder = write_files(tmp_path / "c", {"corpus.jsonl": CORPUS, "topics.txt": classic[:-7], "q.txt": qrels})
    assert "2 topics begin, but 1 end with </top>; correct the file" in refuse(folder)


def test_squad_answers_are_evidence(tmp_path: Path) -> None:
    (tmp_path / "dev.json").write_text(json.dumps(squad()))
    for path in (tmp_path, tmp_path / "dev.json"):
        dataset = load_dataset(path)
        assert dataset.documents["doc_id"].tolist() == ["Abbey#0", "Abbey#1"]
        assert dataset.queries["answer"].tolist() == ["1098", "Monks", "", "two years"]
        spans = dataset.evidence[["query_id", "doc_id", "start", "end"]].to_numpy().tolist()
        assert spans == [["s1", "Abbey#0", 25, 29], ["s2", "Abbey#0", 31, 36], ["s3", "Abbey#1", 22, 31]]
        assert labels(dataset) == [("s1", "Abbey#0", 1), ("s2", "Abbey#0", 1), ("s3", "Abbey#1", 1)]
        assert dataset.warnings == (
            "1 of 4 queries is marked as having no answer: not judged, and in no measure.",
            "1 answer stood at another place than said; the place in the text was taken.",
        )


def test_squad_as_rows_of_parquet(tmp_path: Path) -> None:
    import pandas as pd

    context = "Peat burns slowly. Coal burns longer."
    rows = [
        {"id": "1", "title": "Fuel", "context": context, "question": "What burns slowly?",
         "answers": {"text": ["Peat"], "answer_start": [0]}},
        {"id": "2", "title": "Fuel", "context": context, "question": "What is gas?",
         "answers": {"text": [], "answer_start": []}},
    ]  # fmt: skip
    pd.DataFrame(rows).to_parquet(tmp_path / "validation-00000-of-00001.parquet")
    dataset = load_dataset(tmp_path)
    assert len(dataset.documents) == 1 and labels(dataset) == [("1", "Fuel#0", 1)]
    assert dataset.evidence[["start", "end"]].to_numpy().tolist() == [[0, 4]]


def test_queries_corpus_and_relevant_docs_in_one_file(tmp_path: Path) -> None:
    content = {"queries": {"q": "what"}, "corpus": {"a": "x", "b": "y"}, "relevant_docs": {"q": ["b"]}, "mode": "text"}
    (tmp_path / "qa.json").write_text(json.dumps(content))
    assert labels(load_dataset(tmp_path)) == [("q", "b", 1)]
    (tmp_path / "qa.json").write_text(json.dumps({**content, "relevant_docs": {"q": [True]}}))
    assert 'the relevant documents of query "q" are no list of ids (holds True, expected an id)' in refuse(tmp_path)


def test_documents_may_have_their_labels_in_tables(tmp_path: Path) -> None:
    folder = write_files(
        tmp_path / "handbook",
        {
            "guides/reset.md": "# Reset\n\nHold the button.",
            "guides/light.md": "# Light\n\nIt blinks.",
            "questions.csv": "question,relevant docs\nhow do I reset it?,guides/reset.md\n"
            "why light?,guides/light.md;guides/reset.md\n",
            "sales.csv": "month,sum\nMay,3\nJune,4\n",
        },
    )
    dataset = load_dataset(folder)
    assert labels(dataset) == [("1", "guides/reset.md", 1), ("2", "guides/light.md", 1), ("2", "guides/reset.md", 1)]
    assert "sales.csv is not used: its columns (month, sum) are not known." in dataset.warnings
    assert not any("other types" in warning for warning in dataset.warnings if "questions.csv" in warning)


def test_beir_with_train_dev_and_test(tmp_path: Path) -> None:
    """CRLF, grades -1 and 2: test is q4 and q5; what only dev judges is said."""
    head = "query-id\tcorpus-id\tscore"
    files = {
        "corpus.jsonl": "".join(f'{{"_id": "d{number}", "text": "text {number}"}}\n' for number in range(6)),
        "queries.jsonl": "".join(f'{{"_id": "q{number}", "text": "text {number}"}}\n' for number in range(6)),
        "qrels/train.tsv": f"{head}\nq0\td0\t1\nq1\td1\t1\n",
        "qrels/dev.tsv": f"{head}\nq2\td2\t2\nq3\td3\t1\nq4\td5\t-1\n",
        "qrels/test.tsv": f"{head}\r\nq4\td4\t1\r\nq5\td5\t1\r\n",
    }
    dataset = load_dataset(write_files(tmp_path / "beir", files))
    assert dataset.queries_of("test")["query_id"].tolist() == ["q4", "q5"]
    assert dataset.warnings == (
        "dev.tsv: 1 judgment with a grade below 0 counts as 0.",
        "2 queries are in neither qrels/train.tsv nor qrels/test.tsv, so in no split: q2, q3.",
    )


def test_ids_are_text(tmp_path: Path) -> None:
    ids = ("7", "007", "1e3", "1000", "NA", "nan", "true", "null", "1.0")
    rows = "".join(f"{name},words of {name} here\n" for name in ids)
    judged = "".join(f"{name},{name},1\n" for name in ids)
    folder = write_files(tmp_path / "x", {"docs.csv": f"id,text\n{rows}", "queries.csv": f"id,text\n{rows}"})
    write_files(folder, {"labels.csv": f"query_id,doc_id,grade\n{judged}"})
    dataset = load_dataset(folder)
    assert dataset.documents["doc_id"].tolist() == list(ids)
    assert labels(dataset) == [(name, name, 1) for name in ids]


def test_a_spreadsheet_of_europe(tmp_path: Path) -> None:
    """Semicolons, decimal commas, names in German, Windows line ends, and an empty, a negative and an unknown grade."""
    files = {
        "dokumente.csv": 'sep=;\nNr;Titel;Inhalt\n01;a;"Tee; grün, getrocknet"\n02;b;Kaffee wird geröstet\n',
        "fragen.csv": "Nr;Frage\n7;Wie trocknet man Tee, bitte?\n8;Wie röstet man Kaffee?\n",
        "bewertung.csv": "Frage;Dokument;Relevanz\n7;01;0,75\n8;02;2,0\n7;02;-1\n8;01;n/a\n",
    }
    dataset = load_dataset(write_files(tmp_path, {name: text.replace("\n", "\r\n") for name, text in files.items()}))
    assert dataset.documents[["doc_id", "text"]].to_numpy().tolist() == [
        ["01", "Tee; grün, getrocknet"],
        ["02", "Kaffee wird geröstet"],
    ]
    assert labels(dataset) == [("7", "01", 0.75), ("7", "02", 0), ("8", "02", 2)]
    assert "bewertung.csv: 1 judgment with a grade below 0 counts as 0." in dataset.warnings
    assert "bewertung.csv: 1 judgment has no grade, taken as not judged." in dataset.warnings


def test_unicode_text_of_a_spreadsheet_program(tmp_path: Path) -> None:
    (tmp_path / "docs.tsv").write_bytes("id\ttext\n1\tgrüner Tee\n".encode("utf-16"))
    assert load_dataset(tmp_path).documents["text"].tolist() == ["grüner Tee"]


def test_quotes_of_a_tsv_join_no_rows(tmp_path: Path) -> None:
    lines = '0\t"a quote that opens\n1\tand closes elsewhere"\n2\tplain "in" the middle\n'
    dataset = load_dataset(write_files(tmp_path, {"collection.tsv": lines}))
    assert dataset.documents["text"].tolist() == ['"a quote that opens', 'and closes elsewhere"', 'plain "in" the middle']


def test_documents_of_msmarco_have_an_address_and_a_title(tmp_path: Path) -> None:
    lines = "D1\thttp://a\tTea\tgreen tea leaves are dried\nD2\thttp://b\tCoffee\tblack beans are roasted\n"
    dataset = load_dataset(write_files(tmp_path, {"msmarco-docs.tsv": lines}))
    assert dataset.documents[["doc_id", "title"]].to_numpy().tolist() == [["D1", "Tea"], ["D2", "Coffee"]]


def test_queries_whose_form_is_not_known_are_named(tmp_path: Path) -> None:
    dataset = load_dataset(write_files(tmp_path, {"corpus.jsonl": CORPUS, "topics.txt": "1:tea\n2:coffee\n"}))
    assert dataset.warnings == ("Not read as queries or judgments, for its form is not known: topics.txt.",)


# ---- what is not certain is asked


RATED = {
    "products.csv": "id,title,description\n1,a,green tea leaves\n2,b,black coffee beans\n",
    "queries.csv": "query\ngreen tea please\ncoffee without milk\n",
}


def test_grades_are_asked_for_where_a_column_of_numbers_is_left(tmp_path: Path) -> None:
    write_files(tmp_path, {**RATED, "judged.csv": "query,docid,wert\nGreen  Tea please,1,3\ncoffee without milk,1,0\n"})
    assert refuse(tmp_path) == (
        ": understood judged.csv as judgments (query id: query, doc id: docid), products.csv as documents (id: id, title: "
        "title, text: description) and queries.csv as queries (text: query), but not all: judged.csv: choose the column that "
        'holds the relevance ("wert" may), or say that every row counts as 1; load it on the page Data, or say it in '
        "tables.yaml (docs/tables.md)"
    )
    write_files(tmp_path, {"tables.yaml": "judged.csv: {role: judgments, relevance: wert}\n"})
    assert labels(load_dataset(tmp_path)) == [("1", "1", 3), ("2", "1", 0)]
    write_files(tmp_path, {"tables.yaml": "judged.csv: {role: judgments, every_row_counts: true}\n"})
    dataset = load_dataset(tmp_path)
    assert labels(dataset) == [("1", "1", 1), ("2", "1", 1)]
    assert "judged.csv: no column holds grades, so every row counts as 1." in dataset.warnings
    assert 'judged.csv: the column "wert" is not used.' in dataset.warnings


def test_two_tables_that_may_be_either_are_asked_about(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.csv": "id,text\n1,green tea\n", "b.csv": "id,text\n2,what is green\n"})
    assert "a.csv: say whether it holds documents, queries, judgments or none" in refuse(tmp_path)
    write_files(tmp_path, {"tables.yaml": "a.csv: {role: documents}\nb.csv: {role: queries}\n"})
    dataset = load_dataset(tmp_path)
    assert (dataset.documents["doc_id"].tolist(), dataset.queries["query_id"].tolist()) == (["1"], ["2"])


def test_results_of_a_system_are_no_judgments(tmp_path: Path) -> None:
    write_files(
        tmp_path, {**COMPLETE, "run.csv": "query_id,doc_id,rank,score\nq1,d1,1,12.5\n", "bm25.run": "q1 Q0 d1 1 9.5 x\n"}
    )
    dataset = load_dataset(tmp_path)
    assert not dataset.has_labels
    assert (
        "run.csv is not used: it has ranks and scores, so it looks like a system's results, not like judgments."
        in dataset.warnings
    )
    assert "bm25.run is not used: it looks like a system's results (a TREC run), not like judgments." in dataset.warnings


def test_judgments_that_name_nothing_are_refused(tmp_path: Path) -> None:
    write_files(tmp_path, {**RATED, "judged.csv": "query,docid,rating\nbread,1,1\n"})
    assert "none of its queries (bread) is among the queries, by id or by text" in refuse(tmp_path)
    write_files(tmp_path, {"judged.csv": "query,docid,rating\ngreen tea please,x9,1\n"})
    assert "none of the judged documents (x9) is in the corpus, whose ids are 1, 2" in refuse(tmp_path)
    (tmp_path / "queries.csv").unlink()
    write_files(tmp_path, {"judged.csv": "qid,docid,rating\n17,1,1\n"})
    assert "has judgments on 1 query (17), but no table holds the queries' texts" in refuse(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("- a\n", "expected a file's name with its role and columns on each line; see docs/tables.md"),
        ("a: [", "is not valid YAML"),
        ("a: &x {role: none}\nb: *x\n", "uses YAML aliases; write the values out"),
        ("queries.csv: {role: words}\n", "queries.csv needs a role, one of documents, queries, judgments, none"),
        ("gone.csv: {role: none}\n", "names gone.csv, which is not in this folder"),
        ("../x.csv: {role: none}\n", "names ../x.csv, which is not in this folder"),
        ("queries.csv: {role: queries, text: q}\n", 'queries.csv: has no column "q"; found query'),
        ("queries.csv: {role: queries, words: query}\n", '"words" is not a field of queries'),
        ("queries.csv: {role: queries, header: maybe}\n", "header of queries.csv must be true or false"),
        ("queries.csv: !!bool x\n", "queries.csv needs a role"),
    ],
)
def test_tables_yaml_that_says_nothing_is_one_sentence(tmp_path: Path, content: str, message: str) -> None:
    write_files(tmp_path, {**RATED, "tables.yaml": content})
    (tmp_path.parent / "x.csv").write_text("x")
    assert message in refuse(tmp_path)


def test_what_a_person_said_counts(tmp_path: Path) -> None:
    write_files(tmp_path, {"corpus.jsonl": CORPUS, "words.tsv": "d1\tone word\nd2\ttwo words\n"})
    told = [
        TableUse("corpus.jsonl", "corpus", {"id": "_id", "text": "text"}),
        TableUse("words.tsv", "queries", {"id": "column_1", "text": "column_2"}, header=False),
    ]
    assert load_dataset(tmp_path, told=told).queries["text"].tolist() == ["one word", "two words"]


@pytest.mark.parametrize(("name", "content"), [("qrels.dev.tsv", "\n"), ("queries.csv", ""), ("topics", "<top>\n")])
def test_labels_that_are_empty_or_cut_are_one_sentence(tmp_path: Path, name: str, content: str) -> None:
    refuse(write_files(tmp_path, {"corpus.jsonl": CORPUS, name: content}))


def test_letters_of_parquet_that_are_none_are_one_sentence(tmp_path: Path) -> None:
    import pandas as pd

    pd.DataFrame({"id": ["a"], "text": ["zebra crossing"]}).to_parquet(tmp_path / "docs.parquet", compression=None)
    content = (tmp_path / "docs.parquet").read_bytes().replace(b"zebra crossing", b"zebra \xbe\xbe\xbessing")
    (tmp_path / "docs.parquet").write_bytes(content)
    assert 'the column "text" holds values that cannot be read (UnicodeDecodeError' in refuse(tmp_path)


def test_remarks_trailing_tabs_and_blanks_are_no_judgments(tmp_path: Path) -> None:
    judged = "# by hand\r\nquery-id\tcorpus-id\tscore\r\nq1\td1\t1  \t\r\n\r\n# the second\r\n q2 \td2\t0\t\r\n"
    folder = write_files(tmp_path, {**COMPLETE, "qrels.tsv": judged, "qrels/._test.tsv": "\0" * 20})
    assert labels(load_dataset(folder)) == [("q1", "d1", 1), ("q2", "d2", 0)]
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n#q1\td1\n")  # an id, and a cell too few
    assert "line 2: found 2 columns, expected 3" in refuse(folder)


def test_grades_of_two_values_in_words(tmp_path: Path) -> None:
    judged = "query_id,doc_id,relevant\nq1,d1,Y\nq1,d2,n\nq2,d2,ja\nq2,d1,Nein\n"
    dataset = load_dataset(write_files(tmp_path, {**COMPLETE, "judgments.csv": judged}))
    assert labels(dataset) == [("q1", "d1", 1), ("q1", "d2", 0), ("q2", "d2", 1), ("q2", "d1", 0)]


def test_columns_in_other_languages_and_ids_of_something(tmp_path: Path) -> None:
    files = {
        "dokumente.csv": "Dokumentnummer;Überschrift;Inhalt\r\nA-1;Lotse;Der Lotse kommt\r\nA-2;Brot;Brot geht auf\r\n",
        "suchanfragen.csv": "Anfragenummer;Suchanfrage\r\n1;wann kommt der Lotse\r\n2;warmer Ofen\r\n",
        "urteile.csv": "anfrage_id;dokument_id;Bewertung\r\n1;A-1;0,75\r\n1;A-2;0,25\r\n2;A-2;1,0\r\n",
    }
    assert labels(load_dataset(write_files(tmp_path, files))) == [("1", "A-1", 0.75), ("1", "A-2", 0.25), ("2", "A-2", 1.0)]


def test_documents_with_a_title_and_a_text_of_an_unknown_name(tmp_path: Path) -> None:
    docs = "id,title,overview\n1,Pilot,the pilot boards at dawn\n2,Bread,bread rises in the oven\n"
    rated = "Case ID,Query Text,Doc ID,Title,Rating\n3,pilot,1,Pilot,3\n3,pilot,2,Bread,\n3,warm bread,2,Bread,2\n"
    dataset = load_dataset(write_files(tmp_path, {"docs.csv": docs, "case.csv": rated}))
    assert dataset.documents["text"].tolist() == ["the pilot boards at dawn", "bread rises in the oven"]
    assert dataset.queries["text"].tolist() == ["pilot", "warm bread"]
    assert labels(dataset) == [("1", "1", 3), ("2", "2", 2)]


@pytest.mark.parametrize("rows", ["pilot,d1,3\npilot,d2,0\n", "pilot,d2,3\nbread,d1,0\n"])
def test_an_id_beside_a_query_and_a_grade_is_a_document(tmp_path: Path, rows: str) -> None:
    files = {"docs.csv": "id,text\nd1,the pilot boards\nd2,bread rises\n", "rated.csv": f"query,id,rating\n{rows}"}
    dataset = load_dataset(write_files(tmp_path, files))
    assert [label[1:] for label in labels(dataset)] == [
        (doc, int(grade)) for _, doc, grade in (row.split(",") for row in rows.split())
    ]


def test_candidates_of_msmarco_are_no_labels(tmp_path: Path) -> None:
    folder = write_msmarco(tmp_path / "harbour")
    (folder / "top1000.dev.tsv").write_text("10\t0\twhen did it freeze\tThe harbour froze in 1929.\n" * 2)
    dataset = load_dataset(folder)
    assert len(dataset.documents) == 6 and len(dataset.judgments) == 6
    assert any(warning.startswith("top1000.dev.tsv is not used: it looks like queries with") for warning in dataset.warnings)


@pytest.mark.parametrize(
    "files",
    [
        {"qrels.json": '{"q1": {"d1": 2}, "q2": {"d2": 1, "d1": 0}}'},
        {"qrels.txt": "query-id\tcorpus-id\tscore\nq1\td1\t2\nq2\td2\t1\nq2\td1\t0\n"},
        {"labels.json": '[{"qid": "q1", "docid": "d1", "rel": 2}, {"qid": "q2", "docid": {"d2": 1, "d1": 0}}]'},
        {"qrels.txt": "# q iter doc rel\r\nq1 0 d1 2\r\n# the second\r\nq2 0 d2 1 \r\nq2 0 d1 -1\r\n"},
    ],
)
def test_judgments_under_other_endings(tmp_path: Path, files: dict[str, str]) -> None:
    assert labels(load_dataset(write_files(tmp_path, {**COMPLETE, **files}))) == [
        ("q1", "d1", 2),
        ("q2", "d2", 1),
        ("q2", "d1", 0),
    ]


def test_documents_and_queries_as_lists_of_json(tmp_path: Path) -> None:
    documents = json.dumps([{"id": "d1", "text": "the pilot boards"}, {"id": "d2", "text": "bread rises"}])
    asked = json.dumps([{"id": "q1", "query": "pilot", "relevant": ["d1"]}, {"id": "q2", "query": "bread", "relevant": []}])
    dataset = load_dataset(write_files(tmp_path, {"documents.json": documents, "queries.json": asked}))
    assert dataset.documents["doc_id"].tolist() == ["d1", "d2"] and dataset.queries["text"].tolist() == ["pilot", "bread"]
    assert labels(dataset) == [("q1", "d1", 1)]


def test_a_query_a_line_is_no_document(tmp_path: Path) -> None:
    files = {"queries.txt": "where is the pilot\nwarm bread\n", "a.md": "The pilot boards.", "b.md": "Bread rises."}
    dataset = load_dataset(write_files(tmp_path, files))
    assert dataset.documents["doc_id"].tolist() == ["a.md", "b.md"]
    assert dataset.queries["text"].tolist() == ["where is the pilot", "warm bread"]


def test_questions_with_answers_are_documents_where_nothing_else_is(tmp_path: Path) -> None:
    faq = json.dumps([{"question": "How is it tied?", "answer": "As a bowline."}, {"question": "When?", "answer": "At noon."}])
    assert load_dataset(write_files(tmp_path, {"faq.json": faq})).documents["text"].tolist() == ["As a bowline.", "At noon."]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"d/set.zip": "PK"},
            ": holds no corpus.jsonl, documents or tables, but packed files; unpack d/set.zip, or give a zip",
        ),
        ({"collection.tsv.gz": "x", "queries.tsv": "1\twarm bread\n"}, ": unpack collection.tsv.gz if it belongs to the data;"),
    ],
)
def test_packed_files_are_named(tmp_path: Path, files: dict[str, str], message: str) -> None:
    assert refuse(write_files(tmp_path, files)).startswith(message)


def test_a_table_of_thousands_of_columns_takes_no_time(tmp_path: Path) -> None:
    names = ["id", "text", *(f"c{number}" for number in range(15_000))]
    rows = "".join("\t".join([f"d{row}", "warm bread", *["7"] * 15_000]) + "\n" for row in range(3))
    start = time.process_time()
    dataset = load_dataset(write_files(tmp_path, {"docs.tsv": "\t".join(names) + "\n" + rows}))
    assert len(dataset.documents["metadata"][0]) == 15_000 and time.process_time() - start < 4
    (tmp_path / "docs.tsv").write_text("id" + "\t" * 100_000 + "\n")
    assert "100,001 columns, more than 65,536; keep those that are needed" in refuse(tmp_path)


def test_labels_in_a_spreadsheet(tmp_path: Path) -> None:
    write_files(tmp_path, {"docs.csv": "id,text\nd1,the pilot boards\nd2,bread rises\n"})
    rated = make_sheets(S=[["query", "doc_id", "grade"], ["harbour pilot", "d1", 3], ["warm bread", "d2", 0.5]])
    (tmp_path / "ratings.xlsx").write_bytes(rated)
    dataset = load_dataset(tmp_path)
    assert dataset.documents["doc_id"].tolist() == ["d1", "d2"] and labels(dataset) == [("1", "d1", 3), ("2", "d2", 0.5)]


@pytest.mark.parametrize("name", ["docs.txt", "fr94.trec", "a/ft911"])
def test_collections_of_trec_are_many_documents(tmp_path: Path, name: str) -> None:
    text = (
        "<DOC>\n<DOCNO> FT-1 </DOCNO>\n<HEADLINE>Pilots &amp; ships</HEADLINE>\n<TEXT>\nThe pilot\nboards.\n</TEXT>\n</DOC>\n"
    )
    text += "<DOC><DOCNO>FT-2</DOCNO><TEXT><P>Bread rises.</P></TEXT></DOC>\n"
    topics = "<top>\n<num> Number: 301\n<title> pilot\n<desc> Description:\nWho boards?\n</top>\n"
    dataset = load_dataset(
        write_files(tmp_path, {name: text, "topics.txt": topics, "qrels.txt": "301 0 FT-1 1\n301 0 FT-2 0\n"})
    )
    assert dataset.documents["doc_id"].tolist() == ["FT-1", "FT-2"]
    assert dataset.documents["title"][0] == "Pilots & ships"
    assert dataset.documents["text"].tolist() == ["Pilots & ships\nThe pilot\nboards.", "Bread rises."]
    assert labels(dataset) == [("301", "FT-1", 1), ("301", "FT-2", 0)]


def test_a_readme_beside_a_zip_is_not_the_data(tmp_path: Path) -> None:
    write_two_datasets(tmp_path / "cqadupstack.zip")
    (tmp_path / "README.md").write_text("Two forums.")
    assert "but packed files; unpack cqadupstack.zip, or give a zip by itself" in refuse(tmp_path)
