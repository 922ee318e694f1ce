"""Names that would be code if they were not constants."""

from __future__ import annotations

import ast

from core.export.program.write import write_program
from core.systems.named import make_named_systems
from core.systems.system import Lexical, System
from core.systems.yaml_files import read_systems, write_systems
from tests.support.hostile import ALL, TRICKS


def test_a_program_holds_hostile_names_as_constants_alone() -> None:
    """The same code comes out whatever the names are: they change constants and comments, and nothing else."""

    def shape(name: str, dataset: str) -> list[str]:
        system = System(name, name, lexical=Lexical(language="en"))
        tree = ast.parse(write_program(system, dataset_name=dataset))
        return [type(node).__name__ for node in ast.walk(tree)]

    plain = shape("plain", "data")
    for trick in (*TRICKS, ALL, "a\nimport os", "a\rimport os", "a\u2028import os", '"' * 7, "\\" * 3, "a\0"):
        assert shape(trick, trick) == plain, trick


def test_systems_come_back_from_yaml_as_they_were() -> None:
    name = f"mine {TRICKS[0]}"
    own = System(name, ALL, lexical=make_named_systems()["bm25"].lexical)
    assert read_systems(write_systems([own])) == {name: own}
