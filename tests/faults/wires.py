"""The words of both wires as a provider speaks them: pure functions from a request to frames, bodies and errors.

Every answer's text is made of tokens that bear the call's nonce and a number, so that whoever reads one knows whose it
is and what must stand before it. Written after the vendors' pages, not after our own codecs: nothing of the gateway is
imported here. Sources: platform.openai.com/docs/api-reference/chat, docs.anthropic.com/en/api/messages-streaming.
"""

import json
import re
from typing import Any, NamedTuple, Protocol

Json = dict[str, Any]

NONCE = re.compile(r"zq[0-9a-z]{8}qz")
TOKENS = 24
CREATED_S = 1_700_000_000
ABSENT = "absent"
"""In place of usage: say nothing of it."""


def token(nonce: str, number: int) -> str:
    """The text of one token; the snowman makes three bytes of one character."""
    return f"{nonce}:{number}☃ "


def text_of(nonce: str, tokens: int = TOKENS) -> str:
    """The text of an answer of so many tokens."""
    return "".join(token(nonce, number) for number in range(tokens))


class Ask(NamedTuple):
    """What the provider understood of a request. `model` is FAULT.NONCE as the caller of the gateway wrote it."""

    model: str
    fault: str
    nonce: str
    stream: bool
    wants_usage: bool


def read_ask(body: Json) -> Ask:
    """The request. The script travels in the model's name: no translation may change that one."""
    fault, _, nonce = body["model"].rpartition(".")
    options = body.get("stream_options") or {}
    return Ask(body["model"], fault, nonce, bool(body.get("stream")), bool(options.get("include_usage")))


class Wire(Protocol):
    """One dialect as a provider speaks it."""

    name: str
    path: str

    def request(self, model: str, *, stream: bool) -> Json: ...
    def opening(self, ask: Ask) -> list[bytes]: ...
    def content(self, ask: Ask, text: str, lane: int = 0) -> bytes: ...
    def finish(self, ask: Ask, usage: Any = None) -> list[bytes]: ...
    def terminator(self) -> bytes: ...
    def ping(self) -> bytes: ...
    def failure(self, kind: str, message: str) -> bytes: ...
    def whole(self, ask: Ask, text: str) -> Json: ...
    def usage(self, given: Any, made: Any) -> Json: ...
    def error(self, status: int, message: str) -> Json: ...


def frame(value: Any, event: str = "") -> bytes:
    """One server-sent event."""
    name = f"event: {event}\n".encode() if event else b""
    return name + b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


class OpenAI:
    """Chat completions."""

    name = "openai"
    path = "/v1/chat/completions"

    def request(self, model: str, *, stream: bool) -> Json:
        """A request as a client writes it."""
        return {"model": model, "messages": [{"role": "user", "content": "Count."}], "stream": stream}

    def chunk(self, ask: Ask, choices: list[Json], **more: Any) -> bytes:
        """One chunk of a stream."""
        head = {"id": f"chatcmpl-{ask.nonce}", "object": "chat.completion.chunk", "created": CREATED_S}
        return frame({**head, "model": ask.model, "choices": choices, **more})

    def choice(self, delta: Json, finish: str | None = None, lane: int = 0) -> Json:
        """One choice of a chunk."""
        return {"index": lane, "delta": delta, "logprobs": None, "finish_reason": finish}

    def opening(self, ask: Ask) -> list[bytes]:
        """What stands before the text."""
        return [self.chunk(ask, [self.choice({"role": "assistant", "content": ""})])]

    def content(self, ask: Ask, text: str, lane: int = 0) -> bytes:
        """A piece of the text."""
        return self.chunk(ask, [self.choice({"content": text}, lane=lane)])

    def finish(self, ask: Ask, usage: Any = None) -> list[bytes]:
        """What stands between the text and the terminator."""
        counted = [self.chunk(ask, [], usage=self.usage(3, TOKENS) if usage is None else usage)]
        return [self.chunk(ask, [self.choice({}, "stop")]), *(counted if ask.wants_usage and usage != ABSENT else [])]

    def terminator(self) -> bytes:
        """The end."""
        return b"data: [DONE]\n\n"

    def ping(self) -> bytes:
        """A sign of life."""
        return b": lab is thinking\n\n"

    def failure(self, kind: str, message: str) -> bytes:
        """An error inside a stream."""
        return frame({"error": {"message": message, "type": kind, "param": None, "code": None}})

    def whole(self, ask: Ask, text: str) -> Json:
        """The body of a whole answer."""
        message = {"role": "assistant", "content": text, "refusal": None}
        return {
            "id": f"chatcmpl-{ask.nonce}",
            "object": "chat.completion",
            "created": CREATED_S,
            "model": ask.model,
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
            "usage": self.usage(3, TOKENS),
        }

    def usage(self, given: Any, made: Any) -> Json:
        """Counts, right or wrong."""
        total = given + made if isinstance(given, int) and isinstance(made, int) else made
        return {"prompt_tokens": given, "completion_tokens": made, "total_tokens": total}

    def error(self, status: int, message: str) -> Json:
        """The body of an error."""
        kind = "invalid_request_error" if status < 500 else "server_error"
        return {"error": {"message": message, "type": kind, "param": None, "code": None}}


ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


