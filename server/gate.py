"""The gate in front of every route: pages, websocket, uploads, media, static files. What lies behind is not asked before.

app.py gives it to Streamlit as the outermost middleware, so that there is no way to start the app without it. Whoever is not in
gets the login page at the very address that was asked for, and goes on from there.
"""

from __future__ import annotations

import functools
import http
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

from jinja2 import Environment, FileSystemLoader
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config

from core.settings import confine_paths, get_password, get_users
from server.open_id import ROUTES, OpenId
from server.password import STAYS, Password
from server.reach import asks_login, has_open_id, is_own_name, is_shared

LOGOUT = "logout"
_HEALTH = "_stcore/health"
_LOGIN = "login"
_MOST_BYTES = 4096  # of what the login page sends
_POLICY_VIOLATION = 1008  # a websocket's code
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_FOREIGN_NAME = (
    "This app answers only at this machine's own names, such as localhost, and was asked for under another one. Behind a "
    "proxy, start it with --server.allowedHosts NAME, or with a password (LADDER_PASSWORD)."
)


def make_gate() -> list[Middleware]:
    """What stands in front of the app, as the settings say; the password that is made where none is set is printed once.

    Raises SystemExit, with a sentence, where nobody could enter.
    """
    if not is_shared():
        return [Middleware(OwnNames)]
    confine_paths()
    if not asks_login():
        print("Warning: there is no login. Everyone who can reach this machine can read and change its workspace.", flush=True)
        return []
    if has_open_id():
        try:
            return [Middleware(Gate, login=OpenIdLogin(OpenId(get_users())))]
        except Exception as error:  # whatever is wrong with the secrets: without a login nothing may start
            raise SystemExit(f"The login cannot be set up: {error}") from error
    password = get_password() or secrets.token_urlsafe(12)
    if not get_password():
        print(f"The password for this run is  {password}  (LADDER_PASSWORD=... sets one of your own)", flush=True)
    return [Middleware(Gate, login=PasswordLogin(Password(password)))]


class OwnNames:
    """An app for this machine alone: requests under the name of another are refused, see is_own_name()."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102 (ASGI)
        if scope["type"] == "lifespan" or is_own_name(Headers(scope=scope).get("host")):
            await self._app(scope, receive, send)
        else:
            await _refuse(scope, receive, send, PlainTextResponse(_FOREIGN_NAME, http.HTTPStatus.FORBIDDEN))


class PasswordLogin:
    """The login page asks for a password and sets a cookie."""

    providers: tuple[str, ...] = ()
    open_routes: tuple[str, ...] = ()

    def __init__(self, password: Password) -> None:
        self._password = password

    def admits(self, connection: HTTPConnection) -> bool:
        """Whether the cookie is one of ours."""
        return self._password.knows(connection.cookies.get(_cookie_of(connection), ""))

    async def answer(self, request: Request) -> Response:
        """The login page, or what comes of its form."""
        if not _is_form(request):
            return _show_page(request)
        if request.headers.get("sec-fetch-site") == "cross-site":
            return _show_page(request, wrong="Type the password here: another page sent it.")
        address = request.client.host if request.client else ""
        typed = await _read_form(request)
        if not typed:
            return _show_page(request, wrong="Type the password.")
        wait = self._password.seconds_to_wait(address)
        if wait > 0:
            seconds = int(wait) + 1
            wrong = f"Too many wrong passwords. Wait {seconds} s, then try again."
            page = _show_page(request, wrong=wrong, status=http.HTTPStatus.TOO_MANY_REQUESTS)
            page.headers["Retry-After"] = str(seconds)
            return page
        token = self._password.give_token(typed, address)
        if token is None:
            return _show_page(request, wrong="This is not the password.")
        response = RedirectResponse(_here(request), http.HTTPStatus.SEE_OTHER)
        response.set_cookie(_cookie_of(request), token, max_age=STAYS, **_cookie_traits(request))
        return response

    async def log_out(self, request: Request) -> Response:
        """Makes the cookie worthless and removes it."""
        self._password.forget(request.cookies.get(_cookie_of(request), ""))
        response = RedirectResponse(_base(), http.HTTPStatus.SEE_OTHER)
        response.delete_cookie(_cookie_of(request), **_cookie_traits(request))
        return response


class OpenIdLogin:
    """The login page leads to an identity provider; Streamlit's own routes do the rest."""

    open_routes = ROUTES

    def __init__(self, open_id: OpenId) -> None:
        self._open_id = open_id
        self.providers = open_id.providers

    def admits(self, connection: HTTPConnection) -> bool:
        """Whether Streamlit's cookie names somebody who may enter."""
        return self._open_id.admits(connection.cookies)

    async def answer(self, request: Request) -> Response:
        """The login page, or the way to the provider that was chosen on it."""
        provider = request.query_params.get("provider")
        if _route(request) == _LOGIN and provider in self.providers:
            return RedirectResponse(_base() + self._open_id.lead_to(provider), http.HTTPStatus.SEE_OTHER, _HEADERS)
        wrong = "You are logged in, but not among those who may enter." if self._is_stranger(request) else ""
        return _show_page(request, wrong=wrong, providers=self.providers)

    def _is_stranger(self, request: Request) -> bool:
        return any(name.startswith("_streamlit_user") for name in request.cookies)

    async def log_out(self, request: Request) -> Response:
        """Leads to Streamlit's own log-out."""
        return RedirectResponse(f"{_base()}auth/logout", http.HTTPStatus.SEE_OTHER)


