"""Receipts, a small log and bundles, made the way the gateway makes them, for tests to look at and to spoil.

Everything is fixed: the same key, seed and calls give the same bytes at every run.
"""

from typing import Any

from msgspec import structs

from tallygate.genai.book import Hold
from tallygate.genai.details import Details, Tried
from tallygate.genai.receipt_draft import ChargeBasis, ReceiptDraft
from tallygate.genai.results import Posted
from tallygate.receipts import checkpoint, note, tlog_proof
from tallygate.receipts.bundle import write_bundle
from tallygate.receipts.checkpoint import Checkpoint
from tallygate.receipts.commitment import Label, commit, derive_salt
from tallygate.receipts.entries import digest_body
from tallygate.receipts.key_set import KEY_SET, KeySet, Log, PublicKey
from tallygate.receipts.receipt import Issuer, complete
from tests.receipts import trees

LOG = "tallygate.example/receipts"
ISSUED_MS = 1_763_740_800_000
SEED = bytes(range(32))
SIGNER = note.Signer(LOG, b"\x07" * 32)
ISSUER = Issuer("Example Lab", LOG, b"\x09" * 32)
INDEX = 11

BODIES: dict[Label, bytes] = {
    "request": b'{"model":"qwen3","messages":[{"role":"user","content":"What is 6 times 7?"}]}',
    "request.params": b'{"model":"qwen3"}',
    "forwarded": b'{"model":"qwen3-235b","messages":[{"role":"user","content":"What is 6 times 7?"}]}',
    "response": b'data: {"choices":[{"delta":{"content":"42"}}]}\n\ndata: [DONE]\n\n',
    "response.content": b'["42"]',
}

DETAILS = Details(
    request_id="req-1",
    operation="chat",
    dialect="openai_chat",
    stream=True,
    status="ok",
    request_model="qwen3",
    response_model="qwen3-235b-a22b",
    provider="lab",
    model="qwen3-235b",
    usage={"input_tokens": 1_200, "output_tokens": 300, "cached_input_tokens": 200, "reasoning_tokens": 40},
    usage_source="provider",
    finish_reasons=("stop",),
    attempts=(Tried("shed", "qwen3", 503, "provider_overloaded"), Tried("lab", "qwen3-235b", 200)),
    dropped=("sampling.top_k",),
    first_chunk_ms=120,
    duration_ms=3_300,
)

HOLD = Hold(
    id="call_0123456789abcdef0123456789abcdef",
    workspace_id="ws_lab",
    user_id="user_1",
    key_id="key_1",
    epoch="epoch_1",
    model="qwen3",
    price_version="5f" * 32,
    amount_nusd=10_000_000,
    output_tokens_max=2_000,
    opened_at_ns=(ISSUED_MS - 3_300) * 1_000_000,
    state="posted",
    ended_at_ns=ISSUED_MS * 1_000_000 + 999_999,
    charged_nusd=480_001,
    sequence=17,
    input_tokens=1_200,
    output_tokens=300,
)


def draft(basis: ChargeBasis = "usage", **changes: Any) -> ReceiptDraft:
    """The draft of a call that differs from DETAILS in `changes`."""
    commitments: dict[Label, str] = {label: commit(SEED, label, data) for label, data in BODIES.items()}
    details = structs.replace(DETAILS, **changes)
    return ISSUER.draft(details, HOLD.workspace_id, "POST /v1/chat/completions", basis, SEED, commitments)


def post(**changes: Any) -> Posted:
    """What the ledger says of HOLD with `changes`."""
    hold = structs.replace(HOLD, **changes)
    return Posted(hold, f"{hold.id}/post")


def receipt() -> bytes:
    """The receipt of a whole streamed call."""
    return complete(draft(), post())


def sign(head: Checkpoint, signer: note.Signer = SIGNER) -> bytes:
    """A signed checkpoint."""
    return signer.sign(checkpoint.write(head))


def entries_with(body: bytes, size: int, index: int) -> list[bytes]:
    """A log in which `body` stands at `index`, among others."""
    return [digest_body(body) if at == index else digest_body(b"another %d" % at) for at in range(size)]


def head_of(entries: list[bytes], origin: str = LOG) -> Checkpoint:
    """The checkpoint over some entries."""
    return Checkpoint(origin, len(entries), trees.mth(entries))


def prove(body: bytes, size: int = 20, index: int = INDEX, signer: note.Signer = SIGNER) -> bytes:
    """The proof that `body` stands in a log of that size."""
    entries = entries_with(body, size, index)
    signed = sign(head_of(entries), signer)
    return tlog_proof.write(tlog_proof.Proof(index, tuple(trees.path(index, entries)), signed))


def open_fields(*labels: Label) -> dict[Label, bytes]:
    """What opens those fields of a receipt made under SEED."""
    return {label: derive_salt(SEED, label) for label in labels}


def bundle(body: bytes | None = None, *opened: Label, size: int = 20, index: int = INDEX) -> bytes:
    """A bundle that verifies."""
    body = receipt() if body is None else body
    return write_bundle(body, prove(body, size, index), open_fields(*opened))


def pin(final: str = "", origin: str = LOG, **changes: Any) -> KeySet:
    """The key set in which the one key differs in `changes`, and whose log has ended with `final`."""
    key = PublicKey(vkey=SIGNER.verifier.vkey, purpose="checkpoint", status="active", not_before_ms=ISSUED_MS - 1_000)
    log = Log(
        origin=origin,
        status="frozen" if final else "active",
        keys=(structs.replace(key, **changes),),
        final_checkpoint=final,
    )
    return KeySet(type=KEY_SET, issuer="Example Lab", logs=(log,))
