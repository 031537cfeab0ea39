"""The benchmark of loading loads what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.load import main, measure, sheet

pytestmark = pytest.mark.no_cover  # nothing of bench is counted, and the gateway elsewhere


def test_every_row_is_loaded_sealed_and_counted(tmp_path: Path) -> None:
    summary, cpu = measure(tmp_path, 400)
    assert (summary.read, summary.loaded, len(summary.by_region)) == (400, 400, 8)
    assert (summary.records["people"], summary.records["cases"]) == (400, 400)
    assert not summary.notices  # every ID number is another, every value is read
    assert cpu > 0
    ((rows, *_, records, judged),) = sheet(summary, cpu).rows
    assert rows == "400"
    assert float(records.replace(",", "")) > 0
    assert judged


def test_it_prints_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--rows", "100"])
    assert "records/s" in capsys.readouterr().out
