"""What a message may show of an endpoint: no key, no password, however they are spelled."""

from __future__ import annotations

import base64
import json
import urllib.parse

import pytest

from core.endpoints.endpoint import Endpoint

KEY = 'sk/Se"cret+4711='


@pytest.mark.parametrize(
    "spelling",
    [
        KEY,
        KEY.upper(),
        urllib.parse.quote(KEY),
        urllib.parse.quote(KEY, safe=""),
        json.dumps(KEY),
        repr(KEY),
        KEY.replace("/", "\\/"),
    ],
)
def test_a_key_is_hidden(spelling: str) -> None:
    said = Endpoint("http://host/v1", KEY).quote(f"the key {spelling} is unknown")
    assert "***" in said and "4711" not in said


def test_a_key_is_hidden_before_words_are_cut() -> None:
    said = Endpoint("http://host/v1", KEY).quote("x" * 195 + KEY)
    assert said == "x" * 195 + "***"
    assert len(Endpoint("http://host/v1").quote("x" * 500)) == 201


def test_secrets_of_an_address() -> None:
    endpoint = Endpoint("https://me:pa%20ss@host:8000/v1?api-key=tiger&version=2")
    assert endpoint.address("embeddings") == "https://me:pa%20ss@host:8000/v1/embeddings?api-key=tiger&version=2"
    assert endpoint.show("embeddings") == "https://host:8000/v1/embeddings"
    sent = base64.b64encode(b"me:pa ss").decode()
    said = endpoint.hide(f"pa%20ss, pa ss, tiger, Basic {sent}")
    assert said == "***, ***, ***, Basic ***"
    assert repr(endpoint).isprintable() and not {"tiger", "pa", "host"} & set(repr(endpoint).replace("'", " ").split())


def test_signs_that_no_one_sees_are_left_out() -> None:
    assert Endpoint("http://host").quote("a\x1b[2Jb\r\n\u202ec\ud800") == "a [2Jb c"
