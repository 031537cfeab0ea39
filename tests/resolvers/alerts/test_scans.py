"""The scans: against reference results, against brute force, and what chance does."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date
from itertools import product
from math import log
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binom

from resolvers.alerts.methods import monte_carlo, permutation_scan, poisson_scan
from resolvers.alerts.methods.detection import Floats
from resolvers.alerts.methods.monte_carlo import Null, critical, p_values
from resolvers.alerts.methods.scanning import Scan, Scanned, ratios
from resolvers.alerts.methods.zones import circles, distances, planar

_SCANS = Path(__file__).resolve().parents[4] / "shared" / "oracles" / "scan"

WITH_ORACLES = pytest.mark.skipif(
    not _SCANS.is_dir(), reason="the reference results lie beside the project"
)


def _rows(name: str) -> list[dict[str, str]]:
    with (_SCANS / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _column(rows: list[dict[str, str]], name: str) -> Floats:
    return np.array([float(row[name]) for row in rows])


@WITH_ORACLES
def test_leukaemia_in_new_york() -> None:
    """Purely spatial, Poisson: the clusters of zones of half the population, and, of a tenth, the
    ratios SaTScan publishes. Distances are those of the degrees, as there."""
    rows = _rows("ny_leukemia.csv")
    zones = circles(planar(_column(rows, "longitude"), _column(rows, "latitude")))
    cases = _column(rows, "cases").astype(int)
    population = _column(rows, "population")
    settings = Scan(share=0.5, replications=99)
    found = poisson_scan.spatial(cases, zones, population, settings).clusters
    wanted = _rows("ny_leukemia_ubpop0.5_clusters.csv")
    assert len(found) == len(wanted) == 5
    for ours, theirs in zip(found, wanted, strict=True):
        assert {place + 1 for place in ours.places} == {int(m) for m in theirs["members"].split()}
        assert ours.observed == int(theirs["cases"])
        assert ours.expected == pytest.approx(float(theirs["expected"]), rel=1e-12)
        assert ours.ratio == pytest.approx(float(theirs["llr"]), rel=1e-12)
    tenth = poisson_scan.spatial(cases, zones, population, Scan(share=0.1, replications=999))
    assert [one.ratio for one in tenth.clusters[:2]] == pytest.approx(
        [11.577255, 9.019716], abs=1e-6
    )
    assert tenth.clusters[0].p < 0.005
    assert tenth.clusters[1].p < 0.05


@WITH_ORACLES
def test_fever_in_new_york() -> None:
    """Prospective space-time permutation: the sixty best windows, each of them."""
    places, cases = _rows("nycfever_geo.csv"), _rows("nycfever_cases.csv")
    at = {row["zip"]: i for i, row in enumerate(places)}
    days = [date.fromisoformat(row["date"]) for row in cases]
    counts = np.zeros((len(places), (max(days) - min(days)).days + 1))
    for row, day in zip(cases, days, strict=True):
        counts[at[row["zip"]], (day - min(days)).days] += int(row["cases"])
    zones = circles(distances(_column(places, "lat"), _column(places, "lon")), 3.0)
    settings = Scan(study=counts.shape[1], fewest=1, replications=99)
    windows = permutation_scan.windows(counts.astype(int), settings)
    observed, expected = zones.sums(windows.cases), windows.expected(zones)
    found = ratios(observed, expected, windows.total)
    names = [frozenset(places[p]["zip"] for p in zones.of(z)) for z in range(len(zones))]
    ours = {
        (window + 1, names[zone]): (
            int(observed[window, zone]),
            float(expected[window, zone]),
            float(found[window, zone]),
        )
        for window, zone in zip(*np.nonzero(found), strict=True)
    }
    wanted = _rows("nycfever_perm_top60.csv")
    assert len(wanted) == 60
    for row in wanted:
        length = (date.fromisoformat(row["end"]) - date.fromisoformat(row["start"])).days + 1
        theirs = (int(row["cases"]), float(row["expected"]), float(row["llr"]))
        assert ours[length, frozenset(row["members"].split())] == pytest.approx(theirs, rel=1e-12)
    ranked = sorted((one[2] for one in ours.values()), reverse=True)
    np.testing.assert_allclose(ranked[:60], [float(row["llr"]) for row in wanted], rtol=1e-12)
    scanned = permutation_scan.clusters(counts, counts.shape[1] - 1, settings, zones)
    assert scanned is not None
    best = scanned.clusters[0]
    assert {places[p]["zip"] for p in best.places} == set(wanted[0]["members"].split())
    assert best.days == 3
    assert best.ratio == pytest.approx(float(wanted[0]["llr"]), rel=1e-12)


_PLACES, _DAYS = 9, 12
_SMALL = Scan(study=_DAYS, window=3, replications=19, most=3)


def _place(seed: int, places: int = _PLACES) -> Floats:
    return planar(*np.random.default_rng(seed).uniform(size=(2, places)))


def _outbreak(seed: int, places: int = _PLACES, days: int = _DAYS) -> NDArray[np.int64]:
    random = np.random.default_rng(seed)
    counts = random.poisson(random.uniform(0.1, 1.5, size=(places, 1)) * np.ones(days))
    counts[random.integers(places), -2:] += random.integers(0, 6)
    return counts


def _brute(
    away: Floats, counts: NDArray[np.int64], baseline: Floats | None, settings: Scan
) -> Iterator[tuple[float, int, frozenset[int], int, float]]:
    """Every window with more than expected: ratio, days, places, cases, expected; by the words of
    the definition, one case and one day after another."""
    places, days = counts.shape
    total = int(counts.sum())
    weight = counts.sum(axis=1) if baseline is None else baseline.sum(axis=1)
    zones = {
        frozenset(j for j in range(places) if away[i, j] <= reach)
        for i in range(places)
        for reach in away[i]
    }
    for zone, length in product(zones, range(1, settings.window + 1)):
        members = sorted(zone)
        if weight[members].sum() > settings.share * weight.sum():
            continue
        c = int(counts[members, days - length :].sum())
        if baseline is None:
            e = counts[members].sum() * counts[:, days - length :].sum() / total
        else:
            e = total * baseline[members, days - length :].sum() / baseline.sum()
        if c < settings.fewest or c <= e:
            continue
        rest = (total - c) * log((total - c) / (total - e)) if c < total else 0.0
        yield c * log(c / e) + rest, length, zone, c, float(e)


def _agree(found: Scanned, windows: list[tuple[float, int, frozenset[int], int, float]]) -> None:
    """The clusters are the best windows, each time of those that share no place with the ones
    before."""
    taken: set[int] = set()
    for cluster in found.clusters:
        free = [one for one in windows if not one[2] & taken]
        best = max(one[0] for one in free)
        assert cluster.ratio == pytest.approx(best, rel=1e-9)
        assert any(
            one[1:4] == (cluster.days, frozenset(cluster.places), cluster.observed)
            and one[4] == pytest.approx(cluster.expected, rel=1e-12)
            and one[0] == pytest.approx(best, rel=1e-9)
            for one in free
        )
        taken |= set(cluster.places)
    if len(found.clusters) < _SMALL.most:
        assert not [one for one in windows if not one[2] & taken and one[0] > 1e-9]


@given(st.integers(0, 10_000))
def test_permutation_scan_against_brute_force(seed: int) -> None:
    away, counts = _place(seed), _outbreak(seed)
    found = permutation_scan.clusters(counts, _DAYS - 1, _SMALL, circles(away))
    assert found is not None
    _agree(found, list(_brute(away, counts, None, _SMALL)))


@given(st.integers(0, 10_000))
def test_poisson_scan_against_brute_force(seed: int) -> None:
    away, counts = _place(seed), _outbreak(seed)
    baseline = np.random.default_rng(seed + 1).uniform(0.5, 3, size=counts.shape)
    found = poisson_scan.clusters(counts, _DAYS - 1, _SMALL, circles(away), baseline)
    assert found is not None
    _agree(found, list(_brute(away, counts, baseline, _SMALL)))


@given(st.integers(0, 10_000))
def test_a_county_without_cases_changes_no_ratio(seed: int) -> None:
    away, counts = _place(seed), _outbreak(seed)
    counts[[2, 5]] = 0
    found = permutation_scan.clusters(counts, _DAYS - 1, _SMALL, circles(away))
    assert found is not None
    for cluster in found.clusters[:1]:
        best = max(one[0] for one in _brute(away, counts, None, _SMALL))
        assert cluster.ratio == pytest.approx(best, rel=1e-9)


@given(st.integers(0, 10_000))
def test_permuted_counties_permute_the_clusters(seed: int) -> None:
    order = np.random.default_rng(seed).permutation(_PLACES)
    away, counts = _place(seed), _outbreak(seed)
    settings = Scan(study=_DAYS, window=3, replications=0, most=1)
    one = permutation_scan.clusters(counts, _DAYS - 1, settings, circles(away))
    moved = circles(away[np.ix_(order, order)])
    other = permutation_scan.clusters(counts[order], _DAYS - 1, settings, moved)
    assert one is not None
    assert other is not None
    for ours, theirs in zip(one.clusters, other.clusters, strict=True):
        assert ours.ratio == pytest.approx(theirs.ratio, rel=1e-12)
        assert ours.days == theirs.days
        assert set(ours.places) == {int(order[place]) for place in theirs.places}


@given(
    st.floats(0.01, 40),
    st.lists(st.floats(1e-6, 60), min_size=1, max_size=20),
    st.integers(70, 100_000),
)
def test_the_count_from_which_a_ratio_is_reached(
    level: float, expected: list[float], total: int
) -> None:
    found = critical(level, np.array(expected), total)
    for least, e in zip(found, expected, strict=True):
        if least <= total:
            assert ratios(np.array([least]), np.array([e]), total)[0] >= level * (1 - 1e-9)
        below = ratios(np.array([least - 1]), np.array([e]), total)[0]
        assert below < level * (1 + 1e-9)


@pytest.mark.parametrize("scale", [1, 3000])
@pytest.mark.parametrize("exceedances", [0, 4])
@pytest.mark.parametrize("block", [1, 4, 7])
@pytest.mark.parametrize("seed", range(4))
def test_p_values_are_those_of_all_ratios_of_all_draws(
    seed: int, block: int, exceedances: int, scale: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is screened, packed into words and looked at together: counted out one by one."""
    monkeypatch.setattr(monte_carlo, "_BLOCK", block)
    random = np.random.default_rng(seed)
    zones, windows, tries = circles(_place(seed)), 5, 60
    each = random.poisson(2, size=(tries, windows, _PLACES)).cumsum(axis=1) * scale
    total = int(each[:, -1].sum(axis=1).max()) * 10
    usual = np.full(_PLACES, 2.0 * scale)
    expected = zones.weights(usual)[None, :] * np.arange(1, windows + 1)[:, None]
    largest = np.array(
        [
            np.where(zones.sums(one) >= 2, ratios(zones.sums(one), expected, total), 0).max()
            for one in each
        ]
    )
    levels = np.sort(np.quantile(largest, [0.1, 0.5, 0.9, 1.0]))[::-1]
    drawn = iter(each)
    null = Null(zones, expected, total, lambda _: next(drawn), ratios, 2)
    p, used = p_values(null, levels, tries, exceedances, (0, 0))
    for level, chance in zip(levels, p, strict=True):
        bound = expected.size * np.exp(-level)
        if bound * (tries + 1) <= 1:
            assert chance == pytest.approx(bound)
            continue
        hits = np.cumsum(largest >= level * (1 - 1e-9))
        if exceedances and hits[-1] >= exceedances:
            stop = int(np.argmax(hits >= exceedances)) + 1
            assert chance == pytest.approx(exceedances / stop)
            assert stop <= used + block
        else:
            assert chance == pytest.approx((hits[-1] + 1) / (tries + 1))


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
@pytest.mark.parametrize("exceedances", [0, 5])
@pytest.mark.parametrize("kind", ["permutation", "poisson"])
def test_p_is_uniform_where_nothing_is_clustered(kind: str, exceedances: int) -> None:
    """Of many scans of chance alone, so many as p says have a p that small: at the values p can
    have, within what a binomial of that many scans does once in 10,000."""
    places, days, scans = 8, 10, 400
    random = np.random.default_rng(20_260_101)
    zones = circles(_place(5, places))
    population = random.uniform(5, 50, size=places)
    settings = Scan(
        study=days, window=4, replications=39, exceedances=exceedances, most=1, fewest=1
    )
    found = []
    for number in range(scans):
        counts = random.poisson(population[:, None] * np.ones(days) / 4)
        scanned = (
            permutation_scan.clusters(counts, days - 1, settings, zones, number)
            if kind == "permutation"
            else poisson_scan.clusters(counts, days - 1, settings, zones, population, number)
        )
        assert scanned is not None
        found.append(scanned.clusters[0].p if scanned.clusters else 1.0)
    for level in (0.05, 0.1, 0.25, 0.5, 0.75):
        low, high = binom.interval(0.9999, scans, level)
        assert low <= np.sum(np.array(found) <= level + 1e-9) <= high, level


