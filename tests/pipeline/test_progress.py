"""A running stream tells the book how far it has come: not at once, not too often, and by the rules of its end."""

import asyncio
from pathlib import Path

import pytest

from tallygate.access.admission import Admitted
from tallygate.genai.plan import Plan, Target
from tallygate.genai.stream import TextDelta
from tallygate.pipeline import progress
from tallygate.pipeline.progress import EVERY_NS, Pace
from tallygate.pipeline.watch import Watch
from tests.fakes.chat_pieces import DONE, chunk, usage
from tests.fakes.exits import KeptClient, Script
from tests.fakes.hallway import Stage
from tests.fakes.ledger import hold
from tests.fakes.turns import until

pytestmark = pytest.mark.anyio


async def test_at_most_once_a_second_and_never_in_the_first(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    call = stage.open(stream=True)
    quote = stage.quote(Plan("m", "chat", ()), call.peek, call.body, call.dialect)
    second, begun, writes = EVERY_NS, 5, 6
    clock = iter(
        [begun, *(begun + at for at in (second - 1, second, second + 1, 2 * second - 1, 3 * second, 3 * second))]
    )
    admitted = Admitted("k1", quote, hold(stage.shelf, call.id, bound=quote.bound))
    watch = Watch(call, Pace(stage.writer.note, admitted, len(call.body), clock_ns=lambda: next(clock)))
    watch.begin(Target("lab", "m"))
    for _ in range(writes):
        watch.see([TextDelta("Twelve bytes")])
        watch.count_chunk()
    assert [note.output_tokens for note in stage.writer.notes] == [6, 15]
    noted = stage.writer.notes[0]
    assert noted.amount_nusd == noted.input_tokens + 4 * noted.output_tokens
    assert (noted.hold, noted.epoch) == (admitted.hold, admitted.hold.epoch)
    assert next(clock, None) is None


async def test_what_is_noted_is_what_a_break_would_cost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(tmp_path, Script(pieces=[chunk("Twelve bytes", counts=usage(7, 2)), asyncio.Event()]))
    monkeypatch.setattr(progress, "EVERY_NS", 0)
    client = KeptClient()
    call = stage.open(client, stream=True)
    owner = asyncio.create_task(stage.hallway.run(call))
    await until(lambda: bool(stage.writer.notes))
    held = stage.hold(call)
    assert (held.input_tokens, held.output_tokens, held.progress_nusd) == (7, 3, 19)
    call.departure.leave()
    await owner
    assert stage.hold(call).charged_nusd == 19


async def test_a_note_is_never_above_the_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(tmp_path, Script(pieces=[chunk("x", counts=usage(10**6, 10**6)), chunk(finish="stop"), DONE]))
    monkeypatch.setattr(progress, "EVERY_NS", 0)
    client = KeptClient()
    call = await stage.run(client, stream=True)
    assert stage.writer.notes
    assert {note.amount_nusd for note in stage.writer.notes} == {stage.hold(call).amount_nusd}
