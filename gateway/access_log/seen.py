"""What regions have seen of the log: their witnesses' rows, believed as far as they are signed.

The log of a file must have grown out of each; what stands against it leaves a mark there
(`gateway.access_log.contradictions`).
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, delete, select
from sqlalchemy.exc import SQLAlchemyError

from gateway.access_log.contradictions import (
    Contradiction,
    contradicted,
    contradictions_in,
    keep_contradiction,
)
from gateway.access_log.log_file import LogFile
from gateway.access_log.system import operator, system_row
from gateway.access_log.tree import StoredTree, checkpoint_in
from regions.access_log import UNREADABLE, witness
from regions.engines import make_engine
from regions.errors import AccessLogError, InvalidInput, NoteInvalid
from regions.instants import seconds_of
from regions.settings import RegionSettings
from resolvers.access_log.merkle import Frontier
from resolvers.access_log.notes import NoteSigner, VerifierKey
from resolvers.access_log.witnessing import Held, holds, regional_witness

__all__ = [
    "Against",
    "check_gone",
    "check_witnesses",
    "checked",
    "earlier_logs",
    "marked",
    "row_of",
    "settle_witness",
]

_log = logging.getLogger(__name__)

_AWAY = (OSError, SQLAlchemyError, TimeoutError)
_BUSY_SECONDS = 2.0


class Against(Exception):
    """A region's witness stands against the log: by what it holds, or unsigned (`held` is None)."""

    def __init__(self, said: str, held: Held | None = None) -> None:
        super().__init__(said)
        self.said, self.held = said, held


async def check_witnesses(
    path: Path, regions: Sequence[RegionSettings], seed: bytes, vkey: VerifierKey
) -> list[str]:
    """The regions that have seen the log grow into what it is; others are away or new to it, or
    what they are said to have seen was not signed: of that a mark is left.

    Raises AccessLogContradicted where one has seen more of it, or something else: a mark, too.
    """
    found = await asyncio.gather(*map(_all_witnessed, regions))
    seen: list[str] = []
    against: list[Contradiction] = []
    for region, rows in zip(regions, found, strict=True):
        row = next((one for one in rows if one.origin == vkey.name), None)
        if row is None:
            continue
        try:
            held = checked(row, vkey, regional_witness(seed, region.code))
            assert held is not None
            await asyncio.to_thread(_check_seen, path, held, f"the region {region.code}")
        except Against as outcome:
            mark = await asyncio.to_thread(marked, path, region.code, outcome)
            if mark.proven:
                against.append(mark)
            else:
                _log.error("the access log: %s", mark.text)
        else:
            seen.append(region.code)
    if against:
        raise contradicted(against)
    return seen


async def earlier_logs(
    regions: Sequence[RegionSettings], seed: bytes, origin: str
) -> dict[str, Held]:
    """What regions have seen of other logs that the same key signed, the most of each, by origin.

    Several gateways with one key folder have such, too.
    """
    found: dict[str, Held] = {}
    for region, rows in zip(
        regions, await asyncio.gather(*map(_all_witnessed, regions)), strict=True
    ):
        for row in rows:
            if row.origin == origin:
                continue
            with suppress(Against, ValueError):  # by other keys, or none
                log = NoteSigner(row.origin, seed).verifier
                held = checked(row, log, regional_witness(seed, region.code))
                known = found.get(row.origin)
                if held is not None and (known is None or known.size < held.size):
                    found[row.origin] = held
    return found