def test_no_ratio_is_likelier_than_the_bound_of_what_is_not_drawn_for() -> None:
    zones, counts = circles(_place(3)), _outbreak(3)
    windows = permutation_scan.windows(counts, _SMALL)
    distinct, _ = zones.among(windows.weight > 0)
    expected = windows.expected(distinct)
    random = np.random.default_rng(9)
    largest = np.array(
        [
            ratios(distinct.sums(windows.draw(random)), expected, windows.total).max()
            for _ in range(3000)
        ]
    )
    for level in (4.0, 5.0, 6.0):
        assert (largest >= level).mean() <= expected.size * np.exp(-level)


def test_permuted_cases_keep_what_they_must() -> None:
    """Days keep their number and places theirs; a place has of a day what chance gives it."""
    counts = np.random.default_rng(1).poisson(np.array([[0.2], [3.0], [0.0], [9.0]]) * np.ones(40))
    settings = Scan(study=40, window=5)
    windows = permutation_scan.windows(counts, settings)
    random, sums = np.random.default_rng(2), np.zeros((5, 4))
    for _ in range(2000):
        drawn = windows.draw(random)
        np.testing.assert_array_equal(drawn.sum(axis=1), windows.cases.sum(axis=1))
        assert (drawn <= counts.sum(axis=1)).all()
        assert (np.diff(drawn, axis=0) >= 0).all()
        sums += drawn
    share = counts.sum(axis=1) / counts.sum()
    wanted = windows.cases.sum(axis=1)[:, None] * share[None, :]
    np.testing.assert_allclose(sums / 2000, wanted, rtol=0.05, atol=0.05)


