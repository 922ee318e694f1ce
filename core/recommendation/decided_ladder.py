"""One decided ladder: what the sentences of a recommendation are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.data.split import Split
from core.evaluation.per_query import find_success_measure
from core.experiment.result import Experiment, SystemResult
from core.ladder.choose import Choice, Findings
from core.ladder.resplits import Stability
from core.recommendation.error_analysis import Readings

ACTION_TITLES = {
    "embeddings_enough": "Embeddings are enough",
    "fix_chunking": "Change the chunking first",
    "add_metadata_filters": "Filter by metadata first",
    "use_hybrid_search": "Use hybrid search first",
    "rewrite_queries": "Rewrite the queries first",
    "add_reranker": "Add a reranker first",
    "fine_tune_reranker": "Fine-tuning a reranker is worth trying",
    "fine_tune_embedding": "Fine-tuning the embedding model is worth trying",
    "fine_tune_generator": "Fine-tune the generator",
    "label_more_queries": "Label more queries first",
    "extend_corpus": "Extend the corpus first",
}


@dataclass(frozen=True)
class Case:
    """What the sentences are made from."""

    findings: Findings
    choice: Choice
    stability: Stability
    experiment: Experiment
    readings: Readings
    rows: Sequence[Mapping[str, Any]]
    split: Split
    primary: str

    @property
    def baseline(self) -> str:
        return self.findings.baseline.name

    @property
    def system(self) -> str:
        return self.choice.system

    @property
    def result(self) -> SystemResult:
        return next(system for system in self.experiment.systems if system.name == self.system)

    @property
    def uses_trained(self) -> bool:
        """Whether a model that was trained here is in the system. The re-splits leave such systems out."""
        chosen = [step.chosen.name for step in self.findings.steps if step.held_out and step.chosen is not None]
        return self.system in chosen

    @property
    def success_measure(self) -> str:
        return find_success_measure(self.experiment.per_query)
