"""The end of a call: the second of its two transactions, before the client is told the end.

Every call that was admitted comes here exactly once, whatever became of it, and leaves exactly one settlement or void
behind. What a call comes to is decided by `ledger.bill`; how it is written by the store's writer, which goes on even
when nobody waits any more.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, Literal

from msgspec import structs

from tallygate.access.admission import Admitted
from tallygate.dialects.registry import ACCOUNTABLE, ENVELOPING, RECOUNTING
from tallygate.errors import InternalError, SettlementUnknown, TallygateError
from tallygate.genai.book import Answer, Hold
from tallygate.genai.course import Course
from tallygate.genai.details import Details, Tried, write_details
from tallygate.genai.items import Cost, Settlement, Void
from tallygate.genai.outcome import Outcome
from tallygate.genai.plan import Target
from tallygate.genai.receipt_draft import ChargeBasis, ReceiptDraft
from tallygate.genai.reckoning import Reckoning
from tallygate.genai.results import AlreadyDone, Posted, Result, Voided
from tallygate.genai.usage import Usage
from tallygate.ledger.bill import Bill, draw_up, is_waived, list_used
from tallygate.ledger.money import print_usd
from tallygate.ledger.prices import Price
from tallygate.ledger.shares import split_charge
from tallygate.pipeline.call import Call
from tallygate.pipeline.commitments import Commitments
from tallygate.pipeline.exchange import id_headers, target_headers
from tallygate.pipeline.relay import Relayed
from tallygate.pipeline.replay import Keeping
from tallygate.receipts.receipt import Issuer, name_status
from tallygate.telemetry.log import logger

Settle = Callable[[Settlement | Void, float], Awaitable[Result]]
CountCosts = Callable[[Iterable[tuple[Target, Usage]]], tuple[Cost, ...]]

Written = Literal["done", "pending", "lost"]
"""What became of a call's end: written, not yet, or never, because somebody else has ended the call."""

WAIT_S: Final = 5.0
"""How long a client waits for its settlement. The settlement itself goes on."""

_NAME_CHARACTERS_MAX: Final = 256
_NS_PER_MS: Final = 1_000_000


