"""Brings the live version up to date with the corpus: what changed is found by content, and only that is embedded.

Chroma's files are not safe against a kill while they are written, so the collection is copied (milliseconds beside embedding),
the copy is changed in place, and then it takes over.
"""

from __future__ import annotations

import dataclasses
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.data.dataset import Dataset
from core.errors import InputError, LadderError
from core.graph.estimate import write_speed
from core.graph.execute import Execution
from core.graph.node import Node
from core.graph.resources import Resources
from core.schema import CHUNKS, content_hash, empty, list_passages
from core.stages.index_dense import COSINE, update_collection
from core.storage.sealed_folder import find_broken_collection
from core.versions.build import build_aside, build_index, complete, draft_version, prepare_graph
from core.versions.contents import (
    COLLECTION,
    Contents,
    find_vectors,
    name_passages,
    read_contents,
    strip_queries,
    write_contents,
)
from core.versions.version import (
    REFRESHED,
    Version,
    check_model,
    load_version,
    make_live,
    name_version,
    read_live,
    version_folder,
)


@dataclass(frozen=True)
class Changes:
    """Ids of documents by what became of them. before, after: number of documents."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    deleted: tuple[str, ...]
    before: int
    after: int

    @property
    def count(self) -> int:
        """How many documents were added, changed or deleted."""
        return len(self.added) + len(self.changed) + len(self.deleted)

    @property
    def share(self) -> float:
        """Changed, added and deleted documents over those before; 1.0 if there were none."""
        return self.count / self.before if self.before else float(self.count > 0)

    def to_json(self) -> dict[str, Any]:
        """The ids, with the share that changed."""
        return {**dataclasses.asdict(self), "share": self.share}


@dataclass(frozen=True)
class Refreshed:
    """version: the one that is live now. seconds: in all; encode_seconds, load_seconds of it for embedding and for loading the
    model. encoded_texts: those that had to be embedded. passages_added, passages_removed: of the index."""

    version: Version
    changes: Changes
    seconds: float = 0.0
    encode_seconds: float = 0.0
    load_seconds: float = 0.0
    encoded_texts: int = 0
    passages_added: int = 0
    passages_removed: int = 0

    def to_json(self) -> dict[str, Any]:
        """The numbers, with the version's id and the changes."""
        kept = {part.name: getattr(self, part.name) for part in dataclasses.fields(self) if part.name != "changes"}
        return {**kept, "version": self.version.id, "changes": self.changes.to_json()}


def find_changes(before: pd.DataFrame, after: pd.DataFrame) -> Changes:
    """Two states of the documents, compared by the hash of title, text and metadata. Ids in the order of their frames."""
    old, new = hash_documents(before), hash_documents(after)
    return Changes(
        added=tuple(doc_id for doc_id in new if doc_id not in old),
        changed=tuple(doc_id for doc_id, name in new.items() if old.get(doc_id, name) != name),
        deleted=tuple(doc_id for doc_id in old if doc_id not in new),
        before=len(old),
        after=len(new),
    )


def hash_documents(documents: pd.DataFrame) -> dict[str, str]:
    """Document id -> hash of its content."""
    columns = documents[["doc_id", "title", "text", "metadata"]].itertuples(index=False)
    return {doc_id: content_hash([title, text, metadata]) for doc_id, title, text, metadata in columns}


def look_for_changes(dataset: Dataset, resources: Resources) -> tuple[Version, Changes]:
    """The live version, and how the corpus differs from it. Raises InputError if nothing is live."""
    version = find_live(dataset.name, resources)
    return version, find_changes(read_contents(version, resources.workspace).corpus.documents, dataset.documents)


def find_live(dataset: str, resources: Resources) -> Version:
    """Raises InputError if no version is live."""
    live = read_live(dataset, resources.workspace)
    if not live.version:
        raise InputError(f"no version of {dataset} is live; build one with `versions {dataset} --build SYSTEM` and promote it")
    return load_version(live.version, dataset, resources.workspace)


