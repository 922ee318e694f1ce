"""Which layer loses the answer: every failed query gets one cause, with a sentence of evidence. Runs nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd

from core.data.dataset import Dataset
from core.data.languages import make_analyzer
from core.diagnosis.shared_terms import count_documents, find_shared_terms
from core.errors import StageError
from core.evaluation.answers import FIRST
from core.schema import RUN_DEPTH, select_relevant
from core.text.phrases import count_of, first_five, join_words
from core.text.words import Analyzer

CAUSES = ("not_in_corpus", "metadata", "chunking", "exact_terms", "wording", "ranking", "representation")
FIXED_CAUSES = ("metadata", "chunking", "exact_terms", "wording")  # those that a cheap fix proves, in ladder order
FAILURES = ["system", "query_id", "cause", "evidence", "holds"]
RESCUES = ["cause", "system", "rescued", "broken", "net", "used"]
_TERMS_SHOWN = 3


@dataclass(frozen=True)
class Fix:
    """One cheap fix, tried alone on the diagnosed system; of each rung the variant that was chosen on tuning.

    cause: one of FIXED_CAUSES. system: name of the system that has the fix, for the sentence. ranks: its answer rank per
    query_id (core.evaluation.answers.rank_answers) over all answerable queries, tuning and test.
    """

    cause: str
    system: str
    ranks: pd.Series


@dataclass(frozen=True)
class Diagnosis:
    """Why the test queries fail that fail.

    failures: FAILURES, one row per failed test query in test order. cause: one of CAUSES; evidence: a sentence with numbers;
    holds: all causes that hold, the chosen one first. A cause whose fix is not used never holds: its rescues may be luck.
    rescues: RESCUES on the tuning queries, in the order in which the fixes are tried; used: net > 0, metadata always.
    shares: failed queries per cause, all of CAUSES. n_failed of n_test judged test queries fail.
    """

    failures: pd.DataFrame
    rescues: pd.DataFrame
    shares: dict[str, int]
    n_failed: int
    n_test: int


def measure_rescue(base: pd.Series, fix: pd.Series, query_ids: Sequence[str]) -> tuple[int, int]:
    """(rescued, broken): queries that fail without the fix and succeed with it, and the reverse.

    base, fix: answer ranks by query_id. Queries that have no rank in both (not answerable) are left out.
    """
    known = [query_id for query_id in query_ids if query_id in base.index and query_id in fix.index]
    before, after = base.loc[known].to_numpy() <= FIRST, fix.loc[known].to_numpy() <= FIRST
    return int(np.sum(~before & after)), int(np.sum(before & ~after))


def diagnose(
    dataset: Dataset,
    *,
    system: str,
    ranks: pd.Series,
    fixes: Sequence[Fix],
    tuning: Sequence[str],
    test: Sequence[str],
    cut: Mapping[str, str],
    frequencies: Mapping[str, int] | None = None,
) -> Diagnosis:
    """One cause for every test query that the system fails: judged, and the answer is not among its first five hits.

    ranks: answer rank of every answerable query in the diagnosed system. cut: what find_cut_evidence() says of its chunks.
    frequencies: shared_terms.count_documents() of the dataset's indexed documents and analyzer, where the caller has it.

    The first cause that holds: not_in_corpus (nothing relevant is in the corpus; also if only judged with 0); metadata (its
    filter brings the answer into the first five); chunking (evidence is cut, or the other chunking brings it there),
    exact_terms (lexical search brings it there, and query and answer share a code, number or rare term) and wording (the
    rewritten query brings it there), in the order of their net rescue on tuning, equal ones in this order, and only if that is
    above 0; ranking (among the first 100); else representation.
    Raises StageError for a fix of another cause, two of one cause, or an answerable query without a rank.
    """
    labels = _Labels(dataset, frequencies)
    _check(labels, ranks, fixes, [*tuning, *test])
    trial = _Trial(labels, system, ranks, {fix.cause: fix for fix in fixes}, cut, order_fixes(ranks, fixes, tuning))
    judged = [query_id for query_id in test if query_id in labels.judged]
    rows = []
    for query_id in judged:
        reasons = _find_reasons(trial, query_id)
        if reasons:
            cause, evidence = next(iter(reasons.items()))
            rows.append((system, query_id, cause, evidence, tuple(reasons)))
    failures = pd.DataFrame(rows, columns=FAILURES)
    shares = {cause: int((failures["cause"] == cause).sum()) for cause in CAUSES}
    return Diagnosis(failures, trial.rescues, shares, n_failed=len(failures), n_test=len(judged))


def order_fixes(ranks: pd.Series, fixes: Sequence[Fix], tuning: Sequence[str]) -> pd.DataFrame:
    """RESCUES of the fixes on the tuning queries, in the order in which they are tried: metadata, then by net rescue."""
    rows = []
    for fix in fixes:
        rescued, broken = measure_rescue(ranks, fix.ranks, tuning)
        always = fix.cause == "metadata"
        place = (not always, broken - rescued, FIXED_CAUSES.index(fix.cause))
        rows.append((place, (fix.cause, fix.system, rescued, broken, rescued - broken, always or rescued > broken)))
    return pd.DataFrame([row for _, row in sorted(rows)], columns=RESCUES).astype({"used": bool})


class _Labels:
    """What the dataset says about a query's answer."""

    def __init__(self, dataset: Dataset, frequencies: Mapping[str, int] | None) -> None:
        self._indexed = dataset.indexed_documents
        self._dataset = dataset
        self._known = set(dataset.documents["doc_id"])
        self._given = frequencies
        self._documents = dict(
            zip(self._indexed["doc_id"], zip(self._indexed["title"], self._indexed["text"], strict=True), strict=True)
        )
        self._queries = dataset.queries.set_index("query_id")
        self.judged: dict[str, int] = dataset.judgments["query_id"].value_counts(sort=False).to_dict()
        self.relevant = _group(select_relevant(dataset.judgments), ["doc_id"])
        self._spans = _group(dataset.evidence, ["doc_id", "start", "end"])

    @cached_property
    def _frequencies(self) -> Mapping[str, int]:
        return count_documents(self._indexed, self._analyzer) if self._given is None else self._given

    @cached_property
    def _analyzer(self) -> Analyzer:
        return make_analyzer(self._dataset)

    def find_answers(self, query_id: str) -> list[str]:
        """The documents that can hold the answer: those of its evidence where it has some, else the relevant ones."""
        if query_id not in self.relevant:
            return []
        found = self._spans.get(query_id) or self.relevant[query_id]
        return list(dict.fromkeys(doc_id for doc_id, *_ in found))

    def explain_missing(self, query_id: str) -> str:
        """Why nothing in the corpus can answer a judged query, as a sentence; "" if something can."""
        answers = self.find_answers(query_id)
        if not answers:
            return f"It has {count_of(self.judged[query_id], 'judgment')}, and none says that a document is relevant."
        if any(doc_id in self._documents for doc_id in answers):
            return ""
        absent = any(doc_id not in self._known for doc_id in answers)
        what = "not in the corpus" if absent else "empty (neither title nor text)"
        if len(answers) == 1:
            return f"The only document that answers it, {answers[0]}, is {what}."
        return f"All {len(answers)} documents that answer it are {what}: {first_five(answers)}."

    def say_filter(self, query_id: str) -> str:
        conditions = self._queries.loc[query_id, "filter"] or {}
        if not conditions:
            return "a filter that its words name"
        return "its filter (" + ", ".join(f"{field} {_say_condition(value)}" for field, value in conditions.items()) + ")"

    def find_shared(self, query_id: str) -> tuple[list[str], str]:
        """(terms that query and answer share, which two texts hold them): those of the evidence or of a whole document around
        it, whichever share more.

        A quote seldom repeats the code in the heading above it, and lexical search reads the whole document.
        """
        documents = {doc_id: self._documents[doc_id] for doc_id in self.find_answers(query_id) if doc_id in self._documents}
        spans = [span for span in self._spans.get(query_id, []) if span[0] in documents]
        texts = [("query and document", f"{title}\n{text}") for title, text in documents.values()]
        texts.insert(0, ("both texts", "\n".join(documents[doc_id][1][start:end] for doc_id, start, end in spans)))
        query = self._queries.loc[query_id, "text"]
        share = partial(
            find_shared_terms,
            query,
            frequencies=lambda: self._frequencies,
            documents=len(self._indexed),
            analyzer=self._analyzer,
        )
        found = [(share(text), which) for which, text in texts]
        return max(found, key=lambda item: len(item[0]))  # the first of equals


