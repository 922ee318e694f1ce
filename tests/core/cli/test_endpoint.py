"""The endpoint on the command line: tried, limited, failing beside systems that go on; its key is written nowhere."""

from __future__ import annotations

import json
import logging
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.cli.main import main
from core.experiment.history import list_experiments
from core.export.archive import export_experiment
from core.export.program.write import write_program
from core.systems.yaml_files import read_systems_file
from core.workspace import Workspace
from tests.support.fake_service import Reply, answer_well, run_service

KEY = "sk-Hidden/Key+4711"
SYSTEMS = """
endpoint: {texts_per_request: 2, tries: 2}
systems:
- {name: words, lexical: {language: en}}
- {name: served, chunk: whole, dense: {model: 'endpoint:good'}}
- {name: refused, chunk: whole, dense: {model: 'endpoint:bad'}}
- {name: mixed, chunk: whole, dense: {model: 'endpoint:unwell'}}
"""


def answer_by_model(body: dict[str, Any]) -> Reply:
    if body["model"] == "good":
        return answer_well(body)
    if body["model"] == "bad":
        return Reply({"error": {"message": f"Incorrect API key provided: {KEY}. Bearer {KEY}"}}, 401)
    return Reply(f"<html><title>{KEY}</title>".encode(), 503, {"Retry-After": "0", "X-Key": KEY})


@pytest.fixture(autouse=True)
def quiet_again() -> Iterator[None]:
    """--verbose is for the rest of a process."""
    before = logging.getLogger("core").handlers[:], logging.getLogger("core").level
    yield
    logging.getLogger("core").handlers, logging.getLogger("core").level = before


def write_data(folder: Path) -> Path:
    folder.mkdir()
    texts = ["the hub", "the clock is late", "a battery"]
    documents = [{"_id": f"d{number}", "text": text} for number, text in enumerate(texts)]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, documents)))
    (folder / "queries.jsonl").write_text(json.dumps({"_id": "q", "text": "hub"}))
    (folder / "qrels.tsv").write_text("q 0 d0 1\n")
    return folder


def list_written(folder: Path) -> dict[str, bytes]:
    """Everything below a folder, zips unpacked, names included."""
    found: dict[str, bytes] = {}
    for file in folder.rglob("*"):
        if file.is_file():
            found[str(file)] = file.name.encode() + file.read_bytes()
        if file.suffix == ".zip":
            with zipfile.ZipFile(file) as packed:
                found |= {f"{file}/{name}": packed.read(name) for name in packed.namelist()}
    return found


def test_a_failing_endpoint_fails_alone_and_its_key_is_written_nowhere(
    tmp_path: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    data, config = write_data(tmp_path / "data"), tmp_path / "mine.yaml"
    config.write_text(SYSTEMS)
    with run_service(answer_by_model) as service:
        monkeypatch.setenv("EMBEDDINGS_BASE_URL", service.url)
        monkeypatch.setenv("EMBEDDINGS_API_KEY", KEY)
        targets = ["--json", str(tmp_path / "out.json"), "--runs", str(tmp_path / "runs")]
        code = main(["compare", str(data), "--config", str(config), "--verbose", *targets])
        assert main(["endpoint", "bad", "--verbose", "--workspace", str(workspace)]) == 1
    assert code == 1
    errors = {one["name"]: one["error"] for one in json.loads((tmp_path / "out.json").read_text())["systems"]}
    assert errors["words"] is errors["served"] is None
    assert "refused the key (401 Unauthorized: Incorrect API key provided: ***. Bearer ***)" in errors["refused"]
    assert "is busy or broken (503 Service Unavailable: ***), 2 times in a row" in errors["mixed"]
    assert max(map(len, service.texts)) == 2  # as the file says
    store = Workspace(workspace)
    [entry] = list_experiments(store)
    (tmp_path / "experiment.zip").write_bytes(export_experiment(entry.id, store))
    (tmp_path / "search.py").write_text(write_program(read_systems_file(config)["served"], dataset_name="data"))
    shown = capfd.readouterr()
    assert "try 1: it refused the key" in shown.err and "Traceback" in shown.err  # what --verbose adds
    written = {"shown": (shown.out + shown.err).encode(), **list_written(tmp_path)}
    assert len(written) > 15
    assert [name for name, content in written.items() if b"4711" in content] == []


def test_limits_are_set_and_shown(workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with run_service(answer_well) as service:
        monkeypatch.setenv("EMBEDDINGS_BASE_URL", service.url)
        assert main(["endpoint", "--requests-per-minute", "60", "--answer-seconds", "2.5"]) == 0
        assert main(["endpoint", "m"]) == 0
    said = capsys.readouterr().out
    assert f"The embeddings endpoint is {service.url}/embeddings, asked without a key" in said
    assert said.count("Requests a minute, at most: 60") == said.count("answer has to be there: 2.5") == 2
    assert f"The model 'm' answers at {service.url}/embeddings: 2 dimensions, " in said
    assert main(["endpoint", "--requests-per-minute", "none"]) == 0
    assert "Requests a minute, at most: none" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--at-once", "none", "--at-once is 'none'; it should be a number"),
        ("--at-once", "1.5", "--at-once is '1.5'; it should be a number"),
        ("--tokens-per-minute", "0", "tokens_per_minute is 0; it must be at least 1"),
        ("--answer-seconds", "nan", "answer_seconds is nan; it must be a number of seconds"),
    ],
)
def test_limits_that_cannot_be(option: str, value: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["endpoint", option, value]) == 2
    assert f"error: {said}" in capsys.readouterr().err


def test_without_an_endpoint(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("EMBEDDINGS_BASE_URL", raising=False)
    assert main(["endpoint", "m"]) == 1
    shown = capsys.readouterr()
    assert "No embeddings endpoint is set" in shown.out and "'endpoint:m' needs an endpoint" in shown.err
