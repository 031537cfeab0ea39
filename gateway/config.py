"""The configuration file: read, checked, understood as one frozen value.

Every mistake is a ConfigError that names file, line, key and what was expected. Secrets are never
in the file: they come from the key folder or the environment (`regions.keys`, `regions.engines`).
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, NoReturn

from gateway.addresses import Network
from gateway.settings import REGION, SETTINGS, Setting, contradictions
from regions.errors import ConfigError
from regions.ids import padded
from regions.settings import RegionSettings

__all__ = ["Config", "ConfigMissing", "load_config", "write_default"]

_Path = tuple[str | int, ...]  # of a value in the parsed file: ("region", 2, "code")


@dataclass(frozen=True, slots=True)
class Config:
    """What the configuration says. Paths are absolute, units as in `gateway.settings`."""

    file: Path
    data: Path
    keys: Path
    regions: tuple[RegionSettings, ...]
    host: str
    port: int
    workers: int
    trusted_proxies: tuple[Network, ...]
    proxy_header: str
    strangers_per_minute: int
    suite: str
    url: str
    deadline_ms: int
    page_default: int
    page_max: int
    depth_max: int
    tokens_max: int
    body_max_bytes: int
    records_max: int
    remember_mb: int
    statement_threads: int
    breaker_failures: int
    breaker_seconds: int
    keys_days: int
    export_approval_rows: int
    export_link_minutes: int
    emergency_minutes: int
    review_hours: int
    registration_days: int
    session_idle_minutes: int
    session_hours: int
    sign_in_attempts: int
    sign_in_lock_minutes: int
    token_minutes: int
    oidc_issuer: str
    oidc_client_id: str
    oidc_acr: tuple[str, ...]
    oidc_amr: tuple[str, ...]
    duplicate_candidates: int
    subscriptions_sockets: int
    subscriptions_each: int
    post_poll_seconds: int
    post_in_flight: int
    post_late_minutes: int
    post_keep_days: int
    assist_acknowledge_hours: int
    assist_control_hours: int
    assist_feedback_hours: int
    assist_escalate_hours: int
    signals_form_hours: int
    messages_poll_seconds: float
    messages_at: str
    messages_county: str
    messages_resend_hours: int
    messages_escalate_hours: tuple[int, ...]
    messages_escalate_statistical_hours: tuple[int, ...]
    messages_late_hours: int
    messages_lease_seconds: int
    messages_folder: str
    sms_url: str
    sms_format: str
    sms_body: str
    sms_headers: tuple[str, ...]
    sms_accepted: str
    sms_drops_repeats: bool
    sms_timeout_seconds: int
    email_host: str
    email_port: int
    email_security: str
    email_user: str
    email_sender: str
    email_drops_repeats: bool
    email_timeout_seconds: int
    webhook_url: str
    webhook_timeout_seconds: int
    detection_zone: str
    detection_night_at: str
    detection_absorb_days: int
    detection_history_from: str
    detection_clusters: bool
    detection_cluster_hours: int
    detection_night_seconds: int
    subscriptions_waiting: int
    subscriptions_waiting_most: int
    alarm_reveal_records: int
    alarm_reveal_minutes: int
    alarm_off_hours_records: int
    alarm_off_hours_from: int
    alarm_off_hours_to: int
    alarm_refusals: int
    alarm_refusal_minutes: int
    alarm_near_candidates: int
    log_origin: str
    log_heartbeat_seconds: int
    log_sides_seconds: int
    log_check_seconds: int
    log_keep_days: int
    log_others: tuple[str, ...]
    metrics_host: str
    metrics_port: int
    metrics_custody_minutes: int

    @property
    def sm(self) -> bool:
        """Whether private items are sealed with the SM suite."""
        return self.suite == "SM4-GCM"

    @property
    def public_url(self) -> str:
        """The gateway's own address as clients write it, without a slash at its end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.url or f"http://{host}:{self.port}"

    @property
    def central_store(self) -> Path:
        """The gateway's own store: accounts, sessions, grants."""
        return self.data / "gateway.db"

    @property
    def messages_path(self) -> Path | None:
        """The folder of the messages' files, where there is to be one."""
        return self.file.parent / self.messages_folder if self.messages_folder else None

    @property
    def log_store(self) -> Path:
        """The access log's store."""
        return self.data / "access-log.db"

    @property
    def log_other_paths(self) -> tuple[Path, ...]:
        """Logs of other gateways, or bundles of them, that can be read here."""
        return tuple(self.file.parent / one for one in self.log_others)

    @property
    def log_vkey(self) -> Path:
        """The public key of the access log, for whoever checks it."""
        return self.data / "access-log.vkey"


