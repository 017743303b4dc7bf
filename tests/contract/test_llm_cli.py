"""The `llm` command line, pointed at the gateway with the very file that `tallygate env llm` prints."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.gateway import Gateway, run_cli
from tests.fakes.process import ROOT
from tests.fakes.upstream import Upstream

LLM = Path(sys.executable).with_name("llm")
TOOL = '''
def double(number: int) -> int:
    """Twice a number."""
    return number * 2
'''


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
        done = subprocess.run(
            [LLM, *arguments],
            env=self._env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            cwd=ROOT,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.mark.parametrize("model", ["up-echo", "mock/echo"])
@pytest.mark.parametrize("how", [[], ["--no-stream"]], ids=["streamed", "whole"])
def test_a_prompt_is_answered(gateway: Gateway, tmp_path: Path, model: str, how: list[str]) -> None:
    told = Llm(tmp_path, gateway, model).run("-m", "tallygate", *how, "Grüße von llm")
    assert "Grüße von llm" in told


def test_a_schema_is_filled(gateway: Gateway, tmp_path: Path) -> None:
    llm = Llm(tmp_path, gateway, "up-echo")
    told = llm.run("-m", "tallygate", "--schema", "name, age int", "a person")
    assert json.loads(told) == {"name": "a b", "age": 7}


@pytest.mark.parametrize("how", [[], ["--no-stream"]], ids=["streamed", "whole"])
def test_a_tool_is_called_and_its_result_told(
    gateway: Gateway, upstream: Upstream, tmp_path: Path, how: list[str]
) -> None:
    llm = Llm(tmp_path, gateway, "up-echo")
    told = llm.run("-m", "tallygate", *how, "--functions", TOOL, "call it")
    assert told.strip().endswith("The tools said: 14")
