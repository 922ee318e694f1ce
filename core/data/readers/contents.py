"""What a folder holds, as its readers hand it over: documents, queries and judgments, not yet checked against each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from core.data.readers.corpus import Corpus, Queries
from core.data.readers.qrels import Judgments


@dataclass
class Contents:
    """queries_file: where the queries stand, for messages. notes: what was left out or taken for granted, as sentences."""

    corpus: Corpus = field(default_factory=Corpus)
    queries: Queries = field(default_factory=Queries)
    judgments: Judgments = field(default_factory=Judgments)
    queries_file: Path = field(default_factory=Path)
    notes: list[str] = field(default_factory=list)
