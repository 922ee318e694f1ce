"""Shared by all tests: no way out of this machine, a workspace of one's own, a browser, and the running app.

`tests/support/app.py` has `run_app(workspace)` for tests that need several or fresh servers.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.app import QUIET, AppServer, run_app
from tests.support.browser import open_fresh_page
from tests.support.guard import network_guard
from tests.support.once import share_folder
from tools.browser import ARGUMENTS, find_browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# Before any test module, and with it the libraries that read these, is imported.
os.environ.update(QUIET)
os.environ.setdefault("OMP_NUM_THREADS", "1")  # tests run beside each other: more threads than cores make all of them slow
network_guard.install()

LOG_LINES_SHOWN = 80
TESTS = Path(__file__).parent
MARKED = {"browser": "browser", "science": "slow", "pages": "slow"}  # folder -> mark of its tests
LONGEST = {TESTS / "browser" / "test_walk.py", TESTS / "browser" / "test_hostile.py"}
# Whatever trains a model, embeds with the real one, assesses data that nobody else does, builds many indexes, or starts one
# process after another.
LONG = {
    TESTS / "core" / name
    for name in (
        "cli/test_compare.py",
        "cli/test_cost.py",
        "cli/test_labels.py",
        "cli/test_recommend.py",
        "cli/test_train.py",
        "cli/test_versions.py",
        "costs/test_system_facts.py",
        "data/readers/test_any_input.py",
        "data/readers/test_chroma_collection.py",
        "doctor/test_damaged_workspace.py",
        "doctor/test_unused.py",
        "experiment/test_compare.py",
        "experiment/test_measured_sides.py",
        "experiment/test_take_collection.py",
        "export/program/test_hostile_names.py",
        "export/program/test_write.py",
        "jobs/kinds/test_compare.py",
        "jobs/kinds/test_score.py",
        "jobs/kinds/test_train.py",
        "jobs/kinds/test_versions.py",
        "jobs/test_child.py",
        "jobs/test_runner.py",
        "ladder/test_trained_rungs.py",
        "live/test_search.py",
        "recommendation/test_own_systems.py",
        "recommendation/test_private_words.py",
        "report/outline/test_outline.py",
        "report/render/test_html.py",
        "scaling/test_measure.py",
        "stages/test_chunk.py",
        "stages/test_embed.py",
        "trained_model/test_held_out.py",
        "trained_model/test_learning_curve.py",
        "training/test_embedding.py",
        "training/test_reranker.py",
        "training/test_train.py",
        "versions/test_promote.py",
        "versions/test_refresh.py",
        "versions/test_version.py",
    )
} | {
    TESTS / "contracts" / "test_imports.py",
    TESTS / "contracts" / "test_isolation.py",
    TESTS / "contracts" / "test_rungs.py",
    TESTS / "contracts" / "test_start.py",
    TESTS / "tools" / "test_fuzz.py",
    TESTS / "tools" / "test_kills.py",
    TESTS / "tools" / "test_setup.py",
}
# Names other than this machine's do not even resolve in the browser.
CLOSED = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"


def require_browser() -> str:
    """The browser's path; without one the test is skipped, and fails in CI, where nobody would see the skip."""
    path = find_browser()
    if path:
        return path
    reason = "no Chromium starts on this machine (tools/browser.py looks for one and installs it)"
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(f"CI=true, and {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.hookimpl(wrapper=True)
def pytest_cmdline_main() -> Iterator[Any]:
    """Workers are started within, and inherit the folder of what is made once."""
    with share_folder():
        return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks tests by their folder, and puts long files first, so that workers end together."""
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0] if item.path.is_relative_to(TESTS) else ""
        if folder in MARKED:
            item.add_marker(MARKED[folder])
        elif item.path in LONG:
            item.add_marker("slow")
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    """The two walks are longest by far; then what runs models, browsers or other processes; then all that is quick."""
    if item.path in LONGEST:
        return 0
    return 1 if any(item.get_closest_marker(mark) for mark in MARKED.values()) else 2


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("browser"):
        require_browser()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Shows what the app printed when a test that used it failed."""
    report = yield
    used = getattr(item, "funcargs", {}).values() if report.failed else ()
    for server in {value for value in used if isinstance(value, AppServer)}:
        report.sections.append(("app log", "\n".join(server.read_log().splitlines()[-LOG_LINES_SHOWN:])))
    return report


@pytest.fixture(autouse=True)
def refuse_outside_network(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test that tried to leave this machine, also when the library in between swallowed the refusal."""
    network_guard.take_attempts()
    yield
    attempts = network_guard.take_attempts()
    if attempts and not request.node.get_closest_marker("outside"):
        pytest.fail(attempts[0], pytrace=False)


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty workspace. For every test, asked for or not: none may touch the one of whoever runs the tests."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    monkeypatch.setenv("LADDER_WORKSPACE", str(folder))
    return folder


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A headless Chromium, one for all tests of a file: Playwright's event loop would be in the way of tests without it."""
    path = require_browser()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*ARGUMENTS, CLOSED])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page in a fresh profile. The test fails if it asks another machine for anything."""
    with open_fresh_page(chromium) as page:
        yield page


@pytest.fixture
def app_server(workspace: Path) -> Iterator[AppServer]:
    """The app, freshly started on an empty workspace."""
    with run_app(workspace) as server:
        yield server
