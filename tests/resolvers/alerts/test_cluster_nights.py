"""Nights of clusters over real stores: one outcome for all regions, each signal once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from typing import Any

import orjson
import pytest
from sqlalchemy import delete, select

from regions.alerts import detection_nights, signals
from regions.keys import Keys
from regions.settings import RegionSettings
from regions.signal_messages import signal_messages
from regions.statistics import daily_counts
from resolvers.alerts.cluster_nights import ClusterNight, ClusterNights
from resolvers.alerts.night import Night
from resolvers.alerts.night_settings import NightSettings
from resolvers.alerts.rules import RuleBook
from resolvers.writing.stores import Stores as WritingStores
from schema.alerts import DetectionMethod as Method
from schema.alerts import RuleOrigin
from tests.answering import Gateway, viewer
from tests.resolvers.alerts.nights import (
    CHINA,
    DAY,
    Clock,
    after_night,
    book,
    counted,
    days_before,
    fill,
    night_rows,
    rule,
    signal_rows,
)
from tests.resolvers.alerts.test_clustering import CHUZHOU, NANJING, ZONE, outbreak, quiet
from tests.stores import Stores, in_store

SCAN = rule("dysentery", Method.SPACE_TIME_PERMUTATION)
PART = f"CLUSTERS {SCAN.id}"


def put(settings: RegionSettings, rows: Sequence[Sequence[Any]]) -> None:
    """Puts those of some rows that are a region's into its counts."""
    names = ("disease", "code", "day", "source", "cases", "deaths")
    cells: dict[tuple[Any, ...], list[int]] = {}
    for row in rows:
        if row[1].startswith(settings.prefixes):
            cell = cells.setdefault(tuple(row[:4]), [0, 0])
            cell[0] += int(row[4])
            cell[1] += int(row[5])
    fill(settings, [dict(zip(names, (*key, *n), strict=True)) for key, n in cells.items()])


def filled(regions: Sequence[RegionSettings]) -> list[RegionSettings]:
    """Nanjing and Chuzhou with an outbreak on both sides of the border."""
    for settings in regions:
        put(settings, [*quiet([*NANJING, *CHUZHOU], 200), *outbreak()])
        fill(settings, counted(settings.code[:4] + "02", "rabies", {days_before(DAY, 2600): 1}))
    return list(regions)


@pytest.fixture(params=["sqlite", "postgresql"])
def both(request: pytest.FixtureRequest, stores: Stores) -> list[RegionSettings]:
    return filled([stores.make(request.param, code) for code in ("3201", "3411")])


@pytest.fixture
def files(stores: Stores) -> list[RegionSettings]:
    return filled([stores.sqlite(code) for code in ("3201", "3411")])


def run(
    regions: Sequence[RegionSettings],
    keys: Keys,
    rules: RuleBook | None = None,
    day: str = DAY,
    at: str | None = None,
    gateways: int = 1,
    **more: Any,
) -> list[ClusterNight]:
    """Every night due as of the one of `day`, by several gateways at once."""
    done: list[ClusterNight] = []
    settings = NightSettings(CHINA, **{"clusters": True} | more)
    now = Clock(at or after_night(day))

    async def work() -> None:
        made = [WritingStores(regions, keys, lambda: rules or book(SCAN)) for _ in range(gateways)]
        nights = [Night(one, settings, clustered=done.append, now=now) for one in made]
        try:
            await asyncio.gather(*(one.round() for one in nights))
        finally:
            for one in made:
                await one.close()

    asyncio.run(work())
    return done


def found(regions: Sequence[RegionSettings]) -> list[dict[str, Any]]:
    """The clusters in all regions."""
    rows = [row for settings in regions for row in signal_rows(settings)]
    return [row for row in rows if row["kind"] == "CLUSTER"]


def nights(settings: RegionSettings) -> list[dict[str, Any]]:
    return [row for row in night_rows(settings) if row["part"] == PART]


def lose_share(connection: Any) -> None:
    """As if whoever wrote had died before it came to this region."""
    for table in (signals, signal_messages):
        connection.execute(delete(table))
    connection.execute(delete(detection_nights).where(detection_nights.c.part == PART))


