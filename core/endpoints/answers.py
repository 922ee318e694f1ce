"""What a service answers: the JSON value that was asked for, or the failure that its answer, or none, stands for."""

from __future__ import annotations

import email.utils
import json
import math
import re
import ssl
import time
import zlib
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import httpx

from core.endpoints.endpoint import Endpoint

_MOST_BYTES = 64 * 2**20  # of an answer, unpacked
_PACKED = ("gzip", "x-gzip", "deflate")
_WRONG_TRIES = 3  # of a request whose answer is wrong: each may have to be paid
_READ_CHARACTERS = 100_000  # of an error, in which its words are looked for
_TOO_LONG = re.compile(r"too (long|large|many)|maximum|exceed|context.length|token.limit|longer than", re.IGNORECASE)
_NO_MONEY = re.compile(r"insufficient.quota|billing|credit", re.IGNORECASE)
_ADDRESS_CURE = "Check {url_variable}, which ends before /{path}, and the model's name."
_WRONG_CURE = "Check the server and the model's name; nothing of that answer is used."
_SERVER_CURE = "Check the server, or try again later; what was received is kept."


class Failure(Exception):
    """A request that was not answered as it should be.

    why: what the service did, as the end of "The endpoint ..."; cure: sentences that may hold {url_variable}, {key_variable},
    {path}. tries: how often such a request is tried, None: as often as the limits allow. waiting: why one waits then, as the
    end of "the endpoint ..."; after: seconds that the service asks to wait; everyone: whether other requests wait as well.
    """

    def __init__(
        self,
        why: str,
        *,
        cure: str,
        tries: int | None = 1,
        waiting: str = "",
        after: float | None = None,
        everyone: bool = False,
    ) -> None:
        super().__init__(why)
        self.why, self.cure, self.tries = why, cure, tries
        self.waiting, self.after, self.everyone = waiting, after, everyone


class TooMuch(Failure):
    """The request, or a text in it, is longer than the service takes."""


class WrongAnswer(Failure):
    """An answer that is not what was asked for. It may have been paid for, and is not asked for as often as others."""

    def __init__(self, why: str, *, cure: str = _WRONG_CURE, tries: int = _WRONG_TRIES) -> None:
        super().__init__(why, cure=cure, tries=tries, waiting="gave a wrong answer")


async def read_content(answer: httpx.Response) -> bytes:
    """The body, unpacked; no more of it than an answer may have, however small it was packed. Raises WrongAnswer."""
    packed = answer.headers.get("Content-Encoding", "").strip().lower()
    if packed not in (*_PACKED, "identity", ""):
        raise WrongAnswer("packed its answer in a way that nobody asked for")
    unpack = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32) if packed in _PACKED else None
    content = bytearray()
    try:
        async for part in answer.aiter_raw():
            content += unpack.decompress(part, _MOST_BYTES + 1 - len(content)) if unpack else part
            if len(content) > _MOST_BYTES:
                raise WrongAnswer(f"answered with more than {_MOST_BYTES >> 20} MB", tries=1)
    except zlib.error:
        raise WrongAnswer("answered with something packed that cannot be unpacked") from None
    if unpack and content and not unpack.eof:
        raise WrongAnswer("broke off in the middle of its packed answer")
    return bytes(content)


def parse_answer(status: int, headers: httpx.Headers, content: bytes, *, endpoint: Endpoint, subject: str) -> Any:
    """The JSON value of an answer, whatever kind of content it is said to be. subject: what was asked, in words.

    Raises the Failure that any other answer stands for.
    """
    words = endpoint.quote(_find_words(content))
    if status != HTTPStatus.OK:
        said = f"{status} {_name_status(status)}".strip() + (f": {words}" if words else "")
        raise _tell_refused(status, headers, said, endpoint=endpoint, subject=subject)
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        what = "a web page" if content.lstrip()[:1] == b"<" else "something that is no JSON"
        raise WrongAnswer(f"answered with {what} ({words or 'empty'})", cure=_ADDRESS_CURE) from None
    if isinstance(value, dict) and value.get("error"):
        raise WrongAnswer(f"answered with an error ({words})")
    return value