class Finisher:
    """Ends calls. `settle` is the store's writer, which raises TimeoutError where it takes longer than given;
    `count_costs` says what attempts cost the house; `issuer` vouches.
    """

    def __init__(self, settle: Settle, count_costs: CountCosts, issuer: Issuer, *, wait_s: float = WAIT_S) -> None:
        self._settle = settle
        self._count_costs = count_costs
        self._issuer = issuer
        self._wait_s = wait_s

    async def finish(
        self,
        call: Call,
        admitted: Admitted,
        relayed: Relayed,
        commitments: Commitments,
        keeping: Keeping | None = None,
    ) -> Relayed:
        """Settle or void the call. Returns what its client is still to be told, which may have become an error."""
        if not relayed.outcome.sent and not call.started:
            if keeping is not None:
                keeping.abandon()
            # What the client hears is why nothing was sent, however long the void takes.
            await self._write(Void(admitted.hold, admitted.hold.epoch), call.id)
            return relayed if relayed.error is None else structs.replace(relayed, headers=_name_asked(call, relayed))
        settlement, told = self._close(call, admitted, relayed, commitments)
        if keeping is not None:
            answer = await _keep(keeping, call, told)
            settlement = structs.replace(settlement, answer=answer)
        written = await self._write(settlement, call.id)
        if written == "lost" and keeping is not None and settlement.answer is not None:
            await keeping.forget(settlement.answer)
        if written != "done":
            told = structs.replace(told, error=SettlementUnknown())
        if told.error is None:
            return told
        return structs.replace(told, headers=(*_name_asked(call, relayed), *id_headers(call)))

    def _close(
        self, call: Call, admitted: Admitted, relayed: Relayed, commitments: Commitments
    ) -> tuple[Settlement, Relayed]:
        """The settlement, and the answer with what it has to tell of it. If that breaks, the call still ends, and costs
        nothing.
        """
        hold, outcome = admitted.hold, relayed.outcome
        try:
            sale = admitted.quote.find_sale(outcome)
            bill = draw_up(outcome, sale.price, sale.bound, hold, len(call.onward.body))
            details = tell(call, outcome, bill, hold.model)
            reckoning = _reckon(call, bill, sale.price, min(bill.amount_nusd, hold.amount_nusd))
            told = _tell_course(call, _tell_cost(call, relayed, reckoning), reckoning)
            settlement = Settlement(
                hold=hold,
                epoch=hold.epoch,
                amount_nusd=bill.amount_nusd,
                input_tokens=bill.usage.input_tokens,
                output_tokens=bill.usage.output_tokens,
                details=write_details(details),
                costs=self._count_costs(list_used(outcome, bill)),
                receipt=self._draft(call, hold, details, _find_basis(outcome, sale.price), commitments, told),
                price_version=sale.price_version,
            )
            return settlement, _tell_receipt(call, told)
        except Exception:  # noqa: BLE001 - our own fault, and nobody pays for it
            logger.exception("the bill of call %s broke inside the gateway", call.id, extra=call.ids)
            receipt = self._issuer.draft_unseen(hold, "failed", "waived")
            settlement = Settlement(hold=hold, epoch=hold.epoch, amount_nusd=0, receipt=receipt)
            return settlement, structs.replace(relayed, error=InternalError())

    def _draft(
        self,
        call: Call,
        hold: Hold,
        details: Details,
        basis: ChargeBasis,
        commitments: Commitments,
        told: Relayed,
    ) -> ReceiptDraft:
        """The receipt of a call. If that breaks, the call is charged all the same, and its receipt says less."""
        try:
            ended = told.error is None and not told.client_gone
            made = commitments.make(told.closing if ended else None)
            return self._issuer.draft(details, hold.workspace_id, call.address, basis, commitments.seed, made)
        except Exception as error:  # noqa: BLE001 - our own fault, and no reason to leave the call open
            # Its text might hold what must not be logged.
            logger.error("the receipt of call %s broke inside the gateway: %s", call.id, type(error).__name__)
            return self._issuer.draft_unseen(hold, name_status(details.status), basis)

    async def _write(self, item: Settlement | Void, call_id: str) -> Written:
        """Hand the end to the writer, and wait a while for its decision."""
        try:
            result = await self._settle(item, self._wait_s)
        except TimeoutError:
            logger.warning("the end of call %s is not written yet; it will be", call_id, extra={"call_id": call_id})
            return "pending"
        except TallygateError:
            logger.exception("the end of call %s cannot be written", call_id, extra={"call_id": call_id})
            return "lost"
        if isinstance(result, Posted | Voided | AlreadyDone):
            return "done"
        logger.error("the end of call %s was not taken: %s", call_id, type(result).__name__)
        return "lost"


async def _keep(keeping: Keeping, call: Call, told: Relayed) -> Answer | None:
    """Keep a whole answer until it is asked for again; of one that broke off nothing."""
    if told.error is not None or told.client_gone:
        keeping.abandon()
        return None
    try:
        return await keeping.finish(call, told.headers, told.closing)
    except asyncio.CancelledError:
        # The event loop ends. The answer is lost, but the settlement must still be handed over.
        return None


def _find_basis(outcome: Outcome, price: Price) -> ChargeBasis:
    if is_waived(outcome):
        return "waived"
    return "free" if price.free else "usage"


def _reckon(call: Call, bill: Bill, price: Price, charged_nusd: int) -> Reckoning:
    shares = split_charge(price, bill.usage, charged_nusd)
    return Reckoning(
        request_id=call.request_id,
        receipt_id=call.id,
        cost_usd=print_usd(charged_nusd),
        input_cost_usd=print_usd(shares.input_nusd),
        output_cost_usd=print_usd(shares.output_nusd),
        usage=bill.usage,
    )


