"""Rows 99 to 106: what belongs to another tenant, and what somebody may not do in their own."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from tests.security.row import CHAT, Ask, Row, ask, chat
from tests.security.town import Town, randomised

NOT_FOUND = ("not_found",)
VALUE = ("invalid_value",)
MATRIX = "tests/security/test_tenancy.py::"
DELEGATION = "tests/security/test_delegation.py::"
OWN_DOORS = ("/v1/generation?id={}", "/v1/receipts/{}", "/v1/receipts/{}/proof", "/api/v1/generation?id={}")


def for_foreign_and_random(*doors: str) -> tuple[Ask, ...]:
    """Somebody else's id, and one that never was."""
    return tuple(ask("GET", door.format(f"<{word}>"), 404) for door in doors for word in ("THEIR_CALL", "RANDOM_CALL"))


def take_apart(cursor: str) -> list[Any]:
    """What a cursor says: whose it is first."""
    return json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))


def put_together(parts: list[Any]) -> str:
    """A cursor that says this."""
    return urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def turn_no_page_of_another(town: Town) -> None:
    """A cursor opens nothing to whom it was not given; one forged to be one's own shows what is one's own."""
    mine, theirs = (take_apart(town.words[word]) for word in ("MY_CURSOR", "THEIR_CURSOR"))
    assert mine[0] != theirs[0]
    stolen = town.words["THEIR_CURSOR"]
    for cursor in (stolen, put_together([theirs[0], *mine[1:]]), stolen[:-2], "AAAA", "%00", put_together([])):
        answer, _ = town.send(ask("GET", f"/v1/usage?cursor={cursor}", 400).raw)
        assert answer.status == 400, answer.body
    answer, _ = town.send(ask("GET", f"/v1/usage?cursor={put_together([mine[0], *theirs[1:]])}", 200, 400).raw)
    assert answer.status in (200, 400)
    for foreign in ("THEIR_CALL", "THEIR_KEY", "THEIR_USER", "THEIR_WORKSPACE"):
        assert town.words[foreign].encode() not in answer.body
    answer, _ = town.send(ask("GET", "/v1/receipts?after=<THEIR_CALL>", 400).raw)
    assert answer.status == 400


def guess_in_vain(town: Town) -> None:
    """Ids next to ones that are there lead nowhere, and all of them are 128 random bits."""
    near = town.words["THEIR_CALL"]
    digits = near.rpartition("_")[2]
    assert len(digits) == 32
    assert int(digits, 16) >= 0
    with town.connect() as line:
        for offset in range(1, 200):
            guess = f"{near.rpartition('_')[0]}_{(int(digits, 16) + offset) % (1 << 128):032x}"
            answer = line.send(town.fill(ask("GET", f"/v1/generation?id={guess}", 404).raw)).read()
            assert answer.status == 404


def change_nothing_beside(town: Town) -> None:
    """A call that says whose it is, or what it may, is the key's all the same."""
    claims: dict[str, Any] = {
        "workspace_id": town.words["THEIR_WORKSPACE"],
        "user_id": town.words["THEIR_USER"],
        "tenant": "rival",
        "role": "admin",
        "balance": 1_000_000,
        "is_admin": True,
    }
    before = town.read("THEIRS", "/v1/credits")["data"]
    body = {"model": "sold", "max_tokens": 9, "messages": [{"role": "user", "content": "whose"}], **claims}
    answer, _ = town.send(chat(200, body=body).raw)
    assert answer.status == 200, answer.body
    receipt = answer.headers["x-tallygate-receipt-id"]
    assert town.read("MINE", f"/v1/generation?id={receipt}")["data"]["id"] == receipt
    assert town.read("THEIRS", "/v1/credits")["data"] == before
    refused, _ = town.send(ask("POST", "/v1/quote", 400, body={"url": CHAT, "body": body, **claims}).raw)
    assert refused.status == 400
    for field, value in claims.items():
        made = ask("POST", "/v1/admin/workspaces", 400, key="<ADMIN>", body={"name": "claimed", field: value})
        answer, _ = town.send(made.raw)
        assert json.loads(answer.body)["error"]["code"] == "invalid_value"


def forward_no_id(town: Town) -> None:
    """Ids that a provider might know are nobody's here."""
    mark = town.upstream.mark()
    for guess in ("file-abc123", "batch_abc123", "resp_abc123", "chatcmpl-1", randomised(town.words["MY_CALL"])):
        for path in (
            f"/v1/files/{guess}",
            f"/v1/batches/{guess}",
            f"/v1/responses/{guess}",
            f"/v1/generation?id={guess}",
        ):
            answer, _ = town.send(ask("GET", path, 404).raw)
            assert answer.status == 404, path
    assert town.upstream.requests_since(mark) == []


ROWS = (
    Row(
        99,
        "what belongs to another",
        for_foreign_and_random(*OWN_DOORS),
        proofs=(f"{MATRIX}test_what_is_foreign_is_answered_like_what_never_was", f"{MATRIX}test_nothing_has_moved"),
        later="batches",
    ),
    Row(
        100,
        "something foreign inside a request",
        (
            *(
                ask("POST", "/v1/responses", 400, body={"model": "plain", "input": "x", "previous_response_id": value})
                for value in ("<THEIR_CALL>", "resp_1")
            ),
        ),
        later="batches",
        otherwise="docs/reference/http.md#post-v1responses: nothing is kept from call to call, so any such id is a 400",
    ),
    Row(
        101,
        "pages that nobody has",
        (
            *(
                ask("GET", f"/v1/{door}?limit={limit}", 400, codes=VALUE)
                for door in ("usage", "receipts")
                for limit in ("1000000000", "-1", "0", "1e3", "0x10", "%EF%BC%99")
            ),
            ask("GET", "/v1/admin/keys?limit=1000000000", 400, key="<ADMIN>", codes=VALUE),
            ask("GET", "/v1/admin/keys?cursor=nonsense", 400, key="<ADMIN>", codes=VALUE),
        ),
        (turn_no_page_of_another,),
    ),
    Row(102, "fields that would make somebody else of them", plays=(change_nothing_beside,)),
    Row(
        103,
        "a key with more than its maker has",
        proofs=(
            f"{DELEGATION}test_nobody_makes_a_key_that_may_more_than_they",
            f"{DELEGATION}test_nobody_makes_a_key_for_elsewhere",
            f"{DELEGATION}test_nobody_changes_a_key_into_one_that_may_more",
        ),
    ),
    Row(
        104,
        "somebody of a lesser role",
        proofs=(
            f"{MATRIX}test_every_cell_is_answered_as_its_policy_says",
            f"{MATRIX}test_nothing_of_another_tenant_is_ever_shown",
        ),
    ),
    Row(105, "ids of the provider's", plays=(forward_no_id,)),
    Row(
        106,
        "one id after another",
        plays=(guess_in_vain,),
    ),
)
