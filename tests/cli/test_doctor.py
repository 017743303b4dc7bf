"""The examination: what it finds, what it calls a failure, and that it touches nothing."""

import socket
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.cli.answering import answer
from tests.cli.calling import Run


@pytest.fixture(autouse=True)
def _alone(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """No engines are looked for, and the port is free."""
    monkeypatch.setenv("TALLYGATE_DISCOVER", "false")
    monkeypatch.setenv("PORT", "0")
    monkeypatch.setenv("TALLYGATE_DATA", "data")


def examined(run: Run, exit_code: int) -> dict[str, dict[str, Any]]:
    """The findings by subject."""
    result = run("doctor", "--json")
    assert result.exit_code == exit_code, result.output
    return {finding["subject"]: finding for finding in msgspec.json.decode(result.stdout)}


def test_a_machine_that_never_saw_a_gateway_is_well_and_stays_as_it_is(run: Run) -> None:
    found = examined(run, 0)
    for subject in ("Python", "configuration", "data folder", "database", "port"):
        assert found[subject]["state"] == "ok", found[subject]
    assert found["providers"]["state"] == "warn"
    assert found["providers"]["remedy"]
    assert not Path("data").exists()
    assert "The gateway can start" in run("doctor").stdout


def test_a_key_in_the_environment_is_told_by_name_only(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-swordfish")
    result = run("doctor")
    assert "OPENAI_API_KEY is set" in result.stdout
    assert "swordfish" not in result.output
    assert examined(run, 0)["OpenAI"]["state"] == "ok"


def test_a_database_is_opened(run: Run) -> None:
    assert run("workspaces", "create", "acme").exit_code == 0
    assert "up to date" in examined(run, 0)["database"]["text"]


def test_what_is_no_database_fails(run: Run) -> None:
    Path("data").mkdir()
    Path("data/tallygate.db").write_text("this is no database, though it is long enough to be taken for one" * 20)
    assert examined(run, 1)["database"]["state"] == "fail"


def test_a_data_folder_in_a_file_fails(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("file").write_text("")
    monkeypatch.setenv("TALLYGATE_DATA", "file/data")
    assert examined(run, 1)["data folder"]["state"] == "fail"


def test_a_taken_port_fails_unless_a_gateway_has_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with answer({"/": '{"name":"something"}'}) as port:
        monkeypatch.setenv("PORT", str(port))
        finding = examined(run, 1)["port"]
        assert finding["state"] == "fail"
        assert str(port) in finding["text"]
    with answer({"/": '{"name":"tallygate","version":"1"}'}) as port:
        monkeypatch.setenv("PORT", str(port))
        assert examined(run, 0)["port"]["state"] == "ok"


def test_a_port_that_takes_calls_and_says_nothing_is_no_gateway(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("PORT", str(silent.getsockname()[1]))
        assert examined(run, 1)["port"]["state"] == "fail"


def test_a_configuration_that_cannot_be_used_is_one_finding(run: Run) -> None:
    Path("tallygate.toml").write_text("prot = 1\n")
    found = examined(run, 1)
    assert set(found) == {"Python", "configuration"}
    assert "tallygate.toml:1" in found["configuration"]["text"]


def test_a_provider_that_is_set_but_has_no_key_is_a_warning(run: Run) -> None:
    Path("tallygate.toml").write_text(
        '[providers.lab]\nbase_url = "http://lab"\nspeaks = { openai_chat = "/v1" }\napi_key_env = "LAB_KEY"\n'
    )
    finding = examined(run, 0)["lab"]
    assert finding["state"] == "warn"
    assert "LAB_KEY" in finding["text"]


def test_a_name_that_leads_nowhere_is_a_warning(run: Run) -> None:
    Path("tallygate.toml").write_text(
        "[providers.lab]\nbase_url = 'http://lab:8000'\nspeaks = { openai_chat = '/v1/chat/completions' }\n"
        "[models.here]\ntargets = ['lab/a']\naliases = ['there']\n"
        "[models.nobodys]\naliases = ['nowhere']\n"
        "[models.away]\ntargets = ['openai/gpt-6-sol']\n"
    )
    found = examined(run, 0)
    assert "model here" not in found
    assert found["model nobodys"]["state"] == "warn"
    assert "nobody offers a model of that name, so nothing is called nowhere" in found["model nobodys"]["text"]
    assert found["model away"]["text"] == "nobody can serve it now: openai cannot be called"
