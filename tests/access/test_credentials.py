"""Where a credential may stand in a request, and what is refused before anybody looks at it."""

import pytest

from tallygate.access.credentials import CREDENTIAL_BYTES_MAX, read_credential
from tallygate.errors import AmbiguousCredentials, HeaderTooLarge, InvalidApiKey

Headers = list[tuple[bytes, bytes]]

A, B = b"lx-k_aaaa", b"lx-k_bbbb"


def read(headers: Headers, query: bytes = b"", *, query_key: bool = False) -> str | None:
    credential = read_credential([(b"host", b"x"), *headers], query, query_key=query_key)
    return None if credential is None else credential.reveal()


@pytest.mark.parametrize(
    "headers",
    [
        [(b"authorization", b"Bearer " + A)],
        [(b"authorization", b"bearer " + A)],
        [(b"authorization", b"BEARER   " + A + b" \t")],
        [(b"x-api-key", A)],
        [(b"x-goog-api-key", b" " + A)],
        [(b"x-api-key", A), (b"x-goog-api-key", A), (b"authorization", b"Bearer " + A)],
        [(b"x-api-key", A), (b"x-api-key", A)],
        [(b"x-api-key", A), (b"authorization", b"Bearer ")],
        [(b"x-api-key", b""), (b"authorization", b"Bearer " + A)],
    ],
)
def test_every_accepted_place(headers: Headers) -> None:
    assert read(headers) == A.decode()


def test_the_query_counts_only_on_geminis_paths() -> None:
    query = b"alt=sse&key=" + A.replace(b"_", b"%5F")
    assert read([], query, query_key=True) == A.decode()
    assert read([], query) is None
    assert read([], b"api_key=" + A, query_key=True) is None
    assert read([(b"x-goog-api-key", A)], query, query_key=True) == A.decode()
    assert read([(b"x-goog-api-key", B)], query) == B.decode()


@pytest.mark.parametrize("value", [b"", b"Bearer", b"Bearer ", b"Bearer   \t", b"Bearer \t"])
def test_an_empty_credential_is_none(value: bytes) -> None:
    assert read([(b"authorization", value), (b"x-api-key", b" ")]) is None


def test_no_credential_is_none() -> None:
    assert read([]) is None


@pytest.mark.parametrize("value", [b"Basic YTpi", b"Token " + A, A, b"Bearer\t" + A, b"Bearer:" + A, b"\xff\xfe"])
def test_another_scheme_is_no_credential_of_ours(value: bytes) -> None:
    with pytest.raises(InvalidApiKey, match="Bearer"):
        read([(b"authorization", value)])


@pytest.mark.parametrize(
    "headers",
    [
        [(b"authorization", b"Bearer " + A), (b"x-api-key", B)],
        [(b"authorization", b"Basic YTpi"), (b"x-api-key", A)],
        [(b"authorization", b"Bearer " + A), (b"authorization", b"Bearer " + A)],
        [(b"authorization", b""), (b"authorization", b"Bearer " + A)],
        [(b"authorization", b"Bearer " + A + b", Bearer " + B)],
        [(b"authorization", b"Bearer " + A + b"," + A)],
        [(b"x-api-key", A), (b"x-api-key", B)],
        [(b"x-api-key", A + b"," + B)],
        [(b"x-api-key", A), (b"x-goog-api-key", B)],
    ],
)
def test_two_credentials_are_refused(headers: Headers) -> None:
    with pytest.raises(AmbiguousCredentials):
        read(headers)


@pytest.mark.parametrize(
    ("headers", "query"),
    [([(b"x-api-key", A)], b"key=" + B), ([], b"key=" + A + b"&key=" + B), ([], b"key=" + A + b"%2C" + B)],
)
def test_two_credentials_are_refused_in_the_query_too(headers: Headers, query: bytes) -> None:
    with pytest.raises(AmbiguousCredentials):
        read(headers, query, query_key=True)


@pytest.mark.parametrize("name", [b"authorization", b"x-api-key", b"x-goog-api-key"])
def test_a_credential_has_a_size(name: bytes) -> None:
    start = b"Bearer " if name == b"authorization" else b""
    longest = start.ljust(CREDENTIAL_BYTES_MAX, b"a")
    assert read([(name, longest)]) == longest.removeprefix(start).decode()
    for length in (1, 1_000_000):
        with pytest.raises(HeaderTooLarge):
            read([(name, longest + b"a" * length)])


def test_bytes_that_are_no_text_do_no_harm() -> None:
    assert read([(b"x-api-key", b"\xff\x00\r\n-\xc3\xa9")]) == "\xff\x00\r\n-\xc3\xa9"
