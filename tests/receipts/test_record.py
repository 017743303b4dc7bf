"""What receipts refer to is on record in the log: once, whoever set it and however often it is looked for."""

from collections.abc import Generator
from contextlib import closing
from hashlib import sha256

import msgspec
import pytest

from tallygate.receipts import record
from tallygate.receipts.key_file import LogKeys
from tallygate.receipts.record import Record
from tallygate.store.address import DatabaseAddress
from tallygate.store.driver import DriverConnection
from tallygate.store.log import find_place, open_log
from tallygate.store.log_statements import find_statement
from tests.receipts.logs import make_keys

NOW_NS = 1_800_000_000_123_456_789


@pytest.fixture
def connection(address: DatabaseAddress) -> Generator[DriverConnection]:
    with closing(open_log(address)) as opened:
        yield opened


@pytest.fixture
def keys() -> LogKeys:
    return make_keys()


def set_price(connection: DriverConnection, version: str) -> None:
    connection.fetch(
        "INSERT INTO prices (version, kind, name, effective_from_ns, terms, created_at_ns) VALUES (?, ?, ?, ?, ?, ?)",
        (version, "sale", "a-model", 5, '{"input":"1.00"}', 5),
    )


def test_the_key_set_is_on_record_once(connection: DriverConnection, keys: LogKeys) -> None:
    assert Record(connection, keys).bring_up_to_date(NOW_NS) == 1
    assert Record(connection, keys).bring_up_to_date(NOW_NS + 10**12) == 0
    ((statement_id, body),) = connection.fetch("SELECT id, body FROM log_statements")
    said = msgspec.json.decode(body)
    assert said["type"] == "tallygate/keyset/1"
    assert said["keys"]["logs"][0]["keys"][0]["vkey"] == keys.signer.verifier.vkey
    place = find_place(connection, statement_id)
    assert place is not None
    assert (place.log, place.entry, place.leaf_index) == (keys.origin, sha256(body).digest(), None)


def test_other_keys_are_another_entry(connection: DriverConnection, keys: LogKeys) -> None:
    assert Record(connection, keys).bring_up_to_date(NOW_NS) == 1
    assert Record(connection, make_keys()).bring_up_to_date(NOW_NS) == 1


def test_every_version_of_a_price_is_on_record(connection: DriverConnection, keys: LogKeys) -> None:
    set_price(connection, "price-1")
    first = Record(connection, keys)
    assert first.bring_up_to_date(NOW_NS) == 2
    set_price(connection, "price-2")
    set_price(connection, "price-3")
    assert first.bring_up_to_date(NOW_NS) == 2
    assert first.bring_up_to_date(NOW_NS) == 0
    assert Record(connection, keys).bring_up_to_date(NOW_NS) == 0
    for version in ("price-1", "price-2", "price-3"):
        body = find_statement(connection, "price", version)
        assert body is not None
        said = msgspec.json.decode(body)
        assert (said["type"], said["version"], said["terms"]) == ("tallygate/price/1", version, '{"input":"1.00"}')
        place = find_place(connection, version)
        assert place is not None
        assert place.entry == sha256(body).digest()


def test_many_are_recorded_in_bites(
    connection: DriverConnection, keys: LogKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "BITE", 2)
    for number in range(5):
        set_price(connection, f"price-{number}")
    recording = Record(connection, keys)
    assert [recording.bring_up_to_date(NOW_NS) for _ in range(4)] == [3, 2, 1, 0]


def test_two_who_look_at_once_make_one_entry(
    connection: DriverConnection, keys: LogKeys, address: DatabaseAddress
) -> None:
    one = Record(connection, keys)
    one.bring_up_to_date(NOW_NS)
    with closing(open_log(address)) as second:
        other = Record(second, keys)
        other.bring_up_to_date(NOW_NS)
        set_price(connection, "price-1")
        assert [one.bring_up_to_date(NOW_NS), other.bring_up_to_date(NOW_NS + 1)] == [1, 0]


def test_an_unknown_statement_is_not_found(connection: DriverConnection) -> None:
    assert find_statement(connection, "price", "price-1") is None
    assert find_place(connection, "price-1") is None
