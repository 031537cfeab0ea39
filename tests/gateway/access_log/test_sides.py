"""Both sides: regions keep the entries that concern them, and witness the log."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from gateway.access_log import sides as module
from gateway.access_log.contradictions import contradictions_in
from gateway.access_log.log_file import LogFile
from gateway.access_log.reading import canonical
from gateway.access_log.seen import check_witnesses, settle_witness
from gateway.access_log.sides import Sides
from regions.access_log import witness
from regions.errors import AccessLogContradicted, AccessLogError
from regions.settings import RegionSettings
from resolvers.access_log.notes import verify_cosignature
from resolvers.access_log.sides import unpack_side
from resolvers.access_log.witnessing import regional_witness
from tests.gateway.access_log.logs import AT, SEED, opened
from tests.stores import Stores, in_store

NANJING, WUXI = "320100", "320200"


def told(number: int, *regions: str) -> tuple[str, str, str, str, str]:
    entry = {"n": number, "what": {"regions": dict.fromkeys(regions, "ANSWERED")}}
    return (AT, "", "", "", canonical(entry).decode())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "access-log.db"


@pytest.fixture
def regions(store_settings: RegionSettings, stores: Stores, tmp_path: Path) -> list[RegionSettings]:
    """Nanjing on either kind of store, and Wuxi."""
    return [store_settings, stores.sqlite(WUXI, tmp_path / "wuxi.db")]


def both(path: Path, regions: list[RegionSettings], log: LogFile) -> Sides:
    return Sides(path, regions, SEED, log.signer.verifier)


def kept(path: Path) -> dict[str, tuple[int, str, str]]:
    """The cosignatures kept with a log, and the checkpoints they are of."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "SELECT witness, c.size, p.note, c.note FROM cosignatures c "
            "JOIN checkpoints p ON p.size = c.size"
        ).fetchall()
    return {name: (size, note, line) for name, size, note, line in rows}


def side_of(file: Path) -> list[tuple[int, bytes]]:
    """The entries of a region's own copy."""
    with closing(sqlite3.connect(file)) as connection:
        rows = connection.execute("SELECT entries FROM log_sides ORDER BY first").fetchall()
    return [entry for (bundle,) in rows for entry in unpack_side(bundle)]


def check(path: Path, regions: list[RegionSettings], log: LogFile) -> list[str]:
    return asyncio.run(check_witnesses(path, regions, SEED, log.signer.verifier))


def test_each_region_keeps_its_own_and_cosigns_the_whole(
    path: Path, regions: list[RegionSettings]
) -> None:
    log = opened(path)
    rows = [told(0, NANJING), told(1, WUXI), told(2), told(3, NANJING, WUXI)]
    log.write(rows)
    assert asyncio.run(both(path, regions, log).round()) == 4
    wuxi = regions[1].path
    assert wuxi is not None
    assert side_of(wuxi) == [(2, rows[1][4].encode()), (4, rows[3][4].encode())]
    found = kept(path)
    for code in (NANJING, WUXI):
        key = regional_witness(SEED, code).verifier
        size, note, line = found[key.name]
        assert size == 4
        assert verify_cosignature(note + line, key) > 0
    assert asyncio.run(both(path, regions, log).round()) == 0
    log.write([told(4, WUXI)])
    assert asyncio.run(both(path, regions, log).round()) == 1
    assert side_of(wuxi)[-1] == (5, told(4, WUXI)[4].encode())
    assert check(path, regions, log) == [NANJING, WUXI]


