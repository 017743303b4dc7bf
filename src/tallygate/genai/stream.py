"""A streamed answer as events. Readers of every dialect make them, writers of every dialect take them.

Folding the events of a stream (`assemble.py`) gives the same `ChatResponse` as reading the whole answer: that is a law
every dialect is tested for. Bytes and their spans are not known here; a reader pairs events with bytes in its frames.
"""

from typing import Any

from msgspec import Struct

from tallygate.errors import TallygateError
from tallygate.genai.chat import FinishReason
from tallygate.genai.messages import Extra
from tallygate.genai.usage import Usage


class Started(Struct, frozen=True):
    """The answer begins. Sent once, first. `created_s` is Unix seconds; `extra` belongs to the answer as a whole."""

    id: str
    model: str
    created_s: int = 0
    service_tier: str | None = None
    dialect: str = ""
    extra: Extra = {}


class TextDelta(Struct, frozen=True):
    """More text of choice `choice`. Neighbours of one `part` join to one `Text`; a member of `extra` joins likewise."""

    text: str
    choice: int = 0
    part: int = 0
    extra: Extra = {}


class ReasoningDelta(Struct, frozen=True):
    """More of the thought `part` of a choice; each part becomes one `Reasoning`.

    `signature` and `encrypted` arrive whole; a member of `extra`, the dialect's own detail, arrives once.
    """

    text: str = ""
    choice: int = 0
    part: int = 0
    signature: str | None = None
    encrypted: str | None = None
    extra: Extra = {}


class RefusalDelta(Struct, frozen=True):
    """More words of a refusal."""

    text: str
    choice: int = 0


class ToolCallStarted(Struct, frozen=True):
    """A tool call opens at position `index` of its choice. Id and name come exactly once, here."""

    index: int
    id: str
    name: str
    choice: int = 0
    kind: str = "function"
    extra: Extra = {}


class ToolArgumentsDelta(Struct, frozen=True):
    """More of the arguments' text of the tool call at `index`. Fragments join without a separator."""

    index: int
    text: str
    choice: int = 0


class OpaqueSeen(Struct, frozen=True):
    """A whole part that only its own dialect understands: an `Opaque`."""

    kind: str
    choice: int = 0
    extra: Extra = {}


class ExtraDelta(Struct, frozen=True):
    """Members of a choice's delta that the vocabulary has no name for (audio, annotations, …), as they came."""

    extra: Extra
    choice: int = 0


class LogprobsDelta(Struct, frozen=True):
    """Log probabilities of the tokens just sent, as the provider sent them."""

    logprobs: Any
    choice: int = 0


class Finished(Struct, frozen=True):
    """A choice is complete."""

    reason: FinishReason
    choice: int = 0
    stop_sequence: str | None = None
    extra: Extra = {}


class UsageSeen(Struct, frozen=True):
    """Counts for the whole call so far; a later one, with its `extra`, replaces an earlier one."""

    usage: Usage
    extra: Extra = {}


class Ping(Struct, frozen=True):
    """A sign of life without content."""


class Failed(Struct, frozen=True):
    """The provider said inside the stream that it failed. Nothing that looks like an end may follow."""

    error: TallygateError


class Ended(Struct, frozen=True):
    """The provider's own end of the stream. `extra`: unnamed members of the answer that came after its beginning."""

    extra: Extra = {}


Event = (
    Started
    | TextDelta
    | ReasoningDelta
    | RefusalDelta
    | ToolCallStarted
    | ToolArgumentsDelta
    | OpaqueSeen
    | ExtraDelta
    | LogprobsDelta
    | Finished
    | UsageSeen
    | Ping
    | Failed
    | Ended
)
