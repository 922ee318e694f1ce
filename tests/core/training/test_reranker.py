"""Fine-tuning a tiny reranker: which hits are candidates, what they are labelled, and a training that was cut off.

Candidates come from a first stage whose ranking is known: AxisModels scores by the words of topic and product.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.data.dataset import Dataset
from core.data.split import Split
from core.errors import Cancelled, InputError
from core.progress import CancelToken
from core.schema import EVIDENCE, JUDGMENTS
from core.stages.rerank import CrossEncoderRerank
from core.systems.named import make_named_systems
from core.systems.system import System
from core.training.examples import Examples
from core.training.material import Material
from core.training.request import TrainingPlan, make_plan
from core.training.reranker import collect_candidates, train_reranker
from core.training.trainer import Outcome, TrainingProgress
from tests.support.assessments import AxisModels
from tests.support.models import make_chunks, make_documents, make_queries, make_resources, make_run
from tests.support.tiny import make_dataset, make_examples, read_weights

PLAN = {"epochs": 2, "batch_size": 8, "learning_rate": 1e-3, "max_tokens": 32}
LONG = "nothing that anybody asks for stands in this sentence. " * 30


def make_material(workspace: Path, dataset: Dataset, *, system: System | None = None) -> Material:
    ids = dataset.queries["query_id"].tolist()
    return Material(
        dataset,
        system or make_named_systems()["dense"],
        Split(tuple(ids[1:]), (ids[0],), len(ids)),
        {query_id: number for number, query_id in enumerate(ids)},
        make_resources(workspace, AxisModels()),
    )


def collect(workspace: Path, dataset: Dataset, query_id: str, *, system: System | None = None, **plan: Any) -> Examples:
    material = make_material(workspace, dataset, system=system)
    return collect_candidates(material, make_plan("reranker", **plan), query_ids=[query_id])


def judge(dataset: Dataset, *labels: tuple[str, str, int]) -> Dataset:
    return dataclasses.replace(dataset, judgments=pd.DataFrame(labels, columns=JUDGMENTS))


def list_labels(examples: Examples) -> dict[str, int]:
    return dict(zip(examples.frame["document"], examples.frame["label"], strict=True))


def tell(product: str, topic: str) -> str:
    return f"the {topic} of the {product} works."


def test_candidates_are_the_first_hits_with_their_labels(workspace: Path) -> None:
    # q01 asks for the clock of the probe. First comes its document with cosine 1, then the other 7 on the clock and the other 7
    # on the probe with cosine .5: fifteen hits that share a word.
    examples = collect(workspace, make_dataset(), "q01", depth=15, negatives=20)
    labels = list_labels(examples)
    assert examples.form == "labelled"
    assert set(examples.frame["query"]) == {"timepiece probe"}
    assert set(examples.frame["query_id"]) == {"q01"}
    assert [text for text, label in labels.items() if label] == [tell("probe", "clock")]
    assert len(labels) == len(examples.frame) == 15
    assert all("clock" in text or "probe" in text for text in labels)


@pytest.mark.parametrize(("negatives", "expected"), [(1, 2), (4, 8), (20, 13)])
def test_negatives_are_drawn_for_each_positive(negatives: int, expected: int, workspace: Path) -> None:
    # Two of the fifteen hits are positives, so at most thirteen negatives are to be had.
    dataset = judge(make_dataset(), ("q00", "hub-mail", 1), ("q01", "probe-clock", 1), ("q01", "probe-mail", 1))
    labels = list_labels(collect(workspace, dataset, "q01", depth=15, negatives=negatives))
    assert sorted(labels.values()) == [0] * expected + [1, 1]
    again = list_labels(collect(workspace, dataset, "q01", depth=15, negatives=negatives))
    assert again == labels
    if negatives < 20:
        other = list_labels(collect(workspace, dataset, "q01", depth=15, negatives=negatives, seed=1))
        assert other != labels


def test_a_relevant_document_that_was_missed_is_no_candidate(workspace: Path) -> None:
    # hub-mail shares neither product nor topic with the query, so it is not among the first fifteen.
    dataset = judge(make_dataset(), ("q00", "hub-mail", 1), ("q01", "probe-clock", 1), ("q01", "hub-mail", 1))
    labels = list_labels(collect(workspace, dataset, "q01", depth=15))
    assert tell("hub", "mail") not in labels
    assert sum(labels.values()) == 1


def test_a_query_whose_answers_were_all_missed_gives_nothing(workspace: Path) -> None:
    dataset = judge(make_dataset(), ("q00", "hub-mail", 1), ("q01", "hub-mail", 1), ("q02", "desk-mail", 1))
    material = make_material(workspace, dataset)
    plan = make_plan("reranker", depth=15)
    examples = collect_candidates(material, plan, query_ids=["q01", "q02"])
    assert set(examples.frame["query_id"]) == {"q02"}
    with pytest.raises(InputError) as error:
        collect_candidates(material, plan, query_ids=["q01"])
    assert str(error.value) == (
        "no relevant document of a tuning query is among the first 15 hits of dense, so there is nothing to learn from; choose "
        "another first stage, or a larger depth"
    )


def test_no_more_than_five_positives_of_a_query_are_learned(workspace: Path) -> None:
    topics = ("battery", "mail", "price", "reset", "network", "export")
    labels = [("q01", f"probe-{topic}", 1) for topic in ("clock", *topics)]
    found = list_labels(collect(workspace, judge(make_dataset(), ("q00", "hub-mail", 1), *labels), "q01", depth=15))
    assert sum(found.values()) == 5
    assert not {tell("probe", topic) for topic in ("clock", *topics)} & {text for text, label in found.items() if not label}


def test_what_is_judged_not_relevant_is_a_possible_negative(workspace: Path) -> None:
    dataset = judge(make_dataset(), ("q00", "hub-mail", 1), ("q01", "probe-clock", 2), ("q01", "probe-mail", 0))
    labels = list_labels(collect(workspace, dataset, "q01", depth=15, negatives=20))
    assert labels[tell("probe", "clock")] == 1
    assert labels[tell("probe", "mail")] == 0


def test_near_duplicates_of_a_positive_are_no_negatives(workspace: Path) -> None:
    plain = make_dataset()
    # To the model this one is the same: its other words have no axis. Nobody judged it.
    twin = make_documents({"twin": "a note on the clock of that probe"})
    dataset = dataclasses.replace(plain, documents=pd.concat([plain.documents, twin], ignore_index=True))
    labels = list_labels(collect(workspace, dataset, "q01", depth=16, negatives=20))
    assert len(labels) == 15
    assert twin["text"].iloc[0] not in labels


def test_evidence_decides_which_chunk_answers(workspace: Path) -> None:
    # One document of several chunks, the answer in the last one alone; the first holds the query's words, too.
    quote = "the clock of the probe is set in the cellar."
    text = f"the clock of the probe works. {LONG}{quote}"
    plain = make_dataset()
    documents = plain.documents.assign(
        text=[text if doc_id == "probe-clock" else old for doc_id, old in plain.documents[["doc_id", "text"]].to_numpy()]
    )
    start = text.index(quote)
    spans = pd.DataFrame([("q01", "probe-clock", start, start + len(quote))], columns=EVIDENCE)
    system = make_named_systems()["dense-chunk64"]
    quoted = dataclasses.replace(plain, documents=documents, evidence=spans)
    labels = list_labels(collect(workspace, quoted, "q01", system=system, depth=30, negatives=20))
    assert [quote in document for document, label in labels.items() if label] == [True]
    assert not any("the clock of the probe works" in document for document in labels)  # relevant, but not what answers
    without = dataclasses.replace(plain, documents=documents)
    labels = list_labels(collect(workspace, without, "q01", system=system, depth=30, negatives=20))
    assert any("the clock of the probe works" in document for document, label in labels.items() if label)


def test_lexical_first_stages_give_candidates_too(workspace: Path) -> None:
    words = make_named_systems()["bm25"]
    system = dataclasses.replace(words, chunk=make_named_systems()["dense"].chunk)
    dataset = make_dataset()
    asked = dataset.queries.assign(text=["probe clock" if name == "q01" else text for name, text in
                                         dataset.queries[["query_id", "text"]].to_numpy()])  # fmt: skip
    labels = list_labels(collect(workspace, dataclasses.replace(dataset, queries=asked), "q01", system=system, depth=15))
    assert labels[tell("probe", "clock")] == 1
    assert sorted(labels.values()) == [0, 0, 0, 0, 1]


# The training


def run(base: Path, folder: Path, *, progress: TrainingProgress | None = None, **plan: Any) -> Outcome:
    return train_reranker(
        make_plan("reranker", **{**PLAN, **plan}),
        str(base),
        make_examples("labelled"),
        make_examples("labelled", count=12),
        folder=folder / "training",
        target=folder / "weights",
        progress=progress or TrainingProgress(),
    )


def test_a_reranker_is_trained_from_an_encoder_with_a_new_head_and_reads_as_much(
    base: Path, tmp_path: Path, workspace: Path, capsys: Any
) -> None:
    from sentence_transformers import CrossEncoder

    outcome = run(base, tmp_path)
    assert outcome.metrics["validation"] < outcome.metrics["validation_untrained"]
    assert outcome.metrics["epochs"] == 2
    assert capsys.readouterr().out == ""
    before, after = read_weights(base), read_weights(tmp_path / "weights")
    assert {name.removeprefix("bert.") for name in after} > set(before)  # and a head
    assert CrossEncoder(str(tmp_path / "weights")).max_seq_length == CrossEncoder(str(base)).max_seq_length
    from core.graph.resources import Models

    stage = CrossEncoderRerank(model=str(tmp_path / "weights"))
    run_of_q = make_run({"q": [("a1", 2.0), ("b1", 1.0)]})
    chunks = make_chunks({"a1": ("the clock of the hub works.",), "b1": ("mail",)}, {"a1": "a", "b1": "b"})
    ranked = stage(make_queries({"q": "timepiece hub"}), run_of_q, chunks, resources=make_resources(workspace, Models()))
    assert len(set(ranked["score"])) == 2


def test_positives_weigh_as_much_as_negatives(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sentence_transformers.cross_encoder import losses

    asked: list[float] = []
    plain = losses.BinaryCrossEntropyLoss

    def note(model: Any, pos_weight: Any) -> Any:
        asked.append(float(pos_weight))
        return plain(model, pos_weight=pos_weight)

    monkeypatch.setattr(losses, "BinaryCrossEntropyLoss", note)
    labelled = make_examples("labelled")
    few = labelled.frame[(labelled.frame["label"] == 0) | (labelled.frame.index < 6)].reset_index(drop=True)
    for frame in (labelled.frame, few):
        train_reranker(
            make_plan("reranker", **{**PLAN, "epochs": 1}), str(base), Examples("labelled", frame), labelled,
            folder=tmp_path / str(len(frame)), target=tmp_path / f"{len(frame)}-weights", progress=TrainingProgress(),
        )  # fmt: skip
    assert asked == [1.0, 4.0]  # 24 to 24, and 24 negatives to 6 positives


def test_a_reranker_that_was_cancelled_goes_on_and_gives_the_same_weights(base: Path, tmp_path: Path) -> None:
    # 48 examples, 8 a batch: six steps an epoch
    whole = run(base, tmp_path / "whole")
    cancel = CancelToken()

    def stop(label: str, done: float, total: float, curve: list[dict[str, Any]]) -> None:
        if done == 8:
            cancel.cancel()

    with pytest.raises(Cancelled):
        run(base, tmp_path / "cut", progress=TrainingProgress(cancel, stop))
    steps: set[float] = set()
    again = TrainingProgress(report=lambda label, done, total, curve: steps.add(done))
    resumed = run(base, tmp_path / "cut", progress=again)
    assert steps == set(range(7, 13))
    assert resumed.metrics == {**whole.metrics, "resumed": True}
    left, right = (read_weights(tmp_path / name / "weights") for name in ("whole", "cut"))
    assert left.keys() == right.keys()
    for name, value in left.items():
        np.testing.assert_array_equal(value, right[name], err_msg=name)


def test_all_weights_of_a_reranker_are_trained(base: Path, tmp_path: Path) -> None:
    plan = TrainingPlan("reranker", freeze_layers=1)
    some = make_examples("labelled")
    with pytest.raises(InputError, match="a reranker trains all its weights"):
        train_reranker(plan, str(base), some, some, folder=tmp_path / "a", target=tmp_path / "b", progress=TrainingProgress())


def test_mixed_adds_the_first_stages_score(workspace: Path) -> None:
    chunks = make_chunks({"a1": ("hub",), "b1": ("clock hub",), "c1": ("price",)}, {"a1": "a", "b1": "b", "c1": "c"})
    hits = make_run({"q": [("a1", 9.0), ("b1", 5.0), ("c1", 1.0)]})
    queries, resources = make_queries({"q": "clock hub"}), make_resources(workspace)
    alone = CrossEncoderRerank(model="any")(queries, hits, chunks, resources=resources)
    assert dict(zip(alone["chunk_id"], alone["score"], strict=True)) == {"b1": 2, "a1": 1, "c1": 0}  # shared words
    mixed = CrossEncoderRerank(model="any", mixed=True)(queries, hits, chunks, resources=resources)
    # first stage 9, 5, 1 -> r, 0, -r and shared words 1, 2, 0 -> 0, r, -r, with r = sqrt(1.5)
    root = np.sqrt(1.5)
    assert dict(zip(mixed["chunk_id"], mixed["score"], strict=True)) == pytest.approx({"a1": root, "b1": root, "c1": -2 * root})
    assert mixed["chunk_id"].tolist() == ["a1", "b1", "c1"]
