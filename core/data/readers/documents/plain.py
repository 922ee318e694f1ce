"""Text as it stands in the file: notes, Markdown and other markup that reads as text, source code, logs."""

from __future__ import annotations

import re
from pathlib import Path

from core.data.readers.documents.front_matter import split_front_matter
from core.data.readers.documents.kind import Extracted
from core.data.readers.documents.reading import Reading
from core.data.readers.documents.trec_documents import is_collection, list_documents
from core.data.readers.documents.web_page import FRAMES, decode_page, extract_page
from core.data.readers.encoding import decode_text
from core.errors import InputError
from core.text.boundaries import read_atx

SOURCE_SUFFIXES = (
    ".adoc", ".asciidoc", ".bash", ".bat", ".c", ".cc", ".cfg", ".clj", ".conf", ".cpp", ".cs", ".css", ".cxx", ".dart",
    ".diff", ".ex", ".exs", ".go", ".gradle", ".graphql", ".groovy", ".h", ".hpp", ".hs", ".ini", ".java", ".jl", ".js",
    ".jsx", ".kt", ".kts", ".less", ".log", ".lua", ".m", ".mdx", ".mjs", ".ml", ".org", ".patch", ".php", ".pl", ".pm",
    ".properties", ".proto", ".ps1", ".py", ".pyi", ".r", ".rb", ".rs", ".rst", ".sass", ".scala", ".scss", ".sh", ".sql",
    ".srt", ".svelte", ".swift", ".tex", ".tf", ".toml", ".ts", ".tsx", ".vb", ".vtt", ".vue", ".xml", ".yaml", ".yml",
    ".zsh",
)  # fmt: skip
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_PERHAPS_HEADING = re.compile(r"^[ \t]*(?:#|=+[ \t]*$)", re.MULTILINE)
_FENCE = re.compile(r" {0,3}(```+|~~~+)")


def read_text_file(data: bytes, path: Path, reading: Reading) -> list[Extracted]:
    """One document: the text without its front matter; a collection of TREC's is many. Raises InputError if it is not text."""
    text = _decode(data, path)
    if is_collection(text):
        return list_documents(text, path)
    front = split_front_matter(text)
    return [Extracted(front.body, metadata=front.fields, notes=front.notes)]


def read_markdown(data: bytes, path: Path, reading: Reading) -> list[Extracted]:
    """One document, whose title is its first heading, also one that is underlined with "=" signs."""
    front = split_front_matter(_decode(data, path))
    return [Extracted(front.body, find_heading(front.body), front.fields, front.notes)]


def read_web_page(data: bytes, path: Path, reading: Reading) -> list[Extracted]:
    """One document out of a page, which may have a front matter as the sources of static sites do.

    Raises InputError for a page that consists of frames alone, or of what scripts write.
    """
    front = split_front_matter(decode_page(data, path))
    page = extract_page(front.body, reading)
    if not page.text and FRAMES in page.notes:
        raise InputError(FRAMES.what, file=path)
    if not page.text and "<script" in front.body.lower():
        raise InputError(
            "the page has no text of its own, for a script writes it; open it in a browser and print it as PDF", file=path
        )
    title, notes = find_heading(page.text) or page.title, (*front.notes, *page.notes)
    return [Extracted(page.text, title, front.fields, notes, held=page.held, left_out=page.left_out)]


def read_source(data: bytes, path: Path, reading: Reading) -> list[Extracted]:
    """One document: the file as it is, whose title is its name."""
    return [Extracted(_decode(data, path), title=path.name)]


def is_text(sample: bytes) -> bool:
    """Whether the first bytes of a file whose name says nothing are text."""
    try:
        text = sample.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start < len(sample) - 4:  # not just a letter that the sample cuts apart
            return False
        text = sample[: error.start].decode("utf-8-sig")
    return bool(text.strip()) and not _CONTROL.search(text)


def find_heading(text: str) -> str:
    """The first heading of a Markdown text outside code, or ""."""
    if _PERHAPS_HEADING.search(text) is None:
        return ""
    fence = previous = ""
    for line in text.split("\n"):
        if not line:
            previous = ""
            continue
        mark = _FENCE.match(line)
        if mark and (not fence or mark.group(1).startswith(fence)):
            fence = "" if fence else mark.group(1)
        elif not fence:
            heading = read_atx(line)
            if heading and heading[1]:
                return heading[1]
            if previous.strip() and len(line) - len(line.lstrip(" ")) < 4 and set(line.strip()) == {"="}:
                return previous.strip()
        previous = "" if fence else line
    return ""


def _decode(data: bytes, path: Path) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):  # the mark says which of the encodings of Windows it is
        try:
            return (
                data.decode("utf-32" if data.startswith(b"\xff\xfe\x00\x00") else "utf-16")
                .replace("\r\n", "\n")
                .replace("\r", "\n")
            )
        except UnicodeDecodeError as error:
            raise InputError("begins like UTF-16, but is not; save it as UTF-8", file=path) from error
    return decode_text(data, path)
