"""Files whose ending is known and which are not read: what to do with them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath

from core.text.phrases import count_of, first_five

_AS_WORD = "save as .docx or PDF"
_CURES = {  # endings -> what they are, and what to do
    ".rtf .doc .fodt .wpd .wps .pages .sxw .abw .hwp": ("texts of word processors", _AS_WORD),
    ".ppt .key .pps": ("slides", "save as .pptx or PDF"),
    ".numbers .xlsb .wk1 .sxc": ("spreadsheets", "save as .xlsx or .csv"),
    ".msg .pst .ost .mht .mhtml": ("e-mails and pages saved with their parts", "save as .eml, .html or PDF"),
    ".mobi .azw .azw3 .prc .lit .fb2 .chm": ("e-books and help files", "convert to .epub or .html"),
    ".djvu .xps .oxps .ps .eps": ("printed pages", "convert to PDF with its text"),
    ".png .jpg .jpeg .gif .bmp .tif .tiff .webp .heic .svg .ico": (
        "images",
        "if they hold text that should be found, run OCR and give the text or PDF",
    ),
    ".mp3 .wav .m4a .ogg .flac .mp4 .mkv .mov .avi .webm": ("sound and film", "give a transcript as .txt, .srt or .vtt"),
    ".zip .tar .gz .tgz .bz2 .xz .7z .rar .zst": ("archives", "unpack them"),
    ".db .sqlite .sqlite3 .mdb .accdb .dbf": ("databases", "export the tables as .csv"),
    ".one .vsd .vsdx .mpp .pub .dwg": ("files of programs of their own", "export as PDF"),
}
_BY_ENDING = {ending: cure for endings, cure in _CURES.items() for ending in endings.split()}


def find_cure(name: str) -> str:
    """What to do with a file that is not read, "" if its ending is not known: "save as .docx or PDF"."""
    return _BY_ENDING.get(PurePosixPath(name).suffix.lower(), ("", ""))[1]


def say_unread(names: Iterable[str]) -> list[str]:
    """A sentence for every sort of files that were not read, and one for those whose endings say nothing."""
    by_sort: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name in names:
        by_sort[_BY_ENDING.get(PurePosixPath(name).suffix.lower(), ("other types", ""))].append(name)
    sentences = []
    for (sort, cure), found in sorted(by_sort.items(), key=lambda item: not item[0][1]):
        verb = "was" if len(found) == 1 else "were"
        of_sort = f" ({sort})" if cure else f" of {sort}"
        sentences.append(
            f"{count_of(len(found), 'file')}{of_sort} {verb} not read: {first_five(found)}{f'; {cure}' if cure else ''}."
        )
    return sentences
