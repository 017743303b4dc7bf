"""What a call is charged whose answer came to its end: every row of that table, over the real fold."""

from pathlib import Path

import pytest

from tests.fakes.chat_pieces import DONE, chunk, usage, usage_chunk, whole_script
from tests.fakes.hallway import OUTPUT_TOKENS_MAX, Stage
from tests.pipeline.settlement_rows import (
    COUNTED,
    ENDED,
    SECTIONS,
    TEXT,
    Rows,
    expect,
    expect_nothing,
    guess_input,
    price,
    read_page,
    stream,
)

pytestmark = pytest.mark.anyio

row = Rows(ENDED)


@row("whole answer with usage")
async def _whole(folder: Path) -> None:
    stage = Stage(folder, whole_script(TEXT, counts=usage(7, 11)))
    expect(stage, await stage.run(), 7, 11, "provider")


@row("usage says zero")
async def _zero(folder: Path) -> None:
    stage = Stage(folder, whole_script(TEXT, counts=usage(0, 0)))
    expect(stage, await stage.run(), 0, 0, "provider")


@row("whole answer without usage")
async def _whole_without(folder: Path) -> None:
    stage = Stage(folder, whole_script(TEXT))
    call = await stage.run()
    expect(stage, call, guess_input(call), COUNTED, "counted")


@row("nothing said, and no good reason for its end")
async def _nothing(folder: Path) -> None:
    for number, reason in enumerate(("error", None)):
        stage = Stage(folder / str(number), whole_script("", finish=reason, counts=usage(7, 5)))
        call = await stage.run()
        expect_nothing(stage, call)
        assert stage.details(call).usage_source == "provider"
        assert stage.transfers(call)["cost"].amount_nusd > 0, "the house still owes it"
    stage, call = await stream(folder, chunk(""), chunk(finish="error"), usage_chunk(usage(7, 0)), DONE)
    expect_nothing(stage, call)


@row("nothing said, for a good reason")
async def _silence(folder: Path) -> None:
    stage = Stage(folder, whole_script("", finish="length", counts=usage(7, 5)))
    expect(stage, await stage.run(), 7, 5, "provider")


@row("stream with usage")
async def _stream(folder: Path) -> None:
    stage, call = await stream(folder, chunk(TEXT), chunk(finish="stop"), usage_chunk(usage(7, 11)), DONE)
    expect(stage, call, 7, 11, "provider")


@row("stream without usage")
async def _stream_without(folder: Path) -> None:
    stage, call = await stream(folder, chunk(TEXT), chunk(finish="stop"), DONE)
    expect(stage, call, guess_input(call), COUNTED, "counted")
    # However the same words are cut, they count the same.
    stage, call = await stream(folder, *map(chunk, TEXT), chunk(finish="stop"), DONE)
    expect(stage, call, guess_input(call), COUNTED, "counted")


@row("usage before the last word")
async def _early(folder: Path) -> None:
    stage, call = await stream(folder, chunk("a", counts=usage(7, 11)), chunk(TEXT * 20, finish="stop"), DONE)
    expect(stage, call, 7, 11, "provider")


@row("usage after the reason for the end")
async def _late(folder: Path) -> None:
    stage, call = await stream(folder, chunk(TEXT, finish="stop"), chunk(counts=usage(7, 11)), DONE)
    expect(stage, call, 7, 11, "provider")


@row("usage repeated")
async def _repeated(folder: Path) -> None:
    first = chunk(TEXT, counts=usage(7, 1))
    stage, call = await stream(folder, first, chunk(finish="stop", counts=usage(7, 4)), usage_chunk(usage(7, 9)), DONE)
    expect(stage, call, 7, 9, "provider")


@row("usage that shrinks")
async def _shrinking(folder: Path) -> None:
    first = chunk(TEXT, counts=usage(7, 11))
    stage, call = await stream(folder, first, chunk(finish="stop", counts=usage(9, 2)), usage_chunk(usage(0, 0)), DONE)
    expect(stage, call, 9, 11, "provider")


@row("usage that contradicts itself")
async def _contradictory(folder: Path) -> None:
    details = {"prompt_tokens_details": {"cached_tokens": 900}, "completion_tokens_details": {"reasoning_tokens": 99}}
    stage = Stage(folder, whole_script(TEXT, counts=usage(7, 11, **details)))
    expect(stage, await stage.run(), 7, 11, "provider")
    stage = Stage(folder, whole_script(TEXT, counts=usage(-7, 11)))
    expect(stage, await stage.run(), 0, 11, "provider")
    for impossible in ([], "many", usage("7", True), usage(1.5, None)):
        stage = Stage(folder, whole_script(TEXT, counts=impossible))
        call = await stage.run()
        expect(stage, call, guess_input(call), COUNTED, "counted")


@row("usage above the hold")
async def _above(folder: Path) -> None:
    stage = Stage(folder, whole_script(TEXT, counts=usage(7, 2 * OUTPUT_TOKENS_MAX)))
    call = await stage.run()
    hold = stage.hold(call)
    assert hold.charged_nusd == hold.amount_nusd
    assert hold.charged_nusd + hold.loss_nusd == price(7, 2 * OUTPUT_TOKENS_MAX)
    assert stage.transfers(call)["loss"].amount_nusd == hold.loss_nusd > 0
    stage.check()


def test_every_row_of_the_page_is_tried() -> None:
    row.check()


@pytest.mark.parametrize("name", row.tests)
async def test_row(name: str, tmp_path: Path) -> None:
    await row.tests[name](tmp_path)


def test_no_table_of_the_page_is_left_out() -> None:
    assert tuple(read_page()) == SECTIONS
