"""The rejects file: a CSV for the operator, for its owner only: it may hold private values."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from types import TracebackType

from regions.errors import LoadError
from resolvers.loading.notices import Notices
from resolvers.loading.reasons import NOTICES, REASONS
from resolvers.loading.rows import Rejection

__all__ = ["HEADER", "Rejects"]

HEADER = ("outcome", "line", "column", "value", "code", "reason", "reason_zh", "rows", "detail")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run what begins so


class Rejects:
    """Writes rejected rows as they come and the notices at the end. A context manager.

    One line a rejected row (outcome `rejected`), one line a distinct notice (outcome `notice`,
    `line` being its first row). An earlier file of the same name is replaced.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Rejects:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.fchmod(handle, 0o600)
        except OSError as error:
            raise LoadError(
                f"{self.path}: {error.strerror or 'cannot be written'}",
                hint="name another file with --rejects",
            ) from None
        self._file = os.fdopen(handle, "w", encoding="utf-8", newline="")
        self._rows = csv.writer(self._file)
        self._rows.writerow(HEADER)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def reject(self, row: Rejection) -> None:
        """One row that was not taken."""
        self._write(
            "rejected", row.line, row.column, row.value, row.reason, REASONS[row.reason], 1, ""
        )

    def notices(self, notices: Notices) -> None:
        """Everything that was done to rows that were taken."""
        for one in notices.listed():
            text = NOTICES[one.code]
            self._write(
                "notice", one.line, one.column, one.value, one.code, text, one.rows, one.detail
            )

    def _write(
        self,
        outcome: str,
        line: int,
        column: str,
        value: str,
        code: str,
        text: tuple[str, str],
        rows: int,
        detail: str,
    ) -> None:
        cells = (outcome, line, _safe(column), _safe(value), code, *text, rows, _safe(detail))
        self._rows.writerow(cells)


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
