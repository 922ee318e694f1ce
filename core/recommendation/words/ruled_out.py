"""What was measured and is not recommended, and why not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.ladder.choose import find_excess
from core.ladder.climb import find_path
from core.ladder.rows import word_verdict
from core.recommendation.decided_ladder import DecidedLadder
from core.recommendation.words.difference import describe_difference


def list_ruled_out(decided: DecidedLadder) -> list[dict[str, str]]:
    """The cheap rungs that are not on the way to the system, and why not; the trained ones too, where they were measured."""
    steps = decided.findings.steps
    taken = find_path(decided.system, steps)
    found = []
    for step, row in zip(steps, decided.rows[1:], strict=True):  # the first row is the baseline's
        if step in taken or (step.rung.is_trained and step.chosen is None):
            continue
        if row["system"] is None:
            why = f"Not measured. {row['why_not']}"
        else:
            gain = row["tuning"]["gain"]
            words = word_verdict(row) + (f", since {row['hindrance']}" if row["hindrance"] else "")
            if row["system"] in decided.choice.outside_limits:
                over = find_excess(row["system"], decided.findings)
                words = " and ".join(f"over the {name} ({by})" for name, by in over.items())
            elif row.get("held_out"):
                words += f" than {row['incumbent']}" if row["verdict"] in ("better", "worse") else ""
            elif row["kept"]:
                words = f"not needed for what is recommended; {words}"
            elif row["verdict"] == "better":
                words = "better on test, but too little on the tuning queries, where the choice is made; worth another look"
            where = "the tuning queries that it did not learn from" if row.get("held_out") else "tuning"
            why = (
                f"{words[:1].upper()}{words[1:]}: {describe_difference(row, decided.primary)} on test; {gain:+z.3f} on "
                f"{where}, {_count_variants(row)}."
            )
        found.append({"rung": row["rung"], "title": row["title"], "system": row["system"] or "", "why": why})
    return found


def _count_variants(row: Mapping[str, Any]) -> str:
    count = len(row["chosen_from"])
    return "the only variant" if count == 1 else f"the best of {count} variants"
