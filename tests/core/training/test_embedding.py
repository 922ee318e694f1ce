"""Fine-tuning a tiny embedding model: every form of examples, what is left as it was, and a training that was cut off."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import Cancelled, InputError, ModelUnavailable
from core.progress import CancelToken
from core.storage.sealed_folder import SEAL
from core.training import embedding
from core.training.embedding import train_embedding
from core.training.examples import Examples
from core.training.request import TrainingPlan, make_plan
from core.training.trainer import MIXES, Outcome, TrainingProgress, find_checkpoint
from tests.support.tiny import ROOM, make_examples, read_weights

# 24 examples, 8 a batch: three steps an epoch
PLAN: dict[str, Any] = {"epochs": 2, "batch_size": 8, "learning_rate": 1e-3, "max_tokens": 16}


class Witness:
    """A progress that keeps the steps and labels it hears of, and cancels at the first report for which `stop` holds."""

    def __init__(self, stop: Any = lambda label, step: False) -> None:
        self.steps: list[int] = []
        self.labels: list[str] = []
        self.kept: list[float] = []
        cancel = CancelToken()

        def report(label: str, done: float, total: float, curve: list[dict[str, Any]]) -> None:
            self.labels.append(label)
            if label.startswith("training"):
                self.steps.append(int(done))
            if stop(label, done):
                cancel.cancel()

        self.progress = TrainingProgress(cancel, report, self.kept.append)


def run(
    base: Path,
    folder: Path,
    *,
    form: str = "pairs",
    witness: Witness | None = None,
    learning: Examples | None = None,
    **plan: Any,
) -> Outcome:
    """Trains into folder/weights, with checkpoints in folder/training."""
    return train_embedding(
        make_plan("embedding", **{**PLAN, **plan}),
        str(base),
        learning or make_examples(form),
        make_examples(form, count=12),
        folder=folder / "training",
        target=folder / "weights",
        progress=(witness or Witness()).progress,
    )


@pytest.fixture
def only_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    """The weights are those of the best epoch, not averaged."""
    monkeypatch.setattr(embedding, "MIXES", (1.0,))


def assert_same_weights(first: Path, second: Path) -> None:
    left, right = read_weights(first), read_weights(second)
    assert left.keys() == right.keys()
    for name, value in left.items():
        np.testing.assert_array_equal(value, right[name], err_msg=name)


def find_changed(base: Path, folder: Path) -> set[str]:
    before, after = read_weights(base), read_weights(folder)
    assert before.keys() == after.keys()
    return {name for name, value in before.items() if not np.array_equal(value, after[name])}


@dataclass(frozen=True)
class Trained:
    """A training on pairs, once for all tests that only read it."""

    folder: Path
    outcome: Outcome
    witness: Witness


@pytest.fixture(scope="module")
def trained(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder, witness = tmp_path_factory.mktemp("pairs"), Witness()
    return Trained(folder, run(base, folder, witness=witness), witness)


def assert_learned(outcome: Outcome, base: Path, folder: Path) -> None:
    assert outcome.metrics["validation"] < outcome.metrics["validation_untrained"]
    assert outcome.metrics["trained_share"] in MIXES
    assert (outcome.metrics["epochs"], outcome.metrics["resumed"], outcome.metrics["device"]) == (2, False, "cpu")
    assert [point["epoch"] for point in outcome.curve if "validation" in point] == [1, 2]
    assert find_changed(base, folder / "weights")


def test_pairs_are_learned_from(trained: Trained, base: Path) -> None:
    assert_learned(trained.outcome, base, trained.folder)


@pytest.mark.parametrize("form", ["hard_negatives", "triplets", "scores", "labelled"])
def test_every_form_of_examples_is_learned_from(
    form: str, base: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Checkpoints come with a model card, for which the library looks things up on the hub; the guard of all tests tells.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    assert_learned(run(base, tmp_path, form=form), base, tmp_path)
    assert capsys.readouterr().out == ""  # the command line's own answer goes there


@pytest.mark.parametrize(
    ("form", "loss"),
    [
        ("hard_negatives", "MultipleNegativesRankingLoss"),
        ("pairs", "MultipleNegativesRankingLoss"),
        ("triplets", "MultipleNegativesRankingLoss"),
        ("scores", "CoSENTLoss"),
        ("labelled", "CoSENTLoss"),
    ],
)
def test_every_form_has_its_loss(form: str, loss: str, base: Path) -> None:
    assert type(embedding._make_loss(form, embedding_model(base))).__name__ == loss


def embedding_model(folder: Path) -> Any:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(folder), device="cpu")


def test_what_is_written_is_a_plain_model_that_reads_as_much_as_its_base(trained: Trained, base: Path) -> None:
    model = embedding_model(trained.folder / "weights")
    assert model.max_seq_length == ROOM  # not the 16 of the training
    assert embedding_model(base).max_seq_length == ROOM
    long = "hub " * 40
    # 42 tokens; were it cut at 16, the end of the text would change nothing
    first, second = model.encode([long + "clock", long + "mail"])
    assert not np.allclose(first, second)


def test_training_texts_are_cut_at_the_tokens_of_the_plan(base: Path, tmp_path: Path, only_trained: None) -> None:
    for name, tokens in (("eight", 8), ("nine", 9)):  # a passage is nine tokens: seven words, [CLS] and [SEP]
        run(base, tmp_path / name, epochs=1, max_tokens=tokens)
    assert find_changed(tmp_path / "eight" / "weights", tmp_path / "nine" / "weights")
    run(base, tmp_path / "all", epochs=1, max_tokens=ROOM)
    assert_same_weights(tmp_path / "nine" / "weights", tmp_path / "all" / "weights")


def test_the_weights_are_averaged_where_that_is_better(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured: dict[float, float] = {}
    losses = iter([1.0, 2.0])

    def measure(*_: Any) -> float:
        return measured.setdefault(len(measured), next(losses))

    monkeypatch.setattr(embedding, "_measure_loss", measure)
    outcome = run(base, tmp_path, epochs=1)
    assert (outcome.metrics["trained_share"], outcome.metrics["validation"]) == (MIXES[0], 1.0)
    monkeypatch.setattr(embedding, "MIXES", (1.0,))
    losses = iter([1.0])
    run(base, tmp_path / "whole", epochs=1)
    before, half, whole = (read_weights(folder) for folder in (base, tmp_path / "weights", tmp_path / "whole" / "weights"))
    for name, value in before.items():
        np.testing.assert_allclose(half[name], (value + whole[name]) / 2, atol=1e-7)


def test_frozen_layers_stay_as_they_were(trained: Trained, base: Path, tmp_path: Path, only_trained: None) -> None:
    run(base, tmp_path, epochs=1, freeze_layers=1)
    changed = find_changed(base, tmp_path / "weights")
    assert changed
    assert all(name.startswith("encoder.layer.1.") for name in changed)
    loose = find_changed(base, trained.folder / "weights")
    assert {"embeddings.word_embeddings.weight", "encoder.layer.0.output.dense.weight"} <= loose


def test_what_cannot_be_frozen(base: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the model has 2 layers; freeze at most 1, or nothing is left to train"):
        run(base, tmp_path, freeze_layers=2)


@pytest.mark.parametrize("share", [None, 1.0])
def test_lora_is_merged_into_a_plain_folder(
    share: float | None, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if share is not None:
        monkeypatch.setattr(embedding, "MIXES", (share,))
    outcome = run(base, tmp_path, lora_rank=4, learning_rate=1e-2)
    assert outcome.metrics["validation"] < outcome.metrics["validation_untrained"]
    changed = find_changed(base, tmp_path / "weights")
    assert {"encoder.layer.0.attention.self.query.weight", "encoder.layer.1.output.dense.weight"} <= changed
    assert all(name.endswith("weight") and "LayerNorm" not in name and "embeddings" not in name for name in changed)
    names = [path.name for path in (tmp_path / "weights").rglob("*")]
    assert not any("adapter" in name for name in names)
    monkeypatch.setitem(sys.modules, "peft", None)  # importing it fails now
    model = embedding_model(tmp_path / "weights")
    assert not any("lora" in name for name in model.state_dict())
    untrained, trained = (each.encode(["clock hub"])[0] for each in (embedding_model(base), model))
    assert not np.allclose(untrained, trained)
    if share == 1.0:
        assert outcome.metrics["validation"] == pytest.approx(
            min(point["validation"] for point in outcome.curve if "validation" in point), abs=1e-3
        )


@dataclass(frozen=True)
class Interrupted:
    """A training of three epochs (`whole`), and the same again, cancelled in the third (`cut`: to be copied)."""

    whole: Path
    cut: Path
    outcome: Outcome


@pytest.fixture(scope="module")
def interrupted(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Interrupted:
    folder = tmp_path_factory.mktemp("interrupted")
    whole, cut = Witness(), Witness(lambda _, step: step == 7)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedding, "MIXES", (1.0,))
        outcome = run(base, folder / "whole", witness=whole, epochs=3)
        with pytest.raises(Cancelled):
            run(base, folder / "cut", witness=cut, epochs=3)
    assert sorted(set(whole.steps)) == list(range(1, 10))
    assert len(cut.kept) == 2  # the checkpoints of the first two epochs
    assert not (folder / "cut" / "weights").exists()
    return Interrupted(folder / "whole", folder / "cut", outcome)


def assert_resumed(resumed: Outcome, at_once: Outcome, again: Witness, *, steps: range) -> None:
    assert sorted(set(again.steps)) == list(steps)
    assert "measuring the untrained model" not in again.labels
    assert (at_once.metrics["resumed"], resumed.metrics["resumed"]) == (False, True)
    assert resumed.curve == at_once.curve
    assert resumed.metrics == {**at_once.metrics, "resumed": True}


def test_a_training_that_was_cancelled_goes_on_and_gives_the_same_weights(
    interrupted: Interrupted, base: Path, tmp_path: Path, only_trained: None
) -> None:
    shutil.copytree(interrupted.cut, tmp_path / "cut")
    again = Witness()
    resumed = run(base, tmp_path / "cut", witness=again, epochs=3)
    assert_resumed(resumed, interrupted.outcome, again, steps=range(7, 10))
    assert_same_weights(interrupted.whole / "weights", tmp_path / "cut" / "weights")


def test_a_training_killed_before_its_first_checkpoint_gives_the_same_weights(
    interrupted: Interrupted, base: Path, tmp_path: Path, only_trained: None
) -> None:
    shutil.copytree(interrupted.cut, tmp_path / "cut")
    for checkpoint in list((tmp_path / "cut").rglob("checkpoint-*")):
        shutil.rmtree(checkpoint)
    again = run(base, tmp_path / "cut", epochs=3)  # the untrained model is measured again: that draws random numbers
    assert again == interrupted.outcome
    assert_same_weights(interrupted.whole / "weights", tmp_path / "cut" / "weights")


def test_low_rank_updates_that_were_cancelled_go_on_too(base: Path, tmp_path: Path, only_trained: None) -> None:
    at_once = run(base, tmp_path / "whole", lora_rank=4)
    with pytest.raises(Cancelled):
        run(base, tmp_path / "cut", witness=Witness(lambda _, step: step == 4), lora_rank=4)
    again = Witness()
    resumed = run(base, tmp_path / "cut", witness=again, lora_rank=4)
    assert_resumed(resumed, at_once, again, steps=range(4, 7))
    assert_same_weights(tmp_path / "whole" / "weights", tmp_path / "cut" / "weights")


def test_a_broken_checkpoint_is_passed_over(interrupted: Interrupted, base: Path, tmp_path: Path, only_trained: None) -> None:
    shutil.copytree(interrupted.cut, tmp_path / "cut")
    newest = find_checkpoint(tmp_path / "cut" / "training")
    assert newest is not None
    assert newest.name == "checkpoint-6"
    weights, state = newest / "model.safetensors", newest / "trainer_state.json"
    flipped, whole = bytearray(weights.read_bytes()), state.read_text()
    flipped[-1] ^= 0x01
    seal = (newest / SEAL).rename(tmp_path / SEAL)  # one of before there were seals has none
    state.write_text(whole[:9])
    assert find_checkpoint(tmp_path / "cut" / "training") == newest.with_name("checkpoint-3")
    state.write_text(whole)
    seal.rename(newest / SEAL)
    assert find_checkpoint(tmp_path / "cut" / "training") == newest
    weights.write_bytes(flipped)
    again = Witness()
    run(base, tmp_path / "cut", witness=again, epochs=3)
    assert sorted(set(again.steps)) == list(range(4, 10))  # from the first epoch's
    assert_same_weights(interrupted.whole / "weights", tmp_path / "cut" / "weights")


def test_patience_counts_on_over_an_interruption(base: Path, tmp_path: Path, only_trained: None) -> None:
    # What is learned is the contrary of what validates, so that validation gets worse and worse.
    right = make_examples("scores")
    wrong = Examples("scores", right.frame.assign(score=1 - right.frame["score"]))
    plan: dict[str, Any] = {"epochs": 6, "patience": 2, "form": "scores", "learning": wrong}
    whole = run(base, tmp_path / "whole", **plan)
    assert (whole.metrics["best_epoch"], whole.metrics["epochs"]) == (1, 3)  # two that are no better
    with pytest.raises(Cancelled):
        run(base, tmp_path / "cut", witness=Witness(lambda _, step: step == 14), **plan)  # in the third epoch of six steps each
    # It goes on, and is cancelled after the last epoch: nothing is left to train.
    again = Witness(lambda label, _: label == "choosing the weights")
    with pytest.raises(Cancelled):
        run(base, tmp_path / "cut", witness=again, **plan)
    assert sorted(set(again.steps)) == list(range(13, 19))
    last = Witness()
    late = run(base, tmp_path / "cut", witness=last, **plan)
    assert set(last.steps) == {18}  # the sixth step of the third epoch, once more reported
    assert late.metrics == {**whole.metrics, "resumed": True}
    assert_same_weights(tmp_path / "whole" / "weights", tmp_path / "cut" / "weights")


def test_labels_name_the_epoch_that_runs(trained: Trained) -> None:
    told = list(dict.fromkeys(trained.witness.labels))
    assert told == [
        "measuring the untrained model",
        *(f"training, epoch {1 + (step - 1) // 3} of 2, step {step} of 6" for step in range(1, 7)),
        "choosing the weights",
    ]


def test_a_training_that_diverges_says_so(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    forward = MultipleNegativesRankingLoss.forward

    def overflow(self: Any, *arguments: Any, **named: Any) -> Any:
        loss = forward(self, *arguments, **named)
        return loss * torch.nan if self.model.training else loss

    monkeypatch.setattr(MultipleNegativesRankingLoss, "forward", overflow)
    with pytest.raises(InputError, match=r"no number any more after step 1: .* a smaller learning_rate than 0.001"):
        run(base, tmp_path)


def test_what_a_base_that_is_not_there_says(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"The base model '.*nothing' cannot be loaded \("):
        run(tmp_path / "nothing", tmp_path)


def test_a_plan_has_lora_or_frozen_layers() -> None:
    with pytest.raises(InputError, match="give lora_rank or freeze_layers, not both"):
        TrainingPlan("embedding", lora_rank=4, freeze_layers=1)
