"""Shapes: what is read for a viewer, for every type of record and in every region."""

from __future__ import annotations

import pytest

from regions.sealing import ITEMS
from regions.statements import Statement
from resolvers.catalog import RECORDS, Record, private_fields
from resolvers.privacy import HELD
from resolvers.questions.ordinary import every_shape
from resolvers.questions.rows import select_rows
from resolvers.questions.shapes import ItemGap, Shape
from resolvers.users import Role, Viewer
from tests.answering import NATIONAL, Gateway, grant, viewer

_ALL = viewer(grants=[grant()])
_PART = viewer(grants=[grant("320104", items=frozenset({"NAME", "REMARKS"}))])
_REPORTER = viewer("320104", Role.DIRECT_REPORTER, account="doctor-1", unit="hospital-320104-1")
_RECORDS = [
    RECORDS[name] for name in sorted({owner for owner, _ in private_fields()} & set(RECORDS))
]
"""The types with private items."""


def _shapes(gateway: Gateway, who: Viewer, record: Record) -> list[Shape]:
    shapes = every_shape(gateway.answering, who, record)
    return [shapes.of(region) for region in gateway.federation.everyone]


def _sql(shape: Shape, dialect: str) -> str:
    return Statement(select_rows(shape, [], [shape.record.table.c.id]), dialect).sql


def _held(sql: str) -> None:
    """Of letters a unit may hold some, and of forms file some: each row's envelope is read where
    its unit is the one.
    """
    before, *_ = sql.split("sealed")
    assert "CASE WHEN" in before
    assert any(f"{name} = " in before for name in ("holder_unit", "to_unit", "reporter_unit"))


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
@pytest.mark.parametrize("record", _RECORDS, ids=lambda record: record.name)
def test_only_who_may_see_items_reads_envelopes(
    gateway: Gateway, record: Record, dialect: str
) -> None:
    for shape in _shapes(gateway, NATIONAL, record):
        assert shape.masked
        if record.name in HELD:
            _held(_sql(shape, dialect))
            continue
        assert "sealed" not in _sql(shape, dialect)
        assert shape.clear == set()
    for shape in _shapes(gateway, _ALL, record):
        assert "sealed" in _sql(shape, dialect)
        assert shape.masked == set()


@pytest.mark.parametrize("record", _RECORDS, ids=lambda record: record.name)
def test_a_right_to_one_county_leaves_other_regions_masked(
    gateway: Gateway, record: Record
) -> None:
    nanjing, *others = _shapes(gateway, _PART, record)
    if record.name in HELD:
        for shape in others:
            _held(_sql(shape, "sqlite"))
        return
    assert all("sealed" not in _sql(shape, "sqlite") for shape in others)
    assert all(shape.clear == set() for shape in others)
    if record.every_item:
        assert nanjing.clear == set()
        return
    items = {gap.item for gap in nanjing.gaps if isinstance(gap, ItemGap)}
    assert items <= {"NAME", "REMARKS"}
    # Which rows the right covers is decided in the statement, so others' envelopes stay there.
    assert ("CASE" in _sql(nanjing, "sqlite")) is bool(items)


@pytest.mark.parametrize("record", _RECORDS, ids=lambda record: record.name)
def test_regions_with_the_same_rules_share_a_shape(gateway: Gateway, record: Record) -> None:
    assert len({id(shape) for shape in _shapes(gateway, NATIONAL, record)}) == 1
    assert len({id(shape) for shape in _shapes(gateway, _ALL, record)}) == 1
    assert len({id(shape) for shape in _shapes(gateway, _PART, record)}) <= 2
    again = viewer()
    assert every_shape(gateway.answering, again, record) is every_shape(
        gateway.answering, NATIONAL, record
    )


@pytest.mark.parametrize("who", [NATIONAL, _ALL, _PART, _REPORTER], ids=["none", "all", "1", "own"])
@pytest.mark.parametrize("record", _RECORDS, ids=lambda record: record.name)
def test_every_key_is_read_once_and_every_gap_can_be_filled(
    gateway: Gateway, record: Record, who: Viewer
) -> None:
    for shape in _shapes(gateway, who, record):
        keys = [(key.pattern, str(key.expression)) for key in shape.keys]
        assert len(set(keys)) == len(keys)
        pattern = "".join(shape.pattern)
        assert pattern.count("%s") == len(shape.arguments)
        assert pattern.count("\x1e") == len(shape.gaps)
        for gap in shape.gaps:
            if isinstance(gap, ItemGap):
                envelope = shape.person_sealed_at if gap.of_person else shape.own_sealed_at
                assert 0 <= envelope < len(keys)
                table = "people" if gap.of_person else record.table.name
                assert gap.index < len(ITEMS[table])
        assert (shape.view is not None) is any(isinstance(gap, ItemGap) for gap in shape.gaps)
