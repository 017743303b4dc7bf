"""What a call is charged that its provider or the gateway itself broke off: every row of both tables, over the real
fold.
"""

import asyncio
from pathlib import Path

import pytest
from msgspec import structs

from tallygate.access.guardrails.settings import GuardrailSettings
from tallygate.errors import InvalidApiKey, ProviderUnreachable, ShuttingDown, StreamBroken
from tallygate.genai.items import Recovery
from tests.fakes.chat_pieces import DONE, chunk, refusal, usage, usage_chunk, whole, whole_script
from tests.fakes.exits import JSON, KeptClient, Script
from tests.fakes.hallway import CREDIT_NUSD, Stage
from tests.fakes.receipts import DRAFT
from tests.fakes.turns import later, until
from tests.pipeline.settlement_rows import (
    COUNTED,
    GATEWAY_ENDED,
    PROVIDER_FAILED,
    TEXT,
    Rows,
    expect,
    expect_nothing,
    expect_void,
    guess_input,
    price,
)

pytestmark = pytest.mark.anyio

row = Rows(PROVIDER_FAILED, GATEWAY_ENDED)


@row("refused or not reachable")
async def _refused(folder: Path) -> None:
    for script in (refusal(500), refusal(429), refusal(400), Script(refuse=ProviderUnreachable())):
        stage = Stage(folder, script)
        expect_nothing(stage, await stage.run())


@row("before its first word")
async def _failed_early(folder: Path) -> None:
    start = chunk("", counts=usage(7, 0))
    for pieces in ([StreamBroken()], [start, StreamBroken()], [start], [chunk(""), b"data: nonsense\n\n"]):
        stage = Stage(folder, Script(pieces=pieces))
        expect_nothing(stage, await stage.run(stream=True))


@row("in the middle of a whole answer")
async def _failed_whole(folder: Path) -> None:
    stage = Stage(folder, Script(headers=JSON, pieces=[whole(TEXT, counts=usage(7, 11))[:-20], StreamBroken()]))
    expect_nothing(stage, await stage.run())


@row("after its first word")
async def _failed_late(folder: Path) -> None:
    for last in (StreamBroken(), b'data: {"error":{"message":"x"}}\n\n', b"data: nonsense\n\n"):
        stage = Stage(folder, Script(pieces=[chunk(TEXT), last]))
        client = KeptClient()
        call = await stage.run(client, stream=True)
        expect(stage, call, guess_input(call), COUNTED, "counted")
        assert stage.details(call).status == "partial"
        assert b'"error"' in client.body
        assert b"[DONE]" not in client.body


