"""Receipts as their owner looks at them: what opens each commitment, and the bytes of `response.content`, made here a
second time from docs/reference/receipts.md alone.
"""

import hashlib
from typing import Any, NamedTuple

import rfc8785

from tallygate.genai.receipt_draft import ReceiptDraft
from tallygate.receipts.commitment import LABELS, Label, derive_salt, is_opened


def say(text: str = "", *calls: tuple[str, str], index: int = 0) -> dict[str, Any]:
    """One choice of an answer. Arguments are given in their canonical form."""
    told = [{"name": name, "arguments": _digest(arguments)} for name, arguments in calls]
    return {"index": index, "text": _digest(text), "tool_calls": told}


def write_content(*choices: dict[str, Any]) -> bytes:
    """The bytes for an answer of these choices."""
    return rfc8785.dumps(list(choices))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class Openings(NamedTuple):
    """The commitments of a receipt by their labels, and what opens them."""

    commitments: dict[Label, str]
    seed: bytes

    def check(self, **bodies: bytes | None) -> None:
        """Exactly these exist, and each opens with its bytes and no others. A dot in a label is written as a line."""
        given: dict[Label, bytes] = {
            label: body for label in LABELS if (body := bodies.pop(label.replace(".", "_"), None)) is not None
        }
        assert not bodies
        assert self.commitments.keys() == given.keys()
        for label, body in given.items():
            assert self.opens(label, body), f"{label} is not of {body!r}"
            for other in (body + b" ", body[1:], b"x" + body[1:], b""):
                assert other == body or not self.opens(label, other)

    def opens(self, label: Label, body: bytes) -> bool:
        """Whether it is these bytes that were committed to under this label, and under no other."""
        salt = derive_salt(self.seed, label)
        opened = [other for other, text in self.commitments.items() if is_opened(text, salt, other, body)]
        assert opened in ([], [label]), "a salt opens one field and no other"
        return bool(opened)


def openings_of(draft: ReceiptDraft) -> Openings:
    """Those of a receipt that is not completed yet."""
    forwarded = draft.forwarded.commit if draft.forwarded else ""
    request, response = draft.request, draft.response
    texts = (request.commit, request.params_commit, forwarded, response.commit, response.content_commit)
    return Openings({label: text for label, text in zip(LABELS, texts, strict=True) if text}, draft.seed)


def openings_in(receipt: dict[str, Any], seed: bytes) -> Openings:
    """Those of a receipt as it is kept."""
    request, response = receipt["request"], receipt["response"]
    texts = (
        request.get("commit"),
        request.get("params_commit"),
        receipt.get("forwarded", {}).get("commit"),
        response.get("commit"),
        response.get("content_commit"),
    )
    return Openings({label: text for label, text in zip(LABELS, texts, strict=True) if text}, seed)
