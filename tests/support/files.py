"""Small files of many kinds, made by hand, for tests of the readers."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence

Line = tuple[float, float, str]  # left edge and baseline in points, text
_WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:wps="urn:wps" xmlns:v="urn:v" '
_WORD += 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
_WORD += 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def make_pdf(*pages: str | Sequence[Line], extra: str = "", annotations: Sequence[str] = ()) -> bytes:
    """A minimal PDF; a page is one line of text, or lines with their places; "" gives a page without text.

    extra: more entries of its trailer. annotations: entries of those of every page, which are the fields of its form too.
    """
    first = 4 + 2 * len(pages)
    listed = " ".join(f"{first + number} 0 R" for number in range(len(annotations)))
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R {f'/AcroForm << /Fields [{listed}] >>' if listed else ''} >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for number, page in enumerate(pages):
        lines = [(72.0, 720.0, page)] if isinstance(page, str) else page
        shown = "\n".join(f"1 0 0 1 {x:g} {y:g} Tm ({text}) Tj" for x, y, text in lines)
        stream = f"BT /F1 10 Tf\n{shown}\nET" if page else "0 0 m 10 10 l S"
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {5 + 2 * number} 0 R "
            f"/Resources << /Font << /F1 3 0 R >> >> /Annots [{listed}] >>",
            f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
        ]
    objects += [f"<< /Type /Annot /Rect [100 100 300 120] {entries} >>" for entries in annotations]
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode()
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    trailer = f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R {extra} >>\nstartxref\n{len(out)}\n%%EOF\n"
    return out + f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}".encode() + trailer.encode()


def make_zip(parts: Mapping[str, str | bytes]) -> bytes:
    """A zip of these parts, compressed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def relate(**targets: tuple[str, str]) -> str:
    """A .rels part: id -> (kind, target)."""
    inside = "".join(
        f'<Relationship Id="{name}" Type="{_RELATIONS}/{kind}" Target="{to}"/>' for name, (kind, to) in targets.items()
    )
    return f'<Relationships xmlns="{_PACKAGE}">{inside}</Relationships>'


def make_word(body: str, **parts: str) -> bytes:
    """A Word file with this body. parts: content of footnotes, endnotes, styles, comments, header, footer."""
    return make_zip(
        {
            "_rels/.rels": relate(a=("officeDocument", "word/document.xml")),
            "word/document.xml": f"<w:document {_WORD}><w:body>{body}</w:body></w:document>",
            "word/_rels/document.xml.rels": relate(**{name: (name, f"{name}.xml") for name in parts}),
            **{f"word/{name}.xml": f"<w:{name} {_WORD}>{content}</w:{name}>" for name, content in parts.items()},
        }
    )


def paragraph(text: str, properties: str = "") -> str:
    """A paragraph of a Word file."""
    return f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


def make_slides(*slides: str, notes: Mapping[int, str] | None = None) -> bytes:
    """A PowerPoint file. slides: the content of each one's shape tree; notes: number of a slide -> a shape tree."""
    ns = 'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" '
    ns += f'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:r="{_RELATIONS}"'
    order = "".join(f'<p:sldId id="{256 + number}" r:id="s{number}"/>' for number in range(len(slides)))
    parts = {
        "_rels/.rels": relate(a=("officeDocument", "/ppt/presentation.xml")),
        "ppt/presentation.xml": f"<p:presentation {ns}><p:sldIdLst>{order}</p:sldIdLst></p:presentation>",
        "ppt/_rels/presentation.xml.rels": relate(
            **{f"s{number}": ("slide", f"slides/slide{number}.xml") for number in range(len(slides))}
        ),
    }
    for number, shapes in enumerate(slides):
        parts[f"ppt/slides/slide{number}.xml"] = f"<p:sld {ns}><p:cSld><p:spTree>{shapes}</p:spTree></p:cSld></p:sld>"
    for number, shapes in (notes or {}).items():
        parts[f"ppt/slides/_rels/slide{number}.xml.rels"] = relate(n=("notesSlide", f"../notesSlides/n{number}.xml"))
        parts[f"ppt/notesSlides/n{number}.xml"] = f"<p:notes {ns}><p:cSld><p:spTree>{shapes}</p:spTree></p:cSld></p:notes>"
    return make_zip(parts)


def shape(text: str, kind: str = "") -> str:
    """A shape of a slide; kind: of its placeholder ("title", "sldNum")."""
    placeholder = f'<p:nvSpPr><p:nvPr><p:ph type="{kind}"/></p:nvPr></p:nvSpPr>' if kind else ""
    return f"<p:sp>{placeholder}<p:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp>"


def make_sheets(**sheets: Sequence[Sequence[str | float]]) -> bytes:
    """An Excel file: name of the sheet -> rows."""
    ns = f'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="{_RELATIONS}"'
    listed = "".join(f'<sheet name="{name}" sheetId="{place}" r:id="r{place}"/>' for place, name in enumerate(sheets, start=1))
    parts = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
        "_rels/.rels": relate(a=("officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": f"<workbook {ns}><sheets>{listed}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": relate(
            **{f"r{place}": ("worksheet", f"worksheets/sheet{place}.xml") for place in range(1, len(sheets) + 1)}
        ),
    }
    for place, rows in enumerate(sheets.values(), start=1):
        lines = "".join(
            f'<row r="{row}">'
            + "".join(_cell(value, f"{chr(64 + column)}{row}") for column, value in enumerate(cells, start=1))
            + "</row>"
            for row, cells in enumerate(rows, start=1)
        )
        parts[f"xl/worksheets/sheet{place}.xml"] = f"<worksheet {ns}><sheetData>{lines}</sheetData></worksheet>"
    return make_zip(parts)


def _cell(value: str | float, place: str) -> str:
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t>{value}</t></is></c>'
    return f'<c r="{place}"><v>{value}</v></c>'


def make_epub(chapters: Mapping[str, str], *, spine: Sequence[str], **extra: str) -> bytes:
    """An e-book titled "The book". chapters: file -> HTML; spine: the files in their order; extra: more parts of META-INF."""
    items = "".join(
        f'<item id="{name}" href="{name}" media-type="application/xhtml+xml"/>' for name in {**chapters, **dict.fromkeys(spine)}
    )
    order = "".join(f'<itemref idref="{name}"/>' for name in spine)
    return make_zip(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="in/book.opf"/></rootfiles></container>',
            "in/book.opf": '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata>'
            f"<dc:title>The book</dc:title><dc:creator>A. Writer</dc:creator></metadata><manifest>{items}</manifest>"
            f"<spine>{order}</spine></package>",
            **{f"in/{name}": content for name, content in chapters.items()},
            **{f"META-INF/{name}.xml": content for name, content in extra.items()},
        }
    )


def make_open_document(body: str, *, kind: str = "text", **parts: str) -> bytes:
    """An OpenDocument file. body: content of the element of its kind; parts: content of styles, meta, manifest."""
    names = ("office", "text", "table", "draw", "style", "presentation", "manifest")
    ns = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{"drawing" if name == "draw" else name}:1.0"' for name in names
    )
    return make_zip(
        {
            "content.xml": f"<office:document-content {ns}><office:body><office:{kind}>{body}</office:{kind}></office:body>"
            "</office:document-content>",
            **{
                ("META-INF/" if name == "manifest" else "") + f"{name}.xml": f"<office:{name} {ns}>{content}</office:{name}>"
                for name, content in parts.items()
            },
        }
    )
