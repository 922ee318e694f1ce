"""Nothing behind the gate is asked before somebody has logged in: every route that the pinned Streamlit has, and what is not
one. The app behind it is a stand-in that writes down what reached it; tests/browser/test_login.py walks through a real one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from starlette.middleware import Middleware
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect
from streamlit import config
from streamlit.web.server.app_discovery import discover_asgi_app
from streamlit.web.server.starlette import starlette_app
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

from server import gate, open_id, reach
from server.gate import Gate, PasswordLogin, make_gate
from server.password import TRIES, Password

SECRET = "correct horse"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class Behind:
    """An app that notes what reaches it."""

    def __init__(self) -> None:
        self.reached: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            self.reached.append(scope["path"])
            await receive()
            await send({"type": "websocket.accept"})
            while (message := await receive())["type"] == "websocket.receive":
                await send({"type": "websocket.send", "text": message["text"]})
        elif scope["type"] == "http":
            self.reached.append(scope["path"])
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"behind"})


def open_door(behind: Behind, middleware: list[Middleware], **options: Any) -> TestClient:
    app: Any = behind
    for one in reversed(middleware):
        app = one.cls(app, *one.args, **one.kwargs)
    return TestClient(app, follow_redirects=False, **options)


@pytest.fixture
def behind() -> Behind:
    return Behind()


@pytest.fixture
def client(behind: Behind) -> TestClient:
    return open_door(behind, [Middleware(Gate, login=PasswordLogin(Password(SECRET)))])


def list_routes() -> list[Any]:
    """All routes of Streamlit, with those that options add."""
    for option in ("server.enableStaticServing", "server.scriptHealthCheckEnabled"):
        config.set_option(option, True)
    try:
        return list(starlette_app.create_streamlit_routes(MagicMock()))
    finally:
        for option in ("server.enableStaticServing", "server.scriptHealthCheckEnabled"):
            config.set_option(option, False)


def fill_in(path: str) -> str:
    """An address of a route with parameters."""
    return re.sub(r"{(\w+)(?::\w+)?}", r"\1", path) or "/"


def test_no_route_answers_before_the_login(client: TestClient, behind: Behind) -> None:
    routes = list_routes()
    http = {fill_in(route.path) for route in routes if not isinstance(route, WebSocketRoute)}
    assert {"/_stcore/health", "/_stcore/upload_file/session_id/file_id", "/media/file_id"} <= http, "the routes were not found"
    http |= {
        "/",
        "/results",
        "/static/js/index.js",
        "//evil.example/",
        "/logout",
        "/login",
        "/auth/login",
        "/oauth2callback",
        "/..%2f",
    }
    for path in sorted(http):
        for method in METHODS:
            answer = client.request(method, path, headers={"accept": "*/*"})
            if path == "/_stcore/health" and method in ("GET", "HEAD"):
                assert (answer.status_code, answer.text) == (200, "ok" if method == "GET" else "")
            else:
                assert answer.status_code == 401, (method, path)
            assert "set-cookie" not in answer.headers
    for route in routes:
        if isinstance(route, WebSocketRoute):
            with pytest.raises((WebSocketDisconnect, WebSocketDenialResponse)), client.websocket_connect(route.path):
                pass
    assert any(isinstance(route, WebSocketRoute) for route in routes)
    assert behind.reached == []


def log_in(client: TestClient, path: str = "/", **options: Any) -> Any:
    return client.post(path, data={"password": SECRET}, **options)


def test_whoever_logs_in_goes_on_where_they_wanted(client: TestClient, behind: Behind) -> None:
    page = client.get("/results?dataset=a%20b", headers={"accept": "text/html"})
    assert page.status_code == 401 and 'type="password"' in page.text and "no-store" in page.headers["cache-control"]
    answer = log_in(client, "/results?dataset=a%20b")
    assert (answer.status_code, answer.headers["location"]) == (303, "/results?dataset=a%20b")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie and "secure" not in cookie
    assert client.get("/results").text == "behind"
    assert client.put("/_stcore/upload_file/a/b", content=b"x").text == "behind"
    with client.websocket_connect("/_stcore/stream") as socket:
        socket.send_text("a")
        assert socket.receive_text() == "a"
        assert client.get("/logout", headers={"sec-fetch-site": "cross-site"}).text == "behind", (
            "a foreign link logs nobody out"
        )
        kept = dict(client.cookies)
        assert client.get("/logout").headers["location"] == "/"
        socket.send_text("b")
        assert socket.receive() == {"type": "websocket.close", "code": 1008, "reason": "logged out"}
    behind.reached.clear()
    client.cookies.update(kept)
    assert client.get("/results").status_code == 401, "the cookie that somebody kept is worth nothing after the log-out"
    assert behind.reached == []


def test_over_https_the_cookie_is_secure(behind: Behind) -> None:
    client = open_door(behind, [Middleware(Gate, login=PasswordLogin(Password(SECRET)))], base_url="https://testserver")
    assert "secure" in log_in(client).headers["set-cookie"].lower()


@pytest.mark.parametrize(
    "path", ["//evil.example/a", "///evil.example", "/\\evil.example", "/%5C%5Cevil.example", "/%2F/evil.example"]
)
def test_the_login_leads_to_no_other_site(client: TestClient, path: str) -> None:
    place = log_in(client, "http://testserver" + path).headers["location"]
    assert re.match(r"/[^/\\]", place), place


def test_what_is_wrong_is_said(client: TestClient, behind: Behind) -> None:
    def send(typed: Any, **headers: str) -> tuple[int, str]:
        answer = client.post("/", content=typed, headers={"content-type": "application/x-www-form-urlencoded", **headers})
        found = re.search(r'role="alert">([^<]*)<', answer.text)
        return answer.status_code, found[1] if found else ""

    assert send("password=") == (401, "Type the password.")
    assert send("password=correct+horse&a=1&b=2&c=3&d=4") == (401, "Type the password.")
    assert send(b"password=" + b"a" * 5000) == (401, "Type the password.")
    assert send("password=correct+horse", **{"sec-fetch-site": "cross-site"})[1].startswith("Type the password here")
    assert send("password=%ff%00<b>") == (401, "This is not the password.")
    for _ in range(TRIES - 1):
        assert send("password=x") == (401, "This is not the password.")
    status, words = send("password=correct+horse")
    assert status == 429 and words.startswith("Too many wrong passwords. Wait "), "the right one waits too"
    assert behind.reached == []


@contextmanager
def settings(address: str, **options: Any) -> Iterator[None]:
    before = {name: config.get_option(name) for name in ("server.address", *options)}
    for name, value in {"server.address": address, **options}.items():
        config.set_option(name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            config.set_option(name, value)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.1.7", "myhost.example", None, ""])
def test_beyond_this_machine_a_password_is_asked_for(
    address: str, behind: Behind, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("LADDER_PASSWORD", raising=False)
    monkeypatch.delenv("LADDER_OPEN", raising=False)
    with settings(address):
        door = open_door(behind, make_gate())
        told = re.search(r"The password for this run is {2}(\S{16}) ", capsys.readouterr().out)
        assert told, "it is said where the app was started"
        assert door.get("/").status_code == 401
        assert door.post("/", data={"password": told[1]}).status_code == 303
        monkeypatch.setenv("LADDER_PASSWORD", "mine")
        assert make_gate() and capsys.readouterr().out == "", "one that was set is not shown"
        monkeypatch.setenv("LADDER_OPEN", "1")
        assert make_gate() == [] and "there is no login" in capsys.readouterr().out


@pytest.mark.parametrize("address", ["localhost", "127.0.0.1", "127.0.0.2", "::1", "LOCALHOST"])
def test_for_this_machine_alone_no_password_is_asked_for_unless_one_is_set(
    address: str, behind: Behind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LADDER_PASSWORD", raising=False)
    with settings(address):
        assert not reach.is_shared()
        assert open_door(behind, make_gate(), base_url="http://localhost:8501").get("/").text == "behind"
        monkeypatch.setenv("LADDER_PASSWORD", "mine")
        assert open_door(behind, make_gate()).get("/").status_code == 401


def test_a_page_of_another_site_cannot_have_its_own_name_lead_here(behind: Behind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LADDER_PASSWORD", raising=False)
    with settings("localhost"):
        door = open_door(behind, make_gate())
        for host in ("evil.example:8501", "localhost.evil.example", "127.0.0.1.evil.example", "[", "", "evil.example@127"):
            assert door.get("/", headers={"host": host}).status_code == 403, host
            with pytest.raises(WebSocketDisconnect), door.websocket_connect("/_stcore/stream", headers={"host": host}):
                pass
        assert behind.reached == []
        for host in ("localhost:8501", "127.0.0.1", "[::1]:8501"):
            assert door.get("/", headers={"host": host}).text == "behind"
    with settings("localhost", **{"server.allowedHosts": ["app.example"]}):
        assert open_door(behind, make_gate()).get("/", headers={"host": "app.example"}).text == "behind"


@pytest.fixture
def identity_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets as st.login() wants them; the library that talks with the provider stays outside."""
    section = {
        "redirect_uri": "https://app.example/oauth2callback", "cookie_secret": "s" * 40,
        "acme": {"client_id": "a", "client_secret": "b", "server_metadata_url": "https://acme.example/.well-known"},
    }  # fmt: skip
    secrets = MagicMock(load_if_toml_exists=lambda: True, get=lambda name, default=None: {"auth": section}.get(name, default))
    monkeypatch.setattr(reach, "secrets_singleton", secrets)
    monkeypatch.setattr(open_id, "get_secrets_auth_section", lambda: MagicMock(to_dict=lambda: section))
    monkeypatch.setattr(open_id, "get_cookie_secret", lambda: section["cookie_secret"])
    monkeypatch.setattr(open_id, "is_authlib_installed", lambda: True)
    monkeypatch.setattr(open_id, "validate_auth_credentials", lambda provider: None)
    monkeypatch.setattr(open_id, "encode_provider_token", lambda provider: f"token-of-{provider}")


