"""`POST /token`: a machine client's assertion for a token (RFC 6749, 4.4; RFC 7523).

The token is a session of the client's account, narrowed to one code and some actions. An assertion
is taken once, whatever worker it comes to. All is in the access log before the answer leaves.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs

from sqlalchemy import Connection, delete
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.accounts import Account, find_account
from gateway.clients import Client, find_client
from gateway.sessions import OpenSession, Scope, Sessions
from gateway.sign_in.answers import address_of, answering, header_of, json_answer, raw_body
from gateway.sign_in.assertions import (
    LEEWAY_SECONDS,
    Assertion,
    InvalidAssertion,
    claimed,
    verified,
)
from gateway.sign_in.entries import Entries
from gateway.strangers import Strangers
from regions.errors import EpigateError
from regions.instants import instant, seconds_of
from regions.sign_in import used_assertions
from resolvers.users import Role, prefix_of
from resolvers.users.accounts import is_usable

__all__ = ["TokenEndpoint"]

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_REGION = "region:"
_FIELDS = ("grant_type", "client_assertion_type", "client_assertion", "client_id", "scope")


class _Refused(Exception):
    """An error of RFC 6749, 5.2."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error, self.description, self.status = error, description, status


@dataclass(frozen=True, slots=True)
class _Granted:
    account: Account
    session: OpenSession
    scope: Scope


