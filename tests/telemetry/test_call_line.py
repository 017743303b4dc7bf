"""What the gateway says of itself: a line for each call when debugging, and nothing anybody said."""

import logging

import pytest
from msgspec import structs

from tallygate.genai.outcome import Outcome
from tallygate.genai.plan import Target
from tallygate.genai.usage import Usage
from tallygate.telemetry.call_line import tell_call
from tallygate.telemetry.log import configure, logger

OUTCOME = Outcome(
    call_id="call_1",
    operation="chat",
    status="ok",
    request_model="m\x1b[31m",
    served=Target("lab", "m"),
    usage=Usage(input_tokens=3, output_tokens=4),
    duration_ns=2_000_000,
)


@pytest.fixture(autouse=True)
def restored() -> object:
    before = logger.handlers[:], logger.level, logger.propagate
    yield
    logger.handlers[:], logger.level, logger.propagate = before[0], before[1], before[2]


def test_a_finished_call_is_one_line_when_debugging(capsys: pytest.CaptureFixture[str]) -> None:
    configure("debug")
    tell_call(OUTCOME)
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    assert "call call_1" in printed
    assert "gen_ai.usage.output_tokens=4" in printed
    assert "\x1b" not in printed, "a model's name is the caller's text"


def test_an_operation_has_the_name_that_others_know(capsys: pytest.CaptureFixture[str]) -> None:
    configure("debug")
    tell_call(structs.replace(OUTCOME, operation="embed"))
    assert "gen_ai.operation.name='embeddings'" in capsys.readouterr().err


def test_nothing_is_said_of_a_call_otherwise(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info")
    tell_call(OUTCOME)
    assert not capsys.readouterr().err
    assert not logger.isEnabledFor(logging.DEBUG)
