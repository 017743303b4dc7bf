"""What people and models say to each other: messages made of parts, whatever wire they came over.

Parts are pure values; identity and storage live elsewhere. Each part keeps the fields its own dialect sent and this
vocabulary has no name for in `extra`, so that the same dialect can write them back; another dialect must list them as
dropped.
"""

from typing import Any, Literal

from msgspec import Struct

Extra = dict[str, Any]
"""Unnamed JSON members of one object, as decoded values, in the order they came. A default of ``{}`` is a new one for
each value, and costs a seventh of what a factory would.
"""

Role = Literal["system", "developer", "user", "assistant", "tool"]


class Inline(Struct, frozen=True, tag="inline"):
    """Media carried in the request itself. `data` is standard base64 with padding, never decoded by the gateway."""

    media_type: str
    data: str


class Remote(Struct, frozen=True, tag="remote"):
    """Media behind an http(s) URL that somebody else must fetch."""

    url: str


class Stored(Struct, frozen=True, tag="stored"):
    """Media that the provider already holds, by the provider's own id."""

    file_id: str


Source = Inline | Remote | Stored


class Text(Struct, frozen=True, tag="text"):
    """Plain text."""

    text: str
    extra: Extra = {}


class Image(Struct, frozen=True, tag="image"):
    """A still image. `detail` is the reading effort some models take: low, high, auto."""

    source: Source
    detail: str | None = None
    extra: Extra = {}


class Audio(Struct, frozen=True, tag="audio"):
    """A sound. An inline source's media type is ``audio/<format>`` (``audio/mpeg`` for mp3)."""

    source: Source
    extra: Extra = {}


class Video(Struct, frozen=True, tag="video"):
    """A moving picture."""

    source: Source
    extra: Extra = {}


class Document(Struct, frozen=True, tag="document"):
    """A file to be read, a PDF in most cases."""

    source: Source
    filename: str | None = None
    extra: Extra = {}


class Reasoning(Struct, frozen=True, tag="reasoning"):
    """What a model thought. `signature` proves it to its provider; `encrypted` is thought we may not read but must
    replay.
    """

    text: str = ""
    signature: str | None = None
    encrypted: str | None = None
    extra: Extra = {}


class Refusal(Struct, frozen=True, tag="refusal"):
    """A model's own words for declining."""

    text: str
    extra: Extra = {}


class ToolCall(Struct, frozen=True, tag="tool_call"):
    """A model asks for a tool. `arguments` is the text the model wrote: JSON for functions, free text for custom
    tools.
    """

    id: str
    name: str
    arguments: str = ""
    kind: Literal["function", "custom"] = "function"
    extra: Extra = {}


class ToolResult(Struct, frozen=True, tag="tool_result"):
    """What a tool answered to the call `call_id`."""

    call_id: str
    parts: "tuple[Part, ...]" = ()
    is_error: bool = False
    extra: Extra = {}


class Opaque(Struct, frozen=True, tag="opaque"):
    """A part that only its own dialect understands: `kind` is its type there, `extra` everything else it holds."""

    kind: str
    extra: Extra = {}


Part = Text | Image | Audio | Video | Document | Reasoning | Refusal | ToolCall | ToolResult | Opaque


class Message(Struct, frozen=True):
    """One turn. A `tool` turn holds `ToolResult` parts only; `name` tells participants of one role apart."""

    role: Role
    parts: tuple[Part, ...] = ()
    name: str | None = None
    extra: Extra = {}
