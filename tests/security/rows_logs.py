"""Rows 132 to 135: what the gateway writes down, and what it never does."""

import re

from tests.security.row import Row, ask, chat
from tests.security.town import Town

SILENCE = "tests/security/test_silence.py::"
TRICKS = ("a b", "../etc/passwd", "host:80", "x" * 10_240, "caf\xe9", "a,b", "\x1b[31mred")


def replace_what_is_not_plain(town: Town) -> None:
    """A request id that could be something else in a log or a file is replaced by one of ours."""
    for given in TRICKS:
        answer, _ = town.send(chat(400, 431, headers=(("X-Request-ID", given),), body=b"{").raw)
        assert answer.headers["x-request-id"] != given
        assert re.fullmatch(r"[A-Za-z0-9._-]{8,128}", answer.headers["x-request-id"])


ROWS = (
    Row(
        132,
        "request ids",
        (
            chat(400, headers=(("X-Request-ID", b"a\nb"),)),
            chat(400, headers=(("X-Request-ID", b"a\rb"),)),
        ),
        (replace_what_is_not_plain,),
        proofs=(f"{SILENCE}test_a_log_line_is_one_line_whatever_was_sent",),
    ),
    Row(
        133,
        "names that move a terminal's cursor",
        (
            ask("GET", "/v1/models", 200, headers=(("User-Agent", "\u00e2\u0080\u00ae"),)),
            chat(404, body={"model": "\x1b]0;owned\x07\u202e", "messages": [{"role": "user", "content": "x"}]}),
        ),
        proofs=(f"{SILENCE}test_a_log_line_is_one_line_whatever_was_sent",),
    ),
    Row(134, "somebody's key in a prompt", proofs=(f"{SILENCE}test_nothing_that_was_said_is_in_the_log",)),
    Row(
        135,
        "an accident with a secret in it",
        proofs=(
            f"{SILENCE}test_no_key_that_was_ever_sent_is_in_the_log",
            "tests/genai/test_secret.py::test_printing_shows_stars",
        ),
    ),
)
