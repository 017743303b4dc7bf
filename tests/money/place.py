"""The place of the money tests: the provider, gateways before it that sell its models, and workspaces with money.

Every model is named LANGUAGE/SCRIPT and costs the same, so that amounts can be computed by hand. What is in the ledger
is read from the database itself, by the functions that `tallygate ledger audit` uses, and never from the gateway.
"""

import itertools
import json
import os
import socket
import sys
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import select

from tallygate.genai.book import Hold
from tallygate.ledger.audit import Audit
from tallygate.store.address import parse_address
from tallygate.store.book_rows import unpack_hold
from tallygate.store.database import Database
from tallygate.store.ledger import open_ledger
from tallygate.store.schema import epochs, holds
from tests.contract.gateway import Gateway, Reply, clean_env, start_gateway
from tests.fakes.process import ROOT, Process
from tests.fakes.upstream import PROVIDER_KEY, Entry, Upstream
from tests.money.matrix import DOORS
from tests.money.scripts import SCRIPTS
from tests.money.wires import EMBEDDINGS, WIRES

PRICE = 'price = { input = "1.00", cache_read = "0.10", output = "2.00" }\n'
"""USD for a million tokens. A token of input is 1,000 nano-USD, one from the cache 100, one of output 2,000."""

CACHE_PRICE = (
    'price = { input = "1.00", cache_read = "0.1005", cache_write = "1.25", '
    'cache_write_1h = "2.00", output = "2.00" }\n'
)
"""The same, where every kind of input has its own: a token written for an hour costs twice a token of input."""
DEAR_PRICE = 'price = { input = "3.00", output = "5.00" }\n'
"""Of the models that are called dear: a token of input is 3,000 nano-USD, one of output 5,000."""

DIALECTS = {"openai": "openai_chat", "anthropic": "anthropic_messages"}
PATIENCE_S = 30.0
NONCES = itertools.count(1)
T = TypeVar("T")


@contextmanager
def start_player() -> Generator[Upstream]:
    """The provider on a free port, until the block ends."""
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    with Process([sys.executable, "-m", "tests.money.provider", "--key", PROVIDER_KEY], env) as process:
        yield Upstream(process)


def write_configuration(player_url: str, transport: str = "") -> str:
    """A configuration that sells every script in both languages, and pairs of targets, the first of which fails.

    `nowhere` is a provider whose port is closed; `unpriced` has no price, `free` is free, `dear` is dearer than others.
    """
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nowhere = closed.getsockname()[1]
    rows = [
        f'[providers.{name}]\nbase_url = "{url}"\nspeaks = {{ {DIALECTS[wire]} = "{WIRES[wire].path}" }}\n'
        'api_key_env = "LAB_KEY"\n'
        for wire in WIRES
        for name, url in ((f"{wire}-lab", player_url), (f"{wire}-nowhere", f"http://127.0.0.1:{nowhere}"))
    ]
    models = {f"{wire}/{script}": [f"{wire}-lab/{script}"] for wire in WIRES for script in SCRIPTS}
    for wire, other in (("openai", "anthropic"), ("anthropic", "openai")):
        lab, good = f"{wire}-lab", f"{wire}-lab/good"
        models[f"{wire}/second-after-500"] = [f"{lab}/status-500", good]
        models[f"{wire}/second-after-another-language"] = [f"{other}-lab/status-503", good]
        models[f"{wire}/second-after-nowhere"] = [f"{wire}-nowhere/good", good]
        models[f"{wire}/second-after-a-break"] = [f"{lab}/reset-at-once", good]
        models[f"{wire}/second-never-asked"] = [f"{lab}/reset-in-the-middle", good]
        models[f"{wire}/nowhere"] = [f"{wire}-nowhere/good"]
    rows.append(
        f'[providers.vectors-lab]\nbase_url = "{player_url}"\n'
        f'speaks = {{ openai_embeddings = "{EMBEDDINGS.path}" }}\napi_key_env = "LAB_KEY"\n'
    )
    models |= {f"vectors/{script}": [f"vectors-lab/{script}"] for script in SCRIPTS}
    models["vectors/second-after-500"] = ["vectors-lab/status-500", "vectors-lab/good"]
    sold = "".join(f'[models."{name}"]\ntargets = {json.dumps(targets)}\n{PRICE}' for name, targets in models.items())
    unpriced = "".join(f'[models."{wire}/unpriced"]\ntargets = ["{wire}-lab/good"]\n' for wire in WIRES)
    free = "".join(f'[models."{wire}/free"]\ntargets = ["{wire}-lab/good"]\nprice = "free"\n' for wire in WIRES)
    kept = "".join(
        f'[models."{wire}/kept"]\ntargets = ["{wire}-lab/written"]\n{CACHE_PRICE}' for wire in ("openai", "anthropic")
    )
    dear = "".join(
        f'[models."{wire}/dear{name}"]\ntargets = ["{wire}-lab/{script}"]\n{DEAR_PRICE}'
        for wire in WIRES
        for name, script in (("", "good"), ("-and-down", "status-503"), ("-and-held", "held-in-the-middle"))
    )
    return f"{''.join(rows)}{sold}{kept}{unpriced}{free}{dear}[transport]\n{transport}"


