"""Paths and addresses that a page takes: all of them at one's own machine, those below named folders where others come too."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.data.readers.chroma_place import ChromaPlace
from core.errors import InputError, ModelUnavailable
from core.settings import confine_paths, find_model_folder
from pages.parts.data.typed_place import may_type, read_collection_place, read_path
from tests.support.pages import check, open_page, read
from tests.support.small import write_small_dataset


def press(app: AppTest, label: str) -> None:
    next(button for button in app.button if button.label == label).click()
    check(app.run())


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An app that others can reach; the folder that they may name. Beside it lies one that they may not."""
    monkeypatch.setenv("LADDER_CONFINED", "")  # undone at the end, whatever happens in between
    confine_paths()
    root = tmp_path / "root"
    write_small_dataset(root / "inside")
    write_small_dataset(tmp_path / "outside")
    monkeypatch.setenv("LADDER_ROOTS", os.pathsep.join(["", str(root), str(tmp_path / "none")]))
    return root


def test_a_path_has_to_lie_below_a_named_folder(shared: Path, tmp_path: Path) -> None:
    assert read_path(f" {shared}/inside ") == shared / "inside"
    (shared / "out").symlink_to(tmp_path / "outside")
    (shared / "in").symlink_to(shared / "inside")
    with pytest.raises(InputError, match="is a link out of it; Below "):
        read_path(str(shared))
    assert read_path(f"{shared}/in") == shared / "inside"
    for typed in (
        "", ".", "/", "/etc/passwd", "~", "..", f"{shared}/..", f"{shared}/../outside", f"{shared}/inside/../../outside",
        f"{shared}/out", f"{shared}/out#part", f"{shared}/out/corpus.jsonl", f"{shared}x", f"{shared}/../root-2", "relative",
    ):  # fmt: skip
        with pytest.raises(InputError, match="may not be opened; Below "):
            read_path(typed)
    for typed in (f"{shared}/a\0b", f"{shared}/{'a' * 300}", f"{shared}/" + "a/" * 3000, "~nobody-of-this-name/a"):
        with pytest.raises(InputError):
            read_path(typed)
    (shared / "inside" / "more.jsonl").symlink_to(tmp_path / "outside" / "corpus.jsonl")
    with pytest.raises(InputError, match=r"more\.jsonl: is a link out of it"):
        read_path(f"{shared}/inside")


def test_nobody_has_this_machine_ask_another(shared: Path) -> None:
    for typed in ("chroma://10.0.0.1:8000", "chromas://metadata.internal/a", "chroma://localhost"):
        with pytest.raises(InputError, match="addresses are not taken here"):
            read_collection_place(typed, "a")
    with pytest.raises(InputError):  # as a path it is none, and its address is not looked up
        read_path("chroma://10.0.0.1:8000")


def test_at_ones_own_machine_everything_can_be_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LADDER_CONFINED", raising=False)
    assert read_path(str(tmp_path)) == tmp_path.resolve() and may_type()
    assert isinstance(read_collection_place("chroma://localhost:8000", "a"), ChromaPlace)
    assert find_model_folder(str(tmp_path)) == tmp_path


def test_a_model_is_not_opened_from_everywhere_either(shared: Path, workspace: Path, tmp_path: Path) -> None:
    (workspace / "imports" / "upload-1").mkdir(parents=True)
    (workspace / "models" / "a" / "weights").mkdir(parents=True)
    for name in (
        str(tmp_path),
        str(workspace / "imports" / "upload-1"),
        "/etc",
        "~/x",
        "./core",
        "../a",
        "a/b/c",
        "/not/there",
    ):
        with pytest.raises(ModelUnavailable, match="LADDER_ROOTS"):
            find_model_folder(name)
    for name in ("core", "core/data", "all-MiniLM-L6-v2", "org/model", "", "a" * 300, "a\0b"):
        assert find_model_folder(name) is None
    assert find_model_folder(str(shared)) == shared
    assert find_model_folder(str(workspace / "models" / "a" / "weights")) == workspace / "models" / "a" / "weights"


def test_the_page_says_what_can_be_typed(
    shared: Path, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_page("data", data_view="Load data")
    assert "Larger data: choose “A path on this machine”" in read(app.caption)
    app.segmented_control(key="data_way").set_value("A path on this machine")
    check(app.run())
    assert f"Below {shared}" in read(app.caption)
    app.text_input(key="data_path").set_value(str(tmp_path / "outside"))
    press(app, "Look")
    assert "outside: may not be opened; Below " in read(app.error)
    app.text_input(key="data_path").set_value(str(shared / "inside"))
    check(app.run())
    press(app, "Look")
    assert not app.error and str(shared / "inside") in read(app.markdown)
    monkeypatch.setenv("LADDER_ROOTS", "")
    app = open_page("data", data_view="Load data")
    assert "Whoever runs the app can load larger data." in read(app.caption)
    for way, key in (("A path on this machine", "data_path"), ("A Chroma collection", "data_chroma_place")):
        app.segmented_control(key="data_way").set_value(way)
        check(app.run())
        assert app.text_input(key=key).disabled and "Off, since others can reach this app" in read(app.caption)
        assert "Look" not in [button.label for button in app.button]
