"""The way of a letter: every code of GB/T 2260, alive or dead, leads to one county or asks (C2)."""

from __future__ import annotations

import pytest

from regions.areas import Area, AreaChange, Areas, reference_areas
from regions.settings import RegionSettings
from resolvers.assist.routing import PROBLEMS, Asked, Route, levels_above, route


def region(*prefixes: str) -> RegionSettings:
    code = prefixes[0].ljust(6, "0")
    return RegionSettings(code, code, code, prefixes, None, "postgresql://none", 1.0)


EVERYWHERE = [region(one.code[:2]) for one in reference_areas() if one.level == "PROVINCE"]
EIGHT = [region("3201"), region("3418"), region("5001", "5002")]
SENDER = "341802"


def asked(code: str, areas: Areas | None = None) -> Asked:
    found = route(code, EVERYWHERE, sender=SENDER, areas=areas)
    assert isinstance(found, Asked), found
    return found


def way(code: str, *, areas: Areas | None = None, through_province: bool = False) -> Route:
    found = route(code, EVERYWHERE, sender=SENDER, areas=areas, through_province=through_province)
    assert isinstance(found, Route), found
    return found


def test_a_letter_goes_from_county_to_county_with_copies_to_the_levels_above_both() -> None:
    found = route("320102", EIGHT, sender="500106")
    assert isinstance(found, Route)
    assert (found.code, found.unit, found.region) == ("320102", "cdc-320102", "320100")
    assert found.copies == ("cdc-320100", "cdc-320000", "cdc-500000")
    assert found.changes == ()


def test_through_the_province_the_province_receives_and_the_city_gets_a_copy() -> None:
    found = way("320102", through_province=True)
    assert (found.code, found.unit) == ("320102", "cdc-320000")
    assert found.copies == ("cdc-320100", "cdc-341800", "cdc-340000")


def test_within_a_city_a_level_above_both_gets_one_copy_and_the_sender_none() -> None:
    found = route("341825", EIGHT, sender="341802")
    assert isinstance(found, Route)
    assert found.copies == ("cdc-341800", "cdc-340000")
    by_city = route("341825", EIGHT, sender="341800")
    assert isinstance(by_city, Route)
    assert by_city.copies == ("cdc-340000",)


@pytest.mark.parametrize("code", ["320102", "3201020", "320102003", "320102003012"])
def test_townships_and_villages_lead_to_their_county(code: str) -> None:
    assert way(code).code == "320102"


@pytest.mark.parametrize(
    "code",
    [
        "",
        "3201",
        "32010",
        "3201020030121",
        "32010a",
        "３２０１０２",
        " 320102",
        "320102\n",
        "-20102",
    ],
)
def test_what_is_no_code_asks(code: str) -> None:
    found = asked(code)
    assert (found.problem, found.candidates) == ("UNREADABLE", ())


def test_every_living_county_leads_to_itself() -> None:
    areas = reference_areas()
    for area in areas:
        if areas.children(area.code):
            found = asked(area.code)
            assert found.problem == "NOT_A_COUNTY"
            assert len(found.candidates) >= 1
            assert all(not areas.children(one.code) for one in found.candidates)
            assert all(area.code in areas.ancestors(one.code) for one in found.candidates)
        else:
            found_way = way(area.code)
            assert (found_way.code, found_way.unit) == (area.code, f"cdc-{area.code}")


def test_every_changed_code_leads_to_its_living_county_or_asks() -> None:
    """The whole table: nothing ends at a dead code, and what asks offers living counties."""
    areas = reference_areas()
    kinds: dict[str, int] = {}
    for change in areas.changes:
        found = route(change.old_code, EVERYWHERE, sender=SENDER)
        if isinstance(found, Asked):
            kinds[found.problem] = kinds.get(found.problem, 0) + 1
            assert found.candidates
            assert all(areas.level(one.code) == "COUNTY" for one in found.candidates)
        else:
            kinds["way"] = kinds.get("way", 0) + 1
            assert areas.is_known(found.code)
            assert not areas.children(found.code)
            assert found.code == areas.successor(change.old_code)
            assert change in found.changes
    assert sum(kinds.values()) == len(areas.changes) == 312
    # Eight prefectures that became cities and three counties (日喀则市) that the table gives to a
    # whole city; and two districts that were divided, in five rows.
    assert kinds == {"way": 296, "NOT_A_COUNTY": 11, "SPLIT": 5}


def test_no_abolished_district_went_to_a_namesake_in_another_city() -> None:
    """The table as it was published gave 130103 桥东区 to 邢台's, 140203 矿区 to 阳泉's."""
    areas = reference_areas()
    for change in areas.changes:
        city = change.old_code[:4] + "00"
        if change.kind == "撤销" and areas.is_known(city):
            assert change.new_code[:4] == change.old_code[:4], change


