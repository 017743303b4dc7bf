"""What calls through the gateway cost: processor time, waiting, memory, streams, and the first start.

A canned provider, a proxy that only hands bytes on, a gateway as shipped, and the same one with its money taken out are
loaded in turns, all on this machine. Processor time is the kernel's account of each process. Figures of one run are to
be compared with each other, as ratios; the machine's other work moves them all, and waiting most.

    python -m bench.measure [--seconds 2] [--streams 500]
"""

import argparse
import asyncio
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple

from bench.load import Answered, Load, run
from bench.processes import Gateway, Server
from bench.upstream import EVENTS, HELD_EVENTS

SHIPPED: Final = "tallygate"
MONEYLESS: Final = "no money"
BARE: Final = "bytes only"
ROUNDS: Final = 3
CLIENTS: Final = 64
STREAM_EVENTS: Final = EVENTS + 3


class Measured(NamedTuple):
    """Microseconds of processor time for each call in each round, and every call's waiting times in seconds."""

    cpu_us: list[float]
    firsts_s: list[float]
    ends_s: list[float]


def measure(servers: Mapping[str, Server], model: str, *, stream: bool, seconds: float) -> dict[str, Measured]:
    """Load each in turn, and again, so that what else the machine does falls on all alike."""
    measured = {name: Measured([], [], []) for name in servers}
    for turn in range(ROUNDS + 1):
        for name, server in servers.items():
            load = Load(server.port, server.key, model, stream, CLIENTS, seconds if turn else seconds / 4)
            before_s = server.cpu_s()
            answered: Answered = asyncio.run(run(load, ramp_s=0.64 if model == "bench-paced" else 0.0))
            if turn:  # the first warms up
                measured[name].cpu_us.append((server.cpu_s() - before_s) / len(answered.ends_s) * 1e6)
                measured[name].firsts_s.extend(answered.firsts_s)
                measured[name].ends_s.extend(answered.ends_s)
    return measured


def report(title: str, measured: Mapping[str, Measured], events: int, wait: Callable[[Measured], list[float]]) -> None:
    """One table. `wait` says which waiting time is of interest."""
    print(f"\n{title}")
    base = statistics.median(measured[BARE].cpu_us) if BARE in measured else 0.0
    for name, found in measured.items():
        cost_us = statistics.median(found.cpu_us)
        of_event = f" {cost_us / events:7.1f} µs an event" if events > 1 else ""
        ratio = f" {cost_us / base:6.1f} x" if base else ""
        p50, p99 = (quantile(wait(found), part) * 1e3 for part in (0.5, 0.99))
        spread = f"({min(found.cpu_us):.0f}-{max(found.cpu_us):.0f})"
        print(f"  {name:<11}{cost_us:7.0f} µs {spread:<13}{of_event}{ratio}   wait p50 {p50:.2f} p99 {p99:.2f} ms")


def quantile(waits_s: Sequence[float], part: float) -> float:
    """The waiting time that this part of all calls stays below."""
    return sorted(waits_s)[int(part * (len(waits_s) - 1))]


def hold_streams(server: Server, count: int) -> None:
    """So many streams open together, one event a second."""
    before_mb = server.memory_mb()

    async def hold() -> tuple[Answered, float]:
        load = Load(server.port, server.key, "bench-held", True, count, 0)
        running = asyncio.create_task(run(load, ramp_s=count / 500))
        await asyncio.sleep(count / 500 + HELD_EVENTS / 2)
        held_mb = server.memory_mb()
        return await running, held_mb

    answered, held_mb = asyncio.run(hold())
    each_kb = (held_mb - before_mb) / count * 1024
    print(f"\n{count} streams at once: {len(answered.ends_s)} came to their end, {each_kb:.0f} KB each")


def measure_start(folder: Path, upstream: Server) -> None:
    """From nothing, and with its database made, to the first answer of a model."""
    key = ""
    for name in ("first", "warm"):
        with Gateway("tallygate", folder, upstream.port, key) as gateway:
            asyncio.run(run(Load(gateway.port, gateway.key, "bench", False, 1, 0)))
            print(f"{name} start to the first answer: {time.monotonic() - gateway.began_s:.2f} s")
            key = gateway.key


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What calls through the gateway cost.")
    parser.add_argument("--seconds", type=float, default=2.0, help="for each round")
    parser.add_argument("--streams", type=int, default=500, help="held open together")
    asked = parser.parse_args()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        upstream = stack.enter_context(Server("bench.upstream"))
        measure_start(folder / "start", upstream)
        shipped = stack.enter_context(Gateway("tallygate", folder / "shipped", upstream.port))
        moneyless = stack.enter_context(Gateway("bench.moneyless", folder / "moneyless", upstream.port))
        bare = stack.enter_context(Server("bench.passthrough", str(upstream.port)))
        servers = {SHIPPED: shipped, MONEYLESS: moneyless, BARE: bare}
        print(f"memory: {shipped.memory_mb():.0f} MB idle")
        whole = measure(servers, "bench", stream=False, seconds=asked.seconds)
        report(f"whole answers, {CLIENTS} clients", whole, 1, lambda found: found.ends_s)
        burst = measure(servers, "bench", stream=True, seconds=asked.seconds)
        report(f"streams of {STREAM_EVENTS} events at once", burst, STREAM_EVENTS, lambda found: found.firsts_s)
        paced = measure(servers, "bench-paced", stream=True, seconds=asked.seconds)
        report(f"streams, one event each 10 ms, {CLIENTS} clients", paced, STREAM_EVENTS, lambda found: found.firsts_s)
        hold_streams(shipped, asked.streams)
        print(f"memory: {shipped.memory_mb():.0f} MB after the load")


if __name__ == "__main__":
    main()
