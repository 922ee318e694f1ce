"""Text files: encodings, headings, source code, and what only looks like text."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from core.data.load import load_dataset
from core.data.readers.documents.plain import find_heading, is_text, read_text_file
from core.data.readers.documents.reading import Reading
from core.errors import InputError


def test_source_code_and_files_without_ending(tmp_path: Path) -> None:
    (tmp_path / "tool.py").write_text("# not a heading\nx = 1\n")
    (tmp_path / "Makefile").write_text("all:\n\techo\n")
    (tmp_path / "blob").write_bytes(b"\x00\x01\x02")
    (tmp_path / "movie.mp4").write_bytes(b"text")
    dataset = load_dataset(tmp_path)
    assert dataset.documents["title"].tolist() == ["Makefile", "tool.py"]
    assert [metadata["file_type"] for metadata in dataset.documents["metadata"]] == ["txt", "py"]
    assert dataset.warnings == (
        "1 file (sound and film) was not read: movie.mp4; give a transcript as .txt, .srt or .vtt.",
        "1 file of other types was not read: blob.",
    )


def test_what_describes_tables_is_no_document(tmp_path: Path) -> None:
    for name in ("data.csv", "info.json", "load.py"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(InputError, match=r"data.csv: say whether its first line is a row"):
        load_dataset(tmp_path)


def test_utf_16_of_windows_and_what_is_no_text() -> None:
    assert read_text_file("Pümpe\r\nzwei".encode("utf-16"), Path("x.txt"), Reading())[0].text == "Pümpe\nzwei"
    with pytest.raises(InputError, match=r"x.txt, line 1: holds as many NUL signs"):
        read_text_file(b"a\x00b", Path("x.txt"), Reading())
    assert is_text("ä".encode()[:1]) is False
    assert is_text(b"words " + "ä".encode()[:1]) is True
    assert is_text(b"\x7fELF\x02\x01") is False


def test_headings() -> None:
    cases = {
        "# a #": "a",
        "   ## C# ##": "C#",
        "    # code": "",
        "#hash": "",
        "####### seven": "",
        "#  \n## b": "b",
        "```\n# no\n```\nx": "",
        "Title\n===": "Title",
        "# C#": "C#",
    }
    assert {text: find_heading(text) for text in cases} == cases


@pytest.mark.parametrize(
    "text", ["# a" + " " * 300_000 + "b", "#" + " " * 300_000, "# " + "# " * 100_000, "---\n" + "a: " * 20_000]
)
def test_no_line_stalls(text: str) -> None:
    start = time.process_time()
    assert read_text_file(text.encode(), Path("x.md"), Reading())[0].text
    find_heading(text)
    assert time.process_time() - start < 2
