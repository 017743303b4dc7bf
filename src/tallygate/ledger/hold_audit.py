"""One hold against its lines of the ledger: what was held, how it ended, who paid whom, and how often. Pure.

The hold's own figures are believed only as far as the lines bear them out.
"""

from collections.abc import Iterator, Sequence

from tallygate.genai.book import Hold, Transfer, TransferKind
from tallygate.genai.lockset import derive_transfer_id
from tallygate.ledger.accounts import HOUSE_LOSS, name_cost, name_payable, name_revenue, name_wallet
from tallygate.ledger.finding import Finding, show_amount
from tallygate.ledger.money import is_amount

ENDS: dict[str, tuple[int, int]] = {"open": (0, 0), "posted": (1, 0), "voided": (0, 1)}
"""How many posts and voids a hold in each state has."""

KINDS: tuple[TransferKind, ...] = ("hold", "post", "void", "loss", "refund", "cost")


def check_hold(hold: Hold, lines: Sequence[Transfer]) -> Iterator[Finding]:
    """Everything about one hold that its lines contradict."""
    place = f"hold {hold.id}"
    unreadable = list(_check_values(place, hold))
    yield from unreadable or _check_row(place, hold)
    if not unreadable:
        yield from _check_sums(place, hold, lines)
    yield from _check_costs(place, hold, lines)
    for line in lines:
        yield from _check_line(hold, line)


def check_amount(line: Transfer) -> Iterator[Finding]:
    """Whether what moved is an amount at all."""
    if not is_amount(line.amount_nusd):
        yield Finding(f"transfer {line.id}", "amount (nano-USD)", "a whole number from 0", repr(line.amount_nusd))


def _check_values(place: str, hold: Hold) -> Iterator[Finding]:
    """A database without its constraints keeps anything; such a hold is not compared further."""
    if hold.state not in ENDS:
        yield Finding(place, "state", ", ".join(ENDS), repr(hold.state))
    for name in ("amount_nusd", "charged_nusd", "refunded_nusd", "loss_nusd", "progress_nusd", "sequence"):
        value = getattr(hold, name)
        if not is_amount(value):
            yield Finding(place, name, "a whole number from 0", repr(value))


def _check_row(place: str, hold: Hold) -> Iterator[Finding]:
    """What a hold may not say of itself, whatever its lines are."""
    if hold.charged_nusd > hold.amount_nusd:
        yield Finding(place, "charge", f"{show_amount(hold.amount_nusd)} at most", show_amount(hold.charged_nusd))
    if hold.refunded_nusd > hold.charged_nusd:
        yield Finding(place, "refunded", f"{show_amount(hold.charged_nusd)} at most", show_amount(hold.refunded_nusd))
    if (hold.sequence > 0) != (hold.state == "posted"):
        expected = "above 0" if hold.state == "posted" else "0"
        yield Finding(place, f"sequence ({hold.state})", expected, str(hold.sequence))
    if (hold.ended_at_ns is None) != (hold.state == "open"):
        expected = "none" if hold.state == "open" else "one"
        yield Finding(place, f"moment of its end ({hold.state})", expected, str(hold.ended_at_ns))


def _check_sums(place: str, hold: Hold, lines: Sequence[Transfer]) -> Iterator[Finding]:
    """How often each kind of line is there, and what it comes to."""
    posts, voids = ENDS[hold.state]
    expected: dict[TransferKind, tuple[int | None, int]] = {
        "hold": (1, hold.amount_nusd),
        "post": (posts, hold.charged_nusd),
        "void": (voids, 0),
        "loss": (1 if hold.loss_nusd else 0, hold.loss_nusd),
        "refund": (None, hold.refunded_nusd),
    }
    for kind, (count, amount_nusd) in expected.items():
        chosen = [line for line in lines if line.kind == kind]
        if count is not None and len(chosen) != count:
            yield Finding(place, f"number of {kind} transfers ({hold.state})", str(count), str(len(chosen)))
            continue
        moved_nusd = sum(line.amount_nusd for line in chosen if is_amount(line.amount_nusd))
        if moved_nusd != amount_nusd:
            figure = "sum of its refunds" if kind == "refund" else f"amount of its {kind} transfer"
            yield Finding(place, figure, show_amount(amount_nusd), show_amount(moved_nusd))


def _check_costs(place: str, hold: Hold, lines: Sequence[Transfer]) -> Iterator[Finding]:
    """Costs are numbered from 0, and only a posted hold has them."""
    costs = {line.id for line in lines if line.kind == "cost"}
    if costs and hold.state != "posted":
        yield Finding(place, f"number of cost transfers ({hold.state})", "0", str(len(costs)))
    for number in range(len(costs)):
        cost_id = derive_transfer_id(hold.id, "cost", number)
        if cost_id not in costs:
            yield Finding(place, f"transfer {cost_id}", "one", "none")


def _check_line(hold: Hold, line: Transfer) -> Iterator[Finding]:
    place = f"transfer {line.id}"
    if line.kind not in KINDS:
        yield Finding(place, "hold", "none", line.hold_id)
        return
    yield from check_amount(line)
    if not _is_named(hold, line):
        yield Finding(place, "id", derive_transfer_id(hold.id, line.kind), line.id)
    for side, expected in zip(("debit", "credit"), _name_accounts(hold, line), strict=True):
        found = getattr(line, side)
        if found != expected:
            yield Finding(place, f"its {side}", expected, found)
    moments = {"hold": hold.opened_at_ns, "post": hold.ended_at_ns, "void": hold.ended_at_ns}
    moment = moments.get(line.kind)
    if moment is not None and line.at_ns != moment:
        yield Finding(place, "moment (ns)", str(moment), str(line.at_ns))


def _is_named(hold: Hold, line: Transfer) -> bool:
    """A refund is named from outside; the numbers of costs are looked at together."""
    return line.kind in ("refund", "cost") or line.id == derive_transfer_id(hold.id, line.kind)


def _name_accounts(hold: Hold, line: Transfer) -> tuple[str, str]:
    wallet, revenue = name_wallet(hold.workspace_id), name_revenue(hold.model)
    match line.kind:
        case "refund":
            return revenue, wallet
        case "loss":
            return HOUSE_LOSS, revenue
        case "cost":
            provider = line.debit.partition(":")[2]
            return name_cost(provider), name_payable(provider)
        case _:
            return wallet, revenue
