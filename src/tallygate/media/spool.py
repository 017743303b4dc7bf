"""The spool: finished answers, sealed, so that a call with an Idempotency-Key can be answered again byte for byte.

Keeping an answer is a service, never a condition: whatever goes wrong here, the call goes on, and a later request with
its key learns that the answer is gone. Who may have an answer again, and whether a call runs at all, is decided by the
book (docs/reference/idempotency.md).
"""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing, asynccontextmanager

import msgspec
from msgspec import Struct

from tallygate.errors import IdempotencyAnswerGone, IdempotencyElsewhere
from tallygate.genai.book import Answer
from tallygate.media.seal import SEGMENT_BYTES_MAX, Damaged, Sealer, Segment, Unsealer
from tallygate.media.settings import IdempotencySettings
from tallygate.media.store import Download, ObjectMissing, ObjectStore, StoreFailed, Swept, Upload
from tallygate.telemetry.log import logger

FOLDER = "spool"

BACKLOG_BYTES_MAX = 4 * SEGMENT_BYTES_MAX
"""How far a recording may run ahead of the disk before its writer waits."""

READ_BYTES = 1 << 20

AFTER_KEEP_S = 60
"""How much longer an object stays than its answer is promised: settlement, from which the promise counts, comes later
than the object.
"""

_BLOCK_BYTES = 4096
"""An object takes up whole blocks; this much is added for its last."""

_NS_PER_S = 1_000_000_000

# Of one exchange or one moment, not of the answer. Another exchange has its own.
_NOT_KEPT = frozenset({
    "connection", "date", "keep-alive", "request-id", "server", "trailer", "transfer-encoding", "upgrade",
    "x-request-id",
})  # fmt: skip
_NOT_KEPT_PREFIX = "x-ratelimit-"


class Head(Struct, frozen=True):
    """What comes before an answer's body: its status, and its headers as they were sent."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()


class Replayed(Struct, frozen=True):
    """An answer to give again. `body` can be read once; its pieces join to the `body_bytes` bytes of the first time."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body_bytes: int
    body: AsyncIterator[bytes]


class Spool:
    """Records answers and gives them again. `key` is 32 secret bytes, the same for all who share the store's place."""

    def __init__(self, store: ObjectStore, key: bytes, settings: IdempotencySettings) -> None:
        self._store = store
        self._key = key
        self._keep_ns = (settings.keep_s + AFTER_KEEP_S) * _NS_PER_S
        self._answer_bytes_max = settings.answer_bytes_max
        self._room = _Room(settings.spool_bytes_max)
        # Names the key in every object's name, and gives nothing of it away.
        self._mark = hmac.digest(key, b"tallygate: name of the spool key", "sha256").hex()[:12]

    def record(self, hold_id: str) -> "Recording":
        """A recording of the answer to a call. Touches nothing yet."""
        name = f"{FOLDER}/{self._mark}-{hold_id}"
        return Recording(self._store.create(name), Sealer(self._key, name), name, self._answer_bytes_max, self._room)

    @asynccontextmanager
    async def replay(self, answer: Answer) -> AsyncGenerator[Replayed]:
        """The kept answer, for the length of the context. All of it has been checked before the context is entered.

        Raises IdempotencyAnswerGone if it is not there or not as it was, IdempotencyElsewhere if it was sealed with
        another key; inside the context only `body` may raise, if the object changes while it is read.
        """
        if not answer.object_name.startswith(f"{FOLDER}/{self._mark}-"):
            raise IdempotencyElsewhere
        try:
            download = await self._store.open(answer.object_name)
        except StoreFailed as failure:
            if not isinstance(failure, ObjectMissing):
                logger.warning("a kept answer cannot be read: %s", failure)
            raise IdempotencyAnswerGone from failure
        try:
            head, body_bytes = await self._check(download, answer)
            async with aclosing(self._read_body(download, answer.object_name)) as body:
                yield Replayed(head.status, head.headers, body_bytes, body)
        finally:
            download.close()

    async def forget(self, answer: Answer) -> None:
        """Remove an answer that no row names: its call was settled by somebody else. Never raises."""
        try:
            await self._store.delete(answer.object_name)
        except StoreFailed as failure:
            logger.warning("an answer that nobody needs stays until it is swept: %s", failure)

    async def sweep(self, now_ns: int) -> Swept:
        """Remove answers past their time and what dead processes left, and count what is kept.

        Call it at the start and once a minute; the quota goes by its count. Never raises.
        """
        counted = self._room.added_bytes
        try:
            swept = await self._store.sweep(FOLDER, now_ns - self._keep_ns)
        except StoreFailed as failure:
            logger.warning("kept answers cannot be swept: %s", failure)
            return Swept(0, 0, self._room.used_bytes)
        self._room.recount(swept.left_bytes, counted)
        return swept

    async def _check(self, download: Download, answer: Answer) -> tuple[Head, int]:
        """Read all of it. Returns the head, which stands last, and the length of the body."""
        digest, body_bytes, last = hashlib.sha256(), 0, b""
        async for segment in self._unseal(download, answer.object_name):
            if segment.last:
                last = segment.data
            else:
                digest.update(segment.data)
                body_bytes += len(segment.data)
        if not hmac.compare_digest(_digest_answer(digest.digest(), last), answer.digest):
            logger.error("the kept answer %s is not the one that was kept", answer.object_name)
            raise IdempotencyAnswerGone
        return msgspec.json.decode(last, type=Head), body_bytes

    async def _read_body(self, download: Download, name: str) -> AsyncGenerator[bytes]:
        async for segment in self._unseal(download, name):
            if not segment.last:
                yield segment.data

    async def _unseal(self, download: Download, name: str) -> AsyncIterator[Segment]:
        unsealer, offset_bytes = Unsealer(self._key, name), 0
        try:
            while data := await download.read(offset_bytes, READ_BYTES):
                offset_bytes += len(data)
                for segment in unsealer.feed(data):
                    yield segment
            unsealer.finish()
        except Damaged as damage:
            logger.error("the kept answer %s is damaged: %s", name, damage)
            raise IdempotencyAnswerGone from damage
        except StoreFailed as failure:
            logger.warning("a kept answer cannot be read: %s", failure)
            raise IdempotencyAnswerGone from failure


