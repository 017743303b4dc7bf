"""Keeping answers and giving them again, as the tests of the spool do it."""

import os
from pathlib import Path

from tallygate.errors import IdempotencyAnswerGone
from tallygate.genai.book import Answer
from tallygate.media.seal import SEGMENT_BYTES_MAX
from tallygate.media.spool import Head, Spool

KEY = bytes(range(32))
OK = Head(200, (("content-type", "application/json"),))
LONG = os.urandom(5 * SEGMENT_BYTES_MAX + 123)


async def keep(spool: Spool, hold_id: str, *chunks: bytes, head: Head = OK) -> Answer:
    answer = await try_to_keep(spool, hold_id, *chunks, head=head)
    assert answer is not None
    return answer


async def try_to_keep(spool: Spool, hold_id: str, *chunks: bytes, head: Head = OK) -> Answer | None:
    recording = spool.record(hold_id)
    for chunk in chunks:
        await recording.write(chunk)
    return await recording.finish(head)


async def replay(spool: Spool, answer: Answer) -> tuple[Head, bytes]:
    async with spool.replay(answer) as replayed:
        body = b"".join([piece async for piece in replayed.body])
        assert len(body) == replayed.body_bytes
        return Head(replayed.status, replayed.headers), body


async def is_gone(spool: Spool, answer: Answer) -> bool:
    """Whether a replay fails before it begins."""
    try:
        async with spool.replay(answer):
            return False
    except IdempotencyAnswerGone:
        return True


def object_of(tmp_path: Path, answer: Answer) -> Path:
    return tmp_path / "media" / answer.object_name


def files(tmp_path: Path) -> list[Path]:
    return [path for path in tmp_path.rglob("*") if path.is_file()]
