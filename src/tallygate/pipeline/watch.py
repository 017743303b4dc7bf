"""What the hallway notes while an answer passes: usage, why it stopped, which model spoke, how much was handed on.

Sees every event of every mode. Knows nothing of bytes on the wire, prices or providers' names beyond the target it is
told.
"""

import time
from collections.abc import Iterable
from typing import Final

from msgspec import structs

from tallygate.errors import GuardrailBlocked, TallygateError
from tallygate.genai import stream
from tallygate.genai.chat import count_bytes
from tallygate.genai.operation import Response
from tallygate.genai.outcome import Attempt, Outcome, Status
from tallygate.genai.plan import Target
from tallygate.genai.usage import Usage
from tallygate.pipeline.call import Call
from tallygate.receipts.contents import open_content


class Watch:
    """The notes of one call. `begun`: an event with content or an end was seen; `delivered`: the client got some of it;
    `forwarded`: the body that was last sent to a provider; `content`: what the answer says.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._attempts: list[Attempt] = []
        self._target: Target | None = None
        self._began_ns = 0
        self.forwarded: bytes | None = None
        self.dropped: tuple[str, ...] = ()
        self.chunks_delivered = 0
        self.first_chunk_ns: int | None = None
        self._forget()

    def _forget(self) -> None:
        self.begun = False
        self.ended = False
        self.content = open_content(self._call.operation)
        self._usage: Usage | None = None
        self._finish: dict[int, str] = {}
        self._model = ""
        self._in_tokens = True
        # What the model said, as far as it was seen here: bytes of text, and pieces, some of which have no text.
        self._seen_bytes = 0
        self._seen_pieces = 0
        self._delivered_bytes = 0
        self._delivered_pieces = 0

    @property
    def sent(self) -> bool:
        """True once a request went out to a provider."""
        return self.forwarded is not None

    @property
    def delivered(self) -> bool:
        """True once any part of an answer was handed to the client: no other target may take over."""
        return self.chunks_delivered > 0

    def begin(self, target: Target) -> None:
        """A new attempt: what an earlier one said no longer counts."""
        self._target = target
        self._began_ns = self._count_ns()
        self.dropped = ()
        self._forget()

    def _count_ns(self) -> int:
        """How long it is since the request's arrival."""
        return time.monotonic_ns() - self._call.arrived_ns

    def send(self, body: bytes) -> None:
        """The attempt's request goes out."""
        self.forwarded = body

    def fail(self, error: TallygateError) -> None:
        """The attempt has failed."""
        if self._target is not None:
            times = self._began_ns, self._count_ns()
            self._attempts.append(Attempt(self._target, error.status, error.code, self._usage, *times))

    def see(self, events: Iterable[stream.Event]) -> None:
        """Note the events of one frame. Raises the error of a `Failed` event."""
        for event in events:
            if isinstance(event, stream.TextDelta):  # nearly all are
                self._hear(event.text)
                self.content.see(event)
                self.begun = True
            elif not isinstance(event, stream.Ping):
                self._note(event)
                self.begun = True

    def _note(self, event: stream.Event) -> None:
        match event:
            case stream.Failed():
                raise event.error
            case stream.UsageSeen():
                self._usage = _join(self._usage, event.usage)
            case stream.Started():
                self._model = event.model
            case stream.Finished():
                self._finish[event.choice] = event.reason
            case stream.Ended():
                self.ended = True
            case stream.ReasoningDelta():
                self._hear(event.text)
            case stream.RefusalDelta() | stream.ToolArgumentsDelta():
                self._hear(event.text)
                self.content.see(event)
            case stream.ToolCallStarted():
                self._hear(event.name)
                self.content.see(event)
            case stream.OpaqueSeen() | stream.ExtraDelta() if event.extra:
                self._seen_pieces += 1
            case _:
                pass

    def _hear(self, text: str) -> None:
        if text:
            self._seen_pieces += 1
            self._seen_bytes += count_bytes(text)

    def see_whole(self, response: Response) -> None:
        """Note a whole answer."""
        self.begun = self.ended = True
        self.content.see_whole(response)
        gist = response.gist()
        self._usage = gist.usage
        self._model = gist.model
        self._in_tokens = gist.in_tokens
        self._finish = dict(gist.finish_reasons)
        self._seen_pieces += gist.pieces
        self._seen_bytes += gist.text_bytes

    def retell(self, response: Response) -> None:
        """What is told of a whole answer that was noted is this."""
        self.content = open_content(self._call.operation)
        self.content.see_whole(response)

    def overhear(self, events: Iterable[stream.Event]) -> None:
        """As `see`, for events of which `show` says later what is told. Raises the error of a `Failed` event."""
        content, self.content = self.content, _UNTOLD
        try:
            self.see(events)
        finally:
            self.content = content

    def show(self, events: Iterable[stream.Event]) -> None:
        """Note what is told of events that were overheard."""
        for event in events:
            if isinstance(
                event,
                stream.TextDelta | stream.RefusalDelta | stream.ToolArgumentsDelta | stream.ToolCallStarted,
            ):
                self.content.see(event)

    def count_chunk(self) -> None:
        """One more write is handed to the client's transport, and with it all that was seen until now."""
        self.chunks_delivered += 1
        self.content.hand_on()
        self._delivered_bytes, self._delivered_pieces = self._seen_bytes, self._seen_pieces
        if self.first_chunk_ns is None:
            self.first_chunk_ns = self._count_ns()

    def outcome(self, status: Status, error_code: str = "") -> Outcome:
        """The notes as the record that every other room reads. `error_code`: of the last attempt, which has failed."""
        attempts = tuple(self._attempts)
        duration_ns = self._count_ns()
        if not error_code and self._target is not None:
            status_seen = 200 if self.begun else 0
            attempts = (*attempts, Attempt(self._target, status_seen, "", self._usage, self._began_ns, duration_ns))
        # What a guardrail kept back was made all the same.
        whole = status == "ok" or error_code == GuardrailBlocked.code
        return Outcome(
            call_id=self._call.id,
            operation=self._call.operation,
            status=status,
            request_model=self._call.peek.model,
            sent=self.sent,
            served=self._target if self.begun else None,
            response_model=self._model,
            usage=self._usage,
            finish_reasons=tuple(self._finish[index] for index in sorted(self._finish)),
            attempts=attempts,
            dropped=self.dropped,
            error_code=error_code,
            produced=(self._seen_pieces if whole else self._delivered_pieces) > 0,
            in_tokens=self._in_tokens,
            output_bytes=self._seen_bytes if whole else self._delivered_bytes,
            chunks_delivered=self.chunks_delivered,
            first_chunk_ns=self.first_chunk_ns,
            duration_ns=duration_ns,
        )


class _Untold:
    """Takes what is not, or not yet, told. Content besides that never ends in a receipt."""

    def see(self, event: stream.Event) -> None:
        """An event of its stream."""

    def see_whole(self, response: Response) -> None:
        """A whole answer."""

    def hand_on(self) -> None:
        """Nothing is handed on."""

    def write(self) -> bytes:
        """Nothing is told."""
        return b""


_UNTOLD: Final = _Untold()


def _join(earlier: Usage | None, later: Usage) -> Usage:
    """A later count replaces an earlier one, but no total shrinks: what was counted once was used."""
    if earlier is None or (later.input_tokens >= earlier.input_tokens and later.output_tokens >= earlier.output_tokens):
        return later
    return structs.replace(
        later,
        input_tokens=max(earlier.input_tokens, later.input_tokens),
        output_tokens=max(earlier.output_tokens, later.output_tokens),
    )
