"""The book: rows and items in, what they come to out. Pure: no clock, no database, no order but that of the items.

Each item sees what the earlier ones of its batch left, and succeeds or fails alone: it checks first and writes last, so
a refusal leaves nothing behind. What each kind of item does stands in `admission`, `settlement` and `credit`.
"""

from collections.abc import Sequence

from tallygate.genai.book import Rows
from tallygate.genai.items import (
    Admission,
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
from tallygate.genai.results import Folded, Result
from tallygate.ledger.admission import admit
from tallygate.ledger.credit import change_limit, pay_out, refund, top_up
from tallygate.ledger.draft import Draft
from tallygate.ledger.settlement import note, recover, settle, void


def fold(rows: Rows, items: Sequence[Item], now_ns: int) -> Folded:
    """Fold `items` over `rows`, which hold every row that `genai.lockset.name_rows` names for them and that exists.

    Raises nothing for any item: what cannot be done is a Refused among the results.
    """
    draft = Draft(rows)
    return draft.close([_fold_one(draft, item, now_ns) for item in items])


def _fold_one(draft: Draft, item: Item, now_ns: int) -> Result:
    match item:
        case Admission():
            return admit(draft, item, now_ns)
        case Settlement():
            return settle(draft, item, now_ns)
        case Progress():
            return note(draft, item)
        case Void():
            return void(draft, item, now_ns)
        case Recovery():
            return recover(draft, item, now_ns)
        case TopUp():
            return top_up(draft, item, now_ns)
        case Payout():
            return pay_out(draft, item, now_ns)
        case Refund():
            return refund(draft, item, now_ns)
        case LimitChange():
            return change_limit(draft, item)
