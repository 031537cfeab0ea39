"""The network address of a client: the connection's, or behind our own proxies what they tell.

A header can claim anything, so it counts only on a connection from a trusted proxy, and of its list
only the part that trusted proxies wrote: read from the right, the first address that is none of
ours is the client's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, MutableMapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

__all__ = ["HEADERS", "Addresses", "Network"]

Network = IPv4Network | IPv6Network

HEADERS = ("x-forwarded-for", "forwarded")
"""X-Forwarded-For, and Forwarded of RFC 7239."""

_FOR = re.compile(r'(?:^|;)\s*for\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)', re.IGNORECASE)
_PORT = re.compile(r"(?:\[(?P<six>[^\]]*)\]|(?P<four>[0-9.]+))(?::[0-9]{1,5})?")


class Addresses:
    """Finds clients' addresses. `trusted` are the proxies' networks, `header` what they write."""

    def __init__(self, trusted: Sequence[Network], header: str) -> None:
        self._trusted, self._header = tuple(trusted), header.encode()

    def settle(self, scope: MutableMapping[str, Any]) -> None:
        """Puts the client's address into an ASGI scope, where a trusted proxy tells another."""
        if not self._trusted or not scope.get("client"):
            return
        peer = scope["client"][0]
        found = self.of(peer, [value for name, value in scope["headers"] if name == self._header])
        if found != peer:
            scope["client"] = (found, 0)

    def of(self, peer: str, values: Sequence[bytes]) -> str:
        """The client's address, by the connection's and the header's values in their order."""
        last = peer
        entries = self._entries(values)
        while self._is_ours(last):
            told = next(entries, None)
            if told is None:
                break
            address = _parsed(told)
            if address is None:  # `unknown`, a name, nonsense: nothing to its left counts
                break
            last = str(address)
        return last

    def _entries(self, values: Sequence[bytes]) -> Iterator[str]:
        """The addresses of a list over all its headers, the last first."""
        for value in reversed(values):
            for part in reversed(_split(value.decode("latin-1"))):
                if self._header == b"forwarded":
                    found = _FOR.search(part)
                    yield found[1].strip().strip('"') if found else ""
                else:
                    yield part.strip()

    def _is_ours(self, address: str) -> bool:
        parsed = _parsed(address)
        return parsed is not None and any(parsed in network for network in self._trusted)


def _split(value: str) -> list[str]:
    """The parts between commas, those in quotes left whole."""
    return re.findall(r'(?:[^,"]|"(?:[^"\\]|\\.)*"?)+', value)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    """An address, perhaps in brackets or with a port."""
    found = _PORT.fullmatch(text)
    try:
        address = ip_address((found["six"] or found["four"]) if found else text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
