"""Answers that are kept while they are given, and given again: what a call with an Idempotency-Key needs on its way.

Where an answer lies, and how it is sealed, is the business of `media.spool`; whether it may be given again that of the
book.
"""

from collections.abc import Iterable

from tallygate.access.admission import Answered
from tallygate.genai.book import Answer
from tallygate.media.spool import Head, Spool
from tallygate.pipeline.call import Call, Client


class Keeping:
    """Stands between a call and its client and keeps what passes. It is a `Client` itself."""

    def __init__(self, client: Client, spool: Spool, hold_id: str) -> None:
        self._client = client
        self._spool = spool
        self._recording = spool.record(hold_id)
        self._head: Head | None = None

    async def start(self, status: int, headers: list[tuple[str, str]]) -> None:
        """Send the answer's head, once."""
        self._head = Head(status, tuple(headers))
        await self._client.start(status, headers)

    async def send(self, chunk: bytes) -> None:
        """Send bytes of the body. Raises ClientGone."""
        await self._recording.write(chunk)
        await self._client.send(chunk)

    async def end(self, last: bytes = b"") -> None:
        """Complete the body. Its last bytes were kept by `finish`: before the call was settled, not after."""
        await self._client.end(last)

    async def finish(self, call: Call, headers: Iterable[tuple[str, str]], closing: bytes) -> Answer | None:
        """Keep the last bytes, and the head if it has not been sent yet. None if the answer could not be kept."""
        await self._recording.write(closing)
        head = self._head
        if head is None:
            listed = call.stream_head(headers) if call.peek.stream else call.whole_head(headers, closing)
            head = Head(200, tuple(listed))
        return await self._recording.finish(head)

    def abandon(self) -> None:
        """Forget what was kept: it will not be given again."""
        self._recording.abandon()

    async def forget(self, answer: Answer) -> None:
        """Remove a finished answer that the book does not name."""
        await self._spool.forget(answer)


async def give_again(call: Call, spool: Spool, answered: Answered) -> None:
    """Answer with the very bytes of the first time. Raises IdempotencyAnswerGone, IdempotencyElsewhere, ClientGone."""
    with call.departure.watching():
        async with spool.replay(answered.answer) as kept:
            await call.start(kept.status, [*kept.headers, ("idempotent-replayed", "true")])
            async for piece in kept.body:
                await call.client.send(piece)
            await call.client.end()
