"""What the fake Anthropic provider answers: pure functions from a request to a message and to the events of its stream.

Nothing here knows a socket. Shapes and the order of events follow https://platform.claude.com/docs/en/api/messages and
its page on streaming, with one field nobody has heard of (`lab_extra`), so that tests can see unknown fields survive.
"""

import json
from collections.abc import Iterator
from typing import Any

from tests.fakes.anthropic_rules import blocks_of, redact, sign
from tests.fakes.openai_answers import instance_of
from tests.fakes.script import Step, step_of

Json = dict[str, Any]

PIECE_CHARACTERS = 5
THOUGHT = "Let me think about that."
CITED = "cited words"


def last_user_text(request: Json) -> str:
    """The text of the last user message, its blocks joined by a blank."""
    for message in reversed(request["messages"]):
        if message["role"] == "user":
            return text_of(message["content"])
    return ""


def whole(request: Json, number: int) -> Json:
    """The body of a whole answer. `number` makes the id."""
    content, stop_reason, stop_sequence = _play(request)
    return {
        "id": f"msg_lab_{number}",
        "type": "message",
        "role": "assistant",
        "model": request["model"],
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": stop_sequence,
        "usage": {**usage(request), **_output(content)},
        "lab_extra": {"kept": True},
    }


def usage(request: Json) -> Json:
    """The input as this provider counts it: words, one of them read from a cache and one written to it if asked for."""
    written = int("cache_control" in json.dumps(request))
    return {
        "input_tokens": input_tokens(request),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": 1,
        "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
        "output_tokens": 1,
        "service_tier": "standard",
    }


def input_tokens(request: Json) -> int:
    """Tokens of what the caller wrote: words of the JSON."""
    counted = {key: value for key, value in request.items() if key in {"messages", "system", "tools"}}
    return len(json.dumps(counted).split())


def events(request: Json, number: int) -> Iterator[Json]:
    """The events of a streamed answer in order, each named by its `type`; a `ping` stands where the vendor has one."""
    message = whole(request, number)
    yield {
        "type": "message_start",
        "message": {**message, "content": [], "stop_reason": None, "stop_sequence": None, "usage": usage(request)},
    }
    for index, block in enumerate(message["content"]):
        head, deltas = _parted(block)
        yield {"type": "content_block_start", "index": index, "content_block": head}
        if index == 0:
            yield {"type": "ping"}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    yield {
        "type": "message_delta",
        "delta": {"stop_reason": message["stop_reason"], "stop_sequence": message["stop_sequence"]},
        "usage": {**_input_so_far(request), **_output(message["content"])},
    }
    yield {"type": "message_stop"}


def text_of(content: Any) -> str:
    """What a content says, in one line; pictures and documents by their kind."""
    told: list[str] = []
    for block in blocks_of(content):
        if block["type"] == "text":
            told.append(block["text"])
        elif block["type"] in {"image", "document"}:
            source = block["source"]
            told.append(f"<{block['type']} {source.get('media_type') or source.get('url') or source['type']}>")
        elif block["type"] != "tool_result":
            told.append(f"<{block['type']}>")
    return " ".join(told)


def _play(request: Json) -> tuple[list[Json], str, str | None]:
    step = step_of([(m["role"], text_of(m["content"])) for m in request["messages"]]) if request.get("tools") else None
    if step is not None:
        return _perform(request, step)
    content = _thoughts(request)
    if _wants_tools(request):
        calls = [
            {"type": "tool_use", "id": f"toolu_lab_{index}", "name": t["name"], "input": instance_of(t["input_schema"])}
            for index, t in enumerate(_chosen_tools(request))
        ]
        return [*content, *calls], "tool_use", None
    if request["model"] == "up-refuse":
        return content, "refusal", None
    if request["model"] == "up-search":
        return [*content, *_search()], "end_turn", None
    text, stop_reason, stop_sequence = _cut_short(request, _text(request))
    block: Json = {"type": "text", "text": text}
    if request["model"] == "up-cite":
        where = {"document_index": 0, "document_title": None, "start_char_index": 0, "end_char_index": len(CITED)}
        block["citations"] = [{"type": "char_location", "cited_text": CITED, **where, "file_id": None}]
    return [*content, block], stop_reason, stop_sequence


def _perform(request: Json, step: Step) -> tuple[list[Json], str, str | None]:
    known = {tool["name"] for tool in request["tools"]}
    calls = step.get("calls", [])
    assert {call["name"] for call in calls} <= known, f"the script calls tools that were not offered: {calls}"
    number = sum(len(blocks_of(message["content"])) for message in request["messages"])
    content: list[Json] = []
    if think := step.get("think"):
        content.append({"type": "thinking", "thinking": think, "signature": sign(think)})
    if say := step.get("say"):
        content.append({"type": "text", "text": say})
    content.extend({"type": "tool_use", "id": f"toolu_lab_{number}_{i}", **call} for i, call in enumerate(calls))
    return content, "tool_use" if calls else "end_turn", None


