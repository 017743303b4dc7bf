"""What a start does once, before there is a worker: the database, the keys, and what can be called.

Nothing here runs an event loop or opens a socket to a provider.
"""

import time

from tallygate.access.admin_key import load_or_create_admin_key
from tallygate.access.keys import Minter
from tallygate.access.pepper import fingerprint, load_or_create_pepper
from tallygate.access.receipt_keys import load_or_create_receipt_keys
from tallygate.config.settings import Settings
from tallygate.genai.secret import Secret
from tallygate.ledger.money import parse_usd
from tallygate.pipeline.supply import Supply
from tallygate.receipts import key_file
from tallygate.receipts.key_file import LogKeys
from tallygate.receipts.sequencer import bind_log
from tallygate.store.address import DatabaseAddress
from tallygate.store.log import find_log
from tallygate.store.meta import claim_pepper, find_uncredited_workspace, has_workspace, schema_is_current
from tallygate.store.writer import Writer

OPENING = "opening"
"""The id of the first workspace's opening credit: it is given once per database."""


def make_supply(settings: Settings, *, demo: bool) -> Supply:
    """What can be called as far as the configuration and the environment say."""
    return Supply(
        settings.providers,
        settings.models,
        discovers=settings.discover,
        demo=demo,
        own_key_prefix=settings.keys.prefix,
        router=settings.router,
    )


def open_store(settings: Settings, address: DatabaseAddress) -> tuple[bytes, Secret | None]:
    """Bring the database up to date. Returns the keys' pepper, and the first key if this start had to make it."""
    if not schema_is_current(address):
        from tallygate.store.migrate import migrate

        migrate(address)
    pepper = load_or_create_pepper(settings.data / "key-pepper", settings.keys.pepper)
    claim_pepper(address, fingerprint(pepper))
    load_or_create_admin_key(settings.data / "admin-key", settings.admin_key, settings.keys.prefix)
    if has_workspace(address):
        return pepper, None
    from tallygate.access.admin import create_first_key
    from tallygate.store.database import Database

    with Database(address) as database:
        created = create_first_key(database, Minter(pepper, settings.keys.prefix))
    return pepper, created.secret if created else None


def open_log_keys(settings: Settings, address: DatabaseAddress) -> LogKeys:
    """The keys of receipts, made by the first start, and the database bound to their log. Raises BadSecret."""
    now_ns = time.time_ns()
    keys = load_or_create_receipt_keys(
        settings.data / key_file.FILE_NAME,
        now_ns // 1_000_000,
        log=find_log(address),
        origin=settings.receipts.origin,
        issuer=settings.receipts.issuer,
    )
    bind_log(address, keys, now_ns)
    return keys


async def give_opening_credit(amount_usd: str, address: DatabaseAddress, writer: Writer) -> None:
    """Credit the first workspace, unless a start has done so before. Raises StoreUnavailable."""
    amount_nusd = parse_usd(amount_usd)
    workspace_id = find_uncredited_workspace(address, OPENING) if amount_nusd else None
    if workspace_id is None:
        return
    from tallygate.ledger.operations import add_credit
    from tallygate.store.database import Database

    with Database(address) as database:
        await add_credit(
            writer,
            database,
            workspace=workspace_id,
            amount_nusd=amount_nusd,
            movement_id=OPENING,
            actor="system",
            source="promo",
        )
