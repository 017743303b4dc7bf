"""The only composition root: builds the rooms from a resolved configuration, joins them, and runs them under a server.

Rooms get plain values and each other's functions from here and know nothing of how they were made. `opening` is what a
start does once, `worker` one process with its rooms, `tending` what is done there again and again. What only a first
start needs (migrations, the first key), or few ever ask for, is imported only then, so that a warm start is quick.
"""

import os
import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from msgspec import Struct

from tallygate.api.listener import listen, shown_host
from tallygate.api.server import run_server
from tallygate.api.workers import run_workers
from tallygate.app.configuration import Configuration
from tallygate.app.opening import make_supply, open_log_keys, open_store
from tallygate.app.renewal import Renewal
from tallygate.app.worker import Worker
from tallygate.config.resolution import Resolved
from tallygate.genai.secret import Secret
from tallygate.pipeline.supply import Supply
from tallygate.providers.base import Found, Missing
from tallygate.store.address import parse_address
from tallygate.telemetry.log import configure, take_strays
from tallygate.telemetry.sheets import open_folder

__all__ = ["Announce", "Opened", "Worker", "make_supply", "serve"]


class Opened(Struct, frozen=True):
    """What a start came to, for whoever announces it. `first_key` is set only by the start that made it."""

    url: str
    data: Path
    config: Path | None
    discover: bool
    found: tuple[Found, ...]
    missing: tuple[Missing, ...]
    models: tuple[str, ...]
    first_key: Secret | None


Announce = Callable[[Opened], None]


def serve(resolved: Resolved, *, demo: bool, announce: Announce) -> None:
    """Run the gateway until it is told to stop. `announce` is called once, when it takes calls.

    Raises: CannotListen, and the rooms' own refusals to start, whose texts are meant for the operator.
    """
    settings = resolved.settings
    configure(settings.log_level, settings.log_format, key_prefix=settings.keys.prefix)
    take_strays()
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    # First of all, because a start that fails here must not have used up the one showing of the first key.
    with listen(settings.server) as listener:
        port: int = listener.getsockname()[1]
        address = parse_address(settings.database_url, settings.data)
        pepper, first_key = open_store(settings, address)
        log_keys = open_log_keys(settings, address)
        parent = os.getpid() if settings.server.workers > 1 else None
        sheets = None if parent is None else open_folder(settings.data / "metrics")
        # Whoever renews the configuration while we start is heard as soon as somebody listens.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        with closing(Renewal(resolved)) as renewal:

            def work(index: int) -> None:
                configuration = Configuration(renewal, parent)
                supply = make_supply(configuration.settings, demo=demo)
                worker = Worker(configuration, address, pepper, log_keys, supply, port, sheets)
                doors = worker.open_doors(is_first=index == 0)

                def opened() -> None:
                    if index == 0:
                        announce(describe(resolved, supply, port, first_key))

                run_server(doors, listener, opened, configuration.hear, worker.panel.watch)

            if parent is None:
                work(0)
            else:
                run_workers(settings.server.workers, work, renewal.issue_if_sound)


def describe(resolved: Resolved, supply: Supply, port: int, first_key: Secret | None) -> Opened:
    """What there is to announce."""
    return Opened(
        url=f"http://{shown_host(resolved.settings.server.host)}:{port}",
        data=resolved.settings.data,
        config=resolved.file,
        discover=resolved.settings.discover,
        found=supply.providers.found,
        missing=supply.providers.missing,
        models=tuple(supply.catalog.records),
        first_key=first_key,
    )
