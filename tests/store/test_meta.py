"""The pepper is bound to its database; a first run is known from a later one."""

from pathlib import Path

import pytest

from tallygate.store.address import DatabaseAddress, parse_address
from tallygate.store.audit import Change
from tallygate.store.database import Database
from tallygate.store.meta import claim_pepper, has_workspace, schema_is_current
from tallygate.store.refusal import DatabaseUnusable, PepperMismatch
from tallygate.store.tenants import create_workspace


def test_the_first_pepper_holds_for_ever(address: DatabaseAddress) -> None:
    claim_pepper(address, "0123")
    claim_pepper(address, "0123")
    with pytest.raises(PepperMismatch, match="TALLYGATE_KEYS__PEPPER"):
        claim_pepper(address, "4567")
    claim_pepper(address, "0123")


def test_a_first_run_has_no_workspace(address: DatabaseAddress, database: Database) -> None:
    assert not has_workspace(address)
    create_workspace(database, "acme", Change("test", 1))
    assert has_workspace(address)


def test_asking_does_not_make_a_file(tmp_path: Path) -> None:
    address = parse_address("", tmp_path / "data")
    assert not schema_is_current(address)
    assert not (tmp_path / "data").exists()


def test_a_foreign_database_is_refused_in_words(empty_database_url: str) -> None:
    with pytest.raises(DatabaseUnusable, match="does not answer as it should"):
        has_workspace(parse_address(empty_database_url, Path()))
