"""The Chroma index: a real one in a temporary folder. Filters as in core.stages.filter, and never half an index."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import pandas as pd
import pytest

from core.errors import Cancelled, WorkspaceBusy
from core.progress import CancelToken
from core.stages import index_dense
from core.stages.arithmetic import unit_rows
from core.stages.embed import Vectors
from core.stages.index_dense import (
    NOTHING,
    DenseIndex,
    IndexDense,
    clean_metadata,
    count_values,
    make_where,
    measure_index_recall,
    open_collection,
    update_collection,
)
from core.storage.files import remove_folder
from core.text.conditions import match_filter
from tests.support.app import REPOSITORY, build_environment
from tests.support.models import make_chunks, make_documents, make_resources

NASTY: list[dict[str, Any]] = [
    {"v": 3}, {"v": 3.0}, {"v": "3"}, {"v": 1}, {"v": 1.0}, {"v": True}, {"v": False}, {"v": "True"}, {"v": 0}, {"v": -1},
    {"v": [1, 2]}, {"v": [1, "a"]}, {"v": ["a", "b"]}, {"v": [2, 2.5]}, {"v": [True]}, {"v": [3.0]}, {"v": []}, {},
    {"v": None}, {"v": [None, "a"]}, {"v": {"x": 1}}, {"v": 2.5}, {"v": "2024-09-18"}, {"v": ["2024-01-01", "2025-01-01"]},
    {"v": 10**20}, {"v": 2**53 + 1}, {"v": 2**53}, {"v": ""}, {"v": "é ' \" \\ %"}, {"chroma:document": "x"}, {"$and": "x"},
    {"": "x"}, {"v": 3, "w": "x"}, {"w": ["x", "y"]}, {"v": "\ud800"}, {"v": "2024-09-18T15:00:00+02:00"}, {"v": "2024-09"},
    {"v": ["2024/9/18", "x"]}, {"groups": ["sales", "hr"]}, {"groups": ["hr"]}, {"groups": "sales"}, {"groups": [["sales"]]},
]  # fmt: skip
FILTERS: list[dict[str, Any]] = [
    {}, {"v": 3}, {"v": 3.0}, {"v": "3"}, {"v": 1}, {"v": True}, {"v": False}, {"v": 0}, {"v": "a"}, {"v": ["a", 3]},
    {"v": [True, "True"]}, {"v": [7]}, {"v": {"gte": 2}}, {"v": {"lte": 2.5, "gte": 1}}, {"v": {"gte": 9, "lte": 1}},
    {"v": {"gte": "2024"}}, {"v": {"gte": "2024-09-01", "lte": "2024-12-31"}}, {"v": 2.5}, {"v": -1}, {"v": 10**20},
    {"v": 2**53 + 1}, {"v": 2**53}, {"v": ""}, {"v": "é ' \" \\ %"}, {"chroma:document": "x"}, {"$and": "x"}, {"": "x"},
    {"v": {"lte": "2024-09-18"}}, {"v": {"gte": "2024-09-18T13:00Z", "lte": "2024-09-18T13:00Z"}}, {"v": "2024-09-18T13:00Z"},
    {"groups": ["sales", "it"]}, {"groups": "hr"},
    {"v": 3, "w": "x"}, {"w": "y"}, {"unknown": 1}, {"v": "nowhere"}, {"v": 3, "unknown": 1},
]  # fmt: skip


def make_index(folder: Path, metadata: list[dict[str, Any]], *, seed: int = 0, dimensions: int = 8) -> DenseIndex:
    size = len(metadata)
    matrix = unit_rows(np.random.default_rng(seed).normal(size=(size, dimensions)))
    names = [str(row) for row in range(size)]
    chunks = pd.DataFrame({"chunk_id": names, "doc_id": names})
    return DenseIndex(Vectors(matrix, np.arange(size), chunks, "key"), metadata, folder / "index")


@pytest.fixture(scope="module")
def nasty_index(tmp_path_factory: pytest.TempPathFactory) -> DenseIndex:
    index = make_index(tmp_path_factory.mktemp("nasty"), NASTY)
    index.open()
    return index


@pytest.mark.parametrize("wanted", FILTERS, ids=str)
def test_a_where_finds_what_match_filter_finds(nasty_index: DenseIndex, wanted: dict[str, Any]) -> None:
    rows, _ = nasty_index.approximate(nasty_index.vectors.matrix[:1], [wanted], depth=100)[0]
    expected = {row for row, item in enumerate(NASTY) if match_filter(item, wanted)}
    assert set(rows.tolist()) == expected


def test_the_filters_above_are_worth_testing() -> None:
    sizes = [sum(match_filter(item, wanted) for item in NASTY) for wanted in FILTERS]
    assert sizes.count(0) >= 4
    assert sum(0 < size < len(NASTY) for size in sizes) >= 20


def test_queries_with_different_filters_in_one_call(nasty_index: DenseIndex) -> None:
    found = nasty_index.approximate(nasty_index.vectors.matrix[:4], [{}, {"v": 3}, {"v": "nowhere"}, {"v": 3}], depth=50)
    assert [len(rows) for rows, _ in found] == [len(NASTY), 4, 0, 4]  # 3, 3.0, [3.0], and 3 with a w
    for rows, cosines in found:
        assert list(cosines) == sorted(cosines, reverse=True)
        assert len(rows) == len(cosines)


def test_where() -> None:
    assert make_where({}, [{"v": 1}]) is None
    assert make_where({"v": 2}, [{"v": 1}]) == NOTHING
    assert make_where({"v": 1, "w": 2}, [{"v": 1}]) == NOTHING
    assert make_where({"v": {"gte": 2}}, [{"v": 3}, {"v": 2}, {"v": 1}]) == {"field v": {"$in": ["2", "3"]}}
    both = make_where({"v": "a", "w": True}, [{"v": "a", "w": True}, {"v": ["a", "b"]}])
    assert both == {
        "$and": [{"$or": [{"field v": {"$in": ['"a"']}}, {"field v": {"$contains": '"a"'}}]}, {"field w": {"$in": ["true"]}}]
    }
    assert count_values(both) == 3
    assert count_values(None) == 0


def test_clean_metadata() -> None:
    assert clean_metadata({"a": None, "b": [], "c": {}}) is None
    assert clean_metadata({"a": 1, "b": [1, "x", None]}) == {"field a": "1", "field b": ["1", '"x"']}


def test_a_filter_that_very_many_values_pass_is_searched_exactly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = make_index(tmp_path, [{"n": number} for number in range(50)])
    asked = index.vectors.matrix[:2]
    wanted = {"n": {"gte": 10}}
    through_chroma = index.approximate(asked, [wanted, wanted], depth=5)
    monkeypatch.setattr(index_dense, "_MOST_VALUES", 39)  # 40 values pass
    directly = index.approximate(asked, [wanted, wanted], depth=5)
    for (rows, cosines), (other_rows, other_cosines) in zip(through_chroma, directly, strict=True):
        assert rows.tolist() == other_rows.tolist()
        np.testing.assert_allclose(cosines, other_cosines, atol=1e-5)


def test_cosines_are_those_of_exact_search(tmp_path: Path) -> None:
    index = make_index(tmp_path, [{}] * 300, seed=1)
    asked = unit_rows(np.random.default_rng(2).normal(size=(60, 8)))  # more than one batch of queries
    exact = index.exact(asked)
    for row, (rows, cosines) in enumerate(index.approximate(asked, [{}] * 60, depth=20)):
        np.testing.assert_allclose(cosines, exact[row, rows], atol=1e-5)
    assert measure_index_recall(index, asked, depth=20) == pytest.approx(1.0, abs=0.01)


def test_index_loss_counts_what_is_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = make_index(tmp_path, [{}] * 20)
    nearest = np.argsort(-index.exact(index.vectors.matrix[:1])[0])
    # of the four nearest passages it gives three, and one that is far
    answer = [(np.array([*nearest[:3], nearest[-1]]), np.zeros(4))]
    monkeypatch.setattr(DenseIndex, "approximate", lambda *_, **__: answer)
    assert measure_index_recall(index, index.vectors.matrix[:1], depth=4) == 0.75


def test_nothing_indexed_and_nothing_asked(tmp_path: Path) -> None:
    index = make_index(tmp_path, [])
    assert index.exact(np.ones((2, 8), dtype=np.float32)).shape == (2, 0)
    rows, cosines = index.approximate(np.ones((1, 8), dtype=np.float32), [{}], depth=5)[0]
    assert (len(rows), len(cosines)) == (0, 0)
    assert measure_index_recall(index, np.ones((1, 8), dtype=np.float32)) == 1.0


def test_the_index_survives_reopening_and_is_built_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = make_index(tmp_path, [{"v": 1}] * 30)
    asked = first.vectors.matrix[:3]
    expected = first.approximate(asked, [{}] * 3, depth=5)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the index was built a second time")

    monkeypatch.setattr(index_dense, "build_collection", refuse)
    second = make_index(tmp_path, [{"v": 1}] * 30)
    for (rows, _), (again, _) in zip(expected, second.approximate(asked, [{}] * 3, depth=5), strict=True):
        assert rows.tolist() == again.tolist()
    assert not (tmp_path / "index.building").exists()


def count_open_files(folder: Path) -> int:
    """How many files below a folder this process holds open. Linux only."""
    held = []
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            held.append(entry.readlink())
    return sum(folder in path.parents for path in held)


def test_a_closed_index_lets_go_of_its_files_and_opens_again(tmp_path: Path) -> None:
    first, second = (make_index(tmp_path, [{}] * 30) for _ in range(2))
    asked = first.vectors.matrix[:1]
    expected = first.approximate(asked, [{}], depth=5)[0][0].tolist()
    assert second.approximate(asked, [{}], depth=5)[0][0].tolist() == expected
    first.close()
    first.close()  # nothing is left to close
    assert second.approximate(asked, [{}], depth=5)[0][0].tolist() == expected  # another reader is not disturbed
    second.close()
    if sys.platform == "linux":
        deadline = time.monotonic() + 10
        while count_open_files(tmp_path) and time.monotonic() < deadline:
            time.sleep(0.01)  # a thread of Chroma's closes them
        assert not count_open_files(tmp_path)
    remove_folder(first.folder)
    assert not first.folder.exists()
    assert first.approximate(asked, [{}], depth=5)[0][0].tolist() == expected  # built anew
    first.close()


def test_two_threads_share_one_index(tmp_path: Path) -> None:
    index = make_index(tmp_path, [{}] * 200)
    found: list[list[int]] = []
    failed: list[BaseException] = []
    start = threading.Barrier(4)

    def ask(row: int) -> None:
        try:
            start.wait()
            found.extend([[row, int(index.approximate(index.vectors.matrix[row : row + 1], [{}], depth=1)[0][0][0])]])
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=ask, args=(row,)) for row in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    assert sorted(found) == [[row, row] for row in range(4)]  # every passage is nearest to itself


def test_cancel_while_building_leaves_no_index(tmp_path: Path) -> None:
    cancel = CancelToken()
    cancel.cancel()
    index = make_index(tmp_path, [{}] * 5)
    index.cancel = cancel
    with pytest.raises(Cancelled):
        index.open()
    assert not index.folder.exists()
    assert len(make_index(tmp_path, [{}] * 5).approximate(index.vectors.matrix[:1], [{}], depth=9)[0][0]) == 5


KILLED = """
import os, sys
from pathlib import Path
import numpy as np
from core.progress import CancelToken
from core.stages import index_dense

