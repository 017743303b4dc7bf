"""Verify, audit, count and export receipts.

Each verb is a file of its own, so that the verifier imports no more than it needs: it runs where no server is
installed.
"""

import typer

from tallygate.cli import Verbs


class ReceiptVerbs(Verbs):
    """The verbs of this folder."""

    package = __name__


app = typer.Typer(cls=ReceiptVerbs, no_args_is_help=True, add_completion=False)


@app.callback()
def receipts() -> None:
    """Verify, audit, count and export receipts."""
