"""What the browser asks for, seen from inside."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Page

LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}
NETWORK_SCHEMES = {"http", "https", "ws", "wss", "ftp"}


def is_outside(url: str) -> bool:
    """True for an address on another machine; data:, blob: and about: stay inside the browser."""
    parts = urlsplit(url)
    return parts.scheme in NETWORK_SCHEMES and parts.hostname not in LOCAL_HOSTS


@contextlib.contextmanager
def assert_no_outside_requests(page: Page) -> Iterator[list[str]]:
    """Fails at its end if the page asked another machine for anything meanwhile. Gives the list of such addresses."""
    outside: list[str] = []

    def note(url: str) -> None:
        if is_outside(url):
            outside.append(url)

    def note_request(request: object) -> None:
        note(request.url)  # type: ignore[attr-defined]

    page.on("request", note_request)
    page.on("websocket", note_request)
    try:
        yield outside
    finally:
        page.remove_listener("request", note_request)
        page.remove_listener("websocket", note_request)
    assert not outside, f"The page asked other machines: {outside[:5]}"


def settle(page: Page) -> None:
    """Waits until the page is drawn: a click on something that moves hits something else."""
    page.wait_for_timeout(300)  # a rerun that was just asked for has not begun yet
    page.locator('[data-test-script-state="notRunning"]').wait_for()
    page.wait_for_timeout(500)  # the browser is still busy for a moment after the script has ended


def click_middle(page: Page, element: Locator) -> None:
    """A real click, wherever the element is on the page: Plotly listens on a layer above its bars."""
    element.scroll_into_view_if_needed()
    settle(page)
    box = element.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_timeout(300)  # Plotly notices what is hovered after a moment, and a click counts for that
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
