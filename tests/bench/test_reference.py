"""Reference results that somebody else laid out: what cannot be run is named, the others go on."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from bench.detect import Compared, compare, read_sets, sheet
from bench.report import show

_SERIES = "t,date,year,period,cases\n" + "".join(
    f"{t},,{2001 + t // 52},{t % 52 + 1},{t % 7}\n" for t in range(1, 61)
)
_RESULTS = "series,t,observed,upperbound,alarm\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("data", "ref"):
        (tmp_path / name).mkdir()
    (tmp_path / "data" / "weeks.csv").write_text(_SERIES)
    (tmp_path / "ref" / "earsC_C1_default.csv").write_text(f"{_RESULTS}weeks,30,2,,0\n")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("ref/rki1.csv", f"{_RESULTS}months,30,2,9.0,0\n", "no series months in data/"),
        ("ref/rki1.csv", f"{_RESULTS}weeks,61,2,9.0,0\n", "weeks has no such t: it has 60 rows"),
        ("ref/rki1.csv", f"{_RESULTS}weeks,soon,2,9.0,0\n", "invalid literal"),
        ("ref/rki1.csv", f"{_RESULTS}weeks,30\n", "float"),
        ("ref/rki1.csv", "series,t,observed,alarm\nweeks,30,2,0\n", "no column of the bound"),
        ("ref/rki1.csv", "series,t,upperbound\nweeks,30,2\n", "no column observed, alarm"),
        ("ref/glrpois_S1_value.csv", f"{_RESULTS}weeks,30,2,9.0,0\n", "mu0"),
        ("ref/rki1.csv.gz", "no gzip", "gzip"),
        ("data/months.csv", "t,period,cases\n1,one,2\n", "invalid literal"),
        ("data/months.csv.gz", "no gzip", "gzip"),
    ],
)
def test_what_cannot_be_run_is_named_and_the_others_go_on(
    folder: Path, name: str, content: str, said: str
) -> None:
    (folder / name).write_text(content)
    results = list(compare(folder))
    (failed,) = [one for one in results if one.failed]
    assert said in failed.failed
    (well,) = [one for one in results if one.name == "earsC_C1_default"]
    assert (well.known, well.rows, well.failed) == (True, 1, "")
    assert "failed" in str(sheet(results).rows)


def test_a_file_cut_short_and_what_is_no_file_of_results(folder: Path) -> None:
    whole = gzip.compress((_RESULTS + "weeks,30,2,9.0,0\n" * 5_000).encode())
    (folder / "ref" / "rki1.csv.gz").write_bytes(whole[: len(whole) // 2])
    (folder / "ref" / "README.md").write_text("a note")
    (folder / "ref" / "more").mkdir()
    (folder / "ref" / "nothing.csv").write_text("")
    (folder / "ref" / "nobodys_method.csv").write_text(f"{_RESULTS}weeks,30,2,9.0,0\n")
    found = {one.name: one for one in compare(folder)}
    assert set(found) == {"earsC_C1_default", "nobodys_method", "rki1"}
    assert found["rki1"].failed.startswith("EOFError")
    assert not found["nobodys_method"].known


def test_a_series_that_is_missing_costs_its_own_rows_alone(folder: Path) -> None:
    rows = "weeks,30,2,,0\nmonths,30,2,9.0,1\n"
    (folder / "ref" / "earsC_C2_default.csv").write_text(_RESULTS + rows)
    (one,) = [one for one in compare(folder) if one.name == "earsC_C2_default"]
    assert (one.rows, one.failed, one.missing) == (1, "", "months")
    assert "no series months in data/" in str(sheet([one]).rows)


def test_a_series_that_cannot_be_run_costs_its_own_rows_alone(folder: Path) -> None:
    half = "t,date,year,period,cases\n"
    half += "".join(f"{t},,{2000 + t // 2},{t % 2 + 1},{t % 7}\n" for t in range(1, 61))
    (folder / "data" / "halves.csv").write_text(half)
    rows = "halves,60,4,9.0,0,5\nweeks,60,4,9.0,0,1\n"
    name = "farringtonFlexible_noufaily_muan"
    (folder / "ref" / f"{name}.csv").write_text(f"{_RESULTS.strip()},b\n{rows}")
    (one,) = [one for one in compare(folder) if one.name == name]
    assert (one.rows, one.failed, one.blanks) == (2, "", 1)
    assert one.broken.startswith("halves: ValueError")
    assert one.broken in str(sheet([one]).rows)


@pytest.mark.parametrize(
    ("wanted", "error", "blanks"),
    [
        ("3.0", 0.5, 0),  # 2 where 3 is wanted is off by a third; the other row by half of 6
        ("Inf", np.inf, 0),
        ("", 0.5, 1),
    ],
)
def test_a_bound_that_only_one_has_hides_no_error(
    folder: Path, wanted: str, error: float, blanks: int
) -> None:
    """Of weeks of one case each: the bound of Bayes is 3."""
    ones = _SERIES.splitlines()[:1] + [f"{t},,2001,{t},1" for t in range(1, 41)]
    (folder / "data" / "ones.csv").write_text("\n".join(ones))
    rows = f"ones,20,1,{wanted},FALSE\nones,21,1,6.0,TRUE\n"
    (folder / "ref" / "bayes1.csv").write_text(_RESULTS + rows)
    (one,) = [one for one in compare(folder) if one.name == "bayes1"]
    assert (one.error, one.blanks, one.alarms) == (error, blanks, 1)


@pytest.mark.parametrize(
    ("first", "steps", "date", "frequency"),
    [
        (10, 52, "", 52),
        (40, 53, "", 52),
        (3, 12, "", 12),
        (2, 4, "", 4),
        (355, 365, "", 365),
        (360, 366, "", 365),
        (2, 99, "", 52),  # no year ends in it
        (2, 99, "2025-02-01 2025-03-01", 12),
        (2, 99, "2025-01-08 2025-01-15", 52),
    ],
)
def test_steps_a_year_are_those_after_which_periods_begin_anew(
    tmp_path: Path, first: int, steps: int, date: str, frequency: int
) -> None:
    rows = 2 if date else 20
    days = date.split() or [""] * rows
    periods = [(first + t - 1) % steps + 1 for t in range(rows)]
    lines = [f"{t},{days[t]},2000,{period},1" for t, period in enumerate(periods)]
    (tmp_path / "some.csv").write_text("t,date,year,period,cases\n" + "\n".join(lines))
    assert dict(read_sets(tmp_path))["some"].frequency == frequency


def test_outbreak_p_by_the_statistic_and_by_cases(folder: Path) -> None:
    """R tells either of them, and the bare name does not say which."""
    for name, bound in (("outbreakP", "1.0001"), ("outbreakP_value", "1"), ("outbreakP_cases", "")):
        (folder / "ref" / f"{name}.csv").write_text(f"{_RESULTS}weeks,1,1,{bound},0\n")
    found = {one.name: one for one in compare(folder)}
    assert 0 < found["outbreakP"].error < 1e-3
    assert found["outbreakP_value"].error == 0
    assert found["outbreakP_cases"].blanks == found["outbreakP_cases"].error == 0


def test_a_table_that_is_piped_cuts_nothing_off(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "ref" / "rki1.csv.gz").write_text("no gzip")
    results = list(compare(folder))
    names = ["farringtonFlexible_vignette_control2_b4", "[bold]0"]
    show(sheet([*results, *(Compared(name, 1, known=False) for name in names)]))
    shown = capsys.readouterr().out
    assert all(f" {name} " in shown for name in [*names, "earsC_C1_default"])
    assert f" {next(one.failed for one in results if one.failed)}" in shown


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="is no folder"):
        list(compare(tmp_path))
