"""A streamed answer of this wire to frames with events (platform.openai.com/docs/api-reference/chat/streaming).

Every byte up to and including the terminator stays in a frame; what follows it is dropped. Where bytes end and what a
frame's fields are is the business of `sse`; putting tool calls in order that of `fragments`.
"""

from collections.abc import Iterator
from typing import Any, Final, cast

import msgspec

from tallygate.dialects.base import Frame
from tallygate.dialects.event_reader import EventReader
from tallygate.dialects.fields import Fields
from tallygate.dialects.openai_chat.errors import read_failure
from tallygate.dialects.openai_chat.finish_reasons import read_finish_reason
from tallygate.dialects.openai_chat.fragments import Fragments
from tallygate.dialects.openai_chat.losses import NAME
from tallygate.dialects.openai_chat.reasoning import read_detail
from tallygate.dialects.openai_chat.response import make_call_id, read_said, seconds_of, text_of
from tallygate.dialects.openai_chat.usage import read_usage
from tallygate.dialects.refrain import PROBE, Refrain, compile_member, suppose
from tallygate.dialects.sse import SseFrame
from tallygate.errors import InvalidAnswer, StreamBroken, TallygateError
from tallygate.genai.messages import Extra
from tallygate.genai.stream import (
    Ended,
    Event,
    ExtraDelta,
    Failed,
    Finished,
    LogprobsDelta,
    Ping,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    UsageSeen,
)

TERMINATOR: Final = b"data: [DONE]\n\n"

# `obfuscation` is padding against eavesdroppers who count bytes.
_CHUNK: Final = frozenset({
    "id", "object", "created", "model", "choices", "usage", "service_tier", "obfuscation", "error",
})  # fmt: skip
_CHOICE: Final = frozenset({"index", "delta", "finish_reason", "logprobs"})
_THOUGHT: Final = frozenset({"reasoning_content", "reasoning", "reasoning_details"})
_SAID: Final = frozenset({"content", "refusal", "tool_calls"})
_SILENT: Final = frozenset({"role", "obfuscation"}) | _THOUGHT

_PING: Final = (Ping(),)

_CONTENT: Final = compile_member("content")

REFRAINS_MAX: Final = 4


class _Choice:
    """What must be remembered of one choice to read its next delta."""

    def __init__(self, index: int, response_id: str) -> None:
        self.index = index
        self.fragments = Fragments(index, make_call_id(response_id, index))
        self.finished = False
        self.extra: Extra = {}
        self._thoughts: dict[str | None, int] = {}
        self._told: dict[int, Extra] = {}

    def read(self, choice: dict[str, Any], events: list[Event]) -> None:
        """Append the events of one item of `choices`. Raises InvalidAnswer."""
        delta = choice.get("delta")
        if delta:
            content = delta.get("content") if delta.__class__ is dict and len(delta) == 1 else None
            # Nearly every delta is one piece of text and nothing else.
            if content.__class__ is str and content:
                events.append(TextDelta(content, self.index))
            else:
                events += self._read_delta(delta)
        if (logprobs := choice.get("logprobs")) is not None:
            events.append(LogprobsDelta(logprobs, self.index))
        if not choice.keys() <= _CHOICE:
            self.extra.update((name, value) for name, value in choice.items() if name not in _CHOICE)
        if (word := choice.get("finish_reason")) and not self.finished:
            events += self._finish(word)

    def _finish(self, word: Any) -> Iterator[Event]:
        reason, kept = read_finish_reason(word)
        if reason is not None:
            self.finished = True
            yield from self.fragments.flush()
            extra = self.extra if kept is None else {**self.extra, "finish_reason": kept}
            yield Finished(reason, self.index, extra=extra)

    def _read_delta(self, delta: Any) -> Iterator[Event]:
        if not isinstance(delta, dict):
            raise InvalidAnswer("The provider's stream holds a delta that is not an object.")
        members = cast(dict[str, Any], delta)
        if not _THOUGHT.isdisjoint(members):
            yield from self._read_thoughts({name: members[name] for name in _THOUGHT & members.keys()})
        left: Extra = {}
        for name, value in members.items():
            if value is None or name in _SILENT:
                continue
            if name in _SAID and not value:
                continue
            if name == "content":
                yield from self._read_content(value)
            elif name == "refusal":
                yield RefusalDelta(text_of(value), self.index)
            elif name == "tool_calls":
                yield from self.fragments.add(_open(members).array(name))
            elif name == "function_call":
                yield from self.fragments.add_legacy(value)
            else:
                left[name] = value
        if left:
            yield ExtraDelta({"message": left}, self.index)

    def _read_content(self, value: Any) -> Iterator[Event]:
        for is_thought, piece in read_said(value, _open({})):
            if is_thought:
                yield ReasoningDelta(piece, self.index, self._place(None))
            elif piece:
                yield TextDelta(piece, self.index)

    def _read_thoughts(self, members: dict[str, Any]) -> Iterator[Event]:
        fields = _open(members)
        spoken = False
        for item in fields.array("reasoning_details"):
            detail = _open(item)
            part = self._place(f"{detail.look('index')} {detail.look('type')}")
            thought = read_detail(detail)
            told = self._told.setdefault(part, {})
            new = {name: value for name, value in thought.extra.items() if value is not None and name not in told}
            told.update(new)
            spoken = spoken or bool(thought.text)
            yield ReasoningDelta(thought.text, self.index, part, thought.signature, thought.encrypted, new)
        plain = fields.text("reasoning_content") or fields.text("reasoning")
        if plain and not spoken:
            yield ReasoningDelta(plain, self.index, self._place(None))

    def _place(self, key: str | None) -> int:
        """The number of the thought that fragments with this mark belong to; None marks those without details."""
        return self._thoughts.setdefault(key, len(self._thoughts))


