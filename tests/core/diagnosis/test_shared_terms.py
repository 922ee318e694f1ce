"""Codes, numbers and rare terms in texts as people type them, and which of them two texts share."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from core.diagnosis.shared_terms import (
    count_documents,
    find_identifiers,
    find_numbers,
    find_rare_terms,
    find_shared_terms,
    holds_term,
)
from tests.support.models import make_documents

CORPUS = make_documents(
    {
        "one": "The battery of the probe. Replace batteries yearly.",
        "two": "KH-4021: the proxy refused the battery of the hub.",
        "three": "A thermistor measures the hub.",
        "four": "Hub and probe, probe and hub.",
    }
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("KH-4021 on an H2, again kh-4021", ["KH-4021", "H2"]),  # each once, as first spelled
        ("set max_retry_count in hub.yaml", ["max_retry_count", "hub.yaml"]),
        ("see /etc/kelvary/hub.yaml.", ["etc/kelvary/hub.yaml"]),
        ("update 3.1 to 3.2.1, then v2/readings", ["3.1", "3.2.1", "v2/readings"]),
        ("KH-4012/KH-4013 or P2/P3", ["KH-4012", "KH-4013", "P2", "P3"]),
        ("on 2024-09-18", ["2024-09-18"]),
        ("120 sensors, 4,000 readings, 2-3 times at 14:30, 24/7", []),
        ("30s or 5GB, the 2nd at 3pm", []),
        ("e.g. a re-encrypted line, i.e. on/off at 5 p.m.", []),
        ("it stops.what now", []),  # a missing space, not a file
        ("it stops.now", ["stops.now"]),  # cannot be told from one
        ("", []),
    ],
)
def test_identifiers(text: str, found: list[str]) -> None:
    assert find_identifiers(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("120 sensors, 4,000 readings, 120 again", ["120", "4,000"]),
        ("2-3 times at 14:30, -80 degrees", ["2-3", "14:30", "80"]),
        ("KH-4021, 3.1, H2, 30s and 2024-09-18", []),
    ],
)
def test_numbers(text: str, found: list[str]) -> None:
    assert find_numbers(text) == found


def test_documents_are_counted_by_stem_and_title() -> None:
    counts = count_documents(CORPUS.assign(title=["", "", "Thermistors", ""]))
    # battery and batteries are one stem, and twice in a document counts once
    assert (counts["batteri"], counts["thermistor"], counts["hub"], counts["probe"]) == (2, 1, 3, 2)
    assert (counts["kh-4021"], counts["4021"], counts["the"]) == (1, 1, 0)
    assert count_documents(CORPUS.iloc[:0]) == {}


def test_a_rare_term_stands_in_two_documents_or_one_percent() -> None:
    text = "Why isn't the hub's battery, KH-4021 or 120, thermistors or flux? Thermistors!"
    counts = {"hub": 3, "batteri": 2, "kh-4021": 1, "120": 1, "thermistor": 1, "isn": 1, "s": 1}
    # hub stands in 3 of 4 documents; flux in none; codes and numbers have finders of their own
    assert find_rare_terms(text, counts, documents=4) == ["battery", "thermistors"]
    assert find_rare_terms(text, counts, documents=299) == ["battery", "thermistors"]  # 1 % of them are 2.99
    assert find_rare_terms(text, counts, documents=300) == ["hub", "battery", "thermistors"]
    assert find_rare_terms("", counts, documents=4) == []


@pytest.mark.parametrize(
    ("text", "term", "holds"),
    [
        ("KH-4021: refused", "kh-4021", True),
        ("KH-4021: refused", "4021", True),  # "kh 4021" finds it
        ("kept in /etc/kelvary/hub.yaml.", "hub.yaml", True),
        ("firmware 3.1.2", "3.1", False),
        ("firmware 3.1.2", "3", False),
        ("firmware 3.1.", "3.1", True),
        ("KH-40211", "4021", False),
        ("4,021 readings", "21", False),
        ("21 readings", "21", True),
        ("a (b)", "(b", True),  # signs are signs, not patterns
    ],
)
def test_a_term_in_a_text(text: str, term: str, holds: bool) -> None:
    assert holds_term(text, term) is holds


def test_shared_terms() -> None:
    def share(query: str, answer: str) -> list[str]:
        counts = count_documents(CORPUS)
        return find_shared_terms(query, answer, frequencies=lambda: counts, documents=len(CORPUS))

    assert share("KH-4021 behind proxy", "KH-4021 means that the proxy refused") == ["KH-4021"]
    assert share("kh 4021", "KH-4021 means") == ["4021"]
    assert share("my thermistors are wet", "A thermistor measures") == ["thermistors"]  # one document has it
    assert share("step 3 of the hub", "3. Hold the hub") == []  # one digit says nothing, and hub is common
    assert share("KH-4021", "KH-4022 means") == []
    assert share("KH-4021", "") == []


def test_frequencies_are_only_asked_for_where_needed() -> None:
    def refuse() -> Mapping[str, int]:
        raise AssertionError("asked for")

    assert find_shared_terms("KH-4021", "KH-4021", frequencies=refuse, documents=4) == ["KH-4021"]
    with pytest.raises(AssertionError, match="asked for"):
        find_shared_terms("thermistor", "A thermistor", frequencies=refuse, documents=4)
