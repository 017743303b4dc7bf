"""An array literal means to PostgreSQL what it was made of, whatever is in it."""

from collections.abc import Generator

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.store.postgresql_array import pack_array
from tests.fixtures.postgresql import PrivateServer

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))


@pytest.fixture(scope="module")
def connection(postgresql_server: PrivateServer) -> Generator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(postgresql_server.url("postgres"), autocommit=True) as opened:
        yield opened


@pytest.mark.parametrize(
    "text", ["", "NULL", "null", "{}", '"', "\\", "\\x41", ",", " a ", "'", "%s", "\n", "\t\r", "é€😀"]
)
def test_a_text_that_looks_like_something_else(connection: psycopg.Connection[tuple[object, ...]], text: str) -> None:
    texts = [text, None, text * 2]
    assert connection.execute("SELECT %s::text[]", (pack_array(texts),)).fetchall() == [(texts,)]


@given(
    texts=st.lists(st.none() | TEXTS),
    numbers=st.lists(st.none() | st.integers(-(2**63), 2**63 - 1)),
    blobs=st.lists(st.none() | st.binary()),
)
def test_what_goes_in_comes_out(
    connection: psycopg.Connection[tuple[object, ...]],
    texts: list[str | None],
    numbers: list[int | None],
    blobs: list[bytes | None],
) -> None:
    packed = (pack_array(texts), pack_array(numbers), pack_array(blobs))
    found = connection.execute("SELECT %s::text[], %s::bigint[], %s::bytea[]", packed).fetchall()
    assert found == [(texts, numbers, blobs)]
