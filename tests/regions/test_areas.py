"""GB/T 2260: the shipped codes hold together, and every dead code leads to a living one."""

from __future__ import annotations

from collections import Counter

import pytest

from regions.areas import Area, AreaChange, Areas, reference_areas, reference_rows


def area(code: str, parent: str | None = None) -> Area:
    return Area(code, code, code, "COUNTY", parent, None)


def change(number: int, old: str, new: str) -> AreaChange:
    return AreaChange(number, 2020, "撤销", old, old, new, new)


def test_the_shipped_codes_are_counted() -> None:
    levels = Counter(one.level for one in reference_areas())
    assert levels == {"PROVINCE": 34, "PREFECTURE": 333, "COUNTY": 2847}
    assert len(reference_areas()) == 3214


def test_every_area_lies_in_one_above_it() -> None:
    areas = reference_areas()
    for one in areas:
        if one.level == "PROVINCE":
            assert one.parent is None
        else:
            assert one.parent is not None
            assert areas.is_known(one.parent)
            assert one.code in areas.children(one.parent)
            assert areas.ancestors(one.code)[-1] == one.code[:2] + "0000"


def test_every_area_has_two_names() -> None:
    for one in reference_areas():
        assert one.name
        assert one.name_en[0].isupper(), one.name_en
        assert not any("一" <= character <= "鿿" for character in one.name_en)


def test_every_dead_code_leads_to_a_living_one() -> None:
    areas = reference_areas()
    for one in areas.changes:
        assert not areas.is_known(one.old_code)
        heirs, changes = areas.followed(one.old_code)
        assert heirs
        assert all(areas.is_known(heir) for heir in heirs)
        assert one in changes
        assert areas.successor(one.old_code) == (heirs[0] if len(heirs) == 1 else None)


def test_a_code_is_looked_up() -> None:
    areas = reference_areas()
    assert areas.name("320102") == "玄武区"
    assert areas.name_en("320102") == "Xuanwu District"
    assert areas.level("320100") == "PREFECTURE"
    assert areas.parent("320102") == "320100"
    assert areas.ancestors("320102") == ("320100", "320000")
    assert len(areas.children("320100")) == 11
    assert next(one.code for one in areas.under("3405")) == "340500"
    assert {one.code[:4] for one in areas.under(("3201", "3211"))} == {"3201", "3211"}
    found = areas.get("500101")
    assert found
    assert found.parent == "500000"  # no code stands between a county of Chongqing and the city


def test_a_code_that_is_not_alive_is_told_so() -> None:
    areas = reference_areas()
    for code in ("320103", "999999", "500100"):
        assert not areas.is_known(code)
        assert areas.get(code) is None
        assert (areas.name(code), areas.name_en(code)) == (code, code)
        assert (areas.level(code), areas.parent(code)) == (None, None)
        assert (areas.children(code), areas.ancestors(code)) == ((), ())


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("5001", True),
        ("3201", True),
        ("320102", True),
        ("32", True),
        ("3299", False),
        ("99", False),
    ],
)
def test_a_prefix_of_living_codes(prefix: str, expected: bool) -> None:
    assert reference_areas().is_prefix(prefix) is expected


def test_successors_over_several_steps() -> None:
    areas = reference_areas()
    assert areas.successor("320102") == "320102"
    assert areas.successor("320103") == "320104"
    assert areas.successor("632121") == "630203"  # 平安县, twice
    assert areas.successor("999999") is None


def test_changes_that_go_in_a_ring_lead_nowhere() -> None:
    areas = Areas([area("100000")], [change(1, "1", "2"), change(2, "2", "3"), change(3, "3", "1")])
    assert areas.successor("1") is None
    assert Areas([area("3")], [change(1, "1", "2"), change(2, "2", "3")]).successor("1") == "3"
    assert Areas([], [change(1, "1", "1")]).successor("1") is None


def test_parents_that_go_in_a_ring_end() -> None:
    areas = Areas([area("1", "2"), area("2", "1")])
    assert areas.ancestors("1") == ("2", "1")


def test_the_reference_is_read_once() -> None:
    assert reference_areas() is reference_areas()


def test_the_shipped_diseases() -> None:
    rows = list(reference_rows("diseases.csv"))
    assert len({row["key"] for row in rows}) == 45
    assert all(row["name_zh"] and row["name_en"] and row["icd10"] for row in rows)
    assert Counter(row["law_class"] for row in rows) == {"A": 2, "B": 31, "C": 11, "OTHER": 1}
    methods = Counter(row["alert_method"] for row in rows)
    assert methods == {"SINGLE_CASE": 10, "PERCENTILE": 19, "NONE": 16}
