"""Whatever stands in a file, a reader gives what can be kept or says in a sentence what is wrong with it."""

from __future__ import annotations

import io
import json
import string
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.data.dataset import Dataset
from core.data.load import load_dataset
from core.data.readers.columns import TableUse
from core.data.readers.encoding import decode_text
from core.data.readers.guesses import guess_columns
from core.data.readers.jsonl import read_jsonl
from core.data.readers.table_files import read_head
from core.data.write import write_dataset
from core.errors import InputError
from core.systems.yaml_files import read_systems, write_systems
from core.text.yaml_text import YamlProblem, read_yaml

# Examples follow from the test's own text: the same ones on every machine, and none that one run had and the next has not.
PROFILE = settings(
    derandomize=True, max_examples=15, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

TEXTS = st.text(max_size=12) | st.sampled_from(["", " ", "\x00", "\ufeff", "a\tb", "2024-13-45", "a", "b", "q"])
SURROGATES = st.text(st.characters(min_codepoint=0xD7FF, max_codepoint=0xE000), max_size=3)
NUMBERS = st.integers() | st.floats() | st.sampled_from([2**63, -(2**63) - 1, 10**30, 1e308, -0.0, True])
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS | SURROGATES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS | SURROGATES, inner, max_size=3),
    max_leaves=6,
)
CONDITIONS = VALUES | st.fixed_dictionaries({"gte": VALUES}, optional={"lte": VALUES})
SPANS = st.fixed_dictionaries(
    {"doc_id": st.sampled_from(["a", "elsewhere"])}, optional={"quote": TEXTS, "start": VALUES, "end": NUMBERS}
)
DOCUMENTS = st.fixed_dictionaries(
    {"_id": VALUES | st.sampled_from(["a", "b", 1]), "text": TEXTS | SURROGATES},
    optional={"title": TEXTS | SURROGATES, "metadata": st.dictionaries(TEXTS, VALUES, max_size=3), "more": VALUES},
)
QUERIES = st.fixed_dictionaries(
    {"_id": TEXTS | st.just("q"), "text": TEXTS},
    optional={
        "filter": VALUES | st.dictionaries(TEXTS, CONDITIONS, max_size=2),
        "tags": VALUES | st.lists(TEXTS, max_size=2),
        "evidence": VALUES | st.lists(SPANS, max_size=2),
        "answer": VALUES,
    },
)
LINES = st.lists(st.text(string.printable, max_size=20), max_size=5).map("\n".join)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Any]:
    """Makes a fresh folder for every example."""

    def make() -> Path:
        return Path(tempfile.mkdtemp(dir=tmp_path))

    return make


def keep(dataset: Dataset, folder: Path) -> None:
    """What was read can be written, and is the same when it is read back."""
    write_dataset(dataset, folder)
    try:
        again = load_dataset(folder, name=dataset.name)
    except InputError as error:
        raise AssertionError("what was read and written cannot be read back") from error
    assert again.fingerprint == dataset.fingerprint
    for warning in dataset.warnings:
        warning.encode("utf-8")


def try_folder(folder: Path) -> None:
    try:
        dataset = load_dataset(folder)
    except InputError as error:
        assert str(error).encode("utf-8").strip()
        assert "\n" not in str(error)
    else:
        keep(dataset, folder / "kept")


def write_json(path: Path, records: list[Any]) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


@PROFILE
@given(documents=st.lists(DOCUMENTS | VALUES, max_size=3), queries=st.lists(QUERIES | VALUES, max_size=3))
def test_any_json_as_corpus_and_queries(here: Any, documents: list[Any], queries: list[Any]) -> None:
    folder = here()
    write_json(folder / "corpus.jsonl", documents or [{"_id": "a", "text": "One fish."}])
    if queries:
        write_json(folder / "queries.jsonl", queries)
    try_folder(folder)


@PROFILE
@given(query=QUERIES, relevance=LINES | NUMBERS.map(lambda number: f"q\ta\t{number}"))
def test_any_query_and_any_judgments_on_a_corpus(here: Any, query: Any, relevance: str) -> None:
    folder = here()
    write_json(folder / "corpus.jsonl", [{"_id": "a", "text": "One fish.", "metadata": {"year": 2020}}])
    write_json(folder / "queries.jsonl", [query, {"_id": "q", "text": "fish"}])
    (folder / "qrels.tsv").write_text(f"query-id\tcorpus-id\tscore\n{relevance}\n", encoding="utf-8", newline="")
    try_folder(folder)


