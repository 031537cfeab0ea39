"""A list of people row by row: what stands, what is wrong where, who stands twice (C6)."""

from __future__ import annotations

import io

import pytest

from regions.blind_index import BlindIndexer, check_digit
from regions.errors import SheetUnreadable
from resolvers.assist.people_columns import COLUMNS, LEVELS, MANNERS
from resolvers.assist.people_list import ListedRow, PeopleList, read_people
from resolvers.assist.sheets import read_sheet
from resolvers.assist.template import template_csv, template_xlsx
from resolvers.writing.values import Moment
from schema.enums import ContactLevel, ContactManner

MOMENT = Moment("2026-11-28T04:00:00Z")
INDEXER = BlindIndexer(b"k" * 32)


def id_number(born: str, sequence: int = 1) -> str:
    first17 = f"990101{born}{sequence:03d}"
    return first17 + check_digit(first17)


ID = id_number("19900307")


def people(text: str) -> PeopleList:
    return read_people(read_sheet(text.encode()), INDEXER, MOMENT)


def row(header: str, line: str) -> ListedRow:
    (found,) = people(f"{header}\n{line}\n").rows
    return found


def mistake(header: str, line: str) -> tuple[str, str]:
    found = row(header, line)
    assert found.person is None
    (one,) = found.mistakes
    assert one.message_zh
    return one.column, one.message


def test_a_row_in_officers_words_is_a_person() -> None:
    found = row(
        "序号,姓名,性别,身份证号,手机号,工作单位,现住址,密接类型,接触方式,最后接触时间,"
        "所在地代码,车次座位,备注",
        f"1,王芳,女,{id_number('19900307', 2).lower()},139 0000 0000,某厂,某路 1 号,次密接,"
        "同餐、同车；同餐,2026年11月20日,320102003,G1 5车3A,无",
    )
    assert found.mistakes == []
    one = found.person
    assert one is not None
    assert one.person.items["name"] == "王芳"
    assert (one.person.items["sex"], one.person.items["birth_date"]) == ("F", "1990-03-07")
    assert (one.person.items["age"], one.person.items["id_type"]) == (36, "RESIDENT_ID")
    assert (one.level, one.manner) == ("SECONDARY", ("SHARED_MEAL", "SHARED_VEHICLE_OR_FLIGHT"))
    assert (one.last_contact_on, one.whereabouts_code) == ("2026-11-20", "320102003")
    assert one.items == {"place": None, "seat": "G1 5车3A", "remarks": "无"}


def test_english_words_and_names_of_enums_are_read_too() -> None:
    found = row(
        "Name,Sex,Level,Manner,Last contact", "Li Qiang,f,general,shared_meal NURSING,20261120"
    )
    assert found.person is not None
    assert found.person.person.items["sex"] == "F"
    assert (found.person.level, found.person.manner) == ("GENERAL", ("SHARED_MEAL", "NURSING"))
    assert found.person.last_contact_on == "2026-11-20"


def test_every_word_stands_for_a_value_there_is() -> None:
    assert {*MANNERS.values()} == {one.name for one in ContactManner}
    assert {*LEVELS.values()} == {one.name for one in ContactLevel}


@pytest.mark.parametrize(
    "text",
    ["2026-11-20", "2026/11/20", "2026.11.20", "2026年11月20日", "20261120", "2026-11-20 08:30"],
)
def test_days_are_read_as_they_are_written(text: str) -> None:
    found = row("姓名,末次接触日期", f"王芳,{text}")
    assert found.person is not None
    assert found.person.last_contact_on == "2026-11-20"


@pytest.mark.parametrize(
    ("header", "line", "column", "part"),
    [
        ("姓名,身份证号", f"王芳,{ID[:-1]}0", "身份证号", "no resident's ID number"),
        ("姓名,证件号码", "王芳,3.2E+17", "证件号码", "cut its last digits"),
        ("姓名,电话", "王芳,12", "电话", "5 to 20 digits"),
        ("姓名,性别", "王芳,不详", "性别", "男 or 女"),
        ("姓名,年龄", "王芳,约三十", "年龄", "whole number"),
        ("姓名,出生日期", "王芳,2026-02-30", "出生日期", "no day"),
        ("姓名,出生日期", "王芳,2027-01-01", "出生日期", "future"),
        ("姓名,末次接触日期", "王芳,上周", "末次接触日期", "no day"),
        ("姓名,末次接触日期", "王芳,2026-11-29", "末次接触日期", "future"),
        ("姓名,密接类型", "王芳,密密接", "密接类型", "level"),
        ("姓名,接触方式", "王芳,偶遇", "接触方式", "manner"),
        ("姓名,所在地代码", "王芳,3201", "所在地代码", "6 to 12"),
        ("姓名,现住址代码", "王芳,320199", "现住址代码", "no such code"),
        ("姓名,性别", ",男", "", "at least a name"),
        ("姓名,性别,证件号码", f"王芳,女,{ID}", "性别", "contradict"),
    ],
)
def test_what_is_wrong_is_told_by_the_lists_own_column(
    header: str, line: str, column: str, part: str
) -> None:
    found, message = mistake(header, line)
    assert found == column
    assert part in message
    assert "王芳" not in message
    assert ID not in message


