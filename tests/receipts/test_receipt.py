"""Receipts: every way a call can end has its label, the ledger's figures are the receipt's, and nothing leaks."""

from typing import Any

import msgspec
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tallygate.genai.details import Details, Guarded, Tried
from tallygate.genai.foreign_json import INTEGER_MAX
from tallygate.genai.receipt_draft import ReceiptDraft
from tallygate.genai.usage import Usage
from tallygate.receipts.canonical import NotCanonical
from tallygate.receipts.commitment import LABELS, Label, commit, derive_salt, write_digest
from tallygate.receipts.receipt import CLAIMS, Issuer, Receipt, complete, read_receipt, read_usage
from tests.receipts.making import BODIES, DETAILS, HOLD, ISSUED_MS, ISSUER, LOG, SEED, draft, post, receipt

CANARY = "canary-4b1d"


def read(body: bytes) -> dict[str, Any]:
    """A receipt as any reader of JSON sees it."""
    return msgspec.json.decode(body)


def test_a_whole_call() -> None:
    told = read(receipt())
    assert told["type"] == "tallygate/inference-receipt/1"
    assert told["claims"] == CLAIMS
    assert (told["issuer"], told["log"], told["id"], told["issued_ms"]) == ("Example Lab", LOG, HOLD.id, ISSUED_MS)
    assert told["response"] == {
        "status": "ok",
        "complete": True,
        "finish": ["stop"],
        "commit": commit(SEED, "response", BODIES["response"]),
        "content_commit": commit(SEED, "response.content", BODIES["response.content"]),
    }
    assert told["forwarded"]["attempts"] == [
        {"provider": "shed", "model": "qwen3", "status": 503, "error": "provider_overloaded"},
        {"provider": "lab", "model": "qwen3-235b", "status": 200},
    ]
    assert told["route"] == {
        "provider": "lab",
        "model": "qwen3-235b",
        "reported_model": "qwen3-235b-a22b",
        "fallback": True,
    }
    assert told["dropped"] == ["sampling.top_k"]
    assert told["timing_ms"] == {"ttft": 120, "total": 3_300}


def test_the_ledgers_figures_are_the_receipts() -> None:
    told = read(receipt())
    assert told["charge"] == {
        "currency": "USD",
        "scale": 9,
        "reserved": "10000000",
        "amount": "480001",
        "basis": "usage",
        "price": HOLD.price_version,
        "rail": "prepaid",
        "transfer": f"{HOLD.id}/post",
    }
    assert told["subject"]["seq"] == HOLD.sequence
    assert (told["usage"]["input"], told["usage"]["output"]) == (HOLD.input_tokens, HOLD.output_tokens)
    assert told["usage"]["source"] == "provider"


@pytest.mark.parametrize(
    ("status", "label"),
    [
        ("ok", "ok"),
        ("partial", "partial"),
        ("cancelled", "cancelled"),
        ("failed", "failed"),
        ("refused", "failed"),
    ],
)
def test_every_end_is_labelled(status: str, label: str) -> None:
    told = read_receipt(complete(draft(status=status, usage_source="counted", error_code="provider_broke"), post()))
    assert told.response.status == label
    assert told.response.complete == (label == "ok")
    assert told.usage.source == "counted"
    assert told.response.error == "provider_broke"


def test_a_call_that_failed_after_dispatch_costs_nothing_and_says_so() -> None:
    failed = draft("waived", status="failed", provider="", model="", finish_reasons=(), first_chunk_ms=None)
    told = read(complete(failed, post(charged_nusd=0, input_tokens=0, output_tokens=0)))
    assert (told["charge"]["amount"], told["charge"]["basis"]) == ("0", "waived")
    assert "route" not in told
    assert "ttft" not in told["timing_ms"]


def test_a_free_call_says_so() -> None:
    told = read(complete(draft("free"), post(charged_nusd=0, amount_nusd=0)))
    assert (told["charge"]["amount"], told["charge"]["basis"]) == ("0", "free")


def test_a_recovered_call_tells_what_had_been_noted() -> None:
    unseen = ISSUER.draft_unseen(HOLD, "recovered", "progress")
    told = read_receipt(complete(unseen, post(input_tokens=7, output_tokens=5, charged_nusd=70)))
    assert (told.response.status, told.response.complete) == ("recovered", False)
    assert (told.usage.source, told.usage.input, told.usage.output) == ("counted", 7, 5)
    assert (told.charge.basis, told.charge.amount, told.charge.reserved) == ("progress", "70", "10000000")
    assert (told.request.model, told.request.stream, told.route, told.timing_ms) == ("qwen3", None, None, None)
    assert told.subject.ref == ISSUER.name_subject(HOLD.workspace_id)


def test_a_call_whose_bill_broke_has_failed() -> None:
    told = read_receipt(complete(ISSUER.draft_unseen(HOLD, "failed", "waived"), post(charged_nusd=0)))
    assert (told.response.status, told.charge.basis, told.charge.amount) == ("failed", "waived", "0")


def test_a_pseudonym_is_one_accounts_under_one_key() -> None:
    again, other_key = Issuer("Another", "another.example", b"\x09" * 32), Issuer("Example Lab", LOG, b"\x0a" * 32)
    assert again.name_subject("ws_lab") == ISSUER.name_subject("ws_lab")
    assert ISSUER.name_subject("ws_other") != ISSUER.name_subject("ws_lab") != other_key.name_subject("ws_lab")


