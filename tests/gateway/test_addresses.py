from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.addresses import Addresses

PROXIES = [ip_network("10.0.0.0/8"), ip_network("2001:db8:ffff::/48")]
X = Addresses(PROXIES, "x-forwarded-for")
FORWARDED = Addresses(PROXIES, "forwarded")


@pytest.mark.parametrize(
    ("peer", "values", "found"),
    [
        ("192.0.2.1", ["203.0.113.9"], "192.0.2.1"),  # no proxy of ours: whatever it claims
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["198.51.100.7, 203.0.113.9"], "203.0.113.9"),  # its client's own claim
        ("10.0.0.1", ["203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        ("10.0.0.1", ["203.0.113.9", "10.0.0.2 , 10.0.0.3"], "203.0.113.9"),
        ("10.0.0.1", ["10.0.0.9"], "10.0.0.9"),
        ("10.0.0.1", ["203.0.113.9, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9,"], "203.0.113.9"),  # an empty element of a list is none
        ("10.0.0.1", ["203.0.113.9, 999.1.1.1"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9:4711"], "203.0.113.9"),
        ("10.0.0.1", ["[2001:db8::7]:4711"], "2001:db8::7"),
        ("10.0.0.1", ["2001:db8::7"], "2001:db8::7"),
        ("2001:db8:ffff::1", ["203.0.113.9"], "203.0.113.9"),
        ("::ffff:10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["\xff\xfe"], "10.0.0.1"),
    ],
)
def test_x_forwarded_for(peer: str, values: list[str], found: str) -> None:
    assert X.of(peer, [value.encode("latin-1") for value in values]) == found


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (["for=203.0.113.9"], "203.0.113.9"),
        (['for=198.51.100.7, For="203.0.113.9:80";proto=https;by=10.0.0.1'], "203.0.113.9"),
        (['proto=https;for="[2001:db8::7]:4711", for=10.0.0.4'], "2001:db8::7"),
        (["for=203.0.113.9, for=_hidden"], "10.0.0.1"),
        (["for=203.0.113.9, proto=https"], "10.0.0.1"),
        (['for="203.0.113.9, for=10.0.0.2'], "10.0.0.1"),
        (["203.0.113.9"], "10.0.0.1"),
    ],
)
def test_forwarded(values: list[str], found: str) -> None:
    assert FORWARDED.of("10.0.0.1", [value.encode() for value in values]) == found


def test_without_trusted_proxies_no_header_counts() -> None:
    scope: dict[str, Any] = {
        "client": ("10.0.0.1", 4),
        "headers": [(b"x-forwarded-for", b"203.0.113.9"), (b"forwarded", b"for=203.0.113.9")],
    }
    Addresses([], "x-forwarded-for").settle(scope)
    assert scope["client"] == ("10.0.0.1", 4)
    FORWARDED.settle(scope)
    assert scope["client"] == ("203.0.113.9", 0)


@given(st.lists(st.binary(max_size=40), max_size=4))
def test_whatever_a_client_sends_it_is_an_address(values: list[bytes]) -> None:
    for one in (X, FORWARDED):
        assert one.of("192.0.2.1", values) == "192.0.2.1"
        one.of("10.0.0.1", values)


@given(st.lists(st.ip_addresses().map(str), max_size=4))
def test_what_a_client_claims_never_counts(claimed: list[str]) -> None:
    """The proxy appends the address it sees; what stood there before is the client's word."""
    value = ", ".join([*claimed, "203.0.113.9"]).encode()
    assert X.of("10.0.0.1", [value]) == "203.0.113.9"
