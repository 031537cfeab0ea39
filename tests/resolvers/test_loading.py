"""Loading into stores: what is written, what a second load does, and what an interrupted one."""

from __future__ import annotations

import gzip
import json
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from regions.blind_index import BlindIndexer
from regions.cases import cases
from regions.errors import LoadError, RegionUnavailable, StoreBehind, StoreError
from regions.keys import Keys
from regions.settings import RegionSettings
from regions.statistics import rebuild
from resolvers.loading.job import Limits
from tests.resolvers.lists import CARDS, card, dump, rejected, run, table, write_csv
from tests.stores import Stores, in_store, region_settings


@pytest.fixture
def two(stores: Stores) -> list[RegionSettings]:
    """Nanjing and Wuxi."""
    return [stores.sqlite("3201"), stores.sqlite("3202")]


def outcome(summary: Any) -> tuple[int, int, int, int]:
    return summary.loaded, summary.rejected, summary.unchanged, summary.outside


# What is written


def test_a_case_its_person_and_exposure_are_written(
    store_settings: RegionSettings, keys: Keys, tmp_path: Path
) -> None:
    rows = [
        card(1, died="2026-03-09", remarks="备注", exposed="2026-02-20", where="市场"),
        card(2, name="", born="", id_number="NA", phone="?", age="?"),
    ]
    summary = run(tmp_path, [store_settings], keys, rows)
    assert outcome(summary) == (2, 0, 0, 0)
    assert summary.records == {"people": 2, "cases": 2, "exposures": 1}
    assert summary.by_region == {"320100": 2}

    first, second = table(store_settings, keys, "people")
    indexer = BlindIndexer(keys.index)
    assert first["sealed_name"] == rows[0]["name"]
    assert (first["sealed_age"], first["sealed_sex"]) == (34, "M")
    assert first["id_number_index"] == indexer.id_number(rows[0]["id_number"])
    assert first["phone_index"] == indexer.phone(rows[0]["phone"])
    assert first["name_birth_index"] == indexer.name_birth(rows[0]["name"], "1992-01-02")
    assert (first["reporter"], first["reporter_unit"]) == (None, "cdc-320102")
    assert first["created_at"] == first["updated_at"] == "2026-03-01T00:00:00Z"
    assert [second[f"sealed_{item}"] for item in ("name", "age", "id_number")] == [None] * 3
    for index in ("id_number_index", "phone_index", "name_birth_index"):
        assert second[index] is None

    case, other = table(store_settings, keys, "cases")
    assert case["person_id"] == first["id"]
    assert (case["unit_id"], case["died_on"], case["sealed_remarks"]) == (
        "cdc-320102",
        "2026-03-09",
        "备注",
    )
    assert "sealed_remarks" not in other
    (exposure,) = table(store_settings, keys, "exposures")
    assert (exposure["case_id"], exposure["started_on"], exposure["sealed_place"]) == (
        case["id"],
        "2026-02-20",
        "市场",
    )
    (count,) = table(store_settings, keys, "daily_counts")
    assert (count["cases"], count["deaths"], count["source"]) == (2, 1, "CASES")
    assert in_store(store_settings, lambda store: rebuild(store, mend=False)).agrees


@pytest.mark.leak(42)
def test_no_private_value_stands_in_a_store_in_clear(
    two: list[RegionSettings], keys: Keys, tmp_path: Path
) -> None:
    mapping = CARDS.replace('id = "no"', 'id = "id_number"')
    rows = [card(1, remarks="very private words", where="secret market")]
    run(tmp_path, two, keys, rows, mapping)
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.suffix not in (".csv", ".toml"):
            content = path.read_bytes()
            for word in ("测试", rows[0]["id_number"], rows[0]["phone"], "private words", "secret"):
                assert word.encode() not in content, path


