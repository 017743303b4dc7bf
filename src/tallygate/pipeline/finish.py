"""The end of a call: its outcome goes to everyone who keeps a record of it, once, before the client is told the end.

The settlement transaction belongs here, between the answer and its terminator; until there is a ledger, the record is
telemetry's alone.
"""

from tallygate.genai.outcome import Outcome
from tallygate.telemetry import observe


async def finish(outcome: Outcome) -> None:
    """Record how a call went. Runs exactly once for every call that was admitted."""
    observe(outcome)
