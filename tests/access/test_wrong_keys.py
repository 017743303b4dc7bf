"""Wrong keys from one address: how many pass in a minute, for whom they count, and what is forgotten."""

from contextlib import suppress

import pytest

from tallygate.access.wrong_keys import WrongKeys
from tallygate.errors import TooManyWrongKeys


class Clock:
    """A clock that can be set."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def count(counter: WrongKeys, address: str, times: int) -> int:
    """How many of some wrong keys at once are still only wrong."""
    passed = 0
    for _ in range(times):
        with suppress(TooManyWrongKeys):
            counter.note(address)
            passed += 1
    return passed


def test_so_many_pass_at_once_and_as_many_more_in_a_minute() -> None:
    clock = Clock()
    counter = WrongKeys(30, clock)
    assert count(counter, "192.0.2.1", 1_000) == 30
    clock.now_s = 10
    assert count(counter, "192.0.2.1", 1_000) == 5
    clock.now_s = 1_000
    assert count(counter, "192.0.2.1", 1_000) == 30


def test_who_waits_as_told_is_not_told_to_wait_again() -> None:
    clock = Clock()
    counter = WrongKeys(7, clock)
    count(counter, "192.0.2.1", 7)
    with pytest.raises(TooManyWrongKeys) as caught:
        counter.note("192.0.2.1")
    assert caught.value.retry_after_s is not None
    assert 1 <= caught.value.retry_after_s <= 60
    clock.now_s += caught.value.retry_after_s
    counter.note("192.0.2.1")


def test_each_address_counts_for_itself_and_an_ipv6_network_as_one() -> None:
    counter = WrongKeys(2, Clock())
    assert count(counter, "192.0.2.1", 5) == count(counter, "192.0.2.2", 5) == 2
    assert count(counter, "2001:db8::1", 2) == 2
    assert count(counter, "2001:db8::ffff:1", 1) == 0
    assert count(counter, "2001:db8:0:1::1", 1) == 1
    assert count(counter, "::ffff:192.0.2.1", 1) == 1
    assert count(counter, "", 5) == 2


def test_who_was_quiet_longest_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tallygate.access.wrong_keys.ADDRESSES_MAX", 2)
    counter = WrongKeys(1, Clock())
    for address in ("192.0.2.1", "192.0.2.2"):
        counter.note(address)
    assert count(counter, "192.0.2.1", 1) == 0
    counter.note("192.0.2.3")
    assert count(counter, "192.0.2.1", 1) == 0
    counter.note("192.0.2.2")
