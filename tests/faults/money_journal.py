"""What a process was told by the writer, written down before it acts on it: lines of JSON in a file that outlives it.

A line is one `write`: a process that is killed loses none it has written (only the machine's own end could).
"""

import os
from pathlib import Path
from typing import Any

import msgspec

from tallygate.genai.book import Hold, Transfer
from tallygate.genai.results import Result


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """One answer: to which kind of item, about which hold or top-up, of what kind, and with what row."""

    asked: str
    subject: str
    answer: str
    hold: Hold | None = None
    transfer: Transfer | None = None
    transfer_id: str = ""


class Journal:
    """One file, one process."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, asked: str, subject: str, result: Result | Exception) -> None:
        row: Any = getattr(result, "hold", None)
        told = Told(
            asked,
            subject,
            type(result).__name__,
            row,
            getattr(result, "transfer", None),
            getattr(result, "transfer_id", ""),
        )
        os.write(self._file, msgspec.json.encode(told) + b"\n")

    def close(self) -> None:
        os.close(self._file)


def read_journal(path: Path) -> list[Told]:
    """All of it; a last line that was not finished counts as not written."""
    text = path.read_bytes() if path.exists() else b""
    return [msgspec.json.decode(line, type=Told) for line in text.split(b"\n")[:-1]]
