"""What the separate upstream process answers to a chat request: pure functions from a request to messages and chunks.

Nothing here knows a socket. The answers follow https://platform.openai.com/docs/api-reference/chat as a provider would
speak it, with one field nobody has heard of (`lab_extra`), so that tests can see unknown fields survive.
"""

import base64
import json
import struct
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from tests.fakes.script import Step, step_of

Json = dict[str, Any]

CREATED_S = 1_700_000_000
PIECE_CHARACTERS = 5


def last_user_text(request: Json) -> str:
    """The text of the last user message, its parts joined by a blank."""
    for message in reversed(request["messages"]):
        if message["role"] == "user":
            return _text_of(message["content"])
    return ""


def answers(request: Json) -> list[Json]:
    """One assistant message with its finish reason for each of the `n` asked for."""
    return [_answer(request, index) for index in range(request.get("n") or 1)]


def whole(request: Json, number: int) -> Json:
    """The body of a whole answer. `number` makes the id."""
    choices: list[Json] = []
    for index, answer in enumerate(answers(request)):
        choice: Json = {"index": index, "message": answer["message"], "finish_reason": answer["finish_reason"]}
        choice["logprobs"] = _logprobs(_pieces(answer["message"]["content"] or "")) if request.get("logprobs") else None
        choices.append(choice)
    return {
        "id": f"chatcmpl-lab-{number}",
        "object": "chat.completion",
        "created": CREATED_S,
        "model": request["model"],
        "choices": choices,
        "usage": usage(request),
        "system_fingerprint": "fp_lab",
        "lab_extra": {"kept": True},
    }


