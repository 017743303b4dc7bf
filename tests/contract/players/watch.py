"""Keeps a client at home: whoever it asks beyond this machine is refused, and told of afterwards.

A program with a `main` of its own runs under the same watch, which tells its findings on standard error.

    python -m tests.contract.players.watch MODULE ARGUMENT...
"""

import importlib
import sys
from typing import Any

LOOPBACK = {"127.0.0.1", "::1", "localhost", "", "None"}
STRANGERS = "asked beyond this machine: "


class Watch:
    """From its making on, refuses every other address and remembers it: telemetry, price lists, updates."""

    def __init__(self) -> None:
        self.strangers: set[str] = set()
        sys.addaudithook(self._look)

    def _look(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.getaddrinfo":
            self._admit(arguments[0])
        elif event == "socket.connect" and isinstance(arguments[1], tuple):
            self._admit(arguments[1][0])

    def _admit(self, host: object) -> None:
        name = host.decode() if isinstance(host, bytes) else str(host)
        if name not in LOOPBACK:
            self.strangers.add(name)
            raise ConnectionRefusedError(f"{name} is not this machine")


def main() -> None:
    """The command line."""
    watch = Watch()
    module = sys.argv.pop(1)
    try:
        sys.exit(importlib.import_module(module).main())
    finally:
        sys.stderr.write(f"\n{STRANGERS}{' '.join(sorted(watch.strangers))}\n")


if __name__ == "__main__":
    main()
