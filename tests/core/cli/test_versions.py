"""versions, promote, rollback, refresh on the command line, with the fake models: words, JSON, exit codes, errors."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import pytest

from core.cli import versions as cli_versions
from core.cli.main import EXIT_BAD_INPUT, main
from core.cli.versions import format_hits, format_refreshed
from core.data.catalog import open_dataset, remove_dataset
from core.jobs.kinds import VERSIONS
from core.jobs.state import COMMAND_LINE, DONE, FAILED, list_jobs
from core.systems.named import make_named_systems
from core.versions.build import build_version, draft_version
from core.versions.contents import open_version
from core.versions.version import (
    Version,
    aside_folder,
    list_unfinished,
    list_versions,
    load_version,
    name_version,
    read_live,
    write_version,
)
from core.workspace import Workspace
from tests.support.assessments import AxisModels, write_labelled_dataset
from tests.support.command_line import run_jobs_with
from tests.support.versions import named, put_live, resources_of

NAME = "notes"
VERSION_KEYS = {
    "id", "dataset", "system", "model", "revision", "corpus_fingerprint", "documents", "passages", "dimensions", "created",
    "parent", "work", "bytes", "is_live",
}  # fmt: skip


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> AxisModels:
    """The commands as they are, but for the models they load."""
    models = AxisModels()
    run_jobs_with(models, monkeypatch)
    monkeypatch.setattr(cli_versions, "open_version", functools.partial(open_version, models=models))
    return models


@pytest.fixture
def store(workspace: Path, models: AxisModels) -> Workspace:
    """A workspace with 265 documents and 62 labelled queries."""
    write_labelled_dataset(workspace / "datasets" / NAME)
    return Workspace(workspace)


def call(*arguments: str, code: int = 0) -> None:
    assert main(list(arguments)) == code


def read_result(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The JSON that went to standard output."""
    content: dict[str, Any] = json.loads(capsys.readouterr().out)
    return content


def drop_notes(text: str) -> str:
    """Without what was noticed while the dataset was read."""
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("note: "))


def build(store: Workspace, system: str) -> Version:
    return build_version(open_dataset(NAME, store), named(system), resources_of(store.folder))


def put(store: Workspace, system: str) -> Version:
    return put_live(open_dataset(NAME, store), named(system), resources_of(store.folder))


def change(store: Workspace) -> None:
    """One text changed, one document deleted, one added: 3 of 265 documents."""
    file = store.datasets / NAME / "corpus.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines()
    changed = {**json.loads(lines[1]), "text": "The price of the relay."}
    new = {"_id": "new", "title": "New", "text": "The clock of the gateway."}
    file.write_text("\n".join([json.dumps(changed), *lines[2:], json.dumps(new)]) + "\n", encoding="utf-8")


# versions


