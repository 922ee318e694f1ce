"""A retrieval system as a Python program of its own: sentence-transformers, chromadb and rank_bm25, nothing of ours.

core.export.program.pieces.search is the program of all systems; here its settings become those of one.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
from typing import Any

from core.errors import InputError
from core.export.program.bundle import bundle
from core.schema import RUN_DEPTH
from core.settings import DEFAULT_MODEL, ENDPOINT_PREFIX, TRAINED_PREFIX
from core.stages.chunk import FixedTokens, Headings, ParentDocument, Recursive, SentenceWindow, WholeDocument
from core.stages.fuse import ReciprocalRankFusion, WeightedFusion
from core.stages.rerank import CrossEncoderRerank, LateInteraction
from core.stages.rewrite import Feedback, Glossary
from core.systems.system import FILLED_IN, System
from core.text.languages import AUTO
from core.text.words import STOP_WORDS
from core.workspace import WEIGHTS

FILE_NAME = "search.py"
_FIRST = "core.export.program.pieces.search"
_ABOUT = ("SYSTEM", "DESCRIPTION", "CHOSEN_ON")  # for readers alone
_MODELS = {"CHUNK_TOKENIZER", "DENSE_MODEL", "DENSE_ADAPTER", "RERANK_MODEL"}
_NOT_IN_PROGRAM = {*FILLED_IN, "distance"}
_PACKAGES = {  # package -> what is imported of it
    "sentence-transformers": "sentence_transformers",
    "chromadb": "chromadb",
    "rank-bm25": "rank_bm25",
    "PyStemmer": "Stemmer",
    "py3langid": "py3langid",
    "numpy": "numpy",
    "safetensors": "safetensors",
    "httpx": "httpx",
}
_KNOWN: dict[str, tuple[type, ...]] = {  # a system's field -> the stages that the program has; others are refused
    "chunk": (Recursive, FixedTokens, WholeDocument, ParentDocument, SentenceWindow, Headings),
    "rewrite": (Glossary, Feedback),
    "fuse": (ReciprocalRankFusion, WeightedFusion),
    "rerank": (LateInteraction, CrossEncoderRerank),
}
_HEAD = '''"""Searches a corpus as the system below does, on its own: no other file of the tool that chose it is needed.

    pip install {packages}
    python {file} corpus.jsonl "how do I change the battery"

corpus.jsonl holds one document a line: {{"_id": "...", "title": "...", "text": "...", "metadata": {{...}}}}.
{more}"""
'''


def write_program(system: System, *, dataset_name: str, leave_out_query: bool = False) -> str:
    """Python text that searches a corpus.jsonl as the system does, from the command line. The same system gives the same text.

    leave_out_query: a document that says what the query says is no answer, see Dataset.asks_by_document. The program runs on
    Python 3.11 and later with the packages named at its top, whose versions are those installed here.
    Raises InputError for a stage that the program does not have.
    """
    _refuse_unknown(system)
    settings = {"SYSTEM": system.name, "DESCRIPTION": system.description, "CHOSEN_ON": dataset_name, **_list_settings(system)}
    settings["LEAVE_OUT_QUERY"] = leave_out_query
    notes = {}
    for name in _MODELS & settings.keys():
        if str(settings[name]).startswith(TRAINED_PREFIX):
            settings[name] = f"models/{settings[name].removeprefix(TRAINED_PREFIX)}/{WEIGHTS}"
            notes[name] = "copied from the workspace, where it was trained"
    made = bundle(_FIRST, {**settings, "STOP_WORDS": STOP_WORDS}, keep=_ABOUT, notes=notes)
    needed = [package for package, module in _PACKAGES.items() if module in made.libraries]
    packages = " ".join(f"{package}=={importlib.metadata.version(package)}" for package in needed)
    more = "The index is kept in the folder index.\n" if system.dense is not None else ""
    more += """--filter '{"version": "3.1"}' keeps to documents with such metadata.\n""" if system.filter else ""
    return f"{_HEAD.format(packages=packages, file=FILE_NAME, more=more)}\n{made.text}"


def _refuse_unknown(system: System) -> None:
    """A program that left a stage out, or did another's work, would find something else than was measured."""
    if system.dense is not None and system.dense.ranks_by_length:
        raise InputError(
            f"The system {system.name} cannot be written as a program: the program ranks by cosine, not by the distance "
            f"{system.dense.distance}; use the system's settings (YAML) instead."
        )
    for role, known in _KNOWN.items():
        value = getattr(system, role)
        for stage in value if isinstance(value, tuple) else (value,):
            if stage is not None and type(stage) not in known:  # a subclass may do something else
                raise InputError(
                    f'The system {system.name} cannot be written as a program: no piece is there for "{stage.type}" in its '
                    f'field "{role}"; use the system\'s settings (YAML) instead, or add the piece to core/export/program.'
                )


def _list_settings(system: System) -> dict[str, Any]:
    """The settings of the program: what there is, and every field of that by its stage's role and its own name."""
    dense, lexical = system.dense, system.lexical
    reads_chunks = dense is not None or system.rerank is not None or (lexical is not None and lexical.over == "chunks")
    feedback = next((step for step in system.rewrite if isinstance(step, Feedback)), None)
    chosen = {"CHUNK": system.chunk if reads_chunks else None, "FUSE": system.fuse, "RERANK": system.rerank}
    settings: dict[str, Any] = {f"{role}_TYPE": "" if stage is None else stage.type for role, stage in chosen.items()}
    optional = {"DENSE": dense, "LEXICAL": lexical, "FEEDBACK": feedback}
    settings |= {role: stage is not None for role, stage in optional.items()}
    for role, stage in {**chosen, **optional}.items():
        fields = dataclasses.fields(stage) if stage is not None else ()
        settings |= {
            f"{role}_{one.name.upper()}": getattr(stage, one.name) for one in fields if one.name not in _NOT_IN_PROGRAM
        }
    if dense is not None:
        settings["DENSE_ENDPOINT"] = dense.model.startswith(ENDPOINT_PREFIX)
        settings["DENSE_MODEL"] = dense.model.removeprefix(ENDPOINT_PREFIX)
    own = dense is not None and not settings["DENSE_ENDPOINT"]
    settings["CHUNK_TOKENIZER"] = dense.model if dense is not None and own else DEFAULT_MODEL
    if lexical is not None:
        if AUTO in lexical.languages:
            raise InputError(
                f"The language of the system {system.name} was not found from a corpus; give it, such as language: en."
            )
        del settings["LEXICAL_LANGUAGE"]
        settings |= {"LEXICAL_LANGUAGES": lexical.languages, "LEXICAL_MIXED": len(lexical.languages) > 1}
    settings["FILTER"] = system.filter
    settings["INFER_FILTERS"] = system.infer_filters
    settings["GLOSSARIES"] = tuple(step.groups for step in system.rewrite if isinstance(step, Glossary))
    settings["DEPTH"] = RUN_DEPTH
    return settings
