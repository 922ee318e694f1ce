"""What is costly to make is made once a run, by the first process that asks for it; the others wait, and copy it."""

from __future__ import annotations

import contextlib
import os
import pickle
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from filelock import FileLock

from core.schema import content_hash

SHARED = "LADDER_TESTS_SHARED"  # the environment variable that tells the processes of a run their common folder

Made = TypeVar("Made")


@contextlib.contextmanager
def share_folder() -> Iterator[None]:
    """A folder for what this process and those it starts make once, until the block ends; nothing if there is one already."""
    if SHARED in os.environ:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="ladder-tests-", ignore_cleanup_errors=True) as folder:
        os.environ[SHARED] = folder
        try:
            yield
        finally:
            del os.environ[SHARED]


def make_once(make: Callable[..., Made], *arguments: object, apart: object = "") -> tuple[Path, Made]:
    """(folder, what `make` returned): make(folder, *arguments) fills the empty folder, which is everybody's: to be copied, and
    never written to. What was returned is read from disk, so that nobody can change another's.

    make: a function of a module, which together with the arguments and `apart` (what else it depends on; all told apart by
    their repr) names the folder.
    """
    name = content_hash([make.__module__, make.__qualname__, *map(repr, arguments), repr(apart)])[:16]
    folder = Path(os.environ[SHARED], name)
    done = folder.with_suffix(".pickle")
    with FileLock(folder.with_suffix(".lock")):
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of one that failed
            folder.mkdir()
            made = pickle.dumps(make(folder, *arguments))
            done.write_bytes(made)
    return folder, pickle.loads(done.read_bytes())
