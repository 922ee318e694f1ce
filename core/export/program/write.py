"""A retrieval system as a short Python program of its own: sentence-transformers, chromadb and rank_bm25, nothing of ours."""

from __future__ import annotations

import importlib.metadata
import re
import textwrap
from collections.abc import Mapping
from typing import Any

import jinja2

from core.errors import InputError
from core.export.program import chunks as cuts
from core.export.program import parts
from core.settings import BUNDLED_NAMES, DEFAULT_MODEL, ENDPOINT_PREFIX, TRAINED_PREFIX
from core.stages.adapt import ADAPTER_FILE
from core.stages.chunk import FixedTokens, Headings, ParentDocument, Recursive, SentenceWindow, WholeDocument
from core.stages.fuse import ReciprocalRankFusion, WeightedFusion
from core.stages.rerank import CrossEncoderRerank, LateInteraction
from core.stages.rewrite import Glossary
from core.systems.system import Feedback, Lexical, System
from core.text.words import STOP_WORDS
from core.workspace import WEIGHTS

FILE_NAME = "search.py"
_EXAMPLE = "how do I change the battery"
_WIDTH = 120  # of a line of the program
_IMPORTS = {  # the line -> the name that is looked for in the program
    "import argparse": "argparse",
    "import hashlib": "hashlib",
    "import json": "json",
    "import os": "os.environ",
    "import re": "re",
    "import urllib.request": "urllib",
    "from bisect import bisect_left": "bisect_left",
    "from collections import Counter": "Counter",
    "from itertools import pairwise": "pairwise",
    "from typing import Any": "Any",
    "": "",
    "import chromadb": "chromadb",
    "import numpy as np": "np",
    "import Stemmer": "Stemmer",
    "from chromadb.config import Settings": "Settings",
    "from rank_bm25 import BM25Okapi": "BM25Okapi",
    "from safetensors.numpy import load_file": "load_file",
    "from sentence_transformers import CrossEncoder, SentenceTransformer": "CrossEncoder+SentenceTransformer",
    "from sentence_transformers import CrossEncoder": "CrossEncoder",
    "from sentence_transformers import SentenceTransformer": "SentenceTransformer",
}
_PACKAGES = {  # package -> what is imported of it
    "sentence-transformers": "sentence_transformers",
    "chromadb": "chromadb",
    "rank-bm25": "rank_bm25",
    "PyStemmer": "Stemmer",
    "numpy": "numpy",
    "safetensors": "safetensors",
}
# Programs are full of braces, so the holes are in angle quotes. A value is never read as a template: it may be a user's text.
_TEMPLATES = jinja2.Environment(
    variable_start_string="«",
    variable_end_string="»",
    undefined=jinja2.StrictUndefined,
    keep_trailing_newline=True,
    autoescape=False,  # Python, not HTML
)
_TITLES = {"title": cuts.WITH_TITLE, "always": cuts.TITLE_ALWAYS, "none": cuts.TITLE_NEVER}
_CUTS: dict[type, str] = {
    Recursive: cuts.CUT_RECURSIVE,
    FixedTokens: cuts.CUT_TOKENS,
    WholeDocument: cuts.CUT_WHOLE,
    ParentDocument: cuts.CUT_PARENT,
    SentenceWindow: cuts.CUT_WINDOW,
    Headings: cuts.CUT_HEADINGS,
}
_KNOWN: dict[str, tuple[type, ...]] = {  # a system's field -> the stages that there is a piece for; others are refused
    "chunk": tuple(_CUTS),
    "rewrite": (Glossary, Feedback),
    "fuse": (ReciprocalRankFusion, WeightedFusion),
    "rerank": (LateInteraction, CrossEncoderRerank),
}


