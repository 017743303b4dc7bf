"""The campaign of all faults: every cell (fault, whole or stream, crossing), many at once, and how each one ended.

A cell is run and told apart here; whether it ended as it must is asked in `test_faults.py`.
"""

import asyncio
import json
import random
from collections.abc import Iterable
from typing import NamedTuple

from tests.faults.caller import Answered, Caller, make_nonce
from tests.faults.hearing import hear_error, hear_stream, hear_whole
from tests.faults.stage import CROSSINGS, Crossing, Stage
from tests.faults.table import FAULTS, Ending, Weight, told

AT_ONCE = 24
HEAVY_AT_ONCE = 1


class Cell(NamedTuple):
    """One call of the campaign."""

    fault: str
    stream: bool
    crossing: Crossing

    def __str__(self) -> str:
        return f"{self.fault}-{'stream' if self.stream else 'whole'}-{self.crossing}"

    @property
    def endings(self) -> set[Ending]:
        """How it may end."""
        fault = FAULTS[self.fault]
        if fault.verbatim is not None and self.crossing.client == self.crossing.upstream:
            return {fault.verbatim}
        known = (fault.stream if self.stream else fault.whole, fault.also)
        return {told(ending, self.crossing.client) for ending in known if ending is not None}


def cells(weight: Weight) -> list[Cell]:
    """Every cell of this weight that has a meaning."""
    return [
        Cell(name, stream, crossing)
        for crossing in CROSSINGS
        for name, fault in FAULTS.items()
        for stream in (False, True)
        if (fault.stream if stream else fault.whole) is not None
        and crossing.upstream in fault.wires
        and fault.weight == weight
    ]


def ending_of(cell: Cell, answered: Answered) -> Ending:
    """How a call ended for its client. What no page knows of is named by its kind."""
    wire = cell.crossing.client
    if answered.how != "complete":
        return Ending(answered.how, answered.status)
    if answered.status != 200:
        error = hear_error(wire, answered.body)
        return Ending("refused", answered.status, code_of(error) if error else "no error body")
    if not answered.headers.get("content-type", "").startswith("text/event-stream"):
        return Ending("served" if hear_whole(wire, answered.body) is not None else "unreadable")
    heard = hear_stream(wire, answered.body)
    if heard.errors and not heard.terminators:
        return Ending("broken", 200, code_of(heard.errors[-1]))
    return Ending("served" if heard.terminators and not heard.errors else "unfinished")


def code_of(error: dict[str, object]) -> str:
    """The code an error bears in its client's dialect, which may know it by its type alone."""
    return str(error.get("code") or error.get("type"))


async def run_cells(
    stage: Stage, wanted: Iterable[Cell], seed: int, at_once: int = AT_ONCE
) -> dict[Cell, tuple[str, Answered]]:
    """Call them all; each cell's nonce and answer."""
    source = random.Random(seed)
    gate = asyncio.Semaphore(at_once)
    caller = Caller(stage.history, stage.gateway.port, stage.gateway.key)

    async def run(cell: Cell, nonce: str) -> tuple[str, Answered]:
        async with gate:
            row = f"{cell.crossing.upstream}-{FAULTS[cell.fault].door}"
            return nonce, await caller.call(cell.crossing.client, row, cell.fault, nonce, stream=cell.stream)

    planned = [(cell, make_nonce(source)) for cell in wanted]
    results = await asyncio.gather(*(run(cell, nonce) for cell, nonce in planned))
    await caller.close()
    return {cell: result for (cell, _), result in zip(planned, results, strict=True)}


def shown(answered: Answered) -> str:
    """An answer as evidence in a failing test."""
    return json.dumps({"status": answered.status, "how": answered.how, "end": repr(answered.body[-300:])})
