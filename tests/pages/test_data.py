"""The page Data in all its states; chunks on the text as arithmetic."""

from __future__ import annotations

import json
import threading
import zipfile
from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.data.catalog import find_dataset, find_kept_rules, list_datasets, list_import_folders, open_entry, open_named
from core.data.label_rules import LabelRules
from core.data.languages import detect_languages
from core.data.load import load_dataset
from core.errors import InputError
from core.progress import ProgressCallback, ProgressEvent
from core.stages.chunk import FixedTokens, Headings, ParentDocument, Recursive, WholeDocument
from core.workspace import Workspace
from pages.parts.data import chunk_view, reading
from pages.parts.data.chunk_view import DrawnChunk, count_whole, cut_document, draw_chunks, split_parts
from pages.parts.data.health import NO_LABELS
from tests.pages.conftest import UseModels
from tests.support.chroma import hash_files, make_collection
from tests.support.files import make_sheets
from tests.support.layouts import write_autorag, write_ciral, write_msmarco, write_quepid, write_two_datasets
from tests.support.models import FakeModels
from tests.support.pages import open_page, read
from tests.support.small import HOSTILE_DOCUMENT, HOSTILE_QUERY, make_experiment, write_small_dataset

pytestmark = pytest.mark.usefixtures("no_samples")

CSV = ("items.csv", b"docno,headline,body,price\n1,A,hello there,3.1\n2,B,good bye,3.2\n", "text/csv")
QUESTIONS = ("questions.csv", b"qid,question\nq1,hello?\n", "text/csv")


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """AppTest asks no fragment again: reading is done when the page is drawn, however busy the machine is."""
    monkeypatch.setattr(reading, "PATIENCE", 60)


@pytest.fixture
def small(workspace: Path) -> Path:
    return write_small_dataset(workspace / "datasets" / "small")


def run(app: AppTest) -> AppTest:
    """Runs the page again, with the frame around it: AppTest forgets the menu between runs, a browser's session does not."""
    if "_frame_ran" in app.session_state:
        del app.session_state["_frame_ran"]
    app.run()
    assert not app.exception, app.exception
    return app


def read_html(app: AppTest) -> str:
    return "\n".join(str(element.proto.body) for element in app.get("html"))


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click()
    return run(app)


def upload(app: AppTest, *files: tuple[str, bytes, str]) -> AppTest:
    app.file_uploader[0].set_value(list(files))
    return run(app)


def own(workspace: Path) -> list[str]:
    return [entry.name for entry in list_datasets(Workspace(workspace)) if entry.kind != "sample"]


# ---- what is loaded


def test_with_nothing_loaded_it_offers_to_load(workspace: Path) -> None:
    app = open_page("data")
    assert "Open a sample or load your own data" in read(app.info)
    assert app.file_uploader[0].label == "Choose files or one zip"
    assert "At most 500 MB a file" in read(app.caption) and "A path on this machine" in read(app.caption)


def test_overview_says_the_health_in_words(workspace: Path, small: Path) -> None:
    with (small / "corpus.jsonl").open("a") as file:
        file.write('{"_id": "nothing", "text": ""}\n{"_id": "copy", "text": "Hold the button to reset the hub."}\n')
    with (small / "qrels.tsv").open("a") as file:
        file.write("q-code\tgone\t1\nno-such-query\thub-4012\t1\n")
    app = open_page("data", dataset="small")
    metrics = {metric.label: metric.value for metric in app.metric}
    # 12 documents and the two added; 11 judgments of the file and the one on a document that is not there
    assert metrics["Documents"] == "14" and metrics["Queries"] == "8" and metrics["Queries with evidence"] == "2"
    words = read(app.markdown)
    assert "1 document without title and text cannot be found and is not indexed." in words
    assert "1 document repeats the text of another" in words
    assert "8 queries, 3 of them carry a filter." in words
    assert "7 of 8 queries have a relevant document" in words
    assert "1 query without a relevant document: counted in no measure." in words
    assert "2 of 8 queries have evidence" in words
    assert "things were found while reading" in words
    assert "1 judgment is on a query that the dataset does not have (ignored): no-such-query." in words


def test_how_the_data_is_read_is_corrected_and_kept(workspace: Path, small: Path) -> None:
    app = open_page("data", dataset="small")
    find(app.number_input, "Relevant from grade").set_value(2.0)
    assert "Documents count as relevant from grade 2 on" in read(run(app).success)
    assert open_named("small", Workspace(workspace)).relevant_from == 2
    assert "documents count as relevant from grade 2 on, as was said" in read(app.markdown).lower()
    find(app.toggle, "Copies share the label").set_value(True)
    run(app)
    find(app.selectbox, "Language of the documents").set_value("de")
    run(app)
    assert find_kept_rules("small", Workspace(workspace)) == LabelRules(2.0, share_copies=True, language="de")
    assert "The documents are in German, as was said." in read(app.markdown)
    app = press(app, "As the data say")
    assert open_named("small", Workspace(workspace)).relevant_from == 1
    assert "The documents are in English." in read(app.markdown)


