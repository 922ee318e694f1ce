"""Fine-tunes a reranker (cross-encoder) on the candidates of a first stage."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.errors import InputError
from core.evaluation.answers import find_holding_hits
from core.stages.rerank import list_asked
from core.training.examples import Examples
from core.training.material import DUPLICATE, Material
from core.training.request import TrainingPlan
from core.training.trainer import Outcome, TrainingProgress, load_base, make_arguments, make_dataset, quieten, run_trainer

_MOST_POSITIVES = 5  # candidates of a query that are learned as answers, the first of them


def collect_candidates(material: Material, plan: TrainingPlan, *, query_ids: Sequence[str]) -> Examples:
    """Labelled examples (query, document, label) from the first `depth` hits of the start system, as it passes them on.

    Positive is a hit whose document is relevant (with evidence in it: whose chunk holds half of a span). A relevant document
    that the first stage missed is no candidate here either. Negatives are drawn among the other hits, `negatives` for each
    positive, without near-duplicates of a positive. Queries without a positive among the candidates give nothing.
    """
    node = material.system_runs.targets[material.system.name]
    run = material.system_runs.place_hits(material.system.name, material.system_runs.execution.output(node))
    run = run[run["query_id"].isin(set(query_ids))].reset_index(drop=True)
    queries = material.dataset.queries
    holding = find_holding_hits(run, material.dataset.evidence)
    held = set(zip(holding["query_id"], holding["chunk_id"], strict=True))
    quoted = set(zip(material.dataset.evidence["query_id"], material.dataset.evidence["doc_id"], strict=True))
    random = np.random.default_rng(plan.seed)
    rows: list[tuple[str, str, str, int]] = []
    for hits, pairs in list_asked(queries, run, material.chunks, depth=plan.depth):
        query_id = str(hits["query_id"].iloc[0])
        relevant = material.relevant.get(query_id, {})
        head = hits.iloc[: len(pairs)]
        labels = np.array([
            _label_hit(query_id, chunk_id, doc_id, relevant, held=held, quoted=quoted)
            for chunk_id, doc_id in zip(head["chunk_id"], head["doc_id"], strict=True)
        ])  # fmt: skip
        positives = np.flatnonzero(labels == 1)[:_MOST_POSITIVES]
        others = _drop_alike(material, head, positives, np.flatnonzero(labels == 0))
        wanted = min(len(others), plan.negatives * len(positives))
        taken = np.sort(random.choice(others, size=wanted, replace=False)) if wanted else np.zeros(0, dtype=int)
        rows += [(query_id, pairs[n][0], "\n".join(pairs[n][1]), 1) for n in positives]
        rows += [(query_id, pairs[n][0], "\n".join(pairs[n][1]), 0) for n in taken]
    if not any(label for *_, label in rows):
        raise InputError(
            f"no relevant document of a tuning query is among the first {plan.depth} hits of {material.system.name}, so there "
            "is nothing to learn from; choose another first stage, or a larger depth"
        )
    return Examples("labelled", pd.DataFrame(rows, columns=["query_id", "query", "document", "label"]))


def _label_hit(
    query_id: str,
    chunk_id: str,
    doc_id: str,
    relevant: Collection[str],
    *,
    held: set[tuple[str, str]],
    quoted: set[tuple[str, str]],
) -> int:
    """1 a positive, 0 a possible negative, -1 neither: relevant, but not the part that answers."""
    if doc_id not in relevant:
        return 0
    if (query_id, doc_id) not in quoted:
        return 1
    return 1 if (query_id, chunk_id) in held else -1


def _drop_alike(material: Material, head: pd.DataFrame, positives: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The hits that are no near-duplicates (cosine >= .95 of any of their passages) of a positive."""
    if material.system.dense is None or not len(positives) or not len(others):
        return others
    rows = [material.rows_of[doc_id] for doc_id in head["doc_id"]]
    known = material.matrix[np.concatenate([rows[number] for number in positives])]
    kept = [number for number in others if float((material.matrix[rows[number]] @ known.T).max()) < DUPLICATE]
    return np.array(kept, dtype=int)


def train_reranker(
    plan: TrainingPlan,
    base: str,
    learning: Examples,
    validation: Examples,
    *,
    folder: Path,
    target: Path,
    progress: TrainingProgress,
) -> Outcome:
    """Trains a CrossEncoder by BinaryCrossEntropyLoss, positives weighted by how rare they are; writes it to `target`.

    base: a cross-encoder, or any encoder, which then gets a new head. What is written is the epoch with the lowest validation
    loss. folder: of the checkpoints; what is there is gone on from. Raises Cancelled, InputError, ModelUnavailable.
    """
    if plan.lora_rank or plan.freeze_layers:
        raise InputError("a reranker trains all its weights, since its head is new; leave out lora_rank and freeze_layers")
    quieten()
    import torch
    from sentence_transformers import CrossEncoder, CrossEncoderTrainer, CrossEncoderTrainingArguments
    from sentence_transformers.cross_encoder.losses import BinaryCrossEntropyLoss

    torch.manual_seed(plan.seed)  # the new head is drawn
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = load_base(lambda path: CrossEncoder(path, num_labels=1, device=device), base)
    room, model.max_seq_length = model.max_seq_length, min(plan.max_tokens, model.max_seq_length or plan.max_tokens)
    labels = learning.frame["label"]
    rare = float((labels == 0).sum() / max((labels == 1).sum(), 1))

    def as_loss(examples: Examples) -> Any:
        return make_dataset(examples.frame.assign(label=examples.frame["label"].astype(float)), examples.columns)

    trainer = CrossEncoderTrainer(
        model=model,
        args=make_arguments(CrossEncoderTrainingArguments, plan, folder, rows=len(learning.frame)),
        train_dataset=as_loss(learning),
        eval_dataset=as_loss(validation),
        loss=BinaryCrossEntropyLoss(model, pos_weight=torch.tensor(max(rare, 1.0))),
    )
    curve, metrics = run_trainer(trainer, plan, folder, progress)
    model.max_seq_length = room
    model.eval()
    model.save_pretrained(str(target), create_model_card=False)
    return Outcome(tuple(curve), metrics)
