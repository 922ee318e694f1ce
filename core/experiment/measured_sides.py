"""Whether the sides of an experiment's systems could work on its data: each model and each word index once, kept as facts."""

from __future__ import annotations

from core.data.languages import detect_languages
from core.diagnosis.sides import (
    EMBEDDINGS,
    RERANKER,
    ModelSide,
    Sides,
    WordSide,
    count_wordless,
    measure_model,
    merge_words,
)
from core.errors import ModelUnavailable
from core.experiment.system_runs import SystemRuns
from core.graph.node import Node, Source
from core.records import decode, encode
from core.schema import content_hash
from core.stages.embed import model_revision
from core.stages.retrieve import RetrieveLexical

_Model = tuple[str, str, str]  # kind, name, prompt


def measure_sides(system_runs: SystemRuns) -> Sides:
    """The sides of all systems that have a run. Nothing is said of a model whose tokenizer cannot be seen."""
    models: dict[_Model, list[str]] = {}
    searches: dict[str, list[tuple[str, Node]]] = {}  # key of a word index -> its searches
    for name, target in system_runs.targets.items():
        for node in target.walk():
            model = _find_model(node)
            if model is not None and name not in models.setdefault(model, []):
                models[model].append(name)
            if isinstance(node.stage, RetrieveLexical):
                searches.setdefault(node.inputs[2].key, []).append((name, node))
    measured = (_measure_model(model, tuple(names), system_runs) for model, names in models.items())
    words = [_count_unmatched(nodes, system_runs) for nodes in searches.values()]
    return Sides(models=tuple(side for side in measured if side is not None), words=merge_words(words))


def _find_model(node: Node) -> _Model | None:
    """The model that reads queries in a node: one that embeds them, or one that reads them together with hits."""
    stage = node.stage
    if isinstance(stage, Source):
        return None
    if stage.gives == "query_vectors" and stage.encodes:
        return EMBEDDINGS, stage.model, stage.prompt or ""
    if stage.role == "rerank" and not stage.encodes and getattr(stage, "model", ""):
        return RERANKER, stage.model, ""
    return None


def _measure_model(model: _Model, systems: tuple[str, ...], system_runs: SystemRuns) -> ModelSide | None:
    kind, name, prompt = model
    resources = system_runs.resources
    languages = detect_languages(system_runs.dataset)
    parts = [kind, name, model_revision(name), prompt, system_runs.document_source.key, system_runs.query_source.key]
    key = content_hash(["side", 3, *parts, languages])
    facts = resources.workspace.read_facts(key)
    if facts is None:
        try:
            tokenizer = resources.tokenizer(name)
        except ModelUnavailable:
            return None
        if not tokenizer.is_own:
            return None
        documents = system_runs.documents
        texts = [f"{title}\n{text}" for title, text in zip(documents["title"], documents["text"], strict=True)]
        queries = system_runs.queries["text"].tolist()
        side = measure_model(name, tokenizer, documents=texts, queries=queries, kind=kind, prompt=prompt, languages=languages)
        facts = encode(side)
        resources.workspace.write_facts(key, facts)
    return decode({**facts, "systems": systems}, ModelSide)


def _count_unmatched(searches: list[tuple[str, Node]], system_runs: SystemRuns) -> WordSide:
    """Of searches in one index the one that finds most counts: what a filter hides from the others, words have found."""
    queries = system_runs.queries
    found = {node.key: set(system_runs.execution.output(node)["query_id"]) for _, node in searches}
    best = max(found.values(), key=len)
    unmatched = [text for query, text in zip(queries["query_id"], queries["text"], strict=True) if query not in best]
    names = dict.fromkeys(name for name, _ in searches)
    return WordSide(len(queries), len(unmatched), tuple(names), wordless=count_wordless(unmatched))
