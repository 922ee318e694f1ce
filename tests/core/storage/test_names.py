"""Names that somebody else wrote are looked up, and are never a way out of a folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.errors import InputError
from core.storage.names import find_entry, place_entry

OUTSIDE = ("", ".", "..", "../secret", "/etc/passwd", "inner/file", "in\0ner", "..\\secret", "\ud800", "x" * 5000)


def test_only_what_a_folder_lists_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "file").touch()
    (tmp_path / "secret").touch()
    odd = "=1+1 <b> %2e%2e 👩‍🚒"
    (folder / odd).touch()
    assert find_entry(folder, odd) == folder / odd and find_entry(folder, "inner") == folder / "inner"
    assert [find_entry(folder, name) for name in OUTSIDE] == [None] * len(OUTSIDE)
    assert find_entry(tmp_path / "missing", "inner") is None and find_entry(tmp_path / "secret", "inner") is None


def test_a_place_is_one_entry_of_the_folder(tmp_path: Path) -> None:
    for name in ("notes", "…", "...", "a b", "%2e%2e", "CON", "-rf"):
        assert place_entry(tmp_path, name) == tmp_path / name
    for name in ("", ".", "..", "a/b", "/a", "a\\b", "a\0b"):
        with pytest.raises(InputError, match="cannot be the name of something in the workspace"):
            place_entry(tmp_path, name)


def test_long_names_are_shortened_and_stay_apart(tmp_path: Path) -> None:
    names = ["x" * 200, "x" * 201, "x" * 202, "字" * 80, "字" * 80 + "a", "👩" * 300]
    places = [place_entry(tmp_path, name) for name in names]
    assert len(set(places)) == len(names) and places[0].name == names[0]
    for place in places:
        assert place.parent == tmp_path and len(os.fsencode(place.name)) <= 200
        place.with_name(f"{place.name}.json.part").touch()  # the file system takes it, with endings
    assert places == [place_entry(tmp_path, name) for name in names]
