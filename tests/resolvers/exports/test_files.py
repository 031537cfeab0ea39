"""What the writers write is what a reader reads, whatever stands in the cells."""

from __future__ import annotations

import csv
import hashlib
import io
import re
import zipfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regions.errors import ExportInvalid
from resolvers.exports.cells import safe
from resolvers.exports.columns import Column, ColumnKind
from resolvers.exports.csv_file import CsvFile
from resolvers.exports.verifying import look_at
from resolvers.exports.watermark import Watermark
from resolvers.exports.xlsx_file import XlsxFile

ID = "0123456789abcdef" * 2
MARK = Watermark(
    ID, "officer", "=王&芳", "cdc-1", "<南京>", "2026-11-22T00:00:00Z", "@weekly", "某大学"
)
COLUMNS = [
    Column(("id",), ColumnKind.TEXT),
    Column(("person", "name"), ColumnKind.PRIVATE),
    Column(("number",), ColumnKind.NUMBER),
    Column(("day",), ColumnKind.DAY),
    Column(("at",), ColumnKind.INSTANT),
]
_TEXTS = (
    st.none()
    | st.text(max_size=20)
    | st.sampled_from(["=1", "*", '"', "a,b", "x\r\n# y", "_x0041_"])
)
ROWS = st.lists(
    st.tuples(
        st.text(max_size=5),
        _TEXTS,
        st.none() | st.integers(-(10**9), 10**9),
        st.none() | st.dates(date(1900, 3, 1)).map(date.isoformat),
        st.none() | st.just("2026-11-22T16:30:15Z"),
    ).map(list),
    max_size=30,
)


def made(file: CsvFile | XlsxFile, *pages: list[list[Any]], missing: tuple[str, ...] = ()) -> bytes:
    parts = [file.head(missing), *map(file.rows, pages)]
    return b"".join([*parts, file.end(sum(map(len, pages)), missing)])


@given(ROWS, ROWS)
def test_csv_reads_back(first: list[list[Any]], second: list[list[Any]]) -> None:
    written = made(CsvFile(COLUMNS, MARK, bom=False), first, second)
    text = written.decode()
    head = text.index("id,person.name,number,day,at\r\n")
    body = text[head : text.rindex("# 行数")]
    _, *rows = csv.reader(io.StringIO(body, newline=""))
    cells = [
        [
            str(value) if isinstance(value, int) else safe(value or "").replace("\0", "\ufffd")
            for value in row
        ]
        for row in first + second
    ]
    assert rows == cells


@given(ROWS)
def test_no_record_of_a_csv_looks_like_a_remark(rows: list[list[Any]]) -> None:
    file = CsvFile(COLUMNS, MARK, bom=True)
    file.head(())
    for row in rows:
        assert not file.rows([["#", *row[1:]]]).startswith(b"#")


