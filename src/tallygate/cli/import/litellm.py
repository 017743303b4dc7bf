"""Write a configuration from LiteLLM's, and a report.

The file is written whole or not at all, and never over another. What can be had of what stands there is decided in
`config.litellm`.
"""

import os
from pathlib import Path
from typing import Annotated, get_args

import typer

from tallygate.cli.terminal.failure import Failure
from tallygate.cli.terminal.options import AsJson
from tallygate.cli.terminal.table import print_json, print_table
from tallygate.config.litellm.importing import Imported, import_litellm
from tallygate.config.litellm.nodes import BadYaml
from tallygate.config.litellm.report import Verdict
from tallygate.config.resolution import FILE_NAME

app = typer.Typer(add_completion=False)

STDOUT = Path("-")


@app.command()
def litellm(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="LiteLLM's config.yaml.")],
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="Where to write; - prints it, and the report on stderr.")
    ] = Path(FILE_NAME),
    as_json: AsJson = False,
) -> None:
    """Write a configuration from LiteLLM's, and a report.

    The report has a line about everything that stood there. Keys of providers are not carried over: they stay in the
    environment, and the report names the variables. Exits with 1 when a model cannot be called with what was written,
    or not yet; the report says which and why.
    """
    try:
        imported = import_litellm(file.read_bytes(), file.name, os.environ)
    except BadYaml as error:
        raise Failure(f"{file} cannot be read: {error}.") from None
    _write(out, imported.toml)
    if as_json:
        lines = [{"line": one.line, "key": one.key, "verdict": one.verdict, "text": one.text} for one in imported.lines]
        complete = not imported.has_losses
        printed = {"toml": imported.toml, "lines": lines, "variables": imported.variables, "complete": complete}
        print_json(printed)
    else:
        _tell(file, out, imported)
    if imported.has_losses:
        raise typer.Exit(1)


def _write(out: Path, text: str) -> None:
    if out == STDOUT:
        return
    try:
        # Not readable for others: addresses inside a network are nobody else's business.
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Failure(f"{out} is there already, and is not written over. Name another one with --out.") from None
    with open(descriptor, "w", encoding="utf-8") as opened:
        opened.write(text)


def _tell(file: Path, out: Path, imported: Imported) -> None:
    rows = [(f"{file.name}:{one.line}", one.key, one.verdict, one.text) for one in imported.lines]
    verdicts = [one.verdict for one in imported.lines]
    summary = ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in get_args(Verdict))
    if out == STDOUT:
        typer.echo(imported.toml, nl=False)
        for row in rows:
            typer.echo("  ".join(row), err=True)
        typer.echo(summary, err=True)
        return
    print_table(["line", "setting", "verdict", "what became of it"], rows)
    typer.echo(f"\n{summary}. Written to {out}.")
    if imported.variables:
        typer.echo("\nSet these in the environment of the gateway:")
        for variable, what_for in imported.variables.items():
            typer.echo(f"  {variable}  {what_for}")
    if imported.has_losses:
        typer.echo("\nSome models cannot be called with this yet: see the lines above that say so.")
    typer.echo(f"\nNext: tallygate check --config {out}")
