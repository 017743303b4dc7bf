"""Running streams tell the book how far they have come: not at once, nothing twice, and by the rules of their end."""

import asyncio
from pathlib import Path

import pytest

from tallygate.access.admission import Admitted
from tallygate.genai.plan import Plan, Target
from tallygate.genai.stream import TextDelta
from tallygate.pipeline import progress
from tallygate.pipeline.call import Call
from tallygate.pipeline.progress import Pacer
from tallygate.pipeline.watch import Watch
from tests.fakes.chat_pieces import DONE, chunk, usage
from tests.fakes.exits import KeptClient, Script
from tests.fakes.hallway import Stage
from tests.fakes.ledger import hold
from tests.fakes.turns import until

pytestmark = pytest.mark.anyio


def admit(stage: Stage, call: Call) -> Admitted:
    quote = stage.quote(Plan("m", "chat", ()), call.peek, call.body, call.dialect)
    return Admitted("k1", quote, hold(stage.shelf, call.id, bound=quote.bound))


def say(watch: Watch) -> None:
    watch.see([TextDelta("Twelve bytes")])
    watch.count_chunk()


async def test_a_young_stream_tells_nothing_and_an_old_one_what_is_new(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    call = stage.open(stream=True)
    admitted, watch, pacer = admit(stage, call), Watch(call), Pacer(stage.writer.note)
    watch.begin(Target("lab", "m"))
    told: list[list[int]] = []
    with pacer.keep(admitted, watch, len(call.body)):
        for said in (2, 0, 1, 0, 1):
            for _ in range(said):
                say(watch)
            await pacer.look()
            told.append([note.output_tokens for note in stage.writer.notes])
    say(watch)
    await pacer.look()
    # The first look only sees that it is there; a stream that fell silent since is told of all the same.
    assert told == [[], [6], [6, 9], [6, 9], [6, 9, 12]]
    assert len(stage.writer.notes) == 3, "a call that has ended tells nothing more"
    noted = stage.writer.notes[0]
    assert noted.amount_nusd == noted.input_tokens + 4 * noted.output_tokens
    assert (noted.hold, noted.epoch) == (admitted.hold, admitted.hold.epoch)


async def test_what_is_noted_is_what_a_break_would_cost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(tmp_path, Script(pieces=[chunk("Twelve bytes", counts=usage(7, 2)), asyncio.Event()]))
    monkeypatch.setattr(progress, "EVERY_S", 0.0)
    client, others = KeptClient(), len(asyncio.all_tasks())
    call = stage.open(client, stream=True)
    owner = asyncio.create_task(stage.hallway.run(call))
    await until(lambda: bool(stage.writer.notes))
    held = stage.hold(call)
    assert (held.input_tokens, held.output_tokens, held.progress_nusd) == (7, 3, 19)
    call.departure.leave()
    await owner
    assert stage.hold(call).charged_nusd == 19
    await until(lambda: len(asyncio.all_tasks()) == others)


async def test_a_note_is_never_above_the_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = asyncio.Event()
    pieces = [chunk("x", counts=usage(10**6, 10**6)), go_on, chunk(finish="stop"), DONE]
    stage = Stage(tmp_path, Script(pieces=pieces))
    monkeypatch.setattr(progress, "EVERY_S", 0.0)
    call = stage.open(stream=True)
    owner = asyncio.create_task(stage.hallway.run(call))
    await until(lambda: bool(stage.writer.notes))
    go_on.set()
    await owner
    assert {note.amount_nusd for note in stage.writer.notes} == {stage.hold(call).amount_nusd}


async def test_many_streams_leave_others_their_turn(tmp_path: Path) -> None:
    stage, turns = Stage(tmp_path), 0
    pacer = Pacer(stage.writer.note)
    call = stage.open()
    admitted, watch = admit(stage, call), Watch(call)
    kept = [pacer.keep(admitted, watch, 0) for _ in range(3 * progress.AT_ONCE)]
    for context in kept:
        context.__enter__()
    looking = asyncio.create_task(pacer.look())
    while not looking.done():
        turns += 1
        await asyncio.sleep(0)
    for context in kept:
        context.__exit__(None, None, None)
    assert turns >= 3