def _thoughts(request: Json) -> list[Json]:
    asked = (request.get("thinking") or {}).get("type") in {"enabled", "adaptive"}
    if request["model"] == "up-redact":
        return [{"type": "redacted_thinking", "data": redact(THOUGHT)}]
    if asked or request["model"] == "up-think":
        return [{"type": "thinking", "thinking": THOUGHT, "signature": sign(THOUGHT)}]
    return []


def _results(request: Json) -> list[Json]:
    return [b for m in request["messages"] for b in blocks_of(m["content"]) if b["type"] == "tool_result"]


def _wants_tools(request: Json) -> bool:
    answered = any(block["type"] == "tool_result" for block in blocks_of(request["messages"][-1]["content"]))
    return bool(_chosen_tools(request)) and not answered


def _chosen_tools(request: Json) -> list[Json]:
    choice = request.get("tool_choice") or {"type": "auto"}
    tools = [tool for tool in request.get("tools") or [] if tool.get("type", "custom") == "custom"]
    if choice["type"] == "none":
        return []
    if choice["type"] == "tool":
        tools = [tool for tool in tools if tool["name"] == choice["name"]]
    return tools[:1] if choice.get("disable_parallel_tool_use") else tools


def _text(request: Json) -> str:
    form = (request.get("output_config") or {}).get("format") or request.get("output_format") or {}
    if form.get("type") == "json_schema":
        return json.dumps(instance_of(form["schema"]))
    if results := _results(request):
        return "The tools said: " + "; ".join(text_of(block.get("content") or "") for block in results)
    return f"You said: {last_user_text(request)} ✓ déjà vu"


def _cut_short(request: Json, text: str) -> tuple[str, str, str | None]:
    for stop in request.get("stop_sequences") or []:
        if stop in text:
            return text[: text.index(stop)], "stop_sequence", stop
    cap = request["max_tokens"] * PIECE_CHARACTERS
    return (text[:cap], "max_tokens", None) if len(text) > cap else (text, "end_turn", None)


def _search() -> list[Json]:
    found = {"type": "web_search_result", "url": "https://lab.invalid/a", "title": "A", "encrypted_content": "bGFi"}
    quote = {"url": found["url"], "title": "A", "encrypted_index": "bGFi", "cited_text": CITED}
    return [
        {"type": "server_tool_use", "id": "srvtoolu_lab_1", "name": "web_search", "input": {"query": "a b"}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_lab_1", "content": [{**found, "page_age": None}]},
        {"type": "text", "text": "Found it.", "citations": [{"type": "web_search_result_location", **quote}]},
    ]


def _input_so_far(request: Json) -> Json:
    """What the end of a stream says of the input once more: there are clients that read it nowhere else."""
    counted = usage(request)
    return {name: counted[name] for name in counted if name.endswith("input_tokens")}


def _output(content: list[Json]) -> Json:
    """The part of the usage that is known at the end."""
    thinking_tokens = sum(len(_pieces(block.get("thinking", ""))) for block in content)
    output_tokens = 1 + thinking_tokens + sum(len(_pieces(json.dumps(block))) for block in content)
    return {"output_tokens": output_tokens, "output_tokens_details": {"thinking_tokens": thinking_tokens}}


def _pieces(text: str) -> list[str]:
    return [text[start : start + PIECE_CHARACTERS] for start in range(0, len(text), PIECE_CHARACTERS)]


def _parted(block: Json) -> tuple[Json, list[Json]]:
    """A block as its stream begins it, and what follows."""
    match block["type"]:
        case "text":
            head = {**block, "text": "", **({"citations": []} if "citations" in block else {})}
            cited = [{"type": "citations_delta", "citation": citation} for citation in block.get("citations", [])]
            return head, [*({"type": "text_delta", "text": piece} for piece in _pieces(block["text"])), *cited]
        case "thinking":
            told: list[Json] = [{"type": "thinking_delta", "thinking": piece} for piece in _pieces(block["thinking"])]
            return {**block, "thinking": "", "signature": ""}, [
                *told,
                {"type": "signature_delta", "signature": block["signature"]},
            ]
        case "tool_use" | "server_tool_use":
            pieces = ["", *_pieces(json.dumps(block["input"]))]
            return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
        case _:
            return block, []
