"""What the walk must know of a raw messages request, and the refusal of what no provider of this tongue would take.

The check is tolerant on purpose: a field without a name here goes to the provider unread, and so does what stands
inside a block beyond its type. Building the request as a value is the reader's work, not this file's.
Source: platform.claude.com/docs/en/api/messages; for the versions, its page on versioning.
"""

import re
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Raw, Struct

from tallygate.dialects.faults import explain, name_kind
from tallygate.dialects.scan import Outline, outline
from tallygate.errors import InvalidValue, MissingField, UnsupportedParameter
from tallygate.genai.peek import Peek

TOKENS_MAX: Final = 2**31 - 1
STOPS_MAX: Final = 1_024

THREAD: Final = "thread"

_MODEL_CHARACTERS_MAX: Final = 256

# Zero fills the provider's prompt cache and generates nothing.
_Tokens = Annotated[int, Meta(ge=0, le=TOKENS_MAX)]


class _Object(Struct):
    """Any JSON object."""


class _Typed(Struct):
    type: str


class _Message(Struct):
    role: Literal["user", "assistant", "system"]
    content: Raw = Raw()  # may be megabytes of picture: looked at, never decoded


class _Request(Struct):
    model: Annotated[str, Meta(min_length=1, max_length=_MODEL_CHARACTERS_MAX)]
    messages: Annotated[list[_Message], Meta(min_length=1)]
    stream: bool | None = None
    temperature: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_k: Annotated[int, Meta(ge=0, le=TOKENS_MAX)] | None = None
    stop_sequences: Annotated[list[str], Meta(max_length=STOPS_MAX)] | None = None
    tools: list[_Object] | None = None
    tool_choice: _Typed | None = None
    thinking: _Typed | None = None
    metadata: _Object | None = None
    output_config: _Object | None = None
    system: Raw = Raw()


class _Generating(_Request, kw_only=True):
    max_tokens: _Tokens


class _Counting(_Request, kw_only=True):
    max_tokens: _Tokens | None = None


_GENERATING = msgspec.json.Decoder(_Generating)
_COUNTING = msgspec.json.Decoder(_Counting)
_BLOCKS = msgspec.json.Decoder(list[_Typed])

_CONTENT = "a string or a list of blocks"
_BLOCK = "an object with a type"
# What a field at this path must be. Indices are left out of the path.
_EXPECTED = {
    "model": f"a string of 1 to {_MODEL_CHARACTERS_MAX} characters",
    "max_tokens": f"a whole number from 0 to {TOKENS_MAX}",
    "messages": "a list of at least one message",
    "messages[]": "an object with a role and content",
    "messages[].role": "one of user, assistant and system",
    "messages[].content": _CONTENT,
    "messages[].content[]": _BLOCK,
    "messages[].content[].type": "a string such as text or image",
    "stream": "true or false",
    "temperature": "a number from 0 to 1",
    "top_p": "a number from 0 to 1",
    "top_k": f"a whole number from 0 to {TOKENS_MAX}",
    "stop_sequences": f"a list of at most {STOPS_MAX} strings",
    "stop_sequences[]": "a string",
    "tools": "a list of objects",
    "tools[]": "an object",
    "tool_choice": _BLOCK,
    "tool_choice.type": "a string such as auto or any",
    "thinking": _BLOCK,
    "thinking.type": "a string such as adaptive or disabled",
    "metadata": "an object",
    "output_config": "an object",
    "system": _CONTENT,
    "system[]": _BLOCK,
    "system[].type": "a string such as text",
}


def peek(body: bytes, depth_max: int) -> Peek:
    """Outline a messages request and check the fields that decide where it goes and what it may cost.

    Raises what `scan.outline` raises, MissingField, InvalidValue, and UnsupportedParameter for a thread; `param` is a
    path such as ``messages[0].role``.
    """
    shape = outline(body, depth_max)
    try:
        read = _GENERATING.decode(body)
    except msgspec.ValidationError as error:
        raise explain(error, _EXPECTED) from None
    _refuse_thread(body, shape)
    return _outlined(read, read.max_tokens, shape, len(body))


