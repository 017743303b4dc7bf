"""The framing corpus once more through nginx and HAProxy: whatever a proxy and the gateway make of it together, no
second request gets in unseen.

A proxy answers some rows itself and passes others on changed; what is promised is only that nothing hides, nothing
breaks, and the connections it keeps to the gateway stay sound.
"""

import http.client
import os
import random
import shutil
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.fakes.front import Line, Opened, open_front
from tests.fakes.process import Process
from tests.faults.raw_requests import CORPUS, Row
from tests.faults.test_framing import SEED, mutate

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

LAST = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
"""Behind each input, so that a proxy need not wait for more. nginx does not like clients that half close."""

NGINX = """
daemon off;
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_max_body_size 40m;
    large_client_header_buffers 8 128k;
    underscores_in_headers on;
    client_header_timeout 1s;
    client_body_timeout 1s;
    lingering_timeout 1s;
    keepalive_timeout 1s;
    proxy_request_buffering {buffering};
    upstream gateway {{ server 127.0.0.1:{port}; keepalive 4; }}
    server {{
        listen unix:{folder}/proxy.sock;
        location / {{
            proxy_pass http://gateway;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
        }}
    }}
}}
"""

HAPROXY = """
defaults
    mode http
    timeout connect 5s
    timeout client 1s
    timeout server 5s
    timeout http-request 1s
    timeout http-keep-alive 1s
frontend everybody
    bind {folder}/proxy.sock
    default_backend gateway
backend gateway
    http-reuse always
    server gateway 127.0.0.1:{port}
"""


@pytest.fixture(scope="module")
def front() -> Generator[Opened]:
    with open_front() as opened:
        yield opened


@pytest.fixture(scope="module", params=["nginx-buffered", "nginx-unbuffered", "haproxy"])
def proxy(request: pytest.FixtureRequest, front: Opened, tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    """The socket of a proxy: an nginx that gathers requests or passes their bodies on as they come, or a HAProxy."""
    name, _, manner = str(request.param).partition("-")
    program = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    assert program, f"{name} is missing; scripts/ensure-proxies installs it"
    folder = tmp_path_factory.mktemp(name)
    config = folder / f"{name}.conf"
    if name == "nginx":
        user, buffering = "user root;" if os.geteuid() == 0 else "", "on" if manner == "buffered" else "off"
        config.write_text(NGINX.format(folder=folder, port=front.port, user=user, buffering=buffering))
        command = [program, "-p", str(folder), "-c", str(config), "-e", str(folder / "error.log")]
    else:
        config.write_text(HAPROXY.format(folder=folder, port=front.port))
        command = [program, "-db", "-f", str(config)]
    with Process(command, {}) as process:
        where = folder / "proxy.sock"
        for _ in range(100_000):
            if where.exists():
                break
            assert process.child.poll() is None, process.text
        yield where


def read_all(line: Line) -> list[int]:
    """The statuses of all answers until the end of the connection."""
    statuses: list[int] = []
    while True:
        try:
            statuses.append(line.read().status)
        except (EOFError, AssertionError, http.client.HTTPException):
            # Also where nginx takes a request for HTTP/0.9 and answers without a head.
            return statuses


def check(front: Opened, proxy: Path, raw: bytes) -> None:
    """Send it, and see that nothing was let in unseen by it, and that others are served as ever."""
    front.doors.asked.clear()
    with Line(proxy) as line:
        statuses = read_all(line.send(raw + LAST))
    assert 500 not in statuses, raw
    # What the proxy itself took for a request has an answer of its own.
    assert front.doors.asked.count("GET /v1/models/hidden") <= statuses.count(404), raw
    with Line(proxy) as line:
        answer = line.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: probe\r\n\r\n").read()
    assert (answer.status, answer.headers["x-request-id"]) == (200, "probe"), raw


@pytest.mark.parametrize("row", CORPUS, ids=str)
def test_no_row_hides_a_request_from_a_proxy(front: Opened, proxy: Path, row: Row) -> None:
    check(front, proxy, row.raw)


def test_changed_at_random_nothing_hides_from_a_proxy(front: Opened, proxy: Path) -> None:
    source = random.Random(SEED)
    for _ in range(1_000):
        check(front, proxy, mutate(source))
