"""Text out of HTML, Word and PDF files: blocks on lines of their own, headings as "# " lines.

The results are what evidence offsets count in, so the rules here are fixed: the same file gives the same text.
"""

from __future__ import annotations

import io
import logging
import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InputError
from core.text.phrases import count_of

if TYPE_CHECKING:
    from bs4 import Tag
    from docx.table import Table
    from docx.text.paragraph import Paragraph

_DROPPED = ["script", "style", "noscript", "template", "svg", "head", "iframe", "object"]
_BLOCKS = [
    "p",
    "div",
    "section",
    "article",
    "header",
    "footer",
    "main",
    "nav",
    "aside",
    "ul",
    "ol",
    "dl",
    "table",
    "blockquote",
    "pre",
    "figure",
    "figcaption",
    "form",
    "fieldset",
    "address",
    "details",
    "summary",
    "hr",
]
_HEADINGS = ["h1", "h2", "h3", "h4", "h5", "h6"]
_SPACE, _BREAK, _ITEM = "\ue000", "\ue001", "\ue002"  # white space of <pre> and list items until the rest is tidied
_MAX_DOCX = 300_000_000  # bytes a Word file may unpack to


@dataclass(frozen=True)
class Extracted:
    """text, the title that the file gives itself ("" if none), and notes: sentences about what could not be read."""

    text: str
    title: str = ""
    notes: tuple[str, ...] = ()


def extract_html(source: str) -> Extracted:
    """The readable text of an HTML page; scripts and styles are left out. title is its <title>."""
    from bs4 import BeautifulSoup, Comment

    soup = BeautifulSoup(source, "html.parser")
    title = " ".join(soup.title.get_text().split()) if soup.title else ""
    for dropped in soup.find_all(_DROPPED):
        if not dropped.decomposed:
            dropped.decompose()
    preformatted = {id(text) for pre in soup.find_all("pre") for text in pre.find_all(string=True)}
    for text in list(soup.find_all(string=True)):
        if isinstance(text, Comment) or type(text).__name__ in ("Doctype", "Declaration", "ProcessingInstruction"):
            text.extract()
        elif id(text) in preformatted:
            text.replace_with(str(text).replace(" ", _SPACE).replace("\n", _BREAK))
        else:
            text.replace_with(re.sub(r"\s+", " ", str(text)))
    _mark_blocks(soup)
    return Extracted(text=_tidy(soup.get_text()), title=title)


def _mark_blocks(soup: Tag) -> None:
    for tag in soup.find_all("br"):
        tag.replace_with("\n")
    for tag in soup.find_all(_BLOCKS):
        tag.insert_before("\n")
        tag.insert_after("\n")
    for tag in soup.find_all(["p", "pre", "table", "ul", "ol", "blockquote"]):
        tag.insert_before("\n\n")
        tag.insert_after("\n\n")
    for tag in soup.find_all("li"):
        tag.insert_before(f"\n{_ITEM}")
    for tag in soup.find_all(["tr", "dt", "dd"]):
        tag.insert_after("\n")
    for tag in soup.find_all(["td", "th"]):
        if tag.find_previous_sibling(["td", "th"]):
            tag.insert_before(" | ")
    for tag in soup.find_all(_HEADINGS):
        words = " ".join(tag.get_text().split())
        tag.replace_with(f"\n\n{'#' * int(tag.name[1])} {words}\n\n" if words else "\n\n")


def _tidy(text: str) -> str:
    text = re.sub(r"[ \t\r\f\v]+", " ", text.replace("\xa0", " "))
    text = re.sub(r" ?\n ?", "\n", text)
    text = re.sub(rf"{_ITEM}\s*", "- ", text)  # also an item whose first child is a block
    text = re.sub(r"(?m)(^- .*)\n\n+(?=- )", r"\1\n", text)
    text = re.sub(r"\n{3,}", "\n\n", text).strip()
    return text.replace(_SPACE, " ").replace(_BREAK, "\n")


def extract_docx(data: bytes, path: Path) -> Extracted:
    """Paragraphs, headings, lists and tables of a Word file. title is its core property.

    Raises InputError if it cannot be read.
    """
    import docx
    from docx.opc.exceptions import OpcError
    from docx.text.paragraph import Paragraph
    from lxml.etree import LxmlError

    cure = "open it in Word and save it again as .docx, or save it as .txt"
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(member.file_size for member in archive.infolist()) > _MAX_DOCX:
                raise InputError(f"unpacks to more than {_MAX_DOCX // 1_000_000} MB; {cure}", file=path)
        document = docx.Document(io.BytesIO(data))
        blocks = [
            _read_paragraph(block) if isinstance(block, Paragraph) else _read_table(block)
            for block in document.iter_inner_content()
        ]
        title = document.core_properties.title or ""
    except (
        zipfile.BadZipFile,
        zlib.error,
        OpcError,
        LxmlError,
        LookupError,
        ValueError,
        AttributeError,
        RuntimeError,
        EOFError,
        OSError,
    ) as error:
        raise InputError(f"is not a readable Word file ({type(error).__name__}); {cure}", file=path) from error
    text = "\n\n".join(block for block in blocks if block.strip())
    return Extracted(text=text, title=title.strip())


def _read_paragraph(paragraph: Paragraph) -> str:
    text = paragraph.text.strip()
    style = paragraph.style.name if paragraph.style is not None and paragraph.style.name else ""
    heading = re.fullmatch(r"Heading (\d)", style)
    if text and (heading or style == "Title"):
        level = min(int(heading.group(1)), 6) if heading else 1
        return f"{'#' * level} {' '.join(text.split())}"
    return f"- {text}" if text and style.startswith("List ") else text


def _read_table(table: Table) -> str:
    rows = []
    for row in table.rows:
        cells: list[str] = []
        previous = None
        for cell in row.cells:
            if cell._tc is not previous:  # a merged cell is listed once per column it spans
                cells.append(" ".join(cell.text.split()))
            previous = cell._tc
        rows.append(" | ".join(cells))
    return "\n".join(rows)


def extract_pdf(data: bytes, path: Path) -> Extracted:
    """The text layer of a PDF, pages separated by an empty line. title is its document information.

    Raises InputError for damaged and password-protected files and for files without any text. Pages without text in
    a file that has some are told in notes.
    """
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, FileNotDecryptedError

    # pypdf logs what it mends in a file; without a handler Python would print that. What matters is raised below.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise FileNotDecryptedError("a password is needed")
        pages = [page.extract_text().strip() for page in reader.pages]
        title = (reader.metadata.title if reader.metadata else None) or ""
    except (FileNotDecryptedError, DependencyError) as error:
        raise InputError("the PDF is protected by a password; save a copy without protection", file=path) from error
    except Exception as error:  # pypdf lets errors of any type through on damaged files; none may reach the user raw
        raise InputError(
            f"is not a readable PDF ({type(error).__name__}); open it in a PDF viewer and print it to a new PDF",
            file=path,
        ) from error
    empty = sum(not page for page in pages)
    if empty == len(pages):
        raise InputError(
            f"the PDF has no text in its {count_of(len(pages), 'page')} (scanned images?); "
            f"run OCR first, for example: ocrmypdf {path.name} ocr-{path.name}",
            file=path,
        )
    notes = (f"{path.name}: {empty} of {count_of(len(pages), 'page')} have no text; run OCR to read them.",)
    text = "\n\n".join(page for page in pages if page)
    return Extracted(text=text, title=str(title).strip(), notes=notes if empty else ())
