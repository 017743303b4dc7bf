"""The whole walk of one request, on one screen. Every door, stream, batch line and paid call
takes this walk and no other; what a step does lives in its own room.
"""

from collections.abc import Awaitable, Callable

from tallygate.access.permissions import require
from tallygate.access.principal import Principal
from tallygate.errors import InternalError, TallygateError
from tallygate.genai.plan import Plan
from tallygate.genai.secret import Secret
from tallygate.pipeline.call import Call, ClientGone
from tallygate.pipeline.count import Counter
from tallygate.pipeline.finish import finish
from tallygate.pipeline.relay import Relay, Relayed
from tallygate.telemetry import logger

Identify = Callable[[Secret | None], Awaitable[Principal]]
MakePlan = Callable[[str, str], Plan]


class Hallway:
    """Walks calls. Holds the rooms it leads to and nothing about any one call."""

    def __init__(self, identify: Identify, plan: MakePlan, relay: Relay, counter: Counter) -> None:
        self._identify = identify
        self._plan = plan
        self._relay = relay
        self._counter = counter

    async def run(self, call: Call) -> None:
        """Serve one call to its end, whatever happens to its client: the body of its owner task. Never raises."""
        try:
            try:
                principal = await self._identify(call.credential)
                plan = self._plan(call.peek.model, call.operation)
                # Admission stands here: nothing has been sent upstream, so a refusal is free.
                require(principal, "models:use", model=call.peek.model)
                if call.operation == "count":
                    await self._counter.answer(call, plan)
                    return
            except TallygateError as refusal:
                await call.refuse(refusal)
                return
            relayed = await self._relay.serve(call, plan)
            await finish(relayed.outcome)
            await conclude(call, relayed)
        except ClientGone:
            return
        except Exception:  # noqa: BLE001 - whatever broke, the client gets an answer
            logger.exception("call %s broke inside the gateway", call.id)
            await apologise(call)


async def conclude(call: Call, relayed: Relayed) -> None:
    """Hand the client what was held until the call was settled: the end of a stream, a whole answer, or the error."""
    if relayed.client_gone or call.departure.left:
        return
    if relayed.error is not None:
        await call.refuse(relayed.error)
        return
    if call.peek.stream:
        await call.start_stream(relayed.headers)
        await call.client.end(relayed.closing)
    else:
        await call.answer(200, [("content-type", "application/json"), *relayed.headers], relayed.closing)


async def apologise(call: Call) -> None:
    """Our own fault: say so if the client still listens."""
    try:
        await call.refuse(InternalError())
    except ClientGone:
        return
