"""Receipts held to the book: every figure that differs is named, and books that are being written are clean."""

import asyncio

import pytest
from msgspec import structs

from tallygate.genai.items import Settlement, TopUp, Void
from tallygate.genai.price_row import PriceRow
from tallygate.genai.results import Posted
from tallygate.ledger.price_rows import write_row
from tallygate.ledger.prices import price_free
from tallygate.receipts.book_audit import BookAudit, check_body, check_price, pair
from tallygate.receipts.entries import write_price
from tallygate.receipts.receipt import complete, read_receipt
from tallygate.store.address import DatabaseAddress
from tallygate.store.database import Database
from tallygate.store.ledger import KeptBody, open_ledger
from tallygate.store.writer import Writer
from tests.fakes.bookkeeper import Tenant, hold, settle_in, writing
from tests.fakes.receipts import DRAFT, ISSUER
from tests.receipts.making import HOLD, draft, post
from tests.receipts.test_entries import body as price_body


def test_a_receipt_says_what_its_call_says() -> None:
    assert list(check_body(HOLD, read_receipt(complete(draft(), post())))) == []


@pytest.mark.parametrize(
    ("change", "figure"),
    [
        ({"sequence": 18}, "subject.seq is 18, and the call's is 17"),
        ({"charged_nusd": 1}, "charge.amount is 1, and the call's is 480001"),
        ({"amount_nusd": 1}, "charge.reserved is 1, and the call's is 10000000"),
        ({"price_version": "p"}, f"charge.price is p, and the call's is {HOLD.price_version}"),
        ({"input_tokens": 1}, "usage.input is 1, and the call's is 1200"),
        ({"output_tokens": 1}, "usage.output is 1, and the call's is 300"),
        ({"ended_at_ns": 1}, "issued_ms is 0, and the call's is 1763740800000"),
    ],
)
def test_each_figure_that_differs_is_named(change: dict[str, int], figure: str) -> None:
    flaws = list(check_body(HOLD, read_receipt(complete(draft(), post(**change)))))
    assert [str(flaw) for flaw in flaws] == [f"receipt {HOLD.id}: its {figure}"]


def test_a_receipt_of_another_call_is_named() -> None:
    flaws = list(check_body(HOLD, read_receipt(complete(draft(), post(id="call_1")))))
    assert [flaw.what.split(" is ")[0] for flaw in flaws] == ["its id", "its charge.transfer"]


CHANGED = "its statement says something else than what was set"
ROW = write_row(price_free("sale", "m"))


def on_record(row: PriceRow) -> bytes:
    return write_price(row, "Example Lab", "log", 1)


@pytest.mark.parametrize(
    ("statement", "flaw"),
    [
        (on_record(ROW), None),
        (
            on_record(structs.replace(ROW, terms='{"call":"1.00"}')),
            "its statement says something else than what was set",
        ),
        (on_record(structs.replace(ROW, version="p9")), "its statement is about something else"),
        (complete(draft(), post()), "its statement is about something else"),
        (b"{}", "its statement cannot be read: nothing of its type is known here"),
        (price_body(), "its statement is about something else"),
    ],
)
def test_a_price_is_on_record_as_it_was_set(statement: bytes, flaw: str | None) -> None:
    row = structs.replace(ROW, seq=4, created_at_ns=5)
    assert [one.what for one in check_price(ROW.version, statement, row)] == ([flaw] if flaw else [])


def test_calls_and_receipts_meet_by_id() -> None:
    holds = [structs.replace(HOLD, id=name) for name in "bcef"]
    kept = [KeptBody(name, "ws", 1, None, "") for name in "acdfg"]
    met = [(hold and hold.id, receipt and receipt.id) for hold, receipt in pair(iter(holds), iter(kept))]
    alone = [(None, "a"), ("b", None), ("c", "c"), (None, "d"), ("e", None), ("f", "f"), (None, "g")]
    assert met == alone


CALLERS, AUDITS = 4, 6


async def spend(writer: Writer, tenant: Tenant, caller: int, stop: asyncio.Event) -> int:
    """Calls one after the other, paid and voided in turn."""
    draft = structs.replace(DRAFT, subject=ISSUER.name_subject(tenant.workspace_id))
    calls = 0
    while not stop.is_set():
        held = await hold(writer, tenant, f"h{caller}-{calls}", 100)
        if calls % 3:
            item = Settlement(hold=held, epoch=held.epoch, amount_nusd=20, receipt=draft, output_tokens=caller)
            assert isinstance(await writer.settle(item), Posted)
        else:
            await writer.settle(Void(held, held.epoch))
        calls += 1
    return calls


def look(database: Database) -> tuple[list[str], int]:
    with open_ledger(database) as book:
        reading = BookAudit(book)
        return [str(flaw) for flaw in reading.run()], reading.counts.receipts


@pytest.mark.anyio
async def test_a_busy_book_is_clean(address: DatabaseAddress, database: Database) -> None:
    """However the moments fall: there is no charge without a receipt, and no receipt without a charge."""
    tenant = settle_in(database)
    with database.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO logs (origin, vkey, status, created_at_ns) VALUES ('tallygate.test/log', '', 'active', 1)"
        )
    stop = asyncio.Event()
    async with writing(address) as writer:
        await writer.change(TopUp("opening", tenant.workspace_id, 10**9))
        callers = [asyncio.create_task(spend(writer, tenant, caller, stop)) for caller in range(CALLERS)]
        seen = [await asyncio.to_thread(look, database)]
        while len(seen) < AUDITS or seen[-1][1] == seen[0][1]:  # until something was written meanwhile
            seen.append(await asyncio.to_thread(look, database))
        stop.set()
        await asyncio.gather(*callers)
    assert not [flaw for flaws, _ in seen for flaw in flaws]
