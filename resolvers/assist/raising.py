"""`assistRequestChanged`: letters as they change, from the events every store notes of them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, func, select

from regions.assist import assist_events, assist_requests
from regions.instants import instant, seconds_of
from resolvers.context import Context
from resolvers.federation import Federation
from resolvers.filters import code_prefix
from resolvers.privacy import scope
from resolvers.users import Viewer
from resolvers.writing.failures import WriteFailed
from resolvers.writing.stores import Stores
from schema.assist import AssistRequest

__all__ = ["LetterChange", "LetterChanges", "requests_changed"]

_C = assist_events.c
_MOST = 1_000
_LOOK_BACK = 5  # seconds: transactions that were begun earlier may be seen later


@dataclass(frozen=True, slots=True)
class LetterChange:
    """A copy of a letter that changed: its id, its county, the unit whose copy it is."""

    id: int
    code: str
    unit: str | None

    def concerns(self, viewer: Viewer) -> bool:
        """Whether the viewer may open it, by what decides that in its store, too."""
        where = scope(viewer)
        return self.code.startswith(where.prefix) and where.unit in (None, self.unit)


async def requests_changed(
    context: Context, codes: Sequence[str] | None
) -> AsyncGenerator[AssistRequest, None]:
    """The letters that change from now on, as the viewer may see them at that moment."""
    prefixes = [""] if codes is None else [code_prefix(code) for code in codes]
    async with context.feeds.letters.listen() as events:
        async for change in events:
            viewer = context.signed_in()
            if not change.concerns(viewer) or not change.code.startswith(tuple(prefixes)):
                continue
            # With the rights of this moment: what a question has read is read by its own.
            now = Context(context.answering, viewer)
            found = await now.records.of_ids("AssistRequest", [change.id], "assistRequestChanged")
            if change.id in found:
                yield found[change.id]


@dataclass(slots=True)
class LetterChanges:
    """Looks for events behind those it has seen, in each region's store."""

    stores: Stores
    federation: Federation
    _seen: dict[str, dict[int, str]] = field(default_factory=dict)
    _turn: int = 0

    def version(self) -> int:
        """A number that changes when a store does; always, where a store does not tell."""
        versions = self.federation.versions()
        if versions is None:
            self._turn += 1
            return self._turn
        return int.from_bytes(sha256(repr(versions).encode()).digest()[:8])

    async def poll(self, place: int | None) -> tuple[int, Sequence[LetterChange]]:
        """The copies of letters of which something was noted since the last look, each once; None
        for a place only looks. A region that does not answer is looked into when it is back.
        """
        if place is None:
            self._seen.clear()
        found: list[LetterChange] = []
        for store in self.stores.regions:
            code = store.settings.code
            known = self._seen.get(code)

            def look(
                connection: Connection, known: dict[int, str] | None = known
            ) -> tuple[dict[int, str], list[LetterChange]]:
                return _look(connection, known)

            try:
                self._seen[code], new = await store.read(look)
            except WriteFailed:
                continue
            found += new
        return 0, found


def _look(
    connection: Connection, known: dict[int, str] | None
) -> tuple[dict[int, str], list[LetterChange]]:
    """The latest events of a store, and the copies of those that are not known."""
    latest: str = connection.scalar(select(func.max(_C.created_at))) or ""
    border = _earlier(latest)
    since = border if known is None else min(known.values(), default="")
    rows: Sequence[Any] = connection.execute(
        select(_C.id, _C.created_at, _C.request_id)
        .where(_C.created_at >= since)
        .order_by(_C.created_at.desc(), _C.id.desc())
        .limit(_MOST)
    ).all()
    seen = {row.id: row.created_at for row in rows if row.created_at >= border}
    if known is None:
        return seen, []
    new = dict.fromkeys(row.request_id for row in reversed(rows) if row.id not in known)
    c = assist_requests.c
    letters = connection.execute(
        select(c.id, c.code, c.reporter_unit).where(c.id.in_(list(new)))
    ).all()
    by_id = {row.id: LetterChange(*row) for row in letters}
    return seen, [by_id[one] for one in new if one in by_id]


def _earlier(at: str) -> str:
    """Some seconds before an instant; of none, the beginning of time."""
    return instant(seconds_of(at) - _LOOK_BACK) if at else ""
