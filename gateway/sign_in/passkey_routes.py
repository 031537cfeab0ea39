"""`/sign-in/passkeys`: registering, listing, removing passkeys, and a challenge to sign in by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.sign_in.answers import address_of, answering, json_answer, json_body
from gateway.sign_in.enrolling import Enrolling, upgrade
from gateway.sign_in.factors import Factors
from gateway.sign_in.passkeys import Passkeys
from gateway.sign_in.standing import Standing, require_proof
from gateway.strangers import Strangers
from regions.errors import InvalidInput, NotFound
from resolvers.sessions import revoke_sessions

__all__ = ["PasskeyRoutes"]


class PasskeyRoutes:
    """The routes of passkeys."""

    def __init__(
        self,
        engine: AsyncEngine,
        enrolling: Enrolling,
        passkeys: Passkeys,
        factors: Factors,
        strangers: Strangers,
        clock: Callable[[], float],
    ) -> None:
        self._engine, self._enrolling, self._clock = engine, enrolling, clock
        self._passkeys, self._factors, self._strangers = passkeys, factors, strangers

    @property
    def routes(self) -> list[Route]:
        """Their paths."""
        here = "/sign-in/passkeys"
        return [
            Route(f"{here}/challenge", answering(self.challenge), methods=["POST"]),
            Route(here, answering(self.register), methods=["POST"]),
            Route(here, answering(self.list_all), methods=["GET"]),
            Route(f"{here}/{{id}}", answering(self.remove), methods=["DELETE"]),
        ]

    async def challenge(self, request: Request) -> Response:
        """What a browser signs for `assertion` of `POST /sign-in`; it tells of no account."""
        self._strangers.admit(address_of(request))
        async with self._engine.begin() as connection:
            asked = await connection.run_sync(self._passkeys.challenge, self._clock())
        return json_answer(asked)

    async def register(self, request: Request) -> Response:
        """Without `credential` what the browser shall make; with it, it is kept."""
        values = await json_body(request)
        changing = self._enrolling.changing
        if "credential" not in values:
            holder = (await self._enrolling.viewer_of(request, "passkeyBegin")).name

            def begin(connection: Connection, session: Standing) -> dict[str, Any]:
                self._require(connection, session)
                return self._passkeys.begin(connection, session.account, holder, self._clock())

            return json_answer(await changing(request, "passkeyBegin", begin))
        name = values.get("name", "passkey")
        if not isinstance(name, str):
            raise InvalidInput("`name` must be a text")

        def add(connection: Connection, session: Standing) -> dict[str, Any]:
            self._require(connection, session)
            now, account = self._clock(), session.account
            self._passkeys.add(connection, account, values["credential"], name, now)
            upgrade(connection, session, "PASSKEY", now)
            left = self._factors.codes_left(connection, account)
            codes = [] if left else self._factors.new_codes(connection, account, now)
            return {"recoveryCodes": codes}

        return json_answer(await changing(request, "passkeyAdd", add))

    async def list_all(self, request: Request) -> Response:
        """The account's passkeys, the oldest first."""
        viewer = await self._enrolling.viewer_of(request, "passkeys")

        async def listed() -> list[dict[str, Any]]:
            async with self._engine.begin() as connection:
                return await connection.run_sync(self._passkeys.of, viewer.account)

        found = await self._enrolling.logged(request, "passkeys", viewer, listed)
        return json_answer({"passkeys": found})

    async def remove(self, request: Request) -> Response:
        """Takes a passkey off the record."""
        wanted = request.path_params["id"]

        def remove(connection: Connection, session: Standing) -> None:
            self._require(connection, session)
            if not self._passkeys.remove(connection, session.account, wanted):
                raise NotFound("you have no passkey of that id")
            revoke_sessions(connection, session.account, but=session.token_hash)

        await self._enrolling.changing(request, "passkeyRemove", remove)
        return Response(status_code=204)

    def _require(self, connection: Connection, session: Standing) -> None:
        checked = self._factors.check(connection, session.account, "", self._clock())
        require_proof(session, enrolled=checked.enrolled)