def find(elements: Iterable[Any], label: str) -> Any:
    return next(element for element in elements if element.label == label)


def test_without_judgments_the_sentence_and_a_template(workspace: Path) -> None:
    write_small_dataset(workspace / "datasets" / "small", labels=False)
    app = open_page("data", dataset="small")
    assert f"{NO_LABELS}." in read(app.info)
    assert NO_LABELS == "No labels yet: compare hits by eye; add qrels or evidence to measure"
    assert [button.proto.label for button in app.get("download_button")] == ["Download a template (qrels.tsv)"]


def test_a_corpus_alone_opens_in_every_section(workspace: Path) -> None:
    write_small_dataset(workspace / "datasets" / "small", queries=False)
    for section in ("Overview", "Documents", "Chunks", "Queries", "Load data"):
        open_page("data", dataset="small", data_view=section)
    app = open_page("data", dataset="small", data_view="Queries")
    assert "This dataset has no queries" in read(app.info)


def test_data_that_changed_since_the_run_is_said(workspace: Path) -> None:
    experiment = make_experiment(workspace, systems=("bm25",))
    assert not open_page("data", dataset="small", experiment=experiment).warning
    with (workspace / "datasets" / "small" / "corpus.jsonl").open("a") as file:
        file.write('{"_id": "new", "text": "A new one."}\n')
    assert "The data changed since “Small test” ran" in read(open_page("data", dataset="small", experiment=experiment).warning)


def test_data_that_became_unreadable_is_said_and_can_be_removed(workspace: Path, small: Path) -> None:
    with (small / "corpus.jsonl").open("a") as file:
        file.write("{broken\n")
    app = open_page("data", dataset="small")
    assert "corpus.jsonl, line 13" in read(app.error)
    press(app, "Yes, delete it")
    assert own(workspace) == [] and "“small” is removed." in read(app.success)


# ---- documents and queries


def test_documents_are_searched_and_only_their_beginning_is_sent(workspace: Path, small: Path) -> None:
    with (small / "corpus.jsonl").open("a") as file:
        for number in range(250):
            file.write(json.dumps({"_id": f"x{number}", "text": f"zebra {number} " + "long " * 200}) + "\n")
    app = open_page("data", dataset="small", data_view="Documents")
    assert len(app.dataframe[0].value) == 200
    assert max(map(len, app.dataframe[0].value["text begins"])) <= 160
    assert "1 to 200 of 262 documents" in read(app.caption)
    app.text_input(key="data_find").set_value("ZEBRA 249")
    run(app)
    assert list(app.dataframe[0].value["id"]) == ["x249"]
    app.text_input(key="data_find").set_value("certificate hub")
    run(app)
    assert list(app.dataframe[0].value["id"]) == ["hub-4012"]
    app.text_input(key="data_find").set_value("nowhere")
    run(app)
    assert "No document has all these words" in read(app.info) and not app.dataframe


def test_a_link_opens_a_document_in_full_with_its_evidence(workspace: Path, small: Path) -> None:
    app = open_page("data", dataset="small", data_view="Documents", data_doc="hub-reset-3")
    assert "Reset the hub" in read(app.subheader)
    body = read_html(app)
    assert '<mark title="evidence">Hold the button for twenty seconds</mark> to reset the hub. The light blinks.' in body
    assert "version <b>3.0</b>" in body
    assert list(app.dataframe[-1].value["label"]) == ["✓ relevant (2)"]
    press(app, "Close the document")
    assert "data_doc" not in app.query_params and not app.subheader


@pytest.mark.parametrize(
    ("section", "name", "kind"), [("Documents", "data_doc", "document"), ("Queries", "data_query", "query")]
)
def test_an_unknown_id_in_the_link_is_said(workspace: Path, small: Path, section: str, name: str, kind: str) -> None:
    app = open_page("data", dataset="small", data_view=section, **{name: "n*o*pe"})
    assert f"This {kind} is not here: n*o*pe. Choose one of those below." in read(app.warning)
    assert len(app.dataframe[0].value) == {"document": 12, "query": 8}[kind]


def test_queries_can_be_filtered_and_one_shows_its_evidence(workspace: Path, small: Path) -> None:
    app = open_page("data", dataset="small", data_view="Queries", data_query="q-reset")
    table = app.dataframe[0].value.set_index("id")
    assert table.loc["q-reset", ["relevant", "evidence"]].tolist() == [1, 1]
    assert table.loc["q-unlabelled", "relevant"] == 0
    body = read_html(app)
    assert '<mark title="evidence">Hold the button for twenty seconds</mark>' in body
    # version 3.0: four documents of the hub
    assert "(leaves 4 of 12 documents)" in body
    assert "✓ relevant (2) · hub-reset-3" in read(app.markdown) and "✗ not relevant · hub-reset-2" in read(app.markdown)
    app.multiselect(key="data_kinds").set_value(["without a relevant document"])
    run(app)
    assert list(app.dataframe[0].value["id"]) == ["q-unlabelled"]
    app.multiselect(key="data_kinds").set_value([])
    run(app)
    app.multiselect(key="data_tags").set_value(["paraphrase"])
    run(app)
    assert list(app.dataframe[0].value["id"]) == ["q-missed"]


