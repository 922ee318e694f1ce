"""Builds the index version of a system beside the live one; a plan says beforehand what that takes."""

from __future__ import annotations

import dataclasses
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.costs.prices import read_prices
from core.data.dataset import Dataset
from core.data.split import DEFAULT_SHARE
from core.errors import DamagedFile, InputError, NotInWorkspace
from core.evaluation.answers import find_answerable
from core.graph.estimate import estimate_work, read_speed, write_speed
from core.graph.execute import Execution
from core.graph.node import Node
from core.graph.resources import Resources
from core.schema import QUERIES, empty
from core.settings import DEFAULT_DIMENSIONS, get_threads
from core.stages.embed import model_revision
from core.stages.index_dense import COSINE, build_collection
from core.storage.sealed_folder import find_broken_seal
from core.systems.build import build, make_sources, resolve_language
from core.systems.system import System
from core.versions.contents import COLLECTION, Contents, find_vectors, name_passages, write_contents
from core.versions.version import (
    Version,
    aside_folder,
    hold_build,
    load_version,
    measure_size,
    name_version,
    now_utc,
    version_folder,
    write_version,
)
from core.workspace import Workspace

_INDEX_SPEED, _INDEX_SIZE = "indexing-speed", "indexing-size"
_PASSAGES_PER_SECOND = 1_500.0  # until an index was built here
_BYTES_PER_DIMENSION = 12.0  # of a passage: its vector twice, links and texts; until an index was built here
_CPU_PRICE = "cpu"  # id of the row in the price table


@dataclass(frozen=True)
class VersionPlan:
    """What building a version takes. exists: it was built before. documents, passages: to index. texts, characters: of the
    passages, still to embed; embed_seconds, index_seconds: at this machine's own speed, measured where it was used before; usd:
    for its cores meanwhile, at the table's price. disk_bytes: of the new version, beside the old one. test_queries: about how
    many will judge it before it may answer."""

    id: str
    dataset: str
    system: str
    model: str
    exists: bool
    documents: int
    passages: int
    texts: int
    characters: int
    embed_seconds: float
    index_seconds: float
    disk_bytes: float
    usd: float
    test_queries: int

    @property
    def seconds(self) -> float:
        """Of embedding and indexing."""
        return self.embed_seconds + self.index_seconds

    def to_json(self) -> dict[str, Any]:
        """The fields, with the seconds in all."""
        return {**dataclasses.asdict(self), "seconds": self.seconds}


def plan_version(dataset: Dataset, system: System, resources: Resources) -> VersionPlan:
    """Cuts the corpus to count its passages, and embeds nothing."""
    workspace = resources.workspace
    version_id = name_version(system, dataset.corpus_fingerprint)
    target, execution = prepare_graph(dataset, system, resources)
    vectors = find_vectors(target)
    passages, texts, characters = 0, 0, 0
    if vectors is not None:
        chunks = execution.output(vectors.inputs[0])
        passages = sum(map(len, chunks["passages"]))
        ahead = estimate_work({system.name: vectors}, execution)
        texts, characters = ahead.texts, ahead.characters
    speed = (workspace.read_facts(_INDEX_SPEED) or {}).get("passages_per_second", _PASSAGES_PER_SECOND)
    size = (workspace.read_facts(_INDEX_SIZE) or {}).get("bytes_per_passage", _BYTES_PER_DIMENSION * DEFAULT_DIMENSIONS)
    exists = version_folder(version_id, dataset.name, workspace).is_dir()
    embed_seconds, index_seconds = (0.0, 0.0) if exists else (characters / read_speed(resources), passages / speed)
    return VersionPlan(
        id=version_id,
        dataset=dataset.name,
        system=system.name,
        model=system.dense.model if system.dense else "",
        exists=exists,
        documents=len(dataset.indexed_documents),
        passages=passages,
        texts=texts,
        characters=characters,
        embed_seconds=embed_seconds,
        index_seconds=index_seconds,
        disk_bytes=0.0 if exists else passages * size + float(dataset.documents["text"].str.len().sum()),
        usd=(embed_seconds + index_seconds) * machine_rate(resources),
        test_queries=_count_test_queries(dataset),
    )


def _count_test_queries(dataset: Dataset) -> int:
    """Of the data's own split, else about those that a drawn one will leave."""
    answerable = dataset.queries[dataset.queries["query_id"].isin(find_answerable(dataset.judgments))]
    if dataset.fixed_split:
        return int((answerable["split"] == "test").sum())
    return round(len(answerable) * (1 - DEFAULT_SHARE))


def machine_rate(resources: Resources) -> float:
    """USD a second for all cores of this machine, at the table's price."""
    return read_prices(resources.workspace).get(_CPU_PRICE).price_usd * get_threads() / 3600


