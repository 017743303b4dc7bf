"""Import another gateway's configuration.

Each source is a file of its own. What becomes of what stands there is decided in `config`.
"""

import typer

from tallygate.cli import Verbs


class ImportVerbs(Verbs):
    """The verbs of this folder."""

    package = __name__


app = typer.Typer(cls=ImportVerbs, no_args_is_help=True, add_completion=False)


@app.callback()
def read() -> None:
    """Import another gateway's configuration."""
