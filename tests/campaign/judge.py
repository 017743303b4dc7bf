"""The judge of a campaign: reads its evidence and names every broken promise about money and calls, with what shows it.

The promises are those of docs/reference/{ledger,settlement,idempotency}.md. Nothing of the gateway is imported here,
and no figure of the ledger is believed that can be added up again or that somebody else has written down, too.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from tests.campaign.book import Book, Row, Snapshot
from tests.campaign.evidence import Attempt, Call, Evidence
from tests.campaign.plan import price
from tests.faults.wires import TOKENS

SLOTS_MAX = 5
REFUSALS = frozenset({400, 401, 402, 403, 404, 405, 409, 411, 413, 414, 415, 422, 429, 431})
GOOD_FAULTS = frozenset({"none", "crawl", "split", "late-head"})
INPUT_TOKENS = 3
INPUT_TOKENS_MAX = 200
"""More than a quarter of the bytes of any request here."""
SLACK_S = 0.005
FREE_STATES = ("failed", "refused")


class Violation(NamedTuple):
    """A broken promise: which, of what, and the evidence."""

    promise: str
    subject: str
    shown: str

    def __str__(self) -> str:
        return f"{self.promise} {self.subject}: {self.shown}"


Promise = Callable[[Evidence], Iterator[Violation]]


def judge_snapshot(snapshot: Snapshot) -> list[Violation]:
    """What must hold at any moment: no balance below zero, no limit exceeded, no slot too many."""
    found = [
        Violation("M1", row["workspace_id"], f"{row}")
        for row in snapshot.wallets
        if not 0 <= row["held_nusd"] <= row["posted_nusd"]
    ]
    found += [
        Violation("M13", row["id"], f"{row}")
        for row in snapshot.budgets
        if row["spent_nusd"] + row["held_nusd"] > row["limit_nusd"]
    ]
    for row in snapshot.users:
        calls = snapshot.open_calls.get(row["id"], 0)
        if calls > SLOTS_MAX or calls != row["slots_used"]:
            found.append(Violation("C9", row["id"], f"{calls} open calls and {row['slots_used']} slots in use"))
    return found


def m2(evidence: Evidence) -> Iterator[Violation]:
    """Balances are explained by their transfers, held money by open holds, postings are numbered without a gap."""
    book = evidence.book
    posted, held = Counter[str](), Counter[str]()
    numbers: dict[str, list[int]] = defaultdict(list)
    for row in book.transfers.values():
        if row["kind"] not in ("hold", "void"):
            posted[row["credit"]] += row["amount_nusd"]
            posted[row["debit"]] -= row["amount_nusd"]
    for row in book.holds.values():
        if row["state"] == "open":
            held[row["workspace_id"]] += row["amount_nusd"]
        if row["state"] == "posted":
            numbers[row["workspace_id"]].append(row["sequence"])
    for name, row in book.wallets.items():
        if (posted[f"wallet:{name}"], held[name]) != (row["posted_nusd"], row["held_nusd"]):
            yield Violation(
                "M2", name, f"{row}, but transfers come to {posted[f'wallet:{name}']}, holds to {held[name]}"
            )
        if sorted(numbers[name]) != list(range(1, row["next_sequence"])):
            yield Violation("M2", name, f"{len(numbers[name])} postings, and the next number is {row['next_sequence']}")


def m4(evidence: Evidence) -> Iterator[Violation]:
    """Each hold was opened once and ended at most once, as its state says."""
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    for row in evidence.book.transfers.values():
        if row["hold_id"]:
            kinds[row["hold_id"]][row["kind"]] += 1
    for name in kinds.keys() - evidence.book.holds.keys():
        yield Violation("M4", name, f"transfers without a hold: {dict(kinds[name])}")
    for name, row in evidence.book.holds.items():
        seen = (kinds[name]["hold"], kinds[name]["post"], kinds[name]["void"])
        if seen != (1, int(row["state"] == "posted"), int(row["state"] == "voided")):
            yield Violation("M4", name, f"{row['state']}, with {dict(kinds[name])}")


def m6(evidence: Evidence) -> Iterator[Violation]:
    """What is charged is within the hold, and what is given back within the charge."""
    refunds = Counter[str]()
    for row in evidence.book.transfers.values():
        if row["kind"] == "refund":
            refunds[row["hold_id"]] += row["amount_nusd"]
    for name, row in evidence.book.holds.items():
        if not 0 <= row["charged_nusd"] <= row["amount_nusd"]:
            yield Violation("M6", name, f"charged {row['charged_nusd']} of {row['amount_nusd']}")
        if not 0 <= refunds[name] == row["refunded_nusd"] <= row["charged_nusd"]:
            yield Violation("M15", name, f"refunds of {refunds[name]}, charged {row['charged_nusd']}")


def m7(evidence: Evidence) -> Iterator[Violation]:
    """The charge is the price of what was counted; of a call that was recovered, what was last noted."""
    for call in evidence.calls.values():
        for row in _posted(call):
            details = _details(row)
            if not details:
                due = 0 if row["claim_id"] else row["progress_nusd"]
                if row["charged_nusd"] != due:
                    yield Violation("M7", row["id"], f"recovered at {row['charged_nusd']} instead of {due}")
                continue
            tokens = details["usage"].get("input_tokens", 0), details["usage"].get("output_tokens", 0)
            due = min(price(*tokens), row["amount_nusd"])
            may_be_free = details["status"] in FREE_STATES or not _emitted(call)
            if row["charged_nusd"] != due and not (may_be_free and row["charged_nusd"] == 0):
                yield Violation("M7", row["id"], f"charged {row['charged_nusd']}, not {due}: {row['details']}")


def m8(evidence: Evidence) -> Iterator[Violation]:
    """What a provider was sent was held for before, and each sending has a hold of its own that was not voided."""
    for call in evidence.calls.values():
        opened = [row["opened_at_ns"] / 1e9 - evidence.clock_s for row in call.holds if row["state"] != "voided"]
        sent = sorted(upstream.accepted_s for upstream in call.upstreams)
        if len(sent) > len(opened):
            yield Violation("M8", call.nonce, f"sent {len(sent)} times on {len(opened)} holds that were not voided")
            continue
        for accepted_s, opened_s in zip(sent, opened, strict=False):
            if opened_s > accepted_s + SLACK_S:
                yield Violation("M8", call.nonce, f"sent {opened_s - accepted_s:.3f} s before it was held for")


def m9(evidence: Evidence) -> Iterator[Violation]:
    """What was refused here was free: it leaves no hold and is not sent."""
    for call in evidence.calls.values():
        refused = sum(1 for attempt in call.attempts if _is_refused(attempt))
        others = len(call.attempts) - refused
        if len(call.upstreams) > others or len([row for row in call.holds if row["state"] != "voided"]) > others:
            shown = f"{refused} of {len(call.attempts)} attempts refused, but {len(call.holds)} holds"
            yield Violation("M9", call.nonce, f"{shown} and {len(call.upstreams)} sendings")


def c1(evidence: Evidence) -> Iterator[Violation]:
    """A call with an Idempotency-Key is charged and served once; what is given again are the same bytes, marked."""
    for call in evidence.calls.values():
        if not call.attempts[0].claim:
            continue
        charged = [row["id"] for row in call.holds if row["charged_nusd"]]
        if len(charged) > 1:
            yield Violation("C1", call.nonce, f"charged {len(charged)} times: {charged}")
        served = [attempt for attempt in call.attempts if attempt.served]
        fresh = [attempt for attempt in served if not attempt.replayed]
        if len(fresh) > 1:
            yield Violation("C1", call.nonce, f"served {len(fresh)} times anew")
        if len({(attempt.body, attempt.receipt) for attempt in served}) > 1:
            yield Violation("C1", call.nonce, "served with different bytes")


def c8(evidence: Evidence) -> Iterator[Violation]:
    """No attempt makes more than one call."""
    for call in evidence.calls.values():
        if len(call.holds) > len(call.attempts):
            yield Violation("C8", call.nonce, f"{len(call.holds)} holds for {len(call.attempts)} attempts")


def c12(evidence: Evidence) -> Iterator[Violation]:
    """Who was given an answer to its end was given one that is paid, at the cost it was told."""
    for call in evidence.calls.values():
        for attempt in call.attempts:
            if attempt.served:
                yield from _judge_served(attempt, evidence.book)


def _judge_served(attempt: Attempt, book: Book) -> Iterator[Violation]:
    row = book.holds.get(attempt.receipt)
    if row is None or row["state"] != "posted":
        state = row["state"] if row else "missing"
        yield Violation("C12", attempt.name, f"served to its end as {attempt.receipt!r}, whose hold is {state}")
    elif _details(row).get("status") != "ok":
        yield Violation("C12", attempt.name, f"served to its end, but settled as {row['details'] or 'recovered'}")
    elif attempt.told_usd is not None and Decimal(attempt.told_usd) * 10**9 != row["charged_nusd"]:
        yield Violation("C12", attempt.name, f"was told {attempt.told_usd}, and charged {row['charged_nusd']}")


def s1(evidence: Evidence) -> Iterator[Violation]:
    """What a client has is what the provider said, from its beginning."""
    for call in evidence.calls.values():
        for attempt in call.attempts:
            text = attempt.text
            if text and not any(upstream.text().startswith(text) for upstream in call.upstreams):
                yield Violation("S1", attempt.name, f"got {text[-60:]!r}, which the provider did not say")


def s4(evidence: Evidence) -> Iterator[Violation]:
    """Who left, or was cut off, pays for at least what it has, and at most for what the provider said."""
    for call in evidence.calls.values():
        emitted = _tokens(_emitted(call))
        has = max((_tokens(attempt.text) for attempt in call.attempts), default=0)
        for row in _posted(call):
            details = _details(row)
            usage = details.get("usage", {})
            given, made = (
                usage.get("input_tokens", row["input_tokens"]),
                usage.get("output_tokens", row["output_tokens"]),
            )
            if details.get("status") == "ok":
                if call.attempts[0].fault in GOOD_FAULTS and (given, made) != (INPUT_TOKENS, TOKENS):
                    yield Violation(
                        "S4", row["id"], f"the provider counted {INPUT_TOKENS} and {TOKENS}: {row['details']}"
                    )
                continue
            if made > max(emitted, TOKENS) or given > INPUT_TOKENS_MAX:
                yield Violation("S4", row["id"], f"{given} and {made} tokens, but the provider said {emitted}")
            if details.get("status") in ("partial", "cancelled") and len(call.holds) == 1 and made < has:
                yield Violation("S4", row["id"], f"{made} tokens, but the client has {has}")


def s11(evidence: Evidence) -> Iterator[Violation]:
    """Odd counts of a provider have a defined result."""
    for call in evidence.calls.values():
        for row in _posted(call):
            details, fault = _details(row), call.attempts[0].fault
            if details.get("status") != "ok" or not fault.startswith("usage-"):
                continue
            wrong = {
                "usage-zero": row["charged_nusd"] != 0,
                "usage-too-few": row["charged_nusd"] != price(3, 1),
                "usage-contradiction": row["charged_nusd"] != price(3, 8),
            }
            if wrong.get(fault, not 0 < row["charged_nusd"] < row["amount_nusd"]):
                yield Violation("S11", row["id"], f"{fault}: charged {row['charged_nusd']}: {row['details']}")


def d1(evidence: Evidence) -> Iterator[Violation]:
    """What the admin's doors said was done is done, once."""
    book = evidence.book
    for movement in evidence.movements:
        if not 200 <= movement.status < 300:
            continue
        if movement.path in ("credit", "refunds"):
            name = f"{movement.body['id']}/{'topup' if movement.path == 'credit' else 'refund'}"
            row = book.transfers.get(name)
            if row is None or row["amount_nusd"] != int(Decimal(movement.body["usd"]) * 10**9):
                yield Violation("D1", name, f"was acknowledged, and is {row}")
        elif movement.method == "DELETE":
            name = movement.path.partition("/")[2]
            if not any(row["status"] == "revoked" for row in book.keys.values() if name in (row["name"], row["id"])):
                yield Violation("D1", name, "was acknowledged as revoked")


