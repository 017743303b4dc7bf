"""What a receipt commits to: the very bytes that came in, went on and came out, whatever became of the call."""

import asyncio
import logging
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tallygate.errors import StreamBroken
from tallygate.genai.items import Settlement
from tallygate.genai.receipt_draft import ReceiptDraft
from tallygate.ledger.prices import Price, price_free
from tallygate.pipeline.call import Call
from tallygate.receipts.commitment import SEED_BYTES
from tallygate.receipts.receipt import Issuer
from tests.fakes.chat_pieces import DONE, chunk, refusal, usage, usage_chunk, whole_script
from tests.fakes.exits import KeptClient, Script
from tests.fakes.hallway import OUTPUT_TOKENS_MAX, PRICE, Stage
from tests.fakes.openings import openings_of, say, write_content
from tests.fakes.tongues import CHATS
from tests.fakes.turns import later, until

pytestmark = pytest.mark.anyio

USED = usage(7, 11)
PIECES = (chunk("hel"), chunk("lo"), chunk(finish="stop"), usage_chunk(USED), DONE)
HELLO = write_content(say("hello"))
PARAMS = b'{"model":"m"}'
PARAMS_STREAM = b'{"model":"m","stream":true}'


def draft_of(stage: Stage) -> ReceiptDraft:
    """The receipt of the only call."""
    (end,) = stage.writer.ends
    assert isinstance(end, Settlement)
    return end.receipt


class Clumsy(Issuer):
    """One who breaks what it draws up."""

    def draft(self, *_: Any, **__: Any) -> ReceiptDraft:
        raise ZeroDivisionError("canary")


def receipt_of(call: Call) -> bytes:
    return b": tallygate-receipt " + call.id.encode() + b"\n\n"


async def test_a_whole_answer(tmp_path: Path) -> None:
    stage, client = Stage(tmp_path, whole_script("hello", counts=USED)), KeptClient()
    call = await stage.run(client)
    openings_of(draft_of(stage)).check(
        request=call.body,
        request_params=PARAMS,
        forwarded=stage.exit.asked[0].body,
        response=client.body,
        response_content=HELLO,
    )


@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize("size", [1, 50, 10_000])
async def test_a_stream_however_it_is_cut(tmp_path: Path, size: int, asked: bool) -> None:
    stream = b"".join(PIECES)
    pieces = [stream[start : start + size] for start in range(0, len(stream), size)]
    stage, client = Stage(tmp_path, Script(pieces=pieces)), KeptClient()
    options: dict[str, Any] = {"stream_options": {"include_usage": True}} if asked else {}
    call = await stage.run(client, stream=True, **options)
    assert (b'"cost":' in client.body) == asked
    assert client.body.count(receipt_of(call)) == 1
    assert client.body.endswith(receipt_of(call) + DONE)
    params = b'{"model":"m","stream":true,"stream_options":{"include_usage":true}}' if asked else PARAMS_STREAM
    openings_of(draft_of(stage)).check(
        request=call.body,
        request_params=params,
        forwarded=stage.exit.asked[0].body,
        response=client.body.replace(receipt_of(call), b""),
        response_content=HELLO,
    )


@pytest.mark.parametrize("stream", [False, True])
async def test_a_translated_answer_is_what_its_client_made_of_it(tmp_path: Path, stream: bool) -> None:
    script = Script(pieces=PIECES) if stream else whole_script("hello", counts=USED)
    stage, client = Stage(tmp_path, script), KeptClient()
    call = await stage.run(client, dialect="anthropic_messages", stream=stream)
    assert stage.exit.asked[0].body != call.body
    assert b"tallygate" not in client.body
    openings_of(draft_of(stage)).check(
        request=call.body,
        request_params=b'{"max_tokens":%d,"model":"m","stream":%b}'
        % (OUTPUT_TOKENS_MAX, b"true" if stream else b"false"),
        forwarded=stage.exit.asked[0].body,
        response=client.body,
        response_content=HELLO,
    )


async def test_a_whole_answer_to_who_asked_for_a_stream(tmp_path: Path) -> None:
    stage, client = Stage(tmp_path, whole_script("hello", counts=USED)), KeptClient()
    call = await stage.run(client, stream=True)
    assert client.body.endswith(receipt_of(call) + DONE)
    openings_of(draft_of(stage)).check(
        request=call.body,
        request_params=PARAMS_STREAM,
        forwarded=stage.exit.asked[0].body,
        response=client.body.replace(receipt_of(call), b""),
        response_content=HELLO,
    )


