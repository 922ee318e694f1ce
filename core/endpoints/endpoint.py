"""An endpoint: where a service answers, and the secrets that no message may repeat."""

from __future__ import annotations

import base64
import functools
import json
import re
import urllib.parse
from dataclasses import dataclass, field

_HIDDEN = "***"
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+")
_QUOTED = 200  # characters of what a server says that are repeated


@dataclass(frozen=True)
class Endpoint:
    """A service of other people. url: ends before the path of what is asked (".../v1"); key: "" where none is wanted.

    what: its name in sentences. url_variable, key_variable: where url and key come from, for the cures. Neither stands in its
    repr().
    """

    url: str = field(repr=False)
    key: str = field(default="", repr=False)
    what: str = "embeddings endpoint"
    url_variable: str = "EMBEDDINGS_BASE_URL"
    key_variable: str = "EMBEDDINGS_API_KEY"

    def address(self, path: str) -> str:
        """The whole address of what is asked; it may hold secrets, as the url may."""
        base, mark, query = self.url.partition("?")
        return f"{base.rstrip('/')}/{path}{mark}{query}"

    def show(self, path: str) -> str:
        """The address as a message may show it: without user, password and query."""
        return self.hide(re.sub("//.*@", "//", self.address(path).partition("?")[0]))

    def hide(self, text: str) -> str:
        """A text without the key, the url's password and the values of its query, however a server may have spelled them."""
        for spelling in self._spellings:
            text = re.sub(re.escape(spelling), _HIDDEN, text, flags=re.IGNORECASE)
        return text

    @functools.cached_property
    def _spellings(self) -> list[str]:
        """The secrets as they are, as in a URL, in JSON, in Python, and as user and password are sent; longest first."""
        base, _, query = self.url.partition("?")
        user = re.search("//([^/]*)@", base)
        names = [] if user is None else [user[1], *map(urllib.parse.unquote, user[1].split(":", 1))]
        together = [base64.b64encode(":".join(names[1:]).encode()).decode()] if user else []
        values = [value for _, value in urllib.parse.parse_qsl(query)]
        found: set[str] = set()
        for secret in filter(None, [self.key, *names, *together, *values]):
            plain = {secret, json.dumps(secret)[1:-1], repr(secret)[1:-1]}
            found |= plain | {spelling.replace("/", "\\/") for spelling in plain}
            found |= {urllib.parse.quote(secret), urllib.parse.quote(secret, safe="")}
        return sorted(found, key=len, reverse=True)

    def quote(self, text: str) -> str:
        """What a server says, as a message may repeat it: one line, cut, without secrets and without signs that no one sees."""
        line = _UNPRINTABLE.sub(" ", self.hide(text)).strip()
        return line if len(line) <= _QUOTED else f"{line[:_QUOTED]}…"
