"""Reads a new password from whoever types it, or from a script: never from the command line, which others can see."""

import sys

import typer

from tallygate.cli.terminal.failure import Failure
from tallygate.genai.secret import Secret

LINE_CHARACTERS_MAX = 4_096


def read_password(*, from_stdin: bool) -> Secret:
    """The first line of stdin, or what is typed twice alike and not shown. Raises Failure where there is none."""
    if not from_stdin:
        return Secret(typer.prompt("New password", hide_input=True, confirmation_prompt="The same again"))
    text = sys.stdin.readline(LINE_CHARACTERS_MAX).removesuffix("\n")
    if not text:
        raise Failure("Nothing came on stdin: send the password as its first line.")
    return Secret(text)
