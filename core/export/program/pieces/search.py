"""The search as it is put together, and its command line.

Here stands all that a system can be made of. The settings tell one system's program from another's, and what is given for
them here are examples: core.export.program.write puts a system's own in their place. A branch on settings alone is decided
then, and what nothing names any more is left out. Fields of a stage stand under its role: CHUNK_SIZE, FUSE_K.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import numpy as np

from core.export.program.pieces.adapter import adapt
from core.export.program.pieces.chunks import Chunk, ModelTokenizer, find_text, make_chunks
from core.export.program.pieces.corpus import Document, read_corpus
from core.export.program.pieces.dense import DenseIndex
from core.export.program.pieces.endpoint import embed_at_endpoint
from core.export.program.pieces.feedback import add_terms, move_vector
from core.export.program.pieces.filters import find_allowed, leave_out_own, number_texts
from core.export.program.pieces.fuse import fuse_by_rank, fuse_by_score
from core.export.program.pieces.lexical import LexicalIndex, Unit, list_chunks, list_documents
from core.export.program.pieces.models import embed, embed_as_is, load_cross_encoder, load_model, score_late, score_pairs
from core.export.program.pieces.rerank import list_passages, place_on_top
from core.export.program.pieces.runs import Run, best_of_documents, list_scores
from core.stages.arithmetic import mix_scores
from core.text.cutting import MeasuredText, Piece, cut_parents, cut_recursive, cut_sections, cut_tokens, cut_whole, cut_windows
from core.text.languages import READ_CHARACTERS, choose_languages
from core.text.named_values import collect_spellings, infer_filter
from core.text.synonyms import add_synonyms
from core.text.words import Analyzer

SYSTEM = "example"
DESCRIPTION = "everything in one"
CHOSEN_ON = "an example"  # the data set
DEPTH = 100  # documents that are looked for

CHUNK_TYPE = "recursive"  # "": nothing reads chunks
CHUNK_TOKENIZER = "all-MiniLM-L6-v2"  # the model in whose tokens sizes are counted
CHUNK_PREFIX = "title"  # before a passage: "title", where it does not begin with that; "always" or "none"
CHUNK_SIZE = 200  # tokens
CHUNK_OVERLAP = 0  # tokens
CHUNK_SENTENCES = 3  # of a window
CHUNK_CHILD_SIZE = 64  # tokens
CHUNK_PARENT_SIZE = 400  # tokens

DENSE = True
DENSE_ENDPOINT = False  # whether a server embeds
DENSE_MODEL = "all-MiniLM-L6-v2"
DENSE_QUERY_PROMPT: str | None = None  # None: the model's own
DENSE_DOCUMENT_PROMPT: str | None = None
DENSE_ADAPTER: str | None = None

LEXICAL = True
LEXICAL_OVER = "documents"  # or "chunks"
LEXICAL_K1 = 1.5
LEXICAL_B = 0.75
LEXICAL_STEM = True
LEXICAL_STOP_WORDS = True
LEXICAL_LANGUAGES: tuple[str, ...] = ("en", "de")  # of the corpus, the most frequent first
LEXICAL_MIXED = True  # whether each document has its own of them
LEXICAL_FOLD_ACCENTS = True

FILTER = True  # whether queries come with conditions
INFER_FILTERS: tuple[str, ...] = ("product",)  # fields whose values are looked for in queries
LEAVE_OUT_QUERY = True  # whether documents that say what the query says are no answers

GLOSSARIES: tuple[tuple[tuple[str, ...], ...], ...] = ((("wifi", "wireless"),),)  # each: groups of terms that mean the same

FEEDBACK = True
FEEDBACK_CHUNKS = 5  # the first ones, which the query's vector is moved to
FEEDBACK_DENSE_WEIGHT = 0.5
FEEDBACK_DOCUMENTS = 10  # the first ones, which terms are taken from
FEEDBACK_TERMS = 10
FEEDBACK_LEXICAL_WEIGHT = 0.5

FUSE_TYPE = "rrf"  # or "weighted"; "": one side alone
FUSE_K = 60
FUSE_DENSE_SHARE = 0.7
FUSE_DEPTH = 100  # of each run
FUSE_LEVEL = "document"  # or "chunk"

RERANK_TYPE = "late_interaction"  # or "cross_encoder"; "": none
RERANK_MODEL = "all-MiniLM-L6-v2"
RERANK_DEPTH = 50  # hits
RERANK_MIXED = False


class Search:
    """The index of a corpus, and its answers."""

    def __init__(self, corpus: str, index: str = "index") -> None:
        self.documents = read_corpus(corpus)
        if CHUNK_TYPE:
            self.chunks = make_chunks(self.documents, cut, prefix=CHUNK_PREFIX)
        if DENSE:
            made_by = [DENSE_MODEL, DENSE_DOCUMENT_PROMPT]
            self.dense = DenseIndex(self.documents, self.chunks, embed_documents, made_by=made_by, folder=index)
        if LEXICAL:
            if LEXICAL_OVER == "chunks":
                units = list_chunks(self.chunks)
            else:
                units = list_documents(self.documents)
            if LEXICAL_MIXED:
                languages = list_languages(units)
            else:
                languages = [LEXICAL_LANGUAGES[0]] * len(units)
            analyzer = Analyzer(LEXICAL_LANGUAGES, LEXICAL_STEM, LEXICAL_STOP_WORDS, LEXICAL_FOLD_ACCENTS)
            self.lexical = LexicalIndex(units, analyzer, languages=languages, k1=LEXICAL_K1, b=LEXICAL_B)
        if INFER_FILTERS:
            self.spellings = collect_spellings([document.metadata for document in self.documents], INFER_FILTERS)
        if LEAVE_OUT_QUERY:
            self.texts = number_texts(self.documents)

    def answer(self, query: str, conditions: dict[str, Any] | None = None) -> list[tuple[float, Document, str]]:
        """(score, document, text found in it), best first."""
        if FILTER and INFER_FILTERS:
            allowed = find_allowed(self.documents, conditions or infer_filter(query, self.spellings))
        elif FILTER:
            allowed = find_allowed(self.documents, conditions or {})
        elif INFER_FILTERS:
            allowed = find_allowed(self.documents, infer_filter(query, self.spellings))
        else:
            allowed = None
        if LEAVE_OUT_QUERY:
            allowed = leave_out_own(query, self.texts, allowed, len(self.documents))
        if GLOSSARIES:
            query = add_all_synonyms(query)
        if FUSE_TYPE:
            run = fuse(search_dense(query, self.dense, allowed), search_lexical(query, self.lexical, allowed))
        elif DENSE:
            run = search_dense(query, self.dense, allowed)
        else:
            run = search_lexical(query, self.lexical, allowed)
        if RERANK_TYPE:
            run = rerank(query, run, self.chunks)
        best = best_of_documents(run)[:DEPTH]
        if CHUNK_TYPE:
            return [(hit.score, self.documents[hit.document], find_text(hit, self.documents, self.chunks)) for hit in best]
        else:
            return [(hit.score, self.documents[hit.document], self.documents[hit.document].text) for hit in best]


def add_all_synonyms(query: str) -> str:
    """The query with the synonyms of all glossaries."""
    for groups in GLOSSARIES:
        query = add_synonyms(query, groups)
    return query


def cut(text: str) -> list[Piece]:
    """A document's text in pieces."""
    if CHUNK_TYPE == "whole":
        return cut_whole(text)
    elif CHUNK_TYPE == "recursive":
        return cut_recursive(measure(text), size=CHUNK_SIZE, overlap=CHUNK_OVERLAP)
    elif CHUNK_TYPE == "tokens":
        return cut_tokens(measure(text), size=CHUNK_SIZE, overlap=CHUNK_OVERLAP)
    elif CHUNK_TYPE == "window":
        return cut_windows(measure(text), sentences=CHUNK_SENTENCES, size=CHUNK_SIZE)
    elif CHUNK_TYPE == "headings":
        return cut_sections(measure(text), size=CHUNK_SIZE)
    elif CHUNK_TYPE == "parent":
        return cut_parents(measure(text), child_size=CHUNK_CHILD_SIZE, parent_size=CHUNK_PARENT_SIZE)
    else:
        raise ValueError(CHUNK_TYPE)