class Anthropic:
    """Messages."""

    name = "anthropic"
    path = "/v1/messages"

    def request(self, model: str, *, stream: bool) -> Json:
        """A request as a client writes it."""
        return {
            "model": model,
            "max_tokens": 512,
            "messages": [{"role": "user", "content": "Count."}],
            "stream": stream,
        }

    def opening(self, ask: Ask) -> list[bytes]:
        """What stands before the text."""
        message = {**self.whole(ask, ""), "content": [], "stop_reason": None, "usage": self.usage(3, 1)}
        block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
        return [
            frame({"type": "message_start", "message": message}, "message_start"),
            frame(block, "content_block_start"),
        ]

    def content(self, ask: Ask, text: str, lane: int = 0) -> bytes:
        """A piece of the text."""
        delta = {"type": "text_delta", "text": text}
        return frame({"type": "content_block_delta", "index": lane, "delta": delta}, "content_block_delta")

    def finish(self, ask: Ask, usage: Any = None) -> list[bytes]:
        """What stands between the text and the terminator."""
        delta = {"stop_reason": "end_turn", "stop_sequence": None}
        counted = {"usage": {"output_tokens": TOKENS} if usage is None else usage}
        end = {"type": "message_delta", "delta": delta, **(counted if usage != ABSENT else {})}
        return [
            frame({"type": "content_block_stop", "index": 0}, "content_block_stop"),
            frame(end, "message_delta"),
        ]

    def terminator(self) -> bytes:
        """The end."""
        return frame({"type": "message_stop"}, "message_stop")

    def ping(self) -> bytes:
        """A sign of life."""
        return frame({"type": "ping"}, "ping")

    def failure(self, kind: str, message: str) -> bytes:
        """An error inside a stream."""
        return frame({"type": "error", "error": {"type": kind, "message": message}}, "error")

    def whole(self, ask: Ask, text: str) -> Json:
        """The body of a whole answer."""
        return {
            "id": f"msg_{ask.nonce}",
            "type": "message",
            "role": "assistant",
            "model": ask.model,
            "content": [{"type": "text", "text": text}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": self.usage(3, TOKENS),
        }

    def usage(self, given: Any, made: Any) -> Json:
        """Counts, right or wrong."""
        return {"input_tokens": given, "output_tokens": made}

    def error(self, status: int, message: str) -> Json:
        """The body of an error."""
        kind = ANTHROPIC_TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")
        return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_lab"}


WIRES: dict[str, Wire] = {wire.name: wire for wire in (OpenAI(), Anthropic())}
WIRE_OF_PATH: dict[str, Wire] = {wire.path: wire for wire in WIRES.values()}
