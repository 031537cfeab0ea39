"""Relations hold what the rows say, whoever asks, in one statement for each relation and region."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings

from regions.cases import cases, exposures
from regions.contacts import contacts, samples, visits
from regions.corrections import corrections
from regions.ids import region_of
from regions.people import people
from regions.settings import RegionSettings
from resolvers.catalog import RECORDS
from resolvers.privacy import Decision, decide
from resolvers.questions.ordinary import Records
from resolvers.questions.question import Question
from resolvers.users import Role, Viewer
from schema.privacy import PrivateItem
from tests.answering import NATIONAL, Gateway, grant, viewer
from tests.records import Population, Row
from tests.resolvers.operations import Operation, operations

_REPORTER = viewer("320000", Role.DIRECT_REPORTER, account="doctor-1", unit="hospital-320104-1")
_CLEAR = viewer(grants=[grant()])
_BY_NAME = viewer(
    grants=[
        grant("320000", items=frozenset({"NAME"})),
        grant("000000", items=frozenset({"BIRTH_DATE", "PHONE"})),
        grant("340000", items=frozenset({"ID_NUMBER", "NAME"})),
    ]
)
_VIEWERS = [
    *(NATIONAL, viewer("320000"), viewer("320100"), viewer("320104"), _REPORTER),
    *(_CLEAR, _BY_NAME, viewer("320000", grants=[grant("320100")])),
]

_CARE = "visits { id case { id } contact { id } person { id } } samples { id case { id } }"
_EVERYTHING = f"""{{
    contacts(first: 1000) {{ edges {{ node {{ id {_CARE} history {{ id }}
      person {{ id cases {{ id }} contacts {{ id }} elsewhere {{ id region {{ code }} }} }}
      sourceCase {{ id }} parentContact {{ id }} secondaryContacts {{ id }} }} }} }}
    cases(first: 1000) {{ edges {{ node {{ id {_CARE} history {{ id }} reportedBy {{ id }}
      contacts {{ id }} exposures {{ id sourceCase {{ id }} }} person {{ id }} }} }} }} }}"""

_BEHIND = {
    "id_number_index": (PrivateItem.ID_NUMBER,),
    "name_birth_index": (PrivateItem.NAME, PrivateItem.BIRTH_DATE),
}


class _Expected:
    """What a viewer is given behind each relation, from the rows."""

    def __init__(self, population: Population, who: Viewer) -> None:
        self.population, self.who = population, who
        self.regions = {
            row["id"]: region
            for region, tables in population.rows.items()
            for rows in tables.values()
            for row in rows
        }

    def seen(self, row: Row) -> bool:
        of_unit = (
            self.who.role is not Role.DIRECT_REPORTER or row["reporter_unit"] == self.who.unit_id
        )
        return of_unit and bool(row["code"].startswith(self.who.prefix))

    def shown(self, row: Row, items: tuple[PrivateItem, ...]) -> bool:
        code, reporter = row["code"], row["reporter"]
        return all(
            decide(self.who, RECORDS["Person"], item, code=code, reporter=reporter) is Decision.SHOW
            for item in items
        )

    def one(self, table: Any, number: int | None) -> Any:
        for row in self.population.of(table):
            if row["id"] == number and self.seen(row):
                return {"id": f"{_kind(table)}:{number}"}
        return None

    def many(
        self, table: Any, *, scoped: bool = True, order: str = "created_at", **where: Any
    ) -> Any:
        rows = [
            row
            for row in self.population.of(table)
            if all(row[name] == value for name, value in where.items())
            and (not scoped or self.seen(row))
        ]
        rows.sort(key=lambda row: (row[order], row["id"]))
        return [{"id": f"{_kind(table)}:{row['id']}"} for row in rows]

    def history(self, kind: str, row: Row) -> Any:
        where = {"record_type": kind, "record_id": row["id"]}
        return self.many(corrections, scoped=False, order="corrected_at", **where)

    def care(self, column: str, row: Row) -> Any:
        where = {column: row["id"]}
        found = {"visits": self.many(visits, scoped=False, order="visited_at", **where)}
        found["samples"] = self.many(samples, scoped=False, order="taken_at", **where)
        rows = {r["id"]: r for r in [*self.population.of(visits), *self.population.of(samples)]}
        for name, ones in found.items():
            for one in ones:
                care = rows[int(one["id"].partition(":")[2])]
                one["case"] = self.one(cases, care["case_id"])
                if name == "visits":
                    one["contact"] = self.one(contacts, care["contact_id"])
                    one["person"] = {"id": f"person:{care['person_id']}"}
        return found

    def person(self, number: int) -> Any:
        (row,) = [row for row in self.population.of(people) if row["id"] == number]
        same = [
            other
            for other in self.population.of(people)
            if self.regions[other["id"]] != self.regions[number]
            and self.seen(other)
            and any(
                row[name] is not None
                and row[name] == other[name]
                and self.shown(row, items)
                and self.shown(other, items)
                for name, items in _BEHIND.items()
            )
        ]
        same.sort(key=lambda other: (other["created_at"], other["id"]))
        return {
            "id": f"person:{number}",
            "cases": self.many(cases, person_id=number),
            "contacts": self.many(contacts, person_id=number),
            "elsewhere": [
                {"id": f"person:{other['id']}", "region": {"code": self.regions[other["id"]]}}
                for other in same
            ],
        }

    def contact(self, row: Row) -> Any:
        return {
            "id": f"contact:{row['id']}",
            **self.care("contact_id", row),
            "history": self.history("CONTACT", row),
            "person": self.person(row["person_id"]),
            "sourceCase": self.one(cases, row["source_case_id"]),
            "parentContact": self.one(contacts, row["parent_contact_id"]),
            "secondaryContacts": self.many(contacts, parent_contact_id=row["id"]),
        }

    def case(self, row: Row) -> Any:
        found = self.many(exposures, scoped=False, case_id=row["id"])
        rows = {one["id"]: one for one in self.population.of(exposures)}
        for one in found:
            exposure = rows[int(one["id"].partition(":")[2])]
            one["sourceCase"] = self.one(cases, exposure["source_case_id"])
        return {
            "id": f"case:{row['id']}",
            **self.care("case_id", row),
            "history": self.history("CASE", row),
            "reportedBy": {"id": row["unit_id"]},
            "contacts": self.many(contacts, source_case_id=row["id"]),
            "exposures": found,
            "person": {"id": f"person:{row['person_id']}"},
        }


def _kind(table: Any) -> str:
    name: str = table.name
    return {"people": "person"}.get(name, name[:-1])


@pytest.mark.parametrize("who", _VIEWERS, ids=lambda who: f"{who.role.name} {who.code}")
def test_relations_hold_what_the_rows_say(
    gateway: Gateway, population: Population, who: Viewer
) -> None:
    asked = gateway.both(_EVERYTHING, who)
    assert asked.errors == []
    expected = _Expected(population, who)
    for field, table in (("contacts", contacts), ("cases", cases)):
        found = {edge["node"]["id"]: edge["node"] for edge in asked.data[field]["edges"]}
        rows = [row for row in population.of(table) if expected.seen(row)]
        assert len(found) == len(rows) > 0
        for row in rows:
            one = getattr(expected, _kind(table))(row)
            assert found[one["id"]] == one


def test_there_is_something_behind_every_relation(gateway: Gateway) -> None:
    found: Counter[str] = Counter()

    def look(value: Any, path: str) -> None:
        if isinstance(value, dict):
            for name, one in value.items():
                look(one, f"{path}.{name}")
        elif isinstance(value, list):
            for one in value:
                look(one, path)
        elif value:
            found[path] += 1

    data = gateway.ask(_EVERYTHING, _CLEAR).data
    look([edge["node"] for edge in data["contacts"]["edges"]], "contact")
    look([edge["node"] for edge in data["cases"]["edges"]], "case")
    assert len(found) == 27, sorted(found)
    assert min(found.values()) > 1


def test_leak_17_the_same_person_elsewhere_is_no_oracle(gateway: Gateway) -> None:
    question = """{ contacts(first: 1000) { edges { node { person { id elsewhere { id } } } } } }"""

    def linked(who: Viewer) -> int:
        edges = gateway.both(question, who).data["contacts"]["edges"]
        return sum(len(edge["node"]["person"]["elsewhere"]) for edge in edges)

    everything = linked(_CLEAR)
    assert everything > 3
    assert linked(NATIONAL) == 0
    assert linked(viewer(grants=[grant(items=frozenset({"NAME", "PHONE"}))])) == 0
    in_part = viewer(grants=[grant("320100"), grant("320000", items=frozenset({"ID_NUMBER"}))])
    assert 0 < linked(in_part) < everything
    # Clear here and masked there would say who the masked one is.
    assert linked(viewer(grants=[grant("320100")])) == 0


def test_a_record_elsewhere_that_nobody_has_is_null(
    gateway: Gateway, population: Population
) -> None:
    # Its id names a region that is not configured: there is nobody to ask.
    asked = gateway.both("{ contacts { edges { node { id sourceCase { id disease { id } } } } } }")
    nodes = {edge["node"]["id"]: edge["node"] for edge in asked.data["contacts"]["edges"]}
    known = {row["id"] for row in population.of(cases)}
    dangling = [r for r in population.of(contacts) if (r["source_case_id"] or 0) not in known | {0}]
    assert dangling
    assert all(nodes[f"contact:{row['id']}"]["sourceCase"] is None for row in dangling)
    assert asked.errors == []


def _relations(text: str) -> int:
    """How many relations a document names (an upper bound: fragments count where they are used)."""
    names = (
        "person sourceCase parentContact secondaryContacts visits samples history cases contacts "
        "elsewhere exposures reportedBy case contact"
    )
    return sum(text.count(f"{name} ") for name in names.split())


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
@pytest.mark.parametrize("planning", [True, False])
@pytest.mark.parametrize("who", [_CLEAR, *_VIEWERS[:3]], ids=lambda who: who.code)
def test_one_statement_for_each_relation_and_region(
    gateway: Gateway, who: Viewer, planning: bool
) -> None:
    gateway.ask(_EVERYTHING, who, planning=planning)
    regions = len({read.region for read in gateway.reads})
    assert len(gateway.reads) <= regions * (2 + _relations(_EVERYTHING))
    deeper = """{ contacts(first: 24) { edges { node { person { contacts { sourceCase { contacts {
        visits { person { elsewhere { cases { reportedBy { nameZh } } } } } } } } } } } } }"""
    gateway.ask(deeper, who, planning=planning)
    # The list and nine relations, each below the other: ten rounds, no region twice in one.
    assert len(gateway.federation.rounds) <= 10
    assert who is not _CLEAR or len(gateway.federation.rounds) == 10
    for reads in gateway.federation.rounds:
        assert len({read.region for read in reads}) == len(reads)


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
@settings(max_examples=30)
@given(operation=operations())
def test_no_more_statements_than_relations_and_regions(
    gateway: Gateway, operation: Operation
) -> None:
    for planning in (True, False):
        gateway.ask(operation.text, NATIONAL, operation.variables, planning=planning)
        lists, regions = len(operation.lists), len(gateway.regions)
        # One for the list and one more for a region whose share ran out.
        assert len(gateway.reads) <= regions * (2 * lists + _relations(operation.text) * 4)


@pytest.mark.parametrize("planning", [True, False])
def test_the_number_of_statements_does_not_depend_on_the_number_of_records(
    gateway: Gateway, planning: bool
) -> None:
    text = """query ($n: Int) { contacts(first: $n) { edges { node {
        person { name } visits { id } sourceCase { contacts { id } } } } } }"""
    counts = []
    for n in (24, 12, 24):
        gateway.ask(text, NATIONAL, {"n": n}, planning=planning)
        counts.append(len(gateway.reads))
    assert max(counts) <= 5 * len(gateway.regions)


def test_records_read_at_different_times_are_not_taken_for_each_other(
    gateway: Gateway, population: Population
) -> None:
    """An object may get the address of one that is gone."""

    async def work() -> None:
        records = Records(Question(gateway.answering, NATIONAL))
        for tables in population.rows.values():
            people_of = {row["id"]: row["person_id"] for row in tables[contacts]}
            found = await records.of_ids("Contact", people_of, "")
            for number, contact in found.items():
                person = await records.related(contact, "person")
                assert person.id == f"person:{people_of[number]}"
            found.clear()
            contact = None

    for _ in range(25):  # mostly it gets another one
        gateway.run(work())


@pytest.mark.parametrize("planning", [True, False])
def test_leak_40_a_region_that_is_down_does_not_tell_that_a_hidden_record_lies_there(
    copies: tuple[RegionSettings, ...],
    make: Callable[..., Gateway],
    population: Population,
    planning: bool,
) -> None:
    """Where the viewer may open nothing nobody is asked, so that no failure names the region."""
    who = viewer("320100")
    (away,) = [
        row["source_case_id"]
        for row in population.of(contacts)
        if row["code"].startswith("3201") and region_of(row["source_case_id"] or 0) == "320200"
    ][:1]
    broken = make(copies)
    for region in copies[1:]:
        assert region.path is not None
        region.path.unlink()
    for query in (
        "{ contacts(first: 100) { edges { node { id sourceCase { id } parentContact { id } } } } }",
        f'{{ node(id: "case:{away}") {{ id }} }}',
    ):
        asked = broken.ask(query, who, planning=planning)
        assert asked.errors == []
        records = [read for read in broken.reads if "FROM shares" not in read.sql]
        assert {read.region for read in records} <= {0}
        assert set(asked.told["regions"]) <= {"320100"}
    assert asked.data == {"node": None}


def test_a_person_shown_by_the_id_alone_is_in_the_log(gateway: Gateway) -> None:
    asked = gateway.ask("{ contacts(first: 8) { edges { node { person { id } } } } }", NATIONAL)
    shown = {edge["node"]["person"]["id"] for edge in asked.data["contacts"]["edges"]}
    assert shown
    assert {f"person:{one}" for one in asked.told["records"]["person"]} == shown
