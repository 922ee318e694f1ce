"""A page as a link opens it, in Streamlit's AppTest, and what can be read on it."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

from streamlit import config
from streamlit.components.v2.component_manager import BidiComponentManager
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from tests.support.app import REPOSITORY

SECONDS = 60

# Streamlit collects garbage after every run of a script: a third of a second each time where torch is loaded.
config.set_option("runner.postScriptGC", False)


@functools.cache
def _find_components() -> BidiComponentManager:
    """The components of the installed libraries; AppTest would read the records of all of them for every app anew."""
    components = BidiComponentManager()
    components.discover_and_register_components(start_file_watching=False)
    return components


def make_app(page: str, **parameters: str | list[str]) -> AppTest:
    """The app at the address of a page (its file's name) with these parameters, not run yet.

    AppTest itself can only open the home page, which leads on without parameters.
    """
    app = AppTest.from_file(str(REPOSITORY / "app.py"), default_timeout=SECONDS)
    app._page_hash = calc_hash(page)
    app._bidi_component_manager = _find_components()
    app.query_params.update(parameters)
    return app


def open_page(page: str, **parameters: str | list[str]) -> AppTest:
    """The page as the link opens it, drawn once; fails if it raised."""
    return check(make_app(page, **parameters).run())


def check(app: AppTest) -> AppTest:
    """The app; fails if its last run raised."""
    assert not app.exception, app.exception
    return app


def read(elements: Iterable[Any]) -> str:
    """The texts of elements, one a line, without the signs that keep Markdown from acting."""
    return "\n".join(str(element.value) for element in elements).replace("\\", "")
