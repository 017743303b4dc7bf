"""The doors of the log, open to anybody: checkpoint, tiles, proofs that it only grows, the keys, and a verifier.

Tiles and checkpoint are those of https://c2sp.org/tlog-tiles. Only what a published checkpoint covers is shown, and no
answer takes more than some dozen small reads, whoever asks.
"""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from tallygate.api.door import Reply, Request, json_reply
from tallygate.api.middleware import render
from tallygate.api.proofs import Proofs
from tallygate.api.query import need, read_query, read_whole
from tallygate.errors import InvalidJson, InvalidValue, NotFound, PayloadTooLarge
from tallygate.genai.foreign_json import INTEGER_MAX
from tallygate.receipts import base64_text
from tallygate.receipts.bundle import BUNDLE_BYTES_MAX
from tallygate.receipts.log_reader import prove_consistency, read_range, read_tile
from tallygate.receipts.tiles import TileName, read_name
from tallygate.receipts.verify import VERIFIED

TEXT: Final = "text/plain; charset=utf-8"
BINARY: Final = "application/octet-stream"

_FOR_A_SECOND: Final = (("cache-control", "public, max-age=1"),)
_FOR_A_MINUTE: Final = (("cache-control", "public, max-age=60"),)
_FOR_GOOD: Final = (("cache-control", "public, max-age=31536000, immutable"),)
_NOT_KEPT: Final = ("cache-control", "no-store")

Serve = Callable[[Proofs, Request], Awaitable[Reply]]


async def serve_log(proofs: Proofs, path: str, request: Request) -> Reply:
    """Serve one request. `path` is that of the route, with its places left open."""
    try:
        return await DOORS[path](proofs, request)
    except NotFound as error:
        # What is not there yet may be in a second, and a cache must not go on denying it.
        reply = render(error, "unified", request.request_id)
        return msgspec.structs.replace(reply, headers=(*reply.headers, _NOT_KEPT))


async def show_checkpoint(proofs: Proofs, request: Request) -> Reply:
    """``GET /log/checkpoint``: the last one, as it was signed. Raises NotFound before the first, StoreUnavailable."""
    read_query(request.query, ())
    published = await proofs.read_checkpoint()
    if published is None:
        raise NotFound("No checkpoint has been published yet.")
    return Reply(200, published.note, _FOR_A_SECOND, TEXT)


async def show_tile(proofs: Proofs, request: Request) -> Reply:
    """``GET /log/tile/…``: hashes of the tree, or a bundle of entries.

    Raises NotFound, StoreUnavailable, LogDamaged.
    """
    read_query(request.query, ())
    name = _read_tile_name(request.slots["name"])
    data = await proofs.ask_publicly(lambda connection: read_tile(connection, proofs.origin, name))
    if data is None:
        raise NotFound("The published log has no such tile.")
    return Reply(200, data, _FOR_GOOD, BINARY)


async def show_consistency(proofs: Proofs, request: Request) -> Reply:
    """``GET /log/consistency?old=&new=``: the proof between two trees, a hash in base64 on each line.

    Raises InvalidValue, NotFound beyond the last checkpoint, StoreUnavailable, LogDamaged.
    """
    values = read_query(request.query, ("old", "new"))
    old, new = (_read_size(values, name) for name in ("old", "new"))
    if old > new:
        raise InvalidValue("`old` must not be larger than `new`.", param="old")
    proof = await proofs.ask_publicly(lambda connection: prove_consistency(connection, proofs.origin, old, new))
    if proof is None:
        raise NotFound("No published checkpoint covers a tree of this size.", param="new")
    lines = "".join(f"{base64_text.encode(one)}\n" for one in proof.path)
    return Reply(200, lines.encode(), _FOR_GOOD, TEXT)


async def show_range(proofs: Proofs, request: Request) -> Reply:
    """``GET /v1/mmr/root``: the tree of the last checkpoint as a mountain range.

    Raises StoreUnavailable, LogDamaged.
    """
    read_query(request.query, ())
    seen = await proofs.ask_publicly(lambda connection: read_range(connection, proofs.origin))
    shown = {
        "origin": proofs.origin,
        "size": seen.size,
        "peaks": [base64_text.encode(peak) for peak in seen.peaks],
        "root": base64_text.encode(seen.root),
    }
    return Reply(200, msgspec.json.encode(shown), _FOR_A_SECOND)


async def show_keys(proofs: Proofs, request: Request) -> Reply:
    """``GET /.well-known/tallygate-receipts.json``: the public keys, to be pinned."""
    read_query(request.query, ())
    return Reply(200, proofs.key_set, _FOR_A_MINUTE)


async def judge_bundle(proofs: Proofs, request: Request) -> Reply:
    """``POST /v1/receipts/verify``: each check of a bundle, under this gateway's own keys. 200 for any verdict.

    Raises InvalidJson without a body, PayloadTooLarge.
    """
    read_query(request.query, ())
    if not request.body:
        raise InvalidJson("The body is empty. Send a bundle, as GET /v1/receipts/{id} gives it, byte for byte.")
    if len(request.body) > BUNDLE_BYTES_MAX:
        raise PayloadTooLarge(f"A bundle has at most {BUNDLE_BYTES_MAX} bytes.")
    verdict = await proofs.judge(request.body)
    code = verdict.exit_code
    return json_reply({"verified": code == VERIFIED, "exit_code": code, "checks": verdict.checks})


DOORS: Final[Mapping[str, Serve]] = MappingProxyType(
    {
        "/v1/receipts/verify": judge_bundle,
        "/v1/mmr/root": show_range,
        "/log/checkpoint": show_checkpoint,
        "/log/consistency": show_consistency,
        "/log/tile/{name}": show_tile,
        "/.well-known/tallygate-receipts.json": show_keys,
    }
)


def _read_tile_name(path: str) -> TileName:
    try:
        return read_name(path)
    except ValueError:
        raise NotFound("This is not the address of a tile.") from None


def _read_size(values: Mapping[str, str], name: str) -> int:
    need(values, name)
    return read_whole(values, name, low=0, high=INTEGER_MAX, otherwise=0)
