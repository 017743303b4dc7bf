"""The rows of docs/reference/settlement.md as tests: a row of the page without a test of its name fails, and so does a
test without a row. What the rows are tried with stands here, too.
"""

import re
from collections.abc import Awaitable, Callable
from pathlib import Path

from tallygate.pipeline.call import Call
from tests.fakes.exits import Script
from tests.fakes.hallway import Stage

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "settlement.md"

ENDED = "The answer came to its end"
CLIENT_LEFT = "The client left"
PROVIDER_FAILED = "The provider failed"
GATEWAY_ENDED = "The gateway ended it"
SECTIONS = (ENDED, CLIENT_LEFT, PROVIDER_FAILED, GATEWAY_ENDED)

TEXT = "Twelve bytes"
COUNTED = 3
"""Tokens of TEXT, as the gateway counts them."""

Row = Callable[[Path], Awaitable[None]]


def read_page() -> dict[str, list[str]]:
    """The names of the rows by section, for sections with a table."""
    rows: dict[str, list[str]] = {}
    for section in PAGE.read_text().split("\n## ")[1:]:
        lines = [line for line in section.splitlines() if line.startswith("| ")]
        if lines:
            rows[section.splitlines()[0]] = [re.split(r"\s*\|\s*", line)[1] for line in lines[1:]]
    return rows


class Rows:
    """The tests of some sections of the page."""

    def __init__(self, *sections: str) -> None:
        self._sections = sections
        self.tests: dict[str, Row] = {}

    def __call__(self, name: str) -> Callable[[Row], Row]:
        """Makes a function the test of the row of that name."""

        def keep(test: Row) -> Row:
            assert name not in self.tests
            self.tests[name] = test
            return test

        return keep

    def check(self) -> None:
        """Page and tests name the same rows, in the same order."""
        page = read_page()
        assert [name for section in self._sections for name in page[section]] == list(self.tests)


def price(input_tokens: int, output_tokens: int) -> int:
    return input_tokens + 4 * output_tokens


def guess_input(call: Call) -> int:
    return -(-len(call.body) // 4)


def expect(stage: Stage, call: Call, input_tokens: int, output_tokens: int, source: str) -> None:
    """The call is posted with these counts at their price; money is neither made nor lost."""
    hold = stage.hold(call)
    assert hold.state == "posted"
    assert (hold.input_tokens, hold.output_tokens) == (input_tokens, output_tokens)
    assert hold.charged_nusd == price(input_tokens, output_tokens)
    assert hold.loss_nusd == 0
    assert stage.details(call).usage_source == source
    assert len(stage.writer.ends) == 1
    stage.check()


def expect_nothing(stage: Stage, call: Call) -> None:
    """The call is posted at 0."""
    hold = stage.hold(call)
    assert (hold.state, hold.charged_nusd, hold.loss_nusd) == ("posted", 0, 0)
    assert len(stage.writer.ends) == 1
    stage.check()


def expect_void(stage: Stage, call: Call) -> None:
    assert stage.hold(call).state == "voided"
    assert stage.transfers(call).keys() == {"hold", "void"}
    assert not stage.exit.asked
    stage.check()


async def stream(folder: Path, *pieces: bytes) -> tuple[Stage, Call]:
    stage = Stage(folder, Script(pieces=pieces))
    return stage, await stage.run(stream=True)
