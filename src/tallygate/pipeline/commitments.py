"""What the receipt of one call will commit to, noted on its way: which bytes came in, went on, came out.

While an answer passes this costs one hash of each of its chunks; all the rest is made at the end, at one go. What the
bytes of each commitment are is told in docs/reference/receipts.md, how one is made in `receipts.commitment`.
"""

from collections.abc import Coroutine
from typing import Any

from tallygate.access.random_blocks import take_block
from tallygate.pipeline.call import Call
from tallygate.pipeline.watch import Watch
from tallygate.receipts.commitment import Committing, Label, Sealer
from tallygate.receipts.params import write_params


class Commitments:
    """Stands between a call and its client and hashes what passes but our own comments. It is a `Client` itself."""

    __slots__ = ("_call", "_client", "_response", "_sealer", "_unsaid", "_watch", "seed")

    def __init__(self, call: Call, watch: Watch) -> None:
        self.seed = take_block() + take_block()
        self._sealer = Sealer(self.seed)
        self._call = call
        self._client = call.client
        self._watch = watch
        self._response: Committing | None = None
        ping = call.streaming.ping if call.peek.stream else b""
        # A ping that is an event stays: nobody could tell it from the provider's own.
        self._unsaid = ping if ping.startswith(b":") else b""

    async def start(self, status: int, headers: list[tuple[str, str]]) -> None:
        """Send the answer's head, once."""
        await self._client.start(status, headers)

    def send(self, chunk: bytes) -> Coroutine[Any, Any, None]:
        """Send bytes of the body. Raises ClientGone. They count as handed on even if the wait for it is broken off."""
        if chunk != self._unsaid:
            self._hash(chunk)
        # Handed on, not waited for: each event of a stream passes here.
        return self._client.send(chunk)

    async def end(self, last: bytes = b"") -> None:
        """Complete the body. What is sent last was told to `make`, or is the gateway's own error."""
        await self._client.end(last)

    def make(self, closing: bytes | None) -> dict[Label, str]:
        """The commitments to all there was. `closing`: the end of an answer that came to it, though it has not been
        sent yet; None if there is none, and then only what was handed on is meant. To be called once.
        """
        call, watch, sealer = self._call, self._watch, self._sealer
        params = write_params(call.body, call.peek, call.dialect.conversation)
        made: dict[Label, str] = {
            "request": sealer.commit("request", call.body),
            "request.params": sealer.commit("request.params", params),
        }
        if watch.forwarded is not None:
            made["forwarded"] = sealer.commit("forwarded", watch.forwarded)
        if closing is not None:
            self._hash(closing)
            watch.content.hand_on()
        if self._response is not None:
            made["response"] = self._response.finish()
        if closing is not None or watch.delivered:
            made["response.content"] = sealer.commit("response.content", watch.content.write())
        return made

    def _hash(self, data: bytes) -> None:
        response = self._response
        if response is None:
            response = self._response = self._sealer.begin("response")
        response.update(data)