def test_nothing_of_the_call_leaks() -> None:
    """R14: neither words nor seed nor account stand in the receipt, nor in a draft that somebody prints."""
    workspace = f"ws_{CANARY}"
    bodies = dict.fromkeys(LABELS, f"My secret is {CANARY}".encode())
    commitments: dict[Label, str] = {label: commit(SEED, label, data) for label, data in bodies.items()}
    made = ISSUER.draft(DETAILS, workspace, "POST /v1/messages", "usage", SEED, commitments)
    hold = structs.replace(HOLD, workspace_id=workspace, user_id=CANARY, key_id=CANARY, epoch=CANARY, details=CANARY)
    body = complete(made, structs.replace(post(), hold=hold))
    secrets = [CANARY, SEED.hex(), write_digest(SEED), *(write_digest(derive_salt(SEED, label)) for label in LABELS)]
    for secret in secrets:
        assert secret.encode() not in body
        assert secret not in repr(made)
    assert repr(SEED) not in repr(made)


def test_a_long_list_says_how_much_of_it_is_missing() -> None:
    told = read(complete(draft(dropped=tuple(f"field.{number}" for number in range(103))), post()))
    assert len(told["dropped"]) == 101
    assert told["dropped"][-1] == "and 3 more"


def test_what_guardrails_did_is_told_without_what_they_found() -> None:
    did = (Guarded("input", "people", "redact", 3), Guarded("output", "words", "note", 1))
    made = complete(draft(guardrails=did), post())
    assert read(made)["guardrails"] == [
        {"stage": "input", "name": "people", "action": "redact", "count": 3},
        {"stage": "output", "name": "words", "action": "note", "count": 1},
    ]
    assert read_receipt(made).guardrails == did
    assert "guardrails" not in read(receipt())


def test_a_count_that_no_reader_keeps_becomes_the_largest_one_that_is_kept() -> None:
    told = read(complete(draft(usage={"cached_input_tokens": 2**60}), post(input_tokens=2**62)))
    assert told["usage"]["input"] == told["usage"]["input_cached"] == INTEGER_MAX


def test_the_usage_that_is_read_is_the_usage_that_was_charged() -> None:
    usage = Usage(*range(1, len(Usage.__struct_fields__) + 1))
    counts = {name: count for name, count in structs.asdict(usage).items() if count is not None}
    told = read_receipt(complete(draft(usage=counts), post(input_tokens=1, output_tokens=2)))
    # Predictions that were taken or not are parts of the output and have no price.
    unpriced = dict.fromkeys(("accepted_prediction_tokens", "rejected_prediction_tokens"))
    assert read_usage(told) == structs.replace(usage, **unpriced)


_ANY_TEXT = st.text(st.characters(), max_size=300)
_COUNTS = st.integers(-(2**70), 2**70)


@st.composite
def any_details(draw: st.DrawFn) -> Details:
    """Details as wild as a provider and a caller can make them."""
    tried = st.builds(Tried, _ANY_TEXT, _ANY_TEXT, st.integers(0, 999), _ANY_TEXT)
    return Details(
        request_id="r",
        operation="chat",
        dialect="openai_chat",
        stream=draw(st.booleans()),
        status=draw(st.sampled_from(["ok", "partial", "cancelled", "failed", "refused"])),
        request_model=draw(_ANY_TEXT),
        response_model=draw(_ANY_TEXT),
        provider=draw(_ANY_TEXT),
        model=draw(_ANY_TEXT),
        usage=draw(st.dictionaries(st.sampled_from(Usage.__struct_fields__), _COUNTS)),
        usage_source=draw(st.sampled_from(["provider", "counted", "estimated"])),
        finish_reasons=tuple(draw(st.lists(_ANY_TEXT, max_size=3))),
        attempts=tuple(draw(st.lists(tried, max_size=3))),
        dropped=tuple(draw(st.lists(_ANY_TEXT, max_size=3))),
        guardrails=tuple(
            draw(
                st.lists(
                    st.builds(Guarded, st.just("input"), _ANY_TEXT, st.just("note"), st.integers(0, 2**60)), max_size=3
                )
            )
        ),
        error_code=draw(_ANY_TEXT),
        first_chunk_ms=draw(st.none() | st.integers(0, 2**40)),
        duration_ms=draw(st.integers(0, 2**40)),
    )


@given(any_details(), _ANY_TEXT, st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1))
def test_any_call_has_a_receipt_that_is_canonical_and_read_again(
    details: Details, address: str, amount: int, tokens: int
) -> None:
    made = ISSUER.draft(details, "ws", address, "usage", SEED, {})
    posted = post(charged_nusd=amount, amount_nusd=amount, input_tokens=tokens, output_tokens=tokens)
    body = complete(made, posted)
    assert rfc8785.dumps(read(body)) == body
    assert isinstance(read_receipt(body), Receipt)


def test_a_member_that_is_not_known_is_ignored_and_a_missing_one_is_not() -> None:
    told = read(receipt())
    assert read_receipt(rfc8785.dumps(told | {"attest": [{"kind": "tee", "digest": "x"}]})) == read_receipt(receipt())
    del told["subject"]
    with pytest.raises(msgspec.ValidationError):
        read_receipt(rfc8785.dumps(told))
    with pytest.raises(NotCanonical):
        read_receipt(receipt() + b"\n")


def test_a_draft_knows_nothing_the_ledger_decides() -> None:
    decided = {"id", "seq", "amount", "reserved", "transfer", "issued_ms", "price"}
    assert decided.isdisjoint(ReceiptDraft.__struct_fields__)
