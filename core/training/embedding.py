"""Fine-tunes an embedding model with sentence-transformers' trainer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.errors import InputError
from core.training.examples import Examples
from core.training.request import TrainingPlan
from core.training.trainer import (
    MIXES,
    Outcome,
    TrainingProgress,
    load_base,
    make_arguments,
    make_dataset,
    merge_weights,
    quieten,
    run_trainer,
)


def train_embedding(
    plan: TrainingPlan,
    base: str,
    learning: Examples,
    validation: Examples,
    *,
    folder: Path,
    target: Path,
    progress: TrainingProgress,
) -> Outcome:
    """Trains on the learning examples, stops by the validation examples, and writes the model to `target`.

    Pairs, triplets and hard negatives are learned by MultipleNegativesRankingLoss, labels and scores by CoSENTLoss. What is
    written is the epoch with the lowest validation loss, its weights averaged with the untrained ones where that lowers the
    validation loss further: averaging keeps what the untrained model knew. folder: of the checkpoints; what is there is gone on
    from. Raises Cancelled (the last checkpoint stays), InputError, ModelUnavailable.
    """
    quieten()
    from safetensors.torch import load_file
    from sentence_transformers import (
        SentenceTransformer,
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
    )

    device = _find_device()
    model = load_base(lambda path: SentenceTransformer(path, device=device), base)
    model.max_seq_length = min(plan.max_tokens, model.max_seq_length or plan.max_tokens)
    _freeze(model, plan.freeze_layers)
    if plan.lora_rank:
        _add_lora(model, plan)
    arguments = make_arguments(
        SentenceTransformerTrainingArguments, plan, folder, rows=len(learning.frame), batch_sampler="no_duplicates"
    )

    class Trainer(SentenceTransformerTrainer):
        # The library loads a checkpoint as a new model, which would lack the low-rank updates.
        def _load_from_checkpoint(self, checkpoint_path: str) -> None:
            if not plan.lora_rank:
                super()._load_from_checkpoint(checkpoint_path)
                return
            self.model.transformers_model.load_state_dict(load_file(Path(checkpoint_path) / "model.safetensors"))

    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=make_dataset(learning.frame, learning.columns),
        eval_dataset=make_dataset(validation.frame, validation.columns),
        loss=_make_loss(learning.form, model),
    )
    curve, metrics = run_trainer(trainer, plan, folder, progress)
    progress.report("choosing the weights", 1.0, 1.0, curve)
    final = load_base(lambda path: SentenceTransformer(path, device=device), base)
    untrained = {name: value.detach().clone() for name, value in final.state_dict().items()}
    trained = _merge_lora(model)
    room, final.max_seq_length = final.max_seq_length, model.max_seq_length
    losses = {}
    for share in MIXES:
        progress.cancel.check()
        final.load_state_dict(merge_weights(untrained, trained, share))
        losses[share] = _measure_loss(final, learning.form, arguments, validation)
    share = min(losses, key=lambda one: losses[one])
    final.load_state_dict(merge_weights(untrained, trained, share))
    final.max_seq_length = room
    final.eval()
    final.save_pretrained(str(target), create_model_card=False)
    return Outcome(tuple(curve), {**metrics, "validation": losses[share], "trained_share": share})


def _find_device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _make_loss(form: str, model: Any) -> Any:
    from sentence_transformers.sentence_transformer.losses import CoSENTLoss, MultipleNegativesRankingLoss

    return CoSENTLoss(model) if form in ("labelled", "scores") else MultipleNegativesRankingLoss(model)


def _measure_loss(model: Any, form: str, arguments: Any, validation: Examples) -> float:
    from sentence_transformers import SentenceTransformerTrainer
    from transformers import PrinterCallback

    held = make_dataset(validation.frame, validation.columns)
    judge = SentenceTransformerTrainer(model=model, args=arguments, eval_dataset=held, loss=_make_loss(form, model))
    judge.remove_callback(PrinterCallback)
    return float(judge.evaluate()["eval_loss"])


def _freeze(model: Any, layers: int) -> None:
    """Leaves the embeddings and the lowest layers as they are."""
    if not layers:
        return
    inner = model.transformers_model
    found = getattr(getattr(inner, "encoder", inner), "layer", None) or getattr(
        getattr(inner, "transformer", None), "layer", None
    )
    if found is None:
        raise InputError(f"the layers of {type(inner).__name__} are not known, so none can be frozen; use LoRA, or freeze none")
    if layers >= len(found):
        raise InputError(f"the model has {len(found)} layers; freeze at most {len(found) - 1}, or nothing is left to train")
    frozen = [*inner.embeddings.parameters(), *(weight for layer in found[:layers] for weight in layer.parameters())]
    for weight in frozen:
        weight.requires_grad = False


def _add_lora(model: Any, plan: TrainingPlan) -> None:
    """Low-rank updates of all linear layers (Hu et al. 2021); everything else stays as it is."""
    from peft import LoraConfig, TaskType, inject_adapter_in_model

    config = LoraConfig(
        task_type=TaskType.FEATURE_EXTRACTION,
        r=plan.lora_rank,
        lora_alpha=2 * plan.lora_rank,
        lora_dropout=0.0,
        target_modules="all-linear",
    )
    # In place, without transformers' own door to peft, which wants a version of it that does not exist yet.
    inject_adapter_in_model(config, model.transformers_model)


def _merge_lora(model: Any) -> dict[str, Any]:
    """The trained weights under the names of the plain model, low-rank updates added in."""
    for module in model.modules():
        if hasattr(module, "lora_A") and hasattr(module, "merge"):
            module.merge()
    return {
        name.replace(".base_layer", ""): value.detach().clone()
        for name, value in model.state_dict().items()
        if "lora_" not in name
    }