def write_program(system: System, *, dataset_name: str) -> str:
    """Python text that searches a corpus.jsonl as the system does, from the command line. The same system gives the same text.

    It runs on Python 3.11 and later with the packages named at its top, whose versions are those installed here.
    Raises InputError for a stage that no piece of a program is there for.
    """
    _refuse_unknown(system)
    functions = [*_write_runs(), *_write_reading(system), *_write_helpers(system)]
    body = "\n\n".join(part.strip("\n") + "\n" for part in [*functions, _write_class(system), _write_main(system)])
    body = f"{_write_constants(system, dataset_name)}\n\n{body}"
    imports = _write_imports(body)
    words = "The index is kept in the folder index.\n" if system.dense is not None else ""
    packages = [
        f"{package}=={importlib.metadata.version(package)}"
        for package, module in _PACKAGES.items()
        if module in _roots(imports)
    ]
    head = _fill(
        cuts.HEAD, packages=" ".join(packages), file=FILE_NAME, example=_EXAMPLE, index_words=words + _list_options(system)
    )
    return f"{head.strip()}\n\nfrom __future__ import annotations\n\n{imports}\n\n{body}"


def _refuse_unknown(system: System) -> None:
    """A program that left a stage out, or did another's work, would find something else than was measured."""
    for role, known in _KNOWN.items():
        value = getattr(system, role)
        for stage in value if isinstance(value, tuple) else (value,):
            if stage is not None and type(stage) not in known:  # a subclass may do something else
                raise InputError(
                    f'The system {system.name} cannot be written as a program: no piece is there for "{stage.type}" in its '
                    f'field "{role}"; use the system\'s settings (YAML) instead, or add the piece to core/export/program.'
                )


def _fill(part: str, **values: Any) -> str:
    """The part with its «names» replaced by values. Raises jinja2.UndefinedError for a name without a value."""
    return _TEMPLATES.from_string(part).render(values)


def _list_options(system: System) -> str:
    return """--filter '{"version": "3.1"}' keeps to documents with such metadata.\n""" if system.filter else ""


def _write_imports(body: str) -> str:
    """The imports of what the program names."""
    found = [line for line, names in _IMPORTS.items() if all(re.search(rf"\b{name}\b", body) for name in names.split("+"))]
    both = "from sentence_transformers import CrossEncoder, SentenceTransformer"
    if both in found:
        found = [line for line in found if line == both or "sentence_transformers" not in line]
    return "\n".join(found)


def _roots(imports: str) -> set[str]:
    return {line.split()[1].split(".")[0] for line in imports.splitlines() if line}


def _write_constants(system: System, dataset_name: str) -> str:
    lines = [f"SYSTEM = {_quote(system.name)}"]
    if system.description:
        lines.append(f"# {_comment(system.description)}")
    lines.append(f"# Chosen on the data set {_comment(dataset_name)}.")
    lines.append("DEPTH = 100  # documents per query that are looked at")
    if system.dense is not None:
        lines.append("BATCH = 1000  # passages between two writes to the index")
        lines.append(f"MODEL = {_name_model(system.dense.model)}")
        if system.dense.adapter:
            lines.append(f"ADAPTER = {_name_model(system.dense.adapter)}")
        if _has_prompts(system):
            prompts = {"query": system.dense.query_prompt, "document": system.dense.document_prompt}
            lines.append(f"PROMPTS = {prompts!r}")
    if isinstance(system.rerank, CrossEncoderRerank):
        lines.append(f"RERANKER = {_name_model(system.rerank.model)}")
    glossaries = [[list(group) for group in step.groups] for step in system.rewrite if isinstance(step, Glossary)]
    if glossaries:
        lines.append(f"GLOSSARIES: list[list[list[str]]] = {glossaries!r}")
    if system.infer_filters:
        lines.append(f"INFER_FIELDS = [{', '.join(map(_quote, system.infer_filters))}]")
    return "\n".join(lines) + "\n"


def _name_model(model: str) -> str:
    """The model's name; of one that was trained here the folder, which has to lie beside the program."""
    if model.startswith(TRAINED_PREFIX):
        folder = f"models/{model.removeprefix(TRAINED_PREFIX)}/{WEIGHTS}"
        return f"{_quote(folder)}  # copied from the workspace, where it was trained"
    return _quote(model.removeprefix(ENDPOINT_PREFIX))


def _quote(text: str) -> str:
    """The text as Python writes it, in double quotes where nothing in it needs care."""
    plain = text.isprintable() and '"' not in text and "\\" not in text
    return f'"{text}"' if plain else repr(text)


