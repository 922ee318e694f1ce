"""Word files: text wherever it may stand, and files that would stall a reader."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from core.data.readers.documents.kind import Extracted, count_letters
from core.data.readers.documents.reading import Reading
from core.data.readers.documents.word import read_word
from core.errors import InputError
from tests.support.files import make_word, make_zip, paragraph, relate

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def read(body: str, **parts: str) -> Extracted:
    return read_word(make_word(body, **parts), Path("x.docx"), Reading())[0]


def test_content_controls_and_tracked_changes() -> None:
    control = f"<w:sdt><w:sdtContent>{paragraph('in a control')}</w:sdtContent></w:sdt>"
    inline = "<w:p><w:sdt><w:sdtContent><w:r><w:t>inline</w:t></w:r></w:sdtContent></w:sdt></w:p>"
    tracked = (
        '<w:p><w:r><w:t xml:space="preserve">The pump </w:t></w:r><w:ins><w:r><w:t>runs</w:t></w:r></w:ins>'
        "<w:del><w:r><w:delText>stands</w:delText></w:r></w:del><w:moveFrom><w:r><w:t>moved</w:t></w:r></w:moveFrom></w:p>"
    )
    extracted = read(control + inline + tracked)
    assert extracted.text == "in a control\n\ninline\n\nThe pump runs"
    assert extracted.held == count_letters(extracted.text)


def test_text_boxes_and_notes_stand_behind_their_paragraph() -> None:
    box = f"<w:txbxContent>{paragraph('in the box')}</w:txbxContent>"
    drawn = (
        f"<mc:AlternateContent><mc:Choice><wps:txbx>{box}</wps:txbx></mc:Choice>"
        f"<mc:Fallback><v:textbox>{box}</v:textbox></mc:Fallback></mc:AlternateContent>"
    )
    body = f'<w:p><w:r>{drawn}<w:t>anchor</w:t></w:r><w:r><w:footnoteReference w:id="2"/></w:r></w:p>' + paragraph("next")
    notes = f'<w:footnote w:id="0" w:type="separator"/><w:footnote w:id="2">{paragraph("a note")}</w:footnote>'
    extracted = read(body, footnotes=notes)
    assert extracted.text == "anchor\n\nin the box\n\na note\n\nnext"
    assert extracted.held == count_letters(extracted.text)


def test_headers_stand_at_the_end_and_comments_are_named() -> None:
    comment = f"<w:comment>{paragraph('is this so?')}</w:comment>"
    extracted = read(paragraph("body"), header=paragraph("Company"), footer=paragraph("Company"), comments=comment)
    assert extracted.text == "body\n\nCompany"
    assert [(note.what, note.detail) for note in extracted.notes] == [("comments in the margin are not read", "1")]


def test_headings_and_lists() -> None:
    styles = (
        '<w:style w:styleId="b1"><w:name w:val="heading 2"/></w:style>'
        '<w:style w:styleId="own"><w:name w:val="Mine"/><w:basedOn w:val="b1"/></w:style>'
    )
    body = paragraph("Own", '<w:pStyle w:val="own"/>') + paragraph("step", '<w:numPr><w:numId w:val="3"/></w:numPr>')
    assert read(body + paragraph("Out", '<w:outlineLvl w:val="2"/>'), styles=styles).text == "## Own\n\n- step\n\n### Out"


def test_formulas_symbols_and_readings_keep_their_meaning() -> None:
    half = "<m:oMath><m:f><m:num><m:r><m:t>1</m:t></m:r></m:num><m:den><m:r><m:t>2</m:t></m:r></m:den></m:f></m:oMath>"
    power = "<m:sSup><m:e><m:r><m:t>x</m:t></m:r></m:e><m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup>"
    symbols = '<w:r><w:sym w:font="Symbol" w:char="F06D"/><w:t>m</w:t><w:sym w:font="Wingdings" w:char="F0FC"/></w:r>'
    ruby = (
        "<w:r><w:ruby><w:rt><w:r><w:t>とうきょう</w:t></w:r></w:rt>"
        "<w:rubyBase><w:r><w:t>東京</w:t></w:r></w:rubyBase></w:ruby></w:r>"
    )
    extracted = read("".join(f"<w:p>{part}</w:p>" for part in (half, power, symbols, ruby)))
    assert extracted.text == "1/2\n\nx^2\n\nμm\n\n東京(とうきょう)"
    assert [(note.what, note.detail) for note in extracted.notes] == [("signs of fonts that hold pictures are not read", "1")]


def test_diagrams_and_charts_are_read_and_embedded_files_named() -> None:
    a = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
    d = 'xmlns:d="http://schemas.openxmlformats.org/drawingml/2006/diagram"'
    c = 'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"'
    r = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
    points = "".join(f'<c:pt idx="{at}"><c:v>{value}</c:v></c:pt>' for at, value in enumerate(("1.5", "2")))
    years = "".join(f'<c:pt idx="{at}"><c:v>{value}</c:v></c:pt>' for at, value in enumerate(("2023", "2024")))
    parts = {
        "_rels/.rels": relate(a=("officeDocument", "word/document.xml")),
        "word/_rels/document.xml.rels": relate(
            r1=("diagramData", "data.xml"), r2=("chart", "chart.xml"), r3=("package", "embeddings/costs.xlsx")
        ),
        "word/document.xml": f'<w:document xmlns:w="{W}" {d} {c} {r}><w:body><w:p><w:r><w:drawing><d:relIds r:dm="r1"/>'
        '<c:chart r:id="r2"/></w:drawing><w:t>anchor</w:t></w:r></w:p></w:body></w:document>',
        "word/data.xml": f"<d:dataModel {d} {a}><a:p><a:r><a:t>Fill</a:t></a:r></a:p><a:p><a:r><a:t>Drain</a:t></a:r></a:p>"
        "</d:dataModel>",
        "word/chart.xml": f"<c:chartSpace {c}><c:ser><c:tx><c:v>Sales</c:v></c:tx><c:cat>{years}</c:cat><c:val>{points}</c:val>"
        "</c:ser></c:chartSpace>",
        "word/embeddings/costs.xlsx": "",
    }
    extracted = read_word(make_zip(parts), Path("x.docx"), Reading())[0]
    assert extracted.text == "anchor\n\nFill\nDrain\n\nSales: 2023 1.5, 2024 2"
    assert extracted.held == count_letters(extracted.text)
    assert [(note.what, note.detail) for note in extracted.notes] == [("files embedded in it are not read", "costs.xlsx")]


def cell(content: str, properties: str = "") -> str:
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{content}</w:tc>"


def test_nested_tables_and_rows_in_controls() -> None:
    inner = f"<w:tbl><w:tr>{cell(paragraph('x'))}{cell(paragraph('y'))}</w:tr></w:tbl>"
    row = f"<w:tr>{cell(paragraph('a'))}{cell(inner)}</w:tr>"
    controlled = f"<w:sdt><w:sdtContent><w:tr>{cell(paragraph('b'))}{cell(paragraph('c'))}</w:tr></w:sdtContent></w:sdt>"
    boxed = f"<w:tbl><w:tr>{cell(paragraph('one') + paragraph('two'))}</w:tr></w:tbl>"
    assert read(f"<w:tbl>{row}{controlled}</w:tbl>{boxed}").text == "a | x | y\nb | c\n\none\n\ntwo"


def test_a_cell_over_fifty_million_columns_is_one_cell() -> None:
    wide = cell(paragraph("wide"), '<w:gridSpan w:val="50000000"/>')
    start = time.process_time()
    assert read(f"<w:tbl><w:tr>{wide}{cell(paragraph('b'))}</w:tr></w:tbl>").text == "wide | b"
    assert time.process_time() - start < 1


def test_a_long_file_takes_no_time() -> None:
    start = time.process_time()
    assert read(paragraph("A paragraph of a long file.") * 20_000).text.count("long") == 20_000
    assert time.process_time() - start < 5  # a quarter of a millisecond a paragraph


def test_strict_files_are_read() -> None:
    strict = "http://purl.oclc.org/ooxml"
    relation = f'<Relationship Id="a" Type="{strict}/officeDocument/relationships/officeDocument" Target="word/main.xml"/>'
    parts = {
        "_rels/.rels": f"<Relationships>{relation}</Relationships>",
        "word/main.xml": f'<w:document xmlns:w="{strict}/wordprocessingml/main"><w:body>{paragraph("strict")}</w:body>'
        "</w:document>",
    }
    assert read_word(make_zip(parts), Path("x.docx"), Reading())[0].text == "strict"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            make_zip({"word/document.xml": b" " * 25_000_000}),
            "unpacks to more than 300 MB, or 60 times its size; open it in Word",
        ),
        (make_zip({"word/document.xml": "<a"}), r"is not a readable Word file \(XMLSyntaxError\)"),
        (make_zip({"x": "y"}), r"is not a readable Word file \(KeyError\)"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500) + "EncryptedPackage".encode("utf-16-le"),
            "is protected by a password; save a copy without protection",
        ),
    ],
)
def test_files_that_cannot_be_read(content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_word(content, Path("x.docx"), Reading())


@pytest.mark.parametrize("entity", ['"' + "&a;" * 20 + '"', 'SYSTEM "file:///etc/passwd"'])
def test_entities_are_not_resolved(entity: str) -> None:
    head = f'<!DOCTYPE w [<!ENTITY a "aaaaaaaaaa"><!ENTITY b {entity}>]>'
    body = f'<w:document xmlns:w="{W}"><w:body>'
    body += f"{paragraph('before &b; after')}</w:body></w:document>"
    assert read_word(make_zip({"word/document.xml": head + body}), Path("x.docx"), Reading())[0].text == "before"


def test_entities_do_not_grow() -> None:
    lines = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 9))
    bomb = f'<!DOCTYPE w [<!ENTITY a0 "aaaaaaaaaa">{lines}]><w>&a8;</w>'
    with pytest.raises(InputError, match=r"is not a readable Word file \(XMLSyntaxError\)"):
        read_word(make_zip({"word/document.xml": bomb}), Path("x.docx"), Reading())
