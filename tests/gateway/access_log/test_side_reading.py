"""A region's own side: read back, held against the log, and pruned with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, select, update

from gateway.access_log import sides as module
from gateway.access_log.live import live_log
from gateway.access_log.log_file import LogFile
from gateway.access_log.reading import canonical
from gateway.access_log.side_pruning import prune_sides
from gateway.access_log.side_reading import Side, check_side, read_sides
from gateway.access_log.sides import Sides
from regions.access_log import log_sides, witness
from regions.settings import RegionSettings
from resolvers.access_log.sides import pack_side, unpack_side
from tests.gateway.access_log.logs import SEED, at_minute, opened
from tests.stores import Stores, in_store

NANJING = "320100"


def told(number: int, *regions: str) -> tuple[str, str, str, str, str]:
    at = at_minute(number)
    entry = {"at": at, "n": number, "what": {"regions": dict.fromkeys(regions, "ANSWERED")}}
    return (at, "", "", "", canonical(entry).decode())


@pytest.fixture
def log(tmp_path: Path) -> LogFile:
    """A log of thirty entries, every third of which concerns Nanjing."""
    found = opened(tmp_path / "access-log.db")
    found.write([told(n, NANJING) if n % 3 == 0 else told(n, "320200") for n in range(30)])
    return found


@pytest.fixture
def region(
    store_settings: RegionSettings, log: LogFile, monkeypatch: pytest.MonkeyPatch
) -> RegionSettings:
    """Nanjing on either kind of store, with its side in three parts."""
    monkeypatch.setattr(module, "_BATCH", 10)
    asyncio.run(Sides(log.path, [store_settings], SEED, log.signer.verifier).round())
    return store_settings


def read(region: RegionSettings, log: LogFile) -> Side:
    (kept,) = asyncio.run(read_sides(region))
    with live_log(log.path) as source:
        return check_side(kept, log.signer.verifier, source)


def test_a_side_is_read_and_proven(region: RegionSettings, log: LogFile) -> None:
    side = read(region, log)
    assert [number for number, _ in side.entries] == list(range(1, 31, 3))
    assert side.entries[1] == (4, told(3, NANJING)[4].encode())
    assert (side.origin, side.seen, side.proven) == ("log", 30, True)
    assert (side.problems, side.remarks) == ([], [])


def test_without_the_log_what_the_region_witnessed_is_checked(
    region: RegionSettings, log: LogFile
) -> None:
    (kept,) = asyncio.run(read_sides(region))
    side = check_side(kept, log.signer.verifier, None)
    assert (len(side.entries), side.proven, side.problems) == (10, False, [])
    assert side.remarks == ["not held against the log, which cannot be read here"]
    other = opened(log.path.with_name("other.db"), seed=bytes(32)).signer.verifier
    assert len(check_side(kept, other, None).problems) == 1
    assert len(check_side(kept, None, None).remarks) == 2


def _changed(connection: Connection) -> None:
    raw = connection.execute(select(log_sides.c.entries).where(log_sides.c.first == 11)).scalar()
    (number, entry), *rest = unpack_side(bytes(raw or b""))
    bundle = pack_side([(number, entry.replace(b"ANSWERED", b"REFUSED!")), *rest])
    connection.execute(update(log_sides).where(log_sides.c.first == 11).values(entries=bundle))


def _removed(connection: Connection) -> None:
    connection.execute(delete(log_sides).where(log_sides.c.first == 11))


def _doubled(connection: Connection) -> None:
    connection.execute(update(log_sides).where(log_sides.c.first == 11).values(last=25))


def _cut(connection: Connection) -> None:
    raw = connection.execute(select(log_sides.c.entries).where(log_sides.c.first == 11)).scalar()
    cut = bytes(raw or b"")[:-1]
    connection.execute(update(log_sides).where(log_sides.c.first == 11).values(entries=cut))


def _forged(connection: Connection) -> None:
    connection.execute(update(witness).values(root="00" * 32))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_changed, "entry 13 is not what the log has"),
        (_removed, "entry 13 concerns the region and is missing"),
        (_doubled, "the part of entries 21 to 30 has others, or some twice"),
        (_cut, "the part of entries 11 to 20 is damaged"),
        (_forged, "what the region witnessed is not what was signed"),
    ],
)
def test_a_side_that_was_changed_is_said_to_be(
    region: RegionSettings, log: LogFile, change: Callable[[Connection], None], said: str
) -> None:
    in_store(region, change)
    assert said in read(region, log).problems


def test_parts_of_a_side_go_with_the_entries_of_the_log_and_never_before(
    region: RegionSettings, log: LogFile, tmp_path: Path
) -> None:
    former = opened(tmp_path / "former.db", origin="former")
    former.write([told(n, NANJING) for n in range(15)])
    asyncio.run(Sides(former.path, [region], SEED, former.signer.verifier).round())
    of_others = opened(tmp_path / "others.db", origin="others")
    of_others.write([told(0, NANJING)])
    asyncio.run(Sides(of_others.path, [region], SEED, of_others.signer.verifier).round())
    in_store(
        region, lambda connection: connection.execute(update(log_sides).values(at=at_minute(0)))
    )

    def pruned(pruned_to: int, before: str, *, dry_run: bool = False) -> int:
        (found, away) = asyncio.run(
            prune_sides([region], "log", pruned_to, ["former"], before, dry_run=dry_run)
        )
        assert away == []
        return found[NANJING]

    def left() -> list[tuple[str, int]]:
        query = select(log_sides.c.origin, log_sides.c.first).order_by(
            log_sides.c.origin, log_sides.c.first
        )
        return [
            (row.origin, row.first)
            for row in in_store(region, lambda connection: connection.execute(query).all())
        ]

    whole = left()
    assert whole == [(n, f) for n, f in (("former", 1), ("former", 11))] + [
        *(("log", first) for first in (1, 11, 21)),
        ("others", 1),
    ]
    assert pruned(9, at_minute(0)) == 0  # an entry of each part is younger
    assert pruned(10, at_minute(10), dry_run=True) == 4 + 10
    assert left() == whole
    assert pruned(10, at_minute(10)) == 4 + 10
    assert left() == [("former", 11), ("log", 11), ("log", 21), ("others", 1)]
    assert pruned(30, at_minute(59)) == 6 + 5
    assert left() == [("others", 1)]  # another gateway prunes those
    assert asyncio.run(Sides(log.path, [region], SEED, log.signer.verifier).round()) == 0


def test_a_region_that_is_away_is_named(tmp_path: Path, log: LogFile, stores: Stores) -> None:
    region = stores.sqlite(NANJING, tmp_path / "gone.db")
    assert region.path is not None
    region.path.unlink()
    assert asyncio.run(prune_sides([region], "log", 30, [], at_minute(59), dry_run=False)) == (
        {},
        [NANJING],
    )
