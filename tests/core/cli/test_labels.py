"""Labels of other kinds, through the command line: decimal grades, a threshold, queries that are documents, copies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from core.cli.main import EXIT_BAD_INPUT, main

SHOES = {
    "d1": "red running shoes for men", "d2": "red running shoes for women", "d3": "blue running shoes", "d4": "red rain boots",
    "d5": "running socks, red", "d6": "blue trail shoes", "d7": "leather belt", "d8": "cotton scarf",
}  # fmt: skip
SHOPPERS = {"q1": "red running shoes", "q2": "blue shoes", "q3": "red boots"}
GAINS = {
    "q1": {"d1": 1.0, "d2": 0.75, "d3": 0.1, "d5": 0.25},
    "q2": {"d3": 1.0, "d6": 0.5},
    "q3": {"d4": 1.0, "d1": 0.01},
}

DEBATES = {
    "debate-01": (
        "School uniforms should be compulsory because they hide differences of income between pupils and save parents money.",
        "Uniforms at school cost parents more money, not less, and pupils find other ways to show differences of income.",
    ),
    "debate-02": (
        "Cities should close their centres to cars since the air becomes cleaner and streets become safer for children.",
        "Closing centres to cars moves the traffic elsewhere; the air of the city as a whole does not become cleaner.",
    ),
    "debate-03": (
        "Zoos keep endangered animals alive and teach visitors why species must be protected.",
        "Animals in zoos suffer, and visitors learn little about how endangered species live in the wild.",
    ),
    "debate-04": (
        "Homework in primary school trains children to work alone and to plan their time.",
        "Homework takes the free time of primary school children, and working alone it trains only those with help at home.",
    ),
    "debate-05": (
        "Nuclear power gives steady electricity without carbon and needs little land.",
        "Nuclear power leaves waste for thousands of years, so steady electricity without carbon comes at too high a price.",
    ),
    "debate-06": (
        "Museums should be free so that people with little money see art.",
        "Free museums mostly serve people who see art anyway; money is better spent on visits of schools.",
    ),
    "debate-07": (
        "Remote work saves hours of travel and lets people live where they like.",
        "Remote work isolates people, and the hours saved in travel go into more meetings.",
    ),
    "debate-08": (
        "Voting should be compulsory because results then reflect the will of all.",
        "Compulsory voting makes people vote who know nothing of the matter; results then reflect chance, not will.",
    ),
    "debate-09": (
        "Sugar taxes reduce how much sweet lemonade is drunk and pay for hospitals.",
        "Sugar taxes hit the poor hardest, and lemonade drinkers only change to other sweet things.",
    ),
    "debate-10": (
        "Tourism brings money and work to poor islands.",
        "Tourism drives up rents on islands, and its money leaves with foreign hotels.",
    ),
}


def write_dataset(
    folder: Path, texts: Mapping[str, str], queries: Mapping[str, str], grades: Mapping[str, Mapping[str, float]]
) -> Path:
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text("\n".join(json.dumps({"_id": d, "text": text}) for d, text in texts.items()))
    (folder / "queries.jsonl").write_text("\n".join(json.dumps({"_id": q, "text": text}) for q, text in queries.items()))
    rows = [f"{query}\t{doc}\t{grade}" for query, found in grades.items() for doc, grade in found.items()]
    (folder / "qrels" / "test.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *rows]))
    return folder


def write_debates(folder: Path) -> Path:
    return write_dataset(
        folder,
        {f"{name}-{side}": text for name, sides in DEBATES.items() for side, text in zip(("pro", "con"), sides, strict=True)},
        {f"{name}-pro": pro for name, (pro, _) in DEBATES.items()},
        {f"{name}-pro": {f"{name}-con": 1} for name in DEBATES},
    )


def compare(folder: Path, tmp_path: Path, *options: str, systems: tuple[str, ...] = ("bm25",)) -> dict[str, dict[str, Any]]:
    target = tmp_path / "result.json"
    assert main(["compare", str(folder), "--systems", *systems, "--json", str(target), *options]) == 0
    found = json.loads(target.read_text())["systems"]
    return {one["name"]: {name: value["mean"] for name, value in one["measures"].items()} for one in found}


def test_decimal_grades(workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_dataset(tmp_path / "shoes", SHOES, SHOPPERS, GAINS)
    means = compare(folder, tmp_path)["bm25"]
    # q1: d1, d2, d5, d3 are found in this order, the best there is; q2: d3, d6; q3: d4, then d5 and d2 before d1
    assert round(means["nDCG@10"], 4) == 0.9957
    note = capsys.readouterr().err
    assert "documents count as relevant from grade 0.5 on" in note
    times_hundred = {query: {doc: round(100 * grade) for doc, grade in found.items()} for query, found in GAINS.items()}
    whole = compare(write_dataset(tmp_path / "whole", SHOES, SHOPPERS, times_hundred), tmp_path)["bm25"]
    assert whole["nDCG@10"] == pytest.approx(means["nDCG@10"], abs=1e-12)


def test_what_counts_as_relevant_is_asked_and_kept(workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_dataset(tmp_path / "shoes", SHOES, SHOPPERS, GAINS)
    # q1 has d1 and d2 from 0.5 on, q2 d3 and d6, q3 d4; from 1 on each has one, found first
    assert compare(folder, tmp_path)["bm25"]["P@5"] == pytest.approx((2 + 2 + 1) / 15)
    assert compare(folder, tmp_path, "--relevant-from", "1")["bm25"]["P@5"] == pytest.approx(3 / 15)
    assert "from grade 1 on, as was said" in capsys.readouterr().err
    assert compare(folder, tmp_path)["bm25"]["P@5"] == pytest.approx(3 / 15)
    assert compare(folder, tmp_path, "--relevant-from", "auto")["bm25"]["P@5"] == pytest.approx((2 + 2 + 1) / 15)
    capsys.readouterr()
    assert main(["compare", str(folder), "--systems", "bm25", "--relevant-from", "0"]) == EXIT_BAD_INPUT
    assert "give a number above 0" in capsys.readouterr().err


def test_a_query_does_not_find_itself(workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Arguments whose counter-arguments are looked for: each query is a document, and stood before its answer."""
    folder = write_debates(tmp_path / "debates")
    target = tmp_path / "result.json"
    assert main(["compare", str(folder), "--systems", "bm25", "--json", str(target), "--runs", str(tmp_path / "runs")]) == 0
    content = json.loads(target.read_text())
    means = content["systems"][0]["measures"]
    assert [means[name]["mean"] for name in ("nDCG@10", "Success@1")] == [1.0, 1.0]
    assert content["dataset"]["left_out"] == len(DEBATES)
    assert "queries are documents of the corpus themselves" in capsys.readouterr().err
    pairs = [line.split("\t")[0::2][:2] for line in (tmp_path / "runs" / "bm25.run").read_text().splitlines()]
    assert pairs and all(query != doc for query, doc in pairs)


