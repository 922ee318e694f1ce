"""What a training is asked to do: all that its result depends on besides the data."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from core.data.dataset import Dataset
from core.data.split import Split
from core.errors import InputError, check_range
from core.schema import LEAVE_OUT, content_hash
from core.settings import ENDPOINT_PREFIX, TRAINED_PREFIX
from core.stages.embed import model_revision
from core.systems.named import BASELINE
from core.systems.trained import ADAPTER, EMBEDDING, KINDS, RERANKER

TRAINING_SHARE = 0.5  # of the judged queries: training needs more of them than choosing does
VALIDATION_SHARE = 0.15  # of the tuning queries: they stop the training and are never learned from
FORMS = ("pairs", "labelled", "triplets", "hard_negatives", "scores")
VERSION = 1  # raised when the code makes another model of the same plan
_START = {ADAPTER: BASELINE, EMBEDDING: BASELINE, RERANKER: "hybrid-rrf"}


@dataclass(frozen=True)
class TrainingPlan:
    """kind: of core.systems.trained.KINDS. system: name of the one to start from; its chunks and first stage give the examples.

    base: the model to start from, "" for the system's own (a reranker: the system's embedding model with a new head).
    form: of FORMS; "" takes the one that fits the kind. share: of the judged queries that tune, where the data fix no split.
    epochs, batch_size, learning_rate, max_tokens (of a text, while training), negatives (mined per positive),
    freeze_layers (lowest ones left as they are), lora_rank (0: all weights are trained), patience (epochs without a better
    validation loss): not used by an adapter. depth: hits that a reranker scores. seed: of the split and everything drawn.
    drop_leaking: train without the examples that leak into the test queries, instead of refusing.
    """

    kind: str
    system: str = BASELINE
    base: str = ""
    form: str = ""
    share: float = TRAINING_SHARE
    epochs: int = 2
    batch_size: int = 32
    learning_rate: float = 2e-5
    max_tokens: int = 128
    negatives: int = 1
    freeze_layers: int = 0
    lora_rank: int = 0
    patience: int = 1
    depth: int = 30
    seed: int = 0
    drop_leaking: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"the kind {self.kind!r} cannot be trained; it can be {', '.join(KINDS)}")
        if self.form and self.form not in FORMS:
            raise InputError(f"training data have no form {self.form!r}; it can be {', '.join(FORMS)}")
        if self.kind == RERANKER and self.form not in ("", "labelled"):
            raise InputError(f"a reranker learns from labelled examples, not from {self.form}; leave the form out")
        if self.base.startswith(ENDPOINT_PREFIX) or self.base.startswith(TRAINED_PREFIX):
            raise InputError(
                f"the base {self.base!r} cannot be trained further; name a model on the hub, a local folder, or the bundled one"
            )
        check_range("the share of tuning queries", self.share, low=0.05, high=0.95)
        for name, low, high in (
            ("epochs", 1, 100), ("batch_size", 2, 1024), ("max_tokens", 8, 8192), ("negatives", 0, 20), ("patience", 1, 100),
            ("freeze_layers", 0, 200), ("lora_rank", 0, 1024), ("depth", 2, 1000), ("learning_rate", 1e-8, 1.0),
        ):  # fmt: skip
            check_range(name, getattr(self, name), low=low, high=high)
        if self.lora_rank and self.freeze_layers:
            raise InputError("LoRA leaves all layers frozen already; give lora_rank or freeze_layers, not both")

    def to_json(self) -> dict[str, Any]:
        """All fields: what the model's id depends on."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class TrainingRequest:
    """A training with all that is to be found out about it.

    examples: file of one's own examples, "" to learn from the dataset's labels. cheap: compare with the best cheap rung too.
    learning_curve: train on parts of the tuning queries. folds: of cross-fitting, 0 for none.
    """

    plan: TrainingPlan
    examples: str = ""
    cheap: bool = True
    learning_curve: bool = False
    folds: int = 0

    def __post_init__(self) -> None:
        if self.folds:
            check_range("folds", self.folds, low=2, high=20)
        if self.examples and (self.learning_curve or self.folds):
            raise InputError(
                "the learning curve and cross-fitting train on parts of the labelled queries; leave them out with --examples"
            )


def make_plan(kind: str, **changes: Any) -> TrainingPlan:
    """The plan with sensible defaults for two CPU cores, and the changes that are not None."""
    defaults: dict[str, Any] = {"system": _START.get(kind, BASELINE)}
    if kind == RERANKER:
        defaults |= {"epochs": 2, "batch_size": 16, "learning_rate": 5e-5, "max_tokens": 192, "negatives": 4}
    return TrainingPlan(kind, **{**defaults, **{name: value for name, value in changes.items() if value is not None}})


def identify_training(plan: TrainingPlan, dataset: Dataset, split: Split, *, start: dict[str, Any], source: str) -> str:
    """The id of the model that this training gives: its kind and ten digits of all that it depends on.

    start: spelling of the start system. source: fingerprint of uploaded examples, "" for the dataset's own labels.
    """
    labels = [dataset.judgments.to_dict("records"), dataset.evidence.to_dict("records")]
    columns = [name for name in ("query_id", "text", "filter", "tags", LEAVE_OUT) if name in dataset.queries]
    queries = dataset.queries[columns].to_dict("records")
    models = [name for name in (plan.base, start.get("dense", {}).get("model", "")) if name]
    depends_on = [
        VERSION, plan.to_json(), start, [model_revision(name) for name in models], dataset.corpus_fingerprint, queries, labels,
        split.tuning, split.test, source,
    ]  # fmt: skip
    return f"{plan.kind}-{content_hash(depends_on)[:10]}"
