"""The turnstile: asked once where that is enough, again where it must be, and never forever."""

from collections.abc import Awaitable, Callable

import pytest
from msgspec import structs

from tallygate.access.admission import PAUSE_MAX_S, STALE_MAX, Admitted, Answered, Asked, Turnstile
from tallygate.access.principal import Principal
from tallygate.errors import (
    ConcurrencyLimit,
    IdempotencyAnswerGone,
    IdempotencyConflict,
    IdempotencyInProgress,
    InsufficientBalance,
    InvalidApiKey,
    ModelAccessDenied,
    StoreUnavailable,
    TallygateError,
)
from tallygate.genai.book import Answer, Key
from tallygate.genai.items import Admission, Bound, Settlement
from tallygate.genai.results import Result, Stale
from tallygate.genai.secret import Secret
from tallygate.ledger.prices import price_free
from tallygate.ledger.quote import Quote
from tests.fakes.ledger import Shelf, ask, build_town
from tests.fakes.receipts import DRAFT
from tests.fakes.writer import ShelfWriter

pytestmark = pytest.mark.anyio

PRINCIPAL = Principal("k1", "u1", "w1", 1, frozenset({"models:use"}))
QUOTE = Quote(price_free("sale", "m"), "p1", Bound(100, 1_000, 50, 50))


def make_asked(call_id: str = "c1", *, claim_key: str | None = None, body: bytes = b"{}") -> Asked:
    return Asked(
        call_id=call_id,
        credential=Secret("k1"),
        address="POST /v1/messages",
        body=body,
        models=("m",),
        quote=QUOTE,
        claim_key=claim_key,
    )


class Gate:
    """A turnstile over a shelf. `rests` are the pauses it took; `on_rest` is called with their number."""

    def __init__(self, *, credit_nusd: int = 10_000, wait_s: float = 30.0) -> None:
        self.shelf: Shelf = build_town(credit_nusd=credit_nusd)
        self.writer = ShelfWriter(self.shelf)
        self.principal = PRINCIPAL
        self.rests: list[float] = []
        self.on_rest: Callable[[int], object] = lambda _: None
        self.turnstile = Turnstile(self.writer.admit, self.identify, keep_s=600, wait_s=wait_s)

    async def identify(self, credential: Secret | None, peer: str) -> Principal:
        key: Key = self.shelf.tables["keys"]["k1"]
        if key.status != "active":
            raise InvalidApiKey
        return structs.replace(self.principal, key_version=key.version)

    async def rest(self, seconds: float) -> None:
        self.rests.append(seconds)
        self.on_rest(len(self.rests))

    async def admit(self, asked: Asked) -> Admitted | Answered:
        return await self.turnstile.admit(PRINCIPAL, asked, self.rest)

    def change_key(self, **changes: object) -> None:
        self.shelf.put(structs.replace(self.shelf.tables["keys"]["k1"], **changes))

    async def settle(self, call_id: str, amount_nusd: int, answer: Answer | None = None) -> Result:
        hold = self.shelf.hold(call_id)
        return await self.writer.settle(
            Settlement(hold=hold, epoch=hold.epoch, amount_nusd=amount_nusd, answer=answer, receipt=DRAFT)
        )


async def test_a_held_call_passes_with_the_cap_that_was_held_for() -> None:
    gate = Gate()
    passed = await gate.admit(make_asked())
    assert isinstance(passed, Admitted)
    assert passed.hold == gate.shelf.hold("c1")
    assert (passed.key_id, passed.output_cap) == ("k1", 50)
    assert passed.hold.amount_nusd == 150
    assert passed.hold.price_version == "p1"


async def test_where_output_is_free_no_cap_is_set() -> None:
    gate = Gate()
    free = structs.replace(make_asked(), quote=Quote(QUOTE.price, "p1", Bound(0, 0, 8_000)))
    passed = await gate.admit(free)
    assert isinstance(passed, Admitted)
    assert passed.output_cap is None


async def test_a_key_that_changed_is_identified_anew() -> None:
    gate = Gate()
    gate.change_key(version=7)
    assert isinstance(await gate.admit(make_asked()), Admitted)
    assert [item.key_version for item in gate.writer.asked] == [1, 7]


