"""A database that is set back to a backup while the machines remember: whoever signed more than the backup holds has to
see it, sign nothing, and say so to callers; with the newer database put back all is well again.
"""

import asyncio
import itertools
import random
import shutil
import time
from pathlib import Path
from typing import NamedTuple

from tests.campaign.client import Clients
from tests.campaign.judge import Violation
from tests.campaign.log_book import LogBook, is_at_rest, read_log, read_log_at_rest
from tests.campaign.notary import Notary
from tests.campaign.plan import Plan, plan_good
from tests.campaign.stage import GOOD, Stage
from tests.campaign.stranger import get
from tests.faults.caller import Answered
from tests.fixtures.postgresql import PrivateServer

FEW, MANY, AT_ONCE = 6, 24, 4
REST_S = 20.0


class Plans(NamedTuple):
    """The calls of each part of the play; they are all good."""

    before: list[Plan]
    lost: list[Plan]
    meanwhile: list[Plan]
    after: list[Plan]

    @property
    def all(self) -> list[Plan]:
        return [plan for part in self for plan in part]


def plan_play(source: random.Random) -> Plans:
    """Calls before the backup, after it, on the restored database, and in the end."""
    return Plans(*(plan_good(source, count, GOOD) for count in (FEW, FEW, MANY, FEW)))


class Backup:
    """A copy of a database that nobody has open. `name` tells copies apart."""

    def __init__(self, url: str, server: PrivateServer | None, folder: Path, name: str) -> None:
        self._url, self._server, self._folder = url, server, folder / name
        self._database = url.removeprefix("postgresql://postgres@/").partition("?")[0]
        self._copy = f"{self._database}_{name}"
        if server is None:
            self._folder.mkdir()
            for path in self._files():
                shutil.copy(path, self._folder)
        else:
            server.create_database(self._copy, template=self._database)

    def restore(self) -> None:
        """Put it in the database's place."""
        if self._server is not None:
            self._server.drop_database(self._database)
            self._server.create_database(self._database, template=self._copy)
            return
        for path in self._files():
            path.unlink()
        for path in self._folder.iterdir():
            shutil.copy(path, Path(self._url.removeprefix("sqlite:///")).parent)

    def drop(self) -> None:
        """Forget the copy."""
        if self._server is not None:
            self._server.drop_database(self._copy)

    def _files(self) -> list[Path]:
        path = Path(self._url.removeprefix("sqlite:///"))
        return list(path.parent.glob(f"{path.name}*"))


class Play:
    """The whole of it, on one stage. `found` is what went wrong."""

    def __init__(self, stage: Stage, source: random.Random, plans: Plans, server: PrivateServer | None) -> None:
        self._stage, self._plans, self._server = stage, plans, server
        self._gateways = stage.gateways
        self._notary = Notary(stage, source, REST_S)
        self.found: list[Violation] = []

    def run(self, *, returns: int, required: bool) -> None:
        """`returns`: the machine that comes back to the restored database, whoever had signed."""
        gateways = self._gateways
        with self._notary.stranger:
            self._call_all(self._plans.before)
            old, log = self._save("old")
            gateways.start()
            self._call_all(self._plans.lost)
            self._wait_until_all_know()
            new, _ = self._save("new")
        old.restore()
        gateways.more = f"[receipts]\nrequired = {str(required).lower()}\n"
        gateways.offer([])
        gateways.start_only(returns)
        self._live_on_the_past(log, required=required)
        new.restore()
        gateways.start()
        with self._notary.stranger:
            self._call_all(self._plans.after)
            self._judge_end()
        for backup in (old, new):
            backup.drop()

    def _save(self, name: str) -> tuple[Backup, LogBook]:
        self._gateways.stop()
        log = read_log(self._gateways.url)
        if not is_at_rest(log):
            self._blame("P4", "log", f"was left unfinished by who ended in good order: {log.log}")
        return Backup(self._gateways.url, self._server, self._gateways.folder, name), log

    def _wait_until_all_know(self) -> None:
        """Every machine remembers the last checkpoint, also the one that did not sign it."""
        last, until_s = read_log(self._gateways.url).checkpoints[-1], time.monotonic() + REST_S
        while {path.read_bytes() for path in self._gateways.marks} != {last}:
            if time.monotonic() > until_s:
                self._blame("R10", "high-water", "not every machine has learnt what was signed")
                return
            time.sleep(0.05)

    def _live_on_the_past(self, log: LogBook, *, required: bool) -> None:
        # From its first moment on: not one call may slip in.
        answers = self._call(self._plans.meanwhile)
        (port,) = self._gateways.ports
        ready, _ = get(port, "/ready")
        statuses = {answered.status for answered in answers}
        expected = ({503}, 503) if required else ({200}, 200)
        if (statuses, ready) != expected:
            self._blame("R10", "calls", f"ended with {statuses}, /ready with {ready}")
        if required and not all(b"log of receipts cannot be signed" in answered.body for answered in answers):
            self._blame("R10", "calls", f"were refused without a reason: {answers[0].body!r}")
        self._gateways.stop()
        signed = set(read_log(self._gateways.url).checkpoints) - set(log.checkpoints)
        if signed:
            self._blame("R10", "log", f"was signed, though the backup lacks what had been signed: {signed}")

    def _judge_end(self) -> None:
        if not is_at_rest(read_log_at_rest(self._gateways.url, REST_S)):
            self._blame("R10", "log", "is not signed again, though the newer database is back")
        self.found += self._notary.stranger.prove(self._gateways.ports[0]) + self._notary.stranger.found

    def _call_all(self, plans: list[Plan]) -> None:
        for answered in self._call(plans):
            if answered.status != 200:
                self._blame("D9", "call", f"ended with {answered.status} {answered.body[:200]!r}")
        read_log_at_rest(self._gateways.url, REST_S)

    def _call(self, plans: list[Plan]) -> list[Answered]:
        async def ask_all() -> list[Answered]:
            clients: Clients = self._stage.clients(REST_S)
            gate, ports = asyncio.Semaphore(AT_ONCE), self._gateways.ports

            async def ask(plan: Plan, port: int) -> Answered:
                async with gate:
                    return await clients.ask(plan, port, stays=True)

            try:
                return await asyncio.gather(*map(ask, plans, itertools.cycle(ports)))
            finally:
                await clients.close()

        return asyncio.run(ask_all())

    def _blame(self, promise: str, subject: str, shown: str) -> None:
        self.found.append(Violation(promise, subject, shown))
