"""A list of people to the people of a letter, row by row: what stands, what is wrong where (C6).

Pure but for hashing. A row with a mistake is told and left out, the others stand; nothing that was
typed is echoed. Somebody who stands in the list twice is flagged, never refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from regions.blind_index import BlindIndexer
from regions.errors import SheetUnreadable
from resolvers.assist.people_columns import (
    COLUMNS,
    ID_TYPES,
    LEVELS,
    MANNERS,
    SEXES,
    ListColumn,
    folded,
)
from resolvers.assist.sheets import BROKEN, LOST_DIGITS, Sheet, SheetRow
from resolvers.writing.people import NewPerson, new_person
from resolvers.writing.refusing import Mistakes
from resolvers.writing.values import Moment, is_mask, text
from schema.enums import ContactManner
from schema.people import PersonInput

__all__ = ["ListMistake", "ListedPerson", "ListedRow", "PeopleList", "read_people"]

_PERSON = frozenset(
    {
        "name",
        "sex",
        "age",
        "birth_date",
        "id_type",
        "id_number",
        "phone",
        "employer",
        "employer_location",
        "residence",
        "residence_code",
        "whereabouts",
        "guardian",
    }
)
_LONGEST = {"place": 500, "seat": 100, "remarks": 2000}
_CODE = re.compile(r"[0-9]{6,12}")
_DAY = re.compile(
    r"(\d{4})(?:[-/.年])(\d{1,2})(?:[-/.月])(\d{1,2})日?(?:[T ]\d{1,2}:\d{2}(?::\d{2})?)?"
    r"|(\d{4})(\d{2})(\d{2})"
)
_AGE = re.compile(r"(\d{1,3})\s*(?:周岁|岁)?")
_NO_DAY = ("this is no day: write YYYY-MM-DD", "不是有效日期，请填写 YYYY-MM-DD")


@dataclass(frozen=True, slots=True)
class ListMistake:
    """What is wrong in a row: the column as the header has it, "" for the row as a whole."""

    column: str
    message: str
    message_zh: str


@dataclass(slots=True)
class ListedPerson:
    """A person as the letter takes it."""

    person: NewPerson
    level: str
    manner: tuple[str, ...]
    last_contact_on: str | None
    whereabouts_code: str | None
    items: dict[str, str | None]  # place, seat, remarks


@dataclass(slots=True)
class ListedRow:
    """One row. `same_as` is the line in which the person stands first, where this is a repetition:
    by ID number, phone, or name and birth date.
    """

    line: int
    person: ListedPerson | None = None
    mistakes: list[ListMistake] = field(default_factory=list)
    same_as: int | None = None


@dataclass(frozen=True, slots=True)
class PeopleList:
    """Every row in order; titles of columns that mean nothing here; sheets that were not read."""

    rows: tuple[ListedRow, ...]
    ignored: tuple[str, ...]
    other_sheets: tuple[str, ...]


def read_people(sheet: Sheet, indexer: BlindIndexer, moment: Moment) -> PeopleList:
    """The people of a list. Raises SheetUnreadable where its header says nothing of anybody."""
    places, ignored = _places(sheet.header)
    rows = tuple(_read(one, sheet.header, places, indexer, moment) for one in sheet.rows)
    first: dict[str, int] = {}
    for row in rows:
        if row.person is None:
            continue
        mine = [index for index in row.person.person.indexes if index is not None]
        row.same_as = min((first[index] for index in mine if index in first), default=None)
        for index in mine:
            first.setdefault(index, row.line)
    return PeopleList(rows, ignored, sheet.others)


def _places(header: Sequence[str]) -> tuple[dict[str, int], tuple[str, ...]]:
    """Where each field stands, and the titles that mean nothing."""
    known = _titles()
    places: dict[str, int] = {}
    ignored = []
    for place, title in enumerate(header):
        column = known.get(folded(title))
        if column is None:
            if title and title not in (BROKEN, LOST_DIGITS):
                ignored.append(title[:60])
        elif column.field in places:
            raise SheetUnreadable(
                f"two columns of the list mean the same: {column.title}",
                f"表头中“{column.zh}”重复",
                hint="keep one of them",
                hint_zh="请只保留一列",
            )
        else:
            places[column.field] = place
    if not places.keys() & {"name", "id_number", "phone"}:
        raise SheetUnreadable(
            "the first row names no column of names, ID numbers or phone numbers",
            "首行没有姓名、证件号码或联系电话列",
            hint="use the titles of the template",
            hint_zh="请使用模板的表头",
        )
    return places, tuple(ignored)


def _titles() -> Mapping[str, ListColumn]:
    found: dict[str, ListColumn] = {}
    for column in COLUMNS:
        for name in (column.title, column.zh, column.en, column.field, *column.others):
            found[folded(name)] = column
    return found


def _read(
    row: SheetRow,
    header: Sequence[str],
    places: Mapping[str, int],
    indexer: BlindIndexer,
    moment: Moment,
) -> ListedRow:
    mistakes = Mistakes()
    cells = {
        name: row.cells[place]
        for name, place in places.items()
        if place < len(row.cells) and row.cells[place] and not is_mask(row.cells[place])
    }
    for name in [one for one, cell in cells.items() if cell in (LOST_DIGITS, BROKEN)]:
        if cells.pop(name) == LOST_DIGITS:
            mistakes.add(
                [name],
                "the program kept this as a number and cut its last digits: format the column as "
                "text and type it again",
                "该单元格被存为数字，末位已丢失：请将该列设为文本格式后重新填写",
            )
        else:
            mistakes.add(
                [name],
                "a formula or an error stands here: paste its value",
                "该单元格为公式或错误值：请粘贴为数值",
            )
    values = {name: _value(name, cell, mistakes) for name, cell in cells.items()}
    given = {name: value for name, value in values.items() if name in _PERSON}
    person = new_person(PersonInput(**given), indexer, mistakes, [], moment)
    last = values.get("last_contact_on")
    if last is not None and last > moment.today:
        mistakes.add(["last_contact_on"], "this day lies in the future", "日期在将来")
    items = {
        name: text(values.get(name), mistakes, [name], longest)
        for name, longest in _LONGEST.items()
    }
    found = ListedRow(row.line)
    if mistakes.found:
        found.mistakes = [
            ListMistake(_column(one.path, header, places), one.message, one.message_zh)
            for one in mistakes.found
        ]
        return found
    found.person = ListedPerson(
        person,
        values.get("level") or "CLOSE",
        values.get("manner") or (),
        last,
        values.get("whereabouts_code"),
        items,
    )
    return found


def _column(path: Sequence[str], header: Sequence[str], places: Mapping[str, int]) -> str:
    """The list's own title of the column a mistake is about."""
    if not path:
        return ""
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", path[-1]).lower()
    if name in places:
        return header[places[name]]
    return next((one.title for one in COLUMNS if one.field == name), "")


