"""Looks keys up for the calls of one process: a thread of its own, one connection, driver SQL.

Each answer is read from the database after the question was put, in a statement of its own, so a committed revocation
is seen by the next call. Questions that arrive while a statement runs are answered together by the next one. Nothing is
cached and nothing is written here.
"""

import asyncio
import threading
import time
from collections import defaultdict
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, LiteralString

from msgspec import Struct

from tallygate.errors import StoreUnavailable
from tallygate.store.address import DatabaseAddress, Engine
from tallygate.store.driver import DriverConnection, DriverError
from tallygate.store.refusal import DatabaseUnusable
from tallygate.store.rows import ACTIVE, KeyRow, unpack_texts

ANSWER_S = 2.0
"""How long a call waits for its database before it is refused."""

BATCH_MAX = 64

# `t` is the row of the text that was asked for, `k` that of the key it opens: another one once it was rotated.
_SELECT = (
    "SELECT t.digest, k.id, k.user_id, k.workspace_id, k.permissions, k.models, k.networks, k.version,"
    " t.status, k.status, t.expires_at_ns, k.expires_at_ns, u.status, w.status, u.role, k.key_class FROM keys t"
    " JOIN keys k ON k.id = COALESCE(t.replaced_by, t.id)"
    " JOIN users u ON u.id = k.user_id JOIN workspaces w ON w.id = k.workspace_id WHERE t.digest"
)

_SHAPES: dict[int, LiteralString] = {
    size: _SELECT + " IN (" + "?, " * (size - 1) + "?)" for size in (1, 2, 4, 8, 16, 32, BATCH_MAX)
}

Rows = dict[bytes, KeyRow]


class _Question(Struct, frozen=True, eq=False):
    digest: bytes
    answer: "asyncio.Future[KeyRow | None]"


class Reader:
    """Answers `find_key` for every event loop of this process. Start it once, close it at the end."""

    def __init__(self, address: DatabaseAddress) -> None:
        self._address = address
        self._questions: SimpleQueue[_Question | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="store-reader", daemon=True)
        # Written by the reader's thread alone; others only look, to find a statement that hangs.
        self._connection: DriverConnection | None = None
        self._busy_since: float | None = None

    def start(self) -> None:
        """Start the thread. The connection is opened by the first question."""
        self._thread.start()

    def close(self) -> None:
        """End the thread and its connection, after the questions already put."""
        self._questions.put(None)
        self._thread.join()

    async def find_key(self, digest: bytes) -> KeyRow | None:
        """The key of this digest with its user's and workspace's status, None where there is none.

        Raises StoreUnavailable when the database has not answered within 2 s.
        """
        answer: asyncio.Future[KeyRow | None] = asyncio.get_running_loop().create_future()
        self._questions.put(_Question(digest, answer))
        try:
            async with asyncio.timeout(ANSWER_S):
                return await answer
        except TimeoutError:
            self._cut_hanging()
            raise _unavailable() from None

    async def ping(self) -> None:
        """Ask the database anything at all. Raises StoreUnavailable."""
        await self.find_key(b"")

    def _run(self) -> None:
        while (batch := self._next_batch()) is not None:
            waiting = [question for question in batch if not question.answer.done()]
            digests = list({question.digest for question in waiting})
            self._busy_since = time.monotonic()
            try:
                _answer(waiting, self._read(digests) if digests else {})
            except (DriverError, DatabaseUnusable) as error:
                _answer(waiting, error)
            finally:
                self._busy_since = None
        self._drop_connection()

    def _next_batch(self) -> list[_Question] | None:
        """Wait for a question, then take what else is there; None once `close` was called."""
        batch: list[_Question] = []
        question = self._questions.get()
        while question is not None:
            batch.append(question)
            if len(batch) == BATCH_MAX:
                return batch
            try:
                question = self._questions.get_nowait()
            except Empty:
                return batch
        if not batch:
            return None
        self._questions.put(None)  # found behind the last questions: it ends the next round
        return batch

    def _read(self, digests: list[bytes]) -> Rows:
        """One try on the connection at hand and one on a new one: an idle connection dies with its server."""
        if self._connection is not None:
            try:
                return _select(self._connection, digests)
            except DriverError:
                self._drop_connection()
        self._connection = DriverConnection(self._address)
        try:
            return _select(self._connection, digests)
        except DriverError:
            self._drop_connection()
            raise

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _cut_hanging(self) -> None:
        """Make a statement that hangs fail, so that the thread wakes up with an error and reconnects.

        A statement younger than half the waiting time is not the one that hangs.
        """
        connection, busy_since = self._connection, self._busy_since
        if connection is not None and busy_since is not None and time.monotonic() - busy_since >= ANSWER_S / 2:
            connection.cut()


def _select(connection: DriverConnection, digests: list[bytes]) -> Rows:
    if connection.engine is Engine.POSTGRESQL:
        found = connection.fetch(_SELECT + " = ANY(?)", (digests,))
    else:
        # One statement for all, in a few shapes that are compiled once: what is left of a shape repeats the last one.
        size = 1 << (len(digests) - 1).bit_length()
        found = connection.fetch(_SHAPES[size], (*digests, *digests[-1:] * (size - len(digests))))
    return {row[0]: _key_row(row) for row in found}


def _key_row(row: tuple[Any, ...]) -> KeyRow:
    _, key_id, user_id, workspace_id, permissions, models, networks, version, *rest = row
    text_status, key_status, text_end_ns, key_end_ns, user_status, workspace_status, role, key_class = rest
    ends_ns = [end_ns for end_ns in (text_end_ns, key_end_ns) if end_ns is not None]
    return KeyRow(
        id=key_id,
        user_id=user_id,
        workspace_id=workspace_id,
        permissions=frozenset(unpack_texts(permissions)),
        models=None if models is None else frozenset(unpack_texts(models)),
        networks=None if networks is None else tuple(unpack_texts(networks)),
        status=key_status if text_status == ACTIVE else text_status,
        expires_at_ns=min(ends_ns, default=None),
        version=version,
        user_status=user_status,
        workspace_status=workspace_status,
        role=role,
        key_class=key_class,
    )


def _answer(batch: list[_Question], answers: Rows | Exception) -> None:
    """Hand the answers to the loops that asked, with one call for each loop."""
    by_loop: defaultdict[asyncio.AbstractEventLoop, list[_Question]] = defaultdict(list)
    for question in batch:
        by_loop[question.answer.get_loop()].append(question)
    for loop, questions in by_loop.items():
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_settle, questions, answers)


def _settle(questions: list[_Question], answers: Rows | Exception) -> None:
    for question in questions:
        if question.answer.done():
            continue
        if isinstance(answers, Exception):
            refusal = _unavailable()
            refusal.__cause__ = answers
            question.answer.set_exception(refusal)
        else:
            question.answer.set_result(answers.get(question.digest))


def _unavailable() -> StoreUnavailable:
    return StoreUnavailable(retry_after_s=2)
