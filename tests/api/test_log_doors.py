"""The log over real sockets, for strangers: they build the tree from tiles, check that it only grows, and verify."""

from base64 import b64decode
from typing import Any

import pytest

from tallygate.receipts import checkpoint, merkle, mmr, note, pinned
from tallygate.receipts.bundle import BUNDLE_BYTES_MAX
from tallygate.receipts.tiles import TileName, TileNodes, write_name
from tallygate.receipts.verify import FAILED, NOT_ENOUGH, VERIFIED
from tests.api.envelope import check_error
from tests.contract.gateway import Reply
from tests.fakes.doors import House
from tests.fakes.log import KEYS, Log
from tests.receipts import making, trees

PUBLIC = ("/log/checkpoint", "/log/tile/0/000.p/1", "/log/consistency?old=0&new=1", "/v1/mmr/root")
WELL_KNOWN = "/.well-known/tallygate-receipts.json"
FOR_GOOD = "public, max-age=31536000, immutable"


def fetch(house: House, path: str, content_type: str, cached: str) -> bytes:
    """What anybody gets, without a key, and how long it may be kept."""
    reply = house.ask("GET", path)
    assert (reply.status, reply.headers["content-type"]) == (200, content_type), reply.body
    assert reply.headers["cache-control"] == cached
    return reply.body


def fetch_head(house: House) -> checkpoint.Checkpoint:
    """The last checkpoint, under the published key."""
    keys = pinned.read_pinned(fetch(house, WELL_KNOWN, "application/json", "public, max-age=60"))
    signed = note.parse(fetch(house, "/log/checkpoint", "text/plain; charset=utf-8", "public, max-age=1"))
    note.verify(signed, [key.vkey for one in keys.logs for key in one.keys])
    return checkpoint.read(signed.text)


def fetch_tile(house: House, level: int | None, index: int, width: int = 256) -> bytes:
    return fetch(house, f"/log/tile/{write_name(TileName(level, index, width))}", "application/octet-stream", FOR_GOOD)


def test_a_stranger_builds_the_tree_from_tiles(house: House, log: Log) -> None:
    _, record = house.make_key()
    log.write_many(record, 300)
    assert log.publish() == 300
    head = fetch_head(house)
    assert (head.origin, head.size) == (making.LOG, 300)
    entries = fetch_tile(house, None, 0) + fetch_tile(house, None, 1, 44)
    assert {entries[at : at + 2] for at in range(0, len(entries), 34)} == {b"\x00\x20"}
    found = [entries[at + 2 : at + 34] for at in range(0, len(entries), 34)]
    hashes = {(0, 0): fetch_tile(house, 0, 0), (0, 1): fetch_tile(house, 0, 1, 44), (1, 0): fetch_tile(house, 1, 0, 1)}
    assert hashes[0, 0] + hashes[0, 1] == b"".join(map(merkle.leaf_hash, found))
    assert merkle.root(300, TileNodes(lambda level, index: hashes[level, index])) == head.root == trees.mth(found)


def test_the_log_only_grows(house: House, log: Log) -> None:
    _, record = house.make_key()
    heads: list[checkpoint.Checkpoint] = []
    for count in (1, 4, 7):
        log.write_many(record, count)
        log.publish()
        heads.append(fetch_head(house))
    for old in heads:
        for new in heads:
            path = f"/log/consistency?old={old.size}&new={new.size}"
            if old.size > new.size:
                check_error(house.ask("GET", path), 400, "invalid_value")
                continue
            text = fetch(house, path, "text/plain; charset=utf-8", FOR_GOOD).decode()
            proof = [b64decode(line, validate=True) for line in text.splitlines()]
            assert not text or text.endswith("\n")
            assert merkle.verify_consistency(old.size, new.size, proof, old.root, new.root)


def test_the_mountain_range_has_the_root_of_the_checkpoint(house: House, log: Log) -> None:
    empty = house.ask("GET", "/v1/mmr/root").json
    assert (empty["size"], empty["peaks"]) == (0, [])
    assert b64decode(empty["root"]) == merkle.EMPTY_ROOT
    _, record = house.make_key()
    log.write_many(record, 11)
    log.publish()
    head = fetch_head(house)
    assert fetch(house, "/v1/mmr/root", "application/json", "public, max-age=1")
    seen = house.ask("GET", "/v1/mmr/root").json
    peaks = tuple(map(b64decode, seen["peaks"]))
    assert (seen["origin"], seen["size"], len(peaks)) == (making.LOG, 11, 3)
    assert b64decode(seen["root"]) == merkle.bag(peaks) == head.root == mmr.Range(11, peaks, head.root).root


def test_what_is_not_published_is_nowhere_and_no_cache_keeps_that(house: House, log: Log) -> None:
    paths = [*PUBLIC[:3], "/log/tile/entries/000.p/1", "/log/consistency?old=0&new=0"]
    for path in paths:
        reply = house.ask("GET", path)
        check_error(reply, 404, "not_found")
        assert reply.headers["cache-control"] == "no-store"
    _, record = house.make_key()
    log.write(record)
    log.publish()
    log.write(record)
    log.append()
    for path in paths:
        assert house.ask("GET", path).status == 200
    for path in (
        "/log/tile/0/000.p/2",
        "/log/tile/entries/000.p/2",
        "/log/tile/1/000.p/1",
        "/log/consistency?old=1&new=2",
    ):
        check_error(house.ask("GET", path), 404, "not_found")


