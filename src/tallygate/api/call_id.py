"""Ids of calls: the names of their holds and receipts. UUIDs of version 7 (RFC 9562, section 5.7), in hexadecimal.

They begin with the time, so that the book's tables grow at their ends: with random ids a hold costs half as much again
once a table is large. 74 random bits keep them unguessable.
"""

import time

from tallygate.access.random_blocks import take_block

_VERSION = 7 << 76
_VARIANT = 2 << 62
_NS_PER_MS = 1_000_000
_NOISE_MAX = (1 << 74) - 1


def make_call_id() -> str:
    """A new id: ``call_`` and 32 hexadecimal digits."""
    noise = int.from_bytes(take_block(), "big") & _NOISE_MAX
    stamp = (time.time_ns() // _NS_PER_MS & (1 << 48) - 1) << 80
    number = stamp | _VERSION | noise >> 62 << 64 | _VARIANT | noise & (1 << 62) - 1
    return f"call_{number:032x}"
