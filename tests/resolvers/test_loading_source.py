"""Reading a list: what is a CSV, in which encoding, and where it stops being one."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from regions.errors import LoadError
from resolvers.loading.source import ListFile


def rows(path: Path, **more: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    with ListFile(path, **more) as file:
        return file.header, list(file)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "list.csv"


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
@pytest.mark.parametrize("compressed", [False, True])
def test_a_list_is_read_with_or_without_mark_plain_or_compressed(
    path: Path, mark: bytes, ending: bytes, compressed: bool
) -> None:
    content = mark + ending.join([b" no ,name", "1,张三".encode(), b"", b'2,"a, b"']) + ending
    path.write_bytes(gzip.compress(content) if compressed else content)
    assert rows(path) == (["no", "name"], [(2, ["1", "张三"]), (4, ["2", "a, b"])])


def test_other_encodings_and_separators(path: Path) -> None:
    path.write_bytes("编号;姓名\n1;镕基𠮷\n".encode("gb18030"))
    assert rows(path, encoding="gb18030", delimiter=";") == (
        ["编号", "姓名"],
        [(2, ["1", "镕基𠮷"])],
    )


def test_a_cell_may_hold_several_lines_and_a_row_has_the_number_of_its_first(path: Path) -> None:
    path.write_text('no,remark\n1,"one\ntwo\nthree"\n2,x\n')
    assert rows(path)[1] == [(2, ["1", "one\ntwo\nthree"]), (5, ["2", "x"])]


def test_progress_is_in_bytes_of_the_file(path: Path) -> None:
    path.write_bytes(gzip.compress(b"no\n" + b"1\n" * 50_000))
    with ListFile(path) as file:
        assert sum(1 for _ in file) == 50_000
        assert file.position == file.size == path.stat().st_size


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "the file is empty"),
        (b"\n", "the file is empty"),
        (b" , \n1,2\n", "the file is empty"),
        (b"a,b,a\n", "list.csv:1: the column 'a' stands twice"),
        (b"PK\x03\x04rest", "a ZIP archive or an Excel workbook"),
        (b"\xd0\xcf\x11\xe0rest", "an old Excel workbook"),
        (b"%PDF-1.7", "a PDF document"),
        (b"no,name\n1,\x00\n", "byte 11 is 0: this is no text"),
        (gzip.compress(b"PK\x03\x04rest", mtime=0), "a ZIP archive or an Excel workbook"),
        (b"\xef\xbb\xbfno\n1\n\xd5\xc5\n", "list.csv:3: byte 9 (0xd5) is no UTF-8"),
        (b'no,name\n1,"open\n2,x\n', "list.csv:3: no CSV"),
        (b'no,name\n1,"a"b\n', "list.csv:2: no CSV"),
        (gzip.compress(b"no\n" + b"1\n" * 1000, mtime=0)[:-12], "damaged near byte"),
        (gzip.compress(b"no\n1\n", mtime=0)[:4] + b"x" * 30, "damaged near byte"),
    ],
)
def test_what_is_no_list_is_told_with_its_place(path: Path, content: bytes, told: str) -> None:
    path.write_bytes(content)
    with pytest.raises(LoadError) as failed:
        rows(path)
    assert told in failed.value.message
    assert str(path) in failed.value.message


def test_a_missing_file_is_told(path: Path) -> None:
    with pytest.raises(LoadError, match="No such file"):
        rows(path)
