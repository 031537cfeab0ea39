"""`POST /sign-in` and `POST /sign-out`.

A wrong password and an account that does not exist get the same answer in the same time. Whatever
happens is in the access log before the answer leaves.
"""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import orjson
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from gateway import _lockout
from gateway._lockout import Subject
from gateway.access_log import AccessLog, canonical
from gateway.accounts import Account, find_account, password_hash, replace_hash
from gateway.passwords import Passwords, needs_rehash
from gateway.sessions import OpenSession, Sessions
from regions.errors import (
    EpigateError,
    InvalidInput,
    SignInFailed,
    StoreError,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
)
from regions.instants import instant
from resolvers.users import Viewer

__all__ = ["SignIn"]

BODY_MAX = 4_096  # bytes
ADDRESS_FACTOR = 10  # an address may be a whole office's: so many times the failures of an account

_CHINESE = {
    "ACCESS_LOG_FAILED": "访问日志无法写入，请求未执行。",
    "INVALID_INPUT": "请求格式不正确。",
    "SIGN_IN_FAILED": "账号或密码错误。",
    "STORE_FAILED": "账号库暂时无法访问。",
    "TOO_LARGE": "请求过大。",
    "TOO_MANY_REQUESTS": "尝试次数过多，请稍后再试。",
    "UNAUTHENTICATED": "没有有效会话，请重新登录。",
}
"""What each code says, for the officers who read it."""

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class _Attempt:
    account: str
    password: str
    address: str
    subjects: tuple[Subject, Subject]  # the account, the address


class SignIn:
    """The two routes, on the gateway's own store.

    `attempts` failures lock an account, ten times as many an address, for `lock_seconds`.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        sessions: Sessions,
        log: AccessLog,
        *,
        attempts: int,
        lock_seconds: float,
        clock: Callable[[], float] = time.time,
        passwords: Passwords | None = None,
    ) -> None:
        self._engine, self._sessions, self._log, self._clock = engine, sessions, log, clock
        self._attempts, self._lock_seconds = attempts, lock_seconds
        self._passwords = passwords or Passwords()

    @property
    def routes(self) -> list[Route]:
        """`/sign-in` and `/sign-out`."""
        return [
            Route("/sign-in", _answering(self.sign_in), methods=["POST"]),
            Route("/sign-out", _answering(self.sign_out), methods=["POST"]),
        ]

    def close(self) -> None:
        """Ends the threads that verify passwords."""
        self._passwords.close()

    async def sign_in(self, request: Request) -> Response:
        """Answers with a token, or raises one of the tree's errors."""
        attempt = await self._attempt(request)
        try:
            account, session = await self._verified(attempt)
        except (SignInFailed, TooManyRequests) as error:
            result = "REFUSED" if isinstance(error, SignInFailed) else "LOCKED"
            await self._record(await self._known(attempt.account), attempt.address, result)
            raise
        try:
            await self._record(account, attempt.address, "OK")
        except EpigateError:
            await self._sessions.revoke(b"Bearer " + session.token.encode())
            raise
        return _json(
            {
                "token": session.token,
                "expiresAt": session.expires_at,
                "account": account.account,
                "role": account.role.value,
                "unit": account.unit_id,
                "code": account.code,
            }
        )

    async def sign_out(self, request: Request) -> Response:
        """Ends the session whose token the request carries."""
        header = _header(request, b"authorization")
        viewer = self._sessions.viewer(header)
        if header is None or viewer is None:
            raise Unauthenticated("there is no token to sign out")
        await self._sessions.revoke(header)
        await self._record(viewer, _address(request), "OK", operation="signOut")
        return Response(status_code=204)

    async def _verified(self, attempt: _Attempt) -> tuple[Account, OpenSession]:
        """Raises SignInFailed or TooManyRequests."""
        async with self._engine.begin() as connection:
            stored = await connection.run_sync(self._stored_hash, attempt)
        right = await self._passwords.verify(stored, attempt.password)
        better = None
        if right and stored and needs_rehash(stored):
            better = await self._passwords.hash(attempt.password)
        async with self._engine.begin() as connection:
            opened = await connection.run_sync(self._finish, attempt, right, stored, better)
        if opened is None:
            raise SignInFailed("the account or the password is wrong")
        return opened

    def _stored_hash(self, connection: Connection, attempt: _Attempt) -> str | None:
        self._refuse_locked(connection, attempt)
        return password_hash(connection, attempt.account)

    def _finish(
        self,
        connection: Connection,
        attempt: _Attempt,
        right: bool,
        stored: str | None,
        better: str | None,
    ) -> tuple[Account, OpenSession] | None:
        # Once more: of a hundred guesses sent together, those after the lock must find it.
        self._refuse_locked(connection, attempt)
        if not right or stored is None or password_hash(connection, attempt.account) != stored:
            _lockout.count(connection, attempt.subjects, self._clock(), self._lock_seconds)
            return None
        _lockout.clear(connection, attempt.subjects[0])
        if better is not None:
            replace_hash(connection, attempt.account, stored, better)
        account = find_account(connection, attempt.account)
        assert account is not None
        return account, self._sessions.insert(connection, attempt.account)

    def _refuse_locked(self, connection: Connection, attempt: _Attempt) -> None:
        seconds = math.ceil(_lockout.locked_for(connection, attempt.subjects, self._clock()))
        if seconds > 0:
            raise TooManyRequests(
                f"too many failed sign-ins: try again in {seconds} s", retryAfter=seconds
            )

    async def _known(self, account: str) -> Account | None:
        async with self._engine.begin() as connection:
            return await connection.run_sync(find_account, account)

    async def _record(
        self,
        who: Account | Viewer | None,
        address: str,
        result: str,
        *,
        operation: str = "signIn",
    ) -> None:
        at = instant(self._clock())
        # A name that is no account is not kept: it may be a password typed into the wrong field.
        account = "" if who is None else who.account
        entry = {
            "at": at,
            "account": account,
            "address": address,
            "module": "sign-in",
            "operation": operation,
            "records": 0,
            "result": result,
            "role": "" if who is None else who.role.name,
            "unit": "" if who is None else who.unit_id,
            "code": "" if who is None else who.code,
        }
        await self._log.append(at, account, operation, result, canonical(entry))

    async def _attempt(self, request: Request) -> _Attempt:
        """What the body asks for. Raises InvalidInput and TooLarge."""
        values = await _body(request)
        if not isinstance(values, dict):
            raise InvalidInput('the body must be {"account": "…", "password": "…"}')
        texts = []
        for name, longest in (("account", 128), ("password", 256)):
            value = values.get(name)
            if not isinstance(value, str) or not 0 < len(value) <= longest:
                raise InvalidInput(f"`{name}` must be a text of 1 to {longest} characters")
            texts.append(value)
        account, password = texts
        address = _address(request)
        return _Attempt(
            account,
            password,
            address,
            (
                _lockout.account_subject(account, self._attempts),
                _lockout.address_subject(address, self._attempts * ADDRESS_FACTOR),
            ),
        )


