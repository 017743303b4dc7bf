"""The doors on a real socket over a real database, without the hallway: for what is asked and administered, not called.

The server, the doorman, the writer and the database are those of the gateway; providers and models are made up.
"""

import asyncio
import http.client
import json
import os
import socket
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from itertools import count
from typing import Any

from tallygate.access import admin
from tallygate.access.doorman import Doorman
from tallygate.access.keys import Minter
from tallygate.access.principal import Principal
from tallygate.api.account import Accounts
from tallygate.api.admin.desk import Desk
from tallygate.api.admin.editions import State
from tallygate.api.desk_doors import serve_desk
from tallygate.api.door import Reply, Request
from tallygate.api.doors import Doors, Rooms
from tallygate.api.explain import Routes
from tallygate.api.proofs import Proofs
from tallygate.api.quote import Quotes
from tallygate.api.server import Server, new_event_loop
from tallygate.api.settings import ServerSettings
from tallygate.dialects.base import Dialect
from tallygate.errors import ModelNotFound
from tallygate.genai.ceilings import Reach
from tallygate.genai.peek import Peek
from tallygate.genai.plan import Plan, Target
from tallygate.genai.price_row import PriceRow
from tallygate.genai.secret import Secret
from tallygate.ledger.catalogue import Catalogue
from tallygate.ledger.fold import fold
from tallygate.ledger.pricelist import PriceList
from tallygate.ledger.quote import Quote, make_quote
from tallygate.pipeline.call import Call
from tallygate.pipeline.run import Hallway
from tallygate.pipeline.supply import Supply
from tallygate.providers.settings import ProviderSettings
from tallygate.receipts.receipt import complete
from tallygate.router.plan import build_catalog
from tallygate.router.settings import ModelSettings, PriceSettings
from tallygate.store.address import DatabaseAddress
from tallygate.store.database import Database
from tallygate.store.enquirer import Enquirer
from tallygate.store.reader import Reader
from tallygate.store.rows import KeyRecord
from tallygate.store.writer import Writer
from tallygate.telemetry.reporter import Reporter
from tests.contract.gateway import Reply as Answer
from tests.contract.gateway import read_reply
from tests.fakes.log import KEYS

ADMIN_KEY = "lx-a_admin-key-of-the-tests"
MINTER = Minter(b"p" * 32, "lx-")
JSON = {"Content-Type": "application/json"}
ONE_USD = 10**9
ANSWER_S = 30.0


class NoHallway(Hallway):
    """Nothing here is to be called."""

    def __init__(self) -> None:
        return

    async def run(self, call: Call) -> None:
        raise AssertionError("a door led to the hallway")


class FirstEdition:
    """A configuration that nobody changes."""

    async def reload(self) -> State:
        return self.show()

    def show(self) -> State:
        return State(1, 0, None, None, (), (), {os.getpid(): 1})


