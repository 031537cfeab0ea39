"""What a writer learns: read-back, refusals, masks sent back, oracles (17, 18, 22 to 24)."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import GraphQLInputObjectType, GraphQLObjectType, get_named_type

from regions.metadata import Reveals
from regions.tables import regional
from resolvers.catalog import RECORDS
from tests.leaks.documents import SCHEMA
from tests.leaks.worlds import MASKED, World
from tests.records import Population
from tests.resolvers.writing.making import (
    DOCUMENTS,
    case_input,
    contact_row,
    contacts_input,
    correction,
    id_number,
    sample_input,
    visit_input,
)

WRITERS = [name for name in MASKED if name != "reporter"]
CHECK = "query($s:PersonSearch!){checkDuplicate(candidate:$s){exists complete}}"


def do(world: World, name: str, given: Any, who: str = "national") -> Any:
    """The result of a mutation."""
    return world.ask(DOCUMENTS[name], {"input": given}, who=who).data[name]


def people_of(population: Population, **known: bool) -> list[tuple[int, dict[str, Any]]]:
    """People of Nanjing of whom these items are known, or not."""
    return [
        (row["id"], population.items["people", row["id"]])
        for row in population.rows["320100"][RECORDS["Person"].table]
        if all(
            (population.items["people", row["id"]][n] is not None) == k for n, k in known.items()
        )
    ]


def test_leak_17_no_correction_makes_an_oracle_of_the_duplicate_check(
    peopled: tuple[World, Population],
) -> None:
    """With a name of one's own beside a hidden birth date, a few thousand checks would tell it."""
    world, population = peopled
    answers = set()
    for number, (person, items) in enumerate(people_of(population, birth_date=True)[:4]):
        name = f"自拟{number}"
        found = do(world, "correct", correction(f"person:{person}", ("name", name)))
        assert found["__typename"] == "InvalidInputProblem"
        assert found["path"] == ["changes", "0", "value"]
        for birth in (items["birth_date"], "1901-01-01"):
            told = world.ask(CHECK, {"s": {"name": name, "birthDate": birth}}).data
            answers.add(told["checkDuplicate"]["exists"])
        found = do(world, "correct", correction(f"person:{person}", ("birthDate", "1901-01-01")))
        assert found["__typename"] == "InvalidInputProblem"
    assert answers == {False}


def test_leak_17_the_refusal_is_the_same_whatever_is_known(
    peopled: tuple[World, Population],
) -> None:
    world, population = peopled
    known, unknown = (people_of(population, birth_date=k)[-1][0] for k in (True, False))
    for change in (("name", "自拟"), ("birthDate", "1901-01-01")):
        one, other = (
            do(world, "correct", correction(f"person:{p}", change)) for p in (known, unknown)
        )
        assert one == other
        assert one["__typename"] == "InvalidInputProblem"


def test_leak_17_both_together_or_with_the_right_to_see_it_are_taken(
    peopled: tuple[World, Population],
) -> None:
    world, population = peopled
    person = f"person:{people_of(population, birth_date=True)[0][0]}"
    both = (("name", "自拟两项"), ("birthDate", "1902-02-02"))
    assert len(do(world, "correct", correction(person, *both))["corrections"]) == 2
    told = world.ask(CHECK, {"s": {"name": "自拟两项", "birthDate": "1902-02-02"}}).data
    assert told["checkDuplicate"]["exists"] is True
    seen = do(world, "correct", correction(person, ("name", "自拟一项")), "clear")
    assert len(seen["corrections"]) == 1
    told = world.ask(CHECK, {"s": {"name": "自拟一项", "birthDate": "1902-02-02"}}).data
    assert told["checkDuplicate"]["exists"] is True


def test_leak_18_no_constraint_is_over_a_hidden_item() -> None:
    """Two people may have one number: no unique index is over a hidden item."""
    for table in regional.sorted_tables:
        for column in table.columns:
            if column.info["reveals"] in (Reveals.SEALED, Reveals.BLIND_INDEX):
                assert not column.unique, column
                assert not column.primary_key, column
        for index in table.indexes:
            hidden = [c for c in index.columns if c.info["reveals"] is not Reveals.NOTHING_PRIVATE]
            unique = [c.name for c in hidden if index.unique]
            assert set(unique) <= {"source_key", "key"}, index.name  # where from, and whose request


@pytest.mark.parametrize("who", WRITERS)
def test_leak_18_the_same_number_again_is_taken(world: World, who: str) -> None:
    number, code = id_number("1980-02-03"), "320104" if who == "county" else "320102"
    results = [
        do(world, "registerCase", case_input(code=code, person={"idNumber": number}), who)
        for _ in range(2)
    ]
    assert [one["duplicate"] for one in results] == [False, True]
    assert {one["__typename"] for one in results} == {"RegisterCasePayload"}