# What explains other violations stands before them: what was never held is also not what the client was told.
PROMISES: dict[str, Promise] = {
    promise.__name__.upper(): promise for promise in (m8, c8, c12, c1, m4, m2, m6, m7, m9, s4, s11, s1, d1)
}


def judge(evidence: Evidence) -> list[Violation]:
    """Every violation, in the order of the promises."""
    return [violation for promise in PROMISES.values() for violation in promise(evidence)]


def judge_ends(earlier: Book, later: Book) -> list[Violation]:
    """What has ended has ended: no row of it changes, but for refunds; no transfer changes or goes."""
    found: list[Violation] = []
    for name, row in earlier.transfers.items():
        if later.transfers.get(name) != row:
            found.append(Violation("M4", name, f"was {row}, is {later.transfers.get(name)}"))
    for name, row in earlier.holds.items():
        now = later.holds.get(name)
        if now is None or (row["state"] != "open" and {**now, "refunded_nusd": row["refunded_nusd"]} != row):
            found.append(Violation("M4", name, f"had ended as {row}, is {now}"))
    return found


def judge_rest(book: Book) -> list[Violation]:
    """Once every client has gone and the dead are recovered: nothing is held, and every slot is back."""
    found = [
        Violation("M5", name, f"is still open; its owner {row['epoch']} {_live(row, book)}: {row['model']}")
        for name, row in book.holds.items()
        if row["state"] == "open"
    ]
    found += [
        Violation("C10", name, f"{row['slots_used']} slots") for name, row in book.users.items() if row["slots_used"]
    ]
    return found


def verdict(violations: list[Violation]) -> str:
    """Every violation on a line, the first ones in full; empty if there are none."""
    counts = Counter(violation.promise for violation in violations)
    return "\n".join([f"{dict(counts)}", *map(str, violations[:12])]) if violations else ""


def _live(row: Row, book: Book) -> str:
    return "lives" if row["epoch"] in book.living else "is dead"


def _posted(call: Call) -> list[Row]:
    return [row for row in call.holds if row["state"] == "posted"]


def _details(row: Row) -> dict[str, Any]:
    return json.loads(row["details"]) if row["details"] else {}


def _emitted(call: Call) -> str:
    """The longest text that the provider said for a call."""
    return max((upstream.text() for upstream in call.upstreams), key=len, default="")


def _tokens(text: str) -> int:
    """As the gateway counts where nobody else does: one for each four bytes."""
    return -(-len(text.encode()) // 4)


def _is_refused(attempt: Attempt) -> bool:
    """Refused by the gateway itself: an error of a provider bears a receipt's id."""
    return attempt.how == "complete" and attempt.status in REFUSALS and not attempt.receipt
