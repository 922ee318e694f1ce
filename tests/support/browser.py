"""What the browser asks for, seen from inside."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Locator, Page

VIEWPORT = {"width": 1280, "height": 900}
PATIENCE = 300_000  # milliseconds: what a busy machine may take to load the model, and what waits behind that
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


@contextlib.contextmanager
def open_fresh_page(browser: Browser, **options: Any) -> Iterator[Page]:
    """A page in a profile of its own, which waits with PATIENCE. Fails at its end if it asked another machine for anything."""
    defaults = {"viewport": VIEWPORT, "locale": "en-GB", "color_scheme": "light", "accept_downloads": True}
    with browser.new_context(**{**defaults, **options}) as context:
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        with assert_no_outside_requests(page):
            yield page


# Until the script has not run, and nothing on the page has changed, for a moment; given up where it never rests.
_REST = """([quiet, most]) => new Promise(resolve => {
    const begun = performance.now();
    let changed = begun;
    const observer = new MutationObserver(() => changed = performance.now());
    observer.observe(document.body, {subtree: true, childList: true, attributes: true, characterData: true});
    const timer = setInterval(() => {
        const now = performance.now();
        if (!document.querySelector('[data-test-script-state="notRunning"]')) changed = now;
        if (now - changed < quiet && now - begun < most) return;
        clearInterval(timer);
        observer.disconnect();
        resolve();
    }, 25);
})"""
_QUIET, _MOST = 400, 10_000  # milliseconds


def settle(page: Page) -> None:
    """Waits until the page is drawn: a click on something that moves hits something else."""
    page.locator('[data-test-script-state="notRunning"]').wait_for()
    page.evaluate(_REST, [_QUIET, _MOST])


def click_middle(page: Page, element: Locator) -> None:
    """A real click, wherever the element is on the page: Plotly listens on a layer above its bars."""
    element.scroll_into_view_if_needed()
    settle(page)
    box = element.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_timeout(300)  # Plotly notices what is hovered after a moment, and a click counts for that
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
