from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

import orjson
import pytest

from regions.errors import StoreError
from regions.keys import create_keys, load_keys
from resolvers.demo.building import build, deal, total_steps
from resolvers.demo.plan import make_plan
from resolvers.demo.records import steps
from resolvers.demo.stores import build_region
from tests.resolvers.demo.made import parameters


def count(path: Path | None, table: str) -> int:
    assert path
    with closing(sqlite3.connect(path)) as connection:
        found: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    return found


def read(path: Path | None, statement: str, without: str) -> list[dict[str, object]]:
    assert path
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        rows = connection.execute(statement).fetchall()
    return [{name: row[name] for name in row.keys() if name != without} for row in rows]  # noqa: SIM118  # rows are no mappings


def test_regions_are_dealt_evenly() -> None:
    plan = make_plan(parameters(people=20_000))
    hands = deal(plan, 2)
    assert sorted(number for hand in hands for number in hand) == list(range(8))
    loads = [sum(plan.regions[number].people for number in hand) for hand in hands]
    assert max(loads) < 1.2 * min(loads)
    assert deal(plan, 8) == [
        [number] for number in sorted(range(8), key=lambda number: -steps(plan.regions[number]))
    ]


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_worker_processes_make_every_region(tmp_path: Path) -> None:
    create_keys(tmp_path / "keys")
    plan = make_plan(parameters(tmp_path, people=10_000, years=1))
    told: list[int] = []
    build(plan, tmp_path / "keys", workers=2, advance=told.append)
    assert sum(told) == total_steps(plan)
    for region, settings in zip(plan.regions, plan.parameters.regions, strict=True):
        assert count(settings.path, "people") == region.people
        assert count(settings.path, "cases") == len(region.cases)
    (tmp_path / "here").mkdir()
    here = make_plan(parameters(tmp_path / "here", people=10_000, years=1))
    asyncio.run(build_region(here, 6, load_keys(tmp_path / "keys")))
    for table in ("contacts", "samples"):  # another process has another order of its sets
        made, again = (
            read(path, f"SELECT * FROM {table} ORDER BY id", "sealed")
            for path in (plan.parameters.regions[6].path, here.parameters.regions[6].path)
        )
        assert made == again


def test_a_worker_says_what_failed(tmp_path: Path) -> None:
    create_keys(tmp_path / "keys")
    (tmp_path / "keys" / "index.key").write_text("short\n")
    plan = make_plan(parameters(tmp_path, people=10_000, years=1))
    with pytest.raises(StoreError, match=r"index\.key is not 32 bytes"):
        build(plan, tmp_path / "keys", workers=2)


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_a_worker_that_dies_is_noticed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    create_keys(tmp_path / "keys")
    (tmp_path / "3201.db").mkdir()  # no place for a file: not a failure with a name
    (tmp_path / "3201.db" / "x").touch()
    plan = make_plan(parameters(tmp_path, people=10_000, years=1))
    with pytest.raises(StoreError):
        build(plan, tmp_path / "keys", workers=2)
    capfd.readouterr()


def test_a_worker_ends_when_its_parent_is_gone(tmp_path: Path) -> None:
    create_keys(tmp_path / "keys")
    process = subprocess.Popen(
        [sys.executable, "-m", "resolvers.demo.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert process.stdin
    assert process.stdout
    job = {
        "parameters": parameters(tmp_path, people=60_000, years=1).to_json(),
        "keys": str(tmp_path / "keys"),
        "regions": list(range(8)),
        "replace": False,
    }
    process.stdin.write(orjson.dumps(job) + b"\n")
    process.stdin.flush()
    assert process.stdout.readline()
    process.stdin.close()
    assert process.wait(60) == 130
    process.stdout.close()


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_an_interruption_stops_the_workers(tmp_path: Path) -> None:
    create_keys(tmp_path / "keys")
    plan = make_plan(parameters(tmp_path, people=60_000, years=1))

    def interrupt(steps: int) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        build(plan, tmp_path / "keys", workers=2, advance=interrupt)
    made = 0  # workers that were waited for would have made everybody
    for path in tmp_path.rglob("*.db"):
        with closing(sqlite3.connect(path)) as store, suppress(sqlite3.OperationalError):
            made += store.execute("SELECT count(*) FROM people").fetchone()[0]
    assert made < 60_000
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    for child in children:
        assert "resolvers.demo.worker" not in Path(f"/proc/{child}/cmdline").read_text()