def test_copies_share_the_label_once_that_is_said(workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts = {"a": "Belts are brown and black.", "b": "belts are brown, and black", "c": "cotton scarf", "d": "wool scarf"}
    folder = write_dataset(tmp_path / "belts", texts, {"q": "belts brown"}, {"q": {"b": 1}})
    assert compare(folder, tmp_path)["bm25"]["Success@1"] == 0.0  # a stands first: equal scores are ordered by id
    assert compare(folder, tmp_path, "--share-copies")["bm25"]["Success@1"] == 1.0
    assert "one document says the same as a relevant one and has its label" in capsys.readouterr().err
    assert compare(folder, tmp_path)["bm25"]["Success@1"] == 1.0  # kept with the dataset
    assert compare(folder, tmp_path, "--no-share-copies")["bm25"]["Success@1"] == 0.0


@pytest.mark.slow
def test_no_system_finds_the_query_itself(workspace: Path, tmp_path: Path) -> None:
    means = compare(write_debates(tmp_path / "debates"), tmp_path, systems=("bm25", "dense", "hybrid-rrf"))
    assert {name: (found["nDCG@10"], found["Success@1"]) for name, found in means.items()} == {
        name: (1.0, 1.0) for name in ("bm25", "dense", "hybrid-rrf")
    }