def test_a_choice_is_forgotten_with_its_dataset(workspace: Path, small: Path) -> None:
    write_small_dataset(workspace / "datasets" / "other")
    app = open_page("data", dataset="small", data_view="Documents", data_doc="hub-4012")
    assert "Error KH-4012" in read(app.subheader)
    next(box for box in app.selectbox if box.label == "Dataset").set_value("other")
    run(app)
    assert not app.subheader and not app.warning


def test_hostile_text_is_shown_and_never_executed(workspace: Path, small: Path) -> None:
    for parameters in (
        {"data_view": "Documents", "data_doc": HOSTILE_DOCUMENT},
        {"data_view": "Queries", "data_query": HOSTILE_QUERY},
        {"data_view": "Chunks", "data_doc": HOSTILE_DOCUMENT},
    ):
        app = open_page("data", dataset="small", **parameters)
        assert "<img" not in read_html(app)
        for element in (*app.markdown, *app.subheader, *app.caption, *app.warning):
            assert "![" not in str(element.value).replace("!\\[", ""), element
        assert "&lt;img src=http://example.com/x.png&gt;" in read_html(app)


# ---- chunks


class Words:
    """A tokenizer that one can reason about: a token is a word; the model reads 6 of them, 2 are special."""

    max_tokens = 6
    special_tokens = 2

    def offsets(self, text: str) -> list[tuple[int, int]]:
        spans, place = [], 0
        for word in text.split():
            place = text.index(word, place)
            spans.append((place, place + len(word)))
            place += len(word)
        return spans

    def count(self, texts: list[str]) -> list[int]:
        return [len(text.split()) for text in texts]


@pytest.fixture
def words(monkeypatch: pytest.MonkeyPatch) -> Words:
    tokenizer = Words()

    monkeypatch.setattr(chunk_view, "open_tokenizer", lambda: tokenizer)
    return tokenizer


def make_document(text: str, title: str = "") -> pd.DataFrame:
    return pd.DataFrame({"doc_id": ["d"], "title": [title], "text": [text], "metadata": [{}]})


def test_what_the_model_does_not_read_is_found_in_the_text(words: Words) -> None:
    # 4 of the passage's words are read: the title and "one two three".
    assert cut_document(make_document("one two three four five", "T"), WholeDocument(), words) == [
        DrawnChunk(0, 23, 5, 1, ((14, 23),))
    ]
    # Without a title four words are read.
    assert cut_document(make_document("one two three four five"), WholeDocument(), words)[0].unread == ((19, 23),)
    # Title, path of headings, text: "T", "H", and the heading's line "# H" are read, of the text only "a".
    text = "# H\na b c"
    [chunk] = cut_document(make_document(text, "T"), Headings(size=50), words)
    assert [text[start:end] for start, end in chunk.unread] == ["a b c"]
    # Pieces of two words are read whole, whatever the size of their parent.
    [parent] = cut_document(make_document("one two three four"), ParentDocument(child_size=2, parent_size=9), words)
    assert parent == DrawnChunk(0, 18, 4, 2, ())


def test_overlap_is_drawn_in_stripes_and_every_letter_once(words: Words) -> None:
    text = "one two three four five six"
    chunks = cut_document(make_document(text), FixedTokens(size=3, overlap=1), words)
    assert [(chunk.start, chunk.end) for chunk in chunks] == [(0, 13), (8, 23), (19, 27)]
    body = draw_chunks(text, chunks).removeprefix(chunk_view.STYLE)
    assert '<span class="lad-0" title="chunk 1">one two </span>' in body
    assert '<span class="lad-2" title="chunk 1 and 2">three</span>' in body
    assert '<span class="lad-1" title="chunk 2"> four </span>' in body
    assert '<span class="lad-no">2 · 3 tokens</span><span class="lad-2"' in body


def test_evidence_is_marked_across_chunks_and_text_is_escaped() -> None:
    chunks = [DrawnChunk(0, 4, 1), DrawnChunk(4, 8, 1)]
    body = draw_chunks("<b> <i> &", chunks, [(2, 6)]).removeprefix(chunk_view.STYLE)
    assert "<b>" not in body and "<i>" not in body
    assert '<span class="lad-0" title="chunk 1"><mark title="evidence">&gt; </mark></span>' in body
    assert '<span class="lad-1" title="chunk 2"><mark title="evidence">&lt;i</mark></span>' in body
    assert body.endswith('<span class="lad-1" title="chunk 2">&gt; </span>&amp;</div>')


