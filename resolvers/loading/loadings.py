"""The kinds of list, each with its way of being loaded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, Table

from regions.cases import cases
from regions.contacts import contacts
from resolvers.loading.cases import write_cases
from resolvers.loading.contacts import registered_at, write_contacts
from resolvers.loading.counts import Series, batches, daily, write_counts
from resolvers.loading.job import Job, Loading
from resolvers.loading.links import CASE_COLUMNS, Link, write_links
from resolvers.loading.outside import OutsideList
from resolvers.loading.places import OUTSIDE
from resolvers.loading.records import Written
from resolvers.loading.rows import FIELDS, Rejection, Row, RowReader
from resolvers.loading.stores import Found, Store

__all__ = ["LOADINGS"]

_CONTACT = FIELDS["contact"]
_LINK = FIELDS["link"]
_CELLS_AT_ONCE = 10_000


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
        job = self.job
        if isinstance(row, Rejection):
            return job.reject(row)
        if row.region == OUTSIDE:
            job.summary.outside += 1
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

    def store(self, connection: Connection, store: Store, rows: list[Row]) -> Written:
        """Writes a batch."""
        raise NotImplementedError


class _CaseLoading(_RecordLoading):
    table = cases

    def store(self, connection: Connection, store: Store, rows: list[Row]) -> Written:
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


class _ContactLoading(_RecordLoading):
    """Contacts; where they name parent contacts, those without one are loaded first."""

    table = contacts

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self._named = job.mapping.sections["contact"]
        self.passes = 2 if "parent_contact" in self._named else 1
        self._links: dict[str, int | None] = {}  # key → id, or None: the case is outside

    def wants(self, number: int, reader: RowReader, cells: Sequence[str]) -> bool:
        if self.passes == 1:
            return True
        return reader.names_one("contact", "parent_contact", cells) == bool(number)

    def refuse(self, row: Row) -> Rejection | None:
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
        found = await stores.find(table, ("id",), wanted, among=range(len(stores)))
        self._links.update((key, one.row.id) for key, one in found.items())
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


class _LinkLoading(Loading):
    """Links between cases: the region of each is that of the person who was exposed."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self._rows: list[Row] = []
        self._fields = job.mapping.sections["link"]

    async def take(self, row: Row | Rejection, reader: RowReader, cells: Sequence[str]) -> None:
        if isinstance(row, Rejection):
            return self.job.reject(row)
        self._rows.append(row)
        if len(self._rows) >= self.job.limits.batch:
            await self.finish()
        return None

    async def finish(self) -> None:
        rows, self._rows = self._rows, []
        job = self.job
        stores = job.stores
        keys = (key for row in rows for end in _LINK for key in self._forms(row, end))
        found = await stores.find(cases, CASE_COLUMNS, keys, among=range(len(stores)))
        sources = {choices[0].source for choices in self._fields.values()}
        outside = {key for source in sources for key in OutsideList(job.data, source).read() or ()}
        by_region: dict[int, list[Link]] = {}
        for row in rows:
            link = self._link(row, found, outside)
            if link is not None:
                by_region.setdefault(link.person.region, []).append(link)
        for number, links in sorted(by_region.items()):
            await self.write(
                number,
                lambda connection, store, links=links: write_links(  # type: ignore[misc]
                    connection,
                    store,
                    links,
                    id_column=job.id_column,
                    pretended=job.pretended,
                    dry_run=job.summary.dry_run,
                ),
            )

    def _link(self, row: Row, found: dict[str, Found], outside: set[str]) -> Link | None:
        """The row with its two cases; None, and accounted for, where it cannot be."""
        ends: dict[str, Found] = {}
        lacking = []
        for end in _LINK:
            keys = self._forms(row, end)
            one = next((found[key] for key in keys if key in found), None)
            if one is not None:
                ends[end] = one
            elif not any(key in outside for key in keys):
                lacking.append(end)
        column, value = "", ""
        if lacking:
            column = self._fields[lacking[0]][0].column or ""
            value = str(row.values["link"][_LINK[lacking[0]]])
            self.job.reject(Rejection(row.line, column, value, "UNKNOWN_CASE"))
        elif len(ends) < len(_LINK):
            self.job.summary.outside += 1
        elif ends["case"].row.id == ends["person"].row.id:
            value = str(row.values["link"][_LINK["person"]])
            self.job.reject(Rejection(row.line, self.job.id_column, value, "SAME_CASE"))
        else:
            return Link(row, ends["case"], ends["person"])
        return None

    def _forms(self, row: Row, end: str) -> tuple[str, str]:
        value = str(row.values["link"][_LINK[end]])
        return self.job.keys.forms(self._fields[end][0].source, "case", value)


class _CountLoading(Loading):
    """Daily counts: the whole list is read first, for a day may take back from days before."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self._series: dict[tuple[str, ...], Series] = {}
        self._regions: dict[str, int] = {}
        fields = job.mapping.sections["count"]
        self._columns = ", ".join(
            _columns(fields[name][0].column for name in fields if name != "day")
        )

    async def take(self, row: Row | Rejection, reader: RowReader, cells: Sequence[str]) -> None:
        if isinstance(row, Rejection):
            return self.job.reject(row)
        if row.region == OUTSIDE:
            self.job.summary.outside += 1
            return None
        disease = str(row.values["count"][FIELDS["count"]["disease"]])
        name = reader.series(cells)
        series = self._series.setdefault(
            (disease, row.code, *name), Series(disease, row.code, " ".join(name))
        )
        series.add(row)
        self._regions[row.code] = row.region
        return None

    async def finish(self) -> None:
        job = self.job
        if job.summary.stopped:  # half a series says nothing: as if none of it had been read
            job.summary.read -= sum(len(series.reports) for series in self._series.values())
            return
        twice = Written()
        cells = daily(
            list(self._series.values()),
            cumulative=job.mapping.cumulative,
            columns=self._columns,
            notices=job.notices,
            written=twice,
        )
        job.account("", twice)
        for number in sorted(set(self._regions.values())):
            here = {key: cell for key, cell in cells.items() if self._regions[key[1]] == number}
            for batch in batches(here, min(_CELLS_AT_ONCE, job.limits.batch)):
                await self.write(
                    number,
                    lambda connection, _, batch=batch: write_counts(  # type: ignore[misc]
                        connection, batch, columns=self._columns, dry_run=job.summary.dry_run
                    ),
                )


def _columns(names: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(name for name in names if name))


LOADINGS: dict[str, type[Loading]] = {
    "case": _CaseLoading,
    "contact": _ContactLoading,
    "contact_link": _LinkLoading,
    "daily_count": _CountLoading,
}
"""By the name of the kind."""
