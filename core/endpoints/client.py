"""The client: asks a service, again where that may help, and says in a sentence what is wrong where it does not."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import itertools
import json
import logging
import math
import random
import ssl
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, NoReturn, TypeVar

import httpx

from core.endpoints.answers import Failure, TooMuch, count_tokens, parse_answer, read_content, tell_broken, tell_late
from core.endpoints.endpoint import Endpoint
from core.endpoints.limits import Limits, Sent, find_pace
from core.endpoints.watch import Watch
from core.errors import ModelUnavailable

_log = logging.getLogger(__name__)
Answer = TypeVar("Answer")

_CONNECT_SECONDS = 10.0
_LONGEST_WAIT = 300.0  # seconds until a request is tried again, whatever the service asks for
_LONGEST_BACK_OFF = 60.0
_TICK = 0.5  # seconds between two looks at Cancel while one waits
_CHECK_SECONDS = 0.2  # and while a request is under way


class Client:
    """Asks one service; ask_service() makes one."""

    def __init__(self, http: httpx.AsyncClient, endpoint: Endpoint, limits: Limits, watch: Watch) -> None:
        self.endpoint, self.limits = endpoint, limits
        self._http, self._watch, self._clock = http, watch, watch.clock
        self._pace = find_pace(endpoint.url, watch.clock)
        self._waits: list[float] = []  # until when those wait that do

    async def ask(
        self, path: str, body: Mapping[str, Any], read: Callable[[Any], Answer], *, subject: str, tokens: int = 0
    ) -> Answer:
        """What `read` makes of the JSON value with which the service answers; it raises WrongAnswer for others.

        subject: what is asked, in words ("the model 'm'"); tokens: of the request, estimated. Raises TooMuch for a request that
        is too long, ModelUnavailable when no further try can help, and what the watch's check() raises.
        """
        for tried in itertools.count(1):
            sent, counted = await self._start(tokens), None
            try:
                value = await self._send(path, body, subject)
                counted = count_tokens(value)
                return read(value)
            except TooMuch:
                raise
            except Failure as failure:
                problem = failure
            finally:
                self._pace.end(sent, tokens=counted)
            _log.debug("%s, try %d: it %s", self.endpoint.show(path), tried, problem.why)
            wait = min(_back_off(tried) if problem.after is None else problem.after, _LONGEST_WAIT)
            waiting = f"the {self.endpoint.what} {problem.waiting}"
            if problem.everyone:
                self._pace.close(self._clock.now() + wait, waiting)
            if tried >= min(problem.tries or self.limits.tries, self.limits.tries):
                raise self.give_up(path, problem, tries=tried)
            if not problem.everyone:
                await self._wait(wait, waiting)
        raise AssertionError  # count() has no end

    def give_up(self, path: str, problem: Failure, *, tries: int = 1) -> ModelUnavailable:
        """What is said of a request that failed for good."""
        endpoint = self.endpoint
        cure = problem.cure.format(url_variable=endpoint.url_variable, key_variable=endpoint.key_variable, path=path)
        tried = f", {tries} times in a row" if tries > 1 else ""
        return ModelUnavailable(f"The {endpoint.what} {endpoint.show(path)} {problem.why}{tried}. {cure}")

    async def together(self, works: Iterable[Coroutine[Any, Any, None]]) -> None:
        """Does them side by side; the first that fails ends the others."""
        tasks = [asyncio.ensure_future(work) for work in works]
        try:
            await asyncio.gather(*tasks)
        finally:
            await _end(*tasks)

    async def _start(self, tokens: int) -> Sent:
        """Waits for the request's turn."""
        while isinstance(found := self._pace.start(tokens, self.limits, self._clock.now()), tuple):
            await self._wait(*found)
        return found

    async def _wait(self, seconds: float, why: str) -> None:
        until = self._clock.now() + seconds
        self._waits.append(until)
        try:
            while (left := until - self._clock.now()) > 0:
                self._watch.check()
                if why and until == max(self._waits):  # several may wait: the last one is told of
                    self._watch.report(f"waiting, {math.ceil(left)} s: {why}")
                await self._clock.sleep(min(left, _TICK))
        finally:
            self._waits.remove(until)

    async def _send(self, path: str, body: Mapping[str, Any], subject: str) -> Any:
        """The JSON value of the answer to one request. Raises Failure, without the error behind it, which may hold the key."""
        endpoint, seconds = self.endpoint, self.limits.answer_seconds
        headers = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "gzip"}
        if endpoint.key:
            headers["Authorization"] = f"Bearer {endpoint.key}"
        sent = json.dumps(body).encode()
        try:
            async with (
                asyncio.timeout(seconds),  # httpx counts from byte to byte, and a drip of them has no end
                self._http.stream("POST", endpoint.address(path), content=sent, headers=headers) as answer,
            ):
                content = await read_content(answer)
        except (TimeoutError, httpx.TimeoutException):
            raise tell_late(seconds) from None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise tell_broken(error, endpoint) from None
        return parse_answer(answer.status_code, answer.headers, content, endpoint=endpoint, subject=subject)


def ask_service(
    endpoint: Endpoint, work: Callable[[Client], Coroutine[Any, Any, Answer]], *, limits: Limits, watch: Watch
) -> Answer:
    """What the work gives, which asks through the client that it is handed. The watch's check() is called all the time."""
    if not endpoint.key.isascii() or not endpoint.key.isprintable():
        raise ModelUnavailable(
            f"{endpoint.key_variable} holds a line break or another sign that no key has, so nothing is sent. Set it anew."
        )

    async def refuse_redirect(answer: httpx.Response) -> None:
        if answer.is_redirect:  # httpx would take the address apart, and repeat parts of it where it is none
            parse_answer(answer.status_code, answer.headers, b"", endpoint=endpoint, subject="")

    async def run() -> Answer:
        # Redirects are not followed: whoever the answer names would get the texts and the key.
        timeout = httpx.Timeout(limits.answer_seconds, connect=min(_CONNECT_SECONDS, limits.answer_seconds))
        hooks = {"response": [refuse_redirect]}
        async with httpx.AsyncClient(timeout=timeout, verify=_read_certificates(), event_hooks=hooks) as http:
            doing = asyncio.ensure_future(work(Client(http, endpoint, limits, watch)))
            checking = asyncio.ensure_future(_keep_checking(watch))
            try:
                await asyncio.wait((doing, checking), return_when=asyncio.FIRST_COMPLETED)
                return (doing if doing.done() else checking).result()
            finally:
                await _end(doing, checking)

    if not _is_in_loop():
        return asyncio.run(run())
    with concurrent.futures.ThreadPoolExecutor(1) as thread:  # a notebook's loop, say, which cannot be entered twice
        return thread.submit(asyncio.run, run()).result()


def _is_in_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def _keep_checking(watch: Watch) -> NoReturn:
    while True:
        watch.check()
        await asyncio.sleep(_CHECK_SECONDS)


async def _end(*tasks: asyncio.Future[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@functools.cache
def _read_certificates() -> ssl.SSLContext:
    """Those that are trusted: reading them takes longer than asking a server nearby."""
    return httpx.create_ssl_context()


def _back_off(tried: int) -> float:
    """Seconds to wait after so many tries: 1, 2, 4, ... and by chance up to half as many again, lest all come back at once."""
    return min(2.0 ** (tried - 1), _LONGEST_BACK_OFF) * random.uniform(1.0, 1.5)