def _open(value: Any) -> Fields:
    return Fields(value, "delta", InvalidAnswer)


class ChatReader(EventReader):
    """Reads one stream. What is not this wire's, or tells of an error, yields one `Failed` and then nothing more.

    `refrains_max`: how often what repeats from event to event is learnt; some streams have nothing such, for there is
    padding in each event.
    """

    def __init__(self, *, refrains_max: int = REFRAINS_MAX) -> None:
        super().__init__()
        self._choices: dict[int, _Choice] = {}
        self._started = False
        self._id = ""
        self._extra: Extra = {}
        self._late: Extra = {}
        self._refrain: Refrain | None = None
        self._refrain_choice = 0
        self._refrains_left = refrains_max

    def feed(self, data: bytes) -> list[Frame]:
        """Frames that `data` completes. Raises InvalidAnswer for an event beyond the parser's limit."""
        # Most reads bring one event, and most events have nothing new but a piece of text.
        refrain = None if self._over else self._refrain
        if refrain is not None and not self._parser.pending_bytes and (text := refrain.find(data)):
            return [Frame(data, (TextDelta(text, self._refrain_choice),))]
        return super().feed(data)

    def _close(self) -> list[Frame]:
        """Without a terminator the stream has still ended if every choice has: one is added."""
        if not self._choices or not all(choice.finished for choice in self._choices.values()):
            raise StreamBroken
        return [self._end(TERMINATOR)]

    def _read(self, piece: SseFrame) -> Frame:
        raw, refrain = piece.raw, self._refrain
        if refrain is not None:
            if piece.terminated and (text := refrain.find(raw)):
                return Frame(raw, (TextDelta(text, self._refrain_choice),))
            # An event in between may change what its like would mean.
            self._refrain = None
        frame = self._read_whole(piece)
        if self._refrains_left and len(frame.events) == 1 and isinstance(frame.events[0], TextDelta):
            self._learn(piece, frame.events[0].choice)
        return frame

    def _learn(self, piece: SseFrame, choice: int) -> None:
        """Keep all of an event of one piece of text but the text. What it says besides has been taken note of, so its
        like will say nothing new.
        """
        self._refrains_left -= 1
        if piece.raw != b"data: " + piece.data + b"\n\n" or (refrain := suppose(piece.raw, _CONTENT)) is None:
            return
        read = ChatReader(refrains_max=0).feed(refrain.fill(PROBE))
        if len(read) == 1 and read[0].events[-1:] == (TextDelta(PROBE, choice),):
            self._refrain, self._refrain_choice = refrain, choice

    def _read_whole(self, piece: SseFrame) -> Frame:
        data = piece.data
        if data == b"[DONE]" or data.strip() == b"[DONE]":
            return self._end(piece.raw)
        if not data.strip():
            return Frame(piece.raw, _PING)
        try:
            return self._read_chunk(piece)
        except InvalidAnswer as error:
            return self._fail(piece.raw, error)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._fail(piece.raw, InvalidAnswer("The provider's stream holds an event that is not JSON."))

    def _end(self, raw: bytes) -> Frame:
        self._over = True
        return Frame(raw, (Ended(self._late),), closing=True)

    def _fail(self, raw: bytes, error: TallygateError) -> Frame:
        self._over = True
        return Frame(raw, (Failed(error),), closing=True)

    def _read_chunk(self, piece: SseFrame) -> Frame:
        chunk = _DECODE(piece.data)
        if chunk.get("error"):
            return self._fail(piece.raw, read_failure(chunk["error"]))
        if piece.event == b"error":
            return self._fail(piece.raw, read_failure(chunk))
        choices, usage = chunk.get("choices") or (), chunk.get("usage")
        if not isinstance(choices, list | tuple):
            raise InvalidAnswer("The provider's stream holds choices that are not a list.")
        if not chunk.keys() <= _CHUNK:
            self._note({name: value for name, value in chunk.items() if name not in _CHUNK})
        events: list[Event] = []
        if not self._started and (choices or usage or chunk.get("id")):
            events.append(self._start(chunk))
        for place, choice in enumerate(cast(list[Any], choices)):
            self._read_choice(choice, place, events)
        if usage:
            counts, left = read_usage(usage)
            if counts is not None:
                events.append(UsageSeen(counts, {"usage": left} if left else {}))
        only_usage = bool(usage) and not choices
        return Frame(piece.raw, tuple(events), closing=only_usage, only_usage=only_usage)

    def _read_choice(self, choice: Any, place: int, events: list[Event]) -> None:
        if not isinstance(choice, dict):
            raise InvalidAnswer("The provider's stream holds a choice that is not an object.")
        members = cast(dict[str, Any], choice)
        index = members.get("index")
        if type(index) is not int or index < 0:
            index = place
        state = self._choices.get(index)
        if state is None:
            state = self._choices[index] = _Choice(index, self._id)
        state.read(members, events)

    def _start(self, chunk: dict[str, Any]) -> Started:
        self._started = True
        self._id = text_of(chunk.get("id"))
        tier = chunk.get("service_tier")
        extra, self._late = self._late, {}
        return Started(
            id=self._id,
            model=text_of(chunk.get("model")),
            created_s=seconds_of(chunk.get("created")),
            service_tier=tier if isinstance(tier, str) else None,
            dialect=NAME,
            extra=extra,
        )

    def _note(self, left: Extra) -> None:
        """Members of the chunk itself: most repeat from chunk to chunk, so only what is new is kept for an event."""
        if left == self._extra:
            return
        self._late.update((name, value) for name, value in left.items() if self._extra.get(name) != value)
        self._extra = {**self._extra, **left}


_DECODE = msgspec.json.Decoder(dict[str, Any]).decode
