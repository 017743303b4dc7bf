"""The verifier before hostile bytes: any change fails, nothing raises, and nothing takes long or much memory."""

import random
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import NoReturn

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.receipts.bundle import BUNDLE_BYTES_MAX
from tallygate.receipts.commitment import LABELS
from tallygate.receipts.verify import Material, verify
from tests.laws.json_text import json_objects, render
from tests.receipts.making import BODIES, bundle, pin

WHOLE = bundle(None, *LABELS)
MATERIAL = Material(opened=BODIES)
PIECES = (
    b'"',
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\n",
    b"\\n",
    b"0",
    b"-1",
    b"1e9",
    b"null",
    b"\xff",
    b"\xe2\x80\x94 ",
)

FUZZED, FUZZED_LONG = 4_000, 100_000


def test_what_is_spoilt_here_was_whole() -> None:
    assert verify(WHOLE, pin(), MATERIAL).exit_code == 0


def test_any_flipped_byte_fails() -> None:
    """R5, with one bit of each byte."""
    for at in range(len(WHOLE)):
        assert _flip(at, 1 << (at % 8)) == 1, f"byte {at}"


@pytest.mark.long
def test_any_flipped_bit_fails() -> None:
    for at in range(len(WHOLE)):
        for bit in range(8):
            assert _flip(at, 1 << bit) == 1, f"bit {bit} of byte {at}"


def _flip(at: int, mask: int) -> int:
    spoilt = bytearray(WHOLE)
    spoilt[at] ^= mask
    return verify(bytes(spoilt), pin(), MATERIAL).exit_code


def test_a_bundle_that_was_cut_fails() -> None:
    for end in range(len(WHOLE)):
        assert verify(WHOLE[:end], pin(), MATERIAL).exit_code == 1


def test_thousands_of_spoilt_bundles_are_answered() -> None:
    _fuzz(FUZZED, seed=1)


@pytest.mark.long
def test_a_hundred_thousand_spoilt_bundles_are_answered() -> None:
    _fuzz(FUZZED_LONG, seed=2)


def _fuzz(count: int, seed: int) -> None:
    chance = random.Random(seed)
    for number in range(count):
        spoilt = _spoil(chance)
        with _a_second_at_most():
            verdict = verify(spoilt, pin(), MATERIAL)
        assert verdict.exit_code != 0 or spoilt.removesuffix(b"\n") == WHOLE, (number, spoilt)
        assert all(check.note.isprintable() for check in verdict.checks)


@contextmanager
def _a_second_at_most() -> Generator[None]:
    """The system interrupts what takes more than a second of processor time."""

    def interrupt(*_: object) -> NoReturn:
        raise AssertionError("it takes more than a second")

    before = signal.signal(signal.SIGVTALRM, interrupt)
    signal.setitimer(signal.ITIMER_VIRTUAL, 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _spoil(chance: random.Random) -> bytes:
    """The bundle after a few changes of any kind."""
    data = bytearray(WHOLE)
    for _ in range(chance.choice((1, 1, 2, 5))):
        at, until = sorted(chance.randrange(len(data) + 1) for _ in range(2))
        until = min(until, at + chance.choice((1, 3, 80, 3_000)))
        changes: tuple[Callable[[], bytes], ...] = (
            lambda: chance.randbytes(1),
            lambda: chance.choice(PIECES),
            lambda start=at, end=until: bytes(data[start:end]) * 2,
            lambda: b"",
            lambda: WHOLE[slice(*sorted(chance.randrange(len(WHOLE)) for _ in range(2)))],
        )
        data[at:until] = chance.choice(changes)()
        if not data:
            return b""
    return bytes(data)


@given(st.binary(max_size=300) | json_objects().flatmap(render))
def test_any_bytes_are_answered(data: bytes) -> None:
    assert verify(data, pin(), MATERIAL).exit_code == 1


@given(st.text(max_size=200), st.text(max_size=100))
def test_any_proof_is_answered(head: str, note: str) -> None:
    proof = f"c2sp.org/tlog-proof@v1\nindex 1\n{head}\n\n{note}"
    escaped = proof.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").encode("utf-8", "replace")
    start, end = WHOLE.index(b'"proof":"'), WHOLE.index(b'","receipt"')
    assert verify(WHOLE[:start] + b'"proof":"' + escaped + WHOLE[end:], pin(), MATERIAL).exit_code == 1


def worst() -> Iterator[bytes]:
    """Bundles of the largest size that are hard on parsers."""
    room = BUNDLE_BYTES_MAX
    for piece in (b"[", b"{", b"[],", b'{"a":', b'"\\u0000",', b"1", b"1e9,", b'"a":1,', b"{},", b"\\", b'"'):
        yield b"[" + piece * ((room - 2) // len(piece)) + b"]"
    yield b"[" + b",".join([b"[]"] * ((room - 2) // 3)) + b"]"
    yield b"{" + b",".join(b'"%d":%d' % (at, at) for at in range(room // 16)) + b"}"
    start, end = WHOLE.index(b'"proof":"'), WHOLE.index(b'","receipt"')
    left = room - len(WHOLE)
    for line in (b"A" * 43 + b"=\\n", b"\\n", b"\xe2\x80\x94 a AAAAAAA=\\n", b"9"):
        yield WHOLE[:end] + line * (left // len(line)) + WHOLE[end:]
        yield WHOLE[: start + 9] + b"c2sp.org/tlog-proof@v1\\nindex 1\\n" + line * (left // len(line)) + WHOLE[end:]
    for place in (b'"finish":["', b'"issuer":"', b'"claims":"', b'"amount":"', b'"request":"'):
        at = WHOLE.index(place) + len(place)
        yield WHOLE[:at] + b"9" * left + WHOLE[at:]


PROGRAM = """
import signal, sys
from tallygate.receipts.pinned import read_pinned
from tallygate.receipts.verify import verify
read = sys.stdin.buffer
pinned = read_pinned(read.readline())
while length := read.readline():
    bundle = read.read(int(length))
    signal.setitimer(signal.ITIMER_VIRTUAL, 1)
    assert verify(bundle, pinned).exit_code == 1
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
print(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0])
"""


def test_the_worst_bundles_take_neither_long_nor_much_memory() -> None:
    """The system ends a program that takes a second of processor time for one bundle; all together, the interpreter
    included, they may take 64 MB.
    """
    sent = b"".join(b"%d\n%b" % (len(data), data) for data in worst())
    keys = msgspec.json.encode(pin()) + b"\n"
    done = subprocess.run([sys.executable, "-c", PROGRAM], input=keys + sent, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert int(done.stdout) * 1_024 <= 64_000_000
