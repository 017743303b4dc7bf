"""The hostile provider with one more kind of fault: it says so much of a good stream, then nothing until it is left.

python -m tests.campaign.halting --journal FILE --certificate FILE --key FILE
"""

import asyncio

from tests.faults import provider
from tests.faults.exchange import Behaviour, Exchange
from tests.faults.table import FAULTS, SERVED, Fault

TOKENS = 12


def halt_after(tokens: int) -> Behaviour:
    """The beginning of a stream, and so many tokens."""

    async def play(x: Exchange) -> None:
        await x.play(x.good()[: len(x.wire.opening(x.ask)) + tokens], close=False)
        await x.hang()

    return play


async def halt_before_end(x: Exchange) -> None:
    """Everything but the terminator, the counts in one write with the last text: whoever has that has been counted."""
    pieces = x.good(TOKENS)[:-1]
    last = len(x.wire.opening(x.ask)) + TOKENS - 1
    end = pieces[last]._replace(data=b"".join(piece.data for piece in pieces[last:]))
    await x.play([*pieces[:last], end], close=False)
    await x.hang()


async def serve(x: Exchange) -> None:
    """The whole stream."""
    await x.play(x.good(TOKENS))


def register() -> None:
    """In this program alone: the table of the other faults is one for all tests."""
    FAULTS.update({f"halt-{n}": Fault("time", "halts", None, SERVED, halt_after(n)) for n in range(TOKENS + 1)})
    FAULTS["halt-end"] = Fault("time", "halts", None, SERVED, halt_before_end)
    FAULTS["halt-never"] = Fault("time", "does not halt", None, SERVED, serve)


if __name__ == "__main__":
    register()
    asyncio.run(provider.main())
