"""Other settings for a gateway that runs: all of a file or nothing of it, for every worker, and no call notices."""

import http.client
import json
import os
import signal
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.contract.gateway import Gateway, Reply, clean_env, start_gateway
from tests.fakes.upstream import PROVIDER_KEY, Upstream

ADMIN_KEY = "lx-admin-of-the-reload-tests-0123456789"
ROTATED_KEY = "sk-lab-rotated-51d2e84b067f3a9c"
STORM = 40

LAB = """
[providers.lab]
base_url = "{url}"
speaks = {{ openai_chat = "/v1/chat/completions" }}
api_key_file = "lab-key"

[models.first]
targets = ["lab/up-echo"]
price = "free"

[models.gated]
targets = ["lab/up-gated"]
price = "free"
"""
SECOND = '\n[models.second]\ntargets = ["lab/up-echo"]\nprice = "free"\n'


class Stage:
    """A gateway with a file of its own that tests write."""

    def __init__(self, folder: Path, upstream: Upstream) -> None:
        self.folder, self.upstream = folder, upstream
        self.file = folder / "tallygate.toml"
        self.text = LAB.format(url=upstream.url)
        self.write(self.text)
        (folder / "lab-key").write_text(PROVIDER_KEY)

    def write(self, text: str) -> None:
        self.file.write_text(text)

    @contextmanager
    def start(self, workers: int) -> Generator[Gateway]:
        env = clean_env(self.folder, TALLYGATE_ADMIN_KEY=ADMIN_KEY)
        arguments = ["--config", str(self.file), "--workers", str(workers)]
        with start_gateway(env, *arguments) as gateway:
            yield gateway


@pytest.fixture
def stage(tmp_path: Path, upstream: Upstream) -> Stage:
    return Stage(tmp_path, upstream)


def administer(gateway: Gateway, method: str, path: str) -> Reply:
    body = b"{}" if method == "POST" else None
    return gateway.ask(method, path, body, [("Content-Type", "application/json")], key=ADMIN_KEY)


def reload(gateway: Gateway) -> dict[str, Any]:
    reply = administer(gateway, "POST", "/v1/admin/reload")
    assert reply.status == 200, reply.body
    return reply.json["data"]


def show(gateway: Gateway) -> dict[str, Any]:
    return administer(gateway, "GET", "/v1/admin/config").json["data"]


def list_models(gateway: Gateway) -> set[str]:
    return {model["id"] for model in gateway.ask("GET", "/v1/models?limit=1000").json["data"]}


def hang_up(gateway: Gateway, wanted: int) -> None:
    """Send the signal, and ask until every worker has that edition."""
    os.kill(gateway.process.child.pid, signal.SIGHUP)
    wait_for(gateway, wanted)


def wait_for(gateway: Gateway, wanted: int) -> None:
    for _ in range(2000):
        if all(worker["edition"] == wanted for worker in show(gateway)["workers"]):
            return
    raise AssertionError(f"edition {wanted} did not come: {show(gateway)}")


@pytest.mark.parametrize("workers", [1, 3])
def test_a_signal_brings_a_model_to_every_worker(stage: Stage, workers: int) -> None:
    with stage.start(workers) as gateway:
        before = show(gateway)
        assert (before["edition"], len(before["workers"])) == (1, workers)
        stage.write(stage.text + SECOND)
        hang_up(gateway, 2)
        after = show(gateway)
        assert after["digest"] != before["digest"]
        assert after["file"] == str(stage.file)
        # Connections go to whichever worker is quickest: ask often enough to meet more than one.
        assert all("second" in list_models(gateway) for _ in range(20))
        assert gateway.chat({"model": "second", "messages": [{"role": "user", "content": "hi"}]}).status == 200


@pytest.mark.parametrize("workers", [1, 3])
def test_a_call_reloads_every_worker_before_it_answers(stage: Stage, workers: int) -> None:
    with stage.start(workers) as gateway:
        stage.write('log_level = "debug"\n' + stage.text + SECOND + '[server]\nhost = "127.0.0.1"\ndrain_s = 7\n')
        told = reload(gateway)
        assert told["edition"] == 2
        assert told["changed"] == ["log_level", "models.second.targets", "models.second.price"]
        assert told["waiting"] == ["server.drain_s"]
        assert len(told["workers"]) == workers
        assert {worker["edition"] for worker in told["workers"]} == {2}
        assert all("second" in list_models(gateway) for _ in range(20))
        # What waits goes on waiting, and what has changed has not changed again.
        told = reload(gateway)
        assert (told["changed"], told["waiting"]) == ([], ["server.drain_s"])
        stage.write(stage.text)
        assert reload(gateway)["waiting"] == []
        assert all("second" not in list_models(gateway) for _ in range(20))


