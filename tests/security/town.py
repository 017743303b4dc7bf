"""A running gateway with tenants of every standing, a provider that keeps a journal, and what is known of its database.

Nothing is expected here: rows and cells say what is right. The database is read by connections of its own, so that what
a refusal left behind is seen as a stranger would see it.
"""

import hashlib
import json
import secrets
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import update

from tallygate.access.keys import TENANT, checksum, mint
from tallygate.store.address import parse_address
from tallygate.store.database import Database
from tallygate.store.log_schema import receipts
from tallygate.store.schema import keys, metadata
from tests.campaign.book import reading
from tests.contract.gateway import Gateway, clean_env, start_gateway
from tests.contract.tenants import RECEIPT, administer, send
from tests.fakes.front import Answer, Line
from tests.fakes.upstream import PROVIDER_KEY, Upstream
from tests.security.inside import Canary, open_canary, open_guide

FREE = 'price = "free"\n'
PRICED = 'price = { input = "1.00", output = "2.00" }\n'
GRANT = ("models:use", "routing:view", "accounting:view_tenant")

QUIET = frozenset({"epochs", "logs", "log_entries", "log_tiles", "log_checkpoints", "log_statements", "meta"})
"""Tables that move by themselves: processes beat, and the log takes in what was settled before."""

TABLES = tuple(sorted({receipts.name, *metadata.tables} - QUIET))


class Town:
    """The gateway, its provider, and the words that stand for what is known of it: keys, ids, cursors."""

    def __init__(self, gateway: Gateway, upstream: Upstream, database_url: str, canary: Canary) -> None:
        self.gateway, self.upstream, self.database_url, self.canary = gateway, upstream, database_url, canary
        self.words: dict[str, str] = {}

    def fill(self, raw: bytes) -> bytes:
        """A request with its words filled in, and its length."""
        for word, value in self.words.items():
            raw = raw.replace(f"<{word}>".encode(), value.encode("latin-1"))
        head, _, body = raw.partition(b"\r\n\r\n")
        return raw.replace(b"<LENGTH>", b"%d" % len(body), 1) if b"<LENGTH>" in head else raw

    def connect(self) -> Line:
        """A fresh connection."""
        return Line(self.gateway.port)

    def send(self, raw: bytes) -> tuple[Answer, bool]:
        """The answer to a request on a fresh connection, and whether the connection goes on: then a sound request on it
        is answered as if nothing had been. The provider and the client say in no other way that they are done.
        """
        with self.connect() as line:
            raw = self.fill(raw)
            answer = line.send(raw).read(bare=raw.startswith(b"HEAD "))
            if answer.headers.get("connection") == "close":
                assert line.end().at_end(), "more came behind the last answer"
                return answer, True
            after = line.send(PROBE).read()
            assert (after.status, after.headers["x-request-id"]) == (200, "probe")
            return answer, False

    def read(self, key: str, path: str) -> Any:
        """What a door tells a key."""
        reply = send(self.gateway, self.words.get(key, key), "GET", path)
        assert reply.status == 200, reply.body
        return reply.json

    def administer(self, method: str, path: str, body: Any = None) -> Any:
        """What the admin API answers."""
        return administer(self.gateway, method, path, body)

    def settle(self, workspace: str, usd: str = "100", **key: Any) -> str:
        """A workspace with money and a key; the key."""
        self.administer("POST", "workspaces", {"name": workspace})
        if usd != "0":
            self.administer("POST", "credit", {"workspace": workspace, "usd": usd, "id": f"first-of-{workspace}"})
        return self.cut(workspace, workspace, **key)

    def cut(self, workspace: str, name: str, **fields: Any) -> str:
        """One more key of a workspace."""
        made = {"workspace": workspace, "name": name, "permissions": GRANT, **fields}
        return self.administer("POST", "keys", made)["key"]

    def state(self) -> "State":
        """What is in the database now, table by table."""
        return read_state(self.database_url)


PROBE = b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: probe\r\n\r\n"


class State(NamedTuple):
    """A digest of each table, and how many rows it has."""

    tables: Mapping[str, tuple[int, str]]
    slots: int

    def differences(self, before: "State") -> list[str]:
        """What changed, in words."""
        told = [
            f"{name}: {before.tables[name][0]} rows, now {rows}"
            for name, (rows, digest) in self.tables.items()
            if before.tables[name] != (rows, digest)
        ]
        return told + ([f"{self.slots} slots in use"] if self.slots else [])


def read_state(url: str) -> State:
    """Every table that a call or a change writes."""
    with reading(url) as query:
        tables: dict[str, tuple[int, str]] = {}
        for name in TABLES:
            rows = sorted(repr(sorted(row.items())) for row in query(f"SELECT * FROM {name}"))
            tables[name] = len(rows), hashlib.sha256("\n".join(rows).encode()).hexdigest()
        return State(tables, query("SELECT coalesce(sum(slots_used), 0) AS slots FROM users")[0]["slots"])