@pytest.mark.parametrize(
    "name",
    ["0", "0/0", "00/000", "0/x000/000", "0/1000", "0/000.p/0", "0/000.p/256", "0/000.p/01", "64/000", "data/000",
     "0/000/", "-1/000", "0/000.p/", "entries", "0/%2e%2e/000", "0/%D9%A0%D9%A0%D9%A0", "x" * 5_000],
)  # fmt: skip
def test_a_tile_has_one_address(strict_house: House, name: str) -> None:
    error = check_error(strict_house.ask("GET", f"/log/tile/{name}"), 404, "not_found")
    assert "not the address of a tile" in error["message"]


@pytest.mark.parametrize(
    "query", ["", "old=1", "new=1", "old=x&new=1", "old=1&new=-1", "old=0&new=9007199254740992", "old=0&new=1&size=1"]
)
def test_a_bad_question_is_refused(strict_house: House, query: str) -> None:
    check_error(strict_house.ask("GET", f"/log/consistency?{query}"), 400, "invalid_value")


@pytest.mark.parametrize("path", [*PUBLIC, WELL_KNOWN])
def test_a_head_tells_what_the_answer_would_be(house: House, log: Log, path: str) -> None:
    _, record = house.make_key()
    log.write(record)
    log.publish()
    whole, head = house.ask("GET", path), house.ask("HEAD", path)
    assert (head.status, head.body) == (200, b"")
    for name in ("content-type", "content-length", "cache-control"):
        assert head.headers[name] == whole.headers[name]
    check_error(house.ask("POST", path, {}), 405, "method_not_allowed")


def test_no_key_is_looked_at(house: House) -> None:
    assert house.ask("GET", WELL_KNOWN, key="lx-nobody").status == 200
    assert house.ask("GET", WELL_KNOWN).body == house.ask("GET", WELL_KNOWN).body
    assert b"private" not in house.ask("GET", WELL_KNOWN).body


def test_a_damaged_tree_is_told_and_not_served(house: House, log: Log, caplog: pytest.LogCaptureFixture) -> None:
    _, record = house.make_key()
    log.write_many(record, 3)
    log.publish()
    log.run("DELETE FROM log_tiles")
    for path in ("/log/tile/0/000.p/3", "/log/consistency?old=1&new=3", "/v1/mmr/root"):
        check_error(house.ask("GET", path), 500, "log_damaged")
    assert "is not whole" in caplog.text


def judge(house: House, bundle: bytes) -> Any:
    """The verdict on a bundle."""
    reply = house.ask("POST", "/v1/receipts/verify", bundle)
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json"), reply.body
    assert reply.json.keys() == {"verified", "exit_code", "checks"}
    return reply.json


def test_a_verdict_names_every_check(strict_house: House) -> None:
    verdict = judge(strict_house, making.bundle())
    assert (verdict["verified"], verdict["exit_code"]) == (True, VERIFIED)
    assert {check["state"] for check in verdict["checks"]} == {"passed"}
    assert [check["name"] for check in verdict["checks"]][:3] == ["form", "proof", "signature"]
    opened = judge(strict_house, making.bundle(None, "request"))
    assert (opened["verified"], opened["exit_code"]) == (False, NOT_ENOUGH)


def test_a_foreign_key_and_a_spoilt_byte_fail(strict_house: House) -> None:
    foreign = note.Signer(making.LOG, b"\x01" * 32)
    body = making.receipt()
    forged = making.write_bundle(body, making.prove(body, signer=foreign))
    for bundle in (forged, making.bundle().replace(b'"amount":"4', b'"amount":"3'), b"{}", b"no JSON", b"[" * 100_000):
        verdict = judge(strict_house, bundle)
        assert (verdict["verified"], verdict["exit_code"]) == (False, FAILED)


def test_only_a_bundle_of_some_size_is_judged(strict_house: House) -> None:
    check_error(ask_verdict(strict_house, b""), 400, "invalid_json")
    check_error(ask_verdict(strict_house, b" " * (BUNDLE_BYTES_MAX + 1)), 413, "payload_too_large")
    assert judge(strict_house, b" " * BUNDLE_BYTES_MAX)["exit_code"] == FAILED
    check_error(strict_house.ask("GET", "/v1/receipts/verify"), 405, "method_not_allowed")
    text = strict_house.ask("POST", "/v1/receipts/verify", b"{}", headers={"Content-Type": "text/plain"})
    check_error(text, 415, "unsupported_media_type")


def ask_verdict(house: House, body: bytes) -> Reply:
    return house.ask("POST", "/v1/receipts/verify", body)


def test_the_published_keys_are_those_that_sign(strict_house: House) -> None:
    assert pinned.read_pinned(strict_house.ask("GET", WELL_KNOWN).body) == KEYS.public
