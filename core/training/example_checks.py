"""What is wrong with training examples: leakage into the test queries above all, then too few, contradictions, no hard
negatives.

Leakage would flatter every number that is measured on those queries.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from core.errors import InputError
from core.experiment.drawn_split import embed_queries
from core.text.same_text import normalise_text
from core.training.examples import Examples
from core.training.material import DUPLICATE, Material
from core.training.uploads import LINE

STOP, WARN, FINE = "stop", "warn", "fine"
LEAST_POSITIVES = 10  # below this nothing is learned
FEW_POSITIVES = 200  # the smallest sets that published recipes report gains from have several hundred
LEAKS = ("same_text", "near_duplicate", "same_evidence")
_SHOWN = 5


@dataclass(frozen=True)
class Finding:
    """One check. name: same_text, near_duplicate, same_evidence, few_positives, contradiction or no_hard_negatives.

    level: STOP (no training before it is mended), WARN or FINE. sentence: for the user. test_queries: ids of the test queries
    that leak. rows: rows of the examples' frame that it is about.
    """

    name: str
    level: str
    sentence: str
    test_queries: tuple[str, ...] = ()
    rows: tuple[int, ...] = field(default=(), repr=False)

    def to_json(self) -> dict[str, Any]:
        """The check as it stands in model.json: without the rows, which are counted."""
        return {**{name: value for name, value in asdict(self).items() if name != "rows"}, "count": len(self.rows)}


def check_examples(examples: Examples, material: Material) -> list[Finding]:
    """All checks, leaks first. Test queries are compared by text, by the default model's vectors, and by evidence."""
    return [*_find_leaks(examples, material), _count_positives(examples), _find_contradictions(examples, material),
            _look_for_negatives(examples)]  # fmt: skip


def clean_examples(examples: Examples, findings: Sequence[Finding], *, drop_leaking: bool) -> Examples:
    """The examples without contradicted negatives, and without leaking ones if that was asked for.

    Raises InputError, with the cure, for what stops the training.
    """
    stops = [finding for finding in findings if finding.level == STOP]
    leaks = [finding for finding in stops if finding.name in LEAKS]
    others = [finding for finding in stops if finding.name not in LEAKS]
    if others:
        raise InputError(others[0].sentence)
    if leaks and not drop_leaking:
        raise InputError(
            f"{leaks[0].sentence} Results on those queries would be worth nothing. Take them out of the training data or out "
            "of the test side, or train without them (--drop-leaking)."
        )
    dropped = {row for finding in (*leaks, *_named(findings, "contradiction")) for row in finding.rows}
    if not dropped:
        return examples
    frame = examples.frame.drop(index=sorted(dropped)).reset_index(drop=True)
    if frame.empty:
        raise InputError("Nothing is left to train on once the examples that leak into the test queries are taken out.")
    kept = dataclasses.replace(examples, frame=frame)
    few = _count_positives(kept)
    if few.level == STOP:
        raise InputError(f"Without the examples that were left out: {few.sentence}")
    return kept


def _named(findings: Sequence[Finding], name: str) -> list[Finding]:
    return [finding for finding in findings if finding.name == name]


def _find_leaks(examples: Examples, material: Material) -> list[Finding]:
    frame, test = examples.frame, list(material.split.test)
    texts = {query_id: material.texts[query_id] for query_id in test}
    by_text: dict[str, str] = {}
    for query_id, text in texts.items():
        by_text.setdefault(normalise_text(text), query_id)
    asked = frame["query"].map(normalise_text)
    same = {int(row): by_text[text] for row, text in enumerate(asked) if text in by_text}
    close = _find_close(frame, texts, material, known=set(same))
    resting = _find_resting(examples, material)
    if examples.source == "labels":  # these stand in a test query's group for what they say
        resting = {row: query_id for row, query_id in resting.items() if row not in same and row not in close}
    return [
        _tell_leak("same_text", same, "has the words of a test query", "have the words of a test query", examples),
        _tell_leak("near_duplicate", close, "says the same as a test query", "say the same as a test query", examples),
        _tell_evidence(resting, examples),
    ]


def _find_close(frame: pd.DataFrame, texts: dict[str, str], material: Material, *, known: set[int]) -> dict[int, str]:
    """Row -> the test query that its query says the same as, other than to the letter."""
    if not texts or frame.empty:
        return {}
    distinct = list(dict.fromkeys(frame["query"]))
    left = embed_queries(distinct, material.resources)
    right = embed_queries(list(texts.values()), material.resources)
    cosines = left @ right.T
    best = cosines.argmax(axis=1)
    near = {text: list(texts)[best[row]] for row, text in enumerate(distinct) if cosines[row, best[row]] >= DUPLICATE}
    return {int(row): near[text] for row, text in enumerate(frame["query"]) if text in near and row not in known}


