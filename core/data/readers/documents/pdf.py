"""PDF files: the text layer, pages separated by an empty line, columns one after the other, words whole.

PDFium gives the text in the order in which it was drawn. Where two columns were drawn line by line, every line of the text is
half of one column and half of the other; such a page is put together anew from the places of its pieces (`order_pieces`).

What was filled into a form and what was typed onto a page is no part of that text: it follows its page, a line each. Comments
in the margin are left out, as those of Word files are.
"""

from __future__ import annotations

import ctypes
import itertools
import re
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from core.data.readers.documents.kind import Extracted, Note, count_letters
from core.data.readers.documents.reading import Reading
from core.errors import InputError
from core.text.phrases import count_of, first_five

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage

_LOCK = threading.Lock()  # PDFium is not made for two threads, in whatever documents they are
_PASSWORD = 4  # FPDF_ERR_PASSWORD
_BROKEN = re.compile(r"(?<=\w)(?:[\u0002\ufffe]\s*|[-\u2010\u00ad]\n[ \t]*)(?=\w)")
_WORD_BEFORE, _WORD_AFTER = re.compile(r"\w+\Z"), re.compile(r"\w+")
_LONGEST_WORD = 60
_LONGEST_VALUE = 2_000_000  # bytes of one field
_MARKS = str.maketrans({"\u0002": "-", "\ufffe": "-", "\x00": None})
_JOINING = {"and", "or", "und", "oder", "bzw", "sowie", "et", "ou", "y", "o", "e", "en", "of", "i", "och", "og"}
_MIN_LINES = 3  # of two columns side by side: two alike lines may be chance
_MIN_FILL = 0.55  # the usual line of a column by its width; cells of a table differ more
_MIN_LETTERS = 8  # of the usual line of a column
_CHOICES, _TYPED, _CHECKED = {4, 5}, 6, {2, 3}  # FPDF_FORMFIELD_ of fields: of lists, of text, boxes and radio buttons
_FORM_OF_ITS_OWN = {2, 3}  # FORMTYPE_XFA_
_TYPED_ON, _WIDGET = 3, 20  # FPDF_ANNOT_FREETEXT and FPDF_ANNOT_WIDGET
_NO_COMMENTS = {2, 16}  # FPDF_ANNOT_LINK and _POPUP: a place to go to, and the window of a comment
_MOST_ATTACHED = 10_000
_MAX_PIECES = 4_000  # of a page: more are a drawing, which has no columns


def read_pdf(data: bytes, path: Path, reading: Reading) -> list[Extracted]:
    """One document. title is its document information; pages without text are told in a note.

    Raises InputError for damaged and protected files and for files without any text.
    """
    import pypdfium2

    try:
        with _LOCK:
            document = pypdfium2.PdfDocument(data)
            try:
                document.init_forms()
                is_foreign = document.get_formtype() in _FORM_OF_ITS_OWN
                attached = _list_attached(document)
                title = " ".join(document.get_metadata_value("Title").split())
                pages = [_read_page(document, number) for number in range(len(document))]
            finally:
                document.close()
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) == _PASSWORD:
            raise InputError("the PDF is protected by a password; save a copy without protection", file=path) from error
        raise InputError("is not a readable PDF; open it in a PDF viewer and print it to a new PDF", file=path) from error
    empty = sum(not page.text for page in pages)
    if empty == len(pages):
        raise InputError(
            "the PDF has no text in its pages (scanned images?); run OCR first, for example with ocrmypdf", file=path
        )
    notes = []
    if empty:
        notes.append(
            Note("pages without text (scanned images?); run OCR to read them", f"{empty} of {count_of(len(pages), 'page')}")
        )
    comments = sum(page.comments for page in pages)
    if comments:
        notes.append(Note("comments in the margin are not read", f"{comments}"))
    if is_foreign:
        notes.append(
            Note("the form is of a kind (XFA) whose fields may be missing here; print it to a new PDF to have them all")
        )
    if attached:
        notes.append(Note("files attached to the PDF are not read", first_five(attached)))
    text = join_words("\n\n".join(page.text for page in pages if page.text))
    return [Extracted(text=text, title=title, notes=tuple(notes), held=sum(page.held for page in pages))]


def _list_attached(document: PdfDocument) -> list[str]:
    """The names of files within the file; of a portfolio these are what it is about."""
    import pypdfium2

    names = []
    for number in range(min(document.count_attachments(), _MOST_ATTACHED)):
        try:
            names.append(" ".join(document.get_attachment(number).get_name().split()) or "without a name")
        except pypdfium2.PdfiumError:
            names.append("damaged")
    return names


@dataclass(frozen=True)
class Piece:
    """Text that was drawn at once, with its edges in points; y grows upwards."""

    left: float
    bottom: float
    right: float
    top: float
    text: str

    @property
    def height(self) -> float:
        """In points."""
        return self.top - self.bottom


