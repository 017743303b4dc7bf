"""Somebody who guesses keys from one address: refused, then told to wait, while a good key from there is served."""

import time
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.contract.gateway import Gateway, clean_env, start_gateway
from tests.fakes.front import Answer, Line
from tests.security.town import change

GUESSES = 1_000
PER_MINUTE = 30
KEY = b"GET /v1/key HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %b\r\n%b\r\n"


@pytest.fixture
def gateway(tmp_path: Path) -> Generator[Gateway]:
    """A gateway with its settings as they come."""
    with start_gateway(clean_env(tmp_path), "--demo") as running:
        yield running


def ask(line: Line, key: str, headers: bytes = b"") -> Answer:
    return line.send(KEY % (key.encode(), headers)).read()


def test_whoever_guesses_is_slowed_down_and_a_good_key_is_not(gateway: Gateway) -> None:
    begun_s = time.monotonic()
    with Line(gateway.port) as line:
        answers = [ask(line, change(gateway.key, 5 + number % 35)) for number in range(GUESSES)]
        assert ask(line, gateway.key).status == 200
    took_s = time.monotonic() - begun_s
    told = [answer.status for answer in answers]
    assert set(told) == {401, 429}
    assert PER_MINUTE <= told.count(401) <= PER_MINUTE * (1 + took_s / 60) + 1
    assert told[:PER_MINUTE] == [401] * PER_MINUTE
    for answer in answers:
        if answer.status == 429:
            assert 1 <= int(answer.headers["retry-after"]) <= 60
            assert b"too_many_wrong_keys" in answer.body


def test_nobody_guesses_on_under_a_claimed_address(gateway: Gateway) -> None:
    with Line(gateway.port) as line:
        for number in range(PER_MINUTE):
            assert ask(line, change(gateway.key, 10), b"X-Forwarded-For: 203.0.113.%d\r\n" % number).status == 401
    with Line(gateway.port) as line:
        told = [
            ask(line, change(gateway.key, 10), claim).status
            for claim in (
                b"",
                b"X-Forwarded-For: 198.51.100.1\r\n",
                b"Forwarded: for=198.51.100.2\r\n",
                b"X-Real-IP: ::1\r\n",
            )
        ]
        assert told.count(429) >= 3, told
        assert ask(line, gateway.key, b"X-Forwarded-For: 203.0.113.1\r\n").status == 200
