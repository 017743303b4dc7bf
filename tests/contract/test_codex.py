"""Codex against the gateway: a task of several turns with its tools on either kind of provider, and failing.

Only `make test-clients` installs the program.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.contract.codex import NOTE_TASK, Codex
from tests.contract.gateway import Gateway, run_cli
from tests.fakes.upstream import Entry, Upstream

pytestmark = pytest.mark.clients


def open_codex(gateway: Gateway, folder: Path, model: str, key: str = "") -> Codex:
    """The program with what `tallygate env codex` prints."""
    env = {**gateway.env, "TALLYGATE_PUBLIC_URL": gateway.url}
    (told,) = json.loads(run_cli(env, "env", "codex", "--key", key or gateway.key, "--model", model, "--json"))
    return Codex(folder, told["text"], told["variables"])


def bodies(entries: list[Entry]) -> list[Any]:
    return [json.loads(entry["body"].encode("latin-1")) for entry in entries if entry["method"] == "POST"]


@pytest.mark.parametrize("model", ["up-echo", "an-echo"])
def test_a_task_on_either_kind_of_provider(
    upstream: Upstream, anthropic_upstream: Upstream, gateway: Gateway, tmp_path: Path, model: str
) -> None:
    served_by = upstream if model == "up-echo" else anthropic_upstream
    mark = served_by.mark()
    codex = open_codex(gateway, tmp_path, model)
    run = codex.play(*NOTE_TASK)
    assert run.code == 0, run
    assert [item["text"] for item in run.items("agent_message")] == ["I write it.", "I look.", "The note says two."]
    assert [item["text"] for item in run.items("reasoning")] == ["A note is wanted."]
    assert [item["exit_code"] for item in run.items("command_execution")] == [0, 0, 0, 0]
    assert (codex.project / "note.txt").read_text() == "tally: two\n"
    usage = run.events[-1]["usage"]
    assert (run.events[-1]["type"], usage["output_tokens"] > 0) == ("turn.completed", True)
    asked = bodies(served_by.requests_since(mark))
    assert len(asked) == len(NOTE_TASK)
    names = [(tool.get("function") or tool)["name"] for tool in asked[0]["tools"]]
    assert "exec_command" in names
    assert any("__" in name for name in names), "functions of a namespace come along"
    assert "web_search" not in names


def test_a_wrong_key_is_told_and_not_tried_again(gateway: Gateway, tmp_path: Path) -> None:
    run = open_codex(gateway, tmp_path, "up-echo", "lx-nobody").play({"say": "hi"})
    assert run.code != 0
    assert "401" in json.dumps(run.events)


def test_a_stream_that_breaks_is_an_error(gateway: Gateway, tmp_path: Path) -> None:
    run = open_codex(gateway, tmp_path, "up-error-midstream").play({"say": "hi"})
    assert run.code != 0
    assert run.events[-1]["type"] == "turn.failed"
