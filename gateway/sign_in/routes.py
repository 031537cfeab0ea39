"""`POST /sign-in` and `POST /sign-out`.

A wrong password, a wrong, missing or used code, an account that does not exist and one that may not
sign in get the same answer after the same work. Whatever happens is in the access log before the
answer leaves.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.access_log import AccessLog
from gateway.accounts import (
    Account,
    find_account,
    may_sign_in,
    password_hash,
    replace_hash,
)
from gateway.passwords import LOOKS, Passwords, needs_rehash
from gateway.sessions import Sessions
from gateway.sign_in import _lockout
from gateway.sign_in._lockout import Subject
from gateway.sign_in.admitting import Admitting
from gateway.sign_in.answers import (
    address_of,
    answering,
    assertion_in,
    code_in,
    header_of,
    json_answer,
    json_body,
    text_of,
)
from gateway.sign_in.enrolling import Enrolling
from gateway.sign_in.entries import Entries
from gateway.sign_in.factors import Factors
from gateway.sign_in.needs import has_grants
from gateway.sign_in.oidc import OidcRoutes
from gateway.sign_in.opened import Opened, opened_answer
from gateway.sign_in.own_password import OwnPassword
from gateway.sign_in.own_sessions import OwnSessions
from gateway.sign_in.passkey_routes import PasskeyRoutes
from gateway.sign_in.passkeys import Passkeys, RelyingParty
from gateway.sign_in.provider import Provider
from gateway.sign_in.step_up import StepUp
from gateway.sign_in.token import TokenEndpoint
from gateway.strangers import Strangers
from regions.errors import (
    EpigateError,
    SignInFailed,
    TooManyRequests,
)
from regions.instants import instant
from regions.sealing import Sealer
from resolvers.users import needs_second_factor

__all__ = ["SignIn"]

ADDRESS_FACTOR = 10  # an address may be a whole office's: so many times the failures of an account


@dataclass(frozen=True, slots=True)
class _Attempt:
    account: str
    password: str
    code: str  # of the second factor; "" for none
    assertion: dict[str, Any] | None  # of a passkey
    address: str
    subjects: tuple[Subject, ...]  # the account, where one is named, and the address


@dataclass(frozen=True, slots=True)
class _Replaced:
    """The account has another hash than the one its password was found to be of.

    Either the password is another one now, or another sign-in has hashed the same one anew.
    """

    by: str


class SignIn:
    """Signing in and out on the gateway's own store, and what belongs to it.

    `attempts` failures lock an account, ten times as many an address, for `lock_seconds`. `sealer`
    is that of the gateway's own store. `url` is the gateway's own, as clients write it;
    `provider` is another that may say who somebody is.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        sessions: Sessions,
        log: AccessLog,
        sealer: Sealer,
        *,
        attempts: int,
        lock_seconds: float,
        clock: Callable[[], float] = time.time,
        passwords: Passwords | None = None,
        strangers: Strangers,
        url: str,
        token_seconds: float,
        provider: Provider | None = None,
    ) -> None:
        self._engine, self._sessions, self._clock = engine, sessions, clock
        self._attempts, self._lock_seconds = attempts, lock_seconds
        self._entries = Entries(log, clock)
        self._factors = Factors(sealer)
        self._passwords = passwords or Passwords()
        self._strangers = strangers
        self._admitting = Admitting(sessions, self._entries, strangers)
        self._enrolling = Enrolling(
            engine, sessions, self._entries, self._factors, self._admitting, clock
        )
        self._passkeys = Passkeys(RelyingParty.of(url))
        self._passkey_routes = PasskeyRoutes(
            engine, self._enrolling, self._passkeys, self._factors, strangers, clock
        )
        self._token = TokenEndpoint(
            engine,
            sessions,
            self._entries,
            strangers,
            url=url,
            token_seconds=token_seconds,
            clock=clock,
        )
        self._provider = provider
        self._oidc = (
            None
            if provider is None
            else OidcRoutes(
                engine, sessions, self._entries, self._factors, strangers, provider, clock
            )
        )
        self._own = OwnSessions(engine, sessions, self._entries, self._admitting, clock)
        lockout = _lockout.Lockout(attempts, lock_seconds, clock)
        self._own_password = OwnPassword(
            engine, self._enrolling, self._entries, self._factors, self._passwords, lockout
        )
        self._step_up = StepUp(
            engine,
            sessions,
            self._entries,
            self._admitting,
            self._factors,
            self._passkeys,
            lockout,
        )

    @property
    def routes(self) -> list[Route]:
        """`/sign-in`, `/sign-out` and those of second factors."""
        return [
            Route("/sign-in", answering(self.sign_in), methods=["POST"]),
            Route("/sign-out", answering(self.sign_out), methods=["POST"]),
            *self._enrolling.routes,
            *self._passkey_routes.routes,
            *self._own.routes,
            *self._own_password.routes,
            *self._step_up.routes,
            *self._token.routes,
            *(self._oidc.routes if self._oidc is not None else []),
        ]

    def close(self) -> None:
        """Ends the threads that verify passwords."""
        self._passwords.close()

    async def sign_in(self, request: Request) -> Response:
        """Answers with a token, or raises one of the tree's errors."""
        self._strangers.admit(address_of(request))
        attempt = await self._attempt(request)
        try:
            opened = await self._proved(attempt)
        except (SignInFailed, TooManyRequests) as error:
            result = "REFUSED" if isinstance(error, SignInFailed) else "LOCKED"
            who = await self._known(attempt.account)
            await self._entries.record("signIn", who, attempt.address, result)
            raise
        result = "ENROL" if opened.must_enrol else "OK"
        try:
            await self._entries.record("signIn", opened.account, attempt.address, result)
        except EpigateError:
            await self._sessions.revoke(b"Bearer " + opened.session.token.encode())
            raise
        return json_answer(opened_answer(opened))

    async def sign_out(self, request: Request) -> Response:
        """Ends the session whose token the request carries, whether the log can be written or not.

        The entry is owed by a row of the outbox in the same transaction: where it cannot be written
        now, the answer is the log's failure, the session has ended, and it is told later.
        """
        viewer = await self._admitting.anybody(request, "signOut")
        address, number = address_of(request), self._entries.new_request()
        header = header_of(request, b"authorization") or b""

        def owe(connection: Connection) -> None:
            self._entries.owe(connection, "signOut", viewer, number)

        await self._sessions.revoke(header, owe)
        await self._entries.record("signOut", viewer, address, "OK", request=number)
        return Response(status_code=204)

    async def _proved(self, attempt: _Attempt) -> Opened:
        if attempt.assertion is not None and not attempt.password:
            return await self._by_passkey(attempt)
        return await self._verified(attempt)

    async def _verified(self, attempt: _Attempt) -> Opened:
        """Raises SignInFailed or TooManyRequests."""
        async with self._engine.begin() as connection:
            stored = await connection.run_sync(self._stored_hash, attempt)
        for _ in range(LOOKS):
            right = await self._passwords.verify(stored, attempt.password)
            proved = stored if right else None
            async with self._engine.begin() as connection:
                opened = await connection.run_sync(self._finish, attempt, proved)
            if not isinstance(opened, _Replaced):
                break
            stored = opened.by
        if not isinstance(opened, Opened):
            raise SignInFailed(
                "the account, the password or the code is wrong",
                hint="an account with a second factor sends its `code`, each code once",
            )
        if proved is not None and needs_rehash(proved):
            better = await self._passwords.hash(attempt.password)
            async with self._engine.begin() as connection:
                await connection.run_sync(replace_hash, attempt.account, proved, better)
        return opened

    def _stored_hash(self, connection: Connection, attempt: _Attempt) -> str | None:
        self._refuse_locked(connection, attempt)
        return password_hash(connection, attempt.account)

    def _finish(
        self, connection: Connection, attempt: _Attempt, proved: str | None
    ) -> Opened | _Replaced | None:
        """`proved` is the hash that the password was found to be of; None where it was of none."""
        # Once more: of a hundred guesses sent together, those after the lock must find it.
        self._refuse_locked(connection, attempt)
        now = self._clock()
        stands = password_hash(connection, attempt.account)
        if proved is not None and stands is not None and stands != proved:
            return _Replaced(stands)  # before a code or a challenge is used up
        # All of it is done whatever fails: neither time nor statements tell what did.
        checked = self._factors.check(connection, attempt.account, attempt.code, now)
        if attempt.assertion is not None:
            shown_by = self._passkeys.use(connection, attempt.assertion, now)
            factor = "PASSKEY" if shown_by == attempt.account else ""
            checked = replace(checked, factor=factor)
        right = proved is not None and stands is not None
        if right and checked.factor and checked.factor != "PASSKEY":
            right = self._factors.use(connection, attempt.account, checked, now)
        elif checked.enrolled and not checked.factor:
            right = False
        if not right:
            _lockout.count(connection, attempt.subjects, now, self._lock_seconds)
            return None
        return self._open(connection, attempt.account, checked.factor, attempt)

    def _open(self, connection: Connection, name: str, factor: str, attempt: _Attempt) -> Opened:
        subject = _lockout.account_subject(name, self._attempts)
        _lockout.clear(connection, subject)
        account = find_account(connection, name)
        assert account is not None
        session = self._sessions.insert(
            connection, name, second_factor=factor, address=attempt.address
        )
        granted = has_grants(connection, name, self._clock())
        needs = needs_second_factor(account.role, granted=granted)
        return Opened(account, session, factor, needs and not factor, account.password_given)

    async def _by_passkey(self, attempt: _Attempt) -> Opened:
        """Who signs in by a passkey alone. Raises SignInFailed or TooManyRequests."""

        def work(connection: Connection) -> Opened | None:
            self._refuse_locked(connection, attempt)
            now = self._clock()
            name = self._passkeys.use(connection, attempt.assertion, now)
            subjects = attempt.subjects  # the address
            if name is not None:
                subjects = (*subjects, _lockout.account_subject(name, self._attempts))
            self._refuse_locked(connection, replace(attempt, subjects=subjects))
            if name is None or not may_sign_in(connection, name, instant(now)):
                _lockout.count(connection, subjects, now, self._lock_seconds)
                return None
            return self._open(connection, name, "PASSKEY", attempt)

        async with self._engine.begin() as connection:
            opened = await connection.run_sync(work)
        if opened is None:
            raise SignInFailed("the passkey is none of ours, or its challenge was used")
        return opened

    def _refuse_locked(self, connection: Connection, attempt: _Attempt) -> None:
        _lockout.refuse_locked(connection, attempt.subjects, self._clock(), self._lock_seconds)

    async def _known(self, account: str) -> Account | None:
        async with self._engine.begin() as connection:
            return await connection.run_sync(find_account, account)

    async def _attempt(self, request: Request) -> _Attempt:
        """What the body asks for. Raises InvalidInput and TooLarge."""
        values = await json_body(request)
        assertion, code = assertion_in(values), code_in(values)
        if assertion is not None and not {"account", "password"} & values.keys():
            account = password = ""
        else:
            account, password = text_of(values, "account", 128), text_of(values, "password", 256)
        address = address_of(request)
        return _Attempt(
            account,
            password,
            code,
            assertion,
            address,
            (
                *([_lockout.account_subject(account, self._attempts)] if account else []),
                _lockout.address_subject(address, self._attempts * ADDRESS_FACTOR),
            ),
        )
