"""Requests and replies as the doors see them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.api.door import choose_request_id, decode_slot, header


@pytest.mark.parametrize("given_id", [b"a", b"trace-1.2_3", b"A" * 128])
def test_a_short_and_plain_request_id_is_kept(given_id: bytes) -> None:
    assert choose_request_id(given_id) == given_id.decode()


@pytest.mark.parametrize(
    "given_id", [b"", b"A" * 129, b"a b", b"a\r\nb", b"../x", b"host:80", b"\x1b]0;x", "ü".encode()]
)
def test_any_other_request_id_is_replaced(given_id: bytes) -> None:
    chosen = choose_request_id(given_id)
    assert chosen.startswith("req_")
    assert len(chosen) == 36


def test_request_ids_do_not_repeat() -> None:
    assert choose_request_id(None) != choose_request_id(None)


def test_the_first_header_of_a_name_is_taken() -> None:
    headers = ((b"a", b"1"), (b"b", b"2"), (b"a", b"3"))
    assert header(headers, b"a") == b"1"
    assert header(headers, b"c") is None


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("llama3%3A8b", "llama3:8b"),
        ("lab%2Fqwen", "lab/qwen"),
        ("lab/qwen", "lab/qwen"),
        ("%ff", None),
        ("a%0ab", None),
    ],
)
def test_a_piece_of_a_path_is_decoded_once(raw: str, text: str | None) -> None:
    assert decode_slot(raw) == text


@given(st.binary(max_size=200))
def test_no_bytes_of_a_client_ever_reach_a_header_line(value: bytes) -> None:
    assert choose_request_id(value).isascii()
