"""Random blocks: none is given out twice, by whichever thread or process."""

import os
from concurrent.futures import ThreadPoolExecutor

from tallygate.access.random_blocks import BLOCK_BYTES, take_block

MANY = 2_000


def test_blocks_are_of_one_size_and_never_the_same() -> None:
    with ThreadPoolExecutor(4) as threads:
        blocks = list(threads.map(lambda _: take_block(), range(MANY)))
    assert {len(block) for block in blocks} == {BLOCK_BYTES}
    assert len(set(blocks)) == MANY


def test_a_forked_process_does_not_hand_out_what_its_parent_does() -> None:
    take_block()  # so that some are left
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, take_block())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reading, BLOCK_BYTES)
    os.close(reading)
    os.close(writing)
    assert len(theirs) == BLOCK_BYTES
    assert theirs not in {take_block() for _ in range(MANY)}
