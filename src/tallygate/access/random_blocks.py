"""Random bytes for ids and seeds of calls, from the operating system in bulk.

Asking it for a few bytes lets go of the interpreter, and whoever takes it up then, such as the writer's thread, is
waited for; a call needs several. Keys and other lasting secrets ask for themselves.
"""

import os
from typing import Final

BLOCK_BYTES: Final = 16

_BLOCKS: Final = 256

_left: list[bytes] = []


def take_block() -> bytes:
    """16 random bytes that nobody else gets. From any thread, in any process."""
    try:
        return _left.pop()
    except IndexError:
        fresh = os.urandom(BLOCK_BYTES * _BLOCKS)
        _left.extend(fresh[start : start + BLOCK_BYTES] for start in range(BLOCK_BYTES, len(fresh), BLOCK_BYTES))
        return fresh[:BLOCK_BYTES]


# A forked worker would hand out what its parent hands out, too.
os.register_at_fork(after_in_child=_left.clear)