@dataclass(frozen=True)
class _Page:
    """text: line-end hyphens are marked in it. held: letters and digits of the page. comments: how many were left out."""

    text: str
    held: int
    comments: int


def _read_page(document: PdfDocument, number: int) -> _Page:
    page = document[number]
    try:
        filled, comments = _read_annotations(document, page)
        text_page = page.get_textpage()
        try:
            text = text_page.get_text_range().replace("\r\n", "\n").replace("\r", "\n")
            letters = count_letters(text)
            number = text_page.count_rects()
            if 2 * _MIN_LINES <= number <= _MAX_PIECES:
                places = [text_page.get_rect(index) for index in range(number)]
                if _stand_side_by_side(places):
                    pieces = [
                        Piece(place[0], place[1], place[2], place[3], text_page.get_text_bounded(*place)) for place in places
                    ]
                    ordered = order_pieces(pieces)
                    if ordered is not None and count_letters(ordered) >= 0.98 * letters:
                        text = ordered
        finally:
            text_page.close()
    finally:
        page.close()
    drawn = "\n".join(line.rstrip() for line in text.strip().split("\n"))
    known = " ".join(drawn.split())
    added = [line for line in filled if line not in known]  # some programs draw what they also keep as a note
    return _Page("\n".join(filter(None, [drawn, *added])), letters + count_letters("".join(added)), comments)


def _read_annotations(document: PdfDocument, page: PdfPage) -> tuple[list[str], int]:
    """What was filled into the fields of a page ("Name: Ada") and typed onto it; how many comments it has."""
    from pypdfium2 import raw

    form = document.formenv
    lines, comments = dict[str, None](), 0
    for index in range(raw.FPDFPage_GetAnnotCount(page)):
        annotation = raw.FPDFPage_GetAnnot(page, index)
        if not annotation:
            continue
        try:
            kind = raw.FPDFAnnot_GetSubtype(annotation)
            if kind == _WIDGET and form is not None:
                line = _read_field(form, annotation)
            elif kind in _NO_COMMENTS:
                continue
            else:
                line = _call(raw.FPDFAnnot_GetStringValue, annotation, b"Contents")
                if kind != _TYPED_ON:
                    comments += bool(line)
                    continue
            if line:
                lines[line] = None
        finally:
            raw.FPDFPage_CloseAnnot(annotation)
    return list(lines), comments


def _read_field(form: Any, annotation: Any) -> str:
    from pypdfium2 import raw

    kind = raw.FPDFAnnot_GetFormFieldType(form, annotation)
    name = _call(raw.FPDFAnnot_GetFormFieldName, form, annotation)
    if kind in _CHECKED:
        return (
            f"{name}: {_call(raw.FPDFAnnot_GetFormFieldExportValue, form, annotation)}"
            if raw.FPDFAnnot_IsChecked(form, annotation)
            else ""
        )
    value = _call(raw.FPDFAnnot_GetFormFieldValue, form, annotation) if kind == _TYPED or kind in _CHOICES else ""
    return f"{name}: {value}" if value else ""


