"""Base64 has one spelling here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.receipts import base64_text


@given(st.binary(max_size=80))
def test_what_is_written_is_read(data: bytes) -> None:
    assert base64_text.decode(base64_text.encode(data)) == data


@pytest.mark.parametrize("text", ["QQ", "QR==", "QQ==\n", " QQ==", "Q Q==", "QQ==QQ==", "-_-_", "ä", "=", "QQ="])
def test_other_spellings_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="base64"):
        base64_text.decode(text)
