"""Rows by a mapping: places, choices, keys, what is rejected and what is remarked on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from regions.errors import LoadError
from resolvers.loading.mapping_file import read_mapping
from resolvers.loading.notices import Notices
from resolvers.loading.places import OUTSIDE, RegionFinder, code_by_name, living_code
from resolvers.loading.rows import FIELDS, Rejection, Row, RowReader
from resolvers.loading.source_keys import SourceKeys
from tests.resolvers.lists import CARDS, TODAY, card
from tests.stores import region_settings

REGIONS = [region_settings("3201"), region_settings("33")]


class Reading:
    """Reads rows by a mapping; `notices` has what was remarked on."""

    def __init__(self, folder: Path, mapping: str, header: Mapping[str, str]) -> None:
        path = folder / "own.toml"
        path.write_text(mapping, "utf-8")
        self.notices = Notices()
        self.reader = RowReader(
            read_mapping(str(path)),
            list(header),
            REGIONS,
            SourceKeys(b"k" * 32),
            self.notices,
            today=TODAY,
        )

    def __call__(self, row: Mapping[str, str], line: int = 2) -> Row:
        found = self.reader(line, list(row.values()))
        assert isinstance(found, Row), found
        return found

    def rejected(self, row: Mapping[str, str], line: int = 2) -> tuple[str, str, str]:
        found = self.reader(line, list(row.values()))
        assert isinstance(found, Rejection)
        assert found.line == line
        return found.column, found.value, found.reason


def value(row: Row, field: str) -> Any:
    section, _, name = field.partition(".")
    return row.values[section][FIELDS[section][name]]


def test_a_row_becomes_values(tmp_path: Path) -> None:
    read = Reading(tmp_path, CARDS, card(1))
    row = read(card(1, onset="NA", exposed="2026-02-20", where="市场"))
    assert (row.id, row.key, row.code, row.region) == ("1", "cards:case:1", "320102", 0)
    assert value(row, "person.age") == 34
    assert value(row, "case.onset_on") is None
    assert value(row, "case.origin") == "LOCAL"
    assert value(row, "exposure.place") == "市场"
    assert read.notices.empty == {"onset": 1, "died": 1, "remarks": 1}


def test_the_hash_says_whether_anything_mapped_changed(tmp_path: Path) -> None:
    read = Reading(tmp_path, CARDS + '\n[dates]\nformats = ["%Y-%m-%d", "%Y/%m/%d"]\n', card(1))
    first = read(card(1))
    assert read(card(1), line=9).hash == first.hash
    assert read(card(1, reported="2026/03/01")).hash == first.hash  # the same day, said otherwise
    assert read(card(1, age="35")).hash != first.hash
    assert read(card(1, county="320104")).hash != first.hash
    shorter = Reading(tmp_path, CARDS.replace('remarks = "remarks"\n', ""), card(1))
    assert shorter(card(1)).hash == first.hash  # what is not said does not count
    other = SourceKeys(b"x" * 32)
    assert SourceKeys(b"k" * 32).hash(b"values") != other.hash(b"values")  # no one guesses values


def test_ids_that_are_private_or_long_are_hashed(tmp_path: Path) -> None:
    mapping = CARDS.replace('id = "no"', 'id = "id_number"')
    read = Reading(tmp_path, mapping, card(1))
    key = read(card(1)).key
    assert key.startswith("cards:case:#")
    assert card(1)["id_number"] not in key
    keys = SourceKeys(b"k" * 32)
    assert key in keys.forms("cards", "case", card(1)["id_number"])
    assert keys.of("cards", "case", "x" * 201, private=False).startswith("cards:case:#")


def test_rows_without_an_id_are_told_apart_by_counting_equal_ones(tmp_path: Path) -> None:
    mapping = CARDS.replace('id = "no"\n', "")

    def keys() -> list[str]:
        read = Reading(tmp_path, mapping, card(1))
        rows = [card(1), card(1), card(2), card(1)]
        return [read(row, line).key for line, row in enumerate(rows)]

    first = keys()
    assert len(set(first)) == 4
    assert keys() == first


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"no": ""}, ("no", "", "NO_ID")),
        ({"no": "?"}, ("no", "", "NO_ID")),
        ({"no": "1\n2"}, ("no", "1\n2", "CONTROL_CHARACTER")),
        ({"county": "999999"}, ("county", "999999", "UNKNOWN_PLACE")),
        ({"county": ""}, ("county", "", "UNKNOWN_PLACE")),
        ({"reported": "NA"}, ("reported", "", "MISSING")),
        ({"reported": " soon"}, ("reported", " soon", "UNREADABLE_DAY")),
        ({"age": "old"}, ("age", "old", "UNREADABLE_AGE")),
        ({"disease": "plagues"}, ("disease", "plagues", "UNKNOWN_DISEASE")),
    ],
)
def test_what_cannot_be_taken_names_column_value_and_reason(
    change: dict[str, str], told: tuple[str, str, str], tmp_path: Path
) -> None:
    assert Reading(tmp_path, CARDS, card(1)).rejected(card(1, **change)) == told


def test_rows_of_another_length_are_rejected(tmp_path: Path) -> None:
    reading = Reading(tmp_path, CARDS, card(1))
    assert reading.reader(3, ["1"]) == Rejection(3, "", "1", "WRONG_COLUMN_COUNT")


def test_a_header_without_a_column_is_told_with_a_near_one(tmp_path: Path) -> None:
    header = {name.replace("reported", "report"): "" for name in card(1)}
    with pytest.raises(LoadError) as failed:
        Reading(tmp_path, CARDS, header)
    assert failed.value.message == "the list has no column 'reported'"
    assert failed.value.hint.startswith("'report', perhaps; its columns are no, county")


def test_what_may_be_empty_is_left_empty_and_remarked_on(tmp_path: Path) -> None:
    mapping = CARDS.replace('age = "age"', 'age = { column = "age", or_empty = true }')
    read = Reading(tmp_path, mapping, card(1))
    assert value(read(card(1, age="old")), "person.age") is None
    assert value(read(card(2, age="old"), 3), "person.age") is None
    (notice,) = read.notices.listed()
    assert (notice.code, notice.column, notice.value, notice.line, notice.rows) == (
        "DROPPED",
        "age",
        "old",
        2,
        2,
    )


def test_choices_conditions_and_stand_ins(tmp_path: Path) -> None:
    mapping = CARDS.replace('reported_at = "reported"', 'reported_at = ["reported", "onset"]')
    mapping = mapping.replace(
        'died_on = "died"',
        'died_on = { column = "died", when = { column = "remarks", is = ["Died", "dead"] } }\n'
        'origin = [{ column = "where", table = { 境外 = "IMPORTED", "*" = "" } }, '
        '{ constant = "LOCAL" }]'.replace("境外", '"境外"'),
    )
    read = Reading(tmp_path, mapping, card(1))
    row = read(card(1, reported="", died="2026-03-04", remarks="DIED", where="境外"))
    assert value(row, "case.reported_at") == "2026-02-27T00:00:00Z"
    assert value(row, "case.died_on") == "2026-03-04"
    assert value(row, "case.origin") == "IMPORTED"
    assert read.notices.counts == {"STAND_IN": 1}
    row = read(card(2, died="2026-03-04", remarks="no", where="本地"))
    assert value(row, "case.died_on") is None
    assert value(row, "case.origin") == "LOCAL"
    assert read.notices.counts == {"STAND_IN": 1}
    assert read.rejected(card(3, reported="", onset="")) == ("reported, onset", "", "MISSING")


def test_days_in_an_unlikely_order_are_kept_and_remarked_on(tmp_path: Path) -> None:
    read = Reading(tmp_path, CARDS, card(1))
    row = read(card(1, onset="2026-03-05", died="2026-03-04"))
    assert value(row, "case.onset_on") == "2026-03-05"
    told = {(notice.column, notice.value) for notice in read.notices.listed()}
    assert told == {
        ("onset, reported", "2026-03-05, 2026-03-01"),
        ("onset, died", "2026-03-05, 2026-03-04"),
    }


def test_a_report_in_the_first_hours_of_a_day_is_in_order(tmp_path: Path) -> None:
    read = Reading(tmp_path, CARDS, card(1))
    row = read(card(1, onset="2026-03-01", reported="2026-03-01 01:30:00"))
    assert value(row, "case.reported_at") == "2026-02-28T17:30:00Z"
    assert not read.notices.counts
    read(card(2, onset="2026-03-02", reported="2026-03-01 01:30:00"))
    assert read.notices.counts == {"DATES_OUT_OF_ORDER": 1}


# Places


def test_rows_outside_are_not_read_further(tmp_path: Path) -> None:
    read = Reading(tmp_path, CARDS, card(1))
    row = read(card(1, county="110101", reported="never"))
    assert (row.region, row.key, row.values) == (OUTSIDE, "cards:case:1", {})
    assert read.notices.counts == {"OUTSIDE": 1}


def test_a_dead_code_leads_to_its_successor(tmp_path: Path) -> None:
    read = Reading(tmp_path, CARDS, card(1))
    assert read(card(1, county="320103")).code == "320104"
    assert read(card(2, county="3201")).code == "320100"
    assert read(card(3, county="320102003012")).code == "320102"
    assert read.notices.counts == {"CODE_CHANGED": 1}


NAMES = CARDS.replace(
    '[[place]]\ncolumn = "county"\nlookup = "code"',
    '[[place]]\ncolumn = "county"\ntable = { "the camp" = "320111", "elsewhere" = "" }\n\n'
    '[[place]]\ncolumn = "county"\nlookup = "name"\nwithin = "where"\n\n'
    '[[place]]\ncolumn = "where"\nlookup = "name"\ncoarser = true',
)


@pytest.mark.parametrize(
    ("county", "within", "code", "notices"),
    [
        ("the camp", "", "320111", {}),
        ("鼓楼区", "南京", "320106", {}),
        ("鼓楼", "320100", "320106", {}),
        ("Xuanwu District", "Nanjing", "320102", {}),
        ("xuanwu", "Jiangsu", "320102", {}),
        ("浙江", "", "330000", {}),
        ("nowhere", "南京市", "320100", {"COARSE_PLACE": 1}),
        ("elsewhere", "Zhejiang Province", "330000", {"COARSE_PLACE": 1}),
        ("NA", "浙江省", "330000", {"COARSE_PLACE": 1}),
    ],
)
def test_places_by_table_and_by_name(
    county: str, within: str, code: str, notices: dict[str, int], tmp_path: Path
) -> None:
    read = Reading(tmp_path, NAMES, card(1))
    assert read(card(1, county=county, where=within)).code == code
    assert read.notices.counts == notices


def test_a_name_of_several_places_is_rejected(tmp_path: Path) -> None:
    read = Reading(tmp_path, NAMES, card(1))
    assert read.rejected(card(1, county="鼓楼区")) == (
        "county, where",
        "鼓楼区 | ",
        "AMBIGUOUS_PLACE",
    )
    assert read.rejected(card(1, county="Atlantis"))[2] == "UNKNOWN_PLACE"


def test_names_and_codes_of_the_country() -> None:
    assert code_by_name("Inner Mongolia", None) == ("150000",)
    assert code_by_name("内蒙古自治区", None) == ("150000",)
    assert code_by_name("广西", None) == ("450000",)
    assert code_by_name("shanghai", None) == ("310000",)
    assert code_by_name("吉林", None) == ("220000",)  # the province before the city
    assert len(code_by_name("朝阳区", None)) == 2
    assert code_by_name("朝阳区", "110000") == ("110105",)
    assert living_code("32") == "320000"
    assert living_code("220381") == "220184"
    assert living_code("1100xx") is None
    assert living_code("990000") is None


def test_the_longest_prefix_has_a_code() -> None:
    find = RegionFinder([region_settings("32"), region_settings("3201"), region_settings("320102")])
    assert [find(code) for code in ("320500", "320104", "320102", "330000", "320500")] == [
        0,
        1,
        2,
        OUTSIDE,
        0,
    ]