def test_a_cluster_is_a_signal_of_the_county_with_most_cases(
    both: list[RegionSettings], keys: Keys
) -> None:
    (done,) = run(both, keys)
    assert signal_rows(both[0]) == []
    (signal,) = found(both)
    members = orjson.loads(signal["members"])
    assert set(ZONE) <= set(members)
    assert (signal["code"], signal["number"]) == ("341122", "34112220260301001")
    assert (signal["method"], signal["rule_id"]) == (SCAN.method.name, SCAN.id)
    assert signal["observed"] >= 34
    assert signal["observed"] > 2 * signal["expected"]
    assert (signal["window_days"], signal["bound"], signal["deaths"]) == (3, None, 4)
    assert signal["relative_risk"] > 2
    assert signal["recurrence_days"] == pytest.approx(1 / signal["probability"])
    assert signal["missing_regions"] is None
    assert (done.rule, done.day, done.signals) == (SCAN.id, DAY, (signal["id"],))
    (here,), (there,) = nights(both[0]), nights(both[1])
    assert here["outcome"] == there["outcome"]
    assert (here["signals"], there["signals"]) == (0, 1)
    assert here["series"] == done.places == len({*NANJING, *CHUZHOU})
    asked = select(signal_messages.c.signal_id, signal_messages.c.due_at)
    told = in_store(both[1], lambda connection: [tuple(r) for r in connection.execute(asked)])
    assert told == [(signal["id"], "2026-03-02T00:00:00Z")]
    assert run(both, keys) == []
    assert found(both) == [signal]


def test_officers_of_the_other_region_find_it(
    both: list[RegionSettings], keys: Keys, make: Callable[..., Gateway]
) -> None:
    run(both, keys)
    (signal,) = found(both)
    gateway = make(both)
    ours = [code for code in orjson.loads(signal["members"]) if code.startswith("3201")]
    others = [code for code in NANJING if code not in ours]
    asked = "{ signals { edges { node { id } } } }"
    assert ours
    for codes, there in ((ours, [f"signal:{signal['id']}"]), (others, [])):
        for code in codes:
            edges = gateway.both(asked, viewer(code)).data["signals"]["edges"]
            assert [one["node"]["id"] for one in edges] == there


def test_several_gateways_do_a_night_once(both: list[RegionSettings], keys: Keys) -> None:
    done = run(both, keys, gateways=4)
    assert len(found(both)) == 1
    assert [len(nights(one)) for one in both] == [1, 1]
    assert sum(len(one.signals) for one in done) == 1


def test_the_shipped_rules_are_run_where_they_are_wanted(
    files: list[RegionSettings], keys: Keys
) -> None:
    assert run(files, keys, clusters=False) == []
    own = replace(SCAN, origin=RuleOrigin.PROVINCE)
    assert [one.rule for one in run(files, keys, book(own), clusters=False)] == [SCAN.id]


def test_a_region_that_is_away_is_waited_for_and_then_named(
    files: list[RegionSettings], keys: Keys
) -> None:
    nanjing, _ = files
    assert nanjing.path is not None
    away = nanjing.path.with_suffix(".away")
    nanjing.path.rename(away)
    assert run(files, keys) == []
    assert run(files, keys, at=f"{DAY}T21:59:59Z") == []  # six hours behind midnight in China
    (done,) = run(files, keys, at=f"{DAY}T22:00:00Z")
    assert done.missing == ("320100",)
    (signal,) = found(files[1:])
    assert orjson.loads(signal["missing_regions"]) == ["320100"]
    assert not any(code.startswith("3201") for code in orjson.loads(signal["members"]))
    away.rename(nanjing.path)
    assert [one.day for one in run(files, keys, at=f"{DAY}T23:00:00Z")] == [DAY]  # is told of it
    assert [len(nights(one)) for one in files] == [1, 1]
    assert found(files) == [signal]
    assert run(files, keys, at=f"{DAY}T23:00:00Z") == []


def test_a_region_that_comes_back_in_time_is_read(files: list[RegionSettings], keys: Keys) -> None:
    chuzhou = files[1]
    assert chuzhou.path is not None
    away = chuzhou.path.with_suffix(".away")
    chuzhou.path.rename(away)
    assert run(files, keys) == []
    away.rename(chuzhou.path)
    (done,) = run(files, keys, at=f"{DAY}T18:00:00Z")
    assert (done.missing, len(found(files))) == ((), 1)


