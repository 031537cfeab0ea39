"""Filters and orders hold what a plain reading of the rows says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regions.errors import InvalidInput, TooLarge
from resolvers.catalog import RECORDS
from resolvers.filters import code_prefix, code_prefixes, condition, orders
from tests.answering import NATIONAL, Gateway, viewer
from tests.records import Population, Row
from tests.resolvers.conftest import SIZES
from tests.resolvers.expected import holds, in_order, public_id, visible
from tests.resolvers.operations import filters
from tests.resolvers.operations import orders as some_orders

_FIELD = {"Contact": "contacts", "Case": "cases"}


def _ask(gateway: Gateway, record: str, wanted: Any, order: Any = None, **more: Any) -> Any:
    """The ids and the total count of a list, asked both ways."""
    text = f"""query ($f: {record}Filter, $o: [{record}Order!]) {{
        {_FIELD[record]}(filter: $f, orderBy: $o, first: 1000)
        {{ totalCount edges {{ node {{ id }} }} }} }}"""
    variables = {"f": wanted, "o": order}
    found = gateway.both(text, more.get("who", NATIONAL), variables).data[_FIELD[record]]
    return [edge["node"]["id"] for edge in found["edges"]], found["totalCount"]


def _ids(population: Population) -> dict[str, list[str]]:
    """Ids that some contacts are linked to."""
    rows = population.of(RECORDS["Contact"].table)
    cases = [f"case:{row['source_case_id']}" for row in rows if row["source_case_id"]]
    parents = [f"contact:{row['parent_contact_id']}" for row in rows if row["parent_contact_id"]]
    own = {
        name: [public_id(name, row) for row in population.of(RECORDS[name].table)[:3]]
        for name in ("Contact", "Case")
    }
    return {
        "Contact": [*own["Contact"], "contact:0"],
        "Case": [*own["Case"], "case:0"],
        "sourceCase": [*cases[:3], "case:0"],
        "parentContact": parents[:3],
    }


def _within_reach(codes: list[str], who: Any) -> bool:
    """Whether any of the codes lies in the viewer's jurisdiction and in a region of the gateway."""
    prefixes = [code_prefix(code) for code in codes]
    within = [
        p if p.startswith(who.prefix) else who.prefix
        for p in prefixes
        if p.startswith(who.prefix) or who.prefix.startswith(p)
    ]
    return any(r.startswith(p) or p.startswith(r) for p in within for r in SIZES)


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
@pytest.mark.parametrize("record", ["Contact", "Case"])
@pytest.mark.parametrize("who", [NATIONAL, viewer("320104")], ids=["national", "county"])
@settings(max_examples=60)
@given(data=st.data())
def test_a_filter_finds_the_rows_for_which_it_holds(
    gateway: Gateway, population: Population, record: str, who: Any, data: st.DataObject
) -> None:
    wanted = data.draw(filters(record, _ids(population)))
    order = data.draw(some_orders(record))
    rows = [row for row in visible(population, who, record) if holds(wanted, row)]
    if wanted.get("code") and not _within_reach(wanted["code"], who):
        text = f"query ($f: {record}Filter) {{ {_FIELD[record]}(filter: $f) {{ totalCount }} }}"
        assert gateway.both(text, who, {"f": wanted}).codes in (["FORBIDDEN"], ["INVALID_INPUT"])
        assert rows == []
        return
    ids, count = _ask(gateway, record, wanted, order, who=who)
    assert ids == [public_id(record, row) for row in in_order(rows, order)]
    assert count == len(rows)


def _with(population: Population, record: str, wanted: dict[str, Any]) -> list[Row]:
    return [row for row in visible(population, NATIONAL, record) if holds(wanted, row)]


@pytest.mark.parametrize("record", ["Contact", "Case"])
@pytest.mark.parametrize("negated", [False, True])
def test_unknown_is_neither_in_a_range_nor_one_of_the_values(
    gateway: Gateway, population: Population, record: str, negated: bool
) -> None:
    column, field = {"Contact": ("first_contact_on", "firstContactOn"), "Case": ("onset_on",) * 2}[
        record
    ]
    field = {"Contact": "firstContactOn", "Case": "onsetOn"}[record]
    wanted: dict[str, Any] = {field: {"from": "2026-01-01"}}
    wanted = {"not": wanted} if negated else wanted
    ids, _ = _ask(gateway, record, wanted)
    found = [row for row in population.of(RECORDS[record].table) if public_id(record, row) in ids]
    assert any(row[column] is None for row in found) is negated
    assert any(row[column] == "2026-01-01" for row in found) is not negated


