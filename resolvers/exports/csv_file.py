"""CSV, written piece by piece: RFC 4180, UTF-8.

Lines that begin with `#` say what the file is: the watermark before the heads of the columns, after
the last record what is missing, the number of records, and the SHA-256 of every byte before that
line. A record's line never begins with `#`: such a cell stands in quotes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from resolvers.exports.cells import safe
from resolvers.exports.columns import Column, ColumnKind
from resolvers.exports.watermark import ABORTED, CHECK, MISSING, ROWS, Watermark

__all__ = ["CsvFile"]

_MARK = "\ufeff"
_QUOTED = frozenset(',;"\r\n\t')


class CsvFile:
    """One file. Each method returns the bytes that come next."""

    media_type = "text/csv; charset=utf-8"
    ending = "csv"

    def __init__(self, columns: Sequence[Column], watermark: Watermark, *, bom: bool) -> None:
        self._columns, self._watermark, self._bom = columns, watermark, bom
        self._hash = hashlib.sha256()

    @property
    def content_sha256(self) -> str:
        """The hash of what was written so far."""
        return self._hash.hexdigest()

    def head(self, missing: Sequence[str]) -> bytes:
        """Everything before the first record; `missing` are regions that are not in the file."""
        lines = [_remark(*line) for line in self._watermark.lines()]
        lines += [_remark(MISSING, text) for text in missing]
        lines.append(_line([column.title for column in self._columns]))
        return self._write((_MARK if self._bom else "") + "".join(lines))

    def rows(self, rows: Sequence[Sequence[str | int | float | None]]) -> bytes:
        """Records."""
        texts = [column.kind is not ColumnKind.NUMBER for column in self._columns]
        return self._write("".join(_line(row, texts) for row in rows))

    def end(self, rows: int, missing: Sequence[str]) -> bytes:
        """Everything after the last record."""
        lines = [_remark(MISSING, text) for text in missing]
        lines.append(_remark(ROWS, str(rows)))
        last = self._write("".join(lines))
        return last + _remark(CHECK, self.content_sha256).encode()

    def aborted(self, why: str) -> bytes:
        """The end of a file that is not whole."""
        return self._write(_remark(ABORTED, why))

    def _write(self, text: str) -> bytes:
        written = text.encode("utf-8", "replace")
        self._hash.update(written)
        return written


def _remark(label: str, value: str) -> str:
    return f"# {label},{_cell(value)}\r\n"


def _line(row: Sequence[str | int | float | None], texts: Sequence[bool] | None = None) -> str:
    cells = [
        _cell(value) if texts is None or texts[place] or isinstance(value, str) else _bare(value)
        for place, value in enumerate(row)
    ]
    if cells[0].startswith("#"):
        cells[0] = f'"{cells[0]}"'
    return ",".join(cells) + "\r\n"


def _bare(value: object) -> str:
    return "" if value is None else str(value)


def _cell(value: object) -> str:
    text = safe(_bare(value)).replace("\0", "\ufffd")
    if not _QUOTED.isdisjoint(text) or text != text.strip():
        return '"' + text.replace('"', '""') + '"'
    return text
