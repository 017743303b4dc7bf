"""The list of models: declared in the file, found on a port, or there to test with."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.cli.answering import answer
from tests.cli.calling import Run

FILE = """
[providers.lab]
base_url = "http://lab:8000"
speaks = { openai_chat = "/v1/chat/completions" }
[models.best]
targets = ["lab/a", "lab/b"]
aliases = ["finest"]
capabilities = { vision = true }
price = { input = "0.20", output = "0.80" }
[models.own]
targets = ["lab/c"]
price = "free"
[models.tenth]
targets = ["lab/d"]
price = { factor = "0.1" }
"""


def listed(run: Run) -> dict[str, dict[str, Any]]:
    """The models by name."""
    result = run("models", "list", "--json")
    assert result.exit_code == 0, result.stderr
    return {row["id"]: row for row in msgspec.json.decode(result.stdout)}


def test_what_the_file_declares_is_listed_with_targets_and_price(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLYGATE_DISCOVER", "false")
    Path("tallygate.toml").write_text(FILE)
    models = listed(run)
    assert models["best"]["targets"] == models["finest"]["targets"] == ["lab/a", "lab/b"]
    assert models["best"]["price"] == {"input": "0.20", "output": "0.80"}
    assert models["own"]["price"] == "free"
    assert models["best"]["aliases"] == ["finest"]
    assert models["best"]["capabilities"] == {"vision": True}
    assert (models["finest"]["alias_of"], models["best"]["alias_of"]) == ("best", None)
    table = run("models", "list").stdout
    assert "alias of best" in table
    assert "0.20 / 0.80" in table
    assert "0.1 x list" in table
    assert "lab/a, lab/b" in table


def test_an_engine_on_this_machine_is_listed_with_its_models(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    tags = '{"models": [{"name": "qwen3:4b"}]}'
    with answer({"/": "Ollama is running", "/api/tags": tags}) as port:
        monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{port}")
        assert listed(run)["qwen3:4b"]["targets"] == ["ollama/qwen3:4b"]
        monkeypatch.setenv("TALLYGATE_DISCOVER", "false")
        assert "qwen3:4b" not in listed(run)


def test_without_any_provider_there_are_models_to_test_with(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLYGATE_DISCOVER", "false")
    models = listed(run)
    assert "mock/echo" in models
    assert {model["quality"] for model in models.values()} == {"test"}
