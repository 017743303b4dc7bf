"""Receipts of a running gateway, as strangers use them: fetched, verified when the gateway is gone, and spoilt; and its
log, rebuilt from what is public by the definition of the tree, with nobody's code but that of `cryptography`.
"""

import json
import subprocess
import time
from base64 import b64decode
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.contract.gateway import TALLYGATE, Gateway, Reply, start_gateway
from tests.contract.tenants import CHAT, MESSAGES, RECEIPT, Tenant, anonymous, ask, settle_in
from tests.fakes.upstream import PROVIDER_KEY

PATIENCE_S = 30.0
WELL_KNOWN = "/.well-known/tallygate-receipts.json"
FLIPS = 60


def wait_for(tenant: Tenant, path: str) -> Reply:
    """An answer, once it is more than a promise."""
    until_s = time.monotonic() + PATIENCE_S
    while (reply := tenant.send("GET", path)).status == 202:
        assert reply.json.keys() == {"status", "id"}
        assert reply.headers["retry-after"] == "1"
        assert time.monotonic() < until_s, "the receipt never came"
        time.sleep(0.05)
    assert reply.status == 200, reply.body
    return reply


def call(tenant: Tenant, path: str = CHAT, **more: Any) -> str:
    """A call's receipt id, from the head of its answer."""
    reply = tenant.send("POST", path, ask(**more))
    assert reply.status == 200, reply.body
    return reply.headers[RECEIPT]


