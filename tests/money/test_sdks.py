"""What the official clients do by themselves when money or slots are short: they do not try a 402 again, and a 429 only
after the time it names.
"""

import json
import subprocess
import sys
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.fakes.process import ROOT
from tests.money.place import Place, Tenant, wait_until, write_body
from tests.money.scripts import WORD
from tests.money.wire import Wire
from tests.money.wires import WIRES

CLIENTS: dict[str, tuple[str, Path]] = {
    "openai3": ("openai", Path(sys.executable)),
    "openai1": ("openai", ROOT / ".venv-openai1" / "bin" / "python"),
    "anthropic2": ("anthropic", Path(sys.executable)),
    "anthropic0": ("anthropic", ROOT / ".venv-anthropic0" / "bin" / "python"),
}
"""The script that uses each, and who runs it."""

SHORT_USD = "0.000001"
TRIES = 3
WAITED_S = 0.95
"""The gateway asks for a second. Clients that do not listen come back after 0.5 to 0.75."""


class Part(NamedTuple):
    """One call of a client: whose it is, the word it bears, and the wire that counts what the client sends."""

    tenant: Tenant
    nonce: str
    wire: Wire


class Played(NamedTuple):
    """A part, and what the client made of it."""

    part: Part
    told: dict[str, Any]

    def statuses(self) -> list[str]:
        return [answer.first_line.split(" ")[1] for answer in self.part.wire.answers]


def set_up(place: Place, stack: ExitStack) -> dict[str, Part]:
    """A workspace for each way to be short of something."""
    tenants = {"balance": place.found(SHORT_USD), **{name: place.found() for name in ("budget", "no slot", "a slot")}}
    budgets = {"level": "workspace", "owner": tenants["budget"].name, "budgets": {"daily": SHORT_USD}}
    place.administer("PATCH", "limits", budgets)
    place.raise_concurrency(tenants["no slot"], 0)
    place.raise_concurrency(tenants["a slot"], 1)
    return {
        name: Part(tenant, place.next_nonce(), stack.enter_context(Wire(place.gateway.port)))
        for name, tenant in tenants.items()
    }


def play(client: str, place: Place, parts: dict[str, Part]) -> dict[str, Played]:
    """All parts in one process of the client. While its last call is refused, the slot becomes free."""
    script, interpreter = CLIENTS[client]
    assert interpreter.exists(), f"{interpreter} is missing: `make test` builds it"
    busy, held = parts["a slot"], place.next_nonce()
    arguments = [
        word for part in parts.values() for word in (f"http://127.0.0.1:{part.wire.port}", part.tenant.key, part.nonce)
    ]
    command = [interpreter, "-m", f"tests.money.{script}_call", f"{script}/good", *arguments]
    with place.calling(held, 1) as pool:
        body, sent = write_body("openai/held", held, stream=False), [("Content-Type", "application/json")]
        pool.submit(place.gateway.ask, "POST", WIRES["openai"].path, body, sent, key=busy.tenant.key)
        place.wait_for("holding", held)
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}) as process:
            wait_until(lambda: bool(busy.wire.answers) or process.poll() is not None or None, 90)
            place.player.open_gate(held)
            told = json.loads(process.communicate(timeout=60)[0])
    assert told["version"].startswith(client.removeprefix(script) + ".")
    return {name: Played(part, said) for (name, part), said in zip(parts.items(), told["told"], strict=True)}


@pytest.fixture(scope="module")
def plays(place: Place) -> Generator[dict[str, dict[str, Played]]]:
    """What each client does, all at once: mostly they wait."""
    with ExitStack() as stack:
        parts = {client: set_up(place, stack) for client in CLIENTS}
        with ThreadPoolExecutor(len(CLIENTS)) as pool:
            running = {client: pool.submit(play, client, place, parts[client]) for client in CLIENTS}
            yield {client: future.result() for client, future in running.items()}


clients = pytest.mark.parametrize("client", CLIENTS)


@clients
@pytest.mark.parametrize("limit", ["balance", "budget"])
def test_a_402_is_not_tried_again(limit: str, client: str, plays: dict[str, dict[str, Played]], place: Place) -> None:
    played = plays[client][limit]
    assert (played.told["status"], "APIStatusError" in played.told["classes"]) == (402, True)
    assert f"{limit} " in played.told["message"]
    assert f"{SHORT_USD} USD are left" in played.told["message"]
    assert played.told.get("code") in (None, "insufficient_balance", "budget_exceeded")
    assert played.statuses() == ["402"]
    assert place.asked(played.part.nonce) == []


@clients
def test_a_429_is_tried_again_after_the_time_it_names(
    client: str, plays: dict[str, dict[str, Played]], place: Place
) -> None:
    played = plays[client]["a slot"]
    wire, statuses = played.part.wire, played.statuses()
    assert played.told.get("said") == 3 * WORD, played.told
    assert statuses == [*["429"] * (len(statuses) - 1), "200"]
    assert len(statuses) > 1
    waits = [later.at_s - answer.at_s for answer, later in zip(wire.answers, wire.requests[1:], strict=False)]
    assert min(waits) >= WAITED_S
    assert len(place.asked(f"{played.part.nonce}")) == 1
    assert [hold.charged_nusd for hold in played.part.tenant.settled(2)] == [44_000] * 2


@clients
def test_a_429_that_stays_is_an_error_of_its_own_class(client: str, plays: dict[str, dict[str, Played]]) -> None:
    played = plays[client]["no slot"]
    assert (played.told["status"], "RateLimitError" in played.told["classes"]) == (429, True)
    assert played.statuses() == ["429"] * TRIES
    assert played.part.tenant.holds() == []