@dataclass(frozen=True)
class _Trial:
    """What a query's causes are sought with. fixes: by cause; rescues: RESCUES in the order in which they are tried."""

    labels: _Labels
    system: str
    ranks: pd.Series
    fixes: dict[str, Fix]
    cut: Mapping[str, str]
    rescues: pd.DataFrame


def _find_reasons(trial: _Trial, query_id: str) -> dict[str, str]:
    """cause -> sentence for all causes that hold for a judged query, the first is the one to blame; empty if it succeeds."""
    missing = trial.labels.explain_missing(query_id)
    if missing:
        return {"not_in_corpus": missing}
    rank = float(trial.ranks.loc[query_id])
    if rank <= FIRST:
        return {}
    where = _say_rank(rank, trial.system)
    reasons: dict[str, str] = {}
    doubts: list[str] = []
    for row in trial.rescues.itertuples(index=False):
        reason, doubt = _try_fix(trial, trial.fixes[row.cause], query_id)
        if reason and row.used:
            reasons[row.cause] = f"{where}; {reason}."
        elif reason:
            name = "it" if row.system in reason else row.system
            doubts.append(f"{reason}, but of the tuning queries {name} rescues {row.rescued} and breaks {row.broken}")
        elif doubt:
            doubts.append(doubt)
    last = "ranking" if rank <= RUN_DEPTH else "representation"
    rest = f"; {doubts[0]}" if doubts else ", and no cheaper fix brings it into the first five" if trial.fixes else ""
    reasons[last] = f"{where}{rest}."
    return reasons


