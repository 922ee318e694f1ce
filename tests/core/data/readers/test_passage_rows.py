"""Rows with a query and its passages (MS MARCO, DPR) are a dataset: what is labelled is a judgment, what was found is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from core.data.load import load_dataset
from core.errors import InputError

Rows = list[dict[str, Any]]
MARCO: Rows = [
    {
        "answers": ["A small fruit."],
        "passages": {
            "is_selected": [0, 1],
            "passage_text": ["Stones are hard.", "A plum is a small fruit."],
            "url": ["http://a", "http://b"],
        },
        "query": "what is a plum",
        "query_id": 19699,
        "query_type": "DESCRIPTION",
        "wellFormedAnswers": [],
    },
    {
        "answers": ["No Answer Present."],
        "passages": {"is_selected": [0], "passage_text": ["Stones are hard."], "url": ["http://a"]},
        "query": "where is the key",
        "query_id": 19700,
        "query_type": "LOCATION",
        "wellFormedAnswers": [],
    },
]
DPR: Rows = [
    {
        "dataset": "nq",
        "question": "who wrote it",
        "answers": ["Ann", "Ann B."],
        "positive_ctxs": [{"title": "Book", "text": "Ann wrote it.", "score": 1000, "title_score": 1, "passage_id": "71"}],
        "negative_ctxs": [{"title": "Tree", "text": "A tree.", "score": 0, "title_score": 0, "passage_id": "72"}],
        "hard_negative_ctxs": [{"title": "Pen", "text": "A pen.", "score": 9, "title_score": 0, "passage_id": "73"}],
    }
]


def write(folder: Path, rows: Rows, kind: str, *, name: str = "train") -> Path:
    folder.mkdir(exist_ok=True)
    if kind == "json":
        (folder / f"{name}.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")
    elif kind == "lines.json":
        (folder / f"{name}.json").write_text("".join(json.dumps(row) + "\n" for row in rows * 2), encoding="utf-8")
    elif kind == "columns.json":
        columns = {column: {str(place): row[column] for place, row in enumerate(rows)} for column in rows[0]}
        (folder / f"{name}.json").write_text(json.dumps(columns), encoding="utf-8")
    elif kind == "jsonl":
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    else:
        (folder / "data").mkdir(exist_ok=True)
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), folder / "data" / f"{name}-00000-of-00001.parquet")
    return folder


@pytest.mark.parametrize("kind", ["json", "jsonl", "lines.json", "columns.json", "parquet"])
def test_marco_and_dpr_are_datasets(tmp_path: Path, kind: str) -> None:
    marco = load_dataset(write(tmp_path / "marco", MARCO, kind))
    assert marco.documents[["doc_id", "text"]].to_numpy().tolist() == [
        ["p1", "Stones are hard."],
        ["p2", "A plum is a small fruit."],
    ]
    assert marco.documents["metadata"].tolist() == [{"url": "http://a"}, {"url": "http://b"}]
    assert marco.judgments.to_numpy().tolist() == [["19699", "p1", 0], ["19699", "p2", 1], ["19700", "p1", 0]]
    assert marco.queries["answer"].tolist() == ["A small fruit.", ""]
    assert "1 query has no passage that is relevant." in marco.warnings
    dpr = load_dataset(write(tmp_path / "dpr", DPR, kind))
    assert dpr.documents["doc_id"].tolist() == ["71", "73", "72"] and dpr.documents["title"][0] == "Book"
    assert dpr.judgments.to_numpy().tolist() == [["q1", "71", 1], ["q1", "73", 0]]
    assert dpr.queries[["text", "answer"]].to_numpy().tolist() == [["who wrote it", "Ann"]]


def test_what_was_found_is_no_label_and_ids_that_mean_two_texts_are_none(tmp_path: Path) -> None:
    found = [{"question": "who", "ctxs": [{"id": "1", "text": "x", "score": 0.5}, {"id": "2", "text": "y", "score": 0.2}]}]
    dataset = load_dataset(write(tmp_path / "found", found, "json"))
    assert dataset.documents["doc_id"].tolist() == ["1", "2"] and not len(dataset.judgments)
    assert any("1 query has passages without a label" in note for note in dataset.warnings)
    passages = [[{"passage_id": 0, "passage_text": text, "is_selected": 1}] for text in ("one", "two")]
    rows = [{"query": f"what {place}", "passages": one} for place, one in enumerate(passages)]
    dataset = load_dataset(write(tmp_path / "places", rows, "jsonl"))
    assert dataset.judgments.to_numpy().tolist() == [["q1", "p1", 1], ["q2", "p2", 1]]
    assert any("ids of the passages do not tell all of them apart" in note for note in dataset.warnings)


def test_splits_of_shards_and_missing_ones(tmp_path: Path) -> None:
    folder = write(write(tmp_path / "in", MARCO[:1], "parquet"), MARCO[1:], "parquet", name="test")
    assert load_dataset(folder).queries["split"].tolist() == ["test", "tuning"]
    (folder / "data" / "test-00000-of-00001.parquet").rename(folder / "data" / "test-00000-of-00002.parquet")
    with pytest.raises(InputError, match="1 shard of 2 of the split 'test' is missing"):
        load_dataset(folder)
    broken = [{"query": "what", "passages": [{"passage_text": "x", "is_selected": "maybe"}]}]
    with pytest.raises(InputError, match='row 1: "is_selected" of a passage in "passages" is no grade'):
        load_dataset(write(tmp_path / "broken", broken, "json"))