@pytest.mark.parametrize("level", [0.05, 30.0])
def test_drawn_cases_fall_as_the_baseline_does(level: float) -> None:
    random = np.random.default_rng(4)
    baseline = random.uniform(0, 3, size=(6, 15))
    baseline[2] = 0
    counts = random.poisson(level * baseline)
    windows = poisson_scan.windows(counts, baseline, Scan(study=15, window=3))
    mean = np.mean([windows.draw(random) for _ in range(3000)], axis=0)
    wanted = np.cumsum(baseline[:, ::-1][:, :3], axis=1).T * counts.sum() / baseline.sum()
    assert (np.abs(mean - wanted) <= 5 * np.sqrt(wanted / 3000)).all()
    assert (mean[:, 2] == 0).all()


def test_scans_are_the_same_again_and_another_seed_is_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    zones, counts = circles(_place(1)), _outbreak(1)
    settings = Scan(study=_DAYS, window=3, replications=199, exceedances=0)
    one = permutation_scan.clusters(counts, _DAYS - 1, settings, zones, 7)
    assert one == permutation_scan.clusters(counts, _DAYS - 1, settings, zones, 7)
    assert one != permutation_scan.clusters(counts, _DAYS - 1, settings, zones, 8)
    monkeypatch.setattr(monte_carlo, "_BLOCK", 13)
    assert one == permutation_scan.clusters(counts, _DAYS - 1, settings, zones, 7)


