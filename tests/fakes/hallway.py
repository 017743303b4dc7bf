"""A whole hallway over the real fold, without a database and without sockets: turnstile, relay, finisher, spool.

What money comes to is read from the shelf; providers play scripts. A model named ``m`` costs 1 nano-USD for a token of
input and 4 for one of output, and serving it costs the house half of that.
"""

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from tallygate.access.admission import Turnstile
from tallygate.access.guardrails.registry import Guardrails
from tallygate.access.guardrails.settings import GuardrailSettings
from tallygate.access.principal import Principal
from tallygate.dialects.base import Dialect
from tallygate.dialects.registry import CLIENT_DIALECTS
from tallygate.errors import InvalidApiKey, ReceiptsUnavailable
from tallygate.genai.book import Hold, Key, Transfer
from tallygate.genai.ceilings import Reach
from tallygate.genai.details import Details, read_details
from tallygate.genai.items import Cost
from tallygate.genai.outcome import Outcome
from tallygate.genai.peek import Peek
from tallygate.genai.plan import Plan, Target
from tallygate.genai.secret import Secret
from tallygate.genai.usage import Usage
from tallygate.ledger.prices import Price, Rates, charge, name_version
from tallygate.ledger.quote import BOUNDS, Quote
from tallygate.media.folder import Folder
from tallygate.media.settings import IdempotencySettings
from tallygate.media.spool import Spool
from tallygate.pipeline.call import Call, Client
from tallygate.pipeline.count import Counter
from tallygate.pipeline.finish import Finisher
from tallygate.pipeline.relay import Fetch, Relay
from tallygate.pipeline.run import Hallway, Steps
from tallygate.pipeline.running import Running
from tallygate.pipeline.screen import Screen
from tallygate.providers.base import Provider
from tallygate.router.gates import Gates
from tallygate.transport.base import Timeouts
from tests.fakes.exits import KeptClient, Script, ScriptedExit, fetch_nothing
from tests.fakes.ledger import OWNERS, Shelf, build_town
from tests.fakes.receipts import ISSUER
from tests.fakes.writer import ShelfWriter

PRICE = Price(kind="sale", name="m", rates=Rates(input=1_000, output=4_000), tool_use=0)
COST = Price(kind="cost", name="lab/m", rates=Rates(input=500, output=2_000))
OUTPUT_TOKENS_MAX = 1_000
CREDIT_NUSD = 1_000_000
SAID: dict[str, dict[str, object]] = {
    "openai_completions": {"prompt": "hi"},
    "openai_embeddings": {"input": "hi"},
    "openrouter_embeddings": {"input": "hi"},
    "openai_responses": {"input": "hi"},
    "unified_embed": {"input": "hi"},
    "unified_generate": {"prompt": "hi"},
}
"""What is said in dialects that do not call it messages."""

LAB = Provider(name="lab", title="Lab", base_url="http://lab", speaks={"openai_chat": "/v1/chat/completions"})
PROVIDERS = {
    "lab": LAB,
    "den": msgspec.structs.replace(LAB, name="den", cache_hints=frozenset({"cache_control"})),
    "claude": msgspec.structs.replace(LAB, name="claude", speaks={"anthropic_messages": "/v1/messages"}),
    "codex": msgspec.structs.replace(LAB, name="codex", speaks={"openai_responses": "/v1/responses"}),
    "vectors": msgspec.structs.replace(LAB, name="vectors", speaks={"openai_embeddings": "/v1/embeddings"}),
}


