"""The clock: query by query through systems at several sizes of a corpus, depths of reranking and widths of vectors.

core.scaling.measure calls it and keeps what it finds. Queries are timed in turn, so that load on the machine weighs on all
sizes alike, and steps that do not read
the corpus (embedding the query) run once for all sizes.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.data.dataset import Dataset
from core.errors import Cancelled, InputError, LadderError
from core.experiment.system_runs import SystemRuns
from core.graph.execute import Execution, distinct_nodes
from core.graph.latency import choose_rows, measure_latency
from core.graph.node import Node
from core.graph.resources import Resources
from core.scaling.curves import DENSE_SEARCH, Point
from core.schema import RUN_DEPTH
from core.stages.arithmetic import unit_rows
from core.stages.embed import Vectors
from core.stages.index_dense import DenseIndex, IndexDense
from core.storage.scratch import scratch_folder
from core.storage.vector_cache import VectorCache
from core.systems.system import System
from core.workspace import Workspace

_DEPTHS = (10, 25)  # measured besides a reranker's own
_WIDTHS = (4, 2, 1)  # a model's dimensions are divided by these
_QUERIES = 100  # timed at each size; each is asked several times where there are fewer
_SECONDS = 60.0  # after which no further query is timed
_SEARCHES = 100  # random ones timed at each width
_WARM_UP = 5
_SMALL = 4 * RUN_DEPTH  # documents; below, ranking sorts the whole corpus, and grows faster than it goes on growing
_REACH = 3 * RUN_DEPTH  # passages that dense search asks the index for


class BorrowedWorkspace(Workspace):
    """A workspace to be thrown away, which reads another one's models, vectors, frames and whole indexes.

    Vectors and token vectors that are missing are written there, being as good as any; indexes, frames, scores and facts are
    written to the folder of its own.
    """

    def __init__(self, folder: Path, owner: Workspace) -> None:
        super().__init__(folder)
        self._owner = owner

    @property
    def models(self) -> Path:
        """The owner's: a trained model is only read."""
        return self._owner.models

    def vectors(self, model: str, revision: str) -> VectorCache:
        """The owner's, to read and to write."""
        return self._owner.vectors(model, revision)

    def tokens(self, model: str, revision: str) -> VectorCache:
        """The owner's, to read and to write."""
        return self._owner.tokens(model, revision)

    def read_frame(self, key: str) -> pd.DataFrame | None:
        """The owner's, else its own."""
        return self._owner.read_frame(key) if self._owner.has_frame(key) else super().read_frame(key)

    def index_folder(self, key: str) -> Path:
        """The owner's where that index is whole, else its own."""
        whole = self._owner.index_folder(key)
        return whole if whole.is_dir() else super().index_folder(key)


@contextmanager
def borrow_workspace(owner: Workspace) -> Iterator[BorrowedWorkspace]:
    """A BorrowedWorkspace whose folder is gone afterwards, also after an error or Cancel."""
    with scratch_folder(owner.path("scratch")) as folder:
        yield BorrowedWorkspace(folder, owner)


@dataclass(frozen=True)
class Timings:
    """What was measured of one system. sizes: a point per size, smallest first; depths: further ones at the full size; widths:
    dimensions -> median ms of one query's searches of the index, the model's own dimensions last; empty without an index."""

    sizes: tuple[Point, ...]
    depths: tuple[Point, ...]
    widths: Mapping[int, float]


@dataclass(frozen=True)
class _Cell:
    """One thing to time: a system over a subset, maybe with another depth than its own."""

    system: str
    documents: int
    depth: int
    own_depth: bool = True

    @property
    def label(self) -> str:
        return f"{self.system}, {self.documents} documents, depth {self.depth}"


