"""The stage of a campaign: the hostile provider, a town of callers, and gateways that may be killed at any moment.

Four shapes: `one` process, `four` workers of one gateway, `two` replicas on one machine with a data folder in common,
and two on machines `apart`, where the second folder begins with the same secrets. All have one database. The provider
lives on through everything, and so do its journal and the clients' history.
"""

import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

from tests.campaign.client import Clients
from tests.campaign.plan import Plan
from tests.contract.gateway import Gateway, clean_env, run_cli
from tests.fakes.process import ROOT, Process
from tests.faults.exchange import PROVIDER_KEY
from tests.faults.journal import Journal
from tests.faults.stage import DIALECTS, PATIENT, Provider, start_provider
from tests.faults.wires import WIRES

Shape = Literal["one", "four", "two", "apart"]

HEARTBEAT_S, LEASE_S = 0.25, 2.0
RECOVER_S = 30.0
MACHINES = ("data", "data-1")
SECRETS = ("admin-key", "key-pepper", "receipt-keys.json", "spool-key")
"""What all replicas of a gateway need."""
HOSTILE = "tests.faults.provider"
STARTS_MAX = 5
PARENT_SHARE = 0.2

TOWN = {
    "ann": {"workspace": "rich", "user": "ann"},
    "ann-again": {"workspace": "rich", "user": "ann"},
    "bob": {"workspace": "rich", "user": "bob"},
    "cid": {"workspace": "rich", "user": "cid"},
    "dee": {"workspace": "poor", "user": "dee"},
    "eve": {"workspace": "rich", "user": "eve", "budgets": {"total": "0.02"}},
}
"""Callers, each with a key of its own. `ann` has two; `eve` has a budget of a few calls, `dee` a workspace of few."""
GOOD = ("ann", "ann-again", "bob", "cid")
"""Those who never want for money."""
CREDIT = {"rich": "1000.00", "poor": "0.03"}


class Gateways:
    """The gateways of a stage, in whatever number its shape has. `url` is the database's."""

    def __init__(
        self, folder: Path, shape: Shape, url: str, provider: Provider, bug: str = "", lease_s: float = LEASE_S
    ) -> None:
        self.shape, self.url, self._provider, self._bug = shape, url, provider, bug
        self._lease_s = lease_s
        self._orders = itertools.count()
        self.folder = folder
        self.armed = folder / "armed"
        self._config = folder / "tallygate.toml"
        more = {"LAB_KEY": PROVIDER_KEY, "TALLYGATE_DATABASE_URL": url, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"}
        self.env = clean_env(folder, **more, TALLYGATE_LOG_LEVEL="warning")
        self._models: dict[str, str] = {}
        self._running: list[tuple[Process, Gateway] | None] = [None] * (2 if shape in ("two", "apart") else 1)
        self.more = ""
        """What else stands in the configuration."""
        self.starts = 0
        self.said: list[str] = []

    @property
    def all_run(self) -> bool:
        """Whether none of them is dead."""
        return len(self.ports) == len(self._running)

    @property
    def ports(self) -> list[int]:
        """Where the living ones listen."""
        return [running[1].port for running in self._running if running and running[0].child.poll() is None]

    def offer(self, plans: Iterable[Plan]) -> None:
        """Give these calls' models a price, from the next start on."""
        for plan in plans:
            self._models[plan.model] = (
                f'[models."{plan.model}"]\ntargets = ["{plan.model}"]\nprice = {{ input = "2.00", output = "8.00" }}\n'
            )
        rows = "".join(
            f'[providers.{wire}-lab]\nbase_url = "http://127.0.0.1:{self._provider.ports["lab"]}"\n'
            f'speaks = {{ {DIALECTS[wire]} = "{WIRES[wire].path}" }}\napi_key_env = "LAB_KEY"\n'
            for wire in WIRES
        )
        times = "".join(f"{name} = {value}\n" for name, value in PATIENT.items())
        store = f"[store]\nheartbeat_s = {HEARTBEAT_S}\nlease_s = {self._lease_s}\n"
        models = "".join(self._models.values())
        self._config.write_text(f"{rows}{models}[transport]\n{times}{store}{self.more}")

    def start(self) -> None:
        """Start those that do not run. One that dies on its way is started again."""
        self.start_only(*range(len(self._running)))

    def start_only(self, *places: int) -> None:
        """Start these, where they do not run."""
        for place in places:
            running = self._running[place]
            if running is not None and running[0].child.poll() is None:
                continue
            self._bury(place)
            for _ in range(STARTS_MAX):
                if self._start_one(place):
                    break
            else:
                raise AssertionError("the gateway does not start:\n" + "\n".join(self.said[-40:]))

    def _start_one(self, place: int) -> bool:
        command = ["setsid", sys.executable, "-m", "tests.campaign.gateway", "--armed", str(self.armed)]
        command += [*(("--bug", self._bug) if self._bug else ()), "--"]
        command += ["serve", "--host", "127.0.0.1", "--port", "0", "--config", str(self._config)]
        command += ["--workers", "4"] if self.shape == "four" else []
        env = self._make_env(place)
        process = Process(command, env)
        self.starts += 1
        try:
            gateway = Gateway(process, env)
        except AssertionError:
            self.said += process.lines
            _end(process)
            return False
        self._running[place] = (process, gateway)
        return True

    def _make_env(self, place: int) -> dict[str, str]:
        """On a machine of its own, a replica shares the database, the objects and the secrets."""
        if self.shape != "apart" or place == 0:
            return self.env
        first, second = (self.folder / name for name in MACHINES)
        if not second.exists():
            second.mkdir()
            for name in SECRETS:
                shutil.copy(first / name, second)
        return {**self.env, "TALLYGATE_DATA": str(second), "TALLYGATE_MEDIA_URL": f"file://{first}/media"}

    def kill(self, place: int) -> None:
        """Kill a gateway with all its workers."""
        running = self._running[place]
        if running is not None:
            with suppress(ProcessLookupError):
                os.killpg(running[0].child.pid, signal.SIGKILL)
            self._bury(place)

    def kill_something(self, source: random.Random) -> str:
        """Kill a worker, a parent of workers, a replica or everything; what it was."""
        if self.shape == "four" and source.random() < 0.6:
            running = self._running[0]
            assert running is not None
            workers = list_children(running[0].child.pid)
            what, pid = ("worker", source.choice(workers)) if workers else ("parent", running[0].child.pid)
            if source.random() < PARENT_SHARE:
                what, pid = "parent", running[0].child.pid
            os.kill(pid, signal.SIGKILL)
            return what
        if len(self._running) == 2 and source.random() < 0.6:
            self.kill(source.randrange(2))
            return "replica"
        for place in range(len(self._running)):
            self.kill(place)
        return "all"

    def freeze_something(self, source: random.Random) -> list[int]:
        """Stop a process that serves in its tracks. Who has to be thawed."""
        running = source.choice([running for running in self._running if running is not None])
        pid = running[0].child.pid
        workers = list_children(pid)
        frozen = [source.choice(workers)] if workers else [pid]
        for one in frozen:
            os.kill(one, signal.SIGSTOP)
        return frozen

    def thaw(self, frozen: list[int]) -> None:
        """Let them go on."""
        for pid in frozen:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def arm(self, place: str, count: int) -> None:
        """From here on the mines of a place count steps."""
        order = self.folder / "order"
        order.write_text(f"{place}:{count}:{next(self._orders)}")
        order.rename(self.armed)

    @property
    def mine_went_off(self) -> bool:
        """Whether a process has stepped on it since."""
        return not self.armed.exists()

    def disarm(self) -> None:
        """No mine counts any more."""
        self.armed.unlink(missing_ok=True)

    def settle_down(self) -> None:
        """Note what those have said that are gone, and forget them."""
        for place, running in enumerate(self._running):
            if running is not None and running[0].child.poll() is not None:
                self._bury(place)

    def stop(self) -> None:
        """Stop them all in good order."""
        for place, running in enumerate(self._running):
            if running is not None:
                running[0].child.terminate()
                with suppress(subprocess.TimeoutExpired):
                    running[0].child.wait(15)
                self._bury(place)

    @property
    def gateway(self) -> Gateway:
        """One that runs."""
        return next(running[1] for running in self._running if running is not None)

    @property
    def admin_key(self) -> str:
        """The key of the admin's doors."""
        return (self.folder / "data" / "admin-key").read_text().strip()

    @property
    def marks(self) -> list[Path]:
        """The high-water files of the machines that these gateways run on."""
        return [path for name in MACHINES if (path := self.folder / name / "log-high-water").exists()]

    def audit(self) -> dict[str, Any]:
        """What `tallygate verify` says of ledger, receipts and log; it fails where anything is wrong."""
        return json.loads(run_cli(self.env, "verify", "--json"))

    def _bury(self, place: int) -> None:
        running = self._running[place]
        if running is not None:
            _end(running[0])
            self.said += running[0].lines
            self._running[place] = None


def _end(process: Process) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.child.pid, signal.SIGKILL)
    process.stop()