class Gate:
    """Lets through whom the login admits, and shows it to everyone else."""

    def __init__(self, app: ASGIApp, *, login: PasswordLogin | OpenIdLogin) -> None:
        self._app = app
        self._login = login

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102 (ASGI)
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket" and self._login.admits(connection := HTTPConnection(scope)):
            await self._follow(connection, receive, send)
        elif scope["type"] == "http":
            response = await self._meet(Request(scope, receive))
            await (response or self._app)(scope, receive, send)
        else:
            await _refuse(scope, receive, send, PlainTextResponse("Log in first.", http.HTTPStatus.UNAUTHORIZED))

    async def _follow(self, connection: HTTPConnection, receive: Receive, send: Send) -> None:
        """A websocket, until its owner has logged out in another tab."""
        ended: Message | None = None

        async def receive_admitted() -> Message:
            nonlocal ended
            message = await receive()
            if message["type"] != "websocket.receive" or self._login.admits(connection):
                return message
            ended = {"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": "logged out"}
            return {"type": "websocket.disconnect", "code": _POLICY_VIOLATION}

        await self._app(connection.scope, receive_admitted, send)
        if ended is not None:
            await send(ended)

    async def _meet(self, request: Request) -> Response | None:
        """What is answered instead of the app; None lets the request through."""
        route = _route(request)
        if self._login.admits(request):
            # A link on another site must not end a session.
            leaves = route == LOGOUT and request.headers.get("sec-fetch-site") != "cross-site"
            return await self._login.log_out(request) if leaves else None
        if route in self._login.open_routes:
            return None
        if route == _HEALTH and request.method in ("GET", "HEAD"):
            return PlainTextResponse("ok", headers={"Cache-Control": "no-store"})
        return await self._login.answer(request)


async def _refuse(scope: Scope, receive: Receive, send: Send, response: Response) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": ""})
    else:
        await response(scope, receive, send)


@functools.cache
def _pages() -> Environment:
    return Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True)


def _show_page(
    request: Request,
    *,
    wrong: str = "",
    status: http.HTTPStatus = http.HTTPStatus.UNAUTHORIZED,
    providers: tuple[str, ...] = (),
) -> Response:
    """The login page for people; a line for whatever else asks."""
    headers: Mapping[str, str] = {**_HEADERS, "WWW-Authenticate": 'Form realm="Retrieval Ladder"'}
    if not _is_form(request) and "text/html" not in request.headers.get("accept", ""):
        return PlainTextResponse("Log in first.", status, headers)
    body = _pages().get_template("login.html").render(wrong=wrong, providers=providers, base=_base())
    return HTMLResponse(body, status, headers)


def _is_form(request: Request) -> bool:
    """Whether it is sent by the login page, and no upload or the like."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return request.method == "POST" and kind == "application/x-www-form-urlencoded"


async def _read_form(request: Request) -> str:
    """The password that was typed; "" for anything that the login page does not send."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MOST_BYTES:
            return ""
    try:
        return parse_qs(body.decode("utf-8", "replace"), max_num_fields=4).get("password", [""])[0]
    except ValueError:  # too many fields
        return ""


def _base() -> str:
    """The path of the app on its server, with slashes around it."""
    path = str(config.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{path}/" if path else "/"


def _route(request: Request) -> str:
    """The path below the app's own, as routing will see it: request.url also holds the Host header, which anybody writes."""
    return str(request.scope["path"]).removeprefix(_base())


def _here(request: Request) -> str:
    """The address that was asked for, on this server: a path that begins with two slashes would lead to another."""
    path, query = quote(request.scope["path"].lstrip("/\\")), request.scope["query_string"].decode("latin-1")
    return f"/{path}" + (f"?{query}" if query else "")


def _cookie_of(connection: HTTPConnection) -> str:
    """Its name: browsers send cookies to all ports of a machine, and another may have an app like this."""
    _, port = connection.scope.get("server") or ("", None)
    return f"ladder_login_{port}"


def _cookie_traits(request: Request) -> dict[str, Any]:
    return {"path": "/", "httponly": True, "samesite": "lax", "secure": request.scope["scheme"] == "https"}
