"""A small population over some regions for the tests of answering, and what its envelopes hold."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, Table, insert

from regions.areas import reference_areas
from regions.blind_index import BlindIndexer
from regions.cases import cases, exposures
from regions.contacts import contacts, samples, visits
from regions.corrections import corrections
from regions.ids import first_id, padded
from regions.keys import Keys
from regions.people import people
from regions.person_keys import new_salt, person_keys
from regions.reference import diseases, units
from regions.sealing import Sealer
from regions.settings import RegionSettings
from resolvers.users import prefix_of
from tests.canaries import canary
from tests.stores import in_store

__all__ = ["Population", "Row", "counties", "make_population"]

Row = dict[str, Any]

_NAMES = ("张三", 'O\'Brien "x"', "100%s %d", "line\nbreak\t\x1e\x1f", "back\\slash", "😷", "李四")
_WORDS = (None, "nurse", "50 % \"quoted\" 'text'", "two\nlines \x1e", "汉字 😀", "{}[],:")
_INSTANTS = tuple(f"2026-0{month}-1{day}T08:00:0{day}Z" for month in (1, 5) for day in (1, 2, 3))
_DAYS = ("2025-12-31", "2026-01-01", "2026-01-02", "2026-05-01")
_OWN_DISEASES = ("covid_19", 'a "new" one\'s')  # not of the law: a line list brought them along
_ELSEWHERE = first_id("110000") + 1  # a record of a region that is not configured


def counties(region: str) -> tuple[str, ...]:
    """Four counties of a region, or as many as it has."""
    below = reference_areas().under(prefix_of(padded(region)))
    return tuple(area.code for area in below if area.level == "COUNTY")[:4]


class Population:
    """Rows by region and table, without their envelopes; `items` by table name and id."""

    def __init__(self, keys: Keys) -> None:
        self.keys = keys
        self.rows: dict[str, dict[Table, list[Row]]] = {}
        self.items: dict[tuple[str, int], dict[str, Any]] = {}

    def of(self, table: Table) -> list[Row]:
        """The rows of a table in all regions."""
        return [row for tables in self.rows.values() for row in tables.get(table, [])]

    def add(self, region: str, table: Table, row: Row) -> Row:
        """Adds a row."""
        self.rows.setdefault(padded(region), {}).setdefault(table, []).append(row)
        return row

    def write(self, settings: RegionSettings) -> None:
        """Writes the rows of a region into its store."""
        sealer = Sealer(self.keys.sealing, settings.code)
        rows = self.rows.get(settings.code, {}).get(people, [])
        # Some were registered by an epigate that gave nobody a key of his own.
        salts = {row["id"]: new_salt() for row in rows if row["id"] % 4}

        def work(connection: Connection) -> None:
            made = [{"person_id": one, "salt": salt} for one, salt in salts.items()]
            connection.execute(insert(person_keys), made)
            connection.execute(insert(diseases), [_disease(key) for key in _OWN_DISEASES])
            for table, rows in self.rows.get(settings.code, {}).items():
                connection.execute(
                    insert(table), [self._sealed(sealer, salts, table, r) for r in rows]
                )

        in_store(settings, work)

    def _sealed(self, sealer: Sealer, salts: Mapping[int, bytes], table: Table, row: Row) -> Row:
        if "sealed" not in table.c:
            return row
        items = self.items.get((table.name, row["id"]))
        salt = salts.get(row["id"] if table is people else row["person_id"])
        seal = sealer.seal if salt is None else sealer.person(salt).seal
        return row | {"sealed": items and seal(table.name, row["id"], items)}


def _disease(key: str) -> Row:
    names = {"name_zh": key, "name_en": key, "icd10": ""}
    return {"key": key, "law_class": "OTHER", "alert_method": "NONE", **names}


def make_population(sizes: Mapping[str, int], keys: Keys, seed: int = 1) -> Population:
    """About `sizes` contacts in each region, with everything that hangs on them."""
    population = Population(keys)
    builders = [_Region(population, region, n, seed) for region, n in sizes.items()]
    for builder in builders:
        builder.people_and_cases()
    for builder in builders:
        builder.contacts()
    for builder in builders:
        builder.care()
    return population


class _Region:
    def __init__(self, population: Population, region: str, size: int, seed: int) -> None:
        self.population, self.region, self.size = population, padded(region), size
        self.chance = random.Random(f"{seed}{region}")
        self.counties = counties(region)
        self.last = first_id(self.region)
        self.indexer = BlindIndexer(population.keys.index)

    def number(self) -> int:
        self.last += 1
        return self.last

    def maybe(self, values: Sequence[Any]) -> Any:
        return self.chance.choice((None, *values))

    def add(self, table: Table, row: Row, items: Row | None = None) -> Row:
        if items is not None:
            self.population.items[(table.name, row["id"])] = items
        return self.population.add(self.region, table, row)

    def written(self) -> Row:
        """Who reported a record, and where: an account of a hospital, another one, nobody."""
        county = self.chance.choice(self.counties)
        account = self.maybe(("doctor-1", "doctor-2"))
        unit = f"hospital-{self.chance.choice(self.counties[:2])}-1"
        return {
            "code": county,
            "reporter": account,
            "reporter_unit": unit if account else None,
            "created_at": self.chance.choice(_INSTANTS),
        }

    def people_and_cases(self) -> None:
        for county in self.counties:
            names = {"name_zh": f'{county} "医院"', "name_en": "50 %s\nhospital", "parent": None}
            row = {"id": f"hospital-{county}-1", "code": county, "level": "HOSPITAL", **names}
            self.add(units, row)
        self.people = [self.person() for _ in range(self.size + self.size // 2 + 1)]
        self.cases = [self.case() for _ in range(max(1, self.size // 3))]

    def person(self) -> Row:
        # A handful of people are on record again and again, in one region or another.
        who = self.chance.randrange(8)
        again = who < 4
        name = self.chance.choice(_NAMES)
        number = f"99{who:04}19900101{self.chance.randrange(1000) if not again else 7:03}X"
        items: Row = {
            "name": f"person {who}" if again else name,
            "sex": self.maybe("MF"),
            "age": self.maybe((0, 36, 101)),
            "birth_date": self.maybe(_DAYS) if not again else "1990-01-01",
            "id_type": "RESIDENT_ID",
            "id_number": number if who != 3 else None,
            "phone": self.maybe(("13900000001", "13900000002")),
            "employer": self.maybe(_NAMES),
            "residence": self.chance.choice(_NAMES),
            "guardian": canary("guardian", who),
        }
        row = self.written() | {
            "id": self.number(),
            "residence_code": self.maybe(self.counties),
            "nationality": self.chance.choice(_WORDS),
            "occupation": self.chance.choice(_WORDS),
            "medical_worker": self.maybe(("YES", "NO")),
            "id_number_index": self.indexer.id_number(items["id_number"]),
            "phone_index": self.indexer.phone(items["phone"]),
            "name_birth_index": self.indexer.name_birth(items["name"], items["birth_date"]),
            "updated_at": self.chance.choice(_INSTANTS),
        }
        return self.add(people, row, items)

    def case(self) -> Row:
        row = self.written() | {
            "id": self.number(),
            "person_id": self.chance.choice(self.people)["id"],
            "disease": self.chance.choice(("measles", *_OWN_DISEASES)),
            "classification": self.chance.choice(("CONFIRMED", "SUSPECTED", "ASYMPTOMATIC")),
            "origin": self.chance.choice(("LOCAL", "IMPORTED")),
            "found_by": self.maybe(("SOURCE_TRACING",)),
            "onset_on": self.maybe(_DAYS),
            "diagnosed_at": self.maybe(_INSTANTS),
            "reported_at": self.chance.choice(_INSTANTS),
            "unit_id": f"hospital-{self.chance.choice(self.counties)}-1",
            "outcome": self.maybe(("RECOVERED", "DIED")),
            "outcome_on": self.maybe(_DAYS),
            "died_on": self.maybe(_DAYS),
            "updated_at": self.chance.choice(_INSTANTS),
        }
        self.correct("CASE", row)
        return self.add(cases, row, self.maybe(({"remarks": "free text"}, {"remarks": None})))

    def contacts(self) -> None:
        everywhere = [row["id"] for row in self.population.of(cases)]
        for index in range(self.size):
            known = [row["id"] for row in self.population.of(contacts)] or [_ELSEWHERE]
            parent = self.chance.choice((*known[-9:], _ELSEWHERE))
            level = self.chance.choice(("CLOSE", "SECONDARY", "GENERAL"))
            started = self.maybe(_DAYS)
            row = self.written() | {
                "id": self.number(),
                "person_id": self.chance.choice(self.people)["id"],
                "level": level,
                "route": self.chance.choice(("OWN_SCREENING", "OTHER_CITY")),
                "source_case_id": self.maybe((*everywhere[-9:], *everywhere[:2], _ELSEWHERE)),
                "parent_contact_id": parent if level == "SECONDARY" else None,
                "relation_to_case": self.maybe(("FAMILY", "COLLEAGUE")),
                "manner": orjson.dumps(
                    self.chance.sample(
                        ("SHARED_MEAL", "NURSING", "OTHER"), self.chance.randrange(3)
                    )
                ).decode(),
                "frequency": self.maybe(("ONCE",)),
                "first_contact_on": self.maybe(_DAYS),
                "last_contact_on": self.maybe(_DAYS),
                "observation_mode": self.maybe(("HOME", "CENTRAL")),
                "observation_started_on": started,
                "observation_due_on": self.maybe(_DAYS),
                "observation_released_on": self.maybe(_DAYS),
                "symptom_onset_on": self.maybe(_DAYS),
                "outcome": self.chance.choice(("CONTINUING", "RELEASED")),
                "traced": self.chance.choice(("YES", "NO")),
                "exclusion_reason": self.chance.choice(_WORDS),
                "rule_pack": self.chance.choice(("N113", "9TH_EDITION", "of tomorrow")),
                "updated_at": self.chance.choice(_INSTANTS),
                "disease": (None, "measles", *_OWN_DISEASES)[index % 4],
            }
            items = {"place": "a ward", "seat": self.maybe(_NAMES), "remarks": "*"}
            self.add(contacts, row, self.maybe((items, items)))
            self.correct("CONTACT", row)

    def care(self) -> None:
        of_cases = self.population.rows[self.region].get(cases, [])
        for row in self.population.rows[self.region].get(contacts, []):
            for _ in range(self.chance.randrange(3)):
                self.visit(row, None)
                self.sample(row, self.maybe(of_cases))
        known = [row["id"] for row in self.population.of(cases)]
        for case in of_cases:
            self.visit(case, case)
            exposure = {
                "id": self.number(),
                "person_id": case["person_id"],
                "case_id": case["id"],
                "source_case_id": self.maybe((*known, _ELSEWHERE)),
                "kind": self.maybe(("TRAVEL",)),
                "code": self.maybe(self.counties),
                "started_on": self.maybe(_DAYS),
                "ended_on": None,
                "created_at": self.chance.choice(_INSTANTS),
            }
            self.add(exposures, exposure, self.maybe(({"place": "a market"},)))

    def _of(self, row: Row, case: Row | None) -> Row:
        return {
            "id": self.number(),
            "person_id": row["person_id"],
            "contact_id": row["id"] if case is not row else None,
            "case_id": case["id"] if case else None,
            **{name: row[name] for name in ("code", "reporter", "reporter_unit", "created_at")},
        }

    def visit(self, row: Row, case: Row | None) -> None:
        visit = self._of(row, case) | {
            "visited_at": self.chance.choice(_INSTANTS),
            "kind": "HOME_VISIT",
            "temperature_tenths": self.maybe((365, 0)),
            "symptoms": self.chance.choice(("[]", '["FEVER","COUGH"]')),
        }
        self.add(visits, visit, self.maybe(({"remarks": "well"},)))

    def sample(self, row: Row, case: Row | None) -> None:
        sample = self._of(row, case) | {
            "taken_at": self.chance.choice(_INSTANTS),
            "specimen": "SPUTUM",
            "test": "CULTURE",
            "result": self.chance.choice(("PENDING", "NEGATIVE")),
            "result_at": self.maybe(_INSTANTS),
            "laboratory": self.chance.choice(_WORDS),
        }
        self.add(samples, sample, self.maybe(({"remarks": "first"},)))

    def correct(self, kind: str, row: Row) -> None:
        if self.chance.random() < 0.3:
            correction = {
                "id": self.number(),
                "record_type": kind,
                "record_id": row["id"],
                "field": "name",
                "item": "NAME",
                "old_value": self.maybe(('"CLOSE"',)),
                "new_value": None,
                "corrected_by": self.chance.choice(("somebody", 'a "b"')),
                "unit_id": None,
                "reporter": row["reporter"],
                "person_id": row["person_id"],
                "corrected_at": self.chance.choice(_INSTANTS),
            }
            self.add(corrections, correction, {"old": '"a"', "new": None, "reason": "typed wrong"})
