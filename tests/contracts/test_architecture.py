"""docs/architecture.md shows the tree that is there: rooms, files, and what each is for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.app import REPOSITORY
from tests.support.sources import list_sources
from tools import tree

LOOSE_IN_CORE = 8


def test_the_tree_of_the_docs_is_the_tree_of_the_folders() -> None:
    assert tree.read_tree() == tree.draw_tree(), "python tools/tree.py writes it anew"


def test_every_room_and_file_says_what_it_is_for() -> None:
    files = [path for path in list_sources("core", "server", "pages") if path.name != "__init__.py"]
    rooms = [path.parent for path in list_sources("core") if path.name == "__init__.py" and path.parent.name != "core"]
    silent = [path for path in files + rooms if not tree.read_sentence(path)]
    assert silent == []


def test_few_files_lie_loose_in_core() -> None:
    loose = [path.name for path in (REPOSITORY / "core").iterdir() if path.is_file()]
    assert len(loose) <= LOOSE_IN_CORE, sorted(loose)


def test_every_room_has_its_place_in_the_import_rules() -> None:
    rooms = {path.stem for path in (REPOSITORY / "core").iterdir() if path.name not in ("__init__.py", "__pycache__")}
    assert rooms == set(tree.list_layers())


def test_a_new_file_or_a_changed_sentence_makes_the_tree_differ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tree of a made-up project, so that the first test is known to be able to fail."""
    for name, text in {
        "core/__init__.py": "", "core/fuse/__init__.py": '"""We fuse. And more."""', "core/fuse/mean.py": '"""By mean."""',
        "pages/a.py": "", "server/a.py": "", "tests/test_a.py": "", "tools/b.py": "",
        "pyproject.toml": (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"),
    }.items():  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(tree, "ROOT", tmp_path)
    drawn = tree.draw_tree()
    assert "  fuse/                    We fuse\n    mean                   By mean\n" in drawn
    (tmp_path / "core/fuse/rank.py").write_text('"""By rank."""', encoding="utf-8")
    assert tree.draw_tree() == drawn.replace("By mean\n", "By mean\n    rank                   By rank\n")


PLACE = re.compile(r"(?<![\w./-])(?:core|pages|server|tests|tools|docs)(?:/[\w.-]+)+/?|(?<![\w./-])core(?:\.(?!_)\w+)+")
MADE_UP = "NAME"  # pages/NAME.py: any page


def find_wrong_places(text: str) -> list[str]:
    """The files, folders and modules (with or without a name in them) that a text mentions and that are not there."""
    places = {found.rstrip(".") for found in PLACE.findall(text) if MADE_UP not in found}
    return sorted(place for place in places if not (_is_path(place) if "/" in place else _is_in_module(place)))


def _is_path(place: str) -> bool:
    path = REPOSITORY / place
    return path.exists() or path.with_suffix(".py").exists()


def _is_in_module(place: str) -> bool:
    """core.room, core.room.file, or something in such a file: core.room.file.name."""
    path = REPOSITORY / place.replace(".", "/")
    if path.is_dir():
        return True
    return any(one.with_suffix(".py").exists() for one in (path, *path.parents) if one.is_relative_to(REPOSITORY / "core"))


def test_places_that_are_named_are_there() -> None:
    """In pages for readers, and in docstrings, comments and patches by name, which no import checks."""
    texts = [
        REPOSITORY / "README.md",
        *(REPOSITORY / "docs").glob("*.md"),
        *list_sources("core", "pages", "server", "tests", "tools"),
    ]
    wrong = {
        path.relative_to(REPOSITORY).as_posix(): places
        for path in texts
        if path != Path(__file__) and (places := find_wrong_places(path.read_text(encoding="utf-8")))
    }
    assert wrong == {}


def test_a_wrong_place_is_seen() -> None:
    there = "core/stages/fuse.py, core.stages, core.stages.fuse, core.stages.fuse.LEVELS, tests/core/, docs/adding.md."
    gone = "core/nowhere.py, core.gone.file and core.gone."
    assert find_wrong_places(f"see {there} But {gone}") == ["core.gone", "core.gone.file", "core/nowhere.py"]
