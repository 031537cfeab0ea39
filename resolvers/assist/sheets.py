"""A list of people as bytes, CSV or XLSX, to rows of text: what comes from outside is bounded (C6).

A workbook is a ZIP of XML: how many members it has and what they unpack to is looked at before any
is read, entities are refused (defusedxml), and no more than the limit is kept of a sheet that says
it has a million rows. A number that a spreadsheet has already cut (an ID number kept as a number
has 15 digits that are true), a formula and an error are no text: such a cell is marked, for a wrong
value is worse than none.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from xml.etree.ElementTree import ParseError

from regions.errors import SheetUnreadable

__all__ = ["BROKEN", "LOST_DIGITS", "MOST_BYTES", "MOST_ROWS", "Sheet", "SheetRow", "read_sheet"]

MOST_BYTES = 8 * 1024 * 1024
MOST_ROWS = 5_000
LOST_DIGITS = "\0lost digits"
"""The cell of a number with more digits than a spreadsheet keeps."""
BROKEN = "\0broken"
"""The cell of a formula, or of the error one gave: nothing is calculated here."""

_MOST_COLUMNS = 100
_MOST_CELL = 2_000  # characters
_MOST_LINES = 1_048_576  # of a sheet, by the format
_MOST_MEMBERS = 300
_MOST_UNPACKED = 48 * 1024 * 1024
_EXACT = 10**15  # from here on a spreadsheet's number has lost digits
_ZIP, _OLD = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_ENCODINGS = ("utf-8-sig", "gb18030")
_DELIMITERS = ",\t;"
_SCIENTIFIC = re.compile(r"\d(?:\.\d+)?[eE]\+\d{2,}")
_KEPT_AS_TEXT = re.compile(r'="([^"]*)"')  # how programs write digits into a CSV for Excel
_GUARDED = re.compile(r"'(?=[=+\-@＝＋－＠])")  # as our own exports keep formulas from running

_HINT = "save the list as XLSX, or as CSV in UTF-8, by the template"
_HINT_ZH = "请按模板另存为 XLSX 或 UTF-8 编码的 CSV"


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row: the line a person sees in the program, its cells without outer spaces."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A list as it was read. `others` are sheets of the workbook that were not."""

    header: tuple[str, ...]
    rows: tuple[SheetRow, ...]
    others: tuple[str, ...] = ()


def read_sheet(content: bytes, *, most_rows: int = MOST_ROWS) -> Sheet:
    """The first sheet with anything in it. Blank rows are no rows; the first row is the header.

    Raises SheetUnreadable with what to do, and never a value of a cell.
    """
    if len(content) > MOST_BYTES:
        megabytes = MOST_BYTES // 1_048_576
        raise _unreadable(f"the file is larger than {megabytes} MB", f"文件超过 {megabytes} MB")
    if content.startswith(_OLD):
        raise _unreadable(
            "this is an old or password-protected Excel workbook",
            "这是旧版或加密的 Excel 工作簿",
        )
    others: tuple[str, ...] = ()
    if content.startswith(_ZIP):
        lines, others = _workbook(content, most_rows)
    else:
        lines = _csv(content, most_rows)
    if not lines:
        raise _unreadable(
            "the list is empty: its first row is the header", "表格为空：首行应为表头"
        )
    header, *rows = lines
    titles = _width(header.cells)
    return Sheet(header.cells[:titles], tuple(_fitted(one, titles) for one in rows), others)


def _width(cells: Sequence[str]) -> int:
    """How many cells there are up to the last that is not empty."""
    return max((place for place, cell in enumerate(cells, 1) if cell), default=0)


def _fitted(row: SheetRow, titles: int) -> SheetRow:
    """A row as long as the header, or as far as it has anything."""
    cells = row.cells[: max(titles, _width(row.cells))]
    return SheetRow(row.line, cells + ("",) * (titles - len(cells)))


def _bounded(lines: Iterable[SheetRow], most_rows: int) -> list[SheetRow]:
    """All lines, header included, that are not blank."""
    found: list[SheetRow] = []
    for one in lines:
        if any(one.cells):
            found.append(one)
        if len(found) > most_rows + 1:
            raise _unreadable(
                f"the list has more than {most_rows:,} rows: import it in parts",
                f"表格超过 {most_rows} 行，请分批导入",
            )
        if one.line > _MOST_LINES:
            raise _too_many_lines()
    return found


def _too_many_lines() -> SheetUnreadable:
    return _unreadable("the sheet has more lines than a sheet can have", "工作表行数异常")


def _csv(content: bytes, most_rows: int) -> list[SheetRow]:
    text = _text(content)
    first = text[: text.find("\n") + 1 or None]
    delimiter = max(_DELIMITERS, key=first.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)

    def lines() -> Iterator[SheetRow]:
        while True:
            line = rows.line_num + 1
            try:
                cells = next(rows)
            except StopIteration:
                return
            except csv.Error:
                raise _unreadable(
                    f"line {line} is no CSV: a quote is not closed or not doubled",
                    f"第 {line} 行不符合 CSV 格式：引号未闭合或未成对",
                ) from None
            yield _row(line, [_typed(one) for one in cells])

    return _bounded(lines(), most_rows)


