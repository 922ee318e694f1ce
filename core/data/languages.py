"""The languages of a corpus: which ones its documents are written in, found offline from a sample of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from core.data.dataset import Dataset
from core.schema import content_hash
from core.text.languages import NAMES, READ_CHARACTERS, measure_languages, name_language, parse_languages
from core.text.phrases import join_words
from core.text.words import Analyzer
from core.workspace import Workspace

LEAST_SHARE = 0.02  # of the documents: a language with less is noise, or too rare to change every query for
SAMPLE = 300  # documents that are read, evenly spaced: a share of 2 % is then six of them
_ROUNDS = 50


_FORMAT = 1  # raised with what is found for the same corpus
_found: dict[str, dict[str, float]] = {}  # by the corpus' fingerprint: a few numbers for each that was opened


def detect_languages(dataset: Dataset) -> dict[str, float]:
    """Code of each language that holds at least 2 % of the documents -> its share of them, the largest first.

    {"en": 1.0} where no document tells, as for a corpus of part numbers. Languages that somebody said (Dataset.language) are
    taken, in that order, with equal shares. What is found is found once for a corpus.
    """
    if dataset.language:
        said = parse_languages(dataset.language)
        return dict.fromkeys(said, 1 / len(said))
    fingerprint = dataset.corpus_fingerprint
    if fingerprint not in _found:
        _found[fingerprint] = _detect(dataset.indexed_documents)
    return dict(_found[fingerprint])


def keep_languages(dataset: Dataset, workspace: Workspace) -> None:
    """Has what detect_languages() finds in the workspace, so that the next process need not look again (about a second)."""
    fingerprint = dataset.corpus_fingerprint
    if dataset.language or fingerprint in _found:
        return
    key = content_hash(["languages", _FORMAT, fingerprint])
    kept = workspace.read_facts(key)
    if kept is None:
        workspace.write_facts(key, {"shares": list(detect_languages(dataset).items())})
    else:
        _found[fingerprint] = {str(code): float(share) for code, share in kept["shares"]}


def make_analyzer(dataset: Dataset) -> Analyzer:
    """How the words of a corpus are formed for a system that leaves its language to be found."""
    return Analyzer(tuple(detect_languages(dataset)))


def _detect(documents: pd.DataFrame) -> dict[str, float]:
    places = np.unique(np.linspace(0, len(documents) - 1, min(SAMPLE, len(documents))).round().astype(int))
    sample = documents.iloc[places] if len(documents) else documents
    texts = [f"{title}\n{text[: 4 * READ_CHARACTERS]}" for title, text in zip(sample["title"], sample["text"], strict=True)]
    shares = estimate_shares(texts)
    kept = {code: share for code, share in shares.items() if share >= LEAST_SHARE} or {"en": 1.0}
    total = sum(kept.values())
    return {code: share / total for code, share in kept.items()}


def estimate_shares(texts: Sequence[str]) -> dict[str, float]:
    """Code of each language -> the share of the texts that is written in it, the largest first; {} if no text tells.

    A mixture is fitted to how likely each text is in each language, by expectation-maximisation (Dempster et al. 1977): short
    texts, which fit several, are taken for what the others are.
    """
    languages = sorted(NAMES)
    likely = measure_languages(texts, languages)
    likely = likely[likely.max(axis=1, initial=0) > likely.min(axis=1, initial=1)]  # the others tell nothing
    if not len(likely):
        return {}
    shares = np.full(len(languages), 1 / len(languages))
    for _ in range(_ROUNDS):
        fitted = likely * shares
        shares = (fitted / fitted.sum(axis=1, keepdims=True)).mean(axis=0)
    found = sorted(zip(shares.tolist(), languages, strict=True), key=lambda item: (-item[0], item[1]))
    return {code: share for share, code in found if share > 0}


def describe_languages(dataset: Dataset) -> str:
    """ "German (90 %) and English (10 %)", or "German and English, as was said"."""
    shares = detect_languages(dataset)
    return f"{join_words([name_language(code) for code in shares])}, as was said" if dataset.language else say_languages(shares)


def say_languages(shares: Mapping[str, float]) -> str:
    """ "German", or "German (90 %) and English (10 %)". shares: of detect_languages()."""
    if len(shares) == 1:
        return name_language(next(iter(shares)))
    return join_words([f"{name_language(code)} ({100 * share:.0f} %)" for code, share in shares.items()])
