"""Training examples in five forms, from a dataset's labels or from an upload.

| form           | columns                                 | what it is for                                  |
|----------------|-----------------------------------------|-------------------------------------------------|
| pairs          | query, positive                         | embedding model: other positives are negatives  |
| labelled       | query, document, label (1 or 0)         | reranker                                        |
| triplets       | query, positive, negative               | embedding model                                 |
| hard_negatives | query, positive, negative_1 ... n       | embedding model, adapter                        |
| scores         | query, document, score (0 to 1)         | embedding model (CoSENT)                        |

The columns are those of the sentence-transformers losses, in their order. Each frame has query_id too, "" where unknown.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from core.errors import InputError
from core.schema import content_hash
from core.systems.trained import ADAPTER, EMBEDDING, RERANKER
from core.training.material import Material
from core.training.negatives import mine_negatives

USUAL_FORM = {ADAPTER: "hard_negatives", EMBEDDING: "hard_negatives", RERANKER: "labelled"}
COLUMNS = {
    "pairs": ["query", "positive"],
    "labelled": ["query", "document", "label"],
    "triplets": ["query", "positive", "negative"],
    "hard_negatives": ["query", "positive"],
    "scores": ["query", "document", "score"],
}
_HELD = 0.5  # label or score of an upload from which a document counts as a positive


@dataclass(frozen=True)
class Examples:
    """form: of request.FORMS. frame: query_id and the form's columns. source: "labels", or the name of an uploaded file; file:
    its path, "" for labels."""

    form: str
    frame: pd.DataFrame
    source: str = "labels"
    file: str = ""

    @property
    def fingerprint(self) -> str:
        """Hash of the form and all rows."""
        return content_hash([self.form, self.frame.to_dict("records")])

    @property
    def negative_columns(self) -> list[str]:
        """Names of the columns that hold negatives, in order."""
        return [name for name in self.frame.columns if name == "negative" or name.startswith("negative_")]

    @property
    def columns(self) -> list[str]:
        """The columns that a loss reads, in order."""
        extra = self.negative_columns if self.form == "hard_negatives" else []
        return [*COLUMNS[self.form], *extra]

    @property
    def held(self) -> pd.Series:
        """Which rows belong together; from the dataset's labels all that are relevant, however low the score of their grade."""
        if self.form not in ("labelled", "scores"):
            return pd.Series(True, index=self.frame.index)
        values = self.frame["label" if self.form == "labelled" else "score"]
        return values > 0 if self.source == "labels" else values >= _HELD

    def positives(self) -> pd.DataFrame:
        """query_id, query, document: distinct pairs that belong together."""
        if self.form in ("pairs", "triplets", "hard_negatives"):
            found = self.frame[["query_id", "query", "positive"]].rename(columns={"positive": "document"})
        else:
            found = self.frame.loc[self.held, ["query_id", "query", "document"]]
        return found.drop_duplicates(ignore_index=True)

    def negatives(self) -> pd.DataFrame:
        """query_id, query, document: distinct pairs that do not belong together; empty for pairs."""
        parts = [self.frame[["query_id", "query", name]].rename(columns={name: "document"}) for name in self.negative_columns]
        if self.form in ("labelled", "scores"):
            parts.append(self.frame.loc[~self.held, ["query_id", "query", "document"]])
        if not parts:
            return pd.DataFrame({"query_id": [], "query": [], "document": []}, dtype=object)
        found = pd.concat(parts, ignore_index=True)
        return found[found["document"].astype(bool)].drop_duplicates(ignore_index=True)


def describe_examples(examples: Examples) -> dict[str, Any]:
    """Counts and balance: form, rows, queries, positives, negatives, negatives_per_positive, source, fingerprint."""
    positives, negatives = examples.positives(), examples.negatives()
    return {
        "form": examples.form,
        "rows": len(examples.frame),
        "queries": int(examples.frame["query"].nunique()),
        "positives": len(positives),
        "negatives": len(negatives),
        "negatives_per_positive": len(negatives) / len(positives) if len(positives) else 0.0,
        "source": examples.source,
        "file": examples.file,
        "fingerprint": examples.fingerprint,
    }