def draw_subsets(dataset: Dataset, shares: Sequence[float], *, seed: int) -> dict[int, Dataset]:
    """Number of documents -> the dataset with so many of them and without labels, for each share; smallest first.

    A smaller one is part of every larger one; equal sizes come once. Sizes below 400 documents are left out where three larger
    ones remain. Raises InputError unless all shares are above 0 and at most 1, and there are three different sizes: with two
    nothing would be left to try the fit on.
    """
    wrong = [share for share in shares if not 0 < share <= 1]
    if wrong:
        raise InputError(f"a size of {wrong[0]:g} was asked for; sizes are shares of the documents, above 0 and at most 1")
    documents = dataset.indexed_documents
    counts = sorted({max(1, round(share * len(documents))) for share in shares}) if len(documents) else []
    if len(counts) < 3:
        raise InputError(
            f"{len(documents)} documents in shares of {', '.join(f'{share:g}' for share in shares)} give {len(counts)} "
            "different sizes, and a fit needs three; take more documents or more shares"
        )
    large = [count for count in counts if count >= _SMALL]
    order = np.random.default_rng(seed).permutation(len(documents))
    bare = dataclasses.replace(dataset, judgments=dataset.judgments.iloc[:0], evidence=dataset.evidence.iloc[:0])
    return {
        count: bare  # whole, so that what is kept of the corpus is found
        if count == len(documents)
        else dataclasses.replace(bare, documents=documents.iloc[np.sort(order[:count])].reset_index(drop=True))
        for count in (large if len(large) >= 3 else counts)
    }


def time_systems(
    subsets: Mapping[int, Dataset],
    systems: Mapping[str, System],
    resources: Resources,
    *,
    on_phase: Callable[[str], None],
    seed: int,
) -> dict[str, Timings]:
    """Times the systems over every subset; rerankers at several depths and dense indexes at several widths over the largest.

    resources: over a BorrowedWorkspace. on_phase: told what comes next, once per subset and twice more. A system that cannot
    be built, or fails while it is prepared or timed, is left out.
    """
    cells = _list_cells(systems, list(subsets))
    by_size = {
        size: SystemRuns(subset, {cell.label: made for cell, made in cells.items() if cell.documents == size}, "all", resources)
        for size, subset in subsets.items()
    }
    largest = by_size[max(by_size)]
    rows = choose_rows(len(largest.queries), most=_QUERIES)
    asked, timed = largest.queries.iloc[rows], largest.queries.iloc[np.resize(rows, _QUERIES)]
    # One source of queries for all sizes: what it alone feeds runs once.
    sources: dict[str, Any] = {largest.query_source.key: asked}
    sources |= {system_runs.document_source.key: system_runs.documents for system_runs in by_size.values()}
    # Without token_nodes: token vectors are made for the hits that are reranked, not for the whole corpus.
    warm = Execution(sources, resources)
    targets: dict[str, Node] = {}
    try:
        for size, system_runs in by_size.items():
            on_phase(f"preparing {size:,} of {max(subsets):,} documents")
            targets |= {label: node for label, node in system_runs.targets.items() if _prepare(node, warm)}
        on_phase("timing one query at a time")
        late = any(node.stage.token_vectors for node in distinct_nodes(targets))
        found = measure_latency(
            targets, timed, source=largest.query_source, warm=warm, most=_QUERIES, seconds=_SECONDS, rehearse=late
        )
        on_phase("timing vectors of other dimensions")
        widths = _time_widths([largest.targets[label] for label in found if label in largest.targets], warm, seed=seed)
    finally:
        _close(warm.memory.values(), below=resources.workspace.folder)
    return _collect(cells, found, {label: _find_widths(node, widths) for label, node in largest.targets.items()})


def _list_cells(systems: Mapping[str, System], sizes: Sequence[int]) -> dict[_Cell, System]:
    cells: dict[_Cell, System] = {}
    for name, system in systems.items():
        own = system.rerank.depth if system.rerank is not None else 0
        for size in sizes:
            cell = _Cell(name, size, own)
            cells[cell] = dataclasses.replace(system, name=cell.label)
        for depth in _DEPTHS if system.rerank is not None else ():
            if depth != own:
                cell = _Cell(name, max(sizes), depth, own_depth=False)
                rerank = dataclasses.replace(system.rerank, depth=depth)
                cells[cell] = dataclasses.replace(system, name=cell.label, rerank=rerank)
    return cells


def _prepare(target: Node, warm: Execution) -> bool:
    """Puts the corpus side into memory and builds the index; False if it fails.

    What compares token vectors runs once over all queries: reading these is a part of its time, making them is not.
    """
    late = any(node.stage.token_vectors for node in target.walk())
    try:
        for node in distinct_nodes({"": target}):
            made = None if node.per_query else warm.output(node)
            if isinstance(made, DenseIndex):
                made.open()
        if late:
            warm.output(target)
    except Cancelled:
        raise
    except LadderError:
        return False
    return True