def _find_resting(examples: Examples, material: Material) -> dict[int, str]:
    """Row -> a test query whose evidence the example rests on.

    The dataset's own queries: those of one group of the split. An upload: positives that hold a test query's evidence whole.
    """
    frame = examples.frame
    if examples.source == "labels":
        by_group: dict[int, str] = {}
        for query_id in material.split.test:
            by_group.setdefault(material.groups[query_id], query_id)
        return {
            int(row): by_group[material.groups[query_id]]
            for row, query_id in enumerate(frame["query_id"])
            if material.groups.get(query_id) in by_group
        }
    test = set(material.split.test)
    documents = dict(zip(material.dataset.documents["doc_id"], material.dataset.documents["text"], strict=True))
    evidence = material.dataset.evidence
    quotes = {
        documents[doc_id][start:end]: query_id
        for query_id, doc_id, start, end in evidence[["query_id", "doc_id", "start", "end"]].itertuples(index=False)
        if query_id in test and doc_id in documents and end - start >= 20
    }
    name = "positive" if "positive" in frame else "document"
    return {
        int(row): next(query for quote, query in quotes.items() if quote in text)
        for row, (text, held) in enumerate(zip(frame[name], examples.held, strict=True))
        if held and any(quote in text for quote in quotes)
    }


def _tell_leak(name: str, found: dict[int, str], one: str, many: str, examples: Examples) -> Finding:
    if not found:
        words = {
            "same_text": "No example has the words of a test query.",
            "near_duplicate": "No example says the same as a test query.",
        }
        return Finding(name, FINE, words[name])
    count = len(set(examples.frame["query"].iloc[list(found)]))
    leaked = tuple(dict.fromkeys(found.values()))
    first = next(iter(found))
    where = f" (the first in {examples.source}, line {examples.frame[LINE].iloc[first]})" if LINE in examples.frame else ""
    say = f"1 training query {one}" if count == 1 else f"{count} training queries {many}"
    return Finding(name, STOP, f"{say}{where}: {_name_some(leaked)}.", leaked, tuple(found))


def _tell_evidence(found: dict[int, str], examples: Examples) -> Finding:
    if not found:
        return Finding("same_evidence", FINE, "No example rests on the evidence of a test query.")
    leaked = tuple(dict.fromkeys(found.values()))
    if examples.source == "labels":
        count = examples.frame["query_id"].iloc[list(found)].nunique()
        say = "1 training query rests" if count == 1 else f"{count} training queries rest"
        return Finding(
            "same_evidence", STOP, f"{say} on the same text as a test query: {_name_some(leaked)}.", leaked, tuple(found)
        )
    say = "1 example holds" if len(found) == 1 else f"{len(found)} examples hold"
    words = (
        f"{say} the evidence of a test query ({_name_some(leaked)}). The passages of a corpus may be known, but if the queries "
        "were written from them, results may flatter."
    )
    return Finding("same_evidence", WARN, words, leaked, tuple(found))


def _name_some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (" and others" if len(names) > _SHOWN else "")


def _count_positives(examples: Examples) -> Finding:
    count = len(examples.positives())
    if count < LEAST_POSITIVES:
        pairs = "is 1 pair that belongs" if count == 1 else f"are {count} pairs that belong"
        words = f"There {pairs} together, and at least {LEAST_POSITIVES} are needed to train; label more."
        return Finding("few_positives", STOP, words)
    if count < FEW_POSITIVES:
        words = (
            f"Only {count} pairs belong together; below about {FEW_POSITIVES} training seldom pays. Label more for a fair try."
        )
        return Finding("few_positives", WARN, words)
    return Finding("few_positives", FINE, f"{count:,} pairs belong together.")


def _find_contradictions(examples: Examples, material: Material) -> Finding:
    """Negatives that are positives of the same query, here or by the dataset's labels."""
    name = "contradiction"
    positives = set(examples.positives()[["query", "document"]].itertuples(index=False, name=None))
    if examples.source != "labels":
        positives |= _known_answers(examples, material)
    frame = examples.frame
    rows: list[int] = []
    if examples.form in ("labelled", "scores"):
        low = np.flatnonzero(~examples.held)
        rows = [int(row) for row in low if (frame["query"].iloc[row], frame["document"].iloc[row]) in positives]
    for column in examples.negative_columns:
        rows += [row for row, pair in enumerate(zip(frame["query"], frame[column], strict=True)) if pair in positives]
    if not rows:
        return Finding(name, FINE, "No positive is among the negatives of its query.")
    say = "1 negative is" if len(rows) == 1 else f"{len(rows)} negatives are"
    line = f" (the first in line {frame[LINE].iloc[min(rows)]})" if LINE in frame else ""
    return Finding(
        name, WARN, f"{say} also a positive of the same query{line}; such examples are left out.", (), tuple(sorted(set(rows)))
    )


def _known_answers(examples: Examples, material: Material) -> set[tuple[str, str]]:
    """(query, passage) pairs that the dataset's labels call relevant, for the upload's queries."""
    by_text = {normalise_text(text): query_id for query_id, text in material.texts.items()}
    found: set[tuple[str, str]] = set()
    for query in dict.fromkeys(examples.frame["query"]):
        query_id = by_text.get(normalise_text(query))
        if query_id is not None and query_id in material.query_rows:
            found.update((query, material.passages[row]) for row in material.relevant_rows(query_id))
    return found


def _look_for_negatives(examples: Examples) -> Finding:
    count = len(examples.negatives())
    if count:
        return Finding("no_hard_negatives", FINE, "There is 1 negative." if count == 1 else f"There are {count:,} negatives.")
    words = "There are no hard negatives: the model only learns to tell an answer from answers to other queries. Mine some."
    return Finding("no_hard_negatives", WARN, words)