@pytest.mark.parametrize("dialect", ["openai_chat", "anthropic_messages"])
async def test_signs_of_life(tmp_path: Path, dialect: str) -> None:
    """A ping of ours is an event like the provider's own, and nobody could tell them apart; a comment is not."""
    go_on, ping = asyncio.Event(), CHATS[dialect].ping
    pieces = [chunk("hel"), go_on, *PIECES[1:]]
    stage = Stage(tmp_path, Script(pieces=pieces), silence_s=0.01)
    client = KeptClient(on_send=lambda sent: go_on.set() if sent == ping else None)
    call = await stage.run(client, dialect=dialect, stream=True)
    assert ping in client.pieces
    own = b"".join(piece for piece in client.pieces if piece != ping or not ping.startswith(b":"))
    draft = draft_of(stage)
    assert openings_of(draft).opens("response", own.replace(receipt_of(call), b""))
    assert openings_of(draft).opens("response.content", HELLO)


async def test_comments_of_another_gateway_like_this_one_end_here(tmp_path: Path) -> None:
    theirs = (b": tallygate: waiting\n\n", b": tallygate-receipt call_9\n\n")
    pieces = [theirs[0], chunk("hello"), b": theirs\n\n", chunk(finish="stop"), usage_chunk(USED), theirs[1], DONE]
    stage, client = Stage(tmp_path, Script(pieces=pieces)), KeptClient()
    call = await stage.run(client, stream=True, stream_options={"include_usage": True})
    kept = b"".join((*pieces[1:4], usage_chunk({**USED, "cost": 0.000000051}), receipt_of(call), DONE))
    assert msgspec.json.decode(client.pieces[-1].split(b"\n")[0][6:])["usage"]["cost"] == 0.000000051
    assert client.body == kept.replace(b"5.1e-8", b"0.000000051")
    assert openings_of(draft_of(stage)).opens("response", client.body.replace(receipt_of(call), b""))


async def test_an_answer_that_broke_off(tmp_path: Path) -> None:
    stage, client = Stage(tmp_path, Script(pieces=[*PIECES[:2], StreamBroken()])), KeptClient()
    call = await stage.run(client, stream=True)
    assert client.body.startswith(b"".join(PIECES[:2]) + b'data: {"error"')
    assert receipt_of(call) not in client.body
    openings_of(draft_of(stage)).check(
        request=call.body,
        request_params=PARAMS_STREAM,
        forwarded=stage.exit.asked[0].body,
        response=b"".join(PIECES[:2]),
        response_content=HELLO,
    )


async def test_a_client_that_left_in_the_middle(tmp_path: Path) -> None:
    stage = Stage(tmp_path, Script(pieces=[PIECES[0], asyncio.Event(), *PIECES[1:]]))
    client = KeptClient(on_send=lambda _: later(call.departure.leave))
    call = stage.open(client, stream=True)
    await stage.hallway.run(call)
    openings_of(draft_of(stage)).check(
        request=call.body,
        request_params=PARAMS_STREAM,
        forwarded=stage.exit.asked[0].body,
        response=PIECES[0],
        response_content=write_content(say("hel")),
    )


async def test_a_client_that_left_before_the_answer(tmp_path: Path) -> None:
    stage = Stage(tmp_path, Script(pieces=[asyncio.Event(), *PIECES]))
    call = stage.open(stream=True)
    owner = asyncio.create_task(stage.hallway.run(call))
    await until(lambda: bool(stage.exit.answers))
    call.departure.leave()
    await owner
    forwarded = stage.exit.asked[0].body
    openings_of(draft_of(stage)).check(request=call.body, request_params=PARAMS_STREAM, forwarded=forwarded)


async def test_a_client_that_left_with_a_key_left_the_whole_answer(tmp_path: Path) -> None:
    go_on = asyncio.Event()
    stage, client = Stage(tmp_path, Script(pieces=[PIECES[0], go_on, *PIECES[1:]])), KeptClient()
    call = stage.open(client, stream=True, claim_key="once")
    owner = asyncio.create_task(stage.hallway.run(call))
    await until(lambda: bool(client.pieces))
    call.departure.leave()
    go_on.set()
    await owner
    await stage.run(again := KeptClient(), stream=True, claim_key="once")
    # The first call's very bytes, its comment among them.
    assert again.body.endswith(receipt_of(call) + DONE)
    openings = openings_of(draft_of(stage))
    assert openings.opens("response", again.body.replace(receipt_of(call), b""))
    assert openings.opens("response.content", HELLO)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_call_that_failed(tmp_path: Path, stream: bool) -> None:
    stage, client = Stage(tmp_path, refusal(500), refusal(503), targets=("lab", "claude")), KeptClient()
    call = await stage.run(client, stream=stream)
    assert client.status == 503
    params = b'{"model":"m","stream":true}' if stream else b'{"model":"m","stream":false}'
    last = stage.exit.asked[1].body
    assert last != stage.exit.asked[0].body
    openings_of(draft_of(stage)).check(request=call.body, request_params=params, forwarded=last)


