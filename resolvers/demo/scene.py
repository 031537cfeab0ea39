"""One region while its records are written: who lives there, what happened, how it is sealed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any

import orjson

from regions.blind_index import BlindIndexer
from regions.keys import Keys
from regions.sealing import Sealer
from regions.settings import RegionSettings
from regions.suites import SALT_BYTES
from resolvers.demo.calendar import Calendar
from resolvers.demo.places import County, counties_of
from resolvers.demo.plan import Plan, RegionPlan
from resolvers.demo.population import Population, populate
from resolvers.demo.tracing import Traced, trace

__all__ = ["Reporter", "Row", "Scene", "hospital_reporter", "json_bytes", "set_scene"]

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who wrote a record: account and unit."""

    account: str
    unit: str


@dataclass(slots=True)
class Scene:
    """Everything the writers of a region's records share."""

    plan: Plan
    region: RegionPlan
    calendar: Calendar
    counties: tuple[County, ...]
    people: Population
    traced: Traced
    sealer: Sealer
    indexer: BlindIndexer
    ids: Iterator[int]  # for records whose ids nobody needs to know beforehand
    asymptomatic: set[int] = field(default_factory=set)  # cases that are carriers
    salts: bytes = b""  # of all people, one after the other
    case_reporters: list[Reporter] = field(default_factory=list)
    person_reporters: dict[int, Reporter] = field(default_factory=dict)
    first_seen: dict[int, int] = field(default_factory=dict)  # person: day of the first record

    @property
    def settings(self) -> RegionSettings:
        """The region's settings."""
        return self.plan.parameters.regions[self.region.number]

    @property
    def star(self) -> Reporter | None:
        """The demo's direct reporter, if this is the region in which that account works."""
        return hospital_reporter(self.counties[0], 1) if self.region.number == 0 else None

    def random(self, purpose: str) -> Random:
        """Chance for one kind of record of this region."""
        return self.plan.parameters.random(purpose, self.region.code)

    def code(self, person: int) -> str:
        """The county responsible for a person."""
        return self.counties[self.people.county[person]].code

    def salt(self, person: int) -> bytes:
        """The salt of a person's key."""
        return self.salts[person * SALT_BYTES : (person + 1) * SALT_BYTES]

    def seal(self, person_id: int, table: str, record: int, parts: Sequence[bytes]) -> bytes:
        """The envelope of a record of a person (by id) under the person's key."""
        salt = self.salt(person_id - self.region.person_id(0))
        return self.sealer.person(salt).seal_parts(table, record, parts)

    def note(self, person: int, reporter: Reporter, day: int) -> None:
        """Remembers who brought a person on record, and when; the demo's reporter goes first."""
        if person not in self.person_reporters or reporter == self.star:
            self.person_reporters[person] = reporter
        self.first_seen[person] = min(day, self.first_seen.get(person, day))


def set_scene(plan: Plan, number: int, keys: Keys) -> Scene:
    """The scene of one region: people, cases and contacts, none of them written yet."""
    region = plan.regions[number]
    settings = plan.parameters.regions[number]
    calendar = Calendar(plan.parameters.until)
    people = populate(plan.parameters.random("population", region.code), region, calendar)
    traced = trace(plan.parameters.random("tracing", region.code), plan, region, people, calendar)
    return Scene(
        plan=plan,
        region=region,
        calendar=calendar,
        counties=counties_of(settings),
        people=people,
        traced=traced,
        sealer=Sealer(keys.sealing, region.code),
        indexer=BlindIndexer(keys.index),
        salts=os.urandom(SALT_BYTES * len(people)),
        ids=count(region.close_id(0, 0) + region.close),
    )


def hospital_reporter(county: County, number: int) -> Reporter:
    """The account that reports for a county's hospital of that number."""
    return Reporter(f"reporter-{county.code}-{number}", f"hospital-{county.code}-{number}")


def json_bytes(value: str | int | None) -> bytes:
    """A sealed item's JSON text."""
    return orjson.dumps(value)
