"""The text of a message, to the character, and nothing personal in it (E6, leak channel 30)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regions.areas import Area, AreaChange, Areas, reference_areas
from resolvers.alerts.texts import CODE_NAMES, COUNTY_WORDS, county_name, message_text
from resolvers.reference import diseases

NUMBER = "34182120261128001"
OF: dict[str, str] = {"code": "341821", "day": "2026-11-28"}
COUNTIES = [one.code for one in reference_areas()]
"""Provinces and prefectures, too: of some cards no more is known."""
SHAPE = re.compile(r"预警系统提示-编号[0-9]{17,18},(\w+[县区市旗省州盟])，请关注(.+)")


def test_to_the_character() -> None:
    """PLAN: 预警系统提示-编号*****************,**县，请关注***（病名）/1号病/2号病."""
    text = message_text(NUMBER, county_name(reference_areas(), "341821"), "measles", "麻疹", **OF)
    assert text == "预警系统提示-编号34182120261128001,郎溪县，请关注麻疹"
    assert text.encode("unicode_escape") == (
        b"\\u9884\\u8b66\\u7cfb\\u7edf\\u63d0\\u793a-\\u7f16\\u53f734182120261128001,"
        b"\\u90ce\\u6eaa\\u53bf\\uff0c\\u8bf7\\u5173\\u6ce8\\u9ebb\\u75b9"
    )
    for key, called in (("plague", "1号病"), ("cholera", "2号病")):
        text = message_text(NUMBER, "郎溪县", key, diseases()[key].name_zh, **OF)
        assert text == f"预警系统提示-编号34182120261128001,郎溪县，请关注{called}"
        assert diseases()[key].name_zh not in text


@pytest.mark.parametrize(
    ("code", "own", "always"),
    [
        ("341821", "郎溪县", "郎溪县"),
        ("320115", "江宁区", "江宁县"),
        ("320583", "昆山市", "昆山县"),
        ("150121", "土默特左旗", "土默特左县"),
        ("150722", "莫力达瓦达斡尔族自治旗", "莫力达瓦达斡尔族县"),
        ("441900", "东莞市", "东莞县"),  # a prefecture without counties
        ("320124", "溧水区", "溧水县"),  # 撤县设区: 320117 now
    ],
)
def test_what_a_county_is_called(code: str, own: str, always: str) -> None:
    areas = reference_areas()
    assert [county_name(areas, code, word) for word in COUNTY_WORDS] == [own, always]


def test_a_county_that_was_split_is_called_as_it_was() -> None:
    areas = Areas(
        [Area(code, f"{code[-1]}区", "", "COUNTY", None, None) for code in ("990101", "990102")],
        [
            AreaChange(number, 2020, "拆分", "990109", "古县", code, "")
            for number, code in enumerate(("990101", "990102"))
        ],
    )
    assert county_name(areas, "990109") == "古县"
    with pytest.raises(ValueError, match="no code"):
        county_name(areas, "990199")


def test_every_county_and_disease_has_a_text() -> None:
    for code in COUNTIES:
        for word in COUNTY_WORDS:
            found = SHAPE.fullmatch(
                message_text(
                    NUMBER, county_name(reference_areas(), code, word), "dengue", "登革热", **OF
                )
            )
            assert found is not None, code
    for key, row in diseases().items():
        text = message_text(NUMBER, "郎溪县", key, row.name_zh, **OF)
        assert text.endswith(f"请关注{CODE_NAMES.get(key, row.name_zh)}")


PERSONAL = st.one_of(
    st.from_regex(r"[1-9][0-9]{16}[0-9X]", fullmatch=True),
    st.from_regex(r"(\+86)?1[3-9][0-9]{9}", fullmatch=True),
    st.builds(
        lambda name, room: f"{name} 某路{room}号", st.text("王李张芳伟", min_size=2), st.integers(1)
    ),
    st.emails(),
    st.text(min_size=1, max_size=40),
)


def text_or_reason(values: dict[str, Any]) -> str:
    try:
        return message_text(**values, disease="measles")
    except ValueError as refused:
        return str(refused)


@pytest.mark.parametrize(
    "number",
    [
        "34182120261128",
        "341821202611280001",
        "34182120261127001",
        "34182220261128001",
        "3418212026112８001",
        "34182120261128001\n",
        "341821202611281234 5",
    ],
)
def test_a_number_is_of_its_county_and_day(number: str) -> None:
    """An ID number has a code and a day in it, too: that of birth."""
    with pytest.raises(ValueError, match="serial"):
        message_text(number, "郎溪县", "measles", "麻疹", **OF)
    thousandth = message_text("341821202611281000", "郎溪县", "measles", "麻疹", **OF)
    assert thousandth == "预警系统提示-编号341821202611281000,郎溪县，请关注麻疹"


@pytest.mark.leak(30)
@given(
    code=st.sampled_from(COUNTIES),
    disease=st.sampled_from(sorted(diseases())),
    serial=st.integers(1, 9_999),
    values=st.lists(PERSONAL, min_size=3, max_size=3),
    word=st.sampled_from(COUNTY_WORDS),
)
def test_leak_30_nothing_personal_comes_into_a_message(
    code: str, disease: str, serial: int, values: list[str], word: str
) -> None:
    """Whatever of a person stands where a number, a code or a disease should, there is no text of
    it; and a text has nothing but those three.
    """
    areas, number = reference_areas(), f"{code}20261128{serial:03d}"
    of = OF | {"code": code}
    name = diseases()[disease].name_zh
    text = message_text(number, county_name(areas, code, word), disease, name, **of)
    found = SHAPE.fullmatch(text)
    assert found is not None
    assert text.replace(number, "").replace(found[1], "").replace(found[2], "") == (
        "预警系统提示-编号,，请关注"
    )
    given: dict[str, Any] = {"number": values[0], "county": values[1], "name": values[2]}
    right = {"number": number, "county": county_name(areas, code), "name": name}
    for place, value in given.items():
        for wrong in (value, right[place] + value):
            if wrong != value and re.fullmatch(r"\d", value) and serial > 99:
                continue  # one digit more is another number of that county and day
            told = text_or_reason(right | of | {place: wrong})
            if told.startswith("预警系统提示"):  # it was no person's then: words, no long number
                assert place != "number"
                assert not re.search(r"\d{5}", told.replace(number, ""))
                assert "@" not in told
            else:
                assert value not in told or len(value) < 3
    with pytest.raises(ValueError, match="no code"):
        county_name(areas, values[0] if values[0] not in COUNTIES else "x")
