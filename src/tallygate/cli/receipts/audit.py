"""Re-read the stored log: entries, tree, checkpoints.

What is examined is known to `receipts.log_audit`, this file prints it.
"""

from itertools import chain
from typing import Any

import typer
from msgspec import structs

from tallygate.cli import FAILED
from tallygate.cli.terminal.counting import count
from tallygate.cli.terminal.options import AsJson, ConfigFile, DataFolder
from tallygate.cli.terminal.reading import UNTRUSTED, Keys, locate_database, open_reading, read_trusted
from tallygate.cli.terminal.table import print_json, print_table
from tallygate.receipts.flaw import Flaw
from tallygate.receipts.log_audit import LogAudit, LogCounts

app = typer.Typer(add_completion=False)


@app.command()
def audit(config: ConfigFile = None, data: DataFolder = None, keys: Keys = None, as_json: AsJson = False) -> None:
    """Re-read the stored log and name what is wrong with it.

    It sees one moment and disturbs no gateway. Exits with 1 and a line for each flaw.
    """
    flaws: list[Flaw] = []
    address, settings = locate_database(config, data)
    trusted = read_trusted(settings.data, keys)
    with open_reading(address) as connection:
        reading = LogAudit(connection, trusted.keys, trusted.mark)
        for flaw in chain(trusted.flaws, reading.run()):
            flaws.append(flaw)
            if not as_json:
                typer.echo(flaw)
    if as_json:
        print_json(_to_json(reading.logs, flaws))
    else:
        _print(reading.logs, len(flaws))
    if trusted.keys is None:
        typer.echo(UNTRUSTED, err=True)
    if flaws:
        raise typer.Exit(FAILED)


def _print(logs: list[LogCounts], flaws: int) -> None:
    if flaws:
        typer.echo("")
    rows = [(one.origin, str(one.size), str(one.waiting), str(one.checkpoints)) for one in logs]
    print_table(["log", "entries", "waiting", "checkpoints"], rows)
    result = f"{count(flaws, 'flaw')}." if flaws else "The log is whole." if logs else "There is no log yet."
    typer.echo(f"\n{result}" if rows else result)


def _to_json(logs: list[LogCounts], flaws: list[Flaw]) -> dict[str, Any]:
    return {
        "clean": not flaws,
        "findings": [structs.asdict(flaw) for flaw in flaws],
        "logs": [structs.asdict(one) for one in logs],
    }
