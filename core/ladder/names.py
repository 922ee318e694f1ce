"""Names and descriptions of the systems on the ladder, made of their parts: one name for one system."""

from __future__ import annotations

import functools
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.ladder.rungs import CHEAP_RUNGS
from core.schema import content_hash
from core.settings import TRAINED_PREFIX
from core.stages.chunk import Recursive
from core.stages.fuse import WeightedFusion
from core.stages.rerank import LateInteraction
from core.systems.named import make_named_systems
from core.systems.system import Feedback, System


@functools.cache
def name_variant(system: System) -> System:
    """The system under the name of the named system it equals, else under one made of its parts; likewise its description."""
    named = _named_by_parts().get(strip_name(system))
    if named is not None:
        return named
    return replace(system, name=_join_names(system), description=describe_system(system))


@functools.cache
def _named_by_parts() -> dict[System, System]:
    return {strip_name(system): system for system in make_named_systems().values()}


def strip_name(system: System) -> System:
    """The system without its own name and description: equal for systems that do the same."""
    return replace(system, name="any", description="")


def _join_names(system: System) -> str:
    by_chunk = getattr(system.fuse, "level", "document") == "chunk" or (system.dense is None and system.chunk is not None)
    parts = [_name_sides(system), _name_chunk(system.chunk, by_chunk=by_chunk)]
    parts.append("filtered" if system.filter else "")
    parts.append("inferred" if system.infer_filters else "")
    parts += [_name_rewriting(step) for step in system.rewrite]
    parts.append(_name_trained(system))
    parts.append(_name_reranker(system.rerank))
    return "-".join(part for part in parts if part)


def _name_sides(system: System) -> str:
    if system.fuse is None:
        return "dense" if system.dense is not None else "bm25"
    if isinstance(system.fuse, WeightedFusion):
        return "hybrid-w" + str(round(100 * system.fuse.dense_share))
    return "hybrid-rrf" + _unless(system.fuse.k, 60)


def _name_chunk(chunk: Any, *, by_chunk: bool) -> str:
    """chunk64, or chunks64 where both sides of a hybrid run over these chunks; nothing for the usual chunks.

    Chunkers other than Recursive are named by their type alone: the ladder tries one size each; two would share a name.
    """
    word = "chunks" if by_chunk else "chunk"
    if isinstance(chunk, Recursive):
        usual = chunk.size == 200 and not chunk.overlap and not by_chunk
        return "" if usual else f"{word}{chunk.size}" + (f"o{chunk.overlap}" if chunk.overlap else "")
    return "" if chunk is None else (f"chunks-{chunk.type}" if by_chunk else str(chunk.type))


def _name_trained(system: System) -> str:
    if system.dense is None:
        return ""
    tuned = system.dense.model.startswith(TRAINED_PREFIX)
    return "-".join(part for part in ("finetuned" if tuned else "", "adapter" if system.dense.adapter else "") if part)


def _name_rewriting(step: Any) -> str:
    if isinstance(step, Feedback):
        return "prf" + _unless(step.chunks, Feedback().chunks)
    return f"{step.type}-{_tell_apart(step.groups)}"


def _tell_apart(value: Any) -> str:
    """Four digits that differ where two values do, since a name must stand for one system."""
    return content_hash(value)[:4]


def _name_reranker(stage: Any) -> str:
    if stage is None:
        return ""
    depth = _unless(stage.depth, 50)
    if isinstance(stage, LateInteraction):
        return "rerank" + depth
    if stage.model.startswith(TRAINED_PREFIX):
        return f"rerank-finetuned{depth}" + ("-mixed" if stage.mixed else "")
    name = re.sub(r"[^A-Za-z0-9.]+", "-", Path(stage.model).name).strip("-")
    if not stage.model.startswith("cross-encoder/"):  # other makers and folders may use the same last name
        name += "-" + _tell_apart(stage.model)
    return name + (f"-{depth}" if depth else "")


def _unless(value: int, usual: int) -> str:
    return "" if value == usual else str(value)


def describe_system(system: System) -> str:
    """What a system does, in one plain sentence made of its parts."""
    sides = {
        (True, False): "Embeddings",
        (False, True): "Word matching",
        (True, True): "Embeddings and word matching together",
    }[system.dense is not None, system.lexical is not None]
    trained = [describe_part(rung, system) for rung in ("fine_tuned_adapter", "fine_tuned_embedding")]
    parts = [describe_chunks(system.chunk), *(describe_part(rung, system) for rung in CHEAP_RUNGS[1:]), *trained]
    return f"{sides}: {', '.join(part for part in parts if part)}."


def describe_chunks(chunk: Any) -> str:
    """What a chunker makes of the documents, such as "chunks of 128 tokens"; "" without one."""
    if isinstance(chunk, Recursive):
        return f"chunks of {chunk.size} tokens" + (f" that overlap by {chunk.overlap}" if chunk.overlap else "")
    words = {
        "whole": "whole documents",
        "window": "single sentences with their neighbours",
        "parent": "small pieces that bring the larger chunk around them",
    }
    return "" if chunk is None else words.get(chunk.type, f"{chunk.type} chunks")


def describe_part(rung: str, system: System) -> str:
    """What a rung changed in this system, in a few plain words; "" if it does not use that rung."""
    if rung == "chunking":
        return describe_chunks(system.chunk)
    if rung == "metadata_filters":
        given = "the query's own filter" if system.filter else ""
        read = f"a filter read from the query ({', '.join(system.infer_filters)})" if system.infer_filters else ""
        return " or ".join(part for part in (given, read) if part)
    if rung == "hybrid_search":
        return _describe_fusion(system.fuse)
    if rung == "query_rewriting":
        return " and ".join(_describe_rewriting(step) for step in system.rewrite)
    if rung in ("reranking", "fine_tuned_reranker") and system.rerank is not None:
        return f"the first {system.rerank.depth} reranked by {_describe_reranker(system.rerank)}"
    if rung == "fine_tuned_adapter":
        return "query vectors moved by a trained adapter" if system.dense is not None and system.dense.adapter else ""
    if rung == "fine_tuned_embedding" and system.dense is not None and system.dense.model.startswith(TRAINED_PREFIX):
        return "embeddings of the fine-tuned model" + (", with word matching" if system.lexical is not None else "")
    return ""


def _describe_reranker(stage: Any) -> str:
    if isinstance(stage, LateInteraction):
        return "late interaction"
    name = "the fine-tuned reranker" if stage.model.startswith(TRAINED_PREFIX) else str(stage.model)
    return name + (", its score added to the first stage's" if stage.mixed else "")


def _describe_fusion(fuse: Any) -> str:
    if fuse is None:
        return ""
    if isinstance(fuse, WeightedFusion):
        return f"embeddings weigh {fuse.dense_share:.0%}, words {1 - fuse.dense_share:.0%}"
    return "embeddings and words merged by rank"


def _describe_rewriting(step: Any) -> str:
    if isinstance(step, Feedback):
        return f"queries enriched from their first {step.chunks} hits"
    return "queries enriched from a glossary"
