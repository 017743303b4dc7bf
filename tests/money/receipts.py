"""The receipts of the money tests, as they stand in the database, held against what client and provider saw."""

import json
from typing import Any, NamedTuple

from sqlalchemy import select

from tallygate.genai.book import Hold
from tallygate.store.log_schema import receipts
from tallygate.store.schema import transfers
from tests.contract.gateway import Reply
from tests.fakes.openings import openings_in, say, write_content
from tests.money.matrix import DOORS, Cell
from tests.money.place import Place, Tenant
from tests.money.scripts import SCRIPTS, WORD, Script
from tests.money.wires import sum_up

OWN_COMMENT = b": tallygate-receipt "


class Kept(NamedTuple):
    """A receipt's row. `body` is what `raw` spells."""

    id: str
    sequence: int
    raw: bytes
    seed: bytes

    @property
    def body(self) -> dict[str, Any]:
        return json.loads(self.raw)


def read_receipts(tenant: Tenant) -> list[Kept]:
    """The receipts of a workspace, in their order."""
    wanted = select(receipts.c.id, receipts.c.sequence, receipts.c.body, receipts.c.seed)
    wanted = wanted.where(receipts.c.workspace_id == tenant.id).order_by(receipts.c.sequence)
    with tenant.place.database.snapshot() as connection:
        return [Kept(row.id, row.sequence, bytes(row.body), bytes(row.seed)) for row in connection.execute(wanted)]


def check_ledger(place: Place, kept: Kept, hold: Hold) -> None:
    """The receipt says of money what the ledger says."""
    body, charge = kept.body, kept.body["charge"]
    assert (kept.id, kept.sequence) == (body["id"], body["subject"]["seq"]) == (hold.id, hold.sequence)
    assert (charge["reserved"], charge["amount"]) == (str(hold.amount_nusd), str(hold.charged_nusd))
    assert (charge["price"], charge["rail"]) == (hold.price_version, "prepaid")
    assert (body["usage"]["input"], body["usage"]["output"]) == (hold.input_tokens, hold.output_tokens)
    with place.database.snapshot() as connection:
        line = connection.execute(select(transfers).where(transfers.c.id == charge["transfer"])).one()
    assert (line.kind, line.hold_id, line.amount_nusd) == ("post", hold.id, hold.charged_nusd)


def check_receipt(cell: Cell, tenant: Tenant, hold: Hold, request: bytes, reply: Reply | None) -> Kept:
    """The receipt of a call of the matrix. `request` is its nonce's."""
    (kept,) = read_receipts(tenant)
    check_ledger(tenant.place, kept, hold)
    check_story(cell, kept.body, reply)
    check_openings(cell, tenant, kept, request, reply)
    return kept


def check_story(cell: Cell, body: dict[str, Any], reply: Reply | None) -> None:
    """How the call ended, and why it costs what it costs."""
    end = cell.row.end_at(cell.upstream)
    response = body["response"]
    assert (response["status"], response["complete"]) == (end.status, end.status == "ok")
    assert response.get("error", "") == end.error_code
    waived = end.status == "failed" or cell.row.script in ("silent", *_SILENT)
    assert (body["charge"]["basis"], body["usage"]["source"]) == ("waived" if waived else "usage", end.usage_source)
    asked = body["request"]
    assert (asked["model"], asked["stream"]) == (f"{cell.upstream}/{cell.row.script}", cell.stream)
    assert (asked["method"], asked["endpoint"]) == ("POST", DOORS[cell.door].path)
    tried = body["forwarded"]["attempts"]
    assert sum(attempt.get("error", "") != "provider_unreachable" for attempt in tried) <= end.sent <= len(tried)
    if end.status == "failed":
        assert tried[-1]["error"] == end.error_code
    if "route" in body:
        assert (body["route"]["provider"], body["route"]["model"]) == (tried[-1]["provider"], tried[-1]["model"])
        assert body["route"]["fallback"] == (len(tried) > 1)
    if reply is not None:
        dropped = reply.headers.get("x-tallygate-dropped")
        assert body.get("dropped", []) == (dropped.split(", ") if dropped else [])
        if "route" in body and end.status == "ok":
            assert reply.headers["x-tallygate-backend"] == body["route"]["provider"]


_SILENT = ("cut-before-the-first-word", "failed-before-the-first-word")


def check_openings(cell: Cell, tenant: Tenant, kept: Kept, request: bytes, reply: Reply | None) -> None:
    """Each commitment that there should be opens with the bytes that client and provider saw, and no others."""
    end, openings = cell.row.end_at(cell.upstream), openings_in(kept.body, kept.seed)
    sent = [entry["body"].encode("latin-1") for entry in tenant.place.asked(_nonce_of(cell, request))]
    params = {name: value for name, value in json.loads(request).items() if name != DOORS[cell.door].turns}
    bodies: dict[str, bytes | None] = {
        "request": request,
        "request_params": json.dumps(params, separators=(",", ":"), sort_keys=True).encode(),
        "forwarded": sent[-1] if sent else None,
    }
    if not sent:
        # It was sent to nobody: what it would have been, nobody has seen.
        openings.commitments.pop("forwarded")
    if end.status == "ok":
        bodies["response_content"] = _content_of(_text_of(cell))
        if reply is not None and cell.row.client != "leaves in the middle":
            bodies["response"] = _strip(reply.body)
        else:
            # Its client did not hear it out.
            openings.commitments.pop("response")
    elif reply is not None and reply.status == 200 and "commit" in kept.body["response"]:
        heard = _strip(reply.body)
        bodies["response"] = heard.partition(DOORS[cell.door].error_event)[0]
        bodies["response_content"] = _content_of(WORD * heard.count(WORD.encode()))
    openings.check(**bodies)


def _nonce_of(cell: Cell, request: bytes) -> str:
    turns = json.loads(request)[DOORS[cell.door].turns]
    return (turns if isinstance(turns, str) else turns[0]["content"]).split(" ")[0]


def _content_of(text: str) -> bytes:
    return write_content(say(text)) if text else write_content()


def _text_of(cell: Cell) -> str:
    """What the provider's whole answer says. A second target plays a good one."""
    script: Script = SCRIPTS.get(cell.row.script, SCRIPTS["good"])
    return sum_up(script)[0]


def _strip(body: bytes) -> bytes:
    """The answer without the gateway's own comments."""
    blocks = body.split(b"\n\n")
    return b"\n\n".join(block for block in blocks if not block.startswith(OWN_COMMENT))
