"""The workspace on disk: vectors by hash, frames as they were, files that are whole or not there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.errors import InputError, NotInWorkspace
from core.schema import CHUNKS, RUN, empty
from core.storage.damage import reading
from core.storage.files import folder_size, read_frame, read_json, remove_folder, replace_file, write_frame, write_json
from core.storage.vector_cache import VectorCache
from core.workspace import Workspace
from tests.support.app import REPOSITORY, build_environment
from tests.support.models import make_chunks, make_run


def test_vectors_come_back_as_they_were(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path / "v.sqlite", dtype="float32")
    vectors = {f"h{number}": np.random.default_rng(number).normal(size=7).astype(np.float32) for number in range(1200)}
    assert cache.missing(["h1", "h0", "h1"]) == ["h1", "h0"]
    cache.write(vectors)
    found = VectorCache(tmp_path / "v.sqlite", dtype="float32").read([*vectors, "absent", "h0"])
    assert found.keys() == vectors.keys()
    for name, vector in vectors.items():
        np.testing.assert_array_equal(found[name], vector)
        assert found[name].dtype == np.float32
    assert cache.missing(["x", *vectors, "y"]) == ["x", "y"]
    assert cache.read([]) == {}
    assert cache.missing([]) == []
    cache.write({})


def test_token_vectors_keep_their_shape(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path / "t.sqlite", dtype="float16")
    tokens = {
        "a": np.eye(3, 4, dtype=np.float16),
        "b": np.ones((1, 4), dtype=np.float16),
        "none": np.zeros((0, 4), dtype=np.float16),
    }
    cache.write(tokens)
    found = cache.read(list(tokens))
    assert {name: matrix.shape for name, matrix in found.items()} == {"a": (3, 4), "b": (1, 4), "none": (0, 4)}
    np.testing.assert_array_equal(found["a"], tokens["a"])


def test_the_first_value_stays(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path / "v.sqlite", dtype="float32")
    cache.write({"a": np.ones(2)})
    cache.write({"a": np.zeros(2), "b": np.zeros(2)})
    assert cache.read(["a"])["a"].tolist() == [1, 1]
    assert cache.read(["b"])["b"].tolist() == [0, 0]


WRITER = """
import sys
from pathlib import Path
import numpy as np
from core.workspace import Workspace
for number in range(25):
    cache = Workspace(Path(sys.argv[1])).vectors("model", "")
    cache.write({f"{sys.argv[2]}-{number}": np.full(3, number), f"both-{number}": np.full(3, number)})
    assert cache.missing([f"both-{number}"]) == []