def test_a_part_of_a_long_text_says_which_chunk_goes_on() -> None:
    body = draw_chunks("abcdefgh", [DrawnChunk(0, 4, 2), DrawnChunk(4, 8, 3)], window=(2, 6))
    assert "1, continued" in body and ">cd<" in body and "2 · 3 tokens" in body and ">ef<" in body
    assert "ab" not in body.removeprefix(chunk_view.STYLE) and "gh" not in body.removeprefix(chunk_view.STYLE)


def test_evidence_is_whole_only_within_one_chunk() -> None:
    chunks = [(0, 10), (8, 20), (20, 30)]
    # inside the first; over the seam but inside the overlap of the second; cut at 20; outside all
    assert count_whole([(1, 9), (9, 19), (18, 22), (29, 31)], chunks) == 2
    assert count_whole([(1, 2)], []) == 0


def test_parts_cover_the_text_and_end_at_lines() -> None:
    text = ("line of text\n" * 4000)[:-1]
    parts = split_parts(text)
    assert "".join(text[start:end] for start, end in parts) == text
    assert len(parts) == 4 and all(text[end - 1] == "\n" for _, end in parts[:-1])
    assert split_parts("short") == [(0, 5)]


def test_two_chunkings_side_by_side_with_their_numbers(workspace: Path, small: Path) -> None:
    app = open_page("data", dataset="small", data_view="Chunks", data_doc="hub-reset-3")
    table = app.dataframe[0].value
    assert list(table["chunking"]) == ["Recursive, 200 tokens, no overlap", "Recursive, 64 tokens, no overlap"]
    assert list(table["chunks"]) == [12, 12] and list(table["evidence whole"]) == ["2 of 2", "2 of 2"]
    app.number_input(key="data_b_recursive_size").set_value(8)
    run(app)
    chunks = len(Recursive(size=8)(load_dataset(small).documents, resources=chunk_view._Tokenizers()))
    assert chunks > 12 and list(app.dataframe[0].value["chunks"]) == [12, chunks]
    app.number_input(key="data_b_recursive_overlap").set_value(8)
    run(app)
    assert "overlap must be a whole number from 0 to less than the size" in read(app.warning)
    app.toggle(key="data_two").set_value(False)
    run(app)
    assert len(app.dataframe[0].value) == 1 and not app.warning


# ---- loading


def test_an_uploaded_dataset_is_written_at_once_and_loaded_by_name(workspace: Path, tmp_path: Path) -> None:
    folder = write_small_dataset(tmp_path / "in")
    files = [(path.name, path.read_bytes(), "text/plain") for path in sorted(folder.iterdir())]
    app = upload(open_page("data"), *files)
    [staged] = list_import_folders(Workspace(workspace))
    assert sorted(path.name for path in staged.iterdir()) == ["corpus.jsonl", "qrels.tsv", "queries.jsonl"]
    assert own(workspace) == []
    app.text_input(key="data_name_my-data").set_value("pumps")
    run(app)
    press(app, "Load")
    assert own(workspace) == ["pumps"] and list_import_folders(Workspace(workspace)) == []
    assert "Loaded “pumps”: 12 documents, 8 queries, 11 judgments." in read(app.success)
    assert next(box for box in app.selectbox if box.label == "Dataset").value == "pumps"
    assert "Run an experiment" in [button.label for button in app.button]


def test_a_name_that_is_taken_is_refused_and_another_proposed(workspace: Path, small: Path) -> None:
    app = upload(open_page("data", data_view="Load data"), ("small.zip", make_zip(small), "application/zip"))
    assert app.text_input(key="data_name_small").value == "small-2"
    app.text_input(key="data_name_small").set_value("small")
    run(app)
    load = next(button for button in app.button if button.label == "Load")
    assert load.disabled and "already a dataset “small”" in read(app.caption)


def make_zip(folder: Path) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, f"inside/{path.name}")
    return buffer.getvalue()


def test_bad_data_is_one_sentence_and_nothing_is_loaded(workspace: Path) -> None:
    app = upload(open_page("data"), ("corpus.jsonl", b'{"_id": "a", "text": "x"}\n{"_id": "a", "text": "y"}\n', "text/plain"))
    assert read(app.error).startswith("corpus.jsonl, line 2: ") and "imports" not in read(app.error)
    assert next(button for button in app.button if button.label == "Load").disabled
    assert own(workspace) == []
    press(app, "Discard the upload")
    assert list_import_folders(Workspace(workspace)) == []


def test_a_bad_zip_is_one_sentence(workspace: Path) -> None:
    app = upload(open_page("data"), ("data.zip", b"PK no zip", "application/zip"))
    assert "data.zip: is not a whole, readable zip" in read(app.error)
    assert list_import_folders(Workspace(workspace)) == []