class Stage:
    """One gateway and its book. `targets` are the providers of model ``m``, in order."""

    def __init__(
        self,
        folder: Path,
        *scripts: Script,
        targets: Iterable[str] = ("lab",),
        price: Price = PRICE,
        credit_nusd: int = CREDIT_NUSD,
        settle_wait_s: float = 30.0,
        claim_wait_s: float = 30.0,
        silence_s: float = 30.0,
        fetch: Fetch = fetch_nothing,
        reach: Reach = Reach(output_tokens_max=OUTPUT_TOKENS_MAX),
        total_ms: int | None = None,
        guardrails: Mapping[str, GuardrailSettings] = MappingProxyType({}),
    ) -> None:
        self.price = price
        self.refusal = ""
        self.reach = reach
        self.exit = ScriptedExit(*scripts)
        self.shelf: Shelf = build_town(credit_nusd=credit_nusd)
        self.writer = ShelfWriter(self.shelf)
        self.gates = Gates()
        self.spool = Spool(Folder(folder), bytes(32), IdempotencySettings())
        self.running = Running(self.find_dead)
        self._targets = tuple(Target(name, "m") for name in targets)
        self._numbers = iter(range(1, 1_000))
        self.grant = frozenset({"models:use"})
        self.identified = 0
        self.heeded: list[Outcome] = []
        self._known: dict[str, Principal] = {}
        providers: Mapping[str, Provider] = PROVIDERS
        self.turnstile = Turnstile(self.writer.admit, self.identify, keep_s=600, wait_s=claim_wait_s)
        self.finisher = Finisher(self.writer.settle, count_costs, ISSUER, wait_s=settle_wait_s)
        self.hallway = Hallway(
            Steps(
                recall=self.recall,
                identify=self.identify,
                plan=lambda peek, operation, *_: Plan(peek.model, operation, self._targets),
                suit=lambda plan, *_: plan,
                counter=Counter(self.exit, lambda: providers, Timeouts()),
                vouch=self.vouch,
                quote=self.quote,
                turnstile=self.turnstile,
                spool=self.spool,
                running=self.running,
                relay=Relay(
                    self.exit, lambda: providers, Timeouts(), fetch=fetch, gates=self.gates, silence_s=silence_s
                ),
                heed=self.heeded.append,
                note=self.writer.note,
                finisher=self.finisher,
                screen=Screen(Guardrails(guardrails).choose),
                find_total_ms=lambda: total_ms,
            )
        )

    def recall(self, credential: Secret | None, peer: str) -> Principal | None:
        """As the doorman: what was read last, however old."""
        return self._known.get(credential.reveal()) if credential else None

    async def identify(self, credential: Secret | None, peer: str) -> Principal:
        """The key that is named by its id."""
        self.identified += 1
        key: Key | None = self.shelf.tables["keys"].get(credential.reveal()) if credential else None
        if key is None or key.status != "active":
            raise InvalidApiKey
        workspace_id, user_id = OWNERS[key.id]
        principal = self._known[key.id] = Principal(key.id, user_id, workspace_id, key.version, self.grant)
        return principal

    def vouch(self) -> None:
        """As a gateway whose log may refuse to be signed."""
        if self.refusal:
            raise ReceiptsUnavailable

    def quote(self, plan: Plan, peek: Peek, body: bytes, dialect: Dialect) -> Quote:
        bound = BOUNDS[plan.operation](self.price, peek, body, [self.reach], dialect.read_request)
        return Quote(self.price, name_version(self.price), bound)

    async def find_dead(self, key_ids: frozenset[str]) -> frozenset[str]:
        keys: dict[str, Key] = self.shelf.tables["keys"]
        return frozenset(key_id for key_id in key_ids if keys[key_id].status != "active")

    def open(self, client: Client | None = None, *, key: str = "k1", **fields: Any) -> Call:
        """A call of `key`, in OpenAI's dialect unless `dialect` names another one. `claim_key`: its Idempotency-Key."""
        name, claim_key = str(fields.pop("dialect", "openai_chat")), fields.pop("claim_key", None)
        request = {"model": "m", **SAID.get(name, {"messages": [{"role": "user", "content": "hi"}]}), **fields}
        if name == "anthropic_messages":
            request.setdefault("max_tokens", OUTPUT_TOKENS_MAX)
        body = msgspec.json.encode(request)
        return Call(
            call_id=f"call_{next(self._numbers)}",
            request_id="req_1",
            operation=CLIENT_DIALECTS[name].operation,
            dialect=CLIENT_DIALECTS[name],
            body=body,
            peek=CLIENT_DIALECTS[name].peek(body, 64),
            credential=Secret(key),
            forwarded=(),
            client=client or KeptClient(),
            arrived_ns=0,
            address="POST /v1/chat/completions",
            claim_key=None if claim_key is None else str(claim_key),
        )

    async def run(self, client: Client | None = None, **fields: Any) -> Call:
        """One call from its door to its end."""
        call = self.open(client, **fields)
        await asyncio.wait_for(self.hallway.run(call), 60)
        await self.writer.drain()
        return call

    def hold(self, call: Call) -> Hold:
        return self.shelf.hold(call.id)

    def details(self, call: Call) -> Details:
        details = read_details(self.hold(call).details)
        assert details is not None
        return details

    def transfers(self, call: Call) -> dict[str, Transfer]:
        """The lines of the ledger that the call wrote, by kind and number."""
        lines = [line for line in self.shelf.transfers.values() if line.hold_id == call.id]
        return {line.id.removeprefix(f"{call.id}/"): line for line in lines}

    def check(self) -> None:
        """Nothing is held, no slot is used, and the wallet is what its transfers say."""
        wallet = self.shelf.wallet()
        assert wallet.held_nusd == 0
        assert self.shelf.user().slots_used == 0
        charged = sum(hold.charged_nusd for hold in self.shelf.tables["holds"].values())
        topped_up = sum(line.amount_nusd for line in self.shelf.transfers.values() if line.kind == "topup")
        assert wallet.posted_nusd == topped_up - charged


def count_costs(used: Iterable[tuple[Target, Usage]]) -> tuple[Cost, ...]:
    """Half of what the caller would pay."""
    return tuple(Cost(target.provider, charge(COST, usage)) for target, usage in used)
