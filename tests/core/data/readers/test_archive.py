"""Zips: nothing outside the target, nothing half-written."""

from __future__ import annotations

import errno
import os
import stat
import zipfile
from pathlib import Path

import pytest

from core.data.load import load_dataset
from core.data.readers.archive import unpack_zip
from core.errors import InputError

CORPUS = b'{"_id": "a", "text": "x"}\n'


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with nothing in it, whatever other fixtures put into tmp_path."""
    path = tmp_path / "here"
    path.mkdir()
    return path


def make_zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def refuse(path: Path, **limits: int) -> str:
    """The message without the path; also checks that nothing is left behind."""
    target = path.parent / "out"
    with pytest.raises(InputError) as error:
        unpack_zip(path, target, **limits)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    return str(error.value).removeprefix(str(path))


def test_a_zip_is_unpacked_without_clutter(here: Path) -> None:
    path = make_zip(here / "a.zip", {"d/corpus.jsonl": CORPUS, "__MACOSX/d/._c": b"x", "d/.DS_Store": b"x", "d/._x.tsv": b"x"})
    unpack_zip(path, here / "out")
    assert [entry.relative_to(here).as_posix() for entry in sorted((here / "out").rglob("*"))] == [
        "out/d",
        "out/d/corpus.jsonl",
    ]


@pytest.mark.parametrize("name", ["../evil.txt", "/etc/evil", "a/../../evil", "C:\\evil", "..\\evil"])
def test_paths_outside(here: Path, name: str) -> None:
    message = refuse(make_zip(here / "a.zip", {"corpus.jsonl": CORPUS, name: b"x"}))
    assert message == f': holds "{name}", a path outside its own folder; pack it again without such paths'


def test_links(here: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(here / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    assert refuse(here / "a.zip") == ': holds "link", which is a link or device; pack the file itself'


def test_limits(here: Path) -> None:
    path = make_zip(here / "a.zip", {"a.txt": b"0" * 3_000_000, "b.txt": b"0"})
    cure = "unpack it yourself and give the path of the folder"
    assert refuse(path, max_bytes=2_000_000) == f": unpacks to more than the limit of 2 MB; {cure}"
    assert refuse(path, max_files=1) == f": holds 2 files, more than the limit of 1; {cure}"


def test_a_member_longer_than_its_header_says(here: Path) -> None:
    path = make_zip(here / "a.zip", {"a.txt": b"0" * 1000})
    data = path.read_bytes()
    path.write_bytes(data.replace((1000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    assert refuse(path) == ": is not a whole, readable zip (Bad CRC-32 for file 'a.txt'); pack or upload it again"


def test_broken_encrypted_and_empty_zips(here: Path) -> None:
    path = here / "a.zip"
    path.write_bytes(b"no zip")
    assert refuse(path) == ": is not a whole, readable zip (File is not a zip file); pack or upload it again"
    make_zip(path, {})
    assert refuse(path) == ": is an empty zip; pack the dataset's folder"
    make_zip(path, {"a": b"x"})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1  # the flag for encryption in the directory
    path.write_bytes(data)
    assert refuse(path) == ": is protected by a password; pack it again without one"
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", "x")
        archive.writestr("a", "y")
    assert refuse(path) == ": holds two files of the same name; pack it again"


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA], ids=["deflate", "bzip2", "lzma"]
)
def test_damaged_members(here: Path, method: int) -> None:
    path = here / "a.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("a.txt", bytes(range(256)) * 20)
    whole = path.read_bytes()
    started = whole.index(b"a.txt") + len("a.txt")
    for place in (started, started + 3, started + 9, started + 40):
        path.write_bytes(whole[:place] + bytes(255 - byte for byte in whole[place : place + 4]) + whole[place + 4 :])
        assert refuse(path).startswith((": is not a whole, readable zip (", ": is not a readable zip (", ": needs more memory"))


def test_names_that_no_file_can_have(here: Path) -> None:
    path = make_zip(here / "a.zip", {"ä.txt": b"x"})
    path.write_bytes(path.read_bytes().replace("ä".encode(), b"\xe4\xe4"))  # said to be UTF-8, and is not
    assert refuse(path).startswith(": is not a whole, readable zip ('utf-8' codec can't decode")
    make_zip(path, {f"{'a' * 300}.txt": b"x"})
    assert refuse(path) == ": is not a readable zip (File name too long); pack it again"
    make_zip(path, {f"{'a/' * 1500}b.txt": b"x"})
    assert refuse(path).endswith("in more than 100 folders within each other; pack it again with fewer")


def test_a_zip_that_unpacks_to_a_hundred_times_its_size_is_a_trap(here: Path) -> None:
    path = make_zip(here / "a.zip", {f"{number}.txt": b"0" * 20_000_000 for number in range(6)})
    data = path.read_bytes()
    assert refuse(path).startswith(": unpacks to more than the limit of 100 MB; ")
    # Also if it keeps its sizes to itself.
    path.write_bytes(data.replace((20_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    assert refuse(path).startswith(": is not a whole, readable zip (Bad CRC-32")


def test_what_is_no_file_is_not_waited_for(here: Path) -> None:
    os.mkfifo(here / "a.zip")
    assert refuse(here / "a.zip") == ": cannot be read (it is a pipe, device or socket); put a file in its place"


def test_a_full_disk_is_said(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = make_zip(here / "a.zip", {"corpus.jsonl": CORPUS})
    monkeypatch.setattr("core.data.readers.archive._write_member", lambda *_, **__: fail())
    assert refuse(path) == f": cannot be unpacked (No space left on device); it needs room in {here}"


def test_a_target_with_content_is_left_alone(here: Path) -> None:
    path = make_zip(here / "a.zip", {"corpus.jsonl": CORPUS})
    (here / "out").mkdir()
    (here / "out" / "mine").write_text("keep")
    with pytest.raises(InputError) as error:
        unpack_zip(path, here / "out")
    assert str(error.value) == f"{here / 'out'}: exists already and is not empty; choose another name"
    assert (here / "out" / "mine").read_text() == "keep"


def test_load_dataset_reads_a_zip_and_names_files_inside_it(here: Path) -> None:
    assert load_dataset(make_zip(here / "mine.zip", {"d/corpus.jsonl": CORPUS})).name == "mine"
    documents = load_dataset(make_zip(here / "docs.zip", {"d/sub/a.md": b"# A", "d/b.txt": b"b"})).documents
    assert documents["doc_id"].tolist() == ["b.txt", "sub/a.md"]
    bad = make_zip(here / "bad.zip", {"corpus.jsonl": CORPUS * 2})
    with pytest.raises(InputError) as error:
        load_dataset(bad)
    assert str(error.value).startswith(f'{bad}/corpus.jsonl, line 2: the document id "a"')
