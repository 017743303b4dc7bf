"""The verifier: what holds is verified, and each thing that is wrong is named by its own check."""

import subprocess
import sys
from typing import Any

import pytest

from tallygate.genai.usage import Usage
from tallygate.receipts import note
from tallygate.receipts.bundle import write_bundle
from tallygate.receipts.canonical import Value, read_canonical, write_canonical
from tallygate.receipts.checkpoint import Checkpoint
from tallygate.receipts.commitment import LABELS, Label
from tallygate.receipts.pinned import pin_key
from tallygate.receipts.receipt import complete
from tallygate.receipts.tlog_proof import Proof, read, write
from tallygate.receipts.verify import CHECKS, Material, Reckoning, Verdict, verify
from tests.receipts import trees
from tests.receipts.making import (
    BODIES,
    HOLD,
    INDEX,
    ISSUED_MS,
    LOG,
    SIGNER,
    bundle,
    draft,
    entries_with,
    head_of,
    open_fields,
    pin,
    post,
    prove,
    receipt,
    sign,
)
from tests.receipts.test_entries import body as price_body


def states(verdict: Verdict) -> dict[str, str]:
    """What came of each check."""
    return {check.name: check.state for check in verdict.checks}


def failed(verdict: Verdict) -> set[str]:
    """The checks that failed."""
    assert verdict.exit_code == 1
    return {check.name for check in verdict.checks if check.state == "failed"}


def test_what_holds_is_verified() -> None:
    verdict = verify(bundle(), pin())
    assert verdict.exit_code == 0
    assert states(verdict) == dict.fromkeys([*CHECKS, "claims", "charge"], "passed")
    assert (verdict.index, verdict.checkpoint) == (INDEX, head_of(entries_with(receipt(), 20, INDEX)))
    assert verify(bundle(), pin_key(SIGNER.verifier.vkey)).exit_code == 0


@pytest.mark.parametrize(("size", "index"), [(1, 0), (2, 1), (3, 2), (8, 0), (130, 129)])
def test_it_is_verified_wherever_it_stands(size: int, index: int) -> None:
    assert verify(bundle(size=size, index=index), pin()).exit_code == 0


def test_other_entries_of_the_log_are_verified_too() -> None:
    assert states(verify(bundle(price_body()), pin())) == dict.fromkeys(CHECKS, "passed")


def test_without_a_pinned_key_it_is_not_enough() -> None:
    for pinned in (None, pin(purpose="statement")):
        verdict = verify(bundle(), pinned)
        assert verdict.exit_code == 2
        assert states(verdict)["signature"] == "missing"
        assert states(verdict)["inclusion"] == "passed"


def test_a_key_that_is_not_pinned_counts_for_nothing() -> None:
    other = note.Signer(LOG, b"\x08" * 32)
    assert failed(verify(write_bundle(receipt(), prove(receipt(), signer=other)), pin())) == {"signature"}


def test_a_pinned_key_of_another_log_cannot_speak_for_this_one() -> None:
    other = note.Signer("other.example", b"\x07" * 32)
    forged = write_bundle(receipt(), prove(receipt(), signer=other))
    assert failed(verify(forged, pin(origin="other.example", vkey=other.verifier.vkey))) == {"signature"}


def test_a_receipt_of_another_log_is_refused() -> None:
    strange = receipt().replace(LOG.encode(), b"tallygate.example/recezpts")
    assert failed(verify(bundle(strange), pin())) == {"log"}


def test_a_receipt_of_another_issuer_is_refused() -> None:
    strange = receipt().replace(b"Example Lab", b"Example Bar")
    assert failed(verify(bundle(strange), pin())) == {"log"}


def test_a_receipt_that_is_not_in_the_tree_is_refused() -> None:
    charged = receipt().replace(b'"amount":"480001"', b'"amount":"480000"')
    assert failed(verify(write_bundle(charged, prove(receipt())), pin())) == {"inclusion"}


def test_a_proof_for_another_place_is_refused() -> None:
    proof = read(prove(receipt()))
    for index in range(20):
        moved = write(Proof(index, proof.path, proof.checkpoint))
        assert verify(write_bundle(receipt(), moved), pin()).exit_code == int(index != INDEX)


