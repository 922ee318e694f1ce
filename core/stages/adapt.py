"""Adapt: query vectors through a trained linear map, so that documents need not be embedded again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from core.errors import InputError, ModelUnavailable, first_line
from core.settings import DEFAULT_MODEL
from core.stages.arithmetic import unit_rows
from core.stages.base import CONSTANT, Resources, Stage
from core.stages.embed import check_same_model

ADAPTER_FILE = "adapter.safetensors"
_MATRIX = "matrix"


@dataclass(frozen=True)
class QueryAdapter:
    """matrix: float32, dimensions x dimensions. model, revision: the embedding model whose vectors it was trained on."""

    matrix: np.ndarray
    model: str
    revision: str

    def __call__(self, vectors: np.ndarray) -> np.ndarray:
        """unit(q @ matrix) of every row; float32."""
        return unit_rows(vectors.astype(np.float64) @ self.matrix.astype(np.float64))


def write_adapter(adapter: QueryAdapter, folder: Path) -> None:
    """Writes ADAPTER_FILE (safetensors) into the folder."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    about = {"model": adapter.model, "revision": adapter.revision}
    save_file({_MATRIX: np.ascontiguousarray(adapter.matrix, dtype=np.float32)}, folder / ADAPTER_FILE, metadata=about)


def read_adapter(folder: Path) -> QueryAdapter:
    """The adapter in a folder. Raises ModelUnavailable if there is none, or its file is damaged."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(folder / ADAPTER_FILE, framework="numpy") as file:
            about = file.metadata() or {}
            return QueryAdapter(file.get_tensor(_MATRIX), about.get("model", ""), about.get("revision", ""))
    except (OSError, SafetensorError) as error:
        raise ModelUnavailable(
            f"The folder {folder.parent.name!r} holds no query adapter that can be read ({first_line(error)}). "
            "Name a model of the kind adapter, or train it again."
        ) from error


@dataclass(frozen=True)
class AdaptQueries(Stage):
    """query vectors -> query vectors, in the same space as the documents'.

    adapter: reference of a trained adapter; model, revision: the embedding model of the vectors, found out by build().
    """

    type: ClassVar[str] = "adapt_queries"
    takes: ClassVar[tuple[str, ...]] = ("query_vectors",)
    gives: ClassVar[str] = "query_vectors"
    role: ClassVar[str] = "embed"
    step: ClassVar[str] = "adapt query"
    growth: ClassVar[tuple[str, ...]] = (CONSTANT,)
    adapter: str
    model: str = DEFAULT_MODEL
    revision: str = ""

    def check_inputs(self, inputs: Sequence[Any]) -> None:
        """Raises WiringError if the vectors are not of one model."""
        check_same_model(inputs)

    def __call__(self, vectors: np.ndarray, *, resources: Resources) -> np.ndarray:
        """The adapted vectors. Raises InputError if the adapter was trained on vectors of another model."""
        adapter: QueryAdapter = resources.adapter(self.adapter)
        if (adapter.model, adapter.revision) != (self.model, self.revision):
            raise InputError(
                f"The adapter {self.adapter!r} was trained on query vectors of {adapter.model!r} "
                f"(revision {adapter.revision or 'unknown'}) and was given those of {self.model!r} "
                f"(revision {self.revision or 'unknown'}): each adapter fits one model. "
                "Use it with the model it was trained on, or train another."
            )
        return adapter(vectors) if len(vectors) else vectors