def refresh(dataset: Dataset, resources: Resources) -> Refreshed:
    """Makes the version of the corpus as it is now from the live one, and puts it in its place.

    The system stays the same, so no evaluation stands in the way; the version before is kept to go back to. Without a change
    nothing happens. Raises InputError if nothing is live, or if the model's files are others than those it was built with.
    """
    started = time.perf_counter()
    version = find_live(dataset.name, resources)
    system = version.read_system()
    check_model(version)
    before = read_contents(version, resources.workspace)
    changes = find_changes(before.corpus.documents, dataset.documents)
    if not changes.count:
        return Refreshed(version, changes, seconds=time.perf_counter() - started)
    draft = draft_version(name_version(system, dataset.corpus_fingerprint), dataset, system, parent=version.id)
    counted: dict[str, int] = {}

    def fill(folder: Path, empty_version: Version) -> Version:
        target, execution = prepare_graph(dataset, system, resources)
        after = renew(before, dataset, target, execution, changes)
        if after.matrix is not None:
            old = version_folder(version.id, version.dataset, resources.workspace) / COLLECTION
            distance = (system.dense and system.dense.distance) or COSINE
            counted.update(_update(before, after, old, folder / COLLECTION, resources, distance=distance))
        write_contents(after, folder)
        return complete(
            empty_version,
            after,
            seconds=time.perf_counter() - started,
            encode_seconds=resources.usage.encode_seconds,
            load_seconds=resources.usage.load_seconds,
            encoded_texts=resources.usage.encoded_texts,
            documents_before=changes.before,
            **{name: len(getattr(changes, name)) for name in ("added", "changed", "deleted")},
            **counted,
        )

    made = build_aside(draft, resources, fill)
    write_speed(resources)
    words = f"{len(changes.added)} added, {len(changes.changed)} changed, {len(changes.deleted)} deleted"
    make_live(made, REFRESHED, resources.workspace, note=words)
    usage = resources.usage
    return Refreshed(
        made,
        changes,
        seconds=time.perf_counter() - started,
        encode_seconds=usage.encode_seconds,
        load_seconds=usage.load_seconds,
        encoded_texts=usage.encoded_texts,
        **counted,
    )


def renew(before: Contents, dataset: Dataset, target: Node, execution: Execution, changes: Changes) -> Contents:
    """What a full rebuild over the dataset would hold: chunks in the order of its documents, vectors of passages that are the
    same as they were, the others embedded."""
    vectors = find_vectors(target)
    if vectors is None or before.chunks is None or before.matrix is None:
        return Contents(strip_queries(dataset), None, [], None)
    resources = execution.resources
    chunks = _cut(before.chunks, dataset, vectors.inputs[0], changes, resources)
    names = name_passages(chunks)
    passages = list_passages(chunks)
    known = {name: row for row, name in enumerate(before.names)}
    new = [row for row, name in enumerate(names) if name not in known]
    width = before.matrix.shape[1] if before.matrix.ndim == 2 and len(before.matrix) else 0
    fresh = np.zeros((0, width), dtype=np.float32)
    if new:
        stage = vectors.stage
        texts = [passages[row] for row in new]
        fresh = resources.encode(stage.model, stage.revision, texts, role="document", prompt=stage.prompt)
    matrix = np.empty((len(names), fresh.shape[1] if len(fresh) else width), dtype=np.float32)
    kept = [row for row, name in enumerate(names) if name in known]
    matrix[kept] = before.matrix[[known[names[row]] for row in kept]] if kept else 0.0
    matrix[new] = fresh
    return Contents(strip_queries(dataset), chunks, names, matrix)


def _cut(before: pd.DataFrame, dataset: Dataset, node: Node, changes: Changes, resources: Resources) -> pd.DataFrame:
    """Chunks of the whole corpus, of which only new and changed documents are cut."""
    documents = dataset.indexed_documents
    touched = {*changes.added, *changes.changed}
    anew = documents[documents["doc_id"].isin(touched)].reset_index(drop=True)
    made: pd.DataFrame = node.stage(anew, resources=resources) if len(anew) else empty(CHUNKS)
    same = before[~before["doc_id"].isin(touched | set(changes.deleted))]
    places = {doc_id: place for place, doc_id in enumerate(documents["doc_id"])}
    parts = [part for part in (same, made) if len(part)]
    if not parts:
        return empty(CHUNKS)
    joined = pd.concat(parts, ignore_index=True)
    joined["place"] = joined["doc_id"].map(places)
    return joined.sort_values(["place", "position"], kind="stable").drop(columns="place").reset_index(drop=True)


def _update(before: Contents, after: Contents, old: Path, new: Path, resources: Resources, *, distance: str) -> dict[str, int]:
    """Copies the collection and changes the copy. Returns passages_added and passages_removed."""
    resources.report("updating the index")
    known, wanted = set(before.names), set(after.names)
    metadata_before = dict(zip(before.names, before.list_metadata(), strict=True))
    metadata = after.list_metadata()
    add = [row for row, name in enumerate(after.names) if name not in known]
    moved = [row for row, name in enumerate(after.names) if name in known and metadata[row] != metadata_before[name]]
    remove = [name for name in before.names if name not in wanted]
    counted = {"passages_added": len(add), "passages_removed": len(remove)}
    if find_broken_collection(old) is not None:  # nothing to build upon
        build_index(after, new.parent, resources, distance=distance)
        return counted
    shutil.copytree(old, new)
    matrix = after.matrix if after.matrix is not None else np.zeros((0, 0), dtype=np.float32)
    count = update_collection(
        new,
        remove=remove,
        add=([after.names[row] for row in add], matrix[add], [metadata[row] for row in add]),
        relabel=([after.names[row] for row in moved], [metadata[row] for row in moved]),
        cancel=resources.cancel,
    )
    if count != len(after.names):
        raise LadderError(f"The updated index holds {count} passages instead of {len(after.names)}; build the version anew.")
    return counted
