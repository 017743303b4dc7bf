"""Drafts of receipts for tests that move money and do not look at receipts, and the issuer who vouches for them."""

from typing import Final

from tallygate.genai.book import Hold
from tallygate.genai.receipt_draft import ReceiptDraft, RequestPart, ResponsePart, UsagePart
from tallygate.receipts.receipt import Issuer

LOG: Final = "tallygate.test/log"

ISSUER: Final = Issuer("Test Lab", LOG, b"\x05" * 32)

DRAFT: Final = ReceiptDraft(
    issuer="Test Lab",
    log=LOG,
    subject="somebody",
    basis="usage",
    request=RequestPart(model="m"),
    response=ResponsePart(status="ok", complete=True),
    usage=UsagePart(source="counted", input=0, output=0),
)


def draft_recovered(hold: Hold) -> ReceiptDraft:
    """What the gateway's sweeper is given."""
    return ISSUER.draft_unseen(hold, "recovered", "progress")
