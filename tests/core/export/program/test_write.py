"""The program that a report gives away, run as a user runs it: it finds what the system finds, with none of our modules."""

from __future__ import annotations

import ast
import dataclasses
import importlib.metadata
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from core.data.dataset import Dataset
from core.data.load import load_dataset
from core.data.write import write_dataset
from core.errors import InputError
from core.export.program.write import write_program
from core.live.search import LiveSearch
from core.settings import DEFAULT_MODEL, SAMPLES
from core.stages.adapt import QueryAdapter, write_adapter
from core.stages.chunk import FixedTokens, Headings, ParentDocument, Recursive, SentenceWindow, WholeDocument
from core.stages.embed import model_revision, resolve_model
from core.stages.fuse import WeightedFusion
from core.stages.registry import list_choices
from core.stages.rerank import CrossEncoderRerank, LateInteraction
from core.stages.rewrite import Feedback, Glossary
from core.systems.named import make_named_systems
from core.systems.system import FILLED_IN, Dense, Lexical, System
from core.text.conditions import match_filter
from core.text.named_values import collect_spellings, infer_filter
from core.workspace import WEIGHTS, Workspace
from tests.support.app import build_environment
from tests.support.models import make_documents, make_resources

# As they are over English documents.
NAMED = {
    name: system if system.lexical is None else dataclasses.replace(system, lexical=Lexical(language="en"))
    for name, system in make_named_systems().items()
}
# Everything in one: fused by chunk, filters from the query's words, feedback on both sides, synonyms.
MIXED = dataclasses.replace(
    NAMED["hybrid-weighted"],
    name="mixed",
    lexical=Lexical(over="chunks", k1=1.2, stop_words=False, language="en"),
    fuse=WeightedFusion(dense_share=0.6, level="chunk"),
    filter=True,
    infer_filters=("product", "version"),
    rewrite=(Glossary(groups=(("wifi", "wireless", "Wi-Fi"), ("gateway", "hub"))), Feedback()),
)
LATE = dataclasses.replace(NAMED["hybrid-rrf"], name="late", rerank=LateInteraction(depth=3))
HOSTILE = 'evil"""\nimport os\n\'\\ \x00\u2028«size»'
DOCUMENTS, LETTERS, QUERIES = 10, 800, 10  # programs keep no vectors: each embeds all of it
# Measured on all 90 pages and every third query of the sample: the first hit is the same for all of them, the first five for
# 96 % and more. What differs are sums that are equal but for their last digit.
SAME_FIRST, SAME_FIVE = 1.0, 0.9

# The programs are run as they are, one after another; a model is loaded once, and what was asked of it before is not computed
# again.
DRIVER = """
import functools, importlib, inspect, json, sys
import sentence_transformers

Model = sentence_transformers.SentenceTransformer
for name in ("encode_query", "encode_document"):
    def remember(model, texts, *, known={}, plain=getattr(Model, name), **options):
        key = (tuple(texts), repr(options))
        if key not in known:
            known[key] = plain(model, texts, **options)
        return known[key]
    setattr(Model, name, remember)
sentence_transformers.SentenceTransformer = functools.cache(Model)
asked = json.load(open("queries.json"))
found = {}
for module in sys.argv[1:]:
    program = importlib.import_module(module)
    search = program.Search("data/corpus.jsonl")
    filters = "conditions" in inspect.signature(search.answer).parameters
    for query in asked:
        hits = search.answer(query["text"], query["filter"]) if filters else search.answer(query["text"])
        found.setdefault(program.SYSTEM, {})[query["id"]] = [document.id for _, document, _ in hits]
assert not [name for name in sys.modules if name.split(".")[0] in ("core", "pages", "tests")]
json.dump(found, open("found.json", "w"))
"""


