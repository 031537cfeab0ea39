"""Lists of people as bytes: what programs write is read, what is made to harm is refused (C6)."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from datetime import date, datetime, time
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regions.errors import SheetUnreadable
from resolvers.assist.sheets import BROKEN, LOST_DIGITS, MOST_BYTES, read_sheet

ID = "99010119900307001X"


def book(rows: Iterable[Iterable[Any]], title: str = "名单") -> bytes:
    made = openpyxl.Workbook()
    sheet = made.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(list(row))
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def changed(content: bytes, name: str, text: bytes) -> bytes:
    """A workbook with another text for one of its members."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for one in old.namelist():
            new.writestr(one, text if one == name else old.read(one))
    return out.getvalue()


def cells(content: bytes) -> list[tuple[str, ...]]:
    return [row.cells for row in read_sheet(content).rows]


def refused(content: bytes) -> SheetUnreadable:
    with pytest.raises(SheetUnreadable) as found:
        read_sheet(content)
    assert found.value.code == "SHEET_UNREADABLE"
    assert found.value.message_zh
    return found.value


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_csv_of_every_program_is_read(encoding: str, delimiter: str) -> None:
    text = f"姓名{delimiter}证件号码\r\n王芳{delimiter}{ID}\r\n\r\n李强{delimiter}\r\n"
    sheet = read_sheet(text.encode(encoding))
    assert sheet.header == ("姓名", "证件号码")
    assert [(row.line, row.cells) for row in sheet.rows] == [(2, ("王芳", ID)), (4, ("李强", ""))]


def test_a_name_beyond_gbk_is_read_as_gb_18030() -> None:
    assert cells("姓名\n𠮷𰻝\n".encode("gb18030")) == [("𠮷𰻝",)]


def test_a_csv_keeps_quoted_lines_and_counts_the_programs_lines() -> None:
    sheet = read_sheet('姓名,备注\n王芳,"一\n二"\n李强,三\n'.encode())
    assert [(row.line, row.cells[1]) for row in sheet.rows] == [(2, "一\n二"), (4, "三")]


@pytest.mark.parametrize(
    ("cell", "read"),
    [
        (f'="{ID}"', ID),
        ("'+8613900000000", "+8613900000000"),
        ("'=1+1", "=1+1"),
        ("'张", "'张"),
        ("3.20102E+17", LOST_DIGITS),
        ("3.2e+17", LOST_DIGITS),
        ("  王芳\t", "王芳"),
        ("013800000000", "013800000000"),
    ],
)
def test_what_programs_do_to_digits_in_csv(cell: str, read: str) -> None:
    quoted = cell.replace('"', '""')
    assert cells(f'电话,姓名\n"{quoted}",x\n'.encode()) == [(read, "x")]


def test_a_csv_whose_quotes_do_not_close_names_the_line() -> None:
    assert "line 2" in refused('姓名\n"王芳\n李强\n'.encode()).message


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (ID, ID),
        (13900000000, "13900000000"),
        (320102199003070012, LOST_DIGITS),
        (3.20102199003070e17, LOST_DIGITS),
        (36.0, "36"),
        (36.6, "36.6"),
        (date(2026, 11, 20), "2026-11-20"),
        (datetime(2026, 11, 20), "2026-11-20"),
        (datetime(2026, 11, 20, 8, 30), "2026-11-20T08:30:00"),
        (time(8, 30), "08:30:00"),
        (True, "TRUE"),
        ("=A1+1", BROKEN),
        ('=HYPERLINK("http://x","y")', BROKEN),
        ("#REF!", BROKEN),
        ("  王芳 ", "王芳"),
    ],
)
def test_cells_of_a_workbook_become_text_or_are_marked(value: Any, read: str) -> None:
    assert cells(book([["a", "b"], [value, "x"]])) == [(read, "x")]


def test_lines_are_those_of_the_program_and_blank_rows_are_none() -> None:
    sheet = read_sheet(book([["姓名"], [None], ["王芳"], [" "], ["李强"]]))
    assert [(row.line, row.cells) for row in sheet.rows] == [(3, ("王芳",)), (5, ("李强",))]


def test_the_first_sheet_with_anything_is_read_and_the_others_are_named() -> None:
    made = openpyxl.Workbook()
    for name, rows in (("空", []), ("名单", [["姓名"], ["王芳"]]), ("说明", [["x"]])):
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
    hidden = made.create_sheet("藏")
    hidden.append(["姓名"])
    hidden.sheet_state = "hidden"
    out = io.BytesIO()
    made.save(out)
    found = read_sheet(out.getvalue())
    assert (found.header, found.others) == (("姓名",), ("说明",))


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_five_thousand_rows_are_read_and_one_more_is_refused() -> None:
    row = ["王芳", ID, "同餐"]
    assert len(read_sheet(book([["a", "b", "c"], *[row] * 5_000])).rows) == 5_000
    assert "5,000" in refused(book([["a", "b", "c"], *[row] * 5_001])).message
    line = f"王芳,{ID}\n"
    assert len(read_sheet(("a,b\n" + line * 5_000).encode()).rows) == 5_000
    assert "5,000" in refused(("a,b\n" + line * 5_001).encode()).message


