"""Requests, answers and streams of this wire, each beside what is read from it.

`claude-code` is what that client sent in the middle of a tool loop, its texts and ids replaced; the others are written
by hand after the vendor's pages. None holds an account, key or person.
"""

from pathlib import Path

from tallygate.dialects.anthropic_messages import AnthropicMessages
from tests.golden.recordings import compare, listen, named, plain

DIALECT = AnthropicMessages()


@named("anthropic_messages", "request.json")
def test_requests(path: Path) -> None:
    request = DIALECT.read_request(path.read_bytes())
    compare(path, plain(request))
    assert DIALECT.read_request(DIALECT.write_request(request).body) == request


@named("anthropic_messages", "answer.json")
def test_answers(path: Path) -> None:
    response = DIALECT.read_response(path.read_bytes())
    compare(path, plain(response))
    assert DIALECT.read_response(DIALECT.write_response(response)) == response


@named("anthropic_messages", "stream.sse")
def test_streams(path: Path) -> None:
    compare(path, listen(DIALECT, path.read_bytes()))
