"""Document measures against pytrec_eval itself."""

from __future__ import annotations

import ir_measures
import numpy as np
import pandas as pd
import pytest
import pytrec_eval

from core.errors import InputError
from core.evaluation.answers import find_answerable
from core.evaluation.measures import list_measures, measure_documents, measure_judged
from core.schema import DOCUMENT_RUN, JUDGMENTS, empty, to_document_run
from tests.support.models import make_run

# Ours -> pytrec_eval's
DOCUMENT_MEASURES = list_measures(has_evidence=False)
THEIRS = {
    "nDCG@10": "ndcg_cut_10", "AP": "map", "P@5": "P_5", "P@10": "P_10", "R@5": "recall_5", "R@10": "recall_10",
    "R@100": "recall_100", "Success@1": "success_1", "Success@5": "success_5", "RR@10": "recip_rank",
}  # fmt: skip


def make_judgments(labels: dict[str, dict[str, int]]) -> pd.DataFrame:
    rows = [(query_id, doc_id, grade) for query_id, found in labels.items() for doc_id, grade in found.items()]
    return pd.DataFrame(rows, columns=JUDGMENTS).astype({"relevance": "int64"})


def make_documents_run(hits: dict[str, list[str]]) -> pd.DataFrame:
    rows = [
        (query_id, doc_id, 1.0 / rank, rank, f"chunk of {doc_id}")
        for query_id, found in hits.items()
        for rank, doc_id in enumerate(found, start=1)
    ]
    return pd.DataFrame(rows, columns=DOCUMENT_RUN)


def as_table(frame: pd.DataFrame) -> dict[tuple[str, str], float]:
    return {(query, measure): value for query, measure, value in frame.itertuples(index=False)}


def ask_pytrec(labels: dict[str, dict[str, int]], hits: dict[str, list[str]]) -> dict[tuple[str, str], float]:
    evaluator = pytrec_eval.RelevanceEvaluator(labels, set(THEIRS.values()))
    run = {query: {doc_id: float(-rank) for rank, doc_id in enumerate(found, start=1)} for query, found in hits.items()}
    scored = evaluator.evaluate({query: found for query, found in run.items() if found})
    values = {}
    for query in [query for query, found in labels.items() if any(grade >= 1 for grade in found.values())]:
        for ours, theirs in THEIRS.items():
            value = scored.get(query, {}).get(theirs, 0.0)
            values[query, ours] = value if ours != "RR@10" or value >= 1 / 10 else 0.0
    return values


@pytest.mark.parametrize("seed", range(5))
def test_documents_agree_with_pytrec_eval(seed: int) -> None:
    random = np.random.default_rng(seed)
    names = [f"d{number}" for number in range(150)]
    labels: dict[str, dict[str, int]] = {}
    hits: dict[str, list[str]] = {}
    for number in range(20):
        judged = random.choice(names, size=int(random.integers(1, 40)), replace=False)
        labels[f"q{number}"] = {str(name): int(random.integers(0, 4)) for name in judged}
        hits[f"q{number}"] = [str(name) for name in random.permutation(names)[: int(random.integers(0, 120))]]
    hits["q3"] = []  # judged, and the system found nothing
    labels["q4"] = {"d1": 0, "d2": 0}  # judged without a relevant document
    labels["q5"] = {"elsewhere": 2}  # its answer is not in the corpus
    hits["unjudged"] = names[:10]
    ours = as_table(measure_documents(make_judgments(labels), make_documents_run(hits), measures=DOCUMENT_MEASURES))
    theirs = ask_pytrec(labels, hits)
    assert ours.keys() == theirs.keys()
    assert ours == pytest.approx(theirs, abs=1e-12)
    assert ("q4", "AP") not in ours
    assert ours["q3", "nDCG@10"] == ours["q5", "nDCG@10"] == 0
    assert set(DOCUMENT_MEASURES) == set(THEIRS)


