from __future__ import annotations

import pytest

from server.password import MINUTE, STAYS, TRIES, TRIES_OF_ALL, Password


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_whoever_knows_it_gets_a_token_that_nobody_else_can_make(clock: Clock) -> None:
    password = Password("grün", clock=clock)
    assert password.give_token("grun", "a") is None and password.give_token("", "a") is None
    token = password.give_token("gru\u0308n", "a")  # the same letters, as another keyboard writes them
    assert token is not None and password.knows(token)
    said, dot, signature = token.rpartition(".")
    # Its first letter, not its last: that one carries four bits of the signature, and two that nobody reads.
    forged = said + dot + ("a" if signature[0] != "a" else "b") + signature[1:]
    assert not password.knows("") and not password.knows(forged)
    stranger = Password("grün", clock=clock)
    assert not stranger.knows(token), "another run signs with another key"


def test_a_token_ends_with_the_log_out_and_with_its_time(clock: Clock) -> None:
    password = Password("secret", clock=clock)
    first, second = password.give_token("secret", "a"), password.give_token("secret", "a")
    assert first is not None and second is not None
    password.forget(first)
    assert not password.knows(first) and password.knows(second)
    clock.now += STAYS
    assert not password.knows(second)


def test_five_wrong_tries_a_minute_from_one_address(clock: Clock) -> None:
    password = Password("secret", clock=clock)
    for _ in range(TRIES):
        assert password.seconds_to_wait("10.0.0.1") == 0
        password.give_token("wrong", "10.0.0.1")
        clock.now += 1
    # The first of five was 5 s ago: it counts for 55 more.
    assert password.seconds_to_wait("10.0.0.1") == MINUTE - TRIES
    assert password.seconds_to_wait("10.0.0.2") == 0
    clock.now += MINUTE - TRIES
    assert password.seconds_to_wait("10.0.0.1") == 0


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("2001:db8::1", "2001:db8::ffff:2", True),  # one network of 2^64 addresses
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True),  # how a server on "::" sees an IPv4 address
        ("::ffff:10.0.0.1", "::ffff:10.0.0.2", False),
        ("fe80::1%eth0", "fe80::1%eth1", True),
    ],
)
def test_what_counts_as_one_address(clock: Clock, one: str, other: str, alike: bool) -> None:
    password = Password("secret", clock=clock)
    for _ in range(TRIES):
        password.give_token("wrong", one)
    assert (password.seconds_to_wait(other) > 0) is alike


def test_from_many_addresses_together_no_more_than_a_few(clock: Clock) -> None:
    password = Password("secret", clock=clock)
    for number in range(TRIES_OF_ALL):
        assert password.seconds_to_wait(f"10.0.0.{number}") == 0
        password.give_token("wrong", f"10.0.0.{number}")
    assert password.seconds_to_wait("10.0.0.99") == MINUTE