def _call(read: Callable[..., int], *arguments: Any) -> str:
    """What one of PDFium's functions writes as UTF-16 into a buffer whose size it tells, on one line."""
    size = read(*arguments, None, 0)
    if not 2 < size <= _LONGEST_VALUE:
        return ""
    buffer = (ctypes.c_ushort * (size // 2 + 1))()
    read(*arguments, buffer, size)
    return " ".join(bytes(buffer).decode("utf-16-le", errors="replace").split("\0")[0].split())


def _stand_side_by_side(places: list[tuple[float, float, float, float]]) -> bool:
    """Whether pieces were drawn beside the one before them, with a gap, often enough for two columns."""
    pairs = itertools.pairwise(places)
    beside = sum(
        after[0] - before[2] > 0.6 * (before[3] - before[1]) and min(before[3], after[3]) > max(before[1], after[1])
        for before, after in pairs
    )
    return beside >= _MIN_LINES


def order_pieces(pieces: list[Piece]) -> str | None:
    """The text of a page's pieces, columns one after the other; None if there are no two columns drawn line by line.

    Lines from top to bottom; as long as lines share a gap that no piece crosses, they form a band. A band is cut into columns
    at the gap if it looks like running text on both sides: at least three lines each, most of them about as wide as the
    column. Else it is a table, or a heading with its number, and is read across.
    """
    lines = _make_lines([piece for piece in pieces if piece.text.strip()])
    found = False
    texts: list[str] = []
    for band, gap in _find_bands(lines):
        columns = _cut(band, gap) if gap else []
        if columns:
            found = True
            for column in columns:
                inside = order_pieces([piece for line in column for piece in line])
                texts.append(inside or "\n".join(map(_join_line, column)))
        else:
            texts += map(_join_line, band)
    return "\n".join(texts) if found else None


def _make_lines(pieces: list[Piece]) -> list[list[Piece]]:
    """Pieces that share a baseline, from the top; what stands closer together than a gap of columns becomes one piece."""
    lines: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda piece: (-(piece.top + piece.bottom), piece.left)):
        middle = (piece.top + piece.bottom) / 2
        if lines and lines[-1][0].bottom <= middle <= lines[-1][0].top:
            lines[-1].append(piece)
        else:
            lines.append([piece])
    return [_merge(sorted(line, key=lambda piece: piece.left)) for line in lines]


def _merge(line: list[Piece]) -> list[Piece]:
    merged = [line[0]]
    for piece in line[1:]:
        last = merged[-1]
        gap = piece.left - last.right
        if gap < 0.8 * max(last.height, piece.height):
            space = "" if gap < 0.15 * piece.height or last.text[-1:].isspace() or piece.text[:1].isspace() else " "
            merged[-1] = Piece(
                last.left, min(last.bottom, piece.bottom), max(last.right, piece.right), max(last.top, piece.top),
                last.text + space + piece.text,
            )  # fmt: skip
        else:
            merged.append(piece)
    return merged


def _find_bands(lines: list[list[Piece]]) -> list[tuple[list[list[Piece]], tuple[float, float] | None]]:
    """Runs of lines with the gap that they share, None for lines outside such a run."""
    bands: list[tuple[list[list[Piece]], tuple[float, float] | None]] = []
    start = 0
    while start < len(lines):
        end, gap = _grow_band(lines, start)
        bands.append((lines[start:end], gap))
        start = end
    return bands


def _grow_band(lines: list[list[Piece]], start: int) -> tuple[int, tuple[float, float] | None]:
    """The longest run from a line on: every gap of its first two-sided line is tried."""
    best: tuple[int, tuple[float, float] | None] = (start + 1, None)
    for before, after in zip(lines[start], lines[start][1:], strict=False):
        low, high = before.right, after.left
        end = start
        for line in lines[start:]:
            lows = [piece.right for piece in line if piece.right <= high - 1]
            highs = [piece.left for piece in line if piece.left >= low + 1]
            new_low, new_high = max([low, *lows]), min([high, *highs])
            crosses = any(piece.left < new_high and piece.right > new_low for piece in line)
            if crosses or new_high - new_low < 0.6 * line[0].height:
                break
            low, high = new_low, new_high
            end += 1
        if end > best[0] or best[1] is None:
            best = (end, (low, high))
    return best


def _cut(band: list[list[Piece]], gap: tuple[float, float]) -> list[list[list[Piece]]]:
    """The two sides of a band, or nothing if they are not running text."""
    middle = sum(gap) / 2
    sides = [
        [[piece for piece in line if piece.right <= middle] for line in band],
        [[piece for piece in line if piece.left >= middle] for line in band],
    ]
    columns = [[line for line in side if line] for side in sides]
    return columns if all(map(_is_running_text, columns)) else []


def _is_running_text(column: list[list[Piece]]) -> bool:
    if len(column) < _MIN_LINES:
        return False
    widths = [line[-1].right - line[0].left for line in column]
    letters = [sum(count_letters(piece.text) for piece in line) for line in column]
    return median(widths) >= _MIN_FILL * max(widths) and median(letters) >= _MIN_LETTERS


def _join_line(line: list[Piece]) -> str:
    return " ".join(piece.text.strip() for piece in line)


def join_words(text: str) -> str:
    """Words that a line end broke, whole again.

    A hyphen at a line end may be the word's own ("well-known"): it stays if the text has the word with it elsewhere, more often
    than without, or if a capital or a digit follows. A hyphen before "and" and the like ("pre- and") stays as it is.
    """
    if _BROKEN.search(text) is None:
        return text.translate(_MARKS)
    usual = Counter(re.findall(r"\b\w+-\w+", text.lower()))
    whole = Counter(re.findall(r"\w+", text.lower()))

    def join(match: re.Match[str]) -> str:
        start, end = match.span()
        before = _WORD_BEFORE.search(text[max(0, start - _LONGEST_WORD) : start])
        after = _WORD_AFTER.search(text[end : end + _LONGEST_WORD])
        first, second = (before.group() if before else ""), (after.group() if after else "")
        if second.lower() in _JOINING:
            return "- "
        hyphenated, joined = usual[f"{first}-{second}".lower()], whole[f"{first}{second}".lower()]
        return "-" if hyphenated > joined or not second[:1].islower() or first[-1:].isdigit() else ""

    return _BROKEN.sub(join, text).translate(_MARKS)
