"""The password in front of the app: compared, tries counted, and a signed cookie for whoever knew it."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import time
import unicodedata
from collections import deque
from collections.abc import Callable

from itsdangerous import BadData, URLSafeTimedSerializer

MINUTE = 60.0
TRIES, TRIES_OF_ALL = 5, 20  # wrong ones in a minute: from one address, and from all of them together
STAYS = 7 * 24 * 3600  # seconds after which the password is asked for again


class Password:
    """Who knows the password gets a token; a token is good until it is old, its owner logs out or the server ends."""

    def __init__(self, password: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._digest = _digest(password)
        self._signer = URLSafeTimedSerializer(secrets.token_bytes(32), salt="login")
        self._known: dict[str, float] = {}  # id in a token -> when it was given
        self._wrong: deque[tuple[float, str]] = deque()  # when, from where
        self._clock = clock

    def seconds_to_wait(self, address: str) -> float:
        """0 if a try from this address is looked at now."""
        now, place = self._clock(), _place(address)
        while self._wrong and self._wrong[0][0] <= now - MINUTE:
            self._wrong.popleft()
        own = [when for when, where in self._wrong if where == place]
        full = [
            times[-most] for times, most in ((own, TRIES), ([w for w, _ in self._wrong], TRIES_OF_ALL)) if len(times) >= most
        ]
        return max((when + MINUTE - now for when in full), default=0.0)

    def give_token(self, typed: str, address: str) -> str | None:
        """A token if this is the password, else None. Ask seconds_to_wait() first."""
        if not hmac.compare_digest(_digest(typed), self._digest):
            self._wrong.append((self._clock(), _place(address)))
            return None
        now = self._clock()
        self._known = {name: given for name, given in self._known.items() if given > now - STAYS}
        name = secrets.token_urlsafe(16)
        self._known[name] = now
        return str(self._signer.dumps(name))

    def knows(self, token: str) -> bool:
        """Whether the token is one of ours and still good."""
        given = self._known.get(self._read(token))
        return given is not None and given > self._clock() - STAYS

    def forget(self, token: str) -> None:
        """Somebody logs out: the token is no good any more, wherever it is kept."""
        self._known.pop(self._read(token), None)

    def _read(self, token: str) -> str:
        try:
            return str(self._signer.loads(token, max_age=STAYS))
        except BadData:
            return ""


def _digest(text: str) -> bytes:
    """Of equal length for all texts, so that comparing tells nothing; letters with accents have two spellings."""
    return hashlib.sha256(unicodedata.normalize("NFC", text).encode("utf-8", "surrogatepass")).digest()


def _place(address: str) -> str:
    """What counts as one address: in IPv6 its network, since a household has 2^64 of them."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or ipaddress.ip_network((int(found), 64), strict=False))