def test_nothing_may_ride_along_in_the_proof() -> None:
    proof = read(prove(receipt()))
    more = write(Proof(proof.index, proof.path, proof.checkpoint, b"extra"))
    assert failed(verify(write_bundle(receipt(), more), pin())) == {"proof"}


def test_a_check_that_cannot_be_reached_is_named() -> None:
    verdict = verify(write_bundle(receipt(), b"no proof"), pin())
    assert failed(verdict) == {"proof"}
    assert list(states(verdict).values()) == ["passed", "failed", *["unreached"] * 4]


# The key's window and its end.


@pytest.mark.parametrize(
    ("changes", "passes"),
    [
        ({"not_before_ms": ISSUED_MS}, True),
        ({"not_before_ms": ISSUED_MS + 1}, False),
        ({"not_after_ms": ISSUED_MS + 1}, True),
        ({"not_after_ms": ISSUED_MS}, False),
        ({"status": "retired"}, True),
        ({"status": "revoked"}, False),
    ],
)
def test_a_key_vouches_only_while_it_is_valid(changes: dict[str, Any], passes: bool) -> None:
    verdict = verify(bundle(), pin(**changes))
    assert verdict.exit_code == int(not passes)
    if not passes:
        assert failed(verdict) == {"key"}


def final(size: int) -> str:
    """The last checkpoint of a log that holds the receipt."""
    return sign(head_of(entries_with(receipt(), size, INDEX))).decode()


@pytest.mark.parametrize(
    ("status", "final_size", "passes"),
    [
        ("retired", 20, True),
        ("retired", 30, True),
        ("retired", 19, False),
        ("revoked", 20, True),
        ("revoked", 30, False),
        ("revoked", 19, False),
    ],
)
def test_a_key_that_has_ended_vouches_up_to_its_last_checkpoint(status: str, final_size: int, passes: bool) -> None:
    assert verify(bundle(), pin(status=status, final=final(final_size))).exit_code == int(not passes)


def test_a_last_checkpoint_with_another_root_or_none_at_all_is_a_failure() -> None:
    other = sign(Checkpoint(LOG, 20, b"\0" * 32)).decode()
    for last in (other, "nonsense"):
        assert failed(verify(bundle(), pin(status="retired", final=last))) == {"key"}


# What was remembered from an earlier visit.


def consistent(old: int, new: int) -> tuple[bytes, ...]:
    """The proof between two sizes of the log."""
    return tuple(trees.proof(min(old, new), entries_with(receipt(), max(old, new), INDEX)))


@pytest.mark.parametrize("size", [12, 16, 19, 20, 21, 64])
def test_one_log_is_consistent_with_what_was_remembered(size: int) -> None:
    head = head_of(entries_with(receipt(), size, INDEX))
    material = Material(remembered=head, consistency=consistent(20, size))
    assert states(verify(bundle(), pin(), material))["consistency"] == "passed"


def test_a_fork_is_seen() -> None:
    for size in (16, 20, 33):
        forked = head_of(entries_with(b"something else", size, INDEX))
        material = Material(remembered=forked, consistency=consistent(20, size))
        assert failed(verify(bundle(), pin(), material)) == {"consistency"}


def test_without_a_proof_between_two_sizes_it_is_not_enough() -> None:
    head = head_of(entries_with(receipt(), 16, INDEX))
    verdict = verify(bundle(), pin(), Material(remembered=head))
    assert (verdict.exit_code, states(verdict)["consistency"]) == (2, "missing")


def test_a_checkpoint_of_another_log_proves_nothing() -> None:
    head = head_of(entries_with(receipt(), 20, INDEX), "other.example")
    assert failed(verify(bundle(), pin(), Material(remembered=head))) == {"consistency"}


# Openings.


def test_the_right_bytes_open_every_field() -> None:
    verdict = verify(bundle(None, *LABELS), pin(), Material(opened=BODIES))
    assert verdict.exit_code == 0
    assert [name for name in states(verdict) if name.startswith("opening")] == [f"opening {label}" for label in LABELS]


def test_other_bytes_open_nothing() -> None:
    for label in LABELS:
        opened: dict[Label, bytes] = {**BODIES, label: BODIES[label] + b" "}
        verdict = verify(bundle(None, *LABELS), pin(), Material(opened=opened))
        assert failed(verdict) == {f"opening {label}"}


