"""The `llm` command line, pointed at the gateway with the very file that `tallygate env llm` prints."""

import json
import subprocess
import sys
from contextlib import AbstractContextManager, nullcontext
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.contract.compatibility import tried
from tests.contract.gateway import Gateway, run_cli
from tests.fakes.process import ROOT

LLM = Path(sys.executable).with_name("llm")
TOOL = '''
def double(number: int) -> int:
    """Twice a number."""
    return number * 2
'''


SERVED_BY = {"up-echo": "openai_chat", "an-echo": "anthropic_messages"}
"""The dialect of the provider behind each model."""

either_way = pytest.mark.parametrize("how", [[], ["--no-stream"]], ids=["streamed", "whole"])


class Llm:
    """`llm` with a folder of its own that knows one model, `tallygate`."""

    def __init__(self, folder: Path, gateway: Gateway, model: str) -> None:
        env = {**gateway.env, "TALLYGATE_PUBLIC_URL": gateway.url}
        (told,) = json.loads(run_cli(env, "env", "llm", "--key", gateway.key, "--model", model, "--json"))
        (folder / "extra-openai-models.yaml").write_text(told["text"])
        self._env = {"PATH": gateway.env["PATH"], "HOME": str(folder), "LLM_USER_PATH": str(folder), "LANG": "C.UTF-8"}
        self.run("keys", "set", "tallygate", "--value", gateway.key)

    def run(self, *arguments: str) -> str:
        """What the command prints. Raises AssertionError if it fails."""
        done = self._start(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def fail(self, *arguments: str) -> str:
        """What the command complains of. Raises AssertionError if it does not fail."""
        done = self._start(*arguments)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def _start(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [LLM, *arguments],
            env=self._env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            cwd=ROOT,
            check=False,
        )


def tried_here(model: str, feature: str) -> AbstractContextManager[None]:
    """A row of the page about what this program can do, where a provider served it."""
    return tried("llm", version("llm"), SERVED_BY[model], feature) if model in SERVED_BY else nullcontext()


@pytest.mark.parametrize("model", [*SERVED_BY, "mock/echo"])
@either_way
def test_a_prompt_is_answered(gateway: Gateway, tmp_path: Path, model: str, how: list[str]) -> None:
    with tried_here(model, "answer" if how else "stream"):
        told = Llm(tmp_path, gateway, model).run("-m", "tallygate", *how, "Grüße von llm")
        assert "Grüße von llm" in told


@pytest.mark.parametrize("model", SERVED_BY)
def test_a_schema_is_filled(gateway: Gateway, tmp_path: Path, model: str) -> None:
    with tried_here(model, "structure"):
        told = Llm(tmp_path, gateway, model).run("-m", "tallygate", "--schema", "name, age int", "a person")
        assert json.loads(told) == {"name": "a b", "age": 7}


@pytest.mark.parametrize("model", SERVED_BY)
@either_way
def test_its_usage_is_told(gateway: Gateway, tmp_path: Path, model: str, how: list[str]) -> None:
    with tried_here(model, "usage"):
        llm = Llm(tmp_path, gateway, model)
        llm.run("-m", "tallygate", *how, "Grüße von llm")
        (call,) = json.loads(llm.run("logs", "--json"))
        assert min(call["input_tokens"], call["output_tokens"]) > 0


@pytest.mark.parametrize("model", SERVED_BY)
def test_a_wrong_key_is_told(gateway: Gateway, tmp_path: Path, model: str) -> None:
    with tried_here(model, "401"):
        llm = Llm(tmp_path, gateway, model)
        llm.run("keys", "set", "tallygate", "--value", "lx-nobody")
        assert "Error code: 401" in llm.fail("-m", "tallygate", "Grüße von llm")


@pytest.mark.parametrize("model", SERVED_BY)
@either_way
def test_a_tool_is_called_and_its_result_told(gateway: Gateway, tmp_path: Path, model: str, how: list[str]) -> None:
    with tried_here(model, "tools"):
        told = Llm(tmp_path, gateway, model).run("-m", "tallygate", *how, "--functions", TOOL, "call it")
        assert told.strip().endswith("The tools said: 14")