@pytest.mark.parametrize("column", ["residence_code", "residence_area"])
@pytest.mark.leak(44)
def test_of_a_code_of_residence_no_more_than_the_county_is_public(
    column: str, store_settings: RegionSettings, keys: Keys, tmp_path: Path
) -> None:
    mapping = CARDS.replace('phone = "phone"', f'phone = "phone"\n{column} = "home"')
    mapping = mapping.replace("[exposure]", '[exposure]\ncode = "at"')
    cells = [("320102003012", "320104001"), ("320102003", "320102"), ("320103", ""), ("", "320103")]
    rows = [card(i, home=home, at=at) for i, (home, at) in enumerate(cells)]
    assert outcome(run(tmp_path, [store_settings], keys, rows, mapping)) == (4, 0, 0, 0)
    people = table(store_settings, keys, "people")
    assert [(one["residence_code"], one.get("sealed_residence_area")) for one in people] == [
        ("320102", "320102003012"),
        ("320102", "320102003"),
        ("320104", None),  # what the county has become
        (None, None),
    ]
    places = [one["code"] for one in table(store_settings, keys, "exposures")]
    assert places == ["320104", "320102", "320104"]
    assert outcome(run(tmp_path, [store_settings], keys, rows, mapping)) == (0, 0, 4, 0)


def test_each_row_goes_to_its_region_or_is_counted_as_outside(
    two: list[RegionSettings], keys: Keys, tmp_path: Path
) -> None:
    rows = [card(1), card(2, county="320281"), card(3, county="110101"), card(4, county="320104")]
    summary = run(tmp_path, two, keys, rows)
    assert outcome(summary) == (3, 0, 0, 1)
    assert summary.by_region == {"320100": 2, "320200": 1}
    assert [row["id"] >> 43 for row in table(two[1], keys, "cases")] == [320200]
    (notice,) = rejected(tmp_path, "notice")
    assert (notice["code"], notice["value"], notice["detail"]) == ("OUTSIDE", "110101", "110101")


def test_units_and_diseases_of_the_mapping_are_added_once(
    two: list[RegionSettings], keys: Keys, tmp_path: Path
) -> None:
    mapping = CARDS.replace('remarks = "remarks"', 'hospital = { constant = "hospital-320102-9" }')
    mapping = mapping.replace("[file]", f"{UNITS}\n[file]")
    run(tmp_path, two, keys, [card(1, disease="mystery"), card(2, county="320281")], mapping)
    run(tmp_path, two, keys, [card(3, disease="mystery")], mapping)
    for settings, names in zip(two, (["hospital-320102-9"], []), strict=True):
        units = [unit for unit in table(settings, keys, "units") if "hospital" in unit["id"]]
        assert [unit["id"] for unit in units] == names
        assert [d["key"] for d in table(settings, keys, "diseases") if d["key"] == "mystery"]
    assert units == []
    assert table(two[0], keys, "cases")[0]["hospital"] == "hospital-320102-9"


UNITS = """\
[[unit]]
id = "hospital-320102-9"
code = "320102"
level = "HOSPITAL"
name_zh = "测试医院"
name_en = "Test Hospital"

[[disease]]
key = "mystery"
name_zh = "怪病"
name_en = "Mystery disease"
law_class = "OTHER"
icd10 = "R69"
"""


# Rows that are not taken


@pytest.mark.leak(28, 46)
def test_rejects_are_for_the_operator_alone(
    two: list[RegionSettings], keys: Keys, tmp_path: Path
) -> None:
    old = tmp_path / "rejects.csv"
    old.write_text("of another load")
    old.chmod(0o644)
    rows = [card(1, age="=cmd()"), card(2, reported="NA"), card(3)]
    summary = run(tmp_path, two, keys, rows)
    assert outcome(summary) == (1, 2, 0, 0)
    assert summary.reasons == {"UNREADABLE_AGE": 1, "MISSING": 1}
    assert stat.S_IMODE(old.stat().st_mode) == 0o600
    first, second = rejected(tmp_path)
    assert (first["line"], first["column"], first["code"]) == ("2", "age", "UNREADABLE_AGE")
    assert first["value"] == "'=cmd()"  # a spreadsheet does not run it
    assert first["reason"] == "this is no age from 0 to 130 years"
    assert first["reason_zh"] == "不是0至130岁的年龄"
    assert (second["line"], second["column"], second["value"]) == ("3", "reported", "")


def test_a_rejects_file_that_cannot_be_written_stops_the_load(
    two: list[RegionSettings], keys: Keys, tmp_path: Path
) -> None:
    with pytest.raises(LoadError, match="directory"):
        run(tmp_path, two, keys, [card(1)], rejects=tmp_path)


def test_people_with_one_id_number_are_kept_apart_and_remarked_on(
    two: list[RegionSettings], keys: Keys, tmp_path: Path
) -> None:
    same = {"id_number": "990101199201020011"}
    run(tmp_path, two, keys, [card(1, **same)])
    summary = run(tmp_path, two, keys, [card(2, **same), card(3), card(4, **same)])
    assert summary.notices == {"SAME_ID_NUMBER": 2}
    assert summary.loaded == 3
    told = rejected(tmp_path, "notice")
    assert {row["value"] for row in told} == {"line 2", "line 4"}  # not the number itself


