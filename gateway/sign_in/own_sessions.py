"""`GET /sessions` and `DELETE /sessions/{id}`: one's own open sessions, and ending one of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.sessions import Sessions
from gateway.sign_in.admitting import Admitting
from gateway.sign_in.answers import address_of, answering, json_answer
from gateway.sign_in.entries import Entries
from regions.errors import NotFound
from regions.instants import instant
from regions.users import sessions

__all__ = ["OwnSessions"]

_ID = 16  # digits of the hash of the token: the access log names sessions so, too


class OwnSessions:
    """The routes of one's own sessions. One ends `idle_seconds` after its last use."""

    def __init__(
        self,
        engine: AsyncEngine,
        sessions: Sessions,
        entries: Entries,
        admitting: Admitting,
        clock: Callable[[], float],
    ) -> None:
        self._engine, self._sessions = engine, sessions
        self._entries, self._admitting, self._clock = entries, admitting, clock

    @property
    def routes(self) -> list[Route]:
        """Their paths."""
        return [
            Route("/sessions", answering(self.list_all), methods=["GET"]),
            Route("/sessions/{id}", answering(self.end), methods=["DELETE"]),
        ]

    async def list_all(self, request: Request) -> Response:
        """Every open session of the account, the newest first."""
        viewer = await self._admitting.person(request, "sessions")
        idle_since = instant(self._clock() - self._sessions.idle_seconds)
        now = instant(self._clock())

        def work(connection: Connection) -> list[dict[str, Any]]:
            rows = connection.execute(
                select(sessions)
                .where(
                    sessions.c.account == viewer.account,
                    sessions.c.revoked_at.is_(None),
                    sessions.c.expires_at > now,
                    sessions.c.last_seen_at > idle_since,
                )
                .order_by(sessions.c.created_at.desc(), sessions.c.token_hash)
            )
            return [
                {
                    "id": row.token_hash[:_ID],
                    "createdAt": row.created_at,
                    "lastSeenAt": row.last_seen_at,
                    "expiresAt": row.expires_at,
                    "address": row.address,
                    "secondFactor": row.second_factor or None,
                    "current": row.token_hash[:_ID] == viewer.session,
                }
                for row in rows
            ]

        async with self._engine.begin() as connection:
            found = await connection.run_sync(work)
        await self._entries.record("sessions", viewer, address_of(request), "OK")
        return json_answer({"sessions": found})

    async def end(self, request: Request) -> Response:
        """Ends one of them, in every worker at its next request."""
        viewer = await self._admitting.person(request, "sessionEnd")
        wanted = request.path_params["id"]

        def work(connection: Connection) -> int:
            if len(wanted) != _ID or not wanted.isalnum():
                return 0
            ended = connection.execute(
                update(sessions)
                .where(
                    sessions.c.account == viewer.account,
                    sessions.c.revoked_at.is_(None),
                    sessions.c.token_hash.startswith(wanted, autoescape=True),
                )
                .values(revoked_at=instant(self._clock()))
            )
            return ended.rowcount

        await self._entries.check()
        async with self._engine.begin() as connection:
            ended = await connection.run_sync(work)
            result = "OK" if ended else NotFound.code
            await self._entries.record("sessionEnd", viewer, address_of(request), result)
        if not ended:
            raise NotFound("you have no open session of that id", hint="GET /sessions lists them")
        return Response(status_code=204)
