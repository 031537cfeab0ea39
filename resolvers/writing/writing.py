"""One mutation on its way: who writes and when, its key, its transaction, what is told of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import strawberry
from sqlalchemy import Connection, Table

from regions.access_log import log_outbox
from regions.errors import Forbidden, PersonErased, StoreRestored
from regions.ids import region_of
from resolvers.context import Context, context_of
from resolvers.filters import plain
from resolvers.privacy import require_records
from resolvers.rights import is_open, require
from resolvers.users import Role
from resolvers.writing.failures import WriteFailed
from resolvers.writing.idempotency import check_key, claim, settle
from resolvers.writing.looking import Indexes, Links, Seen, Sought, look
from resolvers.writing.outbox import put_in_outbox, row_of
from resolvers.writing.refusing import (
    ERASED_PERSON,
    Refusal,
    conflict,
    forbidden,
    lost,
    not_found,
    restored,
    unavailable,
)
from resolvers.writing.several import Mutation, Several
from resolvers.writing.stores import Store
from resolvers.writing.values import Moment

__all__ = ["Work", "Writing", "Wrote", "answered"]

Given = TypeVar("Given")

_MOST_HOPS = 16  # from region to region, where a record was handed on and on

Wrote = dict[str, list[Any]]
"""Ids of what was written, by kind: for the access log."""

Work = Callable[[Connection, int, Wrote], dict[str, Any]]
"""Writes, from the first of the ids taken for it; returns what is kept with the key."""


async def answered(
    info: strawberry.Info, work: Callable[[Context, Given, str], Awaitable[Any]], given: Given
) -> Any:
    """The result of a mutation: its payload, or the problem it was refused with."""
    context = context_of(info)
    viewer = context.viewer if is_open(info.field_name) else context.signed_in()
    context.touched = True
    context.forget()
    try:
        try:
            if viewer is not None:
                require(viewer, info.field_name)
        except Forbidden as error:
            raise forbidden(f"{error.message}: {error.hint}", "您的角色无权执行此操作") from None
        return await work(context, given, str(info.path.key))
    except Refusal as refusal:
        context.trail.problems.append(refusal.problem.code)
        return refusal.problem


class Writing:
    """A mutation of one viewer. Raises Refusal where the role does not write, or the key is none.

    `given` is the input; `path` names the field in the response, for errors of reading back.
    `unopened` is of whoever may write so without opening any record.
    """

    def __init__(
        self,
        context: Context,
        operation: str,
        given: Any,
        path: str,
        *,
        unopened: frozenset[Role] = frozenset(),
    ) -> None:
        self.context, self._path = context, path
        self.viewer = context.signed_in()
        self.question = context.question
        self.stores = context.stores
        self.moment = Moment.this()
        try:
            if self.viewer.role not in unopened:
                require_records(self.viewer)
        except Forbidden as error:
            raise forbidden(
                f"{error.message}: {error.hint}", "该角色不能打开或登记个案：请使用同级业务账号"
            ) from None
        key = given.idempotency_key
        check_key(key)
        payload = plain(given)
        del payload["idempotencyKey"]
        account, made = self.viewer.account, self.stores.fingerprints
        self._operation = operation
        self._key = made.of_key(account, key)
        self._payload = made.of_payload(account, key, operation, payload)
        self._late: set[str] = set()

    @property
    def reporter(self) -> tuple[str, str]:
        """The account and the unit that write."""
        return self.viewer.account, self.viewer.unit_id

    @property
    def reference(self) -> str:
        """A name of what is written that follows from account and key, and tells neither."""
        return self._key[:32]

    @property
    def trace(self) -> str:
        """The trace of the request, as the log names it."""
        telling = self.context.telling
        return "" if telling is None else telling.trace

    async def look(
        self,
        people_indexes: Sequence[Indexes] = (),
        links: Links = (),
        sought: Sought | None = None,
    ) -> Seen:
        """What other regions know. Raises Refusal where the key was used for something else."""
        seen = await look(
            self.question,
            account=self.viewer.account,
            key=self._key,
            people_indexes=people_indexes,
            links=links,
            sought=sought,
        )
        if any(used != self._payload for used in seen.used.values()):
            raise conflict()
        self._late |= seen.late
        return seen

    async def locate(
        self, table: Table, number: int, path: str, *, own: bool = False, links: Links = ()
    ) -> tuple[Store, Seen]:
        """The store to write to what is about a record, and what `look` found.

        It is the one that keeps the record's person now, or with `own` the record itself; where
        the key was used before, the one it was used in, though the person has left it since.
        `path` names the record in the input. Raises Refusal, as `look`, and where no region of the
        jurisdiction has the record.
        """
        federation = self.question.federation
        within = federation.concerned([self.question.scope.prefix])
        home = federation.index_of.get(region_of(number))
        asked = (home,) if home is not None and home in within else tuple(within)
        seen = await self.look(links=links, sought=Sought(table, number, own, asked))
        known, silent, used = dict(seen.kept), set(seen.silent), dict(seen.used)
        for _ in range(_MOST_HOPS):
            further = {federation.index_of.get(code or "") for code in known.values()}
            asked = tuple(
                region
                for region in within
                if region in further and federation.regions[region].code not in known | used
            )
            if used or None in known.values() or not asked:
                break
            # Keys are looked up again: one used meanwhile where the record was is found there.
            more = await self.look(sought=Sought(table, number, own, asked))
            known |= dict.fromkeys((federation.regions[region].code for region in asked), "")
            known |= more.kept
            silent |= more.silent
            used |= more.used
        living = [code for code, kept in known.items() if kept is None]
        for code in (*used, *living, *known, *sorted(silent)):
            store = self.stores.of_region(code)
            if store is not None:
                return store, seen
        raise not_found(path)

    def region(self, store: Store) -> int:
        """The region's number in the configuration."""
        return self.question.federation.index_of[store.settings.code]

    async def once(
        self,
        store: Store,
        ids: int,
        work: Work,
        several: tuple[Several, Any] | None = None,
    ) -> tuple[dict[str, Any], bool]:
        """What is kept with the key, and whether it was kept before; else `work` is done now.

        With `several`, and what its step needs to know, it is done together with others that are
        asked for at the same time, where it can be; then `work` is not called.

        Raises Refusal: what `work` raises, or that the region did not answer.
        """
        account, trail = self.viewer.account, self.question.trail
        wrote: Wrote = {}

        def run(connection: Connection, first: int) -> tuple[dict[str, Any], bool]:
            wrote.clear()
            at = self.moment.now
            kept = claim(connection, account, self._key, self._operation, self._payload, at)
            if kept is not None:
                return kept, True
            result = work(connection, first, wrote)
            settle(connection, account, self._key, result)
            if self.context.telling is not None:
                row = row_of(
                    self.context.telling,
                    key=self._key,
                    account=account,
                    operation=f"mutation {self._operation}",
                    at=at,
                    wrote={kind: ids for kind, ids in wrote.items() if ids},
                )
                put_in_outbox(connection, log_outbox, [row])
            return result, False

        def note_written() -> None:
            trail.note_written({kind: ids for kind, ids in wrote.items() if ids})

        code = store.settings.code
        if code in self._late:  # it just let a read wait in vain: nobody waits a second time
            reason = "no answer within the deadline"
            raise unavailable(WriteFailed(store.settings, "TIMED_OUT", reason, False))
        try:
            if several is None:
                result, repeated = await store.carry(ids, run)
            else:
                result, repeated = await store.carry_together(
                    several[0], self._mutation(wrote, several[1]), ids, run
                )
        except WriteFailed as failed:
            trail.regions[code] = failed.state
            if failed.written is None:
                note_written()
            raise unavailable(failed) from None
        except PersonErased:
            raise forbidden(*ERASED_PERSON) from None
        except StoreRestored:
            trail.regions[code] = "RESTORED"
            raise restored(store.settings) from None
        trail.regions[code] = "ANSWERED"
        self.question.federation.breakers[self.region(store)].succeeded()
        if not repeated:
            note_written()
        return result, repeated

    def _mutation(self, wrote: Wrote, wants: Any) -> Mutation:
        return Mutation(
            account=self.viewer.account,
            key=self._key,
            payload=self._payload,
            operation=self._operation,
            at=self.moment.now,
            telling=self.context.telling,
            wrote=wrote,
            wants=wants,
        )

    async def read_back(self, name: str, ids: Sequence[int]) -> dict[int, Any]:
        """Records as the viewer may see them."""
        if not ids:
            return {}
        return await self.context.records.of_ids(name, ids, self._path)

    async def read_one(self, name: str, record_id: int, store: Store | None = None) -> Any:
        """A record as the viewer may see it. Raises Refusal where it cannot be read back."""
        found = await self.read_back(name, [record_id])
        if record_id not in found:
            raise self.unread(record_id, store)
        return found[record_id]

    def unread(self, record_id: int, store: Store | None = None) -> Refusal:
        """Why a record that was written (to `store`, if not where its id was made) is not there:
        its region failed, or it left the viewer's jurisdiction since the first request.
        """
        code = region_of(record_id) if store is None else store.settings.code
        state = self.question.trail.regions.get(code, "ANSWERED")
        if state == "ANSWERED":
            return not_found()
        return lost(
            self.question.federation.regions[self.question.federation.index_of[code]], state
        )
