"""The two languages of the money tests' provider: a script as a stream of events, as a whole answer, as an error.

Shapes follow platform.openai.com/docs/api-reference/chat and platform.claude.com/docs/en/api/messages. Nothing here
knows a socket, a price or the gateway.
"""

import json
from collections.abc import Iterator
from typing import Any, Protocol

from tests.money.scripts import EXCUSE, Count, Do, Finish, Say, Script, Step, Usage

Json = dict[str, Any]


VECTOR = (0.5, -0.25, 3.0)
"""What is embedded as: the same numbers in 32 bits."""


class Wire(Protocol):
    """A language. `path` is where it is spoken."""

    path: str

    def opening(self, script: Script) -> Iterator[bytes]:
        """What stands before the first step."""
        ...

    def step(self, step: Step) -> Iterator[bytes]:
        """One step."""
        ...

    def closing(self) -> Iterator[bytes]:
        """What stands after the last one."""
        ...

    def whole(self, script: Script) -> bytes:
        """The answer as one body."""
        ...

    def error(self, status: int) -> bytes:
        """The body of an error."""
        ...


class OpenAI:
    """OpenAI's chat completions."""

    path = "/v1/chat/completions"

    def opening(self, script: Script) -> Iterator[bytes]:
        yield self._chunk({"role": "assistant", "content": ""})

    def step(self, step: Step) -> Iterator[bytes]:
        match step:
            case Say(text):
                yield self._chunk({"content": text})
            case Count(usage):
                yield self._event({**self._head(), "choices": [], "usage": self._usage(usage)})
            case Finish(reason, usage):
                yield self._chunk({}, reason)
                if usage is not None:
                    yield from self.step(Count(usage))
            case Do():
                yield self._event({"error": {"message": EXCUSE, "type": "server_error", "param": None, "code": None}})

    def closing(self) -> Iterator[bytes]:
        yield b"data: [DONE]\n\n"

    def whole(self, script: Script) -> bytes:
        text, reason, usage = sum_up(script)
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": reason}
        answer = {**self._head("chat.completion"), "choices": [choice]}
        return json.dumps(answer if usage is None else {**answer, "usage": self._usage(usage)}).encode()

    def error(self, status: int) -> bytes:
        return json.dumps({"error": {"message": EXCUSE, "type": "lab", "param": None, "code": None}}).encode()

    def _head(self, kind: str = "chat.completion.chunk") -> Json:
        return {"id": "chatcmpl-lab", "object": kind, "created": 1_700_000_000, "model": "lab"}

    def _chunk(self, delta: Json, reason: str | None = None) -> bytes:
        return self._event({**self._head(), "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})

    def _event(self, data: Json) -> bytes:
        return f"data: {json.dumps(data)}\n\n".encode()

    def _usage(self, usage: Usage) -> Json:
        counts: Json = {"prompt_tokens": usage.input_tokens, "completion_tokens": usage.output_tokens}
        counts["total_tokens"] = usage.input_tokens + usage.output_tokens
        names = {
            "cached_tokens": usage.cached,
            "cache_write_tokens": usage.written,
            "cache_write_1h_tokens": usage.long,
        }
        details = {name: count for name, count in names.items() if count is not None}
        return {**counts, "prompt_tokens_details": details} if details else counts


class Embeddings(OpenAI):
    """OpenAI's embeddings: one vector whatever is said, always whole."""

    path = "/v1/embeddings"

    def whole(self, script: Script) -> bytes:
        _, _, usage = sum_up(script)
        data = [{"object": "embedding", "index": 0, "embedding": list(VECTOR)}]
        answer: Json = {"object": "list", "data": data, "model": "lab"}
        if usage is not None:
            answer["usage"] = {"prompt_tokens": usage.input_tokens, "total_tokens": usage.input_tokens}
        return json.dumps(answer).encode()


class Anthropic:
    """Anthropic's messages."""

    path = "/v1/messages"

    def opening(self, script: Script) -> Iterator[bytes]:
        message = {**self._head(), "content": [], "stop_reason": None, "stop_sequence": None}
        if script.opening is not None:
            message["usage"] = self._usage(script.opening)
        yield self._event({"type": "message_start", "message": message})
        block = {"type": "text", "text": ""}
        yield self._event({"type": "content_block_start", "index": 0, "content_block": block})

    def step(self, step: Step) -> Iterator[bytes]:
        match step:
            case Say(text):
                delta = {"type": "text_delta", "text": text}
                yield self._event({"type": "content_block_delta", "index": 0, "delta": delta})
            case Count(usage):
                yield self._event({"type": "message_delta", "delta": {}, "usage": self._usage(usage)})
            case Finish(reason, usage):
                yield self._event({"type": "content_block_stop", "index": 0})
                delta = {"stop_reason": _stop_reason(reason), "stop_sequence": None}
                counts = {} if usage is None else {"usage": self._usage(usage)}
                yield self._event({"type": "message_delta", "delta": delta, **counts})
            case Do():
                yield self._event({"type": "error", "error": {"type": "api_error", "message": EXCUSE}})

    def closing(self) -> Iterator[bytes]:
        yield self._event({"type": "message_stop"})

    def whole(self, script: Script) -> bytes:
        text, reason, usage = sum_up(script)
        content = [{"type": "text", "text": text}] if text else []
        answer = {**self._head(), "content": content, "stop_reason": _stop_reason(reason), "stop_sequence": None}
        return json.dumps(answer if usage is None else {**answer, "usage": self._usage(usage)}).encode()

    def error(self, status: int) -> bytes:
        return json.dumps({"type": "error", "error": {"type": "lab_error", "message": EXCUSE}}).encode()

    def _head(self) -> Json:
        return {"id": "msg_lab", "type": "message", "role": "assistant", "model": "lab"}

    def _event(self, data: Json) -> bytes:
        return f"event: {data['type']}\ndata: {json.dumps(data)}\n\n".encode()

    def _usage(self, usage: Usage) -> Json:
        if usage.cached is None:
            return {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
        fresh = usage.input_tokens - usage.cached - (usage.written or 0)
        counts = {
            "input_tokens": fresh,
            "output_tokens": usage.output_tokens,
            "cache_read_input_tokens": usage.cached,
        }
        if usage.written is None:
            return counts
        lives = {
            "ephemeral_5m_input_tokens": usage.written - (usage.long or 0),
            "ephemeral_1h_input_tokens": usage.long,
        }
        return {**counts, "cache_creation_input_tokens": usage.written, "cache_creation": lives}


WIRES: dict[str, Wire] = {"openai": OpenAI(), "anthropic": Anthropic()}
EMBEDDINGS = Embeddings()
"""The one in which nobody converses."""


def sum_up(script: Script) -> tuple[str, str | None, Usage | None]:
    """The text, the reason for the end, and the last usage of a script."""
    text = "".join(step.text for step in script.steps if isinstance(step, Say))
    reason, usage = None, None
    for step in script.steps:
        if isinstance(step, Finish):
            reason = step.reason
        if isinstance(step, Finish | Count) and step.usage is not None:
            usage = step.usage
    return text, reason, usage


def _stop_reason(reason: str | None) -> str | None:
    return {"stop": "end_turn", "length": "max_tokens", None: None}[reason]
