from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from regions.errors import StoreError
from resolvers.demo.folder import MARKER, DemoFolder
from tests.resolvers.demo.made import parameters

PARAMETERS = parameters()


def complete(data: Path) -> None:
    with DemoFolder(data, PARAMETERS) as folder:
        folder.begin()
        (data / "regions").mkdir()
        (data / "regions" / "320100.db").write_text("people")
        folder.complete(PARAMETERS, first_case="case:1")


def test_a_new_folder_is_taken(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with DemoFolder(data, PARAMETERS) as folder:
        assert not folder.is_complete
        assert not folder.had_leftovers
        folder.begin()
        folder.complete(PARAMETERS, first_case="case:1")
    assert data.stat().st_mode & 0o077 == 0
    assert (data / MARKER).stat().st_mode & 0o077 == 0


def test_a_complete_demo_is_kept(tmp_path: Path) -> None:
    complete(tmp_path)
    with DemoFolder(tmp_path, PARAMETERS) as folder:
        assert folder.is_complete
        assert folder.read()["first_case"] == "case:1"
    assert (tmp_path / "regions" / "320100.db").read_text() == "people"


def test_a_demo_of_another_day_is_kept_unless_that_day_was_asked_for(tmp_path: Path) -> None:
    complete(tmp_path)
    later = replace(PARAMETERS, until=date(2026, 12, 24))
    with DemoFolder(tmp_path, later) as folder:
        assert folder.is_complete
    with (
        pytest.raises(StoreError, match="another until"),
        DemoFolder(tmp_path, later, any_until=False),
    ):
        pass


@pytest.mark.parametrize("change", [{"people": 7_000}, {"seed": 8}, {"years": 2}])
def test_a_demo_of_other_numbers_is_refused(tmp_path: Path, change: dict[str, int]) -> None:
    complete(tmp_path)
    other = replace(PARAMETERS, **change)  # type: ignore[arg-type]  # wrong or wider on purpose
    with (
        pytest.raises(StoreError, match=f"another {next(iter(change))}"),
        DemoFolder(tmp_path, other),
    ):
        pass
    assert (tmp_path / "regions" / "320100.db").read_text() == "people"


def test_leftovers_are_cleared(tmp_path: Path) -> None:
    with DemoFolder(tmp_path, PARAMETERS) as folder:
        folder.begin()
        (tmp_path / "regions").mkdir()
        for name in ("regions/320100.db", "regions/320100.db-wal", "gateway.db", "access-log.db"):
            (tmp_path / name).touch()
    with DemoFolder(tmp_path, PARAMETERS) as folder:
        assert not folder.is_complete
        assert folder.had_leftovers
        folder.begin()
        assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [MARKER]


def test_a_marker_cut_off_is_a_leftover(tmp_path: Path) -> None:
    (tmp_path / MARKER).write_text('{"state": "compl')
    with DemoFolder(tmp_path, PARAMETERS) as folder:
        assert folder.had_leftovers


@pytest.mark.parametrize("name", ["regions/320100.db", "gateway.db", "notes.txt"])
def test_data_that_no_demo_made_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("precious")
    with pytest.raises(StoreError, match="no demo has made"), DemoFolder(tmp_path, PARAMETERS):
        pass
    assert path.read_text() == "precious"
    assert not (tmp_path / MARKER).exists()


def test_a_stranger_among_leftovers_is_refused(tmp_path: Path) -> None:
    with DemoFolder(tmp_path, PARAMETERS) as folder:
        folder.begin()
    (tmp_path / "notes.txt").write_text("precious")
    with pytest.raises(StoreError, match=r"notes\.txt"), DemoFolder(tmp_path, PARAMETERS):
        pass


def test_what_a_gateway_adds_to_a_demo_does_not_matter(tmp_path: Path) -> None:
    complete(tmp_path)
    (tmp_path / "something-of-the-gateway").touch()
    with DemoFolder(tmp_path, PARAMETERS) as folder:
        assert folder.is_complete


def test_two_demos_do_not_work_in_one_folder(tmp_path: Path) -> None:
    with (
        DemoFolder(tmp_path, PARAMETERS),
        pytest.raises(StoreError, match="is at work"),
        DemoFolder(tmp_path, PARAMETERS),
    ):
        pass
    with DemoFolder(tmp_path, PARAMETERS):
        pass
