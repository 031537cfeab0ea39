"""`aggregates` over real stores: true where it says a number, silent where it must be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert, update

from regions.cases import cases
from regions.contacts import contacts
from regions.instants import now
from regions.keys import Keys
from regions.settings import RegionSettings
from resolvers.aggregates.rounding import BASE
from resolvers.aggregates.tables import last_midnight
from resolvers.users import BUSINESS_ROLES, Role
from tests.answering import Asked, Gateway, viewer
from tests.postgres import Postgres
from tests.records import Population, make_population
from tests.stores import Stores, in_store

SIZES = {"3201": 300, "3202": 120, "3405": 60, "5001": 2}
ANALYST = viewer(role=Role.ANALYST, account="analyst")
ASK = """query ($input: AggregateInput!) { aggregates(input: $input) {
  total suppressed margin complete unplaced asOf withheld regions { code state }
  cells { values count suppressed margin complete } } }"""


@pytest.fixture(scope="module")
def population(shared_keys: Keys) -> Population:
    return make_population(SIZES, shared_keys)


@pytest.fixture(scope="module")
def filled(
    population: Population, templates: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[RegionSettings, ...]:
    folder = tmp_path_factory.mktemp("aggregates")

    def server() -> Postgres:
        raise AssertionError("no server is needed")

    made = Stores(templates, lambda: folder, server)
    settings = tuple(replace(made.sqlite(code), deadline=30.0) for code in SIZES)
    for one in settings:
        population.write(one)
    return settings


@pytest.fixture(scope="module")
def gateway(filled: tuple[RegionSettings, ...], shared_keys: Keys) -> Iterator[Gateway]:
    made = Gateway(filled, shared_keys)
    yield made
    made.close()


def asked(gateway: Gateway, who: Any = ANALYST, **given: Any) -> Asked:
    return gateway.ask(ASK, who, {"input": {"of": "CONTACTS", **given}})


def told(gateway: Gateway, who: Any = ANALYST, **given: Any) -> Any:
    answer = asked(gateway, who, **given)
    assert answer.errors == []
    return answer.data["aggregates"]


def true_counts(population: Population, *names: str) -> Counter[tuple[str, ...]]:
    regions = [region for region in population.rows if region[:4] != "5001"]
    rows = [row for region in regions for row in population.rows[region][contacts]]
    return Counter(tuple(row[name] for name in names) for row in rows)


BY = {
    "LEVEL": "level",
    "COUNTY": "code",
    "ROUTE": "route",
    "TRACED": "traced",
    "OUTCOME": "outcome",
}


@pytest.mark.parametrize(
    ("by", "told_of"),
    [(["LEVEL"], 1), (["COUNTY"], 0.8), (["LEVEL", "COUNTY"], 0.6), (["ROUTE", "LEVEL"], 0.9)],
)
def test_counts_are_near_the_truth(
    gateway: Gateway, population: Population, by: list[str], told_of: float
) -> None:
    found = told(gateway, by=by)
    true = true_counts(population, *(BY[one] for one in by))
    for cell in found["cells"]:
        number = true[tuple(cell["values"])]
        if cell["suppressed"]:
            assert (cell["count"], cell["margin"]) == (None, None)
        else:
            assert cell["count"] % BASE == 0
            assert number >= BASE
            assert abs(cell["count"] - number) <= 2 * cell["margin"]
    placed = sum(cell["count"] or 0 for cell in found["cells"])
    assert found["total"] == placed + found["unplaced"]
    assert abs(found["total"] - true.total()) <= 2 * found["margin"] < 0.2 * true.total()
    assert placed >= told_of * found["total"]


@pytest.mark.leak(12)
def test_leak_12_small_cells_are_not_told(gateway: Gateway, population: Population) -> None:
    true = Counter(
        (row["level"], row["code"], row["created_at"][:10]) for row in population.of(contacts)
    )
    found = told(gateway, by=["LEVEL", "COUNTY", "DAY"])
    cells = {tuple(cell["values"]): cell for cell in found["cells"]}
    small = [values for values, number in true.items() if number < BASE]
    assert small
    for values in small:
        assert values not in cells or cells[values]["suppressed"]
        day = {"from": values[2], "to": values[2]}
        alone = told(gateway, level=[values[0]], codes=[values[1]], **day)
        assert (alone["total"], alone["suppressed"], alone["unplaced"]) == (None, True, 0)


OFFERED = [
    [*kind, *place, *time, *attribute]
    for kind in ([], ["DISEASE"])
    for place in ([], ["PROVINCE"], ["CITY"], ["COUNTY"])
    for time in ([], ["YEAR"], ["MONTH"], ["WEEK"], ["DAY"])
    for attribute in ([], ["ORIGIN"], ["CLASSIFICATION"], ["OUTCOME"])
    if not attribute or (place != ["COUNTY"] and time != ["DAY"])
]


@pytest.mark.leak(12)
def test_leak_12_the_mean_over_all_sets_of_axes_tells_no_more_than_one_answer(
    gateway: Gateway,
) -> None:
    """Every set of dimensions, of a region with 100 cases: one number, a multiple of five."""
    totals = {
        answer.data["aggregates"]["total"]
        for by in OFFERED
        if (answer := asked(gateway, of="CASES", by=by, codes=["320100"])).errors == []
    }
    assert len(totals) == 1
    assert totals.pop() % BASE == 0


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ({"to": "2026-01-11"}, {"from": "2026-01-12"}, {}),
        ({"codes": ["320100"]}, {"codes": ["320200", "340500", "500000"]}, {}),
        ({"level": ["CLOSE"]}, {"level": ["SECONDARY", "GENERAL"]}, {}),
        ({"traced": ["YES"]}, {"traced": ["NO"]}, {}),
        ({"codes": ["320102"]}, {"codes": ["320104", "320105", "320106"]}, {"codes": ["320100"]}),
    ],
)
@pytest.mark.leak(12)
def test_leak_12_a_difference_tells_what_asking_for_it_would(
    gateway: Gateway, one: dict[str, Any], other: dict[str, Any], both: dict[str, Any]
) -> None:
    totals = [told(gateway, **given)["total"] or 0 for given in (one, other, both)]
    assert totals[2] - totals[0] == totals[1]
    assert all(total % BASE == 0 for total in totals)


def test_a_region_of_few_is_withheld(gateway: Gateway) -> None:
    found = told(gateway)
    assert found["withheld"] == ["500100"]
    assert not found["complete"]
    near = told(gateway, by=["CITY"])["cells"]
    assert all(cell["complete"] for cell in near)
    alone = told(gateway, codes=["500000"])
    assert (alone["total"], alone["suppressed"]) == (None, True)


def test_a_filter_narrows_by_every_axis(gateway: Gateway) -> None:
    whole = told(gateway)["total"]
    part = told(gateway, codes=["320102"], level=["CLOSE"], **{"from": "2026-02-01"})
    assert 0 < part["total"] < whole
    none = told(gateway, **{"to": "2020-01-01"})
    assert (none["total"], none["suppressed"]) == (0, True) or none["total"] is None


def test_an_analyst_opens_no_record(gateway: Gateway) -> None:
    for question in ("{contacts{totalCount}}", "{cases{totalCount}}", '{node(id:"case:1"){id}}'):
        assert gateway.ask(question, ANALYST).codes == ["FORBIDDEN"]
    counted = '{counts(diseases:["hfmd"],codes:["320102"],from:"2026-01-01",to:"2026-01-02"){step}}'
    assert gateway.ask(counted, ANALYST).codes == ["FORBIDDEN"]


@pytest.mark.parametrize("role", Role)
def test_who_may_ask(gateway: Gateway, role: Role) -> None:
    answer = asked(gateway, viewer(role=role))
    may = role in BUSINESS_ROLES or role is Role.ANALYST
    assert answer.codes == ([] if may else ["FORBIDDEN"])


def test_nobody_counts_outside_of_the_jurisdiction(gateway: Gateway) -> None:
    city = viewer("320100", Role.ANALYST)
    assert asked(gateway, city, codes=["320200"]).codes == ["FORBIDDEN"]
    own = told(gateway, city, by=["CITY"])
    assert {cell["values"][0] for cell in own["cells"]} == {"320100"}
    states = {one["code"]: one["state"] for one in own["regions"]}
    assert states["320200"] == "NOT_ASKED"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"by": ["LEVEL", "COUNTY"], "traced": ["NO"], "from": "2026-01-01"}, "INVALID_INPUT"),
        ({"by": ["LEVEL", "ROUTE", "TRACED", "OUTCOME"]}, "INVALID_INPUT"),
        ({"by": ["ROUTE"], "traced": ["NO"]}, "INVALID_INPUT"),
        ({"by": ["LEVEL", "CITY", "MONTH", "ROUTE"]}, "INVALID_INPUT"),
        ({"by": ["ROUTE", "COUNTY"]}, "INVALID_INPUT"),
        ({"by": ["ROUTE", "DAY"]}, "INVALID_INPUT"),
        ({"by": ["ROUTE"], "codes": ["320102"]}, "INVALID_INPUT"),
        ({"by": ["ROUTE"], "from": "2026-01-07"}, "INVALID_INPUT"),
        ({"by": ["ROUTE"], "to": "2026-01-07"}, "INVALID_INPUT"),
        ({"by": ["DISEASE"]}, "INVALID_INPUT"),
        ({"by": ["CITY", "COUNTY"]}, "INVALID_INPUT"),
        ({"by": ["DAY", "DAY"]}, "INVALID_INPUT"),
        ({"diseases": ["measles"]}, "INVALID_INPUT"),
        ({"of": "CASES", "level": ["CLOSE"]}, "INVALID_INPUT"),
        ({"of": "CASES", "diseases": ["no such"]}, "INVALID_INPUT"),
        ({"from": "2026-01-02", "to": "2026-01-01"}, "INVALID_INPUT"),
    ],
)
def test_what_means_nothing_is_refused(gateway: Gateway, given: dict[str, Any], code: str) -> None:
    assert asked(gateway, **given).codes == [code]


@pytest.mark.leak(12)
def test_leak_12_a_region_that_is_down_is_named_and_changes_no_other_number(
    filled: tuple[RegionSettings, ...], make: Callable[..., Gateway], tmp_path: Path
) -> None:
    """What is missing of a partial answer is what asking that region alone would have told."""
    gateway = make(filled)
    whole = told(gateway, by=["CITY"])
    gone = replace(filled[1], path=tmp_path / "gone.db", deadline=0.3)
    answer = asked(make([filled[0], gone, *filled[2:]]), by=["CITY"])
    assert answer.codes == ["REGION_UNAVAILABLE"]
    partial = answer.data["aggregates"]
    assert partial["cells"] == [cell for cell in whole["cells"] if cell["values"] != ["320200"]]
    assert not partial["complete"]
    alone = told(gateway, codes=["320200"])
    assert whole["total"] - partial["total"] == alone["total"]
    assert alone["complete"]
    by_level = asked(make([filled[0], gone, *filled[2:]]), by=["LEVEL"]).data["aggregates"]["cells"]
    assert by_level
    assert not any(cell["complete"] for cell in by_level)


def test_the_log_has_no_record(gateway: Gateway) -> None:
    answer = asked(gateway, by=["LEVEL"])
    assert answer.told["records"] == {}
    assert answer.answer.operation == "query aggregates"


def test_what_is_new_is_counted_from_midnight_on(
    filled: tuple[RegionSettings, ...],
    make: Callable[..., Gateway],
    population: Population,
    stores: Stores,
) -> None:
    settings = stores.sqlite("3201")
    population.write(settings)
    first = told(make([settings]), of="CASES")
    row = next(iter(population.rows["320100"][cases]))
    late = [
        row | {"id": row["id"] + 10**6 + i, "created_at": now(), "source_key": None, "sealed": None}
        for i in range(50)
    ]
    in_store(settings, lambda one: one.execute(insert(cases), late).close())
    assert told(make([settings]), of="CASES") == first
    assert first["asOf"] == last_midnight(now())


@pytest.mark.parametrize(
    ("at", "midnight"),
    [
        ("2026-11-22T15:59:59Z", "2026-11-21T16:00:00Z"),
        ("2026-11-22T16:00:00Z", "2026-11-22T16:00:00Z"),
    ],
)
def test_days_begin_in_china(at: str, midnight: str) -> None:
    assert last_midnight(at) == midnight


def test_both_kinds_of_store_are_told_the_same(
    stores: Stores, keys: Keys, make: Callable[..., Gateway]
) -> None:
    people = make_population({"3201": 80}, keys)
    found = []
    for kind in ("sqlite", "postgresql"):
        settings = stores.make(kind)
        people.write(settings)
        gateway = make([settings])
        found.append(
            [
                told(gateway, of=of, by=by)
                for of in ("CASES", "CONTACTS")
                for by in (["MONTH", "COUNTY"], ["OUTCOME", "WEEK"])
            ]
        )
    assert found[0] == found[1]


def test_what_was_handed_over_is_counted_where_it_lives(
    stores: Stores, keys: Keys, make: Callable[..., Gateway]
) -> None:
    settings = stores.sqlite("3201")
    people = make_population({"3201": 200}, keys)
    people.write(settings)
    before = told(make([settings]))["total"]
    gone = [row["id"] for row in people.of(contacts)[:100]]

    def hand_over(one: Connection) -> None:
        one.execute(update(contacts).where(contacts.c.id.in_(gone)).values(kept_in="320200"))

    in_store(settings, hand_over)
    after = told(make([settings]))["total"]
    assert 60 <= before - after <= 140
