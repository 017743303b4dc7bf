"""The configuration of one process: which edition counts here, and how a newer one is taken, by signal or by call.

What follows from another edition is the worker's, who is told of it.
"""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from typing import Final

from tallygate.api.admin.editions import State
from tallygate.app.renewal import Changes, Renewal, complain
from tallygate.config.origin import ConfigError
from tallygate.config.settings import Settings
from tallygate.errors import InvalidConfiguration
from tallygate.telemetry.log import logger

OTHERS_S: Final = 5.0
"""How long a call that renews waits for the other processes to have taken the edition too."""

_LOOK_EVERY_S: Final = 0.02


class Configuration:
    """What counts in this process. `parent` is the process that passes the news on to the workers, None without one."""

    def __init__(self, renewal: Renewal, parent: int | None = None) -> None:
        self._renewal = renewal
        self._parent = parent
        self._edition = renewal.slate.read()
        self._resolved = renewal.resolve(self._edition)
        self._use: Callable[[Settings], None] | None = None
        self._asked = asyncio.Event()
        self._turn = asyncio.Lock()
        renewal.slate.note(os.getpid(), self._edition.number)

    @property
    def settings(self) -> Settings:
        """The settings that count now."""
        return self._renewal.hold_back(self._resolved.settings)

    def follow(self, use: Callable[[Settings], None]) -> None:
        """Have `use` called with the settings whenever others count, in one step of the event loop."""
        self._use = use

    def hear(self) -> None:
        """SIGHUP: read the configuration again, or where a parent has done so, take what it has read. Returns at once;
        several in a row are one.
        """
        self._asked.set()

    async def tend(self) -> None:
        """Do what signals ask, until cancelled. The first look is for what came while this process was starting."""
        self._asked.set()
        read_anew = False
        while True:
            await self._asked.wait()
            self._asked.clear()
            try:
                if self._parent is None and read_anew:
                    await asyncio.to_thread(self._renewal.issue_if_sound)
                await self._take()
            except Exception:  # noqa: BLE001 - whatever broke, the next signal must be heard
                logger.exception("the configuration could not be renewed")
            read_anew = True

    async def reload(self) -> State:
        """Read the configuration again, here and in all other processes. Raises InvalidConfiguration with everything
        that is wrong; then nothing has changed anywhere.
        """
        try:
            await asyncio.to_thread(self._renewal.issue)
        except ConfigError as error:
            complain(error)
            raise refuse(error) from None
        changes = await self._take()
        if self._parent is not None and os.getppid() == self._parent:
            os.kill(self._parent, signal.SIGUSR1)
            await self._wait_for_others()
        return self._describe(changes)

    def show(self) -> State:
        """Which edition counts here and elsewhere."""
        return self._describe(self._renewal.compare(self._resolved, self._resolved))

    async def _take(self) -> Changes:
        """Use the edition in force, and say what changed by that."""
        async with self._turn:
            edition, before = self._renewal.slate.read(), self._resolved
            if edition.number != self._edition.number:
                try:
                    self._resolved = await asyncio.to_thread(self._renewal.resolve, edition)
                except ConfigError as error:
                    complain(error)
                    return Changes()
                self._edition = edition
                if self._use is not None:
                    self._use(self.settings)
                self._renewal.slate.note(os.getpid(), edition.number)
            return self._renewal.compare(before, self._resolved)

    async def _wait_for_others(self) -> None:
        until_s = time.monotonic() + OTHERS_S
        while min(self._renewal.slate.list_taken().values()) < self._edition.number:
            if time.monotonic() > until_s:
                logger.warning("not every worker has taken edition %d yet", self._edition.number)
                return
            await asyncio.sleep(_LOOK_EVERY_S)

    def _describe(self, changes: Changes) -> State:
        source = self._edition.source
        return State(
            edition=self._edition.number,
            issued_at_ns=self._edition.issued_at_ns,
            file=str(source.file) if source else None,
            digest=source.digest if source else None,
            changed=changes.renewed,
            waiting=changes.waiting,
            workers=self._renewal.slate.list_taken(),
        )


def refuse(error: ConfigError) -> InvalidConfiguration:
    """What a caller is told of a configuration that cannot be used."""
    problems = tuple(str(problem) for problem in error.problems)
    return InvalidConfiguration(
        "The configuration was refused, and the old one stays.\n" + "\n".join(problems), details={"problems": problems}
    )
