"""Sessions: opaque tokens, of which only a hash is stored (A12).

`Sessions.viewer` is asked for every request and must cost microseconds, yet a session revoked by
any process has to be refused at the next request. So viewers are kept, and SQLite is asked each
time whether the store has changed at all (`PRAGMA data_version`, 2 µs). If so, a kept viewer is
read again before its next use: two look-ups by key, 20 µs.

A session's last use is kept in memory and written at most once a minute, many sessions to a
transaction, so that requests do not become writes.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sqlalchemy import Connection, bindparam, delete, insert, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway._viewers import Scope, SessionRow, make_viewer, read_session
from regions.errors import PasswordGiven, SecondFactorRequired, StoreError, Unauthenticated
from regions.instants import instant
from regions.users import sessions
from resolvers.privacy.supervising import UNREVIEWED, suspend_unreviewed
from resolvers.users import Viewer

__all__ = ["Kept", "OpenSession", "Scope", "Sessions"]

_TOKEN_BYTES = 32
_TOUCH_SECONDS = 60.0  # of a session, between two writes of its last use
_FLUSH_SECONDS = 5.0  # between two transactions that write them
_KEPT = 20_000  # viewers in memory
_FORGET_SECONDS = 86_400.0  # after its end a session's row is deleted
_BUSY_SECONDS = 0.5

_log = logging.getLogger(__name__)

_TOUCH = (
    update(sessions)
    .where(
        sessions.c.token_hash == bindparam("hash"),
        sessions.c.last_seen_at < bindparam("at"),
    )
    .values(last_seen_at=bindparam("at"))
)
_FORGET = delete(sessions).where(sessions.c.expires_at < bindparam("at"))


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session just opened. The token is told to the client and kept nowhere."""

    token: str
    expires_at: str


class Kept:
    """A viewer in memory, as of a version of the store, good `until` (seconds since 1970).

    It stays the same object as long as its account and grants do, so that plans made for it are
    found again.
    """

    __slots__ = ("hash", "row", "seen", "touched", "until", "version", "viewer")

    def __init__(self, token_hash: str, row: SessionRow, seen: float) -> None:
        self.hash, self.row = token_hash, row
        self.seen, self.touched = seen, row.seen
        self.version, self.until = -1, 0.0
        self.viewer = make_viewer(row, token_hash[:16])

    @property
    def must_change(self) -> bool:
        """Whether the account's password must be changed before anything else."""
        return self.row.must_change

    @property
    def must_enrol(self) -> bool:
        """Whether the session may do nothing but enrol a second factor."""
        return self.row.must_enrol


