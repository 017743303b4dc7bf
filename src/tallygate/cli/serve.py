"""Start the gateway.

Reads the configuration, hands it to `app`, and stays until the server ends. How the gateway is put together is `app`'s.
"""

from typing import Annotated

import typer

from tallygate import app as gateway
from tallygate.access.secret_file import BadSecret
from tallygate.api.listener import CannotListen
from tallygate.cli.terminal.banner import called_as, compose
from tallygate.cli.terminal.configuration import read_settings
from tallygate.cli.terminal.failure import Failure
from tallygate.cli.terminal.options import ConfigFile, DataFolder
from tallygate.cli.terminal.soundness import refuse_unsound
from tallygate.store.refusal import StoreRefusal

app = typer.Typer(add_completion=False)


@app.command()
def serve(
    config: ConfigFile = None,
    host: Annotated[str | None, typer.Option(metavar="HOST", help="Address to listen on. [default: 127.0.0.1]")] = None,
    port: Annotated[
        int | None, typer.Option(metavar="PORT", min=0, max=65535, help="Port; 0 for any free one. [default: 8255]")
    ] = None,
    workers: Annotated[int | None, typer.Option(metavar="N", min=1, help="Worker processes. [default: 1]")] = None,
    data: DataFolder = None,
    demo: Annotated[bool, typer.Option("--demo", help="Offer the mock/* and test/* models too.")] = False,
) -> None:
    """Start the gateway.

    Needs no configuration: providers are found by their keys in the environment and by a look at this machine's ports.
    """
    resolved = read_settings(config, server__host=host, server__port=port, server__workers=workers, data=data)
    refuse_unsound(resolved)
    try:
        gateway.serve(resolved, demo=demo, announce=lambda opened: typer.echo(compose(opened, called_as())))
    except (CannotListen, StoreRefusal, BadSecret) as refusal:
        raise Failure(str(refusal)) from None