def test_a_row_with_a_mistake_is_left_out_and_the_others_stand() -> None:
    found = people(f"姓名,证件号码\n王芳,{ID}\n李强,123456789012345678\n赵敏,\n")
    assert [(one.line, one.person is not None) for one in found.rows] == [
        (2, True),
        (3, False),
        (4, True),
    ]


def test_all_mistakes_of_a_row_are_told_at_once() -> None:
    found = row("姓名,性别,年龄,电话", "王芳,?,-1,1")
    assert [one.column for one in found.mistakes] == ["性别", "年龄", "电话"]


def test_whoever_stands_twice_is_flagged_with_the_first_line_by_any_of_three() -> None:
    found = people(
        "姓名,证件号码,电话,出生日期\n"
        f"王芳,{ID},13900000000,\n"
        "李强,,13900000001,1980-01-02\n"
        f"王 芳,{ID.lower()},,\n"
        "某人,,+86 139-0000-0000,\n"
        "李强,,,1980/1/2\n"
        "李强,,,\n"
    )
    assert [one.same_as for one in found.rows] == [None, None, 2, 2, 3, None]
    assert all(one.person for one in found.rows)


def test_a_row_that_does_not_stand_makes_no_duplicate() -> None:
    found = people(f"姓名,证件号码,性别\n王芳,{ID},?\n王芳,{ID},男\n")
    assert [one.same_as for one in found.rows] == [None, None]


def test_the_mask_sent_back_says_nothing() -> None:
    found = row("姓名,电话,现住址", "王芳,*,＊＊")
    assert found.person is not None
    assert set(found.person.person.items) == {"name"}


def test_a_header_without_anybody_and_one_that_says_a_thing_twice_are_refused() -> None:
    for text, part in (
        ("序号,备注\n1,x\n", "names no column"),
        ("姓名,电话,手机\n王,1,2\n", "mean the same"),
    ):
        with pytest.raises(SheetUnreadable, match=part):
            people(text)


def test_columns_that_mean_nothing_are_named() -> None:
    assert people("姓名,序号,血型\n王芳,1,A\n").ignored == ("序号", "血型")


def test_titles_are_told_whatever_marks_they_have() -> None:
    found = row("＊姓名：, 联系 电话(必填)", "王芳,13900000000")
    assert found.person is not None
    assert "phone" not in found.person.person.items  # 联系电话必填 is no title we know
    again = row("* 姓名 Name,联系电话 Phone", "王芳,13900000000")
    assert again.person is not None
    assert again.person.person.items["phone"] == "13900000000"


def test_no_two_columns_share_a_title() -> None:
    from resolvers.assist.people_columns import folded

    seen: dict[str, str] = {}
    for column in COLUMNS:
        for name in (column.title, column.zh, column.en, *column.others):
            assert seen.setdefault(folded(name), column.field) == column.field, name


@pytest.mark.parametrize("template", [template_csv(), template_xlsx()])
def test_the_template_is_a_list_of_nobody_whose_every_column_is_known(template: bytes) -> None:
    sheet = read_sheet(template)
    assert sheet.header == tuple(column.title for column in COLUMNS)
    found = read_people(sheet, INDEXER, MOMENT)
    assert (found.rows, found.ignored) == ((), ())


def test_a_filled_in_template_keeps_the_digits_of_numbers() -> None:
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(template_xlsx()))
    people_sheet = book.worksheets[0]
    place = {column.field: number for number, column in enumerate(COLUMNS, 1)}
    people_sheet.cell(2, place["name"], "王芳")
    people_sheet.cell(2, place["id_number"], ID)
    people_sheet.cell(2, place["phone"], "013900000000")
    out = io.BytesIO()
    book.save(out)
    (found,) = read_people(read_sheet(out.getvalue()), INDEXER, MOMENT).rows
    assert found.person is not None
    assert found.person.person.items["id_number"] == ID
    assert found.person.person.items["phone"] == "013900000000"
    assert people_sheet.cell(2, place["id_number"]).number_format == "@"


def test_a_thousand_people_are_read_in_one_go() -> None:
    lines = [f"人{n},{id_number('19800101', n % 1000)},139{n:08d}" for n in range(1_200)]
    found = people("姓名,证件号码,电话\n" + "\n".join(lines) + "\n")
    assert sum(one.person is not None for one in found.rows) == 1_200
    assert [one.line for one in found.rows if one.same_as] == list(range(1_002, 1_202))
