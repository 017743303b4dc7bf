"""Commands: one file per verb group, found by its name and imported only when it is called.

A file of this folder is a verb, a folder a verb with verbs of its own; its first line is the verb's line in
`tallygate --help`, so that help imports nothing. What verbs have in common lies in `terminal/`. No decisions are made
here: verbs call the functions of the rooms.
"""

import importlib
import pkgutil
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from tallygate import __version__
from tallygate.cli.terminal.failure import Failure
from tallygate.errors import InvalidValue, TallygateError

DONE, FAILED, USAGE = 0, 1, 2
"""Exit codes: done, a check failed or something could not be done, the command line was wrong."""

SERVER = ("the server's", "server")
EXTRAS = {"yaml": ("the importer's", "server,import")}
"""Whose a package is, and what to install for it; one that is not named here is the server's."""

SHARED = "terminal"
"""The folder without verbs."""


def list_verbs(package: str = __name__) -> dict[str, str]:
    """Every verb of a folder with its line of help, without importing any."""
    folder = Path(__path__[0], *package.split(".")[2:])
    found = sorted(pkgutil.iter_modules([str(folder)]), key=lambda module: module.name)
    files = {one.name: folder / (f"{one.name}/__init__.py" if one.ispkg else f"{one.name}.py") for one in found}
    return {name: _first_line(file) for name, file in files.items() if name != SHARED}


def _first_line(file: Path) -> str:
    with file.open(encoding="utf-8") as lines:
        return lines.readline().strip().removeprefix('"""').removesuffix('"""')


class Verbs(TyperGroup):
    """The group of all verbs of a folder. Until one is called, each is a name and a line of help."""

    package = __name__

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, line in list_verbs(self.package).items():
            self.add_command(TyperCommand(name, help=line))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the verb by its name and import it."""
        name, listed, rest = super().resolve_command(ctx, args)
        return name, (_load(self.package, name, listed.help) if name and listed else listed), rest

    def invoke(self, ctx: Any) -> Any:
        """Run the verb; what a user can cause ends as plain sentences on stderr, never as a traceback."""
        try:
            return super().invoke(ctx)
        except Failure as failure:
            _end(str(failure), failure.exit_code)
        except TallygateError as error:
            _end(error.message, USAGE if isinstance(error, InvalidValue) else FAILED)
        except BrokenPipeError:
            raise  # whoever read us has read enough; typer ends quietly
        except OSError as error:
            _end(f"{error.filename}: {error.strerror}" if error.filename else str(error), FAILED)


def _load(package: str, name: str, line: str | None) -> TyperCommand | TyperGroup:
    try:
        module = importlib.import_module(f"{package}.{name}")
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("tallygate"):
            raise
        called = " ".join(["tallygate", *package.split(".")[2:], name])
        extra = EXTRAS.get(error.name or "", "server")
        text = (
            f"`{called}` needs packages that are not here ({error.name} is missing): pip install 'tallygate[{extra}]'"
        )
        raise Failure(text) from None
    verb: typer.Typer = module.app
    verb.rich_markup_mode = None
    command = get_command(verb)
    command.help = command.help or line
    return command  # pyright: ignore[reportReturnType]  # typer makes nothing else


def _end(text: str, code: int) -> NoReturn:
    typer.echo(text, err=True)
    raise typer.Exit(code)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tallygate {__version__}")
        raise typer.Exit


app = typer.Typer(cls=Verbs, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.callback()
def describe(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Tallygate: a self-hosted AI inference gateway.

    Start it with `tallygate serve`, point a client at it with `tallygate env`.
    """


def main() -> None:
    """The command line. Exits with 0 when done, 1 when a check or an action failed, 2 on wrong usage."""
    sys.exit(app())