# The same list again


@pytest.fixture
def many() -> list[dict[str, str]]:
    """Rows of two regions and one outside, with holes, an unreadable one and a double."""
    rows = [
        card(
            number,
            county=("320102", "320281", "320104", "320205", "110101")[number % 5],
            died="2026-03-20" if number % 7 == 0 else "",
            exposed="2026-02-20" if number % 3 == 0 else "NA",
            reported=f"2026-03-{number % 28 + 1:02d}",
        )
        for number in range(1, 121)
    ]
    rows[40]["age"] = "unknown"
    rows.append(dict(rows[4]))
    return rows


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_a_second_load_changes_nothing(
    two: list[RegionSettings], keys: Keys, tmp_path: Path, many: list[dict[str, str]]
) -> None:
    first = run(tmp_path, two, keys, many)
    assert outcome(first) == (95, 1, 1, 24)
    before = dump(two, keys)
    second = run(tmp_path, two, keys, many)
    assert outcome(second) == (0, 1, 96, 24)
    assert not second.records
    assert dump(two, keys) == before


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_batches_of_any_size_give_the_same(
    stores: Stores, keys: Keys, tmp_path: Path, many: list[dict[str, str]]
) -> None:
    dumps = []
    for number, limits in enumerate((Limits(), Limits(7, 1_000), Limits(1_000, 11))):
        folder = tmp_path / str(number)
        regions = [stores.sqlite(code, folder / f"{code}.db") for code in ("3201", "3202")]
        run(folder, regions, keys, many, limits=limits)
        dumps.append(dump(regions, keys))
    assert dumps[0] == dumps[1] == dumps[2]


def test_a_changed_row_is_rejected_and_leaves_its_record(
    store_settings: RegionSettings, keys: Keys, tmp_path: Path
) -> None:
    run(tmp_path, [store_settings], keys, [card(1), card(2)])
    before = dump([store_settings], keys)
    summary = run(tmp_path, [store_settings], keys, [card(1, age="35"), card(2)])
    assert outcome(summary) == (0, 1, 1, 0)
    (row,) = rejected(tmp_path)
    assert (row["column"], row["value"], row["code"]) == ("no", "1", "CHANGED")
    assert "correct" in row["reason"]
    assert dump([store_settings], keys) == before


def test_a_row_never_gets_a_second_record_in_another_region(
    two: list[RegionSettings], keys: Keys, tmp_path: Path
) -> None:
    rows = [card(1), card(2), card(2, county="320281")]
    summary = run(tmp_path, two, keys, rows)
    assert outcome(summary) == (2, 1, 0, 0)
    assert summary.reasons == {"ELSEWHERE": 1}
    summary = run(tmp_path, two, keys, [card(1, county="320281"), card(3, county="320281")])
    assert outcome(summary) == (1, 1, 0, 0)
    assert rejected(tmp_path)[0]["code"] == "ELSEWHERE"
    assert [len(table(settings, keys, "cases")) for settings in two] == [2, 1]


def test_rows_alike_without_an_id_are_people_of_their_own(
    two: list[RegionSettings], keys: Keys, tmp_path: Path
) -> None:
    mapping = CARDS.replace('id = "no"\n', "")
    rows = [card(1), card(1), card(2)]
    assert outcome(run(tmp_path, two, keys, rows, mapping)) == (3, 0, 0, 0)
    assert outcome(run(tmp_path, two, keys, [*rows, card(1)], mapping)) == (1, 0, 3, 0)


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_a_dry_run_says_the_same_and_writes_nothing(
    two: list[RegionSettings], keys: Keys, tmp_path: Path, many: list[dict[str, str]]
) -> None:
    before = dump(two, keys)
    dry = run(tmp_path, two, keys, many, dry_run=True, limits=Limits(10, 50))
    assert dump(two, keys) == before
    assert not (tmp_path / "data" / "loads").exists()
    assert not dry.records
    wet = run(tmp_path, two, keys, many)
    assert outcome(dry) == outcome(wet)
    assert dry.reasons == wet.reasons


