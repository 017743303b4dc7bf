"""The bytes of `response.content`: what an answer says, however it was cut, spelt, streamed or translated on its way.

Text and arguments are hashed while they go by and are nowhere in it, so it is short and holds none of what was said.
Its form is told in docs/reference/receipts.md; change neither without the other. Pure.
"""

import hashlib
from typing import Final

from msgspec import Struct, field

from tallygate.genai import stream
from tallygate.genai.chat import ChatResponse
from tallygate.genai.foreign_json import BYTES_MAX, even_out
from tallygate.genai.messages import Refusal, Text, ToolCall
from tallygate.receipts.canonical import write_structs

_BITE: Final = 4_096
"""So many characters are gathered before they are hashed: deltas are a few characters each."""


class _Said:
    """One text as it grows. Its hash needs no more memory however long it becomes."""

    __slots__ = ("_hash", "_pieces", "_size")

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._pieces: list[str] = []
        self._size = 0

    @property
    def empty(self) -> bool:
        return not self._size

    def add(self, text: str) -> None:
        before = self._size // _BITE
        self._pieces.append(text)
        self._size += len(text)
        if self._size // _BITE != before:
            self._take()

    def digest(self) -> str:
        self._take()
        return self._hash.hexdigest()

    def _take(self) -> None:
        self._hash.update(_encode("".join(self._pieces)))
        self._pieces.clear()


class _Arguments:
    """The arguments of one call: gathered, because their spelling is evened out, unless they are too long for that."""

    __slots__ = ("_held", "_long", "_size")

    def __init__(self) -> None:
        self._held: list[str] = []
        self._size = 0
        self._long: _Said | None = None

    def add(self, text: str) -> None:
        self._size += len(text)
        if self._long is not None:
            self._long.add(text)
            return
        self._held.append(text)
        if self._size > BYTES_MAX:
            self._long = _Said()
            self._long.add("".join(self._held))
            self._held.clear()

    def digest(self) -> str:
        if self._long is not None:
            return self._long.digest()
        text = _encode("".join(self._held))
        return hashlib.sha256(even_out(text if text.strip() else b"{}")).hexdigest()


class _Call(Struct):
    name: str
    arguments: _Arguments = field(default_factory=_Arguments)


class _Choice:
    __slots__ = ("calls", "refusal", "text")

    def __init__(self) -> None:
        self.text = _Said()
        self.refusal: list[str] = []
        self.calls: dict[int, _Call] = {}

    def write(self, index: int) -> "_Told":
        for words in self.refusal:
            self.text.add(words)
        self.refusal.clear()
        calls = [_ToldCall(call.name, call.arguments.digest()) for call in self.calls.values()]
        return _Told(index, self.text.digest(), calls)


class _ToldCall(Struct):
    name: str
    arguments: str


class _Told(Struct):
    index: int
    text: str
    tool_calls: list[_ToldCall]


class Content:
    """What one answer says. `see` and `see_whole` tell of it; only what was handed on is in it."""

    __slots__ = ("_choices", "_waiting")

    def __init__(self) -> None:
        self._choices: dict[int, _Choice] = {}
        self._waiting: list[stream.Event] = []

    def see(self, event: stream.Event) -> None:
        """An event of its stream, in order."""
        self._waiting.append(event)

    def hand_on(self) -> None:
        """All that was seen is on its way to the client."""
        for event in self._waiting:
            if isinstance(event, stream.TextDelta):  # nearly all are
                self._open(event.choice).text.add(event.text)
            else:
                self._hand_on_rare(event)
        self._waiting.clear()

    def see_whole(self, response: ChatResponse) -> None:
        """A whole answer."""
        for choice in response.choices:
            calls = 0
            for part in choice.parts:
                match part:
                    case Text():
                        self.see(stream.TextDelta(part.text, choice.index))
                    case Refusal():
                        self.see(stream.RefusalDelta(part.text, choice.index))
                    case ToolCall():
                        self.see(stream.ToolCallStarted(calls, part.id, part.name, choice.index))
                        self.see(stream.ToolArgumentsDelta(calls, part.arguments, choice.index))
                        calls += 1
                    case _:
                        pass

    def write(self) -> bytes:
        """The bytes, once the answer is over."""
        said = {
            index: choice
            for index, choice in sorted(self._choices.items())
            if choice.calls or choice.refusal or not choice.text.empty
        }
        return write_structs([choice.write(index) for index, choice in said.items()])

    def _hand_on_rare(self, event: stream.Event) -> None:
        match event:
            case stream.RefusalDelta() if event.text:
                self._open(event.choice).refusal.append(event.text)
            case stream.ToolCallStarted():
                self._open(event.choice).calls[event.index] = _Call(_readable(event.name))
            case stream.ToolArgumentsDelta() if call := self._open(event.choice).calls.get(event.index):
                call.arguments.add(event.text)
            case _:
                pass

    def _open(self, index: int) -> _Choice:
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _Choice()
        return choice


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _readable(name: str) -> str:
    """Half a character has no place in canonical JSON."""
    return name if name.isascii() else name.encode("utf-8", "replace").decode()
