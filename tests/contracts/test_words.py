"""Whatever can be chosen has its words where the pages show it."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
from typing import Any

import pytest

from core.stages import base
from core.stages.chunk import CHUNKERS
from core.stages.fuse import FUSIONS
from core.stages.rerank import RERANKERS
from core.systems.system import FILLED_IN, REWRITES, Dense, Lexical
from pages.parts.data import chunk_view
from pages.parts.experiment.system_editor import FIELD_WORDS, KIND_WORDS, STAGE_WORDS
from pages.shared.show.stage_words import STEP_WORDS
from tests.support.app import REPOSITORY

TABLES: dict[str, dict[str, Any]] = {"chunk": CHUNKERS, "fuse": FUSIONS, "rerank": RERANKERS, "rewrite": REWRITES}
PARTS = [(place, name) for place, table in TABLES.items() for name in table]
OF_A_QUERY = {"queries", "query_vectors", "query_terms", "run"}  # what a step takes that is done anew for every query
WITHOUT_WORDS = {
    "groups",  # a text area and a file
    "adapter",  # set by training
    "mixed",  # set by training; the editor shows it as "Mixed", which has yet to get its sentence
}


@pytest.mark.parametrize(("place", "name"), PARTS)
def test_every_part_of_a_system_has_its_words_in_the_chain(place: str, name: str) -> None:
    part = TABLES[place][name]
    assert name in STAGE_WORDS, f"{name} stands in a system's chain under the name that YAML has for it"
    fields = {field.name: field.default for field in dataclasses.fields(part)}
    assert STAGE_WORDS[name].format(**fields), "words name a field that the stage does not have"
    if place != "rewrite":  # each of these is a checkbox of its own
        assert name in KIND_WORDS, f"{name} is offered under the name that YAML has for it"


@pytest.mark.parametrize("part", [*(TABLES[place][name] for place, name in PARTS), Dense, Lexical])
def test_every_field_that_can_be_changed_has_a_label(part: Any) -> None:
    fields = {field.name for field in dataclasses.fields(part)} - {*FILLED_IN, *WITHOUT_WORDS}
    assert fields <= set(FIELD_WORDS), f"{part.__name__}: the editor shows these without a word of what they do"


@pytest.mark.parametrize("name", CHUNKERS)
def test_every_chunker_can_be_looked_at_on_the_page_data(name: str) -> None:
    assert name in chunk_view.WORDS
    numbers = {field.name for field in dataclasses.fields(CHUNKERS[name]) if isinstance(field.default, int)}
    assert numbers <= set(chunk_view.FIELDS), "the page cannot change these"


def test_no_words_are_left_of_what_is_gone() -> None:
    names = {name for _, name in PARTS}
    assert set(STAGE_WORDS) == names and set(KIND_WORDS) <= names and set(chunk_view.WORDS) == set(CHUNKERS)
    assert set(STEP_WORDS) == {kind.__name__ for kind in find_steps()}


def find_steps() -> list[type]:
    """The stages that a query passes: they take it, or what was made of it."""
    files = (file.stem for file in (REPOSITORY / "core" / "stages").glob("*.py"))
    modules = [importlib.import_module(f"core.stages.{name}") for name in files if not name.startswith("_")]
    made = {
        value for module in modules for value in vars(module).values() if inspect.isclass(value) and value is not base.Stage
    }
    return [kind for kind in made if {taken.rstrip("?*") for taken in getattr(kind, "takes", ())} & OF_A_QUERY]


@pytest.mark.parametrize("name", sorted(kind.__name__ for kind in find_steps()))
def test_every_step_that_answers_a_query_has_its_words(name: str) -> None:
    assert name in STEP_WORDS, f"the pages show {name} by its class name, behind all others"
