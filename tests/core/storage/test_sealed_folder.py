"""A Chroma folder is compared with its hashes before it is opened: a damaged one may end the process."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.progress import CancelToken
from core.stages import index_dense
from core.stages.index_dense import open_collection
from core.storage.sealed_folder import DATABASE, SEAL, find_broken_collection, list_files

ROWS = 1_100  # from 1,000 on Chroma keeps its graph in files of its own


def search(folder: Path, matrix: np.ndarray) -> list[str]:
    client, collection = open_collection(folder, matrix, [{"row": 1}] * len(matrix), cancel=CancelToken())
    found = collection.query(query_embeddings=matrix[:1], n_results=5)["ids"][0]
    client.close()
    return list(found)


def find_index_entry(database: Path) -> int:
    """The last byte of what an index of the largest table holds: a page's entries stand at its end."""
    with closing(sqlite3.connect(database)) as connection:
        [size] = connection.execute("PRAGMA page_size").fetchone()
        query = "SELECT rootpage FROM sqlite_master WHERE type = 'index' AND tbl_name = 'embeddings'"
        [root] = connection.execute(query).fetchone()
    return int(root * size - 1)


def test_no_byte_of_a_kept_graph_may_change_unseen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = np.random.default_rng(3).normal(size=(ROWS, 8)).astype(np.float32)
    folder = tmp_path / "indexes" / "k"
    before = search(folder, matrix)
    assert find_broken_collection(folder) is None, "opening and searching is no damage"
    graph = [name for name in list_files(folder) if "/" in name and (folder / name).stat().st_size]
    assert {Path(name).name for name in graph} >= {"data_level0.bin", "header.bin", "length.bin", "index_metadata.pickle"}
    for name in (*graph, SEAL):
        data = (folder / name).read_bytes()
        for place in {0, len(data) // 2, len(data) - 1}:
            (folder / name).write_bytes(data[:place] + bytes([data[place] ^ 0x41]) + data[place + 1 :])
            assert find_broken_collection(folder) is not None, (name, place)
        (folder / name).write_bytes(data)
    rows = (folder / DATABASE).read_bytes()
    (folder / DATABASE).write_bytes(rows.replace(matrix[ROWS - 1].tobytes(), matrix[0].tobytes()))
    assert find_broken_collection(folder) is not None
    (folder / DATABASE).write_bytes(rows)
    assert find_broken_collection(folder) is None
    place = find_index_entry(folder / DATABASE)
    (folder / DATABASE).write_bytes(rows[:place] + bytes([rows[place] ^ 0x01]) + rows[place + 1 :])
    assert "DatabaseError" in str(find_broken_collection(folder)), "an index leads elsewhere, while all rows are there"
    (folder / DATABASE).write_bytes(rows)
    file = folder / next(name for name in graph if name.endswith("data_level0.bin"))
    file.write_bytes(file.read_bytes()[:-1] + b"\x41")
    opened = []

    def connect(place: Path, **options: Any) -> Any:
        opened.append(find_broken_collection(place) if place == folder else None)
        return connect_folder(place, **options)

    connect_folder = index_dense.connect_folder
    monkeypatch.setattr(index_dense, "connect_folder", connect)
    assert search(folder, matrix) == before, "it was built again"
    assert len(opened) == 2 and set(opened) == {None}, "what is damaged is never opened"
