"""Worker processes: all take calls from one socket, a dead one is replaced, and one signal stops them all."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

WAIT_S = 30.0
PARENT = textwrap.dedent(
    """
    import os, signal, sys
    from tallygate.api.workers import run_workers

    def work(index):
        if sys.argv[1:] == ["fail"]:
            return
        os.write(1, f"worker {index} {os.getpid()}\\n".encode())
        signal.pause()

    run_workers(2, work, lambda: None)
    print("stopped", flush=True)
    """
)


@pytest.fixture
def parent() -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def read_worker(process: "subprocess.Popen[str]") -> tuple[int, int]:
    assert process.stdout is not None
    _, index, pid = process.stdout.readline().split()
    return int(index), int(pid)


def test_a_worker_that_was_killed_is_replaced_and_one_signal_stops_all(parent: "subprocess.Popen[str]") -> None:
    first, second = read_worker(parent), read_worker(parent)
    assert {first[0], second[0]} == {0, 1}
    os.kill(first[1], signal.SIGKILL)
    third = read_worker(parent)
    assert third[0] == 2
    parent.terminate()
    assert parent.wait(WAIT_S) == 0
    for _, pid in (second, third):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_workers_do_not_outlive_their_parent(parent: "subprocess.Popen[str]") -> None:
    assert read_worker(parent) != read_worker(parent)
    parent.kill()
    assert parent.stdout is not None
    # Its end comes when the last of them has let go of it.
    assert parent.stdout.read() == ""


def test_a_worker_leaves_the_terminals_interrupt_to_its_parent(parent: "subprocess.Popen[str]") -> None:
    first, second = read_worker(parent), read_worker(parent)
    for _, pid in (first, second):
        os.kill(pid, signal.SIGINT)
    # Were one of them dead, another would have come up before the third.
    os.kill(first[1], signal.SIGKILL)
    assert read_worker(parent)[0] == 2
    parent.send_signal(signal.SIGINT)
    assert parent.wait(WAIT_S) == 0
    assert parent.stdout is not None
    assert parent.stdout.read() == "stopped\n"


def test_workers_that_do_not_come_up_are_not_started_for_ever() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PARENT, "fail"], capture_output=True, text=True, timeout=WAIT_S, check=False
    )
    assert ended.returncode == 1
    assert "ended at once" in ended.stderr


def test_every_worker_answers_on_the_one_socket(tmp_path: Path) -> None:
    serve = [sys.executable, "-m", "tallygate", "serve", "--port", "0", "--workers", "2", "--data", str(tmp_path)]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = next(line for line in process.stdout if "listening on" in line).split()[-1]
            port = int(url.rpartition(":")[2])
            for _ in range(20):
                with socket.create_connection(("127.0.0.1", port), WAIT_S) as connection:
                    connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    assert connection.recv(64).startswith(b"HTTP/1.1 200")
        finally:
            process.terminate()
    assert process.returncode == 0