def test_a_load_that_is_stopped_has_written_what_it_read(
    two: list[RegionSettings], keys: Keys, tmp_path: Path
) -> None:
    rows = [card(number) for number in range(1, 1_001)]
    asked = iter([False, False, True])
    told: list[tuple[int, int]] = []
    summary = run(
        tmp_path,
        two,
        keys,
        rows,
        stop=lambda: next(asked),
        progress=lambda done, whole: told.append((done, whole)),
    )
    assert summary.stopped
    assert summary.read == summary.loaded == 512
    assert len(table(two[0], keys, "cases")) == 512
    assert all(0 <= done <= whole for done, whole in told)
    rest = run(tmp_path, two, keys, rows)
    assert not rest.stopped
    assert outcome(rest) == (488, 0, 512, 0)


_KILLED = """
import asyncio, sys
from datetime import date
from pathlib import Path
from resolvers.loading.job import Limits
from resolvers.loading.load import load
from resolvers.loading.mapping_file import read_mapping
from tests.keys import same_keys
from tests.stores import region_settings

folder = Path(sys.argv[1])
regions = [region_settings(code, path=folder / f"{code}.db") for code in ("3201", "3202")]
keys = same_keys()
mapping = read_mapping(str(folder / "own.toml"))
asyncio.run(load(folder / "list.csv", mapping, regions, keys, folder / "data",
    rejects=folder / "rejects.csv", limits=Limits(20, 1_000), today=date(2026, 11, 22)))
"""


def _cases(path: Path) -> int:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        found: int = connection.execute("SELECT count(*) FROM cases").fetchone()[0]
        return found


@pytest.mark.no_cover  # the lines of the tests above, again and again
def test_loads_killed_at_any_moment_come_to_what_one_load_comes_to(
    stores: Stores, keys: Keys, tmp_path: Path
) -> None:
    rows = [
        card(
            number,
            county=("320102", "320281", "320104")[number % 3],
            exposed="2026-02-20" if number % 4 == 0 else "",
            reported=f"2026-03-{number % 28 + 1:02d}",
            age="?" if number % 50 == 0 else "40",
        )
        for number in range(1, 1_501)
    ]
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    folders = {
        folder: [stores.sqlite(code, folder / f"{code}.db") for code in ("3201", "3202")]
        for folder in (straight, killed)
    }
    whole = run(straight, folders[straight], keys, rows)
    assert whole.loaded == 1_500

    write_csv(killed / "list.csv", rows)
    (killed / "own.toml").write_text(CARDS, "utf-8")
    interrupted = 0
    for after in (1, 300, 620):  # at least so many cases, and then whatever it is just doing
        load = subprocess.Popen([sys.executable, "-c", _KILLED, str(killed)])
        while load.poll() is None and _cases(killed / "3201.db") < after:
            time.sleep(0.002)
        load.send_signal(signal.SIGKILL)
        interrupted += load.wait() == -signal.SIGKILL
        for settings in folders[killed]:
            assert in_store(settings, lambda store: rebuild(store, mend=False)).agrees
    assert interrupted == 3
    rest = run(killed, folders[killed], keys, rows)
    assert 0 < rest.loaded < 1_500
    assert rest.loaded + rest.unchanged == 1_500
    assert dump(folders[killed], keys) == dump(folders[straight], keys)  # the ids, too


# Stores that cannot take it


def test_a_store_without_tables_is_told_before_anything_is_written(
    two: list[RegionSettings], keys: Keys, tmp_path: Path
) -> None:
    missing = region_settings("3305", path=tmp_path / "330500.db")
    with pytest.raises(StoreBehind):
        run(tmp_path, [*two, missing], keys, [card(1)])
    assert not (tmp_path / "330500.db").exists()
    assert table(two[0], keys, "cases") == []


def test_a_store_that_is_down_is_told(keys: Keys, tmp_path: Path) -> None:
    down = region_settings("3201", url="postgresql://x@127.0.0.1:1/x")
    with pytest.raises(RegionUnavailable):
        run(tmp_path, [down], keys, [card(1)])


def test_a_store_that_fails_keeps_the_batches_before(
    two: list[RegionSettings], keys: Keys, tmp_path: Path
) -> None:
    rows = [card(number) for number in range(1, 31)]
    path = two[0].path
    assert path
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON cases WHEN (SELECT count(*) FROM cases) >= 15 "
            "BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
        )
    with pytest.raises(StoreError) as failed:
        run(tmp_path, two, keys, rows, limits=Limits(10, 1_000))
    assert "320100" in failed.value.message
    assert "again" in failed.value.hint
    assert len(table(two[0], keys, "cases")) == 10
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TRIGGER full")
    assert outcome(run(tmp_path, two, keys, rows)) == (20, 0, 10, 0)


