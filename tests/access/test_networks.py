"""Networks: one spelling for each, IPv4 in the dress of IPv6, and which lie in which."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.access.networks import NETWORKS_MAX, check_networks, contains, is_within, read_networks
from tallygate.errors import InvalidValue


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("192.0.2.1", "192.0.2.1/32"),
        (" 192.0.2.0/24 ", "192.0.2.0/24"),
        ("2001:DB8::/32", "2001:db8::/32"),
        ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
        ("::ffff:192.0.2.7", "192.0.2.7/32"),
        ("::/0", "::/0"),
    ],
)
def test_a_network_has_one_spelling(text: str, kept: str) -> None:
    assert check_networks([text]) == {kept}


@pytest.mark.parametrize(
    "text", ["", "x", "300.0.0.0/8", "192.0.2.1/24", "192.0.2.0/33", "1.2.3", "fe80::1%eth0/64 ", "fe80::1%eth0"]
)
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue, match="network"):
        check_networks([text])


def test_a_list_has_an_entry_and_not_too_many() -> None:
    for texts in ([], ["192.0.2.1"] * (NETWORKS_MAX + 1)):
        with pytest.raises(InvalidValue, match="1 to 100"):
            check_networks(texts)


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("192.0.2.9", True),
        ("::ffff:192.0.2.9", True),
        ("192.0.3.9", False),
        ("2001:db8::9", True),
        ("2001:db9::9", False),
        ("fe80::1%eth0", False),
        ("", False),
        ("unknown", False),
        ("192.0.2.9:80", False),
    ],
)
def test_an_address_lies_in_a_list_or_not(address: str, found: bool) -> None:
    assert is_within(address, read_networks(("192.0.2.0/24", "2001:db8::/32"))) == found


def test_two_halves_hold_what_the_whole_holds() -> None:
    assert contains(["192.0.2.0/25", "192.0.2.128/25"], ["192.0.2.0/24"])
    assert contains(["::/0", "0.0.0.0/0"], ["192.0.2.1/32", "2001:db8::/32"])
    assert not contains(["::/0"], ["192.0.2.1/32"])
    assert not contains(["192.0.2.0/25"], ["192.0.2.0/24"])
    assert not contains([], ["192.0.2.1/32"])


blocks = st.builds(
    lambda bits, length: str(ipaddress.ip_network((bits, length), strict=False)),
    st.integers(0, 2**32 - 1),
    st.integers(0, 32),
)


@given(st.lists(blocks, min_size=1, max_size=5), st.lists(blocks, min_size=1, max_size=5))
def test_what_is_contained_holds_no_address_that_its_container_does_not(outer: list[str], inner: list[str]) -> None:
    ends = [str(end) for text in inner for end in (ipaddress.ip_network(text)[0], ipaddress.ip_network(text)[-1])]
    if contains(outer, inner):
        assert all(is_within(end, read_networks(tuple(outer))) for end in ends)
    assert contains(outer, outer)
