"""compare as a user types it: a process of its own, what it prints where, its files, and its exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from core.cli.compare import choose_systems, format_table
from core.cli.main import EXIT_BAD_INPUT, main
from core.data.load import load_dataset
from core.errors import InputError
from core.workspace import Workspace
from tests.support.command_line import call
from tests.support.layouts import write_autorag, write_ciral, write_files, write_msmarco, write_quepid, write_two_datasets
from tests.support.small import run_small_experiment, write_small_dataset


def test_compare(workspace: Path, tmp_path: Path) -> None:
    """The whole of it in one process: JSON on standard output alone, the table on standard error, run files."""
    folder = write_small_dataset(tmp_path / "small")
    config = tmp_path / "own.yaml"
    config.write_text("- {name: my words, lexical: {k1: 1.2}}\n- {name: broken, chunk: whole, dense: {model: 'endpoint:m'}}\n")
    answer = call(
        workspace, "compare", str(folder), "--systems", "bm25", "my words", "broken", "--config", str(config),
        "--json", "-", "--runs", str(tmp_path / "runs"), "--workspace", str(tmp_path / "other"),
    )  # fmt: skip
    assert answer.returncode == 1, answer.stderr  # one system failed
    content = json.loads(answer.stdout)
    assert content["dataset"]["name"] == "small"
    assert [(system["name"], system["error"] is None) for system in content["systems"]] == [
        ("bm25", True), ("my words", True), ("broken", False),
    ]  # fmt: skip
    assert "The model 'endpoint:m' needs an endpoint" in content["systems"][2]["error"]
    table = answer.stderr.splitlines()
    table = [line for line in table if not line.startswith("note: ")]
    assert table[0] == "small: 12 documents, 8 queries, split all"
    assert any(line.startswith("broken   not run: The model 'endpoint:m' needs") for line in table)
    assert "Traceback" not in answer.stderr
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["bm25.run", "my words.run"]
    lines = (tmp_path / "runs" / "my words.run").read_text().splitlines()
    assert lines[0].split("\t") == ["q-reset", "Q0", lines[0].split("\t")[2], "1", "-1", "my_words"]
    assert list((tmp_path / "other" / "experiments").iterdir())  # kept, in the workspace that was named
    assert not (workspace / "experiments").exists()


def test_compare_to_a_file(workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_small_dataset(tmp_path / "small")
    target = tmp_path / "result.json"
    assert main(["compare", str(folder), "--systems", "bm25", "--json", str(target), "--name", "first try"]) == 0
    shown = capsys.readouterr()
    assert json.loads(target.read_text())["name"] == "first try"
    assert "bm25" in shown.out
    assert [line for line in shown.err.splitlines() if not line.startswith("note: ")] == []


def test_compare_says_which_side_could_not_work(workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_small_dataset(tmp_path / "small")  # no word of one query stands in a document
    assert main(["compare", str(folder), "--systems", "bm25"]) == 0
    assert "note: Word matching (bm25) returned nothing for 1 of 8 queries" in capsys.readouterr().err


BAD = [
    (
        ["compare", "{tmp}/nothing", "--systems", "bm25"],
        "there is no dataset '{tmp}/nothing': give the path of a folder, or one of",
    ),
    (["compare", "{small}", "--systems", "nonsense"], "there is no system 'nonsense'; there are dense, dense-whole, "),
    (["compare", "{small}", "--config", "{tmp}/no.yaml"], "{tmp}/no.yaml: cannot be read (No such file or directory); "),
    (
        ["compare", "{small}", "--config", "{tmp}/bad.yaml"],
        "{tmp}/bad.yaml, line 2: cannot be read as YAML (mapping values are",
    ),
    (["compare", "{small}", "--config", "{tmp}/field.yaml"], "{tmp}/field.yaml: system 'x' has the unknown field 'colour'; "),
    (["compare", "{small}", "--config", "{tmp}/latin.yaml"], "{tmp}/latin.yaml: is not UTF-8; save it as UTF-8"),
    (["compare", "{tmp}/broken", "--systems", "bm25"], "{tmp}/broken/corpus.jsonl, line 2: "),
    (["compare", "{tmp}/empty", "--systems", "bm25"], "{tmp}/empty: expected corpus.jsonl, documents"),
    (["compare", "{small}", "--split", "test", "--systems", "bm25"], "the dataset small has no queries in the split 'test'; "),
    (["compare", "{small}", "--systems", "bm25", "--json", "{tmp}/no/where.json"], "{tmp}/no/where.json: cannot be written; "),
    (
        ["compare", "{small}", "--systems", "bm25", "--json", "{tmp}"],
        "{tmp}: cannot be written; give --json a file in a folder",
    ),
    (
        ["compare", "{small}", "--systems", "bm25", "--runs", "{tmp}/bad.yaml"],
        "{tmp}/bad.yaml: cannot be made a folder (File exists)",
    ),
    (
        ["compare", "{small}", "--systems", "bm25", "--workspace", "{tmp}/bad.yaml"],
        "{tmp}/bad.yaml: cannot be a workspace (File ",
    ),
]


@pytest.fixture
def places(tmp_path: Path) -> dict[str, str]:
    small = write_small_dataset(tmp_path / "small")
    (tmp_path / "bad.yaml").write_text("a: 1\n b: 2\n")
    (tmp_path / "field.yaml").write_text("- {name: x, lexical: true, colour: red}\n")
    (tmp_path / "latin.yaml").write_bytes(b"- name: caf\xe9\n")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "corpus.jsonl").write_text('{"_id": "a", "text": "x"}\n{"_id": \n')
    (tmp_path / "empty").mkdir()
    return {"tmp": str(tmp_path), "small": str(small)}


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=range(len(BAD)))
def test_bad_input_gets_one_sentence(
    arguments: list[str], message: str, places: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([argument.format(**places) for argument in arguments]) == EXIT_BAD_INPUT
    shown = capsys.readouterr()
    assert shown.out == ""
    lines = [line for line in shown.err.splitlines() if not line.startswith("note: ")]
    assert len(lines) == 1
    assert lines[0].startswith("error: " + message.format(**places))


def test_which_systems_run(workspace: Path, tmp_path: Path) -> None:
    store = Workspace(workspace)
    config = tmp_path / "own.yaml"
    config.write_text("- {name: a, lexical: true}\n- {name: bm25, lexical: {k1: 9}}\n")

    def choose(names: list[str] | None, file: Path | None, *, has_filters: bool = False) -> list[str]:
        return list(choose_systems(names, file, workspace=store, dataset="small", has_filters=has_filters))

    assert len(choose(None, None)) == 5
    assert len(choose(None, None, has_filters=True)) == 6
    assert choose(None, config) == ["a", "bm25"]
    assert choose(["dense", "a"], config) == ["dense", "a"]
    chosen = choose_systems(["bm25"], config, workspace=store, dataset="small", has_filters=False)
    assert chosen["bm25"].lexical is not None
    assert chosen["bm25"].lexical.k1 == 9  # the file's own wins
    with pytest.raises(InputError):
        choose(["a"], None)


def test_the_table_without_labels(workspace: Path) -> None:
    experiment = run_small_experiment(workspace, systems=["bm25"], labels=False)
    text = format_table(experiment)
    assert "No labels yet: compare hits by eye; add qrels or evidence to measure." in text
    assert load_dataset(Workspace(workspace).datasets / "small").judgments.empty


@pytest.mark.parametrize(
    ("write", "counts"),
    [
        (write_quepid, "8 documents, 8 queries"),
        (write_msmarco, "6 documents, 6 queries"),
        (write_autorag, "6 documents, 4 queries"),
        (write_ciral, "6 documents, 3 queries"),
    ],
)
def test_compare_takes_folders_as_people_have_them(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], write: Callable[[Path], Path], counts: str
) -> None:
    assert main(["compare", str(write(tmp_path / "own")), "--systems", "bm25"]) == 0
    printed = capsys.readouterr()
    assert f"own: {counts}, split all" in printed.out
    assert "note: Read " in printed.err


def test_compare_finds_what_the_tables_say(workspace: Path, tmp_path: Path) -> None:
    """Each query of the harbour shares words with its passage alone; the first hit is right wherever one is found."""
    target = tmp_path / "result.json"
    assert main(["compare", str(write_msmarco(tmp_path / "ms")), "--systems", "bm25", "--json", str(target)]) == 0
    [system] = json.loads(target.read_text())["systems"]
    assert system["measures"]["nDCG@10"]["n"] == 6 and system["measures"]["nDCG@10"]["mean"] > 0.8


def test_compare_names_the_datasets_of_a_zip(workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_two_datasets(tmp_path / "cqadupstack.zip")
    assert main(["compare", str(path), "--systems", "bm25"]) == EXIT_BAD_INPUT
    assert "holds 2 datasets (android, physics); give one of their folders" in capsys.readouterr().err


def test_compare_keeps_ids_that_look_like_numbers(workspace: Path, tmp_path: Path) -> None:
    """007 is not 7, 1e3 not 1000, NA and nan are ids: every query finds its own document first."""
    texts = {
        "7": "seven: oak table", "007": "zero zero seven: pine chair", "1e3": "beech shelf", "1000": "ash bench",
        "NA": "maple stool", "nan": "walnut desk", "true": "cherry bed",
    }  # fmt: skip
    asked = {"01": ("pine chair", "007"), "1": ("oak table", "7"), "1.0": ("beech shelf", "1e3"), "NA": ("maple stool", "NA"),
             "null": ("walnut desk", "nan"), "inf": ("cherry bed", "true")}  # fmt: skip
    documents = [{"_id": 7 if name == "7" else name, "text": text} for name, text in texts.items()]
    queries = [{"_id": name, "text": text} for name, (text, _) in asked.items()]
    folder = write_files(
        tmp_path / "ids",
        {
            "corpus.jsonl": "".join(f"{json.dumps(record)}\n" for record in documents),
            "queries.jsonl": "".join(f"{json.dumps(record)}\n" for record in queries),
            "qrels.tsv": "query-id\tcorpus-id\tscore\n" + "".join(f"{name}\t{doc}\t1\n" for name, (_, doc) in asked.items()),
        },
    )
    target = tmp_path / "result.json"
    assert main(["compare", str(folder), "--systems", "bm25", "--json", str(target)]) == 0
    [system] = json.loads(target.read_text())["systems"]
    assert system["measures"]["nDCG@10"]["mean"] == 1.0
