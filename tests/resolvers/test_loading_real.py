"""The three real lists by their shipped mappings: everything accounted for, nothing invented."""

from __future__ import annotations

import csv
import gzip
import json
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from regions.keys import Keys
from regions.settings import RegionSettings
from regions.statistics import rebuild
from tests.resolvers.lists import LISTS, dump, rejected, run, table
from tests.stores import Stores, in_store

pytestmark = pytest.mark.no_cover  # `test_loading.py` runs the same lines with few rows

MERS = LISTS / "mers_korea_2015_linelist.csv"
LINKS = LISTS / "mers_korea_2015_contacts.csv"
H7N9 = LISTS / "h7n9_china_2013_linelist.csv"
COVID = LISTS / "covid19_china_cities_2020.csv.gz"

EIGHT = ("3201", "3202", "3204", "3211", "3305", "3405", "3418", "5001")
PROVINCES = (
    *(
        "11",
        "12",
        "13",
        "14",
        "15",
        "21",
        "22",
        "23",
        "31",
        "32",
        "33",
        "34",
        "35",
        "36",
        "37",
        "41",
    ),
    *("42", "43", "44", "45", "46", "50", "51", "52", "53", "54", "61", "62", "63", "64", "65"),
)


def read(path: Path) -> list[dict[str, str]]:
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    return list(csv.DictReader(text.splitlines()))


@pytest.fixture
def eight(stores: Stores) -> list[RegionSettings]:
    """The regions of the shipped configuration."""
    return [stores.sqlite(code) for code in EIGHT]


@pytest.fixture
def country(stores: Stores) -> list[RegionSettings]:
    """All 31 provinces in three stores."""
    return [
        replace(stores.sqlite(PROVINCES[first]), prefixes=PROVINCES[first::3]) for first in range(3)
    ]


def everything(regions: list[RegionSettings], keys: Keys, name: str) -> list[dict[str, Any]]:
    return [row for settings in regions for row in table(settings, keys, name)]


def test_mers_becomes_an_outbreak_over_eight_regions(
    eight: list[RegionSettings], keys: Keys, tmp_path: Path
) -> None:
    listed = {row["id"]: row for row in read(MERS)}
    summary = run(tmp_path, eight, keys, MERS, "mers-korea-2015")
    assert (summary.read, summary.loaded, summary.rejected, summary.outside) == (162, 161, 0, 1)
    assert len(summary.by_region) == 8
    assert summary.notices == {"DATES_OUT_OF_ORDER": 3, "OUTSIDE": 1}
    assert summary.empty["dt_onset"] == 27
    cases = {row["source_key"].rpartition(":")[2]: row for row in everything(eight, keys, "cases")}
    assert set(listed) - set(cases) == {"SK_10"}  # it crossed the border
    people = {row["id"]: row for row in everything(eight, keys, "people")}
    exposed = {row["case_id"]: row for row in everything(eight, keys, "exposures")}
    for number, case in cases.items():
        row = listed[number]
        person, exposure = people[case["person_id"]], exposed[case["id"]]
        assert (str(person["sealed_age"]), person["sealed_sex"]) == (row["age"], row["sex"])
        assert person["sealed_name"] is None
        assert not any(person[f"{item}_index"] for item in ("id_number", "phone", "name_birth"))
        assert case["reported_at"][:10] == case["created_at"][:10] == row["dt_report"]
        assert case["disease"] == "mers"
        assert (case["onset_on"] or "NA", case["died_on"] or "NA") == (
            row["dt_onset"],
            row["dt_death"],
        )
        assert (case["outcome"] == "DIED") is (row["outcome"] == "Dead")
        assert case["origin"] == ("IMPORTED" if row["place_infect"] == "Middle East" else "LOCAL")
        assert (exposure["started_on"] or "NA", exposure["ended_on"] or "NA") == (
            row["dt_start_exp"],
            row["dt_end_exp"],
        )
        assert exposure["sealed_place"] == row["place_infect"]
    units = {row["id"]: row["code"] for row in everything(eight, keys, "units")}
    assert all(units[case["hospital"]] == case["code"] for case in cases.values())
    assert {"mers"} <= {row["key"] for row in table(eight[0], keys, "diseases")}
    counts = everything(eight, keys, "daily_counts")
    assert sum(row["cases"] for row in counts) == 161
    assert sum(row["deaths"] for row in counts) == 19
    for settings in eight:
        assert in_store(settings, lambda store: rebuild(store, mend=False)).agrees


