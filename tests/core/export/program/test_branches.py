"""Which branches leave, and what stays of the rest."""

from __future__ import annotations

import textwrap

import pytest

from core.export.program.branches import decide_branches

SOURCE = textwrap.dedent(
    '''\
    def work(text: str, extra: str = "") -> str:
        """What is done."""
        if KIND == "first":
            # why
            text = one(text)  # so
            if EXTRA is not None:

                text = (
                    text + extra
                )
        elif KIND == "second" and not EXTRA:
            text = two(text)
        elif KIND:
            text = three(text)
        else:
            text = four(text)
        if text:
            if EXTRA:
                return more(text)
        elif found(KIND):
            return "found"
        return text
    '''
)
AFTER = """\
    if text:
        {}
    elif found(KIND):
        return "found"
    return text
"""


def write(body: str, *, parameters: str = "text: str") -> str:
    return f'def work({parameters}) -> str:\n    """What is done."""\n{body}'


@pytest.mark.parametrize(
    ("constants", "body", "rest"),
    [
        (
            {"KIND": "first", "EXTRA": "x"},
            "    # why\n    text = one(text)  # so\n\n    text = (\n        text + extra\n    )\n",
            "return more(text)",
        ),
        ({"KIND": "third", "EXTRA": "x"}, "    text = three(text)\n", "return more(text)"),
        ({"KIND": "", "EXTRA": "x"}, "    text = four(text)\n", "return more(text)"),
    ],
)
def test_branches_on_constants_are_decided(constants: dict[str, object], body: str, rest: str) -> None:
    parameters = 'text: str, extra: str = ""' if "extra" in body else "text: str"
    assert decide_branches(SOURCE, constants) == write(body + AFTER.format(rest), parameters=parameters)


def test_a_source_without_them_stays_as_it_is() -> None:
    source = 'def work(text: str, unread: str = "") -> None:\n    if text:\n        print(KIND)\n'
    assert decide_branches(source, {"KIND": "x"}) == source


def test_an_if_without_else_leaves_nothing() -> None:
    assert decide_branches("if A:\n    b = 1\nc = 2\n", {"A": False}) == "c = 2\n"


def test_what_can_be_decided_in_part_is_refused() -> None:
    with pytest.raises(ValueError, match="elif A:"):
        decide_branches("if b:\n    c = 1\nelif A:\n    c = 2\n", {"A": True})
    with pytest.raises(ValueError, match="elif b:"):
        decide_branches("if A:\n    c = 1\nelif b:\n    c = 2\n", {"A": False})
