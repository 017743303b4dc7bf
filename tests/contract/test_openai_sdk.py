"""The official OpenAI client, its newest major and the one before, served whole and streamed over real sockets.

The scenarios are in the modules of `PLAYED`; each interpreter plays them once per
server, in a process of its own, and every scenario is one test here.
"""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.contract import (
    openai_completions_scenarios,
    openai_crossing,
    openai_embeddings_scenarios,
    openai_responses_scenarios,
    openai_scenarios,
    openai_trouble,
    repertoire,
)
from tests.contract.compatibility import tried_if_told
from tests.contract.gateway import Gateway
from tests.contract.openai_stage import REPERTOIRE
from tests.contract.repertoire import play
from tests.fakes.process import ROOT
from tests.fakes.upstream import PROVIDER_KEY, Upstream

PLAYED = (
    openai_completions_scenarios,
    openai_crossing,
    openai_embeddings_scenarios,
    openai_responses_scenarios,
    openai_scenarios,
    openai_trouble,
)
INTERPRETERS = {"openai3": Path(sys.executable), "openai1": ROOT / ".venv-openai1" / "bin" / "python"}
CHAT, RESPONSES = "openai (Python)", "openai (Python), Responses"
ON_THE_PAGE = {
    "whole": (CHAT, "answer"),
    "stream": (CHAT, "stream"),
    "tools_parallel_loop": (CHAT, "tools"),
    "tools_streamed": (CHAT, "tools"),
    "structured_output": (CHAT, "structure"),
    "thinking": (CHAT, "thinking"),
    "models": (CHAT, "models"),
    "wrong_key": (CHAT, "401"),
    "responses_whole": (RESPONSES, "answer"),
    "responses_streamed": (RESPONSES, "stream"),
    "responses_tools": (RESPONSES, "tools"),
    "responses_structured": (RESPONSES, "structure"),
    "responses_thinking": (RESPONSES, "thinking"),
}
LEAVE_WITHIN_S = 1.0
"""How soon a provider must be told that the client left."""


def outcome(client: str, server: str, scenario: str, upstream: Upstream, gateway: Gateway | None) -> dict[str, Any]:
    """The facts of one scenario."""
    url, key = (gateway.url, gateway.key) if gateway else (upstream.url, PROVIDER_KEY)
    told = play(INTERPRETERS[client], "tests.contract.openai_play", f"{url}/v1", key, server)
    assert told["version"].startswith(client.removeprefix("openai") + ".")
    with tried_if_told(ON_THE_PAGE, told["version"], server, scenario):
        return repertoire.outcome(told, scenario)


scenarios_for = REPERTOIRE.names_for
clients = pytest.mark.parametrize("client", INTERPRETERS)


@clients
@pytest.mark.parametrize("scenario", scenarios_for("upstream"))
def test_without_a_gateway_the_provider_satisfies_the_client(client: str, scenario: str, upstream: Upstream) -> None:
    outcome(client, "upstream", scenario, upstream, None)


@clients
@pytest.mark.parametrize("scenario", scenarios_for("gateway"))
def test_through_the_gateway(client: str, scenario: str, upstream: Upstream, gateway: Gateway) -> None:
    outcome(client, "gateway", scenario, upstream, gateway)


@clients
@pytest.mark.parametrize("scenario", scenarios_for("crossed"))
def test_across_to_a_provider_that_speaks_anthropic(
    client: str, scenario: str, upstream: Upstream, gateway: Gateway
) -> None:
    outcome(client, "crossed", scenario, upstream, gateway)


@clients
@pytest.mark.parametrize("scenario", scenarios_for("mock"))
def test_mock_models(client: str, scenario: str, upstream: Upstream, gateway: Gateway) -> None:
    outcome(client, "mock", scenario, upstream, gateway)


@clients
def test_a_client_that_leaves_closes_the_upstream_within_a_second(
    client: str, upstream: Upstream, gateway: Gateway
) -> None:
    left_s = outcome(client, "gateway", "leaving_a_stream", upstream, gateway)["left_s"]
    for model, moment_s in left_s.items():
        (asked,) = upstream.requests(f"gateway/{client}/leaving_a_stream: {model}")
        closed = upstream.wait_for(lambda e, number=asked["request"]: e["event"] == "closed" and e["request"] == number)
        assert closed["by"] == "peer"
        assert closed["at_s"] - moment_s <= LEAVE_WITHIN_S, model


@clients
def test_retries_reach_the_upstream_only_where_they_can_help(client: str, upstream: Upstream, gateway: Gateway) -> None:
    outcome(client, "gateway", "retries_where_they_help", upstream, gateway)
    sent = [json.loads(e["body"])["model"] for e in upstream.requests(f"gateway/{client}/retries_where_they_help")]
    assert sorted(sent) == ["up-400", "up-401", "up-500", "up-500"]


@clients
def test_unknown_fields_reach_the_provider_as_they_were_written(
    client: str, upstream: Upstream, gateway: Gateway
) -> None:
    outcome(client, "gateway", "unknown_fields_pass", upstream, gateway)
    (entry,) = upstream.requests(f"gateway/{client}/unknown_fields_pass")
    body = json.loads(entry["body"])
    assert body["lab_knob"] == {"deep": [1, 2.5, None]}
    assert (body["seed"], body["stop"], body["metadata"], body["user"]) == (7, ["END"], {"a": "b"}, "u-1")
    assert body["temperature"] == 0.5


@clients
def test_the_gateway_answers_with_its_own_headers_only(client: str, upstream: Upstream, gateway: Gateway) -> None:
    whole, stream = outcome(client, "gateway", "headers", upstream, gateway)["headers"]
    assert whole["content-type"].startswith("application/json")
    assert stream["content-type"].startswith("text/event-stream")
    assert stream["cache-control"] == "no-cache"
    assert stream["x-accel-buffering"] == "no"
    for told in (whole, stream):
        assert (told["x-tallygate-model"], told["x-tallygate-backend"]) == ("up-echo", "lab")
        assert not {"set-cookie", "openai-organization"} & set(told)
