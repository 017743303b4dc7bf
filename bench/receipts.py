"""What a receipt costs: processor time of each of its steps, and of a proof and a start at a log that has grown large.

The steps are those that a call would not take without a receipt: hashing what passes, commitments, draft, body, two
rows in the transaction that is under way anyway, and its share of a sequencer's turn. Signing happens once a second,
however many receipts there are, and is left out. The large log is made by the sequencer's own turns.

    python -m bench.receipts [--size 1000000] [--profile sqlite|postgresql]
"""

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Final

from tallygate.api.call_id import make_call_id
from tallygate.dialects.registry import DIALECTS
from tallygate.genai import stream
from tallygate.genai.chat import ChatResponse
from tallygate.genai.receipt_draft import ReceiptDraft
from tallygate.pipeline.call import Call
from tallygate.pipeline.commitments import Commitments
from tallygate.pipeline.watch import Watch
from tallygate.receipts.commitment import Label
from tallygate.receipts.high_water import HighWater
from tallygate.receipts.log_reader import prove_inclusion
from tallygate.receipts.log_writer import BATCH_MAX, LogWriter
from tallygate.receipts.receipt import complete
from tallygate.store.address import DatabaseAddress, Engine, parse_address
from tallygate.store.driver import DriverConnection
from tallygate.store.epochs import begin_life
from tallygate.store.log import claim_log, open_log
from tallygate.store.migrate import migrate
from tallygate.store.receipt_rows import ReceiptRow, make_row
from tests.fixtures.postgresql import PrivateServer
from tests.receipts import making
from tests.receipts.logs import Clock, insert, make_keys

CALLS: Final = 5_120
BATCH: Final = 64
PIECES: Final = 20
"""Pieces of an answer that is streamed, of some 200 bytes each."""
PROOFS: Final = 500

WORD: Final = "receipt "
REQUEST: Final = b'{"model":"qwen3","max_tokens":500,"messages":[{"role":"user","content":"%b"}]}' % (b"word " * 180)
PIECE: Final = (
    b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[%b]}\n\n'
    % (b'{"index":0,"delta":{"content":"receipt "},"finish_reason":null}')
)
ANSWER: Final = (
    b'{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"%b"},"finish_reason":"stop"}]}' % (WORD.encode() * PIECES)
)


class Nobody:
    """A client that takes whatever is sent."""

    async def start(self, status: int, headers: list[tuple[str, str]]) -> None:
        """Take the head."""

    async def send(self, chunk: bytes) -> None:
        """Take a piece."""

    async def end(self, last: bytes = b"") -> None:
        """Take the end."""


def measure(steps: Sequence[Callable[[], object]]) -> float:
    """Microseconds of processor time of one step, in the quietest of twenty shares of them."""
    share = len(steps) // 20
    shares: list[float] = []
    for start in range(0, len(steps), share):
        began_s = time.thread_time()
        for step in steps[start : start + share]:
            step()
        shares.append((time.thread_time() - began_s) / share * 1e6)
    return min(shares)


def tell(what: str, figure: float, unit: str = "µs") -> float:
    """Print a figure. Returns it."""
    print(f"{what:<58} {figure:9.2f} {unit}")
    return figure


def open_call() -> tuple[Call, Watch]:
    """A call as it stands before its first byte."""
    dialect = DIALECTS["openai_chat"]
    call = Call(
        call_id=make_call_id(),
        request_id="req_1",
        operation="chat",
        dialect=dialect,
        body=REQUEST,
        peek=dialect.peek(REQUEST, 64),
        credential=None,
        forwarded=(),
        client=Nobody(),
        arrived_ns=0,
    )
    watch = Watch(call)
    watch.send(REQUEST)
    return call, watch


def commit_whole(call: Call, watch: Watch, response: ChatResponse) -> dict[Label, str]:
    """What a whole answer's commitments take."""
    commitments = Commitments(call, watch)
    watch.content.see_whole(response)
    return commitments.make(ANSWER)


async def commit_stream(call: Call, watch: Watch) -> dict[Label, str]:
    """What those of a stream take, with one more layer between it and its client."""
    commitments = Commitments(call, watch)
    for _ in range(PIECES):
        watch.content.see(stream.TextDelta(WORD, 0))
        watch.content.hand_on()
        await commitments.send(PIECE)
    return commitments.make(b"data: [DONE]\n\n")


