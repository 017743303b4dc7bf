"""Pieces of OpenAI's chat wire, as providers send them, for scripted answers: chunks of a stream and whole answers."""

from typing import Any

import msgspec

from tests.fakes.exits import JSON, Script

HEAD: dict[str, Any] = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m-0613"}
DONE = b"data: [DONE]\n\n"


def usage(input_tokens: object, output_tokens: object, **more: object) -> dict[str, object]:
    return {"prompt_tokens": input_tokens, "completion_tokens": output_tokens, **more}


def chunk(content: str | None = None, *, finish: str | None = None, counts: object = None, index: int = 0) -> bytes:
    """One event with one choice."""
    delta = {} if content is None else {"role": "assistant", "content": content}
    event = {**HEAD, "choices": [{"index": index, "delta": delta, "finish_reason": finish}]}
    if counts is not None:
        event["usage"] = counts
    return b"data: " + msgspec.json.encode(event) + b"\n\n"


def usage_chunk(counts: object) -> bytes:
    """The event that exists because usage was asked for."""
    return b"data: " + msgspec.json.encode({**HEAD, "choices": [], "usage": counts}) + b"\n\n"


def whole(content: str | None, *, finish: str | None = "stop", counts: object = None) -> bytes:
    message = {"role": "assistant", "content": content}
    answer = {**HEAD, "object": "chat.completion"}
    answer["choices"] = [{"index": 0, "message": message, "finish_reason": finish}]
    if counts is not None:
        answer["usage"] = counts
    return msgspec.json.encode(answer)


def whole_script(*arguments: Any, **named: Any) -> Script:
    return Script(headers=JSON, pieces=[whole(*arguments, **named)])


def refusal(status: int) -> Script:
    """A provider's own error."""
    body = b'{"error":{"message":"no","type":"server_error","param":null,"code":null}}'
    return Script(status=status, headers=JSON, pieces=[body])
