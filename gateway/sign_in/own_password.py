"""`POST /sign-in/password`: whoever is signed in changes the account's password (A12).

A session that may do nothing else can do this: a password that somebody else chose (whoever filed
an administrator, an operator) is changed before anything is done with it.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial

from sqlalchemy import Connection, update
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.accounts import password_hash
from gateway.passwords import LOOKS, Passwords
from gateway.sign_in._lockout import Lockout
from gateway.sign_in.answers import address_of, answering, json_body, text_of
from gateway.sign_in.enrolling import Enrolling
from gateway.sign_in.entries import Entries
from gateway.sign_in.factors import Factors
from gateway.sign_in.standing import Standing, require_proof
from regions.errors import EpigateError, InvalidInput, SignInFailed
from regions.users import accounts
from resolvers.sessions import revoke_sessions
from resolvers.users.accounts import note_event

__all__ = ["OwnPassword"]

_OPERATION = "passwordChange"
_LONGEST = 256


class _Replaced(Exception):
    """The account has another hash than the one its password was found to be of: it is another
    password now, or a sign-in has hashed the same one anew.
    """


class OwnPassword:
    """The route. A wrong old password counts as a failed sign-in of the account."""

    def __init__(
        self,
        engine: AsyncEngine,
        enrolling: Enrolling,
        entries: Entries,
        factors: Factors,
        passwords: Passwords,
        lockout: Lockout,
    ) -> None:
        self._engine, self._enrolling, self._entries = engine, enrolling, entries
        self._factors, self._passwords, self._lockout = factors, passwords, lockout

    @property
    def routes(self) -> list[Route]:
        """Its path."""
        return [Route("/sign-in/password", answering(self.change), methods=["POST"])]

    async def change(self, request: Request) -> Response:
        """Takes the password there is and another one; ends the account's other sessions."""
        values = await json_body(request)
        old = text_of(values, "password", _LONGEST)
        new = text_of(values, "newPassword", _LONGEST)
        viewer = await self._enrolling.viewer_of(request, _OPERATION)
        for _ in range(LOOKS):
            try:
                stored, made = await self._prepared(viewer.account, old, new)
            except EpigateError as error:
                await self._entries.record(_OPERATION, viewer, address_of(request), error.code)
                raise
            with suppress(_Replaced):
                put = partial(self._put, stored, made)
                await self._enrolling.changing(request, _OPERATION, put)
                return Response(status_code=204)
        refused = _wrong()
        await self._entries.record(_OPERATION, viewer, address_of(request), refused.code)
        raise refused

    def _put(self, stored: str, made: str, connection: Connection, session: Standing) -> None:
        """Puts a hash in the place of the stored one. Raises _Replaced."""
        checked = self._factors.check(connection, session.account, "", self._lockout.now())
        require_proof(session, enrolled=checked.enrolled)
        changed = connection.execute(
            update(accounts)
            .where(accounts.c.account == session.account, accounts.c.password_hash == stored)
            .values(password_hash=made, password_given=0)
        )
        if not changed.rowcount:
            raise _Replaced
        revoke_sessions(connection, session.account, but=session.token_hash)
        note_event(connection, session.account, "CHANGE_PASSWORD", "", session.account)

    async def _prepared(self, account: str, old: str, new: str) -> tuple[str, str]:
        """The hash there is, found to be of `old`, and that of `new`.

        Raises InvalidInput, SignInFailed, TooManyRequests.
        """
        self._passwords.check(account, new)
        if old == new:
            raise InvalidInput("the new password is the old one", hint="choose another one")

        def stored_hash(connection: Connection) -> str | None:
            self._lockout.refuse(connection, account)
            return password_hash(connection, account)

        async with self._engine.begin() as connection:
            stored = await connection.run_sync(stored_hash)
        right = await self._passwords.verify(stored, old)
        if stored is None or not right:
            async with self._engine.begin() as connection:
                await connection.run_sync(self._lockout.count, account)
            raise _wrong()
        return stored, await self._passwords.hash(new)


def _wrong() -> SignInFailed:
    return SignInFailed("the password is wrong", hint="`password` is the one there is")
