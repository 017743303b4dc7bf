"""A first start as somebody without patience lives it: one command, then the lines that it prints, pasted and run.

On both engines. What is tested is what is printed, so the lines are taken from the banner and not written anew.
"""

import json
import os
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.gateway import KEY, TALLYGATE, Gateway, clean_env, start_gateway
from tests.fakes.process import Process


@pytest.fixture
def env(empty_database_url: str, tmp_path: Path) -> dict[str, str]:
    """A machine that has never seen a gateway."""
    return clean_env(tmp_path, TALLYGATE_DATABASE_URL=empty_database_url)


def paste(line: str, env: dict[str, str]) -> str:
    """What a pasted line prints in a shell that finds this environment's Python and this machine's tools."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    clean = {"PATH": path, "HOME": env["HOME"]}
    done = subprocess.run(["/bin/sh", "-c", line], env=clean, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout


def line_with(gateway: Gateway, *words: str) -> str:
    """The printed line that holds all the words."""
    found = [line for line in gateway.process.lines if all(word in line for word in words)]
    assert found, f"no line with {words} in:\n{gateway.process.text}"
    return found[0].strip()


def test_the_first_start_prints_a_key_and_lines_that_work(env: dict[str, str]) -> None:
    with start_gateway(env) as gateway:
        gateway.process.wait_for_match(r"ANTHROPIC_BASE_URL|claude")
        assert len(set(KEY.findall(gateway.process.text))) == 1, "one key, shown once"

        curl = line_with(gateway, "curl", "/v1/chat/completions")
        assert gateway.key in curl
        assert gateway.url in curl
        answer = json.loads(paste(curl + " -sS", env))
        assert answer["object"] == "chat.completion"
        assert answer["choices"][0]["message"]["content"]
        assert answer["model"].startswith(("mock/", "test/")), "no provider was found, so the banner names a mock model"

        sdk = line_with(gateway, "OPENAI_BASE_URL", "OPENAI_API_KEY")
        assert f"{gateway.url}/v1" in sdk
        program = (
            "import openai; client = openai.OpenAI(max_retries=0);"
            "model = next(iter(client.models.list())).id;"
            "print(client.chat.completions.create(model=model, messages=[{'role': 'user', 'content': 'hello'}]).model)"
        )
        told = paste(f"{sdk}\npython -c {shlex.quote(program)}", env)
        assert told.strip()

        code = line_with(gateway, "ANTHROPIC_BASE_URL")
        assert gateway.key in code


def test_a_later_start_prints_no_key_but_how_to_make_one(env: dict[str, str]) -> None:
    with start_gateway(env) as first:
        key = first.key
    with start_gateway(env) as second:
        second.process.wait_for_match("keys create")
        assert KEY.findall(second.process.text) == []
        body = {"model": "mock/echo", "messages": [{"role": "user", "content": "hello"}]}
        assert second.chat(body, key=key).status == 200, "the first key still works"
        made = json.loads(second.cli("keys", "create", "--workspace", "default", "--json"))["key"]
        assert second.chat(body, key=made).status == 200


def test_a_first_start_that_cannot_listen_loses_no_key(env: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with Process([TALLYGATE, "serve", "--port", port], env) as process:
            assert process.child.wait(60) in {1, 2}
    assert port in process.text
    assert "Traceback" not in process.text
    with start_gateway(env) as gateway:
        assert gateway.key, "the key was not spent on a start that nobody saw"


def test_what_the_start_leaves_on_disk_is_the_owners_alone(env: dict[str, str]) -> None:
    with start_gateway(env) as gateway:
        data = Path(env["TALLYGATE_DATA"])
        assert data.stat().st_mode & 0o077 == 0
        for secret in ("admin-key", "key-pepper"):
            assert (data / secret).stat().st_mode & 0o077 == 0
        stored = b"".join(path.read_bytes() for path in data.rglob("*") if path.is_file())
        assert gateway.key.encode() not in stored, "only a digest of the key is kept"


def test_the_gateway_ends_politely(env: dict[str, str]) -> None:
    with start_gateway(env) as gateway:
        assert gateway.ask("GET", "/ready").status == 200
        assert gateway.process.stop() == 0
    assert "Traceback" not in gateway.process.text
