"""Kept answers: byte for byte or not at all."""

import asyncio
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.errors import IdempotencyAnswerGone, IdempotencyElsewhere
from tallygate.genai.book import Answer
from tallygate.media.folder import Folder
from tallygate.media.seal import SEGMENT_BYTES_MAX
from tallygate.media.settings import IdempotencySettings
from tallygate.media.spool import Head, Spool
from tests.media.spooling import KEY, LONG, OK, files, is_gone, keep, object_of, replay

pytestmark = pytest.mark.anyio

MINUTE_NS = 60 * 10**9


@pytest.mark.parametrize("size", [0, 1, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MAX + 1, len(LONG)])
async def test_an_answer_is_given_again_byte_for_byte(spool: Spool, size: int) -> None:
    answer = await keep(spool, "hold_1", LONG[:size])
    for _ in range(2):
        assert await replay(spool, answer) == (OK, LONG[:size])


async def test_another_process_with_the_key_gives_it_too(folder: Folder, spool: Spool) -> None:
    answer = await keep(spool, "hold_1", b"data: 1\n\n", b"data: [DONE]\n\n")
    other = Spool(folder, KEY, IdempotencySettings())
    assert await replay(other, answer) == (OK, b"data: 1\n\ndata: [DONE]\n\n")


@given(st.lists(st.binary(max_size=300).map(lambda chunk: chunk * 300), max_size=6))
def test_the_split_of_an_answer_never_changes_it(tmp_path_factory: pytest.TempPathFactory, chunks: list[bytes]) -> None:
    async def record() -> None:
        folder = Folder(tmp_path_factory.mktemp("media"))
        spool = Spool(folder, KEY, IdempotencySettings())
        split, whole = await keep(spool, "split", *chunks), await keep(spool, "whole", b"".join(chunks))
        assert split.digest == whole.digest
        assert await replay(spool, split) == (OK, b"".join(chunks))
        folder.close()

    asyncio.run(record())


async def test_headers_of_the_first_exchange_are_not_given_again(spool: Spool) -> None:
    kept = (("content-type", "text/event-stream"), ("x-tallygate-cost-usd", "0.01"), ("content-length", "1"))
    own = (("X-Request-ID", "a"), ("request-id", "a"), ("Date", "now"), ("x-ratelimit-remaining-requests", "3"))
    answer = await keep(spool, "hold_1", b"x", head=Head(200, (*own, *kept)))
    assert await replay(spool, answer) == (Head(200, kept), b"x")


async def test_the_digest_is_of_body_and_head(spool: Spool) -> None:
    digests = {
        (await keep(spool, "a", b"x")).digest,
        (await keep(spool, "b", b"y")).digest,
        (await keep(spool, "c", b"x", head=Head(201, OK.headers))).digest,
        (await keep(spool, "d", b"x", head=Head(200))).digest,
    }
    assert len(digests) == 4
    assert (await keep(spool, "e", b"x")).digest in digests


async def test_nothing_of_an_answer_can_be_read_in_the_folder(spool: Spool, tmp_path: Path) -> None:
    answer = await keep(spool, "hold_1", b"the secret answer " * 9000)
    data = object_of(tmp_path, answer).read_bytes()
    assert b"secret" not in data
    assert b"content-type" not in data


async def test_any_damage_is_seen_before_a_byte_is_given(spool: Spool, tmp_path: Path) -> None:
    answer = await keep(spool, "hold_1", LONG)
    path = object_of(tmp_path, answer)
    sound = path.read_bytes()
    for place in (0, 20, 44, len(sound) // 2, len(sound) - 1):
        path.write_bytes(sound[:place] + bytes((sound[place] ^ 1,)) + sound[place + 1 :])
        assert await is_gone(spool, answer)
    for length in (0, 8, 40, len(sound) // 2, len(sound) - 1):
        path.write_bytes(sound[:length])
        assert await is_gone(spool, answer)
    path.write_bytes(sound)
    assert (await replay(spool, answer))[1] == LONG


async def test_objects_cannot_be_swapped(spool: Spool, tmp_path: Path) -> None:
    one, two = await keep(spool, "hold_1", b"one"), await keep(spool, "hold_2", b"two")
    assert await is_gone(spool, Answer(one.digest, two.object_name))
    object_of(tmp_path, two).replace(object_of(tmp_path, one))
    assert await is_gone(spool, one)
    assert await is_gone(spool, two)


async def test_damage_while_it_is_given_breaks_it_off(spool: Spool, tmp_path: Path) -> None:
    answer = await keep(spool, "hold_1", LONG)
    async with spool.replay(answer) as replayed:
        object_of(tmp_path, answer).write_bytes(b"")
        with pytest.raises(IdempotencyAnswerGone):
            _ = [piece async for piece in replayed.body]


async def test_a_sweep_does_not_disturb_a_replay(spool: Spool) -> None:
    answer = await keep(spool, "hold_1", LONG)
    async with spool.replay(answer) as replayed:
        assert (await spool.sweep(time.time_ns() + 60 * MINUTE_NS)).removed == 1
        assert b"".join([piece async for piece in replayed.body]) == LONG
    assert await is_gone(spool, answer)


async def test_an_answer_of_another_key_lies_elsewhere(folder: Folder, spool: Spool) -> None:
    answer = await keep(spool, "hold_1", b"x")
    with pytest.raises(IdempotencyElsewhere):
        async with Spool(folder, bytes(32), IdempotencySettings()).replay(answer):
            pass


async def test_an_abandoned_recording_leaves_nothing(folder: Folder, spool: Spool, tmp_path: Path) -> None:
    recording = spool.record("hold_1")
    await recording.write(LONG)
    recording.abandon()
    recording.abandon()
    await recording.write(b"more")
    assert await recording.finish(OK) is None
    folder.close()
    assert files(tmp_path) == []


async def test_a_forgotten_answer_is_gone(spool: Spool) -> None:
    answer = await keep(spool, "hold_1", b"x")
    await spool.forget(answer)
    assert await is_gone(spool, answer)
    await spool.forget(answer)
