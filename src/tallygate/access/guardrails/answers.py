"""A streamed answer on its way past its guardrails: events in, the events that may be told out.

Text is kept back only at its end, as far as something found may still come about in it; what comes behind it waits
for it, so that each choice keeps its order. Bytes and wires are not known here.
"""

from collections.abc import Callable, Iterable

from msgspec.structs import replace

from tallygate.access.guardrails.base import Facts
from tallygate.access.guardrails.texts import edit_json, name_opaque_tool
from tallygate.access.guardrails.window import Window
from tallygate.genai import stream

Judge = Callable[[Facts], None]
Texted = stream.TextDelta | stream.ReasoningDelta | stream.RefusalDelta | stream.ToolArgumentsDelta


class _Lane:
    """One choice: the text that grows there now, and what of it is kept back by each check in turn."""

    __slots__ = ("last", "notes", "place", "windows")

    def __init__(self, windows: list[Window], notes: list[Window], last: Texted, place: tuple[type, int]) -> None:
        self.windows = windows
        self.notes = notes
        self.last = last
        self.place = place

    def feed(self, text: str) -> str:
        for note in self.notes:
            note.feed(text)
        for window in self.windows:
            text = window.feed(text)
        return text

    def finish(self) -> str:
        for note in self.notes:
            note.finish()
        text = ""
        for window in self.windows:
            text = (window.feed(text) if text else "") + window.finish()
        return text


class StreamGuard:
    """The guardrails of one stream. `open_windows` and `open_notes` begin with a text, the first for what holds it back
    and the second for what only counts. `judge`, where there is anything to judge by, says whether what was named and
    counted so far may be. Every method raises GuardrailBlocked.
    """

    def __init__(
        self,
        *,
        open_windows: Callable[[bool], list[Window]],
        open_notes: Callable[[], list[Window]],
        judge: Judge | None,
    ) -> None:
        self._open_windows = open_windows
        self._open_notes = open_notes
        self._judge = judge
        self._holds = bool(open_windows(False))
        self._lanes: dict[int, _Lane] = {}
        self._kinds: dict[tuple[int, int], bool] = {}
        self._characters = 0

    def feed(self, events: Iterable[stream.Event]) -> list[stream.Event]:
        """What may be told, in order."""
        told: list[stream.Event] = []
        for event in events:
            self._take(event, told)
        return told

    def flush(self) -> list[stream.Event]:
        """Every text is over: what was kept back of it."""
        told: list[stream.Event] = []
        for choice in list(self._lanes):
            self._close(choice, told)
        return told

    def _take(self, event: stream.Event, told: list[stream.Event]) -> None:
        match event:
            case stream.TextDelta() | stream.ReasoningDelta() | stream.RefusalDelta() | stream.ToolArgumentsDelta():
                self._say(event, told)
            case stream.ToolCallStarted():
                self._close(event.choice, told)
                self._kinds[event.choice, event.index] = event.kind == "function"
                self._call(event.name)
                told.append(self._sift(event))
            case stream.OpaqueSeen():
                self._close(event.choice, told)
                if name := name_opaque_tool(event.kind, event.extra):
                    self._call(name)
                told.append(self._sift(event))
            case stream.LogprobsDelta() if self._holds:
                # They spell the text once more, and before it may be told.
                pass
            case stream.Finished():
                self._close(event.choice, told)
                told.append(self._sift(event))
            case stream.Ended():
                told += self.flush()
                told.append(self._sift(event))
            case stream.ExtraDelta() | stream.Started() | stream.UsageSeen():
                told.append(self._sift(event))
            case _:
                told.append(event)

    def _say(self, event: Texted, told: list[stream.Event]) -> None:
        place = _find_place(event)
        lane = self._lanes.get(event.choice)
        if lane is not None and lane.place != place:
            if not event.text and _is_bare(event):
                return
            self._close(event.choice, told)
            lane = None
        if lane is None:
            quoted = isinstance(event, stream.ToolArgumentsDelta) and self._kinds.get((event.choice, event.index), True)
            lane = self._lanes[event.choice] = _Lane(self._open_windows(quoted), self._open_notes(), event, place)
        if self._judge is not None:
            self._characters += len(event.text)
            self._judge(Facts(characters=self._characters))
        text = lane.feed(event.text)
        if isinstance(event, stream.ReasoningDelta) and (event.signature or event.encrypted):
            # What seals a thought stands behind all of it.
            text += lane.finish()
            del self._lanes[event.choice]
        if text or not event.text or not _is_bare(event):
            told.append(self._sift(event if text == event.text else replace(event, text=text)))

    def _call(self, name: str) -> None:
        if self._judge is not None:
            self._judge(Facts(tools=(name,)))

    def _close(self, choice: int, told: list[stream.Event]) -> None:
        """The text that grows in a choice is over."""
        lane = self._lanes.pop(choice, None)
        if lane is not None and (rest := lane.finish()):
            told.append(_continue(lane.last, rest))

    def _sift(self, event: stream.Event) -> stream.Event:
        """An event with the texts in its unnamed members looked through, each by itself."""
        extra = getattr(event, "extra", None)
        if not extra:
            return event
        sifted = edit_json(extra, self._edit)
        return event if sifted is extra else replace(event, extra=sifted)

    def _edit(self, text: str, *, quoted: bool = False) -> str:
        edited = text
        for note in self._open_notes():
            note.whole(edited)
        for window in self._open_windows(quoted):
            edited = window.whole(edited)
        return text if edited == text else edited


def _find_place(event: Texted) -> tuple[type, int]:
    match event:
        case stream.TextDelta() | stream.ReasoningDelta():
            return type(event), event.part
        case stream.ToolArgumentsDelta():
            return type(event), event.index
        case _:
            return type(event), 0


def _is_bare(event: Texted) -> bool:
    """Whether an event has nothing but its text."""
    match event:
        case stream.TextDelta():
            return not event.extra
        case stream.ReasoningDelta():
            return not (event.extra or event.signature or event.encrypted)
        case _:
            return True


def _continue(event: Texted, text: str) -> stream.Event:
    """More text in the same place."""
    match event:
        case stream.TextDelta():
            return stream.TextDelta(text, event.choice, event.part)
        case stream.ReasoningDelta():
            return stream.ReasoningDelta(text, event.choice, event.part)
        case stream.RefusalDelta():
            return stream.RefusalDelta(text, event.choice)
        case stream.ToolArgumentsDelta():
            return stream.ToolArgumentsDelta(event.index, text, event.choice)
