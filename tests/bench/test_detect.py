"""The night over a small country: every method and scan judges every series, and sees outbreaks."""

from __future__ import annotations

from bench.detect_country import Country, measure, sheet


def test_a_night_over_a_small_country() -> None:
    country = Country.make(counties=40, diseases=2, years=5, radius=60.0)
    assert country.counts.shape == (2, 40, 1826)
    results = list(measure(country))
    names = [one.name for one in results]
    assert len(names) == len(set(names)) == 18
    assert {one.points for one in results} == {80}
    alarms = {one.name: one.alarms for one in results}
    assert alarms["moving percentile"] > 0
    assert alarms["permutation scan"] > 0
    table = sheet(country, results)
    assert [row[0] for row in table.rows] == names
    assert "40 counties × 2 diseases × 1,826 days" in table.notes[0]
