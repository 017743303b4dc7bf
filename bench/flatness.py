"""Whether a call costs the same in a small database and in a large one: processor time of one look at a key, one hold
and one settlement with its receipt, as ratios within one run.

SQLite files stand side by side and are loaded in turns: one key and nothing else, many keys of as many workspaces, of
which some call or all at random, and one key with many receipts behind it. The rows are written directly, as a year of
calls leaves them. That many workspaces take turns costs more whatever their number is: each call then changes a wallet
of its own, and their pages with it.

    python -m bench.flatness [--keys 100000] [--receipts 1000000]
"""

import argparse
import asyncio
import random
import sqlite3
import statistics
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

from msgspec import structs

from bench.ledger import ask
from tallygate.access.doorman import Doorman
from tallygate.access.keys import digest, mint
from tallygate.api.call_id import make_call_id
from tallygate.genai.items import Settlement
from tallygate.genai.results import Held, Posted
from tallygate.genai.secret import Secret
from tallygate.ledger.fold import fold
from tallygate.receipts.receipt import complete
from tallygate.store.address import DatabaseAddress, parse_address
from tallygate.store.migrate import migrate
from tallygate.store.reader import Reader
from tallygate.store.writer import Writer
from tests.fakes.receipts import DRAFT

PEPPER: Final = bytes(32)
ROUNDS: Final = 4
AT_ONCE: Final = 64
CALLERS: Final = 64
BASE: Final = "one key, no receipts"

_TENANTS: Final = """
INSERT INTO workspaces (id, name, status, created_at_ns) VALUES (?1, ?1, 'active', 1);
INSERT INTO users (id, workspace_id, name, status, created_at_ns) VALUES (?1, ?1, 'u', 'active', 1);
INSERT INTO keys (id, workspace_id, user_id, name, digest, prefix, last4, key_class, permissions, status, version,
 created_at_ns) VALUES (?1, ?1, ?1, '', ?2, '', '', 'k', '["models:use"]', 'active', 1, 1);
INSERT INTO wallets (workspace_id, posted_nusd) VALUES (?1, 1000000000000000)
"""
_PAST: Final = """
INSERT INTO holds (id, workspace_id, user_id, key_id, epoch, model, price_version, amount_nusd, output_tokens_max,
 opened_at_ns, budget_ids, claim_id, state, ended_at_ns, charged_nusd, loss_nusd, refunded_nusd, sequence, input_tokens,
 output_tokens, progress_nusd, details)
 SELECT id, 'w0', 'w0', 'w0', 'past', 'm', 'p', 1000, 0, i, '[]', '', 'posted', i, 600, 0, 0, i, 100, 50, 0, ''
 FROM past;
INSERT INTO transfers (id, kind, debit, credit, amount_nusd, at_ns, hold_id)
 SELECT id || '/hold', 'hold', 'wallet:w0', 'revenue:m', 1000, i, id FROM past;
INSERT INTO transfers (id, kind, debit, credit, amount_nusd, at_ns, hold_id)
 SELECT id || '/post', 'post', 'wallet:w0', 'revenue:m', 600, i, id FROM past;
INSERT INTO receipts (id, workspace_id, sequence, body, seed)
 SELECT id, 'w0', i, zeroblob(1500), zeroblob(32) FROM past;
INSERT INTO log_entries (seq, id, log, entry, leaf_index) SELECT i, id, 'log', zeroblob(32), i - 1 FROM past;
UPDATE wallets SET next_sequence = (SELECT count(*) + 1 FROM past) WHERE workspace_id = 'w0'
"""


class Town(NamedTuple):
    """A database and the keys that call."""

    address: DatabaseAddress
    keys: list[Secret]


