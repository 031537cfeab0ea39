"""People as they are registered: their items checked, sealed and indexed (B11, B13, F10, F12)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import chain
from typing import Any

from regions.blind_index import BlindIndexer, check_digit, normal_id_number, normal_phone
from regions.people import INDEX_SETS, PERSON_ITEMS
from regions.sealing import PersonSealer
from resolvers.writing.places import known_code
from resolvers.writing.refusing import Mistakes
from resolvers.writing.values import Moment, is_given, item, text, word
from schema.people import PersonInput

__all__ = [
    "PEOPLE_COLUMNS",
    "PERSON_READERS",
    "NewPerson",
    "Value",
    "agree",
    "agree_on_county",
    "new_person",
    "person_row",
]

Value = str | int | None
Path = Sequence[str]
Reader = Callable[[Any, Mistakes, Path, Moment], Value]

RESIDENT_ID = "RESIDENT_ID"
OLDEST = 130
_AGES_APART = 2  # an age counted in the old way (虚岁) may be two more
_NUMBER = re.compile(r"\w[\w()/.-]{2,39}")  # 军字第…号 is one, too

PEOPLE_COLUMNS = (
    "id",
    "code",
    "residence_code",
    "nationality",
    "occupation",
    "medical_worker",
    "sealed",
    "id_number_index",
    "phone_index",
    "name_birth_index",
    "reporter",
    "reporter_unit",
    "created_at",
    "updated_at",
    "version",
    *INDEX_SETS[1],
)
"""The columns `person_row` fills, in its order."""


@dataclass(slots=True)
class NewPerson:
    """A person to register: sealed items by name, public columns, the blind indexes to look for."""

    items: dict[str, Value] = field(default_factory=dict)
    columns: dict[str, Value] = field(default_factory=dict)
    indexes: tuple[str | None, ...] = (None, None, None)


def new_person(
    given: PersonInput, indexer: BlindIndexer, mistakes: Mistakes, path: Path, moment: Moment
) -> NewPerson:
    """A person from an input. What is wrong is added to the mistakes."""
    items: dict[str, Value] = {}
    before = len(mistakes.found)
    for name, read in PERSON_READERS.items():
        value = getattr(given, name)
        if is_given(value):
            items[name] = read(value, mistakes, [*path, _camel(name)], moment)
    if items.get("id_number") is not None:
        items.setdefault("id_type", RESIDENT_ID)
    agree(items, mistakes, path, moment)
    if len(mistakes.found) == before:
        _derive(items, moment)
        if not any(items.get(name) for name in ("name", "id_number", "phone")):
            mistakes.add(
                path,
                "give at least a name, an ID number or a phone number",
                "至少填写姓名、证件号码或联系电话之一",
            )
    columns: dict[str, Value] = {
        "nationality": text(given.nationality, mistakes, [*path, "nationality"], 60),
        "occupation": text(given.occupation, mistakes, [*path, "occupation"], 60),
        "medical_worker": given.medical_worker.name if given.medical_worker else None,
        "residence_code": given.residence_code or county_of(items.get("residence_area")),
    }
    if given.residence_code is not None:
        known_code(given.residence_code, mistakes, [*path, "residenceCode"])
    agree_on_county(items, given.residence_code, mistakes, [*path, "residenceArea"])
    indexes = chain.from_iterable(one.person(items) for one in indexer.every())
    return NewPerson(items, columns, tuple(indexes))


def agree(items: Mapping[str, Value], mistakes: Mistakes, path: Path, moment: Moment) -> None:
    """Adds a mistake where items that were given together contradict each other."""
    number = items.get("id_number")
    if items.get("id_type", RESIDENT_ID) == RESIDENT_ID and isinstance(number, str):
        told = _told_by(number, moment)
        if told is None:
            mistakes.add(
                [*path, "idNumber"],
                "this is no resident's ID number: 18 digits (or X last) with their checksum, or "
                "15; for another document give idType",
                "不是有效的居民身份证号码（18 位含校验码，或 15 位）；其他证件请填写 idType",
            )
        else:
            for name, value in zip(("birth_date", "sex"), told, strict=True):
                if items.get(name) not in (None, value):
                    mistakes.add(
                        [*path, _camel(name)],
                        f"{_camel(name)} and the ID number contradict each other",
                        f"{'出生日期' if name == 'birth_date' else '性别'}与身份证号码不符",
                    )
    birth, age = items.get("birth_date"), items.get("age")
    if not isinstance(birth, str) or not isinstance(age, int):
        return
    if abs(_age(birth, moment) - age) > _AGES_APART:
        mistakes.add(
            [*path, "age"],
            "age and birth date contradict each other: give the birth date alone",
            "年龄与出生日期不符，请只填写出生日期",
        )


def county_of(area: Value) -> str | None:
    """The county of a town or village."""
    return area[:6] if isinstance(area, str) else None


def agree_on_county(
    items: Mapping[str, Value], county: Value, mistakes: Mistakes, path: Path
) -> None:
    """Adds a mistake where a town or village that was given lies in another county than given."""
    of_area = county_of(items.get("residence_area"))
    if of_area is not None and county not in (None, of_area):
        mistakes.add(
            path,
            "residenceArea lies in another county than residenceCode",
            "现住址的乡镇（村）代码与县（区）代码不符",
        )


def _derive(items: dict[str, Value], moment: Moment) -> None:
    """Birth date and sex from a resident's ID number, age from the birth date."""
    number = items.get("id_number")
    if items.get("id_type") == RESIDENT_ID and isinstance(number, str):
        told = _told_by(number, moment)
        if told is not None:
            for name, value in zip(("birth_date", "sex"), told, strict=True):
                if items.get(name) is None:
                    items[name] = value
    birth = items.get("birth_date")
    if isinstance(birth, str):
        items["age"] = _age(birth, moment)


