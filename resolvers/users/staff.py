"""The private items of staff: read from an input and checked, sealed, and found by person (A1, A6).

Staff are not people of a region: their items are sealed for the country, in the gateway's own
store. A name at work is not private: the access log names whoever acted.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date

from regions.blind_index import check_digit, normal_id_number
from regions.users import STAFF_ITEMS
from resolvers.writing.refusing import Mistakes
from resolvers.writing.values import text
from schema.users.staff import ContactInput

__all__ = ["LONGEST_NAME", "id_number", "is_id_number", "phone", "read_contact", "read_items"]

LONGEST_NAME = 60
_PHONE = re.compile(r"\+?[0-9][0-9 ()-]{4,24}[0-9]")
_MOBILE = re.compile(r"(\+86|0086)?1[0-9]{10}")
_EMAIL = re.compile(r"[^\s@<>,;\"]{1,64}@(?:[^\W_]|-){1,63}(\.(?:[^\W_]|-){1,63})+")
_QQ = re.compile(r"[1-9][0-9]{4,11}")

_RULES: Mapping[str, tuple[re.Pattern[str], str, str]] = {
    "office_phone": (
        _PHONE,
        "this is no telephone number: digits, 010-83132265",
        "办公电话格式不正确",
    ),
    "mobile": (
        _MOBILE,
        "this is no mobile number: 11 digits that begin with 1",
        "手机号应为 11 位",
    ),
    "email": (_EMAIL, "this is no e-mail address", "电子邮箱格式不正确"),
    "qq": (_QQ, "a QQ number has 5 to 12 digits", "QQ 号为 5 至 12 位数字"),
}
_ID_NUMBER = (
    "this is no resident's ID number: 18 digits (or X last) with their checksum, or 15",
    "不是有效的居民身份证号码（18 位含校验码，或 15 位）",
)


def read_contact(
    given: ContactInput, mistakes: Mistakes, path: Sequence[str]
) -> dict[str, str | None]:
    """The items of an input, each as it is kept; what is wrong is added, never the value."""
    items: dict[str, str | None] = {}
    for name in _RULES:
        value = getattr(given, name)
        if name != "qq" or value:
            items[name] = phone(name, value, mistakes, [*path, _camel(name)])
    items["id_number"] = id_number(given.id_number, mistakes, [*path, "idNumber"])
    return items


def phone(name: str, given: str | None, mistakes: Mistakes, path: Sequence[str]) -> str | None:
    """A number or address by the rule of its name (`office_phone`, `mobile`, `email`, `qq`)."""
    pattern, message, message_zh = _RULES[name]
    value = text(given, mistakes, path)
    if value is None:
        if not mistakes.has(path):
            mistakes.add(path, f"{_camel(name)} is missing", "此项必填")
        return None
    value = unicodedata.normalize("NFKC", value)
    if not pattern.fullmatch(value):
        mistakes.add(path, message, message_zh)
    return value


def read_items(opened: Mapping[str, str | int | None]) -> dict[str, str | None]:
    """Items of an envelope as texts, all of them."""
    return {name: None if opened.get(name) is None else str(opened[name]) for name in STAFF_ITEMS}


def id_number(value: str, mistakes: Mistakes, path: Sequence[str]) -> str | None:
    """An ID number in its one form; None, and a mistake, where it is none."""
    number = normal_id_number(value)
    if is_id_number(number):
        return number
    mistakes.add(path, *_ID_NUMBER)
    return None


def is_id_number(number: str) -> bool:
    """Whether a number in its one form is a resident's: birth date and checksum fit (GB 11643)."""
    first17 = number[:17]
    if len(number) != 18 or not (first17.isascii() and first17.isdigit()):
        return False
    try:
        born = date.fromisoformat(f"{number[6:10]}-{number[10:12]}-{number[12:14]}")
    except ValueError:
        return False
    return born.year >= 1900 and number[17] == check_digit(first17)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
