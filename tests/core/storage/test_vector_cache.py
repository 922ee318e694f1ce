"""The cache of vectors under damage: whatever happens to its file, what it gives was written, and it can be written again."""

from __future__ import annotations

import errno
import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.storage.damage import DAMAGED
from core.storage.vector_cache import VectorCache

ROWS = {f"{number:032x}": np.random.default_rng(number).normal(size=(3, 4)).astype(np.float16) for number in range(60)}
BEFORE = "CREATE TABLE vectors (hash TEXT PRIMARY KEY, width INTEGER, data BLOB) WITHOUT ROWID"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    file = tmp_path_factory.mktemp("whole") / "t.sqlite"
    VectorCache(file, dtype="float16").write(ROWS)
    return file.read_bytes()


def check(file: Path) -> int:
    """What is given is what was written, and after what is missing was written again, it is all there. Returns how many rows
    were lost."""
    cache = VectorCache(file, dtype="float16", root=file.parent.parent)
    found = cache.read(list(ROWS))
    for name in found:
        np.testing.assert_array_equal(found[name], ROWS[name])
    cache.write({name: ROWS[name] for name in cache.missing(list(ROWS))})
    again = cache.read(list(ROWS))
    if len(again) < len(ROWS):  # rows whose damage was seen just now
        cache.write({name: ROWS[name] for name in ROWS if name not in again})
        again = cache.read(list(ROWS))
    assert again.keys() == ROWS.keys()
    assert all(np.array_equal(again[name], ROWS[name]) for name in ROWS)
    return len(ROWS) - len(found)


def test_no_flipped_byte_changes_what_is_read(whole: bytes, tmp_path: Path) -> None:
    chance = random.Random(7)
    places = [*range(0, 100, 3), *(chance.randrange(len(whole)) for _ in range(50))]  # the header, and everywhere
    file = tmp_path / "cache" / "t.sqlite"
    file.parent.mkdir()
    lost = []
    for place in places:
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << chance.randrange(8)]) + whole[place + 1 :])
        lost.append(check(file))
        for path in file.parent.iterdir():
            path.unlink()
    assert 1 in lost, "a damaged row takes no other with it"
    assert 0 in lost
    assert any((tmp_path / DAMAGED).iterdir()), "what SQLite cannot read is set aside"


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.write_bytes(file.read_bytes()[:5000]),
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(b"no database" * 1000),
        lambda file: (file.unlink(), file.mkdir(), (file / "x").touch()),
        lambda file: file.unlink(),
    ],
    ids=["truncated", "empty", "replaced by text", "replaced by a folder", "missing"],
)
def test_a_file_that_is_no_cache_is_set_aside(damage: Callable[[Path], object], whole: bytes, tmp_path: Path) -> None:
    file = tmp_path / "cache" / "t.sqlite"
    file.parent.mkdir()
    file.write_bytes(whole)
    damage(file)
    assert check(file) > 0


def test_rows_of_before_there_were_checksums_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "t.sqlite"
    with sqlite3.connect(file) as connection:
        connection.execute(BEFORE)
        rows = [(name, 4, array.tobytes()) for name, array in ROWS.items()]
        connection.executemany("INSERT INTO vectors VALUES (?, ?, ?)", rows)
    connection.close()
    assert check(file) == 0
    data = file.read_bytes()
    place = data.index(ROWS[f"{7:032x}"].tobytes())
    file.write_bytes(data[:place] + b"!" + data[place + 1 :])
    assert VectorCache.find_damage(file) == "1 row has a wrong checksum"
    assert check(file) == 1, "from then on they have one"


def test_a_full_disk_is_no_damage(whole: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "t.sqlite"
    shutil.copyfile(__file__, tmp_path / "x")
    file.write_bytes(whole)
    cache = VectorCache(file, dtype="float16")
    real = sqlite3.connect

    def connect(*given: object, **more: object) -> sqlite3.Connection:
        connection = real(*given, **more)  # type: ignore[call-overload]
        connection.execute("PRAGMA max_page_count=1")  # as if there were no room for another page
        return connection

    monkeypatch.setattr(sqlite3, "connect", connect)
    with pytest.raises(OSError, match="full") as caught:
        cache.write({f"new-{number}": np.zeros((500, 4)) for number in range(20)})
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(file))
    assert cache.read(list(ROWS)).keys() == ROWS.keys()
    monkeypatch.setattr("shutil.disk_usage", lambda folder: shutil._ntuple_diskusage(10**9, 10**9 - 6_000_000, 6_000_000))
    cache.check_room(1_000, row_bytes=24.0)
    with pytest.raises(OSError, match=r"12.4 MB are to be written and 6.0 MB are free"):
        cache.check_room(100_000, row_bytes=24.0)