def _text(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):  # "Unicode text" of a spreadsheet
        encodings: Sequence[str] = ("utf-16",)
    else:
        encodings = _ENCODINGS
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise _unreadable(
        "this is neither an XLSX workbook nor text in UTF-8 or GB 18030",
        "既不是 XLSX 工作簿，也不是 UTF-8 或 GB 18030 编码的文本",
    )


def _typed(cell: str) -> str:
    """A cell of a CSV as it was typed: digits kept as text by `="…"` are taken out of it."""
    cell = cell.strip()
    if _SCIENTIFIC.fullmatch(cell):
        return LOST_DIGITS
    kept = _KEPT_AS_TEXT.fullmatch(cell)
    return _unguarded(kept[1] if kept else cell)


def _unguarded(text: str) -> str:
    return text[1:] if _GUARDED.match(text) else text


def _workbook(content: bytes, most_rows: int) -> tuple[list[SheetRow], tuple[str, ...]]:
    import openpyxl  # not before: a gateway starts sooner without
    from openpyxl.utils.exceptions import InvalidFileException

    _inspect(content)
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, keep_links=False)
        names = [one.title for one in book.worksheets if one.sheet_state == "visible"]
        for at, name in enumerate(names):
            sheet = book[name]
            sheet.reset_dimensions()  # what a sheet says of its size may be less than it has
            rows = sheet.iter_rows(max_col=_MOST_COLUMNS + 1)
            lines = _bounded(_without_gaps(rows), most_rows)
            if lines:
                return lines, tuple(names[at + 1 :])
    except (SheetUnreadable, MemoryError):
        raise
    except (
        # What a workbook that is none makes of the library.
        InvalidFileException,
        ParseError,
        zipfile.BadZipFile,
        zlib.error,
        ValueError,  # defusedxml's among them
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        OverflowError,
        OSError,
        EOFError,
        RuntimeError,
    ):
        raise _unreadable(
            "the workbook is damaged, or no workbook at all", "工作簿已损坏，或不是工作簿"
        ) from None
    return [], ()


def _without_gaps(rows: Iterable[tuple[Any, ...]]) -> Iterator[SheetRow]:
    """The rows of a sheet without those of a gap, for which the library gives one again and again:
    a small file could have a million of them.
    """
    last: tuple[Any, ...] | None = None
    for line, row in enumerate(rows, 1):
        if row is not last:
            yield _row(line, [_cell(one) for one in row])
        elif line > _MOST_LINES:
            raise _too_many_lines()
        last = row


def _inspect(content: bytes) -> None:
    """Raises SheetUnreadable for a ZIP that unpacks to more than a list of people can need.

    `zipfile` gives no more bytes of a member than its entry says, so that the sum holds.
    """
    try:
        members = zipfile.ZipFile(io.BytesIO(content)).infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        raise _unreadable("the workbook is damaged", "工作簿已损坏") from None
    if any(one.flag_bits & 1 for one in members):
        raise _unreadable("the workbook is password-protected", "工作簿已加密")
    size = sum(one.file_size for one in members)
    if len(members) > _MOST_MEMBERS or size > _MOST_UNPACKED:
        raise _unreadable(
            "the workbook unpacks to more than a list of people can need",
            "工作簿解压后过大，不是人员名单",
        )


def _row(line: int, cells: Sequence[str]) -> SheetRow:
    if len(cells) > _MOST_COLUMNS and any(cells[_MOST_COLUMNS:]):
        raise _unreadable(
            f"line {line} has more than {_MOST_COLUMNS} columns",
            f"第 {line} 行超过 {_MOST_COLUMNS} 列",
        )
    for cell in cells:
        if len(cell) > _MOST_CELL:
            raise _unreadable(
                f"a cell of line {line} has more than {_MOST_CELL:,} characters",
                f"第 {line} 行有单元格超过 {_MOST_CELL} 个字符",
            )
    return SheetRow(line, tuple(cells[:_MOST_COLUMNS]))


def _cell(cell: Any) -> str:
    """A cell of a workbook as text: days as ISO 8601, whole numbers without a point."""
    value = cell.value
    if value is not None and cell.data_type in ("f", "e"):
        return BROKEN
    match value:
        case None:
            return ""
        case bool():
            return str(value).upper()
        case int() | float() if abs(value) >= _EXACT:
            return LOST_DIGITS
        case int():
            return str(value)
        case float():
            return str(int(value)) if value.is_integer() else repr(value)
        case datetime():
            midnight = value.time() == time.min
            return value.date().isoformat() if midnight else value.isoformat(timespec="seconds")
        case date() | time():
            return value.isoformat()
        case timedelta():
            return BROKEN  # a duration is nothing that a person has
        case _:
            return _unguarded(str(value).strip())


def _unreadable(message: str, message_zh: str) -> SheetUnreadable:
    return SheetUnreadable(message, message_zh, hint=_HINT, hint_zh=_HINT_ZH)