def test_missed_nights_follow_in_order_and_a_spell_is_one_signal(
    files: list[RegionSettings], keys: Keys
) -> None:
    run(files, keys, day=days_before(DAY, 3))
    assert found(files) == []
    days = [one.day for one in run(files, keys, day=days_before(DAY, -1))]
    assert days == [days_before(DAY, back) for back in (2, 1, 0, -1)]
    raised = found(files)
    standing = [one for one in raised if one["absorbed_into"] is None]
    assert len(standing) < len(raised)
    assert sum(one["repeats"] for one in standing) == len(raised) - len(standing)


def test_a_cluster_and_the_signal_of_a_county_absorb_each_other_not(
    files: list[RegionSettings], keys: Keys
) -> None:
    rules = book(SCAN, rule("dysentery", Method.EARS_C2))
    run(files, keys, rules)
    run(files, keys, rules, day=days_before(DAY, -1))
    kinds = {row["id"]: row["kind"] for row in signal_rows(files[1])}
    mine = [row for row in signal_rows(files[1]) if row["code"] == "341122"]
    standing = [row["kind"] for row in mine if row["absorbed_into"] is None]
    assert sorted(standing) == ["CLUSTER", "STATISTICAL"]
    for row in signal_rows(files[1]):
        if row["absorbed_into"] is not None:
            assert kinds[row["absorbed_into"]] == row["kind"]


def test_a_region_that_lost_its_share_gets_what_was_found_then(
    files: list[RegionSettings], keys: Keys
) -> None:
    """Whoever wrote died before it came to the second region; late reports came meanwhile."""
    run(files, keys)
    (before,) = found(files)
    in_store(files[1], lose_share)
    dysentery = delete(daily_counts).where(daily_counts.c.disease == "dysentery")
    in_store(files[1], lambda connection: connection.execute(dysentery))
    run(files, keys)
    (after,) = found(files)
    for name in ("code", "day", "observed", "expected", "members", "probability", "data_version"):
        assert after[name] == before[name]
    assert [len(nights(one)) for one in files] == [1, 1]


def test_a_gateway_that_is_overtaken_takes_over_what_was_written(
    files: list[RegionSettings], keys: Keys
) -> None:
    """While it scanned, another one saw late reports and died before it came to the second region:
    what that one found in the first is what both are told.
    """
    run(files, keys, clusters=False)
    calls, theirs = count(1), list[Any]()

    def overtake() -> None:
        fill(files[1], counted("341103", "dysentery", {days_before(DAY, 1): 90}))
        run(files, keys)
        theirs.extend([found(files), nights(files[0])[0]["outcome"]])
        in_store(files[1], lose_share)

    def clock() -> str:
        if next(calls) == 2:  # the counts are read, nothing is written
            with ThreadPoolExecutor(1) as other:
                other.submit(overtake).result()
        return after_night(DAY)

    async def work() -> None:
        made = WritingStores(files, keys, lambda: book(SCAN))
        try:
            await ClusterNights(made, NightSettings(CHINA, clusters=True), now=clock).round()
        finally:
            await made.close()

    asyncio.run(work())
    before, outcome = theirs
    assert [row["outcome"] for one in files for row in nights(one)] == [outcome, outcome]
    names = ("code", "observed", "members", "data_version")
    told = [[[row[name] for name in names] for row in rows] for rows in (before, found(files))]
    assert told[0] == told[1]
    assert "341103" in {row["code"] for row in before}


def test_late_reports_change_no_cluster(files: list[RegionSettings], keys: Keys) -> None:
    run(files, keys)
    before = found(files)
    fill(files[1], counted("341103", "dysentery", {days_before(DAY, 1): 90}))
    assert run(files, keys) == []
    assert found(files) == before


def test_a_broken_rule_stops_no_other(
    files: list[RegionSettings], keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    broken = rule("mumps", Method.SPACE_TIME_PERMUTATION, parameters={"radius": -1})
    done = run(files, keys, book(SCAN, broken))
    assert [one.rule for one in done] == [SCAN.id]
    assert "radius of SPACE_TIME_PERMUTATION" in caplog.text


def test_a_rule_of_a_province_reads_its_own_regions(
    files: list[RegionSettings], keys: Keys
) -> None:
    """A region beyond the area is neither waited for nor written to."""
    nanjing = files[0]
    assert nanjing.path is not None
    nanjing.path.unlink()
    anhui = rule("dysentery", Method.SPACE_TIME_PERMUTATION, prefix="34")
    (done,) = run(files, keys, book(anhui))
    assert (done.missing, len(done.signals)) == ((), 1)
