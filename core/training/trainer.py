"""What training an embedding model and training a reranker share: the trainer's settings, checkpoints, progress, cancel."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from logging import ERROR, getLogger
from pathlib import Path
from typing import Any

import pandas as pd

from core.errors import InputError, LadderError, ModelUnavailable, first_line
from core.progress import CancelToken
from core.settings import DEFAULT_MODEL, quieten_libraries
from core.stages.embed import resolve_model
from core.storage.damage import find_whole
from core.storage.files import read_json, write_json
from core.storage.sealed_folder import find_broken_seal, seal_folder
from core.training.request import TrainingPlan

_LOGGED = 40  # points of the loss curve in all
_CHECKPOINT = re.compile(r"checkpoint-(\d+)")
MIXES = (0.5, 1.0)  # shares of the trained weights that are tried on the validation loss


@dataclass(frozen=True)
class Outcome:
    """curve: points {step, epoch, loss} and {step, epoch, validation}. metrics: JSON values, see TrainedModel.metrics."""

    curve: tuple[dict[str, Any], ...]
    metrics: dict[str, Any]


@dataclass
class TrainingProgress:
    """What a training reports to, at every step. report(label, done, total, curve) may raise Cancelled.

    on_checkpoint(seconds): called when a checkpoint is written, with the seconds of training since the process began.
    """

    cancel: CancelToken = field(default_factory=CancelToken)
    report: Callable[[str, float, float, list[dict[str, Any]]], None] = lambda label, done, total, curve: None
    on_checkpoint: Callable[[float], None] = lambda seconds: None
    started: float = field(default_factory=time.perf_counter)

    @property
    def seconds(self) -> float:
        """Seconds since the training began in this process."""
        return time.perf_counter() - self.started


def find_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint below a folder that is whole, or None: one that was being written has no trainer state."""
    found = [path for path in folder.glob("checkpoint-*") if _CHECKPOINT.fullmatch(path.name)]
    whole = [
        path
        for path in found
        if _read_state(path) is not None and (path / "optimizer.pt").is_file() and find_broken_seal(path) is None
    ]
    return max(whole, key=lambda path: int(path.name.split("-")[1]), default=None)


def _read_state(checkpoint: Path) -> dict[str, Any] | None:
    """The trainer's state, which is written last; None if it is missing or broken off."""
    try:
        state: dict[str, Any] = json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
        return state
    except (OSError, ValueError):
        return None


def _had_stopped(checkpoint: Path) -> bool:
    """Whether the training ended with this checkpoint: nothing is left to train, only the best epoch to be taken."""
    saved = (_read_state(checkpoint) or {}).get("stateful_callbacks", {}).get("TrainerControl", {})
    return bool(saved.get("args", {}).get("should_training_stop"))


def quieten() -> None:
    """No progress bars, no reports to services: progress goes through TrainingProgress."""
    quieten_libraries()
    import datasets
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()
    getLogger("sentence_transformers").setLevel(ERROR)
    datasets.disable_progress_bars()


def load_base(load: Callable[[str], Any], base: str) -> Any:
    """The model to start from; raises ModelUnavailable, with the cure, whatever is wrong with it."""
    try:
        model = load(str(resolve_model(base)))
        if (card := getattr(model, "model_card_data", None)) is not None:
            # Checkpoints come with a card that nobody reads; for it the library would ask the hub and encode examples.
            card.local_files_only, card.generate_widget_examples = True, False
        return model
    except LadderError:
        raise
    except Exception as error:  # the libraries raise many kinds; whatever it is, this model cannot be had
        raise ModelUnavailable(
            f"The base model {base!r} cannot be loaded ({first_line(error)}). Check the name, connect once so that it can be "
            f"downloaded, or give the path of a local model folder; the bundled one is {DEFAULT_MODEL}."
        ) from error


