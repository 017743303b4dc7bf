"""What the hallway notes while an answer passes: usage, why it stopped, which model spoke, how much was handed on.

Sees every event of every mode. Knows nothing of bytes, prices or providers' names beyond the target it is told.
"""

import time
from collections.abc import Iterable

from tallygate.genai import stream
from tallygate.genai.chat import ChatResponse
from tallygate.genai.outcome import Attempt, Outcome, Status
from tallygate.genai.plan import Target
from tallygate.genai.usage import Usage
from tallygate.pipeline.call import Call


class Watch:
    """The notes of one call. `begun`: an event with content or an end was seen; `delivered`: the client got some of
    it.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._dropped: tuple[str, ...] = ()
        self.attempts: list[Attempt] = []
        self.target: Target | None = None
        self._forget()
        self.chunks_delivered = 0
        self.first_chunk_ns: int | None = None

    def _forget(self) -> None:
        self.begun = False
        self.ended = False
        self._usage: Usage | None = None
        self._finish: dict[int, str] = {}
        self._model = ""

    @property
    def delivered(self) -> bool:
        """True once any part of an answer was handed to the client: no other target may take over."""
        return self.chunks_delivered > 0

    def begin(self, target: Target, dropped: tuple[str, ...]) -> None:
        """A new attempt: what an earlier one said no longer counts."""
        self.target = target
        self._dropped = dropped
        self._forget()

    def see(self, events: Iterable[stream.Event]) -> None:
        """Note the events of one frame. Raises the error of a `Failed` event."""
        for event in events:
            match event:
                case stream.Ping():
                    continue
                case stream.Failed():
                    raise event.error
                case stream.UsageSeen():
                    self._usage = event.usage
                case stream.Started():
                    self._model = event.model
                case stream.Finished():
                    self._finish[event.choice] = event.reason
                case stream.Ended():
                    self.ended = True
                case _:
                    pass
            self.begun = True

    def see_whole(self, response: ChatResponse) -> None:
        """Note a whole answer."""
        self.begun = self.ended = True
        self._usage = response.usage
        self._model = response.model
        self._finish = {choice.index: choice.finish_reason for choice in response.choices if choice.finish_reason}

    def count_chunk(self) -> None:
        """One more write was handed to the client's transport."""
        self.chunks_delivered += 1
        if self.first_chunk_ns is None:
            self.first_chunk_ns = time.monotonic_ns() - self._call.arrived_ns

    def outcome(self, status: Status, error_code: str = "") -> Outcome:
        """The notes as the record that every other room reads."""
        attempts = tuple(self.attempts)
        if not error_code and self.target is not None:
            attempts = (*attempts, Attempt(self.target, 200))
        return Outcome(
            call_id=self._call.id,
            operation=self._call.operation,
            status=status,
            request_model=self._call.peek.model,
            served=self.target if self.begun else None,
            response_model=self._model,
            usage=self._usage,
            finish_reasons=tuple(self._finish[index] for index in sorted(self._finish)),
            attempts=attempts,
            dropped=self._dropped,
            error_code=error_code,
            chunks_delivered=self.chunks_delivered,
            first_chunk_ns=self.first_chunk_ns,
            duration_ns=time.monotonic_ns() - self._call.arrived_ns,
        )