def measure(text: str) -> MeasuredText:
    """The text, ready to be cut into spans of so many tokens."""
    return MeasuredText(text, lambda: ModelTokenizer(load_model(CHUNK_TOKENIZER).tokenizer))


def embed_documents(texts: list[str]) -> np.ndarray:
    """Unit vectors of passages."""
    if DENSE_DOCUMENT_PROMPT is not None:
        texts = [DENSE_DOCUMENT_PROMPT + text for text in texts]
    if DENSE_ENDPOINT:
        return embed_at_endpoint(DENSE_MODEL, texts)
    elif DENSE_DOCUMENT_PROMPT is not None:
        return embed_as_is(load_model(DENSE_MODEL), texts)
    else:
        return embed(load_model(DENSE_MODEL), texts, "document")


def embed_query(query: str) -> np.ndarray:
    """The unit vector of a query."""
    if DENSE_QUERY_PROMPT is not None:
        query = DENSE_QUERY_PROMPT + query
    if DENSE_ENDPOINT:
        vectors = embed_at_endpoint(DENSE_MODEL, [query])
    elif DENSE_QUERY_PROMPT is not None:
        vectors = embed_as_is(load_model(DENSE_MODEL), [query])
    else:
        vectors = embed(load_model(DENSE_MODEL), [query], "query")
    if DENSE_ADAPTER is not None:
        vectors = adapt(vectors, DENSE_ADAPTER)
    vector: np.ndarray = vectors[0]
    return vector


