"""`POST /sign-in/step-up`: a session proves its second factor anew, where a fresh proof is needed.

Emergency access does (F11): a session that was left open, or whose token was found, takes none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection, select, update
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.sessions import Sessions
from gateway.sign_in._lockout import Lockout
from gateway.sign_in.admitting import Admitting
from gateway.sign_in.answers import (
    address_of,
    answering,
    assertion_in,
    code_in,
    header_of,
    json_answer,
    json_body,
)
from gateway.sign_in.entries import Entries
from gateway.sign_in.factors import Factors
from gateway.sign_in.passkeys import Passkeys
from regions.errors import EpigateError, InvalidInput, SecondFactorRequired, SignInFailed
from regions.instants import instant
from regions.users import sessions

__all__ = ["StepUp"]

_OPERATION = "stepUp"


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a request shows: a code, or a passkey's assertion."""

    code: str
    assertion: dict[str, object] | None


class StepUp:
    """The route. What is wrong counts as a failed sign-in of the account."""

    def __init__(
        self,
        engine: AsyncEngine,
        sessions: Sessions,
        entries: Entries,
        admitting: Admitting,
        factors: Factors,
        passkeys: Passkeys,
        lockout: Lockout,
    ) -> None:
        self._engine, self._sessions, self._entries = engine, sessions, entries
        self._admitting, self._factors, self._passkeys = admitting, factors, passkeys
        self._lockout = lockout

    @property
    def routes(self) -> list[Route]:
        """Its path."""
        return [Route("/sign-in/step-up", answering(self.prove), methods=["POST"])]

    async def prove(self, request: Request) -> Response:
        """Takes a code or an assertion; answers by which factor the session is proved, and when."""
        values = await json_body(request)
        shown = _Shown(code_in(values), assertion_in(values))
        viewer = await self._admitting.person(request, _OPERATION)
        token_hash = self._sessions.token_hash(header_of(request, b"authorization") or b"")
        try:
            if not shown.code and shown.assertion is None:
                raise InvalidInput("`code` of the second factor, or `assertion` of a passkey")
            await self._entries.check()
            async with self._engine.begin() as connection:
                factor, at = await connection.run_sync(
                    self._prove, viewer.account, token_hash, shown
                )
            if not factor:
                raise SignInFailed(
                    "the code is wrong, or was used", hint="each code is good once: take the next"
                )
        except EpigateError as error:
            await self._entries.record(_OPERATION, viewer, address_of(request), error.code)
            raise
        await self._entries.record(_OPERATION, viewer, address_of(request), "OK")
        return json_answer({"secondFactor": factor, "provedAt": at})

    def _prove(
        self, connection: Connection, account: str, token_hash: str, shown: _Shown
    ) -> tuple[str, str]:
        """What proved it, empty where nothing did, and when. Raises SecondFactorRequired."""
        self._lockout.refuse(connection, account)
        now = self._lockout.now()
        checked = self._factors.check(connection, account, shown.code, now)
        if not checked.enrolled:
            raise SecondFactorRequired(
                "the account has no second factor", hint="enrol one: POST /sign-in/totp"
            )
        if shown.assertion is not None:
            by = self._passkeys.use(connection, shown.assertion, now)
            checked = replace(checked, factor="PASSKEY" if by == account else "")
        right = bool(checked.factor)
        if right and checked.factor != "PASSKEY":
            right = self._factors.use(connection, account, checked, now)
        if not right:
            self._lockout.count(connection, account)
            return "", ""
        before = connection.scalar(
            select(sessions.c.second_factor).where(sessions.c.token_hash == token_hash)
        )
        connection.execute(
            update(sessions)
            .where(sessions.c.token_hash == token_hash)
            .values(second_factor=before or checked.factor, proved_at=instant(now))
        )
        return checked.factor, instant(now)
