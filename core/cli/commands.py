"""The commands: what each of them does, and which file answers it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module


@dataclass(frozen=True)
class Command:
    """words: what it does, as the help says. file: of this folder; its table OPTIONS has the command's options."""

    words: str
    file: str

    def add_options(self, name: str, parser: argparse.ArgumentParser) -> None:
        """Adds the command's options to its parser, and the function that runs it. Imports its file, which no other needs."""
        add: Callable[[argparse.ArgumentParser], None] = import_module(f"core.cli.{self.file}").OPTIONS[name]
        add(parser)


COMMANDS = {
    "samples": Command("list the sample corpora that come with the product", "samples"),
    "systems": Command("list the named systems, or print them as YAML to start your own file", "samples"),
    "import": Command("take data into the workspace under a name; a Chroma collection with its vectors", "take"),
    "compare": Command("run systems on a dataset and measure them", "compare"),
    "recommend": Command(
        "climb the ladder of cheaper fixes, and say which comes first and whether training is worth it", "recommend"
    ),
    "train": Command(
        "fine-tune an adapter, a reranker or an embedding model, and measure on held-out queries what it is worth", "train"
    ),
    "models": Command("list the models trained in this workspace, or remove one", "train"),
    "versions": Command("list the index versions of a dataset; plan, build, ask or remove one", "versions"),
    "promote": Command("let a version answer once it passes a bar on the test queries", "versions"),
    "rollback": Command("let the version before answer again, at once", "versions"),
    "refresh": Command("bring the live version up to date; only what changed is embedded", "versions"),
    "cost": Command("what each system of an experiment costs, and when a trained one pays off", "cost"),
    "endpoint": Command("ask the embeddings endpoint for one vector, and set how much may be asked of it", "endpoint"),
    "doctor": Command("check a workspace: what it holds, what is damaged or left behind; mend that", "doctor"),
}