def prepare_graph(dataset: Dataset, system: System, resources: Resources) -> tuple[Node, Execution]:
    """The system's graph over the corpus and no queries, and what executes it."""
    documents, queries = make_sources(dataset.corpus_fingerprint, "none")
    if dataset.indexed_documents.empty:
        raise InputError(f"the dataset {dataset.name} has no document with a title or a text; there is nothing to index")
    sources = {documents.key: dataset.indexed_documents, queries.key: empty(QUERIES)}
    target = build(resolve_language(system, dataset), documents=documents, queries=queries)
    return target, Execution(sources, resources)


def build_version(dataset: Dataset, system: System, resources: Resources) -> Version:
    """Builds the version, or finds it if it was built before; it is not live yet.

    Texts that were embedded before a kill or Cancel are in the cache, so that the same call goes on from there.
    """
    version_id = name_version(system, dataset.corpus_fingerprint)
    target, execution = prepare_graph(dataset, system, resources)

    def fill(folder: Path, draft: Version) -> Version:
        started = time.perf_counter()
        vectors = find_vectors(target)
        contents = Contents(dataset, None, [], None)
        if vectors is not None:
            held = execution.output(vectors)
            contents = Contents(dataset, held.chunks, name_passages(held.chunks), held.matrix)
            write_speed(resources)
            build_index(contents, folder, resources, distance=(system.dense and system.dense.distance) or COSINE)
        write_contents(contents, folder)
        usage = resources.usage
        return complete(
            draft,
            contents,
            seconds=time.perf_counter() - started,
            encode_seconds=usage.encode_seconds,
            load_seconds=usage.load_seconds,
            encoded_texts=usage.encoded_texts,
            added=len(dataset.indexed_documents),
        )

    return build_aside(draft_version(version_id, dataset, system), resources, fill)


def draft_version(version_id: str, dataset: Dataset, system: System, *, parent: str = "") -> Version:
    """A version before there is anything in it."""
    model = system.dense.model if system.dense else ""
    return Version(
        id=version_id,
        dataset=dataset.name,
        system=system.to_spec(),
        model=model,
        revision=model_revision(model) if model else "",
        corpus_fingerprint=dataset.corpus_fingerprint,
        documents=len(dataset.indexed_documents),
        passages=0,
        dimensions=0,
        created=now_utc(),
        parent=parent,
    )


def complete(draft: Version, contents: Contents, **work: Any) -> Version:
    """The version with what was counted."""
    matrix = contents.matrix if contents.matrix is not None else np.zeros((0, 0))
    return dataclasses.replace(draft, passages=len(contents.names), dimensions=matrix.shape[1] if len(matrix) else 0, work=work)


def build_index(contents: Contents, folder: Path, resources: Resources, *, distance: str) -> None:
    """The collection, and how fast that went, for the next plan."""
    if contents.matrix is None:
        return
    resources.report(f"indexing {len(contents.names)} passages")
    started = time.perf_counter()
    build_collection(
        folder / COLLECTION,
        contents.matrix,
        contents.list_metadata(),
        cancel=resources.cancel,
        names=contents.names,
        distance=distance,
    )
    if len(contents.names) >= 100:
        speed = len(contents.names) / max(time.perf_counter() - started, 1e-6)
        resources.workspace.write_facts(_INDEX_SPEED, {"passages_per_second": speed})


def _find_whole(draft: Version, workspace: Workspace) -> Version | None:
    """The version, if it was built before and its files are as they were then; a damaged one is set aside."""
    folder = version_folder(draft.id, draft.dataset, workspace)
    try:
        found = load_version(draft.id, draft.dataset, workspace)
        problem = find_broken_seal(folder)
    except NotInWorkspace:
        return None
    except DamagedFile as error:
        problem = error.why
    if problem is None:
        return found
    workspace.set_aside(folder, problem)
    return None


def build_aside(draft: Version, resources: Resources, fill: Callable[[Path, Version], Version]) -> Version:
    """Fills a folder aside and renames it when whole. fill(folder, draft) -> the version that it has become.

    What a build that was killed has left is thrown away first. Raises WorkspaceBusy while another process builds the same.
    """
    workspace = resources.workspace
    folder = version_folder(draft.id, draft.dataset, workspace)
    aside = aside_folder(draft.id, draft.dataset, workspace)
    with hold_build(draft, workspace):
        found = _find_whole(draft, workspace)
        if found is not None:
            return found
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        write_version(draft, aside)
        version = fill(aside, draft)
        write_version(version, aside)
        aside.rename(folder)
    if version.passages >= 100:
        size = measure_size(version, workspace) / version.passages
        workspace.write_facts(_INDEX_SIZE, {"bytes_per_passage": size})
    return version
