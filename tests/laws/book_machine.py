"""A machine that does to the book whatever can be done to it, in any order, and asks the judge after every item.

What it expects of an admission or an end it works out from the judge's own figures, slowly and plainly. Items may wait
for a batch; a batch must come to what its items come to one by one.
"""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from msgspec import structs

from tallygate.genai.book import Answer, Budget, Hold, Rate
from tallygate.genai.items import (
    Admission,
    Bound,
    ClaimRequest,
    Cost,
    Item,
    LimitChange,
    Payout,
    Progress,
    Recovery,
    Refund,
    Settlement,
    TopUp,
    Void,
)
from tallygate.genai.results import (
    AlreadyDone,
    Fenced,
    Folded,
    Held,
    Moved,
    Noted,
    Posted,
    Refused,
    Replay,
    Running,
    Stale,
)
from tallygate.ledger.fold import fold
from tests.fakes.ledger import DAY_NS, NOON_NS, OWNERS, Fold, ask, build_town
from tests.fakes.receipts import DRAFT
from tests.laws.book_judge import KEEP_NS, Judge
from tests.laws.book_oracle import change_rate, expect_recovery, expect_room, key_of, look_at_rates, say

KEYS = st.sampled_from(sorted(OWNERS))
WORKSPACES = st.sampled_from(["w1", "w2"])
AMOUNTS = st.integers(0, 2_000)
CREDITS = st.sampled_from([3_000, 10_000, 10_000, 2**53 + 1])
TOKENS = st.integers(0, 700)
KEY_CHANGES = st.sampled_from(
    [{"status": "revoked"}, {"status": "active"}, {"slots_max": 1}, {"shortens": False}, {"expires_at_ns": 1}, {}]
)
IDS = st.sampled_from(["a", "b", "c", "d", "e"])
WAITS = st.sampled_from([False, False, True])
RATES = st.sampled_from([0, 1, 2, 3, 7, 60, 60, 10**6, 10**6])
SERVED = st.integers(-3, 3)
"""Under which price a call is served: above 0 under another than its hold's, as one of several models' may be."""
LEAPS_NS = st.sampled_from([1, 10**9, 599 * 10**9, KEEP_NS, DAY_NS // 2, DAY_NS, 8 * DAY_NS, 40 * DAY_NS, -(10**9)])
STANDING = (Stale, Running, Replay, AlreadyDone, Fenced, Refused)
"""Results that change nothing."""


class Machine(RuleBasedStateMachine):
    """`book` is the fold under trial."""

    book: Fold = staticmethod(fold)
    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.shelf = build_town(type(self).book)
        self.judge = Judge()
        self.now_ns = NOON_NS
        self.queue: list[Item] = []
        self.sent: list[Item] = []
        self.made: list[str] = []
        self.prices = {"p1": 1_000}
        self.asked: dict[str, tuple[str, bytes]] = {}
        self.answered: set[str] = set()
        self.version = "p1"

    @initialize(first_nusd=CREDITS, second_nusd=CREDITS)
    def open_wallets(self, first_nusd: int, second_nusd: int) -> None:
        self.send(TopUp("opening", "w1", first_nusd, "promo"), wait=True)
        self.send(TopUp("second", "w2", second_nusd), wait=False)

    # What an administrator and the clock do. It happens between batches.

    @rule(leap_ns=LEAPS_NS)
    def pass_time(self, leap_ns: int) -> None:
        self.flush()
        self.now_ns += leap_ns

    @rule(price_pusd=st.integers(0, 5_000))
    def change_price(self, price_pusd: int) -> None:
        self.version = f"p{len(self.prices) + 1}"
        self.prices[self.version] = price_pusd

    @rule(key_id=KEYS, change=KEY_CHANGES)
    def change_key(self, key_id: str, change: dict[str, Any]) -> None:
        self.flush()
        fresh = {"status": "active", "slots_max": None, "shortens": True, "expires_at_ns": None}
        key = self.shelf.tables["keys"][key_id]
        self.shelf.put(structs.replace(key, version=key.version + 1, **{**fresh, **change}))

    @rule(user_id=st.sampled_from(["u1", "u2", "u3"]))
    def disable_user(self, user_id: str) -> None:
        self.flush()
        user = self.shelf.user(user_id)
        self.shelf.put(structs.replace(user, status="disabled"))
        self.send(self.ask(key_of(user_id), Bound(0)), wait=False)
        self.shelf.put(structs.replace(self.shelf.user(user_id), status="active"))

    @precondition(lambda self: len(self.shelf.tables["budgets"]) < 5)
    @rule(
        owner=st.sampled_from([("workspace", "w1"), ("workspace", "w2"), ("user", "u1"), ("key", "k1"), ("key", "k3")]),
        period=st.sampled_from(["daily", "weekly", "monthly", "total"]),
        limit_nusd=st.integers(0, 8_000),
    )
    def add_budget(self, owner: tuple[Any, str], period: Any, limit_nusd: int) -> None:
        self.flush()
        name = f"b{len(self.shelf.tables['budgets'])}"
        self.shelf.put(Budget(id=name, level=owner[0], owner_id=owner[1], period=period, limit_nusd=limit_nusd))

    @rule(
        owner=st.sampled_from([("workspace", "w1"), ("user", "u1"), ("user", "u3"), ("key", "k1"), ("key", "k3")]),
        kind=st.sampled_from(["requests", "tokens"]),
        per_minute=RATES,
    )
    def set_rate(self, owner: tuple[Any, str], kind: Any, per_minute: int) -> None:
        self.flush()
        rate = Rate(id=f"r-{owner[1]}-{kind}", level=owner[0], owner_id=owner[1], kind=kind, per_minute=per_minute)
        self.shelf.put(change_rate(self.shelf.tables["rates"].get(rate.id), rate))
        self.judge.look(self.shelf)

    # Items.

    @rule(
        item_id=IDS,
        workspace_id=WORKSPACES,
        amount_nusd=AMOUNTS | st.just(2**53 + 1) | st.just(2**62),
        wait=WAITS,
    )
    def top_up(self, item_id: str, workspace_id: str, amount_nusd: int, wait: bool) -> None:
        self.send(TopUp(f"{item_id}{len(self.sent) % 7}", workspace_id, amount_nusd), wait)

    @rule(item_id=IDS, workspace_id=WORKSPACES, amount_nusd=AMOUNTS | st.just(2**62), wait=WAITS)
    def pay_out(self, item_id: str, workspace_id: str, amount_nusd: int, wait: bool) -> None:
        self.send(Payout(item_id, workspace_id, amount_nusd), wait)

    @rule(key_id=KEYS, fixed_nusd=AMOUNTS, tokens=TOKENS, count=st.integers(1, 6))
    def admit_some(self, key_id: str, fixed_nusd: int, tokens: int, count: int) -> None:
        self.make_live(key_id)
        bound = Bound(fixed_nusd, self.prices[self.version], tokens, input_tokens_max=fixed_nusd, answers=1 + count % 2)
        for _ in range(count):
            self.send(self.ask(key_id, bound), wait=True)
        self.flush()

    @rule(key_id=KEYS, claim=st.tuples(IDS, st.sampled_from([b"x", b"x", b"y"])), fixed_nusd=AMOUNTS, wait=WAITS)
    def admit_claim(self, key_id: str, claim: tuple[str, bytes], fixed_nusd: int, wait: bool) -> None:
        self.make_live(key_id)
        self.send(self.ask(key_id, Bound(fixed_nusd), claim), wait)

    @rule(key_id=KEYS, fixed_nusd=AMOUNTS, tokens=st.integers(200, 20_000), tokens_min=st.integers(0, 400))
    def admit_uncapped(self, key_id: str, fixed_nusd: int, tokens: int, tokens_min: int) -> None:
        """A call whose cap may be lowered."""
        self.send(self.ask(key_id, Bound(fixed_nusd, self.prices[self.version], tokens, tokens_min)), wait=False)

    @rule(
        key_id=KEYS,
        fixed_nusd=AMOUNTS,
        tokens=TOKENS,
        tokens_min=st.none() | st.integers(0, 400),
        claim=st.none() | st.tuples(IDS, st.sampled_from([b"x", b"x", b"y"])),
        is_stale=st.sampled_from([False, False, False, True]),
        wait=WAITS,
    )
    def admit(
        self,
        key_id: str,
        fixed_nusd: int,
        tokens: int,
        tokens_min: int | None,
        claim: tuple[str, bytes] | None,
        is_stale: bool,
        wait: bool,
    ) -> None:
        bound = Bound(fixed_nusd, self.prices[self.version], tokens, tokens_min, 2 * tokens)
        self.send(self.ask(key_id, bound, claim, is_stale=is_stale), wait)

    @precondition(lambda self: self.shelf.tables["holds"])
    @rule(
        which=st.integers(0, 30),
        tokens=TOKENS,
        epoch=st.sampled_from(["e1", "e1", "e1", "e2"]),
        answer=st.none() | st.just(Answer(b"digest", "object")),
        cost_nusd=AMOUNTS,
        served=SERVED,
        wait=WAITS,
    )
    def settle(
        self, which: int, tokens: int, epoch: str, answer: Answer | None, cost_nusd: int, served: int, wait: bool
    ) -> None:
        row = self.pick(which)
        version = self.pick_version(served)
        self.send(
            Settlement(
                hold=row,
                epoch=epoch,
                amount_nusd=-(-tokens * self.prices[version or row.price_version] // 1_000),
                costs=(Cost("lab", cost_nusd), Cost("lab", 1)) if cost_nusd else (),
                answer=answer,
                receipt=DRAFT,
                price_version=version,
                input_tokens=cost_nusd % 300,
                output_tokens=tokens,
            ),
            wait,
        )

    @precondition(lambda self: self.shelf.tables["holds"])
    @rule(which=st.integers(0, 30), epoch=st.sampled_from(["e1", "e1", "e2"]), wait=WAITS)
    def void(self, which: int, epoch: str, wait: bool) -> None:
        self.send(Void(self.pick(which), epoch), wait)

    @precondition(lambda self: self.shelf.tables["holds"])
    @rule(which=st.integers(0, 30), tokens=TOKENS, epoch=st.sampled_from(["e1", "e1", "e2"]), served=SERVED, wait=WAITS)
    def progress(self, which: int, tokens: int, epoch: str, served: int, wait: bool) -> None:
        row = self.pick(which)
        version = self.pick_version(served)
        amount_nusd = -(-tokens * self.prices[version or row.price_version] // 1_000)
        item = Progress(
            hold=row,
            epoch=epoch,
            input_tokens=5,
            output_tokens=tokens,
            amount_nusd=amount_nusd,
            price_version=version,
        )
        self.send(item, wait)

    @precondition(lambda self: self.shelf.tables["holds"])
    @rule(which=st.integers(0, 30), estimate_nusd=AMOUNTS, wait=WAITS)
    def recover(self, which: int, estimate_nusd: int, wait: bool) -> None:
        item = Recovery(
            hold=self.pick(which), from_epoch="e1", to_epoch="e2", estimate_nusd=estimate_nusd, receipt=DRAFT
        )
        self.send(item, wait)

    @precondition(lambda self: self.shelf.tables["holds"])
    @rule(which=st.integers(0, 30), item_id=IDS, amount_nusd=st.integers(0, 400), wait=WAITS)
    def refund(self, which: int, item_id: str, amount_nusd: int, wait: bool) -> None:
        rows = list(self.shelf.tables["holds"].values())
        charged = [row for row in rows if row.charged_nusd] or rows
        self.send(
            Refund(f"{item_id}{len(self.sent) % 7}", charged[-1 - which % min(3, len(charged))], amount_nusd), wait
        )

    @precondition(lambda self: self.shelf.tables["budgets"])
    @rule(which=st.integers(0, 4), limit_nusd=st.integers(0, 8_000), wait=WAITS)
    def change_limit(self, which: int, limit_nusd: int, wait: bool) -> None:
        names = sorted(self.shelf.tables["budgets"])
        self.send(LimitChange(names[which % len(names)], limit_nusd), wait)

    @precondition(lambda self: self.sent)
    @rule(which=st.integers(0, 30), wait=WAITS)
    def repeat(self, which: int, wait: bool) -> None:
        self.send(self.sent[-1 - which % len(self.sent)], wait)

    # How it is done and judged.

    def ask(
        self, key_id: str, bound: Bound, claim: tuple[str, bytes] | None = None, *, is_stale: bool = False
    ) -> Admission:
        hold_id = f"h{len(self.made)}"
        self.made.append(hold_id)
        asked = None
        if claim is not None:
            self.asked[hold_id] = (f"{OWNERS[key_id][1]}/{claim[0]}", claim[1])
            asked = ClaimRequest(*self.asked[hold_id], KEEP_NS)
        version = self.shelf.tables["keys"][key_id].version - is_stale
        return ask(hold_id, key_id=key_id, key_version=version, bound=bound, claim=asked, price_version=self.version)

    def make_live(self, key_id: str) -> None:
        self.flush()
        key = self.shelf.tables["keys"][key_id]
        self.shelf.put(structs.replace(key, status="active", expires_at_ns=None))

    def pick(self, which: int) -> Hold:
        """A hold, rather an open one."""
        rows = list(self.shelf.tables["holds"].values())
        open_rows = [row for row in rows if row.state == "open"]
        rows = open_rows if open_rows and which % 4 else rows
        return rows[-1 - which % len(rows)]

    def pick_version(self, served: int) -> str:
        """A price of which the hold need not be; empty for the hold's own."""
        versions = list(self.prices)
        return versions[-1 - served % len(versions)] if served > 0 else ""

    def send(self, item: Item, wait: bool) -> None:
        type(self).steps += 1
        self.sent.append(item)
        self.queue.append(item)
        if not wait or len(self.queue) > 4:
            self.flush()

    def flush(self) -> None:
        """Fold what waits, one by one under the judge's eyes, then as one batch, which must come to the same."""
        items, self.queue = self.queue, []
        if not items:
            return
        twin = self.shelf.copy(type(self).book)
        folded = [self.fold_one(item) for item in items]
        batch = twin.commit(items, self.now_ns)
        assert batch.results == tuple(result for one in folded for result in one.results)
        assert batch.transfers == tuple(line for one in folded for line in one.transfers)
        assert twin.tables == self.shelf.tables

    def fold_one(self, item: Item) -> Folded:
        before = {name: dict(rows) for name, rows in self.shelf.tables.items()}
        expected = self.expect(item)
        folded = self.shelf.commit([item], self.now_ns)
        (result,) = folded.results
        self.judge.look(self.shelf)
        if isinstance(result, STANDING) or (isinstance(result, Moved) and result.repeated):
            assert self.shelf.tables == before, "a refusal wrote"
            assert not folded.transfers
        assert expected is None or expected == say(result), (expected, result)
        if isinstance(result, Posted | Noted) and isinstance(item, Settlement | Progress):
            row: Hold = before["holds"][item.hold.id]
            assert self.shelf.hold(row.id).price_version == (item.price_version or row.price_version)
        if isinstance(result, Held) and isinstance(item, Admission) and item.hold_id not in before["holds"]:
            look_at_rates(self.judge.find_rates(self.shelf.tables, item), item, result.hold)
        if isinstance(result, Posted) and isinstance(item, Settlement):
            row = self.shelf.hold(item.hold.id)
            assert (row.input_tokens, row.output_tokens) == (item.input_tokens, item.output_tokens)
        if isinstance(result, Posted) and isinstance(item, Settlement) and item.answer:
            self.answered.add(item.hold.id)
        return folded

    def expect(self, item: Item) -> tuple[Any, ...] | None:
        """What must come of the item, from figures of the judge; None for items that the judge alone watches."""
        holds = self.shelf.tables["holds"]
        if isinstance(item, Admission):
            return self.expect_admission(item)
        if not isinstance(item, Settlement | Void | Recovery | Progress):
            return None
        row = holds[item.hold.id]
        if isinstance(item, Recovery):
            return expect_recovery(item, row, claims=row.id in self.asked)
        if row.epoch != item.epoch:
            return ("fenced",)
        if row.state != "open":
            return ("already", row.id)
        if isinstance(item, Progress):
            return ("noted", max(row.progress_nusd, item.amount_nusd))
        if isinstance(item, Void):
            return ("dispatched",) if row.output_tokens or row.input_tokens else ("voided",)
        price_nusd = item.amount_nusd
        return ("posted", min(price_nusd, row.amount_nusd), max(0, price_nusd - row.amount_nusd))

    def expect_admission(self, item: Admission) -> tuple[Any, ...] | None:
        row = self.shelf.tables["holds"].get(item.hold_id)
        if row is not None:
            return ("held", row.output_tokens_max) if row.state == "open" else ("already", row.id)
        key, user = self.shelf.tables["keys"][item.key_id], self.shelf.user(item.user_id)
        if key.status != "active" or user.status != "active" or key.expires_at_ns is not None:
            return ("key",)
        if key.version != item.key_version:
            return ("stale",)
        if item.claim is not None:
            answer = self.expect_claim(*self.asked[item.hold_id])
            if answer is not None:
                return answer
        return expect_room(self.shelf, self.judge, item, self.now_ns)

    def expect_claim(self, claim_id: str, digest: bytes) -> tuple[Any, ...] | None:
        rows = [row for row in self.shelf.tables["holds"].values() if self.asked.get(row.id, ("",))[0] == claim_id]
        last = rows[-1] if rows else None
        if last is None or (last.state != "open" and not last.charged_nusd and last.id not in self.answered):
            return None
        if last.state != "open" and (last.ended_at_ns or 0) + KEEP_NS <= self.now_ns:
            return None
        if self.asked[last.id][1] != digest:
            return ("claim",)
        return ("running", last.id) if last.state == "open" else ("replay", last.id)

    def teardown(self) -> None:
        """When every call has ended, nothing is held and no slot is taken."""
        self.flush()
        for row in list(self.shelf.tables["holds"].values()):
            if row.state == "open":
                self.fold_one(Settlement(hold=row, epoch=row.epoch, amount_nusd=1, receipt=DRAFT))
        assert all(wallet.held_nusd == 0 for wallet in self.shelf.tables["wallets"].values())
        assert all(user.slots_used == 0 for user in self.shelf.tables["users"].values())
        assert all(rate.held_tokens == 0 for rate in self.shelf.tables["rates"].values())
