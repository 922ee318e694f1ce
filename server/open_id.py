"""Streamlit's own login with an identity provider (OpenID Connect), asked for before anything is shown.

Streamlit knows who somebody is only within a page; what it signs into its cookie is read here for every route.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from streamlit.auth_util import (
    encode_provider_token,
    get_cookie_with_chunks,
    get_secrets_auth_section,
    is_authlib_installed,
    validate_auth_credentials,
)
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

# Streamlit's routes of the login itself, which have to answer people who are not in yet.
ROUTES = ("auth/login", "auth/logout", "oauth2callback")
_DEFAULT = "default"


class OpenId:
    """users: who may enter, as get_users() gives them. Raises ValueError, with what to do, if the secrets cannot do that."""

    def __init__(self, users: Sequence[str]) -> None:
        if not users:
            raise ValueError(
                "LADDER_USERS has to say who may enter: e-mail addresses or @domains, separated by commas, or * for everyone "
                "whom the identity provider knows."
            )
        if not is_authlib_installed():
            raise ValueError("The login with an identity provider needs a library: .venv/bin/pip install 'streamlit[auth]'.")
        self._users = frozenset(users)
        self.providers = _list_providers()
        for provider in self.providers:
            validate_auth_credentials(provider)

    def admits(self, cookies: Mapping[str, str]) -> bool:
        """Whether the cookies are those of somebody who may enter."""
        user = _read_user(cookies)
        email = str(user.get("email", "")).casefold()
        if user.get("is_logged_in") is not True:
            return False
        if "*" in self._users:
            return True
        # A provider says of an address that nobody confirmed that it is not verified; anybody could have claimed it.
        return user.get("email_verified") is not False and bool({email, f"@{email.rpartition('@')[2]}"} & self._users)

    def lead_to(self, provider: str) -> str:
        """Where the browser goes to log in, below the app's address. Made when it is needed: it is good for two minutes."""
        return f"auth/login?provider={encode_provider_token(provider)}"


def _read_user(cookies: Mapping[str, str]) -> dict[str, Any]:
    def read(name: str) -> bytes | None:
        return decode_signed_value(get_cookie_secret(), name, cookies.get(name, ""))

    content = get_cookie_with_chunks(read, USER_COOKIE_NAME)
    try:
        user = json.loads(content or b"{}")
    except ValueError:
        return {}
    return user if isinstance(user, dict) else {}


def _list_providers() -> tuple[str, ...]:
    """Those that the secrets name; one without a name is Streamlit's "default"."""
    section = get_secrets_auth_section().to_dict()
    named = tuple(name for name, value in section.items() if isinstance(value, Mapping) and "client_id" in value)
    return named or (_DEFAULT,)
