"""Any byte of the log's file, flipped: it is noticed, or what the log says is as it was."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.access_log.live import live_log
from regions.errors import AccessLogError
from resolvers.access_log.notes import VerifierKey
from resolvers.access_log.verifying import verify
from tests.gateway.access_log.logs import filled

ENTRIES = 700


@dataclass(repr=False)
class Sound:
    """The bytes of a log's file, its public key, and what it says."""

    raw: bytes
    vkey: str
    says: list[Any]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Sound:
    path = tmp_path_factory.mktemp("flipped") / "access-log.db"
    log = filled(path, ENTRIES)
    vkey = log.vkey
    log.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode=DELETE")
    return Sound(path.read_bytes(), vkey, said(path))


def said(path: Path) -> list[Any]:
    """Entries, tiles and newest checkpoint of a file."""
    with closing(sqlite3.connect(path)) as connection:
        return [
            connection.execute(query).fetchall()
            for query in (
                "SELECT number, entry FROM entries ORDER BY number",
                "SELECT level, tile, hashes FROM tiles ORDER BY level, tile",
                "SELECT size, root, note FROM checkpoints ORDER BY size DESC LIMIT 1",
            )
        ]


def noticed(path: Path, vkey: str) -> bool:
    """Whether a verification finds something."""
    try:
        with live_log(path) as log:
            return not verify(log, [VerifierKey.parse(vkey)]).holds
    except (AccessLogError, sqlite3.Error, UnicodeError):
        return True


def test_a_sound_log_holds(sound: Sound, tmp_path: Path) -> None:
    path = tmp_path / "access-log.db"
    path.write_bytes(sound.raw)
    assert not noticed(path, sound.vkey)
    assert len(said(path)[0]) == ENTRIES


@settings(max_examples=150)
@given(at=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
@example(at=0.5, bit=0)
def test_a_flipped_byte_is_noticed_or_says_nothing(
    sound: Sound,
    tmp_path_factory: pytest.TempPathFactory,
    at: float,
    bit: int,
) -> None:
    before, vkey, known = sound.raw, sound.vkey, sound.says
    path = tmp_path_factory.getbasetemp() / "flipped-now.db"
    changed = bytearray(before)
    changed[int(at * len(changed))] ^= 1 << bit
    path.write_bytes(changed)
    for suffix in ("-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    if noticed(path, vkey):
        return
    assert said(path) == known


@settings(max_examples=60)
@given(number=st.integers(1, ENTRIES), data=st.data())
def test_a_flipped_bit_of_an_entry_or_a_tile_is_noticed(
    sound: Sound,
    tmp_path_factory: pytest.TempPathFactory,
    number: int,
    data: st.DataObject,
) -> None:
    before, vkey, known = sound.raw, sound.vkey, sound.says
    path = tmp_path_factory.getbasetemp() / "flipped-row.db"
    path.write_bytes(before)
    with closing(sqlite3.connect(path)) as file:
        file.execute("DROP TRIGGER entries_unchanged")
        if data.draw(st.booleans()):
            entry = bytearray(known[0][number - 1][1].encode())
            entry[data.draw(st.integers(0, len(entry) - 1))] ^= 1
            file.execute("UPDATE entries SET entry = ? WHERE number = ?", (entry.decode(), number))
        else:
            level, tile, hashes = data.draw(st.sampled_from(known[1]))
            row = bytearray(hashes)
            row[data.draw(st.integers(0, len(row) - 1))] ^= 1 << data.draw(st.integers(0, 7))
            file.execute(
                "UPDATE tiles SET hashes = ? WHERE level = ? AND tile = ?", (row, level, tile)
            )
        file.commit()
    assert noticed(path, vkey)
