"""The steps that a query passes, in plain words and in their order."""

from __future__ import annotations

import re

STEP_WORDS = {
    "Glossary": "add synonyms", "EmbedQueries": "embed query", "AdaptQueries": "adapt query", "CountTerms": "read words",
    "MetadataFilter": "filter", "RetrieveDense": "search vectors", "RetrieveLexical": "search words",
    "Rocchio": "vector feedback", "Rm3": "word feedback", "ReciprocalRankFusion": "merge", "WeightedFusion": "merge",
    "LateInteraction": "rerank", "CrossEncoderRerank": "rerank",
}  # fmt: skip


def name_step(stage: str) -> str:
    """A stage's class name in plain words; of one that has none, its own words."""
    return STEP_WORDS.get(stage) or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", stage).lower()
