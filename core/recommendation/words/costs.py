"""What adopting the recommended system costs, once, per query and a month."""

from __future__ import annotations

from core.ladder.climb import find_path
from core.recommendation.decided_ladder import DecidedLadder


def list_costs(decided: DecidedLadder) -> list[str]:
    """What adopting the system costs, one time and per query."""
    costs = []
    rows = {row["system"]: row for row in decided.rows}
    for step in find_path(decided.system, decided.findings.steps):
        row = rows[step.chosen.name] if step.chosen is not None else {}
        if row.get("one_time"):
            costs.append(f"{row['title']}, once: {row['one_time']}.")
    own, base = rows.get(decided.system, {}).get("p95_ms"), rows[decided.baseline].get("p95_ms")
    if own is not None and base is not None and decided.system != decided.baseline:
        costs.append(f"Per query: {own:.0f} ms for 95 of 100 queries here, instead of {base:.0f} ms.")
    monthly = decided.findings.monthly
    if decided.system in monthly:
        instead = (
            f", instead of ${monthly[decided.baseline]:,.2f}"
            if decided.baseline in monthly and decided.system != decided.baseline
            else ""
        )
        costs.append(f"A month, as you expect to use it: ${monthly[decided.system]:,.2f}{instead} (page Cost & latency).")
    return costs
