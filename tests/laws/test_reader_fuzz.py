"""Ten minutes of nonsense for each reader of each dialect: recordings broken in every way, and no error but ours.

What is read all the same is written again in every dialect, which must do no worse. A failure prints the seed of its
case; TALLYGATE_FUZZ_S shortens or lengthens the time.
"""

import os
import random
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tallygate.dialects.registry import DIALECTS, STREAMING
from tallygate.errors import TallygateError
from tallygate.genai.assemble import assemble
from tallygate.genai.stream import Event
from tests.golden.recordings import GOLDEN

SECONDS = float(os.environ.get("TALLYGATE_FUZZ_S", "600"))
KINDS = {"request": "request.json", "answer": "answer.json", "stream": "stream.sse"}

every_reader = pytest.mark.parametrize(
    ("name", "kind"),
    [(name, kind) for name in sorted(DIALECTS) for kind in KINDS if kind != "stream" or name in STREAMING],
)

_WORDS = [
    b"null",
    b"true",
    b"0",
    b"-1",
    b"1e400",
    b"[]",
    b"{}",
    b'""',
    b'"\\ud800"',
    b'"\\u0000"',
    b"\n\n",
    b"\r",
    b":",
]


def break_bytes(data: bytes, draw: random.Random, others: list[bytes]) -> bytes:
    """The recording with some of its bytes changed, moved, or replaced by another's."""
    broken = bytearray(data)
    for _ in range(draw.randint(1, 6)):
        start = draw.randrange(len(broken) + 1)
        end = min(start + draw.randint(0, 40), len(broken))
        match draw.randrange(6):
            case 0:
                del broken[start:end]
            case 1:
                broken[start:start] = draw.choice(_WORDS)
            case 2:
                broken[start:end] = draw.choice(_WORDS)
            case 3:
                broken[start:start] = broken[start:end]
            case 4:
                other = draw.choice(others)
                at = draw.randrange(len(other) + 1)
                broken[start:end] = other[at : at + 60]
            case _:
                broken[start:end] = draw.randbytes(end - start)
    return bytes(broken)


def break_value(value: Any, draw: random.Random, others: list[Any]) -> Any:
    """The decoded recording with one thing in it replaced, left out, or put somewhere else."""
    if not isinstance(value, dict | list) or not value or draw.randrange(4) == 0:
        return draw.choice([None, True, 0, -1, 1.5, 2**70, "", "x", [], {}, [[]], {"type": "x"}, draw.choice(others)])
    if isinstance(value, list):
        place = draw.randrange(len(value))
        return [break_value(item, draw, others) if at == place else item for at, item in enumerate(value)]
    name = draw.choice(sorted(value))
    if draw.randrange(5) == 0:
        return {key: item for key, item in value.items() if key != name}
    return {key: break_value(item, draw, others) if key == name else item for key, item in value.items()}


def break_recording(data: bytes, kind: str, draw: random.Random, others: list[bytes]) -> bytes:
    if draw.randrange(2):
        return break_bytes(data, draw, others)
    if kind != "stream":
        values = [msgspec.json.decode(other) for other in draw.sample(others, min(3, len(others)))]
        return msgspec.json.encode(break_value(msgspec.json.decode(data), draw, values))
    frames = data.split(b"\n\n")
    place = draw.randrange(len(frames))
    head, brace, rest = frames[place].partition(b"{")
    try:
        broken = break_value(msgspec.json.decode(brace + rest), draw, ["x"])
    except msgspec.DecodeError:
        draw.shuffle(frames)
    else:
        frames[place] = head + msgspec.json.encode(broken)
    return b"\n\n".join(frames)


def write_everywhere(name: str, write: Callable[[Any], object]) -> None:
    """Write in every dialect in which the same is asked of a model."""
    for dialect in DIALECTS.values():
        if dialect.operation != DIALECTS[name].operation:
            continue
        try:
            write(dialect)
        except TallygateError:
            continue


def read_request(name: str, data: bytes, _: random.Random) -> None:
    DIALECTS[name].peek(data, 64)
    request = DIALECTS[name].read_request(data)
    write_everywhere(name, lambda dialect: dialect.write_request(request))


def read_answer(name: str, data: bytes, _: random.Random) -> None:
    response = DIALECTS[name].read_response(data)
    write_everywhere(name, lambda dialect: dialect.write_response(response))


def read_stream(name: str, data: bytes, draw: random.Random) -> None:
    reader, events = STREAMING[name].reader(), list[Event]()
    cut = draw.randrange(len(data) + 1)
    try:
        frames = [*reader.feed(data[:cut]), *reader.feed(data[cut:])]
        events += [event for frame in frames for event in frame.events]
        events += [event for frame in reader.finish() for event in frame.events]
    finally:

        def write(dialect: Any) -> None:
            writer = dialect.writer(include_usage=True)
            for event in events:
                writer.feed(event)

        write_everywhere(name, write)
    assemble(events)


READ: dict[str, Callable[[str, bytes, random.Random], None]] = {
    "request": read_request,
    "answer": read_answer,
    "stream": read_stream,
}


@pytest.mark.long
@pytest.mark.timeout(SECONDS + 120)
@every_reader
def test_ten_minutes_of_nonsense(name: str, kind: str) -> None:
    recordings = [path.read_bytes() for path in sorted((GOLDEN / name).glob(f"*.{KINDS[kind]}"))]
    seed, until = 0, time.monotonic() + SECONDS
    while time.monotonic() < until:
        seed += 1
        draw = random.Random(f"{name} {kind} {seed}")
        data = break_recording(draw.choice(recordings), kind, draw, recordings)
        try:
            READ[kind](name, data, draw)
        except TallygateError:
            continue
        except Exception as error:
            raise AssertionError(f"case {seed}: {data!r}") from error
