"""Mistakes that somebody could make in a gateway's money, planted in the real one: the proof that the judge sees.

Each replaces one step of the product in this process, before the gateway is run, and names the promise it breaks.
"""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

from msgspec import structs

from tallygate import app
from tallygate.access.admission import Admitted, Asked, Turnstile
from tallygate.access.doorman import Doorman
from tallygate.access.principal import Principal
from tallygate.genai.book import Hold
from tallygate.genai.items import Admission, Settlement, Void
from tallygate.genai.reckoning import Reckoning
from tallygate.genai.results import Held, Posted, Refused, Stale, Voided
from tallygate.pipeline import finish
from tallygate.pipeline.call import Call
from tallygate.pipeline.finish import Finisher
from tallygate.pipeline.relay import Relayed
from tallygate.store.recovery import Sweeper, Swept
from tallygate.store.writer import Writer

LATE_S = 0.4


class Bug(NamedTuple):
    """A mistake, and the promises of which at least one must be seen broken."""

    plant: Callable[[], None]
    breaks: tuple[str, ...]


def settle_twice() -> None:
    """Each call is charged once more, under another id."""
    settle, admit = Writer.settle, Writer.admit
    seen: dict[str, Admission] = {}

    async def remember(self: Writer, item: Admission) -> Any:
        seen[item.hold_id] = structs.replace(item, hold_id=f"{item.hold_id}x", claim=None)
        return await admit(self, item)

    async def repeat(self: Writer, item: Settlement | Void, wait_s: float | None = None) -> Any:
        result = await settle(self, item, wait_s)
        again = seen.pop(item.hold.id, None)
        if isinstance(result, Posted) and again is not None:
            held = await admit(self, again)
            if isinstance(held, Held):
                await settle(self, structs.replace(item, hold=held.hold, epoch=held.hold.epoch))
        return result

    Writer.admit, Writer.settle = remember, repeat


def lose_settlements() -> None:
    """Every third end of a call is not written, and said to be."""
    settle = Writer.settle
    turns = iter(range(10**9))

    async def forget(self: Writer, item: Settlement | Void, wait_s: float | None = None) -> Any:
        return await settle(self, item, wait_s) if next(turns) % 3 else Voided(item.hold)

    Writer.settle = forget


def void_after_dispatch() -> None:
    """What was sent is given back as if it had not been."""
    settle = Writer.settle

    async def give_back(self: Writer, item: Settlement | Void, wait_s: float | None = None) -> Any:
        return await settle(self, Void(item.hold, item.epoch), wait_s)

    Writer.settle = give_back


def refund_on_disconnect() -> None:
    """Whoever leaves pays nothing."""
    draw_up = finish.draw_up

    def waive(outcome: Any, *rest: Any) -> Any:
        bill = draw_up(outcome, *rest)
        return structs.replace(bill, amount_nusd=0) if outcome.status == "cancelled" else bill

    finish.draw_up = waive


def skip_recovery() -> None:
    """Nobody looks after the dead."""

    async def look_away(self: Sweeper) -> Swept:
        return Swept(complete=True)

    Sweeper.sweep = look_away


def send_unheld() -> None:
    """A refusal for lack of money lets the call pass."""
    admit = Writer.admit

    async def wave_through(self: Writer, item: Admission) -> Any:
        result = await admit(self, item)
        if not isinstance(result, Refused):
            return result
        return Held(
            Hold(
                id=item.hold_id,
                workspace_id=item.workspace_id,
                user_id=item.user_id,
                key_id=item.key_id,
                epoch=self.epoch,
                model=item.model,
                price_version=item.price_version,
                amount_nusd=1,
                output_tokens_max=512,
                opened_at_ns=1,
            )
        )

    Writer.admit = wave_through


def tell_before_settling() -> None:
    """The client hears the end while its settlement is still on its way."""
    write = Finisher._write
    late: set[asyncio.Task[Any]] = set()

    async def put_off(self: Finisher, item: Settlement | Void, call_id: str) -> Any:
        async def later() -> None:
            await asyncio.sleep(LATE_S)
            await write(self, item, call_id)

        late.add(asyncio.ensure_future(later()))
        return "done"

    Finisher._write = put_off