def _tell_cost(call: Call, relayed: Relayed, reckoning: Reckoning) -> Relayed:
    """The answer with its cost: in a header of a whole one, beside the usage of a stream for who asked for usage; in
    itself besides, where it tells of itself.
    """
    if relayed.error is not None or relayed.client_gone:
        return relayed
    cost_usd = reckoning.cost_usd
    if accountable := ACCOUNTABLE.get(call.dialect.name):
        closing = accountable.tell_reckoning(relayed.closing, reckoning, stream=call.peek.stream)
        relayed = structs.replace(relayed, closing=closing)
    if enveloping := ENVELOPING.get(call.dialect.name):
        facts = {"request_id": call.request_id, "receipt_id": call.id, "cost_usd": cost_usd}
        closing = enveloping.tell_meta(relayed.closing, facts, stream=call.peek.stream)
        relayed = structs.replace(relayed, closing=closing)
    if not call.peek.stream:
        return structs.replace(relayed, headers=(*relayed.headers, ("x-tallygate-cost-usd", cost_usd)))
    if call.peek.include_usage:
        return structs.replace(relayed, closing=call.streaming.tell_cost(relayed.closing, cost_usd))
    return relayed


def _tell_course(call: Call, relayed: Relayed, reckoning: Reckoning) -> Relayed:
    """The answer with how it came about, for who asked for that."""
    recounting = RECOUNTING.get(call.dialect.name) if call.peek.tells_run else None
    if recounting is None or relayed.error is not None or relayed.client_gone:
        return relayed
    course = _recount(call, relayed.outcome)
    closing = recounting.tell_course(relayed.closing, reckoning, course, asked=call.body, stream=call.peek.stream)
    return structs.replace(relayed, closing=closing)


def _recount(call: Call, outcome: Outcome) -> Course:
    """Of a call that was served to its end."""
    *failed, served = outcome.attempts
    total_ms = outcome.duration_ns // _NS_PER_MS
    return Course(
        request_model=outcome.request_model,
        target=served.target,
        # A whole answer, and a stream that is all end, leaves now.
        ttft_ms=total_ms if outcome.first_chunk_ns is None else outcome.first_chunk_ns // _NS_PER_MS,
        total_ms=total_ms,
        failure=failed[0].error_code if failed else "",
        policy_digest=call.peek.routing.policy_digest if call.peek.routing else "",
        ended_s=int(time.time()),
    )


def _name_asked(call: Call, relayed: Relayed) -> tuple[tuple[str, str], ...]:
    """Who was asked last, of a call that nobody served."""
    attempts = relayed.outcome.attempts
    return target_headers(call, attempts[-1].target) if attempts else ()


def _tell_receipt(call: Call, told: Relayed) -> Relayed:
    """The answer with its receipt's id in its stream. Of a whole one it stands in the headers only."""
    if told.error is not None or not call.peek.stream:
        return told
    return structs.replace(told, closing=call.streaming.tell_receipt(told.closing, call.id))


def tell(call: Call, outcome: Outcome, bill: Bill, booked_as: str) -> Details:
    """The call's story, as its owner may read it. `booked_as`: the name that its hold bears."""
    usage = {name: count for name, count in structs.asdict(bill.usage).items() if count is not None}
    served = outcome.served
    return Details(
        request_id=call.request_id,
        operation=outcome.operation,
        dialect=call.dialect.name,
        stream=call.peek.stream,
        status=outcome.status,
        request_model=outcome.request_model,
        response_model=outcome.response_model[:_NAME_CHARACTERS_MAX],
        provider=served.provider if served else "",
        model=served.model if served else "",
        sold_as=_find_name(outcome, booked_as),
        usage=usage,
        usage_source=bill.source,
        finish_reasons=outcome.finish_reasons,
        attempts=tuple(
            Tried(tried.target.provider, tried.target.model, tried.status, tried.error_code)
            for tried in outcome.attempts
        ),
        dropped=outcome.dropped,
        guardrails=() if call.guard is None else call.guard.noted(),
        error_code=outcome.error_code,
        policy=call.peek.routing.policy_digest if call.peek.routing else "",
        first_chunk_ms=None if outcome.first_chunk_ns is None else outcome.first_chunk_ns // _NS_PER_MS,
        duration_ms=outcome.duration_ns // _NS_PER_MS,
    )


def _find_name(outcome: Outcome, booked_as: str) -> str:
    """The name whose price is paid, where that is another than the caller used: of several it was not the first."""
    if outcome.served is None:
        return ""
    name = outcome.served.sold_as or booked_as
    return "" if name == outcome.request_model else name
