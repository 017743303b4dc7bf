"""A record is one line, as text and as JSON, whatever stands in it."""

import io
import json
import logging
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.telemetry.line import neutralise
from tallygate.telemetry.log import Form, JsonLines, Lines, configure, logger, take_strays

ANY_TEXT = st.text(st.characters(codec=None, categories=None), max_size=200)
SECRET = "sk-Zq83hfKfj29vLwpX0s7QmN4bT6yR1cUa"


@pytest.fixture
def restored() -> Iterator[None]:
    root = logging.getLogger()
    before = [(one, one.handlers[:], one.level, one.propagate) for one in (logger, root)]
    hook = threading.excepthook
    yield
    logging.captureWarnings(False)
    threading.excepthook = hook
    for one, handlers, level, propagate in before:
        one.handlers[:], one.propagate = handlers, propagate
        one.setLevel(level)


def write(form: Form, text: str, *arguments: object, error: Exception | None = None, **ids: str) -> str:
    """What a handler of its own makes of a record."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(JsonLines("lx-") if form == "json" else Lines("lx-"))
    raised = None if error is None else (type(error), error, error.__traceback__)
    record = logging.LogRecord("tallygate.store", logging.WARNING, __file__, 1, text, arguments, raised)
    record.__dict__.update(ids)
    handler.emit(record)
    return out.getvalue()


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_any_record_is_one_line(message: str, raised: str, request_id: str) -> None:
    for form in ("text", "json"):
        line = write(form, "%s", message, error=ValueError(raised), request_id=request_id)
        assert line.endswith("\n")
        assert len(line.splitlines()) == 1
        assert line[:-1].isprintable() or not any(ord(symbol) < 32 or 127 <= ord(symbol) < 160 for symbol in line[:-1])


@given(ANY_TEXT, ANY_TEXT)
def test_json_reads_back(message: str, raised: str) -> None:
    told = json.loads(write("json", "%s", message, error=ValueError(raised), call_id="call_1"))
    assert told["message"] == neutralise(message)
    assert (told["level"], told["logger"], told["call_id"]) == ("warning", "tallygate.store", "call_1")
    assert "ValueError" in told["exception"]
    assert "request_id" not in told


def test_an_exception_that_holds_headers_gives_no_key_away() -> None:
    error = RuntimeError(f"sent [(b'authorization', b'Bearer {SECRET}')]\nhost: api.example")
    for form in ("text", "json"):
        line = write(form, "a call broke", error=error)
        assert SECRET not in line
        assert "***" in line


def test_arguments_that_do_not_fit_break_nothing() -> None:
    line = json.loads(write("json", "%d of %s", SECRET))
    assert line["message"] == "%d of %s (its arguments do not fit, or cannot be printed)"


def test_an_exception_that_cannot_be_printed_is_named() -> None:
    class Hostile(Exception):
        def __str__(self) -> str:
            raise ValueError

        __repr__ = __str__

    assert "Hostile" in write("text", "it broke", error=Hostile())


@pytest.mark.usefixtures("restored")
def test_the_form_is_chosen_once(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info", "json")
    logging.getLogger("tallygate.receipts").info("a\nline")
    logger.debug("not this")
    told = json.loads(capsys.readouterr().err)
    assert (told["message"], told["logger"]) == ("a\\nline", "tallygate.receipts")


@pytest.mark.usefixtures("restored")
def test_what_others_say_is_of_the_same_kind(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info", "text")
    take_strays()
    configure("info", "json")
    logging.getLogger("asyncio").error("a task\nbroke with %s", SECRET)
    logging.getLogger("asyncio").info("not this")

    def die() -> None:
        raise RuntimeError(SECRET)

    thread = threading.Thread(target=die, name="one")
    thread.start()
    thread.join()
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert first["message"] == "a task\\nbroke with sk-***"
    assert second["message"] == "the thread one has died"
    assert SECRET not in second["exception"]