def configuration(upstream: Upstream, canary: int, guide: int) -> str:
    """Models that are free, sold, blind and slow, all of one provider. The canary's port is one that may be fetched
    from, so that nothing but its address keeps a caller away from it.
    """
    models = {
        "plain": ("up-echo", 'aliases = ["nickname"]\n' + FREE),
        "think": ("up-think", FREE),
        "sold": ("up-echo", PRICED),
        "slow": ("up-slow", PRICED),
        "gated": ("up-gated", FREE),
        "blind": ("up-echo", FREE + "capabilities = { vision = false, json_mode = false, tools = true }\n"),
        "gpt-4o": ("up-echo", FREE),
    }
    told = f'[providers.lab]\nbase_url = "{upstream.url}"\n'
    told += 'speaks = { openai_chat = "/v1/chat/completions" }\napi_key_env = "LAB_KEY"\n'
    told += f'[fetch]\nports = [80, 443, {canary}]\nallow = ["127.0.0.1:{guide}"]\nbytes_max = 65536\ntotal_ms = 2000\n'
    told += f'[providers.any]\nbase_url = "{upstream.url}"\nfree = true\n'
    told += 'speaks = { openai_chat = "/v1/chat/completions" }\napi_key_env = "LAB_KEY"\n'
    return told + "".join(f'[models."{name}"]\ntargets = ["lab/{at}"]\n{rest}' for name, (at, rest) in models.items())


@contextmanager
def open_town(folder: Path, database_url: str, upstream: Upstream) -> Generator[Town]:
    """A town of its own, until the block ends."""
    with open_canary() as canary, open_guide() as guide:
        config = folder / "tallygate.toml"
        config.write_text(configuration(upstream, canary.port, guide))
        env = clean_env(folder, LAB_KEY=PROVIDER_KEY, TALLYGATE_DATABASE_URL=database_url, TALLYGATE_LOG_LEVEL="debug")
        # Wrong keys are what is sent here; how many may be is another test's matter.
        env["TALLYGATE_KEYS__WRONG_PER_MINUTE"] = "1000000"
        with start_gateway(env, "--config", str(config), "--demo") as gateway:
            town = Town(gateway, upstream, database_url, canary)
            town.words |= {"CANARY": str(canary.port), "GUIDE": f"127.0.0.1:{guide}"}
            settle_everybody(town)
            yield town


def settle_everybody(town: Town) -> None:
    """Tenants of every standing."""
    words = town.words
    words["ADMIN"] = Path(town.gateway.env["TALLYGATE_DATA"], "admin-key").read_text().strip()
    words["MINE"], words["THEIRS"] = town.settle("acme"), town.settle("rival", "7.77")
    words["POOR"] = town.settle("poor", "0")
    words["LIMITED"] = town.cut("acme", "limited", models=["think"])
    words["VIEWER"] = town.cut("acme", "viewer", permissions=["accounting:view_own"])
    words["REVOKED"] = town.cut("acme", "revoked")
    town.administer("DELETE", "keys/revoked")
    words["EXPIRED"] = town.cut("acme", "expired")
    expire(town, "expired")
    town.administer("POST", "users", {"workspace": "acme", "name": "shut"})
    words["SHUT_USER"] = town.cut("acme", "of-shut", user="shut", permissions=["models:use"])
    town.administer("PATCH", "users/shut", {"workspace": "acme", "status": "disabled"})
    words["SHUT_WORKSPACE"] = town.settle("shut")
    town.administer("PATCH", "workspaces/shut", {"status": "disabled"})
    words["UNKNOWN"] = mint("lx-", TENANT).reveal()
    words["TYPO"] = change(words["MINE"], 10)
    settle_ids(town)


def settle_ids(town: Town) -> None:
    """A call of each tenant, and the ids by which the other may not find it."""
    words = town.words
    for key, name in (("MINE", "MY_CALL"), ("THEIRS", "THEIR_CALL")):
        for model in ("plain", "think"):
            body = {"model": model, "messages": [{"role": "user", "content": "whose is it"}]}
            reply = town.gateway.chat(body, key=words[key])
            assert reply.status == 200, reply.body
            words[name] = reply.headers[RECEIPT]
        own = town.read(key, "/v1/key")["data"]
        page = town.read(key, "/v1/usage?group_by=model&limit=1")
        owner = key.replace("THEIRS", "THEIR").replace("MINE", "MY")
        words |= {f"{owner}_KEY": own["id"], f"{owner}_WORKSPACE": own["workspace_id"], f"{owner}_USER": own["user_id"]}
        words[f"{owner}_CURSOR"] = page["meta"]["next_cursor"]
    words["RANDOM_CALL"] = randomised(words["THEIR_CALL"])
    words["RANDOM_KEY"] = randomised(words["THEIR_KEY"])


def randomised(known: str) -> str:
    """Another id of the same kind and length."""
    prefix, _, rest = known.rpartition("_")
    return f"{prefix}_{secrets.token_hex(len(rest))[: len(rest)]}"


def change(key: str, position: int) -> str:
    """The key with one character replaced by another of its alphabet."""
    return key[:position] + ("a" if key[position] != "a" else "b") + key[position + 1 :]


def rechecked(key: str, position: int) -> str:
    """As `change`, with a checksum that fits: only the database can tell."""
    body = change(key, position)[:-6]
    return body + checksum(body)


def expire(town: Town, name: str) -> None:
    """Let a key's time have run out long ago. No door takes such a time."""
    with Database(parse_address(town.database_url, Path())) as database, database.writing() as connection:
        changed = connection.execute(update(keys).where(keys.c.name == name).values(expires_at_ns=1))
        assert changed.rowcount == 1


def code_of(body: bytes) -> str:
    """The code of an error, whichever body it has."""
    error: Any = json.loads(body)["error"]
    reason = error.get("metadata", {}).get("reason")
    return str(reason or error.get("code") or error.get("type"))
