"""One load: a list, a mapping, the stores of the regions. What `epigate load` calls.

Rows are gathered by region and written in batches, each in one transaction with its people,
exposures and daily counts. So whatever interrupts a load leaves whole batches, and the same load
again goes on where it stopped: every row is known by its source key, and ids follow the order of
the list.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

from regions.keys import Keys
from regions.settings import RegionSettings
from resolvers.alerts.rules import RuleBook
from resolvers.loading.job import Job, Limits, Loading
from resolvers.loading.loadings import LOADINGS
from resolvers.loading.mapping import Mapping
from resolvers.loading.rejects import Rejects
from resolvers.loading.rows import RowReader
from resolvers.loading.source import ListFile
from resolvers.loading.source_keys import SourceKeys
from resolvers.loading.stores import Stores
from resolvers.loading.summary import Summary
from resolvers.loading.telling import LoadTelling

__all__ = ["Limits", "load"]

_ROWS_BETWEEN = 256  # rows after which progress is told
_DEFAULT_LIMITS = Limits()
_NO_RULES = RuleBook()


async def load(
    file: Path,
    mapping: Mapping,
    regions: Sequence[RegionSettings],
    keys: Keys,
    data: Path,
    *,
    rejects: Path,
    dry_run: bool = False,
    progress: Callable[[int, int], None] = lambda done, whole: None,
    stop: Callable[[], bool] = lambda: False,
    limits: Limits = _DEFAULT_LIMITS,
    today: date | None = None,
    telling: LoadTelling | None = None,
    book: RuleBook = _NO_RULES,
) -> Summary:
    """Loads a list into the stores of its regions.

    `progress` is told bytes read and bytes in all; once `stop` says so, what was read is written
    and the summary says it was stopped. Days after `today` (UTC, by default) are refused. `telling`
    is how the access log hears of each batch; `book` says which cards raise a signal.

    Raises LoadError for a list that is no CSV or lacks a column; StoreBehind, StoreAhead,
    RegionUnavailable, AccessLogError or StoreError where a store cannot take it. What was written
    before stays.
    """
    began = time.perf_counter()
    summary = Summary(mapping.name, mapping.source, dry_run, rejects_file=rejects)
    async with Stores(regions, keys, book) as stores:
        with Rejects(rejects) as rejected, _few_collections():
            job = Job(mapping, stores, SourceKeys(keys.names), summary, rejected, limits, data)
            job.telling = telling
            loading = LOADINGS[mapping.kind.name](job)
            await loading.prepare()
            for number in range(loading.passes):
                with ListFile(file, encoding=mapping.encoding, delimiter=mapping.delimiter) as rows:
                    reader = RowReader(
                        mapping,
                        rows.header,
                        regions,
                        job.keys,
                        job.notices,
                        today=today or datetime.now(UTC).date(),
                    )
                    summary.columns_unused = reader.columns_unused
                    told = _Told(progress, number * rows.size, loading.passes * rows.size)
                    await _read(rows, reader, loading, number, told, stop)
                await loading.finish()
                if summary.stopped:
                    break
            loading.leave()
            rejected.notices(job.notices)
    summary.notices, summary.empty = job.notices.counts, job.notices.empty
    summary.seconds = time.perf_counter() - began
    return summary


@contextmanager
def _few_collections() -> Iterator[None]:
    """Lets the collector of cycles rest: the many rows held are in no cycle.

    It would look through all of them again and again, for a fifth of the whole time.
    """
    before = gc.get_threshold()
    gc.set_threshold(200_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


class _Told:
    """Progress over all passes of a list."""

    def __init__(self, progress: Callable[[int, int], None], done: int, whole: int) -> None:
        self._progress, self._done, self._whole = progress, done, whole

    def __call__(self, position: int) -> None:
        self._progress(self._done + position, self._whole)


async def _read(
    rows: ListFile,
    reader: RowReader,
    loading: Loading,
    number: int,
    told: _Told,
    stop: Callable[[], bool],
) -> None:
    """One pass over the list."""
    summary = loading.job.summary
    for count, (line, cells) in enumerate(rows):
        if count % _ROWS_BETWEEN == 0:
            told(rows.position)
            if stop():
                summary.stopped = True
                return
        if loading.wants(number, reader, cells):
            summary.read += 1
            await loading.take(reader(line, cells), reader, cells)
    told(rows.size)
