"""The campaign's clients: they write down each attempt before it is made, synced to the disk, and every byte they get.

Raw sockets and a strict reading of HTTP, as in `tests.faults.caller`; here a call may be asked again under its
Idempotency-Key, and every attempt stands for itself.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from tests.campaign.plan import Plan, write_body
from tests.faults.caller import Answered, Left, Line, Torn, read_body, read_head
from tests.faults.exchange import reset
from tests.faults.journal import Journal
from tests.faults.wires import WIRES

TRY_AGAIN = (0, 409, 429, 500, 502, 503, 529)
PAUSE_S = 0.1


class Clients:
    """All of them. `keys` are API keys by their callers' names; `counts` what they saw so far, by event."""

    def __init__(self, history: Journal, keys: Mapping[str, str], patience_s: float) -> None:
        self._history, self._keys, self._patience_s = history, keys, patience_s
        self._tries: Counter[str] = Counter()
        self._idle: dict[int, list[Line]] = {}
        self._writers: set[asyncio.StreamWriter] = set()
        self.counts: Counter[str] = Counter()
        self._changed = asyncio.Event()

    async def ask(
        self, plan: Plan, port: int, *, stays: bool = False, enough: Callable[[bytes], bool] | None = None
    ) -> Answered:
        """One attempt of a call. With `stays` its client does not leave this time; else also once it has `enough`."""
        self._tries[plan.nonce] += 1
        attempt = f"{plan.nonce}#{self._tries[plan.nonce]}"
        leave = None if stays else plan.leave
        asked = {"who": plan.who, "wire": plan.crossing.client, "fault": plan.fault, "stream": plan.stream}
        asked |= {"upstream": plan.crossing.upstream, "claim": plan.claim, "wants_usage": plan.wants_usage}
        self._history.note("asked", durable=True, attempt=attempt, port=port, **asked)
        status, headers, body, how = 0, dict[str, str](), b"", "torn"
        line: Line | None = None
        try:
            async with asyncio.timeout(self._patience_s):
                line = await self._send(port, WIRES[plan.crossing.client].path, write_body(plan), self._heads(plan))
                if leave is not None and leave.after_bytes == -1:
                    raise Left
                status, pairs = await read_head(line[0])
                headers = dict(pairs)
                self._history.note("head", attempt=attempt, status=status, headers=pairs)
                self._see("head")
                async for data in read_body(line[0], status, headers):
                    body += data
                    self._history.note("got", attempt=attempt, data=data.decode("latin-1"))
                    self._see("got")
                    if leave is not None and leave.after_bytes is not None and len(body) > leave.after_bytes >= 0:
                        raise Left
                    if enough is not None and enough(body):
                        raise Left
            how = "complete"
        except Left:
            how = "left"
        except TimeoutError:
            how = "late"
        except (Torn, OSError, asyncio.IncompleteReadError, ValueError):
            how = "torn"
        finally:
            self._part(port, line, how, headers, harshly=leave is not None and leave.reset)
            self._history.note("ended", attempt=attempt, how=how)
        self._see("ended")
        return Answered(status, headers, body, how)

    async def insist(self, plan: Plan, doors: Callable[[], list[int]], until_s: float) -> Answered:
        """Ask until there is an answer that will not get better, as a program does that needs one."""
        turn = 0
        while True:
            ports = doors() or [0]
            answered = await self.ask(plan, ports[turn % len(ports)], stays=True)
            # An error that bears a receipt's id is the provider's, and the end of the call.
            ended = answered.status not in TRY_AGAIN or "x-tallygate-receipt-id" in answered.headers
            final = answered.how == "complete" and ended
            hopeless = answered.headers.get("x-should-retry") == "false"
            if final or hopeless or asyncio.get_running_loop().time() > until_s:
                return answered
            turn += 1
            await asyncio.sleep(PAUSE_S)

    async def administer(self, port: int, key: str, method: str, path: str, body: Any, **facts: Any) -> int:
        """One request to the admin API, written down before and after; the answer's status, 0 if none came."""
        text = {"method": method, "path": path, "body": body, **facts}
        self._history.note("admin asked", durable=True, **text)
        status = 0
        try:
            async with asyncio.timeout(self._patience_s):
                line = await self._send(port, f"/v1/admin/{path}", body, [("authorization", f"Bearer {key}")], method)
                status, pairs = await read_head(line[0])
                _ = [data async for data in read_body(line[0], status, dict(pairs))]
                line[1].close()
        except (Torn, OSError, TimeoutError, asyncio.IncompleteReadError, ValueError):
            status = 0
        self._history.note("admin told", durable=True, status=status, **text)
        return status

    async def look_around(self, seconds: float) -> None:
        """Wait until something comes to one of them, but no longer than this."""
        self._changed.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), seconds)

    async def close(self) -> None:
        """Close every connection."""
        self._idle.clear()
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in self._writers), return_exceptions=True)
        self._writers.clear()

    def _see(self, event: str) -> None:
        self.counts[event] += 1
        self._changed.set()

    def _heads(self, plan: Plan) -> list[tuple[str, str]]:
        heads = [("authorization", f"Bearer {self._keys[plan.who]}"), ("anthropic-version", "2023-06-01")]
        return [*heads, ("idempotency-key", plan.claim)] if plan.claim else heads

    async def _send(self, port: int, path: str, body: Any, heads: list[tuple[str, str]], method: str = "POST") -> Line:
        line = await self._connect(port)
        raw = json.dumps(body).encode() if body is not None else b""
        lines = [f"{method} {path} HTTP/1.1", "host: gateway", *(f"{name}: {value}" for name, value in heads)]
        if body is not None:
            lines += ["content-type: application/json", f"content-length: {len(raw)}"]
        line[1].write("\r\n".join([*lines, "", ""]).encode() + raw)
        return line

    async def _connect(self, port: int) -> Line:
        idle = self._idle.setdefault(port, [])
        while idle:
            reader, writer = idle.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.close()
        line = await asyncio.open_connection("127.0.0.1", port)
        self._writers.add(line[1])
        return line

    def _part(self, port: int, line: Line | None, how: str, headers: Mapping[str, str], *, harshly: bool) -> None:
        if line is None:
            return
        self._writers = {writer for writer in self._writers if not writer.is_closing()}
        if how == "complete" and headers.get("connection") != "close":
            self._idle.setdefault(port, []).append(line)
        elif harshly:
            with suppress(OSError):  # the gateway closed it at the same moment
                reset(line[1])
        else:
            line[1].close()
