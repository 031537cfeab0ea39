"""What a rule that scans finds in counts: the same by however many regions they come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from resolvers.alerts.cluster_outcomes import Outcome
from resolvers.alerts.cluster_scans import RegionRead, RuleScan, scan_rule
from resolvers.alerts.clustering import counties
from resolvers.alerts.parameters import checked
from resolvers.alerts.rules import Rule, rule_from_text, rule_text
from schema.alerts import DetectionMethod as Method
from tests.resolvers.alerts.nights import DAY, book, days_before, rule

NANJING = tuple(one for one in counties() if one.startswith("3201"))
CHUZHOU = tuple(one for one in counties() if one.startswith("3411"))
ZONE = ("320111", "341103", "341122", "341124")  # west of the Yangtze, over the border
SCANS = (Method.SPACE_TIME_PERMUTATION, Method.SPACE_TIME_POISSON)
OLD = days_before(DAY, 7 * 366)

Row = tuple[str, str, str, str, int, int]


def quiet(codes: Sequence[str], days: int = 1500, seed: int = 3) -> list[Row]:
    """A case each five days in every county, by chance."""
    random = np.random.default_rng(seed)
    return [
        ("dysentery", code, days_before(DAY, back), "CASES", int(n), 0)
        for code in codes
        for back, n in enumerate(random.poisson(0.2, days))
        if n
    ]


def outbreak(cases: int = 4) -> list[Row]:
    """Some cases more in each county of the zone, within three days; one of them died."""
    most = {"341122": cases + 6}
    return [
        ("dysentery", code, days_before(DAY, back), "CASES", most.get(code, cases), back == 2)
        for code in ZONE
        for back in (0, 2)
    ]


def regions(rows: Sequence[Row], *prefixes: tuple[str, ...], since: str = OLD) -> list[RegionRead]:
    return [
        RegionRead(
            one[0].ljust(6, "0"), one, [row for row in rows if row[1].startswith(one)], since, "1"
        )
        for one in prefixes
    ]


def scanned(
    read: Sequence[RegionRead], one: Rule | None = None, *others: Rule, **more: Any
) -> RuleScan:
    mine = one or rule("dysentery", Method.SPACE_TIME_PERMUTATION)
    values = checked(mine.method, mine.parameters)
    return scan_rule(book(mine, *others), mine, values, DAY, read, **more)


@pytest.mark.parametrize("method", SCANS)
def test_an_outbreak_over_a_border_is_one_cluster(method: Method) -> None:
    rows = quiet([*NANJING, *CHUZHOU]) + outbreak()
    found = scanned(regions(rows, ("3201",), ("3411",)), rule("dysentery", method))
    (cluster,) = found.clusters
    assert set(ZONE) <= set(cluster.members)
    assert (cluster.code, cluster.region) == ("341122", "341100")  # where most cases are
    inside = [row for row in rows if row[1] in cluster.members]
    lately = [days_before(DAY, back) for back in range(cluster.window)]
    assert cluster.observed == sum(row[4] for row in inside if row[2] in lately)
    week = [days_before(DAY, back) for back in range(7)]
    assert cluster.cases == sum(row[4] for row in inside if row[2] in week)
    assert cluster.deaths == 4
    assert cluster.recurrence == 1 / cluster.p >= 365


def test_the_relative_risk_is_that_of_inside_to_elsewhere() -> None:
    rows = quiet([*NANJING, *CHUZHOU]) + outbreak()
    found = scanned(regions(rows, ("3201",), ("3411",)))
    (one,) = found.clusters
    study = {days_before(DAY, back) for back in range(90)}
    total = sum(row[4] for row in rows if row[2] in study)
    inside, elsewhere = one.observed / one.expected, total - one.observed
    assert one.relative_risk == pytest.approx(inside / (elsewhere / (total - one.expected)))


def test_nothing_is_found_where_nothing_is() -> None:
    assert scanned(regions(quiet([*NANJING, *CHUZHOU]), ("3201",), ("3411",))).clusters == ()
    assert scanned(regions([], ("3201",), ("3411",))).clusters == ()
    assert scanned([]).scanned is None


@pytest.mark.parametrize("method", SCANS)
def test_split_regions_find_what_one_finds(method: Method) -> None:
    rows = quiet([*NANJING, *CHUZHOU]) + outbreak(2)
    one = rule("dysentery", method, parameters={"recurrence": 1})
    whole = scanned(regions(rows, ("3201", "3411")), one).clusters
    for parts in ((("3201",), ("3411",)), (("32010",), ("32011",), ("34110", "34118"), ("34112",))):
        found = scanned(regions(rows, *parts), one).clusters
        assert [replace(c, region="") for c in found] == [replace(c, region="") for c in whole]
    assert len(whole) > 1


def test_a_code_that_died_counts_as_its_successor() -> None:
    rows = quiet([*NANJING, *CHUZHOU]) + outbreak()
    dead = [(row[0], row[1].replace("320104", "320103"), *row[2:]) for row in rows]
    plain, other = (scanned(regions(those, ("3201",), ("3411",))) for those in (rows, dead))
    assert other.clusters == plain.clusters


def test_a_region_whose_record_is_short_is_no_place() -> None:
    """Of its counties nobody knows whether they are quiet."""
    rows = quiet([*NANJING, *CHUZHOU]) + outbreak()
    nanjing, chuzhou = regions(rows, ("3201",), ("3411",))
    for since in (days_before(DAY, 60), None):
        found = scanned([nanjing, replace(chuzhou, since=since)])
        assert all(code.startswith("3201") for code in found.places.codes)
        assert all(code.startswith("3201") for one in found.clusters for code in one.members)


def test_another_rule_of_a_smaller_area_takes_its_counties() -> None:
    rows = quiet([*NANJING, *CHUZHOU]) + outbreak()
    read = regions(rows, ("3201",), ("3411",))
    anhui = rule("dysentery", Method.SPACE_TIME_POISSON, prefix="34")
    alone = rule("dysentery", Method.MOVING_PERCENTILE, prefix="3201")  # another question
    country = rule("dysentery", Method.SPACE_TIME_PERMUTATION)
    found = scanned(read, country, anhui, alone)
    assert {code[:4] for code in found.places.codes} == {"3201"}
    theirs = scanned(read, anhui, country)
    assert {code[:4] for code in theirs.places.codes} == {"3411"}
    within = scanned(read, country, within="341103")
    assert within.places.codes == ("341103",)


def test_zones_along_borders() -> None:
    rows = quiet([*NANJING, *CHUZHOU]) + outbreak()
    given = {"radius": 0, "rings": 1}
    one = rule("dysentery", Method.SPACE_TIME_PERMUTATION, parameters=given)
    (cluster, *_) = scanned(regions(rows, ("3201",), ("3411",)), one).clusters
    assert set(cluster.members) & set(ZONE)
    assert len(cluster.members) > 1


def test_what_is_written_down_comes_back() -> None:
    rows = quiet([*NANJING, *CHUZHOU]) + outbreak()
    found = scanned(regions(rows, ("3201",), ("3411",)))
    one = rule("dysentery", Method.SPACE_TIME_PERMUTATION, parameters={"share": 0.3}, prefix="3")
    kept = Outcome(one, DAY, 15, {"320100": "7"}, ("331000",), found.clusters)
    assert Outcome.of(kept.text()) == kept
    assert rule_from_text(rule_text(one)) == one
    (signal,) = kept.found("341100")
    assert (signal.code, signal.members) == (found.clusters[0].code, found.clusters[0].members)
    assert signal.window is not None
    assert signal.window.missing == ("331000",)
    assert kept.found("320100") == []
