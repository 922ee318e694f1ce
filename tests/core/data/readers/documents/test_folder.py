"""Folders of documents: what is read of each file, and what is said of the rest."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import docx
import pytest

from core.data.load import load_dataset
from core.data.readers.documents import kinds
from core.data.readers.documents.folder import FileDocument
from core.data.readers.documents.folder import read_document as read_all
from core.data.readers.documents.kind import Extracted, Kind
from core.data.readers.uploads import inspect_upload
from core.errors import InputError
from core.progress import ProgressEvent
from tests.support.files import make_pdf


def make_docx() -> bytes:
    document = docx.Document()
    document.core_properties.title = "From the properties"
    document.add_paragraph("Before.")
    document.add_heading("Pump care", level=2)
    document.add_paragraph("oil it", style="List Bullet")
    table = document.add_table(rows=1, cols=2)
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "code", "E7"
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def read_document(path: Path, *, relative: str | None = None) -> FileDocument:
    """The only document of a file."""
    documents = read_all(path, relative=relative)
    assert len(documents) == 1
    return documents[0]


def refuse(path: Path) -> str:
    with pytest.raises(InputError) as error:
        read_document(path)
    return str(error.value).removeprefix(str(path))


def test_markdown_with_front_matter_and_path(tmp_path: Path) -> None:
    path = tmp_path / "a-page.md"
    front = b'\xef\xbb\xbf---\r\nversion: 3.1\r\nname: "3.1"\r\ndate: 2024-09-18\r\n---\r\n\r\n'
    path.write_bytes(front + b"```\n# no\n```\n# Yes #\r\nbody")
    document = read_document(path, relative="guides/hub/a-page.md")
    assert document.title == "Yes"
    assert document.text == "```\n# no\n```\n# Yes #\nbody"
    assert document.metadata == {
        "file_type": "md",
        "folder": "guides/hub",
        "path_1": "guides",
        "path_2": "hub",
        "version": 3.1,
        "name": "3.1",
        "date": "2024-09-18",
    }


def test_titles(tmp_path: Path) -> None:
    texts = {
        "front.md": ("---\ntitle: Front\n---\n# Head\n", "Front"),
        "setext.md": ("Head\n====\nbody\n", "Head"),
        "the_file-name.md": ("body only\n", "the file name"),
        "note.txt": ("# a comment, not a heading\n", "note"),
        "page.html": ("<title>Page &amp; more</title><p>text</p>", "Page & more"),
        "headed.html": ("<title>Page</title><h1>Head <b>line</b></h1><p>text</p>", "Head line"),
        "rule.md": ("---\na rule above\n---\nbody", "rule"),
    }
    for name, (text, title) in texts.items():
        (tmp_path / name).write_text(text)
        assert read_document(tmp_path / name).title == title


def test_html_keeps_blocks_and_headings(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(
        "<!doctype html><html><head><style>p {}</style><title>T</title></head><body><script>evil()</script><!-- no -->"
        "<h2>Set \n up</h2><p>First&nbsp;line<br>second <b>bold</b>.</p><ul><li>one</li><li><p>two</p></li></ul>"
        "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table><pre>if x:\n    go</pre>"
    )
    assert read_document(path).text == (
        "## Set up\n\nFirst line\nsecond bold.\n\n- one\n- two\n\na | b\n1 | 2\n\nif x:\n    go"
    )


def test_html_nested_very_deeply(tmp_path: Path) -> None:
    path = tmp_path / "deep.html"
    path.write_text("<div>" * 3000 + "bottom" + "</div>" * 3000)
    assert read_document(path).text == "bottom"


def test_docx(tmp_path: Path) -> None:
    path = tmp_path / "manual.docx"
    path.write_bytes(make_docx())
    document = read_document(path)
    assert document.title == "Pump care"
    assert document.text == "Before.\n\n## Pump care\n\n- oil it\n\ncode | E7"


def test_pdf(tmp_path: Path) -> None:
    path = tmp_path / "paper.pdf"
    path.write_bytes(make_pdf("Hello pump", "", "Page three"))
    document = read_document(path)
    assert document.text == "Hello pump\n\nPage three"
    assert document.title == "paper"
    assert load_dataset(tmp_path).warnings == (
        "1 file: pages without text (scanned images?); run OCR to read them: paper.pdf (1 of 3 pages).",
    )


def test_bad_files(tmp_path: Path) -> None:
    contents = {
        "scan.pdf": make_pdf("", ""),
        "broken.pdf": b"not a pdf",
        "broken.docx": b"not a docx",
        "empty.txt": b"",
        "blank.md": b"  \n",
        "latin.txt": b"first\nUne cr\xe8me br\xfbl\xe9e, d\xe9j\xe0 vu \xe0 la fran\xe7aise",
        "image.png": b"x",
        "letter.RTF": b"x",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    assert refuse(tmp_path / "scan.pdf") == (
        ": the PDF has no text in its pages (scanned images?); run OCR first, for example with ocrmypdf"
    )
    assert refuse(tmp_path / "broken.pdf") == (": is not a readable PDF; open it in a PDF viewer and print it to a new PDF")
    assert refuse(tmp_path / "broken.docx") == (
        ": is not a readable Word file (BadZipFile); open it in Word and save it again as .docx, or save it as .txt"
    )
    assert refuse(tmp_path / "empty.txt") == ": the file is empty; fill it or delete it"
    assert refuse(tmp_path / "blank.md") == ": the file has no text; fill it or delete it"
    assert refuse(tmp_path / "latin.txt") == (
        ", line 2: not UTF-8 (it looks like WINDOWS-1252); convert it to UTF-8, for example with: "
        "iconv -f WINDOWS-1252 -t UTF-8 latin.txt > utf8-latin.txt (it would say: 'Une crème brûlée, déjà vu à la française')"
    )
    assert refuse(tmp_path / "image.png").startswith(": is not one of .txt .md .html .pdf .docx .pptx ")
    assert refuse(tmp_path / "letter.RTF").endswith("; save as .docx or PDF")


def test_bad_files_are_left_out_and_named(tmp_path: Path) -> None:
    for name in ("a.txt", "sub/b.txt", "c.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "d.txt").write_bytes(b"fine\nna\xefve")
    with pytest.raises(InputError) as error:
        load_dataset(tmp_path)
    assert str(error.value) == (
        f"{tmp_path / 'a.txt'}: the file is empty; fill it or delete it (3 more files cannot be read: c.md, d.txt, sub/b.txt)"
    )
    (tmp_path / "good.md").write_text("fine")
    dataset = load_dataset(tmp_path)
    assert dataset.documents["doc_id"].tolist() == ["good.md"]
    assert dataset.warnings[0] == "3 files of 5 left out: a.txt, c.md, sub/b.txt: the file is empty; fill it or delete it."
    assert dataset.warnings[1].startswith(
        "1 file of 5 left out: d.txt, line 2: not UTF-8 (it looks like WINDOWS-1252); convert"
    )


def test_front_matter_that_is_no_yaml_is_text(tmp_path: Path) -> None:
    for name, block in {"a": "title: a: b", "b": "n: !!int x", "c": "a: &a [x]\nb: *a", "d": "day: 2024-13-45"}.items():
        (tmp_path / f"{name}.md").write_text(f"---\n{block}\n---\nbody")
    (tmp_path / "e.md").write_text(f"---\nbig: {2**64}\n---\nbody")
    dataset = load_dataset(tmp_path)
    assert dataset.documents["text"].tolist()[0] == "---\ntitle: a: b\n---\nbody"
    assert dataset.documents["metadata"].tolist() == [{"file_type": "md"}] * 5
    assert len(dataset.warnings) == 1
    assert dataset.warnings[0].startswith(
        "5 files: the front matter is not valid YAML, so it is text and gives no metadata: "
        "a.md (line 2: mapping values are not allowed in this context), b.md (line 2: "
    )


def test_folder_of_documents_with_labels(tmp_path: Path) -> None:
    (tmp_path / "guides").mkdir()
    (tmp_path / "guides" / "one.md").write_text("---\nid: the-one\n---\n# One\nAnswer here.")
    (tmp_path / "two.txt").write_text("Other.")
    (tmp_path / "logo.png").write_bytes(b"x")
    (tmp_path / ".hidden.md").write_text("no")
    (tmp_path / "queries.jsonl").write_text(
        '{"_id": "q", "text": "where", "evidence": [{"doc_id": "the-one", "quote": "Answer here."}]}\n'
    )
    (tmp_path / "qrels.tsv").write_text("q 0 two.txt 1\n")
    dataset = load_dataset(tmp_path)
    assert dataset.documents["doc_id"].tolist() == ["the-one", "two.txt"]
    assert dataset.judgments["doc_id"].tolist() == ["two.txt", "the-one"]
    assert dataset.evidence[["start", "end"]].to_numpy().tolist() == [[6, 18]]
    assert dataset.warnings == (
        "1 file (images) was not read: logo.png; if they hold text that should be found, run OCR and give the text or PDF.",
    )


def test_an_id_that_is_taken_gives_way_to_the_path(tmp_path: Path) -> None:
    for name in ("a.md", "b.md"):
        (tmp_path / name).write_text("---\nid: same\n---\ntext")
    dataset = load_dataset(tmp_path)
    assert dataset.documents["doc_id"].tolist() == ["same", "b.md"]
    assert dataset.warnings == (
        "1 file: the id that the file gives itself is taken, so its path is its id: b.md (same, as in a.md).",
    )


def test_progress_is_told_in_bytes(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.txt").write_text("x" * 10)
    events: list[ProgressEvent] = []
    load_dataset(tmp_path, on_progress=events.append)
    assert (events[-1].label, events[-1].done, events[-1].total) == ("reading files: 3 of 3", 30, 30)


def test_links_to_folders_and_pipes_are_not_entered_in_silence(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("text")
    (tmp_path / "sub").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "sub", target_is_directory=True)
    os.mkfifo(tmp_path / "pipe.txt")
    assert load_dataset(tmp_path).warnings == (
        "Not entered, since links, pipes and locked folders are not read: link, pipe.txt.",
    )


def test_letters_that_were_not_taken_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Kind("half", (".half",), lambda data, path, reading: [Extracted("taken", held=10)])
    monkeypatch.setitem(kinds._BY_SUFFIX, ".half", reader)
    (tmp_path / "a.half").write_text("x")
    (tmp_path / "b.md").write_text("x")
    assert load_dataset(tmp_path).warnings == ("1 of 2 files: less than 90% of the letters were taken: a.half (50%).",)


def test_names_that_no_judgment_could_name(tmp_path: Path) -> None:
    for name in ("a\tb.txt", " c.txt", "d\n.md"):
        (tmp_path / name).write_text("Text.", encoding="utf-8")
    assert load_dataset(tmp_path).documents["doc_id"].tolist() == ["_c.txt", "a_b.txt", "d_.md"]


def test_files_that_are_not_read_say_what_to_do(tmp_path: Path) -> None:
    for name in ("a.rtf", "b.pages", "c.DOC", "d.key", "e.msg", "f.mobi", "g.djvu", "h.numbers", "i.jpeg", "j.unknown"):
        (tmp_path / name).write_bytes(b"\xff\xfe\x00x")
    (tmp_path / "z.txt").write_text("Text.")
    unread = {sentence.split(":")[0]: sentence for sentence in load_dataset(tmp_path).warnings}
    assert unread["1 file of other types was not read"] == "1 file of other types was not read: j.unknown."
    words = unread["3 files (texts of word processors) were not read"]
    assert words == "3 files (texts of word processors) were not read: a.rtf, b.pages, c.DOC; save as .docx or PDF."
    assert len(unread) == 8
    assert all("; " in sentence for sentence in unread.values() if "other types" not in sentence)
    (tmp_path / "z.txt").unlink()
    assert "a.rtf, b.pages, c.DOC; save as .docx or PDF." in inspect_upload(tmp_path).message
    with pytest.raises(InputError, match=r"found only a.rtf, .*; save as .docx or PDF; save as .pptx or PDF; "):
        load_dataset(tmp_path)


def test_notebooks(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Head\n", "Text."]},
        {"cell_type": "code", "source": "x = 1\n", "outputs": [{"text": "given out"}]},
        {"cell_type": "raw", "source": []},
    ]
    book = {"cells": cells, "metadata": {"kernelspec": {"language": "python"}}, "nbformat": 4}
    (tmp_path / "a.ipynb").write_text(json.dumps(book))
    (tmp_path / "old.ipynb").write_text(
        json.dumps({"worksheets": [{"cells": [{"cell_type": "code", "input": ["y = 2"], "outputs": []}]}], "nbformat": 3})
    )
    (tmp_path / "none.ipynb").write_text("[]")
    dataset = load_dataset(tmp_path)
    assert dataset.documents[["title", "text"]].to_numpy().tolist() == [
        ["Head", "# Head\nText.\n\n```python\nx = 1\n```"],
        ["old", "```\ny = 2\n```"],
    ]
    assert list(dataset.warnings) == [
        "1 file of 3 left out: none.ipynb: is not a readable notebook: it has no cells; open it in Jupyter and save it again.",
        "1 file: outputs of notebook cells are not read; export it as .html to have them: a.ipynb (1).",
    ]
