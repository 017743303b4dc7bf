"""One run: starts the targets, checks their answers, loads them in turn, ends everything.

What goes wrong with a target becomes a line in `failures`; what makes the whole run pointless raises `Unusable`.
"""

from __future__ import annotations

import argparse
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cases import CASES, EVENTS, HELD_EVENTS, HELD_MS, PACE_US, Bench, Case, ask, settle, wrong
from peers import PEERS, Target
from processes import Fleet, Process

SETUP_TIMEOUT_S = 120
LOOPBACK = ("127.0.0.1", "localhost")


class Unusable(Exception):
    """The rig cannot run as asked; the message says what to do."""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def cores(asked: list[int] | None) -> tuple[int, int]:
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        raise Unusable("two CPU cores are needed: one for the server, one for upstream and load")
    server, load = asked or usable[:2]
    if server == load or not {server, load} <= set(usable):
        raise Unusable(f"--cores takes two different ones of {usable}")
    return server, load


def must_be_free(port: int, hint: str) -> None:
    with socket.socket() as probe:
        probe.settimeout(2)
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise Unusable(f"something already listens on 127.0.0.1:{port}; end it or {hint}")


# --- our own gateway --------------------------------------------------------------------------------------------------


def our_target(options: argparse.Namespace, upstream: str) -> Target:
    """Runs the setup, if there is one, and describes the gateway under test."""
    place = urlsplit(options.ours_url)
    if place.scheme != "http" or place.hostname not in LOOPBACK or place.port is None or place.path.strip("/"):
        raise Unusable("--ours-url must look like http://127.0.0.1:8080")
    must_be_free(place.port, "choose another port for --ours-url")
    url = f"http://127.0.0.1:{place.port}"
    env = {"UPSTREAM_URL": upstream, "OURS_URL": url}
    key = ""
    if options.ours_setup:
        try:
            done = subprocess.run(
                ["sh", "-c", options.ours_setup],
                env={**os.environ, **env},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=SETUP_TIMEOUT_S,
            )
        except subprocess.TimeoutExpired as error:
            raise Unusable(f"--ours-setup did not end within {SETUP_TIMEOUT_S} s") from error
        lines = done.stdout.strip().splitlines()
        if done.returncode or not lines:
            raise Unusable(f"--ours-setup failed (exit {done.returncode}):\n{done.stderr[-2000:]}")
        key = lines[-1].strip()
        env["OURS_KEY"] = key
    if not key and any("{key}" in header for header in options.ours_header):
        raise Unusable("--ours-header has {key}, which --ours-setup must print as its last line")
    headers = [header.replace("{key}", key) for header in options.ours_header]
    if any(": " not in header for header in headers):
        raise Unusable("--ours-header takes 'Name: value'")
    return Target(
        options.ours_name,
        url,
        ["sh", "-c", options.ours],
        headers,
        env,
        Path.cwd(),
        options.ours_model,
        frozenset({"chat", "messages"}),
        options.start_timeout,
    )


# --- running ----------------------------------------------------------------------------------------------------------