def test_split_files_uploaded_singly_are_read_as_judgments(workspace: Path) -> None:
    app = upload(
        open_page("data"),
        ("corpus.jsonl", b'{"_id": "a", "text": "x"}\n', "text/plain"),
        ("queries.jsonl", b'{"_id": "q", "text": "x"}\n', "text/plain"),
        ("test.tsv", b"query-id\tcorpus-id\tscore\nq\ta\t1\n", "text/plain"),
        ("notes.json", b"{}", "text/plain"),
    )
    assert "A dataset: corpus.jsonl, qrels/test.tsv, queries.jsonl." in read(app.markdown)
    assert "Not read: notes.json." in read(app.caption)
    press(app, "Load")
    assert "1 judgment." in read(app.success)


def test_tables_go_through_the_mapping_step(workspace: Path) -> None:
    app = upload(open_page("data"), CSV, QUESTIONS)
    boxes = {box.key: box for box in app.selectbox if box.key}
    assert boxes["data_role_items.csv"].value == "corpus" and boxes["data_role_questions.csv"].value == "queries"
    columns = ["no column", "docno", "headline", "body", "price"]
    guessed = {field: columns[boxes[f"data_column_items.csv_corpus_{field}"].value] for field in ("id", "title", "text")}
    assert guessed == {"id": "docno", "title": "headline", "text": "body"}
    assert app.dataframe[0].value["body"].tolist() == ["hello there", "good bye"]
    app.selectbox(key="data_column_items.csv_corpus_text").set_value(0)
    run(app)
    assert next(button for button in app.button if button.label == "Load").disabled
    assert "Not ready to load: items.csv: Choose the column that holds the text of the corpus." in read(app.caption)
    app.selectbox(key="data_column_items.csv_corpus_text").set_value(3)
    run(app)
    press(app, "Load")
    dataset = load_dataset(find_dataset("my-data", Workspace(workspace)).path)
    assert dataset.documents["metadata"].tolist() == [{"price": 3.1}, {"price": 3.2}]
    assert dataset.queries["text"].tolist() == ["hello?"]
    assert list_import_folders(Workspace(workspace)) == []


def test_grades_in_words_are_explained_where_they_stand(workspace: Path) -> None:
    marks = ("marks.csv", b"query_id,doc_id,mark,grade\nq1,1,x,lovely\nq1,2,x,dull\n", "text/csv")
    app = upload(open_page("data"), CSV, QUESTIONS, marks)
    assert "are words (dull, lovely); say above which grade each of them is." in read(app.warning)
    app.number_input(key="data_grade_marks.csv_grade_lovely").set_value(2)
    assert "are words (dull)" in read(run(app).warning)
    app.number_input(key="data_grade_marks.csv_grade_dull").set_value(0)
    assert "are words" not in read(run(app).warning)
    press(app, "Load")
    judged = load_dataset(find_dataset("my-data", Workspace(workspace)).path).judgments
    assert judged.to_numpy().tolist() == [["q1", "1", 2], ["q1", "2", 0]]


def test_a_bad_row_of_a_table_leaves_only_the_upload(workspace: Path) -> None:
    app = upload(open_page("data"), ("a.csv", b"id,text\n1,x\n1,y\n", "text/csv"))
    assert read(app.error).startswith("a.csv, line 3: ") and own(workspace) == []
    assert next(button for button in app.button if button.label == "Load").disabled
    assert len(list_import_folders(Workspace(workspace))) == 1


def test_menus_and_rows_are_chosen_before_documents_are_loaded(workspace: Path) -> None:
    page = ("page.html", b"<nav>Home</nav><p>Oil the pump.", "text/html")
    app = upload(open_page("data"), page, ("parts.xlsx", make_sheets(A=[["part", "size"], ["a", 1], ["b", 2]]), "x/x"))
    labels = [toggle.label for toggle in app.toggle]
    assert labels == ["Keep menus, heads and feet of web pages", "Every row of a sheet is a document"]
    for toggle in app.toggle:
        toggle.set_value(True)
    run(app)
    press(app, "Load")
    [name] = own(workspace)
    assert load_dataset(Workspace(workspace).datasets / name).documents["text"].tolist() == [
        "Home\n\nOil the pump.",
        "part: a | size: 1",
        "part: b | size: 2",
    ]


def test_more_files_can_be_added_and_an_upload_taken_up_again(workspace: Path) -> None:
    app = upload(open_page("data"), ("corpus.jsonl", b'{"_id": "a", "text": "x"}\n', "text/plain"))
    app = upload(app, ("queries.jsonl", b'{"_id": "q", "text": "x"}\n', "text/plain"))
    assert "A dataset: corpus.jsonl, queries.jsonl." in read(app.markdown)
    assert len(list_import_folders(Workspace(workspace))) == 1
    app = press(open_page("data"), "Go on")
    press(app, "Load")
    assert "Loaded “my-data”: 1 document, 1 query, 0 judgments." in read(app.success)


