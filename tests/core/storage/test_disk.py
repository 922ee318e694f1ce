"""A disk that is full or may not be written: one sentence, nothing half-written, and on it goes once there is room."""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.cli.main import main
from core.storage.disk import explain_disk
from core.storage.files import PART, read_json, write_json
from core.workspace import Workspace
from tests.support.small import write_small_dataset

SIZE = 8_000_000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"nothing can be mounted here ({error}), so there is no small disk to fill")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Takes all that is left of the disk."""
    filler = folder / "filler"
    with pytest.raises(OSError) as caught, filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    assert caught.value.errno == errno.ENOSPC
    return filler


def test_a_full_disk_is_one_sentence_and_leaves_nothing_half(
    disk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = write_small_dataset(tmp_path / "small")
    compare = ["compare", str(small), "--systems", "bm25", "--workspace", str(disk)]
    assert main(compare) == 0
    store = Workspace(disk)
    write_json(disk / "kept.json", {"a": 1})
    store.vectors("m", "").write({"kept": np.ones(4)})
    filler = fill(disk)
    before = sorted(disk.rglob("*"))
    capsys.readouterr()
    assert main(compare) == 1
    [told] = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("note: ")]
    assert told.startswith("error: ") and "the disk is full" in told and str(disk) in told
    with pytest.raises(OSError, match="No space") as caught:
        write_json(disk / "kept.json", {"a": ["x" * 10_000]})
    assert str(explain_disk(caught.value)).startswith(f"{disk / 'kept.json'}: the disk is full (0.0 MB are free)")
    assert read_json(disk / "kept.json") == {"a": 1}
    with pytest.raises(OSError) as caught:
        store.vectors("m", "").write({f"{number}": np.ones(10_000) for number in range(100)})
    assert caught.value.errno == errno.ENOSPC
    assert not [path for path in disk.rglob("*") if path.name.endswith(PART)]
    assert not (disk / "damaged").exists(), "what cannot be written is not damaged"
    assert {path.name for path in before} <= {path.name for path in disk.rglob("*")}
    filler.unlink()
    assert store.vectors("m", "").read(["kept"])["kept"].tolist() == [1.0] * 4
    assert main(compare) == 0
    with pytest.raises(OSError, match="MB are to be written") as caught:  # said before anything is encoded
        store.vectors("m", "").check_room(100_000, row_bytes=1536.0)
    assert "Free some room" in str(explain_disk(caught.value))


def test_a_disk_that_may_not_be_written_is_one_sentence(disk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = write_small_dataset(tmp_path / "small")
    compare = ["compare", str(small), "--systems", "bm25", "--workspace", str(disk)]
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    assert main(compare) == 1
    [told] = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("note: ")]
    assert told.startswith(f"error: {disk}") and "cannot be read or written (Read-only file system)" in told
    assert "--workspace" in told
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    assert main(compare) == 0
    store = Workspace(disk)
    store.vectors("m", "").write({"kept": np.ones(4)})
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    with pytest.raises(OSError) as caught:
        store.vectors("m", "").write({"new": np.ones(4)})
    assert explain_disk(caught.value) is not None
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    assert store.vectors("m", "").read(["kept"]).keys() == {"kept"}