@pytest.mark.parametrize("who", WRITERS)
def test_leak_22_what_was_just_written_is_read_back_masked(world: World, who: str) -> None:
    code = "320104" if who == "county" else "320102"
    made = do(world, "registerCase", case_input(code=code, remarks="自写备注"), who)["case"]
    row = contact_row(code=code, seat="12 车 3A", remarks="自写备注")
    contact = do(world, "registerContacts", contacts_input(row), who)["rows"][0]["contact"]
    visit = do(world, "recordVisit", visit_input(contact["id"], remarks="自写备注"), who)["visit"]
    sample = do(world, "recordSample", sample_input(made["id"], remarks="自写备注"), who)["sample"]
    hidden = [made[name] for name in ("name", "idNumber", "age", "sex", "remarks")]
    hidden += [contact["name"], contact["phone"], visit["remarks"], sample["remarks"]]
    hidden += [made["person"]["birthDate"], made["person"]["idType"]]
    assert set(hidden) == {"*"}
    given = correction(made["person"]["id"], ("phone", "15400009999"))
    (line,) = do(world, "correct", given, who)["corrections"]
    assert {line[name] for name in ("old", "new", "reason")} == {"*"}
    assert line["oldValue"] is line["newValue"] is None


def test_leak_22_a_conflict_shows_nothing_of_either_input(world: World) -> None:
    first = case_input(person={"name": "冲突甲", "idNumber": id_number("1981-02-03")})
    second = first | {"person": {"name": "冲突乙", "idNumber": id_number("1982-02-03")}}
    assert do(world, "registerCase", first)["__typename"] == "RegisterCasePayload"
    answer = world.ask(DOCUMENTS["registerCase"], {"input": second})
    assert answer.data["registerCase"]["__typename"] == "IdempotencyConflict"
    for word in ("冲突", "1981", "1982"):
        assert word.encode() not in answer.body
        assert word not in answer.body.decode("unicode_escape", "replace")


def test_leak_22_no_problem_has_room_for_a_value() -> None:
    """Types of refusals: codes, messages, paths and places, nothing of a record."""
    interface: Any = SCHEMA.type_map["Problem"]
    kinds = SCHEMA.get_possible_types(interface)
    assert len(kinds) >= 5
    for kind in kinds:
        for name, field in kind.fields.items():
            target = get_named_type(field.type)
            assert target.name not in RECORDS, (kind.name, name)
            assert not target.name.startswith("Private"), (kind.name, name)
            assert name not in ("value", "values", "current", "existing", "old", "record", "person")


@pytest.mark.parametrize("who", [*WRITERS, "clear"])
@pytest.mark.parametrize("mask", ["*", " * ", "＊", "***", "＊＊ "])
def test_leak_23_a_mask_sent_back_overwrites_nothing(
    peopled: tuple[World, Population], who: str, mask: str
) -> None:
    world, population = peopled
    (person, before), *_ = [
        one
        for one in people_of(population, id_number=True)
        if _code(population, one[0]).startswith("320104" if who == "county" else "3201")
    ]
    opened = _opened(world, person)
    fields = ("employer", "residence", "guardian", "phone")
    given = correction(f"person:{person}", *((name, mask) for name in fields))
    found = do(world, "correct", given, who)
    assert found["corrections"] == []
    assert {one["code"] for one in found["ignored"]} == {"MASK_GIVEN"}
    assert _opened(world, person) == opened
    assert before["residence"] is not None


def _code(population: Population, person: int) -> str:
    (row,) = [r for r in population.of(RECORDS["Person"].table) if r["id"] == person]
    return str(row["code"])


def _opened(world: World, person: int) -> Any:
    text = (
        "query($i:ID!){node(id:$i){...on Person{name sex age phone employer residence guardian}}}"
    )
    return world.ask(text, {"i": f"person:{person}"}, who="clear").data


def test_leak_24_no_token_of_a_hidden_value_is_shown_or_taken() -> None:
    """Versions count; they are not shown, and no input asks for one, nor for a hash of a record."""
    words = ("version", "etag", "revision", "checksum", "fingerprint", "ifmatch", "digest")
    for kind in SCHEMA.type_map.values():
        if isinstance(kind, GraphQLObjectType) and kind.name in RECORDS:
            found = {n for n in kind.fields if any(word in n.lower() for word in words)}
            # The version of a letter counts what its issuer has sent, as `updatedAt` would tell.
            # That of a signal counts its own steps; it and what it was computed from hide nothing.
            # Each version of a form is a record of its own.
            told = {
                "AssistRequest": {"version", "readVersion"},
                "Signal": {"version", "ruleVersion", "dataVersion"},
                "AbnormalInformationCard": {"version"},
                "InvestigationForm": {"version"},
            }.get(kind.name, set())
            assert found == told
        if isinstance(kind, GraphQLInputObjectType) and kind.name.startswith(
            ("Register", "Record", "Correct")
        ):
            assert not [n for n in kind.fields if any(word in n.lower() for word in words)]
    for table in regional.sorted_tables:
        told_of = table.name.startswith(("assist_", "signal", "investigation"))  # see above
        if "version" in table.c and not told_of:
            assert table.c.version.info["reveals"] is Reveals.INTERNAL
            assert str(table.c.version.type) == "INTEGER"
