"""Who may use the routes of one's own account; whoever is refused has an entry in the log (G1)."""

from __future__ import annotations

from starlette.requests import Request

from gateway.sessions import Kept, Sessions
from gateway.sign_in.answers import address_of, header_of
from gateway.sign_in.entries import Entries
from gateway.sign_in.standing import require_person
from gateway.strangers import Strangers
from regions.errors import EpigateError, Unauthenticated
from resolvers.users import Viewer

__all__ = ["Admitting"]


class Admitting:
    """Lets persons in by their sessions. Machine clients and strangers are refused."""

    def __init__(self, sessions: Sessions, entries: Entries, strangers: Strangers) -> None:
        self._sessions, self._entries, self._strangers = sessions, entries, strangers

    async def person(self, request: Request, operation: str, *, enrolling: bool = False) -> Viewer:
        """Who asks, once the entry is durable that tells of a refusal.

        `enrolling` lets in whose session may do nothing but enrol a second factor, too. Raises
        Unauthenticated, Forbidden, SecondFactorRequired, TooManyRequests, AccessLogError.
        """
        header, found = header_of(request, b"authorization"), None
        try:
            found = self._sessions.enrolling(header)
            if found is None:
                raise _without()
            require_person(found.viewer)
            if enrolling:
                return found.viewer
            viewer = self._sessions.viewer(header)
            assert viewer is not None
            return viewer
        except EpigateError as error:
            await self._refused(request, operation, error, found)
            raise

    async def anybody(self, request: Request, operation: str) -> Viewer:
        """The same for every session there is, a machine client's too."""
        try:
            found = self._sessions.enrolling(header_of(request, b"authorization"))
            if found is None:
                raise _without()
            return found.viewer
        except EpigateError as error:
            await self._refused(request, operation, error, None)
            raise

    async def _refused(
        self, request: Request, operation: str, error: EpigateError, who: Kept | None
    ) -> None:
        address = address_of(request)
        if who is None:
            self._strangers.admit(address)  # each writes an entry
        viewer = None if who is None else who.viewer
        await self._entries.record(operation, viewer, address, error.code)


def _without() -> Unauthenticated:
    return Unauthenticated(
        "this needs a session", hint="POST /sign-in, then authorization: Bearer <token>"
    )
