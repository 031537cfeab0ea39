"""Daily counts are what a recount of the cases makes, whatever was written."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regions.keys import Keys
from regions.statistics import rebuild
from tests.resolvers.writing.making import (
    CITY,
    NATIONAL,
    Row,
    Writer,
    case_input,
    correction,
)
from tests.stores import Stores, in_store

CODES = ("320102", "320104", "320205")
CASES = st.fixed_dictionaries(
    {
        "disease": st.sampled_from(["measles", "influenza"]),
        "code": st.sampled_from(CODES),
        "classification": st.sampled_from(["SUSPECTED", "CONFIRMED", "ASYMPTOMATIC", "EXCLUDED"]),
        "reportedAt": st.sampled_from(
            ["2026-03-02T00:00:00Z", "2026-03-02T23:00:00Z", "2026-03-03T09:00:00+08:00"]
        ),
        "diedOn": st.sampled_from([None, "2026-03-03"]),
    }
)
CHANGES = st.lists(
    st.sampled_from(
        [
            ("disease", "influenza"),
            ("disease", "measles"),
            ("code", "320104"),
            ("code", "320102"),
            ("code", "320205"),
            ("classification", "EXCLUDED"),
            ("classification", "CONFIRMED"),
            ("reportedAt", "2026-03-04T00:00:00Z"),
            ("outcome", "DIED"),
            ("outcome", "RECOVERED"),
            ("outcome", None),
            ("diedOn", "2026-03-04"),
            ("diedOn", None),
            ("onsetOn", "2026-02-20"),
        ]
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda change: change[0],
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("register"), CASES),
        st.tuples(st.just("repeat"), st.integers(0, 10)),
        st.tuples(st.just("correct"), st.tuples(st.integers(0, 10), CHANGES)),
    ),
    min_size=3,
    max_size=14,
)


def right(writer: Writer) -> bool:
    """Whether the counts of every region are those of its cases."""
    return all(
        in_store(one, lambda connection: rebuild(connection, mend=False)).agrees
        for one in writer.regions
    )


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_counts_are_those_of_the_cases(dialect: str, stores: Stores, keys: Keys) -> None:
    writer = Writer([stores.make(dialect, code) for code in ("3201", "3202")], keys)
    done: list[tuple[str, Row]] = []
    cases: list[str] = []

    def step(kind: str, what: Any) -> None:
        if kind == "register":
            given = case_input(**what, person={"name": "某"})
            found = writer.do("registerCase", NATIONAL, given)
            cases.append(found["case"]["id"])
            done.append(("registerCase", given))
        elif kind == "repeat" and done:
            assert writer.do(done[what % len(done)][0], NATIONAL, done[what % len(done)][1])
        elif kind == "correct" and cases:
            number, changes = what
            change = correction(cases[number % len(cases)], *changes)
            # Some contradict what the case is now: then nothing changes, the counts neither.
            if writer.do("correct", NATIONAL, change)["__typename"] == "CorrectPayload":
                done.append(("correct", change))

    @settings(
        max_examples=10 if dialect == "sqlite" else 4,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(STEPS)
    def sequences(steps: list[tuple[str, Any]]) -> None:
        for kind, what in steps:
            step(kind, what)
        assert right(writer)

    sequences()
    assert writer.count("daily_counts") > 0
    writer.close()


def test_counts_hold_when_many_write_at_once(either: Writer) -> None:
    first = either.do("registerCase", CITY, case_input())["case"]["id"]

    async def many() -> list[Any]:
        codes = ("320102", "320104")
        changes = ("EXCLUDED", "CONFIRMED", "SUSPECTED")
        return await asyncio.gather(
            *(either.doing("registerCase", CITY, case_input(code=codes[n % 2])) for n in range(16)),
            *(
                either.doing("correct", CITY, correction(first, ("classification", changes[n % 3])))
                for n in range(9)
            ),
        )

    results = either.run(many())
    assert {one["__typename"] for one in results} == {"RegisterCasePayload", "CorrectPayload"}
    assert right(either)
    assert either.count("cases") == 17
