"""Builds and promotes in processes that a test may kill at any moment, with the model that one can reason about.

    python -m tests.support.interrupted WORKSPACE DATASET_FOLDER

Reads names of systems, one a line; builds and promotes each in a process of its own and says "ready PID", then "done" or
"killed". They are forked from this process, which has imported all they need, and starts no thread itself: importing takes
ten times as long as the work. Every batch that is embedded takes a while, so that a kill meets all parts of the work.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import chromadb  # noqa: F401  with this, children find all that is slow to import
import pyarrow.parquet  # noqa: F401
import scipy.sparse  # noqa: F401

from core.data.load import load_dataset
from core.graph.resources import Resources
from core.stages.embed import Encoded
from core.versions.build import build_version
from core.versions.promote import ANY, Bar, promote
from core.workspace import Workspace
from tests.support.assessments import AxisEncoder, AxisModels
from tests.support.versions import named

_SECONDS = 0.05  # a batch


class SlowEncoder(AxisEncoder):
    def encode(self, texts: list[str], *, role: str, tokens: bool = False) -> Encoded:
        time.sleep(_SECONDS)
        return super().encode(texts, role=role, tokens=tokens)


def say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def build(workspace: Path, folder: Path, system: str) -> None:
    """One system, built and promoted."""
    models = AxisModels()
    models.fake = SlowEncoder()  # type: ignore[assignment]
    resources = Resources(Workspace(workspace), models=models)
    dataset = load_dataset(folder)
    say(f"ready {os.getpid()}")
    version = build_version(dataset, named(system), resources)
    promote(version.id, dataset, resources, bar=Bar(ANY))


def main(workspace: str, folder: str) -> None:
    for line in sys.stdin:
        if child := os.fork():
            _, status = os.waitpid(child, 0)
            say("done" if status == 0 else "killed")
            continue
        build(Path(workspace), Path(folder), line.strip())
        sys.stdout.flush()
        os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
