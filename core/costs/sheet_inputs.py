"""One system in one scenario at given prices: what is bought, what runs on an own machine, and how much there is of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from core.costs.lines import Factor
from core.costs.prices import EMBEDDING as EMBEDDING_PRICE
from core.costs.prices import RERANK_SEARCH, RERANK_TOKENS, Price, PriceTable
from core.costs.scenario import API, OWN, Scenario
from core.costs.system_facts import SystemFacts
from core.systems.trained import EMBEDDING, RERANKER

HOURS_A_MONTH = 730.0
HOUR = Factor("", 3600.0, "seconds an hour", divides=True)
_WEEKS_A_MONTH = 52 / 12
_FLOAT = 4  # bytes
# Vectors of a bought model as the provider gives them when nothing else is asked for, from the providers' model pages.
_BOUGHT_DIMENSIONS = {
    "openai-3-small": 1536, "openai-3-large": 3072, "cohere-embed-v4": 1536, "voyage-4-lite": 1024, "voyage-4": 1024,
    "voyage-4-large": 1024, "gemini-embedding-001": 3072, "gemini-embedding-2": 3072,
}  # fmt: skip


@dataclass(frozen=True)
class SheetInputs:
    """What the lines of a sheet are made of. The scenario's documents are those of the month that is looked at."""

    facts: SystemFacts
    scenario: Scenario
    prices: PriceTable

    @property
    def buys_embedding(self) -> bool:
        """A model that was trained here cannot be bought."""
        return self.scenario.deployment != OWN and self.facts.dense and EMBEDDING not in self.facts.trained

    @property
    def buys_reranking(self) -> bool:
        """Where there is something to rerank; a model that was trained here cannot be bought."""
        return self.scenario.deployment != OWN and self.facts.rerank_depth > 0 and RERANKER not in self.facts.trained

    @property
    def buys_store(self) -> bool:
        """The store holds vectors, so a system without embeddings has nothing to buy."""
        return self.scenario.deployment == API and self.facts.dense

    @property
    def has_machine(self) -> bool:
        """Whether anything is left to do on an own machine. Calling services and fusing their answers is not counted: the
        application that asks does it on the side."""
        facts = self.facts
        embeds, reranks = facts.dense and not self.buys_embedding, facts.rerank_depth > 0 and not self.buys_reranking
        return self.scenario.deployment != API or facts.lexical or embeds or reranks

    @property
    def own_seconds(self) -> float | None:
        """Seconds of a query on the own machine, from the median latency without what is bought; None if not measured."""
        facts = self.facts
        if facts.p50_ms is None:
            return None
        bought = facts.encode_ms * self.buys_embedding + facts.rerank_ms * self.buys_reranking
        bought += facts.search_ms * self.buys_store
        return max(0.0, facts.p50_ms - bought) / 1000

    @property
    def dimensions(self) -> int:
        """Of the vectors that are stored."""
        if not self.buys_embedding:
            return self.facts.dimensions
        return self.scenario.dimensions or _BOUGHT_DIMENSIONS.get(self.scenario.embedding, self.facts.dimensions)

    @property
    def passages_per_document(self) -> float:
        """As measured; where documents are cut, longer ones than were measured give more, but none gives less than one."""
        facts, tokens = self.facts, self.scenario.tokens_per_document
        if not facts.cut or facts.tokens_per_document <= 0:
            return facts.passages_per_document
        longer = tokens / facts.tokens_per_document
        return max(min(1.0, facts.passages_per_document), facts.passages_per_document * longer)

    @property
    def passages(self) -> float:
        """Of all documents."""
        return self.scenario.documents * self.passages_per_document

    @property
    def vector_bytes(self) -> float:
        """Of one passage's vector."""
        return float(self.dimensions * _FLOAT)

    @property
    def text_bytes(self) -> float:
        """Of one passage."""
        tokens = self.scenario.tokens_per_document * self.facts.overlap
        return tokens * self.facts.bytes_per_token / self.passages_per_document if self.passages_per_document else 0.0

    @property
    def stored_bytes(self) -> float:
        """Of all passages, with their vectors."""
        return self.passages * (self.vector_bytes + self.text_bytes)

    @property
    def embedding_price(self) -> Price:
        """Of the scenario's embedding model. InputError if the table has none of that id."""
        return self.prices.pick(self.scenario.embedding, EMBEDDING_PRICE)

    @property
    def rerank_price(self) -> Price:
        """Of the scenario's reranker, by the search or by the token. InputError if the table has none of that id."""
        return self.prices.pick(self.scenario.rerank, RERANK_SEARCH, RERANK_TOKENS)

    def count_documents(self) -> Factor:
        """The scenario's documents."""
        return Factor("", self.scenario.documents, "documents")

    def count_queries(self) -> Factor:
        """Those of a month."""
        return Factor("", self.scenario.queries_per_month, "queries")

    def count_passages(self) -> tuple[Factor, Factor]:
        """Documents, and passages of one."""
        return self.count_documents(), Factor("", self.passages_per_document, "passages a document")

    def size_passage(self) -> Factor:
        """Bytes of one passage: its vector and its text."""
        words = f"{self.dimensions:,} dimensions of {_FLOAT} bytes, and about {self.text_bytes:,.0f} bytes of text"
        return Factor(words, self.vector_bytes + self.text_bytes, "bytes a passage")

    def count_indexed_tokens(self) -> tuple[Factor, ...]:
        """Documents, tokens, and overlap where there is some."""
        counted = (self.count_documents(), Factor("", self.scenario.tokens_per_document, "tokens"))
        if math.isclose(self.facts.overlap, 1.0, rel_tol=1e-9):
            return counted
        return (*counted, Factor("overlap, windows and titles", self.facts.overlap, ""))

    def count_changed(self) -> tuple[Factor, ...]:
        """The share of the documents that change in a month."""
        changed = Factor("changed a week", self.scenario.changed_per_week, "of them")
        return (changed, Factor("", _WEEKS_A_MONTH, "weeks a month"))

    def count_new(self) -> tuple[Factor, ...]:
        """The share of new documents a month."""
        return (Factor("new a month", self.scenario.growth_per_month, "of them"),)

    def count_cores(self) -> Factor:
        """Cores that embedding and training keep busy."""
        return Factor("as measured", self.facts.cores, "vCPUs")
