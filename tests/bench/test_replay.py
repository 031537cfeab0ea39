"""The replay of COVID-19 in the cities of China: what is loaded, seen, told, drawn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from bench.replay import METHODS, Replayed, counted_in, provinces, replayed, sheet
from bench.replay_plot import picture
from resolvers.alerts.counts import Counted
from tests.postgres import Postgres
from tests.stores import Stores

pytestmark = pytest.mark.no_cover  # nothing of bench is counted, and the gateway elsewhere

_SOME = ("42", "23", "22")  # Hubei, and the two provinces of the outbreaks of spring


@pytest.fixture(scope="module")
def counted(templates: Path, tmp_path_factory: pytest.TempPathFactory) -> Counted:
    """The list in one store of three provinces; the others lie outside."""
    folder = tmp_path_factory.mktemp("replay")

    def no_server() -> Postgres:
        raise AssertionError("its store is SQLite")

    store = Stores(templates, lambda: folder, no_server).sqlite("42")
    return counted_in([replace(store, prefixes=_SOME)], folder)


@pytest.fixture(scope="module")
def results(counted: Counted) -> dict[str, Replayed]:
    return dict(replayed(counted))


def test_it_is_of_the_real_counts(counted: Counted) -> None:
    cases = counted.cases["covid19"]
    wuhan = counted.codes.index("420100")
    assert np.nansum(cases[wuhan]) == 50_340
    assert not cases[:, : counted.position("2020-01-10")].any()
    assert {one[:2] for one in counted.codes} == set(_SOME)


def test_which_method_signals_where_and_when(
    counted: Counted, results: dict[str, Replayed]
) -> None:
    assert list(results) == list(METHODS)
    cases = np.nan_to_num(counted.cases["covid19"][:, counted.position("2020-01-10") :])
    for name, found in results.items():
        assert found.alarms.shape == cases.shape
        assert not (found.signals & ~found.alarms).any(), name
        assert not found.alarms[~cases.any(axis=1)].any(), name
    plan = results["moving percentile"]
    first = cases.astype(bool).argmax(axis=1)
    at_once = (plan.signals.argmax(axis=1) == first)[cases.any(axis=1)]
    assert at_once.mean() > 0.9  # but where days before are missing
    for code in ("231000", "220200"):  # Suifenhe in April, Shulan in May
        place = counted.codes.index(code)
        assert results["EARS C1"].signals[place, 82:].any()


def test_nothing_is_known_before_it_is_reported(counted: Counted) -> None:
    """What the first thirty days say does not depend on what comes after them."""
    days = counted.position("2020-01-10") + 30
    short = replace(
        counted, days=days, cases={name: one[:, :days] for name, one in counted.cases.items()}
    )
    early = dict(replayed(short))
    for name, found in replayed(counted):
        assert (found.alarms[:, :30] == early[name].alarms).all(), name


def test_the_table_and_the_picture(counted: Counted, results: dict[str, Replayed]) -> None:
    table = sheet(counted, results)
    assert [row[0] for row in table.rows] == list(METHODS)
    assert table.rows[0][6] == "01-10"
    drawn = ElementTree.fromstring(picture(counted, results))
    texts = [one.text for one in drawn.iter("{http://www.w3.org/2000/svg}text")]
    for name, _ in provinces(counted):
        assert name in texts
    assert set(METHODS) <= set(texts)
    marks = [one.get("d") or "" for one in drawn.iter() if one.get("class") == "mark"]
    hubei = provinces(counted)[0]
    assert hubei[0] == "Hubei"
    signalled = results["EARS C1"].signals[hubei[1]].any(axis=0).sum()
    assert any(one.count("M") == signalled for one in marks)
