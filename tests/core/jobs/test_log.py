"""The log of a workspace: tracebacks of what failed unseen, in files that do not grow for ever."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import ModelUnavailable
from core.jobs import log
from core.jobs.log import keep_log, show_log
from core.workspace import Workspace

LOGGER = logging.getLogger(log.__name__)


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    logger = logging.getLogger("core")
    handlers, level = list(logger.handlers), logger.level
    yield
    for handler in [handler for handler in logger.handlers if handler not in handlers]:
        logger.removeHandler(handler)
        handler.close()
    logger.setLevel(level)


def fail(name: str) -> None:
    try:
        raise ModelUnavailable("no such model")
    except ModelUnavailable:
        LOGGER.warning("The job %s failed", name, exc_info=True)


def test_a_traceback_is_kept_in_the_workspace(workspace: Path) -> None:
    keep_log(Workspace(workspace), "app")
    keep_log(Workspace(workspace), "app")  # the second time changes nothing: one line each
    fail("one")
    text = (workspace / "log" / "app.log").read_text(encoding="utf-8")
    assert text.count("The job one failed") == 1
    assert "Traceback (most recent call last)" in text
    assert "core.errors.ModelUnavailable: no such model" in text


def test_details_are_not_kept(workspace: Path) -> None:
    keep_log(Workspace(workspace), "app")
    LOGGER.debug("a text of the user")
    LOGGER.info("begun")
    assert "a text of the user" not in (workspace / "log" / "app.log").read_text(encoding="utf-8")


def test_full_files_are_turned_over_and_the_oldest_goes(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_BYTES", 400)
    keep_log(Workspace(workspace), "app")
    for number in range(12):
        fail(f"number {number}")
    files = sorted(path.name for path in (workspace / "log").iterdir())
    assert files == ["app.log", "app.log.1", "app.log.2", "app.log.3"]
    assert "number 11" in (workspace / "log" / "app.log").read_text(encoding="utf-8")


def test_another_workspace_gets_its_own(tmp_path: Path) -> None:
    for name in ("a", "b"):
        keep_log(Workspace(tmp_path / name), "app")
        fail(name)
    for name, other in (("a", "b"), ("b", "a")):
        text = (tmp_path / name / "log" / "app.log").read_text(encoding="utf-8")
        assert f"The job {name} failed" in text
        assert f"The job {other} failed" not in text


def test_verbose_prints_details(capsys: pytest.CaptureFixture[str]) -> None:
    show_log()
    LOGGER.debug("in detail")
    assert "in detail" in capsys.readouterr().err
