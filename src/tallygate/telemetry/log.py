"""The gateway's log: one record, one line, to standard error, as text or as JSON. Nothing is decided here about what is
worth saying; what anybody said to a model or got from it, and every key, stays out of all of it.
"""

import logging
import sys
import threading
from datetime import UTC, datetime
from typing import Any, Final, Literal

import msgspec

from tallygate.telemetry.line import TRACE_CHARACTERS_MAX, neutralise

logger = logging.getLogger("tallygate")

Form = Literal["text", "json"]

IDS: Final = ("request_id", "call_id")
"""What a record may be about, where that is known: given as `extra`."""


def configure(level: str, form: Form = "text", *, key_prefix: str = "lx-") -> None:
    """Send the log to standard error, one line a record, from `level` (debug, info, warning, error) upwards.
    `key_prefix` is that of the gateway's own keys, which are never shown.
    """
    handler = _open(form, key_prefix)
    logger.handlers[:] = [handler]
    logger.setLevel(level.upper())
    logger.propagate = False
    root = logging.getLogger()
    if any(isinstance(one.formatter, Lines) for one in root.handlers):  # what strays here looks like the rest
        root.handlers[:] = [handler]


def take_strays() -> None:
    """Have what libraries log, Python warns of, and threads die of come out as lines of the same kind, from warnings
    upwards. For the gateway's own process, once the log is configured: it changes what all of Python does.
    """
    root = logging.getLogger()
    root.handlers[:] = logger.handlers
    root.setLevel(logging.WARNING)
    logging.captureWarnings(True)
    threading.excepthook = _tell_of_thread


def _open(form: Form, key_prefix: str) -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines(key_prefix) if form == "text" else JsonLines(key_prefix))
    return handler


def _tell_of_thread(died: threading.ExceptHookArgs) -> None:
    name = died.thread.name if died.thread else "?"
    error = died.exc_value or died.exc_type()
    logger.critical("the thread %s has died", name, exc_info=error)


class Lines(logging.Formatter):
    """A record as text: when, how bad, what, and at the end the exception, its line breaks escaped."""

    def __init__(self, key_prefix: str) -> None:
        super().__init__()
        self._key_prefix = key_prefix

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end. Never raises: what cannot be told is told of."""
        told = self._tell(record)
        line = f"{told['time']} {record.levelname} {told['message']}"
        return f"{line} exception={told['exception']}" if "exception" in told else line

    def _tell(self, record: logging.LogRecord) -> dict[str, str]:
        """Everything there is to say, in the order of saying it, each part fit for a line."""
        moment = datetime.fromtimestamp(record.created, UTC)
        told = {
            "time": f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z",
            "level": record.levelname.lower(),
            "logger": self._fit(record.name),
            "message": self._fit(_read_message(record)),
        }
        for name in IDS:
            if value := getattr(record, name, None):
                told[name] = self._fit(str(value))
        if record.exc_info and record.exc_info[0] is not None:
            told["exception"] = neutralise(
                self._read_exception(record.exc_info), TRACE_CHARACTERS_MAX, self._key_prefix
            )
        return told

    def _fit(self, text: str) -> str:
        return neutralise(text, own_prefix=self._key_prefix)

    def _read_exception(self, raised: Any) -> str:
        try:
            return self.formatException(raised)
        except Exception:  # noqa: BLE001 - an exception may break while it is printed
            return f"{raised[0].__name__}, which cannot be printed"


class JsonLines(Lines):
    """A record as one JSON object: `time`, `level`, `logger`, `message`, the ids that are known, `exception`."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end. Never raises."""
        return msgspec.json.encode(self._tell(record)).decode()


def _read_message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - the standard library would print the raw arguments instead
        return f"{record.msg} (its arguments do not fit, or cannot be printed)"
