"""The gateway as a process: signals end it in order, twice in haste, and its exit says that all is well."""

import http.client
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

WAIT_S = 30.0
SERVE = """
import signal, socket, sys
from tallygate.api.server import run_server
from tallygate.api.settings import ServerSettings
from tests.fakes.front import Noting, Played
# Whoever runs the tests in the background has had it ignored for them.
signal.signal(signal.SIGINT, signal.SIG_IGN if sys.argv[1:] == ["ignore"] else signal.default_int_handler)
listener = socket.create_server(("127.0.0.1", 0))
doors = Noting(Played(), ServerSettings())
run_server(doors, listener, lambda: print(listener.getsockname()[1], flush=True))
print("stopped", flush=True)
"""


@contextmanager
def serve(*arguments: str) -> Generator[tuple["subprocess.Popen[str]", int]]:
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", SERVE, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        try:
            assert process.stdout is not None
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


def hold_a_call(port: int) -> socket.socket:
    """A call that runs until it is told otherwise."""
    body = b'{"model":"flood","stream":true,"messages":[{"role":"user","content":"a"}]}'
    line = socket.create_connection(("127.0.0.1", port), WAIT_S)
    line.sendall(
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body) + body
    )
    assert line.recv(12) == b"HTTP/1.1 200"
    return line


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_signal_ends_it_and_the_exit_is_clean(number: signal.Signals) -> None:
    with serve() as (process, port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_S)
        connection.request("GET", "/health")
        assert connection.getresponse().status == 200
        process.send_signal(number)
        assert process.wait(WAIT_S) == 0
        assert process.stdout is not None
        assert process.stdout.read() == "stopped\n"
        connection.close()


def test_a_second_signal_does_not_wait_for_running_calls() -> None:
    with serve() as (process, port), hold_a_call(port) as line:
        process.terminate()
        while True:  # until it listens no more, the first signal has not been heard
            try:
                socket.create_connection(("127.0.0.1", port), WAIT_S).close()
            except ConnectionError:
                break
        assert process.poll() is None
        process.terminate()
        said = b""
        while piece := line.recv(1 << 20):
            said = said[-2_000:] + piece
        assert b"shutting_down" in said
        assert process.wait(WAIT_S) == 0


def test_a_signal_that_was_ignored_before_stays_ignored() -> None:
    with serve("ignore") as (process, port):
        process.send_signal(signal.SIGINT)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_S)
        connection.request("GET", "/health")
        assert connection.getresponse().status == 200
        connection.close()
        process.terminate()
        assert process.wait(WAIT_S) == 0


def test_files_are_taken_as_far_as_they_go() -> None:
    program = (
        "import resource; from tallygate.api.server import raise_file_limit\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (100, 500))\n"
        "print(raise_file_limit(), raise_file_limit(), resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["500", "500", "500"]
