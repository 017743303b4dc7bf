"""Settings for clients: right for a shell, right for the file they belong into, right for the address in force."""

import shlex
import subprocess
import tomllib
from pathlib import Path

import llm.default_plugins.openai_models as llm_openai
import msgspec
import pytest
import yaml

from tallygate.cli.env import CLIENTS, Target
from tests.cli.calling import Run

AWKWARD = Target("http://127.0.0.1:1", 'lx-it\'s "$HOME"', 'a"b\\c')
SHELL = ["openai", "anthropic", "claude-code", "gemini", "ollama", "open-webui", "openrouter"]


@pytest.mark.parametrize("client", SHELL)
def test_a_shell_reads_the_lines_as_they_are_meant(run: Run, client: str) -> None:
    printed = run("env", client, "--key", AWKWARD.key, "--model", AWKWARD.model or "").stdout
    expected = CLIENTS[client](Target("http://127.0.0.1:8255", AWKWARD.key, AWKWARD.model)).variables
    program = printed + "".join(f'\nprintf "%s\\n" "${{{name}-unset}}"' for name in expected)
    environment = {"PATH": "/usr/bin:/bin", **dict.fromkeys(expected, "before")}
    result = subprocess.run(["sh", "-euc", program], capture_output=True, text=True, check=True, env=environment)
    assert result.stdout.splitlines() == ["unset" if value is None else value for value in expected.values()]
    assert AWKWARD.key in expected.values()


def test_codex_reads_its_file() -> None:
    client = CLIENTS["codex"](AWKWARD)
    settings = tomllib.loads(client.text)
    provider = settings["model_providers"][settings["model_provider"]]
    assert settings["model"] == AWKWARD.model
    assert (provider["base_url"], provider["wire_api"]) == ("http://127.0.0.1:1/v1", "responses")
    assert client.variables == {provider["env_key"]: AWKWARD.key}


def test_llm_reads_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = CLIENTS["llm"](AWKWARD)
    (tmp_path / "extra-openai-models.yaml").write_text(client.text)
    monkeypatch.setenv("LLM_USER_PATH", str(tmp_path))
    models: list[llm_openai.Chat] = []
    llm_openai.register_models(lambda model, *rest, **options: models.append(model))
    (ours,) = [model for model in models if model.model_id == "tallygate"]
    assert (ours.model_name, ours.api_base, ours.needs_key) == (AWKWARD.model, "http://127.0.0.1:1/v1", "tallygate")
    assert (ours.supports_tools, ours.supports_schema) == (True, True)
    assert yaml.safe_load(client.text)[0]["model_name"] == AWKWARD.model
    assert shlex.split(client.remarks[0])[-1] == AWKWARD.key


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "http://127.0.0.1:8255"),
        ({"PORT": "9000", "HOST": "0.0.0.0"}, "http://127.0.0.1:9000"),
        ({"TALLYGATE_SERVER__HOST": "::"}, "http://[::1]:8255"),
        ({"TALLYGATE_SERVER__HOST": "fd00::1"}, "http://[fd00::1]:8255"),
        ({"TALLYGATE_SERVER__HOST": "gateway.lan"}, "http://gateway.lan:8255"),
        ({"TALLYGATE_PUBLIC_URL": "https://gateway.example/ai/"}, "https://gateway.example/ai"),
    ],
)
def test_the_address_is_the_one_in_force(
    run: Run, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    (shown,) = msgspec.json.decode(run("env", "openai", "--json").stdout)
    assert shown["variables"]["OPENAI_BASE_URL"] == f"{expected}/v1"


def test_without_a_client_all_are_printed_with_the_prefix_in_force(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLYGATE_KEYS__PREFIX", "tg-")
    printed = run("env").stdout
    for name in CLIENTS:
        assert f"# {name}: " in printed
    assert "OPENAI_API_KEY=tg-YOUR-KEY" in printed
    assert "Instead of MODEL" in printed
    assert "Instead of" not in run("env", "codex", "--key", "k", "--model", "m").stdout


def test_what_is_printed_for_clients_does_not_stop_a_gateway_beside_them(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for make in CLIENTS.values():
        for name, value in make(AWKWARD).variables.items():
            monkeypatch.setenv(name, value or "")
    assert run("env", "--json").exit_code == 0