def list_children(pid: int) -> list[int]:
    """The processes that a process has started and not yet lost."""
    with suppress(OSError):
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def settle_in(gateways: Gateways) -> dict[str, str]:
    """Make the town's workspaces, users and keys, and give them money. Returns the keys by their callers."""
    gateway, keys = gateways.gateway, dict[str, str]()

    def administer(path: str, body: Any) -> Any:
        head = [("Content-Type", "application/json")]
        reply = gateway.ask("POST", f"/v1/admin/{path}", json.dumps(body).encode(), head, key=gateways.admin_key)
        assert reply.status in (200, 201), reply.body
        return reply.json["data"]

    for workspace, usd in CREDIT.items():
        administer("workspaces", {"name": workspace})
        administer("credit", {"workspace": workspace, "usd": usd, "id": f"first-{workspace}"})
    for workspace, user in sorted({(facts["workspace"], facts["user"]) for facts in TOWN.values()}):
        administer("users", {"workspace": workspace, "name": user})
    for who, facts in TOWN.items():
        keys[who] = administer("keys", {"name": who, **facts})["key"]
    return keys


class Stage:
    """Everything that runs, and what is written down of it."""

    def __init__(self, gateways: Gateways, provider: Provider, history: Journal, keys: dict[str, str]) -> None:
        self.gateways, self.provider, self.history, self.keys = gateways, provider, history, keys

    def clients(self, patience_s: float) -> Clients:
        """Clients for one event loop, who wait so long for an answer."""
        return Clients(self.history, self.keys, patience_s)


@contextmanager
def start_stage(
    folder: Path,
    shape: Shape,
    url: str,
    plans: Iterable[Plan],
    *,
    bug: str = "",
    provider: str = HOSTILE,
    lease_s: float = LEASE_S,
) -> Generator[Stage]:
    """Provider and gateways with a town, until the block ends. `plans` are all calls that will ever be made."""
    with start_provider(folder, provider) as running:
        gateways = Gateways(folder, shape, url, running, bug, lease_s)
        history = Journal(folder / "history.jsonl")
        try:
            gateways.offer(plans)
            gateways.start()
            yield Stage(gateways, running, history, settle_in(gateways))
        finally:
            gateways.disarm()
            for place in range(len(gateways._running)):
                gateways.kill(place)
            history.close()
