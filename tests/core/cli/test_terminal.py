from __future__ import annotations

import io
import json

import pytest

from core.cli.main import main
from core.cli.terminal import PlainOutput

ACTING = "\x1b[31mred\x1b[0m \x9b2J \r over \x07 \u202eright to left\u2066 \x85 \u2028 \x00 \ud800"


def test_what_would_act_in_a_terminal_is_shown_as_its_code() -> None:
    out = io.StringIO()
    plain = PlainOutput(out)
    print(f"naïve 日本 👍\t{ACTING}", file=plain)  # type: ignore[call-overload]
    shown = r"\u001b[31mred\u001b[0m \u009b2J \u000d over \u0007 \u202eright to left\u2066 \u0085 \u2028 \u0000 \ud800"
    assert out.getvalue() == f"naïve 日本 👍\t{shown}\n"
    plain.write(f"\r\033[K 12% {ACTING[:5]}")
    assert out.getvalue().endswith("\r\033[K 12% \\u001b[31m"), "a line of progress begins anew, what follows does not act"


def test_json_says_the_same() -> None:
    out = io.StringIO()
    PlainOutput(out).write(json.dumps({ACTING: ACTING}, ensure_ascii=False))
    assert json.loads(out.getvalue()) == {ACTING: ACTING}


def test_all_that_a_command_prints_goes_through_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", f"no such {ACTING}"]) == 2
    said = capsys.readouterr()
    assert "\x1b" not in said.out + said.err and "\u202e" not in said.err
    with pytest.raises(SystemExit):
        main([f"no such {ACTING}"])
    assert "\x1b" not in capsys.readouterr().err