async def settle_witness(
    log: LogFile, region: RegionSettings, seed: bytes, *, forget: bool
) -> list[Contradiction]:
    """Takes away what stands against a log by a region's witness, once it stands no more; the
    entry that says so comes with it. What stood.

    `forget` takes away what the region is said to have seen, too, where that is not signed: the
    entry keeps it, and the witness begins anew. What is signed and contradicts the log is never
    taken away. Raises InvalidInput, AccessLogContradicted, AccessLogError.
    """
    with closing(_opened(log.path)) as connection:
        stood = [one for one in contradictions_in(connection) if one.region == region.code]
    if not stood:
        raise InvalidInput(
            f"nothing stands against the log by the region {region.code}",
            hint="`epigate audit verify` names what does",
        )
    if region.path is not None and not region.path.exists():
        raise AccessLogError(f"the region {region.code} is away: there is no {region.path}")
    origin, forgotten = log.signer.verifier.name, None
    engine = make_engine(region, pool_size=1)
    try:
        async with asyncio.timeout(region.deadline), engine.connect() as connected:
            row = await connected.run_sync(lambda one: row_of(one, origin))
        try:
            signer = regional_witness(seed, region.code)
            held = checked(row, log.signer.verifier, signer)
            if held is not None:
                _check_seen(log.path, held, f"the region {region.code}")
            else:
                check_gone(log.path, signer.verifier.name)
        except Against as outcome:
            if outcome.held is not None:
                raise contradicted([marked(log.path, region.code, outcome)]) from None
            if not forget:
                raise AccessLogError(
                    f"the witness of the region {region.code} still cannot be read: {outcome.said}",
                    hint="mend the region's store; or add --forget: it then begins anew, and the "
                    "log keeps what it was said to have seen",
                ) from None
            forgotten = {"said": outcome.said}
            if row is not None:
                forgotten = {str(name): str(value) for name, value in row._mapping.items()}
        what: dict[str, Any] = {
            "by": operator(),
            "forgotten": forgotten,
            "region": region.code,
            "stood": [{"at": one.at, "proven": one.proven, "said": one.said} for one in stood],
        }
        forget_name = signer.verifier.name if forgotten is not None else ""
        log.settle(region.code, system_row("settle", **what), forget=forget_name)
        if forgotten is not None:
            async with asyncio.timeout(region.deadline), engine.begin() as connected:
                await connected.execute(delete(witness).where(witness.c.origin == origin))
            with closing(_opened(log.path)) as connection:  # a round may have been here meanwhile
                name = f"{UNREADABLE}:{region.code}"
                connection.execute("DELETE FROM facts WHERE name = ?", (name,))
    except _AWAY as error:
        name = type(error).__name__
        raise AccessLogError(f"the region {region.code} does not answer: {name}") from None
    finally:
        await engine.dispose()
    return stood


def check_gone(path: Path, witness: str) -> None:
    """Raises Against where a witness holds nothing of a log that has a cosignature of it: a row was
    removed. That proves nothing about the log.
    """
    with closing(_opened(path)) as connection:
        row = connection.execute(
            "SELECT max(size) FROM cosignatures WHERE witness = ?", (witness,)
        ).fetchone()
    if row[0] is not None:
        raise Against(f"it had witnessed {row[0]} entries, and holds nothing any more")


def _check_seen(path: Path, held: Held, name: str) -> None:
    with closing(_opened(path)) as connection:
        newest = checkpoint_in(connection)
        if newest is None or newest.size < held.size:
            size = newest.size if newest else 0
            raise Against(f"{name} has seen {held.size} entries, the log has {size}", held)
        tree = StoredTree(connection, newest.size)
        if Frontier.at(held.size, tree.hash_at).root() != held.root:
            said = f"its first {held.size} entries are not those that {name} has seen"
            raise Against(said, held)


async def _all_witnessed(region: RegionSettings) -> Sequence[Row[Any]]:
    if region.path is not None and not region.path.exists():
        return []
    engine = make_engine(region, pool_size=1)
    try:
        async with asyncio.timeout(region.deadline), engine.connect() as connection:
            return await connection.run_sync(lambda one: one.execute(select(witness)).all())
    except _AWAY:
        return []
    finally:
        await engine.dispose()


def row_of(connection: Connection, origin: str) -> Row[Any] | None:
    """What the connection's store is said to have seen of a log."""
    return connection.execute(select(witness).where(witness.c.origin == origin)).first()


def checked(row: Row[Any] | None, log: VerifierKey, signer: NoteSigner) -> Held | None:
    """What a region holds, as log and witness signed it; else it proves nothing.

    Raises Against: whoever may write the region's store may have put it there.
    """
    if row is None:
        return None
    try:
        root, at = bytes.fromhex(row.root), int(seconds_of(row.at))
        held = Held(row.origin, int(row.size), root, row.note, row.cosignature, at)
        holds(held, log, signer.verifier)
    except NoteInvalid as error:
        raise Against(f"what it witnessed does not hold: {error.message}") from None
    except (TypeError, ValueError, AttributeError):
        raise Against("what it witnessed is damaged") from None
    return held


def marked(path: Path, region: str, outcome: Against) -> Contradiction:
    """The mark left in a log's file by what stands against it. Raises sqlite3.Error."""
    held = outcome.held
    note = "" if held is None else held.note + held.cosignature
    return keep_contradiction(path, region, outcome.said, proven=held is not None, note=note)


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        isolation_level=None,
        timeout=_BUSY_SECONDS,
    )
