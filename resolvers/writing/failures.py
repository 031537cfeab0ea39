"""How a store that does not take a write says so, by name."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as NoConnection

from regions.errors import StoreError
from regions.file_transactions import Progress
from regions.settings import RegionSettings

__all__ = ["WriteFailed", "failed", "named"]

_log = logging.getLogger(__name__)

_IN_THE_WAY = ("40001", "40P01", "55P03")  # PostgreSQL: serialization, deadlock, lock not available


class WriteFailed(Exception):
    """A store that did not take a write.

    `state` is the name of a RegionState. `written` is False where nothing was changed, None where
    the answer to the commit was lost.
    """

    def __init__(
        self, settings: RegionSettings, state: str, reason: str, written: bool | None
    ) -> None:
        super().__init__(f"{settings.code}: {reason}")
        self.settings, self.state, self.reason, self.written = settings, state, reason, written


def failed(settings: RegionSettings, state: str, reason: str, progress: Progress) -> WriteFailed:
    """The failure of a transaction that came as far as this."""
    return WriteFailed(settings, state, reason, None if progress.committing else False)


@asynccontextmanager
async def named(
    settings: RegionSettings, progress: Progress, discard: Callable[[], Awaitable[None]]
) -> AsyncIterator[None]:
    """What fails within, by its name; `discard` closes what cannot be used after a failure.

    Raises WriteFailed, and StoreError where the store refuses a row.
    """
    try:
        yield
    except (IntegrityError, DataError, ProgrammingError) as error:
        name = type(error.orig).__name__
        _log.error("the store %s refused a write: %s", settings.code, name)
        raise StoreError(
            f"the store {settings.code} refused a write", store=settings.code
        ) from None
    except DBAPIError as error:
        if _locked(error):
            raise failed(settings, "TIMED_OUT", "the store stayed locked", progress) from None
        await discard()
        reason = f"the store failed: {type(error.orig).__name__}"
        raise failed(settings, "UNREACHABLE", reason, progress) from None
    except NoConnection:  # the pool's own: all connections are in use
        reason = "no connection to the store was free in time"
        raise failed(settings, "TIMED_OUT", reason, progress) from None
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        await discard()
        reason = f"the store cannot be reached: {type(error).__name__}"
        raise failed(settings, "UNREACHABLE", reason, progress) from None


def _locked(error: DBAPIError) -> bool:
    """Whether another transaction was in the way: the store itself is well."""
    return "locked" in str(error.orig) or getattr(error.orig, "sqlstate", None) in _IN_THE_WAY
