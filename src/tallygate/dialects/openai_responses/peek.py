"""What the walk must know of a raw request, and the refusal of what no provider of this tongue would take here.

The check is tolerant on purpose: a field without a name here goes to the provider unread, and so does an item or a tool
beyond its type. What lies stored at a provider is refused by name: the provider knows one customer, this gateway, whose
callers must not read each other's answers, and nobody here can see how much of it there is.
Source: developers.openai.com/api/reference/responses.
"""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Raw, Struct

from tallygate.dialects.faults import explain, name_kind
from tallygate.dialects.openai_responses.items import REFERENCE
from tallygate.dialects.openai_responses.marks import is_unkept
from tallygate.dialects.openai_responses.request import TOKENS_MAX
from tallygate.dialects.scan import outline
from tallygate.errors import InvalidValue, MissingField, UnsupportedParameter
from tallygate.genai.peek import Peek

_MODEL_CHARACTERS_MAX: Final = 256


class _Object(Struct):
    """Any JSON object."""


class _Typed(Struct):
    type: str


class _Item(Struct):
    type: str | None = None
    id: Any = None
    role: Literal["user", "assistant", "system", "developer"] | None = None
    content: Raw = Raw()  # may be megabytes of picture: looked at, never decoded


class _Body(Struct):
    model: Annotated[str, Meta(min_length=1, max_length=_MODEL_CHARACTERS_MAX)]
    input: Raw = Raw()
    instructions: str | None = None
    stream: bool | None = None
    max_output_tokens: Annotated[int, Meta(ge=1, le=TOKENS_MAX)] | None = None
    max_tool_calls: Annotated[int, Meta(ge=0, le=TOKENS_MAX)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    tools: list[_Typed] | None = None
    tool_choice: str | _Typed | None = None
    text: _Object | None = None
    reasoning: _Object | None = None
    metadata: _Object | None = None
    store: bool | None = None
    background: bool | None = None


_BODY = msgspec.json.Decoder(_Body)
_ITEMS = msgspec.json.Decoder(list[_Item])
_PARTS = msgspec.json.Decoder(list[_Typed])

_INPUT = "a string or a list of at least one item"
_CONTENT = "a string or a list of parts"
_TYPED = "an object with a type"
# What a field at this path must be. Indices are left out of the path.
_EXPECTED = {
    "model": f"a string of 1 to {_MODEL_CHARACTERS_MAX} characters",
    "input": _INPUT,
    "input[]": "an object with a type",
    "input[].type": "a string such as message or function_call_output",
    "input[].role": "one of user, assistant, system and developer",
    "input[].content": _CONTENT,
    "input[].content[]": _TYPED,
    "input[].content[].type": "a string such as input_text or input_image",
    "instructions": "a string",
    "stream": "true or false",
    "max_output_tokens": f"a whole number from 1 to {TOKENS_MAX}",
    "max_tool_calls": f"a whole number from 0 to {TOKENS_MAX}",
    "temperature": "a number from 0 to 2",
    "top_p": "a number from 0 to 1",
    "tools": "a list of objects with a type",
    "tools[]": _TYPED,
    "tools[].type": "a string such as function or web_search",
    "tool_choice": "a string or an object with a type",
    "tool_choice.type": "a string such as function",
    "text": "an object",
    "reasoning": "an object",
    "metadata": "an object",
    "store": "true or false",
    "background": "true or false",
}

# Members that lead to what lies at the provider, and how to do without.
_STORED: Final = {
    "previous_response_id": "Earlier answers are not kept here; send the whole conversation as `input`.",
    "conversation": "Conversations are not kept here; send the whole conversation as `input`.",
    "prompt": "Prompts that lie at a provider cannot be seen here; send `instructions` and `input`.",
}


def peek(body: bytes, depth_max: int) -> Peek:
    """Outline a request and check the fields that decide where it goes and what it may cost.

    Raises what `scan.outline` raises, MissingField, InvalidValue, and UnsupportedParameter for what is stored
    elsewhere; `param` is a path such as ``input[0].role``.
    """
    shape = outline(body, depth_max)
    try:
        read = _BODY.decode(body)
    except msgspec.ValidationError as error:
        raise explain(error, _EXPECTED) from None
    for name, instead in _STORED.items():
        span = shape.spans.get(name)
        if span is not None and body[span.value_start : span.end] != b"null":
            raise UnsupportedParameter(f"`{name}` is not supported. {instead}", param=name)
    if read.background:
        raise UnsupportedParameter(
            "`background` is not supported: an answer is given at once and not kept.", param="background"
        )
    _check_input(read.input)
    stream = bool(read.stream)
    return Peek(
        model=read.model,
        stream=stream,
        # Streams of this wire always tell the usage: a client never has to ask.
        include_usage=stream,
        output_tokens_max=read.max_output_tokens,
        depth=shape.depth,
        body_bytes=len(body),
        spans=shape.spans,
    )


def _check_input(value: Raw) -> None:
    if not len(value):
        raise MissingField(f"`input` is missing; it must be {_INPUT}.", param="input")
    first = memoryview(value)[0]
    if first == ord('"'):
        return
    if first != ord("["):
        raise InvalidValue(f"`input` must be {_INPUT}, not {name_kind(first)}.", param="input")
    try:
        items = _ITEMS.decode(value)
    except msgspec.ValidationError as error:
        raise explain(error, _EXPECTED, "input") from None
    if not items:
        raise InvalidValue(f"`input` must be {_INPUT}.", param="input")
    for index, item in enumerate(items):
        _check_item(item, f"input[{index}]")


def _check_item(item: _Item, path: str) -> None:
    if (item.type == REFERENCE and not is_unkept(item.id)) or (item.type is None and item.role is None):
        raise UnsupportedParameter(
            f"`{path}` refers to an item that lies at a provider; send the item itself, and `store: false`.", param=path
        )
    if item.type not in (None, "message"):
        return
    if item.role is None:
        raise MissingField(f"`{path}.role` is missing; it must be {_EXPECTED['input[].role']}.", param=f"{path}.role")
    _check_content(item.content, f"{path}.content")


def _check_content(content: Raw, path: str) -> None:
    if not len(content):
        raise MissingField(f"`{path}` is missing; it must be {_CONTENT}.", param=path)
    first = memoryview(content)[0]
    if first == ord('"'):
        return
    if first != ord("["):
        raise InvalidValue(f"`{path}` must be {_CONTENT}, not {name_kind(first)}.", param=path)
    try:
        _PARTS.decode(content)
    except msgspec.ValidationError as error:
        raise explain(error, _EXPECTED, path) from None