def test_a_list_that_breaks_off_keeps_the_batches_before(
    two: list[RegionSettings], keys: Keys, tmp_path: Path
) -> None:
    file = write_csv(tmp_path / "list.csv", [card(number) for number in range(1, 31)])
    whole = file.read_bytes()
    file.write_bytes(gzip.compress(whole)[:-20])
    with pytest.raises(LoadError, match="damaged"):
        run(tmp_path, two, keys, file)
    lines = whole.splitlines(keepends=True)
    file.write_bytes(b"".join([*lines[:20], b"\xff", *lines[20:]]))
    with pytest.raises(LoadError, match=r"list.csv:21: byte \d+ \(0xff\) is no UTF-8"):
        run(tmp_path, two, keys, file, limits=Limits(10, 1_000))
    assert len(table(two[0], keys, "cases")) == 10
    file.write_bytes(whole)
    assert outcome(run(tmp_path, two, keys, file)) == (20, 0, 10, 0)


# Contacts


CONTACTS = """\
title = "Contacts"
kind = "contact"
source = "contacts"
id = "no"

[[place]]
column = "county"
lookup = "code"

[person]
name = "name"
id_number = "id_number"

[contact]
level = { column = "level", table = { "密接" = "CLOSE", "次密接" = "SECONDARY" } }
source_case = { column = "case", source = "cards" }
parent_contact = "parent"
manner = { column = "manner", table = "manners" }
last_contact_on = "last"
registered_at = "registered"
place = "where"

[tables.manners]
"同餐" = "SHARED_MEAL"
"同住同餐" = "SHARED_RESIDENCE;SHARED_MEAL"
"""


def contact(number: int, **values: str) -> dict[str, str]:
    return {
        "no": f"C{number}",
        "county": "320102",
        "name": f"测试{chr(0x6000 + number)}",
        "id_number": "",
        "level": "密接",
        "case": "1",
        "parent": "",
        "manner": "同餐",
        "last": "2026-03-02",
        "registered": "",
        "where": "",
        **values,
    }


def test_contacts_are_linked_to_cases_and_parents_of_any_region(
    two: list[RegionSettings], keys: Keys, tmp_path: Path
) -> None:
    run(tmp_path, two, keys, [card(1, county="320281"), card(2)])
    rows = [
        contact(1, parent="C3", level="次密接", case="", manner=""),  # its parent comes later
        contact(2, registered="2026-03-04", where="餐厅"),
        contact(3, county="320205", case="2", manner="同住同餐"),
        contact(4, case="", last="", registered="2026-03-05"),
    ]
    summary = run(tmp_path, two, keys, rows, CONTACTS)
    assert outcome(summary) == (4, 0, 0, 0)
    assert summary.records == {"people": 4, "contacts": 4}
    nanjing = {row["source_key"]: row for row in table(two[0], keys, "contacts")}
    (wuxi,) = table(two[1], keys, "contacts")
    case_of = {row["source_key"]: row["id"] for s in two for row in table(s, keys, "cases")}
    second = nanjing["contacts:contact:C2"]
    assert second["source_case_id"] == case_of["cards:case:1"]  # in the other region
    assert (second["created_at"], second["sealed_place"]) == ("2026-03-04T00:00:00Z", "餐厅")
    assert (second["level"], second["route"], second["traced"]) == ("CLOSE", "OWN_SCREENING", "YES")
    assert (second["outcome"], second["rule_pack"]) == ("CONTINUING", "N113")
    assert json.loads(second["manner"]) == ["SHARED_MEAL"]
    first = nanjing["contacts:contact:C1"]
    assert first["parent_contact_id"] == wuxi["id"]
    assert (first["source_case_id"], first["manner"], first["level"]) == (None, "[]", "SECONDARY")
    assert wuxi["source_case_id"] == case_of["cards:case:2"]
    assert json.loads(wuxi["manner"]) == ["SHARED_RESIDENCE", "SHARED_MEAL"]
    assert wuxi["created_at"] == "2026-03-02T00:00:00Z"
    diseases = {row["id"]: row["disease"] for s in two for row in table(s, keys, "cases")}
    assert second["disease"] == diseases[second["source_case_id"]] is not None
    assert first["disease"] == wuxi["disease"] == second["disease"]  # by its parent
    assert nanjing["contacts:contact:C4"]["disease"] is None
    before = dump(two, keys)
    assert outcome(run(tmp_path, two, keys, rows, CONTACTS)) == (0, 0, 4, 0)
    assert dump(two, keys) == before


