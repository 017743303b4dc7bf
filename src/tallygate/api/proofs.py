"""What the doors of receipts and of the public log lead to: the keys of the log, and questions about it.

Nothing is rendered here. Callers' questions and strangers' go through an enquirer each, so that whoever hammers at the
public doors keeps no caller from its receipts.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

from tallygate.errors import LogDamaged
from tallygate.receipts.key_set import KeySet
from tallygate.receipts.tiles import DamagedTree
from tallygate.receipts.verify import Verdict, verify
from tallygate.store.enquirer import Enquirer, Question
from tallygate.store.log import Published, read_last_checkpoint
from tallygate.telemetry.log import logger

CHECKPOINT_S: Final = 1.0
"""How long a checkpoint that was read is handed out: no longer than it takes until there may be another one."""

Answer = TypeVar("Answer")


class Proofs:
    """The log as the doors of one process see it. `origin` is that of the log that is written now; receipts of an
    earlier one are proved in theirs.
    """

    def __init__(
        self,
        keys: KeySet,
        origin: str,
        *,
        callers: Enquirer,
        strangers: Enquirer,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.origin: Final = origin
        self.key_set: Final = msgspec.json.encode(keys)
        """The document of public keys, as it is published."""
        self._keys = keys
        self._callers = callers
        self._strangers = strangers
        self._clock_s = clock_s
        self._judging = asyncio.Lock()
        self._checkpoint: Published | None = None
        self._fresh_until_s = clock_s()

    async def ask(self, question: Question[Answer]) -> Answer:
        """The answer to a caller's question. Raises StoreUnavailable, LogDamaged, and what the question raises."""
        return await _ask(self._callers, question)

    async def ask_publicly(self, question: Question[Answer]) -> Answer:
        """The answer to a stranger's question. Raises as `ask` does."""
        return await _ask(self._strangers, question)

    async def read_checkpoint(self) -> Published | None:
        """The last checkpoint, at most a second old; None before the first. Raises StoreUnavailable."""
        asked_s = self._clock_s()
        if self._checkpoint is None or asked_s >= self._fresh_until_s:
            self._checkpoint = await self.ask_publicly(lambda link: read_last_checkpoint(link, self.origin))
            # Counted from before it was read, so that it is never handed out for longer.
            self._fresh_until_s = asked_s + CHECKPOINT_S
        return self._checkpoint

    async def judge(self, bundle: bytes) -> Verdict:
        """What the verifier says of a bundle under this gateway's own keys. One bundle at a time, beside the loop."""
        async with self._judging:
            return await asyncio.to_thread(verify, bundle, self._keys)


async def _ask(enquirer: Enquirer, question: Question[Answer]) -> Answer:
    try:
        return await enquirer.ask(question)
    except DamagedTree as error:
        logger.error("no proof could be made: %s", error)
        raise LogDamaged from error
