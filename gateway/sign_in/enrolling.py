"""`/sign-in/totp` and `/sign-in/recovery-codes`: a session enrols the second factor of its account.

A session that may do nothing else can do this, so nobody is locked out. Any change ends the other
sessions of the account.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from sqlalchemy import Connection, update
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.sessions import Sessions
from gateway.sign_in.admitting import Admitting
from gateway.sign_in.answers import (
    address_of,
    answering,
    header_of,
    json_answer,
    json_body,
    text_of,
)
from gateway.sign_in.entries import Entries
from gateway.sign_in.factors import Factors
from gateway.sign_in.standing import Standing, require_proof, standing
from gateway.sign_in.totp import enrolment_uri, new_secret
from regions.errors import (
    AccessLogError,
    EpigateError,
    InvalidInput,
    NotFound,
)
from regions.instants import instant
from regions.users import sessions
from resolvers.sessions import revoke_sessions
from resolvers.users import Viewer

__all__ = ["Enrolling", "upgrade"]

_T = TypeVar("_T")
_CODE = 64


class Enrolling:
    """The routes by which an account gets and loses codes."""

    def __init__(
        self,
        engine: AsyncEngine,
        sessions: Sessions,
        entries: Entries,
        factors: Factors,
        admitting: Admitting,
        clock: Callable[[], float],
    ) -> None:
        self._engine, self._sessions, self._entries = engine, sessions, entries
        self._factors, self._admitting, self._clock = factors, admitting, clock

    @property
    def routes(self) -> list[Route]:
        """Their paths."""
        return [
            Route("/sign-in/totp", answering(self.totp), methods=["POST"]),
            Route("/sign-in/totp", answering(self.no_totp), methods=["DELETE"]),
            Route("/sign-in/recovery-codes", answering(self.codes), methods=["POST"]),
        ]

    async def totp(self, request: Request) -> Response:
        """Without `code` a new secret; with one of its codes it is put in force."""
        values = await json_body(request)
        if "code" in values:
            code = text_of(values, "code", _CODE)
            return json_answer(
                await self.changing(request, "totpConfirm", lambda c, s: self._confirm(c, s, code))
            )
        return json_answer(await self.changing(request, "totpBegin", self._begin))

    async def no_totp(self, request: Request) -> Response:
        """Takes TOTP out of force."""
        await self.changing(request, "totpRemove", self._remove)
        return Response(status_code=204)

    async def codes(self, request: Request) -> Response:
        """New recovery codes; those before are good no more."""
        await json_body(request)
        return json_answer(await self.changing(request, "recoveryCodes", self._renew))

    async def changing(
        self, request: Request, operation: str, work: Callable[[Connection, Standing], _T]
    ) -> _T:
        """What `work` returns, done in one transaction for a fresh session.

        It is not committed unless the entry that tells of it is durable.
        """
        viewer = await self.viewer_of(request, operation)
        await self._entries.check()  # else a change would be made that nobody can be told of
        token_hash = self._sessions.token_hash(header_of(request, b"authorization") or b"")

        def run(connection: Connection) -> _T:
            return work(connection, standing(connection, token_hash, self._clock()))

        address = address_of(request)
        try:
            async with self._engine.begin() as connection:
                found = await connection.run_sync(run)
                await self._entries.record(operation, viewer, address, "OK")
        except AccessLogError:
            raise
        except EpigateError as error:
            await self._entries.record(operation, viewer, address, error.code)
            raise
        return found

    async def logged(
        self, request: Request, operation: str, viewer: Viewer, work: Callable[[], Awaitable[_T]]
    ) -> _T:
        """What `work` returns, once the entry that says how it went is durable."""
        address = address_of(request)
        try:
            found = await work()
        except EpigateError as error:
            await self._entries.record(operation, viewer, address, error.code)
            raise
        await self._entries.record(operation, viewer, address, "OK")
        return found

    async def viewer_of(self, request: Request, operation: str) -> Viewer:
        """Who asks, having to enrol or not. Raises as `Admitting.person`."""
        return await self._admitting.person(request, operation, enrolling=True)

    def _begin(self, connection: Connection, session: Standing) -> dict[str, Any]:
        self._require(connection, session)
        secret = new_secret()
        self._factors.begin_totp(connection, session.account, secret, self._clock())
        return {"secret": secret, "uri": enrolment_uri(secret, session.account)}

    def _confirm(self, connection: Connection, session: Standing, code: str) -> dict[str, Any]:
        self._require(connection, session)
        now = self._clock()
        if not self._factors.confirm_totp(connection, session.account, code, now):
            raise InvalidInput(
                "this is no code of the secret just given",
                hint="begin with an empty object, then send the code the app shows now",
            )
        upgrade(connection, session, "TOTP", now)
        left = self._factors.codes_left(connection, session.account)
        codes = [] if left else self._factors.new_codes(connection, session.account, now)
        return {"recoveryCodes": codes}

    def _renew(self, connection: Connection, session: Standing) -> dict[str, Any]:
        self._require(connection, session)
        if not session.second_factor:
            raise InvalidInput(
                "recovery codes stand in for a second factor, and there is none",
                hint="enrol one first: POST /sign-in/totp",
            )
        codes = self._factors.new_codes(connection, session.account, self._clock())
        return {"recoveryCodes": codes}

    def _remove(self, connection: Connection, session: Standing) -> None:
        self._require(connection, session)
        if not self._factors.remove_totp(connection, session.account, self._clock()):
            raise NotFound("the account has no TOTP")
        revoke_sessions(connection, session.account, but=session.token_hash)

    def _require(self, connection: Connection, session: Standing) -> None:
        checked = self._factors.check(connection, session.account, "", self._clock())
        require_proof(session, enrolled=checked.enrolled)


def upgrade(connection: Connection, session: Standing, factor: str, now: float) -> None:
    """The session has proved a factor that is new: it may all now, the others are ended."""
    revoke_sessions(connection, session.account, but=session.token_hash)
    connection.execute(
        update(sessions)
        .where(sessions.c.token_hash == session.token_hash)
        .values(second_factor=session.second_factor or factor, proved_at=instant(now))
    )