def _answering(handler: Handler) -> Handler:
    """Failures with a name become answers."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except EpigateError as error:
            return _failure(error)
        except SQLAlchemyError:
            return _failure(StoreError("the store of accounts does not answer"))
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it

    return answer


def _failure(error: EpigateError) -> Response:
    said = {
        "code": error.code,
        # Of our own failures not the reason, which names files.
        "message": error.message if error.status < 500 else error.message.partition(":")[0],
        "messageZh": _CHINESE.get(error.code, "请求未能执行。"),
    }
    if error.hint:
        said["hint"] = error.hint
    answer = _json({"error": said}, error.status)
    if "retryAfter" in error.details:
        answer.headers["retry-after"] = str(error.details["retryAfter"])
    if error.status == 401:
        answer.headers["www-authenticate"] = "Bearer"
    return answer


def _json(content: object, status: int = 200) -> Response:
    return Response(
        orjson.dumps(content),
        status,
        {"cache-control": "no-store"},
        "application/json; charset=utf-8",
    )


async def _body(request: Request) -> object:
    kind = (_header(request, b"content-type") or b"").partition(b";")[0].strip().lower()
    if kind != b"application/json":
        raise InvalidInput("the body must be JSON, with `content-type: application/json`")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_MAX:
            raise TooLarge(f"the body is over {BODY_MAX:,} bytes")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"the body is not JSON: {error}") from None


def _header(request: Request, name: bytes) -> bytes | None:
    found: list[tuple[bytes, bytes]] = request.scope["headers"]
    return next((value for key, value in found if key == name), None)


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