class Sessions:
    """The sessions of one gateway, as one worker process sees them.

    `engine` and `path` are of the same store, the gateway's own. A session ends `idle_seconds`
    after its last use (known to a minute where several workers serve it) or `longest_seconds` after
    it was opened. `clock` gives seconds since 1970.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        path: Path,
        *,
        idle_seconds: float,
        longest_seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._engine, self._path = engine, path
        self._idle, self._longest, self._clock = idle_seconds, longest_seconds, clock
        self._touch_after = min(_TOUCH_SECONDS, idle_seconds / 10)
        self._kept: dict[bytes, Kept] = {}
        self._touched: dict[str, str] = {}
        self._store: sqlite3.Connection | None = None
        self._cursor: sqlite3.Cursor | None = None
        self._file: tuple[int, int] | None = None

    def viewer(self, authorization: bytes | None, *, use: bool = True) -> Viewer | None:
        """Who asks, by the value of the `Authorization` header; None where there is none.

        `use=False` only looks: the session ends by its idle time all the same.

        Raises Unauthenticated where the token has no session, PasswordGiven and
        SecondFactorRequired where it may do nothing but change its password and enrol, StoreError
        where the store fails.
        """
        found = self.enrolling(authorization, use=use)
        if found is not None and found.must_change:
            raise PasswordGiven(
                "somebody else chose the password of this account: change it first",
                hint="POST /sign-in/password with `password` and `newPassword`: `epigate password`",
            )
        if found is not None and found.must_enrol:
            raise SecondFactorRequired(
                "the rights of this account need a second factor, and this session has none",
                hint="enrol one: POST /sign-in/totp; or sign in again with `code`",
            )
        return None if found is None else found.viewer

    def enrolling(self, authorization: bytes | None, *, use: bool = True) -> Kept | None:
        """As `viewer`, for one who may have to change a password or enrol a factor first."""
        if authorization is None:
            return None
        try:
            cursor = self._cursor or self._connect()
            version: int = cursor.execute("PRAGMA data_version").fetchone()[0]
            key = hashlib.sha256(authorization).digest()
            kept = self._kept.get(key)
            now = self._clock()
            if (
                kept is None
                or kept.version != version
                or now >= kept.until
                or now - kept.seen > self._idle
            ):
                kept = self._read(key, authorization, kept, version, now)
        except sqlite3.Error as error:
            self._disconnect()
            raise StoreError(f"the store of sessions does not answer: {error}") from None
        if not use:
            return kept
        kept.seen = now
        if now - kept.touched >= self._touch_after:
            kept.touched = now
            self._touched[kept.hash] = instant(now)
        return kept

    def insert(
        self,
        connection: Connection,
        account: str,
        *,
        second_factor: str = "",
        address: str = "",
        scope: Scope | None = None,
        longest_seconds: float | None = None,
    ) -> OpenSession:
        """Opens a session in the connection's transaction.

        `second_factor` says what proved the account beside the first (`TOTP`); empty: nothing did.
        `scope` narrows a machine client's.
        """
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        now = self._clock()
        expires_at = instant(now + min(self._longest, longest_seconds or self._longest))
        connection.execute(
            insert(sessions).values(
                token_hash=_token_hash(token.encode()),
                account=account,
                created_at=instant(now),
                expires_at=expires_at,
                last_seen_at=instant(now),
                second_factor=second_factor,
                proved_at=instant(now) if second_factor else None,
                address=address,
                scope=None if scope is None else scope.written(),
            )
        )
        return OpenSession(token, expires_at)

    @property
    def idle_seconds(self) -> float:
        """After its last use a session ends."""
        return self._idle

    @staticmethod
    def token_hash(authorization: bytes) -> str:
        """What is kept of the token in a header. Raises Unauthenticated."""
        return _token_hash(_token(authorization))

    async def revoke(
        self, authorization: bytes, owe: Callable[[Connection], None] | None = None
    ) -> None:
        """Ends the session of that header; every worker refuses it at its next request.

        `owe` is called in the same transaction, where the session had not ended before.
        """
        ended = (
            update(sessions)
            .where(
                sessions.c.token_hash == _token_hash(_token(authorization)),
                sessions.c.revoked_at.is_(None),
            )
            .values(revoked_at=instant(self._clock()))
        )
        async with self._engine.begin() as connection:
            done = await connection.execute(ended)
            if owe is not None and done.rowcount:
                await connection.run_sync(owe)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Writes last uses in the background meanwhile, and at the end."""
        task = asyncio.create_task(self._run())
        try:
            yield self
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await self._flush_quietly()
            self._disconnect()

    async def flush(self) -> None:
        """Writes the last uses now; deletes sessions that ended a day ago; suspends the accounts of
        emergencies that nobody reviewed, whose sessions are refused already.
        """
        touched, self._touched = self._touched, {}
        now = self._clock()
        # Who is suspended does not hang on anybody else's using the gateway.
        if not touched and not self._overdue(instant(now)):
            return
        async with self._engine.begin() as connection:
            await connection.run_sync(suspend_unreviewed, instant(now))
            if touched:
                seen = [{"hash": hash, "at": at} for hash, at in touched.items()]
                await connection.execute(_TOUCH, seen)
                await connection.execute(_FORGET, {"at": instant(now - _FORGET_SECONDS)})

    def _overdue(self, at: str) -> bool:
        """Whether an emergency should have been reviewed by now: a look, no transaction."""
        cursor = self._cursor or self._connect()
        return cursor.execute(UNREVIEWED, (at,)).fetchone() is not None

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            await self._flush_quietly()
            await self._notice_replacement()

    async def _flush_quietly(self) -> None:
        try:
            await self.flush()
        except (SQLAlchemyError, sqlite3.Error) as error:
            _log.warning("the last use of sessions could not be written: %s", error)

    def _read(
        self, key: bytes, authorization: bytes, kept: Kept | None, version: int, now: float
    ) -> Kept:
        """Reads a session with its account and grants. Raises Unauthenticated."""
        token_hash = kept.hash if kept else _token_hash(_token(authorization))
        assert self._cursor is not None
        row = read_session(self._cursor, token_hash, now)
        seen = max(row.seen, kept.seen if kept else 0.0) if row else 0.0
        if row is None or now >= row.expires or now - seen > self._idle:
            self._kept.pop(key, None)
            raise Unauthenticated(
                "there is no such session: it has ended, was revoked or never was",
                hint="sign in again: POST /sign-in",
            )
        if kept is None:
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            kept = self._kept[key] = Kept(token_hash, row, seen)
        elif (kept.row.account, kept.row.grants) != (row.account, row.grants):
            kept.viewer = make_viewer(row, token_hash[:16])
        kept.row, kept.seen, kept.touched = row, seen, max(kept.touched, row.seen)
        kept.until = min(row.expires, row.turns_at)
        kept.version = version
        return kept

    def _connect(self) -> sqlite3.Cursor:
        self._file = self._identity()
        self._store = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=rw",
            uri=True,
            isolation_level=None,
            timeout=_BUSY_SECONDS,
        )
        self._store.execute("PRAGMA query_only=ON")
        self._kept.clear()  # versions of one connection mean nothing to another
        self._cursor = self._store.cursor()
        return self._cursor

    def _disconnect(self) -> None:
        store, self._store, self._cursor = self._store, None, None
        if store is not None:
            store.close()

    async def _notice_replacement(self) -> None:
        """A store restored from a backup is another file under the same name."""
        if self._store is not None and self._identity() != self._file:
            self._disconnect()
            await self._engine.dispose()  # else sessions would be opened and ended in the old one

    def _identity(self) -> tuple[int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino


def _token(authorization: bytes) -> bytes:
    scheme, _, token = authorization.partition(b" ")
    if scheme.lower() != b"bearer" or not token:
        raise Unauthenticated("the Authorization header must be `Bearer <token>`")
    return token.strip()


def _token_hash(token: bytes) -> str:
    return hashlib.sha256(token).hexdigest()