def search_dense(query: str, index: DenseIndex, allowed: set[int] | None) -> Run:
    """What embeddings find."""
    vector = embed_query(query)
    run = index.search(vector, allowed, depth=DEPTH)
    if FEEDBACK:
        moved = move_vector(vector, run, index, chunks=FEEDBACK_CHUNKS, weight=FEEDBACK_DENSE_WEIGHT)
        run = index.search(moved, allowed, depth=DEPTH)
    return run


def list_languages(units: list[Unit]) -> list[str]:
    """The language of each unit, which is that of its document: of what is first read there."""
    texts: dict[int, str] = {}
    for unit in units:
        known = texts.get(unit.document, "")
        texts[unit.document] = known if len(known) >= READ_CHARACTERS else f"{known}\n{unit.text}".strip()
    chosen = dict(zip(texts, choose_languages(list(texts.values()), LEXICAL_LANGUAGES), strict=True))
    return [chosen[unit.document] for unit in units]


def search_lexical(query: str, index: LexicalIndex, allowed: set[int] | None) -> Run:
    """What words find."""
    weights = index.weigh(query)
    run = index.search(weights, allowed)
    if FEEDBACK:
        options = {"documents": FEEDBACK_DOCUMENTS, "terms": FEEDBACK_TERMS}
        mixed = add_terms(weights, run, index, **options, weight=FEEDBACK_LEXICAL_WEIGHT)
        run = index.search(mixed, allowed)
    return run


def fuse(dense: Run, lexical: Run) -> Run:
    """One run of two."""
    if FUSE_TYPE == "rrf":
        return fuse_by_rank([dense, lexical], k=FUSE_K, depth=FUSE_DEPTH, level=FUSE_LEVEL)
    elif FUSE_TYPE == "weighted":
        shares = [FUSE_DENSE_SHARE, 1.0 - FUSE_DENSE_SHARE]
        return fuse_by_score([dense, lexical], shares=shares, depth=FUSE_DEPTH, level=FUSE_LEVEL)
    else:
        raise ValueError(FUSE_TYPE)


def rerank(query: str, run: Run, chunks: list[Chunk]) -> Run:
    """The run, its first hits scored anew together with the query."""
    head = run[:RERANK_DEPTH]
    if not head:
        return run
    pairs = [(query, list_passages(hit, chunks)) for hit in head]
    if RERANK_TYPE == "late_interaction":
        scores = mix_scores(list_scores(head), score_late(load_model(RERANK_MODEL), pairs))
    elif RERANK_TYPE == "cross_encoder":
        scores = score_pairs(load_cross_encoder(RERANK_MODEL), pairs)
        if RERANK_MIXED:
            scores = mix_scores(list_scores(head), scores)
    else:
        raise ValueError(RERANK_TYPE)
    return place_on_top(run, scores)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Searches a corpus.")
    parser.add_argument("corpus", help="corpus.jsonl")
    parser.add_argument("query", nargs="+", help="one or more queries, each in quotes")
    if FILTER:
        parser.add_argument("--filter", type=json.loads, default={}, help='such as {"version": ["3.1", "3.2"]}')
    parser.add_argument("--first", type=int, default=5, help="how many hits to show (default: 5)")
    if DENSE:
        parser.add_argument("--index", default="index", help="folder of the index (default: index)")
    options = parser.parse_args()
    if DENSE:
        search = Search(options.corpus, options.index)
    else:
        search = Search(options.corpus)
    for query in options.query:
        print(query)
        if FILTER:
            hits = search.answer(query, options.filter)
        else:
            hits = search.answer(query)
        for rank, (score, document, text) in enumerate(hits[: options.first], start=1):
            print(f"{rank:3}. {score:8.4f}  {document.id}  {document.title}")
            print(f"     {' '.join(text.split())[:200]}")


if __name__ == "__main__":
    main()
