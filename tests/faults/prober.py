"""Looks at /health without a break, from a process of its own: whoever measures must not be slowed by what it measures.

python -m tests.faults.prober --port PORT --history FILE
"""

import argparse
import http.client
import time
from pathlib import Path

from tests.faults.journal import Journal

EVERY_S = 0.02
PROBE_TIMEOUT_S = 30.0


def look(port: int, path: str) -> int:
    """The status of one look on a connection of its own; 0 if there was no answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PROBE_TIMEOUT_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def main() -> None:
    """Look until stopped."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--history", type=Path, required=True)
    options = parser.parse_args()
    history = Journal(options.history)
    while True:
        begun_s = time.monotonic()
        status = look(options.port, "/health")
        history.note("probe", path="/health", status=status, took_s=time.monotonic() - begun_s)
        time.sleep(EVERY_S)


if __name__ == "__main__":
    main()
