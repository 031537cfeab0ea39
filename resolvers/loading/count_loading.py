"""Loading lists of daily counts: read whole, made daily, then written by region."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from resolvers.loading.counts import Series, batches, daily, write_counts
from resolvers.loading.job import Job, Loading
from resolvers.loading.places import OUTSIDE
from resolvers.loading.records import Written
from resolvers.loading.rows import FIELDS, Rejection, Row, RowReader

__all__ = ["CountLoading"]

_CELLS_AT_ONCE = 10_000


class CountLoading(Loading):
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
        """Adds the row to its series."""
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
        """Makes daily counts of all series and writes them."""
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
                    lambda connection, _, batch=batch: write_counts(  # type: ignore[misc]  # a default binds the loop's variable
                        connection, batch, columns=self._columns, dry_run=job.summary.dry_run
                    ),
                )


def _columns(names: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(name for name in names if name))