def collect_examples(material: Material, *, form: str, negatives: int, query_ids: Sequence[str], seed: int) -> Examples:
    """Examples of the form from the labels of some queries; negatives are mined among the start system's passages.

    Passages of documents judged relevant to the query, and near-duplicates of its positives, are never negatives; documents
    judged not relevant are (forms labelled and scores). Grades become scores: grade / highest grade of the tuning queries.
    """
    rows = [(query_id, row, grade) for query_id in query_ids for row, grade in material.positive_rows(query_id)]
    if not rows:
        raise InputError(
            f"no tuning query of {material.dataset.name} has a relevant document in the corpus, so there is nothing to learn "
            "from; label more queries"
        )
    asked = pd.DataFrame(
        {
            "query_id": [query_id for query_id, _, _ in rows],
            "query": [material.texts[query_id] for query_id, _, _ in rows],
            "positive": [material.passages[row] for _, row, _ in rows],
            "grade": [grade for *_, grade in rows],
        },
        dtype=object,
    )
    if form == "pairs" or not negatives:
        if form in ("labelled", "scores"):
            return _label(asked, pd.DataFrame(columns=["query_id", "query", "document"]), material, form)
        return Examples("pairs", asked[["query_id", "query", "positive"]].drop_duplicates(ignore_index=True))
    mined = mine_negatives(material, query_ids=list(dict.fromkeys(asked["query_id"])), count=negatives, seed=seed)
    if form in ("labelled", "scores"):
        random = np.random.default_rng(seed)
        wanted = {q: min(len(found), negatives * int((asked["query_id"] == q).sum())) for q, found in mined.items()}
        taken = {q: random.choice(found, size=wanted[q], replace=False) for q, found in mined.items() if found}
        pairs = [(q, material.texts[q], material.passages[row]) for q, found in taken.items() for row in found]
        return _label(asked, pd.DataFrame(pairs, columns=["query_id", "query", "document"]), material, form)
    return _join(asked, mined, material, form, count=negatives, seed=seed)


def _join(
    asked: pd.DataFrame, mined: dict[str, list[int]], material: Material, form: str, *, count: int, seed: int
) -> Examples:
    """Each positive with `count` of its query's mined negatives, dealt out so that positives of a query share few."""
    random = np.random.default_rng(seed)
    rows = []
    for query_id, query, positive in asked[["query_id", "query", "positive"]].itertuples(index=False):
        pool = mined.get(query_id, [])
        if not pool:
            continue
        taken = random.choice(len(pool), size=count, replace=len(pool) < count)
        rows.append((query_id, query, positive, *(material.passages[pool[number]] for number in taken)))
    if not rows:
        raise InputError(
            "no hard negatives can be mined: to the model every passage is as near as the answers are; learn from pairs "
            "(form pairs), or start from another model"
        )
    names = [f"negative_{number + 1}" for number in range(count)]
    frame = pd.DataFrame(rows, columns=["query_id", "query", "positive", *names], dtype=object)
    return convert_examples(Examples("hard_negatives", frame), form)


def _label(asked: pd.DataFrame, negatives: pd.DataFrame, material: Material, form: str) -> Examples:
    """Positives and negatives under one another, with label or score; judged non-relevant documents join the negatives."""
    tuning = [material.grades.get(query_id, {}) for query_id in material.split.tuning]
    highest = max((grade for grades in tuning for grade in grades.values()), default=1) or 1
    frame = asked.rename(columns={"positive": "document"}).assign(label=1, score=[grade / highest for grade in asked["grade"]])
    judged = [
        (query_id, material.texts[query_id], material.passages[_best_row(material, query_id, doc_id)])
        for query_id in dict.fromkeys(asked["query_id"])
        for doc_id in material.grades[query_id]
        if doc_id in material.rows_of
        and doc_id not in material.relevant[query_id]
        and doc_id not in material.own_documents.get(query_id, ())
    ]
    low = pd.concat([negatives, pd.DataFrame(judged, columns=["query_id", "query", "document"])], ignore_index=True)
    value = "label" if form == "labelled" else "score"
    both = pd.concat([frame, low.assign(label=0, score=0.0)], ignore_index=True)
    both = both[["query_id", "query", "document", value]].drop_duplicates(["query_id", "document"], ignore_index=True)
    both[value] = both[value].astype(int if value == "label" else float)
    return Examples(form, both)


def _best_row(material: Material, query_id: str, doc_id: str) -> int:
    rows = material.rows_of[doc_id]
    return int(rows[int(np.argmax(material.similarity[material.query_rows[query_id], rows]))])


def convert_examples(examples: Examples, form: str) -> Examples:
    """The same examples in another form. Raises InputError where something is missing for it: negatives cannot be made up."""
    if form == examples.form or (form == "hard_negatives" and examples.form in ("pairs", "triplets")):
        return examples
    positives, negatives = examples.positives(), examples.negatives()
    if form == "pairs":
        return dataclasses.replace(examples, form=form, frame=positives.rename(columns={"document": "positive"}))
    if negatives.empty:
        raise InputError(f"{examples.source}: these examples have no negatives, which {form} need; add negatives, or mine them")
    if form in ("labelled", "scores"):
        value = "label" if form == "labelled" else "score"
        frame = pd.concat([positives.assign(**{value: 1}), negatives.assign(**{value: 0})], ignore_index=True)
        return dataclasses.replace(examples, form=form, frame=frame)
    if examples.form == "hard_negatives":
        parts = [
            examples.frame[["query_id", "query", "positive", name]].rename(columns={name: "negative"})
            for name in examples.negative_columns
        ]
        return dataclasses.replace(examples, form=form, frame=pd.concat(parts, ignore_index=True))
    pairs = positives.rename(columns={"document": "positive"}).merge(
        negatives.rename(columns={"document": "negative"}), on=["query_id", "query"]
    )
    if pairs.empty:
        raise InputError(
            f"{examples.source}: no query of these examples has both a document that belongs to it and one that does not, "
            f"which {form} need; add negatives to the same queries, or mine them"
        )
    return dataclasses.replace(examples, form="triplets", frame=pairs)
