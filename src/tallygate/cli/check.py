"""Print the configuration and where each value came from.

It only reads; whether the values work on this machine is what `doctor` finds out.
"""

from typing import Annotated

import typer

from tallygate.cli.terminal.configuration import read_settings
from tallygate.cli.terminal.options import AsJson, ConfigFile, DataFolder
from tallygate.cli.terminal.soundness import refuse_unsound
from tallygate.cli.terminal.table import print_json, print_table
from tallygate.config import plain, show

app = typer.Typer(add_completion=False)


@app.command()
def check(
    config: ConfigFile = None,
    data: DataFolder = None,
    changed: Annotated[bool, typer.Option("--changed", help="Leave out what has its default.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the configuration and where each value came from.

    Unknown settings and wrong values are named with their place, and the exit code is 1. Secrets are printed as ***.
    """
    resolved = read_settings(config, data=data)
    refuse_unsound(resolved)
    set_ = [value for value in resolved.values if value.origin.kind != "default"]
    values = set_ if changed else resolved.values
    if as_json:
        print_json(
            [{"setting": value.setting, "value": plain(value.value), "from": value.origin.place} for value in values]
        )
        return
    print_table(
        ["setting", "value", "from"],
        [(value.setting, show(value.value) or "(not set)", value.origin.place) for value in values],
    )
    # Beside the table, which a script may read.
    source = str(resolved.file) if resolved.file else "no file"
    typer.echo(
        f"\n{source}; {len(set_)} of {len(resolved.values)} settings are set, the others are defaults.", err=True
    )
