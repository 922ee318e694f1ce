"""A Chroma collection, taken into a workspace: its items a dataset, its vectors in the cache, its way of ranking a system.

What the workspace holds is a copy. It is taken anew when the folder's files changed since; a server is always read again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from core.data.catalog import Source, find_source, keep_dataset, open_named, read_notes, remove_dataset, suggest_name
from core.data.catalog import find_named as find_entry
from core.data.dataset import Dataset
from core.data.load import load_collection
from core.data.readers.chroma_collection import ChromaCollection, open_collection, read_corpus_of
from core.data.readers.chroma_place import LABELS, ChromaPlace, sign_place
from core.errors import InputError, ModelUnavailable
from core.graph.resources import Models, Resources
from core.progress import CancelToken, ProgressCallback, ignore_progress
from core.schema import content_hash
from core.settings import BUNDLED_NAMES, DEFAULT_MODEL, UNSCALED_PREFIX
from core.stages.arithmetic import unit_rows
from core.stages.chunk import WholeDocument
from core.stages.embed import find_unusable, model_revision, text_hash
from core.stages.index_dense import COSINE
from core.storage.vector_cache import VectorCache
from core.systems.available import save_own_system
from core.systems.system import Dense, System
from core.text.phrases import count_of
from core.workspace import Workspace

_SAMPLE = 8  # texts that are encoded again, to see whether the stored vectors are the model's
_LEAST_COSINE = 0.99
_LENGTH_TOLERANCE = 0.02  # by how much a stored vector may be longer or shorter than the model's


def name_system(dataset: str) -> str:
    """The name of the system that ranks as the collection does of which a dataset was made."""
    return f"chroma-{dataset}"


def take_collection(
    place: ChromaPlace,
    workspace: Workspace,
    *,
    model: str = "",
    name: str = "",
    labels: Path | None = None,
    models: Models | None = None,
    cancel: CancelToken | None = None,
    on_progress: ProgressCallback = ignore_progress,
) -> Dataset:
    """The dataset of a collection, taken into the workspace, or opened if nothing changed since.

    model: whose the vectors are, by default the one that is kept with the collection, if it comes with this program. They are
    taken if texts encoded again agree with them; the warnings say what was found. labels: a folder with queries.jsonl and
    judgments, by default the one that lies beside the collection. Raises InputError for all that cannot be read, and
    ModelUnavailable if a model that was named cannot be had.
    """
    if labels is not None:
        place = with_labels(place, labels)
    before = find_source(str(place), workspace)
    signature = sign_place(place)
    if before is not None:
        known, source = before
        same = (not model or model == source.model) and (not name or name == known)
        if signature and signature == source.signature and same:
            dataset = open_named(known, workspace)
            return replace(dataset, warnings=(*read_notes(find_entry(known, workspace)), *dataset.warnings))
        model, name = model or source.model, name or known
    resources = Resources.open(workspace, models=models, cancel=cancel, on_progress=on_progress)
    with open_collection(place) as collection:
        taking = _Taking(collection, resources, model)
        taking.check()
        corpus = read_corpus_of(
            collection, vectors=taking.agreed, take=taking.take if taking.agreed else None, on_progress=on_progress
        )
        name = name or suggest_name(collection.name, workspace)
        system = taking.make_system(name)
        notes = taking.describe(system)
    dataset = load_collection(place, name=name, corpus=corpus)
    dataset = replace(dataset, warnings=(*notes, *dataset.warnings))
    if before is not None and name == before[0]:
        remove_dataset(name, workspace)
    keep_dataset(dataset, name, workspace, source=Source(str(place), signature, model))
    if system is not None:
        save_own_system(system, workspace)
        taking.keep_texts(dataset.corpus_fingerprint)
    return dataset


def with_labels(place: ChromaPlace, labels: Path) -> ChromaPlace:
    """The place whose queries and judgments lie in this folder. Raises InputError if there are none."""
    if not (labels / LABELS).is_file():
        raise InputError(f"holds no {LABELS}; give the folder with the queries and their judgments", file=labels)
    return replace(place, labels=labels)


@dataclass
class _Taking:
    """Takes the vectors of a collection into the cache of a model's, once some of them were seen to be that model's."""

    collection: ChromaCollection
    resources: Resources
    named: str
    agreed: bool = False
    problem: str = ""
    lowest: float = 0.0
    compared: int = 0
    prompt: str | None = None
    by_length: bool = False
    taken: int = 0
    unusable: int = 0
    differing: int = 0
    lengths: tuple[float, float] = (np.inf, 0.0)
    _seen: set[str] = field(default_factory=set)

    @property
    def model(self) -> str:
        """Whose the vectors are said to be."""
        wanted = self.named or self.collection.model
        return DEFAULT_MODEL if wanted in BUNDLED_NAMES else wanted

    def check(self) -> None:
        """Finds out whether the vectors are the model's, with its own prompt before documents or with none."""
        name_it = "(--model, or on the page Data)"
        if not self.model:
            self.problem = f"which model they are of is not kept with it; name it {name_it}"
            return
        if not self.named and self.model != DEFAULT_MODEL:
            self.problem = f"by its own word they are of {self.model!r}; name that model to take them {name_it}"
            return
        sample = list(self.collection.read_sample(_SAMPLE))
        if not sample:
            self.problem = "no text could be encoded again to compare"
            return
        texts, stored = [text.strip() for text, _ in sample], np.stack([vector for _, vector in sample])
        for prompt in (None, ""):
            encoded = self._encode(self.model, texts, prompt)
            if encoded.shape[1] != stored.shape[1]:
                self.problem = (
                    f"they have {stored.shape[1]} dimensions, and those of {self.model!r} {encoded.shape[1]}; name the model "
                    f"that they were made with {name_it}"
                )
                return
            cosine = float((unit_rows(encoded) * unit_rows(stored)).sum(axis=1).min())
            if cosine >= _LEAST_COSINE:
                self.agreed, self.prompt, self.lowest, self.compared = True, prompt, cosine, len(texts)
                self._compare_lengths(texts, stored)
                return
            self.problem = self.problem or (
                f"of {count_of(len(texts), 'text')} encoded again by {self.model!r} one has a cosine of only {cosine:.2f} with "
                f"its stored vector ({_LEAST_COSINE:g} is the least); name the model that they were made with {name_it}"
            )

    def _encode(self, model: str, texts: list[str], prompt: str | None) -> np.ndarray:
        encoder = self.resources.encoder(model, model_revision(model))
        return encoder.encode(texts, role="document" if prompt is None else "raw").vectors

    def _compare_lengths(self, texts: list[str], stored: np.ndarray) -> None:
        """Lengths count in l2 and ip; where all are 1, these rank as cosine does."""
        if self.collection.distance == COSINE or _is_unit(np.linalg.norm(stored, axis=1)):
            return
        own = np.linalg.norm(self._encode(UNSCALED_PREFIX + self.model, texts, self.prompt), axis=1)
        self.by_length = bool(np.allclose(np.linalg.norm(stored, axis=1), own, rtol=_LENGTH_TOLERANCE))

    def take(self, texts: Sequence[str], matrix: np.ndarray) -> None:
        """Writes the vectors of a page into the cache."""
        lengths = np.linalg.norm(matrix.astype(np.float64), axis=1)
        usable = [row for row in range(len(texts)) if find_unusable(matrix[row : row + 1]) is None and lengths[row] > 0]
        self.unusable += len(texts) - len(usable)
        if usable:
            kept = lengths[usable]
            self.lengths = (min(self.lengths[0], float(kept.min())), max(self.lengths[1], float(kept.max())))
        hashes = {row: text_hash(texts[row].strip(), role="document", prompt=self.prompt) for row in usable}
        cache = self._open_cache(self.model)
        if cache.width() not in (None, matrix.shape[1]):
            raise ModelUnavailable(
                f"The vectors kept in this workspace under the name {self.model!r} have {cache.width()} dimensions, and the "
                f"collection's {matrix.shape[1]}: give another workspace (--workspace), or another name to the model."
            )
        fresh: dict[str, int] = {}
        repeated = []
        for row, key in hashes.items():
            if key in self._seen:
                repeated.append(row)
            else:
                self._seen.add(key)
                fresh[key] = row
        unit = unit_rows(matrix)
        cache.write({key: unit[row] for key, row in fresh.items()})
        if self.by_length:
            self._open_cache(UNSCALED_PREFIX + self.model).write({key: matrix[row] for key, row in fresh.items()})
        self.taken += len(usable)
        first = cache.read([hashes[row] for row in repeated]) if repeated else {}
        self.differing += sum(float(first[hashes[row]] @ unit[row]) < _LEAST_COSINE for row in repeated)

    def keep_texts(self, corpus: str) -> None:
        """Writes down which vectors the corpus has here, as the steps of a system do of theirs."""
        workspace, revision = self.resources.workspace, model_revision(self.model)
        key = content_hash(["taken vectors", corpus, self.model, revision])
        workspace.write_facts(key, {"texts": [f"{self.model}|{revision}|{name}" for name in sorted(self._seen)]})
        workspace.made_for(corpus).note(f"cache/nodes/{key}.json", [f"{self.model}|{revision}"])

    def _open_cache(self, model: str) -> VectorCache:
        return self.resources.workspace.vectors(model, model_revision(model))

    def make_system(self, dataset: str) -> System | None:
        """The system that ranks as the collection does, or None if its vectors were not taken."""
        if not self.agreed:
            return None
        distance = self.collection.distance if self.by_length else None
        return System(
            name=name_system(dataset),
            description=f"The Chroma collection {self.collection.name} as it is: each item a chunk, its model, its distance.",
            chunk=WholeDocument(prefix="none"),
            dense=Dense(model=self.model, query_prompt=self.prompt, document_prompt=self.prompt, distance=distance),
        )

    def describe(self, system: System | None) -> list[str]:
        """What became of the vectors, in sentences."""
        if system is None:
            return [f"The collection's vectors are not taken, since {self.problem}. Its texts are embedded anew."]
        distance, one = self.collection.distance, self.taken == 1
        notes = [
            f"{count_of(self.taken, 'vector')} of the collection {'is' if one else 'are'} taken as {self.model}'s, and not "
            f"made again where a chunk is a whole item: {count_of(self.compared, 'text')} encoded again had a cosine of at "
            f"least {self.lowest:.3f} with what is stored. The system “{system.name}” ranks as the collection does."
        ]
        if distance != COSINE and not self.by_length:
            notes.append(
                f"The collection ranks by {distance}; its vectors are of length 1, so this is the order of cosine."
                if _is_unit(np.array(self.lengths))
                else f"The collection ranks by {distance}, and its vectors have lengths that {self.model} does not give: "
                f"“{system.name}” ranks by cosine, which may be another order."
            )
        if self.unusable:
            verb = "is zero or not finite; its text is" if self.unusable == 1 else "are zero or not finite; their texts are"
            notes.append(f"{count_of(self.unusable, 'vector')} of the collection {verb} embedded anew.")
        if self.differing:
            verb = "has" if self.differing == 1 else "have"
            notes.append(
                f"{count_of(self.differing, 'item')} of the collection {verb} the text of another and a different vector; the "
                "vector of the first is used for both."
            )
        return notes


def _is_unit(lengths: np.ndarray) -> bool:
    return bool(np.allclose(lengths, 1.0, atol=1e-3))
