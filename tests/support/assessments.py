"""A finished recommendation on a dataset so small that it takes seconds; for tests of pages, report and command line.

The queries follow a few patterns (KINDS), each with one known reason to be found or missed, and the model is one to reason
about: every known word is an axis, and two words that mean the same share one. What stands in no list has no axis at all.
"""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from core.data.catalog import open_dataset
from core.data.dataset import Dataset
from core.ladder.goals import Goals
from core.recommendation.assess import Assessment, assess
from core.recommendation.files import load_assessment, save_assessment
from core.stages.embed import Encoded
from core.workspace import Workspace
from tests.support.models import FakeModels, words_of
from tests.support.once import make_once
from tests.support.small import HOSTILE

DATASET = "labelled"
PRODUCTS = ("hub", "probe", "desk", "gateway", "sensor", "panel", "relay", "meter")
TOPICS = ("battery", "clock", "mail", "price", "reset", "network", "export", "login")
SYNONYMS = ("accumulator", "timepiece", "letter", "cost", "restart", "wireless", "download", "password")
PLACES = ("kitchen", "cellar", "roof", "garage", "attic", "office", "lab", "shop")
VERSIONS = ("1.0", "2.0", "3.0", "4.0", "5.0", "6.0", "7.0", "8.0")
CODES = 16  # codes of each product

# queries of each kind
KINDS = {"easy": 14, "code": 18, "version": 12, "paraphrase": 10, "odd": 4, "misled": 1, "missing": 2, "hostile": 1}
HOSTILE_QUERY = "q-hostile-0"
AXES = {word: row for row, word in enumerate((*TOPICS, *PRODUCTS, *PLACES, "error", "setup", "markup"))}
AXES |= {synonym: AXES[topic] for synonym, topic in zip(SYNONYMS, TOPICS, strict=True)}

Record = dict[str, Any]


@dataclass
class AxisEncoder:
    """The sum of the axes of a text's known words, unit length; one token vector a word."""

    asked: list[tuple[str, str]] = field(default_factory=list)

    def encode(self, texts: list[str], *, role: str, tokens: bool = False) -> Encoded:
        self.asked.extend((role, text) for text in texts)
        rows = np.eye(len(set(AXES.values())) + 1, dtype=np.float32)
        unknown = len(rows) - 1
        words = [[AXES.get(word, unknown) for word in words_of(text)] or [unknown] for text in texts]
        sums = np.stack([rows[sorted(set(known) - {unknown}) or [unknown]].sum(axis=0) for known in words])
        vectors = sums / np.linalg.norm(sums, axis=1, keepdims=True)
        return Encoded(vectors, [rows[known].astype(np.float16) for known in words] if tokens else None)


class AxisModels(FakeModels):
    """FakeModels with the encoder above; the cross-encoder still counts common words."""

    def __init__(self) -> None:
        super().__init__()
        self.fake = AxisEncoder()  # type: ignore[assignment]


