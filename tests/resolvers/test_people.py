"""Finding people: exactly, everywhere, for those with the right; the duplicate check for all."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from regions.blind_index import check_digit
from regions.people import people
from resolvers.users import Role, Viewer
from tests.answering import EVERY_ITEM, NATIONAL, Gateway, grant, viewer
from tests.records import Population, Row
from tests.resolvers.conftest import SIZES
from tests.stores import Stores

_FIND = """query ($s: PersonSearch!) { people(search: $s) { matches { id name phone code }
    regions { code state records } } }"""
_CHECK = "query ($s: PersonSearch!) { checkDuplicate(candidate: $s) { exists complete } }"
_AGAIN = {"name": "person 1", "birthDate": "1990-01-01"}  # on record in several regions
_PHONE = {"phone": "13900000001"}
_ALL = viewer(grants=[grant()])
_REPORTER = viewer("320000", Role.DIRECT_REPORTER, account="doctor-1", unit="hospital-320104-1")


def _expected(population: Population, who: Viewer, **items: Any) -> set[str]:
    """Ids of the people with these items, of which the viewer sees them in clear."""
    found = set()
    for row in population.of(people):
        known = population.items[("people", row["id"])]
        if any(known[name] != value for name, value in items.items()):
            continue
        if not row["code"].startswith(who.prefix):
            continue
        if who.role is Role.DIRECT_REPORTER:
            shown = row["reporter"] == who.account and row["reporter_unit"] == who.unit_id
        else:
            shown = all(
                any(
                    item.upper() in g.items and row["code"].startswith(g.code.rstrip("0"))
                    for g in who.grants
                )
                for item in items
            )
        if shown:
            found.add(f"person:{row['id']}")
    return found


_VIEWERS = {
    "all": _ALL,
    "phones only": viewer(grants=[grant(items=frozenset({"PHONE"}))]),
    "one county": viewer("320100", grants=[grant("320104")]),
    "two rights": viewer(
        grants=[
            grant("320000", items=frozenset({"NAME"})),
            grant("320100", items=frozenset({"BIRTH_DATE", "PHONE"})),
        ]
    ),
    "reporter": _REPORTER,
}


@pytest.mark.parametrize("who", _VIEWERS.values(), ids=_VIEWERS)
@pytest.mark.parametrize(
    ("search", "items"),
    [
        (_PHONE, {"phone": "13900000001"}),
        (_AGAIN, {"name": "person 1", "birth_date": "1990-01-01"}),
    ],
    ids=["phone", "name and birth date"],
)
def test_whoever_sees_the_items_finds_who_has_them(
    gateway: Gateway, population: Population, who: Viewer, search: Any, items: Any
) -> None:
    asked = gateway.ask(_FIND, who, {"s": search})
    if who is _VIEWERS["phones only"] and "name" in items:
        assert asked.codes == ["FORBIDDEN"]
        return
    assert asked.errors == []
    found = asked.data["people"]["matches"]
    assert {one["id"] for one in found} == _expected(population, who, **items)
    assert found
    if who is _ALL:
        assert len({one["code"][:4] for one in found}) > 1
        records = [one["records"] or 0 for one in asked.data["people"]["regions"]]
        assert sum(records) == len(found)


@pytest.mark.parametrize(("fewer", "more"), [(1, True), (0, False)])
def test_whoever_is_left_out_is_said_to_be(
    gateway: Gateway, population: Population, fewer: int, more: bool, monkeypatch: Any
) -> None:
    known = _expected(population, _ALL, phone="13900000001")
    monkeypatch.setattr("resolvers.people._MOST", len(known) - fewer)
    text = _FIND.replace("matches", "more matches")
    found = gateway.ask(text, _ALL, {"s": _PHONE}).data["people"]
    assert found["more"] is more
    assert len({one["id"] for one in found["matches"]} & known) == len(known) - fewer
    assert sum(one["records"] or 0 for one in found["regions"]) == len(known) - fewer


@pytest.mark.parametrize(
    "who",
    [
        NATIONAL,
        viewer("320104"),
        viewer(grants=[grant(types=frozenset({"CONTACT"}))]),
        viewer(grants=[grant(items=EVERY_ITEM - {"PHONE"})]),
        viewer(grants=[grant("440000")]),
        viewer("330000", grants=[grant("320000")]),
        viewer(grants=[grant(ends_at="2021-01-01T00:00:00Z")]),
    ],
)
def test_a_search_needs_the_right_to_the_item(gateway: Gateway, who: Viewer) -> None:
    asked = gateway.ask(_FIND, who, {"s": _PHONE})
    assert asked.data is None
    assert asked.codes == ["FORBIDDEN"]
    assert gateway.reads == []
    # One item without the right spoils the search: who is found would tell which matched.
    asked = gateway.ask(_FIND, who, {"s": _PHONE | {"idNumber": "1"}})
    assert asked.codes == ["FORBIDDEN"]


def test_several_items_find_whoever_matches_one(gateway: Gateway, population: Population) -> None:
    asked = gateway.ask(_FIND, _ALL, {"s": _PHONE | _AGAIN})
    both = _expected(population, _ALL, phone="13900000001")
    both |= _expected(population, _ALL, name="person 1", birth_date="1990-01-01")
    assert {one["id"] for one in asked.data["people"]["matches"]} == both


@pytest.mark.parametrize(
    "search",
    [
        {},
        {"name": "a"},
        {"birthDate": "1990-01-01"},
        {"idNumber": None},
        {"idNumber": ""},
        {"idNumber": "  "},
        {"phone": "+"},
        {"phone": "1", "name": "x"},
        {"name": "", "birthDate": "1990-01-01"},
    ],
)
@pytest.mark.parametrize("text", [_FIND, _CHECK])
def test_nothing_to_look_for_is_no_search(gateway: Gateway, text: str, search: Any) -> None:
    asked = gateway.ask(text, _ALL, {"s": search})
    assert asked.codes == ["INVALID_INPUT"]
    assert gateway.reads == []


_FIRST17 = "99010119900101007"
_NUMBER = _FIRST17 + check_digit(_FIRST17)


@pytest.fixture
def one_person(shared_keys: Any, stores: Stores, make: Callable[..., Gateway]) -> Gateway:
    """A gateway over four regions, one of which knows one person."""
    population = Population(shared_keys)
    regions = [stores.sqlite(code) for code in SIZES]
    gateway = make(regions)
    items = {
        "name": "欧阳 娜娜",
        "birth_date": "1990-01-01",
        "id_number": _NUMBER,
        "phone": "1390000",
    }
    index = gateway.answering.indexer
    row: Row = {
        "id": 1 + (320200 << 43),
        "code": "320205",
        "id_number_index": index.id_number(_NUMBER),
        "phone_index": index.phone("1390000"),
        "name_birth_index": index.name_birth(items["name"], items["birth_date"]),
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
    }
    population.items[("people", row["id"])] = items
    population.add("3202", people, row)
    population.write(regions[1])
    return gateway


@pytest.mark.parametrize(
    "search",
    [
        {"idNumber": _NUMBER},
        {"idNumber": _NUMBER.lower()},
        {"idNumber": f" {_NUMBER[:6]} {_NUMBER[6:14]} {_NUMBER[14:]} "},
        {"idNumber": _NUMBER[:6] + _NUMBER[8:17]},  # 15 digits, as before 1999
        {"idNumber": "".join(chr(ord(c) + 0xFEE0) for c in _NUMBER)},
        {"phone": "1390000"},
        {"phone": "+86 139-0000"},
        {"phone": "0086１３９００００"},
        {"phone": "(139) 0000"},
        {"name": "欧阳娜娜", "birthDate": "1990-01-01"},
        {"name": "欧阳·娜娜 ", "birthDate": "1990-01-01"},
    ],
)
def test_one_person_written_in_many_ways(one_person: Gateway, search: Any) -> None:
    found = one_person.ask(_FIND, _ALL, {"s": search}).data["people"]["matches"]
    assert [one["name"] for one in found] == ["欧阳 娜娜"]
    assert one_person.ask(_CHECK, NATIONAL, {"s": search}).data["checkDuplicate"] == {
        "exists": True,
        "complete": True,
    }


@pytest.mark.parametrize(
    "search",
    [
        {"idNumber": _NUMBER[:-1]},
        {"idNumber": _NUMBER[:10]},
        {"phone": "139000"},
        {"phone": "13900000"},
        {"name": "欧阳娜娜", "birthDate": "1990-01-02"},
        {"name": "欧阳娜", "birthDate": "1990-01-01"},
        {"phone": _NUMBER},
        {"idNumber": "1390000"},
    ],
)
def test_nobody_is_found_by_a_part_or_by_another_item(one_person: Gateway, search: Any) -> None:
    asked = one_person.ask(_FIND, _ALL, {"s": search})
    assert asked.data["people"]["matches"] == []
    assert one_person.ask(_CHECK, NATIONAL, {"s": search}).data["checkDuplicate"] == {
        "exists": False,
        "complete": True,
    }


@pytest.mark.parametrize(
    "who",
    [NATIONAL, viewer("500101"), viewer("330104", Role.DIRECT_REPORTER, account="x", unit="y")],
)
def test_leak_17_a_duplicate_check_says_only_whether(one_person: Gateway, who: Viewer) -> None:
    """Anyone who registers may ask; jurisdiction and masks do not matter, and tell nothing."""
    hit = one_person.ask(_CHECK, who, {"s": {"idNumber": _NUMBER}})
    assert {read.region for read in one_person.reads} == {0, 1, 2, 3}
    for read in one_person.reads:
        assert "sealed" not in read.sql
        assert "people.id " not in read.sql.replace("people.id_number", "")
    miss = one_person.ask(_CHECK, who, {"s": {"idNumber": "1"}})
    assert hit.data["checkDuplicate"] == {"exists": True, "complete": True}
    assert miss.data["checkDuplicate"] == {"exists": False, "complete": True}
    assert hit.told == miss.told  # the log is told neither who nor where
    assert hit.told["records"] == {}


def test_a_region_that_is_down(one_person: Gateway) -> None:
    def check(search: Any) -> Any:
        asked = one_person.ask(_CHECK, NATIONAL, {"s": search})
        assert asked.codes == ["REGION_UNAVAILABLE"]
        assert asked.errors[0]["path"] == ["checkDuplicate"]
        return asked.data["checkDuplicate"]

    for region in (0, 1):
        path = one_person.regions[region].path
        assert path is not None
        away = path.rename(path.with_suffix(".away"))
        time.sleep(0.06)  # for so long a file is believed to be where it was
        found = (
            {"exists": True, "complete": False}
            if region == 0
            else {"exists": None, "complete": False}
        )
        assert check({"idNumber": _NUMBER}) == found
        assert check({"idNumber": "1"}) == {"exists": None, "complete": False}
        asked = one_person.ask(_FIND, _ALL, {"s": {"idNumber": _NUMBER}})
        assert asked.codes == ["REGION_UNAVAILABLE"]
        assert len(asked.data["people"]["matches"]) == 1 - region
        assert asked.data["people"]["regions"][region]["state"] == "UNREACHABLE"
        away.rename(path)


def test_regions_outside_of_the_right_are_not_asked(gateway: Gateway) -> None:
    asked = gateway.ask(_FIND, viewer(grants=[grant("320100")]), {"s": _PHONE})
    states = [one["state"] for one in asked.data["people"]["regions"]]
    assert states == ["ANSWERED", "NOT_ASKED", "NOT_ASKED", "NOT_ASKED"]
    assert {read.region for read in gateway.reads} == {0}
