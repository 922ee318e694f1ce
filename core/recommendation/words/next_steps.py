"""What to do next, in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from core.data.split import DEFAULT_SHARE
from core.diagnosis.side_sentences import list_cures
from core.ladder.actions import MEND_A_SIDE
from core.ladder.choose import LEAST_TEST
from core.ladder.climb import tried_cross_encoder
from core.ladder.rungs.reranking import SUGGESTED_RERANKER
from core.recommendation.decided_ladder import DecidedLadder
from core.text.phrases import count_of

_NAMED = 5  # queries named in a sentence


def list_next_steps(decided: DecidedLadder, fine_tuning: Mapping[str, str], suspects: Sequence[str] = ()) -> list[str]:
    """What to do, in order. fine_tuning: judge_fine_tuning(). suspects: queries whose labels need a second look; they come
    first where half of what still fails hangs on them."""
    steps = _list_measures(decided, fine_tuning)
    if not suspects or decided.findings.labels_by_chance:  # where the labels as a whole are wrong, that is said already
        return steps
    values = decided.success
    failing = set(values.index[values == 0])
    hanging = len(failing & set(suspects))
    named = ", ".join(suspects[:_NAMED]) + (", …" if len(suspects) > _NAMED else "")
    look = (
        f"Look at the labels of {count_of(len(suspects), 'query')} ({named}): embeddings and word matching agree there "
        "on a document that is not labelled, and find none that is."
    )
    if hanging:
        look += f" {hanging} of the {len(failing)} test queries that {decided.system} fails hang on them."
    return [look, *steps] if 2 * hanging >= max(len(failing), 1) else [*steps, look]


def _list_measures(decided: DecidedLadder, fine_tuning: Mapping[str, str]) -> list[str]:
    steps = []
    action = decided.choice.action
    if action == "label_more_queries":
        steps.append(_say_how_many(decided))
    elif action == "extend_corpus":
        missing = decided.analysis.counts[decided.baseline]["causes"]["not_in_corpus"]
        steps.append(
            f"Add documents that answer the {missing} test queries without one (page Diagnosis lists them), then run again."
        )
    elif action in MEND_A_SIDE:
        steps += _list_cures(decided)
    elif decided.system != decided.baseline:
        steps.append(f"Adopt {decided.system}; the report holds it as YAML and as a short Python program.")
    if action not in ("label_more_queries", "extend_corpus", *MEND_A_SIDE):
        if not tried_cross_encoder(decided.findings.steps):
            steps.append(f"Measure a cross-encoder as reranker; name one, such as {SUGGESTED_RERANKER}.")
        if fine_tuning["answer"] == "worth trying":
            steps.append(
                f"Then a fine-tuned {fine_tuning['kind']} is worth trying; judge it on held-out queries before adopting it."
            )
    return steps


def _list_cures(decided: DecidedLadder) -> list[str]:
    """What makes the stuck sides work, and where to do it: the ladder itself begins with one model."""
    cures = list(dict.fromkeys(cure for side in decided.findings.sides.list_stuck() for cure in list_cures(side)))
    return [*cures, "Make it a system of your own (page Experiment) and compare it with what was measured here."]


def _say_how_many(decided: DecidedLadder) -> str:
    answerable = len(decided.findings.values)
    if answerable < LEAST_TEST:
        wanted = int(np.ceil(LEAST_TEST / (1 - DEFAULT_SHARE)))
        return f"Label at least {max(wanted, 40)} queries in all ({answerable} of the test queries have a relevant label now)."
    if decided.findings.labels_by_chance:
        return "Check the labels: query and document ids may be mixed up. Begin with the queries listed under labels to check."
    needed = [row["queries_needed"] for row in decided.rows if row.get("queries_needed")]
    return f"About {max(needed, default=0):,} test queries would settle every rung; label as many more as you can afford."