def tell_broken(error: Exception, endpoint: Endpoint) -> Failure:
    """The failure of a request that came to no answer."""
    said = endpoint.quote(str(error))
    if not said or (isinstance(error, httpx.InvalidURL | ValueError) and "@" in endpoint.url):
        said = type(error).__name__  # where the address cannot be taken apart, a part of a password would be repeated
    if any(isinstance(cause, ssl.SSLError) for cause in _list_causes(error)):
        cure = "Check {url_variable} and the server's certificate; SSL_CERT_FILE names a file of others to trust."
        return Failure(f"cannot be reached safely ({said})", cure=cure)
    if not isinstance(error, httpx.HTTPError) or isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return Failure(f"cannot be asked ({said})", cure="Check {url_variable}: an address such as http://localhost:8000/v1.")
    if isinstance(error, httpx.ConnectError):
        cure = "Check {url_variable}, and whether the server runs."
        return Failure(f"cannot be reached ({said})", cure=cure, tries=_WRONG_TRIES, waiting="cannot be reached")
    return Failure(f"broke off its answer ({said})", cure=_SERVER_CURE, tries=None, waiting="broke off its answer")


def tell_late(seconds: float) -> Failure:
    """The failure of a request that was not answered in time."""
    return Failure(f"did not answer within {seconds:g} s", cure=_SERVER_CURE, tries=_WRONG_TRIES, waiting="does not answer")


def _tell_refused(status: int, headers: httpx.Headers, said: str, *, endpoint: Endpoint, subject: str) -> Failure:
    """The failure that a status other than 200 stands for."""
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        if endpoint.key:
            return Failure(f"refused the key ({said})", cure="Set {key_variable} to a key that it accepts.")
        return Failure(f"wants a key ({said})", cure="Set {key_variable} to it.")
    if status == HTTPStatus.NOT_FOUND:
        return Failure(f"does not know this address, or {subject} ({said})", cure=_ADDRESS_CURE)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE or (status in (400, 422) and _TOO_LONG.search(said)):
        return TooMuch(f"takes no text as long ({said})", cure="")
    if status == HTTPStatus.TOO_MANY_REQUESTS and _NO_MONEY.search(said):
        return Failure(f"says that nothing is left to pay with ({said})", cure="Check the account of {key_variable}.")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        waiting = "asks for fewer requests"
        cure = "Lower the limits of requests and tokens a minute, or try again later; what was received is kept."
        after = _read_wait(headers)
        return Failure(f"{waiting} ({said})", cure=cure, tries=None, waiting=waiting, after=after, everyone=True)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY):
        waiting, after = f"is busy or broken ({status})", _read_wait(headers)
        return Failure(f"is busy or broken ({said})", cure=_SERVER_CURE, tries=None, waiting=waiting, after=after)
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        place = re.sub("//.*@", "//", re.split("[?#]", headers.get("Location", ""))[0])
        there = f"sends to another address ({said}" + (f", {endpoint.quote(place)})" if place else ")")
        return Failure(there, cure="It is not followed, for it would be given the texts and the key: set {url_variable} anew.")
    return Failure(f"did not accept the request for {subject} ({said})", cure="Check the model's name, and what it takes.")


def _find_words(content: bytes) -> str:
    """What a service says went wrong, wherever it stands: in one of the usual fields, in the title of a page, or as text."""
    if len(content) > _READ_CHARACTERS:
        content = content[:_READ_CHARACTERS]
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        text = content.decode(errors="replace")
        title = re.search(r"<title[^>]*>([^<]*)", text, re.IGNORECASE)
        return " ".join((title[1] if title else re.sub(r"<[^>]*>", " ", text)).split())
    for name in ("error", "message", "detail"):
        if isinstance(value, dict) and value.get(name):
            value = value[name]
    return " ".join((value if isinstance(value, str) else json.dumps(value)).split())


def _name_status(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _list_causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _read_wait(headers: httpx.Headers) -> float | None:
    """Seconds that Retry-After asks for, as a number or as a date; None if it says nothing that can be read."""
    written = headers.get("Retry-After", "").strip()
    try:
        seconds = float(written)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(written).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def count_tokens(value: Any) -> int | None:
    """Tokens of a request as the service counted them, where its answer says so."""
    usage = value.get("usage") if isinstance(value, dict) else None
    counted = usage.get("total_tokens") if isinstance(usage, dict) else None
    return counted if type(counted) is int and counted >= 0 else None
