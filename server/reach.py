"""Who can reach the app, this machine alone or others too, and by which names it is called."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from streamlit import config
from streamlit.runtime.secrets import secrets_singleton

from core.settings import get_password, is_open


def is_shared() -> bool:
    """Whether others than the person at this machine use the app: it listens beyond this machine, or asks who somebody is."""
    return not is_loopback(config.get_option("server.address") or "0.0.0.0") or bool(get_password()) or has_open_id()


def asks_login() -> bool:
    """Whether somebody has to say who they are before anything is shown."""
    return is_shared() and not is_open()


def has_open_id() -> bool:
    """Whether the secrets name an identity provider, as Streamlit's st.login() reads them."""
    return bool(secrets_singleton.load_if_toml_exists() and secrets_singleton.get("auth"))


def is_loopback(host: str) -> bool:
    """Whether an address or a name means this machine and cannot be reached from another."""
    if host.casefold().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_own_name(host: str | None) -> bool:
    """Whether the Host that a browser asks for is this machine, or a name that Streamlit's server.allowedHosts gives it.

    A page of another site can have its own name lead here ("DNS rebinding") and would then read what it likes: its requests
    bear that name.
    """
    from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

    try:
        name = urlsplit(f"//{host or ''}").hostname or ""
    except ValueError:
        return False
    return is_loopback(name) or (bool(config.get_option("server.allowedHosts")) and is_host_allowed(host))
