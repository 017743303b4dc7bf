"""What one call through the gateway costs: processor time per call, and waiting time beside the bare provider.

Starts a canned provider, a gateway as shipped on a fresh folder, the same one with its money taken out, and a loop of
clients, all on this machine. Processor
time is the kernel's account of the gateway's process; it is the figure to compare between two builds, in one run. The
machine's other work moves waiting times more than anything here.
"""

import argparse
import asyncio
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple, Self

from bench.upstream import EVENTS

CONFIG = """
discover = false
[providers.bench]
base_url = "http://127.0.0.1:{port}"
auth = "none"
speaks = {{ openai_chat = "/v1/chat/completions" }}
[models.bench]
targets = ["bench/bench"]
price = {{ input = "1.00", output = "4.00" }}
[limits]
concurrency = 10000
"""
GATEWAYS = {"money": "tallygate", "no money": "bench.moneyless"}
"""What is measured, and the module that starts it."""
ROUNDS = 4
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Measured(NamedTuple):
    """One load: calls answered, processor seconds the gateway spent, and each call's waiting time in seconds."""

    calls: int
    cpu_s: float
    waits_s: list[float]


async def ask(port: int, key: str, *, stream: bool, until_s: float, waits_s: list[float]) -> None:
    """One client: asks again as soon as it is answered, on one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    flag = "true" if stream else "false"
    body = f'{{"model":"bench","stream":{flag},"messages":[{{"role":"user","content":"Say something."}}]}}'.encode()
    request = (
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        b"authorization: Bearer %b\r\ncontent-length: %d\r\n\r\n%b" % (key.encode(), len(body), body)
    )
    while time.monotonic() < until_s:
        started_s = time.monotonic()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        if length:
            await reader.readexactly(int(length[1]))
        else:
            await reader.readuntil(b"\r\n0\r\n\r\n")
        waits_s.append(time.monotonic() - started_s)
    writer.close()
    await writer.wait_closed()


async def load(port: int, key: str, *, stream: bool, clients: int, seconds: float, pid: int) -> Measured:
    """Load for `seconds` with `clients` at a time, after a short warm-up that is not counted."""
    await asyncio.gather(*(ask(port, key, stream=stream, until_s=time.monotonic() + 0.5, waits_s=[]) for _ in range(8)))
    waits_s: list[float] = []
    before_s = cpu_s(pid)
    until_s = time.monotonic() + seconds
    asking = (ask(port, key, stream=stream, until_s=until_s, waits_s=waits_s) for _ in range(clients))
    await asyncio.gather(*asking)
    return Measured(len(waits_s), cpu_s(pid) - before_s, waits_s)


def cpu_s(pid: int) -> float:
    """Processor seconds of a process so far, its kernel time included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def memory_mb(pid: int) -> float:
    """Megabytes a process holds, shared pages counted by its share."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


class Gateway:
    """A gateway in a folder of its own, for the length of a `with` block."""

    def __init__(self, module: str, folder: Path, upstream_port: int) -> None:
        folder.mkdir()
        config = folder / "tallygate.toml"
        config.write_text(CONFIG.format(port=upstream_port))
        command = [sys.executable, "-m", module, "serve", "--port", "0", "--config", str(config)]
        environ = {**os.environ, "TALLYGATE_OPENING_CREDIT_USD": "100000"}
        self._process = subprocess.Popen(
            [*command, "--data", str(folder / "data")], stdout=subprocess.PIPE, text=True, env=environ
        )
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        assert self._process.stdout is not None
        banner = ""
        while "Paste one of these" not in banner:
            line = self._process.stdout.readline()
            assert line, "the gateway did not start"
            banner += line
        self.port = int(re.findall(r"http://127\.0\.0\.1:(\d+)", banner)[0])
        self.key = re.findall(r"lx-\w+", banner)[0]
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    async def load(self, *, stream: bool, clients: int, seconds: float) -> Measured:
        """What this gateway takes for a load."""
        return await load(self.port, self.key, stream=stream, clients=clients, seconds=seconds, pid=self.pid)


def add(one: Measured, other: Measured) -> Measured:
    """Two rounds of the same load as one."""
    return Measured(one.calls + other.calls, one.cpu_s + other.cpu_s, one.waits_s + other.waits_s)


def report(name: str, measured: Mapping[str, Measured], bare: Measured, per_call: int) -> None:
    """Print one load's figures."""
    micros = {kind: item.cpu_s / item.calls * 1e6 for kind, item in measured.items()}
    for kind, item in measured.items():
        extra = f", {micros[kind] / per_call:.1f} µs per event" if per_call > 1 else ""
        wait_ms = statistics.median(item.waits_s) * 1e3
        cpu = f"{micros[kind]:6.0f} µs CPU per call{extra}"
        print(f"{name:<7} {kind:<9} {item.calls:>7} calls  {cpu}, wait {wait_ms:.2f} ms")
    wait_ms = statistics.median(bare.waits_s) * 1e3
    print(f"{name:<7} provider  {bare.calls:>7} calls, wait {wait_ms:.2f} ms")
    print(f"{name:<7} CPU with money is {micros['money'] / micros['no money']:.2f} of that without")


async def measure(
    gateways: Mapping[str, Gateway], bare_port: int, bare_pid: int, *, clients: int, seconds: float
) -> None:
    """Every load on every gateway, in turns, so that what else the machine does falls on all alike."""
    for name, stream in (("whole", False), ("stream", True)):
        rounds: dict[str, Measured] = {}
        for _ in range(ROUNDS):
            for kind, gateway in gateways.items():
                got = await gateway.load(stream=stream, clients=clients, seconds=seconds / ROUNDS)
                rounds[kind] = add(rounds[kind], got) if kind in rounds else got
        bare = await load(bare_port, "none", stream=stream, clients=clients, seconds=seconds / ROUNDS, pid=bare_pid)
        report(name, rounds, bare, EVENTS if stream else 1)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What one call through the gateway costs.")
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--clients", type=int, default=32)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        upstream = subprocess.Popen([sys.executable, "-m", "bench.upstream"], stdout=subprocess.PIPE, text=True)
        stack.callback(upstream.wait)
        stack.callback(upstream.terminate)
        assert upstream.stdout is not None
        bare_port = int(upstream.stdout.readline())
        gateways = {
            kind: stack.enter_context(Gateway(module, Path(folder) / module, bare_port))
            for kind, module in GATEWAYS.items()
        }
        shipped = gateways["money"]
        print(f"memory  {memory_mb(shipped.pid):.0f} MB idle")
        asyncio.run(measure(gateways, bare_port, upstream.pid, clients=asked.clients, seconds=asked.seconds))
        print(f"memory  {memory_mb(shipped.pid):.0f} MB after the load")


if __name__ == "__main__":
    main()
