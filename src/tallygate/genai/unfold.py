"""From a whole answer to the events of the stream it might have been: the inverse of `assemble`.

Pure, and the same for every dialect. It serves a client that asked for a stream when its provider answers only whole.
"""

from collections.abc import Iterator

from tallygate.errors import InvalidAnswer
from tallygate.genai import stream
from tallygate.genai.chat import ChatResponse, Choice
from tallygate.genai.messages import Opaque, Reasoning, Refusal, Text, ToolCall


def unfold(response: ChatResponse) -> list[stream.Event]:
    """The events in order, `Ended` last. `assemble(unfold(r)) == r`, but for neighbouring refusals, which join.

    Raises InvalidAnswer for a part that no event can carry (a picture, a file).
    """
    events: list[stream.Event] = [
        stream.Started(
            id=response.id,
            model=response.model,
            created_s=response.created_s,
            service_tier=response.service_tier,
            dialect=response.dialect,
            extra=response.extra,
        )
    ]
    for choice in response.choices:
        events += _unfold_choice(choice)
    if response.usage is not None:
        events.append(stream.UsageSeen(response.usage))
    events.append(stream.Ended())
    return events


def _unfold_choice(choice: Choice) -> Iterator[stream.Event]:
    at = choice.index
    calls = thoughts = 0
    for place, part in enumerate(choice.parts):
        match part:
            case Text():
                yield stream.TextDelta(part.text, at, place, part.extra)
            case Refusal():
                yield stream.RefusalDelta(part.text, at)
            case Reasoning():
                yield stream.ReasoningDelta(part.text, at, thoughts, part.signature, part.encrypted, part.extra)
                thoughts += 1
            case ToolCall():
                yield stream.ToolCallStarted(calls, part.id, part.name, at, part.kind, part.extra)
                if part.arguments:
                    yield stream.ToolArgumentsDelta(calls, part.arguments, at)
                calls += 1
            case Opaque():
                yield stream.OpaqueSeen(part.kind, at, part.extra)
            case _:
                kind = part.__struct_config__.tag
                raise InvalidAnswer(f"The provider's answer holds a part of type {kind}, which cannot be streamed.")
    if choice.logprobs is not None:
        yield stream.LogprobsDelta(choice.logprobs, at)
    if choice.finish_reason is None:
        yield stream.ExtraDelta(choice.extra, at)
    else:
        yield stream.Finished(choice.finish_reason, at, choice.stop_sequence, choice.extra)