def test_a_long_past_comes_in_parts(
    path: Path, regions: list[RegionSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BATCH", 10)
    log = opened(path)
    rows = [told(number, WUXI) for number in range(35)]
    log.write(rows)
    assert asyncio.run(both(path, regions, log).round()) == 70 - 35
    assert regions[1].path is not None
    assert [number for number, _ in side_of(regions[1].path)] == list(range(1, 36))


def rows_of(file: Path) -> list[tuple[int, int, int]]:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(
            "SELECT first, last, length(entries) FROM log_sides ORDER BY first"
        ).fetchall()


def test_long_entries_come_in_parts_of_few_bytes(
    path: Path, regions: list[RegionSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BYTES", 3_000)
    log = opened(path)
    long = {"n": "x" * 900, "what": {"regions": {WUXI: "ANSWERED"}}}
    log.write([(AT, "", "", "", canonical(long).decode())] * 30)
    log.write([(AT, "", "", "", canonical({**long, "n": "x" * 9_000}).decode())])
    sides = both(path, regions, log)
    assert asyncio.run(sides.round()) == 31
    wuxi = regions[1].path
    assert wuxi is not None
    rows = rows_of(wuxi)
    assert [row[:2] for row in rows] == [(n, n + 2) for n in range(1, 31, 3)] + [(31, 31)]
    assert max(length for _, _, length in rows[:-1]) <= 3_000
    assert [number for number, _ in side_of(wuxi)] == list(range(1, 32))


def test_a_slow_region_gets_smaller_parts_and_keeps_what_came(
    path: Path, regions: list[RegionSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep, most = module._keep_side, 2  # entries for which there is time

    def slow(connection: Any, held: Any, seen: Any, side: Any) -> None:
        if len(side.entries) > most:
            raise TimeoutError
        keep(connection, held, seen, side)

    monkeypatch.setattr(module, "_keep_side", slow)
    log = opened(path)
    log.write([told(number, WUXI) for number in range(35)])
    sides = both(path, regions, log)
    for _ in range(40):
        asyncio.run(sides.round())
    wuxi = regions[1].path
    assert wuxi is not None
    assert [number for number, _ in side_of(wuxi)] == list(range(1, 36))
    assert check(path, regions, log) == [NANJING, WUXI]


def test_a_region_that_is_away_is_caught_up_with(
    path: Path, regions: list[RegionSettings], tmp_path: Path
) -> None:
    wuxi = regions[1].path
    assert wuxi is not None
    away = tmp_path / "away.db"
    log = opened(path)
    wuxi.rename(away)
    log.write([told(0, WUXI)])
    sides = both(path, regions, log)
    assert asyncio.run(sides.round()) == 0
    assert not wuxi.exists()
    assert check(path, regions, log) == [NANJING]
    away.rename(wuxi)
    assert asyncio.run(sides.round()) == 1
    assert check(path, regions, log) == [NANJING, WUXI]


def test_an_older_log_than_a_region_has_seen(path: Path, regions: list[RegionSettings]) -> None:
    log = opened(path)
    log.write([told(0, NANJING)])
    log.write([told(1, NANJING)])
    copy = path.with_name("copy.db")
    with closing(sqlite3.connect(path)) as one, closing(sqlite3.connect(copy)) as two:
        one.backup(two)
    log.write([told(2, NANJING)])
    asyncio.run(both(path, regions, log).round())
    log.close()
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    copy.replace(path)
    again = opened(path)
    assert again.verify() == 2  # by itself it is sound
    for look, said in (
        (check, "has seen 3 entries, the log has 2"),
        (lambda *_: asyncio.run(both(path, regions, again).round()), "has seen 3 entries"),
    ):
        with pytest.raises(AccessLogContradicted, match=said):
            look(path, regions, again)
        with pytest.raises(AccessLogContradicted, match=said):
            again.write([told(9, NANJING)])
        unmark(path)
    again.write([told(9, NANJING), told(9, NANJING)])
    for look, said in (
        (check, "first 3 entries are not those"),
        (lambda *_: asyncio.run(both(path, regions, again).round()), "not shown to have grown"),
    ):
        with pytest.raises(AccessLogContradicted, match=said):
            look(path, regions, again)
        unmark(path)


def unmark(path: Path) -> None:
    with closing(sqlite3.connect(path)) as store, store:
        store.execute("DELETE FROM facts WHERE name LIKE 'contradicted:%'")


def test_what_a_region_is_said_to_have_seen_must_be_signed(
    path: Path, regions: list[RegionSettings]
) -> None:
    log = opened(path)
    log.write([told(0, WUXI)])
    asyncio.run(both(path, regions, log).round())
    assert regions[1].path is not None
    with closing(sqlite3.connect(regions[1].path)) as store:
        store.execute("UPDATE witness SET size = 0")
        store.commit()
    assert check(path, regions, log) == [NANJING]
    assert asyncio.run(both(path, regions, log).round()) == 0
    with closing(sqlite3.connect(path)) as store:
        (found,) = contradictions_in(store)
    assert (found.region, found.proven) == (WUXI, False)
    assert "witnessed does not hold" in found.said
    log.write([told(1)])


def test_a_witness_whose_row_is_gone_is_named(path: Path, regions: list[RegionSettings]) -> None:
    """Removed, it would be as one that is new to the log: but the log has its cosignature."""
    log = opened(path)
    log.write([told(0, NANJING)])
    asyncio.run(both(path, regions, log).round())
    in_store(regions[0], lambda one: one.execute(delete(witness)))
    log.write([told(1, NANJING)])
    again = both(path, regions, log)
    for _ in range(2):
        asyncio.run(again.round())
        with closing(sqlite3.connect(path)) as store:
            (found,) = contradictions_in(store)
        assert (found.region, found.proven) == (NANJING, False)
        assert "had witnessed 1 entries" in found.said
    log.write([told(2)])  # it proves nothing about the log: the gateway serves
    for forget in (False, True):
        if not forget:
            with pytest.raises(AccessLogError, match="cannot be read"):
                asyncio.run(settle_witness(log, regions[0], SEED, forget=forget))
        else:
            (stood,) = asyncio.run(settle_witness(log, regions[0], SEED, forget=forget))
            assert stood == found
    asyncio.run(again.round())
    with closing(sqlite3.connect(path)) as store:
        assert contradictions_in(store) == []
    assert check(path, regions, log) == [NANJING, WUXI]
    assert {size for size, _, _ in kept(path).values()} == {4}
