"""Collections taken into a workspace: no vector is made twice, and each ranks as it did in Chroma."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.data.catalog import list_datasets, open_named, read_notes
from core.data.dataset import Dataset
from core.data.readers.chroma_collection import open_collection
from core.data.readers.chroma_place import find_place
from core.errors import InputError, ModelUnavailable
from core.experiment.system_runs import SystemRuns
from core.experiment.take_collection import take_collection
from core.graph.resources import Models, Resources
from core.settings import DEFAULT_MODEL, UNSCALED_PREFIX
from core.stages.arithmetic import unit_rows
from core.stages.embed import Encoded
from core.systems.available import list_own_systems
from core.workspace import Workspace
from tests.support.chroma import TEXTS, hash_files, make_collection
from tests.support.models import MISSING, FakeModels, WordTokenizer

WORDS = [f"word{number} text{number % 7} of{number % 3}" for number in range(40)]
ASKED = [f"word{number} asks{number}" for number in range(0, 40, 4)]


def long_vector(text: str) -> np.ndarray:
    """Eight numbers from the text alone, of lengths that differ by far: what a model without normalisation gives."""
    draw = np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big"))
    return (draw.normal(size=8) * draw.uniform(0.5, 3.0)).astype(np.float32)


@dataclass
class LongEncoder:
    """long_vector(), scaled to unit length or not."""

    unit: bool
    asked: list[tuple[str, str]] = field(default_factory=list)

    def encode(self, texts: list[str], *, role: str, tokens: bool = False) -> Encoded:
        self.asked.extend((role, text) for text in texts)
        matrix = np.stack([long_vector(text) for text in texts])
        return Encoded(unit_rows(matrix) if self.unit else matrix)


class LongModels(Models):
    def __init__(self) -> None:
        self.made: list[LongEncoder] = []
        super().__init__(load=self._load)

    def _load(self, name: str, **_: Any) -> LongEncoder:
        self.made.append(LongEncoder(unit=not name.startswith(UNSCALED_PREFIX)))
        return self.made[-1]

    def tokenizer(self, name: str, revision: str = "", **_: Any) -> Any:
        return WordTokenizer()

    @property
    def asked(self) -> list[tuple[str, str]]:
        return [pair for encoder in self.made for pair in encoder.asked]


def take(folder: Path | str, workspace: Path, models: Models | None = None, **options: Any) -> Dataset:
    place = find_place(folder)
    assert place is not None
    return take_collection(place, Workspace(workspace), models=models or FakeModels(), **options)


def write_labels(folder: Path, asked: list[str], *, doc_id: str = "i0") -> Path:
    folder.mkdir(exist_ok=True)
    lines = [json.dumps({"_id": f"q{number}", "text": text}) for number, text in enumerate(asked)]
    (folder / "queries.jsonl").write_text("\n".join(lines))
    rows = [f"q{number}\t{doc_id}\t1" for number in range(len(asked))]
    (folder / "qrels.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *rows]))
    return folder


def rank(dataset: Dataset, workspace: Path, models: Models) -> dict[str, list[str]]:
    """Query text -> document ids, by the system that was taken with the dataset."""
    systems = list_own_systems(Workspace(workspace))
    runs = SystemRuns(dataset, systems, "all", Resources(Workspace(workspace), models=models))
    name = f"chroma-{dataset.name}"
    run = runs.execution.output(runs.targets[name])
    texts = dict(zip(dataset.queries["query_id"], dataset.queries["text"], strict=True))
    return {texts[query_id]: hits["doc_id"].tolist() for query_id, hits in run.groupby("query_id", sort=False)}


def test_documents_are_not_encoded_again(tmp_path: Path, workspace: Path) -> None:
    folder = make_collection(tmp_path / "store", metadata={"embedding_model": DEFAULT_MODEL, "hnsw:space": "cosine"})
    write_labels(folder, ["battery", "mail"])
    before, models = hash_files(folder), FakeModels()
    dataset = take(folder, workspace, models)
    assert len(models.fake.asked) == 8  # those that were compared, here all of them
    models.fake.asked.clear()
    assert rank(dataset, workspace, models)["battery"][:2] == ["i0", "i5"]
    assert models.fake.asked == [("query", "battery"), ("query", "mail")] or {role for role, _ in models.fake.asked} == {
        "query"
    }
    assert hash_files(folder) == before
    assert dataset.warnings == (
        "8 vectors of the collection are taken as all-MiniLM-L6-v2's, and not made again where a chunk is a whole item: 8 "
        "texts encoded again had a cosine of at least 1.000 with what is stored. The system “chroma-docs” ranks as the "
        "collection does.",
    )


@pytest.mark.parametrize("distance", ["cosine", "l2", "ip"])
def test_it_ranks_as_the_collection_does(tmp_path: Path, workspace: Path, distance: str) -> None:
    vectors = np.stack([long_vector(text) for text in WORDS])
    folder = make_collection(tmp_path / "store", texts=WORDS, vectors=vectors, configuration={"hnsw": {"space": distance}})
    write_labels(folder, ASKED)
    models = LongModels()
    dataset = take(folder, workspace, models, model="long")
    models.made.clear()
    models._encoders.clear()
    ranked = rank(dataset, workspace, models)
    assert {role for role, _ in models.asked} == {"query"}
    place = find_place(folder)
    assert place is not None
    with open_collection(place) as collection:
        theirs = {text: collection.query(long_vector(text), depth=10) for text in ASKED}
    assert {text: ids[:10] for text, ids in ranked.items()} == theirs


def test_lengths_change_the_order_so_that_distance_matters() -> None:
    """What the test above would not see if all three ranked alike."""
    vectors, query = np.stack([long_vector(text) for text in WORDS]), long_vector(ASKED[0])
    orders = [unit_rows(vectors) @ query, vectors @ query, -((vectors - query) ** 2).sum(axis=1)]
    assert len({tuple(np.argsort(-scores)[:10]) for scores in orders}) == 3


def test_vectors_of_another_model_are_not_taken(tmp_path: Path, workspace: Path) -> None:
    wrong = np.roll(np.eye(6, dtype=np.float32)[: len(TEXTS[:6])], 1, axis=1)
    folder = make_collection(tmp_path / "store", texts=TEXTS[:5], vectors=wrong[:5], metadata={"model": DEFAULT_MODEL})
    models = FakeModels()
    dataset = take(folder, workspace, models)
    assert len(dataset.documents) == 5
    assert (
        "of 5 texts encoded again by 'all-MiniLM-L6-v2' one has a cosine of only 0.00 with its stored vector"
        in dataset.warnings[0]
    )
    assert list_own_systems(Workspace(workspace)) == {} and Workspace(workspace).vectors(DEFAULT_MODEL, "").width() is None


def test_another_size_a_name_that_is_missing_and_one_that_is_not_kept(tmp_path: Path, workspace: Path) -> None:
    narrow = np.eye(3, dtype=np.float32)
    folder = make_collection(tmp_path / "a", texts=TEXTS[:3], vectors=narrow, metadata={"model": DEFAULT_MODEL})
    (warning,) = take(folder, workspace).warnings
    assert "they have 3 dimensions, and those of 'all-MiniLM-L6-v2' 6; name the model that they were made with" in warning
    unnamed = make_collection(tmp_path / "b", "second", texts=TEXTS[:2])
    (warning,) = take(unnamed, workspace).warnings
    assert "not taken, since which model they are of is not kept with it; name it" in warning
    other = make_collection(tmp_path / "c", "third", texts=TEXTS[:2], metadata={"model": "some/model"})
    models = FakeModels()
    (warning,) = take(other, workspace, models).warnings
    assert "by its own word they are of 'some/model'; name that model to take them" in warning and models.fake.asked == []
    with pytest.raises(ModelUnavailable):
        take(other, workspace, model=MISSING)
    assert {entry.name for entry in list_datasets(Workspace(workspace)) if entry.kind == "uploaded"} == {
        "docs",
        "second",
        "third",
    }
    assert "2 vectors of the collection are taken as some/model's" in take(other, workspace, model="some/model").warnings[0]


def test_lengths_that_the_model_does_not_give_are_said(tmp_path: Path, workspace: Path) -> None:
    vectors = 5 * np.stack([long_vector(text) for text in WORDS])
    folder = make_collection(tmp_path / "store", texts=WORDS, vectors=vectors, configuration={"hnsw": {"space": "l2"}})
    dataset = take(folder, workspace, LongModels(), model="long")
    assert (
        "ranks by l2, and its vectors have lengths that long does not give: “chroma-docs” ranks by cosine"
        in dataset.warnings[1]
    )


def test_unit_vectors_rank_alike_under_every_distance(tmp_path: Path, workspace: Path) -> None:
    dataset = take(make_collection(tmp_path / "store"), workspace, model="any")
    assert dataset.warnings[1] == "The collection ranks by l2; its vectors are of length 1, so this is the order of cosine."
    (system,) = list_own_systems(Workspace(workspace)).values()
    assert system.dense is not None and system.dense.distance is None


def test_zero_vectors_and_the_same_text_with_another_vector(tmp_path: Path, workspace: Path) -> None:
    texts = [TEXTS[0], TEXTS[1], TEXTS[0], TEXTS[2]]
    vectors = np.eye(6, dtype=np.float32)[[0, 1, 4, 2]]
    vectors[3] = 0
    folder = make_collection(tmp_path / "store", texts=texts, vectors=vectors, metadata={"hnsw:space": "ip"})
    place = find_place(folder)
    assert place is not None
    models = FakeModels()
    with open_collection(place) as collection:
        from core.experiment.take_collection import _Taking

        taking = _Taking(collection, Resources(Workspace(workspace), models=models), "any", agreed=True, compared=2)
        taking.take(texts, vectors)
        notes = taking.describe(taking.make_system("x"))
    assert notes[2] == "1 vector of the collection is zero or not finite; its text is embedded anew."
    assert notes[3].startswith(
        "1 item of the collection has the text of another and a different vector; the vector of the first"
    )


def test_what_did_not_change_is_not_read_again(tmp_path: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_collection(tmp_path / "store", texts=TEXTS[:3], metadata={"hnsw:space": "cosine"})
    first = take(folder, workspace, model="any")
    again: list[str] = []
    real = open_collection
    monkeypatch.setattr(
        "core.experiment.take_collection.open_collection", lambda place: again.append(str(place)) or real(place)
    )
    second = take(folder, workspace)
    assert again == [] and second.fingerprint == first.fingerprint and second.warnings == first.warnings
    make_collection(folder, "more", texts=TEXTS[:1])
    changed = take(f"{folder}#docs", workspace)
    assert again == [f"{folder}#docs"] and changed.name == "docs-2"  # another way of writing it is another dataset


def test_a_changed_collection_takes_the_place_of_the_old(tmp_path: Path, workspace: Path) -> None:
    folder = make_collection(tmp_path / "store", texts=TEXTS[:3])
    take(folder, workspace, model="any")
    from core.data.chroma_client import connect_folder

    client = connect_folder(folder)
    client.get_collection("docs", embedding_function=None).delete(ids=["i0"])
    client.close()
    assert take(folder, workspace).documents["doc_id"].tolist() == ["i1", "i2"]
    assert [entry.name for entry in list_datasets(Workspace(workspace)) if entry.kind == "uploaded"] == ["docs"]
    (entry,) = [entry for entry in list_datasets(Workspace(workspace)) if entry.kind == "uploaded"]
    assert "2 vectors of the collection are taken as any's" in read_notes(entry)[0]  # the model is remembered


def test_labels_of_another_folder(tmp_path: Path, workspace: Path) -> None:
    folder = make_collection(tmp_path / "store", texts=TEXTS[:3])
    dataset = take(folder, workspace, labels=write_labels(tmp_path / "labels", ["battery"]), name="mine")
    assert dataset.name == "mine" and len(dataset.judgments) == 1
    assert open_named("mine", Workspace(workspace)).fingerprint == dataset.fingerprint
    with pytest.raises(InputError, match=r"holds no queries\.jsonl; give the folder with the queries"):
        take(folder, workspace, labels=tmp_path)
