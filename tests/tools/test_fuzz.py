"""The fuzz run as a tool: inputs that can be made again, and outcomes that are told apart."""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from core.errors import InputError
from tests.support.sources import REPOSITORY
from tools import fuzz, fuzz_inputs

LIGHT = ("corpus.jsonl", "queries.jsonl", "qrels.tsv", "zip", "table.csv", "table.jsonl", "examples.csv", "config.yaml", ".md")


def test_an_input_depends_on_seed_and_number_alone() -> None:
    numbers = [number for number in range(60) if fuzz.kind_of(number) in LIGHT]
    first = [fuzz.draw(1, number) for number in numbers]
    random.seed(5)
    assert [fuzz.draw(1, number) for number in reversed(numbers)] == first[::-1]
    assert [fuzz.draw(2, number) for number in numbers] != first
    assert max(map(len, first)) <= fuzz_inputs.MOST


@pytest.mark.parametrize("kind", LIGHT)
def test_every_kind_begins_with_a_file_that_is_read(kind: str) -> None:
    assert fuzz.try_one(kind, fuzz_inputs.list_kinds()[kind](), seconds=60) == ("read", "")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (InputError("is empty; fill it"), "refused"),
        (InputError(" "), "traceback"),
        (ValueError("ours"), "traceback"),
        (MemoryError(), "killed"),
    ],
)
def test_outcomes(error: Exception, outcome: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(fuzz, "read", fail)
    assert fuzz.try_one("zip", b"", seconds=60)[0] == outcome


@pytest.mark.parametrize(("number", "outcome"), [(signal.SIGPROF, "stalled"), (signal.SIGABRT, "killed")])
def test_a_child_that_dies_tells_by_what(number: signal.Signals, outcome: str) -> None:
    code = f"import os; input(); os.kill(os.getpid(), {int(number)})"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        child = fuzz.Child(process)
        child.give(0)
        assert child.take()[0] == outcome


def test_a_run_counts_by_kind(tmp_path: Path) -> None:
    command = [sys.executable, "tools/fuzz.py", "--count", "60", "--jobs", "1", "--kinds", "config.yaml"]
    done = subprocess.run([*command, "--keep", tmp_path / "kept"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    read, refused = map(int, done.stdout.splitlines()[1].split()[1:3])
    assert read + refused == sum(fuzz.kind_of(number) == "config.yaml" for number in range(60))
    assert not (tmp_path / "kept").exists()
    table = fuzz.format_counts({"zip": Counter(read=1, stalled=2)}, seed=1, seconds=1)
    assert [line.split() for line in table.splitlines()[1:3]] == [["zip", *"10020"], ["all", *"10020"]]


def test_what_a_child_dies_of_after_others_is_tried_in_a_fresh_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first child is spent by 0, the second dies of 2, the third reads 2 and dies of 3, as a fresh one does."""
    lives = iter([{0: True}, {1: False}, {2: False}, {}, {}])
    pipe = subprocess.PIPE
    code = "import json, sys\nfor line in sys.stdin: print(json.dumps(['read', '', LIFE[int(line)]]), flush=True)"

    def start(options: argparse.Namespace) -> fuzz.Child:
        command = [sys.executable, "-S", "-c", code.replace("LIFE", repr(next(lives)))]
        return fuzz.Child(subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True))

    monkeypatch.setattr(fuzz.Child, "start", start)
    kinds = list(fuzz_inputs.list_kinds())
    options = argparse.Namespace(seed=1, first=0, count=4, only=None, jobs=1, kinds=kinds, seconds=5.0, keep=tmp_path)
    assert fuzz.run(options) == 1
    assert [file.name for file in tmp_path.glob("*killed-*") if not file.name.endswith(".txt")] == ["seed1-3-killed-zip"]
