from __future__ import annotations

import asyncio
import multiprocessing
import os
import resource
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from gateway.access_log import AccessLog, canonical, read_entries
from gateway.group_commit import FileMoved, GroupCommit
from regions.errors import AccessLogError

AT = "2026-11-22T08:30:00Z"
SEED = bytes(32)


async def append(log: AccessLog, number: int, account: str = "nanjing") -> None:
    await log.append(AT, account, "cases", "OK", canonical({"at": AT, "n": number}))


def numbers(path: Path) -> list[int]:
    return [entry["n"] for entry in read_entries(path, limit=1_000_000)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "access-log.db"


def test_an_entry_is_there_for_others_when_append_returns(path: Path) -> None:
    async def main() -> None:
        log = AccessLog(path, SEED)
        for number in range(3):
            await append(log, number)
            assert numbers(path) == list(range(number + 1))
        await log.close()

    asyncio.run(main())
    assert list(read_entries(path, limit=1)) == [{"number": 3, "at": AT, "n": 2}]


def test_every_commit_is_synchronised(path: Path) -> None:
    commit = GroupCommit(path, busy_seconds=1)
    commit.create(lambda connection: connection.execute("CREATE TABLE rows (text TEXT)"))
    with closing(commit._connect()) as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_many_at_once_share_commits(path: Path) -> None:
    async def main() -> None:
        log = AccessLog(path, SEED)
        await append(log, 0)
        with closing(sqlite3.connect(path)) as other:
            version = "PRAGMA data_version"
            before = other.execute(version).fetchone()
            writing = [asyncio.ensure_future(append(log, number)) for number in range(1, 700)]
            seen = set()
            while not all(future.done() for future in writing):
                seen.add(other.execute(version).fetchone())
                await asyncio.sleep(0)
            await asyncio.gather(*writing)
        assert len(seen - {before}) < 70
        await log.close()

    asyncio.run(main())
    assert numbers(path) == list(range(700))


def test_the_file_is_its_owners_alone(path: Path) -> None:
    asyncio.run(AccessLog(path, SEED).close())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_bad_entry_fails_alone(path: Path) -> None:
    async def main() -> None:
        log = AccessLog(path, SEED)
        with pytest.raises(UnicodeDecodeError):
            log.append_nowait(AT, "nanjing", "cases", "OK", b"\xff")
        results = await asyncio.gather(
            append(log, 1),
            append(log, 2, account="\ud800"),
            append(log, 3),
            return_exceptions=True,
        )
        assert [type(result) for result in results] == [type(None), AccessLogError, type(None)]
        await log.close()

    asyncio.run(main())
    assert numbers(path) == [1, 3]


def test_a_log_held_by_another_fails_in_time_and_recovers(path: Path) -> None:
    async def main() -> None:
        log = AccessLog(path, SEED, busy_seconds=0.1)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            waiting = [append(log, number) for number in range(20)]
            failures = await asyncio.gather(*waiting, return_exceptions=True)
            assert all(isinstance(failure, AccessLogError) for failure in failures)
            assert "locked" in str(failures[0])
            other.execute("ROLLBACK")
        await append(log, 21)
        await log.close()

    asyncio.run(main())
    assert numbers(path) == [21]


def test_a_process_that_keeps_its_place_fails_the_others_in_time(path: Path) -> None:
    async def main() -> None:
        log = AccessLog(path, SEED, busy_seconds=0.1)
        other = GroupCommit(path, busy_seconds=1)
        held = pytest.raises(AccessLogError, match="another process holds the file")
        with other._turnstile.pass_through(1), held:
            await append(log, 1)
        await append(log, 2)
        other.close()
        await log.close()

    asyncio.run(main())


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
def test_a_file_that_was_moved_is_noticed(path: Path, suffix: str) -> None:
    file = path.with_name(path.name + suffix)
    aside = path.with_name("aside")

    async def main() -> None:
        log = AccessLog(path, SEED)
        await append(log, 1)
        file.rename(aside)
        with pytest.raises(AccessLogError):
            await append(log, 2)
        if not suffix:
            with pytest.raises(AccessLogError, match="unable to open"):
                await append(log, 3)
            assert not file.exists()  # an empty log in its place would hide the loss
            aside.rename(file)
        await append(log, 4)
        await log.close()

    asyncio.run(main())
    assert numbers(path)[-1] == 4


@pytest.mark.parametrize("content", [b"", b"no database" * 500])
def test_a_file_that_was_replaced_is_noticed(path: Path, content: bytes) -> None:
    async def main() -> None:
        log = AccessLog(path, SEED)
        await append(log, 1)
        other = path.with_name("other")
        other.write_bytes(content)
        other.replace(path)
        for number in (2, 3):
            with pytest.raises(AccessLogError):
                await append(log, number)
        await log.close()

    asyncio.run(main())


def test_a_connection_is_given_up_after_the_file_moved(path: Path) -> None:
    commit = GroupCommit(path, busy_seconds=1)
    commit.create(lambda connection: connection.execute("CREATE TABLE rows (text TEXT)"))

    def insert(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO rows VALUES ('a')")

    commit.run(insert)
    path.unlink()
    with pytest.raises(FileMoved, match="moved, removed or replaced"):
        commit.run(insert)
    with pytest.raises(sqlite3.OperationalError):
        commit.run(insert)


@contextmanager
def full_disk(limit: int) -> Iterator[None]:
    """No file of this process may grow over `limit` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_fails_and_later_recovers(path: Path) -> None:
    async def main() -> None:
        log = AccessLog(path, SEED)
        await append(log, 1)
        size = path.with_name(path.name + "-wal").stat().st_size
        with full_disk(size + 100):
            for _ in range(2):
                with pytest.raises(AccessLogError):
                    await append(log, 2)
        await append(log, 3)
        await log.close()

    asyncio.run(main())
    assert numbers(path) == [1, 3]


def test_a_closed_log_takes_nothing(path: Path) -> None:
    async def main() -> None:
        log = AccessLog(path, SEED)
        last = log.append_nowait(AT, "nanjing", "cases", "OK", canonical({"n": 1}))
        await log.close()
        assert last.done()
        with pytest.raises(AccessLogError, match="closed"):
            await append(log, 2)

    asyncio.run(main())
    assert numbers(path) == [1]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(AccessLogError, match="No such file"):
        AccessLog(tmp_path / "missing" / "access-log.db", SEED)
    with pytest.raises(AccessLogError, match="cannot be read"):
        list(read_entries(tmp_path / "missing.db"))


def _fill(path: Path, worker: int) -> None:
    async def main() -> None:
        log = AccessLog(path, SEED)

        async def some(start: int) -> None:
            for number in range(start, start + 25):
                await append(log, number)

        await asyncio.gather(*(some(1_000 * worker + 25 * lane) for lane in range(8)))
        await log.close()

    asyncio.run(main())


def test_several_processes_share_the_file(path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_fill, args=(path, worker)) for worker in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    expected = [1_000 * worker + number for worker in range(3) for number in range(200)]
    assert sorted(numbers(path)) == expected


KILLED = """
import asyncio, sys
from pathlib import Path
from gateway.access_log import AccessLog, canonical

async def main():
    log = AccessLog(Path(sys.argv[1]), bytes(32))
    async def lane(start):
        for number in range(start, 10**9, 4):
            await log.append("", "", "", "", canonical({"n": number}))
            print(number, flush=True)
    await asyncio.gather(*map(lane, range(4)))

asyncio.run(main())
"""


def test_what_was_acknowledged_survives_a_kill(path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(60)]
        os.kill(process.pid, signal.SIGKILL)
        lines += process.stdout.read().splitlines()
    acknowledged = {int(line) for line in lines if line.strip()}
    assert acknowledged <= set(numbers(path))


def test_reading_by_account_time_and_number(path: Path) -> None:
    async def main() -> None:
        log = AccessLog(path, SEED)
        for hour, account in ((8, "a"), (9, "b"), (10, "a"), (11, "b")):
            at = f"2026-11-22T{hour:02}:00:00Z"
            await log.append(at, account, "cases", "OK", canonical({"n": hour}))
        await log.close()

    asyncio.run(main())
    assert [entry["n"] for entry in read_entries(path, account="b")] == [9, 11]
    assert [entry["n"] for entry in read_entries(path, since="2026-11-22T10:00:00Z")] == [10, 11]
    assert [entry["number"] for entry in read_entries(path, limit=2)] == [3, 4]
