"""Finds a Chromium for the browser tests, and brings one if there is none.

    .venv/bin/python tools/browser.py

Prints the browser's path, or why there is none. Never fails: whether tests may do without is for the tests to say.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
START_SECONDS = 60  # a cold start on a busy machine; a browser that hangs is no browser
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def list_candidates() -> Iterator[str]:
    """Paths that may be a Chromium, best first: the system's, then the one Playwright downloads."""
    for command in COMMANDS:
        if path := shutil.which(command):
            yield path
    mac = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
    if Path(mac).exists():
        yield mac
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    if Path(own).exists():
        yield own


def starts(path: str) -> bool:
    """True if the browser really opens a page: a command of that name may be a stub that asks to install it."""
    command = [path, *ARGUMENTS, "--dump-dom", "about:blank"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=START_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and b"<html" in done.stdout


@functools.cache
def find_browser() -> str | None:
    """The path of the first Chromium that starts, or None."""
    return next((path for path in list_candidates() if starts(path)), None)


def is_debian() -> bool:
    """True on Debian itself: on its relatives the package of that name may be an empty shell."""
    release = Path("/etc/os-release")
    return release.exists() and "ID=debian" in release.read_text(encoding="utf-8").splitlines()


def list_installations() -> Iterator[list[list[str]]]:
    """Ways to bring a Chromium, best first; each is a list of commands."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    if root and is_debian():
        yield [["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"]]
    playwright = [sys.executable, "-m", "playwright", "install", "chromium"]
    # Its system libraries come along only where we may install them.
    yield [[*playwright, "--with-deps"] if root and shutil.which("apt-get") else playwright]


def install_browser() -> str | None:
    """Tries each way until a browser starts. Returns its path, or None."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for commands in list_installations():
        for command in commands:
            print("  " + " ".join(command), flush=True)
            done = subprocess.run(
                command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
            )
            if done.returncode:
                print("\n".join(done.stdout.splitlines()[-5:]))
                break
        find_browser.cache_clear()
        if path := find_browser():
            return path
    return None


def main() -> None:
    """Says which browser the tests will use."""
    path = find_browser()
    if not path:
        print("No Chromium for the browser tests was found; installing one.", flush=True)
        path = install_browser()
    print(f"Browser for the tests: {path}" if path else "No Chromium starts on this machine.", flush=True)


if __name__ == "__main__":
    main()
