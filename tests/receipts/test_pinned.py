"""What is pinned: a key set as it was published, or one key by hand, and nothing that only looks like one."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.receipts.pinned import PINNED_BYTES_MAX, BadKeySet, pin_key, read_pinned
from tests.receipts.making import LOG, SIGNER, pin


def test_a_published_set_is_read_in_any_spelling() -> None:
    published = msgspec.json.encode(pin())
    assert read_pinned(published) == pin()
    assert read_pinned(msgspec.json.format(published, indent=2)) == pin()


def test_a_key_given_by_hand_names_its_log() -> None:
    pinned = pin_key(SIGNER.verifier.vkey)
    assert ([log.origin for log in pinned.logs], pinned.issuer) == ([LOG], "")
    assert pinned.logs[0].keys[0].vkey == SIGNER.verifier.vkey


@pytest.mark.parametrize("vkey", ["", "log", f"{LOG}+00000000+AQAA", SIGNER.verifier.vkey + "A"])
def test_what_is_no_key_is_refused(vkey: str) -> None:
    with pytest.raises(BadKeySet):
        pin_key(vkey)
    with pytest.raises(BadKeySet):
        read_pinned(msgspec.json.encode(pin(vkey=vkey)))


@pytest.mark.parametrize("data", [b"", b"{}", b"[" * 100_000, b"\xff", b" " * (PINNED_BYTES_MAX + 1)])
def test_what_is_no_set_is_refused(data: bytes) -> None:
    with pytest.raises(BadKeySet):
        read_pinned(data)


def test_a_purpose_that_is_not_known_is_refused() -> None:
    with pytest.raises(BadKeySet):
        read_pinned(msgspec.json.encode(pin(purpose="everything")))


def test_a_key_under_another_log_than_it_names_is_refused() -> None:
    with pytest.raises(BadKeySet, match="origin"):
        read_pinned(msgspec.json.encode(pin(origin="other.example")))


@given(st.data())
def test_a_spoilt_set_is_read_or_refused(data: st.DataObject) -> None:
    published = bytearray(msgspec.json.encode(pin()))
    for _ in range(data.draw(st.integers(1, 4))):
        published[data.draw(st.integers(0, len(published) - 1))] = data.draw(st.integers(0, 255))
    try:
        read_pinned(bytes(published))
    except BadKeySet:
        return
