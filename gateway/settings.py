"""Every setting of the configuration file, as data: name, default, unit, help and check.

`gateway.config` reads the file by these tables, `epigate config table` prints them for the manual,
and a test holds tables, manual and `Config` together.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from gateway.addresses import HEADERS
from regions.areas import reference_areas
from resolvers.users import prefix_of

__all__ = ["REGION", "SETTINGS", "Check", "Setting", "settings_table"]


@dataclass(frozen=True, slots=True)
class Check:
    """What a value must be. `expected` is the sentence of the error, `parse` returns the value.

    `parse` raises ValueError with what is wrong (never echoing a URL: it may hold a password).
    """

    expected: str
    parse: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of the file. A default of None means it must be given or is worked out otherwise."""

    section: str
    key: str
    attribute: str  # of gateway.config.Config, or of RegionSettings
    default: Any
    unit: str
    help: str
    check: Check


def _whole(low: int, high: int) -> Check:
    def parse(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError("not a whole number")
        if not low <= value <= high:
            raise ValueError(f"{value} is out of range")
        return value

    return Check(f"a whole number from {low:,} to {high:,}", parse)


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


def _one_of(*names: str) -> Check:
    def parse(value: Any) -> str:
        if value not in names:
            raise ValueError(f"{value!r} is none of them")
        return str(value)

    return Check(f"one of {', '.join(names)}", parse)


_TEXT = Check("text", _text)
_ORIGIN = Check("letters, digits, dots, slashes and hyphens", _origin)
_WEB_ADDRESS = Check("an address such as https://epigate.example.org", _web_address)
_WORDS = Check('a list of texts, such as ["mfa"]', _words)
_NETWORKS = Check('a list of networks, such as ["127.0.0.1/32", "10.0.0.0/8"]', _networks)
_FOLDER = Check("a folder, relative to this file", _text)
_CODE = Check('a GB/T 2260 code of 2, 4 or 6 digits in quotes, such as "3201"', _prefix)
_PREFIXES = Check('a list of GB/T 2260 codes, such as ["3201", "3211"]', _prefixes)
_URL = Check(
    "`postgresql://user@host:port/database` without a password "
    "(that stands in `EPIGATE_PASSWORD_<code>` or a passfile)",
    _url,
)

SETTINGS: tuple[Setting, ...] = (
    Setting("gateway", "host", "host", "127.0.0.1", "", "Address to listen on.", _TEXT),
    Setting("gateway", "port", "port", 8000, "", "Port to listen on.", _whole(1, 65_535)),
    Setting(
        "gateway",
        "workers",
        "workers",
        0,
        "processes",
        "Worker processes, each on a core of its own; 0 is one per core.",
        _whole(0, 1_024),
    ),
    Setting("gateway", "data", "data", "data", "", "Folder of the SQLite stores.", _FOLDER),
    Setting("gateway", "keys", "keys", "keys", "", "Folder of the secret keys.", _FOLDER),
    Setting(
        "gateway",
        "trusted_proxies",
        "trusted_proxies",
        (),
        "",
        "Networks of your own reverse proxies: of a connection from there, and no other, the "
        "client's address is taken from `proxy_header`.",
        _NETWORKS,
    ),
    Setting(
        "gateway",
        "proxy_header",
        "proxy_header",
        "x-forwarded-for",
        "",
        "The header in which those proxies tell the client's address.",
        _one_of(*HEADERS),
    ),
    Setting(
        "gateway",
        "url",
        "url",
        "",
        "",
        "The gateway's own address as its clients write it, where that is another than `http://`, "
        "`host` and `port`: behind a proxy, say. Passkeys, other providers and machine clients are "
        "bound to it.",
        _WEB_ADDRESS,
    ),
    Setting(
        "gateway",
        "strangers_per_minute",
        "strangers_per_minute",
        600,
        "requests",
        "Requests without a session that a worker takes from one network address each minute.",
        _whole(1, 1_000_000),
    ),
    Setting(
        "sealing",
        "suite",
        "suite",
        "AES-256-GCM",
        "",
        "What private items are sealed with from now on; what was sealed before stays readable. "
        "With SM4-GCM the next index key is one of HMAC-SM3.",
        _one_of("AES-256-GCM", "SM4-GCM"),
    ),
    Setting(
        "questions",
        "deadline_ms",
        "deadline_ms",
        2_000,
        "ms",
        "How long a question waits for a region before it answers without it.",
        _whole(1, 600_000),
    ),
    Setting(
        "questions",
        "page_default",
        "page_default",
        20,
        "records",
        "Records of a page where `first` is not given.",
        _whole(1, 10_000),
    ),
    Setting(
        "questions",
        "page_max",
        "page_max",
        1_000,
        "records",
        "The longest page.",
        _whole(1, 10_000),
    ),
    Setting(
        "questions",
        "depth_max",
        "depth_max",
        16,
        "levels",
        "How deep the selections of a document may nest.",
        _whole(1, 100),
    ),
    Setting(
        "questions",
        "tokens_max",
        "tokens_max",
        4_000,
        "tokens",
        "How long a document may be.",
        _whole(10, 1_000_000),
    ),
    Setting(
        "questions",
        "body_max_bytes",
        "body_max_bytes",
        4_194_304,
        "bytes",
        "How large the body of a request may be; 1,000 contacts need about 1 MB.",
        _whole(1_024, 1_073_741_824),
    ),
    Setting(
        "questions",
        "records_max",
        "records_max",
        100_000,
        "records",
        "Records that one answer may hold, relations included.",
        _whole(1, 10_000_000),
    ),
    Setting(
        "questions",
        "remember_mb",
        "remember_mb",
        32,
        "MB",
        "Memory of each worker for answers that are kept to be given again while no store changed; "
        "those with clear values are kept sealed under a key of the process. 0 for none.",
        _whole(0, 65_536),
    ),
    Setting(
        "stores",
        "statement_threads",
        "statement_threads",
        2,
        "threads",
        "Statements that run at once in one region's store, for each worker.",
        _whole(1, 64),
    ),
    Setting(
        "stores",
        "breaker_failures",
        "breaker_failures",
        5,
        "failures",
        "Failures in a row after which a region is not asked for a while.",
        _whole(1, 1_000),
    ),
    Setting(
        "stores",
        "breaker_seconds",
        "breaker_seconds",
        10,
        "s",
        "How long a region that failed so is not asked.",
        _whole(1, 3_600),
    ),
    Setting(
        "exports",
        "approval_rows",
        "export_approval_rows",
        1_000,
        "records",
        "Exports of an account within a day that have more in all need approval; 0: every export.",
        _whole(0, 1_000_000_000),
    ),
    Setting(
        "exports",
        "link_minutes",
        "export_link_minutes",
        60,
        "min",
        "How long the link of an export serves after it was asked for or approved.",
        _whole(1, 10_080),
    ),
    Setting(
        "privacy",
        "emergency_minutes",
        "emergency_minutes",
        240,
        "min",
        "The longest emergency access.",
        _whole(1, 240),
    ),
    Setting(
        "privacy",
        "review_hours",
        "review_hours",
        24,
        "h",
        "Within this time an emergency access is reviewed, or its account is suspended.",
        _whole(1, 24),
    ),
    Setting(
        "sessions",
        "idle_minutes",
        "session_idle_minutes",
        30,
        "min",
        "A session without a request for so long ends.",
        _whole(1, 1_440),
    ),
    Setting(
        "sessions",
        "hours",
        "session_hours",
        12,
        "h",
        "The longest session.",
        _whole(1, 168),
    ),
    Setting(
        "sign_in",
        "attempts",
        "sign_in_attempts",
        5,
        "attempts",
        "Wrong passwords in a row after which an account is locked for a while.",
        _whole(1, 100),
    ),
    Setting(
        "sign_in",
        "lock_minutes",
        "sign_in_lock_minutes",
        15,
        "min",
        "How long it is locked.",
        _whole(1, 1_440),
    ),
    Setting(
        "questions",
        "duplicate_candidates",
        "duplicate_candidates",
        200,
        "candidates",
        "Different candidates of an account's duplicate checks within an hour.",
        _whole(1, 1_000_000),
    ),
    Setting(
        "subscriptions",
        "sockets",
        "subscriptions_sockets",
        5,
        "connections",
        "Open connections of an account for subscriptions, at each worker.",
        _whole(1, 1_000),
    ),
    Setting(
        "subscriptions",
        "each",
        "subscriptions_each",
        10,
        "subscriptions",
        "Subscriptions on one connection.",
        _whole(1, 1_000),
    ),
    Setting(
        "alarms",
        "reveal_records",
        "alarm_reveal_records",
        500,
        "records",
        "Records of which one account sees private items in clear within `reveal_minutes`, from "
        "which on there is an alarm.",
        _whole(1, 10_000_000),
    ),
    Setting(
        "alarms",
        "reveal_minutes",
        "alarm_reveal_minutes",
        60,
        "min",
        "Within what time they count.",
        _whole(1, 1_440),
    ),
    Setting(
        "alarms",
        "off_hours_records",
        "alarm_off_hours_records",
        50,
        "records",
        "The same for one night.",
        _whole(1, 10_000_000),
    ),
    Setting(
        "alarms",
        "off_hours_from",
        "alarm_off_hours_from",
        20,
        "o'clock",
        "When the night begins, Beijing time.",
        _whole(0, 24),
    ),
    Setting(
        "alarms",
        "off_hours_to",
        "alarm_off_hours_to",
        7,
        "o'clock",
        "When it ends.",
        _whole(0, 24),
    ),
    Setting(
        "alarms",
        "refusals",
        "alarm_refusals",
        30,
        "refusals",
        "Refused questions of an account or address within `refusal_minutes`, from which on there "
        "is an alarm.",
        _whole(1, 1_000_000),
    ),
    Setting(
        "alarms",
        "refusal_minutes",
        "alarm_refusal_minutes",
        10,
        "min",
        "Within what time they count.",
        _whole(1, 1_440),
    ),
    Setting(
        "alarms",
        "near_candidates",
        "alarm_near_candidates",
        10,
        "candidates",
        "Candidates of an account's duplicate checks within an hour that differ in their last "
        "digits only, from which on there is an alarm.",
        _whole(2, 1_000_000),
    ),
    Setting(
        "access_log",
        "origin",
        "log_origin",
        "",
        "",
        "Name of this gateway's log in its checkpoints; without one it is made of the first region "
        "and a random number, once.",
        _ORIGIN,
    ),
    Setting(
        "clients",
        "token_minutes",
        "token_minutes",
        15,
        "min",
        "How long a machine client's token is good.",
        _whole(1, 720),
    ),
    Setting(
        "access_log",
        "heartbeat_seconds",
        "log_heartbeat_seconds",
        60,
        "s",
        "An entry is written at least so often, so that silence shows.",
        _whole(1, 86_400),
    ),
    Setting(
        "access_log",
        "sides_seconds",
        "log_sides_seconds",
        30,
        "s",
        "How often the regions get the entries that concern them, and witness the log.",
        _whole(1, 86_400),
    ),
    Setting(
        "access_log",
        "keep_days",
        "log_keep_days",
        1_095,
        "days",
        "Entries younger than this are not removed by `epigate access-log prune`.",
        _whole(180, 36_500),
    ),
    Setting(
        "oidc",
        "issuer",
        "oidc_issuer",
        "",
        "",
        "The OpenID Connect provider that may say who somebody is, as it names itself.",
        Check("an address with https (http on this machine)", _issuer),
    ),
    Setting(
        "oidc",
        "client_id",
        "oidc_client_id",
        "epigate",
        "",
        "What the provider calls this gateway; its secret is `EPIGATE_OIDC_SECRET`.",
        _TEXT,
    ),
    Setting(
        "oidc",
        "acr",
        "oidc_acr",
        (),
        "",
        "Values of its `acr` that stand for two factors; it is asked for them.",
        _WORDS,
    ),
    Setting(
        "oidc",
        "amr",
        "oidc_amr",
        ("mfa",),
        "",
        "Values of its `amr` that stand for two factors.",
        _WORDS,
    ),
)

REGION: tuple[Setting, ...] = (
    Setting(
        "region",
        "code",
        "code",
        None,
        "",
        "GB/T 2260 code that names the region; never change it, ids are made of it.",
        _CODE,
    ),
    Setting("region", "name", "name_zh", None, "", "Chinese name.", _TEXT),
    Setting("region", "name_en", "name_en", None, "", "English name.", _TEXT),
    Setting(
        "region",
        "prefixes",
        "prefixes",
        "the code",
        "",
        "The codes it is responsible for, where they are others than its own.",
        _PREFIXES,
    ),
    Setting(
        "region",
        "url",
        "url",
        "an SQLite file in the data folder",
        "",
        "Its store, where that is PostgreSQL.",
        _URL,
    ),
    Setting(
        "region",
        "deadline_ms",
        "deadline",
        "`deadline_ms` of `[questions]`",
        "ms",
        "How long a question waits for this region.",
        _whole(1, 600_000),
    ),
)


def settings_table() -> str:
    """The manual's table of settings, as Markdown."""
    lines = [
        "| section | key | default | unit | meaning | expected |",
        "|---|---|---|---|---|---|",
    ]
    for setting in (*SETTINGS, *REGION):
        section = f"`[[{setting.section}]]`" if setting in REGION else f"`[{setting.section}]`"
        lines.append(
            f"| {section} | `{setting.key}` | {_default(setting)} | {setting.unit} "
            f"| {setting.help} | {setting.check.expected} |"
        )
    return "\n".join(lines) + "\n"


def _default(setting: Setting) -> str:
    if setting.default is None:
        return "(required)"
    if isinstance(setting.default, tuple):
        return f"`[{', '.join(f'{chr(34)}{one}{chr(34)}' for one in setting.default)}]`"
    if setting.default == "":
        return "(none)"
    return str(setting.default) if setting in REGION else f"`{setting.default}`"