def test_mers_links_lead_across_regions(
    eight: list[RegionSettings], keys: Keys, tmp_path: Path
) -> None:
    links = read(LINKS)
    early = run(tmp_path, eight, keys, LINKS, "mers-korea-2015-contacts")
    assert (early.read, early.rejected) == (98, 98)  # the cases are not there yet
    assert early.reasons == {"UNKNOWN_CASE": 98}
    run(tmp_path, eight, keys, MERS, "mers-korea-2015")
    summary = run(tmp_path, eight, keys, LINKS, "mers-korea-2015-contacts")
    assert (summary.loaded, summary.rejected, summary.outside) == (97, 0, 1)
    number_of = {
        row["id"]: row["source_key"].rpartition(":")[2] for row in everything(eight, keys, "cases")
    }
    case_of = {row["person_id"]: row for row in everything(eight, keys, "cases")}
    contacts = everything(eight, keys, "contacts")
    found = {
        (number_of[row["source_case_id"]], number_of[case_of[row["person_id"]]["id"]])
        for row in contacts
    }
    assert found == {(row["from"], row["to"]) for row in links if row["to"] != "SK_10"}
    assert {row["disease"] for row in contacts} == {row["disease"] for row in case_of.values()}
    across = [row for row in contacts if row["source_case_id"] >> 43 != row["id"] >> 43]
    assert len(across) > 20
    manners = Counter(manner for row in contacts for manner in json.loads(row["manner"]))
    assert manners == {"SHARED_WARD": 44, "MEDICAL_CARE": 52, "SHARED_RESIDENCE": 1}
    sources = {
        (row["source_case_id"], row["case_id"])
        for row in everything(eight, keys, "exposures")
        if row["source_case_id"]
    }
    assert sources == {(row["source_case_id"], case_of[row["person_id"]]["id"]) for row in contacts}
    before = dump(eight, keys)
    again = [
        run(tmp_path, eight, keys, MERS, "mers-korea-2015"),
        run(tmp_path, eight, keys, LINKS, "mers-korea-2015-contacts"),
    ]
    assert [summary.unchanged for summary in again] == [161, 97]
    assert dump(eight, keys) == before


def test_h7n9_is_known_by_province(
    country: list[RegionSettings], keys: Keys, tmp_path: Path
) -> None:
    listed = read(H7N9)
    summary = run(tmp_path, country, keys, H7N9, "h7n9-china-2013")
    assert (summary.read, summary.loaded, summary.rejected, summary.outside) == (136, 135, 0, 1)
    (outside,) = [row for row in rejected(tmp_path, "notice") if row["code"] == "OUTSIDE"]
    assert outside["value"] == "Taiwan"
    assert summary.notices["STAND_IN"] == 74
    notices = {row["value"]: row["rows"] for row in rejected(tmp_path, "notice")}
    assert notices["2013-08-11"] == "8"  # no day is known at all
    cases = {
        row["source_key"].rpartition(":")[2]: row for row in everything(country, keys, "cases")
    }
    assert all(row["code"].endswith("0000") for row in cases.values())
    assert Counter(row["code"] for row in cases.values())["330000"] == 46
    people = {row["id"]: row for row in everything(country, keys, "people")}
    for row in listed:
        case = cases.get(row["case_id"])
        if case is None:
            continue
        days = ("date_of_hospitalisation", "date_of_onset", "date_of_outcome")
        first = next((row[column] for column in days if row[column] != "NA"), "2013-08-11")
        assert case["reported_at"] == f"{first}T00:00:00Z"
        died = row["outcome"] == "Death"
        assert (case["outcome"] == "DIED") is died
        assert case["died_on"] == (row["date_of_outcome"] if died else None) or (
            row["date_of_outcome"] == "NA"
        )
        person = people[case["person_id"]]
        assert (person["sealed_sex"] or "na").lower() == row["gender"].lower()
        assert str(person["sealed_age"]) == row["age"] or row["age"] == "?"
    before = dump(country, keys)
    assert run(tmp_path, country, keys, H7N9, "h7n9-china-2013").unchanged == 135
    assert dump(country, keys) == before