def test_graded_relevance_by_hand() -> None:
    judgments = make_judgments({"q": {"a": 3, "b": 1, "c": 0}})
    found = as_table(measure_documents(judgments, make_documents_run({"q": ["c", "a", "x", "b"]}), measures=DOCUMENT_MEASURES))
    # gains 0, 3, 0, 1 at ranks 1-4; the ideal is 3, 1
    dcg = 3 / np.log2(3) + 1 / np.log2(5)
    assert found["q", "nDCG@10"] == pytest.approx(dcg / (3 / np.log2(2) + 1 / np.log2(3)))
    assert found["q", "AP"] == pytest.approx((1 / 2 + 2 / 4) / 2)
    assert found["q", "RR@10"] == 1 / 2
    assert (found["q", "Success@1"], found["q", "Success@5"]) == (0, 1)
    assert (found["q", "P@5"], found["q", "R@5"]) == (2 / 5, 1)


def test_decimal_grades_are_gains() -> None:
    labels = {"q": {"a": 0.5, "b": 0.25, "c": 0.125}, "p": {"a": 0.1, "b": 0.75}}
    judgments = pd.DataFrame([(q, d, g) for q, found in labels.items() for d, g in found.items()], columns=JUDGMENTS)
    hits = make_documents_run({"q": ["c", "a", "b"], "p": ["x", "a", "b"]})
    graded = judgments.assign(relevant=judgments["relevance"] >= 0.25)
    found = as_table(measure_documents(graded, hits, measures=DOCUMENT_MEASURES))
    dcg = 0.125 + 0.5 / np.log2(3) + 0.25 / 2
    assert found["q", "nDCG@10"] == pytest.approx(dcg / (0.5 + 0.25 / np.log2(3) + 0.125 / 2))
    assert found["p", "nDCG@10"] == pytest.approx((0.1 / np.log2(3) + 0.75 / 2) / (0.75 + 0.1 / np.log2(3)))
    assert found["q", "AP"] == pytest.approx((1 / 2 + 2 / 3) / 2)  # c, of grade 0.125, is not relevant
    assert (found["q", "RR@10"], found["q", "Success@1"], found["p", "P@5"], found["p", "R@5"]) == (1 / 2, 0, 1 / 5, 1)
    times_thousand = graded.assign(relevance=judgments["relevance"] * 1000)
    assert as_table(measure_documents(times_thousand, hits, measures=DOCUMENT_MEASURES)) == found
    assert measure_judged(graded, hits) == pytest.approx((3 / 3 + 2 / 3) / 2)


@pytest.mark.parametrize("threshold", [1, 2, 3])
def test_whole_grades_from_a_threshold_on_agree_with_labels_of_yes_and_no(threshold: int) -> None:
    """Everything but nDCG is what it would be if the judgments said 1 from the threshold on and 0 below; nDCG stays."""
    random = np.random.default_rng(threshold)
    names = [f"d{number}" for number in range(30)]
    labels = {f"q{n}": {str(d): int(random.integers(0, 5)) for d in random.choice(names, 12, replace=False)} for n in range(8)}
    hits = make_documents_run({query: [str(name) for name in random.permutation(names)] for query in labels})
    judgments = make_judgments(labels)
    marked = judgments.assign(relevant=judgments["relevance"] >= threshold)
    binary = make_judgments({q: {d: int(g >= threshold) for d, g in found.items()} for q, found in labels.items()})
    found = as_table(measure_documents(marked, hits, measures=DOCUMENT_MEASURES))
    others = [name for name in DOCUMENT_MEASURES if name != "nDCG@10"]
    expected = as_table(measure_documents(binary, hits, measures=others))
    assert {key: value for key, value in found.items() if key[1] != "nDCG@10"} == expected
    graded = as_table(measure_documents(judgments, hits, measures=["nDCG@10"]))
    assert {key: value for key, value in found.items() if key[1] == "nDCG@10"} == {
        key: value for key, value in graded.items() if (key[0], "AP") in expected
    }


