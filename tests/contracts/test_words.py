"""Whatever can be chosen or is shown has its words."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from core.stages.registry import STAGES, list_choices, list_steps
from core.systems.system import FILLED_IN, Dense, Lexical
from pages.shared.show.stage_words import describe_part, name_step

PARTS = [part for role in ("chunk", "rewrite", "fuse", "rerank") for part in list_choices(role).values()]
OF_A_QUERY = {"queries", "query_vectors", "query_terms", "run"}  # what a step takes that is done anew for every query
WITHOUT_WORDS = {
    "groups",  # a text area and a file
    "adapter",  # set by training
}


@pytest.mark.parametrize("part", PARTS)
def test_every_part_of_a_system_has_its_words(part: Any) -> None:
    assert part.label and describe_part(part()), "words name a field that the stage does not have"


@pytest.mark.parametrize("part", [*PARTS, Dense, Lexical])
def test_every_field_that_can_be_changed_has_a_label(part: Any) -> None:
    fields = [field for field in dataclasses.fields(part) if field.name not in {*FILLED_IN, *WITHOUT_WORDS}]
    silent = [field.name for field in fields if not field.metadata.get("label") or not field.metadata.get("help")]
    assert not silent, f"{part.__name__}: the editor shows these without a word of what they do"


@pytest.mark.parametrize("chunker", list_choices("chunk").values())
def test_the_page_data_tells_chunkers_apart_by_their_words(chunker: Any) -> None:
    assert chunker.about
    before = chunker()
    for field in dataclasses.fields(chunker):
        if isinstance(field.default, int):
            other = dataclasses.replace(before, **{field.name: field.default + 2})
            assert describe_part(other) != describe_part(before), f"{field.name} is not in the words"


def test_every_step_that_answers_a_query_has_its_words() -> None:
    asked = {name for name, stage in STAGES.items() if {taken.rstrip("?*") for taken in stage.takes} & OF_A_QUERY}
    assert asked == {name for name, stage in STAGES.items() if stage.step}
    assert {name_step(name) for name in asked} == set(list_steps())
    assert name_step("RetrieveSparse") == "retrieve sparse"  # one that an old result holds