def _value(name: str, cell: str, mistakes: Mistakes) -> Any:
    """A cell read as its column wants it; None with a mistake."""
    read = _READERS.get(name)
    return cell if read is None else read(cell, mistakes, name)


def _word(known: Mapping[str, str], message: str, message_zh: str) -> Callable[..., str | None]:
    def read(cell: str, mistakes: Mistakes, name: str) -> str | None:
        bare = folded(cell)
        found = known.get(bare) or {one.lower(): one for one in known.values()}.get(bare)
        if found is None:
            mistakes.add([name], message, message_zh)
        return found

    return read


def _id_type(cell: str, _: Mistakes, __: str) -> str:
    return ID_TYPES.get(folded(cell), cell)  # what else may stand there is checked with the person


def _day(cell: str, mistakes: Mistakes, name: str) -> str | None:
    found = _DAY.fullmatch(cell)
    if found is not None:
        try:
            return date(*(int(part) for part in found.groups() if part)).isoformat()
        except ValueError:
            pass
    mistakes.add([name], *_NO_DAY)
    return None


def _age(cell: str, _: Mistakes, __: str) -> str:
    found = _AGE.fullmatch(cell)
    return found[1] if found else cell


def _manners(cell: str, mistakes: Mistakes, name: str) -> tuple[str, ...] | None:
    names = {one.name for one in ContactManner}
    found: dict[str, None] = {}
    for part in re.split("[;；、,，/ ]+", cell):
        if not part:
            continue
        manner = MANNERS.get(part) or (part.upper() if part.upper() in names else None)
        if manner is None:
            mistakes.add(
                [name],
                "this manner of contact is not known: see the template's notes",
                "接触方式无法识别，见模板说明",
            )
            return None
        found[manner] = None
    return tuple(found)


def _code(cell: str, mistakes: Mistakes, name: str) -> str | None:
    if _CODE.fullmatch(cell):
        return cell
    mistakes.add([name], "a code has 6 to 12 digits", "代码须为 6 至 12 位数字")
    return None


def _county(cell: str, mistakes: Mistakes, name: str) -> str | None:
    found = _code(cell, mistakes, name)
    return found[:6] if found else None


_READERS: Mapping[str, Callable[..., Any]] = {
    "sex": _word(SEXES, "sex is 男 or 女, M or F", "性别填写男或女"),
    "age": _age,
    "birth_date": _day,
    "id_type": _id_type,
    "residence_code": _county,
    "whereabouts_code": _code,
    "level": _word(
        LEVELS, "the level is 密接, 次密接 or 一般接触者", "类型填写密接、次密接或一般接触者"
    ),
    "manner": _manners,
    "last_contact_on": _day,
}