def measure_steps() -> None:
    """Everything but the database."""
    calls = [open_call() for _ in range(CALLS)]
    response = DIALECTS["openai_chat"].read_response(ANSWER)
    whole = tell("commitments, whole answer", measure([lambda o=o: commit_whole(*o, response) for o in calls]))

    async def streams() -> float:
        shares: list[float] = []
        for start in range(0, CALLS, BATCH):
            opened = [open_call() for _ in range(start, min(start + BATCH, CALLS))]
            began_s = time.thread_time()
            for call, watch in opened:
                await commit_stream(call, watch)
            shares.append((time.thread_time() - began_s) / len(opened) * 1e6)
        return min(shares)

    streamed = tell(f"commitments, a stream of {PIECES} pieces", asyncio.run(streams()))
    made = commit_whole(*open_call(), response)

    def draft() -> ReceiptDraft:
        return making.ISSUER.draft(
            making.DETAILS, making.HOLD.workspace_id, "POST /v1/chat/completions", "usage", making.SEED, made
        )

    posted, drafted = making.post(), draft()
    body = complete(drafted, posted)
    rest = tell("draft", measure([draft] * CALLS))
    rest += tell(f"body, {len(body)} bytes", measure([lambda: complete(drafted, posted)] * CALLS))
    rest += tell("row", measure([lambda: make_row(drafted, posted, body)] * CALLS))
    tell("  all of these, whole answer", whole + rest)
    tell("  all of these, stream", streamed + rest)


def make_rows(count: int, first: int, origin: str, body: bytes) -> list[ReceiptRow]:
    """Receipts of one workspace, all with one body."""
    return [
        ReceiptRow(make_call_id(), "w", number, body, bytes(32), origin, sha256(b"%d" % number).digest())
        for number in range(first, first + count)
    ]


def measure_inserting(connection: DriverConnection, origin: str) -> int:
    """Two rows in a transaction that is under way anyway. Returns how many were inserted."""
    body = making.receipt()
    batches = [make_rows(BATCH, first, origin, body) for first in range(1, CALLS, BATCH)]
    connection.fetch("BEGIN")
    each = measure([lambda rows=rows: insert(connection, rows) for rows in batches])
    connection.fetch("COMMIT")
    tell(f"two rows, {BATCH} receipts at a time", each / BATCH)
    return len(batches) * BATCH


def fill(connection: DriverConnection, origin: str, first: int, count: int) -> None:
    """Settle very many calls. Their receipts say little, so that the database stays small."""
    for start in range(first, first + count, 10_000):
        rows = make_rows(min(10_000, first + count - start), start, origin, b"{}")
        connection.fetch("BEGIN")
        for at in range(0, len(rows), 500):
            insert(connection, rows[at : at + 500])
        connection.fetch("COMMIT")


def measure_log(address: DatabaseAddress, folder: Path, size: int) -> None:
    """A log from its first entry to its last, then questions about it."""
    migrate(address)
    print(f"\n{address.engine.value}")
    keys, clock = make_keys(), Clock()
    mark = HighWater(folder / f"mark-{address.engine.value}", keys.signer.verifier.vkey)
    life = begin_life(address, "bench")
    with closing(open_log(address)) as connection:
        claim_log(connection, keys.origin, keys.signer.verifier.vkey, 1)
        inserted = measure_inserting(connection, keys.origin)
        fill(connection, keys.origin, inserted + 1, size - inserted)
        writer = LogWriter(connection, address, keys, mark, clock_ns=clock)
        turns: list[float] = []
        while True:
            clock.pass_s(0.01)
            began_s = time.thread_time()
            turn = writer.take_turn(life.epoch)
            turns.append((time.thread_time() - began_s) * 1e6)
            if not turn.more:
                break
        tell(f"a receipt's share of a turn of {BATCH_MAX}", statistics.median(turns[:-1]) / BATCH_MAX)
        clock.pass_s(2)
        writer.take_turn(life.epoch)
        writer.give_turn(life.epoch)
    with closing(open_log(address)) as connection:
        writer = LogWriter(connection, address, keys, mark, clock_ns=clock)
        began_s, cpu_s = time.perf_counter(), time.thread_time()
        assert writer.take_turn(life.epoch).held
        tell(f"check at the start, {size} receipts, waited", (time.perf_counter() - began_s) * 1e3, "ms")
        tell(f"check at the start, {size} receipts, processor", (time.thread_time() - cpu_s) * 1e3, "ms")
        chance = random.Random(1)
        waited: list[float] = []
        cpu_s = time.thread_time()
        for _ in range(PROOFS):
            began_s = time.perf_counter()
            assert prove_inclusion(connection, keys.origin, chance.randrange(size)) is not None
            waited.append((time.perf_counter() - began_s) * 1e3)
        tell("a proof, checked, processor", (time.thread_time() - cpu_s) / PROOFS * 1e3, "ms")
        tell("a proof, checked, waited, median", statistics.median(waited), "ms")
        tell("a proof, checked, waited, 99 of 100", sorted(waited)[PROOFS * 99 // 100], "ms")
    life.end()


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench.receipts", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--size", type=int, default=1_000_000)
    parser.add_argument("--profile", choices=[engine.value for engine in Engine])
    asked = parser.parse_args()
    measure_steps()
    with tempfile.TemporaryDirectory() as folder:
        if asked.profile != Engine.POSTGRESQL.value:
            measure_log(parse_address(f"sqlite:///{folder}/bench.db", Path()), Path(folder), asked.size)
        if asked.profile != Engine.SQLITE.value:
            with PrivateServer() as server:
                url = server.create_database("bench")
                measure_log(parse_address(url, Path()), Path(folder), asked.size)


if __name__ == "__main__":
    main()
