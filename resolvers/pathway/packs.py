"""Rule packs: a plan of control measures as data, from `packs/*.toml` (B10).

A pack says how long each step may take and how many days it lasts. Which of them holds at a place
on a day is a function of the packs alone: a higher issuer overrides a lower one, of the same rank
the later document overrides the earlier (N113, last clause).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, NoReturn

from regions.errors import ConfigError

__all__ = ["Carrier", "Hours", "Isolation", "RulePack", "holding", "packs", "read_pack"]


_ORIGINS = ("effective_on", "hours", "carrier", "close", "secondary")
_LISTS = {"revisit_weeks": ("weeks", 52), "central_tests": ("days", 60), "home_tests": ("days", 60)}


@dataclass(frozen=True, slots=True)
class Hours:
    """What a step may take, in hours from the event that begins it."""

    expert_review: int
    direct_report: int
    investigation: int
    admission: int
    discharge_date: int
    positive_again: int
    card_correction: int
    arrival_test: int


@dataclass(frozen=True, slots=True)
class Carrier:
    """The days of an asymptomatic carrier. The day of admission is day 1. `test_gap_hours` lie at
    least between the two tests, `dual_site_hours` between the second test and the two swabs, of
    which there are none where it is 0. Antibodies are tested by `antibody_day`, 0 for never.
    Revisits are weeks after release from hospital.
    """

    observation_days: int
    first_test_day: int
    second_test_day: int
    test_gap_hours: int
    dual_site_hours: int
    antibody_day: int
    central_days: int
    home_days: int
    revisit_weeks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Isolation:
    """The days of a contact: first in a central place, then at home; 0 leaves a part out. Tests
    are on days of the part they stand with.
    """

    central_days: int
    home_days: int
    central_tests: tuple[int, ...]
    home_tests: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RulePack:
    """A plan of control measures. `issuer_rank`: 1 nation, 2 province, 3 city, 4 county; `area`
    is how the codes it holds for begin, empty for the country; `disease` whose cases and contacts
    it is for. `origins` says of the day it holds from and of each part where its values come from,
    `unverified` of which of these nobody has compared the values with the document.
    """

    id: str
    name_zh: str
    name_en: str
    effective_on: date
    issuer_rank: int
    area: str
    disease: str
    source: str
    unverified: tuple[str, ...]
    hours: Hours
    carrier: Carrier
    close: Isolation
    secondary: Isolation
    origins: Mapping[str, str]

    def doubtful(self, level: str) -> tuple[str, ...]:
        """The unverified parts on which the days of a case, or of a contact of a level, rest."""
        rests_on = {"CASE": ("hours", "carrier"), "CLOSE": ("close",), "SECONDARY": ("secondary",)}
        return tuple(one for one in rests_on.get(level, ()) if one in self.unverified)

    def isolation(self, level: str) -> Isolation | None:
        """The days of a contact of this level; None where the pack isolates nobody of it."""
        return {"CLOSE": self.close, "SECONDARY": self.secondary}.get(level)


def holding(known: Iterable[RulePack], code: str, day: date) -> RulePack | None:
    """The pack that holds in a county (six digits) on a day; None before the first."""
    in_force = [one for one in known if one.effective_on <= day and code.startswith(one.area)]
    return max(in_force, key=lambda one: (-one.issuer_rank, one.effective_on, one.id), default=None)


@cache
def packs() -> Mapping[str, RulePack]:
    """The packs that come with the program, the earliest first. Raises ConfigError with file,
    line and key where one is broken.
    """
    folder = files("resolvers.pathway").joinpath("packs")
    found: dict[str, RulePack] = {}
    for file in sorted(folder.iterdir(), key=lambda one: one.name):
        if not file.name.endswith(".toml"):
            continue
        text = file.read_text("utf-8")
        pack = read_pack(f"packs/{file.name}", text)
        if pack.id in found:
            _Source(f"packs/{file.name}", text).wrong(("id",), "twice", "an id of its own")
        found[pack.id] = pack
    return dict(sorted(found.items(), key=lambda one: (one[1].effective_on, one[0])))


def read_pack(file: str, text: str) -> RulePack:
    """A pack of its TOML text. Raises ConfigError with file, line, key and what was expected."""
    source = _Source(file, text)
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+)", str(error))
        line = int(found[1]) if found else text.count("\n") + 1
        source.fail(line, "(line)", str(error).partition(" (at ")[0], "TOML")
    tops = {one.name for one in fields(RulePack)}
    for key in given:
        if key not in tops:
            source.wrong((key,), "unknown", f"one of {', '.join(sorted(tops))}")
    texts = {}
    for key in ("id", "name_zh", "name_en", "area", "disease", "source"):
        value = source.at(given, (key,), str, "text in quotes")
        if not value and key != "area":
            source.wrong((key,), "empty", "text in quotes")
        texts[key] = value
    if not re.fullmatch(r"[A-Z0-9_]{1,40}", texts["id"]):
        source.wrong(("id",), "not a key", "capitals, digits and _")
    if not re.fullmatch(r"(\d\d){0,3}", texts["area"]):
        source.wrong(("area",), "not the beginning of a code", "0, 2, 4 or 6 digits in quotes")
    rank = source.at(given, ("issuer_rank",), int, "1 to 4")
    if not 1 <= rank <= 4:
        source.wrong(("issuer_rank",), "out of range", "1 nation, 2 province, 3 city, 4 county")
    effective_on = source.at(given, ("effective_on",), date, "a day, 2020-04-19, without quotes")
    hours = Hours(**source.numbers(given, "hours", Hours, least=1, most=240))
    carrier = source.numbers(given, "carrier", Carrier, least=0, most=365)
    pack = RulePack(
        **texts,
        effective_on=effective_on,
        issuer_rank=rank,
        unverified=source.parts(given, "unverified", _ORIGINS),
        hours=hours,
        carrier=Carrier(**carrier),
        close=Isolation(**source.numbers(given, "close", Isolation, least=0, most=365)),
        secondary=Isolation(**source.numbers(given, "secondary", Isolation, least=0, most=365)),
        origins=source.texts(given, "origins", _ORIGINS),
    )
    for name, part in (("close", pack.close), ("secondary", pack.secondary)):
        for key, last, tests in (
            ("central_tests", part.central_days, part.central_tests),
            ("home_tests", part.home_days, part.home_tests),
        ):
            if tests and tests[-1] > last:
                source.wrong((name, key), "a day too many", f"days of 1 to {last}")
    of = pack.carrier
    if not 1 <= of.first_test_day < of.second_test_day <= of.observation_days:
        source.wrong(
            ("carrier", "second_test_day"),
            "the days are out of order",
            "1 <= first_test_day < second_test_day <= observation_days",
        )
    return pack


class _Source:
    """The text of one file, to name the line of a mistake."""

    def __init__(self, file: str, text: str) -> None:
        self._file, self._text = file, text

    def at(self, given: Mapping[str, Any], path: tuple[str, ...], kind: type, expected: str) -> Any:
        value = given.get(path[-1])
        if value is None:
            self.wrong(path, "missing", expected)
        if type(value) is not kind:  # exactly: true is no number, an instant no day
            self.wrong(path, f"not {kind.__name__}", expected)
        return value

    def numbers(
        self, given: Mapping[str, Any], section: str, of: type, *, least: int, most: int
    ) -> dict[str, Any]:
        part = self.at(given, (section,), dict, f"a section [{section}]")
        names = [one.name for one in fields(of)]
        for key in part:
            if key not in names:
                self.wrong((section, key), "unknown", f"one of {', '.join(names)}")
        found: dict[str, Any] = {}
        for name in names:
            expected = f"a whole number from {least} to {most}"
            if name in _LISTS:
                what, top = _LISTS[name]
                listed = self.at(part, (section, name), list, f"a list of {what}, [2, 4]")
                if any(type(one) is not int or not 1 <= one <= top for one in listed) or (
                    listed != sorted(set(listed))
                ):
                    expected = f"rising {what} of 1 to {top}, [2, 4]"
                    self.wrong((section, name), f"no such {what}", expected)
                found[name] = tuple(listed)
                continue
            value = self.at(part, (section, name), int, expected)
            if not least <= value <= most:
                self.wrong((section, name), "out of range", expected)
            found[name] = value
        return found

    def parts(self, given: Mapping[str, Any], key: str, known: Sequence[str]) -> tuple[str, ...]:
        expected = f"a list of {', '.join(known)}, in this order; [] for none"
        listed = self.at(given, (key,), list, expected)
        if listed != [one for one in known if one in listed]:
            self.wrong((key,), "no such parts", expected)
        return tuple(listed)

    def texts(
        self, given: Mapping[str, Any], section: str, names: Iterable[str]
    ) -> Mapping[str, str]:
        part = self.at(given, (section,), dict, f"a section [{section}]")
        for key in part:
            if key not in names:
                self.wrong((section, key), "unknown", f"one of {', '.join(names)}")
        return {name: self.at(part, (section, name), str, "text in quotes") for name in names}

    def wrong(self, path: tuple[str, ...], message: str, expected: str) -> NoReturn:
        self.fail(self._line(path), ".".join(path), message, expected)

    def fail(self, line: int, key: str, message: str, expected: str) -> NoReturn:
        raise ConfigError(message, file=self._file, line=line, key=key, expected=expected) from None

    def _line(self, path: tuple[str, ...]) -> int:
        section, last = "", 1
        for number, line in enumerate(self._text.splitlines(), 1):
            head = re.match(r"\s*\[([\w.]+)\]", line)
            if head:
                section = head[1]
                if path[0] == section:
                    last = number
            key = re.match(r'\s*"?(\w+)"?\s*=', line)
            if key and key[1] == path[-1] and section == ".".join(path[:-1]):
                return number
        return last
