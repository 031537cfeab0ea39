"""`aggregates` over real stores: true where it says a number, silent where it must be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from regions.cases import cases
from regions.contacts import contacts
from regions.instants import now
from regions.keys import Keys
from regions.settings import RegionSettings
from resolvers.aggregates.grouping import FEWEST
from resolvers.aggregates.tables import last_midnight
from resolvers.users import BUSINESS_ROLES, Role
from tests.answering import Asked, Gateway, viewer
from tests.postgres import Postgres
from tests.records import Population, make_population
from tests.stores import Stores, in_store

SIZES = {"3201": 300, "3202": 120, "3405": 60, "5001": 2}
ANALYST = viewer(role=Role.ANALYST, account="analyst")
ASK = """query ($input: AggregateInput!) { aggregates(input: $input) {
  total suppressed complete unplaced asOf withheld regions { code state }
  cells { values count suppressed complete } } }"""


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


@pytest.mark.parametrize("by", [["LEVEL"], ["COUNTY"], ["LEVEL", "COUNTY"], ["ROUTE", "TRACED"]])
def test_counts_are_true_to_the_next_five_of_each_group(
    gateway: Gateway, population: Population, by: list[str]
) -> None:
    found = told(gateway, by=by)
    true = true_counts(population, *(BY[one] for one in by))
    cells = {tuple(cell["values"]): cell for cell in found["cells"]}
    assert set(true) <= set(cells)
    for values, cell in cells.items():
        if cell["suppressed"]:
            assert cell["count"] is None
            assert not cell["complete"]
        else:
            assert cell["count"] % FEWEST == 0
            assert true[values] >= FEWEST
        if cell["complete"]:
            assert abs(cell["count"] - true[values]) < 0.1 * true[values] + FEWEST
    placed = sum(cell["count"] or 0 for cell in found["cells"])
    assert found["total"] == placed + found["unplaced"]
    assert abs(found["total"] - true.total()) < 0.1 * true.total()
    assert placed >= 0.8 * found["total"]


def test_small_cells_are_not_told(gateway: Gateway, population: Population) -> None:
    names = ("level", "code", "outcome")
    true = true_counts(population, *names)
    found = told(gateway, by=["LEVEL", "COUNTY", "OUTCOME"])
    cells = {tuple(cell["values"]): cell for cell in found["cells"]}
    small = [values for values, number in true.items() if number < FEWEST]
    assert small
    for values in small:
        assert cells[values]["count"] is None
        assert cells[values]["suppressed"]


def test_a_region_of_few_is_withheld(gateway: Gateway) -> None:
    found = told(gateway)
    assert found["withheld"] == ["500100"]
    assert not found["complete"]
    alone = told(gateway, codes=["500000"])
    assert (alone["total"], alone["suppressed"]) == (None, True)


def test_a_filter_narrows_by_every_axis(gateway: Gateway) -> None:
    whole = told(gateway)["total"]
    part = told(gateway, codes=["320100"], level=["CLOSE"], **{"from": "2026-02-01"})
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


def test_a_region_that_is_down_is_named_and_changes_no_other_number(
    filled: tuple[RegionSettings, ...], make: Callable[..., Gateway], tmp_path: Path
) -> None:
    whole = told(make(filled), by=["CITY"])["cells"]
    gone = replace(filled[1], path=tmp_path / "gone.db", deadline=0.3)
    answer = asked(make([filled[0], gone, *filled[2:]]), by=["CITY"])
    assert answer.codes == ["REGION_UNAVAILABLE"]
    rest = answer.data["aggregates"]["cells"]
    assert rest == [cell for cell in whole if cell["values"] != ["320200"]]


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


def test_both_kinds_of_store_make_the_same_groups(
    stores: Stores, keys: Keys, make: Callable[..., Gateway]
) -> None:
    people = make_population({"3201": 80}, keys)
    found = []
    for kind in ("sqlite", "postgresql"):
        settings = stores.make(kind)
        people.write(settings)
        gateway = make([settings])
        found.append([told(gateway, of=of, by=["MONTH", "COUNTY"]) for of in ("CASES", "CONTACTS")])
    assert found[0] == found[1]
