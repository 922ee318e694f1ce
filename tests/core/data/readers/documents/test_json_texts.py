"""JSON: nested values under their names, lists of objects as documents."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.data.load import load_dataset
from core.data.readers.documents.json_texts import read_json, read_json_lines
from core.data.readers.documents.reading import Reading
from core.errors import InputError

PAGE = {"title": "Pump", "body": "Oil it.", "level": 3, "steps": [{"do": "Close the valve", "time": 5}], "tags": ["a", "b"]}


def test_nested_text_and_metadata() -> None:
    document = read_json(json.dumps(PAGE).encode(), Path("x.json"), Reading())[0]
    assert document.title == "Pump"
    assert document.text == "Oil it.\n\nsteps.do: Close the valve\nsteps.time: 5\ntags: a, b"
    assert document.metadata == {"level": 3}


def test_lists_are_documents(tmp_path: Path) -> None:
    (tmp_path / "all.json").write_text(json.dumps([{"id": "p1", **PAGE}, {"text": "two"}]))
    (tmp_path / "more.jsonl").write_text('{"text": "three", "size": 1e999}\n\n"four"\n')
    (tmp_path / "one.json").write_text('{"a": {"b": {"c": ["deep", null]}}}')
    (tmp_path / "labels.jsonl").write_text('{"query": "q", "answer": "a"}\n')
    (tmp_path / "notes.md").write_text("Notes.")
    dataset = load_dataset(tmp_path)
    frame = dataset.documents
    assert frame["doc_id"].tolist() == ["p1", "all.json#2", "more.jsonl#1", "more.jsonl#2", "notes.md", "one.json"]
    assert frame["text"].tolist()[1:] == ["two", "three", "four", "Notes.", "a.b.c: deep"]
    assert frame["metadata"].tolist()[2] == {"file_type": "jsonl", "size": None}
    assert dataset.warnings == ("Read labels.jsonl as queries (text: query, answer: answer).",)
    assert dataset.queries["text"].tolist() == ["q"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1,\n}', r"x.json, line 2: is not valid JSON \("),
        ("[" * 100_000, "x.json: is JSON that cannot be read|x.json, line 1: is not valid JSON"),
        ("1" * 10_000, "x.json: is JSON that cannot be read"),
    ],
)
def test_what_is_no_json(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_json(text.encode(), Path("x.json"), Reading())


def test_a_bad_line_is_named() -> None:
    with pytest.raises(InputError, match=r"x.jsonl, line 2: is not valid JSON \(Expecting value\); correct the line"):
        read_json_lines(b'{"a": 1}\n{"a":}\n', Path("x.jsonl"), Reading())


def test_half_characters_in_names_and_values(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"text": "x\\ud800", "b\\udfff": "y\\udfff"}')
    [document] = load_dataset(tmp_path).documents.to_dict("records")
    assert document["text"] == "x\ufffd"
    assert document["metadata"] == {"file_type": "json", "b\ufffd": "y\ufffd"}
