"""Rows of pathways: carriers and contacts of late, most looked after in time, some not.

Each is followed by the engine itself, event by event up to the end of the records; what ran out by
then is a lapse, so that whoever is on duty has something to see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from random import Random
from typing import Any, NamedTuple

from regions.instants import instant, seconds_of
from regions.pathways import pathway_clocks, pathway_events, pathways
from resolvers.demo.cases import CASE_COLUMNS
from resolvers.demo.contacts import CONTACT_COLUMNS
from resolvers.demo.diseases import all_diseases
from resolvers.demo.scene import Row, Scene
from resolvers.demo.tracing import Meeting
from resolvers.pathway.engine import advance, expired, started
from resolvers.pathway.packs import RulePack, holding, packs
from resolvers.pathway.states import (
    ClockKind,
    Event,
    PathwayEvent,
    PathwayState,
    Refused,
    Standing,
    local_day,
)
from resolvers.pathway.storing import pathway_columns

__all__ = ["CLOCK_COLUMNS", "EVENT_COLUMNS", "PATHWAY_COLUMNS", "PathwayRows"]

S, E, C = PathwayState, PathwayEvent, ClockKind

PATHWAY_COLUMNS = tuple(pathways.columns.keys())
EVENT_COLUMNS = tuple(pathway_events.columns.keys())
CLOCK_COLUMNS = tuple(pathway_clocks.columns.keys())

_CASE_DAYS, _CONTACT_DAYS = 45, 10  # how long ago a pathway began at most
_MOST = 150  # pathways of each kind in a region
_FORGOTTEN = 0.12  # of what is to be done, never
_LATE = 0.08  # of what is to be done, hours after it was due
_HOUR = 3600


class _About(NamedTuple):
    """The case or contact a pathway is of."""

    record: str
    number: int
    person: int
    code: str
    account: str
    unit: str
    card_unit: str


class PathwayRows:
    """The rows of a region's pathways, as cases and contacts are offered one after the other."""

    def __init__(self, scene: Scene) -> None:
        self.pathways: list[Row] = []
        self.events: list[Row] = []
        self.clocks: list[Row] = []
        self._scene = scene
        self._random = scene.random("pathways")
        self._now = f"{scene.calendar.day(scene.calendar.last)}T15:59:59Z"
        self._left = {"case": _MOST, "contact": _MOST}

    def case(self, row: Row, day: int) -> None:
        """Adds the pathway of a carrier, or of a case whom a screening found, whose row `case_rows`
        gave.
        """
        of = dict(zip(CASE_COLUMNS, row, strict=True))
        late = self._scene.calendar.last - _CASE_DAYS
        events = _BY_CLASSIFICATION.get(of["classification"])
        if events is None or of["disease"] != "covid19" or day < late:
            return
        pack = holding(packs().values(), of["code"], local_day(of["reported_at"]))
        if pack is None or not self._takes("case"):
            return
        about = _About(
            "case",
            of["id"],
            of["person_id"],
            of["code"],
            of["reporter"],
            of["reporter_unit"],
            of["unit_id"],
        )
        screened = _after(of["reported_at"], -4 * _HOUR)
        self._follow(about, "CASE", screened, pack, events)

    def contact(self, row: Row, meeting: Meeting) -> None:
        """Adds the pathway of a contact, whose row `contact_rows` gave."""
        of = dict(zip(CONTACT_COLUMNS, row, strict=True))
        late = self._scene.calendar.last - _CONTACT_DAYS
        if meeting.day < late or all_diseases()[meeting.disease].key != "covid19":
            return
        pack = packs()[of["rule_pack"]]
        isolated = of["outcome"] == "CONTINUING" and of["observation_started_on"] is not None
        if not isolated or pack.isolation(of["level"]) is None or not self._takes("contact"):
            return
        about = _About(
            "contact",
            of["id"],
            of["person_id"],
            of["code"],
            of["reporter"],
            of["reporter_unit"],
            of["reporter_unit"],
        )
        self._follow(about, of["level"], of["created_at"], pack, _isolated)

    def _takes(self, kind: str) -> bool:
        self._left[kind] -= 1
        return self._left[kind] >= 0

    def _follow(
        self,
        about: _About,
        how: str,
        began: str,
        pack: RulePack,
        events: Callable[[Random, str, RulePack], Iterator[Event]],
    ) -> None:
        standing = started(how, began, pack)
        assert isinstance(standing, Standing)
        number = 0
        for event in sorted(events(self._random, began, pack), key=lambda one: one.at):
            if event.at > self._now:
                break
            following = advance(expired(standing, event.at), event, pack)
            if isinstance(following, Refused):
                continue
            standing, number = following, number + 1
            self.events.append(
                (
                    about.number,
                    number,
                    event.kind.name,
                    event.at,
                    standing.state.name,
                    about.unit,
                    about.account,
                    event.at,
                )
            )
        self._write(about, how, began, pack, expired(standing, self._now))

    def _write(
        self, about: _About, how: str, began: str, pack: RulePack, standing: Standing
    ) -> None:
        row: dict[str, Any] = {
            "id": about.number,
            "record": about.record,
            "person_id": about.person,
            "code": about.code,
            "unit_id": about.unit,
            "started_as": how,
            "started_at": began,
            "pack": pack.id,
            "reporter_unit": about.unit,
            "updated_at": self._now,
        } | pathway_columns(standing)
        self.pathways.append(tuple(row[name] for name in PATHWAY_COLUMNS))
        for place, clock in enumerate(standing.clocks):
            whose = {
                C.INVESTIGATION: f"cdc-{about.code}",
                C.DISCHARGE_DATE: about.card_unit,
                C.CARD_CORRECTION: about.card_unit,
            }.get(clock.kind, about.unit)
            row = {
                "pathway_id": about.number,
                "kind": clock.kind.name,
                "number": clock.number,
                "place": place,
                "code": about.code,
                "unit_id": whose,
                "reporter_unit": about.unit,
                "opened_at": clock.opened_at,
                "due_at": clock.due_at,
                "met_at": clock.met_at,
                "missed_at": clock.missed_at,
                "dropped_at": clock.dropped_at,
                "noted_at": clock.missed_at and self._now,
            }
            self.clocks.append(tuple(row[name] for name in CLOCK_COLUMNS))


