"""What loading lists of any kind has in common: the accounts, and how a batch is written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection

from regions.access_log import log_outbox
from regions.instants import now
from resolvers.loading.mapping import Mapping
from resolvers.loading.notices import Notices
from resolvers.loading.records import Written, furnish
from resolvers.loading.rejects import Rejects
from resolvers.loading.rows import Rejection, Row, RowReader
from resolvers.loading.source_keys import SourceKeys
from resolvers.loading.stores import Store, Stores
from resolvers.loading.summary import Summary
from resolvers.loading.telling import LoadTelling
from resolvers.writing.outbox import put_in_outbox, row_of

__all__ = ["Job", "Limits", "Loading"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How many rows are written at once to one region, and held in memory for all of them."""

    batch: int = 8_000
    held: int = 32_000


@dataclass(slots=True)
class Job:
    """Everything a load works with."""

    mapping: Mapping
    stores: Stores
    keys: SourceKeys
    summary: Summary
    rejects: Rejects
    limits: Limits
    data: Path
    notices: Notices = field(default_factory=Notices)
    telling: LoadTelling | None = None  # None: the access log is told nothing (a dry run)
    pretended: dict[str, str] = field(default_factory=dict)  # what a dry run would have written

    @property
    def id_column(self) -> str:
        """The columns that name a row."""
        return ", ".join(self.mapping.id_columns)

    def reject(self, rejection: Rejection) -> None:
        """One row that is not taken."""
        self.summary.rejected += 1
        self.summary.reasons[rejection.reason] += 1
        self.rejects.reject(rejection)

    def account(self, region: str, written: Written) -> None:
        """Adds the outcome of a batch that was committed."""
        summary = self.summary
        summary.loaded += written.loaded
        summary.unchanged += written.unchanged
        summary.records.update(written.records)
        if written.loaded:
            summary.by_region[region] += written.loaded
        for rejection in written.rejections:
            self.reject(rejection)
        if summary.dry_run:
            self.pretended.update((row.key, row.hash) for row in written.new)


class Loading(ABC):
    """How lists of one kind are loaded."""

    passes = 1
    """How often the list is read."""

    def __init__(self, job: Job) -> None:
        self.job = job

    async def prepare(self) -> None:  # noqa: B027 (nothing to prepare is usual)
        """Before the first row."""

    def wants(self, number: int, reader: RowReader, cells: Sequence[str]) -> bool:
        """Whether a row belongs to this pass."""
        return True

    @abstractmethod
    async def take(self, row: Row | Rejection, reader: RowReader, cells: Sequence[str]) -> None:
        """One row."""

    @abstractmethod
    async def finish(self) -> None:
        """After the last row of a pass: everything held is written."""

    def leave(self) -> None:  # noqa: B027  # nothing to do, unless a job has something
        """After the last pass."""

    async def write(self, number: int, work: Callable[[Connection, Store], Written]) -> None:
        """One batch in one transaction of a region's store, accounted for when it is committed."""
        job, store = self.job, self.job.stores[number]
        telling = None if job.telling is None else job.telling.batch()
        operation = f"load {job.mapping.name}"

        def furnished(connection: Connection) -> Written:
            if not (store.furnished or job.summary.dry_run):
                furnish(connection, store, job.mapping)
            written = work(connection, store)
            if telling is not None and written.loaded:
                row = row_of(
                    telling,
                    key="batch",
                    account="",
                    operation=operation,
                    at=now(),
                    wrote=written.wrote,
                )
                put_in_outbox(connection, log_outbox, [row])
            return written

        async with store.transaction() as connection:
            written = await connection.run_sync(furnished)
        store.furnished = True
        job.account(store.code, written)
        if job.telling is not None and telling is not None and written.loaded:
            commit = telling.commitments.of
            what = {
                "loaded": written.loaded,
                "regions": {store.code: "ANSWERED"},
                "wrote": {kind: commit(kind, ids) for kind, ids in written.wrote.items() if ids},
            }
            await job.telling.enter(telling.request, operation, what)
