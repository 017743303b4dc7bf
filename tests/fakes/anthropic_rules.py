"""What the Messages API refuses, as pure functions over a request: the fake provider is as strict as the real one.

The rules are those of https://platform.claude.com/docs/en/api/messages and its pages on thinking, tools and vision; the
sentences are this fake's own. A gateway that lets another dialect's fields through, or loses a signature, fails here.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

VERSIONS = ("2023-06-01", "2026-10-21")
IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")
LAB_FIELDS = {"lab_knob"}
"""Fields that the vendor has not: tests see by them that unknown fields travel."""
FIELDS = LAB_FIELDS | {
    *(
        "model",
        "max_tokens",
        "messages",
        "system",
        "stop_sequences",
        "stream",
        "temperature",
        "top_p",
        "top_k",
        "tools",
    ),
    *("tool_choice", "thinking", "metadata", "service_tier", "cache_control", "container", "output_config", "speed"),
    *("inference_geo", "diagnostics", "user_profile_id", "workspace_id"),
}
BETA_FIELDS = {"context_management": "context-management", "mcp_servers": "mcp-client", "output_format": "structured-"}
BLOCKS = {
    "text": {"text", "citations"},
    "image": {"source"},
    "document": {"source", "title", "context", "citations"},
    "tool_use": {"id", "name", "input", "caller"},
    "tool_result": {"tool_use_id", "content", "is_error"},
    "thinking": {"thinking", "signature"},
    "redacted_thinking": {"data"},
    "search_result": {"source", "title", "content", "citations"},
    "server_tool_use": {"id", "name", "input", "caller"},
    "web_search_tool_result": {"tool_use_id", "content", "caller"},
}
NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
ID = re.compile(r"[a-zA-Z0-9_-]+")


class Refused(Exception):
    """The request is not one that the API takes; the text says where and why."""


def sign(thinking: str) -> str:
    """The signature under a thinking block."""
    return base64.b64encode(hashlib.sha256(b"lab signs " + thinking.encode()).digest()).decode()


def redact(thinking: str) -> str:
    """A thinking block that its reader shall not read."""
    return base64.b64encode(b"lab hides " + thinking.encode()).decode()


def check(request: Json, version: str, betas: str) -> None:
    """Raises Refused on the first thing that the API does not take. `betas` is the header of that name."""
    need(version in VERSIONS, "anthropic-version: not one of " + ", ".join(VERSIONS))
    allowed = FIELDS | {field for field, beta in BETA_FIELDS.items() if beta in betas}
    for field in request:
        need(field in allowed, f"{field}: Extra inputs are not permitted")
    need(isinstance(request.get("model"), str), "model: Field required")
    need(
        isinstance(request.get("messages"), list) and request["messages"], "messages: at least one message is required"
    )
    if version == VERSIONS[1]:
        for field in ("temperature", "top_p", "top_k"):
            need(field not in request, f"{field}: no longer supported in this version")
    need(0 <= request.get("temperature", 1) <= 1, "temperature: range: 0..1")
    need(set(request.get("metadata") or {}) <= {"user_id"}, "metadata: Extra inputs are not permitted")
    check_system(request.get("system", "x"), "system")
    check_tools(request)
    check_thinking(request)
    check_messages(request)
    need(sum(1 for _ in marks(request)) <= 4, "cache_control: at most 4 blocks may have it")


def need(true: object, otherwise: str) -> None:
    """Raises Refused with these words unless it is true."""
    if not true:
        raise Refused(otherwise)


def blocks_of(content: Any) -> list[Json]:
    """The blocks of a content, which may be a string."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def marks(value: Any) -> Iterator[Json]:
    """Every `cache_control` in a request."""
    if isinstance(value, dict):
        if value.get("cache_control"):
            yield value["cache_control"]
        for key, part in value.items():
            if key not in {"input", "input_schema"}:
                yield from marks(part)
    elif isinstance(value, list):
        for part in value:
            yield from marks(part)


def check_system(system: Any, where: str) -> None:
    """A system prompt is text. Written as a string it may be empty, as there are clients that always send one."""
    if system == "":
        return
    for index, block in enumerate(blocks_of(system)):
        check_block(block, {"text"}, f"{where}.{index}")


def check_tools(request: Json) -> None:
    """Tools have names and schemas, and whoever is to choose one must exist."""
    tools = request.get("tools") or []
    names = [tool.get("name") for tool in tools]
    need(len(set(names)) == len(names), "tools: Tool names must be unique.")
    for index, tool in enumerate(tools):
        need(NAME.fullmatch(tool.get("name") or ""), f"tools.{index}.name: String should match pattern {NAME.pattern}")
        if tool.get("type", "custom") == "custom":
            schema = tool.get("input_schema") or {}
            need(schema.get("type") == "object", f"tools.{index}.custom.input_schema.type: Field required")
            known = {"type", "name", "description", "input_schema", "cache_control", "strict", "eager_input_streaming"}
            for field in set(tool) - known - {"defer_loading", "allowed_callers", "input_examples"}:
                need(False, f"tools.{index}.custom.{field}: Extra inputs are not permitted")
    if choice := request.get("tool_choice"):
        need(choice.get("type") in {"auto", "any", "tool", "none"}, "tool_choice.type: Input should be auto, any, …")
        need(tools, "tool_choice: may only be specified while providing tools")
        need(choice["type"] != "tool" or choice.get("name") in names, "tool_choice: Tool not found in provided tools")


