"""Builds and promotes in a process of its own that a test may kill at any moment, with the model that one can reason about.

    python -m tests.support.interrupted WORKSPACE DATASET_FOLDER SYSTEM

Every batch that is embedded takes a while, so that a kill meets all parts of the work.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

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


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def main(workspace: str, folder: str, system: str) -> None:
    models = AxisModels()
    models.fake = SlowEncoder()  # type: ignore[assignment]
    resources = Resources(Workspace(Path(workspace)), models=models)
    dataset = load_dataset(Path(folder))
    say("ready")
    version = build_version(dataset, named(system), resources)
    promote(version.id, dataset, resources, bar=Bar(ANY))
    say("done")


if __name__ == "__main__":
    main(*sys.argv[1:])
