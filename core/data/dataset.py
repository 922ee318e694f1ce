"""The Dataset: what every loader returns and everything else starts from."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from core.schema import LEAVE_OUT, content_hash, select_relevant

SPLITS = ("all", "test", "tuning")


@dataclass(frozen=True)
class Dataset:
    """A corpus with queries and labels.

    documents, queries, judgments, evidence: frames of core.schema; queries and labels may be empty.
    warnings: sentences for the user about what was found and ignored or kept.
    fixed_split: the data came with its own tuning/test split (qrels/train.tsv and qrels/test.tsv).
    relevant_from: the grade from which on a document counts as relevant; judgments have it as their column `relevant` where it
    is not 1, and are known by it (see core.schema).
    language: codes of the documents' languages where somebody said them, see core.data.label_rules; "" where they are found.
    """

    name: str
    documents: pd.DataFrame
    queries: pd.DataFrame
    judgments: pd.DataFrame
    evidence: pd.DataFrame
    warnings: tuple[str, ...] = ()
    fixed_split: bool = False
    relevant_from: float = 1
    language: str = ""
    corpus_fingerprint: str = field(default="", compare=False)
    fingerprint: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if self.relevant_from != 1:
            marked = self.judgments.assign(relevant=self.judgments["relevance"] >= self.relevant_from)
            object.__setattr__(self, "judgments", marked)
        elif "relevant" in self.judgments:
            object.__setattr__(self, "judgments", self.judgments.drop(columns="relevant"))
        corpus = content_hash(self.documents[["doc_id", "title", "text", "metadata"]].to_dict("records"))
        queries = self.queries[["query_id", "text", "split", "filter", "tags"]].to_dict("records")
        labels = [self.judgments.to_dict("records"), self.evidence.to_dict("records")]
        object.__setattr__(self, "corpus_fingerprint", corpus)
        told = filter(None, [self.language, self.left_out])  # a dataset without them keeps the fingerprint that it always had
        object.__setattr__(self, "fingerprint", content_hash([corpus, queries, labels, *told]))

    @property
    def indexed_documents(self) -> pd.DataFrame:
        """The documents that have a title or a text; the others cannot be found and are not indexed."""
        has_content = (self.documents["title"].str.strip() != "") | (self.documents["text"].str.strip() != "")
        return self.documents[has_content].reset_index(drop=True)

    @property
    def has_filters(self) -> bool:
        """Whether a query has a filter of its own."""
        return any(bool(value) for value in self.queries["filter"])

    @property
    def left_out(self) -> dict[str, tuple[str, ...]]:
        """query id -> documents that are the query itself, so that no system may find them; queries without any are not in it.
        See core.data.own_documents."""
        if LEAVE_OUT not in self.queries:
            return {}
        return {query: ids for query, ids in zip(self.queries["query_id"], self.queries[LEAVE_OUT], strict=True) if ids}

    @property
    def asks_by_document(self) -> bool:
        """Whether queries are documents of the corpus as a rule, so that the next one may be one too: at least half of those
        that have a relevant document are."""
        return 0 < select_relevant(self.judgments)["query_id"].nunique() <= 2 * len(self.left_out)

    @property
    def has_labels(self) -> bool:
        """Whether anything is judged."""
        return not self.judgments.empty

    @property
    def default_split(self) -> str:
        """ "test" when the data fixed a split, else "all"."""
        return "test" if self.fixed_split else "all"

    def queries_of(self, split: str) -> pd.DataFrame:
        """The queries of "all", "test" or "tuning"."""
        if split == "all":
            return self.queries
        return self.queries[self.queries["split"] == split].reset_index(drop=True)
