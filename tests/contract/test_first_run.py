"""A first start as somebody without patience lives it: one command, then the lines that it prints, pasted and run.

On both engines. The lines are taken from the banner, never written anew here.
"""

import http.client
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.contract.gateway import KEY, TALLYGATE, Gateway, clean_env, start_gateway
from tests.fakes.process import Process

HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture
def env(empty_database_url: str, tmp_path: Path) -> dict[str, str]:
    """A machine that has never seen a gateway."""
    return clean_env(tmp_path, TALLYGATE_DATABASE_URL=empty_database_url)


def paste(line: str, env: dict[str, str]) -> str:
    """What a pasted line prints in a shell that finds this environment's Python and this machine's tools."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["/bin/sh", "-c", line],
        env={**env, "PATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        cwd=env["HOME"],
        check=False,
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout


def paste_curl(line: str, env: dict[str, str]) -> str:
    """The same for a line of curl. A machine without curl makes the request that the line describes all the same."""
    if shutil.which("curl"):
        return paste(line, env)
    _, url, *options = shlex.split(line)
    given = list(zip(options[::2], options[1::2], strict=True))
    headers = dict(value.split(": ", 1) for option, value in given if option == "-H")
    (body,) = [value for option, value in given if option == "-d"]
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.netloc, timeout=60)
    try:
        connection.request("POST", where.path, body, headers)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def line_with(gateway: Gateway, *words: str) -> str:
    """The printed line that holds all the words."""
    found = [line for line in gateway.process.lines if all(word in line for word in words)]
    assert len(found) == 1, f"{len(found)} lines with {words} in:\n{gateway.process.text}"
    return found[0].strip()


def test_the_first_start_prints_a_key_and_lines_that_work(env: dict[str, str]) -> None:
    with start_gateway(env) as gateway:
        gateway.process.wait_for_match("ANTHROPIC_BASE_URL")
        assert len(set(KEY.findall(gateway.process.text))) == 1

        answer = json.loads(paste_curl(line_with(gateway, "curl ", gateway.url, gateway.key), env))
        assert answer["object"] == "chat.completion"
        assert answer["choices"][0]["message"]["content"]

        assert paste(line_with(gateway, "python3 -c", gateway.url, gateway.key), env).strip()

        # Claude Code itself is too large for every run (`make test-clients` starts it): its SDK stands in for it here.
        line = line_with(gateway, "ANTHROPIC_BASE_URL", "claude --model", gateway.url, gateway.key)
        settings, model = line.split(" claude --model ")
        program = (
            "import anthropic; answer = anthropic.Anthropic().messages.create("
            f"model={model!r}, max_tokens=64, messages=[{{'role': 'user', 'content': 'hello'}}]); "
            "print(answer.content[0].text)"
        )
        assert paste(f"{settings} python3 -c {shlex.quote(program)}", env).strip() == "hello"


def test_a_start_without_a_provider_says_so_and_offers_test_models(env: dict[str, str]) -> None:
    with start_gateway(env) as gateway:
        told = gateway.process.wait_for_match("test models")
        assert told
        listed = gateway.ask("GET", "/v1/models").json["data"]
        assert {model["quality"] for model in listed} == {"test"}
        assert all(model["id"].startswith(("mock/", "test/")) for model in listed)
        assert "OPENAI_API_KEY" in gateway.process.text, "it says what would make a provider appear"


def test_a_later_start_prints_no_key_but_how_to_make_one(env: dict[str, str]) -> None:
    with start_gateway(env) as first:
        key = first.key
    assert key
    with start_gateway(env) as second:
        second.process.wait_for_match("keys create")
        assert KEY.findall(second.process.text) == []
        assert second.chat({"model": "mock/echo", "messages": HELLO}, key=key).status == 200
        made = KEY.search(paste(line_with(second, "keys create"), env))
        assert made
        assert made[0] != key
        assert second.chat({"model": "mock/echo", "messages": HELLO}, key=made[0]).status == 200


def test_a_first_start_that_cannot_listen_loses_no_key(env: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with Process([TALLYGATE, "serve", "--port", port], env) as process:
            assert process.child.wait(60) in {1, 2}
    assert port in process.text
    assert "Traceback" not in process.text
    with start_gateway(env) as gateway:
        assert gateway.key, "the key was not spent on a start that nobody saw"


def test_what_a_start_leaves_on_disk_is_its_owners_alone(env: dict[str, str]) -> None:
    with start_gateway(env) as gateway:
        data = Path(env["TALLYGATE_DATA"])
        assert data.stat().st_mode & 0o077 == 0
        for secret in ("admin-key", "key-pepper"):
            assert (data / secret).stat().st_mode & 0o077 == 0
        stored = b"".join(path.read_bytes() for path in data.parent.rglob("*") if path.is_file())
        assert gateway.key.encode() not in stored, "only a digest of the key is kept"


def test_a_gateway_that_is_told_to_stop_ends_politely(env: dict[str, str]) -> None:
    with start_gateway(env) as gateway:
        assert gateway.ask("GET", "/ready").status == 200
        assert gateway.process.stop() == 0
    assert "Traceback" not in gateway.process.text