def load_program(system: System, folder: Path, **options: Any) -> ModuleType:
    file = folder / f"program_{len(list(folder.glob('program_*')))}.py"
    file.write_text(write_program(system, dataset_name="sample", **options), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def small() -> Dataset:
    """The beginnings of the hub's pages of the sample, with queries of which some carry a filter."""
    whole = load_dataset(SAMPLES / "product_docs")
    documents = whole.documents[whole.documents["doc_id"].str.startswith("hub-")].head(DOCUMENTS).reset_index(drop=True)
    documents["text"] = documents["text"].str.slice(0, LETTERS)
    kept = set(documents["doc_id"])
    queries = whole.queries[whole.queries["query_id"].str.startswith("hub-")].head(QUERIES).reset_index(drop=True)
    judgments, evidence = (
        frame[frame["doc_id"].isin(kept) & frame["query_id"].isin(set(queries["query_id"]))]
        for frame in (whole.judgments, whole.evidence)
    )
    assert len(documents) == DOCUMENTS and len(queries) == QUERIES and any(queries["filter"])
    evidence = evidence[evidence["end"] <= LETTERS]
    return dataclasses.replace(whole, documents=documents, queries=queries, judgments=judgments, evidence=evidence)


@pytest.fixture(scope="module")
def cross_encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with a cross-encoder of one small layer with random weights: it knows nothing, but always says the same."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    folder = tmp_path_factory.mktemp("models") / "tiny"
    torch.manual_seed(0)
    config = BertConfig(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64, num_labels=1)
    model = BertForSequenceClassification(config)
    torch.nn.init.normal_(model.classifier.weight, std=5.0)  # else all scores are nearly equal
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(str(resolve_model(DEFAULT_MODEL))).save_pretrained(folder)
    return str(folder)


def search_ourselves(dataset: Dataset, systems: dict[str, System], workspace: Workspace) -> dict[str, dict[str, list[str]]]:
    """System -> query id -> ids of the documents found, each query with its own filter."""
    search = LiveSearch(dataset, workspace)
    found: dict[str, dict[str, list[str]]] = {name: {} for name in systems}
    for query_id, text, conditions in dataset.queries[["query_id", "text", "filter"]].itertuples(index=False):
        for name, answer in search.search([text], systems, filter=conditions).items():
            assert answer.error is None, answer.error
            found[name][query_id] = answer.documents["doc_id"].tolist()
    return found


def run(command: list[str], folder: Path, workspace: Path) -> subprocess.CompletedProcess[str]:
    environment = build_environment(workspace)
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=900)


def test_finds_what_the_system_finds(small: Dataset, cross_encoder: str, workspace: Path, tmp_path: Path) -> None:
    cross = dataclasses.replace(NAMED["dense-filtered"], name="cross", rerank=CrossEncoderRerank(model=cross_encoder, depth=5))
    names = ("dense", "hybrid-rrf", "hybrid-weighted", "hybrid-filtered", "bm25-filtered")
    both = dataclasses.replace(cross, name="both", rerank=dataclasses.replace(cross.rerank, mixed=True))
    moved = dataclasses.replace(NAMED["dense"], name="moved", dense=Dense(adapter="trained:adapter-1"))
    systems = {system.name: system for system in (*(NAMED[name] for name in names), MIXED, LATE, cross, both, moved)}
    trained = Workspace(workspace).models / "adapter-1" / WEIGHTS
    turn = np.eye(384) + np.random.default_rng(0).normal(scale=0.02, size=(384, 384))  # enough to change the first hits
    write_adapter(QueryAdapter(turn, DEFAULT_MODEL, model_revision(DEFAULT_MODEL)), trained)
    shutil.copytree(Workspace(workspace).models, tmp_path / "models")
    write_dataset(small, tmp_path / "data")
    asked = [
        {"id": query_id, "text": text, "filter": conditions}
        for query_id, text, conditions in small.queries[["query_id", "text", "filter"]].itertuples(index=False)
    ]
    (tmp_path / "queries.json").write_text(json.dumps(asked), encoding="utf-8")
    modules = {name: f"program_{place}" for place, name in enumerate(systems)}
    for name, system in systems.items():
        (tmp_path / f"{modules[name]}.py").write_text(write_program(system, dataset_name="sample"), encoding="utf-8")
    (tmp_path / "driver.py").write_text(DRIVER, encoding="utf-8")
    done = run([sys.executable, "driver.py", *modules.values()], tmp_path, workspace)
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, list[str]]] = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    expected = search_ourselves(small, systems, Workspace(workspace))
    for name in systems:
        hits = expected[name]
        same = {depth: sum(hits.get(q["id"], [])[:depth] == found[name][q["id"]][:depth] for q in asked) for depth in (1, 5)}
        assert same[1] >= SAME_FIRST * QUERIES, (name, same)
        assert same[5] >= SAME_FIVE * QUERIES, (name, same)