class Tenant(NamedTuple):
    """A workspace with a key that sees all of it."""

    place: "Place"
    name: str
    id: str
    key: str

    def send(self, method: str, path: str, body: Any = None) -> Reply:
        """One request to one of the gateway's own addresses."""
        return self.place.send(self.key, method, path, body)

    def read(self, path: str) -> Any:
        """What one of them tells."""
        reply = self.send("GET", path)
        assert reply.status == 200, reply.body
        return json.loads(reply.body, parse_float=Decimal)["data"]

    def holds(self) -> list[Hold]:
        """Its calls, as they stand in the ledger."""
        with self.place.database.snapshot() as connection:
            return [
                unpack_hold(row) for row in connection.execute(select(holds).where(holds.c.workspace_id == self.id))
            ]

    def settled(self, count: int = 1) -> list[Hold]:
        """Its calls, once so many have ended."""
        return wait_until(lambda: _ended(self.holds(), count))


def _ended(holds: list[Hold], count: int) -> list[Hold] | None:
    return holds if len(holds) == count and all(hold.state != "open" for hold in holds) else None


class Place:
    """A running gateway, the provider behind it, and the database under it."""

    def __init__(self, gateway: Gateway, player: Upstream, database: Database) -> None:
        self.gateway, self.player, self.database = gateway, player, database
        self._admin_key = Path(gateway.env["TALLYGATE_DATA"], "admin-key").read_text().strip()
        self._names = itertools.count(1)

    def send(self, key: str, method: str, path: str, body: Any = None) -> Reply:
        """One request on a connection of its own."""
        raw = None if body is None else json.dumps(body).encode()
        sent = [] if raw is None else [("Content-Type", "application/json")]
        return self.gateway.ask(method, path, raw, sent, key=key)

    def administer(self, method: str, path: str, body: Any = None) -> Any:
        """One change by the admin."""
        reply = self.send(self._admin_key, method, f"/v1/admin/{path}", body)
        assert reply.status in (200, 201), reply.body
        return reply.json["data"]

    def found(self, usd: str = "1.00", **key: Any) -> Tenant:
        """A new workspace with so much money; `key` says what its key may do."""
        name = f"w{next(self._names)}"
        made = self.administer("POST", "workspaces", {"name": name})
        if Decimal(usd):
            self.administer("POST", "credit", {"workspace": name, "usd": usd, "id": f"first-of-{name}"})
        return Tenant(self, name, made["id"], self.make_key(name, **key))

    def make_key(self, workspace: str, **key: Any) -> str:
        """One more key."""
        permissions = ["models:use", "routing:view", "accounting:view_tenant"]
        asked = {"workspace": workspace, "name": f"key-{next(self._names)}", "permissions": permissions, **key}
        return self.administer("POST", "keys", asked)["key"]

    def audit(self) -> list[str]:
        """What does not add up, and what is still open."""
        with open_ledger(self.database) as book:
            audit = Audit(book)
            wrong = [str(finding) for finding in audit.run()]
        return [*wrong, f"{audit.counts.open_holds} calls are open"] if audit.counts.open_holds else wrong

    def workers(self) -> dict[str, int]:
        """The processes that serve calls: each one's epoch, and its id."""
        with self.database.snapshot() as connection:
            alive = connection.execute(select(epochs.c.epoch, epochs.c.owner).where(epochs.c.ended_at_ns.is_(None)))
            return {epoch: int(owner.rpartition(" ")[2]) for epoch, owner in alive}

    def raise_concurrency(self, tenant: "Tenant", calls: int = 1_000) -> None:
        """Let the tenant's user have so many calls open."""
        limits = {"level": "user", "owner": "owner", "workspace": tenant.name, "concurrency": calls}
        self.administer("PATCH", "limits", limits)

    def next_nonce(self) -> str:
        """A word that no other request bears, at any place."""
        return f"n{next(NONCES):05}"

    @contextmanager
    def calling(self, nonce: str, calls: int) -> Generator[ThreadPoolExecutor]:
        """Threads for so many calls. Whatever happens, the provider does not hold those with this word at the end."""
        with ThreadPoolExecutor(calls) as pool:
            try:
                yield pool
            finally:
                self.player.open_gate(nonce)

    def asked(self, nonce: str) -> list[Entry]:
        """What the provider was asked with this word, in order."""
        return self.player.requests(nonce)

    def wait_for(self, event: str, nonce: str, count: int = 1) -> None:
        """Wait until so many calls with this word have come as far as this in the provider's journal."""

        def look() -> bool:
            numbers = {entry["request"] for entry in self.asked(nonce)}
            seen = [e for e in self.player.journal if e["event"] == event and e["request"] in numbers]
            return len(seen) >= count

        wait_until(lambda: look() or None)