def make_arguments(kind: type, plan: TrainingPlan, folder: Path, *, rows: int, **more: Any) -> Any:
    """Training arguments: a checkpoint and a validation at the end of every epoch, on a GPU if there is one."""
    import torch

    steps = max(1, -(-rows // plan.batch_size))
    return kind(
        output_dir=str(folder),
        num_train_epochs=plan.epochs,
        per_device_train_batch_size=plan.batch_size,
        per_device_eval_batch_size=plan.batch_size,
        learning_rate=plan.learning_rate,
        warmup_steps=0.1,
        eval_strategy="epoch",
        save_strategy="epoch",
        save_total_limit=2,
        restore_callback_states_from_checkpoint=True,  # how long there was no better epoch
        load_best_model_at_end=True,
        metric_for_best_model="eval_loss",
        greater_is_better=False,
        logging_steps=max(1, steps * plan.epochs // _LOGGED),
        logging_nan_inf_filter=False,
        seed=plan.seed,
        data_seed=plan.seed,
        use_cpu=not torch.cuda.is_available(),
        dataloader_pin_memory=torch.cuda.is_available(),
        disable_tqdm=True,
        report_to=[],
        **more,
    )


def run_trainer(
    trainer: Any, plan: TrainingPlan, folder: Path, progress: TrainingProgress
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Trains, from the last checkpoint if there is one. Returns the loss curve and what was noticed.

    The untrained model's validation loss is measured first and kept beside the checkpoints, for a training that goes on from
    one.
    """
    from transformers import EarlyStoppingCallback, PrinterCallback

    trainer.remove_callback(PrinterCallback)
    file = folder / "untrained.json"
    checkpoint = find_checkpoint(folder)
    untrained = find_whole(file, lambda found: float(read_json(found)["validation"]), root=folder) if checkpoint else None
    if untrained is None:  # measuring draws random numbers, so that a training from its beginning always does it
        progress.report("measuring the untrained model", 0.0, 1.0, [])
        untrained = float(trainer.evaluate()["eval_loss"])
        write_json(file, {"validation": untrained})
    if checkpoint is not None and _had_stopped(checkpoint):
        trainer.args.max_steps = int(checkpoint.name.split("-")[1])
    trainer.add_callback(EarlyStoppingCallback(early_stopping_patience=plan.patience))
    trainer.add_callback(_make_callback(progress, plan))
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    curve = read_curve(trainer.state.log_history)
    best = min((point for point in curve if "validation" in point), key=lambda point: point["validation"])
    return curve, {
        "validation_untrained": untrained,
        "validation": best["validation"],
        "best_epoch": best["epoch"],
        "epochs": max(point["epoch"] for point in curve),
        "resumed": checkpoint is not None,
        "device": str(trainer.args.device.type),
    }


def read_curve(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The trainer's log as points of the loss curve; the untrained model's own validation, at step 0, is left out."""
    curve = []
    for entry in history:
        point = {"step": int(entry.get("step", 0)), "epoch": round(float(entry.get("epoch") or 0.0), 3)}
        if "loss" in entry:
            curve.append({**point, "loss": float(entry["loss"])})
        elif "eval_loss" in entry and point["step"]:
            curve.append({**point, "validation": float(entry["eval_loss"])})
    return curve


def _make_callback(progress: TrainingProgress, plan: TrainingPlan) -> Any:
    from transformers import TrainerCallback

    class Progress(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            progress.cancel.check()
            self.tell(state)

        def on_log(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            last = state.log_history[-1] if state.log_history else {}
            if not all(math.isfinite(last.get(name, 0.0)) for name in ("loss", "eval_loss")):
                raise InputError(
                    f"the loss is no number any more after step {state.global_step}: the training diverged; choose a smaller "
                    f"learning_rate than {plan.learning_rate:g}"
                )
            self.tell(state)

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            seal_folder(Path(args.output_dir) / f"checkpoint-{state.global_step}")
            progress.on_checkpoint(progress.seconds)

        def tell(self, state: Any) -> None:
            epoch = min(max(math.ceil(state.epoch or 0), 1), plan.epochs)
            label = f"training, epoch {epoch} of {plan.epochs}, step {state.global_step} of {state.max_steps}"
            progress.report(label, state.global_step, state.max_steps, read_curve(state.log_history))

    return Progress()


def make_dataset(frame: pd.DataFrame, columns: list[str]) -> Any:
    """The columns that a loss reads, as a datasets.Dataset."""
    from datasets import Dataset

    return Dataset.from_dict({name: frame[name].tolist() for name in columns})


def merge_weights(untrained: dict[str, Any], trained: dict[str, Any], share: float) -> dict[str, Any]:
    """share * trained + (1 - share) * untrained, weight by weight (WiSE-FT: Wortsman et al. 2022)."""
    return {
        name: share * trained[name] + (1.0 - share) * value if value.is_floating_point() else value
        for name, value in untrained.items()
    }