def test_a_path_on_this_machine_is_read_where_it_is(workspace: Path, tmp_path: Path) -> None:
    folder = write_small_dataset(tmp_path / "here")
    app = open_page("data")
    app.segmented_control(key="data_way").set_value("A path on this machine")
    run(app)
    press(app, "Look")
    assert "Type a path first." in read(app.error)
    app.text_input(key="data_path").set_value(str(folder / "nothing"))
    press(app, "Look")  # in the same run: what was typed just before the click counts
    assert "There is nothing at" in read(app.error)
    app.text_input(key="data_path").set_value(str(folder))
    run(app)
    press(app, "Look")
    assert own(workspace) == []
    press(app, "Load")
    assert own(workspace) == ["here"] and find_dataset("here", Workspace(workspace)).kind == "folder"
    press(app, "Yes, take it off")
    assert own(workspace) == [] and (folder / "corpus.jsonl").is_file()


def test_a_chroma_collection_is_taken_with_its_vectors(workspace: Path, tmp_path: Path, use_models: UseModels) -> None:
    use_models(FakeModels)
    folder = make_collection(make_collection(tmp_path / "store"), "other", texts=["x"])
    before = hash_files(folder)
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "queries.jsonl").write_text('{"_id": "q", "text": "battery"}\n')
    app = open_page("data")
    app.segmented_control(key="data_way").set_value("A Chroma collection")
    run(app)
    load = "data_chroma_look"
    app.button(key=load).click()
    assert "Type the folder or the address of the server first." in read(run(app).error)
    app.text_input(key="data_chroma_place").set_value(str(tmp_path / "labels"))
    app.button(key=load).click()
    assert "There is no Chroma collection at" in read(run(app).error)
    app.text_input(key="data_chroma_place").set_value(str(folder))
    app.text_input(key="data_chroma_model").set_value("any")
    app.text_input(key="data_chroma_labels").set_value(str(tmp_path / "labels"))
    app.button(key=load).click()
    run(app)
    choice = next(box for box in app.selectbox if box.label == "Which of them?")
    assert choice.options == ["docs", "other"] and "choose one of the datasets" in read(app.caption)
    choice.set_value("docs")
    run(app)
    assert "Understood: 8 documents, 1 query, 0 judgments." in read(app.markdown) and own(workspace) == []
    app.button(key="data_load").click()
    assert "Loaded “docs”: 8 documents, 1 query, 0 judgments." in read(run(app).success)
    assert "8 vectors of the collection are taken as any's" in read(app.markdown) + read_html(app)
    assert own(workspace) == ["docs"] and hash_files(folder) == before


def test_a_chroma_folder_that_is_typed_as_a_path_is_taken_too(workspace: Path, tmp_path: Path) -> None:
    app = open_page("data")
    app.segmented_control(key="data_way").set_value("A path on this machine")
    run(app)
    app.text_input(key="data_path").set_value(str(make_collection(tmp_path / "store")))
    run(app)
    press(press(app, "Look"), "Load")
    assert "Loaded “docs”: 8 documents" in read(app.success) and own(workspace) == ["docs"]


def test_a_bad_folder_is_not_remembered(workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "corpus.jsonl").write_text("{broken")
    app = open_page("data")
    app.segmented_control(key="data_way").set_value("A path on this machine")
    run(app)
    app.text_input(key="data_path").set_value(str(tmp_path / "bad"))
    run(app)
    press(app, "Look")
    assert "corpus.jsonl, line 1" in read(app.error) and own(workspace) == []


# ---- tables as people have them


def upload_folder(folder: Path) -> AppTest:
    files = [(path.name, path.read_bytes(), "text/plain") for path in sorted(folder.iterdir())]
    return upload(open_page("data"), *files)


def count_loaded(workspace: Path, name: str = "my-data") -> tuple[int, int, int]:
    dataset = load_dataset(find_dataset(name, Workspace(workspace)).path)
    return len(dataset.documents), len(dataset.queries), len(dataset.judgments)


@pytest.mark.parametrize(
    ("write", "counts"),
    [(write_quepid, (8, 8, 63)), (write_msmarco, (6, 6, 6)), (write_ciral, (6, 3, 5)), (write_autorag, (6, 4, 6))],
)
def test_folders_of_tables_are_loaded_as_they_were_guessed(
    workspace: Path, tmp_path: Path, write: Callable[[Path], Path], counts: tuple[int, int, int]
) -> None:
    app = upload_folder(write(tmp_path / "in"))
    assert not app.warning
    press(app, "Load")
    assert count_loaded(workspace) == counts


def test_what_was_not_graded_stays_said_after_loading(workspace: Path, tmp_path: Path) -> None:
    app = press(upload_folder(write_quepid(tmp_path / "in")), "Load")
    assert "ratings.csv: 1 judgment has no grade, taken as not judged." in read(app.markdown)


