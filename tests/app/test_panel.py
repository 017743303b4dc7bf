"""`/metrics` of a running gateway with several processes: the figures of all of them, for who may see them."""

import json
import os
import signal
import threading
import time
from collections.abc import Generator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.contract.gateway import Gateway, clean_env, start_gateway
from tests.fakes.collector import open_collector

CALLS = 12
PATIENCE_S = 60.0


@pytest.fixture
def gateway(tmp_path: Path) -> Generator[Gateway]:
    env = clean_env(
        tmp_path, TALLYGATE_OPENING_CREDIT_USD="5", TALLYGATE_LOG_FORMAT="json", TALLYGATE_LIMITS__CONCURRENCY="50"
    )
    with start_gateway(env, "--demo", "--workers", "2") as started:
        yield started


def read_admin_key(gateway: Gateway) -> str:
    return (Path(gateway.env["TALLYGATE_DATA"]) / "admin-key").read_text().strip()


def scrape(gateway: Gateway) -> dict[tuple[str, ...], float]:
    """Every sample by its name and the values of its labels, in the order of their names."""
    answer = gateway.ask("GET", "/metrics", key=read_admin_key(gateway))
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(answer.body.decode())
        for sample in family.samples
    }


def count_calls(samples: dict[tuple[str, ...], float]) -> float:
    return sum(value for name, value in samples.items() if name[0] == "tallygate_calls_total")


def wait_for_calls(gateway: Gateway, count: int) -> dict[tuple[str, ...], float]:
    """The samples once they tell of so many calls. They never tell of fewer than before."""
    shown, until_s = 0.0, time.monotonic() + PATIENCE_S
    while True:
        samples = scrape(gateway)
        now = count_calls(samples)
        assert shown <= now <= count, "a counter fell back, or counted twice"
        shown = now
        if now == count:
            return samples
        assert time.monotonic() < until_s, f"{now} of {count} calls are told of"


def call(gateway: Gateway) -> None:
    body = {"model": "mock/echo", "messages": [{"role": "user", "content": "what nobody shall see"}]}
    answer = gateway.chat(body)
    assert answer.status == 200, answer.body


def test_whoever_is_asked_tells_of_all_processes(gateway: Gateway) -> None:
    threads = [threading.Thread(target=call, args=(gateway,)) for _ in range(CALLS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert gateway.ask("GET", "/v1/models/none").status == 404
    samples = wait_for_calls(gateway, CALLS)
    assert samples[("gen_ai_client_operation_duration_seconds_count", "", "chat", "mock", "mock/echo")] == CALLS
    assert samples[("tallygate_holds_total", "posted")] == CALLS
    assert samples[("tallygate_attempts_total", "", "echo", "mock")] == CALLS
    assert samples[("tallygate_refusals_total", "model_not_found")] == 1
    assert samples[("tallygate_database_up",)] == 1
    assert samples[("tallygate_holds_open",)] == 0
    processes = [name for name in samples if name[0] == "tallygate_process_memory_bytes"]
    assert len(processes) == 2


def test_a_process_that_was_killed_is_not_forgotten(gateway: Gateway) -> None:
    for _ in range(CALLS):
        call(gateway)
    before = wait_for_calls(gateway, CALLS)
    pids = {name[1] for name in before if name[0] == "tallygate_process_memory_bytes"}
    os.kill(int(min(pids)), signal.SIGKILL)
    until_s = time.monotonic() + PATIENCE_S
    while True:
        after = scrape(gateway)
        assert count_calls(after) == CALLS
        living = {name[1] for name in after if name[0] == "tallygate_process_memory_bytes"}
        if len(living) == 2 and living != pids:
            return
        assert time.monotonic() < until_s, "nobody took its place"


def test_figures_are_for_who_looks_after_the_gateway(gateway: Gateway) -> None:
    assert gateway.ask("GET", "/metrics").status == 401
    assert gateway.ask("GET", "/metrics", key=gateway.key).status == 403
    open_metrics = ("Accept", "application/openmetrics-text; version=1.0.0")
    answer = gateway.ask("GET", "/metrics", headers=[open_metrics], key=read_admin_key(gateway))
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.body.endswith(b"# EOF\n")


def test_a_collector_that_is_named_gets_spans_and_nothing_that_was_said(tmp_path: Path) -> None:
    with open_collector() as collector:
        env = clean_env(tmp_path, TALLYGATE_OPENING_CREDIT_USD="5", OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
        with start_gateway(env, "--demo") as gateway:
            call(gateway)
        spans = collector.wait_spans(2)
        assert {span.name for span in spans} == {"chat mock/echo", "chat echo"}
        assert "tallygate.calls" in collector.metrics()
        sent = b"".join(collector.bodies)
        assert b"nobody shall see" not in sent
        assert gateway.key.encode() not in sent


def test_what_is_logged_as_json_is_json(gateway: Gateway) -> None:
    worker = next(name[1] for name in scrape(gateway) if name[0] == "tallygate_process_memory_bytes")
    os.kill(int(worker), signal.SIGKILL)
    line = gateway.process.wait_for_match(r'\{"time".*ended with status.*\}')[0]
    told = json.loads(line)
    assert (told["level"], told["logger"]) == ("warning", "tallygate")
