"""YAML from anywhere: what it may hold, and that nothing in it can stall or crash the reading."""

from __future__ import annotations

import datetime
import time

import pytest

from core.text.yaml_text import YamlProblem, read_yaml

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
PROBLEMS = [
    ("a: 1\nb: !!bool foo", "'foo' is no bool", 2),
    ("d: 2024-13-45", "'2024-13-45' is no timestamp", 1),
    ("d: !!timestamp soon", "'soon' is no timestamp", 1),
    ("n: !!int ''", "'' is no int", 1),
    (
        "x: !!python/object:os.system y",
        "could not determine a constructor for the tag 'tag:yaml.org,2002:python/",
        1,
    ),
    ("n: 9223372036854775808", "a whole number is beyond 64 bits", 1),
    (f"n: {'9' * 5000}", "is no int", 1),
    (f"n: 9{':59' * 5000}", "a whole number is beyond 64 bits", 1),
    ("a: 1\n'a': 2", "the name 'a' occurs twice", 2),
    ("&a [*a]", "an alias stands within what it stands for", 1),
    (BOMB, "more than 100,000 values or 100 levels", 6),
    ("[" * 100_000, "more than 100 levels within each other", 1),
    ("- " * 20_000, "more than 100 levels within each other", 1),
    ("? " * 20_000, "more than 100 levels within each other", 1),
    ("a: *b", "found undefined alias", 1),
    ("a\0b", "control characters are not allowed", None),
    ("--- 1\n--- 2", "but found another document", 2),
    ("[", "did not find expected node content", 1),
]


@pytest.mark.parametrize(("text", "reason", "line"), PROBLEMS, ids=range(len(PROBLEMS)))
def test_problems_have_a_reason_and_a_line(text: str, reason: str, line: int | None) -> None:
    started = time.process_time()
    with pytest.raises(YamlProblem) as caught:
        read_yaml(text)
    assert reason in caught.value.reason
    assert len(caught.value.reason) < 200
    assert caught.value.line == line
    assert time.process_time() - started < 1


def test_values() -> None:
    text = "a: &x {b: 1.5}\nc: {<<: *x, d: 2024-09-18}\ne: !!set {f}\ng: [~, true, .inf]"
    assert read_yaml(text) == {
        "a": {"b": 1.5},
        "c": {"b": 1.5, "d": datetime.date(2024, 9, 18)},
        "e": {"f"},
        "g": [None, True, float("inf")],
    }
    assert read_yaml("# nothing") is None


@pytest.mark.parametrize(
    ("text", "reason"), [("a: .nan", ".nan is no finite number"), ("a: &a 1\nb: *a", "it uses YAML aliases")]
)
def test_plain_values_are_finite_and_written_out(text: str, reason: str) -> None:
    with pytest.raises(YamlProblem, match=reason.replace(".", "[.]")):
        read_yaml(text, plain=True)
