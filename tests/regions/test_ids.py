"""Ids: they name the region, never meet, and are taken in blocks."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regions.engines import make_engine
from regions.ids import NUMBER_BITS, IdBlocks, first_id, padded, region_of, take_ids
from regions.settings import RegionSettings
from tests.stores import in_store


@pytest.mark.parametrize(
    ("code", "expected"), [("32", "320000"), ("3201", "320100"), ("320102", "320102")]
)
def test_codes_are_padded_to_six_digits(code: str, expected: str) -> None:
    assert padded(code) == expected


@given(st.integers(110_000, 829_999), st.integers(1, 2**NUMBER_BITS - 1))
def test_an_id_names_its_region_and_fits_63_bits(code: int, number: int) -> None:
    record = first_id(str(code)) + number
    assert region_of(record) == str(code)
    assert record < 2**63


def test_ids_are_taken_in_a_row(store_settings: RegionSettings) -> None:
    start = first_id("3201") + 1
    assert in_store(store_settings, lambda store: take_ids(store, "3201", 3)) == start
    assert in_store(store_settings, lambda store: take_ids(store, "3201", 1)) == start + 3
    assert in_store(store_settings, lambda store: take_ids(store, "3201", 9)) == start + 4


def test_ids_taken_in_a_transaction_that_fails_are_given_again(
    store_settings: RegionSettings,
) -> None:
    first = in_store(store_settings, lambda store: take_ids(store, "3201", 1))
    with pytest.raises(ZeroDivisionError):
        in_store(store_settings, lambda store: take_ids(store, "3201", 5) // 0)
    assert in_store(store_settings, lambda store: take_ids(store, "3201", 1)) == first + 1


def test_blocks_never_give_an_id_twice(store_settings: RegionSettings) -> None:
    async def take() -> list[range]:
        engine = make_engine(store_settings)
        try:
            one, other = IdBlocks(engine, "3201"), IdBlocks(engine, "3201")
            given_out = []
            for count in (1, 499, 1, 700, 2, 400):
                for blocks in (one, other):
                    first = await blocks.take(count)
                    given_out.append(range(first, first + count))
            return given_out
        finally:
            await engine.dispose()

    ranges = asyncio.run(take())
    ids = [record for one in ranges for record in one]
    assert len(ids) == len(set(ids))
    assert {region_of(record) for record in ids} == {"320100"}


def test_blocks_serve_many_who_ask_at_once(store_settings: RegionSettings) -> None:
    async def take() -> list[int]:
        engine = make_engine(store_settings)
        try:
            blocks = IdBlocks(engine, "3201")
            return list(await asyncio.gather(*(blocks.take(100) for _ in range(30))))
        finally:
            await engine.dispose()

    firsts = asyncio.run(take())
    ids = [record for first in firsts for record in range(first, first + 100)]
    assert len(ids) == len(set(ids))