class Run:
    """One benchmark run: the targets that stand, what was measured, what went wrong."""

    def __init__(self, options: argparse.Namespace, fleet: Fleet) -> None:
        self.options = options
        self.fleet = fleet
        self.work: Path = options.work
        self.server_core, self.load_core = cores(options.cores)
        self.targets: dict[str, Target] = {}
        self.processes: dict[str, Process] = {}
        self.facts: dict[str, dict[str, Any]] = {}
        self.failures: list[str] = []
        self.results: dict[str, dict[str, Any]] = {}
        self.out = self.work / "logs"
        self.out.mkdir(parents=True, exist_ok=True)

    def fail(self, line: str) -> None:
        self.failures.append(line)
        say(f"FAIL {line}")

    def start_upstream(self, programs: Path) -> None:
        port = self.options.port_base
        must_be_free(port, "choose another --port-base")
        command = [str(programs / "upstream"), *map(str, (port, EVENTS, PACE_US, HELD_EVENTS, HELD_MS))]
        self.upstream = Target("direct", f"http://127.0.0.1:{port}", speaks=frozenset({"chat", "messages"}))
        upstream = self.fleet.start("upstream", command, self.load_core, self.out / "upstream.log")
        self.bench = Bench(programs / "loadgen", self.work, self.upstream)
        if why := self.first_answer(self.upstream, upstream, 10)[1]:
            raise Unusable(f"the upstream did not start: {why}")
        self.targets["direct"] = self.upstream

    def first_answer(self, target: Target, process: Process, limit_s: float) -> tuple[float, str | None]:
        """Asks until the answer is right; the seconds since the start, or the reason of the last failure."""
        why: str | None = "no answer"
        while time.monotonic() - process.started < limit_s:
            try:
                why = wrong(CASES["json"], *ask(target, CASES["json"]))
            except (OSError, http.client.HTTPException) as error:
                why = repr(error)
            if why is None:
                return time.monotonic() - process.started, None
            if not process.alive():
                why = f"it ended with exit status {process.popen.returncode}"
                break
            time.sleep(0.02)
        return 0.0, f"{why}\n{process.last_words()}"

    def start(self, target: Target) -> None:
        """Starts one target alone, so that its cold start is its own."""
        say(f"{target.name}: starting")
        log = self.out / f"{target.name}.log"
        command = target.command or []
        process = self.fleet.start(target.name, command, self.server_core, log, env=target.env, cwd=target.cwd)
        seconds, why = self.first_answer(target, process, target.start_timeout_s)
        if why:
            self.fail(f"{target.name} did not start: {why}")
            process.end()
            return
        time.sleep(1)
        settle(process)
        self.targets[target.name], self.processes[target.name] = target, process
        self.facts[target.name] = {
            "version": target.version,
            "cold_start_s": seconds,
            "idle_mb": process.memory_mb(),
        }
        say(f"{target.name}: answers after {seconds:.2f} s")

    def start_all(self) -> None:
        options, upstream = self.options, self.upstream.url
        if options.ours:
            self.start(our_target(options, upstream))
        for index, name in enumerate(options.peers):
            port = options.port_base + 10 * (index + 1)
            for taken in range(PEERS[name].ports):
                must_be_free(port + taken, "choose another --port-base")
            self.start(PEERS[name].target(self.work, port, upstream))

    def right(self, target: Target, case: Case, when: str) -> bool:
        try:
            why = wrong(case, *ask(target, case))
        except (OSError, http.client.HTTPException) as error:
            why = repr(error)
        if why:
            self.fail(f"{target.name}, {case.name}, {when} load: {why}")
        return why is None

    def speaking(self, case: Case) -> list[Target]:
        """The targets that have the case's door, and stream where it streams."""
        return [
            target
            for target in self.targets.values()
            if case.door in target.speaks and (target.streams or not case.tokens)
        ]

    def able(self, case: Case) -> list[Target]:
        """Those of them that answer it rightly now."""
        return [target for target in self.speaking(case) if self.right(target, case, "before")]

    def measure(self, target: Target, case: Case, seconds: float, **how: Any) -> dict[str, Any]:
        process = self.processes.get(target.name)
        found = self.bench.load(target, process, case, seconds, **how)
        if process:
            settle(process)
        return found

    def judge(self, target: Target, case: Case, found: dict[str, Any]) -> None:
        """Under load, too, every answer must be right, and must come from the upstream."""
        if found["bad"]:
            self.fail(
                f"{target.name}, {case.name}: {found['wrong']} wrong, {found['errors']} broken, "
                f"{found['unfinished']} unfinished of {found['started']}; first: {found['sample'] or 'none'}"
            )
        if found["not_from_upstream"]:
            self.fail(f"{target.name}, {case.name}: {found['not_from_upstream']} answers never asked the upstream")

    def closed(self, case: Case) -> None:
        targets = self.able(case)
        measured: dict[str, list[dict[str, Any]]] = {target.name: [] for target in targets}
        for turn in range(self.options.rounds + 1):
            for target in targets:
                seconds = self.options.seconds if turn else self.options.warm_up
                say(f"{case.name}: {'round ' + str(turn) if turn else 'warm-up'}, {target.name}")
                found = self.measure(target, case, seconds)
                if turn:
                    measured[target.name].append(found)
                    self.judge(target, case, found)
        for target in targets:
            self.right(target, case, "after")
        self.results[case.name] = measured

    def latency(self, case: Case) -> None:
        """Each rate only for targets that could serve twice as much on their core."""
        targets = self.able(case)
        caps = {target.name: self.cap(target, case) for target in targets}
        measured: dict[str, Any] = {}
        for rate in self.options.rates:
            able = [target for target in targets if caps[target.name] >= 2 * rate]
            measured[str(rate)] = {target.name: [] for target in able}
            for turn in range(1, self.options.rounds + 1):
                for target in able:
                    say(f"{case.name}: {rate:g}/s, round {turn}, {target.name}")
                    found = self.measure(target, case, self.options.seconds, rate=rate)
                    measured[str(rate)][target.name].append(found)
                    self.judge(target, case, found)
        self.results[case.name] = measured

    def cap(self, target: Target, case: Case) -> float:
        if target.name == "direct":
            return float("inf")
        rounds = self.results.get("json", {}).get(target.name) or [self.measure(target, case, 1.0)]
        costs = [found["cpu_us"] for found in rounds if found["cpu_us"]]
        return 1e6 / max(costs) if costs else 0.0

    def streams(self, case: Case) -> None:
        """A peer may lose streams, which is a finding; our own gateway may not, which is a failure."""
        count: int = self.options.streams
        ramp_s = max(1.0, count / 1000)
        seconds = ramp_s + HELD_EVENTS * HELD_MS / 1000
        measured: dict[str, list[dict[str, Any]]] = {}
        for target in self.speaking(case):
            say(f"{case.name}: {count} open, {target.name}")
            found = self.measure(target, case, seconds, hold=count, ramp_s=ramp_s)
            measured[target.name] = [found]
            together = min(found["complete"], found["peak_open"])
            if target.name in (self.options.ours_name, "direct") and together < count:
                self.fail(
                    f"{target.name}, {case.name}: of {count}, {found['incomplete']} incomplete, "
                    f"{found['lost']} lost, at most {found['peak_open']} open together; "
                    f"first: {found['sample'] or 'none'}"
                )
            self.right(target, CASES["json"], "after")
        self.results[case.name] = measured

    def go(self) -> None:
        self.start_all()
        if self.options.ours and self.options.ours_name not in self.targets:
            return
        for name in self.options.cases:
            {"latency": self.latency, "streams": self.streams}.get(name, self.closed)(CASES[name])
        for name, process in self.processes.items():
            self.facts[name]["after_mb"] = process.memory_mb()
            if not process.alive():
                self.fail(f"{name} ended during the run: {process.last_words()}")


@contextmanager
def ends_everything(deadline_s: int) -> Iterator[Fleet]:
    """Whatever happens inside, and however it is interrupted, nothing that was started stays."""

    def leave(number: int, _frame: object) -> None:
        if number == signal.SIGALRM:
            raise Unusable(f"gave up after {deadline_s} s (--deadline)")
        raise SystemExit(128 + number)

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)
    for number in numbers:
        signal.signal(number, leave)
    signal.alarm(deadline_s)
    fleet = Fleet()
    try:
        yield fleet
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        fleet.stop()
