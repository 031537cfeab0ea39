"""`epigate counts rebuild`: the daily counts are what the cases say, or are made so."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from gateway.cli import main
from gateway.config import Config

CASE = (
    "INSERT INTO cases (id, person_id, disease, classification, origin, code, reported_at, unit_id,"
    " died_on, created_at, updated_at) VALUES (?, 1, 'measles', ?, 'LOCAL', '320102',"
    " '2026-03-01T08:00:00Z', 'cdc-320102', ?, '2026-03-01T08:00:00Z', '2026-03-01T08:00:00Z')"
)
CELL = "INSERT INTO daily_counts (disease, code, day, source, cases, deaths) VALUES (?,?,?,?,?,?)"


@pytest.fixture
def store(ready_config: Config, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Nanjing with three cases, one of which died, one excluded; the counts are right."""
    monkeypatch.setenv("COLUMNS", "200")
    write(ready_config, CASE, (1, "CONFIRMED", None))
    write(ready_config, CASE, (2, "SUSPECTED", "2026-03-04"))
    write(ready_config, CASE, (3, "EXCLUDED", None))
    write(ready_config, CELL, ("measles", "320102", "2026-03-01", "CASES", 2, 1))
    write(ready_config, CELL, ("measles", "320102", "2026-03-02", "REPORTED", 40, 0))
    return ready_config


def write(config: Config, statement: str, values: tuple[Any, ...] = ()) -> list[Any]:
    path = config.regions[0].path
    assert path
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(statement, values).fetchall()


def rebuild(config: Config, *more: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["counts", "rebuild", "--config", str(config.file), *more])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def counts(config: Config) -> list[Any]:
    return write(config, "SELECT day, source, cases, deaths FROM daily_counts ORDER BY 1, 2")


RIGHT = [("2026-03-01", "CASES", 2, 1), ("2026-03-02", "REPORTED", 40, 0)]


def test_counts_that_agree_are_proved_equal(
    store: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rebuild(store, "--dry-run") == 0
    out = capsys.readouterr().out
    assert out.count("equal") == 8
    assert counts(store) == RIGHT


def test_counts_that_differ_are_told_by_a_dry_run_and_mended_without(
    store: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    write(store, "UPDATE daily_counts SET cases = 5 WHERE source = 'CASES'")
    for day in range(10, 30):
        write(store, CELL, ("dengue", "320104", f"2026-03-{day}", "CASES", 1, 0))
    assert rebuild(store, "--dry-run") == 1
    out = capsys.readouterr().out
    assert "to be mended" in out
    assert "320100: dengue 320104 2026-03-10: 1 cases and 0 deaths kept, 0 cases" in out
    assert "320100: and 11 more" in out
    assert len(counts(store)) == 22
    assert rebuild(store) == 0
    assert "mended" in capsys.readouterr().out
    assert counts(store) == RIGHT
    assert rebuild(store, "--dry-run") == 0


def test_stores_that_are_behind_are_not_counted(store: Config) -> None:
    store.central_store.unlink()
    assert rebuild(store) == 1