def test_a_code_finds_itself_and_all_below(gateway: Gateway, population: Population) -> None:
    for code, prefix in [("000000", ""), ("320000", "32"), ("320100", "3201"), ("320104",) * 2]:
        ids, count = _ask(gateway, "Contact", {"code": [code]})
        rows = population.of(RECORDS["Contact"].table)
        assert count == len(ids) == sum(row["code"].startswith(prefix) for row in rows)
        assert count


def test_a_dead_code_finds_the_records_of_its_successor(
    gateway: Gateway, population: Population
) -> None:
    # 320103 白下区 went into 320104 秦淮区, 320107 下关区 into 320106 鼓楼区, in 2013.
    assert (code_prefix("320103"), code_prefix("320107")) == ("320104", "320106")
    assert _ask(gateway, "Contact", {"code": ["320103"]}) == _ask(
        gateway, "Contact", {"code": ["320104"]}
    )
    assert _ask(gateway, "Contact", {"code": ["320103"]})[1]


@pytest.mark.parametrize(
    ("wanted", "prefixes"),
    [
        (None, [""]),
        ({"level": ["CLOSE"]}, [""]),
        ({"code": []}, []),
        ({"code": ["320100", "340503"]}, ["3201", "340503"]),
        ({"code": ["320103"]}, ["320104"]),
        ({"code": ["320000"], "and": [{"code": ["320104"]}]}, ["320104"]),
        ({"and": [{"code": ["320100"]}, {"code": ["340500"]}]}, []),
        ({"or": [{"code": ["320100"]}, {"level": ["CLOSE"]}]}, [""]),
        ({"not": {"code": ["320100"]}}, [""]),
    ],
)
def test_prefixes_outside_of_which_nothing_matches(wanted: Any, prefixes: list[str]) -> None:
    assert code_prefixes(wanted) == prefixes


def test_regions_that_cannot_match_are_not_asked(gateway: Gateway) -> None:
    text = """query ($f: ContactFilter) { contacts(filter: $f) {
        totalCount edges { node { id } } regions { code state records } } }"""
    asked = gateway.both(text, NATIONAL, {"f": {"code": ["320103", "500000"]}})
    assert {one["code"]: one["state"] for one in asked.data["contacts"]["regions"]} == {
        "320100": "ANSWERED",
        "320200": "NOT_ASKED",
        "340500": "NOT_ASKED",
        "500100": "ANSWERED",
    }
    gateway.ask(text, NATIONAL, {"f": {"code": ["110000"]}})
    assert gateway.reads == []
    gateway.ask(text, viewer("340503"))
    assert {read.region for read in gateway.reads} == {2}


@pytest.mark.parametrize(
    ("record", "wanted", "code"),
    [
        ("Contact", {"sourceCase": ["contact:1"]}, "INVALID_INPUT"),
        ("Contact", {"sourceCase": ["case:-1"]}, "INVALID_INPUT"),
        ("Contact", {"sourceCase": ["case:一"]}, "INVALID_INPUT"),
        ("Contact", {"parentContact": ["x"]}, "INVALID_INPUT"),
        (
            "Contact",
            {"firstContactOn": {"from": "2026-02-01", "to": "2026-01-01"}},
            "INVALID_INPUT",
        ),
        (
            "Case",
            {"reportedAt": {"from": "2026-02-01T00:00:00Z", "to": "2026-02-01T07:00:00+08:00"}},
            "INVALID_INPUT",
        ),
        ("Case", {"disease": ["x"] * 1001}, "TOO_LARGE"),
        ("Case", {"or": [{"outcome": ["DIED"]}] * 300}, "TOO_LARGE"),
        ("Case", {"and": [{"code": ["320100"] * 600}] * 2}, "TOO_LARGE"),
    ],
)
def test_a_filter_without_sense_or_measure_is_refused_both_ways(
    gateway: Gateway, record: str, wanted: Any, code: str
) -> None:
    text = f"query ($f: {record}Filter) {{ l: {_FIELD[record]}(filter: $f) {{ totalCount }} }}"
    answers = [gateway.ask(text, NATIONAL, {"f": wanted}, planning=p) for p in (True, False)]
    for asked in answers:
        assert asked.data is None
        assert asked.codes == [code]
        assert asked.errors[0]["path"] == ["l"]
        assert gateway.reads == []