def test_equal_scores_are_settled_by_rank_not_by_pytrec() -> None:
    # pytrec_eval would put z before a; ties are ordered by id here, so a is first.
    run = to_document_run(make_run({"q": [("a1", 1.0), ("z1", 1.0)]}))
    assert as_table(measure_documents(make_judgments({"q": {"a": 1}}), run, measures=DOCUMENT_MEASURES))["q", "Success@1"] == 1
    assert as_table(measure_documents(make_judgments({"q": {"z": 1}}), run, measures=DOCUMENT_MEASURES))["q", "Success@1"] == 0


def test_no_judgments_no_run_no_measures() -> None:
    nothing = measure_documents(empty(JUDGMENTS), make_documents_run({"q": ["a"]}), measures=DOCUMENT_MEASURES)
    assert nothing.empty
    assert list(nothing.columns) == ["query_id", "measure", "value"]
    assert measure_documents(
        make_judgments({"q": {"a": 0}}), make_documents_run({"q": ["a"]}), measures=DOCUMENT_MEASURES
    ).empty
    unanswered = measure_documents(make_judgments({"q": {"a": 1}}), empty(DOCUMENT_RUN), measures=DOCUMENT_MEASURES)
    assert set(unanswered["value"]) == {0.0}
    assert len(unanswered) == len(DOCUMENT_MEASURES)
    assert measure_documents(make_judgments({"q": {"a": 1}}), empty(DOCUMENT_RUN), measures=[]).empty


def test_other_measures_keep_their_names() -> None:
    judged = make_judgments({"q": {"a": 1}})
    found = measure_documents(judged, make_documents_run({"q": ["b", "a"]}), measures=["P@2", "RR", "Judged@2"])
    assert as_table(found) == {("q", "P@2"): 0.5, ("q", "RR"): 0.5, ("q", "Judged@2"): 0.5}
    with pytest.raises(InputError, match=r"ir_measures does not know one of the measures \['nonsense'\]"):
        measure_documents(judged, make_documents_run({}), measures=["nonsense"])


def test_find_answerable() -> None:
    assert find_answerable(make_judgments({"b": {"x": 0, "y": 2}, "a": {"x": 0}, "c": {"x": 1, "y": 1}})) == ["b", "c"]


def test_judged() -> None:
    run = make_documents_run({"q": ["a", "b", "x", "y"], "p": ["a"]})
    # q: a and b of its first ten places (four filled) are judged; p: a
    judged = make_judgments({"q": {"a": 1, "b": 0}, "p": {"a": 1}})
    per_query = measure_documents(judged, run, measures=["Judged@10"])
    assert measure_judged(judged, run) == pytest.approx(float(per_query["value"].mean()))
    assert as_table(per_query) == {("q", "Judged@10"): 0.5, ("p", "Judged@10"): 1.0}
    assert measure_judged(make_judgments({"q": {"a": 1}}), run) is None  # only positives: nothing to say
    assert measure_judged(make_judgments({"q": {"a": 0}}), run) is None
    assert measure_judged(empty(JUDGMENTS), run) is None


def test_labels_are_given_to_ir_measures_once(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[dict[str, dict[str, int]]] = []

    def note(measures: list[ir_measures.Measure], qrels: dict[str, dict[str, int]]) -> ir_measures.Evaluator:
        given.append(qrels)
        return ir_measures.DefaultPipeline.evaluator(measures, qrels)

    monkeypatch.setattr(ir_measures, "evaluator", note)
    judged = make_judgments({"q": {"a": 1, "b": 0}})
    found = [measure_documents(judged, make_documents_run({"q": hits}), measures=["RR@10"]) for hits in (["a"], ["b", "a"])]
    assert given == [{"q": {"a": 1, "b": 0}}]
    assert [frame["value"].tolist() for frame in found] == [[1.0], [0.5]]
    # Equal labels in another frame are other labels: a frame is not compared with what was seen before.
    measure_documents(judged.copy(), make_documents_run({"q": ["a"]}), measures=["RR@10"])
    assert len(given) == 2
