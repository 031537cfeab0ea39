"""`epigate load`: what it prints, where it writes, how it ends."""

from __future__ import annotations

import signal
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from gateway.access_log import read_entries
from gateway.cli import main
from gateway.config import Config
from regions.keys import load_keys
from resolvers.access_log.commitments import Commitments, commitments_in
from tests.resolvers.lists import CARDS, LISTS, card, write_csv

MERS = LISTS / "mers_korea_2015_linelist.csv"


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def load(config: Config, *arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["load", *map(str, arguments), "--config", str(config.file)])
    return int(ended.value.code or 0)


def cases(config: Config, region: int = 0) -> int:
    path = config.regions[region].path
    assert path
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        found: int = connection.execute("SELECT count(*) FROM cases").fetchone()[0]
        return found


def test_a_list_that_is_not_there_is_said_before_anything_else(
    config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    assert load(config, "none.csv", "--mapping", "no mapping") == 1  # and neither keys nor stores
    assert "none.csv: No such file" in capsys.readouterr().err


def test_a_list_is_loaded_and_the_sum_adds_up(
    ready_config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    assert load(ready_config, MERS, "--mapping", "mers-korea-2015") == 0
    out = capsys.readouterr().out
    assert "MERS, Republic of Korea 2015: line list (mers-korea-2015)" in out
    assert "read 162 = loaded 161 + rejected 0 + unchanged 0 + outside 1" in out
    assert "records written: people 161, cases 161, exposures 161" in out
    assert "notice 3: DATES_OUT_OF_ORDER: days in an unlikely order, kept（日期先后存疑" in out
    assert "unknown, left empty: dt_death 151, dt_onset 27" in out
    assert "columns not used: age_class, week_report" in out
    rejects = ready_config.data / "rejects" / "mers_korea_2015_linelist.csv.mers-korea-2015.csv"
    assert f"every rejected row and notice: {rejects}" in out
    assert stat.S_IMODE(rejects.stat().st_mode) == 0o600
    assert cases(ready_config) == 87

    assert load(ready_config, MERS, "--mapping", "mers-korea-2015") == 0
    assert "loaded 0 + rejected 0 + unchanged 161 + outside 1" in capsys.readouterr().out
    assert cases(ready_config) == 87


def test_a_dry_run_says_so(ready_config: Config, capsys: pytest.CaptureFixture[str]) -> None:
    assert load(ready_config, MERS, "--mapping", "mers-korea-2015", "--dry-run") == 0
    out = capsys.readouterr().out
    assert "dry run: nothing was written" in out
    assert "loaded 161" in out
    assert "records written: none" in out
    assert cases(ready_config) == 0


def test_an_own_mapping_and_place_for_rejects(
    ready_config: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mapping, rejects = tmp_path / "cards.toml", tmp_path / "wrong" / "rows.csv"
    mapping.write_text(CARDS, "utf-8")
    rows = [card(1, phone="15400000001"), card(2, age="old", phone="15400000002"), card(3, no="")]
    file = write_csv(tmp_path / "cards.csv", rows)
    assert load(ready_config, file, "--mapping", mapping, "--rejects", rejects) == 0
    out = capsys.readouterr().out
    assert "read 3 = loaded 1 + rejected 2 + unchanged 0 + outside 0" in out
    assert "rejected 1: UNREADABLE_AGE: this is no age from 0 to 130 years（" in out
    assert "old" in rejects.read_text("utf-8")
    for row in rows:  # nothing private on the terminal
        assert row["phone"] not in out
        assert row["name"] not in out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((MERS, "--mapping", "mers"), "there is no mapping mers [LOAD_FAILED]"),
        ((MERS, "--mapping", "h7n9-china-2013"), "the list has no column 'case_id'"),
        (("none.csv", "--mapping", "h7n9-china-2013"), "none.csv: No such file"),
    ],
)
def test_what_cannot_be_loaded_is_one_named_failure(
    ready_config: Config, arguments: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert load(ready_config, *arguments) == 1
    error = capsys.readouterr().err
    assert told in error
    assert "Traceback" not in error


def test_stores_that_are_not_there_are_told(
    config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    (config.keys).mkdir()
    assert load(config, MERS, "--mapping", "mers-korea-2015") == 1
    assert "the key sealing is missing" in capsys.readouterr().err


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_an_interrupted_load_writes_what_it_read_and_ends_with_130(
    ready_config: Config, tmp_path: Path
) -> None:
    mapping = tmp_path / "short.toml"
    mapping.write_text(SHORT, "utf-8")
    rows = [{"no": str(n), "county": "320102", "day": "2026-03-01"} for n in range(60_000)]
    file = write_csv(tmp_path / "list.csv", rows)
    arguments = ["load", str(file), "--mapping", str(mapping), "--config", str(ready_config.file)]
    command = f"from gateway.cli import main; main({arguments!r})"
    process = subprocess.Popen(
        [sys.executable, "-c", command], stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    while process.poll() is None and not cases(ready_config):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopped: what is counted here is written" in out
    loaded = cases(ready_config)
    assert f"loaded {loaded:,} " in out
    assert 0 < loaded < 60_000


SHORT = """\
kind = "case"
source = "short"
id = "no"

[[place]]
column = "county"
lookup = "code"

[case]
disease = { constant = "measles" }
classification = { constant = "CONFIRMED" }
reported_at = "day"
"""


def test_each_batch_is_told_with_what_it_wrote(ready_config: Config) -> None:
    assert load(ready_config, MERS, "--mapping", "mers-korea-2015", "--dry-run") == 0
    assert list(read_entries(ready_config.log_store)) == []
    assert load(ready_config, MERS, "--mapping", "mers-korea-2015") == 0
    entries = list(read_entries(ready_config.log_store))
    assert {(one["module"], one["operation"]) for one in entries} == {
        ("load", "load mers-korea-2015")
    }
    assert sum(one["what"]["loaded"] for one in entries) == 161
    told = {
        kind: [one for entry in entries for one in commitments_in(entry["what"]["wrote"][kind])]
        for kind in ("person", "case", "exposure")
    }
    assert {kind: len(set(found)) for kind, found in told.items()} == dict.fromkeys(told, 161)
    commit = Commitments(load_keys(ready_config.keys).log).one
    for region in ready_config.regions:
        with closing(sqlite3.connect(str(region.path))) as store:
            for (number,) in store.execute("SELECT id FROM cases"):
                assert commit("case", number) in told["case"]
            assert store.execute("SELECT count(*) FROM log_outbox").fetchone() == (0,)
    assert load(ready_config, MERS, "--mapping", "mers-korea-2015") == 0
    assert len(list(read_entries(ready_config.log_store))) == len(entries)  # nothing was loaded


def test_nothing_is_loaded_where_it_cannot_be_told(
    ready_config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    assert load(ready_config, MERS, "--mapping", "mers-korea-2015", "--dry-run") == 0
    ready_config.log_store.unlink()
    ready_config.log_store.mkdir()
    assert load(ready_config, MERS, "--mapping", "mers-korea-2015") == 1
    assert "the access log could not be written" in capsys.readouterr().err
    assert sum(cases(ready_config, number) for number in range(8)) == 0
