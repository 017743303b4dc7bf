"""What stands between the doors and the log: a checkpoint is read once a second, and strangers wait for each other."""

import asyncio
import threading
from collections.abc import Generator
from contextlib import closing

import pytest

from tallygate.api.proofs import Proofs
from tallygate.errors import LogDamaged, StoreUnavailable
from tallygate.receipts.tiles import DamagedTree
from tallygate.receipts.verify import FAILED, VERIFIED
from tallygate.store.address import DatabaseAddress
from tallygate.store.driver import DriverConnection
from tallygate.store.enquirer import WAITING_MAX, Enquirer
from tallygate.store.log import Published
from tests.fakes.log import KEYS
from tests.receipts import making


class Second:
    """A clock in seconds that is set by hand."""

    def __init__(self) -> None:
        self.now_s = 5.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def second() -> Second:
    return Second()


@pytest.fixture
def proofs(address: DatabaseAddress, second: Second) -> Generator[Proofs]:
    """Over a database without a log."""
    with closing(Enquirer(address)) as callers, closing(Enquirer(address)) as strangers:
        yield Proofs(KEYS.public, KEYS.origin, callers=callers, strangers=strangers, clock_s=second)


def publish(address: DatabaseAddress, size: int) -> Published:
    """Put a checkpoint into the database."""
    published = Published(size, b"a note of %d" % size, 1)
    with closing(DriverConnection(address)) as connection:
        connection.fetch(
            "INSERT INTO log_checkpoints (log, size, note, at_ns) VALUES (?, ?, ?, ?)",
            (KEYS.origin, published.size, published.note, published.at_ns),
        )
    return published


@pytest.mark.anyio
async def test_a_checkpoint_is_kept_for_a_second_and_no_longer(
    address: DatabaseAddress, proofs: Proofs, second: Second
) -> None:
    assert await proofs.read_checkpoint() is None
    first = publish(address, 1)
    # That there is none is not kept: a log begins only once.
    assert await proofs.read_checkpoint() == first
    later = publish(address, 2)
    second.now_s += 0.99
    assert await proofs.read_checkpoint() == first
    second.now_s += 0.01
    assert await proofs.read_checkpoint() == later


@pytest.mark.anyio
async def test_strangers_cannot_keep_callers_waiting(proofs: Proofs) -> None:
    released = threading.Event()

    def wait(_: DriverConnection) -> bool:
        return released.wait(30)

    crowd = [asyncio.create_task(proofs.ask_publicly(wait)) for _ in range(WAITING_MAX)]
    await asyncio.sleep(0)
    with pytest.raises(StoreUnavailable):
        await proofs.ask_publicly(lambda _: None)
    assert await proofs.ask(lambda connection: connection.fetch("SELECT 1")) == [(1,)]
    released.set()
    assert all(await asyncio.gather(*crowd))


@pytest.mark.anyio
async def test_a_damaged_tree_is_an_error_of_ours_and_is_logged(
    proofs: Proofs, caplog: pytest.LogCaptureFixture
) -> None:
    def find_damage(_: DriverConnection) -> None:
        raise DamagedTree("tile 3 of level 0 is missing")

    for ask in (proofs.ask, proofs.ask_publicly):
        with pytest.raises(LogDamaged) as raised:
            await ask(find_damage)
        assert "tile 3" not in raised.value.message
    assert caplog.text.count("tile 3 of level 0 is missing") == 2


@pytest.mark.anyio
async def test_many_bundles_are_judged_one_after_the_other(proofs: Proofs) -> None:
    good, bad = making.bundle(), making.bundle().replace(b'"amount":"4', b'"amount":"3')
    verdicts = await asyncio.gather(*(proofs.judge(one) for one in [good, bad] * 10))
    assert [verdict.exit_code for verdict in verdicts] == [VERIFIED, FAILED] * 10