async def test_what_a_changed_key_may_not_do_any_more_is_refused() -> None:
    gate = Gate()
    gate.principal = structs.replace(PRINCIPAL, models=frozenset({"another"}))
    gate.change_key(version=2)
    with pytest.raises(ModelAccessDenied):
        await gate.admit(make_asked())
    assert not gate.shelf.tables["holds"]


async def test_a_key_that_changes_all_the_time_is_not_asked_for_for_ever() -> None:
    gate = Gate()
    asked: list[Admission] = []

    async def always_stale(item: Admission) -> Result:
        asked.append(item)
        return Stale()

    turnstile = Turnstile(always_stale, gate.identify, keep_s=600)
    with pytest.raises(StoreUnavailable):
        await turnstile.admit(PRINCIPAL, make_asked(), gate.rest)
    assert len(asked) == 1 + STALE_MAX


def short(gate: Gate) -> None:
    gate.shelf.put(structs.replace(gate.shelf.wallet(), posted_nusd=149))


def full(gate: Gate) -> None:
    gate.writer.hold_all(ask("other", 0), 5)


REFUSALS: list[tuple[Callable[[Gate], object], type[TallygateError]]] = [
    (lambda gate: gate.change_key(status="revoked"), InvalidApiKey),
    (lambda gate: gate.change_key(expires_at_ns=1), InvalidApiKey),
    (short, InsufficientBalance),
    (full, ConcurrencyLimit),
]


@pytest.mark.parametrize(("prepare", "error"), REFUSALS, ids=["revoked", "expired", "balance", "slots"])
async def test_a_refusal_is_told_and_leaves_nothing(
    prepare: Callable[[Gate], object], error: type[TallygateError]
) -> None:
    gate = Gate()
    prepare(gate)
    with pytest.raises(error):
        await gate.admit(make_asked())
    assert "c1" not in gate.shelf.tables["holds"]


async def test_the_second_call_with_a_key_waits_for_the_first_and_gets_its_answer() -> None:
    gate, answer = Gate(), Answer(b"digest", "spool/x")
    first = await gate.admit(make_asked("c1", claim_key="k"))
    assert isinstance(first, Admitted)
    ending: list[Awaitable[Result]] = []
    gate.on_rest = lambda count: ending.append(gate.settle("c1", 10, answer)) if count == 8 else None

    async def rest(seconds: float) -> None:
        await gate.rest(seconds)
        while ending:
            await ending.pop()

    passed = await gate.turnstile.admit(PRINCIPAL, make_asked("c2", claim_key="k"), rest)
    assert passed == Answered("c1", answer)
    assert len(gate.rests) == 8
    assert gate.rests == sorted(gate.rests)
    assert gate.rests[-1] == PAUSE_MAX_S
    assert "c2" not in gate.shelf.tables["holds"]


async def test_a_wait_has_an_end() -> None:
    gate = Gate(wait_s=3.0)
    await gate.admit(make_asked("c1", claim_key="k"))
    with pytest.raises(IdempotencyInProgress):
        await gate.admit(make_asked("c2", claim_key="k"))
    assert 3.0 <= sum(gate.rests) <= 3.0 + PAUSE_MAX_S


async def test_a_key_that_was_set_free_makes_a_new_call() -> None:
    gate = Gate()
    await gate.admit(make_asked("c1", claim_key="k"))
    await gate.settle("c1", 0)
    assert isinstance(await gate.admit(make_asked("c2", claim_key="k")), Admitted)


async def test_a_charge_without_a_kept_answer_is_never_made_again() -> None:
    gate = Gate()
    await gate.admit(make_asked("c1", claim_key="k"))
    await gate.settle("c1", 10)
    with pytest.raises(IdempotencyAnswerGone):
        await gate.admit(make_asked("c2", claim_key="k"))


async def test_a_key_for_another_request_is_a_conflict_even_while_the_first_runs() -> None:
    gate = Gate()
    await gate.admit(make_asked("c1", claim_key="k"))
    with pytest.raises(IdempotencyConflict):
        await gate.admit(make_asked("c2", claim_key="k", body=b'{"n":1}'))


async def test_a_paid_answer_can_be_had_with_an_empty_wallet_and_no_slot() -> None:
    gate, answer = Gate(), Answer(b"digest", "spool/x")
    await gate.admit(make_asked("c1", claim_key="k"))
    await gate.settle("c1", 10, answer)
    short(gate)
    full(gate)
    assert isinstance(await gate.admit(make_asked("c2", claim_key="k")), Answered)