def test_contacts_whose_links_lead_nowhere_are_rejected(
    two: list[RegionSettings], keys: Keys, tmp_path: Path
) -> None:
    run(tmp_path, two, keys, [card(1)])
    rows = [
        contact(1, case="99"),
        contact(2, parent="C99"),
        contact(3, last="", registered=""),
        contact(4),
    ]
    summary = run(tmp_path, two, keys, rows, CONTACTS)
    assert outcome(summary) == (1, 3, 0, 0)
    told = {row["value"]: (row["column"], row["code"]) for row in rejected(tmp_path)}
    assert told == {
        "99": ("case", "UNKNOWN_CASE"),
        "C99": ("parent", "UNKNOWN_CONTACT"),
        "": ("registered_at", "MISSING"),
    }
    optional = CONTACTS.replace('source = "cards" }', 'source = "cards", or_empty = true }')
    summary = run(tmp_path, two, keys, [contact(1, case="99")], optional)
    assert outcome(summary) == (1, 0, 0, 0)
    assert summary.notices == {"DROPPED": 1}


def test_contacts_of_a_case_outside_are_taken_without_the_link(
    two: list[RegionSettings], keys: Keys, tmp_path: Path
) -> None:
    run(tmp_path, two, keys, [card(1, county="110101")])
    summary = run(tmp_path, two, keys, [contact(1)], CONTACTS)
    assert outcome(summary) == (1, 0, 0, 0)
    assert summary.notices == {"CASE_OUTSIDE": 1}
    assert table(two[0], keys, "contacts")[0]["source_case_id"] is None


def test_a_dry_run_of_contacts_knows_parents_it_would_have_written(
    two: list[RegionSettings], keys: Keys, tmp_path: Path
) -> None:
    run(tmp_path, two, keys, [card(1)])
    rows = [contact(1), contact(2, parent="C1"), contact(3, parent="C9")]
    dry = run(tmp_path, two, keys, rows, CONTACTS, dry_run=True)
    assert outcome(dry) == (2, 1, 0, 0)
    assert table(two[0], keys, "contacts") == []
    assert outcome(run(tmp_path, two, keys, rows, CONTACTS)) == (2, 1, 0, 0)


def test_private_ids_can_be_referred_to(
    two: list[RegionSettings], keys: Keys, tmp_path: Path
) -> None:
    mapping = CARDS.replace('id = "no"', 'id = "id_number"')
    run(tmp_path, two, keys, [card(1)], mapping)
    rows = [contact(1, case=card(1)["id_number"])]
    assert outcome(run(tmp_path, two, keys, rows, CONTACTS)) == (1, 0, 0, 0)
    (case,) = table(two[0], keys, "cases")
    assert table(two[0], keys, "contacts")[0]["source_case_id"] == case["id"]
    assert "#" in case["source_key"]


# Links


LINKS = """\
title = "Who exposed whom"
kind = "contact_link"
source = "links"
id = ["from", "to"]

[link]
case = { column = "from", source = "cards" }
person = { column = "to", source = "cards" }

[contact]
manner = { column = "how", table = { ward = "SHARED_WARD", home = "SHARED_RESIDENCE" } }
outcome = { constant = "TURNED_CONFIRMED" }

[exposure]
kind = { column = "how", table = { ward = "HEALTH_CARE", home = "HOUSEHOLD" } }
"""


def link(case: int, person: int, how: str = "ward") -> dict[str, str]:
    return {"from": str(case), "to": str(person), "how": how}


