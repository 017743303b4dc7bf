"""Reads a new password from whoever types it, or from a script: never from the command line, which others can see."""

import getpass
import sys
import warnings

import typer

from tallygate.cli.terminal.failure import Failure
from tallygate.genai.secret import Secret

LINE_CHARACTERS_MAX = 4_096


def read_password(*, from_stdin: bool) -> Secret:
    """The first line of stdin, or what is typed twice alike and not shown. Raises Failure where there is none."""
    if not from_stdin:
        return _ask()
    text = sys.stdin.readline(LINE_CHARACTERS_MAX).removesuffix("\n")
    if not text:
        raise Failure("Nothing came on stdin: send the password as its first line.")
    return Secret(text)


def _ask() -> Secret:
    """Where what is typed cannot be hidden, nothing is asked: it would stand in somebody's scrollback."""
    with warnings.catch_warnings(action="error", category=getpass.GetPassWarning):
        try:
            return Secret(typer.prompt("New password", hide_input=True, confirmation_prompt="The same again"))
        except getpass.GetPassWarning:
            raise Failure("There is no terminal to ask at: send the password to stdin, and add --stdin.") from None
