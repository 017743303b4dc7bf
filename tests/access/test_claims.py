"""Idempotency-Keys: what counts as one, and that no two users share one."""

import pytest

from tallygate.access.claims import digest_request, make_claim, read_claim_key
from tallygate.access.principal import Principal
from tallygate.errors import InvalidIdempotencyKey


def principal(workspace_id: str, user_id: str, key_id: str = "k1") -> Principal:
    return Principal(key_id, user_id, workspace_id, 1, frozenset())


def test_a_request_without_the_header_has_no_key() -> None:
    assert read_claim_key([(b"content-type", b"application/json")]) is None


@pytest.mark.parametrize("text", ["a", "5f0c6f0e-9f57", "!~", "x" * 255])
def test_a_plain_key_is_read(text: str) -> None:
    assert read_claim_key([(b"host", b"h"), (b"idempotency-key", text.encode())]) == text


@pytest.mark.parametrize("values", [[b""], [b"x" * 256], [b"a b"], [b"\xe9"], [b"a\x7f"], [b"a", b"a"], [b"a", b"b"]])
def test_anything_else_is_refused(values: list[bytes]) -> None:
    with pytest.raises(InvalidIdempotencyKey):
        read_claim_key([(b"idempotency-key", value) for value in values])


def test_keys_belong_to_a_user_of_a_workspace() -> None:
    pairs = [("w1", "u1", "k"), ("w1", "u2", "k"), ("w2", "u1", "k"), ("w1", "u1", "k2"), ("w1u", "1", "k")]
    ids = {make_claim(principal(w, u), key, b"", 600).id for w, u, key in pairs}
    assert len(ids) == len(pairs)
    one, other = (make_claim(principal("w1", "u1", key_id), "k", b"", 600) for key_id in ("k1", "k2"))
    assert one == other, "all API keys of a user share them"
    assert one.keep_ns == 600 * 10**9
    assert "k" != one.id != ""


def test_method_path_and_every_byte_of_the_body_count() -> None:
    digests = {
        digest_request("POST /v1/messages", b"{}"),
        digest_request("PUT /v1/messages", b"{}"),
        digest_request("POST /v1/chat/completions", b"{}"),
        digest_request("POST /v1/messages", b"{ }"),
    }
    assert len(digests) == 4
    assert digest_request("POST /v1/messages", b"{}") in digests
