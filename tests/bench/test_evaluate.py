"""Evaluations of detection: what is counted as false, as detected and as a delay."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from bench.evaluate_nation import DAYS, DISEASES, FIRST, Injected, Nation, neighbours
from bench.evaluate_outbreaks import evaluate as evaluate_nation
from bench.evaluate_outbreaks import judge
from bench.evaluate_plot import scatter
from bench.evaluate_scenarios import METHODS, evaluate, points, read_series, sheets
from bench.evaluate_tuning import dispersions, rules, sheet, tuned
from bench.state import State
from resolvers.alerts.judging import judge as night_judge
from resolvers.alerts.parameters import checked
from schema.alerts import DetectionMethod

_WEEKS = 624
_START = 600  # week of the outbreaks' beginning, counted from 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scenarios of two replicates; an outbreak beyond doubt in three of the series, one so
    small that nobody could see it in the fourth."""
    place = tmp_path_factory.mktemp("scenarios")
    names = ["s01r01", "s01r02", "s02r01", "s02r02"]
    clean = np.random.default_rng(1).poisson(5, (len(names), _WEEKS))
    dirty = clean.copy()
    dirty[:3, _START : _START + 2] += 100  # from its second week on
    for name, table in (("baseline", clean), ("with_outbreaks", dirty)):
        lines = [",".join(["t", *names])]
        lines += [",".join(map(str, [t + 1, *table[:, t]])) for t in range(_WEEKS)]
        (place / f"{name}.csv.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    truth = ["id,scenario,rep,k,size,start,end,kind", "s01r01,1,1,9,9,90,91,past"]
    truth += [f"{name},{name[2]},1,9,200,{_START},{_START + 2},current" for name in names]
    (place / "truth.csv").write_text("\n".join(truth))
    (place / "R_scores.csv").write_text(
        "method,FPR_clean,POD,POD_k_ge5,POD1week,mean_delay_weeks\n"
        "earsC1,0.0354,0.5127,0.7009,0.4457,0.141\n"
    )
    return place


def test_what_is_seen_how_soon_and_what_for_nothing(folder: Path, tmp_path: Path) -> None:
    series = read_series(folder)
    state = State(tmp_path / "state.json")
    scores = list(evaluate(series, state))
    assert [one.name for one in scores] == list(METHODS)
    flexible = next(one for one in scores if one.name.startswith("Farrington Flexible, Muan"))
    assert flexible.detected == flexible.large == 0.75
    assert flexible.detected_by_scenario == [1.0, 0.5]
    assert (flexible.delay, flexible.first_week) == (1.0, 0.0)
    assert flexible.false < 0.05
    plan = next(one for one in scores if one.name == "moving percentile P50")
    assert plan.detected == 1.0
    assert plan.false > 0.4
    whole, parts = sheets(series, scores, folder)
    assert len(whole.rows) == len(METHODS)
    ears = next(row for row in whole.rows if row[0] == "EARS C1")
    assert (ears[2], ears[4], ears[10]) == ("3.54", "51.3", "0.14")
    assert [row[0] for row in parts.rows] == ["1", "2"]
    picture = ElementTree.fromstring(scatter(points(scores, folder), "a", "b", "c", 0.1))
    rings = [e for e in picture.iter() if e.get("class") == "ring"]
    assert len(rings) == 1


def test_what_was_done_is_not_done_again(folder: Path, tmp_path: Path) -> None:
    series = read_series(folder).first(1)
    path = tmp_path / "state.json"
    done = list(evaluate(series, State(path)))
    kept = State(path)
    first = dict(kept.get("scenarios 2 EARS C1"), detected=0.123)
    kept.put("scenarios 2 EARS C1", first)
    again = {one.name: one for one in evaluate(series, State(path))}
    assert again.pop("EARS C1").detected == 0.123
    assert again == {one.name: one for one in done if one.name != "EARS C1"}


def test_a_state_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text("[]")
    with pytest.raises(ValueError, match="expected an object"):
        State(path)


def test_what_is_false_what_detected_and_what_is_neither() -> None:
    near = np.zeros((4, DAYS - FIRST), dtype=bool)
    near[0, 10:40] = True
    nation = Nation(
        "Mumps",
        np.zeros((4, DAYS), dtype=np.int32),
        (Injected((0, 1), FIRST + 10, FIRST + 20, 12, "point"),),
        near,
    )
    alarm = np.zeros_like(near)
    alarm[0, 21] = True  # behind the last case: too late, and near enough not to be false
    found = judge(alarm, nation)
    assert (found.detected, found.false, found.delays) == (0, 0, [])
    assert found.days == near.size - 30
    alarm[1, 14] = True  # in a county it reached, on its fifth day
    alarm[3, 100] = True  # elsewhere
    found = judge(alarm, nation)
    assert (found.detected, found.delays) == (1, [4])
    assert found.false == 2  # county 1 is not among those near, by this map
    assert found.chance == 0
    assert (found + found).outbreaks == 2


def test_outbreaks_are_put_where_the_truth_says() -> None:
    adjoining = neighbours(60)
    nation, again = (Nation.make("Dengue", adjoining, seed=3) for _ in range(2))
    assert nation.outbreaks == again.outbreaks
    assert (nation.counts == again.counts).all()
    assert len({one.shape for one in nation.outbreaks}) == 3
    for one in nation.outbreaks:
        home, *others = one.counties
        assert set(others) <= set(adjoining[home].tolist())
        assert FIRST <= one.start <= one.end < DAYS
        assert one.size >= DISEASES["Dengue"]
        inside = nation.counts[list(one.counties), one.start : one.end + 1]
        assert inside.sum() >= one.size
        assert inside[0, 0] > 0
        assert nation.near[list(one.counties), one.start - FIRST].all()


@pytest.mark.parametrize("counties", [40, 100])
def test_every_outbreak_ends_within_the_days_there_are(counties: int) -> None:
    adjoining = neighbours(counties)
    for disease in DISEASES:
        ends = [one.end for one in Nation.make(disease, adjoining, seed=1).outbreaks]
        assert max(ends) < DAYS


def test_rules_are_tuned_over_one_country_and_judged_over_another(tmp_path: Path) -> None:
    adjoining = neighbours(40)
    state = State(tmp_path / "state.json")
    some = ["Dengue", "Mumps"]
    training = dict(evaluate_nation(adjoining, 1, state, some))
    chosen, spread = tuned(training), dispersions(training)
    assert list(chosen) == list(spread) == some
    judged = dict(evaluate_nation(adjoining, 2, state, some, spread))
    table = sheet(chosen, judged, len(adjoining))
    by_name = {row[0]: row for row in table.rows}
    assert by_name["published: time"][1:4] == ("96.23", "1.57", "3.0")
    plan = by_name["moving percentile P50"]
    ours = by_name["GLR, tuned, a rule for each disease"]
    assert float(ours[2]) < float(plan[2])
    assert [row[0] for row in rules(chosen, judged).rows] == some
    again = State(tmp_path / "state.json")
    assert dict(evaluate_nation(adjoining, 2, again, some, spread)) == judged


def test_a_tuned_rule_finds_by_night_what_the_evaluation_says(tmp_path: Path) -> None:
    """Each line of the table is what a rule takes, and the night's own judge agrees with it."""
    adjoining = neighbours(40)
    training = dict(evaluate_nation(adjoining, 1, State(), ["Mumps"]))
    name = tuned(training)["Mumps"]
    values = checked(DetectionMethod.GLR, json.loads(name))
    nation = Nation.make("Mumps", adjoining, seed=1)
    found = night_judge(DetectionMethod.GLR, values, nation.counts, 737_430, range(FIRST, DAYS))
    assert judge(found.alarm, nation) == training["Mumps"][name]
