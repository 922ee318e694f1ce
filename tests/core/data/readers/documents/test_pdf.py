"""PDF files: columns, words that a line end broke, and pages that are read across."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from core.data.readers.documents.pdf import join_words, read_pdf
from core.data.readers.documents.reading import Reading
from core.errors import InputError
from tests.support.files import Line, make_pdf

LEFT = ["The pump is driven by a", "motor of forty volts that", "must be earthed before it", "is used for the first time."]
RIGHT = ["A filter stands before it", "and is to be cleaned every", "week with warm water and", "a soft brush from the set."]
THIRD = ["Spare parts are sent from", "the works in Graz within", "three days after an order", "has come in by telephone."]


def read(*pages: str | list[Line]) -> str:
    return read_pdf(make_pdf(*pages), Path("x.pdf"), Reading())[0].text


def draw(*columns: list[str], left: float = 60, step: float = 180, top: float = 700) -> list[Line]:
    """Columns line by line, as some programs draw them."""
    return [
        (left + step * place, top - 14 * row, column[row])
        for row in range(max(map(len, columns)))
        for place, column in enumerate(columns)
        if row < len(column)
    ]


def test_columns_are_read_one_after_the_other() -> None:
    heading: list[Line] = [(60, 730, "A heading over both columns of the page, from edge to edge of it all")]
    assert read(heading + draw(LEFT, RIGHT)) == "\n".join([heading[0][2], *LEFT, *RIGHT])
    assert read(draw(LEFT, RIGHT, THIRD)) == "\n".join([*LEFT, *RIGHT, *THIRD])
    assert read(draw(LEFT, RIGHT[:3])) == "\n".join([*LEFT, *RIGHT[:3]])


def test_a_line_across_ends_the_columns_above_it() -> None:
    across: list[Line] = [(60, 600, "This sentence goes from one edge of the page to the other, over both columns.")]
    page = draw(LEFT, RIGHT) + across + draw(RIGHT, THIRD, top=560)
    assert read(page) == "\n".join([*LEFT, *RIGHT, across[0][2], *RIGHT, *THIRD])


def test_tables_are_read_across() -> None:
    rows = [("Power", "400 W"), ("Weight", "12 kg without water"), ("Oil", "SAE 30, every year"), ("Noise level", "60 dB")]
    page: list[Line] = [
        (60 + 180 * place, 700 - 14 * row, cell) for row, line in enumerate(rows) for place, cell in enumerate(line)
    ]
    assert read(page).split("\n") == [" ".join(row) for row in rows]


def test_words_broken_at_a_line_end() -> None:
    cases = {
        "the ex-\nchange": "the exchange",
        "a well-\nknown one, well-known here": "a well-known one, well-known here",
        "COVID-\n19 and Jean-\nPaul": "COVID-19 and Jean-Paul",
        "pre- and post-\nand so on": "pre- and post- and so on",
        "Haupt-\nund Nebensatz": "Haupt- und Nebensatz",
        "soft\u00ad\nened, wor\ufffe\r\nking, end\u0002": "softened, working, end-",
        "a list:\n- one\n- two": "a list:\n- one\n- two",
        "a dash -\nhere": "a dash -\nhere",
    }
    assert {text: join_words(text) for text in cases} == cases
    assert join_words("x" * 500_000 + "-\nyz")[-3:] == "xyz"


def test_protected_files_say_what_to_do() -> None:
    rule = "<< /Filter /Standard /V 1 /R 2 /O <" + "41" * 32 + "> /U <" + "42" * 32 + "> /P -4 >>"
    locked = make_pdf("secret", extra=f"/Encrypt {rule} /ID [<41> <41>]")
    with pytest.raises(InputError, match=r"x.pdf: the PDF is protected by a password; save a copy without protection"):
        read_pdf(locked, Path("x.pdf"), Reading())


def test_what_was_filled_in_and_typed_onto_a_page_is_text() -> None:
    data = make_pdf(
        "Application",
        "",
        annotations=[
            "/Subtype /Widget /FT /Tx /T (Name) /V (Ada Lovelace)",
            "/Subtype /Widget /FT /Ch /T (Country) /Opt [(Austria) (Peru)] /V (Peru)",
            "/Subtype /Widget /FT /Btn /T (Member) /AS /Yes /V /Yes /AP << /N << /Yes << >> /Off << >> >> >>",
            "/Subtype /Widget /FT /Btn /T (Newsletter) /AS /Off /V /Off /AP << /N << /Yes << >> /Off << >> >> >>",
            "/Subtype /FreeText /Contents (Typed onto the page) /DA (/F1 10 Tf)",
            "/Subtype /Text /Contents (A comment)",
            "/Subtype /Link /Contents (a link)",
        ],
    )
    document = read_pdf(data, Path("x.pdf"), Reading())[0]
    filled = "Name: Ada Lovelace\nCountry: Peru\nMember: Yes\nTyped onto the page"
    assert document.text == f"Application\n{filled}\n\n{filled}"
    assert [(note.what, note.detail) for note in document.notes] == [("comments in the margin are not read", "2")]


def test_attached_files_are_named() -> None:
    import pypdfium2

    document = pypdfium2.PdfDocument(make_pdf("A portfolio."))
    document.new_attachment("manual.docx").set_data(b"PK")
    out = io.BytesIO()
    document.save(out)
    document.close()
    notes = read_pdf(out.getvalue(), Path("x.pdf"), Reading())[0].notes
    assert [(note.what, note.detail) for note in notes] == [("files attached to the PDF are not read", "manual.docx")]
