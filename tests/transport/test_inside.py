"""What may be fetched for a caller: hostile URLs, and addresses in every clothing."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.errors import UrlNotAllowed
from tallygate.transport.inside import URL_CHARACTERS_MAX, judge_address, read_link
from tallygate.transport.request import find_address

WEB = (80, 443)

HOSTILE = Path(__file__).with_name("hostile_urls.txt").read_text(encoding="ascii").split()
# Digits, full stops and letters that others take for those of ASCII, and what has no place in a URL at all.
ODD = [
    "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/",
    "http://good\u00ad.example/",
    "http://\uff11\uff12\uff17.0.0.1/",
    "http://good.example/\t",
    "http://good.example/\r\nhost: x",
    "http://good.example/\0",
    "http://good.example/a b",
    " http://good.example/",
    "http://good.example/é",
    "http://good.example/" + "a" * URL_CHARACTERS_MAX,
    "",
]


@pytest.mark.parametrize("url", [*HOSTILE, *ODD])
def test_what_nobody_may_have_fetched(url: str) -> None:
    with pytest.raises(UrlNotAllowed) as refused:
        read_link(url, WEB)
    assert "good.example" not in refused.value.message


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("https://good.example/a/b.pdf?x=1&y=%20#part", "https://good.example/a/b.pdf?x=1&y=%20"),
        ("HTTPS://good.example".replace("HTTPS", "https"), "https://good.example/"),
        ("https://GOOD.example:443/A", "https://good.example/A"),
        ("http://good.example?x=[1]", "http://good.example/?x=[1]"),
        ("http://8.8.8.8/", "http://8.8.8.8/"),
        ("http://[2606:4700::1111]/", "http://[2606:4700::1111]/"),
        ("http://[64:ff9b::808:808]/", "http://[64:ff9b::808:808]/"),
        ("https://xn--mnchen-3ya.example/", "https://xn--mnchen-3ya.example/"),
    ],
)
def test_what_may_be_fetched_is_sent_as_it_was_read(url: str, sent: str) -> None:
    assert read_link(url, WEB).url == sent


def test_a_place_that_is_allowed_is_called_whatever_it_is() -> None:
    assert read_link("http://127.0.0.1:9000/x", WEB, ("127.0.0.1:9000",)).place == "127.0.0.1:9000"
    for other in ("http://127.0.0.1:9001/x", "http://127.0.0.2:9000/x", "http://user@127.0.0.1:9000/"):
        with pytest.raises(UrlNotAllowed):
            read_link(other, WEB, ("127.0.0.1:9000",))


@given(
    st.text(alphabet="htps:/.@\\#?[]%0123456789abxn-~!$&'()*+,;= \t\u3002\uff0e", max_size=40).map("http://".__add__)
)
def test_whoever_takes_the_url_apart_again_finds_the_same_place(url: str) -> None:
    try:
        link = read_link(url, WEB)
    except UrlNotAllowed:
        return
    place = find_address(link.url).place
    parts = urlsplit(link.url)
    shown = f"[{place.host}]" if ":" in place.host else place.host
    assert link.place == f"{shown}:{place.port}"
    assert (parts.hostname, parts.username) == (place.host, None)


@given(st.ip_addresses(v=4))
def test_an_address_is_judged_alike_in_every_clothing(address: object) -> None:
    plain = judge_address(str(address))
    assert judge_address(f"::ffff:{address}") == plain
    assert judge_address(f"64:ff9b::{address}") == plain
    assert not judge_address(f"::{address}")


def test_what_is_no_address_is_no_public_one() -> None:
    with pytest.raises(ValueError, match="address"):
        judge_address("good.example")