def check_thinking(request: Json) -> None:
    """Thinking leaves no room for a forced tool or another temperature."""
    thinking: Json = request.get("thinking") or {"type": "disabled"}
    kind = thinking.get("type")
    need(kind in {"enabled", "disabled", "adaptive", "between_tools"}, "thinking.type: Input should be enabled, …")
    if kind == "disabled":
        return
    if kind == "enabled":
        budget: int = thinking.get("budget_tokens") or 0
        need(budget >= 1024, "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
        need(budget < request.get("max_tokens", budget + 1), "max_tokens: must be greater than thinking.budget_tokens")
    need(request.get("temperature", 1) == 1, "temperature: may only be set to 1 when thinking is enabled")
    forced = (request.get("tool_choice") or {}).get("type") in {"any", "tool"}
    need(not forced, "thinking: may not be enabled when tool_choice forces tool use")


def check_messages(request: Json) -> None:
    """Turns follow each other as the API wants them, every tool call answered at once."""
    messages = request["messages"]
    need(messages[0].get("role") != "assistant", "messages.0: first message must not use the assistant role")
    waiting: list[str] = []
    for index, message in enumerate(messages):
        where = f"messages.{index}"
        for field in set(message) - {"role", "content"} - LAB_FIELDS:
            need(False, f"{where}.{field}: Extra inputs are not permitted")
        need(message.get("role") in {"user", "assistant", "system"}, f"{where}.role: Input should be user or assistant")
        if message["role"] == "system":
            check_system(message["content"], where)
            continue
        blocks = blocks_of(message.get("content"))
        last_assistant = index == len(messages) - 1 and message["role"] == "assistant"
        need(blocks or last_assistant, f"{where}: all messages must have non-empty content")
        mine = BLOCKS.keys() - ({"tool_result"} if message["role"] == "assistant" else {"tool_use", "thinking"})
        for position, block in enumerate(blocks):
            check_block(block, mine, f"{where}.content.{position}")
        told = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        need(sorted(told) == sorted(waiting), f"{where}: tool_result blocks must answer the tool_use blocks")
        need(all(b["type"] == "tool_result" for b in blocks[: len(told)]), f"{where}: tool_result blocks come first")
        waiting = [block["id"] for block in blocks if block["type"] == "tool_use"]
        need(len(set(waiting)) == len(waiting), f"{where}: tool_use ids must be unique")
    need(not waiting, "messages: tool_use ids were found without tool_result blocks immediately after")
    check_order_of_thinking(request)


def check_order_of_thinking(request: Json) -> None:
    """While tools are at work, thinking of a fixed budget goes on from where it was: its block must be there."""
    messages, thinking = request["messages"], request.get("thinking") or {}
    if thinking.get("type") != "enabled" or len(messages) < 2 or messages[-1]["role"] != "user":
        return
    if any(block["type"] == "tool_result" for block in blocks_of(messages[-1]["content"])):
        before = next(m for m in reversed(messages) if m["role"] == "assistant")
        first = blocks_of(before["content"])[0]["type"]
        need(first in {"thinking", "redacted_thinking"}, f"messages: expected `thinking`, but found `{first}`")


def check_block(block: Json, kinds: set[str], where: str) -> None:
    """One block of content: of a kind that may stand there, with no field that its kind has not."""
    kind = str(block.get("type"))
    need(kind in kinds, f"{where}: Input tag '{kind}' found using 'type' does not match any of the expected tags")
    for field in set(block) - BLOCKS[kind] - {"type", "cache_control"} - LAB_FIELDS:
        need(False, f"{where}.{kind}.{field}: Extra inputs are not permitted")
    match kind:
        case "text":
            need(block["text"], f"{where}: text content blocks must be non-empty")
        case "image" | "document":
            check_source(block["source"], IMAGES if kind == "image" else ("application/pdf",), where)
        case "tool_use":
            need(ID.fullmatch(block["id"]), f"{where}.tool_use.id: String should match pattern {ID.pattern}")
            need(isinstance(block["input"], dict), f"{where}.tool_use.input: Input should be a valid dictionary")
        case "tool_result":
            for index, inner in enumerate(blocks_of(block.get("content", "x")) if block.get("content") else []):
                check_block(
                    inner, {"text", "image", "document", "search_result"}, f"{where}.tool_result.content.{index}"
                )
        case "thinking":
            need(block["signature"] == sign(block["thinking"]), f"{where}: Invalid `signature` in `thinking` block")
        case "redacted_thinking":
            genuine = base64.b64decode(block["data"]).startswith(b"lab hides ")
            need(genuine, f"{where}: Invalid `data` in `redacted_thinking` block")
        case _:
            pass


def check_source(source: Json, media_types: tuple[str, ...], where: str) -> None:
    """Where the bytes of a picture or a document come from."""
    match source.get("type"):
        case "base64":
            need(source.get("media_type") in media_types, f"{where}.source.base64.media_type: not one of {media_types}")
            try:
                base64.b64decode(source["data"], validate=True)
            except (binascii.Error, ValueError):
                need(False, f"{where}.source.base64.data: invalid base64 data")
        case "url":
            need(source["url"].startswith("https://"), f"{where}.source.url.url: Only HTTPS URLs are supported")
        case "text" if "application/pdf" in media_types:
            need(source.get("media_type") == "text/plain", f"{where}.source.text.media_type: text/plain is meant")
        case "content" if "application/pdf" in media_types:
            need(source["content"], f"{where}.source.content: empty")
        case kind:
            need(False, f"{where}.source: Input tag '{kind}' does not match any of the expected tags")
