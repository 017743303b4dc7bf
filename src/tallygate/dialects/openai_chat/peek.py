"""What the walk must know of a raw chat request, and the refusal of what no provider of this tongue would take.

The check is tolerant on purpose: a field without a name here goes to the provider unread, and so does what stands
inside a message's parts beyond their type. Building the request as a value is the reader's work, not this file's.
Source: platform.openai.com/docs/api-reference/chat/create; the bounds are the widest that providers of this dialect
take. The members `own` are this gateway's, and no provider's (docs/reference/run.md).
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Raw, Struct

from tallygate.dialects.faults import explain, name_kind
from tallygate.dialects.openai_chat import own
from tallygate.dialects.scan import list_members, outline
from tallygate.errors import DuplicateKey, InvalidValue, MissingField
from tallygate.genai.peek import Peek, Span

_TOKENS_MAX: Final = 2**31 - 1
_N_MAX: Final = 128
_STOPS_MAX: Final = 16
_STOP_CHARACTERS_MAX: Final = 1_024
_MODEL_CHARACTERS_MAX: Final = 256

_Tokens = Annotated[int, Meta(ge=1, le=_TOKENS_MAX)]
_Stop = Annotated[str, Meta(min_length=1, max_length=_STOP_CHARACTERS_MAX)]


class _Object(Struct):
    """Any JSON object."""


class _Part(Struct):
    type: str


class _Message(Struct):
    role: Literal["developer", "system", "user", "assistant", "tool", "function"]
    content: Raw = Raw()  # may be megabytes of picture: looked at, never decoded


class _StreamOptions(Struct):
    include_usage: bool | None = None


class _Body(Struct):
    model: Annotated[str, Meta(min_length=1, max_length=_MODEL_CHARACTERS_MAX)]
    messages: Annotated[list[_Message], Meta(min_length=1)]
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    max_tokens: _Tokens | None = None
    max_completion_tokens: _Tokens | None = None
    n: Annotated[int, Meta(ge=1, le=_N_MAX)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    stop: _Stop | Annotated[list[_Stop], Meta(max_length=_STOPS_MAX)] | None = None
    tools: list[_Object] | None = None
    tool_choice: str | _Object | None = None
    response_format: _Object | None = None
    system: Raw = Raw()
    trace_id: Annotated[str, Meta(min_length=1, max_length=own.TRACE_CHARACTERS_MAX)] | None = None
    run: bool | None = None


_BODY = msgspec.json.Decoder(_Body)
_PARTS = msgspec.json.Decoder(list[_Part])

_A_STOP = f"a string of 1 to {_STOP_CHARACTERS_MAX} characters"
_CONTENT = "a string or a list of parts"
# What a field at this path must be. Indices are left out of the path.
_EXPECTED = {
    "model": f"a string of 1 to {_MODEL_CHARACTERS_MAX} characters",
    "messages": "a list of at least one message",
    "messages[]": "an object with a role and content",
    "messages[].role": "one of developer, system, user, assistant, tool and function",
    "messages[].content": _CONTENT,
    "messages[].content[]": "an object with a type",
    "messages[].content[].type": "a string such as text or image_url",
    "stream": "true or false",
    "stream_options": "an object",
    "stream_options.include_usage": "true or false",
    "max_tokens": f"a whole number from 1 to {_TOKENS_MAX}",
    "max_completion_tokens": f"a whole number from 1 to {_TOKENS_MAX}",
    "n": f"a whole number from 1 to {_N_MAX}",
    "temperature": "a number from 0 to 2",
    "top_p": "a number from 0 to 1",
    "seed": "a whole number of at most 64 bits",
    "stop": f"{_A_STOP}, or a list of at most {_STOPS_MAX} of them",
    "stop[]": _A_STOP,
    "tools": "a list of objects",
    "tools[]": "an object",
    "tool_choice": "a string or an object",
    "response_format": "an object",
    "system": _CONTENT,
    "system[]": "an object with a type",
    "system[].type": "a string such as text",
    "trace_id": f"a string of 1 to {own.TRACE_CHARACTERS_MAX} characters",
    "run": "true or false",
}


def peek(body: bytes, depth_max: int) -> Peek:
    """Outline a chat request and check the fields that decide where it goes and what it may cost.

    Raises what `scan.outline` raises, MissingField, and InvalidValue; `param` is a path such as ``messages[0].role``.
    """
    shape = outline(body, depth_max)
    try:
        read = _BODY.decode(body)
    except msgspec.ValidationError as error:
        raise explain(error, _EXPECTED) from None
    for index, message in enumerate(read.messages):
        _check_content(message.content, f"messages[{index}].content", message.role)
    if len(read.system):
        _check_content(read.system, "system", "")
    options = read.stream_options
    if options is not None:
        _check_options(body, shape.spans["stream_options"])
    look = Peek(
        model=read.model,
        stream=bool(read.stream),
        include_usage=options is not None and bool(options.include_usage),
        output_tokens_max=_choose_cap(read),
        n=read.n or 1,
        has_system="system" in shape.spans,
        depth=shape.depth,
        body_bytes=len(body),
        spans=shape.spans,
    )
    return look if own.NAMES.isdisjoint(shape.spans) else own.mark(look, body)


def _choose_cap(read: _Body) -> int | None:
    older, newer = read.max_tokens, read.max_completion_tokens
    if older is not None and newer is not None and older != newer:
        raise InvalidValue(
            f"`max_tokens` is {older} and `max_completion_tokens` is {newer}; give one of them.", param="max_tokens"
        )
    return older if newer is None else newer


_MAY_BE_SILENT = frozenset({"assistant", ""})
"""Whose content may be null: an assistant turn may be tool calls only. The empty name is the top-level `system`."""


def _check_content(content: Raw, path: str, role: str) -> None:
    if not len(content):
        if role in _MAY_BE_SILENT:
            return
        raise MissingField(f"`{path}` is missing; it must be {_CONTENT}.", param=path)
    first = memoryview(content)[0]
    if first == ord('"') or (first == ord("n") and role in _MAY_BE_SILENT):
        return
    if first != ord("["):
        silent = ", or null" if role in _MAY_BE_SILENT else ""
        raise InvalidValue(f"`{path}` must be {_CONTENT}{silent}, not {name_kind(first)}.", param=path)
    try:
        _PARTS.decode(content)
    except msgspec.ValidationError as error:
        raise explain(error, _EXPECTED, path) from None


def _check_options(body: bytes, span: Span) -> None:
    """Refuse a second `include_usage`: our reader takes the last, the provider's may take the first."""
    value = body[span.value_start : span.end]
    if value.count(b"include_usage") < 2 and b"\\" not in value:
        return
    if [key for key, _ in list_members(value)].count("include_usage") > 1:
        path = "stream_options.include_usage"
        raise DuplicateKey(f"`{path}` stands twice, so its meaning is not certain.", param=path)
