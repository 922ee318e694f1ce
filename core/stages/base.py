"""What a stage is, and what stages may reach for. Every way of doing a step (a chunker, an index, a reranker) is one.

A stage is a frozen dataclass whose fields are JSON values, and these are the whole of it: two stages with equal fields are
equal, and a system is known by the fields of its stages. It is called with its inputs in the order of `takes` and gives
one thing of the kind `gives`; it keeps nothing, changes none of its inputs, gives the same for the same, and knows nothing of
the graph around it. No input is too small: empty frames in, an empty frame (or a matrix without rows) out.

The kinds, and what they are:

| kind          | what                                                                                       |
|---------------|--------------------------------------------------------------------------------------------|
| documents     | frame, see core.schema                                                                     |
| queries       | frame, see core.schema                                                                     |
| chunks        | frame, see core.schema                                                                     |
| vectors       | core.stages.embed.Vectors: of the passages of chunks                                       |
| query_vectors | float32 matrix, queries x dimensions, unit rows, in the order of the frame                 |
| dense_index   | core.stages.index_dense.DenseIndex                                                         |
| lexical_index | core.stages.index_lexical.LexicalIndex                                                     |
| query_terms   | sparse matrix, queries x terms of the lexical index                                        |
| spellings     | {field: spellings of its values}, see core.stages.filter.collect_spellings                 |
| allowed       | core.stages.filter.Allowed: which documents each query may see                             |
| run           | frame, see core.schema                                                                     |

What a stage gives may be found again in a later run by its class's name, its fields and its inputs (core.graph.node). So:

- Code that changes what comes out raises the class's `version` (a ClassVar, 1 where it is not given).
- A class that has words formed says so (`forms_words`); one number then stands for how they are (core.text.words.FORM).
- A field that a stage gets later has the metadata {"later": True}: while it is at its default, what was kept before is found.
- Renaming the class or a field forgets what is kept; `type` is what users write in systems and must stay.

What a stage does, how it is called and what it asks of a model is said by its class alone (see Stage), and core.stages.registry
lists the classes: systems, graphs, pages and reports read it there. tests/contracts/test_stages.py holds every stage to this.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np

from core.progress import CancelToken
from core.text.tokens import TextTokenizer

ROLES = ("chunk", "embed", "index", "rewrite", "filter", "retrieve", "fuse", "rerank")
CONSTANT, LINEAR, LOG = "constant", "linear", "log"  # how a step's time may grow with the number of documents
Pair = tuple[str, tuple[str, ...]]  # a query's text, and the passages that a hit is scored by


class Scorer(NamedTuple):
    """All that the score of a pair depends on besides its texts. type: the stage's, with its version if that was raised."""

    type: str
    model: str
    revision: str


class Stage:
    """What every stage says of itself.

    type: its name in systems. takes: the kinds of its inputs, in order; a kind ending in "?" may be left out, one ending
    in "*" may come any number of times. gives: the kind of its output. version: raised with what comes out. forms_words: what
    comes out depends on core.text.words.

    role: of ROLES, what it does in a system. label: how it is called where one is chosen among those of its role; "" if
    nobody chooses it. about: a sentence on what it does, where its name does not tell. summary: its settings in a few words,
    fields in braces ("recursive, {size} tokens"). step: the step that a query passes, in words; "" for what is done for the
    corpus alone.

    encodes: those of `takes` whose texts a model turns into vectors, queries anew for every query. token_vectors: it reads a
    vector for each token instead of one for the text. growth: how the time of one query grows with the documents; of two
    ways, the second is taken only where the first clearly fails.

    Called as stage(*inputs, resources=...), see Resources; None will do for a stage that reads no model. Raises LadderError
    with what to do where that can be said, StageError for inputs that are not as core.schema says, and Cancelled once the
    user pressed Cancel.
    """

    type: ClassVar[str]
    takes: ClassVar[tuple[str, ...]]
    gives: ClassVar[str]
    version: ClassVar[int] = 1
    forms_words: ClassVar[bool] = False
    role: ClassVar[str]
    label: ClassVar[str] = ""
    about: ClassVar[str] = ""
    summary: ClassVar[str] = ""
    step: ClassVar[str] = ""
    encodes: ClassVar[tuple[str, ...]] = ()
    token_vectors: ClassVar[bool] = False
    growth: ClassVar[tuple[str, ...]] = (LINEAR,)

    def check_inputs(self, inputs: Sequence[Any]) -> None:
        """Raises WiringError for nodes of the right kinds that do not belong together."""

    def warm_up(self, *inputs: Any, resources: Any) -> None:
        """Has ready, besides its inputs, what the first query would wait for. inputs: those that belong to the corpus."""


def setting(label: str, help: str, *, choices: tuple[str, ...] = ()) -> dict[str, Any]:
    """Metadata of a field that people may change: how a form calls it, a sentence of help, what it can be."""
    return {"label": label, "help": help, "choices": choices}


MODEL = setting(
    "Model",
    "The bundled model, the path of a local model folder, a name on the Hugging Face hub, or endpoint:NAME for an "
    "OpenAI-compatible server. A hub model needs the network when its system first runs; nothing is downloaded unless "
    "you name it here.",
)
DEPTH = setting("Depth", "How many of the first hits take part.")


class TokenizerSource(Protocol):
    """The part of the resources that chunkers use."""

    def tokenizer(self, name: str) -> TextTokenizer:
        """The tokenizer of a model. Raises ModelUnavailable if it cannot be had."""


class Resources(TokenizerSource, Protocol):
    """All that a stage may reach for besides its inputs; core.graph.resources has it. Models are named as in systems: the
    bundled one, a hub name, a folder, "endpoint:NAME" or "trained:ID". revision: see core.stages.embed.model_revision.

    cancel: looked at between batches by stages that take long. through_index: search the approximate index although the exact
    search would do, as answering one query does.
    """

    cancel: CancelToken
    through_index: bool

    def encode(self, model: str, revision: str, texts: list[str], *, role: str, prompt: str | None) -> np.ndarray:
        """Unit vectors, float32, texts x dimensions. role: "query" or "document". prompt: put before every text instead of
        the model's own; None leaves it to the model."""

    def token_vectors(self, model: str, revision: str, texts: list[str], *, role: str) -> dict[str, np.ndarray]:
        """text -> float16, tokens x dimensions, unit rows."""

    def note_texts(self, model: str, revision: str, texts: list[str], *, role: str) -> None:
        """Counts texts as asked for where the stage may find in a cache what it needs of them."""

    def keep_token_vectors(self, model: str, revision: str, texts: list[str], *, role: str) -> None:
        """Has the token vectors of texts in the cache, from which token_vectors() reads them."""

    def pair_scores(
        self, scorer: Scorer, pairs: list[Pair], compute: Callable[[list[Pair]], np.ndarray], *, at_once: int
    ) -> np.ndarray:
        """Scores of the pairs, float64, in their order. compute: scores of distinct pairs, at most `at_once` of them, for those
        that are not known; what it gives for one must not depend on the others."""

    def cross_encoder(self, name: str) -> Any:
        """A sentence-transformers CrossEncoder."""

    def adapter(self, name: str) -> Any:
        """A core.stages.adapt.QueryAdapter."""

    def report(self, label: str) -> None:
        """Says what takes long now; the place where Cancel is honoured."""

    def index_folder(self, key: str) -> Path:
        """The folder of the dense index with this key; its parent exists."""
