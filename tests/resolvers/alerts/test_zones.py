"""Zones: which sets of places a scan looks at."""

from __future__ import annotations

import numpy as np
import pytest

from regions.areas import reference_rows
from resolvers.alerts.methods.zones import (
    Zones,
    adjoining,
    circles,
    distances,
    joined,
    planar,
)


def _sets(zones: Zones) -> set[frozenset[int]]:
    return {frozenset(zones.of(zone).tolist()) for zone in range(len(zones))}


def _scattered(seed: int, places: int = 12) -> Zones:
    random = np.random.default_rng(seed)
    return circles(planar(*random.uniform(size=(2, places))), 0.5)


def test_circles_are_the_nearest_places_up_to_the_radius() -> None:
    away = planar(np.array([0.0, 1.0, 3.0, 3.5]), np.zeros(4))
    near = ({0}, {1}, {2}, {3}, {0, 1}, {2, 3}, {1, 2, 3}, {0, 1, 2}, {0, 1, 2, 3})
    assert _sets(circles(away, 2.5)) == {frozenset(one) for one in near}


def test_places_equally_far_away_enter_together() -> None:
    away = planar(np.array([0.0, 1.0, -1.0, 0.0]), np.array([0.0, 0.0, 0.0, 0.0]))
    zones = circles(away)
    assert frozenset({0, 3}) in _sets(zones)
    assert frozenset({0, 3, 1, 2}) in _sets(zones)
    assert frozenset({0, 3, 1}) not in {
        frozenset(zones.of(int(z)).tolist()) for z in np.flatnonzero(zones.centre == 0)
    }
    assert frozenset({0}) not in _sets(zones)


def test_distances_on_the_globe() -> None:
    """A degree of the equator, and Beijing to Shanghai as published: 1,068 km."""
    away = distances(
        np.array([0.0, 0.0, 39.9042, 31.2304]), np.array([0.0, 1.0, 116.4074, 121.4737])
    )
    assert away[0, 1] == pytest.approx(6371 * np.pi / 180)
    assert away[2, 3] == pytest.approx(1067, abs=2)
    np.testing.assert_allclose(away, away.T)


def test_adjacency_sets_are_pairs_and_rings() -> None:
    line = [(0, 1), (1, 2), (2, 3), (3, 4), (2, 1)]
    found = _sets(adjoining(6, line, rings=2))
    rings = [{0}, {1}, {2}, {3}, {4}, {5}, {0, 1, 2}, {1, 2, 3}, {2, 3, 4}, {0, 1, 2, 3}]
    assert found == {
        frozenset(one)
        for one in (*rings, {0, 1}, {1, 2}, {2, 3}, {3, 4}, {0, 1, 2, 3, 4}, {1, 2, 3, 4})
    }
    assert _sets(adjoining(2, [])) == {frozenset({0}), frozenset({1})}


def test_sums_of_zones() -> None:
    both = joined(_scattered(1), adjoining(12, [(0, 5), (5, 7), (1, 2)]))
    values = np.random.default_rng(2).integers(0, 50, size=(3, 12))
    wanted = np.array([[row[both.of(z)].sum() for z in range(len(both))] for row in values])
    np.testing.assert_array_equal(both.sums(values), wanted)
    weights = values[0] * 1e-9 + 0.1
    np.testing.assert_allclose(
        both.weights(weights), [weights[both.of(z)].sum() for z in range(len(both))], rtol=1e-14
    )
    kept = both.keep(np.arange(len(both)) % 3 == 0)
    np.testing.assert_array_equal(kept.sums(values), wanted[:, ::3])
    np.testing.assert_allclose(kept.weights(weights), both.weights(weights)[::3], rtol=1e-14)


def test_of_places_that_can_have_cases_each_set_comes_once() -> None:
    zones = joined(_scattered(3), _scattered(4))
    active = np.arange(12) % 3 > 0
    distinct, origin = zones.among(active)
    wanted = {one & frozenset(np.flatnonzero(active).tolist()) for one in _sets(zones)} - {
        frozenset()
    }
    found = [frozenset(distinct.of(zone).tolist()) for zone in range(len(distinct))]
    assert len(found) == len(set(found))
    assert set(found) == wanted
    for zone, whole in zip(found, origin, strict=True):
        own = frozenset(zones.of(int(whole)).tolist())
        assert own & frozenset(np.flatnonzero(active).tolist()) == zone
        others = [
            len(one)
            for one in _sets(zones)
            if one & frozenset(np.flatnonzero(active).tolist()) == zone
        ]
        assert len(own) == min(others)


def test_zones_over_other_places_cannot_be_joined() -> None:
    with pytest.raises(ValueError, match="zones over 3 places and over 4"):
        joined(adjoining(3, []), adjoining(4, []))


def test_every_county_has_a_centroid_within_the_country() -> None:
    known = {row["code"]: row for row in reference_rows("county_centroids.csv")}
    areas = list(reference_rows("gbt2260.csv"))
    parents = {row["parent"] for row in areas}
    assert set(known) == {row["code"] for row in areas} - parents
    latitude = np.array([float(row["latitude"]) for row in known.values()])
    longitude = np.array([float(row["longitude"]) for row in known.values()])
    assert ((latitude > 3) & (latitude < 54)).all()
    assert ((longitude > 73) & (longitude < 136)).all()
    place = {code: i for i, code in enumerate(known)}
    away = distances(latitude, longitude)
    beside = [
        away[place[row["a"]], place[row["b"]]]
        for row in reference_rows("county_adjacency.csv")
        if row["a"] in place and row["b"] in place
    ]
    assert len(beside) > 8000
    assert np.median(beside) < 60
