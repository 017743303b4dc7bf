"""What the test models read of a chat request (developers.openai.com/api/reference/chat-completions): leniently, only
what they act on. They read it with types of their own, so that they also try what our codec writes.
"""

from typing import Any

from msgspec import Struct, field


class Part(Struct, frozen=True):
    """One part of a message's content; anything but text has a type alone."""

    type: str
    text: str = ""


class Message(Struct, frozen=True):
    """One message."""

    role: str
    content: str | tuple[Part, ...] | None = None

    @property
    def text(self) -> str:
        """The text of all its parts, one under the other."""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(part.text for part in self.content or () if part.type == "text")

    @property
    def media_count(self) -> int:
        """How many of its parts are not text."""
        return 0 if isinstance(self.content, str) else sum(part.type != "text" for part in self.content or ())


class Function(Struct, frozen=True):
    """A tool's name, and the JSON schema of its arguments."""

    name: str
    parameters: dict[str, Any] | None = None


class Tool(Struct, frozen=True):
    """A tool; only functions are called here."""

    type: str
    function: Function | None = None


class Name(Struct, frozen=True):
    """A function by its name."""

    name: str


class Reference(Struct, frozen=True):
    """A tool by its name."""

    function: Name | None = None


class Allowed(Struct, frozen=True):
    """Some of the tools, by name."""

    tools: tuple[Reference, ...] = ()


class Choice(Struct, frozen=True):
    """A tool choice that names tools."""

    type: str
    function: Name | None = None
    allowed_tools: Allowed | None = None


class Schema(Struct, frozen=True):
    """The JSON schema that an answer must fit."""

    schema: dict[str, Any] = field(default_factory=dict[str, Any])


class Format(Struct, frozen=True):
    """The shape that an answer must have."""

    type: str
    json_schema: Schema | None = None


class StreamOptions(Struct, frozen=True):
    """What a stream should hold besides its content."""

    include_usage: bool | None = None


class Request(Struct, frozen=True):
    """A chat request."""

    model: str
    messages: tuple[Message, ...]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    stop: str | tuple[str, ...] | None = None
    n: int | None = None
    tools: tuple[Tool, ...] | None = None
    tool_choice: str | Choice | None = None
    parallel_tool_calls: bool | None = None
    response_format: Format | None = None

    @property
    def cap(self) -> int | None:
        """The most tokens each answer may have."""
        return self.max_tokens if self.max_completion_tokens is None else self.max_completion_tokens

    @property
    def stops(self) -> tuple[str, ...]:
        """The texts that end an answer before they appear in it."""
        given = (self.stop,) if isinstance(self.stop, str) else self.stop or ()
        return tuple(text for text in given if text)

    @property
    def include_usage(self) -> bool:
        """Whether a stream is to end with its usage."""
        return self.stream_options is not None and bool(self.stream_options.include_usage)
