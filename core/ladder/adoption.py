"""What it takes to adopt the trained models on a ladder."""

from __future__ import annotations

from collections.abc import Sequence

from core.ladder.climb import Step
from core.ladder.ladder import Ladder
from core.schema import list_passages
from core.training.adoption import measure_adoption


def describe_adoption(ladder: Ladder, steps: Sequence[Step]) -> dict[str, str]:
    """Name of a rung -> what it costs to adopt its trained model, for the rungs that have one."""
    found = {}
    for step in steps:
        model = ladder.offer.find_trained(step.rung.trained_kind)
        if model is not None and step.chosen is not None:
            chunks = ladder.measurer.system_runs.add(step.chosen).get_first("chunks")
            passages = list_passages(ladder.measurer.system_runs.execution.output(chunks))
            found[step.rung.name] = measure_adoption(model, ladder.resources, passages=passages).describe()
    return found
