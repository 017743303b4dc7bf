"""The verifier: says of a bundle what holds, each check by itself, for somebody who trusts nobody.

Pure and offline: no clock, no file, no network, and no key but those that were pinned by whoever asks. Hostile bytes
end as a failed check, never as an exception. It follows RFC 9162 and C2SP's signed-note, tlog-checkpoint and
tlog-proof; docs/reference/receipts.md says what a check means and what it cannot.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Literal

from msgspec import Struct, field

from tallygate.genai.usage import Usage
from tallygate.receipts import checkpoint, merkle, note, tlog_proof
from tallygate.receipts.bundle import BadBundle, Bundle, read_bundle
from tallygate.receipts.checkpoint import Checkpoint
from tallygate.receipts.commitment import LABELS, Label, is_opened
from tallygate.receipts.decimal_text import read_number
from tallygate.receipts.entries import Entry, digest_body
from tallygate.receipts.key_set import KeySet, Log, PublicKey
from tallygate.receipts.receipt import CLAIMS, Receipt, read_usage

VERIFIED: Final = 0
FAILED: Final = 1
NOT_ENOUGH: Final = 2
"""Exit codes. `NOT_ENOUGH`: nothing is wrong, but something is missing that a check needs."""

State = Literal["passed", "failed", "missing", "unreached"]
"""`missing`: what the check needs was not given; `unreached`: an earlier check stands in its way."""

CHECKS: Final = ("form", "proof", "signature", "log", "key", "inclusion")
"""Those that every bundle must pass, in this order. Others follow where there is something to check."""


class Check(Struct, frozen=True):
    """One check and what came of it, in a sentence for people."""

    name: str
    state: State
    note: str


class Verdict(Struct, frozen=True):
    """All checks, in order. The rest is what was read, to be shown and remembered; it means nothing unless it is
    verified. `signed` is the checkpoint as it was signed.
    """

    checks: tuple[Check, ...]
    entry: Entry | None = None
    checkpoint: Checkpoint | None = None
    index: int | None = None
    signed: bytes = b""

    @property
    def exit_code(self) -> int:
        """0 verified, 1 failed, 2 not enough material."""
        states = {check.state for check in self.checks}
        if "failed" in states:
            return FAILED
        return VERIFIED if states == {"passed"} else NOT_ENOUGH


class Reckoning(Struct, frozen=True):
    """A price to reckon with: its version, what a usage comes to in nano-USD, and since when it is in force."""

    version: str
    charge: Callable[[Usage], int]
    from_ms: int = 0


class Material(Struct, frozen=True, kw_only=True):
    """What whoever asks has at hand beside the bundle and the keys.

    `opened`: the bytes that fields are said to be about. `remembered`: a checkpoint of this log that was verified
    before, with the proof between it and the bundle's, from the smaller tree to the larger. `reckonings`: prices, of
    which one may be the receipt's.
    """

    opened: Mapping[Label, bytes] = field(default_factory=dict[Label, bytes])
    remembered: Checkpoint | None = None
    consistency: tuple[bytes, ...] | None = None
    reckonings: tuple[Reckoning, ...] = ()


class _Signer(Struct, frozen=True):
    """A pinned key and the log it is pinned for."""

    log: Log
    key: PublicKey


class _Reading(Struct, frozen=True):
    """A bundle whose parts could all be read."""

    bundle: Bundle
    proof: tlog_proof.Proof
    note: note.Note
    checkpoint: Checkpoint


def verify(data: bytes, pinned: KeySet | None, material: Material | None = None) -> Verdict:
    """Verify a bundle under pinned keys. Raises nothing, whatever the bytes; BadKey if a pinned key is none."""
    try:
        bundle = read_bundle(data)
    except BadBundle as error:
        return Verdict(_stop("form", str(error)))
    read = Check("form", "passed", f"canonical JSON, {bundle.entry.type}")
    try:
        proof = tlog_proof.read(bundle.proof)
        if proof.extra is not None:
            return Verdict((read, *_stop("proof", "it has an extra line, which nothing vouches for")), bundle.entry)
        signed = note.parse(proof.checkpoint)
        head = checkpoint.read(signed.text)
    except (tlog_proof.BadProof, note.BadNote, checkpoint.BadCheckpoint) as error:
        return Verdict((read, *_stop("proof", str(error))), bundle.entry)
    reading = _Reading(bundle, proof, signed, head)
    checks = (read, *_check_all(reading, pinned, material or Material()))
    return Verdict(checks, bundle.entry, head, proof.index, proof.checkpoint)


def _stop(name: str, why: str) -> tuple[Check, ...]:
    """A failure that none of the later checks can be reached behind."""
    later = CHECKS[CHECKS.index(name) + 1 :]
    return (Check(name, "failed", why), *(Check(one, "unreached", f"the {name} must hold first") for one in later))


def _check_all(reading: _Reading, pinned: KeySet | None, material: Material) -> Iterator[Check]:
    head = reading.checkpoint
    yield Check("proof", "passed", f"entry {reading.proof.index} of a tree of {head.size}")
    signer, signature = _check_signature(reading, pinned)
    yield signature
    yield _check_log(reading, pinned)
    yield _check_key(reading, signer)
    yield _check_inclusion(reading)
    if material.remembered is not None:
        yield _check_consistency(head, material.remembered, material.consistency)
    yield from _check_openings(reading.bundle, material.opened)
    if isinstance(reading.bundle.entry, Receipt):
        yield _check_claims(reading.bundle.entry)
        yield _check_charge(reading.bundle.entry, material.reckonings)


def _check_signature(reading: _Reading, pinned: KeySet | None) -> tuple[_Signer | None, Check]:
    """The pinned key that has signed the checkpoint. One that is pinned for another purpose does not count."""
    signers = {
        note.read_verifier(key.vkey): _Signer(log, key)
        for log in (pinned.logs if pinned is not None else ())
        for key in log.keys
        if key.purpose == "checkpoint"
    }
    if not signers:
        return None, Check("signature", "missing", "no key for checkpoints is pinned")
    try:
        signed = note.verify(reading.note, [verifier.vkey for verifier in signers])
    except note.BadNote as error:
        return None, Check("signature", "failed", str(error))
    for verifier in signed:
        if verifier.name == reading.checkpoint.origin:
            return signers[verifier], Check("signature", "passed", f"by the pinned key {verifier.vkey}")
    return None, Check("signature", "failed", "it is signed by a pinned key, but by one of another log")


def _check_log(reading: _Reading, pinned: KeySet | None) -> Check:
    entry, origin = reading.bundle.entry, reading.checkpoint.origin
    if entry.log != origin:
        return Check("log", "failed", "the receipt names another log than the checkpoint")
    if pinned is not None and pinned.issuer not in ("", entry.issuer):
        return Check("log", "failed", "the receipt names another issuer than the pinned keys")
    return Check("log", "passed", f"{origin!r}, issued by {entry.issuer!r}")


def _check_key(reading: _Reading, signer: _Signer | None) -> Check:
    """Whether the key may vouch for this: its window, and where its log has ended, the tree it ended with."""
    if signer is None:
        return Check("key", "unreached", "the signature must hold first")
    log, key = signer.log, signer.key
    issued_ms = reading.bundle.entry.issued_ms
    if issued_ms < key.not_before_ms or (key.not_after_ms is not None and issued_ms >= key.not_after_ms):
        return Check("key", "failed", "the receipt was issued when the key was not valid")
    if not log.final_checkpoint:
        if key.status == "revoked":
            return Check("key", "failed", "the key is revoked, and no last checkpoint of its log is pinned")
        return Check("key", "passed", f"{key.status}, and valid when the receipt was issued")
    try:
        final = checkpoint.read(note.parse(log.final_checkpoint.encode()).text)
    except (note.BadNote, checkpoint.BadCheckpoint) as error:
        return Check("key", "failed", f"the pinned last checkpoint cannot be read: {error}")
    return _check_final(reading.checkpoint, final, key)


def _check_final(head: Checkpoint, final: Checkpoint, key: PublicKey) -> Check:
    if head.size > final.size:
        return Check("key", "failed", "the checkpoint is later than the last one of its log")
    if head.size == final.size:
        if head.root == final.root:
            return Check("key", "passed", f"{key.status}; this is the last checkpoint of its log")
        return Check("key", "failed", "the checkpoint contradicts the last one of its log")
    if key.status == "revoked":
        return Check("key", "failed", "the key is revoked; ask for a proof in the last checkpoint of its log")
    return Check("key", "passed", f"{key.status}, and valid when the receipt was issued")


def _check_inclusion(reading: _Reading) -> Check:
    head, proof = reading.checkpoint, reading.proof
    leaf = merkle.leaf_hash(digest_body(reading.bundle.body))
    if merkle.verify_inclusion(proof.index, head.size, leaf, proof.path, head.root):
        return Check("inclusion", "passed", "the receipt is in the tree of the checkpoint")
    return Check("inclusion", "failed", "the path does not lead from this receipt to the root of the checkpoint")


def _check_consistency(head: Checkpoint, remembered: Checkpoint, path: tuple[bytes, ...] | None) -> Check:
    name = "consistency"
    if head.origin != remembered.origin:
        return Check(name, "failed", "the remembered checkpoint is of another log")
    old, new = (head, remembered) if head.size < remembered.size else (remembered, head)
    if path is None and old.size != new.size:
        return Check(name, "missing", f"no proof from the tree of {old.size} to that of {new.size} was given")
    if merkle.verify_consistency(old.size, new.size, path or (), old.root, new.root):
        return Check(name, "passed", f"one log: the tree of {new.size} begins with that of {old.size}")
    return Check(name, "failed", "the log has forked: this checkpoint and the remembered one cannot both be true")


def _check_openings(bundle: Bundle, opened: Mapping[Label, bytes]) -> Iterator[Check]:
    for label in LABELS:
        if label in bundle.openings or label in opened:
            yield _check_opening(bundle, label, bundle.openings.get(label), opened.get(label))


def _check_opening(bundle: Bundle, label: Label, salt: bytes | None, data: bytes | None) -> Check:
    name = f"opening {label}"
    commitment = find_commitment(bundle.entry, label)
    if not commitment:
        return Check(name, "failed", "the receipt has no commitment of this name")
    if salt is None:
        return Check(name, "missing", "the bundle does not open this field")
    if data is None:
        return Check(name, "missing", "the bytes it is about were not given")
    if is_opened(commitment, salt, label, data):
        return Check(name, "passed", f"these {len(data)} bytes are the ones")
    return Check(name, "failed", "these are not the bytes")


def find_commitment(entry: Entry, label: Label) -> str:
    """What a receipt commits to under a label; empty if it does not."""
    if not isinstance(entry, Receipt):
        return ""
    match label:
        case "request":
            return entry.request.commit
        case "request.params":
            return entry.request.params_commit
        case "forwarded":
            return entry.forwarded.commit if entry.forwarded else ""
        case "response":
            return entry.response.commit
        case "response.content":
            return entry.response.content_commit


def _check_claims(receipt: Receipt) -> Check:
    if receipt.claims == CLAIMS:
        return Check("claims", "passed", "it says what it proves and what not")
    return Check("claims", "failed", "it claims something else than receipts of its type do")


def _check_charge(receipt: Receipt, reckonings: Sequence[Reckoning]) -> Check:
    """Whether the amount follows from the receipt, and from the price if there is one to reckon with."""
    charge = receipt.charge
    try:
        reserved, amount = read_number(charge.reserved), read_number(charge.amount)
    except ValueError:
        return Check("charge", "failed", "its amounts are not whole numbers")
    if amount > reserved:
        return Check("charge", "failed", "more was charged than reserved")
    if amount and charge.basis in ("free", "waived"):
        return Check("charge", "failed", f"something was charged for a call that is {charge.basis}")
    if not reckonings:
        return Check("charge", "passed", "no more than reserved; not reckoned, for no price was given")
    reckoning = next((one for one in reckonings if one.version == charge.price), None)
    if reckoning is None:
        return Check("charge", "missing", f"no price was given that is the receipt's, {charge.price!r}")
    if receipt.issued_ms < reckoning.from_ms:
        return Check("charge", "failed", "its price was not in force yet")
    if charge.basis in ("waived", "progress"):
        return Check("charge", "passed", f"no more than reserved; {charge.basis}, so there is nothing to reckon")
    if min(reckoning.charge(read_usage(receipt)), reserved) == amount:
        return Check("charge", "passed", "it is the price times the usage")
    return Check("charge", "failed", "it is not the price times the usage")
