"""Requests, answers and streams in the shapes that vendors document, each beside what is read from it.

The recordings are written by hand after the vendors' pages and hold no account, key or person.
"""

from pathlib import Path

from tallygate.dialects.openai_chat import OpenAIChat
from tests.golden.recordings import compare, listen, named, plain

DIALECT = OpenAIChat()


@named("openai_chat", "request.json")
def test_requests(path: Path) -> None:
    request = DIALECT.read_request(path.read_bytes())
    compare(path, plain(request))
    assert DIALECT.read_request(DIALECT.write_request(request).body) == request


@named("openai_chat", "answer.json")
def test_answers(path: Path) -> None:
    response = DIALECT.read_response(path.read_bytes())
    compare(path, plain(response))
    assert DIALECT.read_response(DIALECT.write_response(response)) == response


@named("openai_chat", "stream.sse")
def test_streams(path: Path) -> None:
    compare(path, listen(DIALECT, path.read_bytes()))
