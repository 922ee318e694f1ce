"""A service on this machine that answers as it is told, well or badly, and a clock with which no wait takes long."""

from __future__ import annotations

import asyncio
import json
import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from core.endpoints.watch import Clock

Row = dict[str, Any]


class FastClock(Clock):
    """It is as late as was waited, and waiting takes no time."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> float:
        return math.fsum(self.slept)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


@dataclass(frozen=True)
class Reply:
    """An answer: its status, its body (JSON unless bytes) and its headers. send: writes something else on the connection."""

    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    send: Callable[[BaseHTTPRequestHandler], None] | None = None


@dataclass
class FakeService:
    """What was asked: path, headers and body of each request. `tell` is asked for every reply."""

    url: str
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)

    @property
    def texts(self) -> list[list[str]]:
        """The texts of each request."""
        return [body["input"] for body in self.bodies]


def make_rows(texts: list[str]) -> list[Row]:
    """A vector for each text, of its length and 1, the last one first: the index says the order, not the place."""
    return [{"index": place, "embedding": [float(len(text)), 1.0]} for place, text in enumerate(texts)][::-1]


def give_rows(rows: Callable[[list[Row]], Any]) -> Callable[[dict[str, Any]], Reply]:
    """Answers well but for what `rows` does to the rows."""
    return lambda body: Reply({"data": rows(make_rows(body["input"]))})


answer_well = give_rows(lambda rows: rows)


@contextmanager
def run_service(*replies: Reply | Callable[[dict[str, Any]], Reply]) -> Iterator[FakeService]:
    """A service that gives these replies one after another, the last one from then on. A reply may depend on the body."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                reply = replies[min(len(service.bodies), len(replies) - 1)]
                service.paths.append(self.path)
                service.headers.append(dict(self.headers))
                service.bodies.append(body)
            reply = reply if isinstance(reply, Reply) else reply(body)
            if reply.send is not None:
                self.close_connection = True
                reply.send(self)
                return
            content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(content)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            return

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            return  # who asked has gone: it would not wait for the end

    lock = threading.Lock()
    server = Server(("127.0.0.1", 0), Handler)
    service = FakeService(f"http://127.0.0.1:{server.server_port}/v1")
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
