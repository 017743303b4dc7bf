"""Rows 107 to 112: one charge for each call, and money that comes from outside."""

import json
from typing import Any

from tests.security.row import CHAT, GOOD, MESSAGES, Row, ask, chat
from tests.security.town import Town

BAD = ("invalid_idempotency_key",)
HEADER = "Idempotency-Key"


def keyed(key: str, word: str, path: str = CHAT, **more: Any) -> bytes:
    """A call with an idempotency key."""
    return ask("POST", path, 200, key=f"<{word}>", headers=((HEADER, key),), body={**GOOD, "max_tokens": 9, **more}).raw


def conflict_with_anything_else(town: Town) -> None:
    """The same key with another body, door or model moves nothing and says that asking again is in vain."""
    first, _ = town.send(keyed("once", "MINE"))
    assert first.status == 200, first.body
    again, _ = town.send(keyed("once", "MINE"))
    assert (again.status, again.body, again.headers["idempotent-replayed"]) == (200, first.body, "true")
    others = (keyed("once", "MINE", n=2), keyed("once", "MINE", MESSAGES), keyed("once", "MINE", model="think"))
    before = town.state()
    for other in others:
        answer, _ = town.send(other)
        assert answer.status == 409, answer.body
        assert b"idempotency_conflict" in answer.body or b"Idempotency-Key" in answer.body
        assert answer.headers["x-should-retry"] == "false"
    assert town.state().differences(before) == []


def keep_tenants_apart(town: Town) -> None:
    """Two tenants with one key and one body make two calls."""
    mine, theirs = (town.send(keyed("shared", word))[0] for word in ("MINE", "THEIRS"))
    assert (mine.status, theirs.status) == (200, 200)
    assert "idempotent-replayed" not in theirs.headers
    ids = [json.loads(answer.body)["id"] for answer in (mine, theirs)]
    receipts = [answer.headers["x-tallygate-receipt-id"] for answer in (mine, theirs)]
    assert len(set(ids)) == len(set(receipts)) == 2


ROWS = (
    Row(
        107,
        "an idempotency key that is none",
        (
            *(
                chat(400, headers=((HEADER, value),), codes=BAD)
                for value in ("", "a" * 256, "a" * 4_000, "a b", "a\tb", b"caf\xc3\xa9")
            ),
            chat(400, headers=((HEADER, "a"), (HEADER, "b")), codes=BAD),
            chat(400, headers=((HEADER, b"a\x01b"),)),
        ),
    ),
    Row(108, "one key for two requests", plays=(conflict_with_anything_else,)),
    Row(109, "one key of two tenants", plays=(keep_tenants_apart,)),
    Row(
        110,
        "a key that is no longer remembered",
        proofs=("tests/ledger/test_admission.py::test_an_ended_claim_is_kept_for_its_time",),
    ),
    Row(111, "a top-up that nobody paid", later="top-up events"),
    Row(112, "a payment that was used before", later="payments per call"),
)
