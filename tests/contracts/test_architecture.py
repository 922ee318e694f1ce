"""docs/architecture.md shows the tree that is there: rooms, files, and what each is for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.app import REPOSITORY
from tools import tree

LOOSE_IN_CORE = 8


def test_the_tree_of_the_docs_is_the_tree_of_the_folders() -> None:
    assert tree.read_tree() == tree.draw_tree(), "python tools/tree.py writes it anew"


def test_every_room_and_file_says_what_it_is_for() -> None:
    silent = [line.strip() for line in tree.draw_tree().splitlines() if len(line.split()) == 1 and "·" not in line]
    assert [name for name in silent if not name.endswith((".csv", ".css", ".js", ".txt", ".jinja", ".html"))] == []


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
        "pages/a.py": "", "tests/test_a.py": "", "tools/b.py": "",
        "pyproject.toml": (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"),
    }.items():  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(tree, "ROOT", tmp_path)
    drawn = tree.draw_tree()
    assert "  fuse/                    We fuse\n    mean                   By mean\n" in drawn
    (tmp_path / "core/fuse/rank.py").write_text('"""By rank."""', encoding="utf-8")
    assert tree.draw_tree() == drawn.replace("By mean\n", "By mean\n    rank                   By rank\n")
