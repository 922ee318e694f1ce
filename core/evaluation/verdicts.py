"""What is said of a difference: the word for its interval, and the sentence for the word.

There is one rule, and it reads nothing but the interval. Whatever page or command speaks of better and worse takes its words
from here; the intervals are made in core.evaluation.comparisons.
"""

from __future__ import annotations

SMALLEST_USEFUL_GAIN = 0.02
HARM = 0.1  # a query that loses more than this is harmed
VERDICTS = ("better", "worse", "better_but_small", "no_useful_difference", "cannot_tell")
DIFFERENT = ("better", "worse", "better_but_small")  # the verdicts that say that two systems differ
VERDICT_WORDS = {
    "better": "better",
    "worse": "worse",
    "better_but_small": "better, but too little to matter",
    "no_useful_difference": "no useful difference",
    "cannot_tell": "cannot tell",
}
INTERVAL_WORDS = "In brackets: the 95 % interval, wide enough for all that is compared here at once."
_SENTENCES = {
    "better": "{system} is better than {baseline} on {measure}",
    "worse": "{system} is worse than {baseline} on {measure}",
    "better_but_small": "{system} is better than {baseline} on {measure}, but too little to matter",
    "no_useful_difference": "There is no useful difference between {system} and {baseline} on {measure}",
    "cannot_tell": "{queries} cannot tell {system} from {baseline} on {measure}",
}


def choose_verdict(delta: float, low: float, high: float, *, min_gain: float) -> str:
    """The first of VERDICTS that holds for a difference with this interval."""
    real = leaves_out_zero(low, high)
    if real and delta >= min_gain:
        return "better"
    if real and delta <= -min_gain:
        return "worse"
    if real and delta > 0:
        return "better_but_small"
    if low >= -min_gain and high <= min_gain:
        return "no_useful_difference"
    return "cannot_tell"


def leaves_out_zero(low: float, high: float) -> bool:
    """Whether the interval says that there is a difference, however small."""
    return low > 0 or high < 0


def write_sentence(verdict: str, *, system: str, baseline: str, measure: str, n: int) -> str:
    """ "hybrid-rrf is better than dense on nDCG@10", without a full stop. n: queries compared. Plain text."""
    queries = "A single query" if n == 1 else f"These {n:,} queries"
    return _SENTENCES[verdict].format(system=system, baseline=baseline, measure=measure, queries=queries)
