"""Fine-tuned models, trained on the dataset's own tuning queries: a reranker, a query adapter, an embedding model."""

from __future__ import annotations

from collections.abc import Callable

from core.diagnosis.sides import EMBEDDINGS
from core.ladder.offer import Offer
from core.ladder.rungs.reranking import describe_reranker, list_sides, name_reranker
from core.ladder.rungs.rung import Rung, rely_on
from core.settings import TRAINED_PREFIX
from core.systems.system import System, strip_name
from core.systems.trained import ADAPTER, EMBEDDING, KIND_ARTICLES, KIND_WORDS, RERANKER, TrainedModel
from core.systems.trained_systems import apply_model, apply_weights, make_trained_systems

_TRAIN_EMBEDDING, _EMBEDDING_TITLE = "fine_tune_embedding", "Fine-tuning the embedding model is worth trying"


def pick_training(*, ranked_low: float, not_found: float) -> Rung:
    """The training that the gap speaks for: a reranker moves up what was found, an embedding model finds what was not.

    ranked_low, not_found: those parts of the gap to a perfect score, see core.diagnosis.headroom.GAP.
    """
    return FINE_TUNED_RERANKER if ranked_low >= not_found else FINE_TUNED_EMBEDDING


def _propose(kind: str, stack: Callable[[TrainedModel, System], list[System]]) -> Callable[[System, Offer], list[System]]:
    """The incumbent with the dataset's model of this kind in it, and the model's own named systems."""

    def propose(incumbent: System, offer: Offer) -> list[System]:
        model = offer.find_trained(kind)
        if model is None:
            return []
        own = list(make_trained_systems([model]).values())
        known = {strip_name(system): system for system in own}
        stacked = [known.get(strip_name(system), system) for system in stack(model, incumbent)]
        return [*stacked, *(system for system in own if system not in stacked)]

    return propose


def _stack_reranker(model: TrainedModel, incumbent: System) -> list[System]:
    """With the first stage's score added and without; none over a system that has no chunks to read."""
    if incumbent.chunk is None:
        return []
    depth = int(model.plan["depth"])
    return [apply_weights(model, incumbent, model.reference, depth=depth, mixed=mixed) for mixed in (True, False)]


def _stack_adapter(model: TrainedModel, incumbent: System) -> list[System]:
    """None over vectors of another model than the adapter was trained on."""
    return [apply_model(model, incumbent)] if incumbent.dense is not None and incumbent.dense.model == model.base else []


def _stack_embedding(model: TrainedModel, incumbent: System) -> list[System]:
    return [apply_model(model, incumbent)] if incumbent.dense is not None else []


def _describe_adapter(system: System) -> str:
    return "query vectors moved by a trained adapter" if system.dense is not None and system.dense.adapter else ""


def _name_adapter(system: System) -> str:
    return "adapter" if system.dense is not None and system.dense.adapter else ""


def _describe_embedding(system: System) -> str:
    if not _name_embedding(system):
        return ""
    return "embeddings of the fine-tuned model" + (", with word matching" if system.lexical is not None else "")


def _name_embedding(system: System) -> str:
    return "finetuned" if system.dense is not None and system.dense.model.startswith(TRAINED_PREFIX) else ""


def _explain_absence(kind: str) -> str:
    return (
        f"No trained {KIND_WORDS[kind]} is among what was measured. Train {KIND_ARTICLES[kind]} (page Fine-tuning, or "
        f"`python -m core train DATASET --kind {kind}`), then let it join (--with-training)."
    )


FINE_TUNED_RERANKER = Rung(
    name="fine_tuned_reranker",
    title="Fine-tuned reranker",
    action="fine_tune_reranker",
    action_title="Fine-tuning a reranker is worth trying",
    proven_title="Use the fine-tuned reranker",
    propose=_propose(RERANKER, _stack_reranker),
    describe=describe_reranker,
    name_part=name_reranker,
    absence=_explain_absence(RERANKER),
    relies_on=list_sides,
    trained_kind=RERANKER,
)
FINE_TUNED_ADAPTER = Rung(
    name="fine_tuned_adapter",
    title="Fine-tuned query adapter",
    action=_TRAIN_EMBEDDING,
    action_title=_EMBEDDING_TITLE,
    proven_title="Use the trained query adapter",
    propose=_propose(ADAPTER, _stack_adapter),
    describe=_describe_adapter,
    name_part=_name_adapter,
    absence=_explain_absence(ADAPTER),
    relies_on=rely_on(EMBEDDINGS),
    trained_kind=ADAPTER,
)
FINE_TUNED_EMBEDDING = Rung(
    name="fine_tuned_embedding",
    title="Fine-tuned embedding model",
    action=_TRAIN_EMBEDDING,
    action_title=_EMBEDDING_TITLE,
    proven_title="Use the fine-tuned embedding model",
    propose=_propose(EMBEDDING, _stack_embedding),
    describe=_describe_embedding,
    name_part=_name_embedding,
    absence=_explain_absence(EMBEDDING),
    cures="representation",
    relies_on=rely_on(EMBEDDINGS),
    trained_kind=EMBEDDING,
)