def _try_fix(trial: _Trial, fix: Fix, query_id: str) -> tuple[str, str]:
    """(why the fix's cause holds, why it does not though the fix has the answer), as parts of a sentence; "" for neither."""
    rank = float(fix.ranks.loc[query_id])
    has_it = f"{fix.system} has it at rank {rank:.0f}" if rank <= FIRST else ""
    if fix.cause == "chunking":
        return ", and ".join(part for part in (trial.cut.get(query_id, ""), has_it) if part), ""
    if not has_it:
        return "", ""
    if fix.cause == "metadata":
        return f"with {trial.labels.say_filter(query_id)} {has_it}", ""
    if fix.cause == "wording":
        return f"with the query rewritten {has_it}", ""
    shared, which = trial.labels.find_shared(query_id)
    if not shared:
        return "", f"{has_it}, but query and answer share no code, number or rare term"
    return f"{has_it}, and {which} hold {join_words([f'“{term}”' for term in shared[:_TERMS_SHOWN]])}", ""


def _say_rank(rank: float, system: str) -> str:
    if np.isfinite(rank):
        return f"The answer is at rank {rank:.0f} of {system}"
    return f"The answer is not among the first {RUN_DEPTH} hits of {system}"


def _check(labels: _Labels, ranks: pd.Series, fixes: Sequence[Fix], query_ids: Sequence[str]) -> None:
    causes = [fix.cause for fix in fixes]
    wrong = [cause for cause in causes if cause not in FIXED_CAUSES or causes.count(cause) > 1]
    if wrong:
        expected = f"at most one fix for each of {', '.join(FIXED_CAUSES)}"
        raise StageError(f"diagnosis: expected {expected}, found {', '.join(causes)}")
    for name, found in (("the diagnosed system", ranks), *((fix.system, fix.ranks) for fix in fixes)):
        missing = [query_id for query_id in query_ids if query_id in labels.relevant and query_id not in found.index]
        if missing:
            expected = f"an answer rank of {name} for every answerable query"
            raise StageError(f"diagnosis: expected {expected}, found none for {first_five(missing)}")


def _group(frame: pd.DataFrame, columns: list[str]) -> dict[str, list[tuple[Any, ...]]]:
    """query_id -> its rows as tuples, in order."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for query_id, *row in frame[["query_id", *columns]].itertuples(index=False):
        found.setdefault(query_id, []).append(tuple(row))
    return found


def _say_condition(condition: Any) -> str:
    if isinstance(condition, Mapping):
        words = {"gte": "from", "lte": "to"}
        return " ".join(f"{words[end]} {condition[end]}" for end in ("gte", "lte") if end in condition)
    return " or ".join(map(str, condition)) if isinstance(condition, list | tuple) else str(condition)
