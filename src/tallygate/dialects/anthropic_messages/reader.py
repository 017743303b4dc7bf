"""A streamed answer of this wire to frames with events (platform.claude.com/docs/en/build-with-claude/streaming).

Every byte up to and including `message_stop` stays in a frame; what follows it is dropped. What a block means while it
grows is the business of `growth`.
"""

from collections.abc import Iterator
from typing import Any, Final, cast

import msgspec

from tallygate.dialects.anthropic_messages.errors import read_failure
from tallygate.dialects.anthropic_messages.growth import Growth
from tallygate.dialects.anthropic_messages.harmless import NAME
from tallygate.dialects.anthropic_messages.stop_reasons import read_stop_reason
from tallygate.dialects.anthropic_messages.usage import read_usage
from tallygate.dialects.base import Frame
from tallygate.dialects.event_reader import EventReader
from tallygate.dialects.fields import Fields
from tallygate.dialects.sse import SseFrame
from tallygate.errors import InvalidAnswer, TallygateError
from tallygate.genai.messages import Extra
from tallygate.genai.stream import Ended, Event, Failed, Finished, Ping, Started, UsageSeen

_PING: Final = (Ping(),)

# What `message_start` has of a message that is only filled in later, or means nothing.
_HOLLOW: Final = ("type", "role", "content", "stop_reason", "stop_sequence")


class MessagesReader(EventReader):
    """Reads one stream. One that is not this wire's, or tells of an error, yields one `Failed` and nothing more."""

    def __init__(self) -> None:
        super().__init__()
        self._growth = Growth()
        self._started = False
        self._finished = False
        self._usage: dict[str, Any] = {}
        self._late: Extra = {}

    def _read(self, piece: SseFrame) -> Frame:
        if not piece.data.strip():
            return Frame(piece.raw, _PING)
        try:
            return self._read_event(piece)
        except InvalidAnswer as error:
            return self._fail(piece.raw, error)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._fail(piece.raw, InvalidAnswer("The provider's stream holds an event that is not JSON."))

    def _fail(self, raw: bytes, error: TallygateError) -> Frame:
        self._over = True
        return Frame(raw, (Failed(error),), closing=True)

    def _read_event(self, piece: SseFrame) -> Frame:
        if piece.data.strip() == b"[DONE]":
            # Some gateways end every stream so; here it means nothing.
            return Frame(piece.raw)
        data = _DECODE(piece.data)
        kind = data.get("type")
        if piece.event == b"error" or kind == "error":
            return self._fail(piece.raw, read_failure(data))
        if kind == "ping":
            return Frame(piece.raw, _PING)
        if kind == "message_start":
            return Frame(piece.raw, tuple(self._start(data)))
        if not self._started:
            raise InvalidAnswer("The provider's stream does not begin with message_start.")
        match kind:
            case "content_block_start":
                return Frame(piece.raw, tuple(self._growth.start(data)))
            case "content_block_delta":
                return Frame(piece.raw, tuple(self._growth.grow(data)))
            case "content_block_stop":
                return Frame(piece.raw, tuple(self._growth.stop(data)))
            case "message_delta":
                events = tuple(self._note_end(data))
                return Frame(piece.raw, events, closing=self._finished)
            case "message_stop":
                self._over = True
                return Frame(piece.raw, (Ended(self._late),), closing=True)
            case _:
                # The vendor may add events at any time, and clients must let them pass.
                return Frame(piece.raw)

    def _start(self, data: dict[str, Any]) -> Iterator[Event]:
        fields = _open(data).need_inside("message")
        for name in _HOLLOW:
            fields.take(name)
        self._note_usage(fields.take("usage"))
        usage, tier, left = read_usage(self._usage)
        id_, model = fields.text("id") or "", fields.text("model") or ""
        extra = {name: value for name, value in fields.rest().items() if value is not None}
        self._started = True
        yield Started(id_, model, service_tier=tier, dialect=NAME, extra=extra)
        if usage is not None:
            yield UsageSeen(usage, {"usage": left} if left else {})

    def _note_end(self, data: dict[str, Any]) -> Iterator[Event]:
        """Why the answer ended, and the counts, which are those of the whole answer so far."""
        fields = _open(data)
        fields.take("type")
        self._note_usage(fields.take("usage"))
        delta = fields.apart("delta")
        word: Any = None
        if delta is not None:
            word, stop_sequence = delta.take("stop_reason"), delta.text("stop_sequence")
            reason, kept = read_stop_reason(word, stop_sequence)
            if reason is not None and not self._finished:
                self._finished = True
                extra = {} if kept is None else {"stop_reason": kept}
                yield Finished(reason, stop_sequence=stop_sequence, extra=extra)
            self._note_late(delta.rest())
        self._note_late(fields.rest())
        usage, _, left = read_usage(self._usage)
        if usage is not None:
            yield UsageSeen(usage, {"usage": left} if left else {})

    def _note_usage(self, value: Any) -> None:
        if isinstance(value, dict):
            members = cast(dict[str, Any], value)
            self._usage.update((name, member) for name, member in members.items() if member is not None)

    def _note_late(self, left: Extra) -> None:
        self._late.update((name, value) for name, value in left.items() if value is not None)


def _open(data: Any) -> Fields:
    return Fields(data, "", InvalidAnswer)


_DECODE = msgspec.json.Decoder(dict[str, Any]).decode
