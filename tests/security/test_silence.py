"""What is in the gateway's log after everything that was sent here: one line a record, and nothing secret in any.

The gateway logs all it can (`debug`). What it was sent on purpose stands in no line: keys, prompts, answers.
"""

import json
from typing import Any

import pytest

from tests.fakes.upstream import PROVIDER_KEY
from tests.security.row import CHAT, GOOD, ask, chat
from tests.security.town import Town

SECRETS = ("MINE", "THEIRS", "ADMIN", "REVOKED", "UNKNOWN", "TYPO", "LIMITED")
ODD = ("\x1b]0;owned\x07", "\u202eevil", "a\r\nb", "a\x00b", "\x9b31m", "line\u2028separator")
SAID = "a canary that nobody may hear of"


@pytest.fixture(scope="module")
def log(town: Town) -> list[str]:
    """The log after sound and unsound requests that hold secrets in every place there is."""
    for word in SECRETS:
        town.send(chat(200, 400, 401, 403, key=f"<{word}>").raw)
        for name in ("api_key", "key", "token"):
            town.send(ask("POST", f"{CHAT}?{name}=<{word}>", 401, key="", body=GOOD).raw)
        town.send(ask("GET", f"/v1/models/<{word}>", 404, key="").raw)
        town.send(ask("GET", f"/<{word}", 404, key="").raw)
        for header in ("User-Agent", "X-Request-ID", "Cookie", "Referer", "X-Api-Key-Old"):
            town.send(chat(200, headers=((header, f"<{word}>"),)).raw)
        said = f"{SAID}: {town.words[word]}"
        for more in (
            {},
            {"stream": True},
            {"model": "any/up-500"},
            {"model": "any/up-error-midstream", "stream": True},
        ):
            message: dict[str, Any] = {"role": "user", "content": said}
            town.send(chat(200, 502, body={**GOOD, "messages": [message], "user": said, **more}).raw)
    for odd in ODD:
        shown = odd.encode().replace(b"\r", b"").replace(b"\n", b"").replace(b"\0", b"")
        town.send(chat(200, 400, headers=(("User-Agent", shown), ("X-Request-ID", shown))).raw)
        town.send(chat(200, 400, 404, 502, body={**GOOD, "model": f"any/up-echo{odd}", "user": odd}).raw)
        town.send(ask("GET", f"/v1/models/{json.dumps(odd)[1:-1].replace(chr(92), '%5C')}", 404).raw)
    # Lines are read by a thread: what was written before this answer is read once its own line is there.
    town.send(ask("GET", "/health", 200, key="").raw)
    town.gateway.process.wait_for(lambda lines: True if len(lines) else None)
    return list(town.gateway.process.lines)


def test_something_is_logged(log: list[str]) -> None:
    assert len([line for line in log if "gen_ai" in line or "call_" in line]) > 20


def test_a_log_line_is_one_line_whatever_was_sent(log: list[str]) -> None:
    assert [line for line in log if not line.isprintable()] == []
    assert [line for line in log if "\u202e" in line or "\u2028" in line] == []


def test_no_key_that_was_ever_sent_is_in_the_log(town: Town, log: list[str]) -> None:
    text = "\n".join(log)
    for word in SECRETS:
        assert town.words[word] not in text, word
        assert town.words[word][8:-4] not in text, word
    assert PROVIDER_KEY not in text


def test_nothing_that_was_said_is_in_the_log(log: list[str]) -> None:
    text = "\n".join(log)
    assert SAID not in text
    assert "You said" not in text, "that is what the provider answered"