async def test_what_an_attempt_said_that_nobody_heard_is_no_part_of_the_answer(tmp_path: Path) -> None:
    role = chunk("").replace(b'"content":""', b'"refusal":null')
    scripts = (Script(pieces=[role[:40], StreamBroken()]), Script(pieces=PIECES))
    stage, client = Stage(tmp_path, *scripts, targets=("lab", "den")), KeptClient()
    call = await stage.run(client, stream=True)
    openings_of(draft_of(stage)).check(
        request=call.body,
        request_params=PARAMS_STREAM,
        forwarded=stage.exit.asked[1].body,
        response=client.body.replace(receipt_of(call), b""),
        response_content=HELLO,
    )


async def test_an_answer_that_was_not_handed_out_because_its_end_is_late(tmp_path: Path) -> None:
    """What was charged for is the whole answer, though its client got an error instead of its end."""
    stage, client = Stage(tmp_path, Script(pieces=PIECES), settle_wait_s=0.01), KeptClient()
    stage.writer.gate.clear()
    call = stage.open(client, stream=True)
    await stage.hallway.run(call)
    assert client.body.endswith(b"}\n\n")
    assert b"settlement_unknown" in client.body
    stage.writer.gate.set()
    await stage.writer.drain()
    draft = draft_of(stage)
    assert (draft.response.status, draft.basis, stage.hold(call).charged_nusd) == ("ok", "usage", 51)
    assert openings_of(draft).opens("response", b"".join((*PIECES[:3], DONE)))
    assert openings_of(draft).opens("response.content", HELLO)


BASES: list[tuple[Script, Price, str, str]] = [
    (whole_script("hello", counts=USED), PRICE, "ok", "usage"),
    (whole_script("hello", counts=usage(0, 0)), PRICE, "ok", "usage"),
    (whole_script("hello", counts=USED), price_free("sale", "m"), "ok", "free"),
    (refusal(500), PRICE, "failed", "waived"),
    (refusal(500), price_free("sale", "m"), "failed", "waived"),
    (whole_script(None, finish=None, counts=USED), PRICE, "ok", "waived"),
]


@pytest.mark.parametrize(("script", "price", "status", "basis"), BASES)
async def test_a_receipt_says_why_a_call_costs_what_it_costs(
    tmp_path: Path, script: Script, price: Price, status: str, basis: str
) -> None:
    stage = Stage(tmp_path, script, price=price)
    await stage.run()
    draft = draft_of(stage)
    assert (draft.response.status, draft.basis) == (status, basis)


async def test_a_bill_that_breaks_has_a_receipt_of_a_call_that_failed(tmp_path: Path) -> None:
    stage = Stage(tmp_path, whole_script("hello", counts=USED))

    def break_down(used: object) -> Any:
        raise ZeroDivisionError

    stage.finisher._count_costs = break_down
    await stage.run()
    draft = draft_of(stage)
    assert (draft.response.status, draft.basis, draft.seed) == ("failed", "waived", b"")
    assert openings_of(draft).commitments == {}


async def test_each_call_has_a_seed_of_its_own_that_is_not_shown(tmp_path: Path) -> None:
    stage = Stage(tmp_path, *(whole_script("hello", counts=USED) for _ in range(3)))
    for _ in range(3):
        await stage.run()
    drafts = [end.receipt for end in stage.writer.ends if isinstance(end, Settlement)]
    assert len({draft.seed for draft in drafts}) == 3
    assert {len(draft.seed) for draft in drafts} == {SEED_BYTES}
    for one, other in pairwise(drafts):
        # The same question and the same answer: nobody can tell from the receipts.
        assert set(openings_of(one).commitments.values()).isdisjoint(openings_of(other).commitments.values())
    assert all(repr(end.receipt.seed) not in repr(end) for end in stage.writer.ends if isinstance(end, Settlement))


async def test_a_receipt_that_breaks_leaves_the_charge_and_says_less(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stage, client = Stage(tmp_path, whole_script("hello", counts=USED)), KeptClient()
    stage.finisher._issuer = Clumsy("Test Lab", "log", bytes(32))
    with caplog.at_level(logging.ERROR):
        call = await stage.run(client)
    assert client.status == 200
    assert client.headers["x-tallygate-cost-usd"] == "0.000000051"
    assert stage.hold(call).charged_nusd == 51
    draft = draft_of(stage)
    assert (draft.response.status, draft.response.complete, draft.basis) == ("ok", True, "usage")
    assert (draft.request.model, draft.seed, draft.forwarded) == ("m", b"", None)
    assert "ZeroDivisionError" in caplog.text
    assert "canary" not in caplog.text
    stage.check()
