"""`GET /oidc/start` and `GET /oidc/callback`: signing in by another provider.

What belongs to an attempt (state, nonce, PKCE verifier) is kept here, bound to the browser by a
cookie, and good once. Whoever comes back opens the account that was put on record for them.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from collections.abc import Callable

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.accounts import Account, find_account
from gateway.identities import account_of
from gateway.sessions import Sessions
from gateway.sign_in.answers import address_of, answering, json_answer
from gateway.sign_in.challenges import Challenge, issue, take
from gateway.sign_in.entries import Entries
from gateway.sign_in.factors import Factors
from gateway.sign_in.needs import has_grants
from gateway.sign_in.opened import Opened, opened_answer
from gateway.sign_in.provider import Identity, NotAccepted, Provider
from gateway.strangers import Strangers
from regions.errors import EpigateError, SecondFactorRequired, SignInFailed
from regions.instants import instant
from resolvers.users import needs_second_factor
from resolvers.users.accounts import is_usable

__all__ = ["OidcRoutes"]

ATTEMPT_SECONDS = 600
COOKIE = "epigate-oidc"
_KIND = "oidc"

_log = logging.getLogger(__name__)


class _Refused(Exception):
    """Why nobody was let in, and whose account it would have been."""

    def __init__(self, error: EpigateError, account: Account | None) -> None:
        super().__init__(error.message)
        self.error, self.account = error, account


class OidcRoutes:
    """The two routes, where a provider is configured."""

    def __init__(
        self,
        engine: AsyncEngine,
        sessions: Sessions,
        entries: Entries,
        factors: Factors,
        strangers: Strangers,
        provider: Provider,
        clock: Callable[[], float],
    ) -> None:
        self._engine, self._sessions, self._entries = engine, sessions, entries
        self._factors, self._strangers, self._clock = factors, strangers, clock
        self._provider = provider
        self._secure = provider.settings.redirect_uri.startswith("https:")

    @property
    def routes(self) -> list[Route]:
        """Their paths."""
        return [
            Route("/oidc/start", answering(self.start), methods=["GET"]),
            Route("/oidc/callback", answering(self.callback), methods=["GET"]),
        ]

    async def start(self, request: Request) -> Response:
        """Sends the browser to the provider."""
        self._strangers.admit(address_of(request))
        nonce, verifier, binding = (secrets.token_urlsafe(32) for _ in range(3))
        kept = {"nonce": nonce, "verifier": verifier, "binding": _hash(binding)}

        def work(connection: Connection) -> bytes:
            now = self._clock()
            return issue(connection, _KIND, "", kept, now=now, seconds=ATTEMPT_SECONDS)

        async with self._engine.begin() as connection:
            state = (await connection.run_sync(work)).hex()
        url = await self._provider.authorization_url(state, nonce, verifier)
        answer = Response(status_code=302, headers={"location": url, "cache-control": "no-store"})
        self._set_cookie(answer, binding, ATTEMPT_SECONDS)
        return answer

    async def callback(self, request: Request) -> Response:
        """Answers with a token, as `POST /sign-in` does."""
        address = address_of(request)
        self._strangers.admit(address)
        try:
            opened = await self._opened(request, address)
        except _Refused as refused:
            await self._entries.record("oidcSignIn", refused.account, address, "REFUSED")
            raise refused.error from None
        try:
            result = "ENROL" if opened.must_enrol else "OK"
            await self._entries.record("oidcSignIn", opened.account, address, result)
        except EpigateError:
            await self._sessions.revoke(b"Bearer " + opened.session.token.encode())
            raise
        answer = json_answer(opened_answer(opened))
        self._set_cookie(answer, "", 0)
        return answer

    async def _opened(self, request: Request, address: str) -> Opened:
        given = request.query_params
        kept = await self._taken(given.get("state", ""), request.cookies.get(COOKIE, ""))
        try:
            if kept is None:
                raise NotAccepted("the state is none of ours, of another browser, or was used")
            if given.get("iss", self._provider.settings.issuer) != self._provider.settings.issuer:
                raise NotAccepted("another issuer came back (RFC 9207)")
            if "error" in given or not given.get("code"):
                raise NotAccepted("the provider let nobody in")
            identity = await self._provider.identity(
                given["code"], kept.payload["nonce"], kept.payload["verifier"]
            )
        except NotAccepted as error:
            _log.warning("a sign-in by %s failed: %s", self._provider.settings.issuer, error)
            raise _Refused(_failed(), None) from None
        async with self._engine.begin() as connection:
            return await connection.run_sync(self._open, identity, address)

    async def _taken(self, state: str, binding: str) -> Challenge | None:
        """What belongs to an attempt of this browser, once."""
        try:
            challenge = bytes.fromhex(state)
        except ValueError:
            return None

        def work(connection: Connection) -> Challenge | None:
            return take(connection, _KIND, challenge, self._clock())

        async with self._engine.begin() as connection:
            kept = await connection.run_sync(work)
        if kept is None or not hmac.compare_digest(kept.payload["binding"], _hash(binding)):
            return None
        return kept

    def _open(self, connection: Connection, identity: Identity, address: str) -> Opened:
        now = self._clock()
        name = account_of(connection, identity.issuer, identity.subject)
        account = None if name is None else find_account(connection, name)
        if account is None or not is_usable(connection, account.account, instant(now)):
            raise _Refused(_failed(), account)
        enrolled = self._factors.check(connection, account.account, "", now).enrolled
        if enrolled and not identity.strong:
            raise _Refused(
                SecondFactorRequired(
                    "the provider did not say that a second factor was used, and this account "
                    "has one",
                    hint="sign in with password and code: POST /sign-in",
                ),
                account,
            )
        factor = "OIDC" if identity.strong else ""
        session = self._sessions.insert(
            connection, account.account, second_factor=factor, address=address
        )
        granted = has_grants(connection, account.account, now)
        needs = needs_second_factor(account.role, granted=granted)
        return Opened(account, session, factor, needs and not factor, account.password_given)

    def _set_cookie(self, answer: Response, value: str, seconds: int) -> None:
        answer.set_cookie(
            COOKIE,
            value,
            max_age=seconds,
            path="/oidc",
            secure=self._secure,
            httponly=True,
            samesite="lax",
        )


def _failed() -> SignInFailed:
    return SignInFailed(
        "the provider's sign-in opens no account here",
        hint="begin anew: GET /oidc/start; an administrator puts on record who opens which account",
    )


def _hash(value: str) -> str:
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
