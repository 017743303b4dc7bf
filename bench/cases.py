"""What is asked, what a right answer is, and one measurement of one target.

The questions and answers mirror `upstream.rs`; change both together.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from peers import Target
from processes import Process

SENTENCE = "A hash chain makes a ledger tamper evident because every entry commits to the one before it."
QUESTION = [
    {"role": "system", "content": "You are a terse assistant that answers in one sentence."},
    {"role": "user", "content": "Explain in one short sentence why a hash chain makes a ledger tamper evident please."},
]
PROMPT_TOKENS, SENTENCE_TOKENS = 42, 21
EVENTS, PACE_US = 64, 10_000
HELD_EVENTS, HELD_MS = 12, 1_000
DRAIN_S = 15
ANSWER_TIMEOUT_S = 30
Answer = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One kind of request. `tokens` is the number of content events when streamed, 0 when answered whole."""

    name: str
    about: str
    model: str = "bench-fast"
    door: str = "chat"
    tokens: int = 0
    connections: int = 64
    ramp_s: float = 0.0

    @property
    def path(self) -> str:
        return "/v1/chat/completions" if self.door == "chat" else "/v1/messages"

    @property
    def events(self) -> int:
        """The `data:` lines the upstream sends: OpenAI ends in three more, Anthropic has six more."""
        return self.tokens + (3 if self.door == "chat" else 6) if self.tokens else 0

    def body(self, model: str) -> bytes:
        """Compact JSON, the same bytes for every target but for the model's name."""
        asked: dict[str, Any] = {"model": model}
        if self.door == "chat":
            asked |= {"messages": QUESTION, "temperature": 0.7, "max_tokens": 64}
        else:
            asked |= {"system": QUESTION[0]["content"], "messages": QUESTION[1:], "temperature": 0.7, "max_tokens": 64}
        if self.tokens:
            asked |= {"stream": True}
            if self.door == "chat":
                asked |= {"stream_options": {"include_usage": True}}
        return json.dumps(asked, separators=(",", ":")).encode()

    def expect(self) -> list[str]:
        """Texts every answer must contain, however a gateway re-serialises it."""
        if not self.tokens:
            return [SENTENCE]
        return [f"token{self.tokens - 1} ", "[DONE]" if self.door == "chat" else "message_stop"]


CASES = {
    case.name: case
    for case in (
        Case("json", "whole answers, closed loop, 64 connections"),
        Case("sse", "67 events in one write, closed loop, 64 streams", tokens=EVENTS),
        Case("sse-paced", "67 events, one per 10 ms, 64 streams", "bench-paced", tokens=EVENTS, ramp_s=0.64),
        Case("latency", "whole answers at fixed rates, open loop, 16 connections", connections=16),
        Case("streams", "streams held open together", "bench-held", tokens=HELD_EVENTS),
        Case("messages", "whole Anthropic answers, closed loop, 64 connections", door="messages"),
        Case("messages-sse", "70 Anthropic events in one write, 64 streams", door="messages", tokens=EVENTS),
    )
}


# --- one question, read with care -------------------------------------------------------------------------------------


def ask(target: Target, case: Case) -> tuple[int, bytes]:
    """Sends one question on a connection of its own; raises OSError or HTTPException when there is no answer."""
    place = urlsplit(target.url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=ANSWER_TIMEOUT_S)
    headers = dict(line.split(": ", 1) for line in target.headers)
    body = case.body(target.model.format(model=case.model))
    try:
        connection.request("POST", case.path, body, {"Content-Type": "application/json", **headers})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def wrong(case: Case, status: int, body: bytes) -> str | None:
    """Why this is not the right answer, or None when it is: the content whole and in order, the usage exact."""
    if status != 200:
        return f"status {status}: {body[:300].decode(errors='replace')}"
    try:
        content, used = _READERS[case.door, bool(case.tokens)](body)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        return f"unreadable ({error!r}): {body[:300].decode(errors='replace')}"
    said = "".join(f"token{i} " for i in range(case.tokens)) or SENTENCE
    if content != said:
        return f"content is {content[:120]!r}"
    if used != (PROMPT_TOKENS, case.tokens or SENTENCE_TOKENS):
        return f"usage is {used}"
    return None


