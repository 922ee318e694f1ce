"""What the diagnosis says, in plain words, the same on the page and in the report. Plain text: whoever shows it escapes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.diagnosis.causes import CAUSES
from core.diagnosis.headroom import CHUNKING, FILTER, RERANKING, SYSTEM, UNION
from core.text.phrases import plural

# cause -> a name of a few words
CAUSE_TITLES = {
    "not_in_corpus": "Not in the corpus",
    "metadata": "Filter missing",
    "chunking": "Chunking",
    "exact_terms": "Exact terms",
    "wording": "Wording",
    "ranking": "Ranked too low",
    "representation": "Not in the first 100",
}
# cause -> what it means, as one sentence
CAUSE_WORDS = {
    "not_in_corpus": "No document in the corpus answers the query, so no way of searching can.",
    "metadata": "The right page is crowded out by pages of another version, product or kind; a filter leaves those out.",
    "chunking": "Documents are cut into pieces badly: the answer is cut apart, not read, or found with other pieces.",
    "exact_terms": "The query names a code, number or rare term that its answer holds; matching words finds it.",
    "wording": "Query and answer use different words; the query, rewritten, finds it.",
    "ranking": "The answer is among the first 100 hits but not among the first five; no more exact cause was found.",
    "representation": "The answer is not even among the first 100 hits; no more exact cause was found.",
}
# cause -> how the headline goes on after "For 20 of them"
_CAUSE_CLAUSES = {
    "not_in_corpus": "no document in the corpus holds the answer",
    "metadata": "a filter would bring the answer into the first five",
    "chunking": "the way documents are cut into chunks loses the answer",
    "exact_terms": "matching the exact words would find the answer",
    "wording": "query and answer use different words, and rewriting the query finds it",
    "ranking": "the answer is found but ranked too low",
    "representation": "the answer is not even among the first 100 hits",
}
FAILS = (
    "A query fails if none of the first five hits holds its answer. Where the labels mark the passage that answers, a hit "
    "holds it if its chunk has at least half of that passage; else a relevant document counts."
)

# fix of core.diagnosis.headroom -> (a name of a few words, what it supposes)
FIX_TITLES = {
    FILTER: "Perfect filter",
    CHUNKING: "Best chunking per query",
    UNION: "Embeddings or words",
    RERANKING: "Perfect reranking",
    SYSTEM: "Best system per query",
}
LUCK = (
    "Picking the best of several gains even where there is nothing to gain, as the highest of many dice does. What such luck "
    "alone would give was measured and is taken off."
)
AT_BEST = (
    "Each bar is a fix on its own, with hindsight: it supposes that the fix always chooses right, which nothing real does. "
    "The bars overlap, since a query that one fix saves may be saved by another as well. Do not add them up."
)

# part of core.diagnosis.headroom.GAP -> (a name of a few words, what it means)
GAP_TITLES = {"ranked_low": "Ranked too low", "not_among_100": "Not among the first 100", "unanswerable": "Unanswerable"}
GAP_WORDS = {
    "ranked_low": "found among the first 100 hits, but too far down. Reranking can win it back.",
    "not_among_100": "not among the first 100 hits. Reranking cannot win it back; other chunks, hybrid search or another "
    "model may.",
    "unanswerable": "nothing in the corpus answers the query. Only more documents can win it back.",
}
_SMALLEST_SHOWN = 0.0005  # what is less reads 0.000


def describe_failures(system: str, counts: Mapping[str, Any]) -> str:
    """ "dense fails 26 of 110 test queries. For 20 of them the answer is found but ranked too low."

    counts: a value of ErrorAnalysis.counts. Of causes that are equally frequent all lead.
    """
    failed, judged = int(counts["failed"]), int(counts["judged"])
    queries = plural(judged, "test query")
    if not failed:
        return f"{system} fails none of {judged:,} {queries}. There is nothing to diagnose."
    most = max(counts["causes"].values())
    leading = [_CAUSE_CLAUSES[cause] for cause in CAUSES if counts["causes"][cause] == most]
    start = f"{system} fails {failed:,} of {judged:,} {queries}"
    if failed == 1:
        return f"{start}: {leading[0]}."
    many = f"all {most:,}" if most == failed else f"{most:,}"
    return f"{start}. For {many} of them {leading[0]}" + "".join(f", for {most:,} {clause}" for clause in leading[1:]) + "."


def describe_bound(bound: Mapping[str, Any]) -> str:
    """A bound of the headroom as a sentence, with what is shown if that is not just what remains beyond chance."""
    excess = float(bound["oracle"]) - float(bound["chance"])
    words = str(bound["words"])
    if float(bound["gain"]) > max(excess, 0.0) + _SMALLEST_SHOWN:
        beyond = f"only {excess:+z.3f}" if excess > _SMALLEST_SHOWN else "nothing"
        already = f"what the variant chosen on the tuning queries gains already, {bound['gain']:+z.3f}"
        return f"{words} Beyond luck {beyond} is left, so the bar shows {already}."
    if excess <= _SMALLEST_SHOWN:
        return f"{words} Nothing is left."
    return words


def list_gap(headroom: Mapping[str, Any]) -> list[tuple[str, str, float]]:
    """(part, title, share of a perfect score): first what is reached, then the gap's three parts; together 1.

    headroom: ErrorAnalysis.headroom. Over all judged queries, so that reached may be less than the mean over
    the answerable ones.
    """
    gap = {part: float(headroom["gap"][part]) for part in GAP_TITLES}
    reached = 1.0 - sum(gap.values())
    return [("reached", f"Reached by {headroom['system']}", reached), *((part, GAP_TITLES[part], gap[part]) for part in gap)]
