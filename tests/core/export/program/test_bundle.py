"""One file from modules that use one another, on a made-up package."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.export.program import bundle as bundling
from core.export.program.bundle import Bundle

FILES = {
    "first": '''
        """The first. It does the work."""

        from __future__ import annotations

        import json
        import sys

        from {package}.maths import LIMIT, double
        from {package}.texts import shout

        SIZE = 3  # how many
        NAME = "example"

        LOUD = True


        def main() -> None:
            """What is done."""
            print(double(SIZE))
            if LOUD:
                print(shout("x"))
            else:
                print(json.dumps(SIZE), LIMIT)


        def unused() -> None:
            sys.exit()


        if __name__ == "__main__":
            main()
        ''',
    "maths": '''
        """Maths: what is computed
        here."""

        import functools

        import numpy as np

        _FACTOR = 2
        # The most there may be.
        LIMIT = 10


        # Kept, since it is asked for twice.
        @functools.cache
        def double(value: int) -> int:
            return int(np.multiply(_FACTOR, value))
        ''',
    "texts": '''
        """Texts."""

        from {package}.maths import LIMIT


        def shout(text: str) -> str:
            import chromadb

            return text.upper()[:LIMIT] + str(chromadb)
        ''',
}


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Bundle]:
    """Bundles the made-up package, with some files in place of its own."""
    package = f"made_up_{tmp_path.name}"
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(bundling, "_OURS", f"{package}.")

    def bundle(constants: dict[str, Any], *, notes: dict[str, str] | None = None, **changed: str) -> Bundle:
        for name, text in {**FILES, **changed}.items():
            source = textwrap.dedent(text).lstrip().replace("{package}", package)
            (tmp_path / package / f"{name}.py").write_text(source, encoding="utf-8")
        return bundling.bundle(f"{package}.first", constants, keep=["NAME"], notes=notes or {})

    return bundle


def test_settings_come_first_and_what_is_done_last(write: Callable[..., Bundle]) -> None:
    made = write({"SIZE": 4, "NAME": "mine", "LOUD": False}, notes={"NAME": "given"})
    assert made.text == textwrap.dedent(
        '''\
        from __future__ import annotations

        import functools
        import json

        import numpy as np

        SIZE = 4  # how many
        NAME = "mine"  # given


        # The first


        def main() -> None:
            """What is done."""
            print(double(SIZE))
            print(json.dumps(SIZE), LIMIT)


        # Maths: what is computed here


        _FACTOR = 2
        # The most there may be.
        LIMIT = 10


        # Kept, since it is asked for twice.
        @functools.cache
        def double(value: int) -> int:
            return int(np.multiply(_FACTOR, value))


        if __name__ == "__main__":
            main()
        '''
    )
    assert made.libraries == {"numpy"}


def test_a_library_that_a_function_imports_counts(write: Callable[..., Bundle]) -> None:
    made = write({"SIZE": 4, "NAME": "mine", "LOUD": True})
    assert made.libraries == {"numpy", "chromadb"}
    assert {node.name for node in ast.parse(made.text).body if isinstance(node, ast.FunctionDef)} == {"main", "double", "shout"}


def test_a_constant_of_another_module_can_be_given_too(write: Callable[..., Bundle]) -> None:
    made = write({"SIZE": 4, "NAME": "mine", "LOUD": True, "LIMIT": 7})
    assert "# The most there may be.\nLIMIT = 7\n" in made.text


def test_examples_do_not_get_into_a_program(write: Callable[..., Bundle]) -> None:
    with pytest.raises(ValueError, match="no value is given for \\['SIZE'\\]"):
        write({"NAME": "mine", "LOUD": True})
    with pytest.raises(ValueError, match="nothing defines \\['WIDTH'\\]"):
        write({"SIZE": 4, "NAME": "mine", "LOUD": True, "WIDTH": 7})


def test_one_name_for_two_things_is_refused(write: Callable[..., Bundle]) -> None:
    texts = (
        FILES["texts"].replace("def shout", "_FACTOR = 'x'\n\n\n        def shout").replace(".upper()", ".upper() + _FACTOR")
    )
    with pytest.raises(ValueError, match=r"_FACTOR comes from .*give one of them another name"):
        write({"SIZE": 4, "NAME": "mine", "LOUD": True}, texts=texts)


def test_a_name_that_only_passes_through_is_refused(write: Callable[..., Bundle]) -> None:
    first = FILES["first"].replace("from {package}.maths import LIMIT, double", "from {package}.texts import LIMIT")
    first = first.replace("double(SIZE)", "LIMIT")
    with pytest.raises(ValueError, match="has to import LIMIT"):
        write({"SIZE": 4, "NAME": "mine", "LOUD": True}, first=first)