def _events(body: bytes) -> list[Any]:
    lines = [line[5:].strip() for line in body.decode().splitlines() if line.startswith("data:")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def _chat(body: bytes) -> tuple[str, tuple[int, int]]:
    answer = json.loads(body)
    usage = answer["usage"]
    return answer["choices"][0]["message"]["content"], (usage["prompt_tokens"], usage["completion_tokens"])


def _chat_stream(body: bytes) -> tuple[str, tuple[int, int]]:
    if b"data: [DONE]" not in body and b"data:[DONE]" not in body:
        raise ValueError("no [DONE]")
    events = _events(body)
    content = "".join(c["delta"].get("content") or "" for event in events for c in event.get("choices", ()))
    usage = [event["usage"] for event in events if event.get("usage")][-1]
    return content, (usage["prompt_tokens"], usage["completion_tokens"])


def _messages(body: bytes) -> tuple[str, tuple[int, int]]:
    answer = json.loads(body)
    return answer["content"][0]["text"], (answer["usage"]["input_tokens"], answer["usage"]["output_tokens"])


def _messages_stream(body: bytes) -> tuple[str, tuple[int, int]]:
    events = _events(body)
    if events[-1]["type"] != "message_stop":
        raise ValueError("no message_stop")
    content = "".join(event["delta"]["text"] for event in events if event["type"] == "content_block_delta")
    first = events[0]["message"]["usage"]
    last = [event["usage"] for event in events if event["type"] == "message_delta"][-1]
    return content, (last.get("input_tokens") or first["input_tokens"], last["output_tokens"])


_READERS: dict[tuple[str, bool], Callable[[bytes], tuple[str, tuple[int, int]]]] = {
    ("chat", False): _chat,
    ("chat", True): _chat_stream,
    ("messages", False): _messages,
    ("messages", True): _messages_stream,
}


# --- one measurement --------------------------------------------------------------------------------------------------


@dataclass
class Bench:
    """What a measurement needs besides its target. The load generator runs on the core of the rig itself."""

    loadgen: Path
    folder: Path
    upstream: Target

    def served(self) -> int:
        """Requests the upstream has answered so far."""
        place = urlsplit(self.upstream.url)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=ANSWER_TIMEOUT_S)
        try:
            connection.request("GET", "/stats")
            return int(json.loads(connection.getresponse().read())["requests"])
        finally:
            connection.close()

    def load(
        self,
        target: Target,
        process: Process | None,
        case: Case,
        seconds: float,
        *,
        rate: float = 0,
        hold: int = 0,
        ramp_s: float | None = None,
    ) -> Answer:
        """Loads one target once. Adds to what the load generator says: CPU per request and event, memory, misses."""
        body = self.folder / "body.json"
        body.write_bytes(case.body(target.model.format(model=case.model)))
        command = [
            str(self.loadgen),
            "--address",
            urlsplit(target.url).netloc,
            "--path",
            case.path,
            "--body",
            str(body),
            "--conns",
            str(case.connections),
            "--seconds",
            str(seconds),
            "--rate",
            str(rate),
            "--hold",
            str(hold),
            "--ramp",
            str(case.ramp_s if ramp_s is None else ramp_s),
            "--drain",
            str(DRAIN_S),
            "--events",
            str(case.tokens),
        ]
        for option, values in (("--header", target.headers), ("--expect", case.expect())):
            command += [part for value in values for part in (option, value)]
        served, before, memory = self.served(), process.cpu_s() if process else 0.0, 0.0
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
            try:
                if hold and process:
                    time.sleep(max(0.0, seconds - HELD_MS * 2 / 1000))
                    memory = process.memory_mb()
                text, _ = running.communicate(timeout=seconds + DRAIN_S + 30)
            except BaseException:
                running.kill()
                raise
        result: Answer = json.loads(text)
        used = (process.cpu_s() if process else 0.0) - before
        result["cpu_us"] = used * 1e6 / result["done"] if result["done"] else None
        result["cpu_us_per_event"] = used * 1e6 / result["events"] if result["events"] else None
        result["busy"] = used / result["elapsed_s"]
        result["memory_mb"] = memory
        result["bad"] = result["wrong"] + result["errors"] + result["unfinished"]
        result["not_from_upstream"] = max(0, result["done"] - (self.served() - served))
        return result


def settle(process: Process, limit_s: float = 10) -> None:
    """Waits until a target has stopped working on what it was sent."""
    until = time.monotonic() + limit_s
    while time.monotonic() < until:
        before = process.cpu_s()
        time.sleep(0.2)
        if process.cpu_s() - before < 0.02:
            return