def _carrier(random: Random, began: str, pack: RulePack) -> Iterator[Event]:
    """What is done for a carrier, in the hours it should be, or late, or not at all."""
    of = pack.carrier
    yield Event(E.SAMPLE_POSITIVE, began)
    confirmed = _done(random, began, 2)
    yield Event(E.ASYMPTOMATIC_CONFIRMED, confirmed)
    if random.random() > _FORGOTTEN:
        yield Event(E.REPORT_FILED, _done(random, confirmed, 2))
    told = _after(confirmed, _HOUR)
    yield Event(E.COUNTY_NOTIFIED, told)
    if random.random() > _FORGOTTEN:
        yield Event(E.INVESTIGATION_FILED, _done(random, told, 24))
    admitted = _done(random, confirmed, 2)
    yield Event(E.ADMITTED, admitted)
    released = local_day(admitted) + timedelta(days=of.observation_days - 1)
    yield from _temperatures(random, admitted, released)
    for number in (of.first_test_day, of.second_test_day):
        if random.random() > _FORGOTTEN:
            yield Event(E.SAMPLE_NEGATIVE, _morning(admitted, number, 8))
    if of.dual_site_hours:
        yield Event(E.DUAL_SITE_NEGATIVE, _morning(admitted, of.second_test_day + 1, 9))
    if of.antibody_day and random.random() > _FORGOTTEN:
        yield Event(E.ANTIBODY_TESTED, _morning(admitted, 3, 9))
    let_go = _morning(admitted, of.observation_days, 11)
    yield Event(E.CLINICAL_CHECK_NORMAL, let_go)
    if random.random() > _FORGOTTEN:
        yield Event(E.DISCHARGE_DATE_FILED, _done(random, let_go, 2))
    taken = _morning(admitted, of.observation_days, 16)
    yield Event(E.TRANSFER_ACCEPTED, taken)
    home = taken
    if of.central_days:
        home = _morning(taken, of.central_days + 1, 9)
        yield Event(E.DAYS_DONE, home)
    yield from _visits(random, home, of.home_days)
    for week in of.revisit_weeks:
        if random.random() > _FORGOTTEN:
            yield Event(E.REVISITED, _morning(let_go, 7 * week - 1, 10))
    yield Event(E.DAYS_DONE, _morning(home, of.home_days + 1, 15))


def _suspected(random: Random, began: str, pack: RulePack) -> Iterator[Event]:
    """Who awaits the experts."""
    yield Event(E.SAMPLE_POSITIVE, began)


def _confirmed(random: Random, began: str, pack: RulePack) -> Iterator[Event]:
    """Who is ill when screened."""
    yield Event(E.SAMPLE_POSITIVE, began)
    confirmed = _done(random, began, 2)
    yield Event(E.DISEASE_CONFIRMED, confirmed)
    if random.random() > _FORGOTTEN:
        yield Event(E.REPORT_FILED, _done(random, confirmed, 2))


_BY_CLASSIFICATION = {
    "ASYMPTOMATIC": _carrier,
    "CONFIRMED": _confirmed,
    "PROBABLE": _suspected,
    "SUSPECTED": _suspected,
}


def _isolated(random: Random, began: str, pack: RulePack) -> Iterator[Event]:
    """What is done for a contact."""
    part = pack.close
    for number in range(1, max(pack.close.central_days, pack.secondary.home_days) + 1):
        tested = number in (*part.central_tests, *pack.secondary.home_tests)
        if tested and random.random() > _FORGOTTEN:
            yield Event(E.SAMPLE_NEGATIVE, _morning(began, number, 18))
    yield from _visits(random, began, part.central_days + part.home_days)


def _temperatures(random: Random, began: str, last: date) -> Iterator[Event]:
    days = (last - local_day(began)).days + 1
    for number in range(1, days + 1):
        for hour in (8, 18):
            if random.random() > _FORGOTTEN:
                yield Event(E.TEMPERATURE_TAKEN, _morning(began, number, hour))


def _visits(random: Random, began: str, days: int) -> Iterator[Event]:
    for number in range(1, days + 1):
        if random.random() > _FORGOTTEN:
            yield Event(E.VISITED, _morning(began, number, 17))


def _done(random: Random, after: str, within: int) -> str:
    """When something was done that was due so many hours later."""
    hours = random.uniform(0.2, 0.9) * within
    if random.random() < _LATE:
        hours = within + random.uniform(0.5, 6)
    return _after(after, hours * _HOUR)


def _after(at: str, seconds: float) -> str:
    return instant(seconds_of(at) + seconds)


def _morning(first: str, number: int, hour: int) -> str:
    """An hour in China of the day that is so many from the first, 1."""
    day = local_day(first) + timedelta(days=number - 1)
    return instant(seconds_of(day.isoformat()) + (hour - 8) * _HOUR)
