"""The official Anthropic client, its newest major and its oldest still in use, against providers of both languages.

The scenarios are in `anthropic_scenarios`, `anthropic_blocks` and `anthropic_trouble`; each interpreter plays them once
per server, in a process of its own, and every scenario is one test here.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract import anthropic_blocks, anthropic_scenarios, anthropic_trouble, repertoire
from tests.contract.anthropic_stage import REPERTOIRE
from tests.contract.compatibility import tried_if_told
from tests.contract.gateway import Gateway
from tests.contract.repertoire import play
from tests.fakes.process import ROOT
from tests.fakes.upstream import PROVIDER_KEY, Entry, Upstream

PLAYED = (anthropic_blocks, anthropic_scenarios, anthropic_trouble)
INTERPRETERS = {"anthropic2": Path(sys.executable), "anthropic0": ROOT / ".venv-anthropic0" / "bin" / "python"}
CLIENT = "anthropic (Python)"
ON_THE_PAGE = {
    "whole": (CLIENT, "answer"),
    "stream": (CLIENT, "stream"),
    "tools_parallel_loop": (CLIENT, "tools"),
    "tools_streamed": (CLIENT, "tools"),
    "structured_output": (CLIENT, "structure"),
    "thinking": (CLIENT, "thinking"),
    "models": (CLIENT, "models"),
    "wrong_key": (CLIENT, "401"),
}
LEAVE_WITHIN_S = 1.0
"""How soon a provider must be told that the client left."""
# https://platform.openai.com/docs/api-reference/chat/create
OPENAI_FIELDS = {
    *("model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "temperature", "top_p"),
    *("stop", "tools", "tool_choice", "parallel_tool_calls", "response_format", "reasoning_effort", "user", "metadata"),
    *("service_tier", "safety_identifier", "prompt_cache_key", "verbosity", "store"),
}

clients = pytest.mark.parametrize("client", INTERPRETERS)


def outcome(client: str, server: str, scenario: str, url: str, key: str) -> dict[str, Any]:
    """The facts of one scenario."""
    told = play(INTERPRETERS[client], "tests.contract.anthropic_play", url, key, server)
    assert told["version"].startswith(client.removeprefix("anthropic") + ".")
    with tried_if_told(ON_THE_PAGE, told["version"], server, scenario):
        return repertoire.outcome(told, scenario)


@clients
@pytest.mark.parametrize("scenario", REPERTOIRE.names_for("upstream"))
def test_without_a_gateway_the_provider_satisfies_the_client(
    client: str, scenario: str, anthropic_upstream: Upstream
) -> None:
    outcome(client, "upstream", scenario, anthropic_upstream.url, PROVIDER_KEY)


@clients
@pytest.mark.parametrize("scenario", REPERTOIRE.names_for("gateway"))
def test_through_the_gateway(client: str, scenario: str, gateway: Gateway) -> None:
    outcome(client, "gateway", scenario, gateway.url, gateway.key)


@clients
@pytest.mark.parametrize("scenario", REPERTOIRE.names_for("crossed"))
def test_across_to_a_provider_that_speaks_openai(client: str, scenario: str, gateway: Gateway) -> None:
    outcome(client, "crossed", scenario, gateway.url, gateway.key)


@clients
@pytest.mark.parametrize("scenario", REPERTOIRE.names_for("mock"))
def test_mock_models(client: str, scenario: str, gateway: Gateway) -> None:
    outcome(client, "mock", scenario, gateway.url, gateway.key)


@clients
@pytest.mark.parametrize("server", ["gateway", "crossed"])
def test_a_client_that_leaves_closes_the_upstream_within_a_second(
    client: str, server: str, upstream: Upstream, anthropic_upstream: Upstream, gateway: Gateway
) -> None:
    left_s = outcome(client, server, "leaving_a_stream", gateway.url, gateway.key)["left_s"]
    served_by = anthropic_upstream if server == "gateway" else upstream
    for model, moment_s in left_s.items():
        (asked,) = served_by.requests(f"{server}/{client}/leaving_a_stream: {model}")
        closed = served_by.wait_for(lambda e, n=asked["request"]: e["event"] == "closed" and e["request"] == n)
        assert closed["by"] == "peer"
        assert closed["at_s"] - moment_s <= LEAVE_WITHIN_S, model


@clients
def test_retries_reach_the_upstream_only_where_they_can_help(
    client: str, anthropic_upstream: Upstream, gateway: Gateway
) -> None:
    outcome(client, "gateway", "retries_where_they_help", gateway.url, gateway.key)
    entries = anthropic_upstream.requests(f"gateway/{client}/retries_where_they_help")
    assert sorted(body_of(entry)["model"] for entry in entries) == ["up-400", "up-401", "up-500", "up-500"]


@clients
def test_versions_and_betas_go_on_as_they_came(client: str, anthropic_upstream: Upstream, gateway: Gateway) -> None:
    outcome(client, "gateway", "betas", gateway.url, gateway.key)
    (entry,) = anthropic_upstream.requests(f"gateway/{client}/betas")
    headers = dict(entry["headers"])
    assert headers["anthropic-version"] == {"anthropic2": "2026-10-21", "anthropic0": "2023-06-01"}[client]
    assert "context-management-2025-06-27" in headers["anthropic-beta"]
    assert body_of(entry)["context_management"] == {"edits": [{"type": "clear_tool_uses_20250919"}]}


@clients
def test_unknown_fields_reach_the_provider_as_they_were_written(
    client: str, anthropic_upstream: Upstream, gateway: Gateway
) -> None:
    outcome(client, "gateway", "unknown_fields_pass", gateway.url, gateway.key)
    (entry,) = anthropic_upstream.requests(f"gateway/{client}/unknown_fields_pass")
    assert body_of(entry)["lab_knob"] == {"deep": [1, 2.5, None]}
    assert body_of(entry)["metadata"] == {"user_id": "u-1"}


@clients
def test_cache_marks_stay_with_the_provider_that_knows_them(
    client: str, upstream: Upstream, anthropic_upstream: Upstream, gateway: Gateway
) -> None:
    outcome(client, "gateway", "system_as_string_and_as_blocks", gateway.url, gateway.key)
    outcome(client, "crossed", "system_as_string_and_as_blocks", gateway.url, gateway.key)
    _, kept = anthropic_upstream.requests(f"gateway/{client}/system_as_string_and_as_blocks")
    assert body_of(kept)["system"][1]["cache_control"] == {"type": "ephemeral"}
    assert body_of(kept)["tools"][0]["cache_control"] == {"type": "ephemeral"}
    for entry in upstream.requests(f"crossed/{client}/system_as_string_and_as_blocks"):
        assert "cache_control" not in entry["body"]
        assert "Be brief." in json.dumps(body_of(entry)["messages"][0])


@clients
def test_thinking_goes_back_with_the_signature_it_came_with(
    client: str, anthropic_upstream: Upstream, gateway: Gateway
) -> None:
    signature = outcome(client, "gateway", "thinking_replayed", gateway.url, gateway.key)["signature"]
    _, replayed = anthropic_upstream.requests(f"gateway/{client}/thinking_replayed")
    (block,) = [b for b in body_of(replayed)["messages"][1]["content"] if b["type"] == "thinking"]
    assert block["signature"] == signature


@clients
def test_a_provider_that_speaks_openai_hears_only_its_own_language(
    client: str, upstream: Upstream, gateway: Gateway
) -> None:
    outcome(client, "crossed", "whole", gateway.url, gateway.key)
    entries = upstream.requests(f"crossed/{client}/")
    assert len(entries) > len(REPERTOIRE.names_for("crossed")) // 2
    for entry in entries:
        body = body_of(entry)
        assert set(body) <= OPENAI_FIELDS, set(body) - OPENAI_FIELDS
        assert not {"cache_control", "input_schema", "tool_use_id", "source", "signature"} & set(keys_in(body))
        assert not [name for name, _ in entry["headers"] if name.startswith("anthropic-")]


@clients
@pytest.mark.parametrize(("server", "backend"), [("gateway", "anlab"), ("crossed", "lab")])
def test_the_gateway_answers_with_its_own_headers_only(
    client: str, server: str, backend: str, gateway: Gateway
) -> None:
    whole, stream = outcome(client, server, "headers", gateway.url, gateway.key)["headers"]
    assert whole["content-type"].startswith("application/json")
    assert stream["content-type"].startswith("text/event-stream")
    assert stream["cache-control"] == "no-cache"
    for told in (whole, stream):
        assert told["x-tallygate-backend"] == backend
        assert not {"set-cookie", "openai-organization", "anthropic-organization-id"} & set(told)


def body_of(entry: Entry) -> Any:
    """The JSON a provider was sent."""
    return json.loads(entry["body"].encode("latin-1"))


def keys_in(value: Any) -> Iterator[str]:
    """Every key of every object, but not inside tools' schemas."""
    if isinstance(value, dict):
        yield from value
        for key, part in value.items():
            if key not in {"parameters", "schema"}:
                yield from keys_in(part)
    elif isinstance(value, list):
        for part in value:
            yield from keys_in(part)