@pytest.mark.parametrize(
    ("code", "heirs"),
    [
        ("130103", ["130102", "130104"]),
        ("140211", ["140212", "140213", "140214"]),
    ],
)
def test_a_district_that_was_divided_asks_for_the_part(code: str, heirs: list[str]) -> None:
    found = asked(f"{code}001")
    assert found.problem == "SPLIT"
    assert [one.code for one in found.candidates] == heirs
    assert reference_areas().successor(code) is None


def test_the_mining_district_of_datong_is_yungang() -> None:
    assert way("140203").code == reference_areas().successor("140203") == "140214"


def test_a_successor_in_another_city_is_doubted() -> None:
    areas = Areas(
        [
            Area("130000", "河北省", "Hebei", "PROVINCE", None, None),
            Area("130100", "石家庄市", "Shijiazhuang", "PREFECTURE", "130000", None),
            Area("130102", "长安区", "Chang'an", "COUNTY", "130100", None),
            Area("130500", "邢台市", "Xingtai", "PREFECTURE", "130000", None),
            Area("130502", "襄都区", "Xiangdu", "COUNTY", "130500", None),
        ],
        [AreaChange(1, 2014, "撤销", "130103", "桥东区", "130502", "桥东区")],
    )
    found = asked("130103", areas)
    assert found.problem == "DOUBTFUL"
    assert {one.code for one in found.candidates} == {"130102", "130502"}


def test_a_code_that_changed_twice_is_followed_to_the_end() -> None:
    found = way("320124001")
    assert found.code == "320117"
    assert [one.old_code for one in found.changes] == ["320124"]
    areas = areas_of(["110105"], [("110101", "110103"), ("110103", "110105")])
    again = route("110101", EVERYWHERE, sender="110105", areas=areas)
    assert isinstance(again, Route)
    assert again.code == "110105"
    assert [one.new_code for one in again.changes] == ["110103", "110105"]


def areas_of(counties: list[str], changes: list[tuple[str, str]]) -> Areas:
    return Areas(
        [
            Area("110000", "北京市", "Beijing", "PROVINCE", None, None),
            *(Area(one, f"县{one}", one, "COUNTY", "110000", None) for one in counties),
        ],
        [
            AreaChange(number, 2020, "撤销", old, old, new, new)
            for number, (old, new) in enumerate(changes, 1)
        ],
    )


def test_a_code_that_was_split_asks_with_all_its_heirs() -> None:
    areas = areas_of(
        ["110105", "110106"], [("110101", "110105"), ("110101", "110103"), ("110103", "110106")]
    )
    found = asked("110101009", areas)
    assert found.problem == "SPLIT"
    assert [one.code for one in found.candidates] == ["110105", "110106"]


def test_heirs_that_became_one_again_are_no_split() -> None:
    areas = areas_of(
        ["110105"],
        [("110101", "110102"), ("110101", "110103"), ("110102", "110105"), ("110103", "110105")],
    )
    found = route("110101", EVERYWHERE, sender="110105", areas=areas)
    assert isinstance(found, Route)
    assert found.code == "110105"


def test_changes_that_run_in_a_circle_or_into_nothing_ask() -> None:
    areas = areas_of(["110105"], [("110101", "110102"), ("110102", "110101"), ("110103", "110199")])
    for code in ("110101", "110103"):
        found = asked(code, areas)
        assert found.problem == "UNKNOWN"
        assert [one.code for one in found.candidates] == ["110105"]


def test_an_unknown_code_offers_the_counties_around_it() -> None:
    near_city = asked("320199")
    assert near_city.problem == "UNKNOWN"
    assert {one.code for one in near_city.candidates} == set(reference_areas().children("320100"))
    near_province = asked("329999")
    assert all(one.code.startswith("32") for one in near_province.candidates)
    assert len(near_province.candidates) > 90
    assert asked("990101").candidates == ()


def test_a_county_without_a_region_is_not_sent_to_another() -> None:
    found = route("110101", EIGHT, sender=SENDER)
    assert isinstance(found, Asked)
    assert found.problem == "NO_REGION"
    assert [one.code for one in found.candidates] == ["110101"]


def test_every_question_is_in_two_languages_and_shows_a_dozen_of_its_candidates() -> None:
    for problem, (text, text_zh) in PROBLEMS.items():
        found = Asked(problem, "1")
        assert (found.message, found.message_zh) == (text, text_zh)
        assert text_zh.isascii() is False
    split = asked("320100")
    assert (
        split.message.count(",") - PROBLEMS["NOT_A_COUNTY"][0].count(",")
        == len(split.candidates) - 1
    )
    assert "玄武区" in split.message_zh
    assert asked("320000").message.endswith(" …")


def test_levels_above_end_below_the_country() -> None:
    assert levels_above("320102") == ("320100", "320000")
    assert levels_above("000000") == ()
