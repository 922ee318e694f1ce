"""Every way in which a server can answer wrongly: what is asked again, what is said, and what is kept."""

from __future__ import annotations

import asyncio
import base64
import email.utils
import gzip
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any

import numpy as np
import pytest

from core.endpoints.endpoint import Endpoint
from core.endpoints.limits import Limits
from core.endpoints.watch import Watch
from core.errors import Cancelled, ModelUnavailable
from core.progress import CancelToken
from core.stages.embed import EndpointEncoder
from tests.support.fake_service import FastClock, Reply, Row, answer_well, give_rows, make_rows, run_service

KEY = "sk-Secret/Key+4711=="
TEXTS = ["hub", "clock", "a"]
VECTORS = [[3 / 10**0.5, 1 / 10**0.5], [5 / 26**0.5, 1 / 26**0.5], [0.5**0.5, 0.5**0.5]]  # (letters, 1), of length 1
SECONDS = 0.15  # until a request has to be answered, where that is tried
MEGABYTE = bytes(2**20)


def make_encoder(
    url: str, *, clock: FastClock | None = None, report: Any = None, check: Any = None, **limits: Any
) -> EndpointEncoder:
    watch = Watch(check or (lambda: None), report or (lambda label: None), clock or FastClock())
    return EndpointEncoder("m", Endpoint(url, KEY), limits=Limits(**{"at_once": 1, **limits}), watch=watch)


def change(**fields: Any) -> Callable[[list[Row]], list[Row]]:
    """The rows with something else in that of the first text."""
    return lambda rows: [{**row, **fields} if row["index"] == 0 else row for row in rows]


