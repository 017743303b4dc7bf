"""Three calls, two wallets, every order in which they can begin and end, in a database: each order is a world of its
own, and hundreds of worlds share each transaction.

A call may also end before it began. Every world must come to what the fold alone makes of it, item by item, and the
judge looks at each world as the database has it.
"""

import os
from collections import defaultdict
from contextlib import closing
from itertools import permutations, product
from typing import Any, NamedTuple

import pytest
from msgspec import structs

from tallygate.genai.book import Budget, Hold, Key, User, Wallet, Workspace
from tallygate.genai.items import Item, Recovery, Settlement, TopUp, Void
from tallygate.genai.lockset import name_rows
from tallygate.ledger.fold import fold
from tallygate.store.address import DatabaseAddress
from tallygate.store.engines import open_book
from tests.fakes.ledger import NOON_NS, OWNERS, Shelf, ask
from tests.fakes.receipts import DRAFT
from tests.laws.book_judge import Judge
from tests.laws.store_town import Town

CALLS = ("a", "b", "c")
ENDS = ("below", "above", "void", "recovery")
EVENTS = tuple(product(("begin", "end"), CALLS))
TOWNS = tuple(("k1", *rest) for rest in product(("k1", "k4"), repeat=2))
HELD_NUSD = 100
CREDIT_NUSD = 150
"""Enough for one call at a time, and for a second one only if the first was cheap."""
WORLDS_EACH = 240
"""Worlds in one transaction: with two accounts each, as many items as a batch of the writer may have."""

IS_LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
CASES = list(product(TOWNS, ENDS)) if IS_LONG else [(TOWNS[1], "below"), (TOWNS[2], "recovery")]


class World(NamedTuple):
    """One order of events. Every id of it begins with its name."""

    name: str
    keys: tuple[str, ...]
    end: str
    order: tuple[tuple[str, str], ...]

    def found(self) -> list[Any]:
        """Workspaces, users, keys, wallets and one budget."""
        rows: list[Any] = []
        for key_id in dict.fromkeys(self.keys):
            workspace_id, user_id = self._owners(key_id)
            key = Key(id=self.name + key_id, workspace_id=workspace_id, user_id=user_id, status="active", version=1)
            rows += [Workspace(workspace_id, "active"), Wallet(workspace_id)]
            rows += [User(user_id, workspace_id, "active"), key]
        budget = Budget(
            id=f"{self.name}b", level="user", owner_id=f"{self.name}u1", period="total", limit_nusd=CREDIT_NUSD
        )
        return [*rows, budget]

    def fund(self) -> list[Item]:
        """What fills the wallets."""
        workspaces = dict.fromkeys(self._owners(key_id)[0] for key_id in self.keys)
        return [TopUp(f"{workspace_id}t", workspace_id, CREDIT_NUSD) for workspace_id in workspaces]

    def step(self, number: int, shelf: Shelf) -> Item:
        """The event of that number."""
        what, call = self.order[number]
        key_id = self.keys[CALLS.index(call)]
        workspace_id, user_id = self._owners(key_id)
        owners: dict[str, Any] = {"workspace_id": workspace_id, "user_id": user_id, "key_id": self.name + key_id}
        hold_id = self.name + call
        if what == "begin":
            return structs.replace(ask(hold_id, HELD_NUSD, key_id), **owners)
        row = shelf.tables["holds"].get(hold_id) or Hold(
            id=hold_id,
            epoch="e1",
            model="m",
            price_version="p1",
            amount_nusd=HELD_NUSD,
            output_tokens_max=0,
            opened_at_ns=0,
            **owners,
        )
        match self.end:
            case "void":
                return Void(row, "e1")
            case "recovery":
                return Recovery(hold=row, from_epoch="e1", to_epoch="e2", estimate_nusd=30, receipt=DRAFT)
            case _:
                return Settlement(hold=row, epoch="e1", amount_nusd=40 if self.end == "below" else 130, receipt=DRAFT)

    def _owners(self, key_id: str) -> tuple[str, str]:
        workspace_id, user_id = OWNERS[key_id]
        return self.name + workspace_id, self.name + user_id


@pytest.mark.parametrize(("keys", "end"), CASES, ids=str)
def test_every_order_is_sound_in_a_database(address: DatabaseAddress, keys: tuple[str, ...], end: str) -> None:
    worlds = [World(f"{number:03}/", keys, end, order) for number, order in enumerate(permutations(EVENTS))]
    assert len(worlds) == 720
    shelf = Shelf()
    with closing(Town(address)) as town, closing(open_book(address)) as book:
        town.begin_epochs("e1")
        shelf.put(*(row for world in worlds for row in world.found()))
        town.put_all(shelf)
        for start in range(0, len(worlds), WORLDS_EACH):
            share = worlds[start : start + WORLDS_EACH]
            for number in range(-1, len(EVENTS)):
                funds: list[Item] = [item for world in share for item in world.fund()]
                items = funds if number < 0 else [world.step(number, shelf) for world in share]
                loaded = book.load(name_rows(items), "e1", durable=True, wait_ms=5_000)
                folded = fold(loaded.rows, items, NOON_NS)
                book.commit(folded, beats=False)
                assert [shelf.do(item) for item in items] == list(folded.results)
        found = town.read()
    assert found.tables == shelf.tables
    for alone in split(found, shelf):
        Judge().look(alone)


def split(found: Shelf, order: Shelf) -> list[Shelf]:
    """One shelf for each world, lines in the order in which they were written."""
    worlds: defaultdict[str, Shelf] = defaultdict(Shelf)
    for table, rows in found.tables.items():
        for row_id, row in rows.items():
            worlds[row_id.partition("/")[0]].tables[table][row_id] = row
    for line_id in order.transfers:
        worlds[line_id.partition("/")[0]].transfers[line_id] = found.transfers[line_id]
    return list(worlds.values())
