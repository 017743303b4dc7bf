"""A database in which calls were charged, their receipts written and the log signed, as a gateway leaves it behind."""

import asyncio
import itertools
from contextlib import closing
from pathlib import Path

from msgspec import Struct, structs

from tallygate.genai.items import Settlement, TopUp, Void
from tallygate.genai.results import Held, Posted
from tallygate.genai.secret import Secret
from tallygate.ledger.price_admin import set_price
from tallygate.receipts.high_water import HighWater
from tallygate.receipts.key_file import LogKeys, make_key_file, read_key_file
from tallygate.receipts.log_writer import LogWriter
from tallygate.receipts.record import Record
from tallygate.store.address import DatabaseAddress
from tallygate.store.database import Database
from tallygate.store.epochs import begin_life
from tallygate.store.log import claim_log, open_log
from tests.fakes.bookkeeper import Tenant, ask, settle_in, writing
from tests.fakes.receipts import DRAFT, ISSUER, LOG
from tests.receipts.logs import SECOND_NS, Clock

RESERVED_NUSD = 100

_MOMENTS_NS = itertools.count(1_800_000_000 * SECOND_NS, 10 * SECOND_NS)
"""When the log is signed: each time later than the last, and than any price was set."""


class Proven(Struct, frozen=True):
    """`acme` has paid for five calls, c0 to c4, and `bolt` for two, d0 and d1. One more of acme's was voided."""

    acme: Tenant
    bolt: Tenant
    price: str
    keys: LogKeys


def prove(address: DatabaseAddress, database: Database, data: Path) -> Proven:
    """Make the calls, and sign the log twice. The keys and the mark lie in `data`."""
    text = make_key_file(0, origin=LOG, issuer="Test Lab")
    data.mkdir(exist_ok=True)
    (data / "receipt-keys.json").write_text(text)
    keys = read_key_file(Secret(text))
    acme, bolt = (settle_in(database, name) for name in ("acme", "bolt"))
    price = set_price(database, "sale", "m", {"call": "0.000000020"}, actor="test").row.version
    with closing(open_log(address)) as connection:
        claim_log(connection, LOG, keys.signer.verifier.vkey, 1)
    call(address, acme, price, ["c0", "c1"])
    sign(address, keys, data)
    call(address, acme, price, ["c2", "c3", "c4"])
    call(address, bolt, price, ["d0", "d1"])
    sign(address, keys, data)
    return Proven(acme, bolt, price, keys)


def call(address: DatabaseAddress, tenant: Tenant, price: str, names: list[str]) -> None:
    """Calls that are paid, and one that is voided."""
    asyncio.run(_call(address, tenant, price, names))


async def _call(address: DatabaseAddress, tenant: Tenant, price: str, names: list[str]) -> None:
    draft = structs.replace(DRAFT, subject=ISSUER.name_subject(tenant.workspace_id), seed=bytes(range(32)))
    async with writing(address) as writer:
        await writer.change(TopUp(f"topup-{names[0]}", tenant.workspace_id, 10_000))
        for name in (*names, f"{names[0]}-void"):
            held = await writer.admit(ask(writer, tenant, name, RESERVED_NUSD, price_version=price))
            assert isinstance(held, Held), held
            if name.endswith("-void"):
                await writer.settle(Void(held.hold, held.hold.epoch))
                continue
            item = Settlement(hold=held.hold, epoch=held.hold.epoch, amount_nusd=20, receipt=draft, input_tokens=3)
            assert isinstance(await writer.settle(item), Posted)


def sign(address: DatabaseAddress, keys: LogKeys, data: Path) -> None:
    """Take all that waits into the log, and sign it."""
    life = begin_life(address, "test")
    clock = Clock(next(_MOMENTS_NS))
    vkey = keys.signer.verifier.vkey
    with closing(open_log(address)) as connection:
        Record(connection, keys).bring_up_to_date(clock())
        writer = LogWriter(connection, address, keys, HighWater(data / "log-high-water", vkey), clock_ns=clock)
        assert writer.take_turn(life.epoch).signed is not None
        writer.give_turn(life.epoch)
    life.end()
