"""Limits of the endpoint: kept in the workspace, or said in a file of systems."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.endpoints.limits import Limits
from core.errors import InputError
from core.graph.endpoint_limits import choose_limits, keep_limits, read_limits
from core.workspace import Workspace


def test_limits_are_kept(workspace: Path) -> None:
    store = Workspace(workspace)
    assert read_limits(store) == Limits()
    keep_limits(Limits(requests_per_minute=60, at_once=1), store)
    assert read_limits(store) == Limits(requests_per_minute=60, at_once=1)
    (workspace / "endpoint.json").write_text('{"format": 1, "at_once": 0}')
    with pytest.raises(InputError, match=r"endpoint.json: cannot be read \(.*at_once is 0.*\); delete it"):
        read_limits(store)


@pytest.mark.parametrize("content", [None, [], {}, {"systems": []}, {"endpoint": None}])
def test_a_file_that_says_nothing_of_limits(content: Any) -> None:
    assert choose_limits(content, Limits()) is None


def test_a_file_that_does() -> None:
    usual = Limits(at_once=3)
    chosen = choose_limits({"endpoint": {"requests_per_minute": 60, "answer_seconds": 5}}, usual)
    assert chosen == Limits(requests_per_minute=60, at_once=3, answer_seconds=5)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ([], "holds something else than limits; it can have requests_per_minute, tokens_per_minute"),
        ({"speed": 1}, "holds something else than limits"),
        ({1: 1}, "holds something else than limits"),
        ({"at_once": "two"}, "Expected `int`, got `str` - at `$.at_once`"),
        ({"at_once": 1.5}, "Expected `int`, got `float`"),
        ({"at_once": True}, "Expected `int`, got `bool`"),
        ({"requests_per_minute": 0}, "requests_per_minute is 0; it must be at least 1"),
    ],
)
def test_a_file_that_does_it_wrongly(section: Any, said: str) -> None:
    with pytest.raises(InputError) as error:
        choose_limits({"endpoint": section}, Limits(), file="mine.yaml")
    assert str(error.value).startswith("mine.yaml: `endpoint`") and said in str(error.value)
