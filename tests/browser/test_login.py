"""The app as colleagues reach it: nothing without the password, then everything, until they log out."""

from __future__ import annotations

import contextlib
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, expect

from tests.support.app import run_app
from tests.support.browser import PATIENCE, open_fresh_page, settle

SECRET = "correct horse"


def ask(url: str, method: str = "GET", **headers: str) -> int:
    """The status of an answer."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    with contextlib.closing(connection):
        connection.request(method, parts.path, body=b"x" if method == "PUT" else None, headers=headers)
        return connection.getresponse().status


def test_colleagues_need_the_password(chromium: Browser, workspace: Path) -> None:
    with run_app(workspace, address="0.0.0.0", environment={"LADDER_PASSWORD": SECRET}) as app:
        for path in ("/", "/data", "/static/index.js", "/media/a.csv", "/_stcore/host-config", "/component/a/b.js"):
            assert ask(app.url + path) == 401, path
        assert ask(f"{app.url}/_stcore/upload_file/a/b", "PUT") == 401
        upgrade = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "a" * 22 + "==",
        }
        assert ask(f"{app.url}/_stcore/stream", **upgrade) == 403
        assert ask(f"{app.url}/_stcore/health") == 200
        assert not list(workspace.iterdir()), "the app itself was not asked"
        with open_fresh_page(chromium, java_script_enabled=False) as page:
            page.goto(f"{app.url}/data?dataset=legal_clauses")
            page.get_by_label("Password").fill("wrong")
            page.get_by_role("button", name="Enter").click()
            expect(page.get_by_role("alert")).to_have_text("This is not the password.", timeout=PATIENCE)
            page.get_by_label("Password").fill(SECRET)
            page.get_by_role("button", name="Enter").click()
            expect(page.get_by_label("Password")).to_have_count(0, timeout=PATIENCE)
            assert page.url == f"{app.url}/data?dataset=legal_clauses"
            state = page.context.storage_state()
        with open_fresh_page(chromium, storage_state=state) as page:
            page.goto(f"{app.url}/data?dataset=legal_clauses")
            page.get_by_role("heading", name="Data", exact=True).wait_for()
            settle(page)
            page.get_by_role("link", name="Log out").click()
            page.get_by_label("Password").wait_for()
            page.goto(f"{app.url}/data")
            page.get_by_label("Password").wait_for()
        assert SECRET not in app.read_log()
