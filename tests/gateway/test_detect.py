"""`epigate detect`: nights by hand, dry runs, and a day computed again beside what is stored."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date, timedelta
from typing import Any

import orjson
import pytest

from gateway.cli import main
from gateway.config import Config
from regions.instants import now
from regions.zones import zone_of
from resolvers.alerts.clustering import counties

CELL = "INSERT INTO daily_counts (disease, code, day, source, cases, deaths) VALUES (?,?,?,?,?,?)"


def yesterday() -> str:
    """The day before today where the regions are: asked anew by each test."""
    today = date.fromisoformat(zone_of("Asia/Shanghai").day(now()))
    return (today - timedelta(days=1)).isoformat()


def write(config: Config, statement: str, values: tuple[Any, ...] = ()) -> list[Any]:
    path = config.regions[0].path
    assert path
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(statement, values).fetchall()


def detect(config: Config, *more: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["detect", "--config", str(config.file), *more])
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.fixture
def store(ready_config: Config, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Nanjing has counted for seven years, and had two cases of measles yesterday."""
    monkeypatch.setenv("COLUMNS", "200")
    long_ago = (date.fromisoformat(yesterday()) - timedelta(days=7 * 366)).isoformat()
    write(ready_config, CELL, ("rabies", "320105", long_ago, "CASES", 1, 0))
    write(ready_config, CELL, ("measles", "320102", yesterday(), "CASES", 2, 1))
    return ready_config


def signals(config: Config) -> list[Any]:
    return write(config, "SELECT number, code, observed, deaths FROM signals ORDER BY number")


def test_a_dry_run_writes_nothing(store: Config, capsys: pytest.CaptureFixture[str]) -> None:
    assert detect(store, "--dry-run", "--json") == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert orjson.loads(line) == {
        "code": "320102",
        "disease": "measles",
        "day": yesterday(),
        "rule": "national-measles",
        "observed": 2.0,
        "bound": 0.0,
        "stored": None,
        "then": None,
    }
    assert signals(store) == []
    assert write(store, "SELECT * FROM detection_nights") == []


def test_nights_are_done_once(store: Config, capsys: pytest.CaptureFixture[str]) -> None:
    assert detect(store) == 0
    assert "8 nights done" in capsys.readouterr().out
    number = f"320102{yesterday().replace('-', '')}001"
    assert signals(store) == [(number, "320102", 2.0, 1)]
    (message,) = write(store, "SELECT occasion, due_at FROM signal_messages")
    assert message[0] == "FIRST"
    assert message[1] >= f"{yesterday()}T24:00:00Z"  # eight o'clock in China, or later
    assert detect(store) == 0
    assert "0 nights done" in capsys.readouterr().out
    assert len(signals(store)) == 1


def test_a_day_again_shows_what_is_stored_and_what_would_be_found(
    store: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    detect(store)
    number = f"320102{yesterday().replace('-', '')}001"
    write(store, CELL, ("mumps", "320104", yesterday(), "CASES", 1, 0))  # reported late
    write(store, "UPDATE daily_counts SET cases = 5 WHERE disease = 'measles'")
    capsys.readouterr()
    assert detect(store, "--date", yesterday(), "--json") == 0
    lines = [orjson.loads(line) for line in capsys.readouterr().out.splitlines()]
    told = {one["code"]: (one["observed"], one["stored"], one["then"]) for one in lines}
    assert told == {"320102": (5.0, number, 2.0), "320104": (1.0, None, None)}
    assert len(signals(store)) == 1


def test_a_narrow_terminal_cuts_no_number(
    store: Config, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    detect(store)
    capsys.readouterr()
    assert detect(store, "--date", yesterday()) == 0
    out = capsys.readouterr().out
    number = f"320102{yesterday().replace('-', '')}001"
    (line,) = [line for line in out.splitlines() if number in line]
    assert line.split()[:3] == ["320102", "measles", yesterday()]
    assert line.split()[-4:] == ["2", "0", number, "2"]
    assert max(map(len, out.splitlines())) <= 80


def test_a_region_that_is_away_is_named(store: Config, capsys: pytest.CaptureFixture[str]) -> None:
    assert store.regions[1].path is not None
    store.regions[1].path.unlink()
    assert detect(store) == 1
    out = capsys.readouterr().out
    assert f"{store.regions[1].code} did not answer" in out
    assert "7 nights done" in out


def test_a_day_that_is_none_is_refused(store: Config, capsys: pytest.CaptureFixture[str]) -> None:
    assert detect(store, "--date", "2026-02-30") == 1
    assert "YYYY-MM-DD" in capsys.readouterr().err


def test_a_day_to_come_is_refused(store: Config, capsys: pytest.CaptureFixture[str]) -> None:
    ahead = (date.fromisoformat(yesterday()) + timedelta(days=2)).isoformat()
    assert detect(store, "--date", ahead) == 1
    assert f"{ahead} has not begun" in capsys.readouterr().err


def test_clusters_over_regions(store: Config, capsys: pytest.CaptureFixture[str]) -> None:
    """The scans are switched on, and are shown, computed and held against as other signals are."""
    own = store.regions[0]
    with store.file.open("a", encoding="utf-8") as file:
        file.write("\n[detection]\nclusters = true\n")
    codes = [code for code in counties() if own.covers(code)]
    day = date.fromisoformat(yesterday())
    for number, code in enumerate(codes):
        for back in range(3 + number, 120, 9):
            before = (day - timedelta(days=back)).isoformat()
            write(store, CELL, ("dysentery", code, before, "CASES", 1, 0))
    write(store, CELL, ("dysentery", codes[0], yesterday(), "CASES", 30, 0))
    assert detect(store, "--dry-run", "--json") == 0
    lines = [orjson.loads(line) for line in capsys.readouterr().out.splitlines()]
    (found,) = [one for one in lines if one["rule"] == "national-clusters-dysentery"]
    assert (found["code"], found["bound"], found["stored"]) == (codes[0], None, None)
    assert detect(store) == 0
    out = capsys.readouterr().out
    assert "8 nights done" in out
    assert "national-clusters-typhoid" in out
    kinds = write(store, "SELECT kind FROM signals WHERE code = ?", (codes[0],))
    assert ("CLUSTER",) in kinds
    assert detect(store, "--json") == 0
    assert capsys.readouterr().out == ""
    assert detect(store, "--date", yesterday(), "--json") == 0
    lines = [orjson.loads(line) for line in capsys.readouterr().out.splitlines()]
    (again,) = [one for one in lines if one["rule"] == "national-clusters-dysentery"]
    assert again["stored"] is not None
    assert again["then"] == again["observed"] == found["observed"]
