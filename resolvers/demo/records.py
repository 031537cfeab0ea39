"""All records of a region, in batches that a store can take one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Table

from regions.cases import cases, exposures
from regions.contacts import contacts, samples, visits
from regions.pathways import pathway_clocks, pathway_events, pathways
from regions.people import people
from regions.person_keys import person_keys
from regions.person_sealing import SALT_COLUMNS
from regions.reference import units
from regions.statistics import CountCell, change_of, daily_counts
from resolvers.demo.care import SAMPLE_COLUMNS, VISIT_COLUMNS, care_of_case, care_of_contact
from resolvers.demo.cases import CASE_COLUMNS, EXPOSURE_COLUMNS, case_rows, exposure_rows
from resolvers.demo.contacts import CONTACT_COLUMNS, contact_rows
from resolvers.demo.pathways import (
    CLOCK_COLUMNS,
    EVENT_COLUMNS,
    PATHWAY_COLUMNS,
    PathwayRows,
)
from resolvers.demo.people import PEOPLE_COLUMNS, people_rows
from resolvers.demo.places import UNIT_COLUMNS, units_of
from resolvers.demo.plan import RegionPlan
from resolvers.demo.scene import Row, Scene

__all__ = ["Batch", "batches", "steps"]

_AT_ONCE = 4_000
_SOURCE = "CASES"
_COUNT_COLUMNS = ("disease", "code", "day", "source", "cases", "deaths")


class Batch(NamedTuple):
    """Rows of one table. `steps` is how far they bring the region, of `steps(region)`."""

    table: Table
    columns: Sequence[str]
    rows: list[Row]
    steps: int


def steps(region: RegionPlan) -> int:
    """The length of the work on a region: people, cases and the close contacts of its own cases."""
    return region.people + len(region.cases) + region.close


def batches(scene: Scene) -> Iterator[Batch]:
    """Every record of the scene. People come last, for then it is known who reported them."""
    yield Batch(units, UNIT_COLUMNS, list(units_of(scene.settings)), 0)
    followed = PathwayRows(scene)
    yield from _cases(scene, followed)
    yield from _contacts(scene, followed)
    yield from _chunks(pathways, PATHWAY_COLUMNS, iter(followed.pathways), 0)
    yield from _chunks(pathway_events, EVENT_COLUMNS, iter(followed.events), 0)
    yield from _chunks(pathway_clocks, CLOCK_COLUMNS, iter(followed.clocks), 0)
    yield from _chunks(exposures, EXPOSURE_COLUMNS, exposure_rows(scene), 0)
    yield from _chunks(people, PEOPLE_COLUMNS, people_rows(scene), 1)
    yield from _chunks(person_keys, SALT_COLUMNS, _salts(scene), 0)


def _salts(scene: Scene) -> Iterator[Row]:
    for person in range(len(scene.people)):
        yield scene.region.person_id(person), scene.salt(person)


def _cases(scene: Scene, followed: PathwayRows) -> Iterator[Batch]:
    random = scene.random("care of cases")
    counts: dict[CountCell, tuple[int, int]] = {}
    rows, seen, taken = _Rows(cases, CASE_COLUMNS, 1), _Rows(visits, VISIT_COLUMNS, 0), _samples()
    for number, row in enumerate(case_rows(scene)):
        change = change_of(None, dict(zip(CASE_COLUMNS, row, strict=True)), scene.settings.days)
        for cell, (counted, died) in change.items():
            before = counts.get(cell, (0, 0))
            counts[cell] = before[0] + counted, before[1] + died
        care = care_of_case(random, scene, row, number)
        followed.case(row, scene.region.cases[number].day)
        yield from rows.add([row])
        yield from seen.add(care[0])
        yield from taken.add(care[1])
    for part in (rows, seen, taken):
        yield from part.rest()
    cells = ((*cell, _SOURCE, *count) for cell, count in sorted(counts.items()))
    yield from _chunks(daily_counts, _COUNT_COLUMNS, cells, 0)


def _contacts(scene: Scene, followed: PathwayRows) -> Iterator[Batch]:
    random = scene.random("care of contacts")
    rows, others = _Rows(contacts, CONTACT_COLUMNS, 1), _Rows(contacts, CONTACT_COLUMNS, 0)
    seen, taken = _Rows(visits, VISIT_COLUMNS, 0), _samples()
    for number, (row, meeting) in enumerate(contact_rows(scene)):
        care = care_of_contact(random, scene, row, meeting)
        followed.contact(row, meeting)
        yield from (rows if number < scene.region.close else others).add([row])
        yield from seen.add(care[0])
        yield from taken.add(care[1])
    for part in (rows, others, seen, taken):
        yield from part.rest()


def _samples() -> _Rows:
    return _Rows(samples, SAMPLE_COLUMNS, 0)


class _Rows:
    """Gathers rows of a table until they are worth a batch."""

    def __init__(self, table: Table, columns: Sequence[str], step: int) -> None:
        self._table, self._columns, self._step = table, columns, step
        self._rows: list[Row] = []

    def add(self, rows: list[Row]) -> Iterator[Batch]:
        self._rows += rows
        if len(self._rows) >= _AT_ONCE:
            yield from self.rest()

    def rest(self) -> Iterator[Batch]:
        if self._rows:
            rows, self._rows = self._rows, []
            yield Batch(self._table, self._columns, rows, self._step * len(rows))


def _chunks(
    table: Table, columns: Sequence[str], rows: Iterator[Row], step: int
) -> Iterator[Batch]:
    gathered = _Rows(table, columns, step)
    for row in rows:
        yield from gathered.add([row])
    yield from gathered.rest()
