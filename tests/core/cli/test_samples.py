"""What there is to begin with: sample corpora and named systems."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.cli.main import main
from core.data.samples import list_samples
from core.systems.named import make_named_systems
from core.systems.yaml_files import read_systems
from tests.support.command_line import call


def test_samples(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["samples"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("\t")[0] for line in lines] == [sample.name for sample in list_samples()]


def test_systems_as_yaml_can_be_read_back(workspace: Path) -> None:
    answer = call(workspace, "systems", "--yaml")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert read_systems(answer.stdout) == make_named_systems()


def test_systems_as_a_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["systems"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(make_named_systems())
    assert lines[6] == "bm25             Word matching (BM25) over whole documents. No model needed."