def test_the_first_line_can_be_said_to_be_data(workspace: Path, tmp_path: Path) -> None:
    app = upload(open_page("data"), ("words.csv", b"id,text\n1,green tea\n2,coffee beans\n", "text/csv"))
    assert app.toggle(key="data_first_words.csv").value is False
    app.toggle(key="data_first_words.csv").set_value(True)
    run(app)
    assert list(app.dataframe[0].value.columns) == ["column_1", "column_2"]
    app.selectbox(key="data_column_words.csv_corpus_id_first").set_value(1)
    app.selectbox(key="data_column_words.csv_corpus_text_first").set_value(2)
    run(app)
    press(app, "Load")
    assert count_loaded(workspace, "words") == (3, 0, 0)


def test_grades_are_asked_for_and_unused_columns_are_named(workspace: Path) -> None:
    app = upload(
        open_page("data"),
        ("products.csv", b"id,title,description\n1,a,green tea leaves\n2,b,coffee beans\n", "text/csv"),
        ("queries.csv", b"query\ngreen tea please\nsome coffee\n", "text/csv"),
        ("judged.csv", b"query,docid,wert,by\nGreen tea please,1,3,ann\nsome coffee,1,0,ben\n", "text/csv"),
    )
    load = next(button for button in app.button if button.label == "Load")
    assert load.disabled and "Not used: wert, by." in read(app.caption)
    assert "Choose the column that holds the relevance (“wert” may)" in read(app.warning).replace('"wert"', "“wert”")
    app.checkbox(key="data_every_judged.csv").set_value(True)
    run(app)
    assert not app.warning and not next(button for button in app.button if button.label == "Load").disabled
    app.selectbox(key="data_column_judged.csv_judgments_relevance").set_value(3)
    run(app)
    assert "Not used: by." in read(app.caption)
    press(app, "Load")
    dataset = load_dataset(find_dataset("my-data", Workspace(workspace)).path)
    assert dataset.judgments["relevance"].tolist() == [3, 0]


def test_one_of_several_datasets_is_chosen(workspace: Path, tmp_path: Path) -> None:
    path = write_two_datasets(tmp_path / "cqadupstack.zip")
    app = upload(open_page("data"), (path.name, path.read_bytes(), "application/zip"))
    assert "2 datasets: android, physics; choose one." in read(app.markdown)
    next(box for box in app.selectbox if box.label == "Which of them?").set_value("physics")
    run(app)
    press(app, "Load")
    assert count_loaded(workspace, "physics") == (1, 1, 1)


def list_elements(app: AppTest) -> list[str]:
    """The labels of what can be typed, chosen or pressed, and the types of all else, from top to bottom."""
    named = ("text_input", "button", "selectbox")
    return [element.label if element.type in named else element.type for element in app.main]


def test_an_error_stands_at_the_table_that_caused_it(workspace: Path) -> None:
    app = upload(open_page("data"), ("a.csv", b"id,text\n1,x\n1,y\n", "text/csv"), QUESTIONS)
    order = list_elements(app)
    first, second = (place for place, label in enumerate(order) if label == "This table holds")
    assert read(app.error).startswith("a.csv, line 3: ") and first < order.index("error") < second
    assert "the data cannot be read as it is; see the message above." in read(app.caption)


def test_a_name_that_is_taken_is_said_at_its_field(workspace: Path, small: Path) -> None:
    app = upload(open_page("data", data_view="Load data"), CSV)
    app.text_input(key="data_name_items").set_value("small")
    order = list_elements(run(app))
    assert "already a dataset “small”" in read(app.error)
    assert order.index("Name of the dataset") < order.index("error") < order.index("Load")


