"""Loading lists of who exposed whom: both ends are cases that were loaded before."""

from __future__ import annotations

from collections.abc import Sequence

from regions.cases import cases
from resolvers.loading.job import Job, Loading
from resolvers.loading.links import CASE_COLUMNS, Link, write_links
from resolvers.loading.outside import OutsideList
from resolvers.loading.rows import FIELDS, Rejection, Row, RowReader
from resolvers.loading.stores import Found

__all__ = ["LinkLoading"]

_LINK = FIELDS["link"]


class LinkLoading(Loading):
    """Links between cases: the region of each is that of the person who was exposed."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self._rows: list[Row] = []
        self._fields = job.mapping.sections["link"]

    async def take(self, row: Row | Rejection, reader: RowReader, cells: Sequence[str]) -> None:
        """Holds the row until there is a batch."""
        if isinstance(row, Rejection):
            return self.job.reject(row)
        self._rows.append(row)
        if len(self._rows) >= self.job.limits.batch:
            await self.finish()
        return None

    async def finish(self) -> None:
        """Writes the links held, each into its person's region."""
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
                lambda connection, store, links=links: write_links(  # type: ignore[misc]  # a default binds the loop's variable
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