def _comment(text: str) -> str:
    """One line that cannot end the comment it stands in."""
    return "".join(sign if sign.isprintable() else "?" for sign in " ".join(text.split()))


def _has_prompts(system: System) -> bool:
    dense = system.dense
    return dense is not None and (
        dense.query_prompt is not None or dense.document_prompt is not None or _is_endpoint(dense.model)
    )


def _is_endpoint(model: str) -> bool:
    return model.startswith(ENDPOINT_PREFIX)


def _write_runs() -> list[str]:
    runs, sort, best = parts.RUNS.strip("\n").split("\n\n\n")
    return [runs, sort, best]


def _write_reading(system: System) -> list[str]:
    """Functions that read the corpus and cut it."""
    found = [cuts.READ_CORPUS]
    if "find_model()" in _load_models(system) + _read_tokenizer(system):
        found.append(_fill(cuts.FIND_MODEL, model=DEFAULT_MODEL))
    chunk = system.chunk
    if not _reads_chunks(system):
        return found
    if not isinstance(chunk, WholeDocument):
        found += [cuts.LIST_BREAKS, _write_cutter(overlaps=bool(getattr(chunk, "overlap", 0)))]
    if isinstance(chunk, FixedTokens):
        found.append(cuts.FLAT_CUTTER)
    if isinstance(chunk, Headings):
        found.append(cuts.FIND_SECTIONS)
    return [*found, _TITLES[chunk.prefix]]


def _write_cutter(*, overlaps: bool) -> str:
    if not overlaps:
        return _fill(cuts.CUTTER, overlap="", less="", begin="begin", next="begin", overlapping="")
    words = "; the next span begins up to `overlap` tokens back"
    cutter = _fill(
        cuts.CUTTER,
        overlap=", overlap: int",
        less=" - overlap",
        begin="_",
        next="self.step_back(first, last, overlap)",
        overlapping=words,
    )
    return f"{cutter}\n{cuts.STEP_BACK.strip(chr(10))}"


def _reads_chunks(system: System) -> bool:
    over_chunks = system.lexical is not None and system.lexical.over == "chunks"
    return system.dense is not None or system.rerank is not None or over_chunks


def _write_helpers(system: System) -> list[str]:
    found = []
    if system.filter or system.infer_filters:
        found += parts.MATCH.strip("\n").split("\n\n\n")
    if system.infer_filters or (system.lexical is not None and system.lexical.stop_words):
        words = textwrap.fill(" ".join(sorted(STOP_WORDS)), _WIDTH, initial_indent="    ", subsequent_indent="    ")
        found.append(_fill(parts.STOP_WORDS_SET, stop_words=words))
    if system.lexical is not None:
        found.append(_write_tokenize(system.lexical))
    if system.fuse is not None:
        found.append(_write_fuse(system.fuse))
    if system.rerank is not None:
        found.append(parts.LOWER)
    if isinstance(system.rerank, LateInteraction) or getattr(system.rerank, "mixed", False):
        found.append(parts.STANDARDISE)
    return found


def _write_tokenize(lexical: Lexical) -> str:
    return _fill(
        parts.TOKENIZE,
        stemmer=parts.STEMMER if lexical.stem else "",
        stem="stem(part)" if lexical.stem else "part",
        stop=" if part not in STOP_WORDS" if lexical.stop_words else "",
    )


def _write_fuse(fuse: Any) -> str:
    documents = fuse.level == "document"
    shared = {"units": f"best_of_documents(run)[:{fuse.depth}]" if documents else f"run[:{fuse.depth}]"}
    shared["key"] = "hit[2]" if documents else "hit[1]"
    if isinstance(fuse, WeightedFusion):
        shares = {"dense_share": fuse.dense_share, "lexical_share": round(1.0 - fuse.dense_share, 12)}
        return _fill(parts.FUSE_WEIGHTED, **shares, **shared)
    return _fill(parts.FUSE_RRF, k=fuse.k, **shared)


