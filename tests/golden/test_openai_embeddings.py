"""Requests for embeddings and answers with them, each beside what is read from it, and what the gateway's own surface
makes of the answers.

The recordings are written by hand after the vendors' references; vectors are shortened. None holds an account, key or
person.
"""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tallygate.dialects.openai_media import OpenAIEmbeddings
from tallygate.dialects.unified.embed import UnifiedEmbed
from tallygate.errors import TallygateError
from tests.golden.recordings import GOLDEN, compare, compare_snapshot, named, plain

DIALECT, DOOR = OpenAIEmbeddings(), UnifiedEmbed()


def told(value: Any) -> Any:
    """The value with its vectors in letters."""
    if isinstance(value, dict):
        return {name: told(member) for name, member in value.items()}
    if isinstance(value, list):
        return [told(member) for member in value]
    return value.hex(" ", 4) if isinstance(value, bytes) else value


@named("openai_embeddings", "request.json")
def test_requests(path: Path) -> None:
    body = path.read_bytes()
    assert DIALECT.peek(body, 64).model
    request = DIALECT.read_request(body)
    compare(path, plain(request))
    assert DIALECT.read_request(DIALECT.write_request(request).body) == request
    assert msgspec.json.decode(DIALECT.write_request(request).body) == msgspec.json.decode(body)


@named("openai_embeddings", "answer.json")
def test_answers(path: Path) -> None:
    if path.name.startswith("failed-"):
        with pytest.raises(TallygateError) as failure:
            DIALECT.read_response(path.read_bytes())
        compare(path, plain(failure.value))
        return
    response = DIALECT.read_response(path.read_bytes())
    compare(path, told(plain(response)))
    assert DIALECT.read_response(DIALECT.write_response(response)) == response


@named("openai_embeddings", "answer.json")
def test_answers_in_the_envelope(path: Path) -> None:
    if path.name.startswith("failed-"):
        return
    enclosed = DOOR.write_response(DIALECT.read_response(path.read_bytes()), b'{"model":"m","input":"hi"}')
    compare_snapshot(GOLDEN / "unified" / f"openai_embeddings.{path.stem}.to.embed.json", msgspec.json.decode(enclosed))