def test_h7n9_lies_outside_where_regions_are_cities(
    eight: list[RegionSettings], keys: Keys, tmp_path: Path
) -> None:
    summary = run(tmp_path, eight, keys, H7N9, "h7n9-china-2013")
    assert (summary.read, summary.outside) == (136, 136)


def test_covid_counts_come_to_what_every_city_reported_last(
    country: list[RegionSettings], keys: Keys, tmp_path: Path
) -> None:
    last: dict[str, tuple[str, int, int]] = {}
    reports: Counter[str] = Counter()
    for row in read(COVID):
        said = (row["date"], int(row["confirmed_cumulative"]), int(row["deaths_cumulative"]))
        last[row["city_code"]] = max(last.get(row["city_code"], said), said)
        reports[row["city_code"]] += 1
    summary = run(tmp_path, country, keys, COVID, "covid19-china-cities-2020")
    assert (summary.read, summary.rejected, summary.outside) == (61_208, 0, 264)
    away = {"710000", "810000", "820000"}
    assert sum(reports[code] for code in away) == 264

    kept = everything(country, keys, "daily_counts")
    assert {row["source"] for row in kept} == {"REPORTED"}
    assert min(min(row["cases"], row["deaths"]) for row in kept) == 0
    by_code: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for cell in kept:
        by_code[cell["code"]][0] += cell["cases"]
        by_code[cell["code"]][1] += cell["deaths"]
    assert by_code["420100"] == [last["420100"][1], last["420100"][2]]
    assert by_code["320500"] == [87, 0]  # reported as 52 one day and as 2 the next
    here = [(said[1], said[2]) for code, said in last.items() if code not in away]
    assert sum(counts[0] for counts in by_code.values()) == sum(said[0] for said in here)
    assert sum(counts[1] for counts in by_code.values()) == sum(said[1] for said in here)
    assert summary.notices["TAKEN_BACK"] == 69
    told = [row for row in rejected(tmp_path, "notice") if row["code"] == "TAKEN_BACK"]
    assert {row["value"] for row in told} >= {
        "320500 2020-02-04: cases 52 to 2",
        "420100 2020-02-14: deaths 1036 to 1016",
    }
    again = run(tmp_path, country, keys, COVID, "covid19-china-cities-2020")
    assert (again.loaded, again.unchanged) == (0, 60_944)


def test_the_manuals_example_is_what_it_says(
    eight: list[RegionSettings], keys: Keys, tmp_path: Path
) -> None:
    manual = (LISTS.parent.parent / "docs" / "loading.md").read_text("utf-8")
    example = manual.partition("## A mapping for your own list")[2]
    _, listed, _, mapping, *_ = example.split("```")
    file = tmp_path / "cards.csv"
    file.write_text(listed.lstrip(), encoding="gb18030")
    summary = run(tmp_path, eight, keys, file, mapping.removeprefix("toml"))
    assert (summary.loaded, summary.rejected) == (2, 0)
    first, second = table(eight[0], keys, "cases")
    assert (first["code"], second["code"]) == ("320102", "320106")
    assert first["reported_at"] == "2026-03-01T01:30:00Z"
    assert first["onset_on"] == "2026-02-27"
    one, other = table(eight[0], keys, "people")
    assert (one["sealed_name"], one["sealed_age"], other["sealed_age"]) == ("测试甲", 34, 0)
    assert other["id_number_index"] is None