def _write_class(system: System) -> str:
    methods = [_write_init(system)]
    if _reads_chunks(system):
        pieces = _fill(_CUTS[type(system.chunk)], **_list_sizes(system.chunk))
        methods.append(_fill(cuts.MAKE_CHUNKS, tokenizer=_read_tokenizer(system), pieces=pieces))
    if system.dense is not None:
        endpoint = _is_endpoint(system.dense.model)
        embed = parts.EMBED_ENDPOINT if endpoint else parts.EMBED_PROMPT if _has_prompts(system) else parts.EMBED_MODEL
        prompts = "PROMPTS, " if _has_prompts(system) else ""
        methods += [embed, _fill(parts.OPEN_INDEX, prompts=prompts), parts.SEARCH_DENSE]
    if system.lexical is not None:
        methods += [parts.LEXICAL_CHUNKS if system.lexical.over == "chunks" else parts.LEXICAL_DOCUMENTS, parts.SEARCH_WORDS]
    methods += [*_write_changes(system), *_write_reranker(system), _write_answer(system)]
    return 'class Search:\n    """The index of a corpus, and its answers."""\n\n' + "\n\n".join(
        method.strip("\n") for method in methods
    )


def _list_sizes(chunk: Any) -> Mapping[str, Any]:
    if isinstance(chunk, SentenceWindow):
        return {"size": chunk.size, "side": chunk.sentences // 2}
    if isinstance(chunk, Recursive | FixedTokens):
        return {"sizes": f"{chunk.size}, {chunk.overlap}" if chunk.overlap else chunk.size}
    return {name: getattr(chunk, name) for name in ("size", "parent_size", "child_size") if hasattr(chunk, name)}


def _read_tokenizer(system: System) -> str:
    """The line that finds whose tokens the sizes of chunks are in; "" if nothing is measured in tokens."""
    if not _reads_chunks(system) or isinstance(system.chunk, WholeDocument):
        return ""
    own = system.dense is not None and not _is_endpoint(system.dense.model)
    return f"        tokenizer = {'self.model' if own else 'SentenceTransformer(find_model())'}.tokenizer\n"


def _load_models(system: System) -> str:
    lines = []
    if system.dense is not None and not _is_endpoint(system.dense.model):
        lines.append(f"        self.model = {_load(system.dense.model, constant='MODEL')}\n")
    if isinstance(system.rerank, CrossEncoderRerank):
        lines.append("        self.reranker = CrossEncoder(RERANKER)\n")
    if isinstance(system.rerank, LateInteraction) and _late_model(system) == "reranker":
        lines.append(f"        self.reranker = {_load(system.rerank.model, constant=_quote(system.rerank.model))}\n")
    return "".join(lines)


def _load(model: str, *, constant: str) -> str:
    return f"SentenceTransformer({'find_model()' if model in BUNDLED_NAMES else constant})"


def _late_model(system: System) -> str:
    """The attribute that holds the model of late interaction: the dense side's where it is the same."""
    return "model" if system.dense is not None and system.dense.model == system.rerank.model else "reranker"


def _write_init(system: System) -> str:
    lines = ["        self.documents = read_corpus(corpus)\n", _load_models(system)]
    if _reads_chunks(system):
        lines.append("        self.chunks = self.make_chunks()\n")
    if system.dense is not None:
        lines.append(
            '        self.chunk_of = [place for place, chunk in enumerate(self.chunks) for _ in chunk["passages"]]\n'
            "        self.index = self.open_index(index)\n"
        )
    if system.lexical is not None:
        lines.append(
            "        self.units = self.list_units()\n"
            "        self.bm25 = BM25Okapi([tokenize(text) for *_, text in self.units], "
            f"k1={system.lexical.k1}, b={system.lexical.b})\n"
        )
    if system.infer_filters:
        lines.append("        self.values = self.collect_values()\n")
    if system.dense is not None and system.dense.adapter:
        lines.append(f'        self.adapter = load_file(f"{{ADAPTER}}/{ADAPTER_FILE}")["matrix"]\n')
    index = ', index: str = "index"' if system.dense is not None else ""
    return f"    def __init__(self, corpus: str{index}) -> None:\n" + "".join(lines)


def _write_changes(system: System) -> list[str]:
    """Methods for filters and rewriting."""
    found = [parts.FIND_ALLOWED] if system.filter or system.infer_filters else []
    if system.infer_filters:
        found.append(parts.INFER)
    if any(isinstance(step, Glossary) for step in system.rewrite):
        found.append(parts.GLOSSARY)
    feedback = _find_feedback(system)
    if feedback is not None and system.dense is not None:
        found.append(_fill(parts.ROCCHIO, chunks=feedback.chunks, dense_weight=feedback.dense_weight))
    if feedback is not None and system.lexical is not None:
        original = round(1.0 - feedback.lexical_weight, 12)
        found.append(
            _fill(
                parts.RM3,
                documents=feedback.documents,
                terms=feedback.terms,
                lexical_weight=feedback.lexical_weight,
                original=original,
            )
        )
    return found


def _find_feedback(system: System) -> Feedback | None:
    return next((step for step in system.rewrite if isinstance(step, Feedback)), None)


def _write_reranker(system: System) -> list[str]:
    if system.rerank is None:
        return []
    if isinstance(system.rerank, LateInteraction):
        rerank = _fill(parts.RERANK_LATE, depth=system.rerank.depth, late_model=_late_model(system))
    else:
        mix = parts.MIX_FIRST if system.rerank.mixed else ""
        rerank = _fill(parts.RERANK_CROSS, depth=system.rerank.depth, mix=mix)
    return [parts.PASSAGES_OF, rerank]


def _write_answer(system: System) -> str:
    filtered, feedback = bool(system.filter or system.infer_filters), _find_feedback(system)
    lines = []
    if filtered:
        given = "conditions or {}" if system.filter else "self.read_filter(query)"
        given = "conditions or self.read_filter(query)" if system.filter and system.infer_filters else given
        lines.append(f"allowed = self.find_allowed({given})")
    allowed = "allowed" if filtered else "None"
    if any(isinstance(step, Glossary) for step in system.rewrite):
        lines.append("query = self.add_synonyms(query)")
    if system.dense is not None:
        lines.append('vector = self.embed([query], "query")[0]')
        if system.dense.adapter:
            lines += ["vector = vector @ self.adapter", "vector = vector / np.linalg.norm(vector)"]
        lines.append(f"dense = self.search_dense(vector, {allowed})")
        if feedback is not None:
            lines.append(f"dense = self.search_dense(self.move_vector(vector, dense), {allowed})")
    if system.lexical is not None:
        lines += [
            "weights = {term: float(count) for term, count in Counter(tokenize(query)).items()}",
            f"words = self.search_words(weights, {allowed})",
        ]
        if feedback is not None:
            lines.append(f"words = self.search_words(self.add_terms(weights, words), {allowed})")
    run = "fuse(dense, words)" if system.fuse is not None else "dense" if system.dense is not None else "words"
    lines.append(f"run = {run}")
    if system.rerank is not None:
        lines.append("run = self.rerank(query, run)")
    text = 'self.documents[document]["text"]'
    if _reads_chunks(system):
        text = 'self.chunks[chunk]["text"]'
        if system.lexical is not None and system.lexical.over == "documents":
            text = f'self.documents[document]["text"] if chunk is None else {text}'
    chunk = "chunk" if _reads_chunks(system) else "_"
    found = (
        f"[\n            (score, self.documents[document], {text})\n"
        f"            for score, {chunk}, document in best_of_documents(run)\n        ]"
    )
    option = ", conditions: dict[str, Any] | None = None" if system.filter else ""
    head = (
        f"    def answer(self, query: str{option}) -> list[tuple[float, dict[str, Any], str]]:\n"
        '        """(score, document, text found in it), best first."""\n'
    )
    return head + "".join(f"        {line}\n" for line in [*lines, f"return {found}"])


def _write_main(system: System) -> str:
    dense = system.dense is not None
    return _fill(
        parts.MAIN,
        filter_option=parts.FILTER_OPTION if system.filter else "",
        index_option=parts.INDEX_OPTION if dense else "",
        search_arguments="options.corpus, options.index" if dense else "options.corpus",
        answer_arguments=", options.filter" if system.filter else "",
    )