def sign(user: str, secret: str = "s" * 40) -> dict[str, str]:
    return {"_streamlit_user": create_signed_value(secret, "_streamlit_user", user).decode()}


@pytest.mark.parametrize(
    ("user", "users", "enters"),
    [
        ('{"is_logged_in": true, "email": "Ann@acme.example"}', "ann@acme.example", True),
        ('{"is_logged_in": true, "email": "ann@acme.example"}', "bob@b.example, @ACME.example", True),
        ('{"is_logged_in": true, "email": "ann@not-acme.example"}', "@acme.example", False),
        ('{"is_logged_in": true, "email": "ann@acme.example", "email_verified": false}', "@acme.example", False),
        ('{"is_logged_in": true}', "*", True),
        ('{"is_logged_in": true}', "@acme.example", False),
        ('{"is_logged_in": "yes"}', "*", False),
        ("[]", "*", False),
        ("no json", "*", False),
    ],
)
def test_an_identity_provider_says_who_somebody_is_and_the_operator_who_may_enter(
    identity_provider: None, behind: Behind, monkeypatch: pytest.MonkeyPatch, user: str, users: str, enters: bool
) -> None:
    monkeypatch.setenv("LADDER_USERS", users)
    door = open_door(behind, make_gate(), cookies=sign(user))
    assert (door.get("/media/a").text == "behind") is enters
    forged = open_door(behind, make_gate(), cookies=sign('{"is_logged_in": true}', "t" * 40))
    assert forged.get("/").status_code == 401