@row("another target took over")
async def _taken_over(folder: Path) -> None:
    failed = Script(pieces=[usage_chunk(usage(70, 0)), StreamBroken()])
    scripts = (failed, Script(pieces=[chunk(TEXT), chunk(finish="stop"), usage_chunk(usage(7, 11)), DONE]))
    stage = Stage(folder, *scripts, targets=("lab", "den"))
    call = await stage.run(stream=True)
    expect(stage, call, 7, 11, "provider")
    costs = {name: line for name, line in stage.transfers(call).items() if name.startswith("cost")}
    assert [(line.debit, line.amount_nusd) for line in costs.values()] == [
        ("provider_cost:lab", price(70, 0) // 2),
        ("provider_cost:den", -(-price(7, 11) // 2)),
    ]
    assert [(tried.provider, tried.error) for tried in stage.details(call).attempts] == [
        ("lab", "stream_broken"),
        ("den", ""),
    ]


@row("no target can carry the request")
async def _not_carried(folder: Path) -> None:
    stage, client = Stage(folder, targets=("claude",)), KeptClient()
    expect_void(stage, await stage.run(client, n=2))
    assert client.status == 400
    assert "x-tallygate-receipt-id" not in client.headers


@row("the head left early, and then nothing")
async def _early_head(folder: Path) -> None:
    beaten = asyncio.Event()
    stage = Stage(folder, Script(pieces=[asyncio.Event()]), silence_s=0.001)
    client = KeptClient(lambda _: beaten.set())
    call = stage.open(client, stream=True)
    owner = asyncio.create_task(stage.hallway.run(call))
    await asyncio.wait_for(beaten.wait(), 30)
    call.departure.stop(ShuttingDown())
    await owner
    expect_nothing(stage, call)
    assert client.headers["x-tallygate-receipt-id"] == call.id


async def stop(folder: Path, error: InvalidApiKey | ShuttingDown) -> None:
    never = asyncio.Event()
    stage = Stage(folder, Script(pieces=[chunk(TEXT), never, DONE]))
    client = KeptClient(lambda _: later(lambda: call.departure.stop(error)))
    call = stage.open(client, stream=True)
    await asyncio.wait_for(stage.hallway.run(call), 60)
    expect(stage, call, guess_input(call), COUNTED, "counted")
    assert stage.exit.answers[0].closed
    assert error.code.encode() in client.body
    assert b"[DONE]" not in client.body


@row("the key was revoked in the middle")
async def _revoked(folder: Path) -> None:
    await stop(folder, InvalidApiKey())


BLOCKING = {"words": GuardrailSettings(kind="regex", deny=("bytes",))}


@row("a guardrail blocked its whole answer")
async def _blocked_whole(folder: Path) -> None:
    stage = Stage(folder, whole_script(TEXT, counts=usage(7, 11)), guardrails=BLOCKING)
    call = await stage.run(client := KeptClient())
    expect(stage, call, 7, 11, "provider")
    assert client.headers["x-tallygate-receipt-id"] == call.id
    stage = Stage(folder / "silent", whole_script(TEXT), guardrails=BLOCKING)
    call = await stage.run()
    expect(stage, call, guess_input(call), COUNTED, "counted")


@row("a guardrail blocked its stream")
async def _blocked_stream(folder: Path) -> None:
    stage = Stage(folder, Script(pieces=[chunk(TEXT), chunk(finish="stop"), DONE]), guardrails=BLOCKING)
    call = await stage.run(client := KeptClient(), stream=True)
    expect(stage, call, guess_input(call), COUNTED, "counted")
    assert not client.pieces[:-1]
    assert b"guardrail_blocked" in client.body
    assert stage.exit.answers[0].closed


@row("the gateway was stopped in the middle")
async def _stopped(folder: Path) -> None:
    await stop(folder, ShuttingDown())
    # The event loop itself ends: the owner is cancelled and still hands its settlement over.
    never = asyncio.Event()
    stage = Stage(folder, Script(pieces=[chunk(TEXT), never, DONE]))
    client = KeptClient()
    call = stage.open(client, stream=True)
    owner = asyncio.create_task(stage.hallway.run(call))
    await until(lambda: bool(client.pieces))
    later(owner.cancel)
    await owner
    expect(stage, call, guess_input(call), COUNTED, "counted")


@row("its process died")
async def _died(folder: Path) -> None:
    await die(folder / "plain", None, 40)
    await die(folder / "keyed", "a key", 0)


async def die(folder: Path, claim_key: str | None, charged_nusd: int) -> None:
    never = asyncio.Event()
    stage = Stage(folder, Script(pieces=[never]))
    call = stage.open(stream=True, claim_key=claim_key)
    owner = asyncio.create_task(stage.hallway.run(call))
    await until(lambda: bool(stage.exit.answers))
    noted = structs.replace(stage.hold(call), progress_nusd=40, input_tokens=20, output_tokens=5)
    stage.shelf.put(noted)
    stage.shelf.do(Recovery(hold=noted, from_epoch="e1", to_epoch="e2", receipt=DRAFT))
    assert stage.hold(call).charged_nusd == charged_nusd
    stage.check()
    call.departure.stop(ShuttingDown())
    await owner
    assert stage.hold(call).charged_nusd == charged_nusd, "who wakes up changes nothing"


@row("its end took too long to write")
async def _late_end(folder: Path) -> None:
    stage = Stage(folder, whole_script(TEXT, counts=usage(7, 11)), settle_wait_s=0.001)
    stage.writer.gate.clear()
    client = KeptClient()
    call = stage.open(client)
    await stage.hallway.run(call)
    assert client.status == 503
    assert b"settlement_unknown" in client.body
    assert client.headers["x-tallygate-receipt-id"] == call.id
    assert client.headers["x-should-retry"] == "false"
    assert stage.hold(call).state == "open"
    stage.writer.gate.set()
    await stage.writer.drain()
    expect(stage, call, 7, 11, "provider")


@row("it was taken for dead")
async def _fenced(folder: Path) -> None:
    go_on = asyncio.Event()
    stage = Stage(folder, Script(pieces=[chunk(TEXT), go_on, chunk(finish="stop"), DONE]))
    client = KeptClient()
    call = stage.open(client, stream=True)
    owner = asyncio.create_task(stage.hallway.run(call))
    await until(lambda: bool(client.pieces))
    stage.writer.take_over(call.id)
    go_on.set()
    await owner
    assert stage.hold(call).epoch == "e2"
    assert stage.hold(call).charged_nusd == 0
    assert stage.shelf.wallet().posted_nusd == CREDIT_NUSD
    assert b"settlement_unknown" in client.body
    assert b"[DONE]" not in client.body


def test_every_row_of_the_page_is_tried() -> None:
    row.check()


@pytest.mark.parametrize("name", row.tests)
async def test_row(name: str, tmp_path: Path) -> None:
    await row.tests[name](tmp_path)
