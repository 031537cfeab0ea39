"""The same records give the same answers whatever kind of store holds them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regions.contacts import contacts
from regions.keys import Keys
from regions.reading import Read
from regions.settings import RegionSettings
from resolvers.users import Viewer
from tests.answering import NATIONAL, Asked, Gateway, grant, viewer
from tests.postgres import Postgres
from tests.records import Population
from tests.resolvers.conftest import SIZES
from tests.resolvers.operations import Operation, filters, operations, orders
from tests.resolvers.test_plans import VIEWERS
from tests.stores import Stores

pytestmark = pytest.mark.no_cover  # hundreds of questions through the lines of other tests


@pytest.fixture(scope="module")
def mixed(
    population: Population,
    shared_keys: Keys,
    templates: Path,
    tmp_path_factory: pytest.TempPathFactory,
    postgres: Postgres,
) -> Iterator[Gateway]:
    """A gateway over the same records, every other region on PostgreSQL."""
    folder = tmp_path_factory.mktemp("mixed")
    made = Stores(templates, lambda: folder, lambda: postgres)
    kinds = ("postgresql", "sqlite", "postgresql", "postgresql")
    regions = [made.make(kind, code) for kind, code in zip(kinds, SIZES, strict=True)]
    for one in regions:
        population.write(one)
    gateway = Gateway(regions, shared_keys)
    yield gateway
    gateway.close()
    made.close()


def _same(gateway: Gateway, mixed: Gateway, *args: Any, **more: Any) -> Asked:
    """The answer of both gateways, which must be one and the same."""
    one, other = gateway.ask(*args, **more), mixed.both(*args, **more)
    assert one.data == other.data
    assert one.errors == other.errors
    assert one.told == other.told | {"records": one.told["records"], "reasons": one.told["reasons"]}
    return other


@pytest.mark.parametrize("who", VIEWERS.values(), ids=VIEWERS)
@settings(max_examples=12)
@given(operation=operations())
def test_generated_operations(
    gateway: Gateway, mixed: Gateway, who: Viewer, operation: Operation
) -> None:
    _same(gateway, mixed, operation.text, who, operation.variables)


@pytest.mark.parametrize("record", ["Contact", "Case"])
@settings(max_examples=30)
@given(drawn=st.data())
def test_filters_orders_and_pages(
    gateway: Gateway, mixed: Gateway, record: str, drawn: st.DataObject
) -> None:
    field = {"Contact": "contacts", "Case": "cases"}[record]
    text = f"""query ($f: {record}Filter, $o: [{record}Order!], $n: Int, $a: String) {{
        {field}(filter: $f, orderBy: $o, first: $n, after: $a) {{ totalCount
        edges {{ cursor node {{ id }} }} pageInfo {{ hasNextPage endCursor }} }} }}"""
    variables = {"f": drawn.draw(filters(record)), "o": drawn.draw(orders(record)), "n": 3}
    for _ in range(4):
        data = _same(gateway, mixed, text, NATIONAL, variables).data
        if data is None or not data[field]["pageInfo"]["hasNextPage"]:
            break  # refused alike (codes of no region), or the last page
        variables["a"] = data[field]["pageInfo"]["endCursor"]


_OTHERS = (
    '{{ node(id: "contact:{0[id]}") {{ id ... on Contact {{ code exclusionReason name }} }} }}',
    '{{ nodes(ids: ["person:{0[person_id]}", "case:{0[source_case_id]}"]) {{ id '
    "... on Person {{ occupation nationality region {{ code state }} elsewhere {{ id }} }} }} }}",
    '{{ chain(root: "contact:{0[id]}", depth: 4) {{ truncated links {{ from to kind }} '
    "nodes {{ ... on Contact {{ id }} ... on Case {{ id }} }} regions {{ code state }} }} }}",
    '{{ people(search: {{ phone: "13900000001" }}) {{ matches {{ id name phone }} '
    "regions {{ code state records }} }} }}",
    '{{ people(search: {{ name: "person 1", birthDate: "1990-01-01" }}) {{ matches {{ id }} }} }}',
    '{{ a: checkDuplicate(candidate: {{ phone: "13900000002" }}) {{ exists complete }} '
    'b: checkDuplicate(candidate: {{ phone: "1" }}) {{ exists complete }} }}',
    '{{ counts(diseases: ["measles"], codes: ["000000", "320100", "320104"], from: "2026-01-01", '
    'to: "2026-06-01", step: MONTH) {{ code counts {{ from cases deaths }} }} }}',
    "{{ regions {{ code state }} }}",
    '{{ units(first: 1000, filter: {{ code: ["320000"], level: [HOSPITAL, CITY] }}) '
    "{{ totalCount edges {{ node {{ id nameZh nameEn level code }} }} }} }}",
)


@pytest.mark.parametrize("question", _OTHERS, ids=lambda text: text[3:9])
@pytest.mark.parametrize(
    "who", [NATIONAL, viewer("320100", grants=[grant()])], ids=["masked", "granted"]
)
def test_everything_else(
    gateway: Gateway, mixed: Gateway, population: Population, question: str, who: Viewer
) -> None:
    row = next(row for row in population.rows["320100"][contacts] if row["source_case_id"])
    text = question.format(row)
    one, other = gateway.ask(text, who), mixed.ask(text, who)
    assert one.data == other.data
    assert one.errors == other.errors


@pytest.mark.parametrize("values", [["a\0b"], ["\0"], ["x" * 5000], ["'\"\\%s$1:x"]])
def test_what_no_store_holds_is_no_failure_of_a_store(
    gateway: Gateway, mixed: Gateway, values: list[str]
) -> None:
    text = "query ($f: CaseFilter) { cases(filter: $f) { totalCount regions { code state } } }"
    assert _same(gateway, mixed, text, NATIONAL, {"f": {"reportedBy": values}}).errors == []


def test_more_fields_than_a_function_takes(gateway: Gateway, mixed: Gateway) -> None:
    aliases = " ".join(f"a{i}: level b{i}: firstContactOn" for i in range(120))
    _same(gateway, mixed, f"{{ contacts(first: 3) {{ edges {{ node {{ {aliases} }} }} }} }}")


def test_a_server_that_is_gone_or_slow_is_named(
    population: Population, shared_keys: Keys, stores: Stores, postgres: Postgres
) -> None:
    regions = [replace(stores.make("postgresql"), deadline=0.5), stores.sqlite("3202")]
    for one in regions:
        population.write(one)
    text = "{ contacts { totalCount regions { code state } } }"
    for url, state in (
        (None, "ANSWERED"),
        (regions[0].url, "ANSWERED"),
        (postgres.url("nobody"), "UNREACHABLE"),
        ("postgresql://epigate@127.0.0.1:1/none", "UNREACHABLE"),
        ("postgresql://epigate@no.such.host.invalid/none", "UNREACHABLE"),
    ):
        asked = _ask_once(
            [replace(regions[0], url=url or regions[0].url), regions[1]], shared_keys, text
        )
        assert [one["state"] for one in asked.data["contacts"]["regions"]] == [state, "ANSWERED"]
        assert "epigate@" not in asked.answer.body.decode()


def _ask_once(regions: list[RegionSettings], keys: Keys, text: str) -> Asked:
    gateway = Gateway(regions, keys)
    try:
        return gateway.ask(text)
    finally:
        gateway.close()


def test_nothing_can_be_written_by_a_read(mixed: Gateway, gateway: Gateway) -> None:
    for one in (mixed, gateway):
        reads = [Read(region, "DELETE FROM contacts", ()) for region in range(len(one.regions))]
        for answer in one.run(one.federation.ask(reads)):
            assert answer.failure is not None
        assert one.ask("{ contacts { totalCount } }").data["contacts"]["totalCount"] == 24


def test_many_grants_and_grants_for_one_person(
    gateway: Gateway, mixed: Gateway, population: Population
) -> None:
    rows = population.of(contacts)
    counties = sorted({row["code"] for row in rows})
    rights = [
        replace(
            grant(counties[n % len(counties)], items=frozenset({("NAME", "PHONE", "SEX")[n % 3]})),
            id=f"g-{n}",
            person=rows[n % len(rows)]["person_id"] if n % 2 else None,
        )
        for n in range(130)
    ]
    text = """{ contacts(first: 1000) { edges { node { name phone person { sex idNumber }
        sourceCase { name exposures { place } } } } } }"""
    for code in ("000000", "320100"):
        asked = _same(gateway, mixed, text, viewer(code, grants=rights))
        assert asked.told["clear"]
