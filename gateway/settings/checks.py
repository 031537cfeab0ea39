"""What the value of a setting must be: checks, each with the sentence of its error."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from regions.areas import reference_areas
from resolvers.users import prefix_of

__all__ = [
    "CODE",
    "FOLDER",
    "HEADERS",
    "HOURS",
    "ISSUER",
    "NETWORKS",
    "ORIGIN",
    "PREFIXES",
    "TEXT",
    "TIME",
    "URL",
    "WEB_ADDRESS",
    "WORDS",
    "YES_OR_NO",
    "Check",
    "one_of",
    "whole",
]


@dataclass(frozen=True, slots=True)
class Check:
    """What a value must be. `expected` is the sentence of the error, `parse` returns the value.

    `parse` raises ValueError with what is wrong (never echoing a URL: it may hold a password).
    """

    expected: str
    parse: Callable[[Any], Any]


def whole(low: int, high: int) -> Check:
    """A whole number of a range, both ends included."""

    def parse(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError("not a whole number")
        if not low <= value <= high:
            raise ValueError(f"{value} is out of range")
        return value

    return Check(f"a whole number from {low:,} to {high:,}", parse)


def seconds(low: float, high: int) -> Check:
    """Seconds, whole or with a fraction, both ends included."""

    def parse(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError("not a number")
        if not low <= value <= high:
            raise ValueError(f"{value} is out of range")
        return value

    return Check(f"a number from {low:,} to {high:,}", parse)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("not text")
    if not value.strip():
        raise ValueError("empty")
    return value


def _origin(value: Any) -> str:
    text = _text(value)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9./-]{0,99}", text):
        raise ValueError("not a name of a log")
    return text


def _prefix(value: Any) -> str:
    """A GB/T 2260 prefix in its short form: `320100` and `3201` are both `3201`."""
    if not isinstance(value, str):
        raise ValueError('not text: codes stand in quotes, "3201"')
    if not (value.isascii() and value.isdigit() and len(value) in (2, 4, 6)):
        raise ValueError(f"{value!r} has not 2, 4 or 6 digits")
    prefix = prefix_of(value)
    if not prefix or not reference_areas().is_prefix(prefix):
        successor = reference_areas().successor(value)
        became = f"; it became {successor}" if successor else ""
        raise ValueError(f"{value} is no code of GB/T 2260{became}")
    return prefix


def _prefixes(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError("not a list of codes")
    return tuple(_prefix(item) for item in value)


def _url(value: Any) -> str:
    text = _text(value)
    try:
        url = make_url(text)
    except ArgumentError:
        raise ValueError("not a URL") from None
    if url.drivername != "postgresql":
        raise ValueError("not a URL of PostgreSQL")
    if url.password is not None:
        raise ValueError("it holds a password")
    if not url.database:
        raise ValueError("it names no database")
    return text


def _networks(value: Any) -> tuple[IPv4Network | IPv6Network, ...]:
    if not isinstance(value, list):
        raise ValueError("not a list")
    found = []
    for item in value:
        if not isinstance(item, str):
            raise ValueError('not text: networks stand in quotes, "10.0.0.0/8"')
        try:
            found.append(ip_network(item))
        except ValueError as error:
            raise ValueError(str(error)) from None
    return tuple(found)


def _web_address(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("not text")
    if not re.fullmatch(r"https?://([A-Za-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?", value):
        raise ValueError("not such an address")
    return value


def _issuer(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("not text")
    here = r"http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?"
    if not re.fullmatch(rf"(https://[^/?#\s@]+|{here})(/[^?#\s]*)?", value):
        raise ValueError("not such an address")
    return value


def _words(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        raise ValueError("not a list of texts")
    return tuple(value)


def _hours(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list):
        raise ValueError("not a list")
    each = whole(1, 720)
    found = tuple(each.parse(one) for one in value)
    if list(found) != sorted(set(found)):
        raise ValueError("not in rising order")
    if len(found) > 3:
        raise ValueError("there are three levels above a county")
    return found


def _headers(value: Any) -> tuple[str, ...]:
    for one in _words(value):
        if not re.fullmatch(r"[A-Za-z0-9-]{1,60}: [\x20-\x7e]{1,500}", one):
            raise ValueError("not a header")
        if one.partition(":")[0].lower() in _OWN_HEADERS:
            raise ValueError(f"{one.partition(':')[0]} goes with every request anyway")
    return tuple(value)


_OWN_HEADERS = ("idempotency-key", "content-type", "content-length", "host")


def _time(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", value):
        raise ValueError("not such a time")
    return value


def _yes_or_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("neither true nor false")
    return value


def one_of(*names: str) -> Check:
    """One of some words."""

    def parse(value: Any) -> str:
        if value not in names:
            raise ValueError(f"{value!r} is none of them")
        return str(value)

    return Check(f"one of {', '.join(names)}", parse)


TEXT = Check("text", _text)
ORIGIN = Check("letters, digits, dots, slashes and hyphens", _origin)
WEB_ADDRESS = Check("an address such as https://epigate.example.org", _web_address)
WORDS = Check('a list of texts, such as ["mfa"]', _words)
NETWORKS = Check('a list of networks, such as ["127.0.0.1/32", "10.0.0.0/8"]', _networks)
ISSUER = Check("an address with https (http on this machine)", _issuer)
FOLDER = Check("a folder, relative to this file", _text)
HOURS = Check("a list of at most three whole numbers in rising order, such as [4, 8]", _hours)
HEADERS = Check('a list of headers, such as ["Authorization: Bearer {token}"]', _headers)
TIME = Check('a time from "00:00" to "23:59"', _time)
YES_OR_NO = Check("true or false", _yes_or_no)
CODE = Check('a GB/T 2260 code of 2, 4 or 6 digits in quotes, such as "3201"', _prefix)
PREFIXES = Check('a list of GB/T 2260 codes, such as ["3201", "3211"]', _prefixes)
URL = Check(
    "`postgresql://user@host:port/database` without a password "
    "(that stands in `EPIGATE_PASSWORD_<code>` or a passfile)",
    _url,
)
