"""Bundles that are kept in the repository: they are made again to the byte, and a second verifier agrees with ours.

The second one is written from docs/reference/receipts.md and the RFCs alone, with nothing of the gateway in it.
"""

import base64
import hashlib
import hmac
import json
from pathlib import Path

import msgspec
import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tallygate.receipts.commitment import LABELS, Label
from tallygate.receipts.pinned import read_pinned
from tallygate.receipts.receipt import complete
from tallygate.receipts.verify import Material, verify
from tests.receipts.making import BODIES, HOLD, ISSUER, bundle, draft, pin, post
from tests.receipts.test_entries import body as price_body

VECTORS = Path(__file__).parent / "vectors"
POLICY = hashlib.sha256(rfc8785.dumps({"policy_version": "1.0", "allow_regions": ["eu"]})).hexdigest()


def make() -> dict[str, bytes]:
    """Every file of the folder."""
    waived = draft(
        "waived", status="failed", provider="", model="", error_code="provider_unavailable", finish_reasons=()
    )
    partial = draft(status="partial", usage_source="counted", error_code="stream_broken", finish_reasons=())
    recovered = ISSUER.draft_unseen(HOLD, "recovered", "progress")
    return {
        "whole.json": bundle(None, *LABELS),
        "partial.json": bundle(complete(partial, post(output_tokens=12, charged_nusd=364_800)), size=12),
        "cancelled.json": bundle(complete(draft(status="cancelled"), post()), size=130, index=128),
        "failed.json": bundle(complete(waived, post(charged_nusd=0, output_tokens=0)), size=1, index=0),
        "free.json": bundle(complete(draft("free"), post(charged_nusd=0)), size=2, index=1),
        "recovered.json": bundle(complete(recovered, post(charged_nusd=70, output_tokens=5)), size=3, index=2),
        "policy.json": bundle(complete(draft(policy=POLICY), post())),
        "price.json": bundle(price_body(), size=7, index=0),
        "keys.json": msgspec.json.format(msgspec.json.encode(pin())) + b"\n",
        "opened.json": msgspec.json.format(msgspec.json.encode({k: v.decode() for k, v in BODIES.items()})) + b"\n",
    }


BUNDLES = sorted(set(make()) - {"keys.json", "opened.json"})


@pytest.mark.parametrize("name", sorted(make()))
def test_the_bytes_are_what_they_were(name: str) -> None:
    """Who changes the format breaks every receipt there is: a change needs a new type, and new vectors beside these."""
    assert (VECTORS / name).read_bytes() == make()[name]


@pytest.mark.parametrize("name", BUNDLES)
def test_both_verifiers_accept_them(name: str) -> None:
    data = (VECTORS / name).read_bytes()
    opened = read_opened() if name == "whole.json" else {}
    assert verify(data, read_pinned((VECTORS / "keys.json").read_bytes()), Material(opened=opened)).exit_code == 0
    verify_by_hand(data, json.loads((VECTORS / "keys.json").read_bytes())["logs"][0]["keys"][0]["vkey"], opened)


def test_the_second_verifier_refuses_too() -> None:
    data = (VECTORS / "whole.json").read_bytes()
    vkey = pin().logs[0].keys[0].vkey
    for spoilt in (data.replace(b'"480001"', b'"480002"'), data.replace(b"index 11", b"index 10")):
        assert spoilt != data
        with pytest.raises(AssertionError):
            verify_by_hand(spoilt, vkey, {})


def read_opened() -> dict[Label, bytes]:
    """The bytes that the fields of `whole.json` are about."""
    texts: dict[Label, str] = msgspec.json.decode((VECTORS / "opened.json").read_bytes())
    return {label: text.encode() for label, text in texts.items()}


def verify_by_hand(data: bytes, vkey: str, opened: dict[Label, bytes]) -> None:
    """What a sceptic would write. Fails on the first thing that does not hold."""
    told = json.loads(data)
    head, _, signed = told["proof"].partition("\n\n")
    magic, index_line, *path = head.split("\n")
    text, _, line = signed.partition("\n\n")
    origin, size, root = text.split("\n")
    name, key_id, key = vkey.split("+", 2)
    signature = base64.b64decode(line.removeprefix(f"\u2014 {name} "))
    assert magic == "c2sp.org/tlog-proof@v1"
    assert signature[:4].hex() == key_id
    Ed25519PublicKey.from_public_bytes(base64.b64decode(key)[1:]).verify(signature[4:], f"{text}\n".encode())
    assert told["receipt"]["log"] == origin == name

    entry = hashlib.sha256(rfc8785.dumps(told["receipt"])).digest()
    found = hashlib.sha256(b"\x00" + entry).digest()
    siblings = [base64.b64decode(hash_) for hash_ in path]
    assert climb(found, int(index_line.removeprefix("index ")), int(size), siblings) == base64.b64decode(root)

    for label, data_opened in opened.items():
        part, _, detail = label.partition(".")
        commitment = told["receipt"][part][f"{detail}_commit" if detail else "commit"]
        salt = base64.urlsafe_b64decode(told["openings"][label] + "=")
        digest = hmac.digest(salt, label.encode() + b"\0" + data_opened, "sha256")
        assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == commitment


def climb(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """The root that a path leads to, by the recursive definition of RFC 6962, section 2.1.1."""
    if size == 1:
        assert not path
        return leaf
    half = 1 << ((size - 1).bit_length() - 1)
    assert path
    *below, sibling = path
    if index < half:
        return hashlib.sha256(b"\x01" + climb(leaf, index, half, below) + sibling).digest()
    return hashlib.sha256(b"\x01" + sibling + climb(leaf, index - half, size - half, below)).digest()