@pytest.mark.parametrize("workers", [1, 3])
def test_a_bad_file_is_refused_whole_and_the_old_one_kept(stage: Stage, workers: int) -> None:
    with stage.start(workers) as gateway:
        bad = stage.text + SECOND + '[models.third]\ntarget = ["lab/x"]\n[models.fourth]\ntargets = ["nobody/x"]\n'
        stage.write(bad)
        reply = administer(gateway, "POST", "/v1/admin/reload")
        line = bad.splitlines().index('target = ["lab/x"]') + 1
        assert (reply.status, reply.json["error"]["code"]) == (400, "invalid_configuration")
        assert (
            f"models.third.target: no such setting; did you mean models.third.targets? (from {stage.file}:{line})"
            in (reply.json["error"]["message"])
        )
        os.kill(gateway.process.child.pid, signal.SIGHUP)
        gateway.process.wait_for(lambda lines: sum("was refused" in one for one in lines) == 2 or None)
        refused = [one for one in gateway.process.lines if "was refused" in one]
        assert all(f"{stage.file}:{line}" in one and " ERROR " in one for one in refused)
        stage.file.unlink()
        reply = administer(gateway, "POST", "/v1/admin/reload")
        assert reply.status == 400
        assert "cannot read the configuration file" in reply.json["error"]["message"]
        assert show(gateway)["edition"] == 1
        assert list_models(gateway) >= {"first", "gated"}
        assert "second" not in list_models(gateway)
        stage.write(stage.text + SECOND)
        assert reload(gateway)["edition"] == 2


def test_every_complaint_is_told_at_once(stage: Stage) -> None:
    with stage.start(1) as gateway:
        stage.write(stage.text + '[models.third]\ntargets = ["nobody/x"]\n[models.fourth]\ntargets = ["nowhere/x"]\n')
        message = administer(gateway, "POST", "/v1/admin/reload").json["error"]["message"]
        assert '"nobody"' in message
        assert '"nowhere"' in message


def test_a_worker_that_comes_later_has_what_the_others_have(stage: Stage) -> None:
    with stage.start(2) as gateway:
        stage.write(stage.text + SECOND)
        told = reload(gateway)
        # From now on the file says something else, and nobody has asked for it.
        stage.write("nonsense = [")
        victim = told["workers"][0]["process"]
        os.kill(victim, signal.SIGKILL)
        gateway.process.wait_for_match(r"another takes its place")
        state = show(gateway)
        for _ in range(2000):
            state = show(gateway)
            if len(state["workers"]) == 2 and victim not in {one["process"] for one in state["workers"]}:
                break
        assert {one["edition"] for one in state["workers"]} == {2}
        assert all("second" in list_models(gateway) for _ in range(20))


@pytest.mark.parametrize("workers", [1, 3])
def test_a_storm_of_signals_ends_in_the_last_file(stage: Stage, workers: int) -> None:
    with stage.start(workers) as gateway:
        for number in range(STORM):
            stage.write(stage.text + (SECOND if number % 2 else ""))
            os.kill(gateway.process.child.pid, signal.SIGHUP)
        last = reload(gateway)
        assert last["edition"] <= STORM + 2
        # A signal that was still on its way may have brought another edition since.
        wait_for(gateway, show(gateway)["edition"])
        assert all("second" in list_models(gateway) for _ in range(20))
        assert not [line for line in gateway.process.lines if "was refused" in line or "Traceback" in line]


@pytest.mark.parametrize("workers", [1, 3])
def test_a_stream_does_not_notice(stage: Stage, workers: int) -> None:
    text = f"reload-stream-{workers}"
    body = {"model": "gated", "stream": True, "messages": [{"role": "user", "content": text}]}
    with stage.start(workers) as gateway:
        connection = gateway.connect()
        headers = {"Authorization": f"Bearer {gateway.key}", "Content-Type": "application/json"}
        connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        response = connection.getresponse()
        begun = read_event(response)
        # The provider that serves it and its model are not in the new file at all.
        stage.write('[models.other]\ntargets = ["openai/gpt-6-sol"]\n')
        hang_up(gateway, 2)
        assert "gated" not in list_models(gateway)
        stage.upstream.open_gate(text)
        rest = begun + response.read()
        connection.close()
        assert rest.endswith(b"data: [DONE]\n\n"), rest[-300:]
        assert gateway.chat(body).status == 404


def read_event(response: http.client.HTTPResponse) -> bytes:
    """The stream's bytes up to the end of an event."""
    read = b""
    while not read.endswith(b"\n\n"):
        read += response.read1(1)
    return read


def test_a_key_in_a_file_is_read_again(stage: Stage) -> None:
    ask = {"model": "first", "messages": [{"role": "user", "content": "which key"}]}
    with stage.start(1) as gateway:
        (stage.folder / "lab-key").write_text(ROTATED_KEY)
        assert gateway.chat(ask).status == 200
        assert reload(gateway)["changed"] == []
        gateway.chat(ask)
        keys = [dict(one["headers"])["authorization"] for one in stage.upstream.requests("which key")]
        assert keys == [f"Bearer {PROVIDER_KEY}", f"Bearer {ROTATED_KEY}"]


def test_limits_guardrails_and_the_log_are_renewed_too(stage: Stage) -> None:
    said = {"model": "first", "messages": [{"role": "user", "content": "the swordfish is here"}]}
    with stage.start(1) as gateway:
        assert gateway.chat(said).status == 200
        more = '[limits]\nconcurrency = 2\n[guardrails.g]\nkind = "regex"\ndeny = ["swordfish"]\n'
        stage.write('log_level = "error"\n' + stage.text + more)
        assert reload(gateway)["changed"][:2] == ["log_level", "limits.concurrency"]
        assert gateway.chat(said).status == 403
        limits = gateway.ask("GET", "/v1/key", key=gateway.key).json["data"]["concurrency"]
        assert limits["limit"] == 2
        # What is told from `info` upwards is told no more.
        told = len([line for line in gateway.process.lines if "was read again" in line])
        assert reload(gateway)["edition"] == 3
        assert len([line for line in gateway.process.lines if "was read again" in line]) == told
