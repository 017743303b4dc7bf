"""The test models' answers as OpenAI writes them (developers.openai.com/api/reference/chat-completions).

Written without our codec, so that the codec meets answers that it has not made itself. Without a clock: `created` is 0.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

from msgspec import json

from tallygate.providers.mock.request import Request
from tallygate.providers.mock.script import Called, Said, count_prompt

_Json = dict[str, Any]


def identify(body: bytes) -> str:
    """Twelve hex digits that stand for a request, for the ids in its answer."""
    return hashlib.sha256(body).hexdigest()[:12]


def write_whole(request: Request, said: Said, identity: str) -> bytes:
    """A whole answer; every one of its `n` choices says the same."""
    message: _Json = {"role": "assistant", "content": "".join(said.text) if said.text or not said.calls else None}
    message["refusal"] = None
    if said.thought:
        message["reasoning_content"] = "".join(said.thought)
    if said.calls:
        message["tool_calls"] = [_call(call, at, identity) for at, call in enumerate(said.calls)]
    choices = [
        {"index": index, "message": message, "logprobs": None, "finish_reason": said.finish_reason}
        for index in range(_count(request))
    ]
    return json.encode(
        _head(request, identity, "chat.completion") | {"choices": choices, "usage": _usage(request, said)}
    )


def write_stream(request: Request, said: Said, identity: str) -> Iterator[bytes]:
    """The events of a stream, one token each, the choices taking turns."""
    yield from write_beginning(request, said, identity)
    yield from (_event(_chunk(request, identity, index, {}, said.finish_reason)) for index in range(_count(request)))
    if request.include_usage:
        head = _head(request, identity, "chat.completion.chunk")
        yield _event(head | {"choices": [], "usage": _usage(request, said)})
    yield b"data: [DONE]\n\n"


def write_beginning(request: Request, said: Said, identity: str) -> Iterator[bytes]:
    """A stream without its end: what was said, and nothing that says that it is all."""
    for delta in ({"role": "assistant", "content": "", "refusal": None}, *_deltas(said, identity)):
        yield from (_event(_chunk(request, identity, index, delta)) for index in range(_count(request)))


def write_error(status: int, message: str, param: str | None = None) -> bytes:
    """An error's body."""
    kinds = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
    kind = kinds.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return json.encode({"error": {"message": message, "type": kind, "param": param, "code": f"mock_{status}"}})


def _deltas(said: Said, identity: str) -> Iterator[_Json]:
    yield from ({"reasoning_content": token} for token in said.thought)
    yield from ({"content": token} for token in said.text)
    for at, call in enumerate(said.calls):
        opening = {"name": call.name, "arguments": ""}
        yield {"tool_calls": [{"index": at, "id": _call_id(identity, at), "type": "function", "function": opening}]}
        for fragment in call.fragments:
            yield {"tool_calls": [{"index": at, "function": {"arguments": fragment}}]}


def _call(call: Called, at: int, identity: str) -> _Json:
    function = {"name": call.name, "arguments": "".join(call.fragments)}
    return {"id": _call_id(identity, at), "type": "function", "function": function}


def _head(request: Request, identity: str, kind: str) -> _Json:
    return {"id": f"chatcmpl-mock-{identity}", "object": kind, "created": 0, "model": request.model}


def _chunk(request: Request, identity: str, index: int, delta: _Json, finish_reason: str | None = None) -> _Json:
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    usage = {"usage": None} if request.include_usage else {}
    return _head(request, identity, "chat.completion.chunk") | {"choices": [choice]} | usage


def _usage(request: Request, said: Said) -> _Json:
    prompt, completion = count_prompt(request), said.token_count * _count(request)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": len(said.thought) * _count(request)},
    }


def _count(request: Request) -> int:
    return request.n or 1


def _call_id(identity: str, at: int) -> str:
    return f"call_mock_{identity}_{at}"


def _event(value: _Json) -> bytes:
    return b"data: " + json.encode(value) + b"\n\n"
