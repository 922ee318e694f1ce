"""What a trained model costs: labels, trainings until one is kept, and everything that a new training takes again."""

from __future__ import annotations

from core.costs.embedding import embed_documents
from core.costs.lines import MONTHLY, ONCE, Factor, Line, price_factor
from core.costs.prices import CPU, GPU, PERSON
from core.costs.sheet_inputs import HOUR, SheetInputs
from core.costs.vector_store import write_index
from core.systems.trained import EMBEDDING, KIND_WORDS

_MONTHS_A_YEAR = 12.0


def list_training_lines(inputs: SheetInputs) -> list[Line]:
    """Trainings until one is kept and labels for them, once; then training again, and with an embedding model embedding and
    writing all that is indexed again after each (adapters and rerankers leave the index as it is). None for a system without a
    trained model."""
    facts, scenario = inputs.facts, inputs.scenario
    if not facts.trained:
        return []
    kinds = " and ".join(KIND_WORDS[kind] for kind in facts.trained)
    again = (Factor("trainings a year", scenario.retrainings_per_year, "times"),)
    yearly = (*again, Factor("", _MONTHS_A_YEAR, "months", divides=True))
    tries = (Factor("until one is kept", scenario.experiments, "trainings"),)
    hours = Factor("of people", scenario.label_hours, "hours")
    labels = (hours, price_factor(inputs.prices.pick(scenario.labelling, PERSON)))
    lines = [
        Line("train", f"Train the {kinds}", (*_train_once(inputs), *tries, _pay_training(inputs)), ONCE),
        Line("label", "Label queries for the training", labels, ONCE),
        Line("retrain", f"Train the {kinds} again", (*_train_once(inputs), *yearly, _pay_training(inputs)), MONTHLY),
    ]
    if EMBEDDING in facts.trained:
        lines += embed_documents(inputs, "embed_again", "Embed everything again after each new training", yearly, MONTHLY)
        words = "Write everything into the vector store again after each new training"
        lines += write_index(inputs, "write_again", words, yearly, MONTHLY)
    return lines


def _train_once(inputs: SheetInputs) -> tuple[Factor, ...]:
    seconds = inputs.facts.training_seconds
    known = "as measured here" if seconds is not None else "unknown, the model was removed"
    known = "an assumption" if inputs.facts.imagined else known
    factors = [Factor(known, seconds or 0.0, "seconds of training"), HOUR]
    if not inputs.scenario.gpu:
        return (*factors, inputs.count_cores())
    speedup = Factor("how much faster the GPU trains", inputs.scenario.gpu_speedup, "times", divides=True)
    return (*factors, speedup)


def _pay_training(inputs: SheetInputs) -> Factor:
    gpu, cpu = inputs.scenario.gpu, inputs.scenario.cpu
    return price_factor(inputs.prices.pick(gpu, GPU) if gpu else inputs.prices.pick(cpu, CPU))
