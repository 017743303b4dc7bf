"""The figures of the gateway, put together from what its rooms count, for whoever may look.

Each process puts its own on a sheet; whichever is asked adds up all of them and asks the database what is open. Nothing
here is on the way of a call.
"""

import asyncio
import os
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from tallygate import __version__
from tallygate.api.door import Reply, Request, header
from tallygate.errors import StoreUnavailable
from tallygate.genai.plan import Target
from tallygate.router.gates import WELL, Gates
from tallygate.store.enquirer import Enquirer
from tallygate.store.figures import BATCH_BOUNDS
from tallygate.store.gauges import read_gauges
from tallygate.store.writer import Writer
from tallygate.telemetry.family import NS_PER_S, NUSD_PER_USD, Family, Sample
from tallygate.telemetry.line import neutralise
from tallygate.telemetry.meter import NAME_CHARACTERS_MAX
from tallygate.telemetry.reporter import Reporter
from tallygate.telemetry.sheets import Sheets

_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


class Front(Protocol):
    """The connections of this process."""

    @property
    def connections(self) -> int:
        """How many there are."""
        ...

    @property
    def arriving_bytes(self) -> int:
        """How much has come of bodies that are not whole."""
        ...


class Panel:
    """The figures as one process sees them. `folder` is where the processes of this gateway put theirs; None: there is
    only this one.
    """

    def __init__(
        self, reporter: Reporter, writer: Writer, gates: Gates, inspector: Enquirer, origin: str, folder: Path | None
    ) -> None:
        self._reporter, self._writer, self._gates = reporter, writer, gates
        self._inspector, self._origin = inspector, origin
        self._front: Front | None = None
        self._name = str(os.getpid())
        self.sheets = Sheets(folder, self.list_families)

    def watch(self, front: Front) -> None:
        """These are the connections to tell of."""
        self._front = front

    async def serve(self, request: Request) -> Reply:
        """``GET /metrics``: every figure of the gateway, in the format that `accept` asks for."""
        # Brings a library along that nobody else needs.
        from tallygate.telemetry.exposition import write_exposition

        families = [*await self.sheets.collect(), *await self._ask_database()]
        accept = (header(request.headers, b"accept") or b"").decode("latin-1")
        body, content_type = await asyncio.to_thread(write_exposition, families, accept)
        return Reply(200, body, (("cache-control", "no-store"),), content_type)

    def list_families(self) -> list[Family]:
        """The figures of this process."""
        return [*self._reporter.meter.list_families(), *self._tell_of_book(), *self._tell_of_process()]

    def _tell_of_book(self) -> list[Family]:
        figures = self._writer.figures
        holds = (("held", figures.held), ("posted", figures.posted), ("voided", figures.voided))
        batches = Sample((), figures.items, (*figures.batches, 0))
        return [
            _count("tallygate.charged", "Charged to wallets for calls.", figures.charged_nusd, "USD", NUSD_PER_USD),
            _count("tallygate.house_loss", "Used by calls, charged to nobody.", figures.loss_nusd, "USD", NUSD_PER_USD),
            Family(
                name="tallygate.holds",
                kind="counter",
                help="Holds that were opened, and how they ended.",
                labels=("event",),
                samples=tuple(Sample((event,), count) for event, count in holds),
                unit="{hold}",
            ),
            Family(
                name="tallygate.writer.batch.items",
                kind="histogram",
                help="Items of the book written in one transaction.",
                samples=(batches,),
                unit="{item}",
                bounds=tuple(map(float, BATCH_BOUNDS)),
            ),
        ]

    def _tell_of_process(self) -> list[Family]:
        front, name = self._front, self._name
        memory_bytes, files = read_process()
        figures = [
            ("tallygate.writer.queue.items", "Items that wait to be written.", self._writer.count_queued(), "{item}"),
            (
                "tallygate.connections",
                "Open connections of clients.",
                front.connections if front else 0,
                "{connection}",
            ),
            ("tallygate.arriving", "Bodies that are not whole yet.", front.arriving_bytes if front else 0, "By"),
            ("tallygate.process.memory", "Resident memory.", memory_bytes, "By"),
            ("tallygate.process.files", "Open files and sockets.", files, "{file}"),
        ]
        gauges = [
            Family(figure, "gauge", help_, ("process",), (Sample((name,), value),), unit)
            for figure, help_, value, unit in figures
        ]
        return [*gauges, *self._tell_of_targets()]

    def _tell_of_targets(self) -> list[Family]:
        places, worst = self._gates.list_places(), self._gates.find_worst()
        shown = [
            (neutralise(provider, NAME_CHARACTERS_MAX), neutralise(model, NAME_CHARACTERS_MAX))
            for provider, model in places
        ]
        running = [Sample(name, self._gates.count_running(place)) for name, place in zip(shown, places, strict=True)]
        barred = [
            Sample(name, int((worst.get(place, WELL)[2] or self._gates.find_bar(Target(*place))) is not None))
            for name, place in zip(shown, places, strict=True)
        ]
        labels = ("provider", "model")
        return [
            Family("tallygate.target.calls", "gauge", "Calls under way.", labels, tuple(running), "{call}"),
            Family(
                name="tallygate.target.barred",
                kind="gauge",
                help="Processes that do not ask the target now: it failed too often, wants a rest, or is full.",
                labels=labels,
                samples=tuple(barred),
                unit="{process}",
            ),
        ]

    async def _ask_database(self) -> Iterable[Family]:
        """What is open there; that it is away, where it is."""
        told = [_gauge("tallygate.info", "What runs here.", 1, labels=("version",), values=(__version__,))]
        try:
            found = await self._inspector.ask(partial(read_gauges, origin=self._origin))
        except StoreUnavailable:
            return [*told, _gauge("tallygate.database.up", "Whether the database answers.", 0)]
        age_ns = max(0, time.time_ns() - found.signed_at_ns) if found.signed_at_ns else 0
        return [
            *told,
            _gauge("tallygate.database.up", "Whether the database answers.", 1),
            _gauge("tallygate.holds.open", "Calls that hold money now.", found.holds_open, "{hold}"),
            _gauge("tallygate.log.waiting", "Entries without a place in the log.", found.entries_waiting, "{entry}"),
            _gauge("tallygate.log.checkpoint.age", "Since the last checkpoint.", age_ns, "s", NS_PER_S),
        ]


def read_process() -> tuple[int, int]:
    """Resident memory in bytes and open files of this process; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * _PAGE_BYTES, len(os.listdir("/proc/self/fd"))
    except OSError:
        return 0, 0


def _count(name: str, help_: str, value: int, unit: str, scale: int) -> Family:
    return Family(name, "counter", help_, (), (Sample((), value),), unit, scale)


def _gauge(
    name: str,
    help_: str,
    value: int,
    unit: str = "",
    scale: int = 1,
    *,
    labels: tuple[str, ...] = (),
    values: tuple[str, ...] = (),
) -> Family:
    return Family(name, "gauge", help_, labels, (Sample(values, value),), unit, scale)
