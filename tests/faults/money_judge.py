"""Judges a campaign: the database after its end, against what its processes were told while they lived.

The book is judged by the laws' judge, which knows only the transfers. Here is what each answer promised.
"""

from collections.abc import Iterable
from contextlib import closing

from msgspec import structs

from tallygate.store.address import DatabaseAddress
from tests.fakes.ledger import Shelf
from tests.faults.money_journal import Told
from tests.laws.book_judge import Judge
from tests.laws.store_town import Town

OWN = ("state", "ended_at_ns", "charged_nusd", "loss_nusd", "sequence", "epoch")
"""Fields of a hold that its end sets; the others but for its progress never change."""
PROGRESS = ("input_tokens", "output_tokens", "progress_nusd", "details")


def judge_campaign(address: DatabaseAddress, told: Iterable[Told], *, all_ended: bool = True) -> Shelf:
    """Raises AssertionError where the book is wrong, or was other than somebody was told."""
    with closing(Town(address)) as town:
        shelf = town.read()
    Judge().look(shelf)
    told = list(told)
    held: set[str] = set()
    for answer in told:
        if answer.answer == "Held":
            held.add(answer.subject)
        _judge_answer(shelf, answer)
    for row in shelf.tables["holds"].values():
        assert not all_ended or row.state != "open", f"{row.id} is still open"
        assert row.id in held or not row.charged_nusd, f"{row.id} was charged though nobody was told of its hold"
    if all_ended:
        assert not any(wallet.held_nusd for wallet in shelf.tables["wallets"].values())
        assert not any(user.slots_used for user in shelf.tables["users"].values())
    return shelf


def _judge_answer(shelf: Shelf, told: Told) -> None:
    row = shelf.tables["holds"].get(told.subject)
    match told.answer:
        case "Held":
            assert row is not None, f"the hold {told.subject} has vanished"
            assert told.hold is not None
            blank = {name: getattr(told.hold, name) for name in (*OWN, *PROGRESS)}
            assert structs.replace(row, **blank) == told.hold
        case "Posted" | "Voided":
            assert row == told.hold, f"{told.subject} is not what was told: {row} instead of {told.hold}"
            assert not told.transfer_id or told.transfer_id in shelf.transfers
        case "AlreadyDone":
            assert row == told.hold
        case "Fenced":
            assert row is not None
        case "Moved":
            assert told.transfer is not None
            assert shelf.transfers[told.transfer.id] == told.transfer
        case "StoreUnavailable":
            assert told.asked in ("admit", "topup"), "an end was refused"
            assert told.asked == "topup" or row is None or not row.charged_nusd
        case _:
            assert told.asked == "admit", f"{told.answer} to {told.asked}"
            assert row is None, f"{told.subject} was held and refused"
