"""Requests, answers and streams of this wire, each beside what is read from it.

The recordings are written by hand after the vendor's reference and the types of its SDK; `codex` has the shape of what
that client sends in the middle of a task. None holds an account, key or person.
"""

from pathlib import Path

import pytest

from tallygate.dialects.openai_responses import OpenAIResponses
from tallygate.errors import TallygateError
from tests.golden.recordings import compare, listen, named, plain

DIALECT = OpenAIResponses()


@named("openai_responses", "request.json")
def test_requests(path: Path) -> None:
    request = DIALECT.read_request(path.read_bytes())
    compare(path, plain(request))
    assert DIALECT.read_request(DIALECT.write_request(request).body) == request


@named("openai_responses", "answer.json")
def test_answers(path: Path) -> None:
    if path.name.startswith("failed."):
        with pytest.raises(TallygateError) as failure:
            DIALECT.read_response(path.read_bytes())
        compare(path, plain(failure.value))
        return
    response = DIALECT.read_response(path.read_bytes())
    compare(path, plain(response))
    assert DIALECT.read_response(DIALECT.write_response(response)) == response


@named("openai_responses", "stream.sse")
def test_streams(path: Path) -> None:
    compare(path, listen(DIALECT, path.read_bytes()))
