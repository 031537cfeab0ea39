"""Loading lists of cases and of contacts: rows are gathered by region and written in batches."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from sqlalchemy import Connection, Table

from regions.cases import cases
from regions.contacts import contacts
from resolvers.loading.cases import write_cases
from resolvers.loading.contacts import registered_at, write_contacts
from resolvers.loading.job import Job, Loading
from resolvers.loading.outside import OutsideList
from resolvers.loading.places import OUTSIDE
from resolvers.loading.records import Written
from resolvers.loading.rows import FIELDS, Rejection, Row, RowReader
from resolvers.loading.stores import Store

__all__ = ["CaseLoading", "ContactLoading"]

_CONTACT = FIELDS["contact"]


class _RecordLoading(Loading):
    """Lists whose rows name their place: held by region, written when a region has a batch."""

    table: Table

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self._held: dict[int, list[Row]] = {}
        self._count = 0
        self._seen: dict[int, int] = {}  # hash of a key → its region: a row has one region
        self._populated: set[int] = set()
        self._outside: set[str] = set()
        self._was_outside: set[str] = set()
        self._inside: set[str] = set()

    async def prepare(self) -> None:
        mapping = self.job.mapping
        prefix = f"{mapping.source}:{mapping.kind.name}:"
        self._populated = await self.job.stores.holding(self.table, prefix)
        self._was_outside = self._outside_list().read() or set()

    def _outside_list(self) -> OutsideList:
        return OutsideList(self.job.data, self.job.mapping.source)

    async def take(self, row: Row | Rejection, reader: RowReader, cells: Sequence[str]) -> None:
        """Accounts for the row, or holds it until its region has a batch."""
        job = self.job
        if isinstance(row, Rejection):
            return job.reject(row)
        if row.region == OUTSIDE:
            job.summary.outside += 1
            if row.id:  # without one no link can name it
                self._outside.add(row.key)
            return None
        if self._seen.setdefault(hash(row.key), row.region) != row.region:
            return job.reject(Rejection(row.line, job.id_column, row.id, "ELSEWHERE"))
        refused = self.refuse(row)
        if refused is not None:
            return job.reject(refused)
        if row.key in self._was_outside:
            self._inside.add(row.key)
        held = self._held.setdefault(row.region, [])
        held.append(row)
        self._count += 1
        if len(held) >= job.limits.batch:
            await self._hand_over(row.region)
        elif self._count >= job.limits.held:
            await self._hand_over_all()
        return None

    def refuse(self, row: Row) -> Rejection | None:
        """What stands against a row besides its values."""
        return None

    async def finish(self) -> None:
        await self._hand_over_all()

    def leave(self) -> None:
        if not self.job.summary.dry_run:
            self._outside_list().write(outside=self._outside, inside=self._inside)

    async def _hand_over_all(self) -> None:
        for number in sorted(self._held):
            await self._hand_over(number)

    async def _hand_over(self, number: int) -> None:
        held = self._held.pop(number)
        self._count -= len(held)
        rows = await self._resolve(await self._not_elsewhere(number, held))
        await self.write(number, lambda connection, store: self.store(connection, store, rows))

    async def _not_elsewhere(self, number: int, rows: list[Row]) -> list[Row]:
        """The rows that no other region has: a row loaded before stays where it is."""
        others = self._populated - {number}
        if not others:
            return rows
        stores, table = self.job.stores, self.table
        here = await stores.find(table, (), (row.key for row in rows), among=(number,))
        new = (row.key for row in rows if row.key not in here)
        there = await stores.find(table, (), new, among=others)
        for row in rows:
            if row.key in there:
                self.job.reject(Rejection(row.line, self.job.id_column, row.id, "ELSEWHERE"))
        return [row for row in rows if row.key not in there] if there else rows

    async def _resolve(self, rows: list[Row]) -> list[Row]:
        """The rows whose references lead somewhere, as ids."""
        return rows

    @abstractmethod
    def store(self, connection: Connection, store: Store, rows: list[Row]) -> Written:
        """Writes a batch."""


class CaseLoading(_RecordLoading):
    """Lists of cases."""

    table = cases

    def store(self, connection: Connection, store: Store, rows: list[Row]) -> Written:
        """Writes cases."""
        job = self.job
        return write_cases(
            connection,
            store,
            rows,
            id_column=job.id_column,
            pretended=job.pretended,
            notices=job.notices,
            dry_run=job.summary.dry_run,
        )


class ContactLoading(_RecordLoading):
    """Contacts; where they name parent contacts, those without one are loaded first."""

    table = contacts

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self._named = job.mapping.sections["contact"]
        self.passes = 2 if "parent_contact" in self._named else 1
        self._links: dict[str, int | None] = {}  # key → id, or None: the case is outside
        self._diseases: dict[int, str | None] = {}  # of what is linked to, by id

    def wants(self, number: int, reader: RowReader, cells: Sequence[str]) -> bool:
        """In the second pass the rows with a parent, in the first all others."""
        if self.passes == 1:
            return True
        return reader.names_one("contact", "parent_contact", cells) == bool(number)

    def refuse(self, row: Row) -> Rejection | None:
        """Refuses contacts of which no day is known."""
        if registered_at(row.values["contact"]) is None:
            return Rejection(row.line, "registered_at", "", "MISSING")
        return None

    async def _resolve(self, rows: list[Row]) -> list[Row]:
        for field, table in (("source_case", cases), ("parent_contact", contacts)):
            if field in self._named:
                await self._look_up(field, table, rows)
        linked = []
        for row in rows:
            case = self._link(row, "source_case", "UNKNOWN_CASE")
            parent = self._link(row, "parent_contact", "UNKNOWN_CONTACT")
            if isinstance(case, Rejection):
                self.job.reject(case)
            elif isinstance(parent, Rejection):
                self.job.reject(parent)
            else:
                row.links = case, parent
                known = (self._diseases.get(one) for one in (case, parent) if one is not None)
                row.disease = next((one for one in known if one is not None), None)
                linked.append(row)
        return linked

    def _forms(self, row: Row, field: str) -> tuple[str, ...]:
        """The keys the record may have that a row names in a field."""
        value = row.values["contact"][_CONTACT[field]]
        if value is None:
            return ()
        kind = "case" if field == "source_case" else "contact"
        return self.job.keys.forms(self._named[field][0].source, kind, str(value))

    async def _look_up(self, field: str, table: Table, rows: list[Row]) -> None:
        wanted = {key for row in rows for key in self._forms(row, field)} - self._links.keys()
        stores = self.job.stores
        found = await stores.find(table, ("id", "disease"), wanted, among=range(len(stores)))
        self._links.update((key, one.row.id) for key, one in found.items())
        self._diseases.update((one.row.id, one.row.disease) for one in found.values())
        source = self._named[field][0].source
        outside = OutsideList(self.job.data, source).read() or set()
        self._links.update((key, None) for key in (outside | self._outside) & wanted)
        if self.job.summary.dry_run:
            self._links.update((key, None) for key in wanted & self.job.pretended.keys())

    def _link(self, row: Row, field: str, reason: str) -> int | Rejection | None:
        keys = self._forms(row, field)
        if not keys:
            return None
        choice = self._named[field][0]
        value = str(row.values["contact"][_CONTACT[field]])
        for key in keys:
            if key in self._links:
                if self._links[key] is None and not self.job.summary.dry_run:
                    self.job.notices.add("CASE_OUTSIDE", choice.column or "", value, row.line)
                return self._links[key]
        if choice.or_empty:
            self.job.notices.add("DROPPED", choice.column or "", value, row.line)
            return None
        return Rejection(row.line, choice.column or "", value, reason)

    def store(self, connection: Connection, store: Store, rows: list[Row]) -> Written:
        """Writes contacts."""
        job = self.job
        return write_contacts(
            connection,
            store,
            rows,
            id_column=job.id_column,
            pretended=job.pretended,
            notices=job.notices,
            dry_run=job.summary.dry_run,
        )