def test_answers_on_the_command_line(small: Dataset, workspace: Path, tmp_path: Path) -> None:
    write_dataset(small, tmp_path / "data")
    (tmp_path / "search.py").write_text(write_program(NAMED["bm25-filtered"], dataset_name="sample"), encoding="utf-8")
    command = [sys.executable, "search.py", "data/corpus.jsonl", "KH-4012", "certificate", "--first", "2"]
    done = run([*command, "--filter", '{"product": "Hub"}'], tmp_path, workspace)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "KH-4012" and lines[5] == "certificate"
    assert lines[1].split()[0] == "1." and lines[1].split()[2].startswith("hub-")
    none = run([*command, "--filter", '{"product": "Bread"}'], tmp_path, workspace)
    assert none.stdout.splitlines() == ["KH-4012", "certificate"]


TEXT = textwrap.dedent(
    """\
    Dr. Smith, e.g. in fig. 3 of vol. 2, and J. R. Tolkien met at 10 °C. Then it rained! "Really?" she said. No.

    # Set-up
    1. Open the cover. Keep it.
    2. Take the cell out
    and put it away.

    ## Wi-Fi
    ```
    # no heading
    key: value
    ```
    ### Deeper

    Averyveryveryveryveryveryveryveryveryveryveryveryverylongwordthatdoesnotfitintoonechunkatall and more.
    ***
    """
)
JAPANESE = "電池の交換方法。まずカバーを開けてください！古い電池を外し、新しい電池を入れます。" * 8
CHUNKERS: list[Any] = [
    Recursive(), Recursive(size=64), Recursive(size=128, overlap=32), Recursive(size=16, overlap=5, prefix="always"),
    WholeDocument(),
    ParentDocument(), SentenceWindow(), SentenceWindow(sentences=5, size=20), FixedTokens(size=64, overlap=16),
    FixedTokens(size=40, overlap=0), Headings(size=60, prefix="none"),
]  # fmt: skip