def test_the_way_to_an_identity_provider(identity_provider: None, behind: Behind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LADDER_USERS", "*")
    door = open_door(behind, make_gate())
    assert 'href="/login?provider=acme"' in door.get("/results", headers={"accept": "text/html"}).text
    assert door.get("/login?provider=acme").headers["location"] == "/auth/login?provider=token-of-acme"
    assert door.get("/login?provider=other").status_code == 401
    assert door.post("/", data={"password": ""}).status_code == 401
    assert behind.reached == []
    # The Host header is the visitor's own: what is made of it must not decide which route is open.
    assert door.get("/media/a", headers={"host": "x/auth/login?a="}).status_code == 401
    assert behind.reached == []
    assert door.get("/auth/login?provider=token-of-acme").text == "behind"
    monkeypatch.delenv("LADDER_USERS")
    with pytest.raises(SystemExit, match="LADDER_USERS has to say who may enter"):
        make_gate()


def test_below_another_path_too(behind: Behind) -> None:
    with settings("0.0.0.0", **{"server.baseUrlPath": "ladder"}):
        door = open_door(behind, [Middleware(Gate, login=PasswordLogin(Password(SECRET)))])
        assert door.get("/ladder/_stcore/health").text == "ok"
        assert log_in(door, "/ladder/try").headers["location"] == "/ladder/try"
        assert door.get("/ladder/logout").headers["location"] == "/ladder/"
    assert behind.reached == []


def test_an_app_without_the_gate_cannot_be_started() -> None:
    """The file that Streamlit runs makes the app itself, gate and all."""
    file = Path(gate.__file__).parents[1] / "app.py"
    assert discover_asgi_app(file).import_string == "app:app"
    assert "middleware=make_gate()" in file.read_text(encoding="utf-8")


def test_the_stand_in_is_reached_where_nothing_stands_in_front(behind: Behind) -> None:
    """Else the tests above could not fail."""
    assert open_door(behind, []).get("/media/a").text == "behind"
    assert behind.reached == ["/media/a"]