class ConfigMissing(ConfigError):
    """There is no configuration file of that name."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            "no such file", file=str(path), line=1, key="--config", expected="a configuration file"
        )
        self.hint = (
            "write one with `epigate config new` (eight regions, ready to run), or name yours with "
            "--config FILE"
        )

    def __str__(self) -> str:
        return f"there is no configuration {self.details['file']}"


def load_config(path: Path) -> Config:
    """Reads and checks a configuration file. Raises ConfigError."""
    return _Reader(path).config()


def write_default(path: Path) -> None:
    """Writes the shipped configuration of eight regions. Raises FileExistsError, OSError."""
    content = files("gateway").joinpath("default_config.toml").read_bytes()
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    with os.fdopen(handle, "wb") as file:
        file.write(content)


class _Reader:
    """One file while it is read: its text is kept to find the line of a mistake."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._text = path.read_text("utf-8")
        except FileNotFoundError:
            raise ConfigMissing(path) from None
        except OSError as error:
            reason = error.strerror or "cannot be read"
            self._fail_at(1, "--config", reason, "a configuration file that can be read")
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            self._fail_at(line, "(text)", "not UTF-8", "a text file in UTF-8")
        try:
            self._values = tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as error:
            self._fail_in_syntax(str(error))

    def config(self) -> Config:
        """The whole file, checked from top to bottom of the table of settings."""
        known = [setting.section for setting in SETTINGS]
        self._only_known((), self._values, [*known, "region"])
        flat: dict[str, Any] = {}
        for section in dict.fromkeys(known):
            values = self._values.get(section, {})
            if not isinstance(values, dict):
                self._fail((section,), "not a table", f"a table headed [{section}]")
            here = [setting for setting in SETTINGS if setting.section == section]
            self._only_known((section,), values, [setting.key for setting in here])
            for setting in here:
                flat[setting.attribute] = self._checked((section,), values, setting)
        if flat["page_default"] > flat["page_max"]:
            self._fail(
                ("questions", "page_default"), "longer than the longest page", "at most page_max"
            )
        for section, key, message, expected in contradictions(flat):
            self._fail((section, key), message, expected)
        base = self._path.resolve()
        data = base.parent / flat.pop("data")
        keys = base.parent / flat.pop("keys")
        regions = self._regions(data, flat["deadline_ms"], flat["detection_zone"])
        return Config(file=base, data=data, keys=keys, regions=regions, **flat)

    def _regions(self, data: Path, deadline_ms: int, zone: str) -> tuple[RegionSettings, ...]:
        tables = self._values.get("region", [])
        if not (isinstance(tables, list) and all(isinstance(table, dict) for table in tables)):
            self._fail(("region",), "not a list of tables", "tables headed [[region]]")
        if not tables:
            self._fail(("region",), "no region", "at least one table headed [[region]]")
        regions = tuple(
            self._region(number, table, data, deadline_ms, zone)
            for number, table in enumerate(tables)
        )
        for number in range(len(regions)):
            self._apart(number, regions)
        return regions

    def _region(
        self, number: int, table: dict[str, Any], data: Path, deadline_ms: int, zone: str
    ) -> RegionSettings:
        at: _Path = ("region", number)
        self._only_known(at, table, [setting.key for setting in REGION])
        found = {
            setting.key: self._checked(at, table, setting)
            for setting in REGION
            if setting.default is None or setting.key in table
        }
        code = padded(found["code"])
        url = found.get("url")
        return RegionSettings(
            code=code,
            name_zh=found["name"],
            name_en=found["name_en"],
            prefixes=found.get("prefixes", (found["code"],)),
            path=None if url else data / "regions" / f"{code}.db",
            url=url,
            deadline=found.get("deadline_ms", deadline_ms) / 1_000,
            zone=zone,
        )

    def _apart(self, number: int, regions: tuple[RegionSettings, ...]) -> None:
        """Refuses a region that shares its code, its store or some place with one before it."""
        region = regions[number]
        at: _Path = ("region", number)
        where = (*at, "prefixes" if "prefixes" in self._values["region"][number] else "code")
        for index, prefix in enumerate(region.prefixes):
            for other in region.prefixes[:index]:
                if _overlap(prefix, other):
                    self._fail(where, f"{prefix} and {other} overlap", "each place once")
        for other_region in regions[:number]:
            name = other_region.name_zh
            if region.code == other_region.code:
                self._fail((*at, "code"), f"{region.code} is {name} already", "a code of its own")
            if region.url and region.url == other_region.url:
                self._fail((*at, "url"), f"it is the store of {name} already", "a store of its own")
            for prefix in region.prefixes:
                for other in other_region.prefixes:
                    if _overlap(prefix, other):
                        self._fail(
                            where,
                            f"{prefix} overlaps with {other} of {name}",
                            "places that no other region has",
                        )

    def _checked(self, at: _Path, values: dict[str, Any], setting: Setting) -> Any:
        if setting.key not in values:
            if setting.default is None:
                self._fail(at, f"`{setting.key}` is missing", setting.check.expected)
            return setting.default
        try:
            return setting.check.parse(values[setting.key])
        except ValueError as error:
            self._fail((*at, setting.key), str(error), setting.check.expected)

    def _only_known(self, at: _Path, values: dict[str, Any], known: Iterable[str]) -> None:
        names = list(dict.fromkeys(known))
        for key in values:
            if key not in names:
                near = difflib.get_close_matches(key, names, n=1)
                what = "key" if at else "section"
                if near:
                    self._fail((*at, key), f"unknown {what}", f"`{near[0]}`, perhaps")
                self._fail((*at, key), f"unknown {what}", f"one of {', '.join(names)}")

    def _fail(self, at: _Path, message: str, expected: str) -> NoReturn:
        key = ".".join(str(part) for part in at if isinstance(part, str))
        self._fail_at(self._line(at), key, message, expected)

    def _fail_in_syntax(self, message: str) -> NoReturn:
        place = re.search(r"\(at line (\d+), column \d+\)", message)
        # "At end of document" is where an open bracket or quote was missed, not where it stands.
        line = int(place[1]) if place else self._statements()[-1][0]
        key = self._text.splitlines()[line - 1].partition("=")[0].strip() or "(line)"
        self._fail_at(line, key, message.partition(" (at ")[0], "TOML")

    def _fail_at(self, line: int, key: str, message: str, expected: str) -> NoReturn:
        raise ConfigError(message, file=str(self._path), line=line, key=key, expected=expected)

    def _line(self, at: _Path) -> int:
        """The line where a value, or else the table it is missing from, begins."""
        statements = self._statements()
        for length in range(len(at), 0, -1):
            for begins, values in statements:
                if _holds(values, at[:length]):
                    return begins
        return 1

    def _statements(self) -> list[tuple[int, dict[str, Any]]]:
        """The line where each statement begins, and all values up to its end.

        The standard parser gives no lines, so the file is parsed line by line longer. A statement
        over several lines begins after the last part that parsed; so does one that never ends,
        which comes last, without values.
        """
        lines = self._text.splitlines(keepends=True)
        statements: list[tuple[int, dict[str, Any]]] = []
        begins = 1
        for number in range(1, len(lines) + 1):
            try:
                values = tomllib.loads("".join(lines[:number]))
            except tomllib.TOMLDecodeError:
                continue
            statements.append((begins, values))
            begins = number + 1
        return [*statements, (min(begins, max(len(lines), 1)), {})]


def _holds(values: Any, at: _Path) -> bool:
    for part in at:
        if isinstance(part, int):
            if not isinstance(values, list) or part >= len(values):
                return False
        elif not isinstance(values, dict) or part not in values:
            return False
        values = values[part]
    return True


def _overlap(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)
