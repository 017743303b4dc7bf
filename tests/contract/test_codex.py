"""Codex against the gateway: a task of several turns with its tools on either kind of provider, and failing.

Only `make test-clients` installs the program.
"""

import json
import subprocess
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.contract.codex import LAUNCHER, NOTE_TASK, PATCH_TASK, Codex
from tests.contract.compatibility import tried
from tests.contract.gateway import Gateway, run_cli
from tests.contract.tenants import settle_in
from tests.fakes.upstream import Entry, Upstream

pytestmark = pytest.mark.clients


def open_codex(gateway: Gateway, folder: Path, model: str, key: str = "") -> Codex:
    """The program with what `tallygate env codex` prints."""
    env = {**gateway.env, "TALLYGATE_PUBLIC_URL": gateway.url}
    (told,) = json.loads(run_cli(env, "env", "codex", "--key", key or gateway.key, "--model", model, "--json"))
    return Codex(folder, told["text"], told["variables"])


@cache
def ask_version() -> str:
    """The program's version, as it tells it."""
    told = subprocess.run(["node", LAUNCHER, "--version"], capture_output=True, text=True, timeout=60, check=True)
    return told.stdout.split()[-1]


def dialect_of(model: str) -> str:
    return "openai_chat" if model in ("up-echo", "gpt-6-sol") else "anthropic_messages"


def bodies(entries: list[Entry]) -> list[Any]:
    return [json.loads(entry["body"].encode("latin-1")) for entry in entries if entry["method"] == "POST"]


@pytest.mark.parametrize("model", ["up-echo", "an-echo"])
def test_a_task_on_either_kind_of_provider(
    upstream: Upstream, anthropic_upstream: Upstream, gateway: Gateway, tmp_path: Path, model: str
) -> None:
    served_by = upstream if model == "up-echo" else anthropic_upstream
    mark = served_by.mark()
    codex = open_codex(gateway, tmp_path, model)
    with tried("Codex CLI", ask_version(), dialect_of(model), "task"):
        run = codex.play(*NOTE_TASK)
        assert run.code == 0, run
    assert [item["text"] for item in run.items("agent_message")] == ["I write it.", "I look.", "The note says two."]
    assert [item["text"] for item in run.items("reasoning")] == ["A note is wanted."]
    assert [item["exit_code"] for item in run.items("command_execution")] == [0, 0, 0, 0]
    assert (codex.project / "note.txt").read_text() == "tally: two\n"
    with tried("Codex CLI", ask_version(), dialect_of(model), "usage"):
        usage = run.events[-1]["usage"]
        assert (run.events[-1]["type"], usage["output_tokens"] > 0) == ("turn.completed", True)
    asked = bodies(served_by.requests_since(mark))
    assert len(asked) == len(NOTE_TASK)
    names = [(tool.get("function") or tool)["name"] for tool in asked[0]["tools"]]
    assert "exec_command" in names
    assert any("__" in name for name in names), "functions of a namespace come along"
    assert "web_search" not in names


@pytest.mark.parametrize("model", ["gpt-6-sol", "gpt-6-luna"])
def test_a_model_it_knows_has_a_tool_for_scripts_whoever_serves_it(
    upstream: Upstream, anthropic_upstream: Upstream, gateway: Gateway, tmp_path: Path, model: str
) -> None:
    served_by = upstream if model == "gpt-6-sol" else anthropic_upstream
    mark = served_by.mark()
    codex = open_codex(gateway, tmp_path, model)
    with tried("Codex CLI", ask_version(), dialect_of(model), "tools"):
        run = codex.play(*PATCH_TASK)
        assert run.code == 0, run
        assert [item["text"] for item in run.items("agent_message")] == ["I write it.", "The note says two."]
        (change,) = run.items("file_change")
        assert (change["status"], [one["kind"] for one in change["changes"]]) == ("completed", ["add"])
        assert [item["exit_code"] for item in run.items("command_execution")] == [0]
        assert (codex.project / "note.txt").read_text() == "tally: zwei \u2013 one \U0001f600\n"
    asked = bodies(served_by.requests_since(mark))
    assert len(asked) == len(PATCH_TASK)
    tool = next(tool for tool in asked[0]["tools"] if "functions__exec" in str(tool))
    assert "grammar" in json.dumps(tool), "what its text must be like is told in words"


@pytest.mark.parametrize("model", ["up-echo", "an-echo"])
def test_a_wrong_key_is_told_and_not_tried_again(gateway: Gateway, tmp_path: Path, model: str) -> None:
    with tried("Codex CLI", ask_version(), dialect_of(model), "401"):
        run = open_codex(gateway, tmp_path, model, "lx-nobody").play({"say": "hi"})
        assert run.code != 0
        assert "401" in json.dumps(run.events)


def test_a_balance_that_is_spent_is_told_and_nothing_is_held(priced_gateway: Gateway, tmp_path: Path) -> None:
    tenant = settle_in(priced_gateway, "poor", "0.000001")
    with tried("Codex CLI", ask_version(), "openai_chat", "402"):
        run = open_codex(priced_gateway, tmp_path, "up-echo", tenant.key).play({"say": "hi"})
        assert run.code != 0
        told = json.dumps(run.events[-1])
        assert "402" in told
        assert "balance" in told
    assert tenant.read("/v1/credits")["held_nusd"] == 0


def test_a_task_is_paid_call_by_call(priced_gateway: Gateway, tmp_path: Path) -> None:
    tenant = settle_in(priced_gateway, "payer", "5.00")
    with tried("Codex CLI", ask_version(), "openai_chat", "money"):
        assert open_codex(priced_gateway, tmp_path, "up-echo", tenant.key).play(*NOTE_TASK).code == 0
        receipts = [row["receipt"] for row in tenant.send("GET", "/v1/receipts").json["receipts"]]
        assert [receipt["response"]["status"] for receipt in receipts] == ["ok"] * len(NOTE_TASK)
        credit = tenant.read("/v1/credits")
        charged_nusd = sum(int(receipt["charge"]["amount"]) for receipt in receipts)
        assert (credit["held_nusd"], credit["total_usage"]) == (0, Decimal(charged_nusd) / 10**9)


def test_a_stream_that_breaks_is_an_error(gateway: Gateway, tmp_path: Path) -> None:
    run = open_codex(gateway, tmp_path, "up-error-midstream").play({"say": "hi"})
    assert run.code != 0
    assert run.events[-1]["type"] == "turn.failed"