def run_verifier(*arguments: object) -> tuple[int, Any]:
    """What the command ends with and prints, without a gateway, its data or its environment."""
    done = subprocess.run(
        [TALLYGATE, "receipts", "verify", "--json", *map(str, arguments)],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, json.loads(done.stdout)


def test_a_receipt_outlives_its_gateway_and_no_byte_of_it_can_be_changed(
    priced_env: dict[str, str], tmp_path: Path
) -> None:
    keys, price, proofs = tmp_path / "keys.json", tmp_path / "price.json", list[Path]()
    with start_gateway(priced_env) as gateway:
        tenant = settle_in(gateway, "acme")
        for name, receipt_id in {
            "whole": call(tenant),
            "stream": call(tenant, stream=True),
            "messages": call(tenant, MESSAGES),
        }.items():
            proofs.append(tmp_path / f"{name}.json")
            proofs[-1].write_bytes(wait_for(tenant, f"/v1/receipts/{receipt_id}").body)
        version = json.loads(proofs[0].read_bytes())["receipt"]["charge"]["price"]
        price.write_bytes(wait_for(tenant, f"/v1/prices/{version}").body)
        keys.write_bytes(gateway.ask("GET", WELL_KNOWN).body)
    code, said = run_verifier(*proofs, "--keys", keys, "--price", price)
    assert code == 0, said
    data = proofs[0].read_bytes()
    spoilt = [tmp_path / f"spoilt-{place}.json" for place in range(0, len(data), len(data) // FLIPS)]
    for file in spoilt:
        place = int(file.stem.removeprefix("spoilt-"))
        file.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
    code, said = run_verifier(*spoilt, "--keys", keys)
    assert code == 1
    assert {one["result"] for one in said["files"]} == {"failed"}


def test_openings_fit_what_was_sent_and_what_came(priced_gateway: Gateway, tmp_path: Path) -> None:
    tenant = settle_in(priced_gateway, "acme")
    sent = ask("open sesame", stream=True)
    reply = tenant.send("POST", CHAT, sent)
    path = f"/v1/receipts/{reply.headers[RECEIPT]}?openings=request"
    (tmp_path / "bundle.json").write_bytes(wait_for(tenant, path).body)
    (tmp_path / "keys.json").write_bytes(priced_gateway.ask("GET", WELL_KNOWN).body)
    for data, code in ((json.dumps(sent).encode(), 0), (b"open says me", 1)):
        (tmp_path / "request").write_bytes(data)
        opened = f"request={tmp_path / 'request'}"
        found, said = run_verifier(tmp_path / "bundle.json", "--keys", tmp_path / "keys.json", "--open", opened)
        assert found == code, said


def test_a_foreign_receipt_is_as_unknown_as_one_that_never_was(priced_gateway: Gateway) -> None:
    mine, theirs = settle_in(priced_gateway, "acme"), settle_in(priced_gateway, "rival")
    receipt = call(theirs)
    wait_for(theirs, f"/v1/receipts/{receipt}")
    for tail in ("", "/proof", "?openings=true"):
        foreign, unknown = (
            mine.send("GET", f"/v1/receipts/{one}{tail}") for one in (receipt, f"{receipt[:-8]}00000000")
        )
        assert foreign.status == 404
        assert anonymous(foreign) == anonymous(unknown)
    assert mine.send("GET", "/v1/receipts").json["receipts"] == []


def test_nothing_that_was_said_and_nobody_who_said_it_can_be_read(priced_gateway: Gateway) -> None:
    tenant = settle_in(priced_gateway, "acme")
    paths = [f"/v1/receipts/{call(tenant, text='a canary sings', stream=stream)}" for stream in (False, True)]
    told = [wait_for(tenant, f"{path}{tail}").body for path in paths for tail in ("", "/proof", "?openings=true")]
    told += [tenant.send("GET", "/v1/receipts").body, priced_gateway.ask("GET", WELL_KNOWN).body]
    size, _ = read_checkpoint(priced_gateway)
    for path in ("checkpoint", f"tile/0/000.p/{size}", f"tile/entries/000.p/{size}", f"consistency?old=1&new={size}"):
        reply = priced_gateway.ask("GET", f"/log/{path}")
        assert reply.status == 200
        told.append(reply.body)
    own = tenant.read("/v1/key")
    for secret in ("canary", "acme", tenant.key, own["id"], own["workspace_id"], own["user_id"], PROVIDER_KEY):
        assert not [body for body in told if secret.encode() in body], secret


def test_the_account_s_list_has_no_gap(priced_gateway: Gateway) -> None:
    tenant = settle_in(priced_gateway, "acme")
    ids = [call(tenant) for _ in range(5)]
    page = tenant.send("GET", "/v1/receipts?limit=1000").json
    assert [(one["id"], one["seq"]) for one in page["receipts"]] == list(zip(ids, range(1, 6), strict=True))
    amounts = sum(int(one["receipt"]["charge"]["amount"]) for one in page["receipts"])
    credit = tenant.read("/v1/credits")
    assert amounts == 10**9 - credit["posted_nusd"]


def hash_tree(leaves: Sequence[bytes]) -> bytes:
    """The root, by the definition (RFC 9162, section 2.1.1)."""
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + hash_tree(leaves[:half]) + hash_tree(leaves[half:])).digest()


def read_checkpoint(gateway: Gateway) -> tuple[int, bytes]:
    """Size and root of the last checkpoint, if its signature holds (https://c2sp.org/signed-note)."""
    (key,) = gateway.ask("GET", WELL_KNOWN).json["logs"][0]["keys"]
    name, key_id, encoded = key["vkey"].split("+", 2)
    public = b64decode(encoded)
    assert (public[0], bytes.fromhex(key_id)) == (1, sha256(name.encode() + b"\n" + public).digest()[:4])
    text, _, signed = gateway.ask("GET", "/log/checkpoint").body.decode().partition("\n\n")
    dash, signer, signature = signed.strip().split(" ")
    assert (dash, signer, b64decode(signature)[:4].hex()) == ("\u2014", name, key_id)
    Ed25519PublicKey.from_public_bytes(public[1:]).verify(b64decode(signature)[4:], f"{text}\n".encode())
    origin, size, root = text.split("\n")
    assert origin == name
    return int(size), b64decode(root)


def test_a_stranger_rebuilds_the_log_and_finds_each_receipt_in_it(priced_gateway: Gateway) -> None:
    tenant = settle_in(priced_gateway, "acme")
    ids = [call(tenant) for _ in range(3)]
    wait_for(tenant, f"/v1/receipts/{ids[-1]}")
    size, root = read_checkpoint(priced_gateway)
    assert 3 < size < 256
    bundle = priced_gateway.ask("GET", f"/log/tile/entries/000.p/{size}").body
    entries = [bundle[at + 2 : at + 34] for at in range(0, len(bundle), 34)]
    leaves = [sha256(b"\x00" + entry).digest() for entry in entries]
    assert priced_gateway.ask("GET", f"/log/tile/0/000.p/{size}").body == b"".join(leaves)
    assert hash_tree(leaves) == root
    seen = priced_gateway.ask("GET", "/v1/mmr/root").json
    assert b64decode(seen["root"]) == hash_tree(leaves[: seen["size"]])
    for one in tenant.send("GET", "/v1/receipts").json["receipts"]:
        assert entries[one["leaf_index"]] == b64decode(one["entry"])
