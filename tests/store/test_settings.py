"""Heartbeats and leases that cannot work together are refused before a gateway runs with them."""

import pytest

from tallygate.store.settings import StoreSettings


def test_the_defaults_are_what_the_reference_says() -> None:
    assert StoreSettings() == StoreSettings(heartbeat_s=2, lease_s=15)


@pytest.mark.parametrize(("heartbeat_s", "lease_s"), [(2, 6), (5.1, 15), (60, 15)])
def test_a_lease_is_longer_than_three_heartbeats(heartbeat_s: float, lease_s: float) -> None:
    with pytest.raises(ValueError, match="too short"):
        StoreSettings(heartbeat_s=heartbeat_s, lease_s=lease_s)


def test_a_lease_just_longer_will_do() -> None:
    assert StoreSettings(heartbeat_s=2, lease_s=6.1).lease_s == 6.1