@PROFILE
@given(
    data=st.binary(max_size=80) | LINES.map(str.encode), name=st.sampled_from(["corpus.jsonl", "queries.jsonl", "qrels.tsv"])
)
def test_any_bytes_as_a_file_of_a_dataset(here: Any, data: bytes, name: str) -> None:
    folder = here()
    write_json(folder / "corpus.jsonl", [{"_id": "a", "text": "One fish."}])
    write_json(folder / "queries.jsonl", [{"_id": "q", "text": "fish"}])
    (folder / name).write_bytes(data)
    try_folder(folder)


@PROFILE
@given(
    data=st.binary(max_size=60)
    | st.lists(TEXTS, max_size=6).map(lambda cells: ("id,text\n" + ",".join(cells)).encode())
    | LINES.map(str.encode),
    suffix=st.sampled_from([".csv", ".tsv", ".jsonl", ".parquet"]),
)
def test_any_bytes_as_a_table(here: Any, data: bytes, suffix: str) -> None:
    folder = here()
    path = folder / f"table{suffix}"
    path.write_bytes(data)
    try:
        columns = guess_columns(path.name, read_head(path), role="corpus")
        keep(load_dataset(folder, told=[TableUse(path.name, "corpus", columns)]), folder / "kept")
    except InputError as error:
        assert "\n" not in str(error)
        assert str(error).startswith(str(folder))


@PROFILE
@given(
    front=LINES | st.dictionaries(st.text(string.ascii_letters, min_size=1), TEXTS).map(json.dumps),
    body=TEXTS,
    suffix=st.sampled_from([".md", ".txt", ".html"]),
)
def test_any_front_matter(here: Any, front: str, body: str, suffix: str) -> None:
    folder = here()
    (folder / f"a{suffix}").write_text(f"---\n{front}\n---\n{body}\n", encoding="utf-8", newline="")
    try_folder(folder)


@PROFILE
@given(
    data=st.binary(max_size=80),
    suffix=st.sampled_from([".txt", ".md", ".html", ".pdf", ".docx", ".pptx", ".xlsx", ".epub", ".eml", ".json", ".py"]),
)
def test_any_bytes_as_a_document(here: Any, data: bytes, suffix: str) -> None:
    folder = here()
    (folder / f"a{suffix}").write_bytes(data)
    try_folder(folder)


@PROFILE
@given(
    names=st.lists(
        TEXTS.filter(bool) | st.sampled_from(["corpus.jsonl", "../a", "a/b.md", "a"]), min_size=1, max_size=3, unique=True
    )
)
def test_any_names_in_a_zip(here: Any, names: list[str]) -> None:
    folder = here()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), '{"_id": "a", "text": "x"}')
    (folder / "mine.zip").write_bytes(out.getvalue())
    try:
        keep(load_dataset(folder / "mine.zip"), folder / "kept")
    except InputError as error:
        assert str(error).startswith(str(folder))


@PROFILE
@given(
    text=LINES
    | st.recursive(
        st.none() | NUMBERS | st.text(string.printable),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(string.printable), inner),
        max_leaves=8,
    ).map(str)
)
def test_any_text_as_yaml(text: str) -> None:
    try:
        read_yaml(text)
    except YamlProblem as problem:
        assert problem.reason
        assert problem.line is None or 1 <= problem.line <= text.count("\n") + 1
    try:
        systems = read_systems(text)
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert read_systems(write_systems(list(systems.values()))) == systems


@PROFILE
@given(text=st.text())
def test_text_is_read_as_it_was_written(here: Any, text: str) -> None:
    data = text.encode("utf-8")
    try:
        read = decode_text(data, Path("x"))
    except InputError:
        assert 10 * data.count(0) > len(data)
    else:
        assert read == text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


@PROFILE
@given(record=st.dictionaries(st.text(), VALUES))
def test_a_json_object_is_read_as_json_reads_it(here: Any, record: dict[str, Any]) -> None:
    path = here() / "x.jsonl"
    write_json(path, [record])
    try:
        [(line, read)] = list(read_jsonl(path))
    except InputError:
        return
    assert line == 1
    assert json.dumps(read, allow_nan=False).encode() and json.loads(json.dumps(read)) == read
    if not any(0xD800 <= ord(sign) <= 0xDFFF for sign in str(record)) and "\\ud" not in json.dumps(record):
        assert read == record
