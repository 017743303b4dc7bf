"""Reading a whole answer, within bounds."""

import pytest

from tallygate.errors import InvalidAnswer
from tallygate.pipeline.reading import read_whole
from tests.fakes.exits import Script, ScriptedAnswer

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("pieces", [[], [b"abcd"], [b"ab", b"cd"]])
async def test_pieces_join(pieces: list[bytes]) -> None:
    assert await read_whole(ScriptedAnswer(Script(pieces=pieces)), 4) == b"".join(pieces)


async def test_an_endless_answer_is_not_read_to_its_end() -> None:
    with pytest.raises(InvalidAnswer):
        await read_whole(ScriptedAnswer(Script(pieces=[b"abc", b"de"])), 4)
