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
    assert read_text_file(b"text \x00 text " * 10, Path("x.txt"), Reading())[0].text.count("\x00") == 10
    assert is_text("ä".encode()[:1]) is False
    assert is_text(b"words " + "ä".encode()[:1]) is True
    assert is_text(b"\x7fELF\x02\x01") is False


RUSSIAN = "Насос не запускается после замены фильтра.\nЕсли горит красная лампа, выключите прибор.\n"
CHINESE = "更换过滤器后水泵无法启动。请检查保险丝和油位。\n如果红灯亮起，请关闭设备。\n"


@pytest.mark.parametrize(
    ("text", "encoding", "named", "says"),
    [
        (RUSSIAN, "utf-16-le", "UTF-16LE", "'Насос не запускается"),  # valid UTF-8, letters beside control signs
        (RUSSIAN, "utf-16-be", "UTF-16BE", "'Насос не запускается"),
        ("One line.\n" + CHINESE, "utf-16-le", "UTF-16LE", "'更换过滤器"),
        (RUSSIAN, "cp1251", "CP1251", "'Насос не"),
        (RUSSIAN, "koi8-r", "KOI8-R", "'Насос не"),
        ("Η αντλία δεν ξεκινά μετά την αντικατάσταση του φίλτρου.", "cp1253", "CP1253", "'Η αντλία δεν"),
        ("المضخة لا تعمل بعد تغيير المرشح. تحقق من المصهر ومستوى الزيت.", "cp1256", "CP1256", "'المضخة لا تعمل"),
        ("המשאבה אינה מתחילה לאחר החלפת המסנן. בדוק את הנתיך.", "cp1255", "CP1255", "'המשאבה אינה"),
        ("ポンプが起動しない場合は、フィルターを交換してください。", "shift_jis", "SHIFT-JIS", "'ポンプが起動"),
        ("ポンプが起動しない場合は、フィルターを交換してください。", "euc_jp", "EUC-JP", "'ポンプが起動"),
        (CHINESE, "gb18030", "GB18030", "'更换过滤器"),
        (CHINESE.replace("换过滤", "換過濾").replace("请", "請"), "big5hkscs", "BIG5HKSCS", "'更換過濾器"),
        ("필터를 교체한 후 펌프가 시동되지 않습니다. 퓨즈를 확인하십시오.", "euc_kr", "EUC-KR", "'필터를 교체한"),
    ],
)
def test_what_another_encoding_would_say_is_shown(text: str, encoding: str, named: str, says: str) -> None:
    with pytest.raises(InputError) as error:
        read_text_file(text.encode(encoding, errors="replace"), Path("x.txt"), Reading())
    assert f"(it looks like {named})" in str(error.value) and f"(it would say: {says}" in str(error.value)


def test_a_few_broken_bytes_do_not_make_it_another_encoding() -> None:
    text = "Die Pumpe läuft nicht an. Prüfen Sie die Sicherung und den Ölstand.\n"
    with pytest.raises(InputError) as error:
        read_text_file(text.encode() * 2 + b"caf\xe9: " + text.encode(), Path("x.txt"), Reading())
    assert str(error.value).startswith("x.txt, line 3: holds bytes that are not UTF-8 among letters that are (1 from here on);")


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