def test_an_outbreak_alarms_in_its_places_and_nowhere_else() -> None:
    random = np.random.default_rng(3)
    x, y = (axis.ravel() for axis in np.meshgrid(np.arange(6.0), np.arange(6.0)))
    zones = circles(planar(x, y), 2.5)
    counts = random.poisson(0.3, size=(36, 60)).astype(float)
    counts[[7, 8, 13], -3:] += 4
    counts[20, 5] = np.nan  # a day that is missing
    settings = Scan(study=60, window=7)
    times = np.array([30, 56, 59])
    for found in (
        permutation_scan.detect(counts, times, settings, zones),
        poisson_scan.detect(counts, times, settings, zones, np.ones(36)),
    ):
        assert found.alarm.shape == (36, 3)
        assert not found.enough[:, :2].any()
        assert not found.alarm[:, :2].any()
        assert found.enough[:, 2].all()
        assert {7, 8, 13} <= set(np.flatnonzero(found.alarm[:, 2]).tolist())
        assert found.alarm[:, 2].sum() <= 6
        assert (found.observed[[7, 8, 13], 2] >= 36).all()
        assert np.isnan(found.bound).all()
        assert np.isnan(found.score[:, :2]).all()


def test_nothing_at_all_is_no_cluster() -> None:
    zones = circles(_place(1))
    scanned = permutation_scan.clusters(np.zeros((_PLACES, _DAYS)), _DAYS - 1, _SMALL, zones)
    assert scanned == Scanned((), 0, 0)
    one = np.zeros((_PLACES, _DAYS))
    one[3, -1] = 1
    scanned = permutation_scan.clusters(one, _DAYS - 1, _SMALL, zones)
    assert scanned == Scanned((), 1, 0)


def test_cases_where_none_can_be() -> None:
    counts = np.ones((3, 5), dtype=np.int64)
    with pytest.raises(ValueError, match="place 1 has cases on day 0 of the study"):
        poisson_scan.windows(counts, np.array([[1.0], [0.0], [1.0]]) * np.ones(5), Scan(study=5))
