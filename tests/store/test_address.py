"""The setting `database_url`: what is understood, what is shown, what is refused."""

from pathlib import Path

import pytest

from tallygate.store.address import Engine, parse_address
from tallygate.store.refusal import DatabaseUnusable


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("", "/data/tallygate.db"),
        ("sqlite:////srv/calls.db", "/srv/calls.db"),
        ("sqlite:///calls.db", "calls.db"),
        ("sqlite:///a b%20c.db", "a b%20c.db"),
    ],
)
def test_sqlite(url: str, path: str) -> None:
    address = parse_address(url, Path("/data"))
    assert (address.engine, address.path, address.shown) == (Engine.SQLITE, Path(path), path)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_postgresql_goes_to_libpq_as_it_stands(scheme: str) -> None:
    address = parse_address(f"{scheme}://me:s3cret@db:5433/calls?sslmode=require&password=s3cret", Path())
    assert address.engine is Engine.POSTGRESQL
    assert address.target.reveal() == "postgresql://me:s3cret@db:5433/calls?sslmode=require&password=s3cret"
    assert address.shown == "postgresql://me@db:5433/calls"
    assert "s3cret" not in repr(address)


@pytest.mark.parametrize(
    "url",
    ["mysql://me:s3cret@db/calls", "sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:calls.db", "s3cret", "://"],
)
def test_anything_else_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(DatabaseUnusable, match="database_url") as caught:
        parse_address(url, Path())
    assert "s3cret" not in str(caught.value)