def sheet_rows(content: bytes, name: str) -> list[list[str | None]]:
    """The cells of a sheet as text; None for an empty one."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sheet = ElementTree.fromstring(archive.read(name))
    found = []
    for row in sheet.findall(".//{*}row"):
        cells = []
        for cell in row:
            text = cell.find(".//{*}t")
            value = text if text is not None else cell.find("{*}v")
            cells.append(None if value is None else _read(value.text or ""))
        found.append(cells)
    return found


def _read(text: str) -> str:
    """ECMA-376 22.4.2.4."""
    return re.sub("_x([0-9A-F]{4})_", lambda found: chr(int(found[1], 16)), text)


@given(ROWS)
def test_a_workbook_reads_back(rows: list[list[Any]]) -> None:
    content = made(XlsxFile(COLUMNS, MARK), rows)
    head, *found = sheet_rows(content, "xl/worksheets/sheet1.xml")
    assert head == ["id", "person.name", "number", "day", "at (UTC+8)"]
    for row, cells in zip(rows, found, strict=True):
        identity, name, number, day, at = cells
        assert (identity or "") == safe(row[0])
        assert (name or "") == safe(row[1] or "")
        assert number == (None if row[2] is None else str(row[2]))
        if row[3] is not None:
            assert day is not None
            assert (date(1899, 12, 30) + timedelta(days=int(day))).isoformat() == row[3]
        if row[4] is not None:
            assert at is not None
            assert round(float(at) % 1 * 86_400) == 1_815  # 00:30:15 of the next day in China


def test_leak_28_a_workbook_has_no_formula_comment_property_or_hidden_sheet() -> None:
    content = made(XlsxFile(COLUMNS, MARK), [["1", "=cmd|' /C calc'!A0", 1, None, None]])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert not [name for name in parts if "docProps" in name or "comments" in name]
    whole = "".join(parts.values())
    for word in ("<f>", "hidden", "definedName", "sharedStrings", "externalLink"):
        assert word not in whole
    assert "'=cmd" in parts["xl/worksheets/sheet1.xml"]
    for part in parts.values():
        ElementTree.fromstring(part)


def test_a_sheet_that_is_full_is_gone_on_with() -> None:
    rows = [[str(number), "*", None, None, None] for number in range(25)]
    content = made(XlsxFile(COLUMNS, MARK, most=11), rows)
    sheets = [sheet_rows(content, f"xl/worksheets/sheet{number}.xml") for number in (1, 2, 3)]
    assert [len(sheet) for sheet in sheets] == [11, 11, 6]
    assert [row[0] for sheet in sheets for row in sheet[1:]] == [row[0] for row in rows]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        book = archive.read("xl/workbook.xml").decode()
    assert re.findall('name="([^"]+)"', book) == ["数据", "数据 2", "数据 3", "说明"]


def test_the_watermark_is_neutralised_too() -> None:
    text = made(CsvFile(COLUMNS, MARK, bom=True)).decode("utf-8-sig")
    assert "# 用途 purpose,'@weekly\r\n" in text
    assert "# 接收方 recipient,某大学\r\n" in text
    content = made(XlsxFile(COLUMNS, MARK))
    notes = {row[0]: row[1] for row in sheet_rows(content, "xl/worksheets/notes.xml")}
    assert notes["用途 purpose"] == "'@weekly"
    assert notes["导出 export"] == f"epigate {ID}"


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_a_missing_region_is_named_before_and_after(ending: str) -> None:
    missing = ("320200 无锡 TIMED_OUT",)
    if ending == "csv":
        text = made(CsvFile(COLUMNS, MARK, bom=True), missing=missing).decode("utf-8-sig")
        assert text.count("# 未应答 missing,320200 无锡 TIMED_OUT") == 2
    else:
        content = made(XlsxFile(COLUMNS, MARK), missing=missing)
        rows = sheet_rows(content, "xl/worksheets/sheet1.xml")
        assert rows.count(["# 未应答 missing", missing[0]]) == 2
        assert ["未应答 missing", missing[0]] in sheet_rows(content, "xl/worksheets/notes.xml")


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_a_file_tells_whether_it_was_changed(ending: str, tmp_path: Path) -> None:
    rows = [["1", "x\r\n# 校验 sha256,0", 1, None, None]]
    file: CsvFile | XlsxFile = (
        CsvFile(COLUMNS, MARK, bom=True) if ending == "csv" else XlsxFile(COLUMNS, MARK)
    )
    content = made(file, rows)
    path = tmp_path / f"file.{ending}"
    path.write_bytes(content)
    found = look_at(path)
    assert (found.export, found.stated, found.content) == (ID, file.content_sha256, found.stated)
    assert found.file == hashlib.sha256(content).hexdigest()
    if ending == "csv":
        path.write_bytes(content.replace(b",1,", b",2,"))
        changed = look_at(path)
        assert changed.stated != changed.content


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_a_file_that_broke_off_is_not_taken_for_whole(ending: str, tmp_path: Path) -> None:
    file: CsvFile | XlsxFile = (
        CsvFile(COLUMNS, MARK, bom=True) if ending == "csv" else XlsxFile(COLUMNS, MARK)
    )
    path = tmp_path / "file"
    path.write_bytes(file.head(()) + file.rows([["1"] * 5]) + file.aborted("EXPORT_STOPPED"))
    if ending == "csv":
        assert look_at(path).aborted
        assert look_at(path).stated is None
    else:
        with pytest.raises(ExportInvalid):
            look_at(path)
