"""The separate upstream process as tests hold it: its address, its keys, and its journal to read and wait on."""

import http.client
import json
import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from itertools import count
from typing import Any

from tests.fakes.process import ROOT, Process

PROVIDER_KEY = "sk-lab-provider-7f3a9c51d2e84b06"
WAIT_S = 20.0

Entry = dict[str, Any]


class Upstream:
    """A running provider. Entries of its journal are dictionaries with `event` and `at_s` (monotonic seconds)."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._marks = count(1)
        self._parsed: list[Entry] = []
        self._lines_parsed = 0
        match = process.wait_for_match(r"listening on (http://127\.0\.0\.1:(\d+))")
        self.url, self.port = match[1], int(match[2])

    @property
    def journal(self) -> list[Entry]:
        """Everything that has happened so far: what this provider did before being asked stands in it."""
        self.mark()
        return self._read(self._process.lines)

    def wait_for(self, wanted: Callable[[Entry], bool], timeout_s: float = WAIT_S) -> Entry:
        """The first entry that is wanted, waiting for it if need be."""

        def look(lines: list[str]) -> Entry | None:
            return next((entry for entry in self._read(lines) if wanted(entry)), None)

        return self._process.wait_for(look, timeout_s)

    def requests(self, containing: str) -> list[Entry]:
        """The chat requests whose body holds that text, in order."""
        return [e for e in self.journal if e["event"] == "request" and containing in e["body"]]

    def chunks(self, request: int) -> bytes:
        """The bytes streamed for one request."""
        return b"".join(_bytes_of(e) for e in self.journal if e["event"] == "chunk" and e["request"] == request)

    def body(self, request: int) -> bytes:
        """The whole body answered to one request."""
        return next(_bytes_of(e) for e in self.journal if e["event"] == "body" and e["request"] == request)

    def open_gate(self, name: str) -> None:
        """Let a gated answer go on."""
        self._control(f"/control/open/{name}")

    def mark(self) -> str:
        """Put a mark in the journal; its name. All that this provider received before stands before it."""
        name = f"mark-{next(self._marks)}"
        self._control(f"/control/mark/{name}")
        self.wait_for(lambda e: e["event"] == "mark" and e["name"] == name)
        return name

    def requests_since(self, mark: str) -> list[Entry]:
        """What was asked of the provider after that mark, the tests' own control aside."""
        journal = self.journal
        start = next(i for i, e in enumerate(journal) if e["event"] == "mark" and e["name"] == mark)
        return [e for e in journal[start:] if e["event"] == "request" and not e["path"].startswith("/control/")]

    def _read(self, lines: list[str]) -> list[Entry]:
        """The entries in the lines, each parsed once."""
        end = len(lines)
        self._parsed.extend(json.loads(line) for line in lines[self._lines_parsed : end] if line.startswith("{"))
        self._lines_parsed = end
        return self._parsed

    def _control(self, path: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        try:
            connection.request("POST", path, headers={"connection": "close"})
            assert connection.getresponse().status == 200
        finally:
            connection.close()


@contextmanager
def start_upstream(provider: str = "openai_provider") -> Generator[Upstream]:
    """A provider on a free port, until the block ends: the module of that name beside this one."""
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    with Process([sys.executable, "-m", f"tests.fakes.{provider}", "--key", PROVIDER_KEY], env) as process:
        yield Upstream(process)


def _bytes_of(entry: Entry) -> bytes:
    return entry["text"].encode("latin-1")