def found(folder: Path, name: str, *, keys: int, receipts: int) -> Town:
    """A database with so many keys, each of its own workspace, and so many receipts of the first one."""
    address = parse_address(f"sqlite:///{folder}/{name}.db", Path())
    migrate(address)
    secrets = [mint("lx-", "k") for _ in range(keys)]
    with closing(sqlite3.connect(address.path)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        rows = [(f"w{number}", digest(PEPPER, key.reveal())) for number, key in enumerate(secrets)]
        for statement in _TENANTS.split(";"):
            takes_digest = "?2" in statement
            connection.executemany(statement, rows if takes_digest else [row[:1] for row in rows])
        if receipts:
            connection.execute(
                "CREATE TEMP TABLE past AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
                " SELECT i, printf('call_0%031x', i) AS id FROM n",
                (receipts,),
            )
            for statement in _PAST.split(";"):
                connection.execute(statement)
        connection.commit()
    return Town(address, secrets)


async def call(doorman: Doorman, writer: Writer, key: Secret) -> None:
    """What the book has to do with one call."""
    principal = doorman.recall(key) or await doorman.identify(key)
    wish = structs.replace(
        ask(make_call_id()),
        workspace_id=principal.workspace_id,
        user_id=principal.user_id,
        key_id=principal.key_id,
        key_version=principal.key_version,
    )
    held = await writer.admit(wish)
    assert isinstance(held, Held), held
    posted = await writer.settle(
        Settlement(
            hold=held.hold,
            epoch=held.hold.epoch,
            amount_nusd=600,
            input_tokens=100,
            output_tokens=50,
            details="{}",
            receipt=DRAFT,
        )
    )
    assert isinstance(posted, Posted), posted


async def load(town: Town, seconds: float) -> float:
    """Microseconds of processor time for one call."""
    reader = Reader(town.address)
    reader.start()
    writer = Writer(town.address, fold, complete, owner="bench", on_broken=print)
    writer.start()
    doorman = Doorman(reader.find_key, pepper=PEPPER, prefix="lx-", admin_key=Secret("none of these keys"))
    for begin in range(0, len(town.keys), AT_ONCE):
        await asyncio.gather(*map(doorman.identify, town.keys[begin : begin + AT_ONCE]))
    calls = 0

    async def loop(until_s: float) -> None:
        nonlocal calls
        while time.monotonic() < until_s:
            await call(doorman, writer, random.choice(town.keys))
            calls += 1

    await asyncio.gather(*(loop(time.monotonic() + seconds / 4) for _ in range(AT_ONCE)))
    calls, before_s = 0, time.process_time()
    await asyncio.gather(*(loop(time.monotonic() + seconds) for _ in range(AT_ONCE)))
    spent_s = time.process_time() - before_s
    await asyncio.to_thread(writer.close)
    await asyncio.to_thread(reader.close)
    return spent_s / calls * 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description="Whether a call costs the same in a small database and in a large one."
    )
    parser.add_argument("--keys", type=int, default=100_000)
    parser.add_argument("--receipts", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=2.0, help="for each round")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        many = found(folder, "keys", keys=asked.keys, receipts=0)
        towns = {
            BASE: found(folder, "small", keys=1, receipts=0),
            f"{asked.receipts:,} receipts": found(folder, "receipts", keys=1, receipts=asked.receipts),
            f"{CALLERS} keys": found(folder, "some", keys=CALLERS, receipts=0),
            f"{CALLERS} of {asked.keys:,} keys": many._replace(keys=random.sample(many.keys, CALLERS)),
            f"all of {asked.keys:,} keys": many,
        }
        costs: dict[str, list[float]] = {kind: [] for kind in towns}
        for _ in range(ROUNDS):
            for kind, town in towns.items():
                costs[kind].append(asyncio.run(load(town, asked.seconds)))
        least = {kind: min(rounds) for kind, rounds in costs.items()}
        base = least[BASE]
        for kind, cost in least.items():
            spread = f"{min(costs[kind]):.0f}-{max(costs[kind]):.0f}"
            median = statistics.median(costs[kind])
            print(f"{kind:<24} {cost:6.0f} µs (median {median:.0f}, {spread}) = {cost / base:.2f}")


if __name__ == "__main__":
    main()