def wait_until(look: Callable[[], T | None], patience_s: float = PATIENCE_S) -> T:
    """What `look` finds, as soon as it finds it."""
    deadline_s = time.monotonic() + patience_s
    while (found := look()) is None:
        assert time.monotonic() < deadline_s, "what was waited for does not come"
        time.sleep(0.005)
    return found


@contextmanager
def start_place(
    folder: Path,
    player: Upstream,
    *,
    transport: str = "",
    database_url: str | None = None,
    workers: int = 1,
    settings: str = "",
) -> Generator[Place]:
    """A gateway, until the block ends; then its ledger must add up, and nothing may be left open."""
    config = folder / "tallygate.toml"
    config.write_text(write_configuration(player.url, transport) + settings)
    url = database_url or f"sqlite:///{folder}/tallygate.db"
    told = clean_env(folder, LAB_KEY=PROVIDER_KEY, TALLYGATE_DATABASE_URL=url)
    command = ("--config", str(config), "--workers", str(workers))
    with start_gateway(told, *command) as gateway, Database(parse_address(url, folder)) as database:
        place = Place(gateway, player, database)
        wait_until(lambda: len(place.workers()) == workers or None)
        yield place
        assert place.audit() == []


def write_body(model: str, nonce: str, *, stream: bool, door: str = "chat", **more: Any) -> bytes:
    """A request of 400 bytes, whatever is in it: 100 tokens of input where the gateway must guess, at most 656.

    `messages` among `more` follow the one that bears the nonce, where the door takes more than a prompt.
    """
    path = DOORS[door]
    messages = [{"role": "user", "content": f"{nonce} "}, *more.pop("messages", [])]

    def write() -> bytes:
        turns = messages[0]["content"] if path.turns == "prompt" else messages
        return json.dumps({"model": model, path.cap: 50, "stream": stream, path.turns: turns, **more}).encode()

    missing = 400 - len(write())
    assert missing >= 0
    messages[0]["content"] += "x" * missing
    return write()