def peek_count(body: bytes, depth_max: int) -> Peek:
    """The same for a request to count tokens, which needs no `max_tokens` and does not stream."""
    shape = outline(body, depth_max)
    try:
        read = _COUNTING.decode(body)
    except msgspec.ValidationError as error:
        raise explain(error, _EXPECTED) from None
    read.stream = False
    _refuse_thread(body, shape)
    return _outlined(read, read.max_tokens, shape, len(body))


def _refuse_thread(body: bytes, shape: Outline) -> None:
    """A conversation that lies at the provider (platform.claude.com/docs/en/build-with-claude/message-threads).

    Nobody here can see how much of it there is, and the provider knows one customer, this gateway, whose callers must
    not read each other's. The vendor's clients go on without a thread when they are told so in the vendor's words.
    """
    span = shape.spans.get(THREAD)
    if span is not None and body[span.value_start : span.end] != b"null":
        raise UnsupportedParameter(
            f"`{THREAD}` is not supported: conversations are not kept here. Send the whole one as `messages`.",
            param=THREAD,
        )


def _outlined(read: _Request, output_tokens_max: int | None, shape: Outline, body_bytes: int) -> Peek:
    for index, message in enumerate(read.messages):
        _check_content(message.content, f"messages[{index}].content")
    if len(read.system) and bytes(read.system) != b"null":
        _check_content(read.system, "system")
    stream = bool(read.stream)
    return Peek(
        model=read.model,
        stream=stream,
        # Streams of this wire always tell the usage: a client never has to ask.
        include_usage=stream,
        output_tokens_max=output_tokens_max,
        depth=shape.depth,
        body_bytes=body_bytes,
        spans=shape.spans,
    )


def _check_content(content: Raw, path: str) -> None:
    if not len(content):
        raise MissingField(f"`{path}` is missing; it must be {_CONTENT}.", param=path)
    first = memoryview(content)[0]
    if first == ord('"'):
        return
    if first != ord("["):
        raise InvalidValue(f"`{path}` must be {_CONTENT}, not {name_kind(first)}.", param=path)
    try:
        _BLOCKS.decode(content)
    except msgspec.ValidationError as error:
        raise explain(error, _EXPECTED, path) from None


_VERSION_WITHOUT_SAMPLING: Final = "2026-10-21"
"""The API version that took sampling parameters out, and two uses of blocks that never meant anything."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_SAMPLING = ("temperature", "top_p", "top_k")


class _Cited(Struct):
    type: str
    citations: Raw = Raw()


class _Turn(Struct):
    role: str
    content: str | list[_Cited]


class _Turns(Struct):
    messages: list[_Turn]


_TURNS = msgspec.json.Decoder(_Turns)


def _refuses_sampling(version: str) -> bool:
    """True for a value of `anthropic-version` under which sampling parameters are an error. Unknown words are not."""
    return _DATE.fullmatch(version) is not None and version >= _VERSION_WITHOUT_SAMPLING


def check_version(body: bytes, peek: Peek, version: str | None) -> None:
    """Refuse what the API version in the header does not take. `peek` must be of these bytes.

    Raises InvalidValue: under 2026-10-21 and later for sampling parameters, documents in assistant turns, and citations
    on text of user turns. An absent or unknown version is the oldest.
    """
    if version is None or not _refuses_sampling(version):
        return
    for name in _SAMPLING:
        if name in peek.spans:
            raise InvalidValue(f"`{name}` is not taken by API version {version}; leave it out.", param=name)
    for place, turn in enumerate(_TURNS.decode(body).messages):
        for index, block in enumerate(turn.content if isinstance(turn.content, list) else ()):
            path = f"messages[{place}].content[{index}]"
            if turn.role == "assistant" and block.type == "document":
                raise InvalidValue(f"`{path}`: no documents in assistant turns in API version {version}.", param=path)
            if turn.role == "user" and block.type == "text" and _says_something(block.citations):
                path += ".citations"
                raise InvalidValue(f"`{path}`: no citations on a user's text in API version {version}.", param=path)


def _says_something(citations: Raw) -> bool:
    """An empty list, or null, cites nothing and is taken."""
    return len(citations) > 0 and bytes(citations).translate(None, b" \t\r\n") not in (b"null", b"[]")