class TokenEndpoint:
    """The route. `urls` are what an assertion may name as its audience."""

    def __init__(
        self,
        engine: AsyncEngine,
        sessions: Sessions,
        entries: Entries,
        strangers: Strangers,
        *,
        url: str,
        token_seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._engine, self._sessions, self._entries = engine, sessions, entries
        self._strangers, self._clock, self._seconds = strangers, clock, token_seconds
        self._audiences = (url, f"{url}/token")

    @property
    def routes(self) -> list[Route]:
        """Its path."""
        return [Route("/token", answering(self.token), methods=["POST"])]

    async def token(self, request: Request) -> Response:
        """Answers with a token, or an error of RFC 6749."""
        address = address_of(request)
        self._strangers.admit(address)
        client = ""
        try:
            form = await _form(request)
            client = _claimed(form)
            granted = await self._granted(form, client, address)
        except _Refused as refused:
            who = await self._known(client)
            await self._entries.record("token", who, address, "REFUSED")
            answer = json_answer(
                {"error": refused.error, "error_description": refused.description}, refused.status
            )
            answer.headers["pragma"] = "no-cache"
            return answer
        try:
            await self._entries.record("token", granted.account, address, "OK")
        except EpigateError:
            await self._sessions.revoke(b"Bearer " + granted.session.token.encode())
            raise
        left = seconds_of(granted.session.expires_at) - self._clock()
        answer = json_answer(
            {
                "access_token": granted.session.token,
                "token_type": "Bearer",
                "expires_in": max(0, int(left)),
                "scope": " ".join([*granted.scope.actions, _REGION + granted.scope.code]),
            }
        )
        answer.headers["pragma"] = "no-cache"
        return answer

    async def _granted(self, form: dict[str, str], client: str, address: str) -> _Granted:
        async with self._engine.begin() as connection:
            known = await connection.run_sync(find_client, client)
        try:
            assertion = verified(
                form["client_assertion"],
                client,
                None if known is None or known.disabled else known.jwks,
                self._audiences,
                self._clock(),
            )
        except InvalidAssertion as error:
            raise _Refused("invalid_client", str(error), 401) from None
        async with self._engine.begin() as connection:
            return await connection.run_sync(
                self._open, assertion, known, form.get("scope", ""), address
            )

    def _open(
        self,
        connection: Connection,
        assertion: Assertion,
        known: Client | None,
        wanted: str,
        address: str,
    ) -> _Granted:
        client = find_client(connection, assertion.client)
        if client is None or client != known or client.disabled:
            raise _Refused("invalid_client", "the client was changed just now", 401)
        account = find_account(connection, client.account)
        if (
            account is None
            or account.role is not Role.REGIONAL_SYSTEM
            or not is_usable(connection, account.account)
        ):
            raise _Refused("invalid_client", "the client's account may not sign in", 401)
        scope = _scope(client, wanted)
        if not prefix_of(scope.code).startswith(prefix_of(account.code)):
            raise _Refused("invalid_scope", f"{scope.code} lies outside the account's jurisdiction")
        if not _use(connection, assertion, self._clock()):
            raise _Refused("invalid_client", "this assertion was used before: its `jti`", 401)
        session = self._sessions.insert(
            connection,
            account.account,
            second_factor="CLIENT",
            address=address,
            scope=scope,
            longest_seconds=self._seconds,
        )
        return _Granted(account, session, scope)

    async def _known(self, client: str) -> Account | None:
        async with self._engine.begin() as connection:
            found = await connection.run_sync(find_client, client)
            if found is None:
                return None
            return await connection.run_sync(find_account, client)


def _use(connection: Connection, assertion: Assertion, now: float) -> bool:
    """Notes an assertion's id; False where it was noted before. Forgets those that have expired."""
    connection.execute(delete(used_assertions).where(used_assertions.c.expires_at < instant(now)))
    named = f"{assertion.client}\n{assertion.id}".encode("utf-8", "surrogatepass")
    noted = connection.execute(
        insert(used_assertions)
        .values(
            hash=hashlib.sha256(named).hexdigest(),
            expires_at=instant(assertion.expires + LEEWAY_SECONDS + 1),
        )
        .on_conflict_do_nothing()
    )
    return noted.rowcount == 1


def _scope(client: Client, wanted: str) -> Scope:
    """What a token is good for: some of the client's actions, in one of its regions."""
    words = wanted.split()
    regions = [word.removeprefix(_REGION) for word in words if word.startswith(_REGION)]
    actions = [word.upper() for word in words if not word.startswith(_REGION)]
    unknown = [name for name in actions if name not in client.actions]
    if unknown:
        raise _Refused("invalid_scope", f"this client has no {unknown[0]}"[:200])
    if not regions and len(client.regions) == 1:
        regions = list(client.regions)
    if len(regions) != 1:
        some = ", ".join(_REGION + code for code in client.regions)
        raise _Refused("invalid_scope", f"a token is for one region: name one, of {some}")
    (code,) = regions
    within = len(code) == 6 and code.isascii() and code.isdigit()
    if not within or not any(prefix_of(code).startswith(prefix_of(own)) for own in client.regions):
        raise _Refused("invalid_scope", "the region lies outside those of this client")
    chosen = [name for name in client.actions if not actions or name in actions]
    return Scope(code, tuple(chosen))


def _claimed(form: dict[str, str]) -> str:
    if form.get("grant_type") != "client_credentials":
        raise _Refused("unsupported_grant_type", "grant_type must be client_credentials")
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        raise _Refused("invalid_client", f"client_assertion_type must be {ASSERTION_TYPE}", 401)
    try:
        client = claimed(form.get("client_assertion", ""))
    except InvalidAssertion as error:
        raise _Refused("invalid_client", str(error), 401) from None
    if form.get("client_id", client) != client:
        raise _Refused("invalid_client", "client_id is not the assertion's `sub`", 401)
    return client


async def _form(request: Request) -> dict[str, str]:
    kind = (header_of(request, b"content-type") or b"").partition(b";")[0].strip().lower()
    if kind != b"application/x-www-form-urlencoded":
        raise _Refused("invalid_request", "the body must be application/x-www-form-urlencoded")
    body = await raw_body(request)
    try:
        found = parse_qs(body.decode("ascii"), strict_parsing=True, max_num_fields=20)
    except ValueError:
        raise _Refused("invalid_request", "the body is no form") from None
    for name in _FIELDS:
        if len(found.get(name, ())) > 1:
            raise _Refused("invalid_request", f"{name} is given twice")
    return {name: found[name][0] for name in _FIELDS if name in found}