def _time_widths(targets: Sequence[Node], warm: Execution, *, seed: int) -> dict[str, dict[int, float]]:
    """Key of each dense index of the targets -> {dimensions: median ms of one search}, over vectors cut to so many.

    The query vectors are random: a model of that width does not exist here, and the time hardly depends on what is asked.
    """
    nodes = {
        node.key: node
        for node in distinct_nodes({str(n): target for n, target in enumerate(targets)})
        if isinstance(node.stage, IndexDense)
    }
    found: dict[str, dict[int, float]] = {}
    for key, node in nodes.items():
        index: DenseIndex = warm.output(node)
        if index.size:
            found[key] = _time_index(index, warm.resources.workspace.path("widths", key), seed=seed)
    return found


def _time_index(index: DenseIndex, folder: Path, *, seed: int) -> dict[int, float]:
    own = index.vectors.matrix.shape[1]
    draw = np.random.default_rng(seed)
    narrow: dict[int, DenseIndex] = {}
    times: dict[int, list[float]] = {width: [] for width in sorted({max(1, own // part) for part in _WIDTHS})}
    try:
        for width in times:
            narrow[width] = _cut_index(index, width, folder / str(width))
        for count in range(_WARM_UP + _SEARCHES):
            for width, searched in narrow.items():
                index.cancel.check()
                query = unit_rows(draw.standard_normal((1, width)))
                started = time.perf_counter()
                searched.approximate(query, [{}], depth=_REACH)
                if count >= _WARM_UP:
                    times[width].append(time.perf_counter() - started)
    finally:
        _close(narrow.values(), below=folder)
    return {width: 1000 * float(np.median(taken)) for width, taken in times.items()}


def _cut_index(index: DenseIndex, width: int, folder: Path) -> DenseIndex:
    """The same passages with vectors of fewer dimensions; the index itself if it has no more than that."""
    matrix = index.vectors.matrix
    if width == matrix.shape[1]:
        return index
    cut = matrix[:, :width].copy()
    cut[~cut.any(axis=1), 0] = 1.0  # a vector of zeros has no direction
    vectors = Vectors(unit_rows(cut), index.vectors.chunk_rows, index.vectors.chunks, f"{index.vectors.key}, {width}")
    narrow = DenseIndex(vectors, index.metadata, folder, cancel=index.cancel)
    narrow.open()
    return narrow


def _close(indexes: Iterable[Any], *, below: Path) -> None:
    """Lets go of the files of the indexes that are to be removed; one that lies elsewhere has other readers and stays open."""
    for index in indexes:
        if isinstance(index, DenseIndex) and below in index.folder.parents:
            index.close()


def _find_widths(target: Node, widths: Mapping[str, Mapping[int, float]]) -> dict[int, float]:
    """Dimensions -> median ms of all searches of one query: feedback searches twice."""
    nodes = list(target.walk())
    searches = sum(type(node.stage).__name__ == DENSE_SEARCH for node in nodes)
    mine = next((widths[node.key] for node in nodes if node.key in widths), {})
    return {width: searches * ms for width, ms in mine.items()}


def _collect(
    cells: Mapping[_Cell, System], found: Mapping[str, Mapping[str, Any]], widths: Mapping[str, Mapping[int, float]]
) -> dict[str, Timings]:
    """The points of each system that was timed at every size."""
    timings: dict[str, Timings] = {}
    for name in dict.fromkeys(cell.system for cell in cells):
        own = [cell for cell in cells if cell.system == name and cell.own_depth]
        others = [cell for cell in cells if cell.system == name and not cell.own_depth and cell.label in found]
        if all(cell.label in found for cell in own):
            sizes, depths = (tuple(_make_point(cell, found[cell.label]) for cell in part) for part in (own, others))
            timings[name] = Timings(sizes, depths, widths[own[-1].label])
    return timings


def _make_point(cell: _Cell, facts: Mapping[str, Any]) -> Point:
    return Point(cell.documents, cell.depth, facts["p50"], facts["p95"], facts["n"], dict(facts["stages"]))