class Kill(CancelToken):
    calls = 0
    def check(self):
        Kill.calls += 1
        if Kill.calls == 3:
            os._exit(9)  # as if the power went, with two batches of three written

index_dense._ADD_BATCH = 10
index_dense.open_collection(Path(sys.argv[1]), np.eye(30, dtype=np.float32), [{}] * 30, cancel=Kill())
"""


def test_a_process_killed_while_building_leaves_no_half_index(tmp_path: Path, workspace: Path) -> None:
    folder = tmp_path / "index"
    command = [sys.executable, "-c", KILLED, str(folder)]
    answer = subprocess.run(
        command, check=False, cwd=REPOSITORY, env=build_environment(workspace), capture_output=True, timeout=60
    )
    assert answer.returncode == 9, answer.stderr.decode()
    assert not folder.exists()
    assert (tmp_path / "index.building").is_dir()  # the half that was written
    _, collection = open_collection(folder, np.eye(30, dtype=np.float32), [{}] * 30, cancel=CancelToken())
    assert collection.count() == 30
    assert not (tmp_path / "index.building").exists()


def test_another_process_that_builds_for_too_long_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_dense, "_LOCK_SECONDS", 0.1)
    with filelock.FileLock(f"{tmp_path / 'index'}.lock"), pytest.raises(WorkspaceBusy) as error:
        open_collection(tmp_path / "index", np.eye(2, dtype=np.float32), [{}] * 2, cancel=CancelToken())
    assert str(error.value) == (
        "Another process has been building the index index for five minutes. Wait for it, or stop it and try again."
    )


def test_the_stage_gives_every_passage_its_documents_metadata(workspace: Path) -> None:
    resources = make_resources(workspace)
    chunks = make_chunks({"c1": ("hub", "clock"), "c2": ("mail",)}, {"c1": "b", "c2": "a"})
    documents = make_documents({"a": "", "b": ""}, {"a": {"v": 1}, "b": {"v": 2}})
    vectors = Vectors(np.eye(3, dtype=np.float32), np.array([0, 0, 1]), chunks, "key")
    index = IndexDense()(vectors, documents, resources=resources)
    assert index.metadata == [{"v": 2}, {"v": 2}, {"v": 1}]
    assert index.is_small
    # Changed metadata is another index: its filters would else be those of yesterday.
    other = IndexDense()(vectors, make_documents({"a": "", "b": ""}, {"a": {"v": 9}}), resources=resources)
    assert other.folder != index.folder


def make_named(folder: Path, metadata: list[dict[str, Any]], *, prefix: str = "p") -> DenseIndex:
    """An index whose passages have names instead of row numbers: p0, p1, ..."""
    index = make_index(folder, metadata)
    index.names = [f"{prefix}{row}" for row in range(len(metadata))]
    return index


def update(folder: Path, **changes: Any) -> int:
    """update_collection() with nothing to do but `changes`."""
    nothing: tuple[list[str], np.ndarray, list[dict[str, Any]]] = ([], np.zeros((0, 8), dtype=np.float32), [])
    return update_collection(folder, **{"remove": [], "add": nothing, "relabel": ([], []), "cancel": CancelToken(), **changes})


def read_metadata(folder: Path) -> dict[str, dict[str, Any]]:
    """What the collection holds of each name, as a fresh reader finds it."""
    client, collection = open_collection(folder, np.zeros((0, 8), dtype=np.float32), [], cancel=CancelToken())
    found = collection.get(include=["metadatas"])
    client.close()
    return {name: dict(item or {}) for name, item in zip(found["ids"], found["metadatas"], strict=True)}


def test_a_search_gives_the_rows_of_the_names(tmp_path: Path) -> None:
    """The rows are those of the list of names, in whatever order the collection was filled."""
    metadata: list[dict[str, Any]] = [{"v": row % 3} for row in range(12)]
    index = make_named(tmp_path, metadata)
    asked = index.vectors.matrix
    for row, (rows, _) in enumerate(index.approximate(asked, [{}] * 12, depth=1)):
        assert rows.tolist() == [row]
    turned = np.arange(12)[::-1]
    vectors = Vectors(asked[turned], np.arange(12), index.vectors.chunks, "key")
    other = DenseIndex(
        vectors, [metadata[row] for row in turned], tmp_path / "index", names=[f"p{row}" for row in turned]
    )  # the same collection, read with the passages in another order
    found = other.approximate(asked[turned], [{"v": 0}] * 12, depth=12)
    assert all(set(rows.tolist()) == {row for row in range(12) if turned[row] % 3 == 0} for rows, _ in found)
    assert [rows[0] for rows, _ in other.approximate(asked[turned], [{}] * 12, depth=1)] == list(range(12))


def test_passages_go_come_and_are_relabelled(tmp_path: Path) -> None:
    index = make_named(tmp_path, [{"v": row} for row in range(5)])
    index.open()
    new = unit_rows(np.random.default_rng(7).normal(size=(2, 8)))
    count = update(
        index.folder,
        remove=["p0", "p3"],
        add=(["n0", "n1"], new, [{"v": 9}, {}]),
        relabel=(["p1"], [{"v": "one", "w": True}]),
    )
    assert count == 5  # 5 - 2 + 2
    assert read_metadata(index.folder) == {
        "p1": {"field v": '"one"', "field w": "true"}, "p2": {"field v": "2"}, "p4": {"field v": "4"},
        "n0": {"field v": "9"}, "n1": {},
    }  # fmt: skip
    matrix = np.vstack([index.vectors.matrix[[1, 2, 4]], new])
    names = ["p1", "p2", "p4", "n0", "n1"]
    metadata: list[dict[str, Any]] = [{"v": "one", "w": True}, {"v": 2}, {"v": 4}, {"v": 9}, {}]
    chunks = pd.DataFrame({"chunk_id": names, "doc_id": names})
    changed = DenseIndex(Vectors(matrix, np.arange(5), chunks, "key"), metadata, index.folder, names=names)
    for row, (rows, cosines) in enumerate(changed.approximate(matrix, [{}] * 5, depth=5)):
        assert rows[0] == row and sorted(rows.tolist()) == list(range(5))
        np.testing.assert_allclose(cosines, changed.exact(matrix)[row, rows], atol=1e-5)
    by_label = changed.approximate(matrix[:3], [{"v": "one"}, {"v": 9}, {"v": 1}], depth=5)
    assert [rows.tolist() for rows, _ in by_label] == [[0], [3], []]


@pytest.mark.parametrize(
    ("before", "after", "held"),
    [
        ({"v": 1, "w": 2}, {"v": 1}, {"field v": "1"}),
        ({"v": 1}, {}, {}),
        ({}, {"v": 1}, {"field v": "1"}),
        ({}, {}, {}),
        ({"v": [1, 2]}, {"v": 3}, {"field v": "3"}),
        ({"v": 1}, {"v": None, "w": ["a", "b"]}, {"field w": ['"a"', '"b"']}),
    ],
)
def test_a_field_that_is_gone_is_gone(
    tmp_path: Path, before: dict[str, Any], after: dict[str, Any], held: dict[str, Any]
) -> None:
    """An update of Chroma's merges: what is not named stays."""
    index = make_named(tmp_path, [before, {"v": 7}])
    index.open()
    assert update(index.folder, relabel=(["p0"], [after])) == 2
    assert read_metadata(index.folder) == {"p0": held, "p1": {"field v": "7"}}