def _told_by(number: str, moment: Moment) -> tuple[str, str] | None:
    """Birth date and sex by a resident's ID number; None where it is none."""
    number = normal_id_number(number)
    first17 = number[:17]
    if len(number) != 18 or not (first17.isascii() and first17.isdigit()):
        return None
    if check_digit(first17) != number[17]:
        return None
    try:
        birth = date(int(number[6:10]), int(number[10:12]), int(number[12:14])).isoformat()
    except ValueError:
        return None
    if birth > moment.today or _age(birth, moment) > OLDEST:
        return None
    return birth, "M" if int(number[16]) % 2 else "F"


def _age(birth: str, moment: Moment) -> int:
    today = moment.today
    return int(today[:4]) - int(birth[:4]) - (today[5:] < birth[5:])


def person_row(
    person: NewPerson,
    person_id: int,
    sealer: PersonSealer,
    indexes: tuple[str | None, ...],
    code: str,
    reporter: tuple[str, str],
    at: str,
) -> tuple[Any, ...]:
    """The row of a new person, in the order of PEOPLE_COLUMNS. `reporter`: account and unit;
    `indexes`: `BlindIndexer.columns`.
    """
    columns = person.columns
    return (
        person_id,
        code,
        columns["residence_code"],
        columns["nationality"],
        columns["occupation"],
        columns["medical_worker"],
        sealer.seal("people", person_id, person.items),
        *indexes[:3],
        *reporter,
        at,
        at,
        1,
        *indexes[3:],
    )


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def _texts(longest: int) -> Reader:
    def read(value: str, mistakes: Mistakes, path: Path, _: Moment) -> Value:
        return item(value, mistakes, path, longest)

    return read


def _sex(value: str, mistakes: Mistakes, path: Path, _: Moment) -> Value:
    if value.strip() in ("M", "F"):
        return value.strip()
    mistakes.add(path, "sex is M or F", "性别填写 M（男）或 F（女）")
    return None


def _years(value: str | int, mistakes: Mistakes, path: Path, _: Moment) -> Value:
    digits = str(value).strip()
    if digits.isascii() and digits.isdigit() and int(digits[:4]) <= OLDEST and len(digits) < 5:
        return int(digits)
    mistakes.add(
        path, f"an age is a whole number from 0 to {OLDEST}", f"年龄为 0 至 {OLDEST} 的整数"
    )
    return None


def _birth(value: str, mistakes: Mistakes, path: Path, moment: Moment) -> Value:
    try:
        birth = date.fromisoformat(value.strip()).isoformat()
    except ValueError:
        mistakes.add(path, "a birth date is a day, YYYY-MM-DD", "出生日期格式为 YYYY-MM-DD")
        return None
    if birth > moment.today:
        mistakes.add(path, "the birth date lies in the future", "出生日期在将来")
    elif _age(birth, moment) > OLDEST:
        mistakes.add(
            path, f"the birth date is over {OLDEST} years ago", f"出生日期距今超过 {OLDEST} 年"
        )
    else:
        return birth
    return None


def _id_type(value: str, mistakes: Mistakes, path: Path, _: Moment) -> Value:
    return word(value, mistakes, path, 40)


def _id_number(value: str, mistakes: Mistakes, path: Path, _: Moment) -> Value:
    number = normal_id_number(value) if len(value) <= 100 else ""
    if len(number) == 18 and number[:17].isascii() and number[:17].isdigit():
        return number
    if _NUMBER.fullmatch(number):
        return number
    mistakes.add(
        path,
        "the number of a document has 3 to 40 letters, digits and ( ) / . -",
        "证件号码为 3 至 40 位字母、数字及 ( ) / . -",
    )
    return None


def _phone(value: str, mistakes: Mistakes, path: Path, _: Moment) -> Value:
    bare = text(value, mistakes, path, 40)
    if bare is not None and not 5 <= len(normal_phone(bare)) <= 20:
        mistakes.add(path, "a phone number has 5 to 20 digits", "电话号码为 5 至 20 位数字")
        return None
    return bare


def _area(value: str, mistakes: Mistakes, path: Path, _: Moment) -> Value:
    code = value.strip()
    if code.isascii() and code.isdigit() and len(code) in (9, 12):
        return code if known_code(code[:6], mistakes, path) else None
    mistakes.add(
        path,
        "the code of a town has 9 digits, of a village 12",
        "乡镇代码为 9 位、村（居）代码为 12 位",
    )
    return None


PERSON_READERS: Mapping[str, Reader] = {
    "name": _texts(100),
    "sex": _sex,
    "age": _years,
    "birth_date": _birth,
    "id_type": _id_type,
    "id_number": _id_number,
    "phone": _phone,
    "employer": _texts(200),
    "employer_location": _texts(300),
    "residence": _texts(300),
    "whereabouts": _texts(300),
    "guardian": _texts(100),
    "residence_area": _area,
}
"""How each sealed item of a person is read from an input, in the order of the envelope."""

assert tuple(PERSON_READERS) == PERSON_ITEMS
