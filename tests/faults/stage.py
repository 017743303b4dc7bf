"""The stage of a campaign: the hostile provider, the wire proxy before it, and what can be called through a gateway.

A row of the gateway's configuration is WIRE-DOOR for a door of the provider, WIRE-wire-LINK for a link of the proxy.
Which crossings there are follows from the gateway's own URL table: a row of tests appears with the address it needs.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from tallygate.api.urls import URLS
from tests.contract.gateway import Gateway, clean_env, start_gateway
from tests.fakes.process import ROOT, Process
from tests.faults.evidence import Evidence, gather
from tests.faults.exchange import PROVIDER_KEY
from tests.faults.journal import Entry, Follower, Journal
from tests.faults.wires import WIRES

TLS = ROOT / "tests/transport/tls"
DIALECTS = {"openai": "openai_chat", "anthropic": "anthropic_messages"}
SPOKEN = tuple(name for name, wire in WIRES.items() if any(route.path == wire.path for route in URLS))

QUICK = {"connect_ms": 1_500, "first_byte_ms": 2_500, "silence_ms": 2_500, "total_ms": 8_000}
"""Times for faults that only time ends: long enough for a busy machine, short enough for a test."""
PATIENT = {"first_byte_ms": 60_000, "silence_ms": 60_000, "total_ms": 120_000}
"""Times for campaigns where nothing may end by time."""


class Crossing(NamedTuple):
    """The dialect of the client, and that of the provider."""

    client: str
    upstream: str

    def __str__(self) -> str:
        return f"{self.client}-to-{self.upstream}"


CROSSINGS = tuple(Crossing(client, upstream) for client in SPOKEN for upstream in SPOKEN)


class Provider:
    """The running provider."""

    def __init__(self, process: Process, journal: Path) -> None:
        self.ports: dict[str, int] = json.loads(process.wait_for_match(r"^doors (\{.*\})$")[1])
        self.pid = process.child.pid
        self._follower = Follower(journal)

    @property
    def journal(self) -> list[Entry]:
        """Everything so far."""
        return self._follower.read()


class Stage(NamedTuple):
    """Everything that runs, and where the clients' history is written."""

    provider: Provider
    gateway: Gateway
    history: Journal

    def evidence(self) -> Evidence:
        """What is known now."""
        until_s = time.monotonic()
        history = Follower(self.history.path).read()
        return gather(history, self.provider.journal, list(self.gateway.process.lines), until_s)

    async def settled(self, cancel_s: float = 1.0) -> Evidence:
        """What is known when the time for closing requests and writing outcomes is over for the last call."""
        await asyncio.sleep(cancel_s + 0.2)
        return self.evidence()

    @contextmanager
    def kept_apart(self) -> Generator[None]:
        """Give the gateway a core of its own, where there are several, and the right of way: its delays are its own."""
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) > 1:
            os.sched_setaffinity(self.gateway.process.child.pid, cores[:1])
            for pid in (0, self.provider.pid):
                os.sched_setaffinity(pid, cores[1:])
        hurry(self.gateway.process.child.pid)
        try:
            yield
        finally:
            os.sched_setaffinity(0, cores)

    @contextmanager
    def probing(self) -> Generator[None]:
        """Look at /health from another process until the block ends."""
        command = [sys.executable, "-m", "tests.faults.prober", "--port", str(self.gateway.port)]
        command += ["--history", str(self.history.path)]
        with Process(command, {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}) as process:
            hurry(process.child.pid)
            yield

    def sample(self, stalled: int) -> int:
        """Note the gateway's resident memory; its bytes."""
        pages = int(Path(f"/proc/{self.gateway.process.child.pid}/statm").read_text().split()[1])
        rss_bytes = pages * os.sysconf("SC_PAGE_SIZE")
        self.history.note("sample", rss_bytes=rss_bytes, stalled=stalled)
        return rss_bytes


def hurry(pid: int) -> None:
    """Let a process go before others, if this user may say so: a crowded machine is not what is measured."""
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, pid, -15)


@contextmanager
def start_provider(folder: Path, module: str = "tests.faults.provider") -> Generator[Provider]:
    """The hostile provider, until the block ends."""
    journal = folder / "journal.jsonl"
    command = [sys.executable, "-m", module, "--journal", str(journal)]
    command += ["--certificate", str(TLS / "certificate.pem"), "--key", str(TLS / "key.pem")]
    with Process(command, {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}) as process:
        yield Provider(process, journal)


@contextmanager
def start_proxy(target: int) -> Generator[dict[str, int]]:
    """The wire proxy before a port; its own ports by link."""
    command = [sys.executable, "-m", "tests.faults.proxy", "--target", str(target)]
    with Process(command, {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}) as process:
        yield json.loads(process.wait_for_match(r"^links (\{.*\})$")[1])


def configuration(
    doors: dict[str, int], links: dict[str, int], transport: dict[str, int], server: Mapping[str, int]
) -> str:
    """A configuration file with a row for each wire and door, and for each wire and link."""
    ports = {**doors, **{f"wire-{name}": port for name, port in links.items()}}
    rows = [
        f'[providers.{wire}-{name}]\nbase_url = "{"https" if name.startswith("tls") else "http"}://127.0.0.1:{port}"\n'
        f'speaks = {{ {DIALECTS[wire]} = "{WIRES[wire].path}" }}\napi_key_env = "LAB_KEY"\nfree = true\n'
        for wire in SPOKEN
        for name, port in ports.items()
    ]
    times, limits = (
        "".join(f"{name} = {value}\n" for name, value in section.items()) for section in (transport, server)
    )
    return "".join(rows) + f"[transport]\n{times}[server]\n{limits}"


@contextmanager
def start_stage(
    folder: Path, transport: dict[str, int], server: Mapping[str, int] = MappingProxyType({})
) -> Generator[Stage]:
    """Provider, proxy and gateway, until the block ends. `transport`, `server`: settings of these sections."""
    with start_provider(folder) as provider, start_proxy(provider.ports["lab"]) as links:
        config = folder / "tallygate.toml"
        config.write_text(configuration(provider.ports, links, transport, server))
        # One user makes all the calls, and how many may run at once is not the matter here.
        limits = {"TALLYGATE_LIMITS__CONCURRENCY": "10000"}
        env = clean_env(folder, LAB_KEY=PROVIDER_KEY, TALLYGATE_LOG_LEVEL="debug", **limits)
        history = Journal(folder / "history.jsonl")
        with start_gateway(env, "--config", str(config)) as gateway:
            yield Stage(provider, gateway, history)
        history.close()
