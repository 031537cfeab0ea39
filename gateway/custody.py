"""The check over all stores that nobody was lost or doubled, and what is on its way (D)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.ext.asyncio import AsyncEngine

from regions.engines import READS, make_engine
from regions.errors import RegionUnavailable
from regions.instants import now
from regions.keys import Keys
from regions.settings import RegionSettings
from resolvers.transfers.conservation import (
    Finding,
    Judgement,
    acknowledged,
    compare_cards,
    copied_from,
    judge,
    unknown_homes,
)
from resolvers.transfers.doubled import YIELDED, Settled, Yielded
from resolvers.transfers.evidence import yielded
from resolvers.transfers.mending import Look, Mender
from resolvers.transfers.restored import Reconciled
from resolvers.transfers.surveying import (
    Card,
    Survey,
    Waiting,
    answered_after,
    cards,
    in_inbox,
    in_outbox,
    present,
    received_after,
    survey,
)
from resolvers.writing.failures import WriteFailed
from resolvers.writing.stores import Stores

__all__ = ["CustodyReport", "Mended", "check_custody", "mend_custody"]

T = TypeVar("T")

_PAGE = 2_000  # messages compared at once
_AWAY = (
    *(OSError, TimeoutError, DBAPIError, NoConnection),
    *(asyncpg.PostgresError, asyncpg.InterfaceError),
)


@dataclass(slots=True)
class CustodyReport:
    """What the check found. `missing` are the regions that did not answer: of people who depend on
    them, and of messages to and from them, nothing is said. `yielded` is of whom two regions had
    answered for, and which of them yielded to the other.
    """

    regions: list[str]
    missing: list[str] = field(default_factory=list)
    people: int = 0
    on_the_way: int = 0
    unjudged: int = 0
    messages: int = 0  # answered ones that were compared
    findings: list[Finding] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    yielded: list[Yielded] = field(default_factory=list)


@dataclass(slots=True)
class Mended:
    """What was mended: stores, and people whom two regions answered for."""

    stores: list[Reconciled] = field(default_factory=list)
    doubled: Settled = field(default_factory=Settled)


async def check_custody(regions: Sequence[RegionSettings]) -> CustodyReport:
    """Checks all stores beside a gateway that runs.

    What the first look finds counts where a second one, begun after it, finds the same: in between
    both were so at once.
    """
    check = _Check(regions)
    try:
        first = await check.look()
        second = await check.look() if first.findings else first
        second.findings = sorted(set(first.findings) & set(second.findings))
        return second
    finally:
        await check.close()


async def mend_custody(
    regions: Sequence[RegionSettings], keys: Keys, wanted: Collection[str] = ()
) -> Mended:
    """Mends the stores that were restored from an older backup, or those of `wanted` regions, and
    makes one custodian of those whom two regions answer for.

    What it has delivered again is delivered by a gateway that runs; who is doubled still once it
    was, is mended the next time. Raises RegionUnavailable where a store does not answer: it can be
    done again.
    """
    stores = Stores(regions, keys)
    mender = Mender(stores)
    try:
        behind = set(wanted)
        if not behind:
            behind = (await _look(mender)).behind
        mended = [
            await mender.mend(region, now(), anyway=region in wanted) for region in sorted(behind)
        ]
        doubled = await mender.settle(await _look(mender), now())
        return Mended([one for one in mended if one is not None], doubled)
    except WriteFailed as failed:
        raise RegionUnavailable(
            f"region {failed.settings.code} does not answer: {failed.reason}",
            hint="what a restored store has lost only all others together know: try again",
            region=failed.settings.code,
        ) from None
    finally:
        await stores.close()


async def _look(mender: Mender) -> Look:
    found = await mender.look(now())
    for failed in found.silent.values():
        raise failed
    return found


class _Check:
    def __init__(self, regions: Sequence[RegionSettings]) -> None:
        self._regions = {one.code: one for one in regions}
        self._engines: dict[str, AsyncEngine] = {}
        self._missing: set[str] = set()

    async def close(self) -> None:
        """Closes what was opened."""
        for engine in self._engines.values():
            await engine.dispose()

    async def look(self) -> CustodyReport:
        """One look at everything."""
        codes = list(self._regions)
        made = await asyncio.gather(
            *(self._read(code, lambda store, code=code: survey(store, code)) for code in codes)  # type: ignore[misc]  # a default binds the loop's variable
        )
        surveys: dict[str, Survey] = {
            code: one for code, one in zip(codes, made, strict=True) if one is not None
        }
        homes = unknown_homes(surveys)
        at_home: set[int] = set()
        for code, ids in homes.items():
            at_home |= (
                await self._read(code, lambda store, ids=ids: present(store, ids)) or set()  # type: ignore[misc]  # as above
            )
        originals: dict[str, dict[int, Card]] = {}
        for code, ids in copied_from(surveys).items():
            told = await self._read(code, lambda store, ids=ids: cards(store, ids))  # type: ignore[misc]  # as above
            if told is not None:
                originals[code] = told
        done: Judgement = judge(surveys, self._missing, at_home)
        done.findings |= compare_cards(surveys, originals)
        report = CustodyReport(
            regions=codes,
            people=done.people,
            on_the_way=len(done.on_the_way),
            unjudged=len(done.unjudged),
            findings=list(done.findings),
            waiting=[one for store in surveys.values() for one in store.waiting],
        )
        for code in surveys:
            report.yielded += await self._read(code, partial(_yielded, region=code)) or []
        for sender in surveys:
            for receiver in surveys:
                await self._messages(report, sender, receiver)
        report.missing = sorted(self._missing)
        return report

    async def _messages(self, report: CustodyReport, sender: str, receiver: str) -> None:
        """What one says to have sent and the other to have received."""
        after = 0
        while True:
            page = await self._read(
                sender,
                lambda store, after=after: answered_after(store, receiver, after, _PAGE),  # type: ignore[misc]  # as above
            )
            if page is None or not page[0]:
                break
            sent, after = page
            known = await self._read(
                receiver,
                lambda store, sent=sent: in_inbox(store, sender, sent),  # type: ignore[misc]  # as above
            )
            if known is None:
                return
            report.messages += len(sent)
            report.findings += acknowledged(sender, receiver, sent=sent, known=known)
        last = ""
        while True:
            received = await self._read(
                receiver,
                lambda store, last=last: received_after(store, sender, last, _PAGE),  # type: ignore[misc]  # as above
            )
            if not received:
                return
            last = max(received)
            known = await self._read(
                sender,
                lambda store, received=received: in_outbox(store, receiver, received),  # type: ignore[misc]  # as above
            )
            if known is None:
                return
            report.findings += acknowledged(sender, receiver, received=received, known=known)

    async def _read(self, code: str, work: Callable[[Connection], T]) -> T | None:
        """What is read in one transaction; None of a region that does not answer."""
        if code in self._missing:
            return None
        settings = self._regions[code]
        try:
            if settings.path is not None and not settings.path.exists():
                raise FileNotFoundError(settings.path)
            engine = self._engines.get(code)
            if engine is None:
                engine = self._engines[code] = make_engine(settings, pool_size=1)
            async with engine.connect() as connection:
                options: Mapping[str, Any] = {READS: True}
                if settings.path is None:
                    options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
                connection = await connection.execution_options(**options)
                return await connection.run_sync(work)
        except _AWAY:
            self._missing.add(code)
            return None


def _yielded(connection: Connection, region: str) -> list[Yielded]:
    return [Yielded(person, region, to, at) for person, to, at in yielded(connection, YIELDED)]
