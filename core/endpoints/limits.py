"""How much is asked of a service at once and in a minute, and when the next request may go."""

from __future__ import annotations

import functools
import math
import threading
from collections import deque
from dataclasses import dataclass, field

from core.errors import InputError, check_range

_MINUTE = 60.0


@dataclass(frozen=True)
class Limits:
    """requests_per_minute, tokens_per_minute: None for no limit; tokens are estimated at four bytes each, and what the
    service counts takes their place. at_once: requests under way. texts_per_request: at most. answer_seconds: until a
    request has to be answered. tries: of one request, the first included.

    Raises InputError for values out of range.
    """

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    at_once: int = 2
    texts_per_request: int = 64
    answer_seconds: float = 60.0
    tries: int = 6

    def __post_init__(self) -> None:
        for name in ("requests_per_minute", "tokens_per_minute"):
            if getattr(self, name) is not None:
                check_range(name, getattr(self, name), low=1)
        check_range("at_once", self.at_once, low=1, high=64)
        check_range("texts_per_request", self.texts_per_request, low=1, high=2048)
        if not math.isfinite(self.answer_seconds):
            raise InputError(f"answer_seconds is {self.answer_seconds}; it must be a number of seconds")
        check_range("answer_seconds", self.answer_seconds, low=0.1, high=3600)
        check_range("tries", self.tries, low=1, high=20)


LIMIT_WORDS = {
    "requests_per_minute": "Requests a minute, at most",
    "tokens_per_minute": "Tokens a minute, at most",
    "at_once": "Requests at once",
    "texts_per_request": "Texts in a request",
    "answer_seconds": "Seconds until an answer has to be there",
    "tries": "Tries of one request",
}


@dataclass
class Sent:
    """A request that went: when, and how many tokens it had."""

    at: float
    tokens: int


@dataclass
class Pace:
    """What this process asked of one service in the last minute, and when it may ask again; for any number of threads."""

    _sent: deque[Sent] = field(default_factory=deque)
    _under_way: int = 0
    _closed: tuple[float, str] = (0.0, "")  # until when, and why
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, tokens: int, limits: Limits, now: float) -> Sent | tuple[float, str]:
        """The request, which goes now and has to be ended with end(); or the seconds to wait before asking again, and why."""
        with self._lock:
            while self._sent and self._sent[0].at <= now - _MINUTE:
                self._sent.popleft()
            wait = self._find_wait(tokens, limits, now)
            if wait is not None:
                return wait
            self._under_way += 1
            self._sent.append(Sent(now, tokens))
            return self._sent[-1]

    def _find_wait(self, tokens: int, limits: Limits, now: float) -> tuple[float, str] | None:
        until, why = self._closed
        if until > now:
            return until - now, why
        requests, most = limits.requests_per_minute, limits.tokens_per_minute
        if requests is not None and len(self._sent) >= requests:
            return self._sent[-requests].at + _MINUTE - now, f"to keep to {requests:,} requests a minute"
        if most is not None and self._sent:
            left = sum(sent.tokens for sent in self._sent) + tokens - most
            for sent in self._sent:
                if left <= 0:
                    break
                left -= sent.tokens
                free = sent.at + _MINUTE - now
                if left <= 0 or sent is self._sent[-1]:
                    return free, f"to keep to {most:,} tokens a minute"
        return (0.05, "") if self._under_way >= limits.at_once else None

    def end(self, sent: Sent, *, tokens: int | None = None) -> None:
        """The request is over; tokens: as the service counted them."""
        with self._lock:
            self._under_way -= 1
            sent.tokens = sent.tokens if tokens is None else tokens

    def close(self, until: float, why: str) -> None:
        """Nothing is asked before that time: the service wants to be left alone."""
        with self._lock:
            self._closed = max(self._closed, (until, why))


@functools.cache
def find_pace(url: str, clock: object) -> Pace:
    """The one pace of a service in this process, in the time of this clock."""
    return Pace()
