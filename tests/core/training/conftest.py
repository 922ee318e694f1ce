"""A tiny model to start from, and one thread: tiny products are slower on two, and the same on any machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.tiny import write_embedder


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence-transformers folder with random weights; tests leave it as it is."""
    return write_embedder(tmp_path_factory.mktemp("models") / "base")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
