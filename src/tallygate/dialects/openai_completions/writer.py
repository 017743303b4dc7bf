"""Events to a stream of this wire (platform.openai.com/docs/api-reference/completions/streaming): the chunks of a chat,
in the form of text.
"""

from collections import Counter
from typing import Any

import msgspec
from msgspec.structs import replace

from tallygate.dialects.openai_chat.reader import TERMINATOR
from tallygate.dialects.openai_chat.writer import ChatWriter
from tallygate.dialects.openai_completions.logprobs import to_lists
from tallygate.dialects.openai_completions.names import CARRIED, NAME
from tallygate.dialects.openai_completions.text_form import to_text
from tallygate.dialects.sse import encode
from tallygate.errors import TallygateError
from tallygate.genai import stream


class CompletionsWriter:
    """Writes one stream. `include_usage`: the client asked for the usage chunk."""

    def __init__(self, *, include_usage: bool) -> None:
        self._chat = ChatWriter(include_usage=include_usage)
        self._same = False
        # How many characters of each choice's tokens are told of, for where the next stand in its text.
        self._told: Counter[int] = Counter()

    def feed(self, event: stream.Event) -> bytes:
        """The bytes for one event; empty for what is only noted, and for signs of life."""
        if isinstance(event, stream.Started):
            self._same = event.dialect == NAME
            event = replace(event, dialect=CARRIED) if self._same else event
        written = self._chat.feed(event)
        if not written or isinstance(event, stream.Failed):
            return written
        body = written.removesuffix(TERMINATOR)
        chunks = [msgspec.json.decode(frame.removeprefix(b"data: ")) for frame in body.split(b"\n\n") if frame]
        return b"".join(map(self._write, chunks)) + (TERMINATOR if len(body) < len(written) else b"")

    def fail(self, error: TallygateError, request_id: str = "") -> bytes:
        """One event with the error, in the shape of an error body, and no terminator after it."""
        return self._chat.fail(error, request_id)

    def _write(self, chunk: dict[str, Any]) -> bytes:
        text = to_text(chunk)
        for choice in text["choices"]:
            logprobs = choice.setdefault("logprobs", None)
            if not self._same and logprobs is not None:
                choice["logprobs"] = told = to_lists(logprobs, self._told[choice["index"]])
                self._told[choice["index"]] += sum(map(len, told["tokens"]))
        return encode(msgspec.json.encode(text))
