"""The guard of the browser: what a page asks of other machines is noticed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.app import run_app
from tests.support.browser import assert_no_outside_requests, is_outside

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SMALL_APP = """
import streamlit as st
st.title("A page")
st.markdown("![](http://example.org/seen.png)")
"""


def test_browser_notices_requests_to_other_machines(chromium: Browser, workspace: Path, tmp_path: Path) -> None:
    """Streamlit renders a picture from another machine: exactly what must not come from users' data."""
    script = tmp_path / "small.py"
    script.write_text(SMALL_APP, encoding="utf-8")
    page = chromium.new_page()
    with run_app(workspace, script=script) as server:
        with pytest.raises(AssertionError, match=r"example\.org"), assert_no_outside_requests(page):
            page.goto(server.url)
            page.get_by_role("heading", name="A page").wait_for()
            page.locator("img[src*='example.org']").wait_for(state="attached")
        assert "localhost" in server.read_log()
    page.close()
    assert not is_outside("data:image/png;base64,") and not is_outside("ws://localhost:1/_stcore/stream")
