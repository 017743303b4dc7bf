"""Options that several verbs take, spelled once. What they lead to is not read here."""

from pathlib import Path
from typing import Annotated

import typer

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Configuration file. [default: tallygate.toml, if there is one]"),
]
DataFolder = Annotated[Path | None, typer.Option("--data", metavar="FOLDER", help="Where the gateway keeps its data.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
