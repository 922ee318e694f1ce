"""The perfect filter: which documents pass, which fields are worth it, and what chance alone gains."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.diagnosis.perfect_filter import bound_filter, choose_filter_field, list_filter_fields, make_filter
from core.evaluation.per_query import measure_one
from tests.support.letters import LETTERS, VERSIONS, make_dataset, order_of, run_in_order


def test_documents_that_share_a_value_with_an_answer_pass() -> None:
    dataset = make_dataset({"q": {"d": 1, "z": 1}, "p": {"a": 1, "e": 2, "c": 0}, "r": {}}, metadata=VERSIONS)
    filtered = make_filter(run_in_order(dict.fromkeys("qpr", "abcdef")), dataset, "version")(None)
    assert [order_of(filtered, query) for query in "qpr"] == ["ad", "abde", "abcdef"]  # without an answer all pass
    listed = {**VERSIONS, "d": {"version": ["1", "2"]}, "a": {}}
    filtered = make_filter(run_in_order({"q": "abcdef"}), make_dataset({"q": {"d": 1}}, metadata=listed), "version")(None)
    assert order_of(filtered) == "bde"  # one shared item is enough; without the field nothing is shared


def test_fields_that_are_worth_filtering_by() -> None:
    dataset = make_dataset({"q": {"a": 1}}, metadata=VERSIONS)
    assert list_filter_fields(dataset) == ["version"]  # ids name documents, `rare` covers 5 of 12, `same` tells nothing apart
    assert list_filter_fields(make_dataset({"q": {"a": 1}})) == []


def test_shuffled_values_are_the_chance_level() -> None:
    """The answer is the second of twelve hits; four documents have each version."""
    dataset = make_dataset({"q": {"b": 1}}, metadata=VERSIONS)
    run = run_in_order({"q": LETTERS})
    shuffle = make_filter(run, dataset, "version")
    orders = [order_of(shuffle(seed)) for seed in range(300)]
    assert orders[3] == order_of(make_filter(run, dataset, "version")(3))
    assert all("b" in order and len(order) == 4 for order in orders)  # the answer and the 3 others of whatever value it got
    # a got one of the 11 other values, 3 of which equal b's
    assert np.mean(["a" in order for order in orders]) == pytest.approx(3 / 11, abs=0.08)


def test_chance_counts_only_where_the_value_was_read_off_the_labels() -> None:
    """Two queries, each with its answer at rank 2 behind another version: the filter brings RR from 1/2 to 1 for both."""
    relevant = {"says": {"b": 1}, "silent": {"b": 1}}
    run = run_in_order(dict.fromkeys(relevant, LETTERS))

    def bound(filters: dict[str, dict[str, Any]] | None) -> tuple[float, float]:
        dataset = make_dataset(relevant, metadata=VERSIONS, filters=filters)
        base = measure_one(run, dataset.judgments, dataset.evidence, "RR@10")
        return bound_filter(
            dataset,
            run,
            field="version",
            gain_of=lambda one: measure_one(one, dataset.judgments, dataset.evidence, "RR@10") - base,
            seed=4,
        )

    oracle, chance = bound(None)
    assert oracle == pytest.approx(0.5)
    half = bound({"says": {"version": "2"}})
    assert half == pytest.approx((0.5, chance / 2))
    both = {name: {"version": "2"} for name in relevant}
    assert bound(both) == pytest.approx((0.5, 0.0))
    assert bound({name: {"version": "3"} for name in relevant}) == pytest.approx(
        (0.5, chance)
    )  # said wrongly: no answer has it


def test_the_field_that_gains_most_is_chosen() -> None:
    """Answers stand behind documents of another version, but of the same colour."""
    metadata = {name: {**VERSIONS[name], "colour": "red" if place < 6 else "blue"} for place, name in enumerate(LETTERS)}
    relevant = {f"q{number}": {"c": 1} for number in range(4)}
    dataset = make_dataset(relevant, metadata=metadata, filters={name: {"version": "3", "colour": "red"} for name in relevant})
    run = run_in_order(dict.fromkeys(relevant, LETTERS))
    assert list_filter_fields(dataset) == ["version", "colour"]
    assert choose_filter_field(dataset, run, query_ids=list(relevant), measure="nDCG@10") == "version"
    plain = make_dataset(relevant)
    assert choose_filter_field(plain, run, query_ids=list(relevant), measure="nDCG@10") is None
