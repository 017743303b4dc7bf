#!/usr/bin/env python3
"""Benchmarks Tallygate against other gateways on this machine. Start with README.md beside this file.

`rig.py install [PEER...]` prepares peers; `rig.py run` starts everything, measures, prints markdown, ends everything.
Exit status: 0 measured and every target answered rightly, 1 some target did not, 2 the rig cannot run as asked.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import report
from cases import CASES
from peers import PEERS, STREAMS_MAX, InstallError
from run import Run, Unusable, ends_everything, say

HERE = Path(__file__).resolve().parent


# --- preparing --------------------------------------------------------------------------------------------------------


def build(work: Path) -> Path:
    """Compiles the upstream and the load generator if their sources changed."""
    folder = work / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("upstream", "loadgen"):
        sources = [HERE / f"{name}.rs", HERE / "wire.rs"]
        program = folder / name
        if program.exists() and all(program.stat().st_mtime > source.stat().st_mtime for source in sources):
            continue
        rustc = shutil.which("rustc")
        if rustc is None:
            raise Unusable(
                "rustc is not installed; the benchmark needs it to compile its upstream and load generator "
                "(a plain Rust toolchain, no crates)"
            )
        command = [rustc, "-O", "--edition", "2021", "-o", str(program), str(sources[0])]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        if done.returncode:
            raise Unusable(f"rustc failed on {sources[0].name}:\n{done.stderr[-3000:]}")
    return folder


def install(names: list[str], work: Path) -> int:
    failed = 0
    for name in names or [name for name, peer in PEERS.items() if peer.default]:
        say(f"{name}: installing")
        started = time.monotonic()
        try:
            PEERS[name].install(work)
        except InstallError as error:
            failed += 1
            say(f"{name}: {error}")
        else:
            say(f"{name}: ready after {time.monotonic() - started:.0f} s")
    build(work)
    return 1 if failed else 0


def raise_open_files(streams: int) -> None:
    """A held stream takes two descriptors in a gateway; what is started here inherits the limit."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    limit = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
    if limit < 2 * streams + 256:
        needed = 2 * streams + 256
        raise Unusable(f"{streams} streams need {needed} open files; this machine allows {hard} (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


def machine() -> dict[str, Any]:
    info = Path("/proc/cpuinfo").read_text().splitlines()
    named = [line.split(":", 1)[1].strip() for line in info if line.lower().startswith("model name")]
    return {
        "cpu": named[0] if named else platform.machine(),
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_before": f"{os.getloadavg()[0]:.1f}",
        "load_after": "",
    }


def run(options: argparse.Namespace) -> int:
    if not options.ours and (options.ours_url or options.ours_setup):
        raise Unusable("--ours-url and --ours-setup need --ours")
    if options.ours and not options.ours_url:
        raise Unusable("--ours needs --ours-url")
    raise_open_files(options.streams if "streams" in options.cases else 64)
    programs = build(options.work)
    facts = machine()
    started = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    with ends_everything(options.deadline) as fleet:
        current = Run(options, fleet)
        os.sched_setaffinity(0, {current.load_core})
        current.start_upstream(programs)
        current.go()
    facts |= {
        "server_core": current.server_core,
        "load_core": current.load_core,
        "load_after": f"{os.getloadavg()[0]:.1f}",
    }
    whole = {
        "started": started,
        "machine": facts,
        "rounds": options.rounds,
        "seconds": options.seconds,
        "streams": options.streams,
        "cases": options.cases,
        "targets": current.facts,
        "results": current.results,
        "failures": current.failures,
    }
    if options.json:
        options.json.write_text(json.dumps(whole, indent=1) + "\n")
    print(report.markdown(whole))
    return 1 if current.failures else 0


# --- the command line -------------------------------------------------------------------------------------------------


def names(known: dict[str, Any]) -> Any:
    def parse(text: str) -> list[str]:
        chosen = [name for name in text.split(",") if name]
        for name in chosen:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(known)}")
        return chosen

    return parse


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=HERE / ".work", help="work folder (default: .work beside rig.py)")
    commands = parser.add_subparsers(dest="command", required=True)
    installing = commands.add_parser("install", help="prepare peers")
    installing.add_argument("peers", nargs="*", help=f"of {', '.join(PEERS)}; default: all but mlflow")
    running = commands.add_parser("run", help="measure")
    add = running.add_argument
    add("--ours", help="shell command that starts the gateway; has UPSTREAM_URL, OURS_URL, OURS_KEY in its environment")
    add("--ours-url", help="where it then listens, as http://127.0.0.1:8080")
    add("--ours-header", action="append", default=[], help="'Name: value'; {key} stands for the key; repeatable")
    add("--ours-setup", help="shell command run before it; its last line of output becomes the key")
    add("--ours-model", default="{model}", help="how it names the upstream's {model}, as bench/{model}")
    add("--ours-name", default="tallygate", help="its name in the tables")
    add("--start-timeout", type=float, default=60, help="seconds it may take to its first right answer")
    add("--peers", type=names(PEERS), help="comma separated; default: those installed; '' for none")
    add("--cases", type=names(CASES), default=["json", "sse"], help=f"of {','.join(CASES)} (default json,sse)")
    add("--rounds", type=int, default=3)
    add("--seconds", type=float, default=4, help="length of one round")
    add("--warm-up", type=float, default=3, help="length of the round before the first, which is not counted")
    add(
        "--rates",
        type=lambda text: [float(rate) for rate in text.split(",")],
        default=[15.0, 200.0],
        help="requests per second of the latency case (default 15,200)",
    )
    add("--streams", type=int, default=1000, help=f"streams held open, up to {STREAMS_MAX} (default 1000)")
    add("--cores", type=lambda text: [int(core) for core in text.split(",")], help="server,load (default: first two)")
    add("--port-base", type=int, default=9100, help="upstream here, peers 10 apart above (default 9100)")
    add("--deadline", type=int, default=2400, help="seconds after which everything is ended")
    add("--json", type=Path, help="write every round's numbers to this file")
    return parser


def installed(work: Path) -> list[str]:
    found = []
    for name, peer in PEERS.items():
        try:
            peer.target(work, 0, "http://127.0.0.1:0")
        except InstallError:
            say(f"{name}: not installed, left out")
        else:
            found.append(name)
    return found


def main() -> int:
    parser = arguments()
    options = parser.parse_args()
    options.work = options.work.resolve()
    options.work.mkdir(parents=True, exist_ok=True)
    try:
        if sys.platform != "linux":
            raise Unusable("the rig reads /proc and pins with Linux calls; run it on Linux")
        if options.command == "install":
            if unknown := set(options.peers) - set(PEERS):
                raise Unusable(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(PEERS)}")
            return install(options.peers, options.work)
        if not 1 <= options.streams <= STREAMS_MAX or options.rounds < 1 or options.seconds <= 0:
            raise Unusable(f"--streams takes 1 to {STREAMS_MAX}, --rounds at least 1, --seconds more than 0")
        if options.cores and len(options.cores) != 2:
            raise Unusable("--cores takes two numbers, as 0,1")
        options.peers = installed(options.work) if options.peers is None else options.peers
        return run(options)
    except (Unusable, InstallError) as error:
        say(f"rig.py: {error}")
        return 2


if __name__ == "__main__":
    sys.exit(main())
