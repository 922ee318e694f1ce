"""Documents read from .txt, .md, .html, .pdf and .docx files."""

from __future__ import annotations

import io
from pathlib import Path

import docx
import pytest

from core.data.load import load_dataset
from core.data.readers.documents import read_document
from core.errors import InputError


def make_pdf(*pages: str) -> bytes:
    """A minimal PDF with one line of text per page; an empty string gives a page without text."""
    count = len(pages)
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(count))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {count} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, text in enumerate(pages):
        stream = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET" if text else "0 0 m 10 10 l S"
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {5 + 2 * number} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>",
            f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
        ]
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode()
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    trailer = f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(out)}\n%%EOF\n"
    return out + f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}".encode() + trailer.encode()


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
    assert document.notes == ("paper.pdf: 1 of 3 pages have no text; run OCR to read them.",)


def test_bad_files(tmp_path: Path) -> None:
    contents = {
        "scan.pdf": make_pdf("", ""),
        "broken.pdf": b"not a pdf",
        "broken.docx": b"not a docx",
        "empty.txt": b"",
        "blank.md": b"  \n",
        "latin.txt": b"first\nUne cr\xe8me br\xfbl\xe9e, d\xe9j\xe0 vu \xe0 la fran\xe7aise",
        "yaml.md": b"---\ntitle: a: b\n---\nbody",
        "image.png": b"x",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    assert refuse(tmp_path / "scan.pdf") == (
        ": the PDF has no text in its 2 pages (scanned images?); run OCR first, for example: ocrmypdf scan.pdf ocr-scan.pdf"
    )
    assert refuse(tmp_path / "broken.pdf") == (
        ": is not a readable PDF (PdfStreamError); open it in a PDF viewer and print it to a new PDF"
    )
    assert refuse(tmp_path / "broken.docx") == (
        ": is not a readable Word file (BadZipFile); open it in Word and save it again as .docx, or save it as .txt"
    )
    assert refuse(tmp_path / "empty.txt") == ": the file is empty; fill it or delete it"
    assert refuse(tmp_path / "blank.md") == ": the file has no text; fill it or delete it"
    assert refuse(tmp_path / "latin.txt") == (
        ", line 2: not UTF-8 (it looks like WINDOWS-1252); convert it to UTF-8, for example with: "
        "iconv -f WINDOWS-1252 -t UTF-8 latin.txt > utf8-latin.txt"
    )
    assert refuse(tmp_path / "yaml.md") == (
        ", line 2: the front matter is not valid YAML (mapping values are not allowed in this context); "
        "put the value in quotes or correct it"
    )
    assert refuse(tmp_path / "image.png") == (
        ": is not one of .docx, .htm, .html, .markdown, .md, .pdf, .txt; convert it to one of them"
    )


def test_a_folder_names_all_its_bad_files_in_one_error(tmp_path: Path) -> None:
    for name in ("a.txt", "sub/b.txt", "c.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "good.md").write_text("fine")
    with pytest.raises(InputError) as error:
        load_dataset(tmp_path)
    assert str(error.value) == (
        f"{tmp_path / 'a.txt'}: the file is empty; fill it or delete it (2 more files cannot be read: c.md, sub/b.txt)"
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
    assert dataset.warnings == ("1 file of other types was not read: logo.png.",)


def test_document_ids_must_be_unique(tmp_path: Path) -> None:
    for name in ("a.md", "b.md"):
        (tmp_path / name).write_text("---\nid: same\n---\ntext")
    with pytest.raises(InputError) as error:
        load_dataset(tmp_path)
    assert str(error.value) == (
        f'{tmp_path / "b.md"}: the document id "same" is already used by a.md; ids must be unique: change one'
    )