def tell_another_cost() -> None:
    """The client is told a nano-dollar less than it pays."""
    tell = finish._tell_cost

    def tell_less(call: Call, relayed: Relayed, reckoning: Reckoning) -> Relayed:
        less = max(Decimal(0), Decimal(reckoning.cost_usd) - Decimal("0.000000001"))
        return tell(call, relayed, structs.replace(reckoning, cost_usd=f"{less:f}"))

    finish._tell_cost = tell_less


def forget_claims() -> None:
    """Idempotency-Keys are read and not kept."""
    write = Turnstile._write

    def unclaimed(self: Turnstile, principal: Principal, asked: Asked, digest: bytes) -> Admission:
        return structs.replace(write(self, principal, asked, digest), claim=None)

    Turnstile._write = unclaimed


def count_one_more() -> None:
    """One token too many on every bill."""
    draw_up = finish.draw_up

    def add(outcome: Any, price: Any, *rest: Any) -> Any:
        bill = draw_up(outcome, price, *rest)
        return structs.replace(bill, amount_nusd=bill.amount_nusd + 8_000) if bill.amount_nusd else bill

    finish.draw_up = add


def ignore_slots() -> None:
    """A user may have as many calls open as it likes."""
    write = Turnstile._write

    def unlimited(self: Turnstile, principal: Principal, asked: Asked, digest: bytes) -> Admission:
        return structs.replace(write(self, principal, asked, digest), slots_max=1_000)

    Turnstile._write = unlimited


def remember_keys() -> None:
    """A key that was good once is good for ever: the doorman remembers it, and the turnstile is not asked again."""
    identify, admit = Doorman.identify, Turnstile.admit
    known: dict[str, Any] = {}

    async def recall(self: Doorman, credential: Any, peer: Any) -> Any:
        if credential is None:
            return await identify(self, credential, peer)
        text = credential.reveal()
        if text not in known:
            known[text] = await identify(self, credential, peer)
        return known[text]

    async def pass_anyway(self: Turnstile, principal: Any, asked: Any, rest: Any, stand: Any = None) -> Any:
        result = await self._admit(self._write(principal, asked, b""))
        if not isinstance(result, Stale | Refused):
            return await admit(self, principal, structs.replace(asked, call_id=f"{asked.call_id}b"), rest, stand)
        hold = Hold(
            id=asked.call_id,
            workspace_id=principal.workspace_id,
            user_id=principal.user_id,
            key_id=principal.key_id,
            epoch="",
            model=asked.models[0],
            price_version="",
            amount_nusd=1,
            output_tokens_max=512,
            opened_at_ns=1,
        )
        return Admitted(principal.key_id, asked.quote, hold)

    Doorman.identify, Turnstile.admit = recall, pass_anyway


def never_cut() -> None:
    """The streams of a revoked key run on."""

    async def see_nothing(self: app.Worker, key_ids: frozenset[str]) -> frozenset[str]:
        return frozenset()

    app.Worker._find_dead = see_nothing


BUGS: dict[str, Bug] = {
    "settle-twice": Bug(settle_twice, ("C8",)),
    "lose-settlements": Bug(lose_settlements, ("C12", "M5")),
    "void-after-dispatch": Bug(void_after_dispatch, ("M8", "C12")),
    "refund-on-disconnect": Bug(refund_on_disconnect, ("M7", "S4")),
    "skip-recovery": Bug(skip_recovery, ("M5",)),
    "send-unheld": Bug(send_unheld, ("M8", "C12")),
    "tell-before-settling": Bug(tell_before_settling, ("C12",)),
    "tell-another-cost": Bug(tell_another_cost, ("C12", "M12")),
    "forget-claims": Bug(forget_claims, ("C1",)),
    "count-one-more": Bug(count_one_more, ("M7",)),
    "ignore-slots": Bug(ignore_slots, ("C9",)),
    "remember-keys": Bug(remember_keys, ("K1",)),
    "never-cut": Bug(never_cut, ("K2",)),
}
"""By name."""
