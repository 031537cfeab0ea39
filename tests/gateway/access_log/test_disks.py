"""Disks that are full, or become read-only: real file systems, mounted for the test."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.access_log import AccessLog
from regions.errors import AccessLogError
from tests.gateway.access_log.logs import SEED, entries_of, opened, row
from tests.resolvers.access_log.trees import tree_hash


def mount(*arguments: str) -> bool:
    done = subprocess.run(["mount", *arguments], capture_output=True, check=False)
    return done.returncode == 0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.getuid() or not mount("-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)):
        pytest.skip("needs to mount file systems")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


async def append(log: AccessLog, number: int) -> None:
    at, account, operation, result, entry = row(number)
    await log.append(at, account, operation, result, entry.encode())


def test_a_full_disk_loses_nothing_that_was_acknowledged(disk: Path) -> None:
    path = disk / "access-log.db"
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(1_400_000))

    async def main() -> int:
        log, count, told = AccessLog(path, SEED), 0, ""
        while not told:
            try:
                await asyncio.gather(*(append(log, count + each) for each in range(20)))
                count += 20
            except AccessLogError as error:
                told = error.message
        assert "could not be written" in told
        for _ in range(3):
            with pytest.raises(AccessLogError):
                await append(log, count)
        ballast.unlink()
        for number in range(count, count + 20):
            await append(log, number)
        await log.close()
        return count + 20

    count = asyncio.run(main())
    known = entries_of(path)
    assert len(known) >= count > 100
    log = opened(path, origin="")
    assert log.verify() == len(known)
    assert log._edge is not None
    assert log._edge.root() == tree_hash(known)


def test_a_disk_that_became_read_only(disk: Path) -> None:
    path = disk / "access-log.db"

    async def main() -> None:
        log = AccessLog(path, SEED)
        await append(log, 0)
        await log.close()
        assert mount("-o", "remount,ro", str(disk))
        with pytest.raises(AccessLogError):
            AccessLog(path, SEED)
        assert mount("-o", "remount,rw", str(disk))
        log = AccessLog(path, SEED)
        await append(log, 1)
        await log.close()

    asyncio.run(main())
    assert len(entries_of(path)) == 2
    assert opened(path, origin="").verify() == 2


def test_what_a_read_only_disk_says_is_of_sqlite(disk: Path) -> None:
    log = opened(disk / "access-log.db")
    log.write([row(0)])
    log.close()
    assert mount("-o", "remount,ro", str(disk))
    with pytest.raises((sqlite3.OperationalError, OSError)):
        log.write([row(1)])
    assert mount("-o", "remount,rw", str(disk))
    log.write([row(1)])
    assert log.verify() == 2
