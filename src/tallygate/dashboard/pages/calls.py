"""Calls: the list with its filters, one call with its story and its receipt, whether that holds, and a refund."""

import secrets
from collections.abc import Mapping
from typing import Any, Final, get_args

import msgspec
from msgspec import Struct

from tallygate.api.body import read_usd
from tallygate.api.door import Reply
from tallygate.api.query import read_moment
from tallygate.dashboard.rights import find_scope
from tallygate.dashboard.visit import Leave, Page, Visit
from tallygate.errors import InvalidValue, NotFound, ReceiptErased, TallygateError
from tallygate.genai.book import HoldState
from tallygate.genai.details import Details, read_details
from tallygate.ledger import operations
from tallygate.receipts.bundle import write_bundle
from tallygate.receipts.log_reader import prove_inclusion
from tallygate.receipts.verify import VERIFIED
from tallygate.store.calls import CallLine, Wanted, list_calls
from tallygate.store.driver import DriverConnection
from tallygate.store.receipts import find_receipt
from tallygate.store.usage import CallFacts, Scope, find_call

ROWS: Final = 50
STATES: Final[tuple[HoldState, ...]] = get_args(HoldState)
FILTERS: Final = ("model", "state", "key", "user", "from", "to")
DONE: Final = {"refunded": "The refund is in the wallet."}


class Line(Struct, frozen=True):
    """A call of the list, and its story where it has one."""

    call: CallLine
    details: Details | None


async def show_calls(visit: Visit) -> Page:
    """Calls, the newest first, fifty at a time."""
    values = visit.read_query(*FILTERS, "before")
    found: list[CallLine] = []
    if visit.workspace is not None:
        scope, wanted = find_scope(visit.person, visit.workspace.id), _read_filters(values)
        found = await visit.rooms.accounts.enquirer.ask(
            lambda connection: list_calls(connection, scope, wanted, ROWS + 1)
        )
    given = {name: values.get(name, "") for name in FILTERS}
    shown = found[:ROWS]
    older = None
    if len(found) > ROWS:
        older = visit.at("/dashboard/calls", **given, before=f"{shown[-1].opened_at_ns}.{shown[-1].id}")
    filled = {
        "lines": [Line(call, read_details(call.details)) for call in shown],
        "given": given,
        "filtered": any(given.values()),
        "states": STATES,
        "older": older,
        "newest": visit.at("/dashboard/calls", **given) if "before" in values else None,
    }
    return Page("calls_list.html" if visit.is_enhanced else "calls.html", filled)


async def show_call(visit: Visit) -> Page:
    """One call: what was asked, who served it, what was counted and charged, and its receipt."""
    values = visit.read_query()
    return await _show(visit, {"done": DONE.get(values.get("done", ""), "")})


async def verify_receipt(visit: Visit) -> Page:
    """What the verifier says of the call's receipt, check by check."""
    visit.form.read(("form_token",))
    bundle = await _bundle(visit)
    verdict = await visit.rooms.proofs.judge(bundle) if bundle is not None else None
    filled = {"verdict": verdict, "verified": verdict is not None and verdict.exit_code == VERIFIED}
    if visit.is_enhanced:
        return Page("verdict.html", filled)
    return await _show(visit, {**filled, "judged": True})


async def show_receipt(visit: Visit) -> Reply:
    """The receipt's bundle, to be kept and verified elsewhere."""
    visit.read_query()
    bundle = await _bundle(visit)
    if bundle is None:
        raise NotFound("The receipt is not in the published log yet. Try again in a second.")
    name = "".join(one for one in visit.slots["id"] if one.isalnum() or one in "_-")[:80]
    return Reply(200, bundle, (("content-disposition", f'attachment; filename="{name}.json"'),))


async def refund(visit: Visit) -> Page | Leave:
    """Put some or all of the call's charge back into the wallet. The form's own id makes it happen once."""
    values = visit.form.read(("form_token", "usd", "id"))
    call = await _find(visit)
    try:
        await operations.refund_call(
            visit.rooms.writer,
            visit.rooms.database,
            call_id=call.id,
            amount_nusd=read_usd(values.get("usd", "").strip(), "usd"),
            movement_id=values.get("id", ""),
            actor=visit.person.actor,
        )
    except TallygateError as error:
        return await _show(visit, {"problem": error.message}, error.status)
    return Leave(visit.at(f"/dashboard/calls/{call.id}", done="refunded"))


async def _show(visit: Visit, more: Mapping[str, Any], status: int = 200) -> Page:
    call = await _find(visit)
    scope = Scope(visit.workspace.id if visit.workspace else "")
    kept = await visit.rooms.proofs.ask(lambda connection: find_receipt(connection, scope, call.id))
    receipt = None
    if kept is not None and kept.body is not None:
        receipt = msgspec.json.format(kept.body, indent=2).decode()
    filled = {
        "call": call,
        "details": read_details(call.details),
        "kept": kept,
        "receipt": receipt,
        "movement_id": f"dashboard-{secrets.token_hex(12)}",
        "judged": False,
        **more,
    }
    return Page("call.html", filled, status)


async def _find(visit: Visit) -> CallFacts:
    """The call that the address names, if this person sees it. Raises NotFound."""
    call = None
    if visit.workspace is not None:
        scope, call_id = find_scope(visit.person, visit.workspace.id), visit.slots["id"]
        call = await visit.rooms.accounts.enquirer.ask(lambda connection: find_call(connection, scope, call_id))
    if call is None:
        raise NotFound("There is no call of this id here.")
    return call


async def _bundle(visit: Visit) -> bytes | None:
    """The bundle of the call's receipt; None until a published checkpoint covers it. Raises NotFound, ReceiptErased."""
    call = await _find(visit)
    scope = Scope(visit.workspace.id if visit.workspace else "")

    def read(connection: DriverConnection) -> bytes | None:
        kept = find_receipt(connection, scope, call.id)
        if kept is None:
            raise NotFound("This call has no receipt: it is still open, or nothing was sent.")
        if kept.body is None:
            raise ReceiptErased
        proof = None if kept.leaf_index is None else prove_inclusion(connection, kept.log, kept.leaf_index)
        return None if proof is None else write_bundle(kept.body, proof)

    return await visit.rooms.proofs.ask(read)


def _read_filters(values: Mapping[str, str]) -> Wanted:
    state = values.get("state")
    if state is not None and state not in STATES:
        raise InvalidValue("`state` is none that a call can have.", param="state")
    return Wanted(
        model=values.get("model"),
        key_id=values.get("key"),
        user_id=values.get("user"),
        state=state,
        from_ns=read_moment(values["from"], "from") if "from" in values else None,
        to_ns=read_moment(values["to"], "to", end_of_day=True) if "to" in values else None,
        before=_read_place(values["before"]) if "before" in values else None,
    )


def _read_place(text: str) -> tuple[int, str]:
    moment, _, call_id = text.partition(".")
    if not moment.isascii() or not moment.isdigit() or len(moment) > 19 or not call_id:
        raise InvalidValue("`before` is none that this list gave.", param="before")
    return int(moment), call_id