class Recording:
    """The answer to one call while it is being given. Ends in `finish` or in `abandon`."""

    def __init__(self, upload: Upload, sealer: Sealer, name: str, bytes_max: int, room: "_Room") -> None:
        self._upload = upload
        self._sealer = sealer
        self._name = name
        self._bytes_max = bytes_max
        self._room = room
        self._taken_bytes = 0
        self._digest = hashlib.sha256()
        self._body_bytes = 0
        self._buffer = bytearray()
        self._handing_over: asyncio.Task[None] | None = None
        self._ended = False

    async def write(self, data: bytes) -> None:
        """Take bytes of the body as they are sent. Waits only while the disk lags far behind; never raises.

        A wait that is cancelled loses nothing.
        """
        if self._ended:
            return
        if self._body_bytes + len(data) > self._bytes_max:
            self.abandon()
            return
        self._body_bytes += len(data)
        self._buffer += data
        if len(self._buffer) > SEGMENT_BYTES_MAX and (self._handing_over is None or self._handing_over.done()):
            self._handing_over = asyncio.create_task(self._hand_over())
        if len(self._buffer) > BACKLOG_BYTES_MAX and self._handing_over is not None:
            await asyncio.wait((self._handing_over,))

    async def finish(self, head: Head) -> Answer | None:
        """Make the answer durable. None: it could not be kept, and nothing of it is left. Never raises."""
        try:
            if self._handing_over is not None:
                await asyncio.wait((self._handing_over,))
            if self._ended:
                return None
            return await self._complete(head)
        finally:
            # After success there is nothing left to abandon; a cancelled finish leaves nothing behind.
            self.abandon()

    def abandon(self) -> None:
        """Forget the recording, as if it had never begun. May be called at any time, more than once."""
        if not self._ended:
            self._ended = True
            self._buffer.clear()
            self._upload.discard()
            self._room.give_back(self._taken_bytes)

    async def _hand_over(self) -> None:
        """Bring whole segments to the store, one at a time, as long as there are any."""
        while not self._ended and len(self._buffer) > SEGMENT_BYTES_MAX:
            sealed = self._seal_segment()
            if not self._take_room(len(sealed)):
                self.abandon()
                return
            try:
                await self._upload.write(sealed)
            except StoreFailed as failure:
                self._lose(failure)
            except BaseException:
                self.abandon()  # an object without this segment is none
                raise

    async def _complete(self, head: Head) -> Answer | None:
        sealed = [self._seal_segment() for _ in range(0, len(self._buffer), SEGMENT_BYTES_MAX)]
        last = msgspec.json.encode(Head(head.status, _choose_kept(head.headers)))
        if len(last) > SEGMENT_BYTES_MAX:
            return None
        sealed.append(self._sealer.seal(last, last=True))
        object_end = b"".join(sealed)
        if not self._take_room(len(object_end) + _BLOCK_BYTES):
            return None
        try:
            await self._upload.commit(object_end)
        except StoreFailed as failure:
            self._lose(failure)
            return None
        self._ended = True
        return Answer(_digest_answer(self._digest.digest(), last), self._name)

    def _seal_segment(self) -> bytes:
        segment = bytes(self._buffer[:SEGMENT_BYTES_MAX])
        del self._buffer[:SEGMENT_BYTES_MAX]
        self._digest.update(segment)
        return self._sealer.seal(segment)

    def _take_room(self, size_bytes: int) -> bool:
        taken = self._room.take(size_bytes)
        self._taken_bytes += size_bytes if taken else 0
        return taken

    def _lose(self, failure: StoreFailed) -> None:
        if not self._ended:
            logger.warning("an answer cannot be kept: %s", failure)
        self.abandon()


class _Room:
    """How much all kept answers take up: as it was last counted, and what this process has added since."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._counted_bytes = 0
        self.added_bytes = 0
        self._is_full = False

    @property
    def used_bytes(self) -> int:
        return self._counted_bytes + self.added_bytes

    def take(self, size_bytes: int) -> bool:
        """Take up that much, if it fits."""
        if self.used_bytes + size_bytes > self._bytes_max:
            if not self._is_full and self._bytes_max:
                # Once for each time it fills up, not once for each call.
                logger.warning("the spool is full at %d bytes: answers are delivered but not kept", self._bytes_max)
            self._is_full = True
            return False
        self.added_bytes += size_bytes
        return True

    def give_back(self, size_bytes: int) -> None:
        """What was taken is not used after all."""
        self.added_bytes = max(0, self.added_bytes - size_bytes)

    def recount(self, counted_bytes: int, added_bytes: int) -> None:
        """Believe a count that began when so much had been added since the one before."""
        self._counted_bytes = counted_bytes
        self.added_bytes = max(0, self.added_bytes - added_bytes)
        self._is_full = self._is_full and self.used_bytes >= self._bytes_max


def _choose_kept(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name, value)
        for name, value in headers
        if name.lower() not in _NOT_KEPT and not name.lower().startswith(_NOT_KEPT_PREFIX)
    )


def _digest_answer(body_digest: bytes, head: bytes) -> bytes:
    """The digest of an answer: SHA-256 over the SHA-256 of its body and the bytes of its head."""
    return hashlib.sha256(body_digest + head).digest()