"""


def test_several_processes_write_one_cache_at_once(workspace: Path) -> None:
    def start(name: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", WRITER, str(workspace), name]
        return subprocess.Popen(command, cwd=REPOSITORY, env=build_environment(workspace), stderr=subprocess.PIPE)

    writers = [start(name) for name in "abc"]
    for writer in writers:
        _, errors = writer.communicate(timeout=60)
        assert writer.returncode == 0, errors.decode()
    names = [f"{name}-{number}" for name in ("a", "b", "c", "both") for number in range(25)]
    found = Workspace(workspace).vectors("model", "").read(names)
    assert {name: vector[0] for name, vector in found.items()} == {name: int(name.split("-")[1]) for name in names}


def test_models_and_revisions_have_files_of_their_own(workspace: Path) -> None:
    store = Workspace(workspace)
    names = [("a/b", ""), ("a_b", ""), ("a/b", "2"), ("../../etc", ""), ("é" * 200, ""), ("endpoint:x", "")]
    for number, (model, revision) in enumerate(names):
        store.vectors(model, revision).write({"h": np.full(1, number)})
    assert [store.vectors(*name).read(["h"])["h"][0] for name in names] == [0, 1, 2, 3, 4, 5]
    files = [path.parent for path in workspace.rglob("*.sqlite")]
    assert files == [workspace / "cache" / "vectors"] * 6


@pytest.mark.parametrize(
    "frame",
    [
        make_chunks({"c1": ("one", "two"), "c2": ("three",)}),
        make_run({"q": [("a1", 0.1 + 0.2), ("b1", -1e-300)], "p": [("a1", 1e300)]}),
        empty(RUN),
        empty(CHUNKS),
    ],
    ids=["chunks", "run", "no run", "no chunks"],
)
def test_frames_come_back_as_they_were(workspace: Path, frame: pd.DataFrame) -> None:
    store = Workspace(workspace)
    assert store.read_frame("key") is None
    assert not store.has_frame("key")
    store.write_frame("key", frame)
    assert store.has_frame("key")
    found = store.read_frame("key")
    assert found is not None
    assert list(found.columns) == list(frame.columns)
    assert found.to_dict("records") == frame.to_dict("records")  # to the last bit, and tuples are tuples
    again = workspace / "again.parquet"
    write_frame(found, again)
    assert read_frame(again).equals(found)


def test_facts(workspace: Path) -> None:
    store = Workspace(workspace)
    assert store.read_facts("key") is None
    store.write_facts("key", {"texts": ["é"], "share": 0.1})
    assert store.read_facts("key") == {"texts": ["é"], "share": 0.1}
    with pytest.raises(ValueError, match="JSON"):
        store.write_facts("key", {"share": float("nan")})
    assert store.read_facts("key") == {"texts": ["é"], "share": 0.1}


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "sub" / "file.json"
    write_json(file, [1])
    with pytest.raises(KeyboardInterrupt), replace_file(file) as aside:
        aside.write_text("half")
        assert read_json(file) == [1]
        raise KeyboardInterrupt
    assert read_json(file) == [1]
    assert [path.name for path in file.parent.iterdir()] == ["file.json"]


def test_folders(workspace: Path) -> None:
    store = Workspace(workspace)
    assert (store.datasets, store.experiments, store.jobs) == tuple(workspace / n for n in ("datasets", "experiments", "jobs"))
    assert store.index_folder("key") == workspace / "indexes" / "key"
    (store.jobs / "deep").mkdir()
    (store.jobs / "deep" / "a").write_bytes(b"12345")
    (store.jobs / "b").write_bytes(b"123")
    assert folder_size(store.jobs) == 8
    remove_folder(store.jobs)
    assert sorted(path.name for path in workspace.iterdir()) == ["datasets", "experiments", "indexes"]
    remove_folder(workspace / "not there")


def test_a_cached_frame_that_cannot_be_read_is_dropped(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.write_frame("key", pd.DataFrame({"a": [1]}))
    (tmp_path / "cache" / "nodes" / "key.parquet").write_bytes(b"half a file")
    assert workspace.read_frame("key") is None
    assert not workspace.has_frame("key")


@pytest.mark.parametrize(
    ("content", "why", "cause"),
    [
        ("{", "it is no JSON", "Damaged"),
        ('"b"', "ValueError", "ValueError"),
        (None, "FileNotFoundError", "FileNotFoundError"),
    ],
)
def test_what_a_damaged_file_raises_says_the_file_and_the_cure(
    content: str | None, why: str, cause: str, tmp_path: Path
) -> None:
    file = tmp_path / "model.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(InputError) as caught, reading(file, cure="train it again"):
        int(read_json(file))
    assert str(caught.value) == f"{file}: cannot be read ({why}); train it again"
    assert type(caught.value.__cause__).__name__ == cause


def test_what_is_said_already_and_what_is_a_bug_passes(tmp_path: Path) -> None:
    for error in (NotInWorkspace("gone"), InputError("said"), ZeroDivisionError(), AttributeError(), KeyError(), TypeError()):
        with pytest.raises(type(error)) as caught, reading(tmp_path, cure="none"):
            raise error
        assert caught.value is error


def test_what_the_same_code_makes_of_the_same_inputs_is_made_once(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def make() -> dict[str, object]:
        asked.append(1)
        return {"pairs": (("b", 0.1), ("a", 1e-300))}

    def ask(*inputs: object) -> dict[str, object]:
        return Workspace(workspace).find_or_make("numbers", list(inputs), make)

    assert ask("x", 1.0) == ask("x", 1.0) == {"pairs": [["b", 0.1], ["a", 1e-300]]}, "as JSON gives it, the first time too"
    assert len(asked) == 1
    ask("x", 2.0)
    assert len(asked) == 2
    monkeypatch.setattr("core.workspace.hash_code", lambda: "of another program")
    ask("x", 1.0)
    assert len(asked) == 3
