"""Ids of calls are UUIDs of version 7 that begin with the time."""

import time
import uuid

from tallygate.api.call_id import make_call_id


def read(call_id: str) -> uuid.UUID:
    assert call_id.startswith("call_")
    return uuid.UUID(call_id.removeprefix("call_"))


def test_an_id_is_a_uuid_of_version_seven_and_of_this_moment() -> None:
    before_ms = time.time_ns() // 1_000_000
    made = read(make_call_id())
    after_ms = time.time_ns() // 1_000_000
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert before_ms <= made.int >> 80 <= after_ms


def test_every_random_bit_is_used() -> None:
    made = [read(make_call_id()).int for _ in range(500)]
    noise = (1 << 80) - 1 - (0xF << 76) - (3 << 62)
    ever_set, ever_clear = 0, 0
    for number in made:
        ever_set |= number
        ever_clear |= ~number
    assert ever_set & noise == noise
    assert ever_clear & noise == noise
    assert len(set(made)) == len(made)
