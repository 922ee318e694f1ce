"""Actions: what can be recommended to be done first. Most belong to a rung, and some to none."""

from __future__ import annotations

from core.ladder.rungs import list_rungs

MEND_A_SIDE = ("change_model", "check_words")  # actions that come first because a side could not work
_OTHERS = {
    "embeddings_enough": "Embeddings are enough",
    "no_cheaper_fix": "No cheaper fix was found",
    "fine_tune_generator": "Fine-tune the generator",
    "label_more_queries": "Label more queries first",
    "extend_corpus": "Extend the corpus first",
    "change_model": "Use a model that reads these texts first",
    "check_words": "See first why word matching finds nothing",
}


def list_actions() -> dict[str, str]:
    """Action -> its title, a few words: those of the rungs, and those that belong to none."""
    return {**{rung.action: rung.action_title for rung in list_rungs()}, **_OTHERS}


def title_action(action: str) -> str:
    """The action in a few words; the key itself of one that is not known, since older results may hold such."""
    return list_actions().get(action, action)
