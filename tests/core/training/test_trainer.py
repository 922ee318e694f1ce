"""What both neural trainings share: which checkpoint is whole, the loss curve, averaging, and models that are not there."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError, ModelUnavailable
from core.training.trainer import find_checkpoint, load_base, make_dataset, merge_weights, read_curve
from tests.support.tiny import make_examples


def write_checkpoint(folder: Path, step: int, *, state: str | None = '{"log_history": []}', optimizer: bool = True) -> Path:
    """The files that tell a whole checkpoint; the trainer writes its state last."""
    checkpoint = folder / f"checkpoint-{step}"
    checkpoint.mkdir()
    (checkpoint / "model.safetensors").write_bytes(b"weights")
    if optimizer:
        (checkpoint / "optimizer.pt").write_bytes(b"moments")
    if state is not None:
        (checkpoint / "trainer_state.json").write_text(state)
    return checkpoint


def test_the_newest_checkpoint_is_found_by_its_number(tmp_path: Path) -> None:
    assert find_checkpoint(tmp_path / "nothing") is None
    write_checkpoint(tmp_path, 9)
    newest = write_checkpoint(tmp_path, 10)
    write_checkpoint(tmp_path, 2)
    (tmp_path / "checkpoint-other").mkdir()
    (tmp_path / "untrained.json").write_text("{}")
    assert find_checkpoint(tmp_path) == newest


def test_a_checkpoint_that_is_half_written_is_not_used(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, 12, state=None)
    assert find_checkpoint(tmp_path) is None
    whole = write_checkpoint(tmp_path, 6)
    write_checkpoint(tmp_path, 18, state='{"log_history": [{"loss":')  # killed while writing the last file
    write_checkpoint(tmp_path, 24, optimizer=False)
    assert find_checkpoint(tmp_path) == whole


def test_the_log_becomes_a_loss_curve() -> None:
    history = [
        {"step": 0, "epoch": 0, "eval_loss": 3.0},  # the untrained model, which is kept elsewhere
        {"step": 2, "epoch": 2 / 3, "loss": 2.5, "learning_rate": 1e-5},
        {"step": 3, "epoch": 1.0, "eval_loss": 2.0, "eval_runtime": 1.0},
        {"step": 6, "epoch": 2.0, "train_loss": 2.1},
    ]
    assert read_curve(history) == [{"step": 2, "epoch": 0.667, "loss": 2.5}, {"step": 3, "epoch": 1.0, "validation": 2.0}]


def test_weights_are_averaged_by_share() -> None:
    import torch

    untrained = {"weight": torch.tensor([0.0, 4.0]), "positions": torch.tensor([0, 1])}
    trained = {"weight": torch.tensor([8.0, 4.0]), "positions": torch.tensor([0, 1]), "more": torch.tensor([1.0])}
    merged = merge_weights(untrained, trained, 0.25)
    assert merged["weight"].tolist() == [2.0, 4.0]  # a quarter of 8; what did not change stays to the bit
    assert merged["positions"].dtype == torch.int64
    assert list(merged) == ["weight", "positions"]
    assert merge_weights(untrained, trained, 1.0)["weight"].tolist() == [8.0, 4.0]


def test_a_dataset_has_the_columns_of_the_loss_in_their_order() -> None:
    examples = make_examples("hard_negatives", count=3)
    data = make_dataset(examples.frame[["negative_1", "query_id", "positive", "query"]], examples.columns)
    assert data.column_names == ["query", "positive", "negative_1"]
    assert data["query"][1] == examples.frame["query"].iloc[1]


def test_what_a_base_model_that_is_not_there_says() -> None:
    def fail(_: str) -> None:
        raise OSError("no such file\nand more")

    with pytest.raises(ModelUnavailable) as error:
        load_base(fail, "nowhere")
    assert str(error.value) == (
        "The base model 'nowhere' cannot be loaded (no such file). Check the name, connect once so that it can be downloaded, "
        "or give the path of a local model folder; the bundled one is all-MiniLM-L6-v2."
    )

    def refuse(_: str) -> None:
        raise InputError("its own words")

    with pytest.raises(InputError, match="its own words"):
        load_base(refuse, "nowhere")


def test_a_local_folder_is_given_as_its_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model").mkdir()
    monkeypatch.chdir(tmp_path)
    assert load_base(str, "model") == str(tmp_path / "model")
    assert load_base(str, "some/hub-name") == "some/hub-name"


def test_the_points_of_the_curve_can_be_written_as_json() -> None:
    points = read_curve([{"step": np.int64(1), "epoch": None, "loss": np.float32(2.5)}])
    assert json.loads(json.dumps(points, allow_nan=False)) == [{"step": 1, "epoch": 0.0, "loss": 2.5}]