def write_labelled_dataset(folder: Path, *, kinds: dict[str, int] | None = None, evidence: bool = False) -> Path:
    """Writes corpus.jsonl, queries.jsonl and qrels.tsv. kinds: kind -> queries of it (KINDS); a query's kind is its tag.

    easy: the query's words stand in its answer. code: 16 documents differ by a number alone, which only word matching sees.
    version: eight documents differ by their version alone, and only the query's filter tells it. paraphrase: a synonym that
    only the model knows. misled: two such, and a word that stands in many other documents, so that word matching harms.
    odd: nothing in common with its answer. missing: the answer is not in the corpus. hostile: markup.
    evidence: every query that has an answer here quotes it, in documents of some 120 words; without it none does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    documents = list(_make_documents(long=evidence))
    known = {document["_id"]: document for document in documents}
    queries, labels = [], []
    for kind, count in (kinds or KINDS).items():
        for number in range(count):
            record, answer = _make_query(kind, number)
            if evidence and answer in known:
                record["evidence"] = [{"doc_id": answer, "quote": known[answer]["text"].split(".")[0]}]
            queries.append(record)
            labels.append(f"{record['_id']}\t{answer}\t1")
            if kind == "paraphrase":
                labels.append(f"{record['_id']}\tmarkup\t0")  # so that judged@10 can be counted
    _write_lines(folder / "corpus.jsonl", documents)
    _write_lines(folder / "queries.jsonl", queries)
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n" + "\n".join(labels) + "\n", encoding="utf-8")
    return folder


def _write_lines(path: Path, records: Sequence[Record]) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def _make_documents(*, long: bool) -> Iterator[Record]:
    padding = " ".join(f"Sentence {n} says nothing that anybody asks for." for n in range(14)) if long else ""

    def make(doc_id: str, title: str, text: str, **metadata: str) -> Record:
        return {"_id": doc_id, "title": title, "text": f"{text} {padding}".strip(), "metadata": metadata}

    for product, topic in itertools.product(PRODUCTS, TOPICS):
        about = f"{topic} of the {product}"
        yield make(f"{product}-{topic}", about, f"How the {about} works.", product=product)
    for product, number in itertools.product(PRODUCTS, range(CODES)):
        code = _code(product, number)
        yield make(f"{product}-{code}", f"Error on the {product}", f"The {product} shows {code} as an error.", product=product)
    for product, version in itertools.product(PRODUCTS, VERSIONS):
        text = f"How the setup of the {product} goes."
        yield make(f"{product}-setup-{version}", f"setup of the {product}", text, product=product, version=version)
    for number in range(8):
        yield make(f"odd-{number}", "Note", f"Remark {number} about {TOPICS[number]} and {TOPICS[number - 1]}.", product="none")
    yield make("markup", "Markup", f"Paste markup such as {HOSTILE} here.", product="none")


def _code(product: str, number: int) -> str:
    return f"KH-{4000 + 100 * PRODUCTS.index(product) + 3 * number}"


def _make_query(kind: str, number: int) -> tuple[Record, str]:
    """The query and the id of its answer. No two queries name the same product and place, or product and topic."""
    product, turn = PRODUCTS[number % 8], number // 8
    place = PLACES[(number + turn) % 8]
    topic = (number + 3 * turn + (4 if kind == "paraphrase" else 0)) % 8
    version = VERSIONS[(2 * number + turn) % 8]
    code = _code(product, 5 * turn + number % 5)
    patterns = {
        "easy": (f"the {TOPICS[topic]} of the {product}", f"{product}-{TOPICS[topic]}"),
        "code": (f"{code} {product} {place}", f"{product}-{code}"),
        "version": (f"setup {product} {place}", f"{product}-setup-{version}"),
        "paraphrase": (f"{SYNONYMS[topic]} {product} {place}", f"{product}-{TOPICS[topic]}"),
        "misled": (f"what {SYNONYMS[number % 8]} or {SYNONYMS[number % 8 - 1]} works", f"odd-{number % 8}"),
        "odd": (f"why does it blink in the {place}", f"odd-{number % 8}"),
        "missing": (f"warranty of the {product}, {PLACES[number * 3 % 8]}", f"{product}-warranty"),
        "hostile": (f"markup {HOSTILE}", "markup"),
    }
    text, answer = patterns[kind]
    record: Record = {"_id": f"q-{kind}-{number}", "text": text, "tags": [kind]}
    if kind == "version":
        record["filter"] = {"version": version}
    return record, answer


def make_assessment(
    workspace: Path, *, kinds: dict[str, int] | None = None, evidence: bool = False
) -> tuple[Dataset, Assessment]:
    """The dataset "labelled" of write_labelled_dataset() and its saved assessment, both in the workspace as if uploaded and run
    there.

    By default hybrid search over filtered documents wins. kinds={"easy": 50}: embeddings are enough; {"easy": 8}: too few
    queries; {"easy": 25, "missing": 25}: the corpus is to blame. Computed once a run for equal arguments, then copied.
    """
    made, assessment = make_once(run_assessment, tuple((kinds or KINDS).items()), evidence)
    shutil.copytree(made, workspace, dirs_exist_ok=True)
    store = Workspace(workspace)
    return open_dataset(DATASET, store), load_assessment(assessment.id, store)


def run_assessment(
    workspace: Path, kinds: tuple[tuple[str, int], ...] = tuple(KINDS.items()), evidence: bool = False
) -> Assessment:
    """The assessment as assess() gives it, of a dataset that is written into the workspace; saved there too."""
    store = Workspace(workspace)
    write_labelled_dataset(store.datasets / DATASET, kinds=dict(kinds), evidence=evidence)
    assessment = assess(open_dataset(DATASET, store), workspace=store, goals=Goals(), models=AxisModels())
    save_assessment(assessment, store)
    return assessment