class House:
    """A running server. `database` and `past` make what is then asked for."""

    def __init__(self, port: int, database: Database) -> None:
        self.port = port
        self.database = database

    def ask(
        self, method: str, path: str, body: Any = None, *, key: str = "", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request on a connection of its own. A body that is not bytes is sent as JSON."""
        raw = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        sent = {**(JSON if raw is not None else {}), **({"Authorization": f"Bearer {key}"} if key else {})}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_S)
        try:
            connection.request(method, path, raw, {**sent, **(headers or {})})
            return read_reply(connection.getresponse())
        finally:
            connection.close()

    def administer(self, method: str, path: str, body: Any = None) -> Answer:
        """One request with the admin key."""
        return self.ask(method, path, body, key=ADMIN_KEY)

    def make_key(
        self, workspace: str = "acme", user: str = "owner", role: str = "member", **wishes: Any
    ) -> tuple[str, KeyRecord]:
        """A key, and its record. Workspace and user are made where they are missing, the user with this role."""
        if workspace not in {row.name for row in admin.list_workspaces(self.database)}:
            admin.create_workspace(self.database, workspace, actor="cli")
        if user not in {row.name for row in admin.list_users(self.database, workspace)}:
            admin.create_user(self.database, workspace, user, actor="cli", role=role)
        made = admin.create_key(self.database, MINTER, workspace=workspace, user=user, actor="cli", **wishes)
        return made.secret.reveal(), made.record


def plan(peek: Peek, operation: str, _allowed: frozenset[str] | None = None, _caller: str = "") -> Plan:
    """One target for two models, nothing for others."""
    if peek.model not in ("priced", "free"):
        raise ModelNotFound(param="model")
    return Plan(peek.model, operation, (Target("lab", peek.model),))


PRICES = PriceList(
    Catalogue({}),
    rows=[
        PriceRow(
            version="v1", kind="sale", name="priced", effective_from_ns=0, terms='{"input":"1.00","output":"2.00"}'
        ),
        PriceRow(version="v2", kind="sale", name="free", effective_from_ns=0, terms='"free"'),
    ],
)


LAB = ProviderSettings(base_url="http://lab", speaks={"openai_chat": "/v1/chat/completions"})
SUPPLY = Supply(
    {"lab": LAB, "den": LAB},
    {
        "shared": ModelSettings(
            targets=("lab/a", "den/a", "gone/a"),
            weights={"lab/a": 3},
            price=PriceSettings(input="1.00", output="2.00"),
        )
    },
    discovers=False,
    demo=False,
    own_key_prefix="lx-",
)
"""What routes are explained over."""


def quote(plan: Plan, peek: Peek, body: bytes, dialect: Dialect) -> Quote:
    """As the gateway makes it, at the prices above."""
    reach = Reach(context_tokens=100_000, output_tokens_max=10_000)
    return make_quote(PRICES, plan, peek, body, dialect.read_request, lambda _: reach, time.time_ns())


def build_rooms(address: DatabaseAddress, database: Database, clock_ns: Any) -> Rooms:
    """Everything the doors lead to but the hallway."""
    reader, enquirer, strangers = Reader(address), Enquirer(address), Enquirer(address)
    writer = Writer(address, fold, complete, owner=f"test:{os.getpid()}", on_broken=lambda _: os._exit(1))
    doorman = Doorman(reader.find_key, pepper=MINTER.pepper, prefix=MINTER.prefix, admin_key=Secret(ADMIN_KEY))
    accounts = Accounts(enquirer, clock_ns=clock_ns)
    # Time flies here: what is read is never a second old.
    proofs = Proofs(KEYS.public, KEYS.origin, callers=enquirer, strangers=strangers, clock_s=count(0.0, 9.0).__next__)
    desk = Desk(
        database, MINTER, writer, json_depth_max=64, configuration=FirstEdition(), list_health=SUPPLY.list_health
    )

    async def start() -> None:
        reader.start()
        writer.start()

    async def stop() -> None:
        writer.close()
        enquirer.close()
        strangers.close()
        reader.close()

    async def administer(path: str, request: Request, principal: Principal) -> Reply:
        return await serve_desk(desk, path, request, principal)

    async def show_metrics(_: Request) -> Reply:
        return Reply(200, b"figures", content_type="text/plain")

    return Rooms(
        hallway=NoHallway(),
        identify=doorman.identify,
        accounts=accounts,
        quotes=Quotes(accounts, plan, lambda found, *_: found, quote, json_depth_max=64, clock_ns=clock_ns),
        routes=Routes(SUPPLY, json_depth_max=64),
        proofs=proofs,
        admin=administer,
        catalog=lambda: build_catalog({}, (), {}),
        find_price=lambda _: None,
        ping=reader.ping,
        start=start,
        stop=stop,
        version="test",
        metrics=show_metrics,
        reporter=Reporter(),
    )


@contextmanager
def open_house(address: DatabaseAddress, clock_ns: Any = time.time_ns) -> Generator[House]:
    """A server on a free port, until the block ends."""
    with Database(address) as database, socket.create_server(("127.0.0.1", 0)) as listener:
        opened = threading.Event()
        doors = Doors(build_rooms(address, database, clock_ns), ServerSettings())
        port = listener.getsockname()[1]
        server = Server(doors, listener, connections_max=1_000)
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            loop = runner.get_loop()
            thread = threading.Thread(target=loop.run_until_complete, args=(server.run(opened.set),), daemon=True)
            thread.start()
            assert opened.wait(ANSWER_S), "the server did not start"
            try:
                yield House(port, database)
            finally:
                loop.call_soon_threadsafe(server.stop)
                thread.join(ANSWER_S)
