"""Calls of custom tools in answers of wires that know functions only: what such a function was called with is one text.

The text is told while it comes. Whole answers and streams are read by the same code, so they say the same. How the
tools went there is `dialects.custom_tools`' business.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, cast

import msgspec
from msgspec.structs import replace

from tallygate.dialects.custom_tools import INPUT
from tallygate.genai import stream
from tallygate.genai.messages import Part, ToolCall

_OPENING: Final = re.compile(rf'\s*\{{\s*"{INPUT}"\s*:\s*"')
_OPENING_CHARACTERS_MAX: Final = 64
"""How far the text's beginning is looked for. Arguments that begin otherwise are read when they are whole."""

_ESCAPE: Final = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # one character beyond the first 65,536
    r"|\\u(?![dD][89a-fA-F])[0-9a-fA-F]{4}"
    r'|\\["\\/bfnrt]'
)
_WHOLE: Final = re.compile(rf'(?:[^"\\]|{_ESCAPE.pattern})*')


class InputText:
    """Takes the text out of a function's arguments, piece by piece.

    Arguments that are not what was asked for are given as they came: the model may have written the text itself.
    """

    def __init__(self) -> None:
        self._held = ""
        self._told = False
        self._over = False

    def feed(self, piece: str) -> str:
        """As much more of the text as is certain."""
        if self._over:
            return ""
        self._held += piece
        if not self._told:
            opening = _OPENING.match(self._held, 0, _OPENING_CHARACTERS_MAX)
            if opening is None:
                return ""
            self._told, self._held = True, self._held[opening.end() :]
        whole = _WHOLE.match(self._held)
        assert whole is not None, "it matches nothing too"
        self._held = self._held[whole.end() :]
        self._over = self._held.startswith('"')
        return _ESCAPE.sub(_unescape, whole[0])

    def finish(self) -> str:
        """The rest of it."""
        if self._over:
            return ""
        held, self._held, self._over = self._held, "", True
        return held if self._told else _find_text(held)


def _unescape(escape: re.Match[str]) -> str:
    return msgspec.json.decode(f'"{escape[0]}"', type=str)


def _find_text(arguments: str) -> str:
    """The text of arguments that do not begin with it."""
    try:
        members = msgspec.json.decode(arguments)
    except (msgspec.DecodeError, RecursionError):
        return arguments
    text = cast("dict[str, Any]", members).get(INPUT) if isinstance(members, dict) else None
    return text if isinstance(text, str) else arguments


def turn_back(parts: Sequence[Part], names: frozenset[str]) -> Sequence[Part]:
    """The parts of a whole answer, in which functions of these names are custom tools."""
    return [_turn_call(part) if _is_carried(part, names) else part for part in parts] if names else parts


def _is_carried(part: Part, names: frozenset[str]) -> bool:
    return isinstance(part, ToolCall) and part.kind == "function" and part.name in names


def _turn_call(part: Part) -> Part:
    assert isinstance(part, ToolCall), "nothing else is carried"
    reader = InputText()
    return replace(part, kind="custom", arguments=reader.feed(part.arguments) + reader.finish())


class TurningBack:
    """Does the same with the events of one choice of a stream."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names
        self._texts: dict[int, InputText] = {}

    def turn(self, event: stream.Event) -> Iterator[stream.Event]:
        """The events to be told instead of this one."""
        match event:
            case stream.ToolCallStarted() if event.kind == "function" and event.name in self._names:
                self._texts[event.index] = InputText()
                yield replace(event, kind="custom")
            case stream.ToolArgumentsDelta() if event.index in self._texts:
                yield from _tell(event.index, self._texts[event.index].feed(event.text))
            case stream.Finished():
                yield from self.finish()
                yield event
            case _:
                yield event

    def finish(self) -> Iterator[stream.Event]:
        """What is left of the texts."""
        for index, text in self._texts.items():
            yield from _tell(index, text.finish())
        self._texts = {}


def _tell(index: int, text: str) -> Iterator[stream.Event]:
    if text:
        yield stream.ToolArgumentsDelta(index, text)
