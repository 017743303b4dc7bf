"""The whole walk of one request, on one screen. Every door, stream, batch line and paid call
takes this walk and no other; what a step does lives in its own room.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress

from msgspec import Struct, field

from tallygate.access.admission import Admitted, Answered, Asked, Turnstile
from tallygate.access.permissions import MODELS_USE, require
from tallygate.access.principal import Principal
from tallygate.dialects.base import Dialect
from tallygate.errors import InternalError, TallygateError
from tallygate.genai.outcome import Outcome
from tallygate.genai.peek import Peek
from tallygate.genai.plan import Plan
from tallygate.genai.secret import Secret
from tallygate.ledger.quote import Quote
from tallygate.media.spool import Spool
from tallygate.pipeline.call import Call, ClientGone
from tallygate.pipeline.commitments import Commitments
from tallygate.pipeline.count import Counter
from tallygate.pipeline.deadline import Deadlines
from tallygate.pipeline.finish import Finisher
from tallygate.pipeline.progress import Note, Pacer
from tallygate.pipeline.relay import Relay, Relayed
from tallygate.pipeline.replay import Keeping, give_again
from tallygate.pipeline.running import Running
from tallygate.pipeline.screen import Screen
from tallygate.pipeline.watch import Watch
from tallygate.telemetry.log import logger
from tallygate.telemetry.reporter import Finished, Reporter

Recall = Callable[[Secret | None, str], Principal | None]
Identify = Callable[[Secret | None, str], Awaitable[Principal]]
MakePlan = Callable[[Peek, str, frozenset[str] | None, str], Plan]
Suit = Callable[[Plan, Peek, bytes, Dialect], Plan]
Vouch = Callable[[], None]
Heed = Callable[[Outcome], None]
MakeQuote = Callable[[Plan, Peek, bytes, Dialect], Quote]


class Steps(Struct, frozen=True):
    """What the hallway leads to: each step of the walk, in its order.

    `recall` knows principals as they once were; `suit` leaves only targets that can do what is asked, and raises
    UnsupportedParameter where none can; `vouch` raises ReceiptsUnavailable where no call may be made because
    nobody could prove it later; `quote` raises Unpriced, UnsupportedParameter; `heed` learns how quick a target was;
    `find_total_ms` says how long a call may take, None: as long as it likes.
    """

    recall: Recall
    identify: Identify
    plan: MakePlan
    suit: Suit
    counter: Counter
    vouch: Vouch
    quote: MakeQuote
    turnstile: Turnstile
    spool: Spool
    running: Running
    relay: Relay
    heed: Heed
    note: Note
    finisher: Finisher
    find_total_ms: Callable[[], int | None] = lambda: None
    screen: Screen = field(default_factory=Screen)
    reporter: Reporter = field(default_factory=Reporter)


class Hallway:
    """Walks calls. Holds the rooms it leads to and nothing about any one call."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._pacer = Pacer(steps.note)
        self._deadlines = Deadlines()

    async def run(self, call: Call) -> None:
        """Serve one call to its end, whatever happens to its client: the body of its owner task. Never raises."""
        try:
            with self._deadlines.guard(call, self._steps.find_total_ms()):
                await self._walk(call)
        except ClientGone:
            return
        except Exception:  # noqa: BLE001 - whatever broke, the client gets an answer
            logger.exception("call %s broke inside the gateway", call.id, extra=call.ids)
            await apologise(call)

    async def _walk(self, call: Call) -> None:
        """From the door to the end. Raises ClientGone."""
        steps = self._steps
        try:
            if call.operation == "count":
                plan = await self._plan(call, await steps.identify(call.credential, call.peer))
                await steps.counter.answer(call, plan)
                return
            principal, plan, quote = await self._approach(call)
            # Nothing has been sent upstream yet, so up to here a refusal is free.
            passed = await steps.turnstile.admit(principal, ask(call, plan, quote), call.rest, call.stand)
            if isinstance(passed, Answered):
                await give_again(call, steps.spool, passed)
                return
        except TallygateError as refusal:
            steps.reporter.refuse(refusal.code)
            await call.refuse(refusal)
            return
        await self._serve(call, plan, passed)

    async def _approach(self, call: Call) -> tuple[Principal, Plan, Quote]:
        """Who calls, who may serve it, and what it may cost. Raises what those steps raise."""
        known = self._steps.recall(call.credential, call.peer)
        if known is not None:
            # Whoever goes on is looked at anew by the turnstile; whoever would be refused is looked at anew here.
            with suppress(TallygateError):
                return known, *await self._quote(call, known)
        principal = await self._steps.identify(call.credential, call.peer)
        return principal, *await self._quote(call, principal)

    async def _plan(self, call: Call, principal: Principal) -> Plan:
        plan = self._steps.plan(call.peek, call.operation, principal.models, principal.workspace_id)
        # Of several names the plan holds those that the key may call.
        require(principal, MODELS_USE, model=call.peek.model if call.peek.routing is None else None)
        await self._steps.screen.look(call, principal, plan)
        return plan

    async def _quote(self, call: Call, principal: Principal) -> tuple[Plan, Quote]:
        plan = await self._plan(call, principal)
        # What is bounded and paid for is what goes on.
        body, peek = call.onward
        plan = self._steps.suit(plan, peek, body, call.dialect)
        self._steps.vouch()
        return plan, self._steps.quote(plan, peek, body, call.dialect)

    async def _serve(self, call: Call, plan: Plan, admitted: Admitted) -> None:
        """Make an admitted call. Whatever happens from here on, it ends in one settlement or void."""
        steps = self._steps
        keeping = None
        if admitted.hold.claim_id:
            keeping = call.client = Keeping(call.client, steps.spool, call.id)
            call.departure.stay()
        watch = Watch(call)
        commitments = call.client = Commitments(call, watch)
        with steps.running.keep(call, admitted.key_id), self._pacer.keep(admitted, watch, len(call.onward.body)):
            relayed = await steps.relay.serve(call, plan, admitted, watch)
        told = await steps.finisher.finish(call, admitted, relayed, commitments, keeping)
        steps.reporter.tell(
            Finished(relayed.outcome, call.dialect.name, call.request_id, call.peek.stream, call.traceparent)
        )
        await conclude(call, told)
        steps.heed(relayed.outcome)


def ask(call: Call, plan: Plan, quote: Quote) -> Asked:
    """What the call wants to pass the turnstile with."""
    return Asked(
        call_id=call.id,
        credential=call.credential,
        address=call.address,
        body=call.body,
        models=(plan.request_model, *plan.others),
        quote=quote,
        claim_key=call.claim_key,
        peer=call.peer,
    )


async def conclude(call: Call, relayed: Relayed) -> None:
    """Hand the client what was held until the call was settled: the end of a stream, a whole answer, or the error."""
    if relayed.client_gone or call.departure.left:
        return
    if relayed.error is not None:
        await call.refuse(relayed.error, relayed.headers, sent=relayed.outcome.sent)
    elif call.peek.stream:
        await call.start_stream(relayed.headers)
        await call.client.end(relayed.closing)
    else:
        await call.answer(relayed.headers, relayed.closing)


async def apologise(call: Call) -> None:
    """Our own fault: say so if the client still listens."""
    try:
        await call.refuse(InternalError())
    except ClientGone:
        return
