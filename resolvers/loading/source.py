"""The list itself: a CSV file, plain or gzip, read line by line with its place in bytes known."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path

from regions.errors import LoadError

__all__ = ["ListFile"]

_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_OTHER_FORMATS = {
    b"PK\x03\x04": "a ZIP archive or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"%PDF": "a PDF document",
    b"SQLite format 3": "a SQLite database",
}
_FIELD_LIMIT = 1 << 20


class ListFile:
    """One list while it is read. Use it as a context manager, then iterate over its rows.

    Raises LoadError, naming file and line, for what is no text in the encoding or no CSV.
    """

    def __init__(self, path: Path, *, encoding: str = "utf-8", delimiter: str = ",") -> None:
        self._path, self._encoding, self._delimiter = path, encoding, delimiter
        self._line = 0

    def __enter__(self) -> ListFile:
        try:
            self._file = self._path.open("rb")
        except OSError as error:
            raise LoadError(f"{self._path}: {error.strerror or 'cannot be read'}") from None
        self.size = self._path.stat().st_size
        self._bytes = self._file
        if self._file.peek(2).startswith(_GZIP):
            self._bytes = io.BufferedReader(gzip.GzipFile(fileobj=self._file))
        csv.field_size_limit(_FIELD_LIMIT)
        self._rows = csv.reader(self._text(), delimiter=self._delimiter, strict=True)
        try:
            self.header = self._read_header()
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def position(self) -> int:
        """Bytes of the file read so far (compressed ones where it is compressed)."""
        return self._file.tell()

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        """Each row with the number of its first line; blank lines are no rows."""
        rows = self._rows
        while True:
            first = rows.line_num + 1
            try:
                cells = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                raise self._not_csv(error) from None
            if cells:
                yield first, cells

    def _read_header(self) -> list[str]:
        try:
            cells = next(self._rows, None)
        except csv.Error as error:
            raise self._not_csv(error) from None
        if not cells or not any(cell.strip() for cell in cells):
            raise LoadError(f"{self._path}: the file is empty", hint="its first line is the header")
        header = [cell.strip() for cell in cells]
        twice = next((name for name in header if name and header.count(name) > 1), None)
        if twice is not None:
            raise LoadError(f"{self._path}:1: the column {twice!r} stands twice in the header")
        return header

    def _text(self) -> Iterator[str]:
        """The lines as text. In every encoding allowed, a line ends with a byte 0x0A."""
        begins = 0
        try:
            self._refuse_other_formats(self._bytes.peek(4096)[:4096])
            for raw in self._bytes:
                self._line += 1
                mark = len(_BOM) if self._line == 1 and raw.startswith(_BOM) else 0
                try:
                    yield raw[mark:].decode(self._encoding)
                except UnicodeDecodeError as error:
                    at = mark + error.start
                    raise LoadError(
                        f"{self._path}:{self._line}: byte {begins + at + 1} (0x{raw[at]:02x}) "
                        f"is no {self._encoding.upper()}",
                        hint='name another in the mapping: [file] encoding = "gb18030"',
                        line=self._line,
                    ) from None
                begins += len(raw)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise LoadError(
                f"{self._path}: the compressed file is damaged near byte {self.position}: {error}",
                hint="copy it again",
            ) from None

    def _refuse_other_formats(self, head: bytes) -> None:
        for magic, name in _OTHER_FORMATS.items():
            if head.startswith(magic):
                raise LoadError(f"{self._path} is {name}, no CSV", hint="export the list as CSV")
        if b"\0" in head:
            raise LoadError(
                f"{self._path}: byte {head.index(0) + 1} is 0: this is no text",
                hint="export the list as CSV in UTF-8",
            )

    def _not_csv(self, error: csv.Error) -> LoadError:
        return LoadError(
            f"{self._path}:{self._rows.line_num}: no CSV: {error}",
            hint="a quote that is not closed or not doubled, or another separator: "
            "see [file] delimiter in the mapping",
            line=self._rows.line_num,
        )
