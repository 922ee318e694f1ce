"""The title of a recommendation: its action in a few words."""

from __future__ import annotations

from core.ladder.actions import title_action
from core.recommendation.decided_ladder import DecidedLadder


def write_title(decided: DecidedLadder) -> str:
    """The action in a few words; of a trained model that the test has proven, to use it."""
    rung = decided.choice.rung
    return rung.proven_title if rung is not None and decided.recommends_training else title_action(decided.choice.action)