def test_a_deep_filter_is_refused() -> None:
    wanted: dict[str, Any] = {}
    for _ in range(30):
        wanted = {"not": wanted}
    with pytest.raises((InvalidInput, TooLarge)):
        condition(RECORDS["Case"], wanted)


@pytest.mark.parametrize(
    "wanted",
    [
        {"code": [f"{320000 + i}" for i in range(1000)]},
        {"disease": ["measles", "covid_19"] * 500},
        {"disease": ['a "new" one\'s', "covid_19"]},
        {"reportedBy": ["'; DROP TABLE cases --", "%s", "\\", '"']},
        {"not": {"not": {"not": {}}}},
        {"or": []},
        {"and": []},
        {"or": [{}] * 90},
        {"or": [{"code": [f"32{i:02}00"]} for i in range(90)]},
        {"or": [{"disease": ["measles"]}] * 60},
    ],
)
def test_a_large_or_odd_filter_is_answered_by_every_region(
    gateway: Gateway, population: Population, wanted: Any
) -> None:
    text = """query ($f: CaseFilter) {
        cases(filter: $f) { totalCount edges { node { id } } regions { state } } }"""
    asked = gateway.both(text, NATIONAL, {"f": wanted})
    assert asked.errors == []
    assert {one["state"] for one in asked.data["cases"]["regions"]} <= {"ANSWERED", "NOT_ASKED"}
    assert asked.data["cases"]["totalCount"] == len(_with(population, "Case", wanted))


@pytest.mark.parametrize("record", ["Contact", "Case"])
@pytest.mark.leak(8, 10)
def test_no_filter_and_no_order_names_a_private_item(gateway: Gateway, record: str) -> None:
    private = {name for name, one in RECORDS[record].fields.items() if hasattr(one.source, "item")}
    private |= {"birthDate", "idType", "guardian", "employerLocation", "seat", "coordinates"}
    for name in private:
        for variables in ({"f": {name: ["x"]}}, {"o": [{"field": name.upper()}]}):
            text = f"""query ($f: {record}Filter, $o: [{record}Order!]) {{
                {_FIELD[record]}(filter: $f, orderBy: $o) {{ totalCount }} }}"""
            asked = gateway.ask(text, NATIONAL, variables)
            assert asked.answer.status == 400
            assert gateway.reads == []


def test_a_key_of_an_order_counts_once() -> None:
    one, again = {"field": "CODE", "direction": "ASC"}, {"field": "CODE", "direction": "DESC"}
    assert [(o.column, o.descending) for o in orders([one, again])] == [("code", False)]
    assert [(o.column, o.descending) for o in orders([])] == [("created_at", True)]


@pytest.mark.parametrize(
    ("wanted", "who", "code", "hint"),
    [
        ({"disease": ["covid"]}, NATIONAL, "INVALID_INPUT", "perhaps covid19?"),
        ({"disease": ["a\0b", "measles"]}, NATIONAL, "INVALID_INPUT", "the field diseases"),
        ({"not": {"disease": ["?"]}}, NATIONAL, "INVALID_INPUT", "the field diseases"),
        ({"code": ["999999"]}, NATIONAL, "INVALID_INPUT", "the field regions"),
        ({"code": ["320100"]}, viewer("340500"), "FORBIDDEN", ""),
    ],
)
def test_what_cannot_match_anything_is_named(
    gateway: Gateway, wanted: Any, who: Any, code: str, hint: str
) -> None:
    text = "query ($f: CaseFilter) { cases(filter: $f) { totalCount } }"
    for planning in (True, False):
        (error,) = gateway.ask(text, who, {"f": wanted}, planning=planning).errors
        assert error["extensions"]["code"] == code
        assert hint in error["extensions"].get("hint", "")


def test_a_disease_that_a_line_list_brought_along_is_known(gateway: Gateway) -> None:
    asked = gateway.ask("{ diseases { id nameEn } }", NATIONAL)
    assert {"covid_19", "measles"} <= {one["id"] for one in asked.data["diseases"]}