def test_links_make_contacts_and_name_the_source_of_exposures(
    stores: Stores, keys: Keys, tmp_path: Path
) -> None:
    regions = [stores.postgresql("3201"), stores.sqlite("3305")]
    run(
        tmp_path,
        regions,
        keys,
        [
            card(1, county="330521"),
            card(2, exposed="2026-02-20", where="病房"),
            card(3),
            card(4, county="110101"),
        ],
    )
    rows = [
        link(1, 2),
        link(3, 2, "home"),
        link(2, 1),
        link(1, 3),
        link(4, 1),
        link(1, 9),
        link(2, 2),
    ]
    summary = run(tmp_path, regions, keys, rows, LINKS)
    assert outcome(summary) == (4, 2, 0, 1)
    assert summary.reasons == {"UNKNOWN_CASE": 1, "SAME_CASE": 1}
    assert summary.records == {"contacts": 4, "exposures": 3}
    assert [row["value"] for row in rejected(tmp_path)] == ["9", "2"]

    ids = {row["source_key"]: row for s in regions for row in table(s, keys, "cases")}
    one, two, three = (ids[f"cards:case:{n}"] for n in (1, 2, 3))
    nanjing = {row["source_key"]: row for row in table(regions[0], keys, "contacts")}
    first = nanjing["links:contact_link:1|2"]
    assert (first["person_id"], first["source_case_id"]) == (two["person_id"], one["id"])
    assert first["route"] == "OTHER_PROVINCE"
    assert (first["first_contact_on"], first["last_contact_on"]) == ("2026-02-20", None)
    assert (first["outcome"], first["created_at"]) == ("TURNED_CONFIRMED", two["created_at"])
    assert nanjing["links:contact_link:3|2"]["route"] == "OWN_SCREENING"

    exposures = table(regions[0], keys, "exposures")
    assert [
        (row["case_id"], row["source_case_id"], row["kind"], row["started_on"]) for row in exposures
    ] == [
        (two["id"], one["id"], "HEALTH_CARE", "2026-02-20"),  # the one of the line list
        (two["id"], three["id"], "HOUSEHOLD", "2026-02-20"),  # another one beside it
        (three["id"], one["id"], "HEALTH_CARE", None),
    ]
    assert exposures[0]["sealed_place"] == "病房"
    (back,) = table(regions[1], keys, "contacts")
    assert (back["person_id"], back["source_case_id"]) == (one["person_id"], two["id"])

    before = dump(regions, keys)
    assert outcome(run(tmp_path, regions, keys, rows, LINKS)) == (0, 2, 4, 1)
    assert outcome(run(tmp_path, regions, keys, [link(1, 2, "home")], LINKS)) == (0, 1, 0, 0)
    assert dump(regions, keys) == before


def test_links_in_small_batches_and_dry(
    two: list[RegionSettings], keys: Keys, tmp_path: Path
) -> None:
    run(tmp_path, two, keys, [card(number, exposed="2026-02-20") for number in range(1, 10)])
    rows = [link(number, number + 1) for number in range(1, 9)]
    assert outcome(run(tmp_path, two, keys, rows, LINKS, dry_run=True)) == (8, 0, 0, 0)
    assert table(two[0], keys, "contacts") == []
    assert outcome(run(tmp_path, two, keys, rows, LINKS, limits=Limits(3, 100))) == (8, 0, 0, 0)
    assert outcome(run(tmp_path, two, keys, [{"from": "", "to": "1", "how": "ward"}], LINKS)) == (
        0,
        1,
        0,
        0,
    )


def test_a_case_that_moves_inside_leaves_the_list_of_those_outside(
    two: list[RegionSettings], keys: Keys, tmp_path: Path
) -> None:
    run(tmp_path, two[:1], keys, [card(1, county="320281"), card(2)])
    assert outcome(run(tmp_path, two[:1], keys, [link(1, 2)], LINKS)) == (0, 0, 0, 1)
    kept = tmp_path / "data" / "loads" / "cards.outside"
    assert kept.read_text() == "cards:case:1\n"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    run(tmp_path, two, keys, [card(1, county="320281")])  # Wuxi is configured now
    assert kept.read_text() == ""
    assert outcome(run(tmp_path, two, keys, [link(1, 2)], LINKS)) == (1, 0, 0, 0)


# Counts


COUNTS = """\
title = "Counts"
kind = "daily_count"
source = "counts"

[[place]]
column = "code"
lookup = "code"

[[place]]
column = "province"
lookup = "code"
coarser = true

[count]
disease = { constant = "covid19" }
day = "day"
cases = "cases"
deaths = "deaths"
cumulative = true
series = "code"
"""


def count(code: str, day: int, cases_so_far: int, deaths: int = 0) -> dict[str, str]:
    return {
        "code": code,
        "province": "320000",
        "day": f"2020-02-{day:02d}",
        "cases": str(cases_so_far),
        "deaths": str(deaths),
    }