def test_nothing_to_change_changes_nothing(tmp_path: Path) -> None:
    index = make_named(tmp_path, [{"v": 1}] * 3)
    index.open()
    assert update(index.folder) == 3
    assert update(index.folder, remove=["p0", "p1", "p2"]) == 0
    assert read_metadata(index.folder) == {}


def test_changes_come_in_batches_and_can_be_cancelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_dense, "_ADD_BATCH", 10)
    index = make_named(tmp_path, [{}] * 25)
    index.open()
    names = [f"n{row}" for row in range(25)]
    new = unit_rows(np.random.default_rng(3).normal(size=(25, 8)))
    assert update(index.folder, remove=index.names, add=(names, new, [{}] * 25)) == 25
    assert set(read_metadata(index.folder)) == set(names)
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        update(index.folder, remove=names, cancel=cancel)
    assert set(read_metadata(index.folder)) == set(names)


@pytest.mark.parametrize("distance", index_dense.DISTANCES)
def test_exact_and_approximate_search_agree_under_every_distance(tmp_path: Path, distance: str) -> None:
    """Lengths differ by a factor of up to six, so that the three orders differ too."""
    draw = np.random.default_rng(3)
    matrix = (draw.normal(size=(40, 8)) * draw.uniform(0.5, 3.0, size=(40, 1))).astype(np.float32)
    queries = draw.normal(size=(5, 8)).astype(np.float32)
    if distance == index_dense.COSINE:
        matrix, queries = unit_rows(matrix), unit_rows(queries)
    chunks = make_chunks({f"c{row}": (f"text {row}",) for row in range(40)})
    vectors = Vectors(matrix, np.arange(40), chunks, "key")
    index = DenseIndex(vectors, [{"even": row % 2 == 0} for row in range(40)], tmp_path / "index", distance=distance)
    expected = {
        "cosine": queries @ matrix.T,
        "ip": queries @ matrix.T,
        "l2": -((queries[:, None, :] - matrix[None, :, :]) ** 2).sum(axis=2),
    }[distance]
    assert np.allclose(index.exact(queries), expected, atol=1e-4)
    for row, (rows, scores) in enumerate(index.approximate(queries, [{}] * 5, depth=10)):
        assert rows.tolist() == np.argsort(-expected[row])[:10].tolist()
        assert np.allclose(scores, expected[row][rows], atol=1e-4)
    index.close()