def chunks(request: Json, number: int) -> Iterator[Json]:
    """The chunks of a streamed answer in order, the usage chunk last if it was asked for. `[DONE]` is the server's."""
    asked = bool((request.get("stream_options") or {}).get("include_usage"))
    for index, answer in enumerate(answers(request)):
        deltas = _deltas(answer, bool(request.get("logprobs")), interleaved=request["model"] == "up-interleaved")
        for delta, finish_reason, logprobs in deltas:
            chunk = _chunk(request, number)
            chunk["choices"] = [{"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish_reason}]
            if asked:
                chunk["usage"] = None
            yield chunk
    if asked:
        yield usage_chunk(request, number)


def usage_chunk(request: Json, number: int) -> Json:
    """The last chunk of a stream whose caller asked for usage: no choices."""
    return {**_chunk(request, number), "choices": [], "usage": usage(request)}


def usage(request: Json) -> Json:
    """Tokens as this provider counts them: words in, pieces out."""
    prompt_tokens = len(json.dumps(request["messages"]).split())
    messages = [answer["message"] for answer in answers(request)]
    reasoning_tokens = sum(len(_pieces(message.get("reasoning_content") or "")) for message in messages)
    completion_tokens = reasoning_tokens + sum(len(_pieces(json.dumps(message))) for message in messages)
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "prompt_tokens_details": {"cached_tokens": 1},
        "completion_tokens_details": {"reasoning_tokens": reasoning_tokens},
    }


def embeddings(request: Json) -> Json:
    """The body of an answer with vectors, alike for alike texts (platform.openai.com/docs/api-reference/embeddings)."""
    texts = [request["input"]] if isinstance(request["input"], str) else request["input"]
    data: list[Json] = []
    for index, text in enumerate(texts):
        vector = [len(text) / 1_024, text.count(" ") / 64, *[0.0] * ((request.get("dimensions") or 8) - 2)]
        packed = base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
        told = packed if request.get("encoding_format") == "base64" else vector
        data.append({"object": "embedding", "index": index, "embedding": told})
    tokens = sum(len(text.split()) for text in texts)
    return {
        "object": "list",
        "data": data,
        "model": request["model"],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def instance_of(schema: Json, root: Json | None = None) -> Any:
    """A value that fits a JSON schema: the first choice everywhere. Raises KeyError on a schema it cannot follow."""
    root = schema if root is None else root
    if "$ref" in schema:
        target: Any = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        return instance_of(target, root)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return instance_of(schema["anyOf"][0], root)
    kind = schema["type"]
    if kind == "object":
        return {name: instance_of(part, root) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [instance_of(schema["items"], root)]
    return {"string": "a b", "integer": 7, "number": 1.5, "boolean": True, "null": None}[kind]


def _answer(request: Json, index: int) -> Json:
    message: Json = {"role": "assistant", "content": None, "refusal": None}
    told = [(m["role"], _text_of(m.get("content"))) for m in request["messages"]]  # a turn of calls may have none
    step = step_of(told) if request.get("tools") else None
    if step is not None:
        return _perform(request, step, message)
    if request["model"] == "up-think":
        message["reasoning_content"] = "Let me think about that."
    if _wants_tools(request):
        message["tool_calls"] = _tool_calls(request)
        return {"message": message, "finish_reason": "tool_calls"}
    message["content"] = ("" if index == 0 else f"[{index}] ") + _content(request)
    return {"message": message, "finish_reason": "stop"}


def _perform(request: Json, step: Step, message: Json) -> Json:
    known = {tool["function"]["name"] for tool in request["tools"]}
    calls = step.get("calls", [])
    assert {call["name"] for call in calls} <= known, f"the script calls tools that were not offered: {calls}"
    message["content"] = step.get("say")
    if think := step.get("think"):
        message["reasoning_content"] = think
    if calls:
        message["tool_calls"] = [
            {
                "id": f"call_lab_{len(request['messages'])}_{position}",
                "type": "function",
                "function": {"name": call["name"], "arguments": json.dumps(call["input"])},
            }
            for position, call in enumerate(calls)
        ]
    return {"message": message, "finish_reason": "tool_calls" if calls else "stop"}


def _wants_tools(request: Json) -> bool:
    answered = any(message["role"] == "tool" for message in _last_turn(request))
    return bool(request.get("tools")) and request.get("tool_choice") != "none" and not answered


def _last_turn(request: Json) -> list[Json]:
    """What stands after the assistant's last message."""
    turn: list[Json] = []
    for message in request["messages"]:
        turn = [] if message["role"] == "assistant" else [*turn, message]
    return turn


def _tool_calls(request: Json) -> list[Json]:
    tools = request["tools"]
    choice = request.get("tool_choice")
    if isinstance(choice, dict):
        tools = [tool for tool in tools if tool["function"]["name"] == choice["function"]["name"]]
    if request.get("parallel_tool_calls") is False:
        tools = tools[:1]
    return [
        {
            "id": f"call_lab_{position}",
            "type": "function",
            "function": {
                "name": tool["function"]["name"],
                "arguments": json.dumps(instance_of(tool["function"].get("parameters") or {"type": "object"})),
            },
        }
        for position, tool in enumerate(tools)
    ]


def _content(request: Json) -> str:
    form = request.get("response_format") or {}
    if form.get("type") == "json_schema":
        return json.dumps(instance_of(form["json_schema"]["schema"]))
    if form.get("type") == "json_object":
        return json.dumps({"said": last_user_text(request)})
    results = [_text_of(message["content"]) for message in request["messages"] if message["role"] == "tool"]
    if results:
        # Pictures among results have no other place in this language than a user's message after them.
        shown = [_text_of(message["content"]) for message in _last_turn(request) if message["role"] == "user"]
        return "The tools said: " + "; ".join([*results, *shown])
    return f"You said: {last_user_text(request)} ✓ déjà vu"


def _text_of(content: Any) -> str:
    if isinstance(content, str):
        return content
    told: list[str] = []
    for part in content or []:
        if part["type"] == "text":
            told.append(part["text"])
        elif part["type"] == "image_url":
            told.append(f"<image {part['image_url']['url'][:22]}>")
        else:
            told.append(f"<{part['type']}>")
    return " ".join(told)


def _pieces(text: str) -> list[str]:
    return [text[start : start + PIECE_CHARACTERS] for start in range(0, len(text), PIECE_CHARACTERS)]


def _chunk(request: Json, number: int) -> Json:
    return {
        "id": f"chatcmpl-lab-{number}",
        "object": "chat.completion.chunk",
        "created": CREATED_S,
        "model": request["model"],
        "system_fingerprint": "fp_lab",
        "lab_extra": {"kept": True},
    }


def _deltas(answer: Json, logprobs: bool, *, interleaved: bool) -> Iterator[tuple[Json, str | None, Json | None]]:
    message = answer["message"]
    yield {"role": "assistant", "content": "" if message["content"] is not None else None}, None, None
    for piece in _pieces(message.get("reasoning_content") or ""):
        yield {"reasoning_content": piece}, None, None
    for piece in _pieces(message["content"] or ""):
        yield {"content": piece}, None, _logprobs([piece]) if logprobs else None
    for delta in _tool_deltas(message.get("tool_calls") or [], interleaved=interleaved):
        yield delta, None, None
    yield {}, answer["finish_reason"], None


def _tool_deltas(calls: list[Json], *, interleaved: bool) -> Iterator[Json]:
    """One call after the other, as the official client's stream helper needs it; or parts of all calls in turn."""
    told = [_one_tool(index, call) for index, call in enumerate(calls)]
    turns = zip_longest(*told) if interleaved else told
    return (delta for turn in turns for delta in turn if delta is not None)


def _one_tool(index: int, call: Json) -> list[Json]:
    head = {"index": index, "id": call["id"], "type": "function"}
    parts = [{**head, "function": {"name": call["function"]["name"], "arguments": ""}}]
    parts += [{"index": index, "function": {"arguments": piece}} for piece in _pieces(call["function"]["arguments"])]
    return [{"tool_calls": [part]} for part in parts]


def _logprobs(pieces: list[str]) -> Json:
    tokens = [{"token": piece, "logprob": -0.5, "bytes": list(piece.encode()), "top_logprobs": []} for piece in pieces]
    return {"content": tokens, "refusal": None}
