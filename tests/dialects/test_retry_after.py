"""A provider's Retry-After, however it is written."""

import pytest

from tallygate.dialects.retry_after import read_retry_after


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("0", 1),
        ("-1", 1),
        ("1", 1),
        (" 7 ", 7),
        ("0.2", 1),
        ("7.0", 7),
        ("59.5", 60),
        ("61", 60),
        ("9" * 4_000, 60),
        ("Wed, 21 Oct 2015 07:28:00 GMT", None),
        ("soon", None),
        ("1e3", None),
        ("nan", None),
        ("inf", None),
        ("\u0663", None),
        ("7, 8", None),
    ],
)
def test_seconds_are_clamped_and_the_rest_says_nothing(value: str | None, seconds: int | None) -> None:
    assert read_retry_after(value) == seconds
