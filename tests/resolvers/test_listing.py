"""Pages: every record once, in order, whatever the sizes, the order and where the records lie."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, select

from regions.keys import Keys
from regions.settings import RegionSettings
from resolvers.catalog import RECORDS
from resolvers.questions.listing import quota
from tests.answering import NATIONAL, Gateway, viewer
from tests.records import Population, make_population
from tests.resolvers.conftest import no_server
from tests.resolvers.expected import in_order, public_id, visible
from tests.resolvers.operations import orders
from tests.stores import Stores, in_store

_SKEWED = {"3201": 90, "3202": 1, "3204": 12, "3305": 0, "3405": 30, "5001": 2}


@pytest.fixture(scope="module")
def skewed(
    shared_keys: Keys, templates: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Gateway, Population]]:
    """A gateway over regions of very unlike size."""
    population = make_population(_SKEWED, shared_keys, seed=3)
    folder = tmp_path_factory.mktemp("skewed")
    made = Stores(templates, lambda: folder, no_server)
    regions = [made.sqlite(code) for code in _SKEWED]
    for one in regions:
        population.write(one)
    gateway = Gateway(regions, shared_keys)
    yield gateway, population
    gateway.close()


@pytest.fixture
def skewed_copy(
    shared_keys: Keys, stores: Stores
) -> Iterator[tuple[Gateway, Population, list[RegionSettings]]]:
    """The same, to be written to."""
    population = make_population(_SKEWED, shared_keys, seed=3)
    regions = [stores.sqlite(code) for code in _SKEWED]
    for one in regions:
        population.write(one)
    gateway = Gateway(regions, shared_keys)
    yield gateway, population, regions
    gateway.close()


def _pages(gateway: Gateway, record: str, sizes: list[int], who: Any, order: Any) -> Iterator[Any]:
    """The pages of a list, of the sizes in turn."""
    field = {"Contact": "contacts", "Case": "cases"}[record]
    text = f"""query ($o: [{record}Order!], $first: Int, $after: String) {{
        {field}(orderBy: $o, first: $first, after: $after) {{ totalCount
          edges {{ cursor node {{ id }} }} regions {{ code state records }}
          pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"""
    after, number = None, 0
    while True:
        given = {"o": order, "first": sizes[number % len(sizes)], "after": after}
        asked = gateway.ask(text, who, given, planning=number % 3 != 2)
        assert asked.errors == []
        page = asked.data[field]
        yield page
        if not page["pageInfo"]["hasNextPage"]:
            return
        after, number = page["pageInfo"]["endCursor"], number + 1
        assert number < 200


@pytest.mark.parametrize("record", ["Contact", "Case"])
@pytest.mark.parametrize("who", [NATIONAL, viewer("320000")], ids=["national", "province"])
@settings(max_examples=12)
@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=4).filter(lambda s: max(s) > 4),
    data=st.data(),
)
def test_all_pages_hold_every_record_once_in_order(
    skewed: tuple[Gateway, Population], record: str, who: Any, sizes: list[int], data: st.DataObject
) -> None:
    gateway, population = skewed
    order = data.draw(orders(record))
    rows = in_order(visible(population, who, record), order)
    found: list[str] = []
    for page in _pages(gateway, record, sizes, who, order):
        ids = [edge["node"]["id"] for edge in page["edges"]]
        assert page["totalCount"] == len(rows)
        assert page["pageInfo"]["hasPreviousPage"] is bool(found)
        records = [one["records"] for one in page["regions"] if one["state"] == "ANSWERED"]
        assert sum(records) == len(ids)
        found += ids
    assert found == [public_id(record, row) for row in rows]


def test_a_region_whose_share_ran_out_is_asked_once_more(
    skewed: tuple[Gateway, Population],
) -> None:
    gateway, population = skewed
    text = "query ($n: Int) { contacts(first: $n) { edges { node { id } } } }"
    rounds = []
    for _ in range(40):
        asked = gateway.ask(text, NATIONAL, {"n": 60})
        ids = [edge["node"]["id"] for edge in asked.data["contacts"]["edges"]]
        rows = in_order(visible(population, NATIONAL, "Contact"), None)[:60]
        assert ids == [public_id("Contact", row) for row in rows]
        rounds.append([len(reads) for reads in gateway.federation.rounds])
    first, last = rounds[0], rounds[-1]
    assert first == [6, 2]  # Nanjing and Ma'anshan hold more than equal shares of a page
    assert last == [6]  # and then it was


def test_a_first_page_asked_for_again_reads_hardly_more_than_itself(
    skewed_copy: tuple[Gateway, Population, list[RegionSettings]],
) -> None:
    gateway, population, regions = skewed_copy
    text = "query ($n: Int) { contacts(first: $n) { edges { node { id } } } }"

    def asked(first: int) -> list[str]:
        edges = gateway.ask(text, NATIONAL, {"n": first}).data["contacts"]["edges"]
        return [edge["node"]["id"] for edge in edges]

    rows = in_order(visible(population, NATIONAL, "Contact"), None)
    expected = [public_id("Contact", row) for row in rows]
    for first in (4, 60, 4, 60):
        assert asked(first) == expected[:first]
    (reads,) = gateway.federation.rounds
    assert sum(read.limit for read in reads) <= 61 + 2 * len(regions) + 61 // 32
    assert all(read.limit >= 2 for read in reads)

    def add(connection: Connection) -> None:
        rows = [dict(row) for row in connection.execute(select(_C)).mappings()][:50]
        newer = [
            r | {"id": r["id"] + 9000, "created_at": "2027-01-01T00:00:00Z", "source_key": None}
            for r in rows
        ]
        connection.execute(insert(_C), newer)

    in_store(regions[0], add)
    first_time, again = asked(60), asked(60)
    assert len(set(first_time)) == 60
    assert first_time == again
    assert first_time[50:] == expected[:10]
    assert [len(reads) for reads in gateway.federation.rounds] == [len(regions)]


def test_the_next_page_is_not_moved_by_new_records_before_it(
    shared_keys: Keys, stores: Stores
) -> None:
    population = make_population({"3201": 30}, shared_keys)
    region = stores.sqlite("3201")
    population.write(region)

    def add(connection: Connection) -> None:
        rows = [dict(row) for row in connection.execute(select(_C)).mappings()]
        newer = [r | {"id": r["id"] + 9000, "created_at": "2027-01-01T00:00:00Z"} for r in rows]
        connection.execute(insert(_C), newer)

    gateway = Gateway([region], shared_keys)
    seen = []
    for number, page in enumerate(_pages(gateway, "Contact", [7], NATIONAL, None)):
        seen += [edge["node"]["id"] for edge in page["edges"]]
        if number == 0:
            in_store(region, add)
    gateway.close()
    assert seen == [public_id("Contact", row) for row in in_order(population.of(_C), None)]


_C = RECORDS["Contact"].table


@pytest.mark.parametrize("first", [0, 1, 5, 1000])
def test_a_page_has_the_size_asked_for(
    gateway: Gateway, population: Population, first: int
) -> None:
    text = "query ($n: Int) { contacts(first: $n) { edges { cursor } pageInfo { hasNextPage } } }"
    page = gateway.both(text, NATIONAL, {"n": first}).data["contacts"]
    count = len(population.of(_C))
    assert len(page["edges"]) == min(first, count)
    assert page["pageInfo"]["hasNextPage"] is (first < count)


def test_nobodys_page_is_empty_and_whole(gateway: Gateway) -> None:
    text = """{ contacts { totalCount edges { cursor } regions { state records }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""
    assert gateway.both(text, viewer("330000")).data["contacts"] == {
        "totalCount": 0,
        "edges": [],
        "regions": [{"state": "NOT_ASKED", "records": None}] * 4,
        "pageInfo": {
            "hasNextPage": False,
            "hasPreviousPage": False,
            "startCursor": None,
            "endCursor": None,
        },
    }


@given(wanted=st.integers(1, 1001), share=st.floats(0, 1))
def test_a_share_is_asked_for_with_a_margin_but_never_more_than_a_page(
    wanted: int, share: float
) -> None:
    found = quota(wanted, share)
    assert 1 <= found <= wanted
    assert found >= min(wanted, wanted * share)


def test_regions_that_are_asked_alike_share_their_statements(
    filled: tuple[RegionSettings, ...], make: Callable[..., Gateway]
) -> None:
    """Compiling one takes milliseconds of the event loop, for every filter somebody thinks of."""
    query = "{ contacts(first: 4) { edges { node { id secondaryContacts { id } } } } }"
    for who in (NATIONAL, viewer("320102"), viewer("320000")):
        gateway = make(filled)
        gateway.ask(query, who)
        concerned = len(gateway.federation.concerned([who.prefix]))
        assert len(gateway.reads) >= concerned
        statements = {read.sql for read in gateway.reads}
        assert len({id(read.sql) for read in gateway.reads}) == len(statements) == 2
