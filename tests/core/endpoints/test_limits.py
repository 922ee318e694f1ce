"""Limits are checked, and a pace keeps to them for all threads of a process."""

from __future__ import annotations

import pytest

from core.endpoints.limits import Limits, Pace, Sent
from core.errors import InputError


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("requests_per_minute", 0),
        ("tokens_per_minute", -1),
        ("at_once", 0),
        ("at_once", 65),
        ("texts_per_request", 0),
        ("answer_seconds", 0),
        ("tries", 21),
    ],
)
def test_limits_out_of_range(field: str, value: int) -> None:
    with pytest.raises(InputError, match=f"{field} is {value}; it must be"):
        Limits(**{field: value})


def test_so_many_at_once_and_no_more() -> None:
    pace, limits = Pace(), Limits(at_once=2)
    first, second = pace.start(1, limits, 0.0), pace.start(1, limits, 0.0)
    assert isinstance(first, Sent) and isinstance(second, Sent)
    assert pace.start(1, limits, 0.0) == (0.05, "")
    pace.end(first)
    assert isinstance(pace.start(1, limits, 0.0), Sent)


def test_a_text_beyond_the_tokens_of_a_minute_goes_alone() -> None:
    pace, limits = Pace(), Limits(tokens_per_minute=10)
    assert isinstance(pace.start(500, limits, 0.0), Sent)
    assert pace.start(1, limits, 20.0) == (40.0, "to keep to 10 tokens a minute")
    assert isinstance(pace.start(1, limits, 60.0), Sent)


def test_a_closed_service_is_left_alone_by_all() -> None:
    pace = Pace()
    pace.close(9.0, "it asks for fewer")
    pace.close(5.0, "earlier")
    assert pace.start(1, Limits(), 4.0) == (5.0, "it asks for fewer")
    assert isinstance(pace.start(1, Limits(), 9.0), Sent)