@pytest.mark.parametrize("content", [b"", b"\n\n", b",,\n", "\ufeff".encode()])
def test_nothing_is_no_list(content: bytes) -> None:
    assert "empty" in refused(content).message


def test_too_many_bytes_are_not_looked_at() -> None:
    assert "8 MB" in refused(b"x" * (MOST_BYTES + 1)).message


def test_a_workbook_that_unpacks_to_too_much_is_refused_unread() -> None:
    bomb = changed(book([["a"]]), "xl/worksheets/sheet1.xml", b"0" * (49 * 1024 * 1024))
    assert len(bomb) < 200_000
    assert "unpacks" in refused(bomb).message


def test_a_size_that_lies_is_found_out() -> None:
    """The directory says few bytes where there are many: zipfile reads no more than it says."""
    bomb = changed(book([["a"]]), "xl/worksheets/sheet1.xml", b" " * (49 * 1024 * 1024))
    data = bytearray(bomb)
    at = data.rfind(b"xl/worksheets/sheet1.xml") - 46
    assert data[at : at + 4] == b"PK\x01\x02"
    data[at + 24 : at + 28] = struct.pack("<I", 1_000)
    assert "damaged" in refused(bytes(data)).message


def test_a_workbook_of_too_many_members_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(301):
            archive.writestr(f"xl/{number}.xml", "x")
    assert "unpacks" in refused(out.getvalue()).message


@pytest.mark.parametrize("member", ["xl/worksheets/sheet1.xml", "xl/workbook.xml"])
def test_entities_are_refused(member: str) -> None:
    laughs = b"".join(b'<!ENTITY e%d "%s">' % (n, b"&e%d;" % (n - 1) * 10) for n in range(1, 9))
    text = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "ha">' + laughs + b"]><x>&e8;</x>"
    assert "damaged" in refused(changed(book([["a"], ["b"]]), member, text)).message


def test_an_entity_that_names_a_file_is_refused(tmp_path: Any) -> None:
    (tmp_path / "secret").write_text("root:x:0:0")
    text = (
        f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file://{tmp_path}/secret">]><x>&f;</x>'
    ).encode()
    refused(changed(book([["a"], ["b"]]), "xl/worksheets/sheet1.xml", text))


def test_a_row_far_below_is_no_million_rows() -> None:
    """Rows the sheet skips are blank; a number of a row past what a sheet has is refused."""
    content = book([["姓名"], ["王芳"]])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        text = archive.read("xl/worksheets/sheet1.xml")
    assert b'<row r="2"' in text
    far = text.replace(b'r="2"', b'r="9000"').replace(b'"A2"', b'"A9000"')
    assert [
        row.line for row in read_sheet(changed(content, "xl/worksheets/sheet1.xml", far)).rows
    ] == [9000]
    beyond = text.replace(b'r="2"', b'r="999999999"').replace(b'"A2"', b'"A999999999"')
    refused(changed(content, "xl/worksheets/sheet1.xml", beyond))


def test_old_and_locked_workbooks_are_told_apart_from_damaged_ones() -> None:
    assert "old or password" in refused(b"\xd0\xcf\x11\xe0" + b"\0" * 600).message
    assert "damaged" in refused(book([["a"]])[:-200]).message
    assert "damaged" in refused(b"PK\x03\x04" + b"\0" * 100).message


def test_bytes_that_are_no_text_are_refused() -> None:
    assert "neither" in refused(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR").message
    assert "neither" in refused(b"\xff\xff\xff\xff").message


def test_a_wide_sheet_and_a_long_cell_are_refused() -> None:
    assert "columns" in refused((",".join("x" * 101) + "\n").encode()).message
    assert "columns" in refused(book([["x"] * 101])).message
    assert "characters" in refused(("a\n" + "x" * 2_001 + "\n").encode()).message


def test_no_message_has_a_value_of_a_cell() -> None:
    for content in (f'姓名\n"{ID}\n'.encode(), f"a\n{ID}{'x' * 2_000}\n".encode()):
        found = refused(content)
        assert ID not in f"{found.message}{found.message_zh}{found.hint}{found.hint_zh}"


@given(st.binary(max_size=300))
def test_any_bytes_are_a_list_or_a_named_refusal(content: bytes) -> None:
    for start in (b"", b"PK\x03\x04"):
        with suppress(SheetUnreadable):
            assert read_sheet(start + content).header


_CELLS = st.text(
    st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="'=＝＋－＠+-@#\ufeff"),
    max_size=12,
)


@given(st.lists(st.lists(_CELLS, min_size=2, max_size=2), min_size=1, max_size=6))
def test_a_workbook_gives_back_what_was_put_in(rows: list[list[str]]) -> None:
    wanted = [tuple(one.strip() for one in row) for row in rows]
    wanted = [row for row in wanted if any(row)]
    assert cells(book([["a", "b"], *rows])) == wanted
