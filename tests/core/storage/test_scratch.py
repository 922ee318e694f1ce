"""Working folders go with their process, however it ends."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from core.doctor.examine import examine, mend
from core.storage import scratch
from core.storage.scratch import list_abandoned, scratch_folder
from core.workspace import Workspace


def leave(parent: Path) -> None:
    """A process that is killed while it works in such a folder."""
    child = os.fork()
    if child == 0:
        with scratch_folder(parent) as folder:
            (folder / "half").write_text("half", encoding="utf-8")
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a process is killed in the middle")
def test_what_a_killed_process_left_goes_at_the_next_start_or_by_the_doctor(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scratch, "_YOUNG_SECONDS", 0.0)
    parent = tmp_path / "system"
    (parent / "somebody-else").mkdir(parents=True)
    leave(parent)
    assert len(list_abandoned(parent)) == 1
    with scratch_folder(parent) as first, scratch_folder(parent) as second:
        assert first.is_dir() and second.is_dir() and not list(second.iterdir()), "what lives stays"
        assert list_abandoned(parent) == [] and len(list(parent.iterdir())) == 3
    assert [path.name for path in parent.iterdir()] == ["somebody-else"]
    store = Workspace(workspace)
    leave(store.path("scratch"))
    with scratch_folder(tmp_path / "another"):
        [finding] = examine(store).findings
    assert finding.path.startswith("scratch/") and finding.bytes == 4
    assert len(mend((finding,), store)) == 1
    assert examine(store).findings == ()