def fail(status: int, message: str = "no", **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply({"error": {"message": message}}, status, named)


def cut_off(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"data": [')


def reset(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)


def talk_nonsense(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"SSH-2.0-OpenSSH_9.6\r\n")


def drip(handler: BaseHTTPRequestHandler) -> None:
    """A byte now and then: each comes soon enough for a time-out between bytes."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
    for _ in range(20):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(SECONDS / 5)


def stay_silent(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(2 * SECONDS)


def flood(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(3):
        handler.wfile.write(MEGABYTE)


def as_base64(vector: list[float]) -> str:
    return base64.b64encode(np.array(vector, dtype="<f4").tobytes()).decode()


def in_base64(rows: list[Row]) -> list[Row]:
    return [{**row, "embedding": as_base64(row["embedding"])} for row in rows]


def packed(body: dict[str, Any]) -> Reply:
    content = gzip.compress(str({"data": make_rows(body["input"])}).replace("'", '"').encode())
    return Reply(content, headers={"Content-Encoding": "gzip"})


PAGE = b"<!doctype html><html><head><title>502 Bad\x1b[31m Gateway</title></head><body>nginx</body></html>"
BOMB = Reply(gzip.compress(MEGABYTE * 3, 1), headers={"Content-Encoding": "gzip"})
HALF = Reply(gzip.compress(b'{"data": []}')[:-12], headers={"Content-Encoding": "gzip"})
SOON = email.utils.formatdate(time.time() + 4000, usegmt=True)  # an hour, of which no more than five minutes are waited


@dataclass(frozen=True)
class Kind:
    """A kind of bad answer. first: what comes once, before all is well again, or always if it does not pass; asked: requests in
    all; said: what the error says, "" if the vectors come; waited: seconds, at least and at most."""

    name: str
    reply: Reply | Callable[[dict[str, Any]], Reply]
    asked: int
    said: str = ""
    passes: bool = False
    waited: tuple[float, float] = (0.0, 0.0)


ONCE, TWICE, FIVE_TIMES = (1.0, 1.5), (3.0, 4.5), (31.0, 46.5)  # seconds of back-off: 1, 2, 4, 8, 16, and up to half more


def passing(name: str, reply: Reply, waited: tuple[float, float]) -> Kind:
    """Comes once; then all is well."""
    return Kind(name, reply, asked=2, passes=True, waited=waited)


def final(name: str, reply: Reply, said: str) -> Kind:
    """To ask again cannot help."""
    return Kind(name, reply, asked=1, said=said)


def wrong(name: str, reply: Any, said: str) -> Kind:
    """Comes again and again, and may have to be paid each time."""
    return Kind(name, reply, asked=3, said=said, waited=TWICE)


def lasting(name: str, reply: Reply, said: str) -> Kind:
    """Comes again and again."""
    return Kind(name, reply, asked=6, said=said, waited=FIVE_TIMES)


KINDS = [
    # What passes, if one waits and asks again.
    passing("429 once", fail(429, "slow down"), ONCE),
    passing("429 with seconds", fail(429, Retry_After="7"), (7, 7)),
    passing("429 with a date", fail(429, Retry_After=SOON), (300, 300)),
    passing("429 with a date gone by", fail(429, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT"), (0, 0)),
    passing("429 with nonsense", fail(429, Retry_After="soon"), ONCE),
    passing("429 with infinity", fail(429, Retry_After="inf"), ONCE),
    passing("503 with seconds", fail(503, Retry_After="3"), (3, 3)),
    passing("connection reset once", Reply(send=reset), ONCE),
    passing("hung up once", Reply(send=hang_up), ONCE),
    passing("body cut off once", Reply(send=cut_off), ONCE),
    passing("another count once", Reply({"data": make_rows(["hub"])}), ONCE),
    # What is well, though it looks odd.
    Kind("another order", give_rows(lambda rows: [rows[1], rows[2], rows[0]]), 1),
    Kind("base64", give_rows(in_base64), 1),
    Kind("gzip", packed, 1),
    Kind(
        "another type of content",
        lambda body: Reply({"data": make_rows(body["input"])}, headers={"Content-Type": "text/html"}),
        1,
    ),
    # What stays: with the requests that were made, and what is said.
    lasting(
        "429 for ever",
        fail(429, "slow down"),
        "asks for fewer requests (429 Too Many Requests: slow down), 6 times in a row. Lower the limits",
    ),
    final(
        "429 without money",
        fail(429, "You exceeded your current quota (insufficient_quota)"),
        "says that nothing is left to pay with (429",
    ),
    lasting("500 for ever", fail(500), "is busy or broken (500 Internal Server Error: no), 6 times in a row. Check the server"),
    lasting("status nobody knows", fail(599), "is busy or broken (599: no), 6 times"),
    final("401", fail(401), "refused the key (401 Unauthorized: no). Set EMBEDDINGS_API_KEY to a key"),
    final("403", fail(403), "refused the key (403 Forbidden: no). Set EMBEDDINGS_API_KEY"),
    final(
        "404",
        fail(404),
        "does not know this address, or the model 'm' (404 Not Found: no). Check EMBEDDINGS_BASE_URL, which ends before /emb",
    ),
    final("400", fail(400, "unknown field"), "did not accept the request for the model 'm' (400 Bad Request: unknown field)."),
    final(
        "redirect",
        Reply(b"", 307, {"Location": f"http://u:{KEY}@elsewhere.example/v1?key={KEY}"}),
        "sends to another address (307 Temporary Redirect, http://elsewhere.example/v1). It is not followed",
    ),
    wrong(
        "page of a proxy",
        Reply(PAGE, 200, {"Content-Type": "text/html"}),
        "answered with a web page (502 Bad [31m Gateway), 3 times in a row. Check EMBEDDINGS_BASE_URL",
    ),
    wrong("no JSON", Reply(b"ok"), "answered with something that is no JSON (ok)"),
    wrong("nothing", Reply(b""), "answered with something that is no JSON (empty)"),
    wrong("no UTF-8", Reply(b"\xff\xfe\x00"), "answered with something that is no JSON"),
    wrong("JSON as deep as a well", Reply(b"[" * 100_000), "answered with something that is no JSON"),
    wrong("an error that is 200", Reply({"error": {"message": "overloaded"}}), "answered with an error (overloaded)"),
    wrong("JSON without data", Reply({"object": "list"}), "answered without a list of vectors (data)"),
    wrong("data of something else", Reply({"data": [1, 2, 3]}), "answered without a list of vectors"),
    wrong(
        "too few",
        give_rows(lambda rows: rows[:-1]),
        "gave 2 vectors for 3 texts, or not one for each (index), 3 times in a row",
    ),
    wrong("too many", give_rows(lambda rows: [*rows, rows[0]]), "gave 4 vectors for 3 texts"),
    wrong("one twice", give_rows(lambda rows: [rows[0], rows[0], rows[1]]), "gave 3 vectors for 3 texts, or not one for each"),
    wrong("no index", give_rows(lambda rows: [{"embedding": row["embedding"]} for row in rows]), "or not one for each (index)"),
    wrong("an index of text", give_rows(change(index="0")), "or not one for each (index)"),
    wrong("empty vectors", give_rows(lambda rows: [{**row, "embedding": []} for row in rows]), "gave vectors of 0 numbers"),
    wrong("a zero vector", give_rows(change(embedding=[0.0, 1e-60])), "gave 1 of 3 vectors that are all zeros"),
    wrong(
        "NaN", give_rows(change(embedding=[float("nan"), 1.0])), "gave 1 of 3 vectors with values that are no finite numbers"
    ),
    wrong("infinity", give_rows(change(embedding=[float("-inf"), 1.0])), "gave 1 of 3 vectors with values"),
    wrong("beyond float32", give_rows(change(embedding=[1e39, 1.0])), "gave 1 of 3 vectors with values"),
    wrong("beyond any float", give_rows(change(embedding=[10**400, 1.0])), "gave a vector that cannot be read"),
    wrong("null inside", give_rows(change(embedding=[None, 1.0])), "gave a vector that is no list of numbers"),
    wrong("null", give_rows(change(embedding=None)), "gave a vector that is no list of numbers"),
    wrong("broken base64", give_rows(change(embedding="AACA")), "gave a vector that cannot be read"),
    wrong("different lengths", give_rows(change(embedding=[1.0])), "gave vectors of different lengths (1, 2)"),
    wrong(
        "a huge vector",
        give_rows(lambda rows: [{**row, "embedding": as_base64([1.0] * 70_000)} for row in rows]),
        "gave vectors of 70,000 numbers",
    ),
    final("a flood", Reply(send=flood), "answered with more than 2 MB. Check the server"),
    final("a gzip bomb", BOMB, "answered with more than 2 MB"),
    wrong("half a gzip", HALF, "broke off in the middle of its packed answer"),
    wrong(
        "no gzip", Reply(b"{}", headers={"Content-Encoding": "gzip"}), "answered with something packed that cannot be unpacked"
    ),
    wrong("brotli", Reply(b"{}", headers={"Content-Encoding": "br"}), "packed its answer in a way that nobody asked for"),
    lasting("body cut off", Reply(send=cut_off), "broke off its answer (peer closed connection"),
    lasting("connection reset", Reply(send=reset), "broke off its answer ("),
    lasting("no HTTP", Reply(send=talk_nonsense), "broke off its answer ("),
    wrong("slow drip", Reply(send=drip), "did not answer within 0.15 s, 3 times in a row"),
    wrong("silence", Reply(send=stay_silent), "did not answer within 0.15 s, 3 times in a row"),
]


@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_a_bad_answer(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.endpoints.answers._MOST_BYTES", 2**21)
    clock = FastClock()
    limits = {"answer_seconds": SECONDS} if kind.name in ("slow drip", "silence") else {}
    with run_service(kind.reply, *([answer_well] if kind.passes else [])) as service:
        encoder = make_encoder(service.url, clock=clock, **limits)
        if kind.said:
            with pytest.raises(ModelUnavailable) as error:
                encoder.encode(TEXTS, role="document")
            message = str(error.value)
            assert message.startswith(f"The embeddings endpoint {service.url}/embeddings ") and kind.said in message
            assert message.isprintable() and KEY not in message and len(message) < 600
        else:
            np.testing.assert_allclose(encoder.encode(TEXTS, role="document").vectors, VECTORS, atol=1e-6)
    assert len(service.bodies) == kind.asked
    least, most = kind.waited
    assert least - 1e-3 <= sum(clock.slept) <= most + 1e-3


def test_what_is_asked() -> None:
    with run_service(answer_well) as service:
        make_encoder(service.url, texts_per_request=2).encode(TEXTS, role="document")
        EndpointEncoder("m", Endpoint(service.url)).encode(["hub"], role="query")
    assert service.paths == ["/v1/embeddings"] * 3
    assert [headers.get("Authorization") for headers in service.headers] == [f"Bearer {KEY}", f"Bearer {KEY}", None]
    assert service.bodies[0] == {"model": "m", "input": ["hub", "clock"], "encoding_format": "float"}


def test_large_values_are_scaled_and_small_ones_too() -> None:
    with run_service(give_rows(lambda rows: [{"index": row["index"], "embedding": [3e30, 4e30]} for row in rows])) as service:
        np.testing.assert_allclose(make_encoder(service.url).encode(["hub"], role="query").vectors, [[0.6, 0.8]], atol=1e-6)


def take_up_to(letters: int, status: int, message: str) -> Callable[[dict[str, Any]], Reply]:
    def reply(body: dict[str, Any]) -> Reply:
        return fail(status, message) if sum(map(len, body["input"])) > letters else answer_well(body)

    return reply


@pytest.mark.parametrize(
    ("status", "message"), [(413, "payload"), (400, "maximum context length is 9 tokens"), (422, "inputs too long")]
)
def test_too_much_at_once_is_sent_in_parts_and_a_text_that_is_too_long_is_named(status: int, message: str) -> None:
    with run_service(take_up_to(9, status, message)) as service:
        np.testing.assert_allclose(make_encoder(service.url).encode(TEXTS * 2, role="document").vectors, VECTORS * 2, atol=1e-6)
        kept: list[int] = []
        with pytest.raises(ModelUnavailable) as error:
            make_encoder(service.url).encode_parts(["a", "hub", "clock and hub", "b"], lambda places, _: kept.extend(places))
    assert kept == [0, 1]  # asked in order, until one could not be had
    assert f": {message}): text 3 of 4, of 13 characters, which begins “clock and hub”. Cut the documents" in str(error.value)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (
            "http://127.0.0.1:9/v1",
            "cannot be reached (All connection attempts failed), 3 times in a row. Check EMBEDDINGS_BASE_URL",
        ),
        ("localhost:8000/v1", "cannot be asked (Request URL is missing an 'http://' or 'https://' protocol.)"),
        ("http://127.0.0.1:port/v1", "cannot be asked (Invalid port: 'port'). Check EMBEDDINGS_BASE_URL"),
        ("http://", "cannot be asked ("),
    ],
)
def test_an_address_at_which_nobody_is(url: str, said: str) -> None:
    with pytest.raises(ModelUnavailable) as error:
        make_encoder(url).encode(["hub"], role="query")
    assert said in str(error.value)


def test_a_server_without_a_certificate() -> None:
    with run_service(answer_well) as service, pytest.raises(ModelUnavailable) as error:
        make_encoder(service.url.replace("http:", "https:")).encode(["hub"], role="query")
    assert "cannot be reached safely (" in str(error.value) and service.bodies == []


@pytest.mark.parametrize("key", ["sk-1\nX-Evil: 1", "schlüssel", "a\tb"])
def test_a_key_that_no_header_can_carry_is_not_sent(key: str) -> None:
    with run_service(answer_well) as service, pytest.raises(ModelUnavailable, match="EMBEDDINGS_API_KEY holds") as error:
        EndpointEncoder("m", Endpoint(service.url, key)).encode(["hub"], role="query")
    assert key not in str(error.value) and service.bodies == []


def test_other_dimensions_in_the_middle() -> None:
    longer = give_rows(lambda rows: [{**row, "embedding": [1.0, 1.0, 1.0]} for row in rows])
    with run_service(answer_well, longer) as service, pytest.raises(ModelUnavailable, match="of 3 dimensions, and of 2 before"):
        make_encoder(service.url, texts_per_request=1).encode(TEXTS, role="document")
    assert len(service.bodies) == 4


def test_what_was_answered_is_handed_over_before_the_failure() -> None:
    kept: list[int] = []
    with run_service(answer_well, answer_well, fail(401)) as service, pytest.raises(ModelUnavailable):
        make_encoder(service.url, texts_per_request=2).encode_parts(TEXTS * 3, lambda places, _: kept.extend(places))
    assert kept == [0, 1, 2, 3] and len(service.bodies) == 3


def test_requests_and_tokens_a_minute_are_kept_to() -> None:
    said: list[str] = []
    with run_service(answer_well) as service:
        clock = FastClock()
        make_encoder(service.url, clock=clock, report=said.append, requests_per_minute=2, texts_per_request=1).encode(
            ["a"] * 5, role="document"
        )
        assert 119 < sum(clock.slept) <= 120  # two at once, two after a minute, one after another
        assert said[0] == "waiting, 60 s: to keep to 2 requests a minute" and "waiting, 1 s:" in said[-1]
        clock = FastClock()
        make_encoder(service.url, clock=clock, tokens_per_minute=10).encode(["1234" * 4] * 4, role="document")
        # 5 tokens each, as it is estimated: two texts a request, a request a minute
        assert 59 < sum(clock.slept) <= 60 and [len(texts) for texts in service.texts[5:]] == [2, 2]


def test_what_the_service_counts_takes_the_place_of_the_estimate() -> None:
    def count(body: dict[str, Any]) -> Reply:
        return Reply({"data": make_rows(body["input"]), "usage": {"total_tokens": 100}})

    with run_service(count) as service:
        clock = FastClock()
        make_encoder(service.url, clock=clock, tokens_per_minute=100, texts_per_request=1).encode(["a"] * 3, role="document")
    assert 119 < sum(clock.slept) <= 120


def test_others_wait_too_when_fewer_requests_are_asked_for() -> None:
    with run_service(fail(429, Retry_After="9"), answer_well) as service:
        clock = FastClock()
        with pytest.raises(ModelUnavailable):
            make_encoder(service.url, clock=clock, tries=1).encode(["a"], role="query")
        make_encoder(service.url, clock=clock).encode(["a"], role="query")
    assert sum(clock.slept) == pytest.approx(9, abs=0.01)


@pytest.mark.parametrize("reply", [fail(429, Retry_After="60"), Reply(send=stay_silent)], ids=["waits", "asks"])
def test_cancel_ends_a_wait_and_a_request(reply: Reply) -> None:
    cancel = CancelToken()
    said: list[str] = []

    def report(label: str) -> None:
        said.append(label)
        cancel.cancel()

    def check() -> None:
        if time.monotonic() > started + 0.1:
            cancel.cancel()
        cancel.check()

    with run_service(reply) as service:
        started = time.monotonic()
        watch = Watch(check, report)  # by the clock on the wall
        with pytest.raises(Cancelled):
            EndpointEncoder("m", Endpoint(service.url), watch=watch, limits=Limits(answer_seconds=30)).encode(
                ["a"], role="query"
            )
        assert time.monotonic() - started < 1
    assert said in ([], ["waiting, 60 s: the embeddings endpoint asks for fewer requests"])


def test_where_a_loop_runs_already() -> None:
    async def ask() -> np.ndarray:
        return make_encoder(service.url).encode(TEXTS, role="document").vectors  # as a notebook does

    with run_service(answer_well) as service:
        np.testing.assert_allclose(asyncio.run(ask()), VECTORS, atol=1e-6)
