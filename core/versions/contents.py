"""What is inside a version: the corpus as it was, its chunks with their vectors, and the collection that is searched."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.data.dataset import Dataset
from core.data.load import load_dataset
from core.data.write import write_dataset
from core.errors import DamagedFile
from core.graph.node import Node
from core.graph.resources import Models
from core.live.search import LiveSearch
from core.schema import EVIDENCE, JUDGMENTS, QUERIES, content_hash, empty
from core.stages.embed import EmbedChunks, Vectors
from core.stages.index_dense import DenseIndex, IndexDense
from core.storage.files import read_frame, write_frame
from core.storage.sealed_folder import find_broken_seal, list_files, seal_folder
from core.versions.version import RECORD, Version, check_model, version_folder
from core.workspace import Workspace

CORPUS, COLLECTION = "corpus", "collection"
_CHUNKS, _VECTORS, _NAMES = "chunks.parquet", "vectors.npy", "names"


@dataclass(frozen=True)
class Contents:
    """corpus: a Dataset without queries. chunks: schema.CHUNKS, None where nothing is cut. names: an id for each passage, from
    its text and place, so that an unchanged passage keeps it; matrix: their vectors, float32, passages x dimensions, in the
    order of the chunks, None without a dense side."""

    corpus: Dataset
    chunks: pd.DataFrame | None
    names: list[str]
    matrix: np.ndarray | None

    @property
    def chunk_rows(self) -> np.ndarray:
        """For each passage the row of its chunk."""
        counts = [len(group) for group in self.chunks["passages"]] if self.chunks is not None else []
        return np.repeat(np.arange(len(counts)), counts)

    def list_metadata(self) -> list[dict[str, Any]]:
        """For each passage its document's metadata."""
        if self.chunks is None:
            return []
        by_id = dict(zip(self.corpus.documents["doc_id"], self.corpus.documents["metadata"], strict=True))
        doc_ids = self.chunks["doc_id"].tolist()
        return [by_id[doc_ids[row]] for row in self.chunk_rows]


def name_passages(chunks: pd.DataFrame) -> list[str]:
    """An id for each passage: of its chunk, its text, and its number among equal ones."""
    return [
        content_hash([chunk_id, text, passages[:place].count(text)])[:24]
        for chunk_id, passages in zip(chunks["chunk_id"], chunks["passages"], strict=True)
        for place, text in enumerate(passages)
    ]


def strip_queries(dataset: Dataset) -> Dataset:
    """The corpus alone."""
    frames = {"queries": empty(QUERIES), "judgments": empty(JUDGMENTS), "evidence": empty(EVIDENCE)}
    return dataclasses.replace(dataset, **frames, warnings=(), fixed_split=False)


def write_contents(contents: Contents, folder: Path) -> None:
    """Everything but the collection."""
    write_dataset(strip_queries(contents.corpus), folder / CORPUS)
    if contents.chunks is not None:
        write_frame(contents.chunks, folder / _CHUNKS)
    if contents.matrix is not None:
        np.save(folder / _VECTORS, contents.matrix)
    seal_folder(folder, [name for name in list_files(folder) if not name.startswith(f"{COLLECTION}/") and name != RECORD])


def read_contents(version: Version, workspace: Workspace) -> Contents:
    """Raises InputError if the files are not what the version says they are."""
    folder = version_folder(version.id, version.dataset, workspace)
    if (problem := find_broken_seal(folder)) is not None:
        raise _say_damaged(version, folder, problem)
    try:
        corpus = load_dataset(folder / CORPUS, name=version.dataset)
        chunks = read_frame(folder / _CHUNKS) if (folder / _CHUNKS).is_file() else None
        matrix = np.load(folder / _VECTORS) if version.model else None
    except (OSError, ValueError) as error:
        raise _say_damaged(version, folder, type(error).__name__) from error
    names = name_passages(chunks) if chunks is not None else []
    if corpus.corpus_fingerprint != version.corpus_fingerprint:
        raise _say_damaged(version, folder, "its corpus is another one")
    if matrix is not None and len(matrix) != len(names):
        raise _say_damaged(version, folder, f"{len(matrix)} vectors for {len(names)} passages")
    return Contents(corpus, chunks, names, matrix)


def _say_damaged(version: Version, folder: Path, what: str) -> DamagedFile:
    told = f"the version {version.id} is damaged ({what}); build it again, or roll back"
    return DamagedFile(told, file=folder, why=what)


def find_vectors(target: Node) -> Node | None:
    """The node of a system's graph that embeds its chunks, None without a dense side."""
    return target.find_first(EmbedChunks)


def restore(contents: Contents, target: Node, folder: Path) -> dict[str, Any]:
    """Outputs of a graph's nodes as the version in `folder` has them, by node key: what need not be computed again."""
    vectors = find_vectors(target)
    if vectors is None or contents.chunks is None or contents.matrix is None:
        return {}
    held = Vectors(matrix=contents.matrix, chunk_rows=contents.chunk_rows, chunks=contents.chunks, key=folder.name)
    made: dict[str, Any] = {vectors.inputs[0].key: contents.chunks, vectors.key: held}
    for node in target.walk():
        if isinstance(node.stage, IndexDense):
            made[node.key] = DenseIndex(
                held,
                contents.list_metadata(),
                folder / COLLECTION,
                names=contents.names,
                distance=node.stage.distance,
                root=folder.parents[2],
            )
    return made


def open_version(version: Version, workspace: Workspace, *, models: Models | None = None) -> LiveSearch:
    """Answers typed queries from the version's own files: give search() {version.name: version.read_system()}.

    Raises InputError if they are damaged, or the model's files changed.
    """
    check_model(version)
    contents = read_contents(version, workspace)
    folder = version_folder(version.id, version.dataset, workspace)
    search = LiveSearch(contents.corpus, workspace, models=models or Models())
    search.adopt(version.read_system(), lambda target: restore(contents, target, folder))
    return search
