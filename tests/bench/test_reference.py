"""Reference results that somebody else laid out: what cannot be run is named, the others go on."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from bench.detect import Compared, compare, sheet
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
