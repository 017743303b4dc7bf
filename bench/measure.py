"""What one call through the gateway costs: processor time per call, and waiting time beside the bare provider.

Starts a canned provider, a gateway as shipped on a fresh folder, and a loop of clients, all on this machine. Processor
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
from pathlib import Path
from typing import NamedTuple

from bench.upstream import EVENTS

CONFIG = """
discover = false
[providers.bench]
base_url = "http://127.0.0.1:{port}"
auth = "none"
speaks = {{ openai_chat = "/v1/chat/completions" }}
[models.bench]
targets = ["bench/bench"]
"""
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


def report(name: str, through: Measured, bare: Measured, per_call: int) -> None:
    """Print one load's figures."""
    micros = through.cpu_s / through.calls * 1e6
    wait, bare_wait = (statistics.median(item.waits_s) * 1e3 for item in (through, bare))
    extra = f", {micros / per_call:.1f} µs per event" if per_call > 1 else ""
    print(f"{name:<8} {through.calls:>7} calls  {micros:8.0f} µs CPU per call{extra}")
    print(f"{'':<8} {'':>7}        {wait:8.2f} ms median wait ({bare_wait:.2f} ms without the gateway)")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What one call through the gateway costs.")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--clients", type=int, default=32)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        upstream = subprocess.Popen([sys.executable, "-m", "bench.upstream"], stdout=subprocess.PIPE, text=True)
        assert upstream.stdout is not None
        bare_port = int(upstream.stdout.readline())
        config = Path(folder) / "tallygate.toml"
        config.write_text(CONFIG.format(port=bare_port))
        serve = [sys.executable, "-m", "tallygate", "serve", "--port", "0", "--config", str(config)]
        gateway = subprocess.Popen([*serve, "--data", f"{folder}/data"], stdout=subprocess.PIPE, text=True)
        try:
            assert gateway.stdout is not None
            banner = ""
            while "Paste one of these" not in banner:
                banner += gateway.stdout.readline()
            port = int(re.findall(r"http://127\.0\.0\.1:(\d+)", banner)[0])
            key = re.findall(r"lx-\w+", banner)[0]
            print(f"memory   {memory_mb(gateway.pid):.0f} MB idle")
            for name, stream in (("whole", False), ("stream", True)):
                settings = {"stream": stream, "clients": asked.clients, "seconds": asked.seconds}
                through = asyncio.run(load(port, key, pid=gateway.pid, **settings))
                bare = asyncio.run(load(bare_port, key, pid=upstream.pid, **settings))
                report(name, through, bare, EVENTS if stream else 1)
            print(f"memory   {memory_mb(gateway.pid):.0f} MB after the load")
        finally:
            gateway.terminate()
            upstream.terminate()
            gateway.wait()
            upstream.wait()


if __name__ == "__main__":
    main()
