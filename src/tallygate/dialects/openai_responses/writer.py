"""Events to a streamed answer of this wire (developers.openai.com/api/reference/responses, streaming).

Clients of this wire build the answer from its items and then take the one in the closing event for it, so that holds
everything once more. What a client takes for the end is written at the end only.
"""

from collections.abc import Iterable

import msgspec

from tallygate.dialects.fields import overlay
from tallygate.dialects.openai_responses.custom_calls import TurningBack
from tallygate.dialects.openai_responses.envelope import Asked, read_asked
from tallygate.dialects.openai_responses.errors import error_event, failed_error
from tallygate.dialects.openai_responses.losses import NAME
from tallygate.dialects.openai_responses.response import Head, answer_manner, write_body, write_end
from tallygate.dialects.openai_responses.telling import EventBody, Telling
from tallygate.dialects.openai_responses.usage import write_usage
from tallygate.dialects.sse import encode
from tallygate.errors import ProviderFailed, TallygateError
from tallygate.genai import stream


class ResponsesWriter:
    """Writes one stream of one answer; other choices of the same call have no place on this wire.

    `asked` is the request that it answers, in this dialect; the answer repeats some of it.
    """

    def __init__(self, asked: bytes = b"") -> None:
        self._asked = asked
        self._same = False
        self._head = Head("", "", 0, None, {})
        self._telling = Telling(answer_manner("", Asked(), same=False))
        self._customs = TurningBack(frozenset())
        self._number = 0
        self._usage: stream.UsageSeen | None = None
        self._finished: stream.Finished | None = None

    def feed(self, event: stream.Event) -> bytes:
        """The bytes for one event; empty for what is told at the end (why it ended, usage) and for signs of life.

        Raises InvalidAnswer for what has no place in an answer of this wire.
        """
        match event:
            case stream.Started():
                return self._start(event)
            case stream.UsageSeen():
                self._usage = event
                return b""
            case stream.Ping():
                return b""
            case stream.Failed():
                return self.fail(event.error)
            case stream.Ended():
                return self._end(event)
            case _:
                if event.choice != 0:
                    return b""
                return b"".join(self._frames(self._tell(turned)) for turned in self._customs.turn(event))

    def fail(self, error: TallygateError, request_id: str = "") -> bytes:
        """The events `error` and `response.failed`, with nothing after them."""
        failed = {**write_body(self._head, []), "status": "failed", "error": failed_error(error)}
        return self._frames([error_event(error, request_id), {"type": "response.failed", "response": failed}])

    def _start(self, event: stream.Started) -> bytes:
        self._same = event.dialect == NAME
        asked = Asked() if self._same else read_asked(self._asked)
        extra = event.extra if self._same else asked.repeated
        self._head = Head(event.id, event.model, event.created_s, event.service_tier, extra)
        self._telling = Telling(answer_manner(event.id, asked, same=self._same))
        self._customs = TurningBack(asked.customs)
        body = write_body(self._head, [])
        return self._frames({"type": kind, "response": body} for kind in ("response.created", "response.in_progress"))

    def _tell(self, event: stream.Event) -> list[EventBody]:
        telling = self._telling
        match event:
            case stream.TextDelta():
                return telling.say(event)
            case stream.RefusalDelta():
                return telling.decline(event)
            case stream.ReasoningDelta():
                return telling.think(event)
            case stream.ToolCallStarted():
                return telling.begin_call(event)
            case stream.ToolArgumentsDelta():
                return telling.call_with(event)
            case stream.OpaqueSeen():
                return telling.show(event)
            case stream.Finished():
                self._finished = event
                return telling.close()
            case _:
                return []

    def _end(self, event: stream.Ended) -> bytes:
        finished = self._finished or stream.Finished("stop")
        if finished.reason == "error":
            return self.fail(ProviderFailed())
        closing = b"".join(self._frames(self._tell(left)) for left in self._customs.finish())
        closing += self._frames(self._telling.close())
        head = self._head
        usage = write_usage(self._usage.usage if self._usage else None)
        if self._same:
            head = Head(head.id, head.model, head.created_s, head.service_tier, {**head.extra, **event.extra})
            counted = {**self._head.extra, **(self._usage.extra if self._usage else {})}.get("usage")
            overlay(usage, counted or {})
        end = write_end(finished.reason, finished.extra if self._same else {})
        body = {**write_body(head, self._telling.output), **end, "usage": usage}
        return closing + self._frames([{"type": f"response.{end['status']}", "response": body}])

    def _frames(self, events: Iterable[EventBody]) -> bytes:
        return b"".join(map(self._frame, events))

    def _frame(self, event: EventBody) -> bytes:
        number, self._number = self._number, self._number + 1
        return encode(msgspec.json.encode({**event, "sequence_number": number}), event["type"].encode())
