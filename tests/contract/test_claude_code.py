"""Claude Code against the gateway: a task of several turns with file tools on either kind of provider, and failing.

Only `make test-clients` installs the program.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.contract.claude_code import CLIENT, DISCOVERY, ClaudeCode, note_task, point_at, read_version
from tests.contract.compatibility import UPSTREAMS, tried
from tests.contract.gateway import Gateway, run_cli
from tests.contract.market import MODELS, check_paid, settle_client
from tests.fakes.upstream import PROVIDER_KEY, Entry, Upstream

pytestmark = pytest.mark.clients

FAIL_WITHIN_S = 3.0
"""How soon a person with a wrong key must be told; a client that believes in a retry goes on for minutes."""


def point_at_gateway(gateway: Gateway, model: str, key: str = "") -> dict[str, str | None]:
    """The variables that `tallygate env claude-code` prints."""
    env = {**gateway.env, "TALLYGATE_PUBLIC_URL": gateway.url}
    (told,) = json.loads(run_cli(env, "env", "claude-code", "--key", key or gateway.key, "--model", model, "--json"))
    return told["variables"]


def with_the_other_header(variables: dict[str, str | None]) -> dict[str, str | None]:
    """The same key as the program sends it to the vendor itself: in `x-api-key`."""
    return {**variables, "ANTHROPIC_API_KEY": variables["ANTHROPIC_AUTH_TOKEN"], "ANTHROPIC_AUTH_TOKEN": None}


either_header = pytest.mark.parametrize("dress", [dict, with_the_other_header], ids=["bearer", "x-api-key"])
Dress = Callable[[dict[str, str | None]], dict[str, str | None]]


def bodies(entries: list[Entry], path: str) -> list[Any]:
    """The JSON of the requests to a path, in order."""
    return [json.loads(e["body"].encode("latin-1")) for e in entries if e["path"].partition("?")[0] == path]


def check_task(claude: ClaudeCode) -> None:
    """Play the task to its end, and look at what it left behind."""
    note = claude.project / "note.txt"
    run = claude.play(*note_task(note))
    assert run.code == 0, run
    assert run.told["result"] == "The note says two.", run.told
    assert (run.told["is_error"], run.told["num_turns"], run.told["permission_denials"]) == (False, 5, [])
    assert run.told["usage"]["output_tokens"] > 0
    assert note.read_text() == "tally: two\n"


def test_without_a_gateway_the_provider_satisfies_it(anthropic_upstream: Upstream, tmp_path: Path) -> None:
    check_task(ClaudeCode(tmp_path, point_at(anthropic_upstream.url, PROVIDER_KEY, "up-echo")))


@either_header
@pytest.mark.parametrize("model", ["claude-lab", "an-echo"])
def test_a_task_on_a_provider_that_speaks_anthropic(
    anthropic_upstream: Upstream, gateway: Gateway, tmp_path: Path, model: str, dress: Dress
) -> None:
    mark = anthropic_upstream.mark()
    with tried(CLIENT, read_version(), "anthropic_messages", "task"):
        check_task(ClaudeCode(tmp_path, dress(point_at_gateway(gateway, model))))
    entries = anthropic_upstream.requests_since(mark)
    asked = bodies(entries, "/v1/messages")
    assert len(asked) == 4
    for body in asked:
        assert body["stream"] is True
        assert body["context_management"]["edits"], "fields of betas go on"
        assert json.loads(body["metadata"]["user_id"])["session_id"]
    for entry in entries:
        assert "claude-code-" in dict(entry["headers"])["anthropic-beta"]
    # It keeps to itself what was thought by a model of another name than the one it asked for.
    said = [
        block for message in asked[-1]["messages"] if message["role"] == "assistant" for block in message["content"]
    ]
    thoughts = [block["thinking"] for block in said if block["type"] == "thinking"]
    assert thoughts == (["A note is wanted."] if model == "claude-lab" else [])


def test_a_task_on_a_provider_that_speaks_openai(upstream: Upstream, gateway: Gateway, tmp_path: Path) -> None:
    mark = upstream.mark()
    with tried(CLIENT, read_version(), "openai_chat", "task"):
        check_task(ClaudeCode(tmp_path, point_at_gateway(gateway, "up-echo")))
    asked = bodies(upstream.requests_since(mark), "/v1/chat/completions")
    assert len(asked) == 4
    for body in asked:
        assert not {"context_management", "system", "thinking", "output_config"} & set(body)
        assert {"Write", "Read", "Edit"} <= {tool["function"]["name"] for tool in body["tools"]}
    answered = [message["tool_call_id"] for message in asked[-1]["messages"] if message["role"] == "tool"]
    assert len(answered) == len(set(answered)) == 4


@either_header
@pytest.mark.parametrize("model", ["an-echo", "up-echo"])
def test_a_bad_key_is_told_at_once(gateway: Gateway, tmp_path: Path, model: str, dress: Dress) -> None:
    with tried(CLIENT, read_version(), "openai_chat" if model == "up-echo" else "anthropic_messages", "401"):
        run = ClaudeCode(tmp_path, dress(point_at_gateway(gateway, model, "lx-nobody_0"))).run("Hello")
        assert run.code != 0
        assert run.told["is_error"], run.told
        assert "401" in run.told["result"] or "key" in run.told["result"], run.told
    assert run.took_s < FAIL_WITHIN_S


def test_a_model_that_is_not_there_is_told_at_once(gateway: Gateway, tmp_path: Path) -> None:
    run = ClaudeCode(tmp_path, point_at_gateway(gateway, "nobody/has-this")).run("Hello")
    assert run.code != 0
    assert "nobody/has-this" in run.told["result"], run.told
    assert run.took_s < FAIL_WITHIN_S


@pytest.mark.parametrize("model", ["an-error-midstream", "up-error-midstream", "an-cut-after-5", "up-cut-after-5"])
def test_a_stream_that_breaks_is_no_answer(gateway: Gateway, tmp_path: Path, model: str) -> None:
    claude = ClaudeCode(tmp_path, {**point_at_gateway(gateway, model), "CLAUDE_CODE_MAX_RETRIES": "0"})
    run = claude.run("Hello")
    assert run.told["is_error"], run.told


@pytest.mark.parametrize("model", ["claude-lab", "up-echo"])
def test_what_it_asks_beside_its_task_is_answered(
    upstream: Upstream, anthropic_upstream: Upstream, gateway: Gateway, tmp_path: Path, model: str
) -> None:
    served_by, path = (upstream, "/v1/chat/completions") if model == "up-echo" else (anthropic_upstream, "/v1/messages")
    mark = served_by.mark()
    run = ClaudeCode(tmp_path, {**point_at_gateway(gateway, model), **DISCOVERY}).play({"say": "Hi."})
    assert run.told["result"] == "Hi.", run.told
    # It has the conversation named by a call without tools that wants an object in return.
    asked = bodies(served_by.requests_since(mark), path)
    (naming,) = [body for body in asked if not body.get("tools")]
    if model == "up-echo":
        assert naming["response_format"]["json_schema"]["schema"]["required"] == ["title"]
        assert "tools" not in naming, "an empty list of tools is refused there"
    else:
        assert naming["output_config"]["format"]["schema"]["required"] == ["title"]


@pytest.mark.parametrize("dialect", UPSTREAMS)
def test_a_task_is_paid_and_an_empty_balance_is_told(
    market: Gateway, poor_key: str, served_by: dict[str, Upstream], tmp_path: Path, dialect: str
) -> None:
    tenant = settle_client(market, "claude-code", dialect)
    with tried(CLIENT, read_version(), dialect, "money"):
        mark = served_by[dialect].mark()
        check_task(ClaudeCode(tmp_path, point_at_gateway(market, MODELS[dialect], tenant.key)))
        check_paid(tenant, len([entry for entry in served_by[dialect].requests_since(mark) if entry["body"]]))
    (folder := tmp_path / "poor").mkdir()
    with tried(CLIENT, read_version(), dialect, "402"):
        run = ClaudeCode(folder, point_at_gateway(market, MODELS[dialect], poor_key)).run("Hello")
        assert run.told["is_error"], run.told
        assert "balance does not cover" in run.told["result"], run.told


@pytest.mark.parametrize("model", ["an-echo", "up-echo"])
def test_its_count_of_the_context(gateway: Gateway, tmp_path: Path, model: str) -> None:
    run = ClaudeCode(tmp_path, point_at_gateway(gateway, model)).run("/context")
    assert run.code == 0
    assert "Context Usage" in run.told["result"], run.told