def test_before_the_first_the_list_says_how_to_build_one(store: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    call("versions", NAME)
    assert capsys.readouterr().out == (
        f"No index version of {NAME} yet. Build one: python -m core versions {NAME} --build dense\n"
    )
    call("versions", NAME, "--json", "-")
    assert read_result(capsys) == {"dataset": NAME, "version": "", "live": "", "previous": [], "log": [], "versions": [],
                                   "unfinished": []}  # fmt: skip


def test_a_plan_builds_nothing(store: Workspace, models: AxisModels, capsys: pytest.CaptureFixture[str]) -> None:
    call("versions", NAME, "--plan", "dense", "--json", "-")
    shown = capsys.readouterr()
    plan = json.loads(shown.out)
    assert {"id", "exists", "documents", "passages", "texts", "characters", "embed_seconds", "index_seconds", "seconds",
            "disk_bytes", "usd", "test_queries"} <= set(plan)  # fmt: skip
    assert (plan["exists"], plan["documents"], plan["system"]) == (False, 265, "dense")
    assert plan["seconds"] == plan["embed_seconds"] + plan["index_seconds"] > 0
    text = " ".join(shown.err.split())
    assert f"{plan['id']}: 265 documents, {plan['passages']} passages, of which {plan['texts']} have to be embedded." in text
    assert "measures it on about 43 test queries: by default it must be not worse than the live version by 0.02" in text
    assert not models.fake.asked and list_versions(NAME, store) == []
    version = build(store, "dense")
    call("versions", NAME, "--plan", "dense")
    assert capsys.readouterr().out == (
        f"{version.id} is built already; promote it with: python -m core promote {NAME} {version.id}\n"
    )


def test_build_says_what_was_made_and_that_it_is_not_live(
    store: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "built.json"
    call("versions", NAME, "--build", "dense", "--json", str(target))
    made = json.loads(target.read_text(encoding="utf-8"))
    (version,) = list_versions(NAME, store)
    assert set(made) == VERSION_KEYS and (made["id"], made["is_live"]) == (version.id, False)
    assert made["system"] == make_named_systems()["dense"].to_spec()
    text = capsys.readouterr().out
    assert text.startswith(f"{version.id}: 265 documents, {version.passages} passages, ")
    assert f"{made['work']['encoded_texts']} texts embedded" in text
    assert text.endswith(f"Not live yet: python -m core promote {NAME} {version.id}\n")
    (job,) = list_jobs(store)
    assert (job.kind, job.state, job.starter, job.title) == (
        VERSIONS,
        DONE,
        COMMAND_LINE,
        f"{NAME}, building the index of dense",
    )


def test_the_list_marks_the_live_one_and_names_what_is_unfinished(store: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    dense = build(store, "dense")
    call("versions", NAME)
    assert capsys.readouterr().out.endswith(f"None is live yet: python -m core promote {NAME} VERSION\n")
    put(store, "dense")
    words = put(store, "bm25")
    corpus = open_dataset(NAME, store)
    left = draft_version(name_version(named("dense-whole"), corpus.corpus_fingerprint), corpus, named("dense-whole"))
    write_version(left, aside_folder(left.id, NAME, store))
    call("versions", NAME)
    lines = capsys.readouterr().out.splitlines()
    rows = {line[2:].split()[0]: line for line in lines[1:3]}
    assert lines[0].split() == ["version", "model", "chunking", "documents", "passages", "MB", "built"]
    assert rows[words.id].startswith(f"> {words.id}") and "word matching" in rows[words.id]
    assert rows[dense.id].startswith(f"  {dense.id}") and "recursive, 200 tokens" in rows[dense.id]
    assert lines[3] == f"> answers now; before it {dense.id}"
    assert lines[4] == f"Unfinished: {left.id}. The same --build goes on; --remove {left.id} discards it."
    call("versions", NAME, "--json", "-")
    told = read_result(capsys)
    assert (told["live"], told["previous"], [entry["what"] for entry in told["log"]]) == (
        words.id,
        [dense.id],
        ["promoted"] * 2,
    )
    assert {row["id"]: row["is_live"] for row in told["versions"]} == {words.id: True, dense.id: False}
    assert all(set(row) == VERSION_KEYS | {"chunking", "evaluation"} for row in told["versions"])
    assert [row["id"] for row in told["unfinished"]] == [left.id]


def test_the_live_version_is_asked(store: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    version = put(store, "dense")
    call("versions", NAME, "--query", "accumulator of the hub", "--json", "-")
    found = read_result(capsys)
    assert (found["version"], len(found["hits"])) == (version.id, 5)
    first = found["hits"][0]
    assert (first["rank"], first["doc_id"], first["title"]) == (1, "hub-battery", "battery of the hub")
    assert first["text"] == "How the battery of the hub works." and found["seconds"] > 0
    call("versions", NAME, "--query", "accumulator of the hub")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{version.id}, ") and lines[0].endswith(" ms")
    assert lines[1:3] == ["1. hub-battery  battery of the hub", "   How the battery of the hub works."]


def test_no_hit_is_said_and_long_texts_are_cut(store: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    put(store, "bm25")
    call("versions", NAME, "--query", "qqqq zzzz")
    assert capsys.readouterr().out.endswith(" ms\nNo hit.\n")
    hit = {"rank": 1, "doc_id": "d", "title": "t", "text": "word\n" * 100}
    (*_, line) = format_hits({"version": "v", "seconds": 0.01, "hits": [hit]}).splitlines()
    assert len(line) == 3 + 160 + 1 and line.endswith("…")


def test_a_version_is_removed_and_so_is_what_a_build_has_left(store: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    version = build(store, "bm25")
    corpus = open_dataset(NAME, store)
    left = draft_version("dense-0123456789", corpus, named("dense"))
    write_version(left, aside_folder(left.id, NAME, store))
    call("versions", NAME, "--remove", version.id, "--json", "-")
    shown = capsys.readouterr()
    assert (json.loads(shown.out), shown.err) == ({"removed": version.id}, f"{version.id} is removed.\n")
    call("versions", NAME, "--remove", left.id)
    assert capsys.readouterr().out == f"What the build of {left.id} had left is removed.\n"
    assert list_versions(NAME, store) == list_unfinished(NAME, store) == []


# promote and rollback


def test_promote_measures_and_says_why(store: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    first, better = build(store, "dense"), build(store, "hybrid-rrf")
    call("promote", NAME, first.id)
    text = capsys.readouterr().out
    assert text.startswith("Passes: nDCG@10 0.") and text.endswith(f"nothing was live to compare with.\n{first.id} is live.\n")
    call("promote", NAME, better.id, "--bar", "better", "--json", "-")
    told = read_result(capsys)
    assert {"promoted", "passed", "sentence", "live", "before", "evaluation"} == set(told)
    assert (told["promoted"], told["passed"], told["live"], told["before"]) == (True, True, better.id, first.id)
    evaluation = told["evaluation"]
    assert (evaluation["measure"], evaluation["against"], evaluation["delta"]["verdict"]) == ("nDCG@10", first.id, "better")
    assert evaluation["n"] == len(evaluation["query_ids"]) and evaluation["low"] < evaluation["mean"] < evaluation["high"]


def test_a_bar_that_is_not_passed_gives_exit_code_1(store: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    better, worse = put(store, "hybrid-rrf"), build(store, "dense")
    call("promote", NAME, worse.id, code=1)
    assert capsys.readouterr().out.endswith(f"\n{worse.id} is not promoted.\n")
    call("promote", NAME, worse.id, "--bar", "any", "--measure", "Success@1", "--least", "0.99", code=1)
    assert capsys.readouterr().out.startswith("Does not pass: Success@1 0.")
    assert read_live(NAME, store).version == better.id
    call("promote", NAME, worse.id, "--anyway")
    text = capsys.readouterr().out
    assert text.startswith("without passing. ") and text.endswith(f"{worse.id} is live.\n")
    assert read_live(NAME, store).log[-1]["note"].startswith("without passing. ")


def test_rollback_says_what_is_live_again(store: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = put(store, "bm25"), put(store, "dense")
    call("rollback", NAME, "--json", "-")
    shown = capsys.readouterr()
    assert json.loads(shown.out) == {"live": first.id, "before": second.id}
    assert shown.err == f"{first.id} is live again, instead of {second.id}.\n"
    call("rollback", NAME, code=EXIT_BAD_INPUT)
    error = capsys.readouterr().err
    assert error == f"error: there is no earlier version of {NAME} to go back to; `versions` lists what there is\n"


# refresh


def test_a_dry_run_says_what_changed_and_does_nothing(store: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    version = put(store, "dense")
    change(store)
    call("refresh", NAME, "--dry-run", "--json", "-")
    shown = capsys.readouterr()
    told = json.loads(shown.out)
    assert told["version"] == version.id and told["changes"]["added"] == ["new"]
    assert (len(told["changes"]["changed"]), len(told["changes"]["deleted"])) == (1, 1)
    assert drop_notes(shown.err) == f"Against {version.id}: 1 document added, 1 changed, 1 deleted (1.1% of 265).\n"  # 3 / 265
    assert read_live(NAME, store).version == version.id and list_jobs(store) == []


def test_refresh_says_what_it_took_next_to_retraining(store: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    first = put(store, "dense")
    change(store)
    call("refresh", NAME, "--json", "-")
    shown = capsys.readouterr()
    told = json.loads(shown.out)
    live = read_live(NAME, store)
    assert (told["version"], live.version, live.previous) == (live.version, live.version, (first.id,))
    assert {"seconds", "encode_seconds", "load_seconds", "encoded_texts", "passages_added", "passages_removed", "changes",
            "refresh", "retraining"} <= set(told)  # fmt: skip
    # the changed and the new document are embedded; the passages of the changed and the deleted one go
    assert (told["encoded_texts"], told["passages_added"], told["passages_removed"]) == (2, 2, 2)
    assert load_version(live.version, NAME, store).work["passages_removed"] == 2
    lines = drop_notes(shown.err).splitlines()
    assert lines[0] == "1 document added, 1 changed, 1 deleted (1.1% of 265)."
    assert lines[1].startswith("2 texts embedded, 2 passages added, 2 removed, in ")
    assert lines[1].endswith(" for each percent of the documents.")
    assert lines[2].startswith("Training an embedding model as often would take ") and "(estimated;" in lines[2]
    assert lines[3] == f"{live.version} is live."
    assert format_refreshed(told) == "\n".join(lines)


def test_refresh_without_a_change(store: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    version = put(store, "bm25")
    call("refresh", NAME)
    assert capsys.readouterr().out == f"Nothing changed; {version.id} is up to date.\n"


# errors


BAD = [
    (["versions", NAME, "--plan", "nothing"], "there is no system 'nothing'; there are dense, "),
    (["versions", NAME, "--build", "nothing"], "there is no system 'nothing'; there are dense, "),
    (["versions", NAME, "--query", "hub"], f"no version of {NAME} is live; build one with `versions {NAME} --build SYSTEM`"),
    (["versions", "nowhere"], "there is no dataset 'nowhere'"),
    (["versions", NAME, "--json", "{tmp}"], "{tmp}: cannot be written"),
    (["promote", NAME, "v", "--min-gain", "0"], "the smallest useful gain is 0; it must be between 0.001 and 1"),
    (["promote", NAME, "v", "--least", "7"], "the least mean is 7"),
    (["promote", NAME, "v", "--measure", "quality"], "the measure 'quality' is not known; it can be nDCG@10"),
    (["refresh", NAME], f"no version of {NAME} is live; build one"),
    (["refresh", NAME, "--dry-run"], f"no version of {NAME} is live; build one"),
    (["rollback", NAME], f"there is no earlier version of {NAME} to go back to"),
]


@pytest.mark.parametrize(("command", "message"), BAD, ids=range(len(BAD)))
def test_bad_input_gets_one_sentence(
    command: list[str], message: str, store: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call(*(part.format(tmp=tmp_path) for part in command), code=EXIT_BAD_INPUT)
    shown = capsys.readouterr()
    error = drop_notes(shown.err)
    assert (shown.out, error.count("\n")) == ("", 1)
    assert error.startswith("error: " + message.format(tmp=tmp_path))


@pytest.mark.parametrize("command", [["promote", NAME, "dense-0000000000"], ["versions", NAME, "--remove", "dense-0000000000"]])
def test_a_version_that_is_not_here(command: list[str], store: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    call(*command, code=1)
    error = drop_notes(capsys.readouterr().err)
    assert error == f"error: The index version 'dense-0000000000' of {NAME} is not in this workspace.\n"
    assert all(job.state == FAILED for job in list_jobs(store))


def test_the_live_version_is_not_removed(store: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    version = put(store, "bm25")
    call("versions", NAME, "--remove", version.id, code=EXIT_BAD_INPUT)
    assert "is live and cannot be removed; roll back or promote another one first" in capsys.readouterr().err
    assert list_versions(NAME, store) == [version]


@pytest.mark.parametrize(
    "options",
    [["versions", NAME, "--plan", "dense", "--build", "dense"], ["promote", NAME], ["promote", NAME, "v", "--bar", "x"]],
)
def test_what_the_parser_refuses(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(options)
    assert left.value.code == EXIT_BAD_INPUT and "error: " in capsys.readouterr().err


def test_without_labels_it_is_promoted_only_anyway(
    workspace: Path, models: AxisModels, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_labelled_dataset(workspace / "datasets" / NAME)
    (folder / "qrels.tsv").unlink()
    store = Workspace(workspace)
    version = build(store, "bm25")
    call("promote", NAME, version.id, code=EXIT_BAD_INPUT)
    assert "labels" in capsys.readouterr().err and not read_live(NAME, store).version
    call("promote", NAME, version.id, "--anyway")
    assert capsys.readouterr().out.startswith("without passing. Not measured: ")
    assert read_live(NAME, store).version == version.id


def test_versions_of_a_dataset_that_was_removed_can_still_be_cleared(
    store: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    resources = resources_of(store.folder)
    dataset = open_dataset(NAME, store)
    first, second, third = (put_live(dataset, named(name), resources) for name in ("bm25", "dense", "dense-chunk64"))
    remove_dataset(NAME, store)
    call("versions", NAME, "--keep", "1", "--json", "-")
    assert read_result(capsys) == {"removed": [first.id]}
    call("rollback", NAME)
    assert read_live(NAME, store).version == second.id
    call("versions", NAME, "--remove", third.id)
    assert f"{third.id} is removed." in capsys.readouterr().out
