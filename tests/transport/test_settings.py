"""The limits of the way out, as values."""

from tallygate.transport.base import Timeouts
from tallygate.transport.settings import TransportSettings


def test_the_defaults_are_the_timeouts_own() -> None:
    assert TransportSettings().timeouts == Timeouts()


def test_each_limit_reaches_its_own_place() -> None:
    settings = TransportSettings(connect_ms=1, first_byte_ms=2, silence_ms=3, total_ms=4)
    assert settings.timeouts == Timeouts(connect_ms=1, first_byte_ms=2, silence_ms=3, total_ms=4)
