"""Which filter a text asks for, and which values it can name."""

from __future__ import annotations

from typing import Any

import pytest

from core.text.named_values import collect_spellings, infer_filter

PRODUCTS = [
    {"product": "Hub", "version": "3.1"},
    {"product": "Hub Pro", "version": "3.1.2"},
    {"product": "Desk", "version": "2025.1"},
    {"product": ["hub", "API"], "version": "all", "year": 2024, "size": 12},
    {"product": "C++", "version": "v2", "year": 2025, "size": 300, "beta": True},
]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("reset the desk", {"product": "Desk"}),
        ("reset the HUB", {"product": ["Hub", "hub"]}),  # two values that are written alike: either will do
        ("hub  pro battery", {"product": "Hub Pro"}),  # the longest; spaces do not count
        ("hub pro or desk?", {"product": ["Hub Pro", "Desk"]}),  # in the order of the text
        ("desk, desk and desk", {"product": "Desk"}),
        ("hubs and desktops", {}),
        ("desk_top", {}),
        ("Desk-2025.1", {"product": "Desk", "version": "2025.1"}),
        ("firmware 3.1", {"version": "3.1"}),
        ("firmware 3.1.", {"version": "3.1"}),
        ("firmware v3.1?", {"version": "3.1"}),
        ("firmware 3.1.2", {"version": "3.1.2"}),
        ("firmware 3.1.3, 13.1 or 3.12", {}),
        ("between 3.1/2025.1", {"version": ["3.1", "2025.1"]}),
        ("/v2/devices", {"version": "v2"}),
        ("all of them", {}),  # "all" is a stop word
        ("since 2024 or later", {"year": 2024}),  # all of the field's numbers are years
        ("12 probes", {}),  # numbers of other kinds stand in queries for many reasons
        ("is it true", {}),
        ("c++ client", {"product": "C++"}),
        ("", {}),
    ],
)
def test_the_filter_that_a_text_asks_for(text: str, wanted: dict[str, Any]) -> None:
    values = collect_spellings(PRODUCTS, ["product", "version", "year", "size", "beta", "unknown"])
    assert infer_filter(text, values) == wanted


@pytest.mark.parametrize(
    ("values", "text", "named"),
    [
        ([3.0, 3.1], "on 3.1", 3.1),  # numbers that look like versions, as they are written
        ([3.0, 3.1], "on 3.10", None),
        ([3.0, 3.1], "on 3", None),
        ([2019, 2020], "in 2019", 2019),
        ([2019, 7], "in 2019", None),
        (["12", "13"], "12 probes", None),  # digits alone are numbers, also as text
        (["2024", "2024.1", "2024.2"], "on 2024", "2024"),
        (["x", "yy"], "x or yy", "yy"),  # one character is too short
        (["yy " * 30, "yy"], "yy " * 40, "yy"),  # a whole paragraph is too long
        (["the who", "who are you"], "the who", None),  # nothing but stop words
    ],
)
def test_which_values_can_be_named(values: list[Any], text: str, named: Any) -> None:
    found = infer_filter(text, collect_spellings([{"f": value} for value in values], ["f"]))
    assert found == ({} if named is None else {"f": named})
