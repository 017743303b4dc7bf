"""A provider that fails for a while, among others that are well: its circuit opens and closes, nobody's call is lost,
and the gateway makes the outage no worse.
"""

import json
import re
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.contract.gateway import Gateway, Reply, clean_env, start_gateway
from tests.fakes.upstream import PROVIDER_KEY, Upstream, start_upstream

CALLERS = 4
WAIT_S = 60.0
TARGET = "lab/up-outage"
OPEN_MS = 200

CONFIG = """
router.open_ms = {open_ms}
router.open_ms_max = 1000
{providers}
[models]
shared = {{ targets = ["lab/up-outage", "den/up-echo", "inn/up-echo"], price = "free" }}
spread = {{ targets = ["den/up-echo", "inn/up-echo"], price = "free", choose = "weight" }}
well = {{ targets = ["den/up-echo"], price = "free" }}
alone = {{ targets = ["lab/up-outage"], price = "free" }}
"""
PROVIDER = """[providers.{name}]
base_url = "{url}"
speaks = {{ openai_chat = "/v1/chat/completions" }}
api_key_env = "LAB_KEY"
"""


class Place(NamedTuple):
    gateway: Gateway
    upstream: Upstream
    admin_key: str

    def call(self, model: str) -> Reply:
        return self.gateway.chat({"model": model, "messages": [{"role": "user", "content": f"ask {model}"}]})

    def health(self) -> dict[str, Any]:
        """How the failing target is."""
        reply = self.gateway.ask("GET", "/v1/admin/health", key=self.admin_key)
        return next(row for row in reply.json["data"] if row["target"] == TARGET)

    def count_attempts(self, *models: str) -> int:
        """How often the provider was asked on behalf of these models."""
        return sum(len(self.upstream.requests(f"ask {model}")) for model in models)


@pytest.fixture
def place(tmp_path: Path) -> Generator[Place]:
    with start_upstream() as upstream:
        providers = "".join(PROVIDER.format(name=name, url=upstream.url) for name in ("lab", "den", "inn"))
        path = tmp_path / "tallygate.toml"
        path.write_text(CONFIG.format(open_ms=OPEN_MS, providers=providers))
        env = clean_env(tmp_path, LAB_KEY=PROVIDER_KEY, TALLYGATE_ROUTER__CIRCUITS="true")
        with start_gateway(env, "--config", str(path)) as gateway:
            yield Place(gateway, upstream, (tmp_path / "data" / "admin-key").read_text().strip())


def call_many(place: Place, model: str, times: int) -> list[Reply]:
    with ThreadPoolExecutor(CALLERS) as callers:
        return list(callers.map(lambda _: place.call(model), range(times)))


def call_until(place: Place, model: str, wanted: Callable[[Reply], bool]) -> list[Reply]:
    """Calls, one after another, up to the first that is wanted."""
    replies, until_s = [place.call(model)], time.monotonic() + WAIT_S
    while not wanted(replies[-1]):
        assert time.monotonic() < until_s, replies[-1].body
        replies.append(place.call(model))
    return replies


def served_by(reply: Reply) -> str:
    return reply.headers["x-tallygate-backend"]


def test_an_outage_opens_and_closes_the_circuit_and_costs_few_attempts(place: Place) -> None:
    shared = call_many(place, "shared", 20)
    assert {served_by(reply) for reply in shared} == {"lab"}

    place.upstream.open_gate("outage")
    shared += call_many(place, "shared", 200)
    well = call_many(place, "well", 50)
    assert place.health()["circuit"] in ("open", "half_open")
    assert place.health()["last_error"] == "provider_error"

    place.upstream.open_gate("healed")
    shared += call_until(place, "shared", lambda reply: served_by(reply) == "lab")
    shared += call_many(place, "shared", 20)
    assert place.health()["circuit"] == "closed"

    assert {reply.status for reply in shared + well} == {200}, "nobody's call was lost"
    assert {served_by(reply) for reply in shared[-20:]} == {"lab"}
    attempts, calls = place.count_attempts("shared", "well"), len(shared) + len(well)
    assert calls < attempts <= 1.2 * calls
    assert place.count_attempts("well") == len(well), "who does not share a target is not asked more often"
    told = place.gateway.process.text
    whom = f"target '{TARGET}' for ws_[0-9a-f]{{32}}"
    assert re.search(f"{whom} failed with provider_error and is left alone for 1 s", told)
    assert re.search(f"{whom} serves again", told)


def test_where_nobody_is_left_the_call_is_refused_at_once_until_the_target_serves_again(place: Place) -> None:
    place.upstream.open_gate("outage")
    replies = call_many(place, "alone", 100)
    refused = [reply for reply in replies if reply.status == 503]
    assert {reply.status for reply in replies} == {502, 503}
    assert place.count_attempts("alone") == len(replies) - len(refused)
    assert place.count_attempts("alone") <= 0.2 * len(replies)
    error = refused[-1].json["error"]
    assert (error["code"], int(refused[-1].headers["retry-after"])) == ("no_endpoints", 1)
    assert f"{TARGET}: it failed with provider_error" in error["message"]

    place.upstream.open_gate("healed")
    call_until(place, "alone", lambda reply: reply.status == 200)
    assert {reply.status for reply in call_many(place, "alone", 20)} == {200}


def test_equals_share_the_calls_by_weight(place: Place) -> None:
    replies = call_many(place, "spread", 60)
    # Sixty of one kind would come out once in 10^17 runs.
    assert {served_by(reply) for reply in replies} == {"den", "inn"}


def test_a_route_is_explained_without_a_call(place: Place) -> None:
    said = {"model": "shared", "messages": [{"role": "user", "content": "ask shared"}]}
    body = json.dumps({"url": "/v1/chat/completions", "body": said}).encode()
    sent = [("Content-Type", "application/json")]
    data = place.gateway.ask("POST", "/v1/route/explain", body, sent, key=place.gateway.key).json["data"]
    assert [shown["target"] for shown in data["targets"]] == [TARGET, "den/up-echo", "inn/up-echo"]
    assert place.count_attempts("shared") == 0
