"""Queries in words that no model and no document knows: who teaches them is proven, whatever a check of the labels thinks."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from core.data.catalog import open_dataset
from core.ladder.goals import Goals
from core.recommendation.assess import Assessment, assess
from core.stages.embed import Encoded
from core.stages.rewrite import Glossary
from core.systems.available import save_own_system
from core.systems.named import make_named_systems
from core.workspace import Workspace
from tests.support.assessments import PRODUCTS, TOPICS
from tests.support.models import FakeModels, words_of
from tests.support.shifted import list_documents

PRIVATE = {word: f"x{number}zq" for number, word in enumerate((*PRODUCTS, *TOPICS))}


class WordEncoder:
    """Every word has a direction of its own, by chance: texts are alike that share words, and no word means another."""

    def encode(self, texts: list[str], *, role: str, tokens: bool = False) -> Encoded:
        words = [[self._draw(word) for word in words_of(text)] for text in texts]
        sums = np.stack([np.sum(vectors, axis=0) for vectors in words])
        units = [np.stack(vectors).astype(np.float16) / 8 for vectors in words]
        return Encoded((sums / np.linalg.norm(sums, axis=1, keepdims=True)).astype(np.float32), units if tokens else None)

    def _draw(self, word: str) -> np.ndarray:
        return np.random.default_rng(zlib.crc32(word.encode())).normal(size=64)


class WordModels(FakeModels):
    def __init__(self) -> None:
        super().__init__()
        self.fake = WordEncoder()  # type: ignore[assignment]


def write_private_dataset(folder: Path) -> None:
    """64 queries, each with its document, of which it shares no word."""
    folder.mkdir(parents=True)
    documents = [{"_id": doc_id, "text": text} for doc_id, text in list_documents().items()]
    queries = [
        {"_id": f"q-{doc_id}", "text": " ".join(PRIVATE[word] for word in doc_id.split("-"))} for doc_id in list_documents()
    ]
    for name, rows in (("corpus", documents), ("queries", queries)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    labels = "".join(f"q-{doc_id}\t{doc_id}\t1\n" for doc_id in list_documents())
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n" + labels, encoding="utf-8")


def recommend(store: Workspace) -> Assessment:
    return assess(open_dataset("private", store), workspace=store, goals=Goals(), models=WordModels())


def test_a_glossary_that_is_proven_is_recommended_though_nothing_else_fits_the_labels(workspace: Path) -> None:
    store = Workspace(workspace)
    write_private_dataset(store.datasets / "private")
    words = make_named_systems()["bm25"]
    glossary = Glossary(groups=tuple((word, private) for word, private in PRIVATE.items()))
    save_own_system(replace(words, name="with-glossary", rewrite=(glossary,)), store)
    advice = recommend(store).recommendation
    assert advice.action == "rewrite_queries"
    assert advice.difference["real"] and advice.difference["delta"] > 0.5
    assert not any("mixed up" in step for step in advice.next)
