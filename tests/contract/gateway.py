"""The gateway as its users run it: `tallygate serve` in a process of its own, asked over real sockets.

Nothing of the gateway is imported here or by the tests beside it: only what a user types and sees counts.
"""

import http.client
import json
import os
import re
import subprocess
import sys
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.fakes.process import ROOT, Process

ANSWER_TIMEOUT_S = 30.0
TALLYGATE = str(Path(sys.executable).with_name("tallygate"))
KEY = re.compile(r"\blx-[A-Za-z0-9]+_[A-Za-z0-9]{38}\b")


class Reply(NamedTuple):
    """An answer as bytes. `headers` has lower-case names; `pairs` every header as it came."""

    status: int
    headers: dict[str, str]
    pairs: list[tuple[str, str]]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Gateway:
    """A running gateway: where it is, what it printed, and the key of its first workspace (None on a later start)."""

    def __init__(self, process: Process, env: Mapping[str, str]) -> None:
        self.process, self.env = process, dict(env)
        match = process.wait_for_match(r"listening on (http://127\.0\.0\.1:(\d+))")
        self.url, self.port = match[1], int(match[2])
        printed = KEY.search(process.text)
        self.key = printed[0] if printed else ""

    def connect(self) -> http.client.HTTPConnection:
        """A fresh connection; the caller closes it. Fails the test with the gateway's last words if it has ended."""
        assert self.process.child.poll() is None, (
            f"the gateway ended with {self.process.child.poll()}; it said:\n{self.process.text}"
        )
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_TIMEOUT_S)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None = None,
        headers: Iterable[tuple[str, str]] = (),
        *,
        key: str | None = None,
    ) -> Reply:
        """One request on a connection of its own. `headers` may repeat a name; `key` adds a Bearer credential."""
        connection = self.connect()
        try:
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in [*headers, *([("Authorization", f"Bearer {key}")] if key else [])]:
                connection.putheader(name, value)
            if isinstance(body, bytes) and not any(name.lower() == "content-length" for name, _ in headers):
                connection.putheader("Content-Length", str(len(body)))
            elif body is not None and not isinstance(body, bytes):
                connection.putheader("Transfer-Encoding", "chunked")
            connection.endheaders()
            try:
                for piece in (body,) if isinstance(body, bytes) else body or ():
                    connection.send(piece)
            except (BrokenPipeError, ConnectionResetError):
                pass  # refused before it was read: the answer is what counts
            return read_reply(connection.getresponse())
        finally:
            connection.close()

    def chat(self, body: Mapping[str, Any], *, key: str | None = None) -> Reply:
        """A chat completion, whole or streamed, read to its end."""
        sent = [("Content-Type", "application/json")]
        return self.ask("POST", "/v1/chat/completions", json.dumps(body).encode(), sent, key=key or self.key)

    def cli(self, *arguments: str) -> str:
        """What a `tallygate` command prints, run beside this gateway on the same data."""
        return run_cli(self.env, *arguments)


def read_reply(response: http.client.HTTPResponse) -> Reply:
    """The answer to its end."""
    pairs = [(name.lower(), value) for name, value in response.getheaders()]
    return Reply(response.status, dict(pairs), pairs, response.read())


def run_cli(env: Mapping[str, str], *arguments: str) -> str:
    """What a `tallygate` command prints. Raises AssertionError if it fails."""
    done = subprocess.run(
        [TALLYGATE, *arguments], env=dict(env), capture_output=True, text=True, timeout=60, cwd=ROOT, check=False
    )
    assert done.returncode == 0, (
        f"tallygate {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    )
    return done.stdout


def clean_env(folder: Path, **more: str) -> dict[str, str]:
    """An environment without this machine's keys, home and engines, storing in a folder.

    Targets are asked however often they fail: tests make the same one fail again and again, and want to see each time.
    """
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "TALLYGATE_DATA": str(folder / "data")}
    shown = {"TALLYGATE_DISCOVER": "false", "TALLYGATE_ROUTER__CIRCUITS": "false", "LANG": "C.UTF-8"}
    return {**env, **shown, **more}


@contextmanager
def start_gateway(env: Mapping[str, str], *arguments: str) -> Generator[Gateway]:
    """A gateway on a free port, until the block ends."""
    command = [TALLYGATE, "serve", "--host", "127.0.0.1", "--port", "0", *arguments]
    with Process(command, env) as process:
        yield Gateway(process, env)
