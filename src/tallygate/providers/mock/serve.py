"""The door of the test models: a request in, an answer that behaves like one from the network out.

Which model fails how, and how slowly one speaks, is decided by its name alone.
"""

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping

from msgspec import DecodeError, json, structs

from tallygate.errors import InvalidValue, StreamBroken
from tallygate.providers.mock import embed
from tallygate.providers.mock.request import Request
from tallygate.providers.mock.script import Said, answer
from tallygate.providers.mock.wire import identify, write_beginning, write_error, write_stream, write_whole
from tallygate.transport.base import OutgoingRequest

N_MAX = 128
SLOW_MS = 100
_SLOW = re.compile(r"slow(?:-([0-9]{1,5}))?\Z")
_FAIL = re.compile(r"fail-([45][0-9]{2})\Z")
_PLAIN = frozenset({"echo", "tools", "thinking", "fail-midstream"})


class MockAnswer:
    """An answer made here (`transport.base.Answer`). After `pieces` it ends cleanly, or breaks if `breaks`."""

    def __init__(
        self,
        status: int,
        headers: Mapping[str, str],
        pieces: Iterable[bytes],
        *,
        pause_ms: int = 0,
        breaks: bool = False,
    ) -> None:
        self.status = status
        self.headers = headers
        self._pieces: Iterator[bytes] = iter(pieces)
        self._pause_s = pause_ms / 1000
        self._breaks = breaks

    async def read(self) -> bytes:
        """The next piece; empty at the end. Raises StreamBroken where the model breaks off, and after `close`."""
        await asyncio.sleep(self._pause_s)
        piece = next(self._pieces, b"")
        if not piece and self._breaks:
            raise StreamBroken
        return piece

    def close(self) -> None:
        """Say nothing more."""
        if next(self._pieces, None) is not None:
            self._breaks = True
        self._pieces = iter(())


async def serve(request: OutgoingRequest) -> MockAnswer:
    """Answer one request."""
    embeds = request.url.endswith("/embeddings")
    try:
        asked = json.decode(request.body, type=embed.Request if embeds else Request)
    except DecodeError:
        return _refuse(400, "The test models cannot read this request.")
    if failing := _FAIL.match(asked.model):
        return _refuse(int(failing[1]), f"{asked.model} always fails with {failing[1]}.")
    return _embed(asked, request.body) if isinstance(asked, embed.Request) else await _chat(asked, request.body)


def _embed(asked: embed.Request, body: bytes) -> MockAnswer:
    if asked.model != "embed":
        return _refuse(404, "There is no test model of that name.", "model")
    try:
        answered = embed.write_answer(asked)
    except InvalidValue as error:
        return _refuse(400, error.message, error.param)
    return MockAnswer(200, {"content-type": "application/json", "x-request-id": identify(body)}, (answered,))


async def _chat(asked: Request, body: bytes) -> MockAnswer:
    slow = _SLOW.match(asked.model)
    if slow is None and asked.model not in _PLAIN:
        return _refuse(404, "There is no test model of that name.", "model")
    if not 1 <= (asked.n or 1) <= N_MAX:
        return _refuse(400, f"n must be from 1 to {N_MAX}.", "n")
    try:
        said = answer(asked)
    except InvalidValue as error:
        return _refuse(400, error.message, error.param)
    return await _speak(asked, said, identify(body), int(slow[1] or SLOW_MS) if slow else 0)


async def _speak(asked: Request, said: Said, identity: str, pause_ms: int) -> MockAnswer:
    breaks = asked.model == "fail-midstream"
    headers = {"content-type": "text/event-stream" if asked.stream else "application/json", "x-request-id": identity}
    if asked.stream and breaks:
        half = structs.replace(said, text=said.text[: (len(said.text) + 1) // 2])
        return MockAnswer(200, headers, write_beginning(asked, half, identity), breaks=True)
    if asked.stream:
        return MockAnswer(200, headers, write_stream(asked, said, identity), pause_ms=pause_ms)
    body = write_whole(asked, said, identity)
    await asyncio.sleep(pause_ms / 1000 * said.token_count)
    return MockAnswer(200, headers, (body[: len(body) // 2] if breaks else body,), breaks=breaks)


def _refuse(status: int, message: str, param: str | None = None) -> MockAnswer:
    headers = {"content-type": "application/json"} | ({"retry-after": "1"} if status in (429, 503, 529) else {})
    return MockAnswer(status, headers, (write_error(status, message, param),))