def test_counts_are_kept_as_reported_and_never_changed(
    stores: Stores, keys: Keys, tmp_path: Path
) -> None:
    regions = [stores.postgresql("32"), stores.sqlite("3305")]
    rows = [
        count("320100", 1, 2),
        count("320100", 2, 5, 1),
        count("320100", 2, 5, 1),
        count("320100", 3, 4, 1),
        count("3200xx", 1, 1),
        count("3200yy", 1, 2),
        count("330500", 1, 7),
        count("110000", 1, 9),
        count("320100", 40, 9),
    ]
    summary = run(tmp_path, regions, keys, rows, COUNTS)
    assert outcome(summary) == (6, 1, 1, 1)
    assert summary.by_region == {"320000": 5, "330500": 1}
    kept = {
        (row["code"], row["day"]): (row["cases"], row["deaths"], row["source"])
        for row in table(regions[0], keys, "daily_counts")
    }
    assert kept == {
        ("320000", "2020-02-01"): (3, 0, "REPORTED"),
        ("320100", "2020-02-01"): (2, 0, "REPORTED"),
        ("320100", "2020-02-02"): (2, 1, "REPORTED"),
        ("320100", "2020-02-03"): (0, 0, "REPORTED"),
    }
    before = dump(regions, keys)
    assert outcome(run(tmp_path, regions, keys, rows, COUNTS)) == (0, 1, 7, 1)
    again = [*rows[:1], count("320100", 2, 9), *rows[4:8], count("330500", 2, 8)]
    summary = run(tmp_path, regions, keys, again, COUNTS)
    assert outcome(summary) == (1, 1, 4, 1)
    (row,) = rejected(tmp_path)
    assert row["code"] == "COUNT_CHANGED"
    assert row["value"] == "320100 2020-02-02: 7 cases, 0 deaths; kept are 2 cases, 1 deaths"
    assert dump(regions[:1], keys) == {key: before[key] for key in before if key[0] == "320000"}


def test_half_a_list_of_counts_writes_nothing(
    two: list[RegionSettings], keys: Keys, tmp_path: Path
) -> None:
    asked = iter([False, True])
    rows = [count("320100", day % 28 + 1, 5) for day in range(300)]
    summary = run(tmp_path, two, keys, rows, COUNTS, stop=lambda: next(asked))
    assert summary.stopped
    assert summary.read == 0
    assert table(two[0], keys, "daily_counts") == []


def test_a_dry_run_of_counts_writes_nothing(
    two: list[RegionSettings], keys: Keys, tmp_path: Path
) -> None:
    summary = run(tmp_path, two, keys, [count("320100", 1, 5)], COUNTS, dry_run=True)
    assert outcome(summary) == (1, 0, 0, 0)
    assert table(two[0], keys, "daily_counts") == []


def test_another_loader_of_the_same_list_gets_a_name(
    postgres_url: str, stores: Stores, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = stores.postgresql("3201")
    run(tmp_path, [settings], keys, [card(1)])
    # As if it had been committed by the other between our look and our insertion.
    monkeypatch.setattr("resolvers.loading.records.rows_by_text", lambda *_: iter(()))
    with pytest.raises(StoreError, match="refused a batch"):
        run(tmp_path, [settings], keys, [card(1)])
    assert len(table(settings, keys, "cases")) == 1


def test_counts_of_cases_go_with_other_writers_counts(
    store_settings: RegionSettings, keys: Keys, tmp_path: Path
) -> None:
    run(tmp_path, [store_settings], keys, [card(1), card(2, county="320104")])
    in_store(
        store_settings,
        lambda store: store.execute(insert(cases).values(**_written_elsewhere())),
    )
    found = in_store(store_settings, lambda store: rebuild(store, mend=True))
    assert [(cell.kept, cell.true) for cell in found.wrong] == [((1, 0), (2, 0))]
    summary = run(tmp_path, [store_settings], keys, [card(3)])
    assert summary.loaded == 1
    assert in_store(store_settings, lambda store: rebuild(store, mend=False)).agrees


def _written_elsewhere() -> dict[str, Any]:
    return {
        "id": 1,
        "person_id": 1,
        "disease": "measles",
        "classification": "CONFIRMED",
        "origin": "LOCAL",
        "code": "320102",
        "reported_at": "2026-03-01T10:00:00Z",
        "unit_id": "cdc-320102",
        "created_at": "2026-03-01T10:00:00Z",
        "updated_at": "2026-03-01T10:00:00Z",
    }