def test_an_error_while_loading_stands_at_the_button(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = upload(open_page("data"), CSV)

    def fail(*_: object, **__: object) -> None:
        raise InputError("cannot be written (No space left on device); make room")

    monkeypatch.setattr("core.data.catalog.write_dataset", fail)
    order = list_elements(press(app, "Load"))
    assert "No space left" in read(app.error) and len(list_import_folders(Workspace(workspace))) == 1
    assert order.index("Name of the dataset") < order.index("error") < order.index("Load")


# ---- what was understood, before it is loaded


def test_what_was_understood_is_shown_before_it_is_loaded(workspace: Path, tmp_path: Path) -> None:
    folder = write_small_dataset(tmp_path / "in")
    files = [(path.name, path.read_bytes(), "text/plain") for path in sorted(folder.iterdir())]
    app = upload(open_page("data"), *files)
    assert "Understood: 12 documents, 8 queries, 11 judgments, evidence of 2 queries." in read(app.markdown)
    assert "The documents are in English." in read(app.markdown)
    dataset, shown = load_dataset(folder), read_html(app)
    for doc_id in dataset.documents["doc_id"][:3]:
        assert f"<small>{doc_id}</small>" in shown
    # the label of q-reset, which the small dataset lists first with its grade of 2
    assert "✓ relevant (2) · hub-reset-3 · Reset the hub" in shown
    assert own(workspace) == []


def test_hostile_text_is_shown_in_the_preview_and_never_executed(workspace: Path) -> None:
    evil = "<img src=http://example.com/x.png> ![x](http://example.com/y.png)"
    document = json.dumps({"_id": evil, "title": evil, "text": evil, "metadata": {evil: evil}})
    query = json.dumps({"_id": "q", "text": evil})
    app = upload(
        open_page("data"),
        ("corpus.jsonl", document.encode(), "text/plain"),
        ("queries.jsonl", query.encode(), "text/plain"),
        ("qrels.tsv", f"query-id\tcorpus-id\tscore\nq\t{evil}\t1\nq\t{evil}2\t1\n".encode(), "text/plain"),
    )
    assert "<img" not in read_html(app) and "&lt;img src=http://example.com/x.png&gt;" in read_html(app)
    for element in (*app.markdown, *app.caption, *app.warning):
        assert "![" not in str(element.value).replace("!\\[", ""), element


def test_files_are_counted_and_what_is_left_out_is_said_in_full(workspace: Path, tmp_path: Path) -> None:
    app = upload(
        open_page("data"),
        ("a.md", b"# Hub\n\nThe hub blinks.", "text/plain"),
        ("b.txt", b"The battery is empty.", "text/plain"),
        ("empty.txt", b"", "text/plain"),
        ("photo.png", b"x", "image/png"),
    )
    words = read(app.markdown)
    assert "Understood: 2 documents from 3 files, 0 queries, 0 judgments." in words
    assert "1 file of 3 left out: empty.txt: the file is empty" in words
    assert "1 file (images) was not read: photo.png;" in words


def test_what_counts_as_relevant_and_the_language_are_corrected_in_place(workspace: Path) -> None:
    app = upload(
        open_page("data"),
        ("corpus.jsonl", b'{"_id": "a", "text": "The hub blinks."}\n{"_id": "b", "text": "The battery."}\n', "text/plain"),
        ("queries.jsonl", b'{"_id": "q", "text": "hub"}\n', "text/plain"),
        ("qrels.tsv", b"query-id\tcorpus-id\tscore\nq\ta\t2\nq\tb\t1\n", "text/plain"),
    )
    assert read_html(app).count("✓ relevant") == 2
    find(app.number_input, "Relevant from grade").set_value(2.0)
    run(app)
    assert read_html(app).count("✓ relevant") == 1 and "✗ not relevant (1)" in read_html(app)
    find(app.selectbox, "Language of the documents").set_value("de")
    run(app)
    assert "The documents are in German, as was said." in read(app.markdown)
    press(app, "Load")
    dataset = open_entry(find_dataset("my-data", Workspace(workspace)), Workspace(workspace))
    assert (dataset.relevant_from, dataset.language) == (2, "de") and detect_languages(dataset) == {"de": 1.0}


def test_reading_that_takes_long_says_how_far_it_is_and_can_be_stopped(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()

    def read_slowly(*_: object, on_progress: ProgressCallback, **__: object) -> None:
        on_progress(ProgressEvent("reading files: 1 of 3", done=1, total=3))
        go_on.wait(10)
        on_progress(ProgressEvent("reading files: 2 of 3", done=2, total=3))
        raise AssertionError("was not stopped")

    with monkeypatch.context() as patch:
        patch.setattr(reading, "read_preview", read_slowly)
        patch.setattr(reading, "PATIENCE", 0.1)
        app = upload(open_page("data"), CSV)
        assert "Not ready to load: the data is not read yet." in read(app.caption)
        assert next(button for button in app.button if button.label == "Load").disabled
        press(app, "Stop reading")
        go_on.set()
        assert "The reading was stopped; nothing is lost." in read(app.caption)
    press(app, "Read again")
    assert "Understood: 2 documents" in read(app.markdown)


def test_loading_reads_a_folder_on_this_machine_once(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_small_dataset(tmp_path / "here")
    app = open_page("data")
    app.segmented_control(key="data_way").set_value("A path on this machine")
    run(app)
    app.text_input(key="data_path").set_value(str(folder))
    press(app, "Look")

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("read twice")

    monkeypatch.setattr("pages.shared.frame.services.load_dataset", fail)
    monkeypatch.setattr("core.data.preview.load_dataset", fail)
    press(app, "Load")
    assert "Loaded “here”: 12 documents" in read(app.success)


def test_a_table_on_this_machine_is_copied_alone(workspace: Path, tmp_path: Path) -> None:
    folder = write_msmarco(tmp_path / "ms")
    app = open_page("data")
    app.segmented_control(key="data_way").set_value("A path on this machine")
    run(app)
    app.text_input(key="data_path").set_value(str(folder / "collection.tsv"))
    press(app, "Look")
    press(app, "Load")
    assert count_loaded(workspace, "collection") == (6, 0, 0)
