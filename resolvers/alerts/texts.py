"""The text of a signal's message (E6), to the character:

    预警系统提示-编号32012620261128001,江宁区，请关注麻疹

It is made of three things that are no person's: the number of the signal (county, day and serial:
17 digits, from the thousandth of a county and day on 18), the name of a code of GB/T 2260, the name
of a disease. Whatever else is given raises ValueError, so that nothing personal can come into a
message.

The plan writes `**县` where the county stands, and `县（区）` where it speaks of counties at large:
县 is the word for what a county is, and an official name ends in its own (郎溪县, 江宁区, 昆山市,
土默特左旗). So the official name stands there. 江宁区县 would be no name, and 江宁县 another place.
`县` of COUNTY_WORDS follows the letter instead, for whoever must: the name without its last word,
then 县.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from regions.areas import Areas

__all__ = ["CODE_NAMES", "COUNTY_WORDS", "county_name", "message_text"]

COUNTY_WORDS = ("own", "县")
"""What follows a county's name: its own word, or 县 always."""

CODE_NAMES: Mapping[str, str] = {"plague": "1号病", "cholera": "2号病"}
"""Diseases that are not called by their name (PLAN: 1号病指鼠疫，2号病指霍乱)."""

_SERIAL = re.compile(r"[0-9]{3}|[1-9][0-9]{3}")
_OWN_WORDS = ("自治县", "自治旗", "县", "区", "市", "旗")
_DISEASE = re.compile(r"[\w()（）·、,，/+ -]{1,60}")


def county_name(areas: Areas, code: str, word: str = "own") -> str:
    """What a county is called in a message. `word` is one of COUNTY_WORDS.

    A code that died is called as what it became; where it was split, as it was called last. Raises
    ValueError where nobody knows the code.
    """
    living = areas.successor(code)
    if living is not None:
        name = areas.name(living)
    else:
        last = [one.old_name for one in areas.changes if one.old_code == code]
        if not last:
            raise ValueError(f"{code[:6]!r} is no code of GB/T 2260")
        name = last[-1]
    if word == "own":
        return name
    bare = next((name.removesuffix(one) for one in _OWN_WORDS if name.endswith(one)), name)
    return f"{bare}县"


_PLACES = ("县", "区", "市", "旗", "省", "州", "盟")
"""Counties; provinces and prefectures too, of which alone some cards know the place."""


def message_text(number: str, county: str, disease: str, name: str, *, code: str, day: str) -> str:
    """The text: `number` of the signal of a `code` and `day` (2026-11-28), `county` as
    `county_name` says, the disease by its key and its Chinese name.

    Raises ValueError where one of them is not what it should be.
    """
    begins = f"{code}{day.replace('-', '')}"
    if not number.startswith(begins) or not _SERIAL.fullmatch(number[len(begins) :]):
        raise ValueError("the number of a signal is its county, its day and a serial: 17 digits")
    if not county.endswith(_PLACES):
        raise ValueError("a place's name ends in " + ", ".join(_PLACES))
    called = CODE_NAMES.get(disease, name)
    if not _DISEASE.fullmatch(called) or re.search(r"\d{5}", called):
        raise ValueError("a disease is called by a name")
    return f"预警系统提示-编号{number},{county}，请关注{called}"
