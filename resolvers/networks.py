"""What counts as one client where the requests of strangers are limited."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address

__all__ = ["network_of"]


def network_of(address: str) -> str:
    """An IPv4 address, or 64 bits of IPv6, which one customer holds."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        parsed = parsed.ipv4_mapped or IPv6Address(int(parsed) >> 64 << 64)
    return str(parsed)