def test_what_is_opened_without_its_bytes_or_the_other_way_round_is_not_enough() -> None:
    given = (bundle(None, "request"), Material()), (bundle(), Material(opened={"request": BODIES["request"]}))
    for data, material in given:
        verdict = verify(data, pin(), material)
        assert (verdict.exit_code, states(verdict)["opening request"]) == (2, "missing")


def test_a_field_that_was_never_committed_to_cannot_be_opened() -> None:
    for body in (price_body(), complete(draft(), post()).replace(b"params_commit", b"params_cammit")):
        data = write_bundle(body, prove(body), open_fields("request.params"))
        material = Material(opened={"request.params": BODIES["request.params"]})
        assert failed(verify(data, pin(), material)) == {"opening request.params"}


# The charge.


def price(usage: Usage) -> int:
    """What HOLD's price comes to."""
    return 300 * usage.input_tokens + 400 * usage.output_tokens + (usage.reasoning_tokens or 0) // 40


def charge_of(body: bytes, version: str = HOLD.price_version) -> str:
    """What comes of the check of a charge."""
    return states(verify(bundle(body), pin(), Material(reckonings=(Reckoning(version, price),))))["charge"]


def test_a_charge_is_the_price_times_the_usage() -> None:
    assert charge_of(receipt()) == "passed"
    assert charge_of(complete(draft(), post(charged_nusd=480_000))) == "failed"
    assert charge_of(complete(draft(), post(charged_nusd=480_002))) == "failed"


def test_a_charge_is_cut_to_what_was_reserved() -> None:
    assert charge_of(complete(draft(), post(charged_nusd=100, amount_nusd=100))) == "passed"
    assert charge_of(complete(draft(), post(charged_nusd=99, amount_nusd=100))) == "failed"
    assert charge_of(complete(draft(), post(charged_nusd=101, amount_nusd=100))) == "failed"


def test_a_free_call_has_a_price_of_nothing() -> None:
    assert charge_of(complete(draft("free"), post(charged_nusd=0))) == "failed"
    assert charge_of(complete(draft("free"), post(charged_nusd=0, input_tokens=0, output_tokens=0))) == "failed"
    nothing = Reckoning(HOLD.price_version, lambda _: 0)
    verdict = verify(bundle(complete(draft("free"), post(charged_nusd=0))), pin(), Material(reckonings=(nothing,)))
    assert verdict.exit_code == 0


@pytest.mark.parametrize("basis", ["free", "waived"])
def test_a_call_that_costs_nothing_costs_nothing(basis: Any) -> None:
    assert failed(verify(bundle(complete(draft(basis), post(charged_nusd=1))), pin())) == {"charge"}


def test_what_is_waived_or_was_noted_is_not_reckoned() -> None:
    assert charge_of(complete(draft("waived"), post(charged_nusd=0))) == "passed"
    assert charge_of(complete(draft("progress"), post(charged_nusd=5))) == "passed"


def test_with_another_price_it_is_not_enough() -> None:
    assert charge_of(receipt(), "60" * 32) == "missing"


@pytest.mark.parametrize("amount", ["", "-1", "1.5", "0x1", "01", "9" * 30])
def test_an_amount_that_is_no_number_is_refused(amount: str) -> None:
    body = receipt().replace(b'"amount":"480001"', f'"amount":"{amount}"'.encode())
    assert failed(verify(bundle(body), pin())) == {"charge"}


def test_a_receipt_cannot_claim_more() -> None:
    body = receipt().replace(b"Nothing here proves that", b"Everything here proves that")
    assert failed(verify(bundle(body), pin())) == {"claims"}


# What it is made of.


def test_it_says_nothing_that_a_terminal_obeys() -> None:
    body = receipt().replace(b"Example Lab", b"\\u001b[2J\\u0007")
    value: Value = read_canonical(body)
    verdict = verify(bundle(write_canonical(value)), pin_key(SIGNER.verifier.vkey))
    assert verdict.exit_code == 0
    assert all(check.note.isprintable() for check in verdict.checks)


def test_it_needs_neither_the_servers_packages_nor_a_network() -> None:
    program = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"aiohttp", "alembic", "httptools", "psycopg", "sqlalchemy", "uvicorn", "uvloop",
                                      "asyncio", "socket", "ssl", "sqlite3"}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
import tallygate.receipts.verify
"""
    subprocess.run([sys.executable, "-c", program], check=True)
