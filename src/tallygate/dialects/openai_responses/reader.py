"""A streamed answer of this wire to frames with events (developers.openai.com/api/reference/responses, streaming).

Every byte up to and including the event that closes the answer stays in a frame; what follows it is dropped. What an
item means while it grows is the business of `growth`.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final, cast

import msgspec

from tallygate.dialects.base import Frame
from tallygate.dialects.event_reader import EventReader
from tallygate.dialects.fields import Fields
from tallygate.dialects.openai_responses.errors import read_failure
from tallygate.dialects.openai_responses.growth import Growth
from tallygate.dialects.openai_responses.losses import NAME
from tallygate.dialects.openai_responses.response import read_end, read_head
from tallygate.dialects.openai_responses.usage import count_uses, read_usage
from tallygate.dialects.sse import SseFrame
from tallygate.errors import InvalidAnswer, TallygateError
from tallygate.genai.messages import Extra
from tallygate.genai.stream import Ended, Event, Failed, Finished, Ping, Started, UsageSeen

_PING: Final = (Ping(),)
_BEGINNINGS: Final = frozenset({"response.created", "response.in_progress", "response.queued"})
_ENDS: Final = frozenset({"response.completed", "response.incomplete"})
_FAILURES: Final = frozenset({"response.failed", "response.cancelled"})

_GROWS: Final[dict[str, Callable[[Growth, dict[str, Any]], Iterator[Event]]]] = {
    "response.output_item.added": Growth.add,
    "response.output_item.done": Growth.end,
    "response.content_part.done": Growth.end_part,
    "response.output_text.delta": Growth.grow_text,
    "response.refusal.delta": Growth.grow_refusal,
    "response.reasoning_summary_text.delta": Growth.grow_thought,
    "response.reasoning_text.delta": Growth.grow_thought,
    "response.function_call_arguments.delta": Growth.grow_call,
    "response.custom_tool_call_input.delta": Growth.grow_call,
}
"""Events that say something new. All others repeat, or tell of work that an item shows when it is whole."""


class ResponsesReader(EventReader):
    """Reads one stream. One that is not this wire's, or tells of an error, yields one `Failed` and nothing more."""

    def __init__(self) -> None:
        super().__init__()
        self._growth: Growth | None = None
        self._told: Extra = {}

    def _read(self, piece: SseFrame) -> Frame:
        data = piece.data.strip()
        if not data:
            return Frame(piece.raw, _PING)
        if data == b"[DONE]":
            # Some gateways end every stream so; here it means nothing.
            return Frame(piece.raw)
        try:
            return self._read_event(piece)
        except TallygateError as error:
            return self._fail(piece.raw, error)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._fail(piece.raw, InvalidAnswer("The provider's stream holds an event that is not JSON."))

    def _fail(self, raw: bytes, error: TallygateError) -> Frame:
        self._over = True
        return Frame(raw, (Failed(error),), closing=True)

    def _read_event(self, piece: SseFrame) -> Frame:
        data = _DECODE(piece.data)
        kind = data.get("type")
        if kind == "error" or piece.event == b"error":
            return self._fail(piece.raw, read_failure(data.get("error") or data))
        if not isinstance(kind, str):
            raise InvalidAnswer("The provider's stream holds an event without a type.")
        if kind in _FAILURES:
            failed = data.get("response")
            return self._fail(piece.raw, read_failure(_members(failed).get("error") or {}))
        if kind in _BEGINNINGS:
            return Frame(piece.raw, tuple(self._begin(data)))
        if kind in _ENDS:
            events = (*self._begin(data), *self._end(data))
            self._over = True
            return Frame(piece.raw, events, closing=True)
        grow = _GROWS.get(kind)
        if grow is None:
            # The vendor may add events at any time, and clients must let them pass.
            return Frame(piece.raw)
        if self._growth is None:
            raise InvalidAnswer("The provider's stream does not begin with response.created.")
        return Frame(piece.raw, tuple(grow(self._growth, data)))

    def _begin(self, data: dict[str, Any]) -> Iterator[Event]:
        """The beginning of the answer, at whichever event tells of it first."""
        if self._growth is not None:
            return
        head = read_head(_open(data))
        self._growth, self._told = Growth(head.id), head.extra
        yield Started(head.id, head.model, head.created_s, head.service_tier, NAME, head.extra)

    def _end(self, data: dict[str, Any]) -> Iterator[Event]:
        """The end, with the counts, and whatever of the answer was not told before."""
        growth = self._growth
        assert growth is not None, "it has begun"
        fields = _open(data)
        output = fields.array("output")
        if not growth.seen:
            for index, item in enumerate(output):
                yield from growth.tell(index, item)
        usage, counted = read_usage(fields.take("usage"))
        end = read_end(fields.text("status"), fields.take("incomplete_details"), calls=growth.called)
        yield Finished(end.reason, extra=end.extra)
        told, late = self._told, read_head(fields).extra
        if usage is not None:
            yield UsageSeen(count_uses(usage, growth.shown, late), {"usage": counted} if counted else {})
        yield Ended({name: value for name, value in late.items() if name not in told or told[name] != value})


def _open(data: dict[str, Any]) -> Fields:
    """The answer that an event of its life holds."""
    return Fields(data.get("response"), "response", InvalidAnswer)


def _members(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


_DECODE = msgspec.json.Decoder(dict[str, Any]).decode
