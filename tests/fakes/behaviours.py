"""How a fake provider may behave, whatever language it speaks.

The model's name chooses: `BEHAVIOURS`, and two forms of name with a number in them.
"""

import asyncio
import gzip
import re
from collections.abc import Awaitable, Callable

from tests.fakes.provider import Incoming

PACE_S = 0.01
SLOW_S = 0.2

Behaviour = Callable[[Incoming], Awaitable[None]]


async def answer(call: Incoming) -> None:
    """The good behaviour: whole or streamed, whatever was asked."""
    if not call.json.get("stream"):
        await call.whole(200, call.provider.whole_body(call))
        return
    call.open_stream()
    for frame in call.provider.frames(call):
        await call.send(frame)
    await call.close_stream()


async def slow(call: Incoming) -> None:
    """A pause before the head, then a good answer."""
    await asyncio.sleep(SLOW_S)
    await answer(call)


async def silent(call: Incoming) -> None:
    """Never a byte."""
    await asyncio.Event().wait()


async def steady(call: Incoming) -> None:
    """A stream with no end."""
    call.open_stream()
    frames, first = call.provider.frames(call), call.provider.opening_frames
    for frame in frames[:first]:
        await call.send(frame)
    while True:
        await call.send(frames[first])
        await asyncio.sleep(PACE_S)


async def gated(call: Incoming) -> None:
    """The opening and the first piece; the rest only when a test has opened the gate named by the last user message."""
    call.open_stream()
    frames, held = call.provider.frames(call), call.provider.opening_frames + 1
    for frame in frames[:held]:
        await call.send(frame)
    await call.provider.gate(call.provider.last_user_text(call)).wait()
    for frame in frames[held:]:
        await call.send(frame)
    await call.close_stream()


async def gated_break(call: Incoming) -> None:
    """Three chunks; then a reset, but only when a test has opened the gate named by the last user message."""
    call.open_stream()
    for frame in call.provider.frames(call)[:3]:
        await call.send(frame)
    await call.provider.gate(call.provider.last_user_text(call)).wait()
    call.abort()


async def cut(call: Incoming, count: int, how: str) -> None:
    """`count` chunks, then: `break` resets, `cut` ends the body cleanly but too early, `stall` goes silent."""
    if not call.json.get("stream"):
        body = call.provider.whole_body(call)
        call.write_head(200, ("content-type", "application/json"), ("content-length", str(len(body))))
        call.writer.write(body[: len(body) // 2])
        await call.writer.drain()
    else:
        call.open_stream()
        for frame in call.provider.frames(call)[:count]:
            await call.send(frame)
    if how == "stall":
        await silent(call)
    elif how == "cut" and call.json.get("stream"):
        await call.close_stream()
    else:
        call.abort()


async def fail(call: Incoming, status: int) -> None:
    """An error status; the body tells things that must not reach the gateway's own callers."""
    after = [("retry-after", "7")] if status in {429, 503} else []
    body = call.provider.error_body(call, status, f"lab says {status}; key {call.provider.key}")
    await call.whole(status, body, *after)


async def outage(call: Incoming) -> None:
    """Good answers, but errors from when the gate `outage` is opened until the gate `healed` is."""
    gate = call.provider.gate
    await (fail(call, 500) if gate("outage").is_set() and not gate("healed").is_set() else answer(call))


async def html(call: Incoming) -> None:
    """A page with status 200, as proxies like to send."""
    await call.whole(200, b"<html><body>Welcome to the lab</body></html>", media_type="text/html")


async def bad_json(call: Incoming) -> None:
    """A body that says it is JSON."""
    await call.whole(200, b'{"id": "chatcmpl-lab", "choices": [')


async def redirect(call: Incoming) -> None:
    """A redirect that must not be followed with a provider's key in hand."""
    await call.whole(307, b"", ("location", "/v1/elsewhere"))


async def compressed(call: Incoming) -> None:
    """A good answer in an encoding nobody asked for."""
    body = gzip.compress(call.provider.whole_body(call))
    await call.whole(200, body, ("content-encoding", "gzip"))


async def error_midstream(call: Incoming) -> None:
    """The opening and two pieces, then an error object, then the end."""
    call.open_stream()
    for frame in call.provider.frames(call)[: call.provider.opening_frames + 2]:
        await call.send(frame)
    await call.send(call.provider.error_frame(call))
    await call.close_stream()


async def tiny_writes(call: Incoming) -> None:
    """A good stream, each byte in a chunk of its own, with CRLF line ends and a comment between events."""
    call.open_stream()
    stream = b": lab\r\n\r\n".join(frame.replace(b"\n", b"\r\n") for frame in call.provider.frames(call))
    for position in range(len(stream)):
        await call.send(stream[position : position + 1])
    await call.close_stream()


BEHAVIOURS: dict[str, Behaviour] = {
    "up-slow": slow,
    "up-silent": silent,
    "up-steady": steady,
    "up-gated": gated,
    "up-gated-break": gated_break,
    "up-outage": outage,
    "up-html": html,
    "up-bad-json": bad_json,
    "up-redirect": redirect,
    "up-gzip": compressed,
    "up-error-midstream": error_midstream,
    "up-tiny-writes": tiny_writes,
}
NUMBERED = re.compile(r"up-(break|cut|stall)-after-(\d+)")
STATUS = re.compile(r"up-(\d{3})")


def behaviour_of(model: str) -> Behaviour:
    """How this provider treats calls of a model."""
    if numbered := NUMBERED.fullmatch(model):
        how, count = numbered.groups()
        return lambda call: cut(call, int(count), how)
    if status := STATUS.fullmatch(model):
        return lambda call: fail(call, int(status[1]))
    return BEHAVIOURS.get(model, answer)