@pytest.mark.parametrize("chunker", CHUNKERS, ids=lambda chunker: f"{chunker.type}-{CHUNKERS.index(chunker)}")
def test_cuts_documents_alike(chunker: Any, small: Dataset, workspace: Path, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    program = load_program(dataclasses.replace(NAMED["dense"], chunk=chunker), tmp_path)
    model = SimpleNamespace(tokenizer=AutoTokenizer.from_pretrained(str(resolve_model(DEFAULT_MODEL))))
    program.load_model = lambda name: model  # type: ignore[attr-defined]
    odd = make_documents({"odd": TEXT, "short": "Word.", "blank": " \n", "cjk": JAPANESE})
    for documents in (small.documents, odd.assign(title=["Odd", "", "Only a title", "電池"])):
        ours = chunker(documents, resources=make_resources(workspace, _RealTokenizer()))
        corpus = [
            program.Document(doc_id, title, text, {})
            for doc_id, title, text in documents[["doc_id", "title", "text"]].itertuples(index=False)
        ]
        chunks = program.make_chunks(corpus, program.cut, prefix=program.CHUNK_PREFIX)
        theirs = [(corpus[chunk.document].id, chunk.text, chunk.passages) for chunk in chunks]
        assert theirs == list(ours[["doc_id", "text", "passages"]].itertuples(index=False, name=None))


class _RealTokenizer:
    """Models that have nothing but the bundled tokenizer."""

    def tokenizer(self, name: str, revision: str = "", **_: Any) -> Any:
        from core.text.tokens import load_tokenizer

        return load_tokenizer(DEFAULT_MODEL)


def test_filters_alike(small: Dataset, tmp_path: Path) -> None:
    program = load_program(MIXED, tmp_path)
    metadata = [
        {"version": "3.1", "tags": ["a", "b"], "year": 2024},
        {"version": 3.1, "year": 2025.0, "day": "2024-05-01T15:00:00+02:00", "groups": ["hr", "sales"]},
        {"product": "Hub", "day": "2024-05", "groups": ["it"]},
        {},
    ]
    documents = [program.Document(str(row), "", "", item) for row, item in enumerate(metadata)]
    conditions: list[dict[str, Any]] = [{"version": "3.1"}, {"tags": "b"}, {"year": {"gte": 2025}}, {"absent": "x"}]
    conditions += [{"day": {"gte": "2024-05-01T13:00Z", "lte": "2024-05-01"}}, {"groups": ["sales", "legal"]}]
    for wanted in conditions:
        expected = {row for row, item in enumerate(metadata) if match_filter(item, wanted)}
        assert program.find_allowed(documents, wanted) == expected, wanted
    assert program.find_allowed(documents, {}) is None
    corpus = small.documents["metadata"].tolist()
    spellings = program.collect_spellings(corpus, program.INFER_FILTERS)
    for text in ["hub pro 3.1.2", "the Hub, v3.1", "hubs 13.1", "3.1 and 3.1.2", "nothing", *small.queries["text"]]:
        assert program.infer_filter(text, spellings) == infer_filter(text, collect_spellings(corpus, MIXED.infer_filters))


def test_leaves_out_the_document_that_the_query_is(tmp_path: Path, workspace: Path) -> None:
    """As live search does over a dataset whose queries are documents; a filter and synonyms are applied all the same."""
    texts = {"a": "hub clock wrong", "b": "the clock of the hub", "c": "clock", "d": "hub wrong"}
    lines = [{"_id": name, "text": text, "metadata": {"v": 1 if name != "d" else 2}} for name, text in texts.items()]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "corpus.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (tmp_path / "data" / "queries.jsonl").write_text(json.dumps({"_id": "a", "text": texts["a"]}))
    (tmp_path / "data" / "qrels.tsv").write_text("a 0 b 1\n")
    dataset = load_dataset(tmp_path / "data")
    system = dataclasses.replace(NAMED["bm25"], name="own", filter=True, rewrite=(Glossary(groups=(("clock", "time"),)),))
    program = load_program(system, tmp_path, leave_out_query=dataset.asks_by_document)
    asked = ["hub clock wrong", "Hub: clock, wrong!", "the clock of the hub", "clock wrong"]
    found = LiveSearch(dataset, Workspace(workspace)).search(asked, {"own": system}, filter={"v": 1})["own"].documents
    search = program.Search(str(tmp_path / "data" / "corpus.jsonl"))
    expected = [found.loc[found["query_id"] == str(number), "doc_id"].tolist() for number in (1, 2, 3, 4)]
    assert [[document.id for _, document, _ in search.answer(query, {"v": 1})] for query in asked] == expected
    assert [sorted(ids) for ids in expected] == [["b", "c"], ["b", "c"], ["a", "c"], ["a", "b", "c"]]


EVERY = [
    *NAMED.values(), MIXED, LATE,
    dataclasses.replace(NAMED["hybrid-rrf"], name="cross", rerank=CrossEncoderRerank()),
    dataclasses.replace(NAMED["dense"], name="endpoint", dense=Dense(model="endpoint:some-model", query_prompt="query: ")),
    dataclasses.replace(NAMED["dense"], name="prompts", dense=Dense(model="org/model", document_prompt="passage: ")),
    dataclasses.replace(NAMED["dense"], name="other late", rerank=LateInteraction(model="org/model")),
    dataclasses.replace(NAMED["bm25"], name="inferred", infer_filters=("product",), lexical=Lexical(stem=False, language="en")),
    dataclasses.replace(NAMED["bm25"], name="chunks", chunk=Headings(), lexical=Lexical(over="chunks", language="en")),
    dataclasses.replace(
        NAMED["dense"], name=HOSTILE, description=HOSTILE, rewrite=(Glossary(groups=((HOSTILE, "b"),)),),
        dense=Dense(model=HOSTILE, query_prompt=HOSTILE), infer_filters=(HOSTILE,), rerank=CrossEncoderRerank(model=HOSTILE),
    ),
]  # fmt: skip


def test_every_program_is_python_that_ruff_has_nothing_against(tmp_path: Path) -> None:
    systems = [
        *EVERY,
        *(dataclasses.replace(NAMED["bm25"], chunk=chunk, lexical=Lexical(over="chunks", language="en")) for chunk in CHUNKERS),
    ]
    for place, system in enumerate(systems):
        text = write_program(system, dataset_name=HOSTILE)
        assert system is not MIXED or text == write_program(system, dataset_name=HOSTILE)
        tree = compile(text, f"{place}", "exec", ast.PyCF_ONLY_AST)
        imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
        assert ("os" in imported) == (system.name == "endpoint")
        assert not re.search(r"\bcore\.", text)  # of our modules, which readers of the program do not have
        if system.name != HOSTILE:  # a user's glossary or prompt may be longer than a line should be
            (tmp_path / f"program_{place}.py").write_text(text, encoding="utf-8")
    options = ["--isolated", "--no-cache", "--line-length", "128", "--target-version", "py311"]
    for command in (["check", "--select", "E,F,W,I,B,UP"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *command, *options, "."]
        done = subprocess.run(ruff, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


STAGES: list[tuple[str, type]] = [
    (role, stage) for role in ("chunk", "rewrite", "fuse", "rerank") for stage in list_choices(role).values()
]


@pytest.mark.parametrize(("role", "stage"), STAGES, ids=[f"{role}-{stage.__name__}" for role, stage in STAGES])
def test_every_stage_has_its_piece_and_an_unknown_one_is_refused(role: str, stage: type) -> None:
    def write(made: Any) -> str:
        changes: dict[str, Any] = {role: (made,) if role == "rewrite" else made}
        system = dataclasses.replace(NAMED["hybrid-rrf"], **changes)
        return write_program(system, dataset_name="sample")

    fields = {"groups": (("wifi", "wireless"),)} if stage is Glossary else {}
    assert ast.parse(write(stage(**fields)))
    made_up = type("MadeUp", (stage,), {"type": "made_up"})  # as a new stage might be written: as a kind of one that is there
    with pytest.raises(InputError, match=f'hybrid-rrf cannot be written .*"made_up" in its field "{role}"; use the .*YAML'):
        write(made_up(**fields))


OTHER = {
    "prefix": "none",
    "level": "document",
    "model": "org/other",
    "groups": (("a", "b"),),
    "over": "documents",
    "language": "de",
}
PARTS: dict[str, list[type]] = {
    **{role: list(list_choices(role).values()) for role in ("chunk", "rewrite", "fuse", "rerank")},
    "dense": [Dense],
    "lexical": [Lexical],
}
FIELDS = [
    (role, kind, field.name)
    for role, kinds in PARTS.items()
    for kind in kinds
    for field in dataclasses.fields(kind)
    if field.name not in FILLED_IN
]


@pytest.mark.parametrize(("role", "kind", "field"), FIELDS, ids=[f"{kind.__name__}-{field}" for _, kind, field in FIELDS])
def test_no_field_of_a_stage_is_lost(role: str, kind: type, field: str) -> None:
    """A field that a stage gets one day is either in the program or stops it from being written."""
    fields: dict[str, Any] = {"groups": (("wifi", "wireless"),)} if kind is Glossary else {}
    fields |= {"level": "chunk"} if role == "fuse" else {"over": "chunks", "language": "en"} if role == "lexical" else {}
    made = kind(**fields)
    value = getattr(made, field)
    if isinstance(value, bool):
        other: Any = not value
    else:
        other = value + 2 if isinstance(value, int) else value / 2 if isinstance(value, float) else OTHER.get(field, "other")

    def write(stage: Any) -> str:
        changes: dict[str, Any] = {role: (stage,) if role == "rewrite" else stage}
        if field == "over":
            changes["fuse"] = WeightedFusion()
        return write_program(dataclasses.replace(MIXED, **changes), dataset_name="sample")

    expected = write(made)
    try:
        assert write(dataclasses.replace(made, **{field: other})) != expected
    except InputError as error:
        assert other in str(error)


def read_settings(text: str) -> dict[str, Any]:
    """The constants at the top of a program."""
    found: dict[str, Any] = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef):
            break
        if isinstance(node, ast.Assign | ast.AnnAssign):
            [target] = node.targets if isinstance(node, ast.Assign) else [node.target]
            assert isinstance(target, ast.Name) and node.value is not None
            found[target.id] = ast.literal_eval(node.value)
    return found


def test_settings_are_the_users_very_texts() -> None:
    settings = read_settings(write_program(EVERY[-1], dataset_name=HOSTILE))
    hostile = {name for name, value in settings.items() if value == HOSTILE}
    assert hostile == {
        "SYSTEM", "DESCRIPTION", "CHOSEN_ON", "CHUNK_TOKENIZER", "DENSE_MODEL", "DENSE_QUERY_PROMPT", "RERANK_MODEL",
    }  # fmt: skip
    assert settings["INFER_FILTERS"] == (HOSTILE,) and settings["GLOSSARIES"] == (((HOSTILE, "b"),),)


def test_settings_are_the_systems_own() -> None:
    system = dataclasses.replace(MIXED, rerank=CrossEncoderRerank(mixed=True))
    about = {"SYSTEM": "mixed", "DESCRIPTION": MIXED.description, "CHOSEN_ON": "d", "DEPTH": 100}
    chunk = {"CHUNK_TOKENIZER": DEFAULT_MODEL, "CHUNK_PREFIX": "title", "CHUNK_SIZE": 200, "CHUNK_OVERLAP": 0}
    sides = {
        "DENSE_MODEL": DEFAULT_MODEL, "DENSE_DOCUMENT_PROMPT": None, "LEXICAL_K1": 1.2, "LEXICAL_B": 0.75,
        "LEXICAL_STEM": True, "LEXICAL_STOP_WORDS": False, "LEXICAL_LANGUAGES": ("en",), "LEXICAL_FOLD_ACCENTS": True,
        "INFER_FILTERS": ("product", "version"), "GLOSSARIES": ((("wifi", "wireless", "Wi-Fi"), ("gateway", "hub")),),
    }  # fmt: skip
    feedback = {f"FEEDBACK_{field.upper()}": value for field, value in dataclasses.asdict(Feedback()).items()}
    after = {
        "FUSE_DENSE_SHARE": 0.6, "FUSE_DEPTH": 100, "FUSE_LEVEL": "chunk",
        "RERANK_MODEL": "cross-encoder/ms-marco-MiniLM-L6-v2", "RERANK_DEPTH": 50,
    }  # fmt: skip
    assert read_settings(write_program(system, dataset_name="d")) == {**about, **chunk, **sides, **feedback, **after}


def test_a_trained_model_is_a_folder_beside_the_program() -> None:
    text = write_program(dataclasses.replace(NAMED["dense"], dense=Dense(adapter="trained:adapter-1")), dataset_name="sample")
    assert 'DENSE_ADAPTER: str | None = "models/adapter-1/weights"  # copied from the workspace, where it was trained' in text


@pytest.mark.parametrize(
    ("system", "packages"),
    [
        (NAMED["bm25"], {"rank-bm25", "PyStemmer", "numpy"}),
        (
            dataclasses.replace(NAMED["bm25"], lexical=Lexical(language="de, en")),
            {"rank-bm25", "PyStemmer", "py3langid", "numpy"},
        ),
        (NAMED["dense"], {"sentence-transformers", "chromadb", "numpy"}),
        (EVERY[-1], {"sentence-transformers", "chromadb", "numpy"}),
        (
            dataclasses.replace(NAMED["dense"], dense=Dense(adapter="trained:adapter-1")),
            {"sentence-transformers", "chromadb", "numpy", "safetensors"},
        ),
    ],
)
def test_packages_are_those_that_the_program_imports(system: System, packages: set[str]) -> None:
    [line] = [line for line in write_program(system, dataset_name="d").splitlines() if line.startswith("    pip install ")]
    pins = dict(pin.split("==") for pin in line.split()[2:])
    assert pins == {package: importlib.metadata.version(package) for package in packages}
